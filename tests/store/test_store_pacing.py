"""A shorter interval is taken over at once: what waits for the old one does not wait it out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from states import (
    PHONE,
    QUEUE,
    START,
    added,
    after,
    always,
    believing,
    claim,
    failed,
    index,
    land,
    land_one,
    listed,
    must_claim,
    owe,
    reply,
    rows,
    take,
    tell,
    unchanged,
    watch,
)

from feedwatch.core.messages import WaitsFor
from feedwatch.core.model import FoundFeed, Kind, Notice, NoticeKind, Reason
from feedwatch.core.state import FailedPoll, Planned, Settled, Settlement
from feedwatch.store import Store

WAS, EVERY = timedelta(minutes=15), timedelta(minutes=5)


def next_poll(store: Store) -> datetime | None:
    return store.list_feeds()[0].next_poll_at


def test_what_waits_for_the_old_interval_is_polled_by_the_new_one(store: Store) -> None:
    """Counted from its last poll, and never set into the past."""
    watch(store)
    land(store, listed("a"))
    assert store.hasten_polls(WAS, after(1), EVERY) == 1
    assert next_poll(store) == after(5)
    assert store.hasten_polls(WAS, after(1), EVERY) == 0, "once is enough"
    land(store, listed("a"))
    assert store.hasten_polls(WAS, after(9), EVERY) == 1
    assert next_poll(store) == after(9)


def test_what_waits_for_another_reason_stays(store: Store) -> None:
    """A server's own wish, a failure, an interval of the feed's own: none is cut short."""
    watch(store)
    land(store, listed("a"), next_poll_at=after(16))
    assert store.hasten_polls(WAS, START, EVERY) == 0, "longer than the interval: its server wishes it"
    task = take(store)
    store.record_failures([FailedPoll(task, START, failed(task).failure, after(15))])
    assert store.hasten_polls(WAS, START, EVERY) == 0, "it fails"
    land(store, listed("a"))
    index(store, replace(QUEUE, every=timedelta(minutes=15)))
    assert store.hasten_polls(WAS, START, EVERY) == 0, "it has an interval of its own"
    assert next_poll(store) == after(15)


# ── a clock that was ahead ────────────────────────────────────────────────────────────────────────

YEARS = timedelta(days=3650)
DAY = timedelta(days=1)


def test_what_a_clock_that_was_years_ahead_has_put_off_is_due_once_it_is_right(store: Store) -> None:
    """A feed, an index, a host, what is owed and what waits: else nobody would hear of anything for years."""
    wrong = START + YEARS
    watch(store)
    owe(store, "a", at=wrong)
    store.record_failures([failed(take(store, now=wrong), wrong)])
    index(store, QUEUE, FoundFeed("ratings", Kind.RATINGS, "http://lists.example/ratings"), now=wrong)
    store.rest_host("lists.example", wrong, Reason.RATE_LIMITED)
    again = Settlement(Settled.AGAIN, wrong + timedelta(hours=1), Reason.UNREACHABLE)
    assert store.settle_message(must_claim(store, wrong), again, wrong)
    tell(store, Notice(NoticeKind.TEST, wrong), "mail/1")
    assert (store.take_polls(START), claim(store, START), claim(store, START, address="mail/1")) == (
        (),
        None,
        None,
    )
    assert store.mend_instants(START, DAY) > 0
    assert {task.feed for task in store.take_polls(START)} == {"jane/queue", "jane/ratings"}
    assert store.due_accounts(START) == ("jane",)
    assert store.resting_hosts(START) == {}
    assert must_claim(store, START, address="mail/1").first_attempt_at == START
    mended = must_claim(store, START)
    assert (mended.first_attempt_at, mended.health.failing_since_at) == (START, START)
    assert mended.may_have_arrived is False
    assert store.mend_instants(START, DAY) == 0, "once is enough"


def test_what_a_clock_that_was_days_ahead_has_gathered_or_held_is_due_once_it_is_right(store: Store) -> None:
    """No round lasts for days, and no night; a digest may well be due in a week."""
    watch(store)
    days = (("gathering", 3), ("quiet", 3), ("quiet", 1), ("digest", 7))
    deliveries = tuple(
        Planned(number, PHONE, START + number_of * DAY, "", waits_for=WaitsFor(why))
        for number, (why, number_of) in enumerate(days)
    )
    keys = [str(number) for number, _ in enumerate(days)]
    land(store, listed(*keys), changes=tuple(map(added, keys)), deliveries=deliveries)
    assert store.mend_instants(START, DAY) == 2
    assert must_claim(store, START).body == "0 1"


def test_what_waits_for_long_by_a_clock_that_is_right_goes_on_waiting(store: Store) -> None:
    """A year's interval, a host that rests for a week, a message whose service asked for a day: all stay."""
    watch(store)
    owe(store, "a")
    land(store, listed("a"), next_poll_at=START + timedelta(days=365))
    store.rest_host("lists.example", START + timedelta(days=7), Reason.RATE_LIMITED)
    again = Settlement(Settled.AGAIN, START + DAY, Reason.RATE_LIMITED)
    assert store.settle_message(must_claim(store), again, START)
    before = rows(store, "SELECT next_poll_at, next_attempt_at, rest_until_at FROM feeds, messages, hosts")
    assert store.mend_instants(START, DAY) == 0
    assert (
        rows(store, "SELECT next_poll_at, next_attempt_at, rest_until_at FROM feeds, messages, hosts")
        == before
    )
    assert rows(store, "SELECT DISTINCT address FROM messages") == [(PHONE,)]


def test_a_list_that_was_changed_here_is_due_at_once(store: Store) -> None:
    """Of that account and of that kind, and no other; what is due already stays as it is."""
    store.sync_accounts({"jane": "a stamp", "joe": "another"}, START)
    index(store, QUEUE, FoundFeed("history", Kind.HISTORY, "http://lists.example/history"))
    index(store, QUEUE, account="joe")
    for feed in ("jane/queue", "jane/history", "joe/queue"):
        land_one(store, task := take(store, feed), reply(listed("a")), always(believing(listed("a"))))
        assert task.feed == feed
    before = {feed.feed: feed.next_poll_at for feed in store.list_feeds()}
    assert store.hasten_lists("jane", Kind.QUEUE, after(1)) == 1
    assert {feed.feed: feed.next_poll_at for feed in store.list_feeds()} == before | {"jane/queue": after(1)}
    assert store.hasten_lists("jane", Kind.QUEUE, after(2)) == 0


def test_a_list_that_fares_ill_is_not_hurried(store: Store) -> None:
    """That it was changed is no reason to ask a server that fails more often."""
    watch(store)
    land(store, listed("a"))
    task = take(store)
    store.record_failures([FailedPoll(task, START, failed(task).failure, after(15))])
    assert store.hasten_lists("jane", Kind.QUEUE, after(1)) == 0
    assert next_poll(store) == after(15)


def test_a_poll_under_way_does_not_put_off_what_is_hurried(store: Store) -> None:
    """Asked before the change, and landed after it: it says nothing of it, and the list stays due."""
    watch(store)
    land(store, listed("a"))
    same, other = take(store, now=after(5)), take(store, now=after(5))
    assert store.hasten_lists("jane", Kind.QUEUE, after(6)) == 1
    assert store.record_unchanged([unchanged(same, after(7))]) == (same.feed_id,)
    assert land_one(store, other, reply(listed("b")), always(believing(listed("b")))) is None
    assert len(store.take_polls(after(8))) == 1
