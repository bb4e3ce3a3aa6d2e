"""A list that does not read as it was written never becomes changes: it is damage, and names its feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st
from states import FEED, after, entry, index, land, listed, recall, rows, take, unchanged, watch

from feedwatch.core.model import Entry, FoundFeed, Kind, Snapshot
from feedwatch.errors import StoreDamaged
from feedwatch.store import Store
from feedwatch.store.digest import digest_list, tell_entries

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = st.text() | st.sampled_from(["]\n[", "],[", '"', "\\n", "}\n{"])
ENTRIES = st.lists(
    st.builds(
        Entry,
        key=TEXTS,
        title=TEXTS,
        link=st.none() | TEXTS,
        facts=st.dictionaries(TEXTS, TEXTS, max_size=3),
        dated_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        alias=st.none() | TEXTS,
    ),
    max_size=4,
)
ONE = Entry("k", "Title", "http://a.example/", 1, {"rating": "3", "year": "1999"}, MIDNIGHT, "a")
TAMPERINGS = {
    "a title": "UPDATE entries SET title = 'Title A' WHERE key = 'a'",
    "a link": "UPDATE entries SET link = NULL WHERE key = 'a'",
    "a fact": """UPDATE entries SET facts = '{"rating":"4"}' WHERE key = 'a'""",
    "facts that are no JSON": "UPDATE entries SET facts = '{' WHERE key = 'a'",
    "facts that are a list": "UPDATE entries SET facts = '[]' WHERE key = 'a'",
    "facts of two in one": "UPDATE entries SET facts = '{},{}' WHERE key = 'a'",
    "facts that are no texts": """UPDATE entries SET facts = '{"a":[[1],[2]]}' WHERE key = 'a'""",
    "a date": "UPDATE entries SET dated_at = '2026-11-01T12:00:00.000000Z' WHERE key = 'a'",
    "a date that is none": "UPDATE entries SET dated_at = 'x' WHERE key = 'a'",
    "an alias": "UPDATE entries SET alias = 'alias b' WHERE key = 'a'",
    "the order": """UPDATE list_orders SET entry_order = '[["b","a"],[]]'""",
    "a place that was none": """UPDATE list_orders SET entry_order = '[["a"],["b"]]'""",
    "the order gone": "DELETE FROM list_orders",
    "an entry out of the order": """UPDATE list_orders SET entry_order = '[["a"],[]]'""",
    "an entry that is gone": "DELETE FROM entries WHERE key = 'a'",
    "the digest itself": "UPDATE feeds SET list_digest = x'00'",
}


def digest_entries(placed: list[Entry], loose: list[Entry]) -> bytes:
    """The digest of a list of these entries."""
    return digest_list(tell_entries(placed), tell_entries(loose))


@pytest.mark.parametrize("sql", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_list_that_is_not_as_it_was_written_is_damage(store: Store, sql: str) -> None:
    """Whatever of a list changes in the file by itself, the poll that lands next writes nothing."""
    watch(store)
    land(store, listed("a", "b"))
    with store.transaction() as conn:
        conn.execute(sql)
    before = rows(store, "SELECT * FROM entries"), rows(store, "SELECT entry_order FROM list_orders")
    with pytest.raises(StoreDamaged, match=f"the stored list of {FEED} is damaged"):
        land(store, listed("a", "b", "c"), after(1))
    assert (
        rows(store, "SELECT * FROM entries"),
        rows(store, "SELECT entry_order FROM list_orders"),
    ) == before


def test_a_list_is_verified_after_every_kind_of_landing(store: Store) -> None:
    """Added, removed, moved, updated, rekeyed, empty, with and without places: it reads as written."""
    watch(store)
    loose = Snapshot((entry("a", 1), entry("s"), entry("t")), whole=True, ordered=True)
    updated = Snapshot((entry("b", 1, rating="4"), entry("a2", 2)), whole=True, ordered=True)
    for number, came in enumerate(
        [listed("a", "b"), listed("b", "a", "c"), listed(), loose, listed("b", "a")]
    ):
        land(store, came, after(number))
        assert recall(store, came).snapshot == came
    land(store, updated, after(9), rekeyed={"a2": "a"})
    assert recall(store, updated).snapshot == updated


def test_a_list_from_before_there_was_a_digest_is_taken_as_it_reads(store: Store) -> None:
    """A state that was migrated has none: the next list that lands brings one."""
    watch(store)
    land(store, listed("a"))
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET list_digest = NULL")
    assert recall(store, listed("a")).snapshot == listed("a")
    land(store, listed("a", "b"), after(1))
    assert rows(store, "SELECT length(list_digest) FROM feeds") == [(16,)]


def test_a_poll_that_brings_nothing_new_pays_nothing(store: Store) -> None:
    """An unchanged list is not read, so it is not verified either."""
    watch(store)
    land(store, listed("a"))
    with store.transaction() as conn:
        conn.execute("UPDATE entries SET title = 'tampered'")
    asked: list[str] = []
    store._conn.set_trace_callback(asked.append)
    assert store.record_unchanged([unchanged(take(store, now=after(1)), after(1))]) == ()
    store._conn.set_trace_callback(None)
    assert not [each for each in asked if "entries" in each]


def test_another_address_or_kind_keeps_the_digest(store: Store) -> None:
    """What an index changes of a feed is not its list: it reads as before."""
    watch(store)
    land(store, listed("a"))
    index(store, FoundFeed("queue", Kind.RATINGS, "http://other.example/"), now=after(1))
    assert recall(store, listed("a")).snapshot == listed("a")


@pytest.mark.parametrize(
    "other",
    [
        Entry("l", ONE.title, ONE.link, 1, ONE.facts, ONE.dated_at, ONE.alias),
        Entry("k", "Titel", ONE.link, 1, ONE.facts, ONE.dated_at, ONE.alias),
        Entry("k", ONE.title, None, 1, ONE.facts, ONE.dated_at, ONE.alias),
        Entry("k", ONE.title, ONE.link, 1, {"rating": "3"}, ONE.dated_at, ONE.alias),
        Entry("k", ONE.title, ONE.link, 1, ONE.facts, after(0) + timedelta(microseconds=1), ONE.alias),
        Entry("k", ONE.title, ONE.link, 1, ONE.facts, None, ONE.alias),
        Entry("k", ONE.title, ONE.link, 1, ONE.facts, ONE.dated_at, None),
    ],
    ids=["key", "title", "link", "facts", "instant", "no instant", "alias"],
)
def test_all_that_an_entry_says_is_in_the_digest(other: Entry) -> None:
    """Each part of an entry makes another digest, and so does whether it has a place."""
    assert digest_entries([ONE], []) != digest_entries([other], [])
    assert digest_entries([ONE], []) != digest_entries([], [ONE])


def test_the_digest_is_of_what_is_said_and_stays_the_same_for_ever() -> None:
    """Zone and order of facts are spelling; what a state holds today must hold in every later version."""
    assert ONE.dated_at is not None
    cest = ONE.dated_at.astimezone(timezone(timedelta(hours=2)))
    spelt = Entry("k", ONE.title, ONE.link, 1, dict(reversed(list(ONE.facts.items()))), cest, "a")
    assert digest_entries([ONE], []) == digest_entries([spelt], [])
    assert digest_entries([ONE], []).hex() == "9beca6a78cb3d8daf208191761f4f53b"


@given(placed=ENTRIES, loose=ENTRIES)
def test_the_digest_is_that_of_the_whole_list_as_json(placed: list[Entry], loose: list[Entry]) -> None:
    """However it is put together: what a text holds, a line break or a bracket, is told as a part of it."""
    said = json.dumps([[_say(each) for each in part] for part in (placed, loose)], separators=(",", ":"))
    assert digest_entries(placed, loose) == blake2b(said.encode("ascii"), digest_size=16).digest()
    assert len(tell_entries(placed)) == len(placed)


def _say(entry: Entry) -> list[object]:
    at = entry.dated_at and entry.dated_at.timestamp()
    return [entry.key, entry.title, entry.link, dict(sorted(entry.facts.items())), at, entry.alias]
