"""What the daemon tells systemd over its socket: readiness, reloads, the end, and that it makes progress."""

from __future__ import annotations

import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemons import Lines, Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)


class Manager:
    """A datagram socket as systemd has it, and all that came in."""

    def __init__(self, path: Path) -> None:
        self.environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000000"}
        self.told = Lines()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while text := self._socket.recv(4096).decode():
            for line in text.splitlines():
                self.told.add(line)

    def close(self) -> None:
        """Listen no more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A service manager that listens."""
    made = Manager(tmp_path / "notify")
    yield made
    made.close()


def test_ready_reloading_and_stopping_are_told_in_order(
    small: Scene, hook: WebhookSink, manager: Manager
) -> None:
    """READY once it works, RELOADING with an instant and READY again around a reload, STOPPING at the end."""
    small.configure({"hook": hook.url})
    daemon = small.start("run", environ=manager.environ)
    manager.told.wait_for("^READY=1$")
    daemon.send(signal.SIGHUP)
    manager.told.wait_for("^READY=1$", count=2)
    assert daemon.stop() == 0
    manager.told.wait_for("^STOPPING=1$")
    told = [line.partition("=")[0] for line in manager.told.so_far if line != "WATCHDOG=1"]
    assert told == ["READY", "RELOADING", "MONOTONIC_USEC", "READY", "STOPPING"]
    line = next(line for line in manager.told.so_far if line.startswith("MONOTONIC_USEC="))
    assert int(line.partition("=")[2]) > 0


def test_the_watchdog_is_fed_though_there_is_nothing_to_do(small: Scene, manager: Manager) -> None:
    """No feeds and no targets are no lack of progress."""
    small.write(f"state: {small.state}\n")
    daemon = small.start("run", environ=manager.environ)
    manager.told.wait_for("^WATCHDOG=1$", count=2)
    assert daemon.stop() == 0
    assert "no progress" not in daemon.err.text


def test_the_watchdog_starves_while_the_store_makes_no_progress(
    small: Scene, hook: WebhookSink, manager: Manager
) -> None:
    """Somebody holds the state for long: no WATCHDOG until it is let go, and a line that says so."""
    small.configure({"hook": hook.url})
    daemon = small.start("run", environ=manager.environ)
    manager.told.wait_for("^WATCHDOG=1$")
    with closing(sqlite3.connect(small.state, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        daemon.err.wait_for("no progress for")
        fed = manager.told.so_far.count("WATCHDOG=1")
        daemon.err.wait_for("no progress for", count=2)
        assert manager.told.so_far.count("WATCHDOG=1") == fed
        holder.execute("ROLLBACK")
    manager.told.wait_for("^WATCHDOG=1$", count=fed + 1)
    assert daemon.stop() == 0
