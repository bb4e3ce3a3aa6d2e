"""What waits to be written waits in bounds: however fast servers answer, a slow disk fills no memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from feedserver import FeedServer, reply
from watching import EVERYTHING, TARGETS, Watch, watching

from feedwatch.core.state import PollTask, UnchangedPoll
from feedwatch.poll import PollOutcome, ReadList
from feedwatch.poll.reading import Reading, SameList
from feedwatch.store import ReadPoll, Store

COUNT = 33
MANY_TURNS = 1000
"""Of the loop: in far fewer all polls of a round get as far as they can."""


def feed_of(entries: int) -> bytes:
    items = "".join(f"<item><guid>g{number}</guid><title>T</title></item>" for number in range(entries))
    return reply(f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode())


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        for number in range(COUNT):
            server.on(f"/{number}", feed_of(1))
        yield server


@pytest.fixture
async def watch(server: FeedServer, tmp_path: Path) -> AsyncIterator[Watch]:
    feeds = "".join(f"      f{number}: {server.url(f'/{number}')}\n" for number in range(COUNT))
    config = f"accounts:\n  news:\n    service: feeds\n    feeds:\n{feeds}targets:\n{TARGETS}{EVERYTHING}"
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        yield watch


async def test_no_more_304s_come_than_may_wait_for_a_slow_disk(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing new waits to be written in bounds; who finds no room there keeps its place, so nobody asks."""
    await watch.poll()
    tasks = await watch.take()
    same = await watch.assembly.reader.read_list(tasks[0])
    assert isinstance(same, SameList)
    asked: list[str] = []
    begun, written = asyncio.Event(), threading.Event()
    record = Store.record_unchanged

    async def find_same(task: PollTask) -> Reading:
        asked.append(task.feed)
        begun.set()
        return same

    def write_slowly(store: Store, polls: Sequence[UnchangedPoll]) -> object:
        written.wait()
        return record(store, polls)

    monkeypatch.setattr(watch.assembly.reader, "read_list", find_same)
    monkeypatch.setattr(Store, "record_unchanged", write_slowly)
    watch.assembly.places.limit(3, 3)
    watch.assembly.writer.room = asyncio.Semaphore(2)
    round_ = asyncio.ensure_future(watch.assembly.poller.run_round(tasks))
    try:
        await asyncio.wait_for(begun.wait(), 20)
        for _ in range(MANY_TURNS):
            await asyncio.sleep(0)
        assert len(asked) == 2 + 3, "two wait to be written, and three for room there"
    finally:
        written.set()
    assert {report.outcome for report in await round_} == {PollOutcome.UNCHANGED}
    assert len(asked) == COUNT


@pytest.mark.parametrize(
    ("entries", "together"), [(25, [32, 1]), (500, [4] * 8 + [1])], ids=["usual", "long"]
)
async def test_long_lists_are_written_with_fewer_others(
    server: FeedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch, entries: int, together: list[int]
) -> None:
    """Of usual lists 32 land in one transaction, of long ones a few: all of them wait in memory for it."""
    for number in range(COUNT):
        server.on(f"/{number}", feed_of(entries))
    writes: list[int] = []
    record = Store.record_polls

    def count(store: Store, polls: Sequence[ReadPoll]) -> object:
        writes.append(len(polls))
        return record(store, polls)

    monkeypatch.setattr(Store, "record_polls", count)
    tasks = await watch.take()
    lists = await asyncio.gather(*map(watch.assembly.reader.read_list, tasks))
    writer = watch.assembly.writer
    landed = await asyncio.gather(
        *(
            writer.write_list(task, read)
            for task, read in zip(tasks, lists, strict=True)
            if isinstance(read, ReadList)
        )
    )
    assert (len(landed), None in landed) == (COUNT, False)
    assert writes == together
