"""A digest of a list as it was written, to see that it reads as such: what does not is no change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b

from feedwatch.core.model import Entry
from feedwatch.store.codec import LINE_SEPARATORS

_SIZE = 16
# In one go: encoded one by one, entries would take twice as long.
_ENCODE = json.JSONEncoder(
    sort_keys=True, separators=LINE_SEPARATORS, check_circular=False, default=dict
).encode
_BETWEEN_ENTRIES = "]\n["


def tell_entries(entries: Sequence[Entry]) -> list[str]:
    """What each entry says, as `digest_list` takes it.

    Not how that is spelt in the file: a row that an older feedwatch has written, and that says the same,
    gives the same. Of its place, and of when it was first seen, an entry says nothing.
    """
    if not entries:
        return []
    said = [
        (each.key, each.title, each.link, each.facts, each.dated_at and each.dated_at.timestamp(), each.alias)
        for each in entries
    ]
    text = _ENCODE(said)
    return text.removeprefix("[[").removesuffix("]]").split(_BETWEEN_ENTRIES)


def digest_list(placed: Sequence[str], loose: Sequence[str]) -> bytes:
    """Digest a list by what its entries say, in order: those with a place, then the others."""
    text = f"[[{_join(placed)}],[{_join(loose)}]]".replace("\n", ",")
    return blake2b(text.encode("ascii"), digest_size=_SIZE).digest()


def _join(told: Sequence[str]) -> str:
    return f"[{_BETWEEN_ENTRIES.join(told)}]" if told else ""
