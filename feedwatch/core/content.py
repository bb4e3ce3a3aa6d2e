"""What a post says, as one short text: made only where it is compared, for a text is long."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from feedwatch.core.model import RawEntry

_PIECE = 65_536


def content_of(entry: RawEntry) -> str | None:
    """The digest of what an entry says; None for one that says nothing."""
    return digest_content(entry.texts) if entry.texts else entry.facts.get("content")


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
