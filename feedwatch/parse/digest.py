"""Digests that tell whether a document has to be read at all, and what of it.

What moves by itself is blanked first: feed-level dates everywhere, and every `updated` that dates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import xxhash

from feedwatch.core.model import Kind
from feedwatch.parse.guard import MOST_TAGS
from feedwatch.parse.parts import LIKE_ENTRY, UNDATED, UPDATED, Parts, blank_dates, cut_entries

_SECTIONS = re.compile(rb"<!\[CDATA\[|\]\]>|<!--|-->|<\?|\?>|" + UPDATED)
_OPENING = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}


class Digests:
    """The digests of one body; what takes more than a pass over its bytes is made when it is first asked for.

    `raw` is one of the bytes. It holds against chance: who makes two alike deceives his own readers.
    """

    def __init__(self, body: bytes, kind: Kind) -> None:
        self.raw = xxhash.xxh3_128_digest(body)
        self._body = body
        self._kind = kind

    @cached_property
    def content(self) -> bytes:
        """A digest without what moves by itself. What it leaves out is in no entry's facts."""
        if self.parts is not None:
            return xxhash.xxh3_128_digest(self.parts.frame + b"".join(self.parts.digests))
        return self.raw if _is_opaque(self._body) else _digest_uncut(self._body, self._kind)

    @cached_property
    def parts(self) -> Parts | None:
        """The document cut at its entries; None where it cannot be."""
        return None if _is_opaque(self._body) else cut_entries(self._body, self._kind)


def _is_opaque(body: bytes) -> bool:
    """Whether there is nothing to look for: it is JSON or in UTF-16, or will be refused."""
    start = body[:64]
    if b"\0" in start or not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return True
    return len(body) > MOST_TAGS and body.count(b"<") > MOST_TAGS


def _digest_uncut(body: bytes, kind: Kind) -> bytes:
    first = LIKE_ENTRY.search(body)
    if first is None:
        return xxhash.xxh3_128_digest(blank_dates(body))
    digest = xxhash.xxh3_128(blank_dates(body[: first.start()]))
    entries = body[first.start() :]
    for piece in _without_updated(entries) if kind in UNDATED else (entries,):
        digest.update(piece)
    return digest.digest()


def _without_updated(entries: bytes) -> Iterator[bytes]:
    """All but every `updated` that is an element; one in CDATA or a comment is text."""
    at = 0
    closing: bytes | None = None
    for match in _SECTIONS.finditer(entries):
        if closing is not None:
            closing = None if match.group() == closing else closing
        elif match[1] is not None:
            yield entries[at : match.start()]
            at = match.end()
        else:
            closing = _OPENING.get(match.group())
    yield entries[at:]
