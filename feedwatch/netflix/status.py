"""Status replies of the API, and what a failed request means in the light of one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from feedwatch.core.model import FetchFailed, ParseFailed, Reason
from feedwatch.markup import name_of, read_markup

_OVER_LIMIT = re.compile(r"over (?:queries|requests|calls) per (second|minute|hour|day) limit", re.IGNORECASE)
_BAD_FEED_TOKEN = re.compile(r"\bfeed token\b", re.IGNORECASE)
_NAMED_SECRET = re.compile(r"\b\w*(?:token|secret|signature|key|nonce)=\S*", re.IGNORECASE)
_OPAQUE = re.compile(r"[^\s\"'<>]{24,}|\b(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'<>]{12,}")
_LONGEST_DETAIL = 200
_LONGEST_LOOKED_AT = 2000
"""Of a longer message only the start is: looking for tokens takes time by the square of its length."""
_LARGEST = 64 * 1024
"""A longer document is no status; of an error no more is kept anyway."""

# A few seconds, not one: whoever else shares the key fills the next second as well.
_RENEWALS: Mapping[str, timedelta] = {
    "second": timedelta(seconds=5),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class ApiStatus:
    """What a status document says; the codes are None where it leaves them out."""

    status_code: int | None
    sub_code: int | None
    message: str


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
    """Refine why a request failed by the message that came with the failure."""
    status = read_status(failed.body) if failed.status is not None else None
    message = status.message if status else ""
    refined = replace(failed, detail=redact_message(message) or failed.detail)
    if failed.status == 403 and (limit := _OVER_LIMIT.search(message)) is not None:
        rest = failed.retry_after or _time_to_renewal(limit[1].lower(), now)
        return replace(refined, reason=Reason.RATE_LIMITED, retry_after=rest)
    if failed.status == 403:
        bad_token = tokenized and _BAD_FEED_TOKEN.search(message)
        return replace(refined, reason=Reason.BAD_TOKEN if bad_token else Reason.FORBIDDEN)
    if failed.status == 401 and tokenized:
        return replace(refined, reason=Reason.BAD_TOKEN)
    return refined


def redact_message(message: str) -> str:
    """Make a server's message fit to be kept: one short line, nothing in it that could be a token."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if len(line) > _LONGEST_LOOKED_AT:
        line = line[:_LONGEST_LOOKED_AT].rpartition(" ")[0]  # half a token might not be known for one
    return _OPAQUE.sub("…", _NAMED_SECRET.sub("…", line))[:_LONGEST_DETAIL]


def _time_to_renewal(unit: str, now: datetime) -> timedelta:
    """Tell how long until a limit renews; a day's ends at midnight UTC, for the server names no zone."""
    if unit != "day":
        return _RENEWALS[unit]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1) - now


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
    """Read a code given as a number or as a string."""
    if isinstance(said, bool) or not isinstance(said, int | str):
        return None
    try:
        return int(said)
    except ValueError:
        return None
