"""A document cut at its entries, to see which of them are as they were: those need not be read again.

Only where the bytes alone tell for certain where an entry begins and ends, and that it stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import xxhash

from feedwatch.core.model import Kind

UNDATED: Final = (Kind.QUEUE, Kind.RATINGS, Kind.RECOMMENDATIONS)
"""Titles have no place in time. A viewing has, and is identified by it; a post may be dated by `updated`."""
_SIZE: Final = 8
_READ_AS: Final = b"1"
"""How entries are read. Where that changes, none is as it was."""
_ENTRY: Final = (b"<entry", b"</entry>")
_ITEM: Final = (b"<item", b"</item>")
_DATE_NAMES = rb"(?:[\w.-]++:)?+(?:updated|lastBuildDate|pubDate|date|modified)"
_DATE = re.compile(rb"<(" + _DATE_NAMES + rb")(?:\s[^<>]*+)?+>[^<>]{0,64}+</\1\s*+>")
_UPDATED = re.compile(rb"<((?:[\w.-]++:)?+updated)(?:\s[^<>]*+)?+>[^<>]{0,64}+</\1\s*+>")
_AFTER_UPDATED = re.compile(rb"(?:\s[^<>]*+)?+>[^<>]{0,64}+</updated\s*+>")
"""What stands behind `<updated` where that is an element with a date in it."""
_PUBLISHED: Final = b"<published>"
_INSTANT = re.compile(rb"\d{4}-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])T\d\d:\d\d:\d\d[^<>]{0,16}+</published")


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands before, in and behind the entries of a document, with digests of it.

    `frame` is a digest of all that stands around the entries, `digests` one of each entry: of what does not
    move by itself.
    """

    head: bytes = field(repr=False)
    entries: tuple[bytes, ...] = field(repr=False)
    tail: bytes = field(repr=False)
    frame: bytes
    digests: tuple[bytes, ...]

    def keep(self, how: str) -> bytes | None:
        """What to know its entries by, as long as they are read in this way; None where two are alike."""
        if len(set(self.digests)) != len(self.digests):
            return None
        return self._seal(how) + b"".join(self.digests)

    def find_known(self, kept: bytes, how: str) -> tuple[int | None, ...] | None:
        """Where each entry stood in the document that was kept, from 0; None for one that is new.

        None in all where that says nothing: nothing is as it was, what stands around the entries is another,
        or they stand in another order.
        """
        if kept[:_SIZE] != self._seal(how):
            return None
        stood = {kept[at : at + _SIZE]: at // _SIZE - 1 for at in range(_SIZE, len(kept), _SIZE)}
        places = tuple(map(stood.get, self.digests))
        known = [place for place in places if place is not None]
        return places if known and all(one < next_ for one, next_ in pairwise(known)) else None

    def write_only(self, numbers: Iterable[int]) -> bytes:
        """The document with these of its entries alone."""
        return self.head + b"".join(self.entries[number] for number in numbers) + self.tail

    def _seal(self, how: str) -> bytes:
        return xxhash.xxh3_64_digest(_READ_AS + self.frame + how.encode("utf-8", "surrogatepass"))


def cut_entries(body: bytes, kind: Kind) -> Parts | None:
    """Cut a document at its entries; None where it is not plain to see where they begin and end.

    Without comments, CDATA and a DOCTYPE every `<` begins a tag: what begins like an entry is one, and where
    each ends before the next begins, none stands in another and nothing between them.
    """
    # One byte is found so much faster than two that it is looked for alone.
    if b"!" in body and b"<!" in body:
        return None
    opening, closing = _ENTRY if _ENTRY[0] in body else _ITEM
    head, *pieces = body.split(opening)
    if not pieces:
        return None
    ends_at = pieces[-1].rfind(closing) + len(closing)
    pieces[-1], tail = pieces[-1][:ends_at], pieces[-1][ends_at:]
    entries = tuple(opening + piece.rstrip() for piece in pieces)
    if not all(entry.endswith(closing) for entry in entries):
        return None
    frame = xxhash.xxh3_64_digest(blank_dates(head) + b"\0" + tail)
    return Parts(head, entries, tail, frame, tuple(_digest_entry(entry, kind) for entry in entries))


def _digest_entry(entry: bytes, kind: Kind) -> bytes:
    return xxhash.xxh3_64_digest(_blank_updated(entry, kind))


def blank_dates(text: bytes) -> bytes:
    """Without every date that is an element: of what is of a feed, and not of an entry."""
    return _DATE.sub(b"", text)


def _blank_updated(entry: bytes, kind: Kind) -> bytes:
    """An entry without its `updated`, unless that dates it."""
    if kind not in UNDATED and not (kind is Kind.STREAM and _is_published(entry)):
        return entry
    first, *rest = entry.split(b"<updated")
    if not rest:
        return _UPDATED.sub(b"", entry) if b":updated" in entry else entry
    return first + b"".join(map(_skip_date, rest))


def _skip_date(text: bytes) -> bytes:
    date = _AFTER_UPDATED.match(text)
    return text[date.end() :] if date else b"<updated" + text


def _is_published(entry: bytes) -> bool:
    """Whether an entry says when it was published: then `updated` does not date it."""
    at = entry.find(_PUBLISHED)
    return at >= 0 and _INSTANT.match(entry, at + len(_PUBLISHED)) is not None
