"""Who has been sent how much lately. It is known for as long as the process lives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from feedwatch.core.bucket import Bucket, Rate
from feedwatch.notify.rates import Meter

_NO_WAIT = timedelta(0)


class Pace:
    """The buckets of all meters."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, Rate], Bucket] = {}

    def wait_for(self, meters: Iterable[Meter], now: datetime) -> timedelta:
        """How long until each of these takes a message; zero if all do now."""
        waits = (bucket.wait_from(now) for _, bucket in self._find(meters))
        return max(waits, default=_NO_WAIT)

    def take(self, meters: tuple[Meter, ...], now: datetime) -> timedelta:
        """Count a message for each of these; where one does not take it now, count none, and say how long."""
        wait = self.wait_for(meters, now)
        if not wait:
            self._buckets |= {name: bucket.take(now)[0] for name, bucket in self._find(meters)}
        return wait

    def empty(self, meters: tuple[Meter, ...], now: datetime, rest: timedelta | None) -> None:
        """Let these take nothing for as long as a service asked for, or else as each rate looks."""
        self._buckets |= {
            name: bucket.empty(now, bucket.rate.per if rest is None else rest)
            for name, bucket in self._find(meters)
        }

    def _find(self, meters: Iterable[Meter]) -> Iterator[tuple[tuple[str, Rate], Bucket]]:
        for meter in meters:
            for rate in meter.rates:
                name = (meter.key, rate)
                yield name, self._buckets.get(name) or Bucket(rate)
