"""Atom and the API's plain XML → a page, straight from lxml's tree: the fast way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.details import SHOWING, Place, Sight, is_genre, origin_of_document
from feedwatch.parse.elements import local_name, name_in, text_within
from feedwatch.parse.facts import (
    clean_reference,
    clean_title,
    is_title_path,
    make_excerpt,
    read_availability,
    read_count,
    read_number,
    read_period,
    read_place,
    read_rating,
)
from feedwatch.parse.guard import MOST_ENTRIES, TOO_MANY_ENTRIES, Element
from feedwatch.parse.links import LONGEST_BASE, is_whole, resolve_link

ATOM = "{http://www.w3.org/2005/Atom}"
_ATOM_ENTRY = ATOM + "entry"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_PLAIN_ROOTS = {"queue", "queues", "rental_history", "ratings", "recommendations", "at_home", "reviews"}
_PLAIN_ITEMS = {"recommendation"}
_TITLE_RELS = ("/id", "/catalog/title")
_HTML = {"html", "text/html"}
_LONGEST_ETAG = 1000
_TEXTS = ("summary", "content")
_NUMBERS = {"predicted_rating", "average_rating"}
_FACT_NAMES = {
    "position",
    "watched_date",
    "user_rating",
    "predicted_rating",
    "average_rating",
    "release_year",
}


def is_plain_root(name: str) -> bool:
    """Whether a root element is of the API's plain XML."""
    return name in _PLAIN_ROOTS


def read_atom(root: Element, url: str) -> Page | ParseFailed:
    """Read an Atom 1.0 feed."""
    base, origin = _base_at(root, url), origin_of_document(url)
    entries, others = _part(root, _is_atom_entry)
    if len(entries) > MOST_ENTRIES:
        return TOO_MANY_ENTRIES
    return _page(Form.ATOM, others, [_read_atom_entry(element, base, origin) for element in entries])


def read_plain(root: Element, url: str) -> Page | ParseFailed:
    """Read a list in the API's plain XML."""
    origin = origin_of_document(url)
    items, others = _part(root, _is_plain_item)
    if len(items) > MOST_ENTRIES:
        return TOO_MANY_ENTRIES
    return _page(Form.PLAIN, others, [_read_plain_item(item, url, origin) for item in items])


def _part(root: Element, is_entry: Callable[[Element], bool]) -> tuple[list[Element], list[Element]]:
    """The entries of a list, and what it says of itself."""
    entries: list[Element] = []
    others: list[Element] = []
    for child in root:
        (entries if is_entry(child) else others).append(child)
    return entries, others


def _is_atom_entry(element: Element) -> bool:
    return bool(element.tag == _ATOM_ENTRY)


def _is_plain_item(element: Element) -> bool:
    name = local_name(element)
    return name.endswith("_item") or name in _PLAIN_ITEMS


def _page(form: Form, others: Iterable[Element], entries: Iterable[RawEntry]) -> Page:
    said: dict[str, str] = {}
    complete = False
    for child in others:
        name = local_name(child)
        if name in _SAID:
            said.setdefault(_SAID[name], (child.text or "").strip())
        elif name in _COMPLETE:
            complete = complete or _says_complete(name, child)
    etag = said.get("etag", "")
    return Page(
        form=form,
        entries=tuple(entries),
        total=read_count(said.get("total")),
        start_index=read_count(said.get("start")),
        etag=etag if 0 < len(etag) <= _LONGEST_ETAG else None,
        complete=complete,
        ttl=read_period(said.get("period"), said.get("frequency")),
    )


_SAID = {
    "number_of_results": "total",
    "totalResults": "total",
    "start_index": "start",
    "startIndex": "start",
    "etag": "etag",
    "updatePeriod": "period",
    "updateFrequency": "frequency",
}

_COMPLETE = {"complete", "treatAs"}


def _says_complete(name: str, element: Element) -> bool:
    if name == "complete":
        return "purl.org/syndication/history" in str(element.tag)
    return (element.text or "").strip() == "list"


def _base_at(element: Element, base: str) -> str:
    own = element.get(_XML_BASE)
    found = resolve_link(base, own.strip()) if own else None
    return found if found and len(found) <= LONGEST_BASE else base


# ── entries ───────────────────────────────────────────────────────────────────────────────────────


class _Reading:
    """One entry while it is read: facts from wherever they stand, the first of each wins."""

    __slots__ = (
        "base",
        "facts",
        "id",
        "link",
        "published",
        "sight",
        "texts",
        "title",
        "title_ref",
        "told",
        "updated",
        "wrapping",
    )

    def __init__(self, base: str) -> None:
        self.base = base
        self.id: str | None = None
        self.title = ""
        self.link: str | None = None
        self.title_ref: str | None = None
        self.published = ""
        self.updated = ""
        self.told: dict[str, str] = {}
        self.facts: dict[str, str] = {}
        self.texts: list[str] = []
        self.wrapping: list[Element] = []
        self.sight = Sight(base)

    def read_id(self, element: Element) -> None:
        self.id = self.id or clean_reference(element.text)

    def read_title(self, element: Element) -> None:
        self.title = self.title or _read_title(element)

    def read_link(self, element: Element) -> None:
        rel = element.get("rel") or "alternate"
        if rel == "alternate":
            self.link = self.link or _read_address(element, self.base)
        elif rel == "enclosure":
            self.sight.see_link(Place.ENCLOSURE, element)
        elif "/box_art" in rel:
            self.sight.see_link(Place.BOX_ART, element)
        elif self.title_ref is None:
            href = element.get("href")
            if href and (rel.endswith(_TITLE_RELS) or is_title_path(href)):
                self.title_ref = clean_reference(href)

    def read_category(self, element: Element) -> None:
        scheme = element.get("scheme") or ""
        if "queue_availability" in scheme and "availability" not in self.facts:
            found = read_availability(element.get("label") or element.get("term"))
            if found:
                self.facts["availability"] = found
        if is_genre(scheme):
            self.sight.see_genre(element)

    def read_published(self, element: Element) -> None:
        self.published = self.published or _text_of(element)

    def read_updated(self, element: Element) -> None:
        self.updated = self.updated or _text_of(element)

    def read_fact(self, element: Element) -> None:
        if text := _text_of(element):
            self.told.setdefault(local_name(element), text)

    def read_text(self, element: Element) -> None:
        """Read a summary or a content."""
        name = local_name(element)
        text = text_within(element)
        self.texts.append(text)
        self.sight.see_text(name, text)
        if name in SHOWING or len(element):
            self.read_other(element)

    def read_other(self, element: Element) -> None:
        """Look at an element that is asked for nothing itself, and may hold more within."""
        name = local_name(element)
        self.sight.see(name, element)
        if len(element) and name != "source":  # what is said there is said of another feed
            self.wrapping.append(element)

    def finish(self, origin: str) -> RawEntry:
        told, facts, texts = self.told, self.facts, self.texts
        if told:
            self._take_facts()
        if categories := self.sight.categories:
            facts["category"] = categories
        part, position = read_place(self.id) or (None, None)
        published_at = parse_instant(self.published)
        # In their order, and not by their names: that takes a third of the time.
        return RawEntry(
            self.id,
            self.title or make_excerpt(next(filter(None, texts), None)),
            self.link,
            self.title_ref,
            (read_count(told.get("position")) if told else None) or position,
            "saved" in (part, facts.get("availability")),
            parse_instant(told.get("watched_date")) if told else None,
            published_at,
            # They are the same more often than not.
            published_at if self.updated == self.published else parse_instant(self.updated),
            facts,
            self.sight.finish(origin),
            tuple(texts),
        )

    def _take_facts(self) -> None:
        rating = read_rating(self.told.get("user_rating"))
        if rating:
            self.facts["rating"] = rating
        for name in _NUMBERS:
            number = read_number(self.told.get(name))
            if number:
                self.facts[name] = number
        year = self.told.get("release_year", "")
        if year.isdigit() and len(year) < 10:
            self.facts["year"] = year


_Read = Callable[[_Reading, Element], None]

_FACT_READERS: dict[str, _Read] = dict.fromkeys(_FACT_NAMES, _Reading.read_fact)
_READERS: dict[str, _Read] = {
    "link": _Reading.read_link,
    "category": _Reading.read_category,
    "id": _Reading.read_id,
    "title": _Reading.read_title,
    "published": _Reading.read_published,
    "updated": _Reading.read_updated,
    **dict.fromkeys(_TEXTS, _Reading.read_text),
    **_FACT_READERS,
}
"""What an entry says itself. Any other element may show something, or hold more within."""
_READERS_WITHIN: dict[str, _Read] = {"category": _Reading.read_category, **_FACT_READERS}
_ASKED_WITHIN = tuple([f"{{*}}{name}" for name in _READERS_WITHIN.keys() | SHOWING])
_READERS_BY_TAG = {space + name: read for name, read in _READERS.items() for space in (ATOM, "")}
"""Of nearly all elements the name need not be taken from the tag first."""


def _read_children(reading: _Reading, entry: Element) -> None:
    reader_of = _READERS_BY_TAG.get
    for child in entry:
        tag = child.tag
        read = reader_of(tag) or _READERS.get(name_in(tag), _Reading.read_other)
        read(reading, child)


def _read_atom_entry(element: Element, base: str, origin: str) -> RawEntry:
    reading = _Reading(_base_at(element, base))
    _read_children(reading, element)
    for wrapper in reading.wrapping:  # what an entry says itself comes first
        _read_wrapped(reading, wrapper)
    return reading.finish(origin)


def _read_plain_item(item: Element, url: str, origin: str) -> RawEntry:
    reading = _Reading(url)
    _read_children(reading, item)
    for wrapper in reading.wrapping:
        if local_name(wrapper).startswith("title_state"):
            _read_wrapped(reading, wrapper)
    return reading.finish(origin)


def _read_wrapped(reading: _Reading, wrapper: Element) -> None:
    """Facts may stand within elements of other names, and in the content, as XML of the API."""
    # Of the hundreds of elements of a text in XHTML hardly any is asked for; of few it is quicker to see all.
    asked = _ASKED_WITHIN if local_name(wrapper) in _TEXTS else ()
    for element in wrapper.iterdescendants(*asked):
        name = local_name(element)
        if read := _READERS_WITHIN.get(name):
            read(reading, element)
        else:
            reading.sight.see(name, element)


def _read_address(link: Element, base: str) -> str | None:
    href = clean_reference(link.get("href"))
    # Nearly all are whole: nobody has to look what they would start from.
    return href if href and is_whole(href) else resolve_link(_base_at(link, base), href)


def _text_of(element: Element) -> str:
    return (element.text or "").strip() or (element.get("value") or "").strip()


def _read_title(element: Element) -> str:
    if not element.keys():  # as nearly all titles are: asked once, and not for each
        return clean_title(text_within(element))
    regular = element.get("regular") or element.get("short")
    if regular:
        return clean_title(regular)
    kind = element.get("type")
    return clean_title(text_within(element), is_html=kind is not None and kind.lower() in _HTML)
