"""Let the results of polls land: decision and write in one short transaction, or none of it.

What comes within a moment is written in one transaction, and each poll is whole within it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from feedwatch.errors import StoreDamaged
from feedwatch.poll.batches import Batches
from feedwatch.poll.reading import ReadList, SameList
from feedwatch.store import Landed, ReadPoll, Store
from feedwatch.store.thread import StoreThread

__all__ = ["PollTerms", "PollWriter"]

_LOG = logging.getLogger("feedwatch.poll")

_GATHERED_FOR = timedelta(milliseconds=20)
"""So long a result waits for others, to share their transaction and its fsync."""
_MOST_ENTRIES = 32 * 50
"""Entries of lists that land in one transaction: other writers wait for all of it, and all wait in memory.

Of usual lists that is as many as are asked at once by default: so reading and writing take turns. At the same
time, in two threads, they take the interpreter from each other, and both cost a quarter more.
"""
_LEAST_WEIGHT = 50
"""What a list weighs that is no longer: most are not."""
_MOST_UNCHANGED = 500
_TOGETHER = timedelta(minutes=1)
"""Lists of one account that land within it were polled in one round."""


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
        self._drawn: dict[str, tuple[datetime, float]] = {}
        self.room = asyncio.Semaphore(2 * _MOST_UNCHANGED)
        """For what is unchanged, while it waits to be written: 304s come faster than a disk takes them."""
        self._lists = Batches(self._record_lists, wait=_GATHERED_FOR, most=_MOST_ENTRIES, weigh=_weigh_list)
        self._unchanged = Batches(self._record_unchanged, wait=_GATHERED_FOR, most=_MOST_UNCHANGED)
        self._postponed = Batches(self._record_postponed, wait=_GATHERED_FOR, most=_MOST_UNCHANGED)

    def interval(self, task: PollTask) -> timedelta:
        """How often a feed is polled when all is well."""
        return task.every or self.every

    async def write_list(self, task: PollTask, read: ReadList) -> PollDecision | None:
        """Compare a list with what is known and write what follows, together with others.

        None if it came too late (law 11).
        """
        now, every = self._clock.now(), self.interval(task)
        jitter = self._draw_jitter(task, now)
        terms = PollTerms(
            feed=task.feed,
            rules=rules_of(task.kind, compare_content=task.compare_content),
            next_poll_at=next_poll_after(now, every, jitter, wish=read.wish),
            confirm_at=confirm_after(now, every, jitter),
            announce_baseline=task.announce_baseline,
        )
        landed = await self._lists.add(ReadPoll(task, read.result, self._decide_with(task, terms, now)))
        if isinstance(landed, Exception):
            raise landed
        return landed

    def _decide_with(
        self, task: PollTask, terms: PollTerms, now: datetime
    ) -> Callable[[FeedMemory, PollResult], PollDecision]:
        """The decision as the store will ask for it, inside its transaction.

        By the routes of that moment: those of a moment ago may name an address that is given up by then.
        """

        def decide(memory: FeedMemory, result: PollResult) -> PollDecision:
            routes = self.routes
            decision = decide_poll(memory, result, terms)
            subjects = Subjects(decision.changes, task.account, task.name, task.kind)
            deliveries = plan_deliveries(subjects, terms.rules, routes, now, _read_silences(memory))
            told = routes.notice_addresses if decision.notice else ()
            return replace(decision, deliveries=deliveries, notice_addresses=told)

        return decide

    def _draw_jitter(self, task: PollTask, now: datetime) -> float:
        """A part of the spread; the lists of an account that are polled together get the same, to stay so."""
        if task.kind is Kind.STREAM:
            return self._clock.jitter()
        drawn = self._drawn.get(task.account)
        if drawn is None or not timedelta(0) <= now - drawn[0] < _TOGETHER:
            drawn = self._drawn[task.account] = (now, self._clock.jitter())
        return drawn[1]

    def write_same(self, task: PollTask, same: SameList) -> asyncio.Future[bool]:
        """Write that nothing is new, together with others; to be awaited.

        False if another result landed meanwhile.
        """
        now = self._clock.now()
        jitter = self._draw_jitter(task, now)
        notice = announce_recovery(_failing(task), task.feed, now) if task.broken_announced else None
        poll = UnchangedPoll(
            task=task,
            at=now,
            next_poll_at=next_poll_after(now, self.interval(task), jitter, wish=same.wish),
            validators=same.validators,
            body_digest=same.body_digest,
            believed=same.believed,
            moved_to=same.moved_to,
            notice=notice,
            notice_addresses=self.addresses_for(notice),
        )
        return self._unchanged.add(poll)

    async def postpone(self, task: PollTask, until: datetime) -> None:
        """Put a poll off that was taken but not made, together with others."""
        await self._postponed.add((task, until))

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
        """Write at once what waits for others."""
        for batches in (self._lists, self._unchanged, self._postponed):
            await batches.flush()

    # ── batches ───────────────────────────────────────────────────────────────────────────────────

    async def _record_lists(self, polls: Sequence[ReadPoll]) -> Sequence[Landed]:
        landed = await self._store.run(Store.record_polls, polls)
        for each in landed:
            if isinstance(each, StoreDamaged):
                self._store.on_damage(each)
        return landed

    async def _record_unchanged(self, polls: Sequence[UnchangedPoll]) -> Sequence[bool]:
        late = frozenset(await self._store.run(Store.record_unchanged, polls))
        return [poll.task.feed_id not in late for poll in polls]

    async def _record_postponed(self, polls: Sequence[tuple[PollTask, datetime]]) -> Sequence[None]:
        await self._store.run(Store.postpone_polls, polls)
        return [None] * len(polls)


def _weigh_list(poll: ReadPoll) -> int:
    return max(poll.result.size, _LEAST_WEIGHT)


def _read_silences(memory: FeedMemory) -> list[Silenced]:
    """The silences in force. One that cannot be read silences nothing: rather told than lost."""
    found = []
    for silence in memory.silences:
        try:
            found.append(Silenced(silence.id, parse_condition(silence.matcher, most=None)))
        except ConditionError as error:
            _LOG.warning("silence %d cannot be read: %s", silence.id, error)
    return found


def _failing(task: PollTask) -> FeedMemory:
    return FeedMemory(
        failures=task.failures,
        failing_since_at=task.failing_since_at,
        broken_announced=task.broken_announced,
    )
