"""Accounts' indexes that have to be read at once: a token has died, or a feed has moved for good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from feedwatch.clock import Clock
from feedwatch.core.state import PollTask

INDEX_PAUSE = timedelta(minutes=1)
"""How long an index that was of no help to a dead token is not asked for another."""

Rediscover = Callable[[str], Awaitable[bool]]
"""Discovers an account anew, at once; True if its index could be read."""


@dataclass(frozen=True, slots=True)
class _IndexRead:
    """An account's index that was read: when, and whether it could be."""

    asked_at: float
    read: asyncio.Future[bool]


class Indexes:
    """Reads indexes for polls, each no more often than helps. Of one event loop.

    `since`, of its clock, is when the round began: one reading serves all polls of a round.
    """

    def __init__(self, rediscover: Rediscover, clock: Clock) -> None:
        self._rediscover = rediscover
        self._clock = clock
        self._reads: dict[str, _IndexRead] = {}
        self._helpless: dict[str, datetime] = {}
        self._moved: dict[str, str] = {}

    async def read(self, account: str, since: float) -> bool:
        """Read an account's index; True if it could be."""
        known = self._reads.get(account)
        if known is None or known.asked_at < since:
            now = asyncio.get_running_loop().time()
            known = _IndexRead(now, asyncio.ensure_future(self._rediscover(account)))
            self._reads[account] = known
        # One of several that wait being cancelled must not cancel it for the others.
        return await asyncio.shield(known.read)

    def leave_alone(self, account: str) -> None:
        """Remember that an index was of no help: the other feeds of its account need not ask at once."""
        self._helpless[account] = self._clock.now() + INDEX_PAUSE

    def is_helpless(self, account: str) -> bool:
        """Whether an index has just been of no help."""
        until = self._helpless.get(account)
        return until is not None and until > self._clock.now()

    async def ask_where_it_moved(self, task: PollTask, since: float) -> None:
        """A tokenized feed has moved for good: its account's index knows where to, once asked for it.

        An index that goes on naming the old address is not asked again for that.
        """
        if self._moved.get(task.feed) != task.address:
            self._moved[task.feed] = task.address
            await self.read(task.account, since)
