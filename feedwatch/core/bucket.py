"""How many messages a service takes in how much time: buckets of tokens, one token a message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages, at least one, in any span of so long."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Bucket:
    """The tokens of one rate. A token that was taken comes back `per` later.

    So no span of that length sees more than `count`, wherever it begins; a bucket that fills up evenly
    would let twice as many through. `back_at` is when those taken come back, soonest first; `seen_at` when
    one was taken last.
    """

    rate: Rate
    back_at: tuple[datetime, ...] = ()
    seen_at: datetime | None = None

    def wait_from(self, now: datetime) -> timedelta:
        """How long it takes until there is a token; zero if there is one."""
        gone = self._move_to(now).back_at
        return gone[0] - now if len(gone) >= self.rate.count else timedelta(0)

    def take(self, now: datetime) -> tuple[Bucket, timedelta]:
        """Take a token; where there is none, give the same bucket and how long to wait."""
        wait = self.wait_from(now)
        bucket = self._move_to(now)
        if wait:
            return bucket, wait
        return replace(bucket, back_at=tuple(sorted((*bucket.back_at, now + self.rate.per)))), wait

    def empty(self, now: datetime, rest: timedelta) -> Bucket:
        """Let no token be there, or come back, for so long: the service itself said that it is too much."""
        bucket = self._move_to(now)
        there = (now,) * (self.rate.count - len(bucket.back_at))
        back_at = tuple(max(each, now + rest) for each in (*there, *bucket.back_at))
        return replace(bucket, back_at=tuple(sorted(back_at)))

    def _move_to(self, now: datetime) -> Bucket:
        """The bucket as it is now. A clock that was set back makes no wait longer."""
        set_back = max(self.seen_at - now, timedelta(0)) if self.seen_at else timedelta(0)
        back_at = tuple(each - set_back for each in self.back_at)
        return Bucket(self.rate, tuple(each for each in back_at if each > now), now)
