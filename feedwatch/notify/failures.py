"""Why a message was not taken: from what was seen on the wire, else from what Apprise logged.

Apprise itself says only that it failed. Nothing of a log or of a reply is ever passed on: both hold
addresses, and those hold tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from feedwatch.core.messages import NotifyFailed, NotifyOutcome, NotifyTimedOut
from feedwatch.core.model import Reason

_NOT_REFUSALS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_LONGEST_REST = timedelta(days=1)

_LOGGED_STATUS = re.compile(r"\berror=(?P<code>[1-5]\d\d)\b")
_LOGGED_REST = re.compile(r"retry[ _-]after\W{1,4}(?P<seconds>\d{1,6}(?:\.\d{1,3})?)", re.IGNORECASE)
_LOGGED_SMTP = re.compile(r"(?:\(|was refused: )(?P<code>[245]\d\d)(?:, b['\"]|\s)")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request seen on the wire: the status of its reply, or how it broke (in words of our own).

    `silent` says that it was sent and no reply came, in time or before the connection broke: it may
    have been taken.
    """

    status: int | None = None
    retry_after: timedelta | None = None
    broke: str = ""
    silent: bool = False

    @property
    def went_well(self) -> bool:
        """Whether the service took this request."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class BadAddress:
    """Why an address cannot be used, in words without its secrets."""

    problem: str


def judge_failure(exchanges: Sequence[Exchange], log: Iterable[str]) -> NotifyOutcome:
    """Say what a send that failed came to: to silence, if one request met that, whatever others met.

    Else the last that went wrong tells.
    """
    if not exchanges:
        return _judge_log("\n".join(log))
    if any(each.silent for each in exchanges):
        return NotifyTimedOut()
    telling = next((each for each in reversed(exchanges) if not each.went_well), exchanges[-1])
    if telling.status is None:
        return NotifyFailed(Reason.UNREACHABLE, telling.broke)
    if telling.went_well:
        return NotifyFailed(Reason.REFUSED, f"HTTP {telling.status}, with an error inside")
    rest = telling.retry_after
    return judge_status(telling.status, rest if rest is not None else _read_rest("\n".join(log)))


def limit_rest(seconds: float) -> timedelta:
    """A service's wish for rest, within reason."""
    return min(timedelta(seconds=min(max(seconds, 0.0), 1e6)), _LONGEST_REST)


def judge_status(status: int, rest: timedelta | None) -> NotifyFailed:
    """Say what a status other than a success means."""
    detail = f"HTTP {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotifyFailed(Reason.RATE_LIMITED, detail, rest)
    if 400 <= status < 500 and status not in _NOT_REFUSALS:
        return NotifyFailed(Reason.REFUSED, detail)
    return NotifyFailed(Reason.UNREACHABLE, detail, rest)


def _judge_log(text: str) -> NotifyFailed:
    if status := _LOGGED_STATUS.search(text):
        return judge_status(int(status["code"]), _read_rest(text))
    if smtp := _LOGGED_SMTP.search(text):
        reason = Reason.REFUSED if smtp["code"].startswith("5") else Reason.UNREACHABLE
        return NotifyFailed(reason, f"SMTP {smtp['code']}")
    if "timed out" in text:
        return NotifyFailed(Reason.UNREACHABLE, "no connection in time")
    return NotifyFailed(Reason.UNREACHABLE, "no answer")


def _read_rest(text: str) -> timedelta | None:
    found = _LOGGED_REST.search(text)
    return limit_rest(float(found["seconds"])) if found else None
