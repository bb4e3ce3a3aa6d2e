"""Deadlines kept by one timer: they end what `asyncio.timeout` would end, and at the same instant."""

from __future__ import annotations

import asyncio
import gc
import selectors
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.fetch.deadlines import Deadlines

Within = Callable[[float], AbstractAsyncContextManager[Any]]
Seen = list[tuple[int, str, float]]

BESIDE = 0.25
"""Nothing ends in the very instant of a deadline: which of two comes first then is nobody's promise."""


class _Skipping(selectors.DefaultSelector):
    """Waits for nothing: time itself goes on by as much."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self.now += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose hours take no time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def run(main: Coroutine[Any, Any, Seen]) -> Seen:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


@dataclass(frozen=True)
class Job:
    """What begins after a while, takes so long twice, each within a limit, and may be cancelled meanwhile.

    `deaf` goes on after it was told to end.
    """

    begins: int
    takes: int
    limits: tuple[int, int]
    cancelled: int | None
    deaf: bool


jobs = st.builds(
    Job,
    begins=st.integers(0, 5),
    takes=st.integers(0, 9),
    limits=st.tuples(st.integers(-1, 9), st.integers(-1, 9)),
    cancelled=st.none() | st.integers(0, 20),
    deaf=st.booleans(),
)


async def do(number: int, job: Job, within: Within, seen: Seen) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(job.begins)
    for limit in job.limits:
        try:
            async with within(limit):
                try:
                    await asyncio.sleep(job.takes + BESIDE)
                except asyncio.CancelledError:
                    seen.append((number, "told to end", round(loop.time(), 6)))
                    if not job.deaf:
                        raise
                    await asyncio.sleep(job.takes + BESIDE)
        except TimeoutError:
            seen.append((number, "not in time", round(loop.time(), 6)))
        else:
            seen.append((number, "done", round(loop.time(), 6)))


async def do_all(jobs: list[Job], within: Within) -> Seen:
    seen: Seen = []
    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(do(number, job, within, seen)) for number, job in enumerate(jobs)]
    for task, job in zip(tasks, jobs, strict=True):
        if job.cancelled is not None:
            loop.call_at(job.cancelled + BESIDE / 2, task.cancel)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    for number, (task, end) in enumerate(zip(tasks, ends, strict=True)):
        seen.append((number, type(end).__name__, float(task.cancelling())))
    return sorted(seen, key=lambda each: each[0])


async def do_with_timers(jobs: list[Job]) -> Seen:
    return await do_all(jobs, asyncio.timeout)


async def do_with_deadlines(jobs: list[Job]) -> Seen:
    deadlines = Deadlines()

    @asynccontextmanager
    async def within(seconds: float) -> AsyncIterator[None]:
        with deadlines.within(seconds):
            yield

    return await do_all(jobs, within)


@given(st.lists(jobs, max_size=6))
def test_what_is_not_done_in_time_ends_as_with_a_timer_of_its_own(jobs: list[Job]) -> None:
    """Whoever begins, ends, is cancelled or goes on: each sees what `asyncio.timeout` would show it."""
    assert run(do_with_deadlines(jobs)) == run(do_with_timers(jobs))


def test_a_deadline_holds_though_a_later_one_was_there_before() -> None:
    """The timer goes off for what is due first, and of two at one instant for the one that began first."""

    async def main() -> Seen:
        deadlines, seen = Deadlines(), []
        clock = asyncio.get_running_loop().time

        async def wait(number: int, seconds: float) -> None:
            with pytest.raises(TimeoutError), deadlines.within(seconds):
                await asyncio.Event().wait()
            seen.append((number, "not in time", clock()))

        await asyncio.gather(wait(0, 30), wait(1, 2), wait(2, 7), wait(3, 2))
        return seen

    assert [(number, at) for number, _, at in run(main())] == [(1, 2), (3, 2), (2, 7), (0, 30)]


def test_nothing_of_what_has_ended_is_kept() -> None:
    """A timer that is still to go off holds no task that has ended, nor what that held."""

    class Held:
        pass

    async def main() -> Seen:
        deadlines = Deadlines()

        async def wait(_held: Held) -> None:
            with deadlines.within(30):
                await asyncio.Event().wait()

        held = Held()
        gone = weakref.ref(held)
        task = asyncio.create_task(wait(held))
        del held
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        del task
        await asyncio.sleep(0)
        gc.collect()
        assert gone() is None
        return []

    assert run(main()) == []
