"""Where the links of a document lead, and what they must not take along."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from feedwatch.redact import secrets_of_url

_LONGEST = 4096
"""A longer address is none; nothing is looked for in it."""
LONGEST_BASE = 1024
"""What every link of a document may be given in front."""
_WHOLE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#]|\Z)")
"""An address as nearly all are written, which is one of its own: nothing has to be split to see that."""
_BARE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[!\"$->@-~]*)?")
"""The address of a document without user, query and fragment: links start from it as it is."""


def base_of(url: str) -> str:
    """What relative links start from: never with a user, a password or a token in it.

    A link such as `#comments` would carry them into every message otherwise.
    """
    if _BARE.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    query = "" if secrets_of_url(url) else parts.query
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def is_whole(link: str) -> bool:
    """Whether a link is plainly an address of its own, whatever it stands in."""
    return len(link) <= _LONGEST and _WHOLE.match(link) is not None


def resolve_link(base: str, link: str | None) -> str | None:
    """Give a link as an address of its own; None where there is none."""
    if not link or len(link) > _LONGEST:
        return None
    if is_whole(link):
        return link
    try:
        parts = urlsplit(link)
        return link if parts.scheme and parts.netloc else urljoin(base, link)
    except ValueError:
        return None
