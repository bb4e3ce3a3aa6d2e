"""A shorter interval is taken over at once: what waits for the old one does not wait it out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from states import QUEUE, START, after, failed, index, land, listed, take, watch

from feedwatch.core.state import FailedPoll
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
