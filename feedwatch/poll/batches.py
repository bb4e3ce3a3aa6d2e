"""Writes that wait a moment for each other: one transaction, and one fsync, for what comes together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batches(Generic[T, R]):
    """Gathers items for `wait`, or until they weigh `most`, and writes them together. Of one event loop.

    `write` is given the items in the order in which they came, and gives what became of each. What it raises,
    each that waits is told.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        wait: timedelta,
        most: int,
        weigh: Callable[[T], int] = lambda _: 1,
    ) -> None:
        self._write = write
        self._wait = wait.total_seconds()
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._gathered: list[tuple[T, asyncio.Future[R]]] = []
        self._due: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Task[None]] = set()

    def add(self, item: T) -> asyncio.Future[R]:
        """Have an item written with others; to be awaited for what became of it.

        Who is cancelled meanwhile does not wait any more; the item is written all the same.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[R] = loop.create_future()
        self._gathered.append((item, written))
        self._weight += self._weigh(item)
        if self._weight >= self._most:
            self._start()
        elif self._due is None:
            self._due = loop.call_later(self._wait, self._start)
        return written

    async def flush(self) -> None:
        """Write at once what has been gathered, and wait until all is written."""
        if self._gathered:
            self._start()
        if self._writes:
            await asyncio.wait(self._writes)

    def _start(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        batch, self._gathered, self._weight = self._gathered, [], 0
        task = asyncio.ensure_future(self._write_batch(batch))
        self._writes.add(task)  # the loop itself holds it weakly only
        task.add_done_callback(self._writes.discard)

    async def _write_batch(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 — each that waits must hear of it
            for _, written in batch:
                if not written.done():
                    written.set_exception(error)
            return
        for (_, written), result in zip(batch, results, strict=True):
            if not written.done():
                written.set_result(result)
