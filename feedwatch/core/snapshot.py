"""Entries as read → a snapshot: keyed, ordered, with the facts that the kind's rules ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from feedwatch.core.content import content_of
from feedwatch.core.keys import (
    alias_of,
    choose_post_keys,
    choose_title_keys,
    choose_viewing_keys,
    take_first_choices,
)
from feedwatch.core.kinds import SAVED, KindRules
from feedwatch.core.model import Entry, Kind, RawEntry, Snapshot

_MOVES_BY_ITSELF = timedelta(seconds=5)
_IN_CATALOG = re.compile(r"/catalog/titles/[^?#\s]+")


def build_snapshot(
    entries: Sequence[RawEntry],
    rules: KindRules,
    *,
    whole: bool,
    requested_at: datetime,
    other_sort: bool = False,
) -> Snapshot:
    """Key and order the entries of one list, in document order over all its pages.

    `other_sort` says that the address asks for another order than the list's own: then only
    positions that the entries carry make an order. What is listed twice counts once.
    """
    dates = date_entries(entries, requested_at)
    own = take_first_choices(entries, rules.kind) if rules.kind is not Kind.HISTORY else None
    keys = _choose_keys(entries, dates, rules) if own is None else own
    alone = own is not None and _stand_alone(entries, rules)
    keyed = _drop_repeats(list(zip(keys, entries, dates, strict=True)))
    unranked: list[int | None] = [None] * len(keyed)
    if not rules.order_counts:
        return Snapshot(tuple(_make_entries(keyed, unranked, rules)), whole=whole, alone=alone)
    # A window on another order shows any places of the list, and what leaves it leaves it by that order.
    carried = any(raw.position is not None for raw in entries) and (whole or not other_sort)
    ordered = carried or not other_sort
    ranks = _rank([raw for _, raw, _ in keyed], carried=carried) if ordered else unranked
    made = _make_entries(keyed, ranks, rules)
    made.sort(key=lambda entry: (entry.position is None, entry.position or 0))
    return Snapshot(tuple(made), whole=whole, ordered=ordered, alone=alone)


def date_entries(entries: Sequence[RawEntry], requested_at: datetime) -> list[datetime | None]:
    """When each viewing or post was; an `updated` that moves by itself is no date."""
    stamps = [entry.updated_at for entry in entries]
    moves = bool(stamps) and all(
        stamp is not None and abs(stamp - requested_at) <= _MOVES_BY_ITSELF for stamp in stamps
    )
    return [
        entry.watched_at or entry.published_at or (None if moves else entry.updated_at) for entry in entries
    ]


def _stand_alone(entries: Sequence[RawEntry], rules: KindRules) -> bool:
    """Whether the place of each entry is the one where it stands, and its date its own."""
    if any(raw.position is not None or raw.saved for raw in entries):
        return False
    return not rules.dated or all(raw.watched_at or raw.published_at for raw in entries)


def complete_snapshot(new: Snapshot, stood: Sequence[int | None], before: Snapshot) -> Snapshot | None:
    """A list of which only new entries were read, with those that are as they were `before`.

    `stood` says for each entry of the list where it stood before, from 0; None for the next that is new. The
    answer is None where they have to be read together: a new entry has the key of one that is known, or that
    is not known.
    """
    if any(at is not None and at >= len(before.entries) for at in stood):
        return None
    coming = iter(new.entries)
    entries = [next(coming) if at is None else before.entries[at] for at in stood]
    if len({entry.key for entry in entries}) != len(entries):
        return None
    if new.ordered:
        entries = [
            entry if entry.position == rank else _stand_at(rank, entry)
            for rank, entry in enumerate(entries, start=1)
        ]
    return Snapshot(tuple(entries), whole=new.whole, ordered=new.ordered, alone=new.alone)


def _stand_at(position: int, entry: Entry) -> Entry:
    """An entry at another place: one that comes moves all behind it, and `replace` is five times as slow."""
    return Entry(
        entry.key,
        entry.title,
        entry.link,
        position,
        entry.facts,
        entry.dated_at,
        entry.alias,
        entry.details,
        entry.title_ref,
    )


Keyed = tuple[str, RawEntry, datetime | None]


def _choose_keys(
    entries: Sequence[RawEntry], dates: Sequence[datetime | None], rules: KindRules
) -> list[str]:
    if rules.kind is Kind.HISTORY:
        return choose_viewing_keys(entries, dates)
    if rules.kind is Kind.STREAM:
        return choose_post_keys(entries, dates)
    return choose_title_keys(entries)


def _drop_repeats(keyed: Sequence[Keyed]) -> list[Keyed]:
    first: dict[str, Keyed] = {}
    for item in keyed:
        first.setdefault(item[0], item)
    return list(first.values())


def _rank(entries: Sequence[RawEntry], *, carried: bool) -> list[int | None]:
    """Each entry's place from 1, by the positions carried or else by the document; a saved title has none."""
    placed = [
        index
        for index, raw in enumerate(entries)
        if not raw.saved and (raw.position is not None or not carried)
    ]
    if carried:
        placed.sort(key=lambda index: entries[index].position or 0)
    ranks: list[int | None] = [None] * len(entries)
    for rank, index in enumerate(placed, start=1):
        ranks[index] = rank
    return ranks


def _make_entries(keyed: Sequence[Keyed], ranks: Sequence[int | None], rules: KindRules) -> list[Entry]:
    names = (*rules.compared, *rules.recorded)
    return [
        # In their order, and not by their names: that takes a third of the time.
        Entry(
            key,
            raw.title,
            raw.link,
            rank,
            _state_facts(raw, dated_at, rules.kind, names),
            dated_at if rules.dated else None,
            None if rules.kind is Kind.HISTORY else alias_of(raw),
            raw.details,
            _place_in_catalog(raw.title_ref),
        )
        for (key, raw, dated_at), rank in zip(keyed, ranks, strict=True)
    ]


def _place_in_catalog(reference: str | None) -> str | None:
    place = _IN_CATALOG.search(reference) if reference else None
    return place[0] if place else None


def _state_facts(
    raw: RawEntry, dated_at: datetime | None, kind: Kind, names: Sequence[str]
) -> dict[str, str]:
    """What an entry says, as far as the rules ask for it by name."""
    facts = dict(raw.facts)
    if raw.saved:
        facts.setdefault("availability", SAVED)
    if dated_at and kind is Kind.HISTORY:
        facts["watched_at"] = dated_at.isoformat()
    if raw.published_at and "published_at" in names:
        facts["published_at"] = raw.published_at.isoformat()
    if "content" in names and (content := content_of(raw)):
        facts["content"] = content
    return {name: facts[name] for name in names if name in facts}
