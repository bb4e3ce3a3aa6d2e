"""The index of a user's feeds, in either form it is given in → the feeds, each list once.

An index that names no feed is a failure, never an empty index: believing it would retire everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from feedwatch.core.model import FoundFeed, ParseFailed, Reason
from feedwatch.markup import Element, attributes_of, name_of, read_markup
from feedwatch.netflix.address import feed_identity, is_foreign_sort, is_of_user, is_tokenized
from feedwatch.netflix.status import read_status
from feedwatch.opml import read_outlines

_FEED_RELATION = re.compile(r"(?:https?://[^/]+/)?feed\..+")
_USER_RELATION = re.compile(r"(?:https?://[^/]+/)?user\.current")


def read_index(body: bytes) -> tuple[FoundFeed, ...] | ParseFailed:
    """Read the reply to `users/<id>/feeds`, as XML or as OPML."""
    if read_status(body) is not None:
        return ParseFailed(Reason.ERROR_DOCUMENT)
    root = read_markup(body)
    if isinstance(root, ParseFailed):
        return root
    views = list(_read_outlines(root) if name_of(root) == "opml" else _read_links(root))
    return _choose_views(views) if views else ParseFailed(Reason.NOT_A_FEED, "an index without feeds")


def read_user_id(body: bytes) -> str | None:
    """Read the user's id out of the reply to `users/current`."""
    root = read_markup(body)
    if isinstance(root, ParseFailed):
        return None
    for link in _links(root):
        if _USER_RELATION.fullmatch(link.get("rel", "")):
            match = re.search(r"/users/([^/?#]+)", link.get("href", ""))
            return match[1] if match else None
    return None


def _read_links(root: Element) -> Iterator[tuple[str, str]]:
    """Give title and address of each feed the XML form names."""
    for link in _links(root):
        address = link.get("href", "").strip()
        if address and _FEED_RELATION.fullmatch(link.get("rel", "")):
            yield link.get("title", ""), address


def _links(root: Element) -> Iterator[dict[str, str]]:
    return (attributes_of(element) for element in root.iter() if name_of(element) == "link")


def _read_outlines(root: Element) -> Iterator[tuple[str, str]]:
    """Give title and address of each feed the OPML form names; other people's feeds are no index."""
    opml = read_outlines(root)
    for outline in () if isinstance(opml, ParseFailed) else opml.outlines:
        if is_tokenized(outline.address) or is_of_user(outline.address):
            yield outline.text, outline.address


def _choose_views(views: Iterable[tuple[str, str]]) -> tuple[FoundFeed, ...]:
    """Make one feed of all views of a list: the first that does not ask for a sort of its own."""
    chosen: dict[str, FoundFeed] = {}
    for title, address in views:
        identity = feed_identity(address)
        known = chosen.get(identity.name)
        if known is None or (is_foreign_sort(known.address) and not is_foreign_sort(address)):
            chosen[identity.name] = FoundFeed(identity.name, identity.kind, address, title=title or None)
    return tuple(chosen.values())
