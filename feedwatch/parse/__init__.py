"""Bytes → a page of entries, judged by the root element and never by what a server calls it.

Atom, RSS and the API's plain XML are read straight from lxml's tree, JSON Feed from JSON, everything else
by feedparser in a process of its own. A document that cannot be believed is a value, not an exception.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from lxml import etree

from feedwatch.core.model import Kind, Page, ParseFailed, Reason
from feedwatch.parse.charset import settle_charset
from feedwatch.parse.details import Seen
from feedwatch.parse.elements import local_name
from feedwatch.parse.foreign import FeedparserWorker
from feedwatch.parse.guard import (
    Element,
    ends_whole,
    is_hostile,
    parse_strictly,
    prune_broken,
    refuse_broken,
    refuse_page,
    refuse_tree,
    refuse_unread,
    root_name,
)
from feedwatch.parse.jsonfeed import read_json
from feedwatch.parse.links import base_of
from feedwatch.parse.pruning import prune_tree
from feedwatch.parse.rss import read_rss
from feedwatch.parse.said import add_seen
from feedwatch.parse.tree import ATOM, is_plain_root, read_atom, read_plain

__all__ = ["NeedsFeedparser", "Parser", "read_direct"]

_FOREIGN_ROOTS = {"rss", "rdf", "feed", "channel"}
_STRICT_KINDS = {Kind.QUEUE, Kind.RATINGS}
_LARGE = 256 * 1024
"""A longer document is read in a thread: the loop has other feeds to serve."""


@dataclass(frozen=True, slots=True)
class NeedsFeedparser:
    """The document is for feedparser to read, in this charset if it names none itself.

    `broken` says that it is not well-formed: then nothing is pruned but what stands before the root, and
    nothing was `seen` of its entries.
    """

    body: bytes = field(repr=False)
    charset: str | None
    broken: bool = False
    seen: tuple[Seen, ...] = field(default=(), repr=False)


class Parser:
    """Reads documents. Of one event loop; `aclose` ends its worker."""

    def __init__(self) -> None:
        self._worker = FeedparserWorker()

    async def read_page(
        self, body: bytes, *, kind: Kind, url: str, content_type: str | None
    ) -> Page | ParseFailed:
        """Read one document. What is broken is never believed where absence means removal."""
        if len(body) > _LARGE:
            read = await asyncio.to_thread(read_direct, body, kind=kind, url=url, content_type=content_type)
        else:
            read = read_direct(body, kind=kind, url=url, content_type=content_type)
        if isinstance(read, NeedsFeedparser):
            found = await self._worker.read(read.body, base_of(url), read.charset, broken=read.broken)
            read = replace(add_seen(found, read.seen), entangled=True) if isinstance(found, Page) else found
        return (refuse_page(read) if isinstance(read, Page) else None) or read

    async def aclose(self) -> None:
        """End the worker process, if there is one."""
        await self._worker.aclose()


def read_direct(
    body: bytes, *, kind: Kind, url: str, content_type: str | None
) -> Page | ParseFailed | NeedsFeedparser:
    """Read what can be read in this process, or say that it is for feedparser."""
    body = body.lstrip()  # the one fault that changes nothing: white space before the declaration
    base = base_of(url)
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return read_json(body, base)
    settled = settle_charset(body, content_type)
    if isinstance(settled, ParseFailed):
        return settled
    body, charset = settled.body, settled.charset
    refused = refuse_unread(body)
    if refused:
        return refused
    try:
        root = parse_strictly(body, charset)
    except (etree.XMLSyntaxError, LookupError) as error:
        return _judge_broken(body, kind, charset or settled.declared, error)
    return refuse_tree(root) or _read_root(root, body, base)


def _read_root(root: Element, body: bytes, base: str) -> Page | ParseFailed | NeedsFeedparser:
    name = local_name(root)
    if root.tag == ATOM + "feed":
        return read_atom(root, base)
    if name in ("status", "error"):
        message = root.findtext("{*}message") or root.findtext("message") or ""
        return ParseFailed(Reason.ERROR_DOCUMENT, " ".join(message.split())[:200])
    if is_plain_root(name):
        return read_plain(root, base)
    if name.lower() in _FOREIGN_ROOTS:
        rss = read_rss(root, body, base) if root.tag == "rss" else None
        return rss or _prepare_foreign(root, base)
    return ParseFailed(Reason.NOT_A_FEED, f"a document of <{name[:40]}>")


def _prepare_foreign(root: Element, base: str) -> ParseFailed | NeedsFeedparser:
    pruned = prune_tree(root, base)
    if isinstance(pruned, ParseFailed):
        return pruned
    return NeedsFeedparser(pruned.body, "utf-8", seen=pruned.seen)


def _judge_broken(
    body: bytes, kind: Kind, charset: str | None, error: Exception
) -> ParseFailed | NeedsFeedparser:
    """What is not well-formed: a post can be read all the same, but no list can be believed."""
    if is_hostile(error):
        return ParseFailed(Reason.HOSTILE, "beyond what any feed holds")
    name = root_name(body)
    if name not in _FOREIGN_ROOTS and not is_plain_root(name):
        return ParseFailed(Reason.NOT_A_FEED, "no feed in XML or JSON")
    readable = name in _FOREIGN_ROOTS and ends_whole(body) and b"\0" not in body
    if kind in _STRICT_KINDS or not readable:
        return ParseFailed(Reason.MALFORMED, _place_of(error))
    return refuse_broken(body) or NeedsFeedparser(prune_broken(body), charset, broken=True)


def _place_of(error: Exception) -> str:
    # Where, and not what: the parser's own words repeat pieces of the document.
    if not isinstance(error, etree.XMLSyntaxError):
        return "in a charset that is not known"
    line, column = error.position
    return f"not well-formed at line {line}, column {column}"
