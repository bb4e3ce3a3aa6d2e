"""Forgetting: what is older than wanted goes, a batch at a time; what is still owed never does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from states import (
    FEED,
    MAIL,
    PHONE,
    START,
    after,
    entry,
    land,
    listed,
    must_claim,
    owe,
    recall,
    rows,
    tell,
    watch,
)

from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.core.state import Settled, Settlement
from feedwatch.store import Store, keeping

KEEP = timedelta(days=90)
LATER = START + KEEP + timedelta(minutes=60)
"""Keeping ninety days, an hour after the start is the oldest that is kept."""
DELIVERED = Settlement(Settled.DELIVERED)


def forget(store: Store, keep: timedelta = KEEP) -> int:
    """Prune to the end; returns how many rows went."""
    total = 0
    while forgotten := store.prune(LATER, keep):
        total += forgotten
    return total


def count(store: Store) -> dict[str, int]:
    """How many rows there are of each."""
    tables = ("changes", "notices", "deliveries", "messages", "departed", "hosts")
    return {name: rows(store, f"SELECT count(*) FROM {name}")[0][0] for name in tables}


def test_what_is_old_and_done_is_forgotten(store: Store) -> None:
    """Changes, notices, their deliveries and messages, what windows showed, hosts that rested."""
    watch(store)
    owe(store, "a", to=(PHONE, MAIL))
    tell(store, Notice(NoticeKind.TEST, START), PHONE)
    store.settle_message(must_claim(store), DELIVERED, after(1))
    store.settle_message(must_claim(store, address=MAIL), Settlement(Settled.DEAD), after(1))
    land(store, listed("a"), departed=(entry("z"),))
    store.rest_host("a.example", after(1), Reason.RATE_LIMITED)
    assert min(count(store).values()) > 0
    assert forget(store) == 10
    assert set(count(store).values()) == {0}
    assert [each.entry.key for each in store.list_entries(FEED) or ()] == ["a"], "a list is no history"


def test_what_is_not_old_enough_is_kept(store: Store) -> None:
    """To the instant: what is exactly as old as wanted stays."""
    watch(store)
    owe(store, "old", at=after(59))
    owe(store, "young", at=after(60))
    store.settle_message(must_claim(store, after(60)), DELIVERED, after(60))
    land(store, listed(), after(59), departed=(entry("left long ago"),))
    land(store, listed(), after(60), departed=(entry("left"),))
    forget(store)
    assert [change.key for change in store.list_changes()] == ["old", "young"]
    assert recall(store, listed("left", "left long ago")).seen == {"left", "alias left"}
    assert forget(store, KEEP - timedelta(microseconds=1)) == 7
    assert store.list_changes() == ()


@pytest.mark.parametrize("bound", [False, True], ids=["pending", "bound"])
def test_what_is_still_owed_is_never_forgotten(store: Store, *, bound: bool) -> None:
    """However old a change or a notice is, it stays until every address has it or is given up."""
    watch(store)
    owe(store, "a", to=(PHONE, MAIL))
    tell(store, Notice(NoticeKind.TEST, START), PHONE, MAIL)
    store.settle_message(must_claim(store, address=MAIL), DELIVERED, after(1))
    if bound:
        again = Settlement(Settled.AGAIN, after(5), Reason.UNREACHABLE)
        store.settle_message(must_claim(store), again, after(1))
    assert forget(store) == 4, "two deliveries to the other address, their message, and when that was"
    kept = must_claim(store, LATER)
    assert (kept.body, kept.deliveries) == ("a test", 2)
    store.settle_message(kept, DELIVERED, after(2))
    assert forget(store) == 6
    assert set(count(store).values()) == {0}


def test_forgetting_goes_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one short transaction: no poll waits long for it."""
    monkeypatch.setattr(keeping, "BATCH", 10)
    watch(store)
    land(store, listed(), departed=tuple(entry(f"k{number}") for number in range(25)))
    assert [store.prune(LATER, KEEP) for _ in range(4)] == [10, 10, 5, 0]


def test_what_has_been_shown_is_news_again_once_it_is_forgotten(store: Store) -> None:
    """A window remembers for as long as is configured, from the day an entry left it."""
    watch(store)
    land(store, listed("a", whole=False))
    land(store, listed("b", whole=False), after(30), departed=(entry("a"),))
    assert recall(store, listed("a")).seen
    forget(store, KEEP + timedelta(minutes=30))
    assert recall(store, listed("a")).seen, "it was last shown after the oldest that is kept"
    forget(store)
    assert recall(store, listed("a")).seen == frozenset()


def test_ids_are_never_given_out_again(store: Store) -> None:
    """A change's or message's id means one thing for ever, though the newest was forgotten."""
    watch(store)
    owe(store, "a")
    store.settle_message(must_claim(store), DELIVERED, after(1))
    (change,), (message,) = store.list_changes(), store.list_messages()
    forget(store)
    owe(store, "b", at=LATER)
    assert store.list_changes()[0].id > change.id
    assert must_claim(store, LATER).id > (message.id or 0)
