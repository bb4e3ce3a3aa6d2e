"""The daemon's own bookkeeping: who runs, what is said of failures, and what a stop waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any, cast

import pytest
from apscheduler.schedulers import base as scheduling
from apscheduler.triggers import interval as intervals

from feedwatch import daemon as daemon_module
from feedwatch.assembly import Assembly
from feedwatch.config import Config
from feedwatch.core.state import PollTask
from feedwatch.daemon import Daemon
from feedwatch.errors import StoreDamaged, StoreError, StoreLocked
from feedwatch.poll import PollOutcome, PollReport


@dataclass(frozen=True, slots=True)
class Task:
    """As much of a poll as the daemon looks at."""

    feed_id: int
    feed: str


@dataclass
class Parts:
    """An assembly by hand: its polls, sends and reloads do what a test says."""

    due: list[tuple[Task, ...]] = field(default_factory=list)
    excluded: list[set[int]] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    run_round: Callable[[Collection[Task], Callable[[PollReport], None]], Awaitable[None]] | None = None
    applied: list[object] = field(default_factory=list)
    released: int = 0
    told: int = 0
    fails: StoreError | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    store: Any = field(default_factory=SimpleNamespace)

    @property
    def poller(self) -> Any:
        """It runs its own rounds."""
        return self

    async def take_due(self, *, exclude: Collection[int], limit: int) -> tuple[Task, ...]:
        """Give what is due."""
        self.excluded.append(set(exclude))
        self.limits.append(limit)
        self.asked.set()
        if self.fails is not None:
            raise self.fails
        return self.due.pop(0) if self.due else ()

    async def due_accounts(self) -> tuple[str, ...]:
        """No index is to be read."""
        return ()

    async def prune(self) -> None:
        """There is nothing to forget."""

    async def due_addresses(self) -> tuple[str, ...]:
        """Nothing is to be sent by itself."""
        return ()

    def apply(self, config: object) -> None:
        """Take note of a configuration."""
        self.applied.append(config)

    async def tell_store(self) -> None:
        """The state follows, unless it cannot be written."""
        if self.fails is not None:
            raise self.fails
        self.told += 1

    async def count_feeds(self) -> int:
        """There are none."""
        return 0

    def hurry(self, seconds: float) -> None:
        """There is nothing to wait for."""

    async def release_claims(self) -> None:
        """Count."""
        self.released += 1


def _make_daemon(parts: Parts, load: Callable[[], object] = object) -> Daemon:
    return Daemon(cast("Assembly", parts), cast("Callable[[], Config]", load))


async def _let_run(daemon: Daemon) -> None:
    while daemon._tasks:
        await asyncio.wait(list(daemon._tasks.values()))


async def test_work_that_fails_again_and_again_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A line when it begins to fail, none while it goes on, and one when it works again."""
    caplog.set_level(logging.INFO, "feedwatch.daemon")
    daemon = _make_daemon(Parts())
    fails = [True, True, True, False, False]

    async def work() -> None:
        if fails.pop(0):
            raise StoreLocked("the state is busy")

    while fails:
        daemon._start("poll", work)
        await _let_run(daemon)
    assert [record.getMessage() for record in caplog.records] == [
        "poll failed: the state is busy",
        "poll works again",
    ]


async def test_a_failure_nobody_foresaw_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And another one after it, too: only the same again is left out."""
    daemon = _make_daemon(Parts())

    async def work(text: str) -> None:
        raise RuntimeError(text)

    for text in ("one", "one", "two"):
        daemon._start("deliver", lambda text=text: work(text))  # type: ignore[misc]
        await _let_run(daemon)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["one", "two"]


async def test_work_of_one_name_never_runs_beside_itself() -> None:
    """What is asked for while it runs is left out; what is asked for right after it is not."""
    daemon = _make_daemon(Parts())
    runs: list[int] = []
    go_on = asyncio.Event()

    async def work() -> None:
        runs.append(len(runs))
        await go_on.wait()

    daemon._start("poll", work)
    daemon._start("poll", work)
    await asyncio.sleep(0)
    assert runs == [0]
    go_on.set()
    await _let_run(daemon)
    daemon._start("poll", work)
    await _let_run(daemon)
    assert runs == [0, 1]


async def test_a_feed_that_is_done_may_be_taken_again_while_its_round_goes_on() -> None:
    """One feed of a round hangs: only that one stays excluded, and the end of the round frees it."""
    hang = asyncio.Event()

    async def run_round(tasks: Collection[Task], tell: Callable[[PollReport], None]) -> None:
        for task in tasks:
            if task.feed == "jane/slow":
                await hang.wait()
            tell(PollReport(task.feed, PollOutcome.UNCHANGED))

    parts = Parts(due=[(Task(1, "jane/quick"), Task(2, "jane/slow"))], run_round=run_round)
    daemon = _make_daemon(parts)
    await daemon._poll()
    await asyncio.sleep(0)
    await daemon._poll()
    assert parts.excluded == [set(), {2}]
    hang.set()
    await _let_run(daemon)
    await daemon._poll()
    assert parts.excluded[-1] == set()


async def test_no_more_polls_are_taken_than_may_be_in_hand() -> None:
    """Of however many feeds are due 20,000 are taken, and more when some of them are done."""
    done = asyncio.Event()

    async def run_round(tasks: Collection[Task], tell: Callable[[PollReport], None]) -> None:
        await done.wait()
        for task in tasks:
            tell(PollReport(task.feed, PollOutcome.UNCHANGED))

    tasks = tuple(Task(number, f"jane/{number}") for number in range(20_000))
    parts = Parts(due=[tasks[:1], tasks[1:]], run_round=run_round)
    daemon = _make_daemon(parts)
    for _ in range(3):
        await daemon._poll()
    assert parts.limits == [20_000, 19_999, 0]
    done.set()
    await _let_run(daemon)
    await daemon._poll()
    assert parts.limits[-1] == 20_000


async def test_the_end_of_a_round_does_not_free_what_another_has_taken_since() -> None:
    """A feed reported by one round and taken by the next is under way until that one lets it go."""
    ends = [asyncio.Event(), asyncio.Event()]
    rounds = iter(ends)

    async def run_round(tasks: Collection[Task], tell: Callable[[PollReport], None]) -> None:
        end = next(rounds)
        if end is ends[0]:
            tell(PollReport("jane/queue", PollOutcome.UNCHANGED))
        await end.wait()

    queue = cast("PollTask", Task(1, "jane/queue"))
    parts = Parts(due=[(cast("Task", queue),), (cast("Task", queue),)], run_round=run_round)
    daemon = _make_daemon(parts)
    for _ in range(2):
        await daemon._poll()
        await asyncio.sleep(0)
    ends[0].set()
    await asyncio.wait([daemon._tasks["round 1"]])
    await daemon._poll()
    assert parts.excluded[-1] == {1}
    ends[1].set()
    await _let_run(daemon)


async def test_a_reload_asked_for_during_a_reload_is_made_after_it() -> None:
    """The file may have changed since the first one read it."""
    contents = iter("abc")
    daemon: Daemon
    parts = Parts()
    loop = asyncio.get_running_loop()

    def load() -> object:
        content = next(contents)
        if content == "a":
            asyncio.run_coroutine_threadsafe(_ask(daemon), loop).result()
        return content

    daemon = _make_daemon(parts, load)
    daemon._ask_reload()
    await _let_run(daemon)
    assert parts.applied == ["a", "b"]


async def test_a_reload_that_the_state_could_not_follow_is_made_up_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The configuration is in force; each tick has the state follow if it can, and none reads the file."""
    caplog.set_level(logging.INFO, "feedwatch.daemon")
    parts = Parts(fails=StoreError("the disk is full"))
    daemon = _make_daemon(parts, lambda: "new")
    daemon._ask_reload()
    await _let_run(daemon)
    for _ in range(2):
        await daemon._tick()
        await _let_run(daemon)
    parts.fails = None
    for _ in range(2):
        await daemon._tick()
        await _let_run(daemon)
    assert (parts.applied, parts.told) == (["new"], 1)
    said = [record.getMessage() for record in caplog.records if "poll" not in record.getMessage()]
    assert said == [
        "the new configuration is in force; the state follows when it can be written",
        "reload failed: the disk is full",
        "reloaded feeds=0",
        "reload works again",
    ]


async def _ask(daemon: Daemon) -> None:
    daemon._ask_reload()


@pytest.mark.parametrize(
    ("error", "is_progress"), [(StoreError("the disk is full"), True), (StoreLocked("busy"), False)]
)
async def test_a_store_that_answers_that_it_cannot_write_is_no_lack_of_progress(
    error: StoreError, *, is_progress: bool
) -> None:
    """A restart mends no full disk, and sends again what is not written down; one that waits may hang."""
    parts = Parts(fails=error)
    daemon = _make_daemon(parts)
    daemon._progressed_at = 0.0
    with pytest.raises(StoreError):
        await daemon._poll()
    assert bool(daemon._progressed_at) is is_progress


async def test_ticks_go_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler waits by the clock of the day: set back by an hour it would not tick for an hour."""
    monkeypatch.setattr(daemon_module, "TICK", timedelta(seconds=0.02))
    monkeypatch.setattr(_DayClock, "back", timedelta(0))
    for module in (scheduling, intervals, daemon_module):
        monkeypatch.setattr(module, "datetime", _DayClock)
    parts = Parts()
    daemon = _make_daemon(parts)
    running = asyncio.create_task(daemon.run())
    await _wait_for_polls(parts, 3)
    _DayClock.back = timedelta(hours=1)
    await _wait_for_polls(parts, len(parts.excluded) + 3)
    daemon.stop()
    await running


class _DayClock(datetime):
    """A `datetime` by a clock that a test sets back."""

    back = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _DayClock:
        """The time it is, or was."""
        at = datetime.now(tz) - cls.back
        return cls.fromtimestamp(at.timestamp(), tz)


async def _wait_for_polls(parts: Parts, count: int) -> None:
    async with asyncio.timeout(10):
        while len(parts.excluded) < count:
            parts.asked.clear()
            await parts.asked.wait()


async def test_damage_of_the_state_stops_the_daemon_once(caplog: pytest.LogCaptureFixture) -> None:
    """What is damaged is not built upon: it is said once, and everything comes to its end."""
    daemon = _make_daemon(Parts())
    for text in ("a page is damaged", "another one, too"):
        daemon._give_up(StoreDamaged(text))
    assert [record.getMessage() for record in caplog.records] == [
        "the state is damaged: a page is damaged; stopping, so that the next start sets it aside"
    ]
    assert daemon._stopping.is_set()


async def test_a_stop_cancels_polls_soon_and_sends_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll loses nothing by it; a send may arrive twice. In the end, claims are given back."""
    monkeypatch.setattr(daemon_module, "POLL_PATIENCE", 0.05)
    monkeypatch.setattr(daemon_module, "SEND_PATIENCE", 0.2)
    parts = Parts()
    daemon = _make_daemon(parts)
    ended: dict[str, float] = {}
    loop = asyncio.get_running_loop()

    async def hang(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended[name] = loop.time()

    for name in ("round 1", "account jane", "address hook/1"):
        daemon._start(name, lambda name=name: hang(name))  # type: ignore[misc]
    await asyncio.sleep(0)
    daemon.stop()
    began = loop.time()
    await daemon._finish()
    waited = {name: at - began for name, at in ended.items()}
    assert waited["round 1"] < 0.15
    assert waited["account jane"] < 0.15
    assert waited["address hook/1"] >= 0.15
    assert parts.released == 1
    daemon._start("poll", lambda: hang("late"))
    assert not daemon._tasks, "nothing begins any more"
