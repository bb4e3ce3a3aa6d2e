"""The long run (`make soak`): every play for many rounds, every planted defect, a thousand deaths, a week.

Prints the table of what was tried, lost, invented and duplicated; ends with 1 if a promise was broken.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE.parent), str(_HERE.parent / "acceptance")]

from daemons import WarmStart  # noqa: E402 — found only now
from defects import DEFECTS  # noqa: E402
from kills import EACH_STATEMENT, KILL_DEFECTS, KILL_PLAYS, add_up  # noqa: E402
from plays import PLAYS, Played  # noqa: E402
from week import Week, live_a_week  # noqa: E402

SEED = 20261126
_ROUNDS = 60
_SLOW_ROUNDS = 24
_MIXED = 8
"""Runs of everything at once, each from a seed of its own."""
_DEATHS = 300
"""Of each of the four ways to be killed."""
_STOPS = 100
_AT_ONCE = 50
"""Deaths in one run."""
_ALL = 1_000_000
_SLOW = ("no answer", "half a list and silence", "a slow drip")


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a play by group and name, or a planted defect (`of`)."""

    of: str
    group: str
    name: str
    seed: int
    rounds: int


def list_jobs() -> Iterator[Job]:
    """All runs, the longest first."""
    yield Job("kills", "the process", EACH_STATEMENT, SEED, _ALL)
    for group, name in [(group, name) for group, plays in KILL_PLAYS.items() for name in plays]:
        rounds = _DEATHS if name.startswith("kill") else _STOPS
        for at in range(0, rounds if name != EACH_STATEMENT else 0, _AT_ONCE):
            yield Job("kills", group, name, SEED + at, min(_AT_ONCE, rounds - at))
    for number in range(_MIXED):
        yield Job("plays", "everything", "mixed at random", SEED + number, 4 * _ROUNDS)
    for group, plays in PLAYS.items():
        for name in plays:
            if group != "everything":
                yield Job("plays", group, name, SEED, _SLOW_ROUNDS if name in _SLOW else _ROUNDS)
    for name, defect in DEFECTS.items():
        yield Job("defects", "planted defects", name, 7, defect.rounds)
    for name in KILL_DEFECTS:
        yield Job("kill defects", "planted defects", name, 7, 60)


def play(job: Job) -> Played:
    """Carry out one run, in a process of the pool."""
    with TemporaryDirectory(prefix="feedwatch-soak-") as place:
        folder = Path(place)
        if job.of == "plays":
            return asyncio.run(PLAYS[job.group][job.name](folder, job.seed, job.rounds))
        if job.of == "defects":
            defect = DEFECTS[job.name]
            with defect.plant():
                return asyncio.run(defect.play(folder, job.seed, job.rounds))
        plays = KILL_PLAYS[job.group] if job.of == "kills" else KILL_DEFECTS
        with redirect_stderr(StringIO()), WarmStart() as warm:
            return plays[job.name](folder, warm, job.seed, job.rounds)


@dataclass(slots=True)
class Row:
    """A line of the table."""

    group: str
    name: str
    played: Played
    planted: bool

    @property
    def holds(self) -> bool:
        """Whether the promise was kept; of a planted defect, whether it was seen to be broken."""
        return self.played.reckoning.holds is not self.planted

    def write(self) -> str:
        """The line."""
        r = self.played.reckoning
        allowed = f" of {r.allowed:,} allowed" if r.allowed else ""
        verdict = "" if self.holds else "  **NOT AS PROMISED**"
        told = f"{r.owed:,} | {r.lost:,} | {r.invented:,} | {r.duplicated:,}{allowed}"
        return f"| {self.name} | {self.played.tried:,} | {told} |{verdict}"


def make_rows(done: Sequence[tuple[Job, Played]]) -> list[Row]:
    """One row for each play, however many runs it took."""
    found: dict[tuple[str, str], list[tuple[Job, Played]]] = {}
    for job, played in done:
        found.setdefault((job.group, job.name), []).append((job, played))
    return [
        Row(group, name, add_up([played for _, played in runs]), "defects" in runs[0][0].of)
        for (group, name), runs in found.items()
    ]


def print_table(rows: Sequence[Row], say: Callable[[str], None]) -> None:
    """Print the rows by group."""
    for group in dict.fromkeys(row.group for row in rows):
        of_group = [row for row in rows if row.group == group]
        say(f"\n### {group.capitalize()}\n")
        say("| fault | tried | owed | lost | invented | duplicated |")
        say("|---|--:|--:|--:|--:|--:|")
        for row in sorted(of_group, key=lambda row: row.name):
            say(row.write())
        if group != "planted defects":
            total = add_up([row.played for row in of_group])
            say(Row(group, "**together**", total, planted=False).write())


def judge_week(week: Week) -> list[str]:
    """What of the promises about a week was broken."""
    # The first two days fill what is kept; from the third on nothing may grow.
    start, end = week.days[2], week.days[-1]
    # Whatever else the machine does only ever adds to the time: the least of some days is what it takes.
    early, late = (min(day.milliseconds for day in days) for days in (week.days[1:4], week.days[-3:]))
    problems = []
    if end.memory > start.memory * 1.05:
        problems.append(f"memory grew from {start.memory:,} to {end.memory:,} bytes")
    if end.disk > start.disk * 1.05:
        problems.append(f"files grew from {start.disk:,} to {end.disk:,} bytes")
    if late > early * 1.1:
        problems.append(f"a poll took {late:.2f} ms where it had taken {early:.2f}")
    if week.made != week.told or week.again:
        problems.append(f"{week.made:,} posts made, {week.told:,} told, {week.again:,} told again")
    return problems


def run_week(say: Callable[[str], None]) -> list[str]:
    """A thousand feeds for seven days; returns what was not as promised."""
    say("\n### A week of 1,000 feeds, every fifteen minutes, `keep: 2d`\n")
    with TemporaryDirectory(prefix="feedwatch-soak-") as place:
        week = asyncio.run(live_a_week(Path(place), feeds=1000, days=7, keep="2d", tell=lambda _: None))
    say("| day | polls | ms of CPU for each | MB in memory | MB on disk |")
    say("|---|--:|--:|--:|--:|")
    for number, day in enumerate(week.days, start=1):
        size = f"{day.memory / 1e6:.1f} | {day.disk / 1e6:.1f}"
        say(f"| {number} | {day.polls:,} | {day.milliseconds:.2f} | {size} |")
    say(f"\n{week.made:,} posts made, {week.told:,} told, {week.again:,} told again.")
    return judge_week(week)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _start_worker() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))


def main() -> int:
    """Run everything, two at a time, and print the table."""
    began = time.monotonic()
    jobs = list(list_jobs())
    done: list[tuple[Job, Played]] = []
    with ProcessPoolExecutor(2, initializer=_start_worker, max_tasks_per_child=1) as pool:
        running: list[tuple[Job, Future[Played]]] = [(job, pool.submit(play, job)) for job in jobs]
        for number, (job, future) in enumerate(running, start=1):
            played = future.result()
            done.append((job, played))
            if not played.reckoning.holds and "defects" not in job.of:
                _progress(f"{job}: {played.reckoning} {played.notes}")
            _progress(f"{number} of {len(jobs)} runs, {time.monotonic() - began:.0f} s: {job.name}")
    rows = make_rows(done)
    print_table(rows, _say)
    problems = [f"{row.group}: {row.name}" for row in rows if not row.holds] + run_week(_say)
    _say(f"\n{len(jobs)} runs in {(time.monotonic() - began) / 60:.0f} minutes.")
    for problem in problems:
        _say(f"NOT AS PROMISED: {problem}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
