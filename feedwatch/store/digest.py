"""A digest of a list as it stands in the file, to see that it reads as written; what does not is damage."""

from __future__ import annotations

from collections.abc import Iterable

import xxhash

Columns = tuple[str, str, str | None, str, str | None, str | None]
"""Of a row of `entries`: key, title, link, facts, dated_at and alias, as they are spelt in the file."""


def tell_row(columns: Columns) -> str:
    """What a row of `entries` says, as `digest_list` takes it: all but when it was first seen, and where."""
    key, title, link, facts, dated_at, alias = columns
    return f"{key}\0{title}\0{link}\0{facts}\0{dated_at}\0{alias}"


def digest_list(order: str, told: Iterable[str]) -> bytes:
    """Digest a list by its order and what its rows say, in that order, each as it is spelt in the file."""
    return xxhash.xxh3_128_digest("\n".join([order, *told]).encode("utf-8", "surrogatepass"))
