"""A bucket lets through what a rate says, and no more, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.bucket import Bucket, Rate

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NO_WAIT = timedelta(0)
SECOND = timedelta(seconds=1)

rates = st.builds(
    Rate, st.integers(1, 8), st.integers(1, 100_000).map(lambda each: timedelta(milliseconds=each))
)
steps = st.lists(st.integers(0, 50_000).map(lambda each: timedelta(milliseconds=each)), max_size=60)


def take(bucket: Bucket, now: datetime) -> Bucket:
    bucket, wait = bucket.take(now)
    assert wait == NO_WAIT
    return bucket


@given(rates, steps)
def test_no_span_sees_more_than_the_rate(rate: Rate, pauses: list[timedelta]) -> None:
    """However often it is asked, of any `count` + 1 that got through the last came `per` after the first."""
    bucket, now, taken = Bucket(rate), NOW, []
    for pause in pauses:
        now += pause
        bucket, wait = bucket.take(now)
        if not wait:
            taken.append(now)
    assert all(last - first >= rate.per for first, last in zip(taken, taken[rate.count :], strict=False))


@given(rates, steps)
def test_what_waited_as_long_as_it_was_told_gets_through(rate: Rate, pauses: list[timedelta]) -> None:
    """The wait is right to the instant: a microsecond earlier there is nothing, then there is."""
    bucket, now = Bucket(rate), NOW
    for pause in pauses:
        now += pause
        bucket, wait = bucket.take(now)
        assert wait <= rate.per
        if wait:
            assert bucket.wait_from(now + wait - timedelta(microseconds=1))
            now += wait
            bucket = take(bucket, now)


@given(rates, steps, st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_clock_that_is_set_back_makes_no_wait_longer(
    rate: Rate, pauses: list[timedelta], back: timedelta
) -> None:
    """Who has to wait for two seconds waits for two seconds, whatever year it is called meanwhile."""
    bucket, now = Bucket(rate), NOW
    for pause in pauses:
        now += pause
        bucket, _ = bucket.take(now)
    assert bucket.wait_from(now - back) == bucket.wait_from(now)


def test_a_burst_gets_through_and_then_waits_for_its_first() -> None:
    """Five in two seconds: five at once, the sixth when the first is two seconds old."""
    bucket = Bucket(Rate(5, 2 * SECOND))
    for number in range(5):
        bucket = take(bucket, NOW + number * SECOND / 10)
    assert bucket.wait_from(NOW + SECOND) == SECOND


def test_asking_takes_nothing() -> None:
    """Where there is no token, the bucket is the same after asking for one."""
    bucket = take(Bucket(Rate(1, SECOND)), NOW)
    for _ in range(3):
        bucket, wait = bucket.take(NOW)
        assert wait == SECOND
    assert bucket.wait_from(NOW + SECOND) == NO_WAIT


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_emptied_bucket_is_empty_for_as_long_as_it_was_told(taken: int) -> None:
    """However many were left, none is there until the rest is over; then all are."""
    bucket = Bucket(Rate(3, SECOND))
    for _ in range(taken):
        bucket = take(bucket, NOW)
    bucket = bucket.empty(NOW, 10 * SECOND)
    assert bucket.wait_from(NOW) == 10 * SECOND
    for _ in range(3):
        bucket = take(bucket, NOW + 10 * SECOND)


def test_emptied_bucket_gives_nothing_back_early() -> None:
    """A short rest does not bring back what was taken for longer."""
    bucket = take(take(Bucket(Rate(2, timedelta(minutes=1))), NOW), NOW)
    assert bucket.empty(NOW, SECOND).wait_from(NOW) == timedelta(minutes=1)
