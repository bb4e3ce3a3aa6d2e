"""The clock and the dice: what the core may not have, handed to those who ask for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """`now()` is an aware UTC instant, `jitter()` a number from 0 up to 1."""

    now: Callable[[], datetime]
    jitter: Callable[[], float]


def _now() -> datetime:
    return datetime.now(UTC)


# Jitter spreads requests; nothing secret hangs on it.
SYSTEM_CLOCK = Clock(now=_now, jitter=random.random)
