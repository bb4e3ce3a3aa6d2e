"""The outbox: bound in order, one message under way for an address, retried unchanged, settled by token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from states import (
    FEED,
    MAIL,
    PHONE,
    START,
    after,
    claim,
    compose,
    land,
    listed,
    must_claim,
    owe,
    rows,
    tell,
    watch,
)

from feedwatch.core.messages import Composed, Markup, MessageState, OwedDelivery
from feedwatch.core.model import ChangeKind, Kind, Notice, NoticeKind, NoticeLine, Reason, RecordedChange
from feedwatch.core.schedule import REFUSALS_BEFORE_SETTING_APART
from feedwatch.core.state import Bundle, ClaimedMessage, MessageStatus, Settled, Settlement
from feedwatch.store import Store
from feedwatch.store.claiming import DUE_ADDRESSES

DELIVERED = Settlement(Settled.DELIVERED)
DEAD = Settlement(Settled.DEAD, reason=Reason.GAVE_UP, detail="why")
APART = Settlement(Settled.SET_APART, reason=Reason.REFUSED, refused=True)


@pytest.fixture(autouse=True)
def watched(store: Store) -> None:
    """A feed whose changes are owed."""
    watch(store)


def again(minutes: float, reason: Reason = Reason.UNREACHABLE, *, refused: bool = False) -> Settlement:
    return Settlement(Settled.AGAIN, after(minutes), reason, "no answer", refused=refused)


def settle(store: Store, claimed: ClaimedMessage, settlement: Settlement, minutes: float = 0) -> None:
    assert store.settle_message(claimed, settlement, after(minutes))


def send(store: Store, minutes: float = 0, *, address: str = PHONE, most: int = 1000) -> str:
    """Claim and deliver one message; returns what it told."""
    claimed = must_claim(store, after(minutes), address=address, most=most)
    settle(store, claimed, DELIVERED, minutes)
    return claimed.body


def states(store: Store) -> dict[str, str]:
    """The state of every delivery of a change, by the change's key."""
    found = rows(store, "SELECT key, state FROM deliveries JOIN changes ON changes.id = change_id")
    return dict(found)


def shown(store: Store) -> list[tuple[int | None, str, str, int, Reason | None]]:
    return [(m.id, m.address, m.state, m.changes, m.reason) for m in store.list_messages()]


# ── binding ───────────────────────────────────────────────────────────────────────────────────────


def test_what_is_due_is_offered_in_order_with_all_that_a_message_tells(store: Store) -> None:
    """Changes and notices as they were recorded, the oldest first, each with its own delivery."""
    owe(store, "a")
    notice = Notice(
        NoticeKind.FEED_BROKEN, after(1), "jane", (NoticeLine(FEED, 3), NoticeLine("x/y")), "timeout", START
    )
    tell(store, notice, PHONE)
    offered: list[OwedDelivery] = []

    def take_all(deliveries: Sequence[OwedDelivery], _: Bundle) -> Composed:
        offered.extend(deliveries)
        return Composed(tuple(each.id for each in deliveries), "title", "body", Markup.HTML)

    claimed = store.claim_message(PHONE, now=after(1), lease_until_at=after(3), owner="me", compose=take_all)
    change, told = (each.subject for each in offered)
    assert isinstance(change, RecordedChange)
    assert (change.key, change.kind, change.at, change.account) == ("a", ChangeKind.ADDED, START, "jane")
    assert (change.feed, change.feed_kind, change.position) == ("queue", Kind.QUEUE, 1)
    assert told == notice
    assert [each.address for each in offered] == [PHONE, PHONE]
    assert claimed is not None
    assert (claimed.title, claimed.body, claimed.markup) == ("title", "body", Markup.HTML)
    assert (claimed.deliveries, claimed.attempts, claimed.refusals) == (2, 1, 0)
    assert (claimed.first_attempt_at, claimed.alone, claimed.works) == (after(1), False, False)
    assert len(claimed.token) == 32


def test_what_does_not_fit_waits_for_the_next_message(store: Store) -> None:
    """The longest run that fits is bound, nothing is cut away, and the rest follows in order."""
    owe(store, "a", "b", "c", "d", "e")
    assert [send(store, most=2) for _ in range(3)] == ["a b", "c d", "e"]
    assert claim(store) is None


def test_one_that_fits_nowhere_goes_by_itself(store: Store) -> None:
    """A first delivery that is too long for any message does not hold up the others for ever."""
    owe(store, "a", "b")
    assert send(store, most=0) == ""
    assert states(store) == {"a": "delivered", "b": "pending"}


def test_a_delivery_waits_for_its_time(store: Store) -> None:
    """A digest is a delivery with a later time; what came after it and is due goes first."""
    owe(store, "late", at=after(10))
    owe(store, "now")
    assert store.due_addresses(START) == (PHONE,)
    assert send(store) == "now"
    assert (store.due_addresses(after(9)), claim(store, after(9))) == ((), None)
    assert store.due_addresses(after(10)) == (PHONE,)
    assert send(store, 10) == "late"


def test_each_address_has_its_own_messages(store: Store) -> None:
    """One that hangs or fails holds up no other."""
    owe(store, "a", to=(PHONE, MAIL))
    must_claim(store)
    assert store.due_addresses(START) == (MAIL,)
    assert send(store, address=MAIL) == "a"
    assert rows(store, "SELECT address, state FROM deliveries ORDER BY address") == [
        (MAIL, "delivered"),
        (PHONE, "bound"),
    ]


def test_a_claim_on_nothing_writes_nothing(store: Store) -> None:
    """An address that is owed nothing is left alone, whatever others are owed."""
    owe(store, "a")
    assert claim(store, address="unknown/1") is None
    assert rows(store, "SELECT count(*) FROM messages") == [(0,)]


# ── one at a time, in order ───────────────────────────────────────────────────────────────────────


def test_one_message_is_under_way_for_an_address(store: Store) -> None:
    """While a claim holds nothing else is sent there, not even what has come since."""
    owe(store, "a")
    must_claim(store)
    owe(store, "b", at=after(1))
    assert claim(store, after(1)) is None
    assert store.due_addresses(after(1)) == ()


def test_nothing_overtakes_a_message_that_is_to_be_tried_again(store: Store) -> None:
    """What came later waits until the one before is settled."""
    owe(store, "a")
    settle(store, must_claim(store), again(10))
    owe(store, "b")
    assert (store.due_addresses(after(9)), claim(store, after(9))) == ((), None)
    assert [send(store, 10), send(store, 10)] == ["a", "b"]


def test_a_message_goes_again_unchanged_under_the_same_id(store: Store) -> None:
    """A retry sends what was sent, though more has become due; only the count of attempts rises."""
    owe(store, "a")
    first = must_claim(store)
    settle(store, first, again(1))
    owe(store, "b")
    second = must_claim(store, after(1))
    assert (second.id, second.title, second.body, second.markup) == (
        first.id,
        first.title,
        first.body,
        first.markup,
    )
    assert (second.attempts, second.deliveries) == (2, 1)
    assert second.token != first.token
    assert second.first_attempt_at == START


def test_an_older_message_that_was_brought_back_goes_first(store: Store) -> None:
    """Two ordinary messages can be open once a dead one is retried: the newer waits for the older."""
    owe(store, "a")
    settle(store, must_claim(store), DEAD)
    owe(store, "b")
    settle(store, must_claim(store), again(5))
    store.retry_messages(None, after(1))
    settle(store, must_claim(store, after(1)), again(60))
    assert (store.due_addresses(after(30)), claim(store, after(30))) == ((), None)
    assert [send(store, 60), send(store, 60)] == ["a", "b"]


# ── claims ────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_ends_with_its_lease(store: Store) -> None:
    """From that instant on another may claim the message, inside the claiming query itself."""
    owe(store, "a")
    first = must_claim(store)
    just_before = after(2) - timedelta(microseconds=1)
    assert (claim(store, just_before), store.due_addresses(just_before)) == (None, ())
    assert store.due_addresses(after(2)) == (PHONE,)
    second = must_claim(store, after(2), owner="another")
    assert (second.id, second.attempts) == (first.id, 2)
    assert not store.settle_message(first, DELIVERED, after(2)), "the first claim holds no longer"
    assert states(store) == {"a": "bound"}
    settle(store, second, DELIVERED, 2)
    assert states(store) == {"a": "delivered"}


def test_a_claim_that_has_run_out_may_still_be_settled_if_nobody_took_it(store: Store) -> None:
    """A slow send that arrived is not sent again."""
    owe(store, "a")
    claimed = must_claim(store)
    settle(store, claimed, DELIVERED, 30)
    assert states(store) == {"a": "delivered"}


@pytest.mark.parametrize("settlement", [DELIVERED, again(1), APART, DEAD], ids=lambda s: s.outcome.value)
def test_a_claim_is_settled_once(store: Store, settlement: Settlement) -> None:
    """Settling needs the claim's token, and the token is used up by it."""
    owe(store, "a")
    claimed = must_claim(store)
    settle(store, claimed, settlement)
    before = rows(store, "SELECT * FROM messages"), rows(store, "SELECT * FROM deliveries")
    assert not store.settle_message(claimed, DELIVERED, after(1))
    assert (rows(store, "SELECT * FROM messages"), rows(store, "SELECT * FROM deliveries")) == before


def test_a_claim_cannot_be_settled_by_guessing(store: Store) -> None:
    """Another's token, or none, settles nothing."""
    owe(store, "a", to=(PHONE, MAIL))
    phone, mail = must_claim(store), must_claim(store, address=MAIL)
    mixed = ClaimedMessage(
        phone.id, PHONE, mail.token, "", "", Markup.TEXT, attempts=1, refusals=0, first_attempt_at=START
    )
    assert not store.settle_message(mixed, DELIVERED, START)
    assert rows(store, "SELECT DISTINCT state FROM messages") == [("claimed",)]


def test_a_starting_daemon_takes_back_the_claims_of_processes_that_are_gone(store: Store) -> None:
    """Theirs are due at once; those of the living stay."""
    owe(store, "a", to=(PHONE, MAIL))
    dead = must_claim(store, owner="gone")
    alive = must_claim(store, address=MAIL, owner="alive")
    assert store.release_claims(lambda owner: owner == "alive", after(1)) == 1
    assert store.due_addresses(after(1)) == (PHONE,)
    assert not store.settle_message(dead, DELIVERED, after(1))
    assert must_claim(store, after(1)).attempts == 2
    assert store.release_claims(lambda _: True, after(1)) == 0
    settle(store, alive, DELIVERED, 1)


# ── set apart ─────────────────────────────────────────────────────────────────────────────────────


def set_apart(store: Store, *keys: str) -> None:
    owe(store, *keys)
    settle(store, must_claim(store), APART)


def test_refusals_are_counted_where_a_service_refused(store: Store) -> None:
    """Only a refusal leads to setting apart, not an address that cannot be reached."""
    owe(store, "a")
    for refusals in range(REFUSALS_BEFORE_SETTING_APART):
        claimed = must_claim(store)
        assert claimed.refusals == refusals
        settle(store, claimed, again(0, Reason.REFUSED, refused=True))
        settle(store, must_claim(store), again(0))
    assert must_claim(store).refusals == REFUSALS_BEFORE_SETTING_APART


def test_the_deliveries_of_a_refused_message_are_tried_one_by_one(store: Store) -> None:
    """Each by itself, in order, before anything new; and giving up counts from their first attempt."""
    set_apart(store, "a", "b")
    owe(store, "c")
    first = must_claim(store, after(1))
    assert (first.body, first.alone, first.works, first.refusals) == ("a", True, False, 0)
    assert (first.attempts, first.first_attempt_at) == (1, START)
    settle(store, first, again(30, Reason.REFUSED, refused=True), 1)
    second = must_claim(store, after(1))
    assert (second.body, second.alone, second.works) == ("b", True, False)
    settle(store, second, DELIVERED, 1)
    ordinary = must_claim(store, after(1))
    assert (ordinary.body, ordinary.alone) == ("c", False)
    settle(store, ordinary, DELIVERED, 1)
    retried = must_claim(store, after(30))
    assert (retried.id, retried.body, retried.works, retried.refusals) == (first.id, "a", True, 1)


def test_what_was_set_apart_goes_one_at_a_time_too(store: Store) -> None:
    """While one of them is under way neither the next nor anything new is sent to the address."""
    set_apart(store, "a", "b")
    first = must_claim(store)
    owe(store, "c")
    assert (store.due_addresses(START), claim(store)) == ((), None)
    settle(store, first, again(0, Reason.REFUSED, refused=True))
    must_claim(store)
    assert (store.due_addresses(after(1)), claim(store, after(1))) == ((), None)
    assert store.due_addresses(after(2)) == (PHONE,), "its lease has run out"


def test_what_was_set_apart_and_refused_blocks_nothing(store: Store) -> None:
    """While it waits for its next attempt all others go on."""
    set_apart(store, "bad")
    settle(store, must_claim(store), again(60, Reason.REFUSED, refused=True))
    owe(store, "good")
    assert store.due_addresses(START) == (PHONE,)
    assert send(store) == "good"
    assert claim(store, after(59)) is None
    assert must_claim(store, after(60)).body == "bad"


def test_what_was_set_apart_need_not_wait_for_an_ordinary_message(store: Store) -> None:
    """An ordinary message that a hand brought back waits for its time: the ones set apart are due."""
    owe(store, "old")
    settle(store, must_claim(store), DEAD)
    owe(store, "a", "b")
    refused = must_claim(store)
    store.retry_messages(None, START)
    settle(store, refused, APART)
    assert send(store) == "a"
    store.retry_messages(None, START)
    settle(store, must_claim(store), again(10))
    assert store.due_addresses(START) == (PHONE,)
    assert must_claim(store).body == "old"


def test_ordinary_messages_go_before_those_that_were_set_apart_and_refused(store: Store) -> None:
    """When both are due, what works is not kept waiting by what was refused."""
    set_apart(store, "bad")
    settle(store, must_claim(store), again(10, Reason.REFUSED, refused=True))
    owe(store, "good")
    settle(store, must_claim(store), again(10))
    assert [must_claim(store, after(10)).body] == ["good"]


# ── dead, dropped, retried ────────────────────────────────────────────────────────────────────────


def test_what_is_given_up_stays_to_be_seen_and_blocks_nothing(store: Store) -> None:
    """A dead message says why; what comes after it goes on."""
    owe(store, "a")
    settle(store, must_claim(store), DEAD)
    assert states(store) == {"a": "dead"}
    assert shown(store) == [(1, PHONE, "dead", 1, Reason.GAVE_UP)]
    assert store.list_messages()[0].detail == "why"
    assert store.due_addresses(after(99_999)) == ()
    owe(store, "b")
    assert send(store) == "b"


def test_a_retry_brings_back_what_is_dead_with_a_new_clock(store: Store) -> None:
    """Due now, and given up only after as long again; refusals and attempts are forgotten."""
    owe(store, "a")
    settle(store, must_claim(store), again(0, Reason.REFUSED, refused=True))
    settle(store, must_claim(store), DEAD)
    assert store.retry_messages([1], after(60)) == 1
    assert states(store) == {"a": "bound"}
    assert shown(store) == [(1, PHONE, "pending", 1, None)]
    claimed = must_claim(store, after(60))
    assert (claimed.first_attempt_at, claimed.attempts, claimed.refusals) == (after(60), 1, 0)
    settle(store, claimed, APART, 60)
    assert must_claim(store, after(60)).first_attempt_at == after(60)


def test_a_retry_makes_what_waits_due_now_and_keeps_its_clock(store: Store) -> None:
    """Waiting is cut short; how long it has been tried is not forgotten."""
    owe(store, "a")
    settle(store, must_claim(store), again(600))
    assert store.retry_messages(None, after(1)) == 1
    claimed = must_claim(store, after(1))
    assert (claimed.first_attempt_at, claimed.attempts) == (START, 2)


def test_a_retry_leaves_alone_what_is_done_or_under_way(store: Store) -> None:
    """Nothing that arrived is sent again, and no claim is broken."""
    owe(store, "a")
    send(store)
    owe(store, "b")
    claimed = must_claim(store)
    assert store.retry_messages(None, after(1)) == 0
    assert store.retry_messages([1, 2, 99], after(1)) == 0
    settle(store, claimed, DELIVERED, 1)


def test_all_that_waits_for_an_address_can_be_retried_or_dropped(store: Store) -> None:
    """In a message or in none yet: a person need not know how it was bound, and others keep theirs."""
    owe(store, "a", "b", to=(PHONE, MAIL))
    settle(store, must_claim(store, most=1), again(600))
    assert store.drop_messages([], START, addresses=[PHONE]) == 2, "a message, and what is in none"
    assert shown(store) == [
        (1, PHONE, "dead", 1, Reason.DROPPED),
        (None, MAIL, "pending", 2, None),
        (None, PHONE, "dead", 1, Reason.DROPPED),
    ]
    assert store.due_addresses(after(600)) == (MAIL,)
    assert store.drop_messages([], START, addresses=[PHONE]) == 0
    assert store.retry_messages([], START, addresses=[MAIL]) == 0, "it is due as it is"
    assert store.retry_messages([], START, addresses=[PHONE]) == 2
    assert [send(store), send(store)] == ["a", "b"]


def test_a_retry_of_some_leaves_the_others(store: Store) -> None:
    """Ids name what is meant; an empty choice means nothing."""
    owe(store, "a", "b")
    for _ in range(2):
        settle(store, must_claim(store, most=1), DEAD)
    assert store.retry_messages([], after(1)) == 0
    assert store.retry_messages([2], after(1)) == 1
    assert states(store) == {"a": "dead", "b": "bound"}


def test_one_set_apart_that_is_brought_back_is_judged_anew(store: Store) -> None:
    """That its address worked before the retry is no reason to give it up at its first refusal."""
    set_apart(store, "a", "b")
    bad = must_claim(store)
    settle(store, bad, again(0, Reason.REFUSED, refused=True))
    settle(store, must_claim(store, after(1)), DELIVERED, 1)
    assert must_claim(store, after(1)).works
    settle(store, must_claim(store, after(3)), DEAD, 3)
    store.retry_messages([bad.id], after(4))
    claimed = must_claim(store, after(4))
    assert (claimed.alone, claimed.works) == (True, False)


def test_dropping_gives_up_what_waits_or_is_under_way(store: Store) -> None:
    """It is dead and says that a hand did it; what is done or dead already stays as it is."""
    owe(store, "a", "b", "c")
    send(store, most=1)
    settle(store, must_claim(store, most=1), DEAD)
    waiting = must_claim(store, most=1)
    assert store.drop_messages([1, 2, 3, 99], START) == 1
    assert shown(store) == [
        (1, PHONE, "delivered", 1, None),
        (2, PHONE, "dead", 1, Reason.GAVE_UP),
        (3, PHONE, "dead", 1, Reason.DROPPED),
    ]
    assert states(store) == {"a": "delivered", "b": "dead", "c": "dead"}
    assert not store.settle_message(waiting, again(1), START), "its claim is over"
    assert store.retry_messages([3], START) == 1, "and a hand may bring it back"


@pytest.mark.parametrize("gone", ["dropped", "its target is gone"])
def test_what_arrived_though_it_was_given_up_meanwhile_is_delivered(store: Store, gone: str) -> None:
    """A send that was under way ends well: nobody shall send it again by a retry."""
    owe(store, "a")
    claimed = must_claim(store)
    if gone == "dropped":
        store.drop_messages([claimed.id], START)
    else:
        store.sync_addresses([], START)
    settle(store, claimed, DELIVERED)
    assert states(store) == {"a": "delivered"}
    assert shown(store) == [(1, PHONE, "delivered", 1, None)]
    assert store.retry_messages(None, START) == 0


def test_what_was_given_up_while_it_was_under_way_stays_given_up_if_it_did_not_arrive(store: Store) -> None:
    """Its attempt has ended all the same: brought back, it goes as what has surely not arrived."""
    owe(store, "a")
    claimed = must_claim(store)
    store.drop_messages([claimed.id], START)
    assert not store.settle_message(claimed, again(10), START)
    assert states(store) == {"a": "dead"}
    store.retry_messages(None, START)
    assert not must_claim(store).may_have_arrived


def test_what_was_brought_back_is_not_settled_by_the_claim_before(store: Store) -> None:
    """A retry begins anew: a send from before says nothing about it."""
    owe(store, "a")
    claimed = must_claim(store)
    store.drop_messages([claimed.id], START)
    store.retry_messages(None, START)
    assert not store.settle_message(claimed, DELIVERED, START)
    assert send(store) == "a"


def test_what_is_due_is_found_without_looking_at_what_is_done(store: Store) -> None:
    """It is asked every second, and months of messages are kept: only an index of what is open will do."""
    plan = [row["detail"] for row in store.query(f"EXPLAIN QUERY PLAN {DUE_ADDRESSES}", {"at": ""})]
    names = {"messages", "deliveries", "held", "older", "open", "owed"}
    tables = [line for line in plan if names.intersection(line.split()[1:2])]
    assert tables
    of_what_is_open = ("messages_open", "deliveries_pending", "deliveries_due")
    assert [line for line in tables if not any(index in line for index in of_what_is_open)] == []
    assert "SCAN due USING INDEX messages_open" in plan
    # And not through all that waits for a digest: it is found by its time.
    assert "SEARCH owed USING INDEX deliveries_due (address=? AND not_before<?)" in plan


# ── targets that are gone ─────────────────────────────────────────────────────────────────────────


def test_what_is_owed_to_a_target_that_is_gone_is_dead_and_seen(store: Store) -> None:
    """Bound or not, it is given up, and a line of the outbox says so and why."""
    owe(store, "a", to=(PHONE, MAIL))
    settle(store, must_claim(store), again(10))
    owe(store, "b", "c", to=(PHONE, MAIL))
    assert store.sync_addresses([MAIL], after(1)) == 3
    assert shown(store) == [
        (1, PHONE, "dead", 1, Reason.TARGET_GONE),
        (None, MAIL, "pending", 3, None),
        (None, PHONE, "dead", 2, Reason.TARGET_GONE),
    ]
    dead = store.list_messages()[2]
    assert (dead.next_attempt_at, dead.created_at, dead.attempts) == (None, START, 0)
    assert store.due_addresses(after(99_999)) == (MAIL,)
    assert store.sync_addresses([MAIL], after(2)) == 0, "given up once"


def test_nothing_is_sent_by_itself_when_a_target_comes_back(store: Store) -> None:
    """Days later it would be a flood: only a hand brings it back, then in order and with a new clock."""
    owe(store, "a", "b")
    settle(store, must_claim(store, most=1), again(10))
    store.sync_addresses([], START)
    store.sync_addresses([PHONE], after(60))
    assert (store.due_addresses(after(60)), claim(store, after(60))) == ((), None)
    owe(store, "new", at=after(60))
    assert send(store, 60) == "new"
    assert store.retry_messages(None, after(120)) == 2
    claimed = must_claim(store, after(120))
    assert (claimed.body, claimed.first_attempt_at) == ("a", after(120))
    settle(store, claimed, DELIVERED, 120)
    claimed = must_claim(store, after(121))
    assert (claimed.body, claimed.first_attempt_at) == ("b", after(121))
    settle(store, claimed, DELIVERED, 121)
    assert {each.state for each in store.list_messages()} == {MessageState.DELIVERED}


def test_what_was_set_apart_for_a_target_that_is_gone_is_seen_too(store: Store) -> None:
    """Its message was dissolved: a line for the address stands for it, and a retry brings it back."""
    set_apart(store, "a", "b")
    store.sync_addresses([], START)
    assert shown(store) == [(None, PHONE, "dead", 2, Reason.TARGET_GONE)]
    assert store.retry_messages([], START) == 0
    assert store.retry_messages(None, after(1)) == 1
    claimed = must_claim(store, after(1))
    assert (claimed.body, claimed.first_attempt_at) == ("a", after(1))
    settle(store, claimed, DELIVERED, 1)
    assert send(store, 1) == "b"


def test_addresses_that_are_owed_nothing_take_no_lock(store: Store) -> None:
    """A start with nothing to give up writes nothing."""
    owe(store, "a")
    with store.transaction():
        assert store.sync_addresses([PHONE, "new/1"], START) == 0


# ── looking ───────────────────────────────────────────────────────────────────────────────────────


def test_the_outbox_shows_what_is_open_and_the_newest_of_what_is_done(store: Store) -> None:
    """All that waits or is dead, fifty of the delivered, and a line for what no message has bound."""
    for number in range(53):
        owe(store, f"k{number}", at=after(number))
        send(store, number)
    owe(store, "waits", "new", at=after(60))
    settle(store, must_claim(store, after(60), most=1), again(90), 60)
    owe(store, "newest", at=after(70))
    lines = store.list_messages()
    assert [line.id for line in lines] == [*range(4, 55), None]
    assert [line.id for line in store.list_messages(all_done=True)] == [*range(1, 55), None]
    assert lines[-2] == MessageStatus(
        54, PHONE, "pending", 1, after(90), Reason.UNREACHABLE, "no answer", 1, after(60)
    )
    assert lines[-1] == MessageStatus(None, PHONE, "pending", 0, after(60), None, "", 2, after(60))


def test_a_claimed_message_is_shown_as_under_way(store: Store) -> None:
    """Who looks while something is sent sees it."""
    owe(store, "a")
    must_claim(store)
    assert shown(store) == [(1, PHONE, "claimed", 1, None)]


def test_a_message_that_cannot_be_composed_binds_nothing(store: Store) -> None:
    """A fault in rendering leaves what is owed as it was."""
    owe(store, "a")

    def stumble(_: Sequence[OwedDelivery], _bundle: Bundle) -> Composed:
        raise RuntimeError("no words")

    with pytest.raises(RuntimeError, match="no words"):
        store.claim_message(PHONE, now=START, lease_until_at=after(2), owner="me", compose=stumble)
    assert states(store) == {"a": "pending"}
    assert send(store) == "a"


def test_what_is_told_of_a_list_is_what_it_was_then(store: Store) -> None:
    """A message speaks of the change as recorded, whatever became of the entry since."""
    owe(store, "a")
    land(store, listed("b"))
    assert compose([]).deliveries == ()
    assert send(store) == "a"
