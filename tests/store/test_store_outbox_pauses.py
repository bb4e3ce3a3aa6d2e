"""What a hand pauses stays so until a hand resumes it: kept, seen, passed by, not aged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from states import MAIL, PHONE, START, after, claim, must_claim, owe, rows, tell, watch

from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.core.state import Settled, Settlement
from feedwatch.store import Store

DELIVERED = Settlement(Settled.DELIVERED)
APART = Settlement(Settled.SET_APART, reason=Reason.REFUSED, refused=True)
DEAD = Settlement(Settled.DEAD, reason=Reason.GAVE_UP)
DAY = 24 * 60.0


@pytest.fixture(autouse=True)
def watched(store: Store) -> None:
    """A feed whose changes are owed."""
    watch(store)


def again(minutes: float) -> Settlement:
    return Settlement(Settled.AGAIN, after(minutes), Reason.UNREACHABLE, "no answer")


def fail(store: Store, minutes: float = 0, *, until: float = 0, most: int = 1000) -> int:
    """Claim and fail one message; returns its id."""
    claimed = must_claim(store, after(minutes), most=most)
    assert store.settle_message(claimed, again(until), after(minutes))
    return claimed.id


def send(store: Store, minutes: float, *, address: str = PHONE) -> str:
    claimed = must_claim(store, after(minutes), address=address)
    assert store.settle_message(claimed, DELIVERED, after(minutes))
    return claimed.body


def shown(store: Store) -> list[tuple[int | None, str, str, int]]:
    return [(m.id, m.address, m.state, m.changes) for m in store.list_messages()]


# ── a message ─────────────────────────────────────────────────────────────────────────────────────


def test_a_paused_message_is_passed_by_all_others(store: Store) -> None:
    """It waits, as composed, while what came later is sent; and it is seen, without a next attempt."""
    owe(store, "a")
    number = fail(store)
    owe(store, "b")
    assert store.pause_messages([number]) == 1
    assert shown(store) == [(1, PHONE, "paused", 1), (None, PHONE, "pending", 1)]
    assert (store.list_messages()[0].next_attempt_at, store.list_messages()[0].paused_itself) == (None, True)
    assert send(store, 1) == "b"
    assert (store.due_addresses(after(9 * DAY)), claim(store, after(9 * DAY))) == ((), None)


def test_a_message_is_taken_up_again_with_a_new_clock(store: Store) -> None:
    """However long it lay, it has its whole time of trying before it; and it goes before what is newer."""
    owe(store, "a")
    number = fail(store)
    store.pause_messages([number])
    owe(store, "b")
    fail(store, 1, until=9 * DAY)
    assert store.resume_messages([number], after(9 * DAY)) == 1
    claimed = must_claim(store, after(9 * DAY))
    assert (claimed.body, claimed.first_attempt_at, claimed.attempts) == ("a", after(9 * DAY), 2)
    assert claim(store, after(9 * DAY)) is None, "b waits for it"
    assert store.resume_messages([number], after(9 * DAY)) == 0


def test_a_message_waits_out_its_time_though_it_was_resumed(store: Store) -> None:
    """A service that asked for rest until then gets it: a pause shortens no wait."""
    owe(store, "a")
    number = fail(store, until=60)
    store.pause_messages([number])
    store.resume_messages([number], after(1))
    assert (claim(store, after(59)), store.due_addresses(after(60))) == (None, (PHONE,))


@pytest.mark.parametrize("end", [again(1), APART, DEAD], ids=lambda each: each.outcome.value)
def test_a_message_that_is_paused_under_way_ends_as_it_ends(store: Store, end: Settlement) -> None:
    """Whatever came of that attempt but an arrival, it is paused whole: not dissolved, and not dead."""
    owe(store, "a", "b")
    claimed = must_claim(store)
    assert store.pause_messages([claimed.id]) == 1
    assert store.settle_message(claimed, end, START)
    assert shown(store) == [(1, PHONE, "paused", 2)]
    store.resume_messages([claimed.id], after(1))
    assert send(store, 1) == "a b"


def test_a_message_that_arrives_though_it_was_paused_is_delivered(store: Store) -> None:
    """Nobody shall send it again."""
    owe(store, "a")
    claimed = must_claim(store)
    store.pause_messages([claimed.id])
    assert store.settle_message(claimed, DELIVERED, START)
    assert shown(store) == [(1, PHONE, "delivered", 1)]
    assert store.resume_messages([claimed.id], START) == 0


def test_a_message_that_is_resumed_under_way_is_not_sent_beside_itself(store: Store) -> None:
    """Until its attempt ends or its claim runs out nothing is sent in its place."""
    owe(store, "a")
    claimed = must_claim(store)
    store.pause_messages([claimed.id])
    store.resume_messages([claimed.id], after(1))
    assert (store.due_addresses(after(1)), claim(store, after(1))) == ((), None)
    assert store.settle_message(claimed, DELIVERED, after(1))
    assert shown(store) == [(1, PHONE, "delivered", 1)]


def test_only_what_is_open_can_be_paused(store: Store) -> None:
    """What is done or dead is not touched, and neither is a number that nothing has."""
    owe(store, "a", "b", "c")
    assert store.settle_message(must_claim(store, most=1), DELIVERED, START)
    assert store.settle_message(must_claim(store, most=1), DEAD, START)
    number = fail(store, most=1)
    assert store.pause_messages([1, 2, number, 99]) == 1
    assert [state for _, _, state, _ in shown(store)] == ["delivered", "dead", "paused"]


def test_a_retry_leaves_alone_what_is_paused(store: Store) -> None:
    """Who paused it meant it: only a resume ends that."""
    owe(store, "a")
    number = fail(store)
    store.pause_messages([number])
    assert store.retry_messages(None, START) == 0
    assert store.retry_messages([number], START, addresses=[PHONE]) == 0
    assert shown(store) == [(1, PHONE, "paused", 1)]


def test_what_is_paused_can_be_dropped(store: Store) -> None:
    """It is dead then, and a retry brings it back as any other."""
    owe(store, "a")
    number = fail(store)
    store.pause_messages([number])
    assert store.drop_messages([number], START) == 1
    assert [(m.state, m.reason) for m in store.list_messages()] == [("dead", Reason.DROPPED)]
    assert store.retry_messages([number], START) == 1
    assert send(store, 0) == "a"


# ── an address ────────────────────────────────────────────────────────────────────────────────────


def test_a_paused_address_is_sent_nothing_and_loses_nothing(store: Store, path: Path) -> None:
    """What waits and what comes is kept, in order, over a restart; others get theirs meanwhile."""
    owe(store, "a", to=(PHONE, MAIL))
    fail(store)
    store.pause_addresses([PHONE], after(1))
    owe(store, "b", to=(PHONE, MAIL))
    tell(store, Notice(NoticeKind.TEST, START), PHONE)
    assert store.due_addresses(after(9 * DAY)) == (MAIL,)
    assert send(store, 1, address=MAIL) == "a b"
    store.close()
    again_open = Store.open(path)
    assert claim(again_open, after(9 * DAY)) is None
    assert shown(again_open) == [
        (1, PHONE, "paused", 1),
        (2, MAIL, "delivered", 2),
        (None, PHONE, "paused", 2),
    ]
    assert again_open.resume_addresses([PHONE, MAIL], after(9 * DAY)) == 1
    claimed = must_claim(again_open, after(9 * DAY))
    assert (claimed.body, claimed.first_attempt_at) == ("a", after(9 * DAY))
    again_open.settle_message(claimed, DELIVERED, after(9 * DAY))
    assert must_claim(again_open, after(9 * DAY)).body == "b test"
    again_open.close()


def test_a_paused_address_ends_what_was_under_way(store: Store) -> None:
    """The attempt at that moment ends as it ends; only then nothing more is sent."""
    owe(store, "a", "b")
    claimed = must_claim(store, most=1)
    store.pause_addresses([PHONE], START)
    assert shown(store)[0] == (1, PHONE, "claimed", 1)
    assert store.settle_message(claimed, DELIVERED, START)
    assert (shown(store)[0], claim(store, after(1))) == ((1, PHONE, "delivered", 1), None)


def test_a_paused_address_is_seen_though_nothing_waits_for_it(store: Store) -> None:
    """A pause that was forgotten must not hide: it has a line of its own, and says since when."""
    store.pause_addresses([PHONE], after(1))
    store.pause_addresses([PHONE], after(5))
    (line,) = store.list_messages()
    assert (line.id, line.address, line.state, line.changes) == (None, PHONE, "paused", 0)
    assert (line.created_at, line.next_attempt_at) == (after(1), None)
    (known,) = store.list_addresses()
    assert (known.address, known.paused_at) == (PHONE, after(1))
    store.resume_addresses([PHONE], after(6))
    assert store.list_messages() == ()


def test_what_was_set_apart_begins_anew_with_its_address(store: Store) -> None:
    """The time of a pause is no part of the life of what was refused before it, either."""
    owe(store, "a", "b")
    assert store.settle_message(must_claim(store), APART, START)
    store.pause_addresses([PHONE], after(1))
    store.resume_addresses([PHONE], after(9 * DAY))
    assert must_claim(store, after(9 * DAY)).first_attempt_at == after(9 * DAY)


def test_a_message_and_its_address_are_paused_each_by_itself(store: Store) -> None:
    """To send it both have to be resumed, in whichever order."""
    owe(store, "a")
    number = fail(store)
    store.pause_messages([number])
    store.pause_addresses([PHONE], START)
    store.resume_addresses([PHONE], START)
    assert (claim(store, after(1)), store.list_messages()[0].paused_itself) == (None, True)
    store.pause_addresses([PHONE], START)
    store.resume_messages([number], START)
    assert (claim(store, after(1)), store.list_messages()[0].paused_itself) == (None, False)
    assert shown(store)[0] == (1, PHONE, "paused", 1)
    store.resume_addresses([PHONE], START)
    assert send(store, 1) == "a"


def test_a_retry_leaves_a_paused_address_alone(store: Store) -> None:
    """What is dead there is owed again, and waits for the end of the pause."""
    owe(store, "a", "b")
    assert store.settle_message(must_claim(store, most=1), DEAD, START)
    fail(store, until=60)
    store.pause_addresses([PHONE], START)
    assert store.retry_messages(None, after(1)) == 1
    assert [state for _, _, state, _ in shown(store)] == ["paused", "paused"]
    store.resume_addresses([PHONE], after(2))
    assert send(store, 2) == "a"
    assert claim(store, after(2)) is None, "b was told to wait longer, and does"


# ── what else may happen to it ────────────────────────────────────────────────────────────────────


def test_a_target_that_is_gone_takes_along_what_is_paused(store: Store) -> None:
    """It is dead and says why; should the target come back, it is as paused as it was."""
    owe(store, "a", "b")
    number = fail(store, most=1)
    store.pause_messages([number])
    store.pause_addresses([PHONE], START)
    assert store.sync_addresses([MAIL], after(1)) == 2
    dead = [(m.id, m.state, m.reason) for m in store.list_messages() if m.changes]
    assert dead == [(1, "dead", Reason.TARGET_GONE), (None, "dead", Reason.TARGET_GONE)]
    store.sync_addresses([PHONE, MAIL], after(2))
    owe(store, "c", at=after(2))
    assert claim(store, after(2)) is None
    store.resume_addresses([PHONE], after(2))
    assert send(store, 2) == "c"


def test_what_is_paused_is_never_forgotten(store: Store) -> None:
    """However old it is: to pause something is not to give it up."""
    owe(store, "a", "b")
    number = fail(store, most=1)
    store.pause_messages([number])
    store.pause_addresses([PHONE], START)
    before = rows(store, "SELECT id, state FROM deliveries")
    assert store.prune(after(400 * DAY), timedelta(days=90)) == 0
    assert rows(store, "SELECT id, state FROM deliveries") == before
    assert [change.key for change in store.list_changes()] == ["a", "b"]
