"""Atom and the API's plain XML → a page, straight from lxml's tree: the fast way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.details import Sight, origin_of_document, shows_picture
from feedwatch.parse.facts import (
    clean_reference,
    clean_title,
    is_title_path,
    make_excerpt,
    read_availability,
    read_count,
    read_number,
    read_place,
    read_rating,
)
from feedwatch.parse.guard import MOST_ENTRIES, Element
from feedwatch.parse.links import LONGEST_BASE, resolve_link

ATOM = "{http://www.w3.org/2005/Atom}"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_PLAIN_ROOTS = {"queue", "queues", "rental_history", "ratings", "recommendations", "at_home", "reviews"}
_PLAIN_ITEMS = {"recommendation"}
_PIECE = 65_536
_LONGEST_ETAG = 1000
_NUMBERS = {"predicted_rating", "average_rating"}
_FACT_NAMES = {
    "position",
    "watched_date",
    "user_rating",
    "predicted_rating",
    "average_rating",
    "release_year",
}


def local_name(element: Element) -> str:
    """An element's name without its namespace."""
    tag: object = element.tag
    return _after_brace(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=1024)
def _after_brace(tag: str) -> str:
    return tag.rpartition("}")[2]


def is_plain_root(name: str) -> bool:
    """Whether a root element is of the API's plain XML."""
    return name in _PLAIN_ROOTS


def read_atom(root: Element, url: str) -> Page | ParseFailed:
    """Read an Atom 1.0 feed."""
    base, origin = _base_at(root, url), origin_of_document(url)
    entries = [_read_atom_entry(element, base, origin) for element in root.iterchildren(ATOM + "entry")]
    return _page(Form.ATOM, root, entries)


def read_plain(root: Element, url: str) -> Page | ParseFailed:
    """Read a list in the API's plain XML."""
    origin = origin_of_document(url)
    items = [e for e in root if local_name(e).endswith("_item") or local_name(e) in _PLAIN_ITEMS]
    return _page(Form.PLAIN, root, [_read_item(item, url, origin) for item in items])


def _page(form: Form, root: Element, entries: list[RawEntry]) -> Page | ParseFailed:
    if len(entries) > MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    said: dict[str, str] = {}
    for child in root:
        name = local_name(child)
        if name in _SAID:
            said.setdefault(_SAID[name], (child.text or "").strip())
    etag = said.get("etag", "")
    return Page(
        form=form,
        entries=tuple(entries),
        total=read_count(said.get("total")),
        start_index=read_count(said.get("start")),
        etag=etag if 0 < len(etag) <= _LONGEST_ETAG else None,
        complete=any(
            local_name(c) == "complete" and "purl.org/syndication/history" in str(c.tag) for c in root
        )
        or _treats_as_list(root),
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

_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}


def read_period(period: str | None, frequency: str | None) -> timedelta | None:
    """How often a feed says that it is updated (RSS 1.0 syndication module)."""
    if not period or period.strip().lower() not in _PERIODS:
        return None
    return timedelta(hours=_PERIODS[period.strip().lower()]) / (read_count(frequency) or 1)


def _treats_as_list(root: Element) -> bool:
    return any(local_name(child) == "treatAs" and (child.text or "").strip() == "list" for child in root)


def _base_at(element: Element, base: str) -> str:
    own = element.get(_XML_BASE)
    found = resolve_link(base, own.strip()) if own else None
    return found if found and len(found) <= LONGEST_BASE else base


# ── entries ───────────────────────────────────────────────────────────────────────────────────────


class _Reading:
    """One entry while it is read: facts from wherever they stand, the first of each wins."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.id: str | None = None
        self.title = ""
        self.link: str | None = None
        self.title_ref: str | None = None
        self.texts: dict[str, str] = {}
        self.facts: dict[str, str] = {}
        self.content: list[str] = []
        self.sight = Sight(base)

    def read_link(self, element: Element) -> None:
        href = element.get("href")
        rel = element.get("rel") or "alternate"
        if not href:
            return
        if rel == "alternate":
            self.link = self.link or resolve_link(_base_at(element, self.base), clean_reference(href))
            return
        if shows_picture(rel):
            self.sight.see_link(element)
        elif self.title_ref is None and (rel.endswith(("/id", "/catalog/title")) or is_title_path(href)):
            self.title_ref = clean_reference(href)

    def read_category(self, element: Element) -> None:
        scheme = element.get("scheme") or ""
        if "queue_availability" in scheme and "availability" not in self.facts:
            found = read_availability(element.get("label") or element.get("term"))
            if found:
                self.facts["availability"] = found
        self.sight.see_category(scheme, element)

    def read_fact(self, name: str, element: Element) -> None:
        text = (element.text or "").strip() or (element.get("value") or "").strip()
        if text:
            self.texts.setdefault(name, text)

    def finish(self, origin: str) -> RawEntry:
        texts, facts = self.texts, self.facts
        rating = read_rating(texts.get("user_rating"))
        if rating:
            facts["rating"] = rating
        for name in _NUMBERS:
            number = read_number(texts.get(name))
            if number:
                facts[name] = number
        year = texts.get("release_year", "")
        if year.isdigit() and len(year) < 10:
            facts["year"] = year
        if self.content:
            facts["content"] = digest_content(self.content)
        if categories := self.sight.categories:
            facts["category"] = categories
        place = read_place(self.id)
        position = read_count(texts.get("position")) or (place[1] if place else None)
        saved = facts.get("availability") == "saved" or (place is not None and place[0] == "saved")
        return RawEntry(
            id=self.id,
            title=self.title or make_excerpt(next(filter(None, self.content), None)),
            link=self.link,
            title_ref=self.title_ref,
            position=position,
            saved=saved,
            watched_at=parse_instant(texts.get("watched_date")),
            published_at=parse_instant(texts.get("published")),
            updated_at=parse_instant(texts.get("updated")),
            facts=facts,
            details=self.sight.finish(origin),
        )


def _read_atom_entry(element: Element, base: str, origin: str) -> RawEntry:
    reading = _Reading(_base_at(element, base))
    for child in [child for child in element if not _read_child(reading, child)]:
        _read_wrapped(reading, child)
    return reading.finish(origin)


def _read_child(reading: _Reading, child: Element) -> bool:
    """Read one element; False if it may hold more within. What an entry says itself comes first."""
    name = local_name(child)
    if name == "link":
        reading.read_link(child)
    elif name == "category":
        reading.read_category(child)
    elif name == "id":
        reading.id = reading.id or clean_reference(child.text)
    elif name == "title":
        reading.title = reading.title or _read_title(child)
    elif name in _FACT_NAMES or name in ("updated", "published"):
        reading.read_fact(name, child)
    else:
        if name in ("summary", "content"):
            text = "".join(map(str, child.itertext()))
            reading.content.append(text)
            reading.sight.see_text(name, text)
        reading.sight.see(name, child)
        return False
    return True


def _read_wrapped(reading: _Reading, container: Element) -> None:
    """Facts may stand within elements of other names, and in the content, as XML of the API."""
    for child in container.iterdescendants():
        name = local_name(child)
        if name in _FACT_NAMES:
            reading.read_fact(name, child)
        elif name == "category":
            reading.read_category(child)
        else:
            reading.sight.see(name, child)


def _read_title(element: Element) -> str:
    kind = (element.get("type") or "text").lower()
    regular = element.get("regular") or element.get("short")
    if regular:
        return clean_title(regular)
    if kind == "xhtml":
        return clean_title("".join(map(str, element.itertext())))
    return clean_title(element.text, is_html=kind == "html")


def _read_item(item: Element, url: str, origin: str) -> RawEntry:
    reading = _Reading(url)
    wrapped = [child for child in item if not _read_child(reading, child)]
    for state in wrapped:
        if local_name(state).startswith("title_state"):
            _read_wrapped(reading, state)
    return reading.finish(origin)


def digest_content(texts: Iterable[str]) -> str:
    """A digest of a post's text, for who asks to compare it; white space does not count."""
    digest = hashlib.blake2b(digest_size=16)
    joined = " ".join(texts)
    begun = apart = False
    # Piece by piece: the words of a long text, each by itself, take thirty times its memory.
    for start in range(0, len(joined), _PIECE):
        piece = joined[start : start + _PIECE]
        words = " ".join(piece.split())
        if words:
            digest.update(b" " if begun and (apart or piece[0].isspace()) else b"")
            digest.update(words.encode("utf-8", "surrogatepass"))
            begun = True
        apart = piece[-1].isspace() or (apart and not words)
    return digest.hexdigest()
