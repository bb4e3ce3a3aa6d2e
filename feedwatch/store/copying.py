"""A copy of the state, made beside whoever writes: whole, of one moment, checked before it has its name."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from feedwatch.errors import StoreDamaged, StoreError
from feedwatch.store.connection import connect_read_only
from feedwatch.store.faults import translated
from feedwatch.store.file import (
    COMPANIONS,
    beside,
    has_unwritten,
    must_exist,
    must_not_be_cut_to_nothing,
    sync_folder,
)
from feedwatch.store.schema import APPLICATION_ID

PART = ".part"
"""What the name of a copy ends in until it is whole."""
_PAGES_AT_ONCE = 256


def copy_state(state: Path, to: Path, *, replace: bool = False) -> int:
    """Copy a state, also while it is written to; returns the size of the copy in bytes.

    The copy is one file with mode 0600, usable as a state at once. It has its name only once it is whole,
    checked and on the disk. A file that is there already is replaced only if that is asked for, and then
    in one step.

    Raises:
        StoreMissing: there is no state.
        StoreDamaged: the state is not sound, so that a copy would not be either.
        StoreError: the copy cannot be made there; nothing of it is left.
    """
    must_not_be_cut_to_nothing(state)
    must_exist(state)
    _must_be_free(state, to, replace=replace)
    with _part_of(to) as part:
        try:
            _copy(state, part)
            _check(part)
        except StoreDamaged as error:
            raise StoreDamaged(
                f"{state} is not a sound feedwatch state, or none at all, so it is not copied: {error}"
            ) from error
        _settle(part, to, replace=replace)
    return to.stat().st_size


def _must_be_free(state: Path, to: Path, *, replace: bool) -> None:
    taken = {state.resolve(), *(beside(state.resolve(), suffix) for suffix in (*COMPANIONS, ".lock"))}
    part = beside(to, PART)
    if {to.resolve(), part.resolve()} & taken or _is_same(to, state) or _is_same(part, state):
        raise StoreError(f"{to} is the state itself, or belongs to it: name another file for the copy")
    if to.is_dir():
        raise StoreError(f"{to} is a folder: name a file in it")
    if not to.parent.is_dir():
        raise StoreError(f"cannot make the copy {to}: there is no folder {to.parent}")
    if has_unwritten(to):
        # SQLite would read the log of what was there into the copy.
        raise StoreError(f"{to} is a state that is in use, or was: a log lies beside it; name another file")
    if os.path.lexists(to) and not replace:
        raise StoreError(f"{to} is there already: name another file, or say --force to replace it")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


@contextmanager
def _part_of(to: Path) -> Iterator[Path]:
    """An empty file for the copy, held against another copy of the same name; gone if anything fails."""
    part = beside(to, PART)
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot make the copy {to}: {error.strerror}") from error
    # Open until all is done: closing it would let go of what SQLite has locked in the same file.
    try:
        _hold(handle, part, to)
        _must_be_ours(handle, part)
        try:
            os.ftruncate(handle, 0)
            os.fchmod(handle, 0o600)
            yield part
        except BaseException as error:
            _remove(part)
            if isinstance(error, OSError):
                raise StoreError(f"cannot make the copy {to}: {error.strerror}") from error
            raise
    finally:
        os.close(handle)


def _hold(handle: int, part: Path, to: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it until now may have given it its name: then it is a copy that is whole.
        is_ours = os.path.samestat(os.fstat(handle), os.lstat(part))
    except OSError as error:
        raise StoreError(f"another copy is being made to {to}") from error
    if not is_ours:
        raise StoreError(f"another copy has just been made to {to}")


def _must_be_ours(handle: int, part: Path) -> None:
    """Refuse a file that somebody else has laid there, to read the copy in it or to have it overwritten."""
    found = os.fstat(handle)
    if found.st_uid != os.geteuid() or found.st_nlink > 1:
        raise StoreError(f"{part} is in the way, and not a copy begun by this user: remove it")


def _remove(part: Path) -> None:
    for each in (part, *(beside(part, suffix) for suffix in COMPANIONS)):
        with suppress(OSError):
            each.unlink()


def _copy(state: Path, part: Path) -> None:
    """Copy page by page from one moment: a reader hinders no writer, and no writer makes it begin anew."""
    with translated(state), closing(connect_read_only(state)) as source:
        source.execute("BEGIN")
        # Asking for something is what makes the moment.
        (mark,) = source.execute("PRAGMA application_id").fetchone()
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mark != APPLICATION_ID:
            raise StoreDamaged("it is a database of another program")
        with translated(part), closing(sqlite3.connect(part, isolation_level=None)) as copy:
            # Until it has its name it is nobody's: what a journal protects is made anew instead.
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            source.backup(copy, pages=_PAGES_AT_ONCE)


def _check(part: Path) -> None:
    with translated(part), closing(sqlite3.connect(part, isolation_level=None)) as copy:
        # One file that anybody may open, also where nothing can be written beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreDamaged(found)


def _settle(part: Path, to: Path, *, replace: bool) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    if os.path.lexists(to) and not replace:
        raise StoreError(f"{to} is there by now: the copy is not kept")
    part.replace(to)
    sync_folder(to.parent)
