"""Who holds a state, and who still lives: one daemon at a time, and claims that name their process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from feedwatch.errors import StoreError, StoreLocked
from feedwatch.store import hold_state, is_owner_alive, owner_now

_HOLD = """
import sys
from pathlib import Path
from feedwatch.store import hold_state, owner_now
with hold_state(Path(sys.argv[1])):
    print(owner_now(), flush=True)
    sys.stdin.read()
"""


def start_holder(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def read_owner(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_daemon_is_refused_and_told_who_holds_the_state(path: Path) -> None:
    """It says which process it is and what to do; when that one ends the state is free."""
    process = start_holder(path)
    read_owner(process)
    with (
        pytest.raises(StoreLocked, match=rf"process {process.pid}\) holds .*stop that one first"),
        hold_state(path),
    ):
        pass
    process.communicate(timeout=20)
    with hold_state(path):
        assert path.with_name("feedwatch.db.lock").read_text() == f"{os.getpid()}\n"


def test_a_killed_daemon_holds_nothing(path: Path) -> None:
    """The lock goes with the process, however that ends; the file that is left does not count."""
    process = start_holder(path)
    owner = read_owner(process)
    assert is_owner_alive(owner)
    process.kill()
    # Ended, but nobody has asked how yet: it holds nothing, and is not alive.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_owner_alive(owner)
    with hold_state(path):
        pass
    process.communicate(timeout=20)
    assert not is_owner_alive(owner)


def test_a_state_has_one_lock_whatever_links_lead_to_it(tmp_path: Path, path: Path) -> None:
    """Two names of one state are one state."""
    path.touch()
    other = tmp_path / "other"
    other.mkdir()
    (other / "link.db").symlink_to(path)
    with hold_state(path), pytest.raises(StoreLocked), hold_state(other / "link.db"):
        pass


def test_a_lock_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    """The daemon may be the first who needs the folder."""
    path = tmp_path / "new" / "feedwatch.db"
    with hold_state(path):
        assert stat.S_IMODE(path.with_name("feedwatch.db.lock").stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_lock_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A file in the place of the folder."""
    (tmp_path / "folder").touch()
    with (
        pytest.raises(StoreError, match=r"cannot make the lock .*folder"),
        hold_state(tmp_path / "folder" / "feedwatch.db"),
    ):
        pass


def test_a_process_is_known_by_more_than_its_number() -> None:
    """A number is given out again: boot and start time tell the new process from the old."""
    me = owner_now()
    boot, pid, started = me.split(":")
    assert is_owner_alive(me)
    assert int(pid) == os.getpid()
    assert not is_owner_alive(f"{boot}:{pid}:{int(started) + 1}")
    assert not is_owner_alive(f"another-boot:{pid}:{started}")
    assert is_owner_alive(f":{pid}:"), "where the system does not say more, the number must do"


@pytest.mark.parametrize(
    "owner", ["", "::", "boot", "boot:pid:1", ":-1:", ":99999999999999999999:", ":4194305:"], ids=repr
)
def test_an_owner_that_is_none_is_not_alive(owner: str) -> None:
    """Whatever stands in a state, asking about it does no harm."""
    assert not is_owner_alive(owner)
