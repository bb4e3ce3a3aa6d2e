"""What a daemon takes: one that has nothing to do, and one whose feeds fall due one after the other.

`feedwatch poll` takes all of them in one round. A daemon's rounds are many and small: what each of them
costs, however little it has to poll, shows here alone.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from farming import RunningFarm
from programs import Feedwatch

POLLS_A_SECOND = 45
_WATCHED = 15
"""Seconds, and so ticks."""
_SETTLED_AFTER = 5.0
_PATIENCE = 600.0
_STARTED = "started feeds="


@dataclass(frozen=True, slots=True)
class Living:
    """CPU in milliseconds, of one tick of a daemon that has nothing to do, and for each poll of one that has.

    Whatever else a second holds is included. Memory, in bytes, is of the first.
    """

    tick: float
    memory: int
    poll: float


def watch_living(program: Feedwatch, farm: RunningFarm) -> Living:
    """Run the daemon on a state in which nothing is due, then on one in which much is, and look at it."""
    with _run_daemon(program) as process:
        took, seconds = _watch_cpu(process)
        memory = _read_memory(process.pid)
    program.spread_polls(POLLS_A_SECOND)
    with _run_daemon(program) as process:
        busy, _ = _watch_cpu(process, farm)
        polls = farm.count().not_modified
    if polls < POLLS_A_SECOND * _WATCHED / 2:
        raise SystemExit(f"the daemon made {polls} polls in {_WATCHED} seconds")
    return Living(took / seconds, memory, busy / polls)


def _watch_cpu(process: subprocess.Popen[bytes], farm: RunningFarm | None = None) -> tuple[float, float]:
    """Milliseconds of CPU that it takes once it has settled, and in how many seconds.

    A farm counts from then on.
    """
    time.sleep(_SETTLED_AFTER)
    if farm is not None:
        farm.count()
    before, started_at = _read_cpu(process.pid), time.monotonic()
    time.sleep(_WATCHED)
    return (_read_cpu(process.pid) - before) * 1000, time.monotonic() - started_at


@contextmanager
def _run_daemon(program: Feedwatch) -> Iterator[subprocess.Popen[bytes]]:
    log = program.folder / "log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            program.command("run"),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=program.environment(),
            cwd=program.folder,
        ) as process,
    ):
        try:
            _wait_for_start(process, log)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            finally:
                process.kill()


def _wait_for_start(process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + _PATIENCE
    while _STARTED not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > ends_at:
            raise SystemExit(f"the daemon did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.2)


def _read_cpu(pid: int) -> float:
    """Seconds that all threads of a process have run, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def _read_memory(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
