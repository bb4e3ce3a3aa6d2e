"""The whole catalog at once: the index, and the full form of version 2.0. Made as it is sent, never held."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from feedwatch.sandbox.catalog import Catalog
from feedwatch.sandbox.catalog_documents import Dialect, make_category, name_title, web_page, write_title
from feedwatch.sandbox.catalog_parts import expand_parts, write_availability
from feedwatch.sandbox.particulars import certificate, external_ids, genres_of, list_cast, updated_at
from feedwatch.sandbox.people import Person
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import write_element

_BLOCK = 256 * 1024
_GZIP = 31  # what zlib calls a window with gzip's header; that has no time in it, so the bytes are the same
_TOP_CAST = 5
_ACTOR = "http://schemas.netflix.com/catalog/person.actor"


class CutShort(Exception):
    """A document that was to end in the middle has come to it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole catalog as a document: its root, how it writes a title, and what that depends on."""

    catalog: Catalog
    root: str
    write: Callable[[Title], str]
    wording: tuple[object, ...]

    @property
    def version(self) -> str:
        """The same as long as the document is, for its etag."""
        known = repr((self.root, self.wording, self.catalog.count_index(), *self.catalog.films))
        return hashlib.sha256(known.encode()).hexdigest()[:20]

    def write_blocks(self, *, cut: bool = False) -> Iterator[bytes]:
        """The document, a block at a time; the first half only, if it is to be cut.

        Raises:
            CutShort: half of it has been given.
        """
        return _gather(self._write_pieces(self.catalog.count_index() // 2 if cut else None))

    def _write_pieces(self, end: int | None) -> Iterator[bytes]:
        yield f'<?xml version="1.0" encoding="utf-8"?>\n<{self.root}>\n'.encode()
        for number, title in enumerate(self.catalog.list_index()):
            if number == end:
                yield b""
                raise CutShort
            yield f"{self.write(title)}\n".encode()
        yield f"</{self.root}>\n".encode()


def open_index(catalog: Catalog, dialect: Dialect, *, amg: bool, tms: bool) -> Whole:
    """The index of titles: with numbers of others, if they are asked for."""
    kinds = ("upc", *(("amg",) if amg else ()), *(("tms",) if tms else ()))
    return Whole(
        catalog,
        "catalog_title_index",
        lambda title: _write_item(title, dialect, kinds),
        (dialect.host, dialect.later, kinds),
    )


def open_full(catalog: Catalog, dialect: Dialect) -> Whole:
    """Every title with all that is known of it, within its links."""

    def write(title: Title) -> str:
        return write_element(write_title(title, dialect, expand=expand_parts(catalog, title, dialect)))

    return Whole(catalog, "catalog_titles", write, (dialect.host, dialect.later, dialect.base))


def pack(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks in gzip."""
    packer = zlib.compressobj(wbits=_GZIP)
    for block in blocks:
        packed = packer.compress(block)
        if packed:
            yield packed
    yield packer.flush()


def skip_bytes(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """Blocks without their first `count` bytes."""
    for block in blocks:
        yield block[count:]
        count = max(count - len(block), 0)


def _gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK or not piece:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _write_item(title: Title, dialect: Dialect, kinds: tuple[str, ...]) -> str:
    name = (
        f"<title>{escape(title.name)}</title>" if dialect.later else write_element(name_title(title, dialect))
    )
    actors = "".join(_write_actor(person, dialect) for person in list_cast(title)[:_TOP_CAST])
    numbers = "".join(
        f'<id rel="http://schemas.netflix.com/catalog/id.{kind}">{number}</id>'
        for kind, number in external_ids(title)
        if kind in kinds
    )
    more = _write_later(title, dialect) if dialect.later else ""
    return (
        f"<title_index_item><id>{dialect.host}{title.path}</id>{name}<updated>{updated_at(title)}</updated>"
        f"{actors}<release_year>{title.year}</release_year>{more}"
        f"{write_element(write_availability(title, dialect))}"
        f'<link href="{web_page(title)}" rel="alternate" title="web page"/>'
        f"<external_ids>{numbers}</external_ids></title_index_item>"
    )


def _write_actor(person: Person, dialect: Dialect) -> str:
    return f'<link href="{dialect.host}{person.path}" rel="{_ACTOR}" title={quoteattr(person.name)}/>'


def _write_later(title: Title, dialect: Dialect) -> str:
    scheme, label = certificate(title)
    categories = [
        (f"categories/{scheme}", label),
        *(("categories/genres", genre) for genre in genres_of(title)),
    ]
    return "".join(write_element(make_category(dialect, *each)) for each in categories)
