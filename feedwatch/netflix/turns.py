"""Whose turn it is to make a signed call, and which timestamp the last one bore: across processes.

All processes of a state share a file for each application: who holds its lock has the turn. The file says
which timestamp the server has accepted last, and when it was last called.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from feedwatch.netflix.record import SIZE, Record, read_record, write_record
from feedwatch.owning import make_folder, open_beside

PATIENCE: Final = timedelta(minutes=1)
"""How long to wait for other processes to end their turns."""
_EACH_TRY: Final = 0.02
"""Seconds between two tries at the lock. A wait inside `flock` could not be cancelled."""

_log = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NoTurn:
    """There was no turn to be had; `why` is for a person."""

    why: str


class Turn:
    """One turn: gives timestamps that never go back behind one that the server has accepted.

    One that was refused counts for nothing: the clock may have been wrong.
    """

    def __init__(self, record: Record) -> None:
        self.accepted = record.accepted
        self.stamps = 0
        self._stamped = 0
        self._called_at = record.called_at

    def stamp(self, now: datetime) -> int:
        """The timestamp of what is signed now, in seconds since 1970."""
        self.stamps += 1
        self._called_at = now.timestamp()
        self._stamped = max(int(self._called_at), self.accepted)
        return self._stamped

    def accept(self) -> None:
        """Take note that the server has accepted what was stamped last."""
        self.accepted = max(self.accepted, self._stamped)

    @property
    def record(self) -> Record:
        """What the next turn must know of this one."""
        return Record(self.accepted, self._called_at, self.stamps)


class Turns:
    """The turns of one application. Of one event loop.

    `place` is the file that all processes of a state share; without one they do not know of each other.
    `pause` is how to wait.
    """

    def __init__(
        self, place: Path | None = None, *, patience: timedelta = PATIENCE, pause: Pause = asyncio.sleep
    ) -> None:
        self._place = place
        self._patience = patience.total_seconds()
        self._pause = pause
        self._lock = asyncio.Lock()
        self._last = Record()

    @asynccontextmanager
    async def take(
        self, clock: Callable[[], datetime], spacing: timedelta = timedelta(0)
    ) -> AsyncIterator[Turn | NoTurn]:
        """Wait for a turn; it ends with the block. Calls of all processes are `spacing` apart."""
        async with self._lock:
            shared = await self._open()
            if isinstance(shared, NoTurn):
                yield shared
                return
            turn = Turn(self._last)
            try:
                await self._space(clock, spacing)
                yield turn
            finally:
                self._last = turn.record if turn.stamps else self._last
                await shared.end(self._last, lasting=turn.accepted > shared.record.accepted)

    async def _open(self) -> _Shared | NoTurn:
        """Wait for the turn of this process, and learn what was done in those before."""
        if self._place is None:
            return _Shared(None, self._last)
        try:
            shared = await self._wait_for_lock(self._place)
        except OSError as error:
            return NoTurn(f"{self._place}: {error.strerror}")
        if shared is None:
            return NoTurn(
                f"others have been making some for {self._patience:g} s, and hold {self._place}:"
                " try again later"
            )
        self._last = self._last.join(shared.record)
        return shared

    async def _wait_for_lock(self, place: Path) -> _Shared | None:
        """Wait in the waiting room, where there is room for one, and then for the lock itself.

        Who has just ended a turn has to pass the room again, and finds it taken by who waits.
        """
        tries = max(1, int(self._patience / _EACH_TRY))
        make_folder(place.parent)
        with ExitStack() as room, ExitStack() as turn:
            left = await self._try(_open_file(place.with_name(f"{place.name}.next"), room), tries)
            handle = _open_file(place, turn)
            if not await self._try(handle, left):
                return None
            shared = _Shared(handle, _read(handle, place))
            turn.pop_all()  # it stays open until the turn ends
            return shared

    async def _try(self, handle: int, tries: int) -> int:
        """Try to lock a file; returns how many tries are left, none if it has not come to it."""
        for left in range(tries, 0, -1):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await self._pause(_EACH_TRY)
            else:
                return left
        return 0

    async def _space(self, clock: Callable[[], datetime], spacing: timedelta) -> None:
        """Wait until the server may be called again."""
        if spacing and (rest := self._last.time_to_rest(clock(), spacing)):
            await self._pause(rest.total_seconds())


@dataclass(frozen=True, slots=True)
class _Shared:
    """The file of a turn, locked, and what stood in it. Without a handle there is none."""

    handle: int | None
    record: Record

    async def end(self, record: Record, *, lasting: bool) -> None:
        """Write down what was done, and let the next one have its turn.

        What the server has accepted must outlast a power cut: a machine without a clock of its own may wake
        up in the past. Syncing takes long on an SD card, and so does not happen on the event loop.
        """
        if self.handle is None:
            return
        if lasting:
            # Shielded: it is what lets go of the lock, whoever has lost interest meanwhile.
            await asyncio.shield(asyncio.to_thread(_end, self.handle, record, sync=True))
        else:
            _end(self.handle, record, sync=False)


def _open_file(place: Path, until: ExitStack) -> int:
    handle = open_beside(place, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    until.callback(_let_go, handle)
    return handle


def _let_go(handle: int) -> None:
    """Unlock and close: closing alone would leave the lock to a process that was started meanwhile."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def _read(handle: int, place: Path) -> Record:
    """Read the file of a turn, and see that it can be written, while nothing depends on it yet.

    One that is damaged is begun anew: what it said was a caution, and no more.

    Raises:
        OSError: it cannot be read or written.
    """
    text = os.pread(handle, SIZE + 1, 0)
    record = read_record(text)
    if record is None and text:
        _log.warning("%s was damaged: begun anew", place)
        os.ftruncate(handle, 0)
    known = record or Record()
    os.pwrite(handle, write_record(known), 0)
    return known


def _end(handle: int, record: Record, *, sync: bool) -> None:
    """Write in place: so short a text is there whole or not at all, and needs no room that may be gone."""
    try:
        os.pwrite(handle, write_record(record), 0)
        if sync:
            os.fdatasync(handle)
    except OSError as error:
        _log.warning("what was signed last is not on the disk: %s", error.strerror)
    finally:
        _let_go(handle)
