"""Lists as a person would write them down, and changes as a person would tell them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from feedwatch.core.diff import Difference, diff_snapshots
from feedwatch.core.kinds import SAVED, KindRules, rules_of
from feedwatch.core.model import Change, ChangeKind, Entry, Kind, Snapshot

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

QUEUE = rules_of(Kind.QUEUE)
RATINGS = rules_of(Kind.RATINGS)
HISTORY = rules_of(Kind.HISTORY)
RECOMMENDATIONS = rules_of(Kind.RECOMMENDATIONS)
STREAM = rules_of(Kind.STREAM)


def queue(
    titles: str,
    saved: str = "",
    *,
    whole: bool = True,
    ordered: bool = True,
    availability: Mapping[str, str | None] | None = None,
) -> Snapshot:
    """A queue, its titles between blanks; all are available unless said otherwise (None: not stated)."""
    names = titles.split()
    said = dict.fromkeys(names, "available now") | dict.fromkeys(saved.split(), SAVED)
    entries = tuple(
        Entry(
            key=name,
            title=name,
            position=names.index(name) + 1 if ordered and name in names else None,
            facts={"availability": label} if (label := (said | dict(availability or {}))[name]) else {},
            alias=f"link of {name}",
        )
        for name in (*names, *saved.split())
    )
    return Snapshot(entries, whole=whole, ordered=ordered)


def ratings(*, whole: bool = True, **stars: str | None) -> Snapshot:
    """A list of rated titles; None is a title without a rating."""
    entries = (
        Entry(key=name, title=name, facts={"rating": value} if value else {}) for name, value in stars.items()
    )
    return Snapshot(tuple(entries), whole=whole)


def titles(names: str, *, whole: bool = False) -> Snapshot:
    """A list of titles without an order of its own: recommendations, or ratings not stated."""
    entries = (Entry(key=name, title=name, alias=f"link of {name}") for name in names.split())
    return Snapshot(tuple(entries), whole=whole)


def viewings(*seen: str) -> Snapshot:
    """Viewings, each a title and the day it was watched: `Heat@3`."""
    entries = []
    for each in seen:
        title, _, day = each.partition("@")
        entries.append(Entry(key=each, title=title, dated_at=NOW + int(day) * DAY))
    return Snapshot(tuple(entries), whole=False)


def posts(names: str, *, dates: Mapping[str, int] | None = None, whole: bool = False) -> Snapshot:
    """Posts in document order; undated but for those whose day is given."""
    days = dates or {}
    entries = (
        Entry(
            key=name,
            title=name,
            link=f"https://example.org/{name}",
            dated_at=NOW + days[name] * DAY if name in days else None,
            alias=f"link of {name}",
        )
        for name in names.split()
    )
    return Snapshot(tuple(entries), whole=whole)


def dated_posts(*days: int) -> Snapshot:
    """Posts that are called after the day of their date."""
    return posts(" ".join(map(str, days)), dates={str(day): day for day in days})


def apply_changes(changes: Iterable[Change], before: Snapshot) -> Snapshot:
    """The list that `changes` make of `before`: the other half of law 1.

    What has no position keeps its order, new ones last; positions are counted anew.
    """
    gone = {change.before.key for change in changes if change.before and _leaves_its_place(change)}
    replaced = {
        change.before.key: change.after
        for change in changes
        if change.before and change.after and not _leaves_its_place(change)
    }
    kept = [replaced.get(entry.key, entry) for entry in before.entries if entry.key not in gone]
    coming = [change.after for change in changes if change.after and _leaves_its_place(change)]
    placed = [entry for entry in kept if entry.position is not None]
    for entry in sorted((e for e in coming if e.position is not None), key=lambda e: e.position or 0):
        placed.insert((entry.position or 1) - 1, entry)
    loose = [entry for entry in (*kept, *coming) if entry.position is None]
    ranked = [replace(entry, position=rank) for rank, entry in enumerate(placed, start=1)]
    return replace(before, entries=(*ranked, *loose))


def _leaves_its_place(change: Change) -> bool:
    return change.moved or change.before is None or change.after is None


def tell(changes: Iterable[Change]) -> list[str]:
    """Changes as sentences, in the order in which they are told."""
    return [_tell(change) for change in changes]


def names_of(changes: Iterable[Change], kind: ChangeKind = ChangeKind.ADDED) -> list[str]:
    """The titles of the changes of one kind."""
    return [change.entry.title for change in changes if change.kind is kind]


def _tell(change: Change) -> str:
    told = f"{change.kind} {change.entry.title}"
    for name, fact in change.facts.items():
        told += f" {name} {fact.before}→{fact.after}"
    if change.moved:
        return f"{told} {change.previous_position}→{change.position}"
    place = change.position or change.previous_position
    return f"{told} at {place}" if place and change.kind is not ChangeKind.UPDATED else told


@dataclass
class Watch:
    """A feed polled again and again, remembered as the store remembers it (store/polls.py)."""

    rules: KindRules
    last: Snapshot
    departed: dict[str, str | None] = field(default_factory=dict)
    grows_at_end: bool = False

    def see(self, coming: Snapshot) -> Sequence[Change]:
        """What the next poll tells."""
        remembered = set(self.departed) | {alias for alias in self.departed.values() if alias}
        shown = {entry.key for entry in coming.entries} | {entry.alias for entry in coming.entries}
        seen = frozenset(each for each in remembered if each in shown)
        found = diff_snapshots(self.last, coming, self.rules, seen=seen, grows_at_end=self.grows_at_end)
        self._remember(found, coming)
        return found.changes

    def _remember(self, found: Difference, coming: Snapshot) -> None:
        gone = {entry.key for entry in coming.entries}
        gone |= {change.entry.key for change in found.changes if change.kind is ChangeKind.REMOVED}
        self.departed = {key: alias for key, alias in self.departed.items() if key not in gone}
        self.departed |= {entry.key: entry.alias for entry in found.departed}
        self.last, self.grows_at_end = found.snapshot, found.grows_at_end
