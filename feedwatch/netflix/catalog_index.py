"""The index of a server's titles, read as it comes: title by title, in constant memory.

It has a hundred megabytes and more, so nothing of it is kept but the title at hand. Read are
`catalog_title_index` in both dialects and the full catalog, `catalog_titles`; what of them no command
shows (synopses, art) is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NoReturn, TypeVar
from urllib.parse import unquote
from xml.parsers.expat import ExpatError, ParserCreate

from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.model import Reason

T = TypeVar("T")
_ROOTS: Final = {"catalog_title_index", "catalog_titles"}
_ITEMS: Final = {"title_index_item", "catalog_title"}
_DEEPEST: Final = 32
_LONGEST_TOKEN: Final = 256 * 1024
"""Bytes of one tag or comment: expat keeps what has no end yet."""
_MOST_OF_AN_ITEM: Final = 20_000
"""Elements within one title; those with the largest casts have some hundreds."""
_MOST_NAMES: Final = 1000
_LONGEST: Final = 2000
"""Characters of anything that is kept."""
_AT_ONCE: Final = 64 * 1024
_TEXTS: Final = {"id", "updated", "release_year", "title"}
_PERSON: Final = re.compile(r"/person\.\w+$")
_PAGE: Final = re.compile(r"https?://[^/?#]++(?:/[^/?#]*)*/([^/?#]+)/\d+/?(?:[?#].*)?", re.DOTALL)
_YEAR: Final = re.compile(r"[12]\d{3}")
_LONGEST_SECONDS: Final = 11
"""Digits; with as many more there are no dates beyond the year 9999."""


class UnreadableIndex(Exception):
    """What came is no index of titles that can be believed; `reason` says why not."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def read_title_index(chunks: Iterable[bytes]) -> Iterator[IndexedTitle]:
    """Read an index, whatever the size of its pieces; a title without an address is passed over.

    Raises:
        UnreadableIndex: it is none, is not whole, or is made to do harm. What was given until then is not
            to be believed either.
    """
    reader = _Reader()
    for chunk in chunks:
        for start in range(0, len(chunk), _AT_ONCE):
            yield from reader.feed(chunk[start : start + _AT_ONCE])
    yield from reader.end()


class _Reader:
    """Where the reading stands: how deep, in which title, and what that has said so far."""

    def __init__(self) -> None:
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse_document_type
        self._parser = parser
        self._fed = 0
        self._path: list[str] = []
        self._elements = 0
        self._text: list[str] = []
        self._length = 0
        self._item = _Item()
        self._attributes: Mapping[str, str] = {}
        self._found: list[IndexedTitle] = []

    def feed(self, piece: bytes) -> list[IndexedTitle]:
        """Give the titles that end in this piece."""
        self._parse(piece, is_last=False)
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > _LONGEST_TOKEN + len(piece):
            _refuse(Reason.HOSTILE, "it has a tag or a comment without end")
        return self._take()

    def end(self) -> list[IndexedTitle]:
        """Give what is left; nothing follows."""
        if not self._fed:
            _refuse(Reason.EMPTY_BODY, "nothing came")
        self._parse(b"", is_last=True)
        return self._take()

    def _take(self) -> list[IndexedTitle]:
        found, self._found = self._found, []
        return found

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except ExpatError as error:
            where = f"line {error.lineno}, column {error.offset}"
            reason = Reason.CUT_SHORT if is_last else Reason.MALFORMED
            _refuse(reason, f"it ends too early, at {where}" if is_last else f"it is no sound XML at {where}")
        except (LookupError, ValueError):  # expat asks Python, which does not know it or cannot tell of it
            _refuse(Reason.BAD_ENCODING, "its charset is not known")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        path = self._path
        if ":" in name:
            name = name.rpartition(":")[2]
        path.append(name)
        depth = len(path)
        if depth > 2:
            self._elements += 1
            if depth > _DEEPEST or self._elements > _MOST_OF_AN_ITEM:
                _refuse(Reason.HOSTILE, "it nests too deep, or a title in it has no end")
            if path[1] in _ITEMS:
                self._start_within(name, attributes)
        elif depth == 2:
            self._elements = 0
            self._item = _Item()
        elif name not in _ROOTS:
            _refuse_root(name)

    def _start_within(self, name: str, attributes: dict[str, str]) -> None:
        if name == "link":
            self._item.take_link(attributes)
        elif name == "category":
            self._item.take_category(attributes)
        elif name == "availability":
            self._item.take_window(attributes)
        elif name in _TEXTS:
            self._text, self._length = [], 0
            self._attributes = attributes
            self._parser.CharacterDataHandler = self._add_text

    def _add_text(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)
        if self._length > _LONGEST:
            _refuse(Reason.HOSTILE, "a title in it has a text without end")

    def _end(self, _name: str) -> None:
        path = self._path
        own = path.pop()
        if len(path) == 1:
            if own in _ITEMS and (title := self._item.finish()):
                self._found.append(title)
        elif len(path) > 1 and own in _TEXTS and path[1] in _ITEMS:
            self._parser.CharacterDataHandler = None
            self._item.take_text(path[2:], own, "".join(self._text).strip(), self._attributes)
            self._text = []

    def _refuse_document_type(self, name: str, *_: object) -> None:
        if name.lower() == "html":  # a web page begins with one
            _refuse_root(name)
        _refuse(Reason.HOSTILE, "it declares a document type")


@dataclass(slots=True)
class _Item:
    """What a title has said so far."""

    ref: str = ""
    name: str = ""
    year: int | None = None
    people: dict[str, None] = field(default_factory=dict)
    genres: dict[str, None] = field(default_factory=dict)
    certificate: str | None = None
    page: str | None = None
    externals: dict[tuple[str, str], None] = field(default_factory=dict)
    updated: datetime | None = None
    window: tuple[datetime | None, datetime | None] = (None, None)

    def take_link(self, attributes: dict[str, str]) -> None:
        rel, title = attributes.get("rel", ""), attributes.get("title", "")
        if rel == "alternate":
            self.page = self.page or attributes.get("href", "")[:_LONGEST] or None
        elif title and _PERSON.search(rel):
            _add(self.people, " ".join(title[:_LONGEST].split()))

    def take_category(self, attributes: dict[str, str]) -> None:
        scheme = attributes.get("scheme", "").rstrip("/").rpartition("/")[2]
        label = (attributes.get("label") or attributes.get("term") or "")[:_LONGEST].strip()
        if scheme == "genres" and label:
            _add(self.genres, label)
        elif scheme in ("mpaa_ratings", "tv_ratings") and label:
            self.certificate = self.certificate or label

    def take_window(self, attributes: dict[str, str]) -> None:
        if self.window == (None, None):
            self.window = (
                _read_instant(attributes.get("available_from", "")),
                _read_instant(attributes.get("available_until", "")),
            )

    def take_text(self, within: list[str], name: str, text: str, attributes: Mapping[str, str]) -> None:
        if name == "id" and within == ["external_ids"]:
            kind = attributes.get("rel", "").rpartition(".")[2]
            if kind and text:
                _add(self.externals, (kind[:_LONGEST], text))
        elif within:
            return
        elif name == "id":
            self.ref = self.ref or text
        elif name == "title":
            named = attributes.get("regular") or text or attributes.get("short") or ""
            self.name = self.name or " ".join(named[:_LONGEST].split())
        elif name == "updated":
            self.updated = _read_instant(text)
        elif name == "release_year" and _YEAR.fullmatch(text):
            self.year = int(text)

    def finish(self) -> IndexedTitle | None:
        """Give the title; None where it has no address, or nothing that could be called its name."""
        name = self.name or _name_in(self.page)
        if not (self.ref and name):
            return None
        return IndexedTitle(
            self.ref,
            name,
            self.year,
            tuple(self.people),
            tuple(self.genres),
            self.certificate,
            self.page,
            tuple(self.externals),
            self.updated,
            *self.window,
        )


def _add(to: dict[T, None], what: T) -> None:
    if len(to) < _MOST_NAMES:
        to[what] = None


def _name_in(page: str | None) -> str:
    """The name in the address of a title's page: the reference's index has no other.

    `…/Movie/Fly_Away_Home/512381` is Fly Away Home.
    """
    found = _PAGE.fullmatch(page or "")
    return " ".join(unquote(found[1]).replace("_", " ").split()) if found else ""


def _read_instant(text: str) -> datetime | None:
    """Seconds since 1970, or RFC 3339."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return datetime.fromtimestamp(int(text), UTC) if len(text) <= _LONGEST_SECONDS else None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _refuse_root(name: str) -> NoReturn:
    if name.lower() == "html":
        _refuse(Reason.NOT_A_FEED, "a web page came in its place")
    if name == "status":
        _refuse(Reason.ERROR_DOCUMENT, "a message about an error came in its place")
    _refuse(Reason.NOT_A_FEED, f"a document of another kind came in its place ({name[:40]})")


def _refuse(reason: Reason, what: str) -> NoReturn:
    raise UnreadableIndex(reason, what)
