"""Instants as feeds write them: epoch seconds, RFC 3339, RFC 822."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EPOCH = re.compile(r"\d{9,13}")
_NUMERIC_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_USUAL_RFC_822 = re.compile(
    rf"(?:[A-Z][a-z]{{2}}, )?([0-9]{{1,2}}) ({'|'.join(_MONTHS)}) ([12][0-9]{{3}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|\+0000)"
)
_EARLIEST, _LATEST = 1900, 2200


def parse_instant(text: str | None) -> datetime | None:
    """Read an instant; None for what is none, or lies in a year that no list has."""
    if not text or not (text := text.strip()):
        return None
    try:
        at = datetime.fromisoformat(text.upper()) if _NUMERIC_DATE.match(text) else _read_other(text)
        if at.tzinfo is not UTC:
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError, IndexError, TypeError):  # the many ways to give up
        return None
    return at if _EARLIEST <= at.year <= _LATEST else None


def _read_other(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        seconds = int(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
    if usual := _USUAL_RFC_822.fullmatch(text):  # as nearly all are: the rules for all take twice as long
        day, month, *rest = usual.groups()
        year, hour, minute, second = map(int, rest)
        return datetime(year, _MONTHS[month], int(day), hour, minute, second, tzinfo=UTC)
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return parsedate_to_datetime(f"{text} 00:00:00 +0000")  # a day
