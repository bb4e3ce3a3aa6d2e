"""What the headers of a reply say: its validators, how long it is fresh, when to come back.

They are gone through once for each reply (`read_head`): httpx does so anew for each header it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import httpx

from feedwatch.core.model import Validators

_LONGEST: Final = timedelta(days=1000)
_LONGEST_REST: Final = timedelta(days=7)
"""Who asks for more means something else (seconds since 1970, say), and would silence its host for years."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""A server may send these in a header; nobody may send them back."""


Head = Mapping[bytes, Sequence[bytes]]
"""The headers of a reply by their names in lower case, the values of each as they came."""


def read_head(response: httpx.Response) -> Head:
    """Give the headers of a reply."""
    head: dict[bytes, list[bytes]] = {}
    for name, value in response.headers.raw:
        head.setdefault(name.lower(), []).append(value)
    return head


def text_of(head: Head, name: bytes) -> str | None:
    """Give a header as text, its values one after another; None where there is none."""
    if name not in head:
        return None
    value = b", ".join(head[name])
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def read_validators(head: Head) -> Validators:
    """Give ETag and Last-Modified exactly as they came."""
    return Validators(_exact(head, b"etag"), _exact(head, b"last-modified"))


def read_max_age(head: Head) -> timedelta | None:
    """Give how long the server itself calls its reply fresh (RFC 9111, section 5.2.2.1)."""
    for directive in (text_of(head, b"cache-control") or "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "max-age" and (seconds := _seconds(value.strip('"'))) is not None:
            return seconds
    return None


def read_retry_after(head: Head, now: datetime) -> timedelta | None:
    """Give how long a server wants not to be asked: seconds, or until a date (RFC 9110, section 10.2.3)."""
    text = (text_of(head, b"retry-after") or "").strip()
    if (seconds := _seconds(text)) is not None:
        return min(seconds, _LONGEST_REST)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):  # it has more than one way to give up
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), _LONGEST_REST)


def read_date(head: Head) -> datetime | None:
    """Give what the server's own clock says (RFC 9110, section 6.6.1)."""
    return _parse_date(text_of(head, b"date") or "")


@lru_cache(maxsize=16)  # all replies of one second say the same
def _parse_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _exact(head: Head, name: bytes) -> str | None:
    """A header that can be sent back byte for byte; None for one that cannot."""
    value = head[name][0] if name in head else b""
    try:
        return None if _CONTROL.search(value) else value.decode() or None
    except UnicodeDecodeError:
        return None


def _seconds(text: str) -> timedelta | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return min(timedelta(seconds=int(text)), _LONGEST) if len(text) < 10 else _LONGEST
