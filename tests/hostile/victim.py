"""A process of its own that polls what it is told to, and says after each poll how it went and what it cost.

Started by `test_hostile_documents`; it ends with its input. What it measures: the time of a poll from
taking it to its transaction, by the clock and by the processor, and how far the resident memory of
this process and of its feedparser worker rose above where it was, at the highest. The peak of a
process is reset before each poll (/proc/PID/clear_refs); a worker that was killed is counted with the
highest peak of all that were.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from watching import Watch, watching

from feedwatch.poll import landing

KINDS = ("queue", "stream")
CONFIG = """
accounts:
  hostile:
    service: feeds
    feeds:
      queue: {{url: "{url}", kind: queue}}
      stream: {{url: "{url}", kind: stream}}
targets: {{phone: "json://127.0.0.1:9/"}}
state: feedwatch.db
log: error
"""


def memory_of(pid: int) -> tuple[int, int]:
    """What a process has in memory, and had at most since it was last reset; in kB."""
    said = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    return int(said["VmRSS"].split()[0]), int(said["VmHWM"].split()[0])


def reset_peak(pid: int) -> int:
    """Forget a process's peak; gives what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory_of(pid)[0]


def work_of(pid: int | None) -> float:
    """How long the processor has worked for us, for children of ours that are gone, and for a worker."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = os.times()
    theirs = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13] if pid else ("0", "0")
    return used.user + used.system + used.children_user + used.children_system + sum(map(int, theirs)) / ticks


def worker_of(watch: Watch) -> int | None:
    parser = cast("Any", watch.assembly.reader._read_page).__self__
    process = parser._worker._process
    return process.pid if process and process.returncode is None else None


async def poll(watch: Watch, feed: str) -> dict[str, Any]:
    """Poll a feed once, and measure."""
    known = await watch.memory_of(feed)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is left of the poll before must not hide what this one takes
    worker = worker_of(watch)
    mine, its = reset_peak(os.getpid()), reset_peak(worker) if worker else 0
    worked, begun = work_of(worker), time.perf_counter()
    report = (await watch.poll(feed))[feed]
    seconds = time.perf_counter() - begun
    grown = memory_of(os.getpid())[1] - mine
    after = worker_of(watch)
    if after and after == worker:
        grown += memory_of(after)[1] - its
    elif worker:
        grown += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - its
    return {
        "outcome": str(report.outcome),
        "reason": str(report.reason or ""),
        "detail": report.detail,
        "seconds": round(seconds, 3),
        "worked": round(work_of(after) - worked, 3),
        "grown": round(grown / 1024, 1),
        "killed": worker is not None and worker != after,
        "touched": await watch.memory_of(feed) != known,
    }


def say(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


async def main(folder: Path, url: str) -> None:
    """Answer each line with a line: how the polls of the two feeds went."""
    logging.disable()
    landing._GATHERED_FOR = timedelta(milliseconds=1)  # each poll is alone: there are no others to wait for
    async with watching(folder, CONFIG.format(url=url)) as watch:
        await watch.discover()
        await watch.poll()
        gc.freeze()  # what is there already need not be gone through each time
        say({kind: await watch.titles(f"hostile/{kind}") for kind in KINDS})
        for line in iter(sys.stdin.readline, ""):
            kinds = json.loads(line)
            say({kind: await poll(watch, f"hostile/{kind}") for kind in kinds})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
