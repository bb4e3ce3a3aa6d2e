"""The queue as it was last read is kept, one for each account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.store import Store

READING = QueueReading(
    "819873819117",
    (
        QueuedTitle("http://api.netflix.com/catalog/titles/movies/1", "Amélie", 1),
        QueuedTitle("http://api.netflix.com/catalog/titles/movies/2", "Later", None),
    ),
    datetime(2026, 11, 1, 12, tzinfo=UTC),
    left=("819873819115", "819873819116"),
)


STAMP = "jane's credentials"


def test_reading_comes_back_as_it_was_kept(store: Store) -> None:
    """Etags, titles in order, places, the instant: all are as they were."""
    assert store.find_queue_reading("home", STAMP) is None
    store.keep_queue_reading("home", READING, STAMP)
    assert store.find_queue_reading("home", STAMP) == READING


def test_each_account_has_its_own(store: Store) -> None:
    """Two accounts do not share a reading; a later one takes the place of an earlier one."""
    later = replace(READING, etag=None, titles=())
    store.keep_queue_reading("home", READING, STAMP)
    store.keep_queue_reading("away", READING, STAMP)
    store.keep_queue_reading("home", later, STAMP)
    assert store.find_queue_reading("home", STAMP) == later
    assert store.find_queue_reading("away", STAMP) == READING


def test_reading_is_of_the_credentials_that_it_was_made_with(store: Store) -> None:
    """Who reads by others may be another person, whose queue was not changed into this one by anybody."""
    store.keep_queue_reading("home", READING, STAMP)
    assert store.find_queue_reading("home", "joe's credentials") is None
