"""Lists that land together: one transaction for all of them, and each whole in itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from states import (
    FEED,
    PHONE,
    START,
    added,
    after,
    always,
    believing,
    land,
    listed,
    recall,
    reply,
    rows,
    take,
    watch,
)

from feedwatch.core.model import FoundFeed, Kind, Reason, Snapshot
from feedwatch.core.state import FeedMemory, HeldReply, Planned, PollDecision, PollResult, PollTask, Verdict
from feedwatch.errors import StoreDamaged, StoreError
from feedwatch.store import Landed, ReadPoll, Store

NAMES = ("a", "b", "c")


def watch_three(store: Store) -> None:
    watch(store, *(FoundFeed(name, Kind.QUEUE, f"http://lists.example/{name}") for name in NAMES))


def read(task: PollTask, came: Snapshot) -> ReadPoll:
    """A poll that has read a list, which will be believed."""
    return ReadPoll(task, reply(came), always(believing(came)))


def shown(store: Store) -> dict[str, list[str]]:
    """What is known of each list."""
    return {name: [each.entry.key for each in store.list_entries(f"jane/{name}") or ()] for name in NAMES}


def refuse(_memory: FeedMemory, _result: PollResult) -> PollDecision:
    raise RuntimeError("no decision")


def land_three(store: Store, second: ReadPoll) -> tuple[Landed, ...]:
    """Land a list of each feed, with this one in the middle."""
    first, last = (read(take(store, f"jane/{name}"), listed("x", "y")) for name in "ac")
    return store.record_polls([first, second, last])


def test_lists_land_together_each_with_its_own_decision(store: Store) -> None:
    """What is returned is in the order of what was given."""
    watch_three(store)
    polls = [read(take(store, f"jane/{name}"), listed(name)) for name in NAMES]
    assert store.record_polls(polls) == tuple(poll.decide(FeedMemory(), poll.result) for poll in polls)
    assert shown(store) == {"a": ["a"], "b": ["b"], "c": ["c"]}
    assert store.record_polls([]) == ()


def test_a_list_that_cannot_be_decided_keeps_no_other_from_landing(store: Store) -> None:
    """What went wrong stands in its place, and it is asked for again like any that was not written."""
    watch_three(store)
    task = take(store, "jane/b")
    first, second, third = land_three(store, ReadPoll(task, reply(listed("x")), refuse))
    assert isinstance(first, PollDecision)
    assert isinstance(third, PollDecision)
    assert isinstance(second, RuntimeError)
    assert shown(store) == {"a": ["x", "y"], "b": [], "c": ["x", "y"]}
    assert take(store, "jane/b").landed == 0


def test_a_list_that_is_half_written_when_it_fails_leaves_nothing(store: Store) -> None:
    """Its entries, its changes and what it owed are undone, and nothing of the others is."""
    watch_three(store)
    misled = believing(listed("x"), changes=(added("x"),), deliveries=(Planned(0, PHONE), Planned(5, PHONE)))
    _, second, _ = land_three(store, ReadPoll(take(store, "jane/b"), reply(listed("x")), always(misled)))
    assert isinstance(second, IndexError)
    assert shown(store) == {"a": ["x", "y"], "b": [], "c": ["x", "y"]}
    assert store.list_changes() == ()
    assert rows(store, "SELECT count(*) FROM deliveries") == [(0,)]


def test_what_breaks_a_rule_of_the_file_is_that_list_alone(store: Store) -> None:
    """Owed twice to one address: a mistake of ours about one list, which the others do not pay for."""
    watch_three(store)
    twice = believing(listed("x"), changes=(added("x"),), deliveries=(Planned(0, PHONE), Planned(0, PHONE)))
    _, second, _ = land_three(store, ReadPoll(take(store, "jane/b"), reply(listed("x")), always(twice)))
    assert "UNIQUE" in str(second)
    assert shown(store) == {"a": ["x", "y"], "b": [], "c": ["x", "y"]}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entries SET title = 'tampered' WHERE feed_id = 2",
        "UPDATE entries SET title = CAST(x'ff' AS TEXT) WHERE feed_id = 2",
        "UPDATE feeds SET left_etags = '{' WHERE id = 2",
    ],
    ids=["another title", "a text that is none", "etags that cannot be read"],
)
def test_a_stored_list_that_is_damaged_keeps_no_other_from_landing(store: Store, sql: str) -> None:
    """The damage is told in its place, and nothing is written over it."""
    watch_three(store)
    store.record_polls([read(take(store, "jane/b"), listed("old"))])
    with store.transaction() as conn:
        conn.execute(sql)
    before = rows(store, "SELECT key, hex(title) FROM entries WHERE feed_id = 2")
    first, second, third = land_three(store, read(take(store, "jane/b"), listed("new")))
    assert isinstance(first, PollDecision)
    assert isinstance(third, PollDecision)
    assert isinstance(second, StoreDamaged)
    assert rows(store, "SELECT key, hex(title) FROM entries WHERE feed_id = 2") == before
    assert rows(store, "SELECT count(*) FROM entries WHERE feed_id IN (1, 3)") == [(4,)]


def test_where_the_disk_is_full_none_of_them_has_landed(store: Store) -> None:
    """What is not one list's fault is raised, and all of them are asked for again."""
    watch_three(store)
    pages = rows(store, "PRAGMA page_count")[0][0]
    store._conn.execute(f"PRAGMA max_page_count = {pages}")
    much = listed(*(f"k{number}" for number in range(5000)))
    with pytest.raises(StoreError, match="full"):
        land_three(store, read(take(store, "jane/b"), much))
    assert not store._conn.in_transaction
    assert shown(store) == {"a": [], "b": [], "c": []}
    store._conn.execute(f"PRAGMA max_page_count = {pages + 10_000}")
    assert all(
        isinstance(each, PollDecision) for each in land_three(store, read(take(store, "jane/b"), much))
    )


def test_two_polls_of_one_feed_land_in_the_order_they_were_asked_for(store: Store) -> None:
    """Law 11 holds among those that land together: the second sees the first, and the late one nothing."""
    watch(store)
    slow, first, second = take(store), take(store), take(store)
    seen: list[Snapshot | None] = []

    def decide(memory: FeedMemory, result: PollResult) -> PollDecision:
        seen.append(memory.snapshot)
        return believing(result.snapshot)

    came = [(first, "a"), (second, "b"), (slow, "c")]
    landed = store.record_polls([ReadPoll(task, reply(listed(key)), decide) for task, key in came])
    assert [each is None for each in landed] == [False, False, True]
    assert seen == [None, listed("a")]
    assert recall(store, listed()).snapshot == listed("b")


def test_one_that_is_held_and_one_that_is_believed_land_together(store: Store) -> None:
    """Each verdict is written as if it were alone."""
    watch_three(store)
    decision = PollDecision(Verdict.HELD, after(2), "queue", held=HeldReply(Reason.TURNED_EMPTY, b"strange"))
    _, second, _ = land_three(store, ReadPoll(take(store, "jane/b"), reply(listed()), always(decision)))
    assert second == decision
    states = rows(store, "SELECT state FROM feeds ORDER BY id")
    assert states == [("ok",), ("held",), ("ok",)]


def test_each_list_knows_the_silences_in_force_when_it_was_read(store: Store) -> None:
    """They are read once for all: one that ends in between is in force for those read before its end."""
    watch_three(store)
    number = store.add_silence("title contains x", "", START, after(10))
    store.add_silence("title contains y", "", START - timedelta(days=1), START - timedelta(hours=1))
    found: list[list[int]] = []

    def decide(memory: FeedMemory, result: PollResult) -> PollDecision:
        found.append([silence.id for silence in memory.silences])
        return believing(result.snapshot)

    times = zip(NAMES, (after(11), after(9), after(10)), strict=True)
    store.record_polls(
        [ReadPoll(take(store, f"jane/{name}"), reply(listed("a"), at), decide) for name, at in times]
    )
    assert found == [[], [number], []]


def test_what_departed_from_one_is_not_looked_for_in_another(store: Store) -> None:
    """A feed of which nothing has departed is not asked about it at all."""
    watch(store)
    land(store, listed("a"))
    asked: list[str] = []
    store._conn.set_trace_callback(asked.append)
    land(store, listed("a", "b"))
    store._conn.set_trace_callback(None)
    assert not [each for each in asked if "departed" in each and "has_departed" not in each]
    assert [each.entry.key for each in store.list_entries(FEED) or ()] == ["a", "b"]


def test_what_one_of_them_may_have_to_undo_is_kept_in_memory(store: Store) -> None:
    """Only where one of them cannot be written is each made ready to be undone, and then not in a file."""
    watch_three(store)
    kept: list[int] = []

    def look(_memory: FeedMemory, _result: PollResult) -> PollDecision:
        kept.extend(row[0] for row in store.query("PRAGMA temp_store"))
        return believing(listed("x"), changes=(added("x"),), deliveries=(Planned(5, PHONE),))

    land_three(store, ReadPoll(take(store, "jane/b"), reply(listed("x")), look))
    assert (kept, rows(store, "PRAGMA temp_store")) == ([0, 2], [(0,)])
