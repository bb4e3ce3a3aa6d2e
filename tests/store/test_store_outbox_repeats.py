"""What may have arrived already: it is known, it goes again unchanged or is given up, and it is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from states import PHONE, after, claim, must_claim, owe, rows, watch

from feedwatch.core.messages import MessageState
from feedwatch.core.model import Reason
from feedwatch.core.state import ClaimedMessage, Settled, Settlement
from feedwatch.store import Store

DELIVERED = Settlement(Settled.DELIVERED)
SILENCE = Settlement(Settled.AGAIN, after(1), Reason.AMBIGUOUS, may_have_arrived=True)
DOWN = Settlement(Settled.AGAIN, after(1), Reason.UNREACHABLE)
REFUSED = Settlement(Settled.AGAIN, after(1), Reason.REFUSED, refused=True)
RESTING = Settlement(Settled.AGAIN, after(1), Reason.RATE_LIMITED)


@pytest.fixture(autouse=True)
def watched(store: Store) -> None:
    """Two changes that are owed."""
    watch(store)
    owe(store, "a", "b")


def end_in_silence(store: Store, first: ClaimedMessage) -> None:
    assert store.settle_message(first, SILENCE, after(1))


def let_the_lease_run_out(store: Store, first: ClaimedMessage) -> None:
    """Nobody settles it."""


def die(store: Store, first: ClaimedMessage) -> None:
    assert store.release_claims(lambda _: False, after(1)) == 1


def drop_it_under_way_and_bring_it_back(store: Store, first: ClaimedMessage) -> None:
    store.drop_messages([first.id], after(1))
    store.retry_messages([first.id], after(1))


def pause_it_under_way_and_resume(store: Store, first: ClaimedMessage) -> None:
    store.pause_messages([first.id])
    store.resume_messages([first.id], after(1))


def pause_it_under_way_and_die(store: Store, first: ClaimedMessage) -> None:
    store.pause_messages([first.id])
    die(store, first)
    assert [each.state for each in store.list_messages()] == ["paused"], "a crash ends no pause"
    store.resume_messages([first.id], after(1))


def give_up_in_silence_and_bring_it_back(store: Store, first: ClaimedMessage) -> None:
    end = Settlement(Settled.DEAD, reason=Reason.GAVE_UP, may_have_arrived=True)
    assert store.settle_message(first, end, after(1))
    store.retry_messages(None, after(1))


@pytest.mark.parametrize(
    "become_unsure",
    [
        end_in_silence,
        let_the_lease_run_out,
        die,
        drop_it_under_way_and_bring_it_back,
        pause_it_under_way_and_resume,
        pause_it_under_way_and_die,
        give_up_in_silence_and_bring_it_back,
    ],
)
def test_an_attempt_without_an_end_may_have_arrived(
    store: Store, become_unsure: Callable[[Store, ClaimedMessage], None]
) -> None:
    """However it came that nobody heard its end: the next attempt knows, and is unchanged but for that."""
    first = must_claim(store)
    assert not first.may_have_arrived
    become_unsure(store, first)
    second = must_claim(store, after(2))
    assert second.may_have_arrived
    assert (second.id, second.title, second.body) == (first.id, first.title, first.body)
    assert store.settle_message(second, DOWN, after(2))
    assert must_claim(store, after(3)).may_have_arrived, "and so do all after it"


@pytest.mark.parametrize("settlement", [DOWN, REFUSED, RESTING], ids=lambda each: each.reason)
def test_an_attempt_that_was_answered_has_not_arrived(store: Store, settlement: Settlement) -> None:
    """Refused, unreachable or told to wait: there is no doubt, and none is told."""
    assert store.settle_message(must_claim(store), settlement, after(0))
    assert not must_claim(store, after(1)).may_have_arrived


def test_one_that_is_answered_while_it_is_paused_leaves_no_doubt(store: Store) -> None:
    """The attempt that was under way when a hand paused it came to an end, and it is known which."""
    first = must_claim(store)
    store.pause_messages([first.id])
    assert store.settle_message(first, DOWN, after(0))
    assert [each.state for each in store.list_messages()] == ["paused"]
    store.resume_messages([first.id], after(1))
    assert not must_claim(store, after(1)).may_have_arrived


def test_what_is_set_apart_of_a_message_that_may_have_arrived_may_have_too(store: Store) -> None:
    """Each of its deliveries came along with that message, if it came."""
    end_in_silence(store, must_claim(store))
    apart = Settlement(Settled.SET_APART, reason=Reason.REFUSED, refused=True)
    assert store.settle_message(must_claim(store, after(1)), apart, after(1))
    owe(store, "c", at=after(1))
    told = []
    for _ in range(3):
        told.append(claimed := must_claim(store, after(1)))
        assert store.settle_message(claimed, DELIVERED, after(1))
    assert [(each.body, each.alone, each.may_have_arrived) for each in told] == [
        ("a", True, True),
        ("b", True, True),
        ("c", False, False),
    ]


@pytest.mark.parametrize("end", ["dropped", "its target gone"])
def test_doubt_outlives_what_is_given_up_before_it_is_bound_anew(store: Store, end: str) -> None:
    """Set apart, then given up without a message: brought back by hand, it may still have arrived."""
    end_in_silence(store, must_claim(store))
    apart = Settlement(Settled.SET_APART, reason=Reason.REFUSED, refused=True)
    assert store.settle_message(must_claim(store, after(1)), apart, after(1))
    owe(store, "c", at=after(1))
    if end == "dropped":
        store.drop_messages([], after(1), addresses=[PHONE])
    else:
        store.sync_addresses([], after(1))
    assert store.retry_messages(None, after(2)) == 1
    unsure = []
    for _ in range(3):
        claimed = must_claim(store, after(2))
        unsure.append((claimed.body, claimed.may_have_arrived))
        assert store.settle_message(claimed, DELIVERED, after(2))
    assert unsure == [("a", True), ("b", True), ("c", False)]


# ── on_ambiguous: drop ────────────────────────────────────────────────────────────────────────────


def dead(store: Store) -> list[tuple[str, Reason | None]]:
    return [(each.state, each.reason) for each in store.list_messages() if each.id is not None]


def test_what_is_dropped_in_silence_is_seen_and_can_be_brought_back(store: Store) -> None:
    """It counts as given up, not as delivered: whoever looks sees it, and a hand may send it all the same."""
    end = Settlement(Settled.DEAD, reason=Reason.AMBIGUOUS, may_have_arrived=True)
    assert store.settle_message(must_claim(store), end, after(1))
    assert dead(store) == [(MessageState.DEAD, Reason.AMBIGUOUS)]
    assert rows(store, "SELECT count(*) FROM addresses WHERE last_delivered_at IS NOT NULL") == [(0,)]
    assert store.retry_messages([1], after(2)) == 1
    assert must_claim(store, after(2)).may_have_arrived


@pytest.mark.parametrize("end", ["its claimer died", "its lease ran out"])
def test_who_would_rather_lose_than_repeat_gets_no_repeat_after_a_crash(store: Store, end: str) -> None:
    """Nobody knows whether it arrived, whatever the cause: it is given up, and what follows goes."""
    must_claim(store, most=1)
    if end == "its claimer died":
        assert store.release_claims(lambda _: False, after(1), drop_ambiguous=True) == 1
    second = must_claim(store, after(2), drop_ambiguous=True)
    assert (second.body, second.may_have_arrived) == ("b", False)
    assert dead(store)[0] == (MessageState.DEAD, Reason.AMBIGUOUS)
    store.retry_messages([1], after(2))
    assert store.settle_message(second, DELIVERED, after(2))
    assert must_claim(store, after(2), drop_ambiguous=True).may_have_arrived, "by hand it goes again"


def test_what_is_given_up_after_its_lease_takes_the_address_with_it_if_nothing_else_is_due(
    store: Store,
) -> None:
    """A claim that finds only what may have arrived gives that up and takes nothing."""
    must_claim(store)
    assert store.due_addresses(after(2)) == (PHONE,)
    assert claim(store, after(2), drop_ambiguous=True) is None
    assert store.due_addresses(after(99)) == ()
    assert dead(store) == [(MessageState.DEAD, Reason.AMBIGUOUS)]
