"""Looking: feeds, lists and changes as they are, each answer of one moment."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

from states import (
    FEED,
    QUEUE,
    START,
    added,
    after,
    entry,
    index,
    land,
    listed,
    removed,
    watch,
)

from feedwatch.core.model import Entry, FeedState, FoundFeed, Kind, Snapshot
from feedwatch.store import Store

OTHER = FoundFeed("ratings", Kind.RATINGS, "http://lists.example/ratings")


def test_feeds_are_listed_by_account_in_the_order_they_came(store: Store) -> None:
    """A new feed is listed with nothing known of it yet."""
    store.sync_accounts({"jane": "x", "adam": "y"}, START)
    index(store, OTHER, QUEUE, account="jane")
    index(store, QUEUE, account="adam")
    found = store.list_feeds()
    assert [each.feed for each in found] == ["adam/queue", "jane/ratings", "jane/queue"]
    first = found[0]
    assert (first.state, first.reason, first.detail, first.failures) == (FeedState.NEW, None, "", 0)
    assert (first.entries, first.last_polled_at, first.next_poll_at) == (0, None, START)


def test_a_list_is_shown_in_its_order_those_without_a_place_last(store: Store) -> None:
    """Saved titles have no place; all others count from one."""
    watch(store)
    saved = Entry("s", "Saved")
    land(store, Snapshot((entry("b", 1), entry("a", 2), saved), whole=True, ordered=True))
    found = store.list_entries(FEED) or ()
    assert [(each.entry, each.first_seen_at) for each in found] == [
        (entry("b", 1), START),
        (entry("a", 2), START),
        (saved, START),
    ]


def test_a_long_list_is_shown_in_its_order(store: Store) -> None:
    """Places are numbers: ten comes after nine."""
    watch(store)
    land(store, listed(*(f"k{number % 7}-{number}" for number in range(120))))
    assert [each.entry.position for each in store.list_entries(FEED) or ()] == list(range(1, 121))


def test_an_empty_list_is_not_the_same_as_no_feed(store: Store) -> None:
    """A list that was never read, or is empty, has no entries; a feed that nobody knows is none."""
    watch(store)
    assert store.list_entries(FEED) == ()
    land(store, listed())
    assert store.list_entries(FEED) == ()
    assert store.list_entries("jane/quEue") is None
    assert store.list_entries("queue") is None


def test_changes_are_listed_the_newest_last_by_feed_and_time(store: Store) -> None:
    """`feed` takes the whole name, `since_at` includes its instant."""
    watch(store, QUEUE, OTHER)
    for minutes, key in enumerate("abc"):
        land(store, listed(key), after(minutes), changes=(added(key), removed("x", 4)))
    found = store.list_changes()
    assert [each.key for each in found] == ["a", "x", "b", "x", "c", "x"]
    assert [each.id for each in found] == sorted({each.id for each in found})
    assert (found[1].position, found[1].previous_position) == (None, 4)
    assert [each.key for each in store.list_changes(since_at=after(1))] == ["b", "x", "c", "x"]
    assert [each.key for each in store.list_changes(feed=FEED, since_at=after(2))] == ["c", "x"]
    assert store.list_changes(feed="jane/ratings") == ()
    assert store.list_changes(feed="queue") == ()


def test_a_list_that_is_looked_at_while_it_changes_is_one_list_or_the_other(path: Path, store: Store) -> None:
    """`show` beside a daemon: order and entries are of one moment, however fast polls land."""
    watch(store)
    lists = [listed(*(f"{letter}{number}" for number in range(40))) for letter in "ab"]
    land(store, lists[0])
    done = threading.Event()
    seen: set[str] = set()
    counts: set[int] = set()

    def look() -> None:
        with closing(Store.open_read_only(path)) as looking:
            while not done.is_set():
                found = looking.list_entries(FEED) or ()
                seen.add("".join(sorted({each.entry.key[0] for each in found})))
                counts.add(len(found))

    looker = threading.Thread(target=look)
    looker.start()
    for number in range(100):
        land(store, lists[number % 2])
    done.set()
    looker.join()
    assert seen <= {"a", "b"}
    assert seen
    assert counts == {40}
