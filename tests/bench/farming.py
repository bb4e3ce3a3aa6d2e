"""A feed farm as whoever measures has it: started, switched from state to state, asked what it served."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from feed_farm import Served, State

_HERE = Path(__file__).parent

CERTIFICATE = _HERE.parent / "data" / "tls" / "loopback.pem"
"""The farm's own, of 127.0.0.1: who asks over TLS is told to trust it."""


class RunningFarm:
    """The farm's process, by its input and output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._ports: list[int] = self._hear()

    def switch(self, state: State) -> None:
        """Put all feeds into a state; what was served before is forgotten."""
        if state.moving:
            time.sleep(1.01)  # they say to a second when they were asked: it is not the last one any more
        self._say(asdict(state))

    def count(self) -> Served:
        """Say what was served since the last time that it was asked, or switched."""
        return Served(**self._say({}))

    def write_urls(self, kind: str, feeds: int, *, tls: bool = False) -> list[str]:
        """The addresses of so many feeds."""
        base = f"https://127.0.0.1:{self._ports[1]}" if tls else f"http://127.0.0.1:{self._ports[0]}"
        return [f"{base}/{kind}/{number:07d}.atom" for number in range(feeds)]

    @property
    def hook(self) -> str:
        """Where messages are taken: host and port."""
        return f"127.0.0.1:{self._ports[0]}"

    def _say(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return json.loads(line)
        except ValueError:
            raise SystemExit(f"the farm has ended: {line.strip()}") from None


@contextmanager
def run_farm(seconds: float) -> Iterator[RunningFarm]:
    """Run a farm, for so many seconds at most."""
    command = [sys.executable, str(_HERE / "feed_farm.py"), str(CERTIFICATE), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield RunningFarm(process)
        assert process.stdin is not None
        process.stdin.close()
