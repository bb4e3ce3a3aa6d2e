"""A target that takes nothing for hours is told to another, once; and so is the end of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from states import MAIL, PHONE, after, must_claim, owe, rows, watch

from feedwatch.core.messages import NotifyFailed
from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.core.schedule import RetryPolicy, judge_attempt
from feedwatch.core.state import AddressHealth, Settled, Settlement
from feedwatch.errors import StoreDamaged
from feedwatch.store import Store

DELIVERED = Settlement(Settled.DELIVERED, told=(MAIL,))
GAVE_UP = Settlement(Settled.DEAD, reason=Reason.GAVE_UP, told=(MAIL,))
HOUR = 60.0


@pytest.fixture(autouse=True)
def watched(store: Store) -> None:
    """A feed whose changes are owed."""
    watch(store)


def fail(store: Store, minutes: float, *, told: tuple[str, ...] = (MAIL,)) -> None:
    end = Settlement(Settled.AGAIN, after(minutes), Reason.UNREACHABLE, told=told)
    assert store.settle_message(must_claim(store, after(minutes)), end, after(minutes))


def work(store: Store, minutes: float) -> None:
    assert store.settle_message(must_claim(store, after(minutes)), DELIVERED, after(minutes))


def notices(store: Store) -> list[tuple[str, str]]:
    """Which notices there are, and whom each is owed to."""
    found = rows(
        store,
        "SELECT kind, address FROM notices JOIN deliveries ON notice_id = notices.id ORDER BY notices.id",
    )
    return [(kind, address) for kind, address in found]


def health(store: Store, address: str = PHONE) -> AddressHealth:
    known = {each.address: each.health for each in store.list_addresses()}
    return known.get(address, AddressHealth())


def test_an_outage_is_told_once_and_its_end_too(store: Store, path: Path) -> None:
    """Four hours after the first failure, not before and not again, with since when and why."""
    owe(store, "a")
    for hours in (0, 1, 3.99):
        fail(store, hours * HOUR)
    assert notices(store) == []
    store.close()
    reopened = Store.open(path)
    for hours in (4, 5, 30):
        fail(reopened, hours * HOUR)
    assert notices(reopened) == [("target_failing", MAIL)]
    assert rows(reopened, "SELECT account, reason, since_at, at FROM notices") == [
        (PHONE, "unreachable", "2026-11-01T12:00:00.000000Z", "2026-11-01T16:00:00.000000Z")
    ]
    assert health(reopened) == AddressHealth(after(0), announced=True)
    work(reopened, 31 * HOUR)
    owe(reopened, "b", at=after(31 * HOUR))
    work(reopened, 31 * HOUR)
    assert notices(reopened) == [("target_failing", MAIL), ("target_recovered", MAIL)]
    assert rows(reopened, "SELECT since_at, at FROM notices WHERE kind = 'target_recovered'") == [
        ("2026-11-01T12:00:00.000000Z", "2026-11-02T19:00:00.000000Z")
    ]
    reopened.close()


def test_a_second_outage_is_told_as_well(store: Store) -> None:
    """Once an outage, not once for ever."""
    for start in (0, 100):
        owe(store, "a", at=after(start * HOUR))
        for hours in (0, 4):
            fail(store, (start + hours) * HOUR)
        work(store, (start + 5) * HOUR)
    assert [kind for kind, _ in notices(store)] == ["target_failing", "target_recovered"] * 2


def test_an_outage_that_ends_before_four_hours_is_not_told(store: Store) -> None:
    """Anything taken in between begins the count anew."""
    for start in (0, 3, 6):
        owe(store, "a", at=after(start * HOUR))
        fail(store, start * HOUR)
        fail(store, (start + 2) * HOUR)
        work(store, (start + 2.5) * HOUR)
    assert notices(store) == []
    assert health(store) == AddressHealth()


def test_where_nobody_can_be_told_it_is_known_all_the_same(store: Store) -> None:
    """With a single target no notice is owed to anyone, least of all to the one that fails."""
    owe(store, "a")
    fail(store, 0, told=())
    fail(store, 4 * HOUR, told=())
    assert rows(store, "SELECT count(*) FROM notices") == [(0,)]
    assert health(store) == AddressHealth(after(0), announced=True)


def test_to_be_told_to_wait_for_ever_does_not_go_unseen(store: Store) -> None:
    """A service that asks for rest again after four hours is called failing; nothing it owes is given up."""
    owe(store, "a")
    policy = RetryPolicy(timedelta(seconds=30), timedelta(hours=1), timedelta(days=5))
    limited = NotifyFailed(Reason.RATE_LIMITED, retry_after=timedelta(hours=2))
    for hours in (0, 2, 4, 6, 8):
        claimed = must_claim(store, after(hours * HOUR))
        end = judge_attempt(claimed, limited, policy, now=after(hours * HOUR), jitter=0)
        assert store.settle_message(claimed, end, after(hours * HOUR))
    assert health(store) == AddressHealth(after(0), announced=True)
    assert must_claim(store, after(10 * HOUR)).first_attempt_at == after(10 * HOUR), "nor any part of a life"


def test_each_delivery_keeps_its_own_life_through_a_rest(store: Store) -> None:
    """The rest that a message was told to keep is put upon the life of each of its deliveries."""
    owe(store, "a")
    claimed = must_claim(store)
    end = Settlement(Settled.AGAIN, after(90), Reason.RATE_LIMITED, rest=timedelta(minutes=90))
    assert store.settle_message(claimed, end, after(0))
    lives = "SELECT first_attempt_at FROM messages UNION ALL SELECT first_attempt_at FROM deliveries"
    assert rows(store, lives) == [("2026-11-01T13:30:00.000000Z",)] * 2


@pytest.mark.parametrize("end", ["dropped", "given up", "message paused", "address paused"])
def test_one_failure_and_then_nothing_to_send_is_no_outage(store: Store, end: str) -> None:
    """Where nothing is tried nothing fails: the next failure, a week later, is a first one."""
    owe(store, "a")
    if end == "given up":
        assert store.settle_message(must_claim(store), GAVE_UP, after(0))
    else:
        fail(store, 0)
        assert health(store).failing_since_at == after(0)
    if end == "dropped":
        store.drop_messages([1], after(1))
    elif end == "message paused":
        store.pause_messages([1])
    elif end == "address paused":
        store.pause_addresses([PHONE], after(1))
        store.resume_addresses([PHONE], after(2))
    assert health(store) == AddressHealth()
    owe(store, "b", at=after(168 * HOUR))
    fail(store, 168 * HOUR)
    assert notices(store) == []


def test_an_outage_that_was_told_is_ended_only_by_what_arrives(store: Store) -> None:
    """Though all that waited was given up: whoever heard of it hears of its end."""
    owe(store, "a")
    fail(store, 0)
    fail(store, 5 * HOUR)
    store.drop_messages([1], after(6 * HOUR))
    owe(store, "b", at=after(24 * HOUR))
    work(store, 24 * HOUR)
    assert notices(store)[-1] == ("target_recovered", MAIL)


def test_an_attempt_that_no_longer_holds_says_nothing_of_its_target(store: Store) -> None:
    """What is not written is not counted: neither as a failure nor as a recovery."""
    owe(store, "a")
    late = must_claim(store)
    must_claim(store, after(2))
    end = Settlement(Settled.AGAIN, after(0), Reason.UNREACHABLE, told=(MAIL,))
    assert not store.settle_message(late, end, after(3))
    assert health(store) == AddressHealth()


def test_a_target_that_is_gone_takes_its_outage_along(store: Store) -> None:
    """Should the name come back, it begins anew; others keep theirs."""
    owe(store, "a", to=(PHONE, MAIL))
    fail(store, 0)
    fail(store, 5 * HOUR)
    store.drop_messages([], after(6 * HOUR), addresses=[PHONE])
    store.sync_addresses([MAIL], after(6 * HOUR))
    assert health(store) == AddressHealth()
    owe(store, "b", at=after(7 * HOUR))
    work(store, 7 * HOUR)
    assert [kind for kind, _ in notices(store)] == ["target_failing"]


def test_two_addresses_of_a_target_fail_each_by_itself(store: Store) -> None:
    """One place of two is down: that is said, by its name, and what the other takes changes nothing."""
    owe(store, "a", to=("mail/1", "mail/2"))
    for hours in (0, 4):
        claimed = must_claim(store, after(hours * HOUR), address="mail/2")
        end = Settlement(Settled.AGAIN, after(hours * HOUR), Reason.REFUSED, told=(PHONE,))
        assert store.settle_message(claimed, end, after(hours * HOUR))
    claimed = must_claim(store, after(1), address="mail/1")
    assert store.settle_message(claimed, DELIVERED, after(5 * HOUR))
    assert rows(store, "SELECT kind, account FROM notices") == [("target_failing", "mail/2")]


def test_a_notice_of_no_known_kind_is_damage(store: Store) -> None:
    """A word that is none is no surprise in the middle of a send: the daemon has to hear of it."""
    store.record_notice(Notice(NoticeKind.TEST, after(0)), [PHONE])
    with store.transaction() as conn:
        conn.execute("UPDATE notices SET kind = 'tset'")
    with pytest.raises(StoreDamaged, match="a NoticeKind in the state is none"):
        must_claim(store, after(0))
