"""What SQLite complains about, as errors of our own that say what to do.

Damage is what no waiting mends: the file itself is not sound. All else is the ground under it (a disk that
is full, a lock, a limit): when that is back, so is the state, and nothing in it is lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedwatch.errors import StoreDamaged, StoreError, StoreLocked
from feedwatch.store.file import MOVED

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_OUR_OWN_MISTAKES = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)
_GROUND = {
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full, or a quota is used up; make room",
    sqlite3.SQLITE_READONLY: "cannot be written: the file, its folder or the file system is read-only for "
    "this user; look at their rights, and at how it is mounted",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: look at the rights of the file and of its folder, and at "
    "how many files may be open (ulimit -n, LimitNOFILE)",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at the disk, its room and its quota (dmesg says "
    "more)",
    sqlite3.SQLITE_PERM: "cannot be used: look at the rights of the file and of its folder",
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise our errors in place of SQLite's; our own mistakes are let through as what they are."""
    try:
        yield
    except _OUR_OWN_MISTAKES:
        raise
    except sqlite3.DatabaseError as error:
        raise _translate(path, error) from error
    except UnicodeDecodeError as error:
        # SQLite quotes what it found in the schema, and that is no text.
        raise StoreDamaged(f"{path} is not a sound feedwatch state: its schema is no text") from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program was writing."""
    return _code(error) in _BUSY


def _translate(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    code = _code(error)
    if code in _BUSY:
        return StoreLocked(f"{path} is busy: another program is writing to it")
    if code in _DAMAGE or not isinstance(error, sqlite3.OperationalError):
        return StoreDamaged(f"{path} is not a sound feedwatch state: {error}")
    # Our tables fit each other: where they do not, it is not our words that stand in the schema.
    if str(error) == "unsupported file format" or str(error).startswith("foreign key mismatch"):
        return StoreDamaged(f"{path} is not a sound feedwatch state: {error}")
    if code is None and str(error).startswith("Could not decode"):
        # What stands there by now is not quoted: nobody knows what it is.
        return StoreDamaged(f"{path} is not a sound feedwatch state: a text in it is none")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
        return StoreError(f"{path} {MOVED} ({error})")
    said = _GROUND.get(code or 0)
    return StoreError(f"{path} {said} ({error})" if said else f"{path}: {error}")


def _code(error: sqlite3.Error) -> int | None:
    # The low byte is the error itself, the others say more about it. Errors of the module have none.
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
