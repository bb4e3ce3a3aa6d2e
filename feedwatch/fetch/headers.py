"""What the headers of a reply say: its validators, how long it is fresh, when to come back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from feedwatch.core.model import Validators

_LONGEST: Final = timedelta(days=1000)
_LONGEST_REST: Final = timedelta(days=7)
"""Who asks for more means something else (seconds since 1970, say), and would silence its host for years."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""A server may send these in a header; nobody may send them back."""


def read_validators(response: httpx.Response) -> Validators:
    """Give ETag and Last-Modified exactly as they came."""
    return Validators(_exact(response, b"etag"), _exact(response, b"last-modified"))


def read_max_age(headers: httpx.Headers) -> timedelta | None:
    """Give how long the server itself calls its reply fresh (RFC 9111, section 5.2.2.1)."""
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "max-age" and (seconds := _seconds(value.strip('"'))) is not None:
            return seconds
    return None


def read_retry_after(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """Give how long a server wants not to be asked: seconds, or until a date (RFC 9110, section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if (seconds := _seconds(text)) is not None:
        return min(seconds, _LONGEST_REST)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):  # it has more than one way to give up
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), _LONGEST_REST)


def read_date(headers: httpx.Headers) -> datetime | None:
    """Give what the server's own clock says (RFC 9110, section 6.6.1)."""
    try:
        at = parsedate_to_datetime(headers.get("date", ""))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _exact(response: httpx.Response, name: bytes) -> str | None:
    """A header that can be sent back byte for byte; None for one that cannot."""
    for key, value in response.headers.raw:
        if key.lower() == name:
            try:
                return None if _CONTROL.search(value) else value.decode("utf-8") or None
            except UnicodeDecodeError:
                return None
    return None


def _seconds(text: str) -> timedelta | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return min(timedelta(seconds=int(text)), _LONGEST) if len(text) < 10 else _LONGEST
