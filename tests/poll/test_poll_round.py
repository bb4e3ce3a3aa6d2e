"""Many polls at once: none waits for another, none falls with another, none crowds a host."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from feedserver import FeedServer, Visit, reply
from watching import EVERYTHING, TARGETS, Watch, watching

from feedwatch.core.model import FeedState, Reason
from feedwatch.core.networks import host_of
from feedwatch.core.state import FailedPoll
from feedwatch.errors import StoreError
from feedwatch.poll import PollOutcome, PollReport, ReadList
from feedwatch.poll import round as round_module
from feedwatch.store import Store

COUNT = 12


def feed_of(title: str) -> bytes:
    item = f"<item><guid>{title}</guid><title>{title}</title></item>"
    return reply(f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>".encode())


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        for number in range(COUNT):
            server.on(f"/{number}", feed_of("One"))
        yield server


@pytest.fixture
def hung(server: FeedServer) -> Iterator[threading.Event]:
    """The first feed's server takes the request and says nothing, until the event."""
    let_go = threading.Event()

    def answer(visit: Visit) -> None:
        visit.wait(let_go)
        visit.send(feed_of("One"))

    server.on("/0", answer)
    yield let_go
    let_go.set()


@pytest.fixture
async def watch(server: FeedServer, tmp_path: Path) -> AsyncIterator[Watch]:
    feeds = "".join(f"      f{number}: {server.url(f'/{number}')}\n" for number in range(COUNT))
    config = f"accounts:\n  news:\n    service: feeds\n    feeds:\n{feeds}targets:\n{TARGETS}{EVERYTHING}"
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        yield watch


class Ear(logging.Handler):
    """Hears a line of the log that begins with a word."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.heard = asyncio.Event()
        self._word = word

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(self._word):
            self.heard.set()


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Hears when first lists are announced."""
    logger, ear = logging.getLogger("feedwatch.poll"), Ear("watching ")
    level = logger.level
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    yield ear
    logger.removeHandler(ear)
    logger.setLevel(level)


async def start_round(watch: Watch, until: int) -> asyncio.Task[list[PollReport]]:
    """Start a round over all feeds, and wait until so many polls have been reported."""
    reported = asyncio.Semaphore(0)
    tasks = await watch.take()
    round_ = asyncio.ensure_future(watch.assembly.poller.run_round(tasks, lambda _: reported.release()))
    for _ in range(until):
        await asyncio.wait_for(reported.acquire(), 20)
    return round_


async def test_results_land_while_one_feed_hangs(hung: threading.Event, watch: Watch) -> None:
    """Eleven lists are recorded and reported while the twelfth keeps its server's silence."""
    round_ = await start_round(watch, COUNT - 1)
    states = {status.feed: status.state for status in await watch.statuses()}
    assert states.pop("news/f0") is FeedState.NEW
    assert set(states.values()) == {FeedState.OK}
    hung.set()
    assert len(await round_) == COUNT
    assert await watch.notices() == ["watching"]


async def test_notice_of_first_lists_does_not_wait_for_ever(
    hung: threading.Event, watch: Watch, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while it speaks of those that are known; one that comes later gets its own."""
    monkeypatch.setattr(round_module, "BASELINE_PATIENCE", timedelta(milliseconds=100))
    round_ = await start_round(watch, COUNT - 1)
    await asyncio.wait_for(ear.heard.wait(), 20)
    assert not round_.done()
    hung.set()
    await round_
    lines = [str(row["feeds"]) for row in await watch.query("SELECT feeds FROM notices ORDER BY id")]
    assert ["f0" in line for line in lines] == [False, True]


async def test_silence_is_settled_once_somebody_answers(
    hung: threading.Event, server: FeedServer, watch: Watch
) -> None:
    """A refused connection is recorded as soon as another host has answered, not at the round's end."""
    await watch.assembly.store.run(_readdress, "f1", "http://127.0.0.1:1/x")
    round_ = await start_round(watch, COUNT - 1)
    assert (await watch.status("news/f1")).reason is Reason.CONNECT
    assert not round_.done()
    hung.set()
    await round_


def _readdress(store: Store, name: str, address: str) -> None:
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET address = ? WHERE name = ?", (address, name))


async def test_round_that_is_cancelled_leaves_nothing_half_done(hung: threading.Event, watch: Watch) -> None:
    """Stopping in the middle loses the polls under way, and nothing of those that have landed."""
    round_ = await start_round(watch, COUNT - 1)
    round_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await round_
    assert (await watch.status("news/f0")).state is FeedState.NEW
    hung.set()
    assert (await watch.poll("news/f0"))["news/f0"].outcome is PollOutcome.BASELINE
    assert await watch.notices() == ["watching"]


async def test_host_is_asked_by_so_many_at_once(server: FeedServer, watch: Watch) -> None:
    """However many feeds a host has, no more polls than configured ask it at one time."""
    lock, inside, most = threading.Lock(), 0, 0
    full = threading.Event()

    def answer(visit: Visit) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 3:
                full.set()
        full.wait(5)
        with lock:
            inside -= 1
        visit.send(feed_of("One"))

    for number in range(COUNT):
        server.on(f"/{number}", answer)
    watch.assembly.places.limit(32, 3)
    reports = await watch.poll()
    assert most == 3
    assert {report.outcome for report in reports.values()} == {PollOutcome.BASELINE}


async def test_host_that_asks_for_rest_is_asked_no_more(server: FeedServer, watch: Watch) -> None:
    """Of twelve polls of one host with four places, the eight that were not on their way stay home."""
    for number in range(COUNT):
        server.on(f"/{number}", reply(b"", 429, Retry_After="60"))
    reports = await watch.poll()
    outcomes = [report.outcome for report in reports.values()]
    assert outcomes.count(PollOutcome.RESTING) >= COUNT - 4
    assert len(server.requests) <= 4
    failing = [status for status in await watch.statuses() if status.failures]
    assert len(failing) == len(server.requests)


async def test_unforeseen_error_stays_with_its_feed(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours in one poll is that feed's failure, and nobody else's."""
    write_list = watch.assembly.writer.write_list

    async def fail_for_one(task: object, read: ReadList) -> object:
        if getattr(task, "name", "") == "f3":
            raise ZeroDivisionError
        return await write_list(task, read)  # type: ignore[arg-type]  # the task it was given

    monkeypatch.setattr(watch.assembly.writer, "write_list", fail_for_one)
    reports = await watch.poll()
    assert reports.pop("news/f3").reason is Reason.INTERNAL
    assert {report.outcome for report in reports.values()} == {PollOutcome.BASELINE}


async def test_state_that_fails_ends_the_round_but_no_other_poll(
    server: FeedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a failure cannot even be written, the others land, and then the round says so."""
    server.on("/3", reply(b"", 500))
    write_failures = watch.assembly.writer.write_failures

    async def refuse(polls: list[FailedPoll]) -> None:
        if polls:
            raise StoreError("the disk is full")
        await write_failures(polls)

    monkeypatch.setattr(watch.assembly.writer, "write_failures", refuse)
    with pytest.raises(StoreError, match="the disk is full"):
        await watch.poll()
    states = [status.state for status in await watch.statuses()]
    assert (states.count(FeedState.OK), states.count(FeedState.NEW)) == (COUNT - 1, 1)
    assert await watch.notices() == ["watching"]


async def test_round_without_feeds_is_nothing(watch: Watch) -> None:
    """Nothing due is no error and no notice."""
    assert await watch.assembly.poller.run_round(()) == []
    assert await watch.notices() == []


async def test_state_that_cannot_be_written_blames_no_feed_and_asks_nobody_at_once(
    server: FeedServer, watch: Watch
) -> None:
    """A lock or a full disk is on this side: the feed is asked again in a while, and has not failed."""
    await watch.poll("news/f1")
    server.on("/1", feed_of("Two"))
    watch.moment.pass_by(hours=1)

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, "record_polls", refuse)
        with pytest.raises(StoreError, match="the disk is full"):
            await watch.poll("news/f1")
    status = await watch.status("news/f1")
    assert (status.state, status.failures) == (FeedState.OK, 0)
    assert status.next_poll_at is not None
    assert timedelta(minutes=1) <= status.next_poll_at - watch.moment.at < timedelta(minutes=3)
    assert (await watch.poll("news/f1"))["news/f1"].changes == 1


async def test_rest_that_was_just_asked_for_outlives_what_the_state_says(
    server: FeedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that begins before it is written down does not forget it."""
    server.on("/0", reply(b"", 429, Retry_After="60"))
    asking = asyncio.Event()
    write = asyncio.Event()
    run = watch.assembly.store.run

    async def run_late(work: object, *arguments: object, **options: object) -> object:
        if work is Store.rest_host:
            asking.set()
            await write.wait()
        return await run(work, *arguments, **options)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(watch.assembly.store, "run", run_late)
    polling = asyncio.create_task(watch.poll("news/f0"))
    await asyncio.wait_for(asking.wait(), 10)
    reports = await watch.poll("news/f1")
    write.set()
    await polling
    assert reports["news/f1"].outcome is PollOutcome.RESTING
    assert len(server.requests) == 1


async def test_list_that_lands_after_a_reload_is_told_by_its_routes(server: FeedServer, watch: Watch) -> None:
    """It had been read before: whom the new configuration does not know is owed nothing."""
    await watch.poll("news/f0")
    server.on("/0", feed_of("Two"))
    known = watch.assembly.writer.routes
    (task,) = await watch.take("news/f0")
    reading = await watch.assembly.reader.read_list(task)
    assert isinstance(reading, ReadList)
    landing = asyncio.create_task(watch.assembly.writer.write_list(task, reading))
    await asyncio.sleep(0)  # it waits for others to land with it
    others = tuple(replace(each, feeds=frozenset({"another"})) for each in known.applying)
    watch.assembly.writer.routes = replace(known, routes=others)
    decision = await landing
    assert decision is not None
    assert len(decision.changes) == 1
    assert decision.deliveries == ()


async def test_host_that_somebody_else_is_told_to_leave_alone_rests_at_once(
    server: FeedServer, watch: Watch
) -> None:
    """An index meets the limit while a round is under way: what is still to be asked stays home."""
    watch.assembly.places.limit(32, 1)
    host = host_of(server.url("/"))

    async def rest() -> None:
        until_at = watch.moment.at + timedelta(hours=1)
        await watch.assembly.store.run(Store.rest_host, host, until_at, Reason.RATE_LIMITED)

    loop = asyncio.get_running_loop()

    def answer(visit: Visit) -> None:
        asyncio.run_coroutine_threadsafe(rest(), loop).result(10)
        visit.send(feed_of("One"))

    for number in range(COUNT):
        server.on(f"/{number}", answer)
    reports = await watch.poll()
    assert [report.outcome for report in reports.values()].count(PollOutcome.RESTING) == COUNT - 1
    assert len(server.requests) == 1
