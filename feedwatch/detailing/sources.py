"""Who is asked about the titles of which account: its own service, or TMDB, or nobody.

What asks is loaded with the first account that somebody can be asked about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from feedwatch.config import Config, NetflixAccount
from feedwatch.core.networks import host_of
from feedwatch.detailing.answers import OpenedApi, Source
from feedwatch.netflix.calling import SendCall
from feedwatch.store import Askable

if TYPE_CHECKING:
    from feedwatch.tmdb import Pace, Tmdb

OpenApi = Callable[[str], Awaitable[OpenedApi | None]]
"""Opens the API of an account; None while nothing may be signed for it."""


class Sources:
    """Finds who is asked, by the configuration. One lives as long as its daemon: TMDB's limit is for all.

    `turns` is the folder in which the processes of a state keep what they must know of each other's calls.
    """

    def __init__(
        self,
        config: Config,
        *,
        open_api: OpenApi,
        send: SendCall,
        now: Callable[[], datetime],
        turns: Path,
    ) -> None:
        self._open_api = open_api
        self._send = send
        self._now = now
        self._turns = turns
        self._pace: Pace | None = None
        self._tmdb: Tmdb | None = None
        self.apply(config)

    def apply(self, config: Config) -> None:
        """Take a new configuration over."""
        self._config = config
        self._tmdb = self._open_tmdb(config)

    def _open_tmdb(self, config: Config) -> Tmdb | None:
        if config.tmdb is None:
            return None
        server, key = config.tmdb.url.rstrip("/"), config.tmdb.api_key.reveal()
        if self._tmdb is not None and (self._tmdb.server, self._tmdb.key) == (server, key):
            return self._tmdb
        from feedwatch.tmdb import RATE, Pace, Tmdb  # noqa: PLC0415 — see above

        self._pace = self._pace or Pace(RATE, self._turns / "tmdb")
        return Tmdb(server, key, self._send, self._now, pace=self._pace)

    @property
    def askable(self) -> Askable:
        """The accounts about whose titles somebody can be asked."""
        accounts = self._config.accounts.items()
        by_ref = [name for name, account in accounts if isinstance(account, NetflixAccount)]
        by_name = [name for name, account in accounts if not isinstance(account, NetflixAccount)]
        return Askable(by_ref, by_name if self._tmdb is not None else [])

    @property
    def tmdb(self) -> Tmdb | None:
        """Who is asked by name and year, if anybody is."""
        return self._tmdb

    async def open(self, account: str) -> Source | None:
        """Give who is asked about an account's titles now; None if nobody is."""
        settings = self._config.accounts.get(account)
        if settings is None:
            return None
        if not isinstance(settings, NetflixAccount):
            return self._ask_tmdb()
        opened = await self._open_api(account)
        if opened is None:
            return None
        from feedwatch.detailing.catalog import ask_catalog  # noqa: PLC0415

        ask = partial(ask_catalog, opened.api)
        return Source(host_of(settings.url), ask, opened.asked_as, opened.sign_out)

    def _ask_tmdb(self) -> Source | None:
        if self._tmdb is None:
            return None
        from feedwatch.detailing.films import ask_tmdb  # noqa: PLC0415

        return Source(host_of(self._tmdb.server), partial(ask_tmdb, self._tmdb))
