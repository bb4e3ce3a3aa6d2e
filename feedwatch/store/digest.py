"""A digest of a list as it stands in the file, to see that it reads as written; what does not is damage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import xxhash

_BETWEEN_COLUMNS = "\0"
_BETWEEN_ROWS = "\n"
_NULL = "\1"


def tell_row(columns: Sequence[str | None]) -> str:
    """What a row of `entries` says, as `digest_list` takes it: all but its feed and when it was first seen.

    Raises:
        TypeError: a column holds what is no text, which nobody has written.
    """
    return _BETWEEN_COLUMNS.join([_NULL if column is None else column for column in columns])


def digest_list(order: str, told: Iterable[str]) -> bytes:
    """Digest a list by its order and what its rows say, in that order, each as it is spelt in the file."""
    return xxhash.xxh3_128_digest(_BETWEEN_ROWS.join([order, *told]).encode("utf-8", "surrogatepass"))
