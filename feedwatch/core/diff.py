"""Two snapshots and the kind's rules → what changed, and what to remember (design, section 4).

This is what feedwatch exists for. Everything here is pure: the same arguments give the same answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from feedwatch.core.keys import strip_host
from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Change, ChangeKind, Entry, FactChange, Kind, Snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """What comparing brought.

    `snapshot` is the one to keep (facts that the new reply does not state are carried over);
    `departed` left a window without having been removed; `rekeyed` maps new keys to the old ones
    of entries that only changed their id; `grows_at_end` see law 3.
    """

    changes: tuple[Change, ...]
    snapshot: Snapshot
    departed: tuple[Entry, ...] = ()
    rekeyed: Mapping[str, str] = field(default_factory=dict)
    grows_at_end: bool = False


@dataclass(frozen=True, slots=True)
class _Match:
    """The entries of two snapshots, paired: what stayed (before, after), vanished and appeared."""

    before: Snapshot
    after: Snapshot
    stayed: tuple[tuple[Entry, Entry], ...]
    vanished: tuple[Entry, ...]
    appeared: tuple[Entry, ...]

    def last_stayed_before(self) -> int:
        """Index in `before` of the last entry that stayed; -1 if none did."""
        keys = {old.key for old, _ in self.stayed}
        return max((i for i, entry in enumerate(self.before.entries) if entry.key in keys), default=-1)

    def stayed_after(self) -> list[int]:
        """Indexes in `after` of the entries that stayed."""
        keys = {new.key for _, new in self.stayed}
        return [i for i, entry in enumerate(self.after.entries) if entry.key in keys]


def diff_snapshots(
    before: Snapshot,
    after: Snapshot,
    rules: KindRules,
    *,
    seen: Collection[str] = frozenset(),
    grows_at_end: bool = False,
) -> Difference:
    """Compare two snapshots of one feed.

    `seen` are the keys and aliases among the new entries that this feed showed within `keep`.
    """
    match = _match_entries(before, after)
    match = _carry_over_unknown(match, rules)
    removed, departed = _judge_vanished(match, rules)
    grows = _judge_growth(match, rules, grows_at_end=grows_at_end)
    news = _judge_appeared(match, rules, seen, grows_at_end=grows)
    changes = (
        *(Change(ChangeKind.REMOVED, entry, None) for entry in removed),
        *_order_by_place(_added(news, rules, grows_at_end=grows), _altered(match, rules), rules),
    )
    rekeyed = {new.key: old.key for old, new in match.stayed if new.key != old.key}
    return Difference(changes, match.after, departed, rekeyed, grows)


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


def find_moved(places: Sequence[int]) -> set[int]:
    """Indexes outside one longest increasing subsequence: the fewest that must have moved (law 2).

    Of two that swapped, the one that went up is taken as the mover, as a person would say it.
    """
    tails: list[int] = []  # the smallest last value of an increasing run of each length
    tail_at: list[int] = []
    came_from: list[int] = []
    for index, place in enumerate(places):
        length = bisect_left(tails, place)
        came_from.append(tail_at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(place)
            tail_at.append(index)
        else:
            tails[length] = place
            tail_at[length] = index
    moved = set(range(len(places)))
    index = tail_at[-1] if tail_at else -1
    while index >= 0:
        moved.discard(index)
        index = came_from[index]
    return moved


def fact_of(entry: Entry, name: str) -> str | None:
    """A fact by its name; title and link are facts of a post too."""
    if name == "title":
        return entry.title
    if name == "link":
        return entry.link
    return entry.facts.get(name)


# ── pairing ───────────────────────────────────────────────────────────────────────────────────────


def _match_entries(before: Snapshot, after: Snapshot) -> _Match:
    old_by_key = {entry.key: entry for entry in before.entries}
    new_keys = {entry.key for entry in after.entries}
    by_alias = _unique_aliases(entry for entry in before.entries if entry.key not in new_keys)
    returning = _unique_aliases(entry for entry in after.entries if entry.key not in old_by_key)
    stayed: list[tuple[Entry, Entry]] = []
    appeared: list[Entry] = []
    for entry in after.entries:
        old = old_by_key.get(entry.key)
        if old is None and entry.alias in returning:
            old = by_alias.get(entry.alias)
        if old is None:
            appeared.append(entry)
        else:
            stayed.append((old, entry))
    kept = {old.key for old, _ in stayed}
    vanished = tuple(entry for entry in before.entries if entry.key not in kept)
    return _Match(before, after, tuple(stayed), vanished, tuple(appeared))


def _unique_aliases(entries: Iterable[Entry]) -> dict[str | None, Entry]:
    found = [entry for entry in entries if entry.alias is not None]
    count = Counter(entry.alias for entry in found)
    return {entry.alias: entry for entry in found if count[entry.alias] == 1}


def _carry_over_unknown(match: _Match, rules: KindRules) -> _Match:
    """Take over what the new reply leaves unsaid: a fact that is not stated has not changed.

    A rating is the exception: none means that the title is not rated any more.
    """
    names = [name for name in rules.compared if name not in ("title", "link", "rating")]
    filled: dict[str, Entry] = {}
    for old, new in match.stayed:
        missing = {n: old.facts[n] for n in names if n in old.facts and n not in new.facts}
        if missing:
            filled[new.key] = replace(new, facts={**new.facts, **missing})
    if not filled:
        return match
    entries = tuple(filled.get(entry.key, entry) for entry in match.after.entries)
    stayed = tuple((old, filled.get(new.key, new)) for old, new in match.stayed)
    return replace(match, after=replace(match.after, entries=entries), stayed=stayed)


# ── what vanished, what appeared ──────────────────────────────────────────────────────────────────


def _judge_vanished(match: _Match, rules: KindRules) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Split what vanished into removed and departed."""
    if not rules.absence_removes:
        return (), match.vanished
    if match.after.whole:
        return match.vanished, ()
    above = {entry.key for entry in match.before.entries[: match.last_stayed_before() + 1]}
    removed = tuple(entry for entry in match.vanished if entry.key in above)
    return removed, tuple(entry for entry in match.vanished if entry.key not in above)


def _judge_growth(match: _Match, rules: KindRules, *, grows_at_end: bool) -> bool:
    """Whether an undated feed is one that grows at its end (law 3): remembered once seen."""
    undated = all(entry.dated_at is None for entry in match.after.entries)
    if not (rules.dated and undated):
        return False
    stayed = match.stayed_after()
    if match.vanished or not match.appeared or not stayed:
        return grows_at_end
    new_keys = {entry.key for entry in match.appeared}
    places = [i for i, entry in enumerate(match.after.entries) if entry.key in new_keys]
    if min(places) > max(stayed):
        return True
    return False if max(places) < min(stayed) else grows_at_end


def _judge_appeared(
    match: _Match, rules: KindRules, seen: Collection[str], *, grows_at_end: bool
) -> list[Entry]:
    """Those new entries that are news; the others have slid in and are only recorded."""
    if rules.absence_removes and match.before.whole:
        return list(match.appeared)
    fresh = [e for e in match.appeared if e.key not in seen and (e.alias is None or e.alias not in seen)]
    if match.before.whole or not match.before.entries:
        return fresh
    slid = _slid_in(match, grows_at_end=grows_at_end)
    oldest = min((e.dated_at for e in match.before.entries if e.dated_at), default=None)
    if not rules.dated or oldest is None:
        return [entry for entry in fresh if entry.key not in slid]
    return [
        entry for entry in fresh if (entry.dated_at >= oldest if entry.dated_at else entry.key not in slid)
    ]


def _slid_in(match: _Match, *, grows_at_end: bool) -> set[str]:
    """Keys that stand beyond the far end of what stayed: older entries that a window now shows."""
    stayed = match.stayed_after()
    entries = match.after.entries
    if grows_at_end:
        return {entry.key for entry in entries[: min(stayed, default=0)]}
    if stayed:
        return {entry.key for entry in entries[max(stayed) + 1 :]}
    # Nothing stayed: the whole window has passed by. Only a list that became whole shows what lay beyond.
    return {entry.key for entry in entries[len(match.before.entries) :]} if match.after.whole else set()


# ── what stayed ───────────────────────────────────────────────────────────────────────────────────


def _altered(match: _Match, rules: KindRules) -> list[Change]:
    moved = _moved_keys(match) if rules.order_counts else set()
    changes: list[Change] = []
    for old, new in match.stayed:
        facts = _compare_facts(old, new, rules)
        if facts:
            changes.append(Change(ChangeKind.UPDATED, old, new, facts, moved=new.key in moved))
        elif new.key in moved:
            changes.append(Change(ChangeKind.MOVED, old, new, moved=True))
    return changes


def _moved_keys(match: _Match) -> set[str]:
    if not (match.before.ordered and match.after.ordered):
        return set()
    both = [(o, n) for o, n in match.stayed if o.position is not None and n.position is not None]
    outside = find_moved([old.position or 0 for old, _ in both])
    moved = {both[index][1].key for index in outside}
    return moved | {new.key for old, new in match.stayed if (old.position is None) != (new.position is None)}


def _compare_facts(old: Entry, new: Entry, rules: KindRules) -> dict[str, FactChange]:
    facts: dict[str, FactChange] = {}
    for name in rules.compared:
        was, now = fact_of(old, name), fact_of(new, name)
        if was == now or (name == "link" and strip_host(was) == strip_host(now)):
            continue
        if name != "rating" and (was is None or now is None):
            continue
        facts[name] = FactChange(was, now)
    return facts


# ── the order in which changes are told ───────────────────────────────────────────────────────────


def _added(news: Sequence[Entry], rules: KindRules, *, grows_at_end: bool) -> list[Change]:
    """News as changes, the oldest first where entries have a place in time."""
    told = list(news)
    if rules.dated and not grows_at_end:
        told.reverse()
    if rules.dated and all(entry.dated_at for entry in told):
        told.sort(key=lambda entry: entry.dated_at.timestamp() if entry.dated_at else 0.0)
    return [Change(ChangeKind.ADDED, None, entry) for entry in told]


def _order_by_place(added: list[Change], altered: list[Change], rules: KindRules) -> list[Change]:
    changes = [*added, *altered]
    if rules.kind is not Kind.QUEUE:
        return changes
    return sorted(changes, key=lambda change: (change.position is None, change.position or 0))


def _leaves_its_place(change: Change) -> bool:
    return change.moved or change.before is None or change.after is None
