"""Run one program and write down what it took: `python -I -S launch.py REPORT SECONDS PROGRAM ARGUMENT…`.

In a process of its own, and a small one: what is resident in whoever starts a program counts as resident in
that program, too. Only the standard library, and of it as little as will do.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

_SAMPLE_EVERY = 0.02


def launch(command: list[str], seconds: float) -> dict[str, float]:
    """Run a program to its end; it and all that it started are killed after so many seconds."""
    started_at = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, setpgroup=0)
    ended = threading.Event()
    peak = [0]
    watch = threading.Thread(target=_watch_memory, args=(pid, ended, peak), daemon=True)
    watch.start()
    limit = threading.Timer(seconds, os.killpg, (pid, signal.SIGKILL))
    limit.start()
    try:
        _, status, usage = os.wait4(pid, 0)
    except KeyboardInterrupt:
        os.killpg(pid, signal.SIGKILL)  # it is in a group of its own, and has not been told
        raise
    wall = time.perf_counter() - started_at
    limit.cancel()
    ended.set()
    watch.join()
    return {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        # The largest process to its last moment, or all of them together when they were looked at.
        "peak": max(peak[0], usage.ru_maxrss * 1024),
    }


def _watch_memory(pid: int, ended: threading.Event, peak: list[int]) -> None:
    while not ended.wait(_SAMPLE_EVERY):
        peak[0] = max(peak[0], _resident_of_tree(pid))


def _resident_of_tree(pid: int) -> int:
    """What a process and all below it have resident, in bytes."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except (OSError, IndexError):
        return 0  # it has just ended
    return int(pages) * os.sysconf("SC_PAGE_SIZE") + sum(map(_resident_of_tree, children))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(launch(sys.argv[3:], float(sys.argv[2]))), encoding="ascii")
