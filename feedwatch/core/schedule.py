"""When to poll next, and when to try again: pure arithmetic over policy, failures and jitter.

`jitter` is a number from 0 up to 1, drawn by the caller. It only ever delays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from feedwatch.core.messages import Delivered, NotifyFailed, NotifyOutcome
from feedwatch.core.model import NETWORK_REASONS, FetchFailed, Notice, NoticeKind, NoticeLine, Reason
from feedwatch.core.state import AddressHealth, ClaimedMessage, PollTask, Settled, Settlement

LONGEST_WAIT = timedelta(days=1)
"""However a server fails, it is asked once a day: a feed is never silently given up.

Only a rest that it asks for by name (Retry-After) may be longer, up to a week.
"""
CONFIRM_AFTER = timedelta(seconds=90)
"""A held reply is confirmed or dropped within two minutes, spread and tick included (law 8)."""
OUTAGE_WAIT = timedelta(minutes=1)
SERVER_REST = timedelta(minutes=2)
"""What a 503 without Retry-After asks for, at least."""
RATE_REST = timedelta(minutes=5)
"""What a 429 without Retry-After is given."""
BROKEN_AFTER_FAILURES = 3
BROKEN_AFTER = timedelta(hours=1)
REFUSALS_BEFORE_SETTING_APART = 5
FAILING_AFTER = timedelta(hours=4)
"""A target that has taken nothing for so long is worth telling another of."""
LEAST_REST = timedelta(seconds=1)
"""A service that asks for no rest at all, and yet refuses, is not asked without end."""
REVALIDATE_AFTER = timedelta(days=7)
"""Some servers answer 304 for ever: once a week a feed is read without validators."""

_SPREAD = 0.1
_MOST_SPREAD = timedelta(minutes=5)
_MOST_DOUBLINGS = 60
"""From a microsecond to longer than anybody waits."""


def next_poll_after(
    now: datetime, every: timedelta, jitter: float, *, wish: timedelta | None = None
) -> datetime:
    """The next regular poll: the interval, or the server's wish where that is longer, spread a little."""
    interval = max(every, min(wish or timedelta(0), LONGEST_WAIT))
    return now + interval + _spread(interval, jitter)


def confirm_after(now: datetime, every: timedelta, jitter: float) -> datetime:
    """When a held reply is asked for again."""
    wait = min(every, CONFIRM_AFTER)
    return now + wait + _spread(wait, jitter)


def back_off(now: datetime, every: timedelta, failures: int, jitter: float) -> datetime:
    """The poll after the n-th failure in a row: twice as long each time, up to a day.

    What is polled more rarely than that keeps its interval: a failure never makes us ask more often.
    """
    longest = max(every, LONGEST_WAIT)
    wait = _doubled(every, failures - 1, longest)
    return now + min(wait * (1 + jitter / 4), longest)


@dataclass(frozen=True, slots=True)
class FailureVerdict:
    """What a failed poll leads to. `host_rests_until` holds for the whole host."""

    next_poll_at: datetime
    retire: bool = False
    host_rests_until: datetime | None = None
    notice: Notice | None = None


def judge_failure(
    task: PollTask, failure: FetchFailed, *, now: datetime, every: timedelta, jitter: float
) -> FailureVerdict:
    """Section 7 of the design for one failed poll of one feed."""
    if failure.reason is Reason.GONE and not failure.led:
        notice = Notice(NoticeKind.FEED_RETIRED, now, feeds=(NoticeLine(task.feed),), reason=failure.reason)
        return FailureVerdict(now + LONGEST_WAIT, retire=True, notice=notice)
    rest = _rest(failure)
    next_poll_at = back_off(now, every, task.failures + 1, jitter)
    if rest:
        next_poll_at = max(next_poll_at, now + rest + _spread(rest, jitter))
    return FailureVerdict(
        next_poll_at,
        host_rests_until=now + rest if rest and failure.reason is Reason.RATE_LIMITED else None,
        notice=_announce_broken(task, failure.reason, now),
    )


def is_own_outage(answers: Iterable[tuple[str, Reason | None]]) -> bool:
    """Whether no host answered though at least two were tried: then our own network is at fault.

    `answers` has the host of each poll of a round and why it failed (None: it did not).
    """
    tried: set[str] = set()
    for host, reason in answers:
        if reason not in NETWORK_REASONS:
            return False
        tried.add(host)
    return len(tried) >= 2


def is_broken_by_now(failures: int, failing_since_at: datetime | None, now: datetime) -> bool:
    """Whether what has failed so often and so long, this time included, is to be called broken."""
    return (
        failures >= BROKEN_AFTER_FAILURES
        and failing_since_at is not None
        and now - failing_since_at >= BROKEN_AFTER
    )


# ── deliveries ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to go on trying: the first wait, the longest wait, and when to give up."""

    first: timedelta
    most: timedelta
    give_up: timedelta
    drop_ambiguous: bool = False


def judge_attempt(
    claim: ClaimedMessage, outcome: NotifyOutcome, policy: RetryPolicy, *, now: datetime, jitter: float
) -> Settlement:
    """How one attempt to send a message ends (design, section 8.3)."""
    if isinstance(outcome, Delivered):
        return Settlement(Settled.DELIVERED)
    gave_up = now - claim.first_attempt_at >= policy.give_up
    again_at = next_attempt_after(now, claim.attempts, policy, jitter)
    if not isinstance(outcome, NotifyFailed):
        return _judge_silence(policy, again_at, gave_up=gave_up)
    judged = _judge_failure(claim, outcome, now, again_at, gave_up=gave_up)
    # Another process, or the message's parts, would not know who has it already.
    return replace(judged, may_have_arrived=True) if outcome.partly else judged


def _judge_failure(
    claim: ClaimedMessage, outcome: NotifyFailed, now: datetime, again_at: datetime, *, gave_up: bool
) -> Settlement:
    if outcome.reason is Reason.RATE_LIMITED:
        return _judge_rate_limit(outcome, now, again_at, gave_up=gave_up)
    if gave_up:
        return Settlement(Settled.DEAD, reason=Reason.GAVE_UP, detail=outcome.detail)
    wished_at = now + (outcome.retry_after or timedelta(0))
    if outcome.reason is Reason.REFUSED:
        return _judge_refusal(claim, outcome, now, max(again_at, wished_at))
    return Settlement(Settled.AGAIN, max(again_at, wished_at), outcome.reason, outcome.detail)


def judge_address(
    address: str, health: AddressHealth, settlement: Settlement, now: datetime
) -> tuple[AddressHealth, Notice | None]:
    """How an address fares after an attempt, and what there is to say of it to others: once an outage.

    Whatever did not deliver counts, to be asked for rest as well: a service that rests for hours, and then
    takes nothing either, must not do so unseen.
    """
    if settlement.outcome is Settled.DELIVERED:
        return AddressHealth(), _announce_recovered(address, health, now)
    since_at = health.failing_since_at or now
    if health.announced or not is_failing_by_now(since_at, now):
        return AddressHealth(since_at, health.announced), None
    notice = Notice(
        NoticeKind.TARGET_FAILING, now, account=address, reason=settlement.reason, since_at=since_at
    )
    return AddressHealth(since_at, announced=True), notice


def is_failing_by_now(failing_since_at: datetime | None, now: datetime) -> bool:
    """Whether what has taken nothing since then is to be called failing."""
    return failing_since_at is not None and now - failing_since_at >= FAILING_AFTER


def next_attempt_after(now: datetime, attempts: int, policy: RetryPolicy, jitter: float) -> datetime:
    """The next attempt after `attempts` of them: the wait doubles up to `most`."""
    return now + min(_doubled(policy.first, attempts - 1, policy.most) * (1 + jitter / 4), policy.most)


def _judge_silence(policy: RetryPolicy, again_at: datetime, *, gave_up: bool) -> Settlement:
    """Nobody knows whether it arrived: as the policy has it, it may come twice or be lost; never unseen."""
    if policy.drop_ambiguous:
        return Settlement(Settled.DEAD, reason=Reason.AMBIGUOUS, may_have_arrived=True)
    if gave_up:
        return Settlement(Settled.DEAD, reason=Reason.GAVE_UP, may_have_arrived=True)
    return Settlement(Settled.AGAIN, again_at, Reason.AMBIGUOUS, may_have_arrived=True)


def _judge_refusal(
    claim: ClaimedMessage, outcome: NotifyFailed, now: datetime, again_at: datetime
) -> Settlement:
    """Refused alone while others get through it is to blame; refused five times its parts are tried."""
    reason, detail = outcome.reason, outcome.detail
    if claim.alone and claim.works:
        return Settlement(Settled.DEAD, reason=reason, detail=detail)
    if not claim.alone and claim.refusals + 1 >= REFUSALS_BEFORE_SETTING_APART:
        return Settlement(Settled.SET_APART, now, reason, detail, refused=True)
    return Settlement(Settled.AGAIN, again_at, reason, detail, refused=True)


def _judge_rate_limit(
    outcome: NotifyFailed, now: datetime, again_at: datetime, *, gave_up: bool
) -> Settlement:
    """A rest whose length the service named is kept to the instant, and is no part of a message's life."""
    reason, detail = outcome.reason, outcome.detail
    if outcome.retry_after is not None:
        rest = max(outcome.retry_after, LEAST_REST)
        return Settlement(Settled.AGAIN, now + rest, reason, detail, rest=rest)
    if gave_up:
        return Settlement(Settled.DEAD, reason=Reason.GAVE_UP, detail=detail, rest=timedelta(0))
    return Settlement(Settled.AGAIN, again_at, reason, detail, rest=timedelta(0))


def _announce_recovered(address: str, health: AddressHealth, now: datetime) -> Notice | None:
    if not health.announced:
        return None
    return Notice(NoticeKind.TARGET_RECOVERED, now, account=address, since_at=health.failing_since_at)


def _rest(failure: FetchFailed) -> timedelta | None:
    if failure.reason is Reason.RATE_LIMITED:
        return failure.retry_after if failure.retry_after is not None else RATE_REST
    if failure.reason is Reason.UNAVAILABLE and failure.retry_after is None:
        return SERVER_REST
    return failure.retry_after


def _announce_broken(task: PollTask, reason: Reason, now: datetime) -> Notice | None:
    if task.broken_announced or not is_broken_by_now(task.failures + 1, task.failing_since_at, now):
        return None
    return Notice(
        NoticeKind.FEED_BROKEN,
        now,
        feeds=(NoticeLine(task.feed),),
        reason=reason,
        since_at=task.failing_since_at,
    )


def _spread(wait: timedelta, jitter: float) -> timedelta:
    return min(wait * _SPREAD, _MOST_SPREAD) * jitter


def _doubled(first: timedelta, times: int, most: timedelta) -> timedelta:
    wait = first
    for _ in range(min(times, _MOST_DOUBLINGS)):
        if wait >= most:
            break
        wait *= 2
    return min(wait, most)
