"""A round: many polls at once, each by itself, so that no feed waits for another or falls with it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from feedwatch.clock import Clock
from feedwatch.core.model import NETWORK_REASONS, FetchFailed, Reason
from feedwatch.core.networks import host_of
from feedwatch.core.schedule import OUTAGE_WAIT, FailureVerdict, judge_failure
from feedwatch.core.state import FailedPoll, PollTask, Verdict
from feedwatch.errors import StoreError
from feedwatch.netflix.address import is_tokenized
from feedwatch.poll.earlier import EarlierViewings
from feedwatch.poll.hosts import Hosts
from feedwatch.poll.indexes import Indexes, Rediscover
from feedwatch.poll.landing import PollWriter
from feedwatch.poll.places import Place, Places
from feedwatch.poll.reading import ListReader, Reading, ReadList, SameList
from feedwatch.poll.reports import PollOutcome, PollReport, Tell, log_report
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

_LOG = logging.getLogger("feedwatch.poll")

BASELINE_PATIENCE = timedelta(minutes=1)
"""How long the notice of a round's first lists waits for those that are still being read."""
REST_SPREAD = timedelta(minutes=1)
_PERMANENT = (301, 308)
_OF_VERDICT = {
    Verdict.BASELINE: PollOutcome.BASELINE,
    Verdict.COMPARED: PollOutcome.COMPARED,
    Verdict.HELD: PollOutcome.HELD,
}


@dataclass(frozen=True, slots=True)
class _Failure:
    task: PollTask
    failure: FetchFailed
    at: datetime
    asked_at: float

    @property
    def is_silence(self) -> bool:
        return self.failure.silence in NETWORK_REASONS


class _Round:
    """One round: what it reported, who stays silent, and what went wrong with the round itself."""

    def __init__(self, tasks: Sequence[PollTask], started_at: float, tell: Tell) -> None:
        self.started_at = started_at
        self.reports: list[PollReport] = []
        self.silent: list[_Failure] = []
        self.errors: list[Exception] = []
        self.over = False
        self._tell = tell
        self._left = Counter(task.account for task in tasks)
        self._changed: set[str] = set()

    def report(self, report: PollReport) -> None:
        """Log one poll and tell who asked."""
        self.reports.append(report)
        if report.changes:
            self._changed.add(report.feed.partition("/")[0])
        log_report(report)
        self._tell(report)

    def end_poll(self, account: str) -> bool:
        """Note that a poll of an account has ended; True if that was its last, and one brought changes."""
        self._left[account] -= 1
        return not self._left[account] and account in self._changed


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
        earlier: EarlierViewings,
        places: Places,
    ) -> None:
        self._store = store
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._earlier = earlier
        self._places = places
        self._hosts = Hosts()
        self._indexes = Indexes(rediscover, clock)

    def hear(self, host: str, reason: Reason | None, asked_at: float) -> bool:
        """Learn how an index was answered; True if its silence is our own network's fault."""
        self._hosts.hear(host, reason, asked_at)
        return reason in NETWORK_REASONS and self._hosts.is_own_outage(asked_at)

    async def recall_resting(self) -> None:
        """Take over which hosts have asked for rest, as the store knows it."""
        self._hosts.recall_resting(await self._store.run(Store.resting_hosts, self._clock.now()))

    def hear_rest(self, host: str, until: datetime) -> None:
        """Let a host rest that somebody else of this process was told to leave alone."""
        self._hosts.hear_rest(host, until)

    def rests_until(self, host: str) -> datetime | None:
        """Until when a host is to be left alone; None if it is not."""
        return self._hosts.rests_until(host, self._clock.now())

    async def run_round(self, tasks: Sequence[PollTask], report: Tell | None = None) -> list[PollReport]:
        """Poll these feeds, each as soon as there is a place for it, and let each result land as it comes.

        Only silence may wait for the others: whether it is the hosts' or our own network's shows
        when somebody answers, or when all have been tried. Then one notice speaks of all lists seen
        for the first time.
        """
        await self.recall_resting()
        round_ = _Round(tasks, asyncio.get_running_loop().time(), report or (lambda _: None))
        announcing = asyncio.create_task(self._announce_meanwhile(round_))
        try:
            await self._run_polls(tasks, round_)
        finally:
            announcing.cancel()
        await self._settle_silent(round_, over=True)
        await self._announce_baselines()
        if round_.errors:
            raise round_.errors[0]
        return round_.reports

    async def _run_polls(self, tasks: Sequence[PollTask], round_: _Round) -> None:
        """Run all polls of a round: who has no place yet costs next to nothing, however many they are."""
        left = len(tasks)
        all_started = asyncio.Event()

        def start(task: PollTask, place: Place) -> bool:
            nonlocal left
            if round_.over:
                return False
            poll = group.create_task(self._run_poll(task, place, round_))
            poll.add_done_callback(place.leave)  # also where it was cancelled before its first step
            left -= 1
            if not left:
                all_started.set()
            return True

        async with asyncio.TaskGroup() as group:
            try:
                if tasks:
                    self._places.line_up((host_of(task.address), partial(start, task)) for task in tasks)
                    await all_started.wait()
            finally:
                round_.over = True

    async def _run_poll(self, task: PollTask, place: Place, round_: _Round) -> None:
        """One poll to its end. If its result cannot be written, the others go on all the same."""
        try:
            outcome = await self._poll_to_its_end(task, place, round_)
            if isinstance(outcome, PollReport):
                round_.report(outcome)
            elif outcome.is_silence:
                round_.silent.append(outcome)
            else:
                round_.report(await self._write_failure(outcome))
            if round_.silent:
                await self._settle_silent(round_, over=False)
            if round_.end_poll(task.account):
                await self._writer.end_round(task.account)
        except Exception as error:  # noqa: BLE001 — raised again when all polls have ended
            round_.errors.append(error)
            await self._try_later(task)

    async def _try_later(self, task: PollTask) -> None:
        """Ask again in a while though nothing could be written: a full disk here is no server's fault."""
        until = self._clock.now() + OUTAGE_WAIT * (1 + self._clock.jitter())
        with suppress(StoreError):  # then no poll can be taken either, and nobody is asked
            await self._writer.postpone(task, until)

    # ── one poll ──────────────────────────────────────────────────────────────────────────────────

    async def _poll_to_its_end(self, task: PollTask, place: Place, round_: _Round) -> PollReport | _Failure:
        """Poll; what came too late and is due again is polled once more: another round may be an hour away.

        So it is with a list that was read in part, and must be read whole. Where a later poll has landed, it
        has spoken.
        """
        outcome = await self._poll_one(task, place, round_)
        if isinstance(outcome, _Failure):
            outcome = await self._poll_again_if_dead(task, outcome, round_)
        if isinstance(outcome, _Failure) or outcome.outcome is not PollOutcome.LATE:
            return outcome
        taken = await self._store.run(Store.take_polls, self._clock.now(), feeds=[task.feed])
        if not taken:
            return outcome
        return await self._poll_one(taken[0], await self._places.enter(host_of(taken[0].address)), round_)

    async def _poll_again_if_dead(
        self, task: PollTask, failed: _Failure, round_: _Round
    ) -> PollReport | _Failure:
        """Where a token has died, read the account's index at once and poll once more.

        If that fails too, the feed is tried ever more slowly like any other.
        """
        if not _has_died(failed) or self._indexes.is_helpless(task.account):
            return failed
        if not await self._indexes.read(task.account, round_.started_at):
            self._indexes.leave_alone(task.account)
            return failed
        taken = await self._store.run(Store.take_polls, self._clock.now(), feeds=[task.feed], due_only=False)
        if not taken:
            return failed
        place = await self._places.enter(host_of(taken[0].address))
        again = await self._poll_one(taken[0], place, round_)
        if _has_died(again) and taken[0].address == task.address:
            self._indexes.leave_alone(task.account)
        return again

    async def _poll_one(self, task: PollTask, place: Place, round_: _Round) -> PollReport | _Failure:
        """One poll, start to finish but for the writing of a failure; surprises stay with their feed.

        A list keeps its place until it has landed, and what is unchanged until there is room for it to wait:
        no more is read than can be written.
        """
        asked_at = asyncio.get_running_loop().time()
        try:
            if until := self.rests_until(place.host):
                place.leave()
                return await self._postpone(task, until)
            reading = await self._ask(task, place.host, asked_at)
            place.has_asked()
            if isinstance(reading, ReadList):
                reading = await self._join_earlier(task, reading)
            if isinstance(reading, FetchFailed):
                return _Failure(task, reading, self._clock.now(), asked_at)
            report = await self._land(task, reading, place)
        except StoreError:
            raise  # no feed is to blame
        except Exception:  # noqa: BLE001 — one broken feed never stops another
            _LOG.exception("poll failed in an unforeseen way feed=%s", task.feed)
            return _Failure(task, FetchFailed(Reason.INTERNAL, "see the log"), self._clock.now(), asked_at)
        finally:
            place.leave()
        if reading.moved and is_tokenized(task.address):
            await self._indexes.ask_where_it_moved(task, round_.started_at)
        return report

    async def _ask(self, task: PollTask, host: str, asked_at: float) -> Reading:
        """Ask a host that does not rest, and remember how it answered before anybody else asks it."""
        reading = await self._reader.read_list(task)
        failure = reading if isinstance(reading, FetchFailed) else None
        self._hosts.hear(host, failure.silence if failure else None, asked_at)
        if failure and (until := self._judge(task, failure, self._clock.now()).host_rests_until):
            self._hosts.rest(failure.host or host, until)
        return reading

    async def _join_earlier(self, task: PollTask, reading: ReadList) -> ReadList | FetchFailed:
        """Add what the window of a history does not show; meanwhile others may ask its host."""
        earlier = await self._earlier.find_earlier(task, reading.result.snapshot)
        if isinstance(earlier, FetchFailed):
            return earlier
        return replace(reading, result=replace(reading.result, earlier=earlier))

    async def _postpone(self, task: PollTask, until: datetime) -> PollReport:
        await self._writer.postpone(task, until + REST_SPREAD * self._clock.jitter())
        return PollReport(task.feed, PollOutcome.RESTING, reason=Reason.RATE_LIMITED)

    async def _land(self, task: PollTask, reading: SameList | ReadList, place: Place) -> PollReport:
        if isinstance(reading, SameList):
            async with self._writer.room:
                place.leave()
                landed = await self._writer.write_same(task, reading)
            return PollReport(task.feed, PollOutcome.UNCHANGED if landed else PollOutcome.LATE)
        decision = await self._writer.write_list(task, reading)
        if decision is None:
            return PollReport(task.feed, PollOutcome.LATE)
        return PollReport(
            task.feed,
            _OF_VERDICT[decision.verdict],
            changes=len(decision.changes),
            entries=reading.result.size,
            reason=decision.held.reason if decision.held else None,
        )

    # ── failures ──────────────────────────────────────────────────────────────────────────────────

    def _judge(self, task: PollTask, failure: FetchFailed, at: datetime) -> FailureVerdict:
        every = self._writer.interval(task)
        return judge_failure(task, failure, now=at, every=every, jitter=self._clock.jitter())

    async def _write_failure(self, failed: _Failure) -> PollReport:
        task, failure, now = failed.task, failed.failure, failed.at
        verdict = self._judge(task, failure, now)
        if until := verdict.host_rests_until:
            host = failure.host or host_of(task.address)
            await self._store.run(Store.rest_host, host, until, failure.reason)
            self._hosts.note_written(host)
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

    async def _settle_silent(self, round_: _Round, *, over: bool) -> None:
        """Blame the feeds of silent hosts, or our own network.

        Somebody's answer settles it; where there is none, the end of the round does (`over`).
        """
        ready, round_.silent = _part(
            round_.silent, lambda each: over or self._hosts.answered_since(each.asked_at)
        )
        if not ready:
            return
        ours, theirs = _part(ready, lambda each: self._hosts.is_own_outage(each.asked_at))
        await self._write_outage(ours, round_)
        for failed in theirs:
            round_.report(await self._write_failure(failed))

    async def _write_outage(self, failed: Sequence[_Failure], round_: _Round) -> None:
        """Try again soon, and blame nobody."""
        wait = OUTAGE_WAIT * (1 + self._clock.jitter())
        polls = [
            FailedPoll(each.task, each.at, each.failure, next_poll_at=each.at + wait, blamed=False)
            for each in failed
        ]
        await self._writer.write_failures(polls)
        for each in failed:
            why = each.failure
            round_.report(
                PollReport(each.task.feed, PollOutcome.OUTAGE, reason=why.reason, detail=why.detail)
            )

    async def _announce_meanwhile(self, round_: _Round) -> None:
        """Announce now and then the first lists that are read: those that keep others waiting come later."""
        try:
            while True:
                await asyncio.sleep(BASELINE_PATIENCE.total_seconds())
                await self._announce_baselines()
        except StoreError as error:
            round_.errors.append(error)

    async def _announce_baselines(self) -> None:
        addresses = self._writer.routes.notice_addresses
        notice = await self._store.run(Store.take_baseline_notice, self._clock.now(), addresses)
        if notice:
            _LOG.info("watching %s", " ".join(f"{line.feed}={line.entries}" for line in notice.feeds))


def _has_died(outcome: PollReport | _Failure) -> bool:
    """Whether only the account's index can say how a feed is asked for now."""
    if not isinstance(outcome, _Failure):
        return False
    failure = outcome.failure
    if failure.reason is Reason.REDIRECT_REFUSED and failure.status in _PERMANENT:
        return is_tokenized(outcome.task.address)
    return failure.reason in (Reason.BAD_TOKEN, Reason.UNAUTHORIZED)


def _part(
    failures: Sequence[_Failure], test: Callable[[_Failure], bool]
) -> tuple[list[_Failure], list[_Failure]]:
    """Those that pass a test, and the others; of a network that is down there may be thousands."""
    passed: list[_Failure] = []
    others: list[_Failure] = []
    for each in failures:
        (passed if test(each) else others).append(each)
    return passed, others


def _failed(failed: _Failure) -> PollReport:
    return PollReport(
        failed.task.feed, PollOutcome.FAILED, reason=failed.failure.reason, detail=failed.failure.detail
    )
