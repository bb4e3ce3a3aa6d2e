"""Bytes → a page of entries, judged by the root element and never by what a server calls it.

Atom and the API's plain XML are read straight from lxml's tree, JSON Feed from JSON, everything else
by feedparser in a process of its own. A document that cannot be believed is a value, not an exception.
"""

from __future__ import annotations

import re

from lxml import etree

from feedwatch.core.model import Kind, Page, ParseFailed, Reason
from feedwatch.parse.foreign import FeedparserWorker
from feedwatch.parse.guard import (
    Element,
    ends_whole,
    parse_strictly,
    refuse_tree,
    refuse_unread,
    root_name,
)
from feedwatch.parse.jsonfeed import read_json
from feedwatch.parse.tree import ATOM, is_plain_root, local_name, read_atom, read_plain

__all__ = ["NeedsFeedparser", "Parser", "read_direct"]

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARES_ENCODING = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff|\s*<\?xml[^>]*encoding)")
_FOREIGN_ROOTS = {"rss", "rdf", "feed", "channel"}
_STRICT_KINDS = {Kind.QUEUE, Kind.RATINGS}


class NeedsFeedparser:
    """The document is for feedparser to read."""


class Parser:
    """Reads documents. Of one event loop; `aclose` ends its worker."""

    def __init__(self) -> None:
        self._worker = FeedparserWorker()

    async def read_page(
        self, body: bytes, *, kind: Kind, url: str, content_type: str | None
    ) -> Page | ParseFailed:
        """Read one document. What is broken is never believed where absence means removal."""
        read = read_direct(body, kind=kind, url=url, content_type=content_type)
        if isinstance(read, NeedsFeedparser):
            return await self._worker.read(body, url, content_type)
        return read

    async def aclose(self) -> None:
        """End the worker process, if there is one."""
        await self._worker.aclose()


def read_direct(
    body: bytes, *, kind: Kind, url: str, content_type: str | None
) -> Page | ParseFailed | NeedsFeedparser:
    """Read what can be read in this process, or say that it is for feedparser."""
    refused = refuse_unread(body)
    if refused:
        return refused
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return read_json(body, url)
    try:
        root = parse_strictly(body, _outer_charset(body, content_type))
    except (etree.XMLSyntaxError, LookupError) as error:
        return _judge_broken(body, kind, str(error))
    return refuse_tree(root) or _read_root(root, url)


def _read_root(root: Element, url: str) -> Page | ParseFailed | NeedsFeedparser:
    name = local_name(root)
    if root.tag == ATOM + "feed":
        return read_atom(root, url)
    if name in ("status", "error"):
        message = root.findtext("{*}message") or root.findtext("message") or ""
        return ParseFailed(Reason.ERROR_DOCUMENT, " ".join(message.split())[:200])
    if is_plain_root(name):
        return read_plain(root, url)
    if name.lower() in _FOREIGN_ROOTS:
        return NeedsFeedparser()
    return ParseFailed(Reason.NOT_A_FEED, f"a document of <{name[:40]}>")


def _judge_broken(body: bytes, kind: Kind, problem: str) -> ParseFailed | NeedsFeedparser:
    """What is not well-formed: a post can be read all the same, but no list can be believed."""
    name = root_name(body)
    if name in ("html", "body", "head", ""):
        return ParseFailed(Reason.NOT_A_FEED, "neither XML nor JSON")
    if kind in _STRICT_KINDS or name not in _FOREIGN_ROOTS or not ends_whole(body):
        return ParseFailed(Reason.MALFORMED, problem[:200])
    return NeedsFeedparser()


def _outer_charset(body: bytes, content_type: str | None) -> str | None:
    """The charset that only the server names; what the document itself says comes first."""
    if content_type is None or _DECLARES_ENCODING.match(body[:200]):
        return None
    match = _CHARSET.search(content_type)
    return match[1] if match else None
