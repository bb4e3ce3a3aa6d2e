"""Files put in place: whole or not at all, for their owner's eyes, and nothing overwritten that was there."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feedwatch.starting.draft import Papers

_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def names_beside(file: Path) -> Collection[str]:
    """The names that are taken where a file is to be."""
    try:
        return [each.name for each in file.parent.iterdir()]
    except OSError:
        return ()


def show_path(path: Path) -> str:
    """A path as a person writes it."""
    home = os.environ.get("HOME", "")
    return f"~/{path.relative_to(home)}" if home and path.is_relative_to(home) else str(path)


def put_in_place(file: Path, papers: Papers) -> Path | None:
    """Put a configuration and its secrets in place; gives where the one before is kept, if there was one.

    If anything fails, all is as it was.

    Raises:
        OSError: it cannot be written.
    """
    with _uninterrupted(), _undoing() as made:
        _make_folder(file.parent, made)
        for name, content in papers.secrets.items():
            made.append(write_new(file.parent / name, content))
        return _replace(file, papers.text, made)


def replace_file(file: Path, text: str) -> Path | None:
    """Write a file whole; gives where the one before is kept, if there was one.

    Raises:
        OSError: it cannot be written; then all is as it was.
    """
    with _uninterrupted(), _undoing() as made:
        _make_folder(file.parent, made)
        return _replace(file, text, made)


def write_new(file: Path, text: str) -> Path:
    """Write a file that is not there yet, for its owner's eyes, down to the disk.

    Raises:
        FileExistsError: it is there.
    """
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        file.unlink()
        raise
    return file


def _replace(file: Path, text: str, made: list[Path]) -> Path | None:
    place = Path(os.path.realpath(file))  # behind a symbolic link: the link stays one
    fresh = write_new(_find_free(place, ".new"), text)
    made.append(fresh)
    kept = None
    if place.exists():
        kept = write_new(
            _find_free(file, ".old"), place.read_text(encoding="utf-8", errors="surrogateescape")
        )
        made.append(kept)
    fresh.replace(place)
    return kept


def _find_free(file: Path, ending: str) -> Path:
    number, free = 1, file.with_name(file.name + ending)
    while free.exists() or free.is_symlink():
        number += 1
        free = file.with_name(f"{file.name}{ending}-{number}")
    return free


def _make_folder(folder: Path, made: list[Path]) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, made)
    folder.mkdir(mode=0o700)
    made.append(folder)


@contextmanager
def _undoing() -> Iterator[list[Path]]:
    """Take away again what was made, if what follows fails."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let nothing end us in the blink of an eye in which files are put in place: Ctrl-C comes too late."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        while signal.sigtimedwait(_ENDING, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
