"""Which entry of one snapshot is which of the next: by key, and by alias where an id was made anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Entry, Kind, Snapshot


@dataclass(frozen=True, slots=True)
class Match:
    """The entries of two snapshots, paired: what stayed (before, after), vanished and appeared."""

    before: Snapshot
    after: Snapshot
    stayed: tuple[tuple[Entry, Entry], ...]
    vanished: tuple[Entry, ...]
    appeared: tuple[Entry, ...]

    def places_before(self, entries: Iterable[Entry]) -> list[int]:
        """Indexes in `before` of some of its entries."""
        return _find_places(self.before, entries)

    def places_after(self, entries: Iterable[Entry]) -> list[int]:
        """Indexes in `after` of some of its entries."""
        return _find_places(self.after, entries)

    def find_renames(self) -> dict[str, str]:
        """New key → old key, in an order in which each new key is free when its turn comes.

        What would have to change places, or take the key of an entry that vanished, is left out: there
        the new entry is written over the old one.
        """
        renamed = {new.key: old.key for old, new in self.stayed if new.key != old.key}
        if not renamed:
            return renamed
        in_use = {entry.key for entry in self.before.entries}
        ordered: dict[str, str] = {}
        for free in [key for key in renamed if key not in in_use]:
            key = free
            while key in renamed:
                ordered[key] = renamed[key]
                key = renamed[key]  # free from now on
        return ordered


def match_entries(before: Snapshot, after: Snapshot, rules: KindRules) -> Match:
    """Pair the entries of two snapshots of one feed."""
    origins = _find_origins(before, after, rules)
    stayed = tuple([(origins[entry.key], entry) for entry in after.entries if entry.key in origins])
    return Match(
        before,
        after,
        stayed,
        vanished=_find_vanished(before, stayed),
        appeared=tuple([entry for entry in after.entries if entry.key not in origins]),
    )


def _find_vanished(before: Snapshot, stayed: Sequence[tuple[Entry, Entry]]) -> tuple[Entry, ...]:
    if len(stayed) == len(before.entries):
        return ()  # as each of them is one of the new ones at most
    kept = {old.key for old, _ in stayed}
    return tuple([entry for entry in before.entries if entry.key not in kept])


def _find_origins(before: Snapshot, after: Snapshot, rules: KindRules) -> dict[str, Entry]:
    """The old entry that each new one is, by the new one's key.

    The id of a title is the title: an alias speaks only for ids that the other list does not know.
    The id of a post may be given to another post (numbered from the top, say): there an alias that
    is one post's alone comes first.
    """
    old_by_key = {entry.key: entry for entry in before.entries}
    if not _may_be_rekeyed(old_by_key, after):
        return {entry.key: old_by_key[entry.key] for entry in after.entries if entry.key in old_by_key}
    new_keys = {entry.key for entry in after.entries}
    known = _unique_aliases(before.entries)
    aliased = {
        entry.key: known[alias] for alias, entry in _unique_aliases(after.entries).items() if alias in known
    }
    if rules.kind is not Kind.STREAM:
        aliased = {
            key: old for key, old in aliased.items() if key not in old_by_key and old.key not in new_keys
        }
    claimed = {old.key for old in aliased.values()}
    same_key = {key: old for key, old in old_by_key.items() if key in new_keys and key not in claimed}
    return same_key | aliased


def _may_be_rekeyed(old_by_key: Mapping[str, Entry], after: Snapshot) -> bool:
    """Whether an alias could say otherwise than the keys do, as it seldom can.

    It cannot where all that have a key of before have its alias too, and no others have any of before.
    """
    coming = set[str | None]()
    for entry in after.entries:
        old = old_by_key.get(entry.key)
        if old is None:
            coming.add(entry.alias)
        elif old is not entry and old.alias != entry.alias:
            return True
    coming.discard(None)
    return bool(coming) and any(old.alias in coming for old in old_by_key.values())


def _unique_aliases(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Entries by alias; what two entries of a list share tells neither of them."""
    count = Counter(entry.alias for entry in entries)
    return {entry.alias: entry for entry in entries if entry.alias is not None and count[entry.alias] == 1}


def _find_places(snapshot: Snapshot, entries: Iterable[Entry]) -> list[int]:
    keys = {entry.key for entry in entries}
    return [index for index, entry in enumerate(snapshot.entries) if entry.key in keys]
