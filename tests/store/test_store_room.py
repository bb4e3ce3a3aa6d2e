"""The file gives back the room that was forgotten, bite by bite, and its log does not grow for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from busy import live
from states import PHONE, added, after, entry, land, listed, must_claim, rows, watch

from feedwatch.core.state import Planned, Settled, Settlement
from feedwatch.store import Store, keeping
from feedwatch.store.connection import LOG_LIMIT

DAY = timedelta(days=1)


def fill(store: Store, count: int = 4000) -> None:
    """Remember much that can be forgotten after a day."""
    watch(store)
    land(store, listed("a"), departed=tuple(entry(f"k{number}" * 40) for number in range(count)))


def forget(store: Store) -> None:
    while store.prune(after(2 * 24 * 60), DAY):
        pass


def size(path: Path) -> int:
    return path.stat().st_size


def test_what_is_forgotten_is_given_back_in_bites(path: Path, store: Store) -> None:
    """Each is a short transaction; a spare is kept, for what comes next."""
    fill(store)
    store.tidy_log()
    full = size(path)
    forget(store)
    free = rows(store, "PRAGMA freelist_count")[0][0]
    bites = []
    while bite := store.give_back_room():
        bites.append(bite)
    assert keeping.SPARE - 5 <= free - sum(bites) <= keeping.SPARE, (
        "a page that says where others are goes along"
    )
    assert keeping.BITE <= max(bites) <= keeping.BITE + 5
    store.tidy_log()
    assert size(path) <= full - sum(bites) * 4096
    assert [each for each in store.inspect(after(0)) if each.problem] == []


def test_the_log_is_cut_when_nothing_waits_in_it(path: Path, store: Store) -> None:
    """After it the file is all there is."""
    fill(store)
    log = path.with_name(path.name + "-wal")
    assert size(log) > 0
    store.tidy_log()
    assert size(log) == 0


def test_a_reader_puts_off_the_cutting_and_nobody_waits(path: Path, store: Store) -> None:
    """A long look at the state, or a copy being made, holds up no poll: the next hour cuts the log."""
    fill(store, 10)
    with closing(Store.open_read_only(path)) as looking, looking.reading() as conn:
        conn.execute("SELECT count(*) FROM feeds").fetchone()
        land(store, listed("a", "b"), after(1))
        store.tidy_log()
        assert size(path.with_name(path.name + "-wal")) > 0
    store.tidy_log()
    assert size(path.with_name(path.name + "-wal")) == 0


def test_a_log_that_grew_is_cut_at_the_next_turn(path: Path, store: Store) -> None:
    """One great transaction does not leave a great log for ever, even if nobody tidies."""
    fill(store, 8000)
    log = path.with_name(path.name + "-wal")
    assert size(log) > LOG_LIMIT
    for number in range(3):
        land(store, listed("a", f"b{number}"), after(number))
    assert size(log) <= LOG_LIMIT


# ── states from before ────────────────────────────────────────────────────────────────────────────


def make_older(path: Path) -> None:
    """Make a state as those were made that could give no room back."""
    with closing(Store.open(path)) as store:
        live(store)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def test_an_older_state_is_rebuilt_once_and_loses_nothing(path: Path) -> None:
    """From then on it gives room back; a new one can from the start."""
    make_older(path)
    before = dump(path)
    with closing(Store.open(path)) as store:
        assert store.give_back_room() == 0
        assert store.rebuild_once()
        assert not store.rebuild_once(), "once is enough"
        assert rows(store, "PRAGMA auto_vacuum") == [(2,)]
        assert [each for each in store.inspect(after(5)) if each.problem] == []
    assert dump(path) == before


@pytest.mark.parametrize("why", ["large", "no room", "busy"])
def test_an_older_state_that_cannot_be_rebuilt_now_stays_as_it_is(
    path: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too large, no room for a second one, or somebody else at it: it works as before."""
    make_older(path)
    if why == "large":
        monkeypatch.setattr(keeping, "REBUILT_AT_MOST", 1000)
    elif why == "no room":
        monkeypatch.setattr(keeping.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))  # type: ignore[attr-defined]
    with closing(Store.open(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        if why == "busy":
            other.execute("BEGIN IMMEDIATE")
        assert not store.rebuild_once()
        if why == "busy":
            other.execute("ROLLBACK")
        land(store, listed("a"), after(9))
        assert rows(store, "PRAGMA auto_vacuum") == [(0,)]


# ── a week ────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_week_of_churn_the_file_is_no_larger_than_after_two_days(path: Path, store: Store) -> None:
    """Lists move, messages go out, and a day is kept: what is forgotten makes room for what comes."""
    watch(store)
    store.query("PRAGMA synchronous = OFF")  # the disk of who runs the tests is not what is asked about
    sizes = []
    for hour in range(0, 7 * 24, 2):
        now = after(60 * hour)
        keys = [f"{hour}-{number}-{'x' * 100}" for number in range(25)]
        changes = tuple(added(key) for key in keys)
        owed = tuple(Planned(number, PHONE) for number in range(25))
        land(store, listed(*keys), now, changes=changes, deliveries=owed, departed=tuple(map(entry, keys)))
        store.settle_message(must_claim(store, now), Settlement(Settled.DELIVERED), now)
        if hour % 6 == 4:
            while store.prune(now, DAY):
                pass
            while store.give_back_room():
                pass
            store.tidy_log()
            sizes.append(size(path) + size(path.with_name(path.name + "-wal")))
    assert max(sizes[8:]) <= sizes[7] * 1.2
    assert rows(store, "SELECT count(*) FROM changes")[0][0] <= 25 * 16
    assert [each for each in store.inspect(after(60 * 7 * 24)) if each.problem] == []
