"""On what machine it was measured, and with which libraries: figures mean nothing without."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("aiohttp", "httpx", "lxml", "feedparser", "apprise", "sqlite-utils", "pydantic")


def describe_machine() -> str:
    """A sentence about processor, system and libraries, and the day."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    name = processor[1] if processor else platform.machine()
    libraries = ", ".join(f"{each} {version(each)}" for each in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%-d %B %Y}, {cores} cores of {name}, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {libraries}"
    )


def read_load() -> float:
    """How many processes wanted to run, over the last minute."""
    return os.getloadavg()[0]
