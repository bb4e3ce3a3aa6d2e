"""When a digest is due and when it is quiet, by clocks that are put forward and back."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedwatch.core.calendar import DAYS, Digest, Every, Hours, Quiet

# Put forward by an hour, by half an hour, at midnight, by a whole day; south of the equator; odd offsets;
# changes in Ramadan; none at all.
NAMES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
    "Asia/Beirut", "America/Santiago", "Africa/Casablanca", "Pacific/Chatham", "Asia/Kolkata", "UTC",
)  # fmt: skip
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

zones = st.sampled_from(NAMES)
walls = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))
instants = st.datetimes(datetime(2020, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def make_digest(every: Every, zone: str, at: time, day: int) -> Digest:
    weekly = day if every is Every.WEEKLY else None
    return Digest(every, ZoneInfo(zone), zone, time() if every is Every.HOURLY else at, weekly)


digests = st.builds(make_digest, st.sampled_from(Every), zones, walls, st.integers(0, 6))


@st.composite
def spans(draw: st.DrawFn) -> Hours:
    zone, start = draw(zones), draw(walls)
    end = draw(walls.filter(lambda at: at != start))
    return Hours(start, end, ZoneInfo(zone), zone, draw(st.frozensets(st.integers(0, 6), min_size=1)))


@st.composite
def near_changes(draw: st.DrawFn, zone: ZoneInfo) -> datetime:
    """An instant within a day or two of a change of the clocks, where there is one that year."""
    at = datetime(draw(st.integers(2020, 2040)), 1, 1, tzinfo=UTC)
    changes = [
        at + n * DAY
        for n in range(365)
        if (at + n * DAY).astimezone(zone).utcoffset() != (at + (n + 1) * DAY).astimezone(zone).utcoffset()
    ]
    chosen = draw(st.sampled_from(changes)) if changes else at
    return chosen + draw(st.integers(-36 * 60, 60 * 60)) * MINUTE


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def berlin(digest: Every, *, at: time = time(), day: int | None = None) -> Digest:
    return Digest(digest, ZoneInfo("Europe/Berlin"), "Europe/Berlin", at, day)


# ── digests ───────────────────────────────────────────────────────────────────────────────────────

DUE = {
    "a daily one, today": (berlin(Every.DAILY, at=time(8)), "2026-03-03T07:59+01:00", "2026-03-03T08:00+01:00"),
    "a daily one, tomorrow": (berlin(Every.DAILY, at=time(8)), "2026-03-03T08:00+01:00", "2026-03-04T08:00+01:00"),
    "by summer's clock": (berlin(Every.DAILY, at=time(8)), "2026-03-28T09:00+01:00", "2026-03-29T08:00+02:00"),
    "at a time that is skipped": (berlin(Every.DAILY, at=time(2, 30)), "2026-03-28T12:00+01:00", "2026-03-29T03:00+02:00"),
    "the day after it was skipped": (berlin(Every.DAILY, at=time(2, 30)), "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"),
    "at a time that comes twice": (berlin(Every.DAILY, at=time(2, 30)), "2026-10-24T12:00+02:00", "2026-10-25T02:30+02:00"),
    "not again when it comes again": (berlin(Every.DAILY, at=time(2, 30)), "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
    "a weekly one": (berlin(Every.WEEKLY, at=time(18), day=6), "2026-03-03T00:00+01:00", "2026-03-08T18:00+01:00"),
    "a weekly one, its day, later": (berlin(Every.WEEKLY, at=time(18), day=6), "2026-03-08T18:30+01:00", "2026-03-15T18:00+01:00"),
    "an hourly one": (berlin(Every.HOURLY), "2026-03-03T07:59:59+01:00", "2026-03-03T08:00+01:00"),
    "an hour that is skipped": (berlin(Every.HOURLY), "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00"),
    "an hour that comes twice": (berlin(Every.HOURLY), "2026-10-25T02:00+02:00", "2026-10-25T03:00+01:00"),
}  # fmt: skip


@pytest.mark.parametrize("name", DUE)
def test_digest_is_due_by_the_clock_on_the_wall(name: str) -> None:
    """What is skipped happens at the end of the gap, what comes twice happens the first time."""
    digest, now, due = DUE[name]
    assert digest.next_after(at(now)) == at(due)


def test_whole_hours_are_those_of_the_wall() -> None:
    """In Kathmandu an hour begins a quarter past ours; half an hour put forward is no hour lost."""
    hourly = make_digest(Every.HOURLY, "Asia/Kathmandu", time(), 0)
    assert hourly.next_after(at("2026-03-03T00:00+00:00")) == at("2026-03-03T00:15+00:00")
    lord_howe = make_digest(Every.HOURLY, "Australia/Lord_Howe", time(), 0)
    shown = [lord_howe.next_after(at("2026-10-03T14:00+00:00"))]
    for _ in range(3):
        shown.append(lord_howe.next_after(shown[-1]))
    there = [f"{each.astimezone(ZoneInfo('Australia/Lord_Howe')):%H:%M}" for each in shown]
    assert there == ["01:00", "02:30", "03:00", "04:00"]


def test_day_that_is_skipped_whole_has_its_digest() -> None:
    """Samoa went from the 29th to the 31st: what was due on the 30th came at the end of the gap."""
    daily = make_digest(Every.DAILY, "Pacific/Apia", time(8), 0)
    first = daily.next_after(at("2011-12-29T09:00-10:00"))
    assert first == at("2011-12-31T00:00+14:00")
    assert daily.next_after(first) == at("2011-12-31T08:00+14:00")


@given(digests, instants)
def test_digest_is_after_and_latest_is_not(digest: Digest, now: datetime) -> None:
    """What is next lies ahead, what was latest does not, and what is next will have been the latest."""
    latest, following = digest.latest_until(now), digest.next_after(now)
    assert latest <= now < following
    assert digest.latest_until(following) == following
    assert digest.latest_until(following - MINUTE / 60) == latest
    assert digest.next_after(latest) == following


@given(st.data(), digests)
@settings(max_examples=60, deadline=None)
def test_no_period_is_left_out_or_comes_twice(data: st.DataObject, digest: Digest) -> None:
    """One digest after the other gives one for each hour, day or week, also where clocks change."""
    zone = digest.zone
    assert isinstance(zone, ZoneInfo)
    start = data.draw(near_changes(zone))
    due = [digest.next_after(start)]
    for _ in range({Every.HOURLY: 40, Every.DAILY: 3, Every.WEEKLY: 1}[digest.every]):
        due.append(digest.next_after(due[-1]))
    assert all(earlier < later for earlier, later in pairwise(due))
    assert due == expect_due(digest, zone, start, due[-1])


def expect_due(digest: Digest, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """What is due after `start` and up to `end`, by looking at the wall each minute and at each time once."""
    expected, seen = [], look(start - 26 * HOUR, zone)
    now = start - 26 * HOUR
    while now < end:
        now += MINUTE
        shown = look(now, zone)
        if shown > seen:  # else the clock was put back: these times have been
            passed = [seen + n * MINUTE for n in range(1, (shown - seen) // MINUTE + 1)]
            if any(is_time_of(digest, wall) for wall in passed) and now > start:
                expected.append(now)
            seen = shown
    return expected


def look(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(tzinfo=None)


def is_time_of(digest: Digest, wall: datetime) -> bool:
    if digest.every is Every.HOURLY:
        return wall.minute == 0
    return wall.time() == digest.at and digest.day in (None, wall.weekday())


# ── hours ─────────────────────────────────────────────────────────────────────────────────────────

NIGHT = Hours(time(22), time(7), ZoneInfo("Europe/Berlin"), "Europe/Berlin")
EARLY = Hours(time(1), time(2, 30), ZoneInfo("Europe/Berlin"), "Europe/Berlin")
WORK_NIGHTS = Hours(
    time(22), time(7), ZoneInfo("Europe/Berlin"), "Europe/Berlin", days=frozenset({0, 1, 2, 3, 4})
)

QUIET = {
    "before": (NIGHT, "2026-03-03T21:59:59+01:00", None),
    "its first instant": (NIGHT, "2026-03-03T22:00+01:00", "2026-03-04T07:00+01:00"),
    "after midnight": (NIGHT, "2026-03-04T06:59+01:00", "2026-03-04T07:00+01:00"),
    "its end": (NIGHT, "2026-03-04T07:00+01:00", None),
    "the short night": (NIGHT, "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
    "the long night": (NIGHT, "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
    "an end that is skipped": (EARLY, "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00"),
    "an end that comes twice": (EARLY, "2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00"),
    "and is over": (EARLY, "2026-10-25T02:10+01:00", None),
    "the night that begins on Friday": (WORK_NIGHTS, "2026-03-07T03:00+01:00", "2026-03-07T07:00+01:00"),
    "the night that begins on Saturday": (WORK_NIGHTS, "2026-03-08T03:00+01:00", None),
    "the night that begins on Sunday": (WORK_NIGHTS, "2026-03-09T03:00+01:00", None),
}


@pytest.mark.parametrize("name", QUIET)
def test_it_is_quiet_until_the_hours_end(name: str) -> None:
    """The first instant belongs to the hours, their end does not; days are those on which they begin."""
    hours, now, ends = QUIET[name]
    assert hours.until(at(now)) == (at(ends) if ends else None)
    assert Quiet(hours).until(at(now)) == hours.until(at(now))


@given(st.data(), spans())
@settings(max_examples=60, deadline=None)
def test_hours_agree_with_the_wall_minute_by_minute(data: st.DataObject, hours: Hours) -> None:
    """At each minute it is quiet where the wall says so, which never goes back; and until it does no more."""
    zone = hours.zone
    assert isinstance(zone, ZoneInfo)
    start = data.draw(near_changes(zone))
    end = start + 3 * DAY
    now, seen, quiet = start - 26 * HOUR, look(start - 26 * HOUR, zone), {}
    while now < end:
        seen = max(seen, look(now, zone))
        quiet[now] = is_in(hours, seen)
        now += MINUTE
    for each in data.draw(st.lists(st.integers(0, 24 * 60), min_size=20, max_size=20)):
        now = start + each * MINUTE
        ends = next((later for later, is_quiet in quiet.items() if later >= now and not is_quiet), None)
        if ends is not None:
            assert hours.until(now) == (ends if quiet[now] else None)
            assert hours.until(ends) is None


def is_in(hours: Hours, wall: datetime) -> bool:
    yesterday = (wall.weekday() - 1) % 7
    if hours.start < hours.end:
        return wall.weekday() in hours.days and hours.start <= wall.time() < hours.end
    tonight = wall.weekday() in hours.days and wall.time() >= hours.start
    return tonight or (yesterday in hours.days and wall.time() < hours.end)


# ── how they read ─────────────────────────────────────────────────────────────────────────────────

SPOKEN: list[tuple[Digest | Hours | Quiet, str]] = [
    (berlin(Every.HOURLY), "hourly Europe/Berlin"),
    (berlin(Every.DAILY, at=time(8)), "daily at 08:00 Europe/Berlin"),
    (berlin(Every.WEEKLY, at=time(18, 5), day=6), "weekly on sunday at 18:05 Europe/Berlin"),
    (NIGHT, "22:00-07:00 Europe/Berlin"),
    (WORK_NIGHTS, "22:00-07:00 mon-fri Europe/Berlin"),
    (Quiet(WORK_NIGHTS), "22:00-07:00 mon-fri Europe/Berlin"),
]


@pytest.mark.parametrize(("spoken", "text"), SPOKEN, ids=[text for _, text in SPOKEN])
def test_times_read_as_they_are_written(spoken: Digest | Hours | Quiet, text: str) -> None:
    """The text of a time is the one that a person would write, and the zone's name."""
    assert str(spoken) == text


def test_some_days_read_as_lists_and_ranges() -> None:
    """Days in a row are a range where that is shorter."""

    def say(*days: str) -> str:
        of_week = frozenset(DAYS.index(day) for day in days)
        return str(Hours(time(1), time(2), UTC, "UTC", of_week)).removeprefix("01:00-02:00 ")

    assert say("saturday", "sunday") == "sat,sun UTC"
    assert say("monday", "tuesday", "wednesday", "friday", "sunday") == "mon-wed,fri,sun UTC"


def test_same_times_are_equal_whoever_made_the_zone() -> None:
    """Two readings of a configuration make the same digest and hours: their zones are told by name."""
    fresh = ZoneInfo.no_cache("Europe/Berlin")
    assert Digest(Every.DAILY, fresh, "Europe/Berlin", time(8)) == berlin(Every.DAILY, at=time(8))
    assert Hours(time(22), time(7), fresh, "Europe/Berlin") == NIGHT
    assert {NIGHT: 1}[Hours(time(22), time(7), fresh, "Europe/Berlin")]
