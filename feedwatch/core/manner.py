"""How a route tells what it selects: at once or as a digest, in which hours, in whose words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedwatch.core.calendar import Digest, Quiet


@dataclass(frozen=True, slots=True)
class Manner:
    """How changes are told. Those with the same `key` to one address are told together.

    `template` names a set of templates of the configuration, `pictures` says whether pictures go along,
    `limit` how many titles one message names at most; the others are counted.
    """

    digest: Digest | None = None
    quiet: Quiet | None = None
    template: str | None = None
    pictures: bool = True
    limit: int | None = None

    @property
    def key(self) -> str:
        """The same text for the same manner; empty where nothing is special about it."""
        said = (
            f"digest {self.digest}" if self.digest else "",
            f"quiet {self.quiet}" if self.quiet else "",
            f"template {self.template}" if self.template else "",
            "" if self.pictures else "no pictures",
            f"limit {self.limit}" if self.limit is not None else "",
        )
        return "; ".join(filter(None, said))


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class MannerNow:
    """What a manner means at one instant.

    `quiet_until_at`: nothing but what is urgent is told before then. `period_at` is when the last digest was
    due, `next_period_at` when the next is; None where there are no digests.
    """

    quiet_until_at: datetime | None = None
    period_at: datetime | None = None
    next_period_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What a message is made of: how it is told, as which part of how a digest's period is told."""

    manner: Manner = PLAIN
    period_at: datetime | None = None
    part: int = 1


def look_at(manner: Manner, now: datetime) -> MannerNow:
    """Say what a manner means now."""
    digest = manner.digest
    return MannerNow(
        quiet_until_at=manner.quiet.until(now) if manner.quiet else None,
        period_at=digest.latest_until(now) if digest else None,
        next_period_at=digest.next_after(now) if digest else None,
    )
