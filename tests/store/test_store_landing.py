"""A list lands: snapshot, changes, validators, deliveries and notice together, and only what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from states import (
    FEED,
    PHONE,
    START,
    added,
    after,
    always,
    believing,
    entry,
    land,
    land_one,
    listed,
    recall,
    removed,
    reply,
    rows,
    take,
    watch,
)

from feedwatch.core.decide import PollTerms, decide_poll
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import (
    Change,
    ChangeKind,
    Entry,
    FactChange,
    FeedState,
    Kind,
    Notice,
    NoticeKind,
    Reason,
    Snapshot,
    Validators,
)
from feedwatch.core.state import FeedMemory, HeldReply, Planned, PollDecision, PollResult, Verdict
from feedwatch.store import Store

_WITNESS = """
CREATE TABLE witness (what TEXT, name TEXT);
CREATE TRIGGER saw_insert AFTER INSERT ON entries BEGIN INSERT INTO witness VALUES ('insert', new.key); END;
CREATE TRIGGER saw_update AFTER UPDATE ON entries BEGIN INSERT INTO witness VALUES ('update', new.key); END;
CREATE TRIGGER saw_delete AFTER DELETE ON entries BEGIN INSERT INTO witness VALUES ('delete', old.key); END;
"""


def watch_writes(store: Store) -> None:
    """Have triggers see what is written to the entries."""
    store._conn.executescript(_WITNESS)


def writes(store: Store) -> list[tuple[str, str]]:
    """What was written to the entries since the last time."""
    seen = rows(store, "SELECT what, name FROM witness ORDER BY rowid")
    with store.transaction() as conn:
        conn.execute("DELETE FROM witness")
    return [(what, name) for what, name in seen]


def shown(store: Store) -> list[tuple[str, int | None]]:
    """The queue as `show` has it."""
    return [(each.entry.key, each.entry.position) for each in store.list_entries(FEED) or ()]


def first_seen(store: Store) -> dict[str, datetime]:
    return {each.entry.key: each.first_seen_at for each in store.list_entries(FEED) or ()}


def hold(store: Store, at: datetime = START) -> None:
    held = HeldReply(Reason.LOST_MOST, b"strange")
    decision = PollDecision(Verdict.HELD, after(2), "queue", held=held)
    task = take(store)
    came = reply(listed(), at, validators=(Validators('"held"'),), body_digest=b"held", body_etag="held")
    assert land_one(store, task, came, always(decision)) == decision


# ── all of it together ────────────────────────────────────────────────────────────────────────────


def test_a_poll_writes_all_that_was_decided(store: Store) -> None:
    """What the core decided of a list is there afterwards, each part of it."""
    watch(store)
    land(store, listed("a", "b"), verdict=Verdict.BASELINE)
    after_b = replace(entry("b", 1), facts={"availability": "now"})
    changes = (
        Change(ChangeKind.REMOVED, entry("a", 1), None),
        Change(ChangeKind.ADDED, None, entry("c", 2, availability="saved")),
        Change(
            ChangeKind.UPDATED, entry("b", 2), after_b, {"availability": FactChange(None, "now")}, moved=True
        ),
    )
    came = Snapshot((after_b, entry("c", 2, availability="saved")), whole=True, ordered=True)
    decision = believing(
        came,
        after(15),
        changes=changes,
        deliveries=(Planned(0, PHONE), Planned(2, PHONE), Planned(2, "mail/1")),
        notice=Notice(NoticeKind.FEED_RECOVERED, after(15)),
        notice_addresses=("mail/1",),
    )
    assert land_one(store, take(store), reply(came, after(15)), always(decision)) == decision
    assert shown(store) == [("b", 1), ("c", 2)]
    told = store.list_changes()
    assert [(c.kind, c.key, c.position, c.previous_position, dict(c.facts)) for c in told] == [
        (ChangeKind.REMOVED, "a", None, 1, {}),
        (ChangeKind.ADDED, "c", 2, None, {}),
        (ChangeKind.UPDATED, "b", 1, 2, {"availability": FactChange(None, "now")}),
    ]
    assert (told[1].title, told[1].link) == ("Title c", "http://films.example/c")
    assert told[1].entry_facts == {"availability": "saved"}
    assert {(c.at, c.account, c.feed, c.feed_kind) for c in told} == {
        (after(15), "jane", "queue", Kind.QUEUE)
    }
    owed = rows(store, "SELECT address, change_id, notice_id, not_before FROM deliveries ORDER BY id")
    ids = [c.id for c in told]
    moment = "2026-11-01T12:15:00.000000Z"
    assert owed == [
        (PHONE, ids[0], None, moment),
        (PHONE, ids[2], None, moment),
        ("mail/1", ids[2], None, moment),
        ("mail/1", None, 1, moment),
    ]
    (found,) = store.list_feeds()
    assert (found.state, found.entries) == (FeedState.OK, 2)
    assert (found.last_polled_at, found.next_poll_at) == (after(15), after(30))


def test_the_memory_is_what_landed_last(store: Store) -> None:
    """The next decision is made on the list as it was believed, in its order, with all its facts."""
    watch(store)
    assert recall(store, listed()) == FeedMemory()
    came = Snapshot(
        (
            Entry("b", "B", None, 1, {"availability": "now", "year": "1951"}),
            Entry("a", "A é\n\x01", "http://a", 2, {}, datetime(1999, 12, 31, 23, 59, 59, 7, UTC), "x"),
            Entry('s"\\é', "saved", None, None, {}),
        ),
        whole=False,
        ordered=True,
    )
    land(store, came, grows_at_end=True)
    memory = recall(store, listed())
    assert (memory.snapshot, memory.compared_as, memory.grows_at_end) == (came, "queue", True)
    land(store, Snapshot((), whole=True))
    assert recall(store, listed()).snapshot == Snapshot((), whole=True)


def test_a_poll_whose_number_is_stale_is_discarded(store: Store) -> None:
    """Law 11: results land in the order they were asked for; what comes late is not even decided."""
    watch(store)
    slow, fast = take(store), take(store)
    land_one(store, fast, reply(listed("new")), always(believing(listed("new"))))

    def decide(_memory: FeedMemory, _result: PollResult) -> PollDecision:
        raise AssertionError("a late list is no matter of decision")

    assert land_one(store, slow, reply(listed("old")), decide) is None
    assert land_one(store, fast, reply(listed("again")), decide) is None
    assert shown(store) == [("new", 1)]


def test_a_poll_that_was_taken_earlier_and_lands_first_does_not_keep_a_later_one_out(store: Store) -> None:
    """In order there is nothing late: both land, and the second is compared with the first."""
    watch(store)
    first, second = take(store), take(store)
    land_one(store, first, reply(listed("a")), always(believing(listed("a"))))
    seen: list[Snapshot | None] = []

    def decide(memory: FeedMemory, result: PollResult) -> PollDecision:
        seen.append(memory.snapshot)
        return believing(result.snapshot)

    assert land_one(store, second, reply(listed("b")), decide) is not None
    assert seen == [listed("a")]


def test_a_decision_that_says_nothing_is_a_mistake(store: Store) -> None:
    """A list is held or believed; a decision that is neither lands nowhere."""
    watch(store)
    empty = PollDecision(Verdict.COMPARED, after(15), "queue")
    with pytest.raises(ValueError, match="neither holds a list nor believes one"):
        land_one(store, take(store), reply(listed("a")), always(empty))
    assert recall(store, listed()).snapshot is None


def test_a_list_of_a_feed_that_is_not_configured_any_more_is_discarded(store: Store) -> None:
    """A reload while a poll is under way: the list is told to nobody, and compared when the feed is back."""
    watch(store)
    land(store, listed("a"))
    task = take(store)
    store.sync_accounts({}, START)
    assert land_one(store, task, reply(listed("b")), always(believing(listed("b")))) is None
    store.sync_accounts({"jane": "credentials"}, START)
    assert shown(store) == [("a", 1)]


# ── held ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_held_reply_changes_nothing_but_when_it_is_asked_for_again(store: Store) -> None:
    """Law 8: list, validators and digests stay those of the list that is believed."""
    watch(store)
    kept = Validators('"believed"')
    believed = reply(listed("a", "b"), validators=(kept,), body_etag="e1")
    land_one(store, take(store), believed, always(believing(listed("a", "b"))))
    before = take(store)
    hold(store, after(15))
    task = take(store)
    assert (task.validators, task.body_digest, task.content_digest) == ((kept,), b"body", b"content")
    assert task.believed_at == before.believed_at
    assert task.state is FeedState.HELD
    memory = recall(store, listed())
    assert memory.snapshot == listed("a", "b")
    assert (memory.held, memory.body_etag) == (HeldReply(Reason.LOST_MOST, b"strange"), "e1")
    (found,) = store.list_feeds()
    assert (found.state, found.reason, found.entries) == (FeedState.HELD, Reason.LOST_MOST, 2)
    assert (found.last_polled_at, found.next_poll_at) == (after(15), after(2))


def test_a_list_that_is_believed_ends_what_was_held(store: Store) -> None:
    """Confirmed or dropped, nothing of it is left."""
    watch(store)
    land(store, listed("a"))
    hold(store)
    land(store, listed("a"))
    assert recall(store, listed()).held is None
    (found,) = store.list_feeds()
    assert (found.state, found.reason) == (FeedState.OK, None)


def test_body_etags_that_were_left_behind_are_remembered(store: Store) -> None:
    """A stale read shows an etag that has been: the last sixteen are known, but for the present one."""
    watch(store)

    def show(etag: str | None) -> tuple[str, ...]:
        land_one(store, take(store), reply(listed("a"), body_etag=etag), always(believing(listed("a"))))
        return recall(store, listed()).left_etags

    assert [show(etag) for etag in ("1", "1", "2", "3")] == [(), (), ("1",), ("1", "2")]
    assert show("2") == ("1", "3"), "the list is back at an earlier state: believed, it is the present"
    assert show(None) == ("1", "3", "2")
    assert show(None) == ("1", "3", "2")
    for number in range(100, 120):
        show(str(number))
    assert recall(store, listed()).left_etags == tuple(str(number) for number in range(103, 119))


# ── only what differs is written ──────────────────────────────────────────────────────────────────


def poll_queue(store: Store, came: Snapshot, at: datetime = START) -> PollDecision:
    """Poll and decide as the daemon does."""
    terms = PollTerms(FEED, rules_of(Kind.QUEUE), after(15), after(2))
    decision = land_one(
        store, take(store), reply(came, at), lambda memory, result: decide_poll(memory, result, terms)
    )
    assert decision is not None
    return decision


def test_one_insertion_at_the_top_of_500_writes_one_row(store: Store) -> None:
    """A list's order is one value of its feed: no other entry is written though all moved down."""
    watch(store)
    keys = [f"k{number}" for number in range(500)]
    poll_queue(store, listed(*keys))
    watch_writes(store)
    assert len(poll_queue(store, listed("top", *keys)).changes) == 1
    assert writes(store) == [("insert", "top")]
    assert shown(store) == [(key, place) for place, key in enumerate(["top", *keys], start=1)]


def test_a_move_writes_no_entry(store: Store) -> None:
    """An entry is the same wherever it stands."""
    watch(store)
    poll_queue(store, listed("a", "b", "c"))
    watch_writes(store)
    assert len(poll_queue(store, listed("c", "a", "b")).changes) == 1
    assert writes(store) == []
    assert shown(store) == [("c", 1), ("a", 2), ("b", 3)]


def test_twenty_polls_of_the_same_list_write_no_entry(store: Store) -> None:
    """Counted from outside, by triggers: a list that is read anew and has not changed is not written."""
    watch(store)
    keys = [f"k{number}" for number in range(50)]
    poll_queue(store, listed(*keys))
    watch_writes(store)
    for minutes in range(20):
        assert poll_queue(store, listed(*keys), after(minutes)).changes == ()
    assert writes(store) == []
    poll_queue(store, listed(*keys[:-1]))
    assert writes(store) == [("delete", "k49")], "the triggers do see a write"


def test_an_entry_that_changed_is_written_alone_and_keeps_when_it_was_first_seen(store: Store) -> None:
    """Title, link, facts, date and alias follow the list; the day it came stays."""
    watch(store)
    land(store, listed("a", "b"))
    watch_writes(store)
    other = Entry("b", "New", None, 2, {"availability": "now"}, after(1), "other")
    land(store, Snapshot((entry("a", 1), other), whole=True, ordered=True), after(15))
    assert writes(store) == [("update", "b")]
    assert first_seen(store) == {"a": START, "b": START}
    assert [each.entry for each in store.list_entries(FEED) or ()] == [entry("a", 1), other]


# ── new keys for old entries ──────────────────────────────────────────────────────────────────────

REKEYED = {
    "one": (["a", "b"], ["x", "b"], {"x": "a"}),
    "two that swap": (["a", "b"], ["b", "a"], {"b": "a", "a": "b"}),
    "a chain": (["a", "b"], ["b", "c"], {"b": "a", "c": "b"}),
    "a chain told from its end": (["a", "b"], ["c", "b"], {"c": "b", "b": "a"}),
    "a ring of three": (["a", "b", "c"], ["b", "c", "a"], {"b": "a", "c": "b", "a": "c"}),
    "an old key that another takes anew": (["a"], ["x", "a"], {"x": "a"}),
    "two that become one": (["a", "b"], ["b"], {"b": "a"}),
    "itself": (["a"], ["a"], {"a": "a"}),
    "one that nobody knows": (["a"], ["x", "a"], {"x": "never seen"}),
}


@pytest.mark.parametrize(("before", "now", "rekeyed"), REKEYED.values(), ids=REKEYED)
def test_entries_with_new_keys_keep_when_they_were_first_seen(
    store: Store, before: list[str], now: list[str], rekeyed: dict[str, str]
) -> None:
    """An id that changed while link and title stay is the same entry, also where keys change places."""
    watch(store)
    for number, key in enumerate(before):
        seen = listed(*before[: number + 1])
        land(store, seen, after(number))
        assert first_seen(store)[key] == after(number)
    land(store, listed(*now), after(60), rekeyed=rekeyed)
    came = {key: after(number) for number, key in enumerate(before)}
    expected = {}
    for key in now:
        kept = came.get(key) if key not in rekeyed.values() or rekeyed.get(key) == key else None
        expected[key] = came.get(rekeyed.get(key, ""), kept or after(60))
    if before == ["a", "b"] and now == ["b"]:
        expected = {"b": after(1)}  # it has been here all the time
    assert first_seen(store) == expected
    assert shown(store) == [(key, place) for place, key in enumerate(now, start=1)]
    assert rows(store, "SELECT count(*) FROM entries") == [(len(now),)]


KEYS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


@settings(max_examples=40)
@given(data=st.data(), lists=st.lists(KEYS, min_size=1, max_size=4))
def test_whatever_lands_is_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, lists: list[list[str]]
) -> None:
    """After any lists, with any keys renamed, the file holds the last list and not a row more."""
    path = tmp_path_factory.getbasetemp() / "any-lists.db"
    path.unlink(missing_ok=True)
    store = Store.open(path)
    try:
        watch(store)
        before: list[str] = []
        for number, keys in enumerate(lists):
            olds = data.draw(st.permutations(before))
            rekeyed = dict(zip(keys, olds, strict=False)) if data.draw(st.booleans()) else {}
            facts = {"availability": data.draw(st.sampled_from(["now", "later"]))}
            entries = tuple(replace(each, facts=facts) for each in listed(*keys).entries)
            came = Snapshot(entries, whole=True, ordered=True)
            land(store, came, after(number), rekeyed=rekeyed)
            assert recall(store, listed()).snapshot == came
            assert rows(store, "SELECT count(*) FROM entries") == [(len(keys),)]
            before = keys
    finally:
        store.close()


# ── what windows have shown ───────────────────────────────────────────────────────────────────────


def seen_again(store: Store, *coming: Entry) -> frozenset[str]:
    return recall(store, Snapshot(coming, whole=False)).seen


def test_what_left_a_window_is_remembered_by_key_and_by_alias(store: Store) -> None:
    """What has been shown and comes back is known, under its key or with its link and title."""
    watch(store)
    land(store, listed("a", "b", whole=False))
    land(store, listed("b", whole=False), departed=(entry("a"),))
    assert seen_again(store, entry("a")) == {"a", "alias a"}
    assert seen_again(store, replace(entry("x"), alias="alias a")) == {"alias a"}
    assert seen_again(store, replace(entry("a"), alias=None), entry("b")) == {"a"}
    assert seen_again(store, entry("b"), entry("c")) == frozenset()


def test_what_is_back_in_the_list_is_not_departed_any_more(store: Store) -> None:
    """It departs anew, from the day it leaves again."""
    watch(store)
    land(store, listed("a"), departed=(entry("z"),))
    land(store, listed("a", "z"))
    assert seen_again(store, entry("z")) == frozenset()
    land(store, listed("a"), after(60), departed=(entry("z"),))
    assert rows(store, "SELECT key, left_at FROM departed") == [("z", "2026-11-01T13:00:00.000000Z")]


@pytest.mark.parametrize("alias", ["alias a", None], ids=["with an alias", "without"])
def test_what_was_announced_as_removed_is_forgotten(store: Store, alias: str | None) -> None:
    """Removed and added again is two changes: its return is news, under whatever id it was here before."""
    watch(store)
    before = replace(entry("a"), alias=alias)
    land(store, listed("x"), departed=(before, entry("b")))
    gone = Change(ChangeKind.REMOVED, replace(entry("a2" if alias else "a", 1), alias=alias), None)
    land(store, listed("x"), changes=(gone,))
    assert seen_again(store, replace(before, key="a3"), before) == frozenset()
    assert seen_again(store, entry("b")) == {"b", "alias b"}


def test_a_removal_is_forgotten_though_it_departs_too(store: Store) -> None:
    """The kinds in which absence means removal have no other memory of it."""
    watch(store)
    land(store, listed("a"))
    land(store, listed(), changes=(removed("a"),))
    assert seen_again(store, entry("a")) == frozenset()
    assert store.list_changes()[0].kind is ChangeKind.REMOVED


def test_feeds_remember_each_for_itself(store: Store) -> None:
    """One account's history knows nothing of another's."""
    watch(store)
    land(store, listed(), departed=(entry("a"),))
    watch(store, account="joe")
    memories: list[FeedMemory] = []

    def decide(memory: FeedMemory, result: PollResult) -> PollDecision:
        memories.append(memory)
        return believing(result.snapshot)

    store.sync_accounts({"jane": "credentials", "joe": "credentials"}, START)
    land_one(store, take(store, "joe/queue"), reply(listed("a")), decide)
    assert memories == [FeedMemory()]


def test_a_change_is_owed_once_to_an_address(store: Store) -> None:
    """Law 9 is held by the file itself: owing a change twice is refused, and nothing of the poll stays."""
    watch(store)
    with pytest.raises(Exception, match="UNIQUE"):
        land(store, listed("a"), changes=(added("a"),), deliveries=(Planned(0, PHONE), Planned(0, PHONE)))
    assert shown(store) == []
    assert store.list_changes() == ()


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE feeds; --", '"[]{}', "\x01\x7f", "a" * 5000, "\u202e\U0001f600", ""], ids=repr
)
def test_any_text_comes_back_as_it_went_in(store: Store, text: str) -> None:
    """Keys, titles, links, aliases and facts are only ever values."""
    watch(store)
    odd = Entry(text, text, text, 1, {text: text}, None, text or None)
    came = Snapshot((odd,), whole=True, ordered=True)
    land(store, came, changes=(Change(ChangeKind.ADDED, None, odd),))
    assert recall(store, listed()).snapshot == came
    assert [each.entry for each in store.list_entries(FEED) or ()] == [odd]
    land(store, listed(), departed=(odd,))
    assert text in seen_again(store, odd)
    (change,) = store.list_changes()
    assert (change.key, change.title, change.link, change.entry_facts) == (text, text, text, {text: text})
