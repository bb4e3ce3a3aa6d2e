"""When to poll next, and when to try again: pure arithmetic over policy, failures and jitter.

`jitter` is a number from 0 up to 1, drawn by the caller. It only ever delays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from feedwatch.core.model import (
    NETWORK_REASONS,
    Delivered,
    FetchFailed,
    Notice,
    NoticeKind,
    NoticeLine,
    NotifyFailed,
    NotifyOutcome,
    Reason,
)
from feedwatch.core.state import ClaimedMessage, PollTask, Settled, Settlement

LONGEST_WAIT = timedelta(days=1)
"""However a server fails or wishes, it is asked once a day: a feed is never silently given up."""
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
    if failure.reason is Reason.GONE:
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
    ambiguous = not isinstance(outcome, NotifyFailed)
    reason = outcome.reason if isinstance(outcome, NotifyFailed) else Reason.AMBIGUOUS
    detail = outcome.detail if isinstance(outcome, NotifyFailed) else ""
    refused = reason is Reason.REFUSED
    if ambiguous and policy.drop_ambiguous:
        return Settlement(Settled.DELIVERED, reason=reason)
    if now - claim.first_attempt_at >= policy.give_up:
        return Settlement(Settled.DEAD, reason=Reason.GAVE_UP, detail=detail)
    if refused and claim.alone and claim.works:
        return Settlement(Settled.DEAD, reason=reason, detail=detail)
    if refused and not claim.alone and claim.refusals + 1 >= REFUSALS_BEFORE_SETTING_APART:
        return Settlement(Settled.SET_APART, now, reason, detail, refused=True)
    retry_after = outcome.retry_after if isinstance(outcome, NotifyFailed) else None
    at = next_attempt_after(now, claim.attempts, policy, jitter, retry_after=retry_after)
    return Settlement(Settled.AGAIN, at, reason, detail, refused=refused)


def next_attempt_after(
    now: datetime,
    attempts: int,
    policy: RetryPolicy,
    jitter: float,
    *,
    retry_after: timedelta | None = None,
) -> datetime:
    """The next attempt after `attempts` of them: doubled up to `most`, never before the service's wish."""
    wait = min(_doubled(policy.first, attempts - 1, policy.most) * (1 + jitter / 4), policy.most)
    return now + max(wait, retry_after or timedelta(0))


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
