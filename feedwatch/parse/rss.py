"""RSS → what is said of it, straight from lxml's tree: to the letter what feedparser says, or nothing.

Most documents are written as everybody writes them, and of those it is known what feedparser makes of each
element, and of one that stands there twice. Whatever else a document holds of what an entry is made of is
declined, and left to feedparser: a key that came out differently would be a new post to everybody.
`tests/parse/test_parse_readers.py` holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from feedwatch.core.model import Page, ParseFailed
from feedwatch.parse.details import Sight, origin_of_document
from feedwatch.parse.elements import text_within
from feedwatch.parse.facts import LONGEST_TEXT
from feedwatch.parse.guard import Element
from feedwatch.parse.mending import drop_slashes, looks_like_html, mend, mend_address, mend_link
from feedwatch.parse.pruning import FACTS, HOLDERS, KEPT_OF_ENTRY, KEPT_OF_FEED, LONGEST_SHORT
from feedwatch.parse.said import begin_of, make_page, pick_facts
from feedwatch.parse.usual import DeclinedError, attributes_of, is_usual, type_of, usual_name

_LOOKED_AT = HOLDERS | KEPT_OF_FEED


def read_rss(root: Element, body: bytes, base: str) -> Page | ParseFailed | None:
    """Read a well-formed document whose root is `rss`; None if it is for feedparser."""
    try:
        return _read_channel(_only_channel(root, body), base)
    except DeclinedError:
        return None


def _only_channel(root: Element, body: bytes) -> Element:
    if not is_usual(root, body) or attributes_of(root).keys() - {"version"}:
        raise DeclinedError
    channels = [child for child in root if _local_name_of(child) in _LOOKED_AT]
    if len(channels) != 1 or channels[0].tag != "channel":
        raise DeclinedError
    return channels[0]


def _read_channel(channel: Element, base: str) -> Page | ParseFailed:
    if attributes_of(channel):
        raise DeclinedError
    feed: dict[str, str] = {}
    entries: list[Mapping[str, object]] = []
    origin = origin_of_document(base)
    for child in channel:
        tag: object = child.tag
        if tag == "item":
            entries.append(_read_item(child, base, origin))
        elif isinstance(tag, str) and (name := _name_in_feed(tag)):
            _read_of_feed(feed, name, child)
    return make_page(
        {
            "version": "rss",
            "ttl": feed.get("ttl"),
            "period": feed.get("sy:updateperiod"),
            "frequency": feed.get("sy:updatefrequency"),
            "complete": "fh:complete" in feed or feed.get("cf:treatas") == "list",
            "entries": entries,
        },
        base,
    )


_OF_FEED = {"ttl", "sy:updateperiod", "sy:updatefrequency", "fh:complete", "cf:treatas"}
_UNASKED_OF_FEED = {"itunes:complete"}
"""feedparser has it under a name of its own: it is not the `complete` that is asked for."""


def _name_in_feed(tag: str) -> str:
    """What is read of a feed, as it is called with its usual prefix; empty for what is not."""
    name, local = usual_name(tag)
    if local not in _LOOKED_AT or name in _UNASKED_OF_FEED:
        return ""
    if name not in _OF_FEED:
        raise DeclinedError
    return name


def _read_of_feed(feed: dict[str, str], name: str, element: Element) -> None:
    if ":" in name and element.prefix != name.partition(":")[0]:
        raise DeclinedError
    if element.keys():
        raise DeclinedError
    if len(element.text or "") <= LONGEST_SHORT:
        feed[name] = mend(_bounded(element).strip())


# ── entries ───────────────────────────────────────────────────────────────────────────────────────


class _Item:
    """One item while it is read: what is said of it, where feedparser would have it."""

    __slots__ = (
        "contents",
        "has_content",
        "has_title",
        "in_group",
        "outer",
        "said",
        "sight",
        "space",
        "summary",
        "title_in_group",
        "told",
    )

    def __init__(self, base: str) -> None:
        self.said: dict[str, object] = {"title_is_html": True}
        self.told: dict[str, object] = {}
        self.contents: list[str] = []
        self.summary: str | None = None
        self.has_content = False
        self.has_title = False
        """Whether there was a title of the item's own."""
        self.title_in_group = False
        """Whether the last of them stood in a group."""
        self.in_group = False
        """Whether what is read now stands in a group."""
        self.outer: set[str] = set()
        """What is said beside all groups."""
        self.space: str | None = None
        """The namespace of its facts."""
        self.sight = Sight(base)

    def keeps(self, name: str) -> bool:
        """Whether what is said now is kept: the last that is said; in a group, what is said nowhere else."""
        if self.in_group:
            return name not in self.outer
        self.outer.add(name)
        return True

    def keep(self, name: str, text: str) -> None:
        if self.keeps(name):
            self.said[name] = text

    def finish(self, origin: str) -> dict[str, object]:
        said = self.said
        texts = tuple(filter(None, (*self.contents, self.summary)))
        said["texts"] = texts
        said["excerpt"] = begin_of(texts, said.get("title"))
        if self.told:
            said.update(pick_facts(self.told))
        said["published"] = said.get("published") or said.get("created")
        said["category"] = self.sight.categories
        said["details"] = self.sight.finish(origin)
        return said


_Read = Callable[[_Item, Element, str], None]


def _read_item(element: Element, base: str, origin: str) -> dict[str, object]:
    item = _Item(base)
    _read_children(item, element)
    return item.finish(origin)


def _read_children(item: _Item, holder: Element) -> None:
    if holder.keys() and attributes_of(holder):
        raise DeclinedError
    for child in holder:
        tag: object = child.tag
        if not isinstance(tag, str):
            continue
        read, name = _reader_of(tag)
        read(item, child, name)


@lru_cache(maxsize=1024)
def _reader_of(tag: str) -> tuple[_Read, str]:
    """What reads an element of an item, and by which name it is known to that."""
    name, local = usual_name(tag)
    if name in _READERS:
        return _READERS[name], name
    if local in KEPT_OF_ENTRY or local in HOLDERS:
        raise DeclinedError
    return (_read_fact, tag) if local.endswith(FACTS) else (_see, local)


def _see(item: _Item, element: Element, name: str) -> None:
    item.sight.see(name, element)


def _read_group(item: _Item, element: Element, _name: str) -> None:
    if item.in_group:
        raise DeclinedError
    item.in_group = True
    _read_children(item, element)
    item.in_group = False


def _read_title(item: _Item, element: Element, name: str) -> None:
    raw = _bounded(element).strip()
    kind = type_of(element, "text/plain")
    # The first that is not empty; those of pictures and films give way to it, and those in a group as well.
    if not item.has_title or (item.title_in_group and not item.in_group):
        item.keep("title", mend(raw))
        item.said["title_is_html"] = kind == "text/html" or looks_like_html(raw)
    if raw and name != "media:title":
        item.has_title = True
        item.title_in_group = item.in_group


def _read_id(item: _Item, element: Element, _name: str) -> None:
    is_link = not element.keys() or attributes_of(element).get("ispermalink", "true") == "true"
    raw = _bounded(element).strip()
    value = mend_address(raw) if is_link else mend(raw)
    item.keep("id", value)
    if is_link:
        item.said.setdefault("link", value)


def _read_link(item: _Item, element: Element, _name: str) -> None:
    text = _bounded(element).strip()
    attributes = attributes_of(element) if element.keys() else {}
    if "href" not in attributes:
        item.said["link"] = mend_link(text)
        return
    href, kind = attributes["href"], attributes.get("type", "text/html").lower()
    if not href:
        raise DeclinedError
    if attributes.get("rel", "alternate").lower() == "alternate" and kind in ("text/html", "html"):
        item.said["link"] = drop_slashes(href)
    elif kind in ("xhtml", "application/xhtml+xml"):
        raise DeclinedError


def _read_date(name: str) -> _Read:
    def read(item: _Item, element: Element, _name: str) -> None:
        if element.keys():
            attributes_of(element)
        if len(element.text or "") <= LONGEST_SHORT:
            item.keep(name, mend(_bounded(element).strip()))

    return read


def _read_description(item: _Item, element: Element, _name: str) -> None:
    """A summary; one more, if nothing has been called content, is content."""
    text = _see_text(item, element, "summary")
    type_of(element, "text/plain")
    if item.summary is None or item.has_content:
        if item.keeps("summary"):
            item.summary = text
        return
    item.has_content = True
    item.contents.append(text)


def _read_content(item: _Item, element: Element, _name: str) -> None:
    text = _see_text(item, element, "encoded")
    type_of(element, "text/html")
    item.has_content = True
    item.contents.append(text)
    if item.summary is None:
        item.summary = text


def _see_text(item: _Item, element: Element, name: str) -> str:
    text = text_within(element)
    if text:
        item.sight.see_text(name, text)
    return mend(text.strip())


def _see_media(item: _Item, element: Element, _name: str) -> None:
    attributes_of(element)
    item.sight.see("content", element)
    if text := text_within(element):
        item.sight.see_text("content", text)


def _pass_over(_item: _Item, element: Element, _name: str) -> None:
    """What feedparser keeps under a name of its own: it is no title of the item."""
    _bounded(element)
    attributes_of(element)


def _read_fact(item: _Item, element: Element, tag: str) -> None:
    space, _, local = tag.rpartition("}")
    # What feedparser calls it depends on the namespace: within one no two are taken for each other.
    if item.space not in (None, space) or attributes_of(element):
        raise DeclinedError
    item.space = space
    text = mend(_bounded(element).strip())
    if item.keeps(local := local.lower()):
        item.told[local] = text


_READERS: dict[str, _Read] = {
    "guid": _read_id,
    "id": _read_id,
    "atom:id": _read_id,
    "title": _read_title,
    "dc:title": _read_title,
    "media:title": _read_title,
    "itunes:title": _pass_over,
    "link": _read_link,
    "atom:link": _read_link,
    "description": _read_description,
    "dc:description": _read_description,
    "media:description": _read_description,
    "summary": _read_description,
    "atom:summary": _read_description,
    "itunes:summary": _read_description,
    "content:encoded": _read_content,
    "media:content": _see_media,
    "media:group": _read_group,
    "pubdate": _read_date("published"),
    "published": _read_date("published"),
    "atom:published": _read_date("published"),
    "dcterms:issued": _read_date("published"),
    "updated": _read_date("updated"),
    "atom:updated": _read_date("updated"),
    "dc:date": _read_date("updated"),
    "dcterms:modified": _read_date("updated"),
    "dcterms:created": _read_date("created"),
}


# ── names, attributes, texts ──────────────────────────────────────────────────────────────────────


def _local_name_of(element: Element) -> str:
    tag: object = element.tag
    return usual_name(tag)[1] if isinstance(tag, str) else ""


def _bounded(element: Element) -> str:
    """What stands in an element that is no text of many pages."""
    text = text_within(element)
    if len(text) > LONGEST_TEXT:
        raise DeclinedError  # it will be refused
    return text
