"""A simulated week of a thousand feeds: memory, files and time are at its end what they were at its start."""

from __future__ import annotations

import gc
import json
import logging
import os
import random
import resource
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedwatch.assembly import Assembly, assemble
from feedwatch.clock import Clock
from feedwatch.config import load_config
from feedwatch.redact import Redactor

EVERY = timedelta(minutes=15)
_START = datetime(2026, 11, 1, 12, tzinfo=UTC)
_NEWS = 0.02
"""The part of all answers that has a new post."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day took and left behind: seconds of processor time, bytes in memory and on disk, polls."""

    cpu: float
    memory: int
    disk: int
    polls: int

    @property
    def milliseconds(self) -> float:
        """Processor time for each poll."""
        return self.cpu * 1000 / self.polls


@dataclass(frozen=True, slots=True)
class Week:
    """All days, the posts made, those told, and how many of them more than once."""

    days: Sequence[Day]
    made: int
    told: int
    again: int


@contextmanager
def start_farm(feeds: int, seed: int) -> Iterator[str]:
    """A farm in a process of its own; gives its base address."""
    command = [sys.executable, str(Path(__file__).with_name("farm.py")), str(feeds), str(_NEWS), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as farm:
        assert farm.stdin is not None
        assert farm.stdout is not None
        yield f"http://127.0.0.1:{int(farm.stdout.readline())}"
        farm.stdin.close()


async def live_a_week(
    folder: Path, *, feeds: int, days: int, keep: str, seed: int = 1, tell: Callable[[str], None]
) -> Week:
    """Poll so many feeds every fifteen minutes for so many days, as the daemon does, as fast as it goes."""
    logging.getLogger("feedwatch").setLevel(logging.CRITICAL)
    rng = random.Random(seed)
    now = _START
    lived: list[Day] = []
    with start_farm(feeds, seed) as base:
        config = load_config(_configure(folder, base, feeds, keep), environ={})
        async with AsyncExitStack() as stack:
            clock = Clock(now=lambda: now, jitter=rng.random)
            assembly = await assemble(config, Redactor(), stack, clock=clock)
            await assembly.discover_due()
            for number in range(1, days + 1):
                began, polls = _cpu(), 0
                for _ in range(timedelta(days=1) // EVERY):
                    now += EVERY * 1.1  # the spread of the intervals, so that each round takes all feeds
                    polls += await _tick(assembly)
                gc.collect()
                lived.append(Day(_cpu() - began, _memory(), _disk(folder), polls))
                day = lived[-1]
                tell(
                    f"  day {number}: {day.polls:,} polls, {day.milliseconds:.2f} ms each, "
                    f"{day.memory / 1e6:.1f} MB in memory, {day.disk / 1e6:.1f} MB on disk"
                )
        counted = _count(base)
    return Week(lived, counted["made"], counted["told"], counted["again"])


def _count(base: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{base}/count") as reply:
        return dict(json.loads(reply.read()))


async def _tick(assembly: Assembly) -> int:
    tasks = await assembly.take_due(exclude=(), limit=5000)
    await assembly.poller.run_round(tasks)
    await assembly.deliverer.serve_all()
    await assembly.prune()
    return len(tasks)


def _configure(folder: Path, base: str, feeds: int, keep: str) -> Path:
    listed = "".join(f"      f{number}: {base}/{number}\n" for number in range(feeds))
    path = folder / "config.yaml"
    path.write_text(
        f"state: feedwatch.db\nkeep: {keep}\ngather: 0s\npoll: {{every: 15m, per_host: 32}}\n"
        f"accounts:\n  farm:\n    service: feeds\n    feeds:\n{listed}"
        f"targets:\n  hook: {base.replace('http', 'json')}/hook\n"
        f"routes:\n  - {{to: hook, changes: added}}\n"
    )
    path.chmod(0o600)
    return path


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory() -> int:
    """What this process holds in memory (proc(5), statm)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
