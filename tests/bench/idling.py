"""What a daemon takes that has nothing to do: its tick is all that happens."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from programs import Feedwatch

_WATCHED = 15
"""Seconds, and so ticks."""
_SETTLED_AFTER = 5.0
_PATIENCE = 600.0
_STARTED = "started feeds="


@dataclass(frozen=True, slots=True)
class Idling:
    """CPU of one tick in milliseconds, whatever else a second holds included; memory in bytes."""

    tick: float
    memory: int


def watch_idling(program: Feedwatch) -> Idling:
    """Run the daemon on a state in which nothing is due, and look at its process."""
    with _run_daemon(program) as process:
        time.sleep(_SETTLED_AFTER)
        before, started_at = _read_cpu(process.pid), time.monotonic()
        time.sleep(_WATCHED)
        took = _read_cpu(process.pid) - before
        return Idling(took * 1000 / (time.monotonic() - started_at), _read_memory(process.pid))


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
