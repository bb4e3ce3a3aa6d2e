"""Real feedwatch processes for the acceptance tests, and the scene that they play in."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

from feedwatch.sandbox import Sandbox, World, sample_config, serving

PATIENCE = 30.0
"""Seconds to wait for what should come soon, before the test fails."""
_LEFT_OUT = ("FEEDWATCH_", "XDG_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_")


class Lines:
    """What a process writes to one stream, line by line, as it comes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False

    def read_from(self, handle: int) -> None:
        """Read a stream to its end, in a thread."""
        with os.fdopen(handle, "r", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                self.add(line.rstrip("\n"))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def add(self, line: str) -> None:
        """Take one more."""
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    @property
    def so_far(self) -> list[str]:
        """All lines so far."""
        with self._changed:
            return list(self._lines)

    @property
    def text(self) -> str:
        """All that has come, once the stream has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, PATIENCE), "the stream does not end"
            return "\n".join(self._lines)

    def wait_for(self, pattern: str, count: int = 1, within: float = PATIENCE) -> str:
        """Wait until `count` lines match, and give the last of them."""

        def found() -> list[str]:
            return [line for line in self._lines if re.search(pattern, line)]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count or self._ended, within)
            assert len(found()) >= count, f"{pattern!r} did not come {count} times:\n" + "\n".join(
                self._lines
            )
            return found()[count - 1]

    def wait_for_or_end(self, *patterns: str, within: float = PATIENCE) -> None:
        """Wait until each pattern has matched a line, or the stream ends before they all have."""

        def holds() -> bool:
            lines = self.so_far
            return self._ended or all(any(re.search(each, line) for line in lines) for each in patterns)

        self.wait_until(holds, within)

    def wait_until(self, holds: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until something holds, looked at with each line that comes."""
        ends_at = time.monotonic() + within
        while not holds():
            with self._changed:
                seen, left = len(self._lines), ends_at - time.monotonic()
                self._changed.wait_for(lambda: len(self._lines) > seen or self._ended, left)  # noqa: B023
                if self._ended or left <= 0:
                    assert holds(), "it does not come to hold:\n" + "\n".join(self._lines)
                    return


class Process:
    """One feedwatch process."""

    def __init__(self, args: Sequence[str]) -> None:
        self.args = " ".join(args)
        self.pid = 0
        self.out, self.err = Lines(), Lines()
        self._started, self._ended = threading.Event(), threading.Event()
        self._status: int | None = None

    def note_started(self, pid: int) -> None:
        """Take note of its id (called by who starts it)."""
        self.pid = pid
        self._started.set()

    def note_ended(self, status: int) -> None:
        """Take note of how it ended (called by who waits for it)."""
        self._status = status
        self._ended.set()

    def wait(self, within: float = PATIENCE) -> int:
        """Wait for its end; its exit status, negative for a signal."""
        assert self._ended.wait(within), "it does not end:\n" + "\n".join(self.err.so_far)
        assert self._status is not None
        return self._status

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if not self._ended.is_set():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def stop(self, within: float = PATIENCE) -> int:
        """Stop it in order."""
        self.send(signal.SIGTERM)
        return self.wait(within)

    def kill(self) -> None:
        """Take it away without a word."""
        self.send(signal.SIGKILL)
        self.wait()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.is_set()


class WarmStart:
    """Has one process that has imported feedwatch fork all that are asked for (see warm_start.py)."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = Lines()
        # Pipes, as those that it forks get: Python notes at the start whether a stream can be sought in.
        said, saying = os.pipe()
        threading.Thread(target=self._said.read_from, args=(said,), daemon=True).start()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("warm_start.py")), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=plain_environ(),
                stdout=saying,
                stderr=saying,
            )
        os.close(saying)
        self._lock = threading.Lock()
        self._imported = threading.Event()
        self._ordered: list[Process] = []
        self._running: dict[int, Process] = {}
        assert self._orders.recv(100), self._said.text
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in list(self._running.values()):
            process.kill()
        self._orders.shutdown(socket.SHUT_RDWR)
        assert self._server.wait(PATIENCE) == 0
        self._orders.close()

    def start(
        self, args: Sequence[str], environ: Mapping[str, str], moments: Mapping[str, object]
    ) -> Process:
        """Start `feedwatch` with arguments; `moments` are those of warm_start.py."""
        process = Process(args)
        pipes = [os.pipe(), os.pipe()]
        for lines, (read, _) in zip((process.out, process.err), pipes, strict=True):
            threading.Thread(target=lines.read_from, args=(read,), daemon=True).start()
        order: dict[str, object] = {
            "args": list(args),
            "environ": dict(environ),
            "moments": dict(moments),
        }
        self._order(process, order, [write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        return process

    def run(
        self, args: Sequence[str], environ: Mapping[str, str], folder: Path, given: bytes = b""
    ) -> tuple[int, bytes, bytes]:
        """Run `feedwatch` to its end in a folder; gives its exit status, and what it wrote to either stream.

        `given` is what is typed: no more than a pipe holds.
        """
        process = Process(args)
        order: dict[str, object] = {
            "args": list(args),
            "environ": dict(environ),
            "moments": {},
            "folder": str(folder),
        }
        read, write = os.pipe()
        with TemporaryFile() as out, TemporaryFile() as err, os.fdopen(read, "rb"):
            with os.fdopen(write, "wb") as typing:
                typing.write(given)
            self._order(process, order, [out.fileno(), err.fileno(), read])
            try:
                status = process.wait()
            except AssertionError:
                process.kill()
                raise
            out.seek(0)
            err.seek(0)
            return status, out.read(), err.read()

    def _order(self, process: Process, order: dict[str, object], handles: Sequence[int]) -> None:
        with self._lock:
            order["id"] = len(self._ordered)
            self._ordered.append(process)
            socket.send_fds(self._orders, [json.dumps(order).encode()], handles)
        assert process._started.wait(PATIENCE), "the process was not started"

    def import_late(self, names: Path) -> None:
        """Import what an earlier process wrote down (the moment `tell_modules`)."""
        self._imported.clear()
        with self._lock:
            socket.send_fds(self._orders, [json.dumps({"imports": str(names)}).encode()], [])
        assert self._imported.wait(PATIENCE)

    def _listen(self) -> None:
        while report := self._orders.recv(1000):
            told = json.loads(report)
            if "order" in told:
                process = self._ordered[told["order"]]
                self._running[told["pid"]] = process
                process.note_started(told["pid"])
            elif "imported" in told:
                self._imported.set()
            else:
                self._running.pop(told["ended"]).note_ended(told["status"])


def plain_environ() -> dict[str, str]:
    """The environment without what would change how feedwatch behaves."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_LEFT_OUT) and not name.lower().endswith("_proxy")
    }


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What it printed, read as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(slots=True)
class Scene:
    """A world with its server, a configuration, and processes that work with both."""

    folder: Path
    base: str
    sandbox: Sandbox
    warm: WarmStart = field(repr=False)
    environ: dict[str, str] = field(default_factory=plain_environ, repr=False)
    processes: list[Process] = field(default_factory=list, repr=False)

    @property
    def world(self) -> World:
        """The lists, to move them."""
        return self.sandbox.world

    @property
    def config(self) -> Path:
        """The configuration's file."""
        return self.folder / "config.yaml"

    @property
    def state(self) -> Path:
        """The state's file."""
        return self.folder / "feedwatch.db"

    def configure(self, targets: Mapping[str, str], more: str = "", *, every: str = "1s") -> None:
        """Write the configuration: these targets, told of all changes."""
        names = ", ".join(targets)
        lines = "\n".join(f"  {name}: {json.dumps(url)}" for name, url in targets.items())
        routes = f"routes:\n  - {{to: [{names}], changes: all}}\n" if targets else ""
        own = f"{'' if 'state:' in more else f'state: {self.state}'}\n"
        text = sample_config(
            self.sandbox,
            self.base,
            every=every,
            gather="0s",
            targets=lines or "  #",
            more=routes + own + more,
        )
        self.write(text)

    def write(self, text: str) -> None:
        """Put another configuration in the place of the old, whole."""
        fresh = self.config.with_suffix(".new")
        fresh.write_text(text)
        fresh.chmod(0o600)
        fresh.replace(self.config)

    def start(
        self,
        *args: str,
        environ: Mapping[str, str] | None = None,
        moments: Mapping[str, object] | None = None,
    ) -> Process:
        """Start a command that goes on."""
        command = ["--config", str(self.config), *args]
        process = self.warm.start(command, {**self.environ, **(environ or {})}, moments or {})
        self.processes.append(process)
        return process

    def do(self, *args: str, within: float = PATIENCE, moments: Mapping[str, object] | None = None) -> Done:
        """Run a command to its end."""
        process = self.start(*args, moments=moments)
        status = process.wait(within)
        return Done(status, process.out.text, process.err.text)

    def beside(self, name: str) -> Scene:
        """Another scene in a folder of its own, before the same server."""
        folder = self.folder / name
        folder.mkdir()
        return replace(self, folder=folder)

    def poll(self) -> Done:
        """One round, which must end well."""
        done = self.do("poll")
        assert done.status == 0, done.err
        return done

    def changes(self) -> list[dict[str, Any]]:
        """All changes so far."""
        return self.do("changes", "--json").rows

    def query(self, sql: str) -> list[Any]:
        """Ask the state's file itself."""
        with closing(sqlite3.connect(self.state)) as db:
            return db.execute(sql).fetchall()

    def count(self, sql: str) -> int:
        """Ask the state's file for a number."""
        ((number,),) = self.query(sql)
        return int(number)

    def end(self) -> None:
        """Take away what still runs."""
        for process in self.processes:
            if process.is_running:
                process.kill()


def open_scene(folder: Path, warm: WarmStart, world: World) -> Iterator[Scene]:
    """Play in a folder, before a server of a world; for fixtures."""
    sandbox = Sandbox(world)
    with serving(sandbox) as base:
        scene = Scene(folder, base, sandbox, warm)
        try:
            yield scene
        finally:
            scene.end()
            for process in scene.processes:  # shown only if the test fails
                sys.stderr.write(f"— {process.args} —\n{process.err.text}\n")
