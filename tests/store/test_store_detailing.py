"""Which titles want details: looked for only where somebody can be asked."""

from __future__ import annotations

from datetime import timedelta

from states import START, after, owe, watch

from feedwatch.store import Askable, Store


def test_nobody_to_ask_costs_no_query(store: Store) -> None:
    """A state may owe a great deal: none of it is looked through where no account has a source."""
    watch(store)
    owe(store, "a", "b")
    asked: list[str] = []
    store._conn.set_trace_callback(asked.append)
    found = store.titles_wanting_details(Askable(), soon=after(9), since=START - timedelta(days=1), limit=100)
    store._conn.set_trace_callback(None)
    assert (found, asked) == ((), [])
