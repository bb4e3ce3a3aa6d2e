"""A round: many polls at once, each by itself, so that no feed waits for another or falls with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from feedwatch.clock import Clock
from feedwatch.core.model import NETWORK_REASONS, FetchFailed, Reason
from feedwatch.core.schedule import OUTAGE_WAIT, is_own_outage, judge_failure
from feedwatch.core.state import FailedPoll, PollTask, Verdict
from feedwatch.poll.landing import PollWriter
from feedwatch.poll.reading import ListReader, ReadList, SameList
from feedwatch.store import Store, StoreThread

_LOG = logging.getLogger("feedwatch.poll")


class PollOutcome(StrEnum):
    """How a poll ended."""

    UNCHANGED = "unchanged"
    BASELINE = "baseline"
    COMPARED = "compared"
    HELD = "held"
    FAILED = "failed"
    RESTING = "resting"
    LATE = "late"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class PollReport:
    """What one poll came to: for the log, and for who typed `feedwatch poll`."""

    feed: str
    outcome: PollOutcome
    changes: int = 0
    entries: int | None = None
    reason: Reason | None = None
    detail: str = ""


_OF_VERDICT = {
    Verdict.BASELINE: PollOutcome.BASELINE,
    Verdict.COMPARED: PollOutcome.COMPARED,
    Verdict.HELD: PollOutcome.HELD,
}

Rediscover = Callable[[str], Awaitable[bool]]
"""Discovers an account anew, at once; True if its index could be read."""


@dataclass(frozen=True, slots=True)
class _Failure:
    task: PollTask
    failure: FetchFailed
    at: datetime


class Poller:
    """Polls feeds. One lives as long as its daemon, or as one `feedwatch poll`."""

    def __init__(
        self,
        store: StoreThread,
        reader: ListReader,
        writer: PollWriter,
        *,
        clock: Clock,
        rediscover: Rediscover,
    ) -> None:
        self._store = store
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._rediscover = rediscover

    async def run_round(
        self, tasks: Sequence[PollTask], report: Callable[[PollReport], None] | None = None
    ) -> list[PollReport]:
        """Poll these feeds at once and let each result land as it comes.

        Only failures of the network wait for the others: whether they are the hosts' or our own
        shows when all have been tried. Then one notice speaks of all lists seen for the first time.
        """
        tell = report or (lambda _: None)
        resting = await self._store.run(Store.resting_hosts, self._clock.now())
        silent: list[_Failure] = []
        heard: list[tuple[str, Reason | None]] = []

        async def poll(task: PollTask, *, again: bool = True) -> PollReport | None:
            outcome = await self._poll_one(task, resting)
            if isinstance(outcome, _Failure):
                heard.append((host_of(task.address), outcome.failure.reason))
                if outcome.failure.reason in NETWORK_REASONS:
                    silent.append(outcome)
                    return None
                written = await self._write_failure(outcome, resting)
                if again and outcome.failure.reason is Reason.BAD_TOKEN:
                    fresh = await self._take_anew(task)
                    return await poll(fresh, again=False) if fresh else _tell(written, tell)
                outcome = written
            elif outcome.outcome is not PollOutcome.RESTING:
                heard.append((host_of(task.address), None))
            return _tell(outcome, tell)

        reports = [each for each in await asyncio.gather(*map(poll, tasks)) if each is not None]
        late = await self._write_silent(silent, own_outage=is_own_outage(heard))
        reports += [_tell(each, tell) for each in late]
        await self._announce_baselines()
        return reports

    async def _poll_one(self, task: PollTask, resting: dict[str, datetime]) -> PollReport | _Failure:
        """One poll, start to finish but for the writing of a failure; surprises stay with their feed."""
        until = resting.get(host_of(task.address))
        if until is not None and until > self._clock.now():
            await self._store.run(
                Store.postpone_poll, task, until + timedelta(seconds=60) * self._clock.jitter()
            )
            return PollReport(task.feed, PollOutcome.RESTING, reason=Reason.RATE_LIMITED)
        try:
            reading = await self._reader.read_list(task)
            if isinstance(reading, FetchFailed):
                return _Failure(task, reading, self._clock.now())
            return await self._land(task, reading)
        except Exception:  # noqa: BLE001 — one broken feed never stops another
            _LOG.exception("poll failed in an unforeseen way feed=%s", task.feed)
            return _Failure(task, FetchFailed(Reason.INTERNAL, "see the log"), self._clock.now())

    async def _land(self, task: PollTask, reading: SameList | ReadList) -> PollReport:
        if isinstance(reading, SameList):
            landed = await self._writer.write_same(task, reading)
            return PollReport(task.feed, PollOutcome.UNCHANGED if landed else PollOutcome.LATE)
        decision = await self._writer.write_list(task, reading)
        if decision is None:
            return PollReport(task.feed, PollOutcome.LATE)
        return PollReport(
            task.feed,
            _OF_VERDICT[decision.verdict],
            changes=len(decision.changes),
            entries=len(reading.result.snapshot.entries),
            reason=decision.held.reason if decision.held else None,
        )

    async def _write_failure(self, failed: _Failure, resting: dict[str, datetime]) -> PollReport:
        task, failure, now = failed.task, failed.failure, failed.at
        every = self._writer.interval(task)
        verdict = judge_failure(task, failure, now=now, every=every, jitter=self._clock.jitter())
        if verdict.host_rests_until:
            resting[host_of(task.address)] = verdict.host_rests_until
            await self._store.run(
                Store.rest_host, host_of(task.address), verdict.host_rests_until, failure.reason
            )
        poll = FailedPoll(
            task=task,
            at=now,
            failure=failure,
            next_poll_at=verdict.next_poll_at,
            retire=verdict.retire,
            notice=verdict.notice,
            notice_addresses=self._writer.addresses_for(verdict.notice),
        )
        await self._writer.write_failures([poll])
        return _failed(failed)

    async def _take_anew(self, task: PollTask) -> PollTask | None:
        """A token died: read the account's index at once, and take the feed once more.

        If that fails too, the feed is tried ever more slowly like any other.
        """
        if not await self._rediscover(task.account):
            return None
        taken = await self._store.run(Store.take_polls, self._clock.now(), feeds=[task.feed], due_only=False)
        return taken[0] if taken else None

    async def _write_silent(self, silent: list[_Failure], *, own_outage: bool) -> list[PollReport]:
        if not own_outage:
            return [await self._write_failure(failed, {}) for failed in silent]
        wait = OUTAGE_WAIT * (1 + self._clock.jitter())
        polls = [
            FailedPoll(each.task, each.at, each.failure, next_poll_at=each.at + wait, blamed=False)
            for each in silent
        ]
        await self._writer.write_failures(polls)
        return [
            PollReport(e.task.feed, PollOutcome.OUTAGE, reason=e.failure.reason, detail=e.failure.detail)
            for e in silent
        ]

    async def _announce_baselines(self) -> None:
        addresses = self._writer.routes.notice_addresses
        notice = await self._store.run(Store.take_baseline_notice, self._clock.now(), addresses)
        if notice:
            _LOG.info("watching %s", " ".join(f"{line.feed}={line.entries}" for line in notice.feeds))


def host_of(address: str) -> str:
    """The host and port an address is asked at."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _failed(failed: _Failure) -> PollReport:
    return PollReport(
        failed.task.feed, PollOutcome.FAILED, reason=failed.failure.reason, detail=failed.failure.detail
    )


def _tell(report: PollReport, tell: Callable[[PollReport], None]) -> PollReport:
    _log(report)
    tell(report)
    return report


def _log(report: PollReport) -> None:
    level = logging.WARNING if report.outcome in (PollOutcome.FAILED, PollOutcome.OUTAGE) else logging.INFO
    _LOG.log(
        level,
        "polled feed=%s outcome=%s%s%s%s%s",
        report.feed,
        report.outcome,
        f" changes={report.changes}" if report.changes else "",
        f" entries={report.entries}" if report.entries is not None else "",
        f" reason={report.reason}" if report.reason else "",
        f" detail={report.detail!r}" if report.detail else "",
    )
