"""The state as a file: how it is made, whom it is kept from, what lies beside it, whether it is ours."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from feedwatch.errors import StoreDamaged, StoreError, StoreMissing
from feedwatch.owning import open_beside
from feedwatch.store.schema import APPLICATION_ID

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database: part of it as long as it is there."""
MOVED = "was moved or deleted while it was open: put it back where it was, and start feedwatch again"
_MAGIC = b"SQLite format 3\0"
_MARK = slice(68, 72)
"""Where the header of a database says whose it is."""
_FORMAT = slice(18, 20)
"""Where it says in which format it is written and read."""


def create_file(path: Path) -> None:
    """Make an empty file for a new state, and folders on the way to it; one that is there is left as it is.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = _mode_within(path.parent)
        os.close(open_beside(path, os.O_WRONLY, mode))
        path.chmod(mode)
    except OSError as error:
        raise StoreError(f"cannot make the state {path}: {error.strerror}") from error


def keep_from_others(path: Path, *, is_new: bool) -> None:
    """Let nobody beyond its group read a state, whoever made the file: there are tokens in it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    wanted = _mode_within(path.parent) if is_new else mode & 0o770
    if mode != wanted:
        with suppress(PermissionError):  # somebody else's: not ours to change
            path.chmod(wanted)


def must_exist(path: Path) -> None:
    """Raise StoreMissing if there is no state, StoreError if one cannot even look."""
    try:
        found = path.exists()
    except OSError as error:
        raise StoreError(f"cannot look at the state {path}: {error.strerror}") from error
    if not found:
        raise missing(path)


def missing(path: Path) -> StoreMissing:
    """Say that there is no state."""
    return StoreMissing(f"no state at {path}: has the daemon run yet? (feedwatch run)")


def place_of(path: Path) -> tuple[int, int] | None:
    """Which file a name leads to, whatever stands in it; None if it leads to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def must_be_in_place(path: Path, place: tuple[int, int] | None) -> None:
    """Raise StoreError if the name of a state that is open does not lead to that file any more."""
    if place_of(path) != place:
        raise StoreError(f"{path} {MOVED}")


def must_not_be_cut_to_nothing(path: Path) -> None:
    """Raise StoreDamaged if a state is gone or empty while its log is not.

    SQLite would take it for a new one, and throw away the log, which may be all that is left.
    """
    log = beside(_followed(path), "-wal")
    try:
        # The log first: a new state that another process fills at this moment has its file before its log.
        has_log = log.exists() and log.stat().st_size > 0
        cut = has_log and (not path.exists() or path.stat().st_size == 0)
    except OSError as error:
        raise StoreError(f"cannot look at the state {path}: {error.strerror}") from error
    if cut:
        raise StoreDamaged(f"{path} is not a sound feedwatch state: it is empty, but its log is not")


def beside(path: Path, suffix: str) -> Path:
    """A file beside the state, as SQLite names it."""
    return path.with_name(path.name + suffix)


def _followed(path: Path) -> Path:
    """Where a link leads: SQLite keeps its files beside the file itself, not beside the link."""
    return Path(os.path.realpath(path))


def has_unwritten(path: Path) -> bool:
    """Whether something that was committed waits beside the file to be written into it."""
    logs = (beside(_followed(path), suffix) for suffix in ("-wal", "-journal"))
    return any(log.exists() and log.stat().st_size for log in logs)


def is_marked_as_ours(path: Path) -> bool:
    """Whether a file says that it is, or was, a state of feedwatch, however damaged it is beyond that.

    One byte of the words that begin every database may be damaged too; the mark itself may not.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:
        return False
    alike = sum(ours == theirs for ours, theirs in zip(_MAGIC, header, strict=False))
    return header[_MARK] == APPLICATION_ID.to_bytes(4, "big") and alike >= len(_MAGIC) - 1


def may_be_written(path: Path) -> bool:
    """Whether the header of a database names a format that SQLite writes; with any other it only reads."""
    with path.open("rb") as file:
        header = file.read(100)
    return len(header) < 100 or set(header[_FORMAT]) <= {1, 2}


def sync_folder(folder: Path) -> None:
    """Have the disk know by which names the files in a folder go."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode_within(folder: Path) -> int:
    return 0o640 if _is_for_a_group(folder) else 0o600


def _is_for_a_group(folder: Path) -> bool:
    """Whether who runs us means the state to be read by a group, and by nobody beyond it.

    Such a folder is what systemd's StateDirectoryMode=0750 makes; a umask of 0027 says the same.
    """
    mode = folder.stat().st_mode
    if mode & 0o050 == 0o050 and not mode & 0o007:
        return True
    umask = os.umask(0o077)
    os.umask(umask)
    return umask & 0o007 == 0o007 and not umask & 0o040
