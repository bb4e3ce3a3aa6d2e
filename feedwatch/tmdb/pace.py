"""How often TMDB may be asked, for all processes of a state: what one asks counts for the others, too."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from feedwatch.core.bucket import Bucket, Rate
from feedwatch.owning import make_folder, open_beside

_BUSY: Final = timedelta(milliseconds=20)
"""How long to wait for another process that counts just now."""
_LARGEST: Final = 4096


class Pace:
    """A rate that is kept together with all who share the file `place`; without one, alone.

    Where that file cannot be had this process counts for itself: it is only a courtesy.
    """

    def __init__(self, rate: Rate, place: Path | None = None) -> None:
        self._bucket = Bucket(rate)
        self._place = place

    def take(self, now: datetime) -> timedelta:
        """Count one call; where it has to wait it is not counted, and how long is given."""
        wait = _BUSY

        def count(bucket: Bucket) -> Bucket:
            nonlocal wait
            bucket, wait = bucket.take(now)
            return bucket

        self._change(count)
        return wait

    def empty(self, now: datetime, rest: timedelta) -> None:
        """Let nobody ask for so long: the server itself has said that it is too much."""
        self._bucket = self._bucket.empty(now, rest)
        self._change(lambda bucket: bucket.empty(now, rest))

    def _change(self, change: Callable[[Bucket], Bucket]) -> None:
        try:
            with self._open() as handle:
                known = self._bucket if handle is None else _read(handle, self._bucket)
                self._bucket = change(known)
                if handle is not None:
                    _write(handle, self._bucket)
        except BlockingIOError:
            return
        except OSError:
            self._bucket = change(self._bucket)

    @contextmanager
    def _open(self) -> Iterator[int | None]:
        if self._place is None:
            yield None
            return
        make_folder(self._place.parent)
        handle = open_beside(self._place, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield handle
        finally:
            os.close(handle)


def _read(handle: int, ours: Bucket) -> Bucket:
    """What all have counted; where that cannot be read, what we have."""
    try:
        seen, *back = (datetime.fromtimestamp(each, UTC) for each in _load(handle))
    except (ValueError, TypeError, OverflowError):
        return ours
    return replace(ours, back_at=tuple(sorted(back)), seen_at=seen) if len(back) <= ours.rate.count else ours


def _load(handle: int) -> list[float]:
    said: list[float] = json.loads(os.pread(handle, _LARGEST, 0))
    return said


def _write(handle: int, bucket: Bucket) -> None:
    instants = (bucket.seen_at, *bucket.back_at)
    text = json.dumps([each.timestamp() for each in instants if each is not None]).encode()
    os.ftruncate(handle, 0)
    os.pwrite(handle, text, 0)
