"""The laws of comparing (design, section 4), held for lists that nobody would think of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lists import (
    DAY,
    HISTORY,
    NOW,
    QUEUE,
    RATINGS,
    RECOMMENDATIONS,
    STREAM,
    Watch,
    apply_changes,
    dated_posts,
    names_of,
    posts,
    queue,
    titles,
)

from feedwatch.core.diff import Difference, diff_snapshots, fact_of, find_moved
from feedwatch.core.kinds import SAVED, KindRules, rules_of
from feedwatch.core.model import Change, ChangeKind, Entry, Kind, RawEntry, Snapshot
from feedwatch.core.snapshot import build_snapshot

TITLES = [f"T{number}" for number in range(14)]
LABELS = st.sampled_from(["available now", "short wait", "awaiting release"])
STARS = st.sampled_from(["1", "2.5", "5", "not_interested"])
KINDS = st.sampled_from(list(Kind)).map(rules_of)


@st.composite
def queues(draw: st.DrawFn, *, unsaid: bool = False) -> Snapshot:
    """A whole queue: some titles in order, the others saved."""
    names = draw(st.lists(st.sampled_from(TITLES), unique=True))
    cut = draw(st.integers(0, len(names)))
    labels = LABELS | st.none() if unsaid else LABELS
    availability = {name: draw(labels) for name in names[:cut]}
    return queue(" ".join(names[:cut]), " ".join(names[cut:]), availability=availability)


@st.composite
def rated(draw: st.DrawFn) -> Snapshot:
    """A whole list of ratings, some of them taken back."""
    stars = draw(st.dictionaries(st.sampled_from(TITLES), STARS | st.none()))
    entries = (Entry(name, name, facts={"rating": each} if each else {}) for name, each in stars.items())
    return Snapshot(tuple(entries), whole=True)


def any_list(draw: st.DrawFn, rules: KindRules, *, whole: bool) -> Snapshot:
    """A list as any feed may show it: ids given anew, posts alike, dates missing."""
    entries = draw(
        st.lists(
            st.builds(
                Entry,
                key=st.sampled_from("12345678"),
                title=st.sampled_from("AB"),
                link=st.none() | st.sampled_from(["https://a.example/x", "https://b.example/y"]),
                facts=st.dictionaries(st.sampled_from(rules.compared or ("year",)), STARS),
                dated_at=st.none() | st.sampled_from([NOW, NOW - DAY, NOW + DAY]),
                alias=st.none() | st.sampled_from("pqrst"),
            ),
            unique_by=lambda entry: entry.key,
        )
    )
    ordered = rules.order_counts and draw(st.booleans())
    ranked = (replace(e, position=n if ordered else None) for n, e in enumerate(entries, start=1))
    return Snapshot(tuple(ranked), whole=whole, ordered=ordered)


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Snapshot, Snapshot, KindRules]:
    """Any two lists of any kind, whole or windows."""
    rules = draw(KINDS)
    before, after = (any_list(draw, rules, whole=draw(st.booleans())) for _ in range(2))
    return before, after, rules


def view(snapshot: Snapshot, rules: KindRules) -> tuple[list[object], list[object]]:
    """What counts of a list: keys and compared facts, in order where that counts, else in any."""
    told = [
        (entry.position is not None, entry.key, [fact_of(entry, name) for name in rules.compared])
        for entry in snapshot.entries
    ]
    return [each for each in told if each[0]], sorted((each for each in told if not each[0]), key=repr)


# ── law 1: a list and what is told of it make the next list ───────────────────────────────────────


@given(before=queues(), after=queues())
def test_what_is_told_of_a_queue_makes_the_next_queue(before: Snapshot, after: Snapshot) -> None:
    """The changes applied to a queue give the next one: in titles, labels and order."""
    changes = diff_snapshots(before, after, QUEUE).changes
    assert view(apply_changes(changes, before), QUEUE) == view(after, QUEUE)


@given(before=rated(), after=rated())
def test_what_is_told_of_ratings_makes_the_next_ratings(before: Snapshot, after: Snapshot) -> None:
    """The changes applied to ratings give the next ones."""
    changes = diff_snapshots(before, after, RATINGS).changes
    assert view(apply_changes(changes, before), RATINGS) == view(after, RATINGS)


@given(before=queues(unsaid=True), after=queues(unsaid=True))
def test_what_a_reply_leaves_unsaid_is_carried_over(before: Snapshot, after: Snapshot) -> None:
    """Where labels are missing, the changes make the list that is kept: the new one, and the old labels."""
    found = diff_snapshots(before, after, QUEUE)
    old = {entry.key: entry for entry in before.entries}
    assert [entry.key for entry in found.snapshot.entries] == [entry.key for entry in after.entries]
    for kept, stated in zip(found.snapshot.entries, after.entries, strict=True):
        assert not (kept.position and kept.facts.get("availability") == SAVED)
        if kept != stated:
            assert not stated.facts
            assert kept.facts == old[kept.key].facts
    stated_at_last = {key for key, entry in old.items() if not entry.facts}
    applied = {entry.key: entry for entry in apply_changes(found.changes, before).entries}
    assert applied.keys() == {entry.key for entry in after.entries}
    assert all(applied[e.key].facts == e.facts for e in found.snapshot.entries if e.key not in stated_at_last)


@given(before=queues(), after=queues(), changed=st.sets(st.sampled_from(TITLES)))
def test_what_is_told_makes_the_next_queue_where_ids_changed(
    before: Snapshot, after: Snapshot, changed: set[str]
) -> None:
    """Ids made anew come back through `rekeyed`, and change nothing of what is told."""
    entries = (replace(e, key=f"new-{e.key}") if e.key in changed else e for e in after.entries)
    found = diff_snapshots(before, replace(after, entries=tuple(entries)), QUEUE)
    back = {old: new for new, old in found.rekeyed.items()}
    told = apply_changes(found.changes, before)
    renamed = tuple(replace(e, key=back.get(e.key, e.key)) for e in told.entries)
    assert view(replace(told, entries=renamed), QUEUE) == view(found.snapshot, QUEUE)
    assert len(found.changes) == len(diff_snapshots(before, after, QUEUE).changes)


@given(compared=comparisons(), grows=st.booleans())
@settings(max_examples=50)
def test_a_list_compared_with_itself_tells_nothing(
    *, compared: tuple[Snapshot, Snapshot, KindRules], grows: bool
) -> None:
    """The same list again is no change, whatever its kind, and nothing has left it."""
    before, _, rules = compared
    found = diff_snapshots(before, before, rules, grows_at_end=grows)
    assert (found.changes, found.departed, found.rekeyed, found.lost) == ((), (), {}, 0)
    assert found.snapshot == before


@given(compared=comparisons(), data=st.data())
@settings(max_examples=50)
def test_no_entry_is_lost_or_told_twice(
    compared: tuple[Snapshot, Snapshot, KindRules], data: st.DataObject
) -> None:
    """Each old entry stayed, departed or was removed; each new one stayed, is news or is recorded; once."""
    before, after, rules = compared
    seen = data.draw(st.frozensets(st.sampled_from("12345678pqrst")))
    found = diff_snapshots(before, after, rules, seen=seen)
    assert [entry.key for entry in found.snapshot.entries] == [entry.key for entry in after.entries]
    gone = [change.before for change in found.changes if change.kind is ChangeKind.REMOVED]
    left = [entry.key for entry in (*gone, *found.departed) if entry]
    assert len(left) == len(set(left)) == found.lost
    news = [change.after for change in found.changes if change.after]
    assert len(news) == len({entry.key for entry in news})
    assert all(entry in found.snapshot.entries for entry in news)


@given(compared=comparisons())
@settings(max_examples=50)
def test_entries_can_be_renamed_one_after_another(compared: tuple[Snapshot, Snapshot, KindRules]) -> None:
    """Each new key is free when its turn comes, so that a store can rename in that order."""
    before, after, rules = compared
    found = diff_snapshots(before, after, rules)
    kept = {entry.key: entry for entry in before.entries}
    for new, old in found.rekeyed.items():
        assert new not in kept
        kept[new] = kept.pop(old)
    assert found.rekeyed.keys() <= {entry.key for entry in after.entries}


# ── law 2: no more has moved than must have ───────────────────────────────────────────────────────


def longest_increasing_run(places: Sequence[int]) -> int:
    """How long the longest increasing subsequence is, found the slow and obvious way."""
    best: list[int] = []
    for index, place in enumerate(places):
        best.append(1 + max((best[i] for i in range(index) if places[i] < place), default=0))
    return max(best, default=0)


@given(st.permutations(range(7)).map(tuple))
@settings(max_examples=60)
def test_the_slow_measure_is_right(places: tuple[int, ...]) -> None:
    """The measure of the next two tests agrees with trying out every selection there is."""
    lengths = [
        n for n in range(len(places) + 1) for run in combinations(places, n) if list(run) == sorted(run)
    ]
    assert longest_increasing_run(places) == max(lengths)


@given(st.lists(st.integers(1, 200), unique=True, max_size=60))
def test_what_did_not_move_is_in_order_and_as_much_as_can_be(places: list[int]) -> None:
    """Those taken for unmoved are an increasing subsequence, and a longest one."""
    moved = find_moved(places)
    stayed = [place for index, place in enumerate(places) if index not in moved]
    assert stayed == sorted(stayed)
    assert len(stayed) == longest_increasing_run(places)


@given(before=queues(), after=queues())
def test_moves_of_a_queue_are_minimal(before: Snapshot, after: Snapshot) -> None:
    """As many titles have moved as stand outside the longest run of those that both lists place."""
    old = {entry.key: entry.position for entry in before.entries}
    placed = [e for e in after.entries if e.position and old.get(e.key)]
    both = [old[entry.key] or 0 for entry in placed]
    changed_sides = [e for e in after.entries if e.key in old and bool(e.position) != bool(old[e.key])]
    moved = [change for change in diff_snapshots(before, after, QUEUE).changes if change.moved]
    assert len(moved) == len(both) - longest_increasing_run(both) + len(changed_sides)
    assert all((change.previous_position, change.position) == places_of(change) for change in moved)


def places_of(change: Change) -> tuple[int | None, int | None]:
    """The places an entry had and has."""
    assert change.before is not None
    assert change.after is not None
    return change.before.position, change.after.position


@given(names=st.permutations(TITLES), start=st.integers(0, 13), to=st.integers(0, 13), label=LABELS)
def test_one_title_that_moves_is_one_change(names: list[str], start: int, to: int, label: str) -> None:
    """A title that passes others is one change, and carries its new label if it has one."""
    assume(abs(start - to) > 1)  # of two neighbours that swap, either may be called the mover
    after = list(names)
    title = after.pop(start)
    after.insert(to, title)
    relabelled = queue(" ".join(after), availability={title: label})
    (change,) = diff_snapshots(queue(" ".join(names)), relabelled, QUEUE).changes
    assert change.kind is (ChangeKind.MOVED if label == "available now" else ChangeKind.UPDATED)
    assert change.entry.key == title
    assert (change.previous_position, change.position) == (start + 1, to + 1)


@given(before=queues(), after=queues(), which=st.sampled_from(["before", "after", "both"]))
def test_losing_or_regaining_order_makes_no_move(before: Snapshot, after: Snapshot, which: str) -> None:
    """Where the order of one list is not known, nothing has moved; all else is told."""
    if which != "after":
        before = disorder(before)
    if which != "before":
        after = disorder(after)
    found = diff_snapshots(before, after, QUEUE)
    assert not any(change.moved for change in found.changes)
    applied = apply_changes(found.changes, before)
    assert {e.key: e.facts for e in applied.entries} == {e.key: e.facts for e in found.snapshot.entries}


def disorder(snapshot: Snapshot) -> Snapshot:
    """The same list where nothing tells its order."""
    loose = tuple(replace(entry, position=None) for entry in snapshot.entries)
    return replace(snapshot, entries=loose, ordered=False)


# ── law 3: windows ────────────────────────────────────────────────────────────────────────────────

STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.lists(st.integers(0, 11), max_size=3)), min_size=1, max_size=8
)
"""What happens between two polls: how many come in, and which (from the top) are taken out."""
WINDOW = 6


@given(start=st.integers(0, 12), steps=STEPS)
def test_every_dated_post_of_a_window_is_told_once_and_no_older_one(
    start: int, steps: Sequence[tuple[int, list[int]]]
) -> None:
    """Posts come, are deleted, slide in and out: told is what was published since and was shown."""
    published, listed = start, list(range(start, 0, -1))
    watch = Watch(STREAM, dated_posts(*listed[:WINDOW]))
    for came, deleted in steps:
        listed = [*range(published + came, published, -1), *listed]
        published += came
        listed = [each for index, each in enumerate(listed) if index not in deleted]
        fresh = {str(day) for day in listed[:WINDOW] if day > published - came}
        told = names_of(watch.see(dated_posts(*listed[:WINDOW])))
        assert told == sorted(fresh, key=int)


@given(start=st.integers(WINDOW, 12), steps=STEPS)
def test_undated_posts_of_a_window_are_told_once_and_no_older_one(
    start: int, steps: Sequence[tuple[int, list[int]]]
) -> None:
    """The same without dates, read from the top, as long as something of the window stays."""
    published, listed = start, list(range(start, 0, -1))
    shown = listed[:WINDOW]
    watch = Watch(STREAM, posts(" ".join(map(str, shown))))
    for came, deleted in steps:
        listed = [*range(published + came, published, -1), *listed]
        listed = [each for index, each in enumerate(listed) if index not in deleted]
        if not set(shown) & set(listed[:WINDOW]):
            return
        fresh = [str(number) for number in listed[:WINDOW] if number > published]
        published, shown = published + came, listed[:WINDOW]
        assert names_of(watch.see(posts(" ".join(map(str, shown))))) == fresh[::-1]


@given(
    steps=st.lists(
        st.tuples(st.lists(st.integers(0, 12), max_size=3), st.lists(st.integers(0, 12), max_size=3)),
        max_size=8,
    ),
    size=st.integers(1, 8),
)
def test_a_window_on_a_queue_invents_nothing(steps: Sequence[tuple[list[int], list[int]]], size: int) -> None:
    """Of a queue seen through a window, no title still in it is called removed, and none added twice."""
    listed = [f"T{number}" for number in range(10)]
    watch = Watch(QUEUE, queue(" ".join(listed[:size]), whole=False))
    known, number = set(listed), 10
    for removed, inserted in steps:
        listed = [name for index, name in enumerate(listed) if index not in removed]
        for place in inserted:
            listed.insert(place, f"T{number}")
            number += 1
        stayed = {entry.title for entry in watch.last.entries} & set(listed[:size])
        changes = watch.see(queue(" ".join(listed[:size]), whole=False))
        assert not set(names_of(changes, ChangeKind.REMOVED)) & set(listed)
        assert not set(names_of(changes)) & known or not stayed
        assert not any(change.moved for change in changes)
        known |= set(listed)


def test_what_is_back_in_a_window_says_where_its_list_goes_on() -> None:
    """All that a window showed is gone, a title that it showed before is back: what is below was there."""
    watch = Watch(QUEUE, queue("T0 T1", whole=False))
    assert names_of(watch.see(queue("new T0", whole=False))) == ["new"]
    assert names_of(watch.see(queue("T1 T2", whole=False))) == []
    assert names_of(watch.see(queue("late T1 T2", whole=False))) == ["late"]


@given(
    shown=st.lists(st.lists(st.sampled_from(TITLES), unique=True, min_size=1), min_size=2, max_size=8),
)
def test_a_recommendation_is_news_wherever_it_stands_and_once(shown: list[list[str]]) -> None:
    """Every title suggested for the first time is told, at whatever place, and never a second time."""
    watch = Watch(RECOMMENDATIONS, titles(" ".join(shown[0])))
    known = set(shown[0])
    for each in shown[1:]:
        assert names_of(watch.see(titles(" ".join(each)))) == [name for name in each if name not in known]
        known |= set(each)


@given(
    steps=st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), min_size=1, max_size=12),
    size=st.integers(1, 4),
)
def test_every_viewing_is_told_once(steps: list[tuple[str, bool]], size: int) -> None:
    """Titles watched, and watched again, are told each time, whether the old viewing stays or is replaced."""
    seen: list[Entry] = []
    watch = Watch(HISTORY, Snapshot((), whole=False))
    for day, (title, replaces) in enumerate(steps):
        at = NOW + day * DAY
        kept = [entry for entry in seen if not (replaces and entry.title == title)]
        seen = [Entry(f"{title}@{day}", title, dated_at=at), *kept]
        told = watch.see(Snapshot(tuple(seen[:size]), whole=False))
        assert [(c.kind, c.entry.key) for c in told] == [(ChangeKind.ADDED, f"{title}@{day}")]


@given(before=queues(), beyond=st.integers(0, 14), after=queues(), rules=st.just(QUEUE))
def test_a_window_that_becomes_whole_tells_what_it_showed_and_not_what_lay_beyond(
    before: Snapshot, beyond: int, after: Snapshot, rules: KindRules
) -> None:
    """Removals are all told; what stands below the last that stayed is baseline."""
    window = replace(before, entries=before.entries[:beyond], whole=False)
    changes = diff_snapshots(window, after, rules).changes
    old, new = ({entry.key for entry in each.entries} for each in (window, after))
    assert {c.entry.key for c in changes if c.kind is ChangeKind.REMOVED} == old - new
    stayed = [index for index, entry in enumerate(after.entries) if entry.key in old]
    if stayed:
        above = {entry.key for entry in after.entries[: max(stayed)]}
        assert {c.entry.key for c in changes if c.kind is ChangeKind.ADDED} == above - old


# ── law 4: what moves by itself makes no change ───────────────────────────────────────────────────


def write(
    names: Sequence[str], kind: Kind, *, host: str, token: str, user: str, moment: int, titled: bool
) -> list[RawEntry]:
    """A list of the API as it is written at one moment, at one host, with one token."""
    return [
        RawEntry(
            id=f"{host}/users/{user}/{PATHS[kind].format(place=place)}/{name[1:]}",
            title=f"The Film {name}",
            link=f"{host}/Movie/{name}/{name[1:]}?feed_token={token}",
            title_ref=f"{host}/catalog/titles/movies/{name[1:]}" if titled else None,
            position=place if kind is Kind.QUEUE else None,
            watched_at=NOW - place * DAY if kind is Kind.HISTORY else None,
            updated_at=NOW + timedelta(minutes=moment),
            facts=FACTS[kind],
        )
        for place, name in enumerate(names, start=1)
    ]


PATHS = {
    Kind.QUEUE: "queues/instant/available/{place}",
    Kind.HISTORY: "rental_history/watched",
    Kind.RATINGS: "ratings/titles",
    Kind.RECOMMENDATIONS: "recommendations",
    Kind.STREAM: "queues/instant/available/{place}",
}
FACTS: Mapping[Kind, Mapping[str, str]] = {
    Kind.QUEUE: {"availability": "available now"},
    Kind.RATINGS: {"rating": "4"},
    Kind.HISTORY: {},
    Kind.RECOMMENDATIONS: {"predicted_rating": "4.1"},
    Kind.STREAM: {},
}
WRITTEN = st.fixed_dictionaries(
    {
        "host": st.sampled_from(
            ["http://api.netflix.com", "https://api-public.netflix.com", "HTTP://[::1]:8080"]
        ),
        "token": st.text("abc.~-", min_size=1),
        "user": st.just("T1-"),
        "moment": st.integers(0, 10_000),
        "titled": st.booleans(),
    }
)


@given(
    names=st.lists(st.sampled_from([f"T{n}" for n in (1, 7, 12, 123, 60_000_123, 251_454)]), unique=True),
    kind=st.sampled_from(list(Kind)),
    first=WRITTEN,
    second=WRITTEN,
)
def test_hosts_tokens_moments_and_forms_make_no_change(
    names: list[str], kind: Kind, first: dict[str, str | int | bool], second: dict[str, str | int | bool]
) -> None:
    """The same list at another host, with another token, at another time, with or without title links."""
    before, after = (read(names, kind, how) for how in (first, second))
    found = diff_snapshots(before, after, rules_of(kind))
    assert (found.changes, found.rekeyed, found.departed) == ((), {}, ())


@given(
    names=st.permutations(["T1", "T7", "T12", "T123", "T251454"]),
    start=st.integers(0, 4),
    first=WRITTEN,
    second=WRITTEN,
)
def test_a_position_inside_an_id_is_no_identity(
    names: list[str], start: int, first: dict[str, str | int | bool], second: dict[str, str | int | bool]
) -> None:
    """A title that leaves changes the ids of all below it: one removal is told."""
    left = [name for index, name in enumerate(names) if index != start]
    found = diff_snapshots(read(names, Kind.QUEUE, first), read(left, Kind.QUEUE, second), QUEUE)
    assert [(c.kind, c.entry.title) for c in found.changes] == [
        (ChangeKind.REMOVED, f"The Film {names[start]}")
    ]


def read(names: Sequence[str], kind: Kind, how: Mapping[str, str | int | bool]) -> Snapshot:
    """The snapshot of a list, written and read at the same moment."""
    written = write(
        names,
        kind,
        host=str(how["host"]),
        token=str(how["token"]),
        user=str(how["user"]),
        moment=int(how["moment"]),
        titled=bool(how["titled"]),
    )
    at = NOW + timedelta(minutes=int(how["moment"]))
    return build_snapshot(written, rules_of(kind), whole=True, requested_at=at)


def test_the_laws_are_not_held_by_telling_nothing() -> None:
    """A difference there is, is told: the laws above would also hold for a comparison that is blind."""
    found: Difference = diff_snapshots(queue("A B C"), queue("C D", availability={"C": "short wait"}), QUEUE)
    assert {change.kind for change in found.changes} == {
        ChangeKind.REMOVED,
        ChangeKind.ADDED,
        ChangeKind.UPDATED,
    }
