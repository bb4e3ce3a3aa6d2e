"""The clock and the dice of the real world."""

from __future__ import annotations

from datetime import UTC, datetime

from feedwatch.clock import SYSTEM_CLOCK


def test_the_clock_tells_the_time_in_utc() -> None:
    """An aware instant, now."""
    before = datetime.now(UTC)
    now = SYSTEM_CLOCK.now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_the_dice_fall_between_nothing_and_one() -> None:
    """From 0 up to 1, and not always alike."""
    thrown = [SYSTEM_CLOCK.jitter() for _ in range(100)]
    assert all(0 <= each < 1 for each in thrown)
    assert len(set(thrown)) > 50
