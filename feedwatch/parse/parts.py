"""A document cut at its entries, to see which of them are as they were: those need not be read again.

Only where the bytes alone tell for certain where an entry begins and ends, and that it stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import xxhash

from feedwatch.core.model import Kind
from feedwatch.parse.guard import MOST_ENTRIES, end_of_prolog

UNDATED: Final = (Kind.QUEUE, Kind.RATINGS, Kind.RECOMMENDATIONS)
"""Titles have no place in time. A viewing has, and is identified by it; a post may be dated by `updated`."""
_SIZE: Final = 8
_READ_AS: Final = b"1"
"""How entries are read. Where that changes, none is as it was."""
_ENTRY: Final = (re.compile(rb"<entry"), b"</entry>")
_ITEM: Final = (re.compile(rb"<item"), b"</item>")
"""What an entry begins like, and ends with. A pattern goes through a document faster than `bytes.split`."""
_PREFIX = rb"(?:[^\s<>/:]++:)?+"
LIKE_ENTRY: Final = re.compile(
    rb"<(?:" + _PREFIX + rb"(?:entry|item|recommendation)|[^\s<>/]*?_item)(?=[\s>/])", re.IGNORECASE
)
"""What any reader may take for an entry, by whatever name."""
_DATE_NAMES = rb"(?:[\w.-]++:)?+(?:updated|lastBuildDate|pubDate|date|modified)"
_DATE = re.compile(rb"<(" + _DATE_NAMES + rb")(?:\s[^<>]*+)?+>[^<>]{0,64}+</\1\s*+>")
_WHEN = rb"[0-9 \t\n\r\f\v:.TZtz+-]{0,64}+"
"""A date in digits, or nothing. Any other text may be of what a post says, as XML."""
UPDATED: Final = rb"<((?:[\w.-]++:)?+updated)(?:\s[^<>]*+)?+>" + _WHEN + rb"</\1\s*+>"
"""An `updated` with a date in it, as a pattern; its name is the first group."""
_UPDATED = re.compile(UPDATED)
_USUAL_UPDATED = re.compile(rb"<updated>" + _WHEN + rb"</updated>")
_BLANK: Final = b"\0"
"""What stands in a digest where a date was left out: no document has that."""
_FEW_QUESTIONS: Final = 200
_LESS_THAN: Final = ord("<")
_DAY = rb"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_INSTANT = re.compile(
    rb"<published>(?:19[1-9]|20\d)\d-" + _DAY + rb"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    rb"(?:\.\d{3}(?:\d{3})?)?(?:Z|[+-](?:0\d|1[0-2]):[0-5]\d)?</published"
)
"""No more than what is read as an instant for certain: what is not, is dated by `updated`."""
_ANY_PUBLISHED = re.compile(rb"<" + _PREFIX + rb"published(?=[\s>/])")
_EMPTY_ELEMENT = re.compile(rb"<[^<>\"']*+(?:(?:\"[^\"<]*+\"|'[^'<]*+')[^<>\"']*+)*+(?<=/)>")
_WHOLE_ELEMENTS = re.compile(
    rb"[^<]*+(?:<[^\s<>/!?][^>]*+(?>(?<=/)>|(?<!/)>[^<]*+</[^>]*+>)\s*+)*+",
)
"""Text, and elements with nothing but text in them.

A `>` in an attribute is taken for the end of its tag; then no element can follow, and no more is found.
"""
_PLAIN = rb"<(?:id|title)[\s>][^<]*+</(?:id|title)>|<link\s[^<>]*+(?<=/)>"
_BEGIN = rb"(([^<]++(?:(?:" + _PLAIN + rb")\s*+)*+)<updated>" + _WHEN + rb"</updated>)"
"""What an entry often begins with: nothing but id, title and links before its `updated`.

Each of them is whole, so `updated` is right within the entry; and none could be the opening of another
entry, so no byte is looked at for two of them.
"""
_UNDATED_ENTRY = re.compile(rb"<entry(?:" + _BEGIN + rb")?")
_DATED_ENTRY = re.compile(rb"<entry(?:" + _BEGIN + rb"(?=\s*+" + _INSTANT.pattern + rb"))?")
_USUAL_ENTRIES: Final = {Kind.STREAM: _DATED_ENTRY, **dict.fromkeys(UNDATED, _UNDATED_ENTRY)}
"""By the kind of a list: how an entry begins whose `updated` says nothing, where that is plain to see.

Found while a document is cut, in the same pass: by itself it would take as long again.
"""


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class Parts:
    """What stands before, in and behind the entries of a document, with digests of it.

    `entries` are without the `opening` that each of them begins with, and without what `begun` holds of it:
    they are copied as seldom as can be.
    `frame` is a digest of all that stands around the entries, `digests` one of each entry: of what does not
    move by itself.
    """

    head: bytes = field(repr=False)
    opening: bytes
    begun: Sequence[bytes | None] = field(repr=False)
    entries: Sequence[bytes] = field(repr=False)
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
        return places if known and known == sorted(set(known)) else None

    def write_only(self, numbers: Iterable[int]) -> bytes:
        """The document with these of its entries alone."""
        opening, begun, entries = self.opening, self.begun, self.entries
        asked = [opening + (begun[number] or b"") + entries[number] for number in numbers]
        return self.head + b"".join(asked) + self.tail

    def _seal(self, how: str) -> bytes:
        return xxhash.xxh3_64_digest(_READ_AS + self.frame + how.encode("utf-8", "surrogatepass"))


def cut_entries(body: bytes, kind: Kind) -> Parts | None:
    """Cut a document at its entries; None where it is not plain to see where they begin and end.

    Without comments, CDATA, a DOCTYPE and instructions every `<` begins a tag: what begins like an entry is
    one, and where each ends before the next begins, none stands in another and nothing between them.
    """
    # One byte is found so much faster than two that it is looked for alone.
    if b"!" in body and b"<!" in body:
        return None
    if _has_instruction(body, end_of_prolog(body)):
        return None
    first = _ENTRY[0].search(body)
    opening, closing = _ENTRY if first else _ITEM
    pattern = _pattern_of(first, kind) if first else opening
    head, *pieces = pattern.split(body)
    if pattern.groups:  # what is plain to see, that without its `updated`, and what is behind it
        begun, undated, rests = pieces[::3], pieces[1::3], pieces[2::3]
    else:
        begun, undated, rests = [None] * len(pieces), [None] * len(pieces), pieces
    if not 0 < len(rests) <= MOST_ENTRIES:  # read a few at a time, none would be too many
        return None
    ends_at = rests[-1].rfind(closing) + len(closing)
    rests[-1], tail = rests[-1][:ends_at], rests[-1][ends_at:]
    if LIKE_ENTRY.search(head) or LIKE_ENTRY.search(tail):  # another entry, by another name
        return None
    entries = [rest.rstrip() for rest in rests]
    if not all(entry.endswith(closing) for entry in entries):
        return None
    frame = xxhash.xxh3_64_digest(blank_dates(head) + b"\0" + tail)
    blank = _BLANKED.get(kind, bytes) if opening is _ENTRY[0] or kind in UNDATED else bytes
    digests = _digest_entries(undated, entries, blank)
    return Parts(head, opening.pattern, begun, entries, tail, frame, digests)


def _digest_entries(
    undated: Sequence[bytes | None], rests: Sequence[bytes], blank: Callable[[bytes], bytes]
) -> tuple[bytes, ...]:
    """A digest of each entry without what says nothing, which `blank` leaves out.

    Where that was plain to see when the document was cut, an entry begins with what is `undated`.
    """
    return tuple(
        [
            xxhash.xxh3_64_digest(blank(rest) if before is None else before + _BLANK + rest)
            for before, rest in zip(undated, rests, strict=True)
        ]
    )


def _pattern_of(first: re.Match[bytes], kind: Kind) -> re.Pattern[bytes]:
    """What finds entries of this kind where the first is: one is written as the others are."""
    usual = _USUAL_ENTRIES.get(kind, _ENTRY[0])
    seen = usual.match(first.string, first.start())
    return usual if seen is not None and seen.end() > first.end() else _ENTRY[0]


def _has_instruction(body: bytes, start: int) -> bool:
    """Whether an instruction stands behind the prolog: as above, unless every second address has a `?`."""
    at = body.find(b"?", start)
    for _ in range(_FEW_QUESTIONS):
        if at < 0 or body[at - 1] == _LESS_THAN:
            return at >= 0
        at = body.find(b"?", at + 1)
    return body.find(b"<?", at - 1) >= 0


def blank_dates(text: bytes) -> bytes:
    """Without every date that is an element: of what is of a feed, and not of an entry."""
    return _DATE.sub(b"", text)


def _blank_updated(entry: bytes) -> bytes:
    """An entry without its first `updated`, if that is its own and not a piece of what it says."""
    date = _USUAL_UPDATED.search(entry) or (_UPDATED.search(entry) if b"updated" in entry else None)
    if date is None or not _is_right_within(entry, *date.span()):
        return entry
    return entry[: date.start()] + _BLANK + entry[date.end() :]


def _blank_undating(post: bytes) -> bytes:
    """A post without its first `updated`, where it says when it was published: then that does not date it."""
    published = _ANY_PUBLISHED.search(post)  # the first of several is read, by whatever prefix
    date = _INSTANT.match(post, published.start()) if published else None
    if date is None or not _is_right_within(post, *date.span()):
        return post
    return _blank_updated(post)


def _is_right_within(entry: bytes, start: int, end: int) -> bool:
    """Whether what starts and ends there is in no other element of an entry."""
    if entry.find(b"<", end) == entry.rfind(b"</"):  # it is the last, as in the API's lists
        return True
    if (before := _WHOLE_ELEMENTS.match(entry, 0, start)) is not None and before.end() == start:
        return True
    ends = entry.count(b"</", 0, start)  # all that began has ended
    empty = sum(1 for _ in _EMPTY_ELEMENT.finditer(entry, 0, start))
    return entry.count(b"<", 0, start) == 2 * ends + empty


_BLANKED: Final[dict[Kind, Callable[[bytes], bytes]]] = {
    Kind.STREAM: _blank_undating,
    **dict.fromkeys(UNDATED, _blank_updated),
}
"""How what says nothing is left out of an entry; of a viewing nothing is, nor of an item that is a post."""
