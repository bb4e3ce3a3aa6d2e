"""Subscriptions as OPML: bytes ↔ outlines. Addresses come out character for character.

Reading never repairs but a bare `&`, never resolves an entity, and never follows an inclusion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.markup import Element, attributes_of, name_of, read_markup

GROUP_SEPARATOR = " / "

_MOST_OUTLINES = 20_000
_DEEPEST = 50
_LONGEST_TEXT = 300
"""Of a longer text the start is kept."""
_LONGEST_GROUP = 1000
"""Each feed has the texts of all its groups in one: what goes beyond this is left out, innermost first."""
_LONGEST_ADDRESS = 4096
_NOT_WRITTEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Outline:
    """One subscription: its text, its address (a secret if it holds a token), and the groups above it."""

    text: str
    address: str = field(repr=False)
    title: str | None = None
    page: str | None = field(default=None, repr=False)
    type: str | None = None
    kind: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def group(self) -> str | None:
        """The outlines above as one text (`Movies / Classics`); None at the top."""
        return GROUP_SEPARATOR.join(self.groups) or None


@dataclass(frozen=True, slots=True)
class Opml:
    """A document read: its subscriptions in order, and the texts of inclusions that were passed over."""

    outlines: tuple[Outline, ...]
    title: str | None = None
    skipped: tuple[str, ...] = ()


def split_group(group: str | None) -> tuple[str, ...]:
    """Give the groups that a group's text names, outermost first."""
    return tuple(group.split(GROUP_SEPARATOR)) if group else ()


def read_opml(body: bytes) -> Opml | ParseFailed:
    """Read a document, or say why it cannot be believed."""
    root = read_markup(body)
    return root if isinstance(root, ParseFailed) else read_outlines(root)


def read_outlines(root: Element) -> Opml | ParseFailed:
    """Read a document that is parsed already."""
    if name_of(root) != "opml":
        return ParseFailed(Reason.NOT_A_FEED, "not an OPML document")
    body = next(_children(root, "body"), None)
    if body is None:
        return ParseFailed(Reason.MALFORMED, "an OPML document without a body")
    reading = _Reading()
    reading.read_children(body, ())
    return reading.refused or Opml(tuple(reading.outlines), _read_title(root), tuple(reading.skipped))


def write_opml(outlines: Iterable[Outline], *, title: str = "feedwatch subscriptions") -> bytes:
    """Write a document that reads back as the same outlines, those of one group beside each other.

    Characters that XML cannot hold are left out, and those that could drive a terminal.
    """
    root = etree.Element("opml", {"version": "2.0"})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = _clean(title)
    places: dict[tuple[str, ...], Element] = {(): etree.SubElement(root, "body")}
    for outline in outlines:
        etree.SubElement(_place_of(outline.groups, places), "outline", _attributes_to_write(outline))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


class _Reading:
    """What was found so far; `refused` once a limit is passed, and nothing is read after that."""

    def __init__(self) -> None:
        self.outlines: list[Outline] = []
        self.skipped: list[str] = []
        self.refused: ParseFailed | None = None
        self._seen = 0

    def read_children(self, parent: Element, groups: tuple[str, ...]) -> None:
        if len(groups) > _DEEPEST:
            self.refused = ParseFailed(Reason.HOSTILE, "outlines nested too deep")
        for element in _children(parent, "outline"):
            if self.refused is not None:
                return
            self._read_one(element, groups)

    def _read_one(self, element: Element, groups: tuple[str, ...]) -> None:
        self._seen += 1
        if self._seen > _MOST_OUTLINES:
            self.refused = ParseFailed(Reason.HOSTILE, f"more than {_MOST_OUTLINES} outlines")
            return
        attributes = attributes_of(element)
        if attributes.get("type", "").lower() == "include":
            self.skipped.append(_text_of(attributes))
            return
        if address := attributes.get("xmlurl", "").strip():
            if len(address) > _LONGEST_ADDRESS:
                self.refused = ParseFailed(Reason.HOSTILE, "an address without end")
                return
            self.outlines.append(_make_outline(attributes, address, groups))
        if len(element):
            # Single spaces only: then the separator splits a group's text where it joined it.
            self.read_children(element, _add_group(groups, " ".join(_text_of(attributes).split())))


def _add_group(groups: tuple[str, ...], text: str) -> tuple[str, ...]:
    return (*groups, text if len(text) + sum(map(len, groups)) <= _LONGEST_GROUP else "")


def _make_outline(attributes: dict[str, str], address: str, groups: tuple[str, ...]) -> Outline:
    return Outline(
        text=_text_of(attributes) or _host_of(address),
        address=address,
        title=attributes.get("title"),
        page=attributes.get("htmlurl"),
        type=attributes.get("type"),
        kind=attributes.get("kind"),
        groups=tuple(filter(None, groups)),
    )


def _text_of(attributes: dict[str, str]) -> str:
    text = attributes.get("text", "").strip() or attributes.get("title", "").strip()
    return text[:_LONGEST_TEXT].rstrip()


def _host_of(address: str) -> str:
    """The host of an address, for an outline that has no text; never its query, which may be secret."""
    try:
        return urlsplit(address).hostname or "feed"
    except ValueError:
        return "feed"


def _read_title(root: Element) -> str | None:
    for head in _children(root, "head"):
        for title in _children(head, "title"):
            return (title.text or "").strip() or None
    return None


def _children(parent: Element, name: str) -> Iterator[Element]:
    return (child for child in parent if name_of(child) == name)


def _place_of(groups: tuple[str, ...], places: dict[tuple[str, ...], Element]) -> Element:
    if groups not in places:
        above = _place_of(groups[:-1], places)
        places[groups] = etree.SubElement(above, "outline", {"text": _clean(groups[-1])})
    return places[groups]


def _attributes_to_write(outline: Outline) -> dict[str, str]:
    written = {
        "text": outline.text,
        "title": outline.title,
        "type": outline.type or "rss",
        "kind": outline.kind,
        "htmlUrl": outline.page,
        "xmlUrl": outline.address,
    }
    return {name: _clean(value) for name, value in written.items() if value is not None}


def _clean(text: str) -> str:
    return _NOT_WRITTEN.sub("", text)
