"""Two snapshots and the kind's rules → what changed, and what to remember (design, section 4).

This is what feedwatch exists for. Everything here is pure: the same arguments give the same answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from feedwatch.core.keys import strip_reference
from feedwatch.core.kinds import SAVED, KindRules
from feedwatch.core.match import Match, match_entries
from feedwatch.core.model import Change, ChangeKind, Entry, FactChange, Kind, Snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """What comparing brought.

    `snapshot` is the one to keep (facts that the new reply does not state are carried over);
    `departed` left a window without having been removed; `lost` is how many entries are not there any
    more, for either reason. `rekeyed` maps new keys to the old ones of entries that only changed their
    id, in an order in which each new key is free when its turn comes; `grows_at_end` see law 3.
    """

    changes: tuple[Change, ...]
    snapshot: Snapshot
    departed: tuple[Entry, ...] = ()
    rekeyed: Mapping[str, str] = field(default_factory=dict)
    grows_at_end: bool = False
    lost: int = 0


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
    match = _carry_over_unsaid(match_entries(before, after, rules), rules)
    removed, departed = _judge_vanished(match, rules)
    grows = _judge_growth(match, rules, grows_at_end=grows_at_end)
    news = _judge_appeared(match, rules, seen, grows_at_end=grows)
    changes = (
        *(Change(ChangeKind.REMOVED, entry, None) for entry in removed),
        *_order_by_place(tell_added(news, rules, grows_at_end=grows), _altered(match, rules), rules),
    )
    return Difference(changes, match.after, departed, match.find_renames(), grows, lost=len(match.vanished))


def find_moved(places: Sequence[int]) -> set[int]:
    """Indexes outside one longest increasing subsequence: the fewest that must have moved (law 2).

    Of two that swapped, the one that went up is taken as the mover, as a person would say it.
    """
    if list(places) == sorted(set(places)):
        return set()  # as almost always
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


def tell_added(news: Sequence[Entry], rules: KindRules, *, grows_at_end: bool = False) -> list[Change]:
    """Make news of entries, in list order; the oldest first where entries have a place in time."""
    told = list(news)
    if rules.dated and not grows_at_end:
        told.reverse()
    if rules.dated and all(entry.dated_at for entry in told):
        told.sort(key=lambda entry: entry.dated_at.timestamp() if entry.dated_at else 0.0)
    return [Change(ChangeKind.ADDED, None, entry) for entry in told]


def fact_of(entry: Entry, name: str) -> str | None:
    """A fact by its name; title and link are facts of a post too."""
    if name == "title":
        return entry.title
    if name == "link":
        return entry.link
    return entry.facts.get(name)


# ── what a reply leaves unsaid ─────────────────────────────────────────────────────────────────────


def _carry_over_unsaid(match: Match, rules: KindRules) -> Match:
    """Take over what the new reply leaves unsaid: a fact that is not stated has not changed.

    A rating is the exception: none means that the title is not rated any more.
    """
    names = [name for name in rules.compared if name not in ("title", "link", "rating")]
    if not names:
        return match
    filled: dict[str, Entry] = {}
    for old, new in match.stayed:
        if old is new or old.facts == new.facts:
            continue
        missing = {n: old.facts[n] for n in names if n in old.facts and n not in new.facts}
        if missing and not _has_come_out(old, new):
            filled[new.key] = replace(new, facts={**new.facts, **missing})
    if not filled:
        return match
    entries = tuple(filled.get(entry.key, entry) for entry in match.after.entries)
    stayed = tuple((old, filled.get(new.key, new)) for old, new in match.stayed)
    return replace(match, after=replace(match.after, entries=entries), stayed=stayed)


def _has_come_out(old: Entry, new: Entry) -> bool:
    """Whether a saved title has a place now: then it is not saved any more, whatever is left unsaid."""
    return old.facts.get("availability") == SAVED and new.position is not None


# ── what vanished, what appeared ──────────────────────────────────────────────────────────────────


def _judge_vanished(match: Match, rules: KindRules) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Split what vanished into removed and departed."""
    if not rules.absence_removes:
        return (), match.vanished
    if match.after.whole:
        return match.vanished, ()
    end = max(match.places_before(old for old, _ in match.stayed), default=-1)
    above = {entry.key for entry in match.before.entries[: end + 1]}
    removed = tuple(entry for entry in match.vanished if entry.key in above)
    return removed, tuple(entry for entry in match.vanished if entry.key not in above)


def _judge_growth(match: Match, rules: KindRules, *, grows_at_end: bool) -> bool:
    """Whether an undated feed is one that grows at its end (law 3): remembered once seen."""
    if not rules.dated or any(entry.dated_at for entry in match.after.entries):
        return False
    stayed = match.places_after(new for _, new in match.stayed)
    places = match.places_after(match.appeared)
    if not (stayed and places):
        return grows_at_end
    if min(places) > max(stayed) and not match.vanished:
        return True
    gone = match.places_before(match.vanished)
    last_kept = max(match.places_before(old for old, _ in match.stayed))
    if max(places) < min(stayed) and min(gone, default=last_kept + 1) > last_kept:
        return False
    return grows_at_end


def _judge_appeared(
    match: Match, rules: KindRules, seen: Collection[str], *, grows_at_end: bool
) -> list[Entry]:
    """Those new entries that are news; the others have slid in and are only recorded."""
    if rules.absence_removes and match.before.whole:
        return list(match.appeared)
    fresh = _drop_seen(match, seen)
    if not fresh or match.before.whole or not match.before.entries:
        return fresh
    known = [entry.dated_at for entry in match.before.entries if entry.dated_at] if rules.dated else []
    oldest = min(known, default=None)
    if oldest and all(entry.dated_at for entry in fresh):
        return [entry for entry in fresh if entry.dated_at and entry.dated_at >= oldest]
    back = [entry for entry in match.appeared if entry not in fresh] if rules.absence_removes else []
    slid = _slid_in(match, rules, back, grows_at_end=grows_at_end)
    return [
        entry
        for entry in fresh
        if (entry.dated_at >= oldest if oldest and entry.dated_at else entry.key not in slid)
    ]


def _drop_seen(match: Match, seen: Collection[str]) -> list[Entry]:
    """What appeared but was not seen within `keep`; an alias that others share tells nothing."""
    if not seen:
        return list(match.appeared)
    shared = Counter(entry.alias for entry in (*match.before.entries, *match.after.entries))
    return [
        entry
        for entry in match.appeared
        if entry.key not in seen and not (entry.alias in seen and shared[entry.alias] == 1)
    ]


def _slid_in(match: Match, rules: KindRules, back: Sequence[Entry], *, grows_at_end: bool) -> set[str]:
    """Keys that stand beyond the far end of what stayed: older entries that a window now shows.

    Where nothing stayed, what is `back` in a window of a list says where that end is: it never left it.
    """
    if rules.kind is Kind.RECOMMENDATIONS and not match.after.whole:
        return set()  # there is nothing older: what is suggested anew is news wherever it stands
    stayed = match.places_after(new for _, new in match.stayed)
    entries = match.after.entries
    if grows_at_end:
        return {entry.key for entry in entries[: min(stayed, default=0)]}
    if stayed:
        return {entry.key for entry in entries[max(stayed) + 1 :]}
    if back:
        return {entry.key for entry in entries[max(match.places_after(back)) + 1 :]}
    # Nothing stayed: the whole window has passed by. Only a list that became whole shows what lay beyond.
    return {entry.key for entry in entries[len(match.before.entries) :]} if match.after.whole else set()


# ── what stayed ───────────────────────────────────────────────────────────────────────────────────


def _altered(match: Match, rules: KindRules) -> list[Change]:
    moved = _moved_keys(match) if rules.order_counts else set()
    changes: list[Change] = []
    for old, new in match.stayed:
        facts = _compare_facts(old, new, rules)
        if facts:
            changes.append(Change(ChangeKind.UPDATED, old, new, facts, moved=new.key in moved))
        elif new.key in moved:
            changes.append(Change(ChangeKind.MOVED, old, new, moved=True))
    return changes


def _moved_keys(match: Match) -> set[str]:
    if not (match.before.ordered and match.after.ordered):
        return set()
    both = [(o, n) for o, n in match.stayed if o.position is not None and n.position is not None]
    outside = find_moved([old.position or 0 for old, _ in both])
    moved = {both[index][1].key for index in outside}
    if len(both) == len(match.stayed):
        return moved
    return moved | {new.key for old, new in match.stayed if (old.position is None) != (new.position is None)}


def _say_the_same(old: Entry, new: Entry) -> bool:
    """As most entries do from one poll to the next."""
    return old is new or (old.title == new.title and old.link == new.link and old.facts == new.facts)


def _compare_facts(old: Entry, new: Entry, rules: KindRules) -> dict[str, FactChange]:
    facts: dict[str, FactChange] = {}
    if _say_the_same(old, new):
        return facts
    for name in rules.compared:
        was, now = fact_of(old, name), fact_of(new, name)
        if was == now or (name == "link" and strip_reference(was) == strip_reference(now)):
            continue
        if (was is None or now is None) and name != "rating" and not _has_come_out(old, new):
            continue
        facts[name] = FactChange(was, now)
    return facts


# ── the order in which changes are told ───────────────────────────────────────────────────────────


def _order_by_place(added: list[Change], altered: list[Change], rules: KindRules) -> list[Change]:
    changes = [*added, *altered]
    if rules.kind is not Kind.QUEUE:
        return changes
    return sorted(changes, key=lambda change: (change.position is None, change.position or 0))
