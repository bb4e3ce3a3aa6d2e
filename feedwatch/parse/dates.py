"""Instants as feeds write them: epoch seconds, RFC 3339, RFC 822."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EPOCH = re.compile(r"\d{9,13}")
_NUMERIC_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST, _LATEST = 1900, 2200


def parse_instant(text: str | None) -> datetime | None:
    """Read an instant; None for what is none, or lies in a year that no list has."""
    if not text or not (text := text.strip()):
        return None
    try:
        at = _read(text)
    except (ValueError, OverflowError, OSError, IndexError, TypeError):  # the many ways to give up
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        return None
    return at if _EARLIEST <= at.year <= _LATEST else None


def _read(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        seconds = int(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
    if _NUMERIC_DATE.match(text):
        return datetime.fromisoformat(text.upper())
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return parsedate_to_datetime(f"{text} 00:00:00 +0000")  # a day
