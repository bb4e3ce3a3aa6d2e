"""Atom and the API's plain XML → a page, straight from lxml's tree: the fast way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from urllib.parse import urljoin

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.facts import (
    clean_title,
    is_title_path,
    read_availability,
    read_number,
    read_place,
    read_rating,
)
from feedwatch.parse.guard import MOST_ENTRIES, Element

ATOM = "{http://www.w3.org/2005/Atom}"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_PLAIN_ROOTS = {"queue", "queues", "rental_history", "ratings", "recommendations", "at_home", "reviews"}
_PLAIN_ITEMS = {"recommendation"}
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
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def is_plain_root(name: str) -> bool:
    """Whether a root element is of the API's plain XML."""
    return name in _PLAIN_ROOTS


def read_atom(root: Element, url: str) -> Page | ParseFailed:
    """Read an Atom 1.0 feed."""
    base = root.get(_XML_BASE)
    base = urljoin(url, base) if base else url
    entries = [_read_atom_entry(element, base) for element in root.iterchildren(ATOM + "entry")]
    return _page(Form.ATOM, root, entries)


def read_plain(root: Element, url: str) -> Page | ParseFailed:
    """Read a list in the API's plain XML."""
    items = [e for e in root if local_name(e).endswith("_item") or local_name(e) in _PLAIN_ITEMS]
    return _page(Form.PLAIN, root, [_read_item(item, url) for item in items])


def _page(form: Form, root: Element, entries: list[RawEntry]) -> Page | ParseFailed:
    if len(entries) > MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    said: dict[str, str] = {}
    for child in root:
        name = local_name(child)
        if name in _SAID:
            said.setdefault(_SAID[name], (child.text or "").strip())
    return Page(
        form=form,
        entries=tuple(entries),
        total=_count(said.get("total")),
        start_index=_count(said.get("start")),
        etag=said.get("etag") or None,
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
    times = int(frequency) if frequency and frequency.strip().isdigit() else 1
    return timedelta(hours=_PERIODS[period.strip().lower()]) / max(times, 1)


def _treats_as_list(root: Element) -> bool:
    return any(local_name(child) == "treatAs" and (child.text or "").strip() == "list" for child in root)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


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

    def read_link(self, element: Element) -> None:
        href = (element.get("href") or "").strip()
        rel = element.get("rel") or "alternate"
        if not href:
            return
        if rel == "alternate":
            self.link = self.link or (urljoin(self.base, href) if "://" not in href else href)
        elif self.title_ref is None and (rel.endswith(("/id", "/catalog/title")) or is_title_path(href)):
            self.title_ref = href

    def read_category(self, element: Element) -> None:
        scheme = element.get("scheme") or ""
        if "queue_availability" in scheme and "availability" not in self.facts:
            found = read_availability(element.get("label") or element.get("term"))
            if found:
                self.facts["availability"] = found

    def read_fact(self, name: str, element: Element) -> None:
        text = (element.text or "").strip() or (element.get("value") or "").strip()
        if text:
            self.texts.setdefault(name, text)

    def finish(self) -> RawEntry:
        texts, facts = self.texts, self.facts
        rating = read_rating(texts.get("user_rating"))
        if rating:
            facts["rating"] = rating
        for name in _NUMBERS:
            number = read_number(texts.get(name))
            if number:
                facts[name] = number
        year = texts.get("release_year", "")
        if year.isdigit():
            facts["year"] = year
        if self.content:
            facts["content"] = digest_content(self.content)
        place = read_place(self.id)
        position = _count(texts.get("position")) or (place[1] if place else None)
        saved = facts.get("availability") == "saved" or (place is not None and place[0] == "saved")
        return RawEntry(
            id=self.id,
            title=self.title,
            link=self.link,
            title_ref=self.title_ref,
            position=position,
            saved=saved,
            watched_at=parse_instant(texts.get("watched_date")),
            published_at=parse_instant(texts.get("published")),
            updated_at=parse_instant(texts.get("updated")),
            facts=facts,
        )


def _read_atom_entry(element: Element, base: str) -> RawEntry:
    own_base = element.get(_XML_BASE)
    reading = _Reading(urljoin(base, own_base) if own_base else base)
    for child in element:
        _read_atom_child(reading, child)
    return reading.finish()


def _read_atom_child(reading: _Reading, child: Element) -> None:
    name = local_name(child)
    if name == "link":
        reading.read_link(child)
    elif name == "category":
        reading.read_category(child)
    elif name == "id":
        reading.id = reading.id or (child.text or "").strip() or None
    elif name == "title" and not reading.title:
        reading.title = _read_title(child)
    elif name in ("updated", "published"):
        reading.read_fact(name, child)
    elif name in ("summary", "content"):
        reading.content.append("".join(map(str, child.itertext())))
        _read_nested(reading, child)
    else:
        _read_foreign(reading, child)


def _read_nested(reading: _Reading, container: Element) -> None:
    """Facts may stand in the content, as XML of the API."""
    for child in container.iterdescendants():
        name = local_name(child)
        if name in _FACT_NAMES:
            reading.read_fact(name, child)
        elif name == "category":
            reading.read_category(child)


def _read_foreign(reading: _Reading, child: Element) -> None:
    if local_name(child) in _FACT_NAMES:
        reading.read_fact(local_name(child), child)
        return
    for inner in child.iterdescendants():
        if local_name(inner) in _FACT_NAMES:
            reading.read_fact(local_name(inner), inner)
        elif local_name(inner) == "category":
            reading.read_category(inner)


def _read_title(element: Element) -> str:
    kind = (element.get("type") or "text").lower()
    regular = element.get("regular") or element.get("short")
    if regular:
        return clean_title(regular)
    if kind == "xhtml":
        return clean_title("".join(map(str, element.itertext())))
    return clean_title(element.text, is_html=kind == "html")


def _read_item(item: Element, url: str) -> RawEntry:
    reading = _Reading(url)
    for child in _flatten(item):
        name = local_name(child)
        if name == "link":
            reading.read_link(child)
        elif name == "category":
            reading.read_category(child)
        elif name == "id":
            reading.id = reading.id or (child.text or "").strip() or None
        elif name == "title" and not reading.title:
            reading.title = _read_title(child)
        elif name in _FACT_NAMES or name in ("updated", "published"):
            reading.read_fact(name, child)
    return reading.finish()


def _flatten(item: Element) -> Iterator[Element]:
    """An item's children; states wrapped in elements of their own are looked into."""
    for child in item:
        yield child
        if local_name(child).startswith("title_state"):
            yield from child.iterdescendants()


def digest_content(texts: Iterable[str]) -> str:
    """A digest of a post's text, for who asks to compare it; white space does not count."""
    joined = " ".join(" ".join(texts).split())
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
