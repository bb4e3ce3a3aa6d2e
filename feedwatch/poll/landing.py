"""Let the result of a poll land: decision and write in one short transaction, or none of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from feedwatch.clock import Clock
from feedwatch.config.conditions import ConditionError, parse_condition
from feedwatch.core.decide import PollTerms, announce_recovery, decide_poll
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Kind, Notice
from feedwatch.core.route import Routes, Silenced, plan_deliveries
from feedwatch.core.schedule import confirm_after, next_poll_after
from feedwatch.core.state import (
    FailedPoll,
    FeedMemory,
    PollDecision,
    PollResult,
    PollTask,
    UnchangedPoll,
)
from feedwatch.core.where import Subjects
from feedwatch.poll.reading import ReadList, SameList
from feedwatch.store import Store, StoreThread

__all__ = ["PollTerms", "PollWriter"]

_LOG = logging.getLogger("feedwatch.poll")

_GATHER = 0.05
"""Seconds in which unchanged polls are gathered into one transaction: one fsync for all of them."""
_GATHER_MOST = 500
_TOGETHER = timedelta(minutes=1)
"""Lists of one account that land within it were polled in one round."""


@dataclass(slots=True)
class _Gathered:
    polls: list[UnchangedPoll]
    landed: asyncio.Future[frozenset[int]]


class PollWriter:
    """Writes what polls brought. `routes` and `every` follow a reload of the configuration."""

    def __init__(
        self,
        store: StoreThread,
        *,
        routes: Routes,
        every: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self.routes = routes
        self.every = every
        self._clock = clock
        self._gathered: _Gathered | None = None
        self._drawn: dict[str, tuple[datetime, float]] = {}
        self._writes: set[asyncio.Task[None]] = set()

    def interval(self, task: PollTask) -> timedelta:
        """How often a feed is polled when all is well."""
        return task.every or self.every

    async def write_list(self, task: PollTask, read: ReadList) -> PollDecision | None:
        """Compare a list with what is known and write what follows; None if it came too late (law 11)."""
        now, jitter, every = self._clock.now(), self._draw_jitter(task), self.interval(task)
        terms = PollTerms(
            feed=task.feed,
            rules=rules_of(task.kind, compare_content=task.compare_content),
            next_poll_at=next_poll_after(now, every, jitter, wish=read.wish),
            confirm_at=confirm_after(now, every, jitter),
            announce_baseline=task.announce_baseline,
        )
        decide = _decide_with(task, terms, self.routes, now)
        return await self._store.run(Store.record_poll, task, read.result, decide)

    def _draw_jitter(self, task: PollTask) -> float:
        """A part of the spread; the lists of an account that are polled together get the same, to stay so."""
        now = self._clock.now()
        if task.kind is Kind.STREAM:
            return self._clock.jitter()
        drawn = self._drawn.get(task.account)
        if drawn is None or not timedelta(0) <= now - drawn[0] < _TOGETHER:
            drawn = self._drawn[task.account] = (now, self._clock.jitter())
        return drawn[1]

    async def write_same(self, task: PollTask, same: SameList) -> bool:
        """Write that nothing is new, together with others; False if another result landed meanwhile."""
        now = self._clock.now()
        notice = announce_recovery(_failing(task), task.feed, now)
        poll = UnchangedPoll(
            task=task,
            at=now,
            next_poll_at=next_poll_after(now, self.interval(task), self._draw_jitter(task), wish=same.wish),
            validators=same.validators,
            body_digest=same.body_digest,
            believed=same.believed,
            moved_to=same.moved_to,
            notice=notice,
            notice_addresses=self.addresses_for(notice),
        )
        return task.feed_id not in await self._gather(poll)

    async def end_round(self, account: str) -> None:
        """Let what an account's round has brought be told, once it has been gathered for long enough."""
        if gather := self.routes.gather:
            await self._store.run(Store.end_round, [account], self._clock.now() + gather)

    async def write_failures(self, polls: list[FailedPoll]) -> None:
        """Write failed polls; nothing known about their lists is touched (law 7)."""
        if polls:
            await self._store.run(Store.record_failures, polls)

    def addresses_for(self, notice: Notice | None) -> tuple[str, ...]:
        """Who is told a notice."""
        return self.routes.notice_addresses if notice else ()

    async def flush(self) -> None:
        """Write at once what has been gathered."""
        if self._gathered:
            await self._write_gathered(self._gathered)

    async def _gather(self, poll: UnchangedPoll) -> frozenset[int]:
        gathered = self._gathered
        if gathered is None:
            loop = asyncio.get_running_loop()
            gathered = self._gathered = _Gathered([], loop.create_future())
            loop.call_later(_GATHER, self._start_write, gathered)
        gathered.polls.append(poll)
        if len(gathered.polls) >= _GATHER_MOST:
            self._start_write(gathered)
        return await asyncio.shield(gathered.landed)

    def _start_write(self, gathered: _Gathered) -> None:
        if gathered is not self._gathered:
            return
        write = asyncio.ensure_future(self._write_gathered(gathered))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write_gathered(self, gathered: _Gathered) -> None:
        if gathered is self._gathered:
            self._gathered = None
        try:
            late = await self._store.run(Store.record_unchanged, gathered.polls)
        except Exception as error:  # noqa: BLE001 — every poll that waits must hear of it
            gathered.landed.set_exception(error)
        else:
            gathered.landed.set_result(frozenset(late))


def _decide_with(
    task: PollTask, terms: PollTerms, routes: Routes, now: datetime
) -> Callable[[FeedMemory, PollResult], PollDecision]:
    """The decision as the store will ask for it, inside its transaction."""

    def decide(memory: FeedMemory, result: PollResult) -> PollDecision:
        decision = decide_poll(memory, result, terms)
        subjects = Subjects(decision.changes, task.account, task.name, task.kind)
        deliveries = plan_deliveries(subjects, terms.rules, routes, now, _read_silences(memory))
        told = routes.notice_addresses if decision.notice else ()
        return replace(decision, deliveries=deliveries, notice_addresses=told)

    return decide


def _read_silences(memory: FeedMemory) -> list[Silenced]:
    """The silences in force. One that cannot be read silences nothing: rather told than lost."""
    found = []
    for silence in memory.silences:
        try:
            found.append(Silenced(silence.id, parse_condition(silence.matcher)))
        except ConditionError as error:
            _LOG.warning("silence %d cannot be read: %s", silence.id, error)
    return found


def _failing(task: PollTask) -> FeedMemory:
    return FeedMemory(
        failures=task.failures,
        failing_since_at=task.failing_since_at,
        broken_announced=task.broken_announced,
    )
