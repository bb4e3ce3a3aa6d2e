"""A digest of a list as it was written, to see that it reads as such: what does not is no change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from feedwatch.core.model import Entry

_SIZE = 16
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


def digest_list(placed: Iterable[Entry], loose: Iterable[Entry]) -> bytes:
    """Digest the entries of a list, in order: those with a place, then the others.

    Of what they say, not of how that is spelt in the file: a row that an older feedwatch has written, and
    that says the same, gives the same. Of when an entry was first seen it knows nothing.
    """
    told = [[_tell(entry) for entry in placed], [_tell(entry) for entry in loose]]
    return blake2b(_ENCODE(told).encode("ascii"), digest_size=_SIZE).digest()


def _tell(entry: Entry) -> tuple[object, ...]:
    facts, at = entry.facts, entry.dated_at
    facts = facts if isinstance(facts, dict) else dict(facts)
    return entry.key, entry.title, entry.link, facts, at and at.timestamp(), entry.alias
