"""One turn of asking about titles, start to finish: whose details are wanted, ask, keep what comes.

The database is never held while somebody is asked. What fails is logged once, and tried again in a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from feedwatch.clock import Clock
from feedwatch.core.model import Reason
from feedwatch.core.schedule import RATE_REST
from feedwatch.core.statuses import Action
from feedwatch.core.subjects import WantedTitle
from feedwatch.detailing.answers import Answer, Source, Trouble
from feedwatch.errors import StoreError
from feedwatch.store import Askable, Store
from feedwatch.store.thread import StoreThread

_LOG = logging.getLogger("feedwatch.detailing")

MOST_TITLES: Final = 30
"""Titles asked about in one turn, the newest first."""
TURN: Final = timedelta(seconds=25)
"""How long a turn lasts at most: changes are gathered for half a minute before they are told."""
PATIENCE: Final = timedelta(seconds=2)
"""How long a delivery waits for a turn that has begun, where nothing is gathered."""
_SOON: Final = timedelta(minutes=30)
"""What is told later than that is asked about later: details are of the day."""
_PAUSE: Final = timedelta(minutes=10)
"""How long what failed is left alone, where nobody says how long."""
_SHORT_PAUSE: Final = timedelta(minutes=1)
"""How long until it is looked whether an account may be asked again."""


class FindSource(Protocol):
    """Who is asked about which titles (feedwatch.detailing.Sources)."""

    @property
    def askable(self) -> Askable:
        """The accounts about whose titles somebody can be asked."""
        ...

    async def open(self, account: str) -> Source | None:
        """Give who is asked about an account's titles now; None if nobody is."""
        ...


class Detailer:
    """Asks about titles that are about to be told. One lives as long as its daemon.

    `kept` is how long what was found may be told.
    """

    def __init__(self, store: StoreThread, sources: FindSource, *, kept: timedelta, clock: Clock) -> None:
        self._store = store
        self._sources = sources
        self.kept = kept
        self._clock = clock
        self._left_alone: dict[object, datetime] = {}
        self._told: set[tuple[str, Reason]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._began_at = 0.0

    async def run_turn(self, within: timedelta = TURN) -> None:
        """Ask about what is wanted now, and about what comes to be wanted meanwhile; no longer than `within`.

        Raises:
            StoreError: the state cannot be read or written.
        """
        self._idle.clear()
        self._began_at = asyncio.get_running_loop().time()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within.total_seconds()):
                    await self._ask_all()
        finally:
            self._idle.set()

    async def wait_briefly(self) -> None:
        """Wait for the turn under way, if there is one, until two seconds after it began."""
        left = self._began_at + PATIENCE.total_seconds() - asyncio.get_running_loop().time()
        if left > 0 and not self._idle.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), left)

    async def _ask_all(self) -> None:
        asked: set[WantedTitle] = set()
        while len(asked) < MOST_TITLES:
            wanted = [each for each in await self._find_wanted() if each not in asked]
            wanted = wanted[: MOST_TITLES - len(asked)]
            if not wanted:
                return
            asked |= set(wanted)
            asking = (self._ask_guarded(*each) for each in _by_account(wanted).items())
            # All to their end: what breaks for one account must leave no other half-way.
            for outcome in await asyncio.gather(*asking, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _find_wanted(self) -> list[WantedTitle]:
        now = self._clock.now()
        self._left_alone = {what: until for what, until in self._left_alone.items() if until > now}
        wanted = await self._store.run(
            Store.titles_wanting_details,
            self._sources.askable,
            soon=now + _SOON,
            since=now - self.kept,
            limit=MOST_TITLES + len(self._left_alone),
        )
        return [each for each in wanted if each not in self._left_alone]

    async def _ask_guarded(self, account: str, titles: Sequence[WantedTitle]) -> None:
        try:
            await self._ask_account(account, titles)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 — the edge of one account: no message is worth less for it
            self._leave_alone(titles, self._clock.now() + _PAUSE)
            _LOG.exception("asking for details failed in an unforeseen way account=%s", account)

    async def _ask_account(self, account: str, titles: Sequence[WantedTitle]) -> None:
        source = await self._sources.open(account)
        if source is None or await self._rests(source.host):
            self._leave_alone(titles, self._clock.now() + _SHORT_PAUSE)
            return
        answered = False
        try:
            async with aclosing(source.ask(titles)) as outcomes:
                async for outcome in outcomes:
                    answered = True
                    if not await self._take(account, source, outcome):
                        return
        except asyncio.CancelledError:
            if not answered:  # a host that hangs would take the next turn, too
                self._leave_alone([source.host], self._clock.now() + _PAUSE)
            raise

    async def _take(self, account: str, source: Source, outcome: Answer | Trouble) -> bool:
        """Take what asking brought; False if it is of somebody whom the account is not any more."""
        if isinstance(outcome, Trouble):
            await self._take_trouble(account, source, outcome)
            return True
        self._told = {told for told in self._told if told[0] != account}
        found, now = {outcome.title: outcome.details}, self._clock.now()
        return await self._store.run(Store.keep_title_details, found, now, source.asked_as)

    # ── trouble ───────────────────────────────────────────────────────────────────────────────────

    async def _rests(self, host: str) -> bool:
        now = self._clock.now()
        resting = await self._store.run(Store.resting_hosts, now)
        return self._left_alone.get(host, now) > now or resting.get(host, now) > now

    async def _take_trouble(self, account: str, source: Source, trouble: Trouble) -> None:
        now = self._clock.now()
        if (account, trouble.reason) not in self._told:
            self._told.add((account, trouble.reason))
            _LOG.warning("no details for now account=%s: %s", account, trouble.says)
        if trouble.action is Action.SIGN_IN_AGAIN:
            await source.sign_out()
        if trouble.title is not None and not trouble.ends:
            self._leave_alone([trouble.title], now + _PAUSE)
            return
        self._leave_alone([source.host], now + (trouble.rest or _PAUSE))
        if trouble.reason is Reason.RATE_LIMITED:
            until = now + (trouble.rest or RATE_REST)
            await self._store.run(Store.rest_host, trouble.host or source.host, until, trouble.reason)

    def _leave_alone(self, what: Iterable[object], until: datetime) -> None:
        self._left_alone |= dict.fromkeys(what, until)


def _by_account(titles: Iterable[WantedTitle]) -> dict[str, list[WantedTitle]]:
    groups: dict[str, list[WantedTitle]] = {}
    for title in titles:
        groups.setdefault(title.account, []).append(title)
    return groups
