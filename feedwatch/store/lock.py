"""Who holds the state: one daemon at a time, and claims that name their process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedwatch.errors import StoreError, StoreLocked


@contextmanager
def hold_state(path: Path) -> Iterator[None]:
    """Hold a state as its one daemon; the lock goes with the process, however that ends.

    Raises:
        StoreLocked: another daemon holds it.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot make the lock {lock}: {error.strerror}") from error
    try:
        _lock(handle, path)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreLocked(
            f"another feedwatch daemon (process {holder}) holds the state {path}: stop that one first, "
            "or name another state in the configuration"
        ) from error


def owner_now() -> str:
    """A name for this process that no other has had since the machine started: boot, id, start time."""
    pid = os.getpid()
    return f"{_boot_id()}:{pid}:{_started(pid)}"


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
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    return not started or (_started(pid) or started) == started


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since boot (proc(5), stat, field 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
