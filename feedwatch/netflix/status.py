"""Status replies of the API, and what a failed request means in the light of one, by the table of statuses.

A failure bears the reason that the wire gave it (`fetch.failures`, by its status alone). The table has the
last word where there is a status to judge by, and the wire where there is none.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from feedwatch.core.model import FetchFailed, ParseFailed, Reason
from feedwatch.core.statuses import Action, Resource, Row, Service, actions_of_reasons, judge_status
from feedwatch.markup import name_of, read_markup

_NAMED_SECRET = re.compile(r"\b\w*(?:token|secret|signature|key|nonce)=\S*", re.IGNORECASE)
_OPAQUE = re.compile(r"[^\s\"'<>]{24,}|\b(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'<>]{12,}")
_LONGEST_DETAIL = 200
_LONGEST_LOOKED_AT = 2000
"""Of a longer message only the start is: looking for tokens takes time by the square of its length."""
_LARGEST = 64 * 1024
"""A longer document is no status; of an error no more is kept anyway."""
_LARGEST_CODE = 999_999
_MOST_LOGGED = 500
_OF_THE_WIRE: Final = frozenset(actions_of_reasons) - {Reason.ERROR_DOCUMENT}
"""What went wrong before there was a status, or after it."""

_LOG = logging.getLogger(__name__)
_logged: set[tuple[int, int | None]] = set()


@dataclass(frozen=True, slots=True)
class ApiStatus:
    """What a status document says; the codes are None where it leaves them out."""

    status_code: int | None
    sub_code: int | None
    message: str


NOTHING: Final = ApiStatus(None, None, "")


def read_status(body: bytes) -> ApiStatus | None:
    """Read a status document in its XML or JSON form; None for anything else."""
    if len(body) > _LARGEST:
        return None
    said = _read_json(body) if body.lstrip()[:1] == b"{" else _read_xml(body)
    if said is None:
        return None
    message = str(said.get("message") or "").strip()
    return ApiStatus(_read_number(said.get("status_code")), _read_number(said.get("sub_code")), message)


def classify_failure(failed: FetchFailed, *, tokenized: bool, now: datetime) -> FetchFailed:
    """Refine why a request failed by the message that came with the failure.

    `tokenized` says that it was for a feed with a token in its address, and not signed.
    """
    if failed.status is None or not is_by_status(failed):
        return failed
    said = read_status(failed.body) or NOTHING
    row = find_row(failed.status, said, Resource.FEEDS if tokenized else Resource.SIGNED)
    return replace(
        failed,
        reason=row.reason or failed.reason,
        detail=redact_message(said.message) or failed.detail,
        retry_after=rest_of(failed, row, now) if row.reason is Reason.RATE_LIMITED else failed.retry_after,
    )


def is_by_status(failed: FetchFailed) -> bool:
    """Whether it is the status that failed, and not what came before or after it."""
    return failed.status is not None and failed.status >= 400 and failed.reason not in _OF_THE_WIRE


def find_row(status: int, said: ApiStatus, resource: Resource) -> Row:
    """Find what the table has for an answer; what it does not have is logged."""
    row = judge_status(Service.NETFLIX, status, code=said.sub_code, message=said.message, resource=resource)
    if row.action is Action.UNKNOWN:
        _log_once(status, said)
    return row


def rest_of(failed: FetchFailed, row: Row, now: datetime) -> timedelta | None:
    """How long to wait: as the server asks, else as the row has it. A day's limit ends at midnight UTC."""
    if failed.retry_after is not None or not row.until_day_ends:
        return failed.retry_after or row.rest
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1) - now


def redact_message(message: str) -> str:
    """Make a server's message fit to be kept: one short line, nothing in it that could be a token."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if len(line) > _LONGEST_LOOKED_AT:
        line = line[:_LONGEST_LOOKED_AT].rpartition(" ")[0]  # half a token might not be known for one
    return _OPAQUE.sub("…", _NAMED_SECRET.sub("…", line))[:_LONGEST_DETAIL]


def _log_once(status: int, said: ApiStatus) -> None:
    """Log an answer that the table does not have: the first of its kind, for a feed may give it for ever."""
    kind = (status, said.sub_code)
    if kind in _logged or len(_logged) >= _MOST_LOGGED:
        return
    _logged.add(kind)
    message = redact_message(said.message)
    _LOG.warning("unknown answer status=%d sub_code=%s message=%r", status, said.sub_code, message)


def _read_json(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    said = document.get("status") if isinstance(document, dict) else None
    return said if isinstance(said, dict) else None


def _read_xml(body: bytes) -> Mapping[str, object] | None:
    root = read_markup(body)
    if isinstance(root, ParseFailed) or name_of(root) != "status":
        return None
    return {name_of(child): child.text for child in root}


def _read_number(said: object) -> int | None:
    """Read a code given as a number or as a string; one of thousands of digits is none."""
    if isinstance(said, bool) or not isinstance(said, int | str):
        return None
    try:
        number = int(said)
    except ValueError:
        return None
    return number if 0 <= number <= _LARGEST_CODE else None
