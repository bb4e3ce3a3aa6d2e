"""From what rounds took to what a feed costs. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LEAST = 0.02
"""Milliseconds. Less than any fetch takes is noise: no ratio is made of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one round took, start-up and all."""

    wall: float
    cpu: float
    """Seconds of the program and of all that it started."""
    peak: int
    """Bytes of memory."""
    written: int = 0
    """Entries that were added or rewritten."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a kind of round takes: the medians of some rounds."""

    cost: float
    """Milliseconds of CPU for each feed, start-up removed."""
    start: float
    """Milliseconds of CPU that are of no feed."""
    start_wall: float
    """Seconds of wall time that the small round took."""
    wall: float
    peak: int
    written: int


def sum_up(rounds: Sequence[Taken], feeds: int, small: Sequence[Taken], few: int) -> Figures:
    """What is between a round of many feeds and one of a few, for each feed; the rest is start-up."""
    most, least = _median(rounds, lambda each: each.cpu), _median(small, lambda each: each.cpu)
    cost = (most - least) / (feeds - few)
    return Figures(
        cost=cost * 1000,
        start=max(least - few * cost, 0) * 1000,
        start_wall=_median(small, lambda each: each.wall),
        wall=_median(rounds, lambda each: each.wall),
        peak=round(_median(rounds, lambda each: each.peak)),
        written=round(_median(rounds, lambda each: each.written)),
    )


def compare(cost: float, other: float) -> float | None:
    """How many times as much the one is; None where that says nothing."""
    return cost / other if other >= _LEAST else None


def _median(rounds: Sequence[Taken], of: Callable[[Taken], float]) -> float:
    return statistics.median(map(of, rounds))
