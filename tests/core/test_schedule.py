"""When to ask and when to send again: never sooner than wished, never silently given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.messages import Delivered, Markup, NotifyFailed, NotifyOutcome, NotifyTimedOut
from feedwatch.core.model import FeedState, FetchFailed, Kind, NoticeKind, Reason
from feedwatch.core.schedule import (
    RetryPolicy,
    back_off,
    confirm_after,
    is_broken_by_now,
    is_own_outage,
    judge_address,
    judge_attempt,
    judge_failure,
    next_attempt_after,
    next_poll_after,
)
from feedwatch.core.state import AddressHealth, ClaimedMessage, PollTask, Settled, Settlement

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
EVERY = timedelta(minutes=15)

JITTER = st.floats(0, 1, exclude_max=True)
EVERYS = st.timedeltas(SECOND, timedelta(days=40))
FAILURES = st.integers(1, 5000)
WISHES = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
POLICIES = st.builds(
    RetryPolicy,
    first=st.timedeltas(timedelta(milliseconds=1), timedelta(days=2)),
    most=st.timedeltas(SECOND, timedelta(days=30)),
    give_up=st.timedeltas(MINUTE, timedelta(days=30)),
)

TASK = PollTask(
    feed_id=1,
    account="jane",
    name="queue",
    kind=Kind.QUEUE,
    address="https://api.example.net/queue",
    number=1,
    landed=0,
    state=FeedState.OK,
    first=False,
)


# ── polls ─────────────────────────────────────────────────────────────────────────────────────────


@given(every=EVERYS, jitter=JITTER, wish=WISHES)
def test_the_next_poll_is_neither_early_nor_much_too_late(
    every: timedelta, jitter: float, wish: timedelta | None
) -> None:
    """A server's wish can only make the interval longer, up to a day; jitter adds a tenth at most."""
    wait = next_poll_after(NOW, every, jitter, wish=wish) - NOW
    interval = max(every, min(wish or timedelta(0), DAY))
    assert interval <= wait <= interval + min(interval / 10, 5 * MINUTE)
    assert next_poll_after(NOW, every, 0, wish=wish) - NOW == interval


@given(every=EVERYS, jitter=JITTER)
def test_a_held_reply_is_asked_for_again_within_two_minutes(every: timedelta, jitter: float) -> None:
    """The confirmation comes soon, but not sooner than the feed is asked for anyway."""
    wait = confirm_after(NOW, every, jitter) - NOW
    assert min(every, 90 * SECOND) <= wait < 2 * MINUTE


@given(every=EVERYS, failures=FAILURES, jitters=st.tuples(JITTER, JITTER))
def test_a_longer_streak_of_failures_is_never_a_shorter_wait(
    every: timedelta, failures: int, jitters: tuple[float, float]
) -> None:
    """Each failure makes the wait at least as long as the one before, whatever the dice say, up to a day."""
    first, second = (back_off(NOW, every, failures + n, jitter) - NOW for n, jitter in enumerate(jitters))
    assert every <= first <= second <= max(every, DAY)


def test_the_wait_doubles_up_to_a_day_for_ever() -> None:
    """A quarter of an hour becomes half an hour, and so on; after a thousand failures it is a day."""
    waits = [back_off(NOW, EVERY, failures, 0) - NOW for failures in (1, 2, 3, 7, 8, 1000)]
    assert waits == [EVERY, 2 * EVERY, 4 * EVERY, 16 * HOUR, DAY, DAY]


def test_a_feed_polled_weekly_is_not_asked_more_often_because_it_fails() -> None:
    """The day that ends every doubling does not shorten a longer interval."""
    assert back_off(NOW, 7 * DAY, 3, 0.5) == NOW + 7 * DAY


REASONS = st.sampled_from([r for r in Reason if r is not Reason.GONE])


@given(reason=REASONS, retry_after=WISHES, every=EVERYS, failures=st.integers(0, 50), jitter=JITTER)
def test_no_failure_is_asked_again_before_its_server_wishes(
    reason: Reason, retry_after: timedelta | None, every: timedelta, failures: int, jitter: float
) -> None:
    """Neither before Retry-After nor before the back-off; only a limit lets the whole host rest."""
    task = replace(TASK, failures=failures)
    verdict = judge_failure(
        task, FetchFailed(reason, retry_after=retry_after), now=NOW, every=every, jitter=jitter
    )
    assert verdict.next_poll_at >= NOW + (retry_after or timedelta(0))
    assert verdict.next_poll_at >= back_off(NOW, every, failures + 1, jitter)
    if reason is not Reason.RATE_LIMITED:
        assert verdict.host_rests_until is None
    elif retry_after:
        assert verdict.host_rests_until == NOW + retry_after
    assert not verdict.retire


@pytest.mark.parametrize(
    ("failure", "wait", "host_rests"),
    [
        (FetchFailed(Reason.UNAVAILABLE), 2 * MINUTE, None),
        (FetchFailed(Reason.UNAVAILABLE, retry_after=HOUR), HOUR, None),
        (FetchFailed(Reason.UNAVAILABLE, retry_after=timedelta(0)), MINUTE, None),
        (FetchFailed(Reason.RATE_LIMITED), 5 * MINUTE, 5 * MINUTE),
        (FetchFailed(Reason.RATE_LIMITED, retry_after=HOUR), HOUR, HOUR),
        (FetchFailed(Reason.RATE_LIMITED, retry_after=10 * SECOND), MINUTE, 10 * SECOND),
        (FetchFailed(Reason.NOT_FOUND), MINUTE, None),
        (FetchFailed(Reason.SERVER_ERROR, retry_after=HOUR), HOUR, None),
        (FetchFailed(Reason.TORN), MINUTE, None),
    ],
    ids=lambda value: value.reason if isinstance(value, FetchFailed) else "",
)
def test_what_a_failure_leads_to(failure: FetchFailed, wait: timedelta, host_rests: timedelta | None) -> None:
    """An unavailable server gets two minutes, a limit five for the whole host, unless they say more."""
    verdict = judge_failure(TASK, failure, now=NOW, every=MINUTE, jitter=0)
    assert verdict.next_poll_at - NOW == wait
    assert verdict.host_rests_until == (NOW + host_rests if host_rests else None)
    assert verdict.notice is None


def test_what_is_gone_is_retired_with_a_notice() -> None:
    """A 410 ends a feed, and says so."""
    verdict = judge_failure(TASK, FetchFailed(Reason.GONE), now=NOW, every=EVERY, jitter=0)
    assert verdict.retire
    assert verdict.notice is not None
    assert (verdict.notice.kind, verdict.notice.reason) == (NoticeKind.FEED_RETIRED, Reason.GONE)
    assert [line.feed for line in verdict.notice.feeds] == ["jane/queue"]


@pytest.mark.parametrize(
    ("before", "since", "announced", "told"),
    [
        (2, HOUR, False, True),
        (9, 3 * DAY, False, True),
        (9, 3 * DAY, True, False),
        (1, 3 * DAY, False, False),
        (9, HOUR - SECOND, False, False),
        (0, None, False, False),
    ],
    ids=["third in an hour", "long since", "said already", "second only", "not an hour yet", "first"],
)
def test_a_feed_is_called_broken_once(
    before: int, since: timedelta | None, *, announced: bool, told: bool
) -> None:
    """Three failures in a row over an hour at least make one notice, with the reason and since when."""
    since_at = NOW - since if since else None
    task = replace(TASK, failures=before, failing_since_at=since_at, broken_announced=announced)
    notice = judge_failure(task, FetchFailed(Reason.DNS), now=NOW, every=EVERY, jitter=0).notice
    assert (notice is not None) == told
    if notice:
        assert (notice.kind, notice.reason) == (NoticeKind.FEED_BROKEN, Reason.DNS)
        assert notice.since_at == since_at
    assert is_broken_by_now(before + 1, since_at, NOW) == (told or announced)


@pytest.mark.parametrize(
    ("answers", "ours"),
    [
        ([("a", Reason.DNS), ("b", Reason.CONNECT), ("a", Reason.TIMEOUT)], True),
        ([("a", Reason.DNS), ("b", None)], False),
        ([("a", Reason.DNS), ("b", Reason.NOT_FOUND)], False),
        ([("a", Reason.DNS), ("b", Reason.TLS)], False),
        ([("a", Reason.DNS), ("a", Reason.TIMEOUT)], False),
        ([], False),
    ],
    ids=[
        "nobody answers",
        "one is well",
        "one says no",
        "one shakes hands badly",
        "one host only",
        "no poll",
    ],
)
def test_whose_fault_it_is_that_nobody_answers(
    answers: list[tuple[str, Reason | None]], *, ours: bool
) -> None:
    """Only if no host answers at all, and at least two were tried, it is our own network."""
    assert is_own_outage(answers) == ours


# ── deliveries ────────────────────────────────────────────────────────────────────────────────────

POLICY = RetryPolicy(first=30 * SECOND, most=HOUR, give_up=5 * DAY)
CLAIM = ClaimedMessage(
    id=1,
    address="phone/1",
    token="t",
    title="",
    body="",
    markup=Markup.TEXT,
    attempts=1,
    refusals=0,
    first_attempt_at=NOW,
)
REFUSED = NotifyFailed(Reason.REFUSED, "no such channel")
DOWN = NotifyFailed(Reason.UNREACHABLE)
OUTCOMES = st.one_of(
    st.just(Delivered()),
    st.just(NotifyTimedOut()),
    st.builds(
        NotifyFailed,
        reason=st.sampled_from([Reason.REFUSED, Reason.RATE_LIMITED, Reason.UNREACHABLE]),
        retry_after=st.none() | st.timedeltas(timedelta(0), timedelta(days=40)),
    ),
)
CLAIMS = st.builds(
    lambda attempts, refusals, alone, works, age: replace(
        CLAIM, attempts=attempts, refusals=refusals, alone=alone, works=works, first_attempt_at=NOW - age
    ),
    attempts=st.integers(1, 5000),
    refusals=st.integers(0, 12),
    alone=st.booleans(),
    works=st.booleans(),
    age=st.timedeltas(timedelta(0), timedelta(days=40)),
)


def judge(claim: ClaimedMessage, outcome: NotifyOutcome, policy: RetryPolicy = POLICY) -> Settlement:
    return judge_attempt(claim, outcome, policy, now=NOW, jitter=0)


@given(policy=POLICIES, attempts=st.integers(1, 5000), jitters=st.tuples(JITTER, JITTER))
def test_attempts_grow_apart_up_to_the_longest_wait(
    policy: RetryPolicy, attempts: int, jitters: tuple[float, float]
) -> None:
    """Each wait is as long as the one before or longer, up to the most there is."""
    first, second = (
        next_attempt_after(NOW, attempts + n, policy, jitter) - NOW for n, jitter in enumerate(jitters)
    )
    assert min(policy.first, policy.most) <= first <= second <= policy.most


@given(claim=CLAIMS, outcome=OUTCOMES, policy=POLICIES, jitter=JITTER)
def test_every_attempt_ends_in_one_of_four_ways(
    claim: ClaimedMessage, outcome: NotifyOutcome, policy: RetryPolicy, jitter: float
) -> None:
    """Delivered is only what was taken, dead only what was given up or refused alone; the rest goes on."""
    settled = judge_attempt(claim, outcome, policy, now=NOW, jitter=jitter)
    old = NOW - claim.first_attempt_at >= policy.give_up
    refused = isinstance(outcome, NotifyFailed) and outcome.reason is Reason.REFUSED
    assert (settled.outcome is Settled.DELIVERED) == isinstance(outcome, Delivered)
    if settled.outcome is Settled.DEAD:
        assert old or (refused and claim.alone and claim.works)
        assert settled.next_attempt_at is None
    elif settled.outcome is Settled.AGAIN:
        wish = outcome.retry_after if isinstance(outcome, NotifyFailed) else None
        assert settled.next_attempt_at is not None
        assert settled.next_attempt_at >= NOW + (wish or timedelta(0))
        if settled.reason is Reason.RATE_LIMITED and wish is not None:
            assert settled.next_attempt_at == NOW + max(wish, SECOND)
        else:
            assert not old
            assert settled.next_attempt_at >= NOW + min(policy.first, policy.most)
    elif settled.outcome is Settled.SET_APART:
        assert refused
        assert not claim.alone
        assert settled.next_attempt_at == NOW
    if settled.outcome in (Settled.AGAIN, Settled.SET_APART):
        assert settled.refused == refused
    assert settled.may_have_arrived == isinstance(outcome, NotifyTimedOut)
    limited = isinstance(outcome, NotifyFailed) and outcome.reason is Reason.RATE_LIMITED
    assert (settled.rest is not None) == limited


def test_ten_failures_are_ten_times_patience() -> None:
    """An unreachable service is tried after half a minute, a minute, and so on up to an hour."""
    waits = [(judge(replace(CLAIM, attempts=n), DOWN).next_attempt_at or NOW) - NOW for n in range(1, 11)]
    assert waits == [30 * SECOND * 2**n for n in range(7)] + [HOUR] * 3


@pytest.mark.parametrize("outcome", [DOWN, REFUSED, NotifyTimedOut()], ids=["down", "refused", "timed out"])
def test_after_five_days_a_message_is_given_up(outcome: NotifyOutcome) -> None:
    """Not before the policy's time since the first attempt, whatever keeps it, and then visibly."""
    for alone in (False, True):
        claim = replace(CLAIM, first_attempt_at=NOW - 5 * DAY, attempts=99, refusals=9, alone=alone)
        assert judge(claim, outcome).outcome is Settled.DEAD
        assert judge(claim, outcome).reason is Reason.GAVE_UP
        younger = replace(claim, first_attempt_at=NOW - 5 * DAY + SECOND)
        assert judge(younger, outcome).outcome is not Settled.DEAD
    assert judge(replace(CLAIM, first_attempt_at=NOW - 9 * DAY), Delivered()).outcome is Settled.DELIVERED


def test_after_five_refusals_deliveries_are_tried_one_by_one() -> None:
    """The fifth refusal sets a message apart at once; failures of another kind never do."""
    told = [judge(replace(CLAIM, attempts=9, refusals=before), REFUSED) for before in range(5)]
    assert [each.outcome for each in told] == [*[Settled.AGAIN] * 4, Settled.SET_APART]
    assert (told[-1].next_attempt_at, told[-1].reason, told[-1].detail) == (
        NOW,
        Reason.REFUSED,
        "no such channel",
    )
    assert all(each.refused for each in told)
    assert judge(replace(CLAIM, attempts=99, refusals=9), DOWN).outcome is Settled.AGAIN
    assert not judge(CLAIM, DOWN).refused


def test_one_refused_while_another_gets_through_is_dead() -> None:
    """Set apart and refused again it waits, unless its address takes others: then it is to blame."""
    apart = replace(CLAIM, refusals=5, alone=True)
    assert judge(apart, REFUSED).outcome is Settled.AGAIN
    dead = judge(replace(apart, works=True), REFUSED)
    assert (dead.outcome, dead.reason, dead.detail) == (Settled.DEAD, Reason.REFUSED, "no such channel")
    assert judge(replace(apart, works=True), DOWN).outcome is Settled.AGAIN


def test_a_service_that_wants_rest_gets_it() -> None:
    """A rate limit is no refusal, and puts the next attempt off for as long as the service asks."""
    limited = judge(replace(CLAIM, refusals=4), NotifyFailed(Reason.RATE_LIMITED, retry_after=3 * HOUR))
    assert (limited.outcome, limited.next_attempt_at) == (Settled.AGAIN, NOW + 3 * HOUR)
    assert (limited.reason, limited.refused) == (Reason.RATE_LIMITED, False)


@pytest.mark.parametrize("told", [10 * SECOND, 3 * HOUR, DAY], ids=str)
def test_a_rest_that_was_told_is_kept_to_the_instant(told: timedelta) -> None:
    """Shorter or longer than our own wait would be, and without jitter: as long as the service says."""
    limited = NotifyFailed(Reason.RATE_LIMITED, retry_after=told)
    claim = replace(CLAIM, attempts=9)
    assert judge_attempt(claim, limited, POLICY, now=NOW, jitter=0.9).next_attempt_at == NOW + told


def test_a_service_that_asks_for_no_rest_is_not_asked_without_end() -> None:
    """A Retry-After of nothing is a second: else a refusal would be answered at once, for ever."""
    limited = NotifyFailed(Reason.RATE_LIMITED, retry_after=timedelta(0))
    assert judge(CLAIM, limited).next_attempt_at == NOW + SECOND


def test_a_rest_of_no_length_is_ours_to_choose() -> None:
    """A rate limit that does not say how long waits as after any failure, and ends a life like any."""
    limited = NotifyFailed(Reason.RATE_LIMITED)
    assert judge(replace(CLAIM, attempts=3), limited).next_attempt_at == NOW + 2 * MINUTE
    old = judge(replace(CLAIM, first_attempt_at=NOW - 5 * DAY), limited)
    assert (old.outcome, old.reason) == (Settled.DEAD, Reason.GAVE_UP)


def test_a_message_that_is_told_to_wait_is_not_given_up() -> None:
    """A service that says when it will take a message is no reason to lose it, however old that is."""
    limited = NotifyFailed(Reason.RATE_LIMITED, retry_after=2 * HOUR)
    told = judge(replace(CLAIM, first_attempt_at=NOW - 9 * DAY), limited)
    assert (told.outcome, told.rest) == (Settled.AGAIN, 2 * HOUR)


def test_a_time_out_may_have_arrived() -> None:
    """What we stopped waiting for is sent again, unless the policy would rather lose than repeat it."""
    again = judge(CLAIM, NotifyTimedOut())
    assert (again.outcome, again.reason) == (Settled.AGAIN, Reason.AMBIGUOUS)
    dropped = judge(CLAIM, NotifyTimedOut(), replace(POLICY, drop_ambiguous=True))
    assert (dropped.outcome, dropped.reason) == (Settled.DEAD, Reason.AMBIGUOUS), "to be seen, not arrived"
    assert judge(CLAIM, DOWN, replace(POLICY, drop_ambiguous=True)).outcome is Settled.AGAIN


# ── targets that fail ─────────────────────────────────────────────────────────────────────────────

WELL = AddressHealth()
FAILED = judge(CLAIM, DOWN)
RESTING = judge(CLAIM, NotifyFailed(Reason.RATE_LIMITED, retry_after=HOUR))
TAKEN = judge(CLAIM, Delivered())


def failing(since: timedelta, *, announced: bool = False) -> AddressHealth:
    return AddressHealth(NOW - since, announced)


@pytest.mark.parametrize(
    ("health", "settlement", "after", "told"),
    [
        (WELL, TAKEN, WELL, None),
        (WELL, FAILED, AddressHealth(NOW), None),
        (WELL, RESTING, AddressHealth(NOW), None),
        (failing(4 * HOUR - SECOND), FAILED, failing(4 * HOUR - SECOND), None),
        (failing(4 * HOUR), FAILED, failing(4 * HOUR, announced=True), NoticeKind.TARGET_FAILING),
        (failing(4 * HOUR), RESTING, failing(4 * HOUR, announced=True), NoticeKind.TARGET_FAILING),
        (failing(4 * HOUR), TAKEN, WELL, None),
        (failing(DAY, announced=True), FAILED, failing(DAY, announced=True), None),
        (failing(DAY, announced=True), RESTING, failing(DAY, announced=True), None),
        (failing(DAY, announced=True), TAKEN, WELL, NoticeKind.TARGET_RECOVERED),
    ],
    ids=[
        "well",
        "first failure",
        "a rest, too",
        "not four hours yet",
        "four hours",
        "four hours, and told to rest",
        "back before anybody was told",
        "said already",
        "a rest ends no outage",
        "works again",
    ],
)
def test_a_target_is_called_failing_once_and_working_once(
    health: AddressHealth, settlement: Settlement, after: AddressHealth, told: NoticeKind | None
) -> None:
    """Nothing taken for four hours since the first failure is said once, and so is the end of it."""
    judged, notice = judge_address("phone/1", health, settlement, NOW)
    assert judged == after
    assert (notice.kind if notice else None) == told
    if notice:
        assert (notice.account, notice.since_at, notice.at) == ("phone/1", health.failing_since_at, NOW)


@pytest.mark.parametrize("outcome", [DOWN, REFUSED, NotifyTimedOut()], ids=["down", "refused", "timed out"])
@pytest.mark.parametrize("drop", [False, True], ids=["retry", "drop"])
def test_whatever_did_not_deliver_is_a_failure_of_its_target(outcome: NotifyOutcome, *, drop: bool) -> None:
    """Refused, unreachable or silent, tried again, set apart or given up: nothing was taken."""
    for claim in (CLAIM, replace(CLAIM, refusals=4), replace(CLAIM, first_attempt_at=NOW - 9 * DAY)):
        settlement = judge(claim, outcome, replace(POLICY, drop_ambiguous=drop))
        health, notice = judge_address("phone/1", failing(5 * HOUR), settlement, NOW)
        assert health.announced
        assert notice is not None
        assert notice.reason == settlement.reason
