"""The index of a user's feeds, in either form it is given in → the feeds, each list once.

An index that names no feed is a failure, never an empty index: believing it would retire everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin

from feedwatch.core.model import FoundFeed, ParseFailed, Reason
from feedwatch.markup import Element, attributes_of, name_of, read_markup
from feedwatch.netflix.address import identity_of_relation, is_foreign_sort, is_of_user, is_tokenized
from feedwatch.netflix.status import read_status
from feedwatch.opml import read_outlines

_FEED_RELATION = re.compile(r"(?:https?://[^?#\s]+/)?feed\.(?P<list>.+)", re.IGNORECASE)
_USER_RELATION = re.compile(r"(?:https?://[^?#\s]+/)?user\.current", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def read_index(body: bytes, url: str) -> tuple[FoundFeed, ...] | ParseFailed:
    """Read the reply to `users/<id>/feeds`, as XML or as OPML.

    `url` is where it came from: what it names without a host is there.
    """
    if read_status(body) is not None:
        return ParseFailed(Reason.ERROR_DOCUMENT)
    root = read_markup(body)
    if isinstance(root, ParseFailed):
        return root
    views = list(_read_outlines(root, url) if name_of(root) == "opml" else _read_links(root, url))
    return _choose_views(views) if views else ParseFailed(Reason.NOT_A_FEED, "an index without feeds")


def read_user_id(body: bytes) -> str | None:
    """Read the user's id out of the reply to `users/current`."""
    root = read_markup(body)
    if isinstance(root, ParseFailed):
        return None
    for link in _links(root):
        if _USER_RELATION.fullmatch(link.get("rel", "").strip()):
            match = re.search(r"/users/(?!\.\.?(?:[/?#]|$))([^/?#]+)", link.get("href", ""))
            return unquote(match[1]) if match else None
    return None


@dataclass(frozen=True, slots=True)
class _View:
    """One of the addresses at which an index says a list can be had."""

    title: str
    address: str = field(repr=False)
    relation: str = ""

    @property
    def is_sorted(self) -> bool:
        """Whether it shows the list in another order than its own."""
        return is_foreign_sort(self.address) or self.relation.endswith(".recent")


def _read_links(root: Element, url: str) -> Iterator[_View]:
    """Give each feed the XML form names."""
    for link in _links(root):
        address = link.get("href", "").strip()
        relation = _FEED_RELATION.fullmatch(link.get("rel", "").strip())
        if address and relation:
            yield _View(link.get("title", ""), _resolve(address, url), relation["list"].lower())


def _links(root: Element) -> Iterator[dict[str, str]]:
    return (attributes_of(element) for element in root.iter() if name_of(element) == "link")


def _read_outlines(root: Element, url: str) -> Iterator[_View]:
    """Give each feed the OPML form names; other people's feeds are no index."""
    opml = read_outlines(root)
    for outline in () if isinstance(opml, ParseFailed) else opml.outlines:
        address = _resolve(outline.address, url)
        if is_tokenized(address) or is_of_user(address):
            yield _View(outline.text, address)


def _resolve(address: str, url: str) -> str:
    """Give a whole address; one that is whole already stays as it is, character for character."""
    return address if _ABSOLUTE.match(address) else urljoin(url, address)


def _choose_views(views: Iterable[_View]) -> tuple[FoundFeed, ...]:
    """Make one feed of all views of a list: the first that does not ask for a sort of its own."""
    chosen: dict[str, tuple[_View, FoundFeed]] = {}
    for view in views:
        identity = identity_of_relation(view.relation, view.address)
        known = chosen.get(identity.name)
        if known is None or (known[0].is_sorted and not view.is_sorted):
            feed = FoundFeed(identity.name, identity.kind, view.address, title=view.title or None)
            chosen[identity.name] = (view, feed)
    return tuple(feed for _, feed in chosen.values())
