"""Entries as read become a list: each once, in the list's own order, with the facts its kind asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta

import pytest
from lists import HISTORY, QUEUE, RATINGS, RECOMMENDATIONS, STREAM, tell

from feedwatch.core.diff import diff_snapshots
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.model import Details, Entry, Kind, Page, RawEntry, Snapshot
from feedwatch.core.snapshot import build_snapshot, complete_snapshot, date_entries
from feedwatch.parse import read_direct
from feedwatch.sandbox.documents import Slice, list_items, write_atom, write_plain
from feedwatch.sandbox.world import World

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def build(
    entries: Sequence[RawEntry], rules: KindRules = QUEUE, *, whole: bool = True, other_sort: bool = False
) -> Snapshot:
    return build_snapshot(entries, rules, whole=whole, requested_at=NOW, other_sort=other_sort)


def places(snapshot: Snapshot) -> list[tuple[str, int | None]]:
    return [(entry.key, entry.position) for entry in snapshot.entries]


def film(name: str, position: int | None = None, *, saved: bool = False) -> RawEntry:
    return RawEntry(f"urn:{name}", name, position=position, saved=saved)


# ── order ─────────────────────────────────────────────────────────────────────────────────────────


def test_positions_make_the_order_whatever_the_document_does() -> None:
    """Titles stand at the positions they carry, counted from 1; saved titles have none and come last."""
    read = [film("C", 30), film("S", saved=True), film("A", 10), film("B", 20)]
    snapshot = build(read)
    assert places(snapshot) == [("urn:A", 1), ("urn:B", 2), ("urn:C", 3), ("urn:S", None)]
    assert snapshot.ordered
    assert places(build(read, other_sort=True)) == places(snapshot)


def test_a_saved_title_has_no_place_even_if_it_carries_a_number() -> None:
    """A number within the saved titles is no position in the queue."""
    assert places(build([film("S", 1, saved=True), film("A", 1)])) == [("urn:A", 1), ("urn:S", None)]


def test_the_document_is_the_order_where_no_position_is_carried() -> None:
    """A watchlist without numbers is in the order in which it is written."""
    snapshot = build([film("B"), film("S", saved=True), film("A")])
    assert (places(snapshot), snapshot.ordered) == ([("urn:B", 1), ("urn:A", 2), ("urn:S", None)], True)


def test_another_sort_without_positions_is_no_order() -> None:
    """Where the address asks for another sort and nothing carries a position, the order is not known."""
    snapshot = build([film("B"), film("A")], other_sort=True)
    assert (places(snapshot), snapshot.ordered) == ([("urn:B", None), ("urn:A", None)], False)


def test_a_window_on_another_sort_has_no_places_and_keeps_its_own_order() -> None:
    """What ages out of the latest additions was not removed, wherever it stands in the queue."""
    before, after = (
        build(each, whole=False, other_sort=True)
        for each in ([film("C", 7), film("B", 1), film("A", 5)], [film("D", 9), film("C", 7), film("B", 1)])
    )
    assert (places(before), before.ordered) == ([("urn:C", None), ("urn:B", None), ("urn:A", None)], False)
    assert tell(diff_snapshots(before, after, QUEUE).changes) == ["added D"]


@pytest.mark.parametrize("rules", [RATINGS, HISTORY, RECOMMENDATIONS, STREAM], ids=lambda rules: rules.kind)
def test_other_kinds_have_no_places(rules: KindRules) -> None:
    """Only a queue has an order that counts; the others stay as they were written."""
    snapshot = build([film("B", 2), film("A", 1)], rules)
    assert [(entry.title, entry.position) for entry in snapshot.entries] == [("B", None), ("A", None)]
    assert not snapshot.ordered


def test_what_is_listed_twice_counts_once() -> None:
    """A title on two pages, since the list moved between them, is one title and leaves no gap."""
    assert places(build([film("A", 1), film("B", 2), film("B", 3), film("C", 4)])) == [
        ("urn:A", 1),
        ("urn:B", 2),
        ("urn:C", 3),
    ]


def test_an_empty_list_is_a_list() -> None:
    """No entries make a snapshot without entries, whole or not."""
    assert build([]) == Snapshot((), whole=True, ordered=True)
    assert build([], STREAM, whole=False) == Snapshot((), whole=False)


# ── facts and dates ───────────────────────────────────────────────────────────────────────────────


def test_a_kind_keeps_its_own_facts_and_no_others() -> None:
    """What is neither compared nor recorded for a kind is left behind."""
    facts = {
        "availability": "short wait",
        "rating": "4",
        "predicted_rating": "3.9",
        "year": "1995",
        "category": "Drama",
        "content": "x",
    }
    about = {"predicted_rating": "3.9", "year": "1995", "category": "Drama"}
    read = RawEntry("urn:A", "A", watched_at=NOW, published_at=NOW, facts=facts)
    kept = {kind: dict(build([read], rules_of(kind)).entries[0].facts) for kind in Kind}
    assert kept == {
        Kind.QUEUE: {"availability": "short wait"} | about,
        Kind.RATINGS: {"rating": "4"} | about,
        Kind.HISTORY: {"watched_at": NOW.isoformat(), "rating": "4"} | about,
        Kind.RECOMMENDATIONS: about,
        Kind.STREAM: {"published_at": NOW.isoformat(), "category": "Drama"},
    }
    assert build([read], rules_of(Kind.STREAM, compare_content=True)).entries[0].facts["content"] == "x"


def test_a_saved_title_is_saved_though_no_label_says_so() -> None:
    """Being in the saved part is an availability; a label that is stated comes first."""
    labelled = RawEntry("urn:B", "B", saved=True, facts={"availability": "awaiting release"})
    facts = [entry.facts for entry in build([film("A", saved=True), labelled]).entries]
    assert facts == [{"availability": "saved"}, {"availability": "awaiting release"}]


def test_a_diary_says_when_by_its_own_date() -> None:
    """The instant that makes a viewing is recorded as such, whatever element it came from."""
    at = NOW - timedelta(days=3)
    (entry,) = build([RawEntry("urn:A", "A", published_at=at)], HISTORY).entries
    assert (entry.dated_at, entry.facts["watched_at"]) == (at, at.isoformat())


def test_the_instant_of_a_viewing() -> None:
    """It is the watched date, else the publishing date, else the update."""
    earlier = NOW - timedelta(days=1)
    entries = [
        RawEntry(None, "A", watched_at=earlier, published_at=NOW, updated_at=NOW),
        RawEntry(None, "B", published_at=earlier, updated_at=NOW),
        RawEntry(None, "C", updated_at=earlier),
        RawEntry(None, "D"),
    ]
    assert date_entries(entries, NOW) == [earlier, earlier, earlier, None]


@pytest.mark.parametrize(
    ("seconds", "dated"),
    [([0, 0], False), ([-5, 5], False), ([0, 6], True), ([0, -3600], True)],
    ids=["the moment itself", "five seconds off", "one of them six seconds off", "one of them an hour old"],
)
def test_an_update_that_moves_by_itself_is_no_date(seconds: list[int], *, dated: bool) -> None:
    """Where every update is the time of the request, give or take five seconds, none of them is a date."""
    entries = [RawEntry(None, str(n), updated_at=NOW + timedelta(seconds=n)) for n in seconds]
    assert [at is not None for at in date_entries(entries, NOW)] == [dated] * len(entries)


def test_only_posts_and_viewings_have_a_date() -> None:
    """A queue's titles have no place in time, and its updates never count."""
    read = [RawEntry("urn:A", "A", updated_at=NOW - timedelta(days=1), published_at=NOW)]
    assert [build(read, rules_of(kind)).entries[0].dated_at is not None for kind in Kind] == [
        kind in (Kind.HISTORY, Kind.STREAM) for kind in Kind
    ]


# ── the API's own documents ───────────────────────────────────────────────────────────────────────

HOME = "http://127.0.0.1:8099"
LISTS = {
    "queue": Kind.QUEUE,
    "history": Kind.HISTORY,
    "ratings": Kind.RATINGS,
    "recommendations": Kind.RECOMMENDATIONS,
}


def read_list(world: World, name: str, *, atom: bool, by_date: bool = False, seconds: int = 0) -> Snapshot:
    """A list of the sandbox as a reply of one form, read as a poll reads it."""
    at = NOW + timedelta(seconds=seconds)
    items = list_items(world, name, by_date=by_date)
    page = Slice(name, items, len(items), 0, world.versions[name])
    text = write_atom(world, page, at.timestamp(), HOME) if atom else write_plain(world, page, HOME)
    kind = LISTS[name]
    read = read_direct(text.encode(), kind=kind, url="http://api.netflix.com/x", content_type=None)
    assert isinstance(read, Page)
    rules = rules_of(kind)
    return build_snapshot(read.entries, rules, whole=True, requested_at=at, other_sort=by_date)


@pytest.fixture
def world() -> World:
    """A person's lists, one title saved and one not liked."""
    world = World(queue=12, clock=NOW.timestamp)
    world.save()
    world.rate(value="not_interested")
    world.watch()
    return world


@pytest.mark.parametrize("name", LISTS)
def test_forms_hosts_and_dialects_are_one_list(world: World, name: str) -> None:
    """Plain XML and Atom, of early and late replies, from either host and at any time, make no change."""
    rules = rules_of(LISTS[name])
    before = read_list(world, name, atom=True)
    assert before.entries
    for later in (False, True):
        world.switches.later_dialect = later
        world.switches.id_host = "api-public.netflix.com" if later else "api.netflix.com"
        for atom in (False, True):
            after = read_list(world, name, atom=atom, seconds=3600)
            found = diff_snapshots(before, after, rules)
            assert (found.changes, found.departed, found.rekeyed) == ((), (), {})
            assert places(after) == places(before)


@pytest.mark.parametrize("atom", [True, False], ids=["atom", "plain"])
def test_recent_additions_are_the_queue(world: World, *, atom: bool) -> None:
    """The queue asked for by date of addition is the same list in the same order."""
    before, after = (read_list(world, "queue", atom=atom, by_date=by_date) for by_date in (False, True))
    assert diff_snapshots(before, after, QUEUE).changes == ()


@pytest.mark.parametrize("atom", [True, False], ids=["atom", "plain"])
def test_a_saved_title_becomes_available(world: World, *, atom: bool) -> None:
    """The id of the entry changes, the title does not: one update."""
    before = read_list(world, "queue", atom=atom)
    title = world.make_available()
    told = tell(diff_snapshots(before, read_list(world, "queue", atom=atom), QUEUE).changes)
    assert told == [f"updated {title.name} availability saved→available now None→13"]


@pytest.mark.parametrize("atom", [True, False], ids=["atom", "plain"])
def test_watched_again_is_one_viewing_more(world: World, *, atom: bool) -> None:
    """The API keeps the entry and gives it a new date: the old viewing was replaced, the new one is told."""
    before = read_list(world, "history", atom=atom)
    title = world.watch(title=world.history[3].title.name)
    found = diff_snapshots(before, read_list(world, "history", atom=atom), HISTORY)
    assert tell(found.changes) == [f"added {title.name}"]


def test_a_title_that_is_not_liked_is_rated_so(world: World) -> None:
    """`not_interested` is a rating in both forms, though it stands in an attribute."""
    for atom in (True, False):
        snapshot = read_list(world, "ratings", atom=atom)
        assert snapshot.entries[0].facts["rating"] == "not_interested"


# ── what is new, and what is as it was ────────────────────────────────────────────────────────────


def test_one_that_comes_gives_the_others_another_place_and_nothing_else() -> None:
    """All that an entry says goes with it to its new place; one that stays where it was is the same one."""
    known = [
        Entry(
            name, f"T{name}", "l", place, {"year": "1999"}, NOW, f"a{name}", Details("p", "t"), "/catalog/1"
        )
        for place, name in enumerate("ab", start=1)
    ]
    before, new = (Snapshot(tuple(e), whole=True, ordered=True) for e in (known, [Entry("n", "N", None, 1)]))
    found = complete_snapshot(new, (0, None, 1), before)
    assert found is not None
    assert [(each.key, each.position) for each in found.entries] == [("a", 1), ("n", 2), ("b", 3)]
    assert found.entries[0] is known[0]
    assert astuple(found.entries[2]) == astuple(replace(known[1], position=3))
