"""The store's own thread: whole calls in order, never half of one, and an end that waits for all."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from states import START

from feedwatch.core.model import Reason
from feedwatch.errors import StoreDamaged, StoreLocked, StoreMissing
from feedwatch.store import Store, connection
from feedwatch.store.thread import StoreThread


@pytest.fixture
def thread(path: Path) -> StoreThread:
    """A thread for the state of this test, not started yet."""
    return StoreThread(lambda: Store.open(path))


async def test_every_call_runs_on_the_one_thread_the_store_was_opened_on(path: Path) -> None:
    """A connection belongs to its thread, and the loop's thread never touches it."""
    threads: list[int] = []

    def open_store() -> Store:
        threads.append(threading.get_ident())
        return Store.open(path)

    thread = StoreThread(open_store)
    await thread.start()
    calls = (thread.run(lambda _: threads.append(threading.get_ident())) for _ in range(20))
    await asyncio.gather(*calls)
    thread.close()
    assert len(threads) == 21
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_calls_are_made_in_the_order_they_were_asked_for(thread: StoreThread) -> None:
    """One after the other, however many wait."""
    await thread.start()
    order: list[int] = []

    def note(_: Store, number: int) -> None:
        order.append(number)

    await asyncio.gather(*(thread.run(note, number) for number in range(50)))
    thread.close()
    assert order == list(range(50))


async def test_arguments_go_in_and_answers_and_errors_come_out(thread: StoreThread) -> None:
    """A call is as good as one made directly."""
    await thread.start()
    await thread.run(Store.sync_accounts, {"jane": "x"}, START)
    assert await thread.run(Store.due_accounts, START) == ("jane",)
    assert await thread.run(Store.list_changes, feed="jane/queue") == ()
    with pytest.raises(ValueError, match="without a time zone"):
        await thread.run(Store.due_accounts, START.replace(tzinfo=None))
    thread.close()


async def test_the_loop_goes_on_while_a_call_takes_its_time(thread: StoreThread) -> None:
    """A slow disk or a foreign lock stalls the store, and nothing else."""
    await thread.start()
    gate = threading.Event()
    call = asyncio.ensure_future(thread.run(lambda _: gate.wait(30)))
    await asyncio.sleep(0)
    assert not call.done()
    gate.set()
    assert await call
    thread.close()


async def test_a_call_that_has_begun_is_finished_though_nobody_waits_any_more(thread: StoreThread) -> None:
    """Cancelling who waits undoes nothing and cuts nothing short."""
    await thread.start()
    begun, gate = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def write(store: Store) -> None:
        loop.call_soon_threadsafe(begun.set)
        gate.wait(30)
        store.rest_host("a.example", START, Reason.RATE_LIMITED)

    call = asyncio.ensure_future(thread.run(write))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    gate.set()
    found = await thread.run(lambda store: len(store.query("SELECT * FROM hosts")))
    thread.close()
    assert found == 1


async def test_closing_waits_for_what_was_asked_for(thread: StoreThread) -> None:
    """All calls that were made before the end are made to their end, then the file is closed."""
    await thread.start()
    done: list[int] = []
    gate = threading.Event()

    def work(_: Store, number: int) -> None:
        gate.wait(30)
        done.append(number)

    calls = [asyncio.ensure_future(thread.run(work, number)) for number in range(5)]
    await asyncio.sleep(0)
    threading.Timer(0.02, gate.set).start()
    thread.close()
    assert done == list(range(5))
    await asyncio.gather(*calls)
    thread.close()
    with pytest.raises(RuntimeError, match="started before it is asked"):
        await thread.run(Store.list_feeds)


async def test_a_store_that_cannot_be_opened_says_so_at_the_start(path: Path) -> None:
    """The error is the store's own, and closing afterwards does no harm."""
    thread = StoreThread(lambda: Store.open_existing(path))
    with pytest.raises(StoreMissing):
        await thread.start()
    with pytest.raises(RuntimeError, match="started before it is asked"):
        await thread.run(Store.list_feeds)
    thread.close()


async def test_closing_does_not_wait_out_a_foreign_lock(path: Path) -> None:
    """A call that waits for another writer gives up once the end is near: a stop must be over in seconds."""
    thread = StoreThread(lambda: Store.open(path))
    await thread.start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(thread.run(Store.rest_host, "a.example", START, Reason.RATE_LIMITED))
        await asyncio.sleep(0)
        began_at = time.monotonic()
        thread.hurry(0.1)
        later = asyncio.ensure_future(thread.run(Store.rest_host, "b.example", START, Reason.RATE_LIMITED))
        await asyncio.sleep(0)
        await asyncio.to_thread(thread.close)
        took = time.monotonic() - began_at
        for call in (waiting, later):
            with pytest.raises(StoreLocked):
                await call
    assert took < connection.BUSY_TIMEOUT / 3, "each of the two waits once, and not to the end"


async def test_who_waits_for_another_writer_gets_through_once_that_ends(path: Path) -> None:
    """Longer than SQLite waits in one go: patience is ours."""
    thread = StoreThread(lambda: Store.open(path))
    await thread.start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(thread.run(Store.rest_host, "a.example", START, Reason.RATE_LIMITED))
        await asyncio.wait([waiting], timeout=connection.BUSY_SLICE * 1.5)
        assert not waiting.done()
        other.execute("ROLLBACK")
        await waiting
    thread.close()


async def test_damage_that_a_call_meets_is_told_whatever_the_caller_makes_of_it(thread: StoreThread) -> None:
    """Who owns the thread hears of it; other errors are the caller's alone."""
    told: list[StoreDamaged] = []
    thread.on_damage = told.append
    await thread.start()

    def fail(_: Store, error: Exception) -> None:
        raise error

    damage = StoreDamaged("the state is damaged")
    for error in (StoreLocked("busy"), damage, ValueError("a mistake")):
        with pytest.raises(type(error)):
            await thread.run(fail, error)
    thread.close()
    assert told == [damage]
