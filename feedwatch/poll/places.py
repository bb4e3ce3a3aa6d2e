"""Who may ask now: so many polls in all, so many of one host, and no host many times in a moment."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

UNHURRIED: Final = 4.0
"""The pace of who is in no hurry: so many times a second from each place at a host."""
IN_A_ROW: Final = timedelta(seconds=2)
"""What a host may be asked at its pace in so long, it may be asked in a row."""

Start = Callable[["Place"], bool]
"""Begins what has waited for a place; False if nobody needs that any more."""


class Places:
    """Places to ask from, shared by all rounds; hosts take turns. Of one event loop.

    There are `most` for all hosts together, and `per_host` for each. As long as no pace is kept, a host is
    asked as fast as it answers.

    The fetcher limits every request, whoever makes it and wherever redirects lead; these are of polls, so
    that none begins only to wait there.
    """

    def __init__(self, most: int, per_host: int) -> None:
        self._most = most
        self._per_host = per_host
        self._pace: float | None = None
        self._taken = 0
        self._at_host: Counter[str] = Counter()
        self._lines: dict[str, deque[Start]] = {}
        self._turns: OrderedDict[str, None] = OrderedDict()
        """Hosts where somebody waits, and for all that is known there is a place: whose turn it is first."""
        self._paced_until: dict[str, float] = {}
        self._paused: set[str] = set()

    def limit(self, most: int, per_host: int) -> None:
        """Take other limits over; who has a place keeps it."""
        self._most, self._per_host = most, per_host
        self._turns.update(dict.fromkeys(self._lines))
        self._serve()

    def keep_pace(self, times: float) -> None:
        """Ask from each place at a host no more often than so many times a second from now on."""
        self._pace = times

    def line_up(self, waiting: Iterable[tuple[str, Start]]) -> None:
        """Have each start as soon as there is a place for it at the host that it asks."""
        self._forget_paces()
        for host, start in waiting:
            self._lines.setdefault(host, deque()).append(start)
            self._turns[host] = None
        self._serve()

    async def enter(self, host: str) -> Place:
        """Wait for a place at a host."""
        entered: asyncio.Future[Place] = asyncio.get_running_loop().create_future()

        def start(place: Place) -> bool:
            if entered.done():  # nobody waits any more
                return False
            entered.set_result(place)
            return True

        self.line_up([(host, start)])
        try:
            return await entered
        except asyncio.CancelledError:
            if not entered.cancelled():
                entered.result().leave()
            raise

    def give_back_at_host(self, host: str) -> None:
        """Let the next ask this host."""
        self._at_host[host] -= 1
        if not self._at_host[host]:
            del self._at_host[host]
        self._take_turn(host)

    def give_back(self) -> None:
        """Let the next ask, whichever host it is."""
        self._taken -= 1
        self._serve()

    def _serve(self) -> None:
        while self._taken < self._most and self._turns:
            host, _ = self._turns.popitem(last=False)
            if self._at_host[host] >= self._per_host or host in self._paused:
                continue  # it takes its turn when a place there comes free, or its pace allows
            line = self._lines[host]
            start = line.popleft()
            if line:
                self._turns[host] = None
            else:
                del self._lines[host]
            if start(Place(self, host)):
                self._taken += 1
                self._at_host[host] += 1
                self._count_for_pace(host)

    def _take_turn(self, host: str) -> None:
        if host in self._lines:
            self._turns[host] = None
            self._serve()

    # ── pace ──────────────────────────────────────────────────────────────────────────────────────

    def _count_for_pace(self, host: str) -> None:
        if self._pace is None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        asked_until = max(self._paced_until.get(host, now), now)
        until = self._paced_until[host] = asked_until + 1 / (self._pace * self._per_host)
        pause_until = until - IN_A_ROW.total_seconds()
        if pause_until > now:
            self._paused.add(host)
            loop.call_at(pause_until, self._go_on, host)

    def _go_on(self, host: str) -> None:
        self._paused.discard(host)
        self._take_turn(host)

    def _forget_paces(self) -> None:
        if not self._paced_until:
            return
        now = asyncio.get_running_loop().time()
        self._paced_until = {host: until for host, until in self._paced_until.items() if until > now}


class Place:
    """A place that somebody has to ask `host`; given back twice, it is given back once."""

    __slots__ = ("_asks", "_held", "_places", "host")

    def __init__(self, places: Places, host: str) -> None:
        self.host = host
        self._places = places
        self._asks = True
        self._held = True

    def has_asked(self) -> None:
        """Let the next ask this host; what comes of the answer still counts as one of all under way."""
        if self._asks:
            self._asks = False
            self._places.give_back_at_host(self.host)

    def leave(self, *_: object) -> None:
        """Give the place back."""
        self.has_asked()
        if self._held:
            self._held = False
            self._places.give_back()
