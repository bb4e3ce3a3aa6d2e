"""Whose turn it is to make a signed call, and which timestamp the last one bore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path


class Turn:
    """One turn: gives timestamps that never go back behind one that the server has accepted.

    One that was refused counts for nothing: the clock may have been wrong.
    """

    def __init__(self, accepted: int) -> None:
        self.accepted = accepted
        self._stamped = 0

    def stamp(self, now: datetime) -> int:
        """The timestamp of what is signed now, in seconds since 1970."""
        self._stamped = max(int(now.timestamp()), self.accepted)
        return self._stamped

    def accept(self) -> None:
        """Take note that the server has accepted what was stamped last."""
        self.accepted = max(self.accepted, self._stamped)


class Turns:
    """The turns of one application. Of one event loop.

    `place` is the file that all processes of a state share; without one they do not know of each other.
    """

    def __init__(self, place: Path | None = None) -> None:
        self._place = place
        self._lock = asyncio.Lock()
        self._accepted = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Turn]:
        """Wait for a turn; it ends with the block."""
        async with self._lock:
            turn = Turn(self._accepted)
            try:
                yield turn
            finally:
                self._accepted = turn.accepted
