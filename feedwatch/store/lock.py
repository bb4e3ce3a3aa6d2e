"""Who holds the state: one daemon at a time, and claims that name their process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feedwatch.errors import StoreError, StoreLocked
from feedwatch.owning import open_beside


@contextmanager
def hold_state(path: Path) -> Iterator[None]:
    """Hold a state as its one daemon; the lock goes with the process, however that ends.

    Raises:
        StoreLocked: another daemon holds it.
    """
    # Resolved: one state has one lock, whatever links lead to it.
    lock = path.resolve().with_name(path.resolve().name + ".lock")
    told = f"holds the state {path}: stop that one first, or name another state in the configuration"
    with hold_lock(lock, lambda holder: f"another feedwatch daemon (process {holder}) {told}"):
        yield


@contextmanager
def hold_lock(lock: Path, complain: Callable[[str], str]) -> Iterator[None]:
    """Hold a lock, in which our process is named; `complain` says that another has it, whose process it gets.

    Raises:
        StoreLocked: another holds it.
        StoreError: it cannot be had.
    """
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = open_beside(lock, os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot make the lock {lock}: {error.strerror}") from error
    try:
        _lock(handle, lock, complain)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, lock: Path, complain: Callable[[str], str]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreLocked(complain(holder)) from error
    except OSError as error:
        raise StoreError(f"cannot take the lock {lock}: {error.strerror}") from error


def owner_now() -> str:
    """A name for this process that no other has had since the machine started: boot, id, start time."""
    pid = os.getpid()
    return f"{_boot_id()}:{pid}:{_read_process(pid).started}"


def is_owner_alive(owner: str) -> bool:
    """Whether the process of that name still runs."""
    boot, pid_text, started = [*owner.split(":"), "", "", ""][:3]
    if not pid_text.isdigit():
        return False
    ours = _boot_id()
    if boot and ours and boot != ours:
        return False
    pid = int(pid_text)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's, but there
    process = _read_process(pid)
    return not process.has_ended and (not started or (process.started or started) == started)


@dataclass(frozen=True, slots=True)
class _Process:
    """What the system says of a process: when it started, in ticks since boot, and whether it has ended."""

    started: str = ""
    has_ended: bool = False


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _read_process(pid: int) -> _Process:
    """Read proc(5), stat: fields 3 and 22. One that nobody has waited for is there, but has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _Process()
    return _Process(started=fields[19], has_ended=fields[0] in ("Z", "X"))
