"""What systemd is told, and the unit that it runs feedwatch by."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from feedwatch.systemd import notify_systemd, watchdog_interval

UNIT = Path(__file__).parents[1] / "systemd" / "feedwatch.service"
HALF_A_MINUTE = str(30 * 10**6)

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A datagram socket that waits five seconds at most."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(5)
        yield made


def test_a_state_is_sent_as_one_datagram(listener: socket.socket, tmp_path: Path) -> None:
    """What is said arrives at the socket that NOTIFY_SOCKET names."""
    path = str(tmp_path / "notify")
    listener.bind(path)
    assert notify_systemd("READY=1", {"NOTIFY_SOCKET": path})
    assert listener.recv(100) == b"READY=1"


def test_an_abstract_socket_is_found(listener: socket.socket) -> None:
    """A name that begins with @ is one of no file."""
    name = f"feedwatch-test-{os.getpid()}"
    listener.bind(f"\0{name}")
    assert notify_systemd("STOPPING=1", {"NOTIFY_SOCKET": f"@{name}"})
    assert listener.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize(
    "environ",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}],
    ids=["no systemd", "an empty name", "nobody there"],
)
def test_without_a_listener_nothing_is_said_and_nothing_breaks(environ: dict[str, str]) -> None:
    """It only says that it has told nobody."""
    assert not notify_systemd("READY=1", environ)


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": HALF_A_MINUTE}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": HALF_A_MINUTE, "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": HALF_A_MINUTE, "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
    ids=["any process", "this process", "another process", "off", "no number", "none"],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(
    environ: dict[str, str], interval: timedelta | None
) -> None:
    """Half of what systemd allows, if it means this process."""
    assert watchdog_interval(environ) == interval


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as installed here: its program is one that exists."""
    text = UNIT.read_text()
    assert "/usr/local/bin/feedwatch" in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/usr/local/bin/feedwatch", "/bin/true"))
    return copy


def _analyze(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


@needs_systemd
def test_the_unit_is_sound(unit: Path) -> None:
    """`systemd-analyze verify` has nothing to say of it."""
    done = _analyze("verify", "--man=no", unit)
    about_ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, about_ours) == (0, [])


@needs_systemd
def test_the_unit_is_hardened(unit: Path) -> None:
    """`systemd-analyze security` finds little exposure."""
    done = _analyze("security", "--offline=true", "--threshold=15", unit)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_gives_an_orderly_stop_its_time() -> None:
    """It waits longer than the ten seconds that a stop may take, and listens to the main process."""
    lines = UNIT.read_text().splitlines()
    assert {"Type=notify", "NotifyAccess=main", "TimeoutStopSec=20s"} <= set(lines)
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines
