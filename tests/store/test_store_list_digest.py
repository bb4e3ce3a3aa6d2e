"""A list that does not read as it was written never becomes changes: it is damage, and names its feed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from states import FEED, after, entry, index, land, listed, recall, rows, take, unchanged, watch

from feedwatch.core.model import FoundFeed, Kind, Snapshot
from feedwatch.errors import StoreDamaged
from feedwatch.store import Store
from feedwatch.store.digest import Columns, digest_list, tell_row

TEXTS = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"])).filter("None".__ne__)
ROWS = st.tuples(TEXTS, TEXTS, st.none() | TEXTS, TEXTS, st.none() | TEXTS, st.none() | TEXTS)
LISTS = st.tuples(
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), st.lists(ROWS, max_size=3)
)
ORDER = '[["k"],[]]'
ROW: Columns = ("k", "Title", "http://a.example/", '{"rating":"3"}', "2026-01-01T00:00:00.000000Z", "a")
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


@pytest.mark.parametrize("column", range(6), ids=["key", "title", "link", "facts", "instant", "alias"])
def test_all_that_a_row_says_is_in_the_digest(column: int) -> None:
    """Each column makes another digest, whether it says something else or nothing."""
    other, nothing = ((*ROW[:column], said, *ROW[column + 1 :]) for said in ("x", None))
    told = [tell_row(cast("Columns", row)) for row in (ROW, other, nothing)]
    assert len({digest_list(ORDER, [each]) for each in told}) == 3


def test_the_digest_stays_the_same_for_ever() -> None:
    """What a state holds today must hold in every later version."""
    assert digest_list(ORDER, [tell_row(ROW)]).hex() == "1998181e5bc60e57e72abb70b060ccea"


@given(lists=st.tuples(LISTS, LISTS))
def test_two_lists_have_two_digests(
    lists: tuple[tuple[str, list[Columns]], tuple[str, list[Columns]]],
) -> None:
    """Order, rows and columns are kept apart, whatever a text holds that a text may hold."""
    one, other = (digest_list(order, map(tell_row, told)) for order, told in lists)
    assert (one == other) == (lists[0] == lists[1])


@given(rows_=st.lists(ROWS))
def test_a_row_tells_the_same_read_as_written(rows_: list[Columns]) -> None:
    """As it comes from SQLite, so it went in: what was written reads as such."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t (n INTEGER, a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT) STRICT")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", list(enumerate_rows(rows_)))
        read = db.execute("SELECT a, b, c, d, e, f FROM t ORDER BY n").fetchall()
    assert [tell_row(row) for row in read] == [tell_row(row) for row in rows_]


def enumerate_rows(told: list[Columns]) -> Iterator[tuple[object, ...]]:
    """Rows with their number in front."""
    return ((number, *row) for number, row in enumerate(told))
