"""What every test stands on: no variable of the person who runs them, and patient property tests."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from feedwatch.sandbox import Sandbox, serving
from feedwatch.store import Store

# A slow machine is no failure of a law; what is too slow for a person is for the benchmark to say.
settings.register_profile("feedwatch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("feedwatch")

# A shell has what it starts in the background ignore it, and so would all that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_NOT_OURS = ("FEEDWATCH_", "XDG_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would change how feedwatch behaves, and proxies: all servers here are local."""
    for name in list(os.environ):
        if name.startswith(_NOT_OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def clean_logging() -> Iterator[None]:
    """Put back how loud we log: a command that ran in this process has set it for all that come after."""
    ours, root = logging.getLogger("feedwatch"), logging.getLogger()
    levels, handlers = (ours.level, root.level), root.handlers[:]
    yield
    ours.setLevel(levels[0])
    root.setLevel(levels[1])
    root.handlers[:] = handlers


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    """A sandbox for all tests of a module, and its address."""
    sandbox = Sandbox()
    with serving(sandbox) as base:
        yield sandbox, base


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state of this test is."""
    return tmp_path / "feedwatch.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An empty state, open for writing."""
    opened = Store.open(path)
    yield opened
    opened.close()
