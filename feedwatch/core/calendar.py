"""Times by the clock on somebody's wall: when a digest is due, and when it is quiet.

A zone is handed in. A time on the wall happens when a clock there first shows it or a later one: one that is
skipped in spring happens at the end of the gap, one that comes twice in autumn the first time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from feedwatch.core.where import Condition


class Every(StrEnum):
    """How often there is a digest."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALL_DAYS = frozenset(range(7))

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_STEPS = {Every.HOURLY: timedelta(hours=1), Every.DAILY: _DAY, Every.WEEKLY: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Digest:
    """When a digest is due; `day` counts from Monday, 0, and is None unless it is weekly."""

    every: Every
    zone: tzinfo = field(compare=False)
    zone_name: str
    at: time = time()
    day: int | None = None

    def __str__(self) -> str:
        """The same text for the same times: `weekly on sunday at 18:00 Europe/Berlin`."""
        day = f" on {DAYS[self.day]}" if self.day is not None else ""
        at = "" if self.every is Every.HOURLY else f" at {self.at:%H:%M}"
        return f"{self.every}{day}{at} {self.zone_name}"

    def next_after(self, now: datetime) -> datetime:
        """The first instant after `now` at which a digest is due."""
        return self._around(now)[1]

    def latest_until(self, now: datetime) -> datetime:
        """The last instant up to `now`, `now` itself included, at which a digest was due."""
        return self._around(now)[0]

    def _around(self, now: datetime) -> tuple[datetime, datetime]:
        """The last due instant up to `now` and the first after it."""
        # What the wall shows now has happened, at the latest now: so has what is earlier on it.
        wall = self._last_on(_show(now, self.zone))
        latest = _happen(wall, self.zone)
        while True:
            wall += _STEPS[self.every]
            following = _happen(wall, self.zone)
            if following > now:
                return latest, following
            latest = following

    def _last_on(self, wall: datetime) -> datetime:
        """The last time on the wall, up to `wall`, that is one of a digest."""
        if self.every is Every.HOURLY:
            return wall.replace(minute=0, second=0, microsecond=0)
        days_since = 0 if self.day is None else (wall.weekday() - self.day) % 7
        last = datetime.combine(wall.date() - timedelta(days=days_since), self.at)
        return last if last <= wall else last - _STEPS[self.every]


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of hours on some days of the week; one that ends before it starts ends the next day.

    `days` are those on which it starts, Monday is 0. Start and end differ.
    """

    start: time
    end: time
    zone: tzinfo = field(compare=False)
    zone_name: str
    days: frozenset[int] = ALL_DAYS

    def __str__(self) -> str:
        """The same text for the same hours: `22:00-07:00 mon-fri Europe/Berlin`."""
        days = "" if self.days == ALL_DAYS else f" {_describe_days(self.days)}"
        return f"{self.start:%H:%M}-{self.end:%H:%M}{days} {self.zone_name}"

    def until(self, now: datetime) -> datetime | None:
        """When the span that `now` is in ends; None if it is in none.

        The end is outside all spans: two that a change of the clocks has pushed together count as one.
        """
        today = _show(now, self.zone).date()
        ends: datetime | None = None
        # A day that is skipped or comes twice is the most that a wall's date can be wrong by.
        for days in range(-2, 3):
            day = today + timedelta(days=days)
            if day.weekday() in self.days and self._start_of(day) <= (ends or now) < self._end_of(day):
                ends = self._end_of(day)
        return ends

    def _start_of(self, day: date) -> datetime:
        return _happen(datetime.combine(day, self.start), self.zone)

    def _end_of(self, day: date) -> datetime:
        ends_on = day if self.start < self.end else day + _DAY
        return _happen(datetime.combine(ends_on, self.end), self.zone)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing is told but what is urgent; the rest waits for their end."""

    hours: Hours
    urgent: Condition | None = None

    def __str__(self) -> str:
        return f"{self.hours}" + (f" but {self.urgent}" if self.urgent else "")

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours that `now` is in end; None if it is in none."""
        return self.hours.until(now)


def _describe_days(days: frozenset[int]) -> str:
    """Days as they are written: `mon-fri`, `mon,wed`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(_describe_run([DAYS[day][:3] for day in run]) for run in runs)


def _describe_run(names: list[str]) -> str:
    return f"{names[0]}-{names[-1]}" if len(names) > 2 else ",".join(names)


# ── walls and instants ────────────────────────────────────────────────────────────────────────────


def _show(at: datetime, zone: tzinfo) -> datetime:
    """What a clock on the wall shows at an instant."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _happen(wall: datetime, zone: tzinfo) -> datetime:
    """The instant at which a clock on the wall first shows this time or, where it skips it, a later one."""
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if _show(at, zone) == wall:
        return at
    # It is skipped. By the clock as it was before, this instant is after the gap; by the clock as it is
    # after, it is before. In between lies the end of the gap, to the second.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while at - before > _SECOND:
        middle = before + (at - before) // _SECOND // 2 * _SECOND
        if _show(middle, zone) < wall:
            before = middle
        else:
            at = middle
    return at
