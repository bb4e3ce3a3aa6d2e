"""A damaged state is set aside and named, never overwritten; and a new one takes its place.

All of this is the daemon's alone, under its lock (`hold_state`). The new state is made whole, with what is
said about it already owed, before the old one is touched. So that a kill loses neither: what was begun is
seen by the files that lie there, and is finished at the next start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from feedwatch.core.model import Notice
from feedwatch.errors import StoreDamaged, StoreError, StoreMissing
from feedwatch.store.base import Store
from feedwatch.store.file import (
    COMPANIONS,
    beside,
    is_marked_as_ours,
    may_be_written,
    must_not_be_cut_to_nothing,
    sync_folder,
)

ASIDE = ".damaged-"
"""What stands between the name of a state and the instant at which it was set aside."""
NEW = ".new-"
"""The same for a state that is to take the place of the one set aside at that instant, until it does."""
_INSTANT = re.compile(r"\d{8}T\d{6}Z(?:-\d+)?")
"""How such a name ends; a file that is called otherwise is somebody's, and stays."""

Announce = Callable[[Path], tuple[Notice, Sequence[str]]]
"""What is said of a state that was set aside under a name, and to which addresses."""


def rescue_state(path: Path, now: datetime, announce: Announce) -> tuple[Path, str] | None:
    """See to it that the daemon can stand on its state: a damaged one is set aside for a new one.

    Returns under which name and why, or None if there is nothing wrong with it, or no state at all.

    Raises:
        StoreDamaged: the file is not ours, as far as one can see: it is left alone.
        StoreError: the state cannot be used, and the file is not to blame.
    """
    path = path.resolve()
    try:
        _finish(path)
        problem = _find_problem(path, now)
        if problem is None:
            return None
        aside = _name_aside(path, now)
        _make_new(path, aside, *announce(aside))
        _swap(path, aside)
    except OSError as error:
        raise StoreError(f"cannot set the damaged state {path} aside: {error.strerror}") from error
    return aside, problem


def _find_problem(path: Path, now: datetime) -> str | None:
    """What is wrong with a state of ours; None if nothing is, or there is none."""
    try:
        must_not_be_cut_to_nothing(path)
    except StoreDamaged as error:
        return str(error)  # only a database has such a log
    if not path.exists() or path.stat().st_size == 0:
        return None
    # Before SQLite opens it: closing a file lets go of what SQLite has locked in it.
    is_ours, is_writable = is_marked_as_ours(path), may_be_written(path)
    try:
        if beside(path, "-journal").exists():
            # Nobody can read it before what was cut short is undone, and that takes writing.
            Store.open_existing(path).close()
        # Closed after writing, it would be changed, and its log gone.
        store = Store.open_read_only(path, may_be_old=True)
        try:
            problem = store.find_damage(now)
        finally:
            store.close()
    except StoreMissing:
        return None
    except StoreDamaged as error:
        if not is_ours:
            raise StoreDamaged(
                f"{error}. It does not say that it is a state of feedwatch, so it is left alone: name "
                "another state, or move it away (a backup may take its place)",
                is_ours=False,
            ) from error
        return str(error)
    return problem or (None if is_writable else "its header names a format that there is not")


def _name_aside(path: Path, now: datetime) -> Path:
    """A name that nothing has yet, nor anything that would lie beside it."""
    wanted = f"{path.name}{ASIDE}{now:%Y%m%dT%H%M%SZ}"  # as _INSTANT has it
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, 1_000_000))
    candidates = (path.with_name(name) for name in names)
    return next(
        each
        for each in candidates
        if not any(os.path.lexists(beside(each, suffix)) for suffix in ("", *COMPANIONS))
    )


def _make_new(path: Path, aside: Path, notice: Notice, addresses: Sequence[str]) -> None:
    new = _new_for(path, aside)
    store = Store.open(new)
    try:
        store.record_notice(notice, addresses)
    finally:
        store.close()
    with new.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _new_for(path: Path, aside: Path) -> Path:
    return path.with_name(path.name + NEW + aside.name.removeprefix(path.name + ASIDE))


def _swap(path: Path, aside: Path) -> None:
    """Set the state aside, then its companions, then put the new one in its place."""
    if path.exists():
        path.rename(aside)
    for suffix in COMPANIONS:
        if beside(path, suffix).exists():
            beside(path, suffix).rename(beside(aside, suffix))
    sync_folder(path.parent)
    _new_for(path, aside).rename(path)
    sync_folder(path.parent)


def _finish(path: Path) -> None:
    """Finish what a kill has cut short, or clear away what was begun and never read from."""
    begun = [each for each in path.parent.iterdir() if each.name.startswith(path.name + NEW)]
    for new in sorted(begun):
        if not _INSTANT.fullmatch(new.name.removeprefix(path.name + NEW)):
            continue
        aside = path.with_name(path.name + ASIDE + new.name.removeprefix(path.name + NEW))
        if not path.exists() and any(os.path.lexists(beside(aside, suffix)) for suffix in ("", *COMPANIONS)):
            _swap(path, aside)
        for suffix in ("", *COMPANIONS):
            beside(new, suffix).unlink(missing_ok=True)
