"""The accounts of a configuration, asked when they are due or when a token has died.

However many ask for an account at once, its service is asked once, and all get that answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from feedwatch.clock import Clock
from feedwatch.config import Config
from feedwatch.core.route import Routes
from feedwatch.discover.asking import Asking, DiscoveryReport, Hear, discover_account, ignore
from feedwatch.discover.settings import make_settings
from feedwatch.fetch import Fetcher
from feedwatch.redact import Redactor, secrets_of_url
from feedwatch.services import Means
from feedwatch.store import Store, StoreThread


class Discoverer:
    """Asks accounts for their feeds. One lives as long as its daemon, for signatures keep an order.

    `hear` is told how each host answered.
    """

    def __init__(
        self,
        store: StoreThread,
        fetcher: Fetcher,
        config: Config,
        *,
        routes: Routes,
        clock: Clock,
        redactor: Redactor,
    ) -> None:
        self._store = store
        self._clock = clock
        self._redactor = redactor
        self._config = config
        self._routes = routes
        self._means = Means(fetcher.fetch, clock.now)
        self._under_way: dict[str, asyncio.Task[DiscoveryReport]] = {}
        self.hear: Hear = ignore

    def apply(self, config: Config, routes: Routes) -> None:
        """Take a new configuration over."""
        self._config = config
        self._routes = routes

    async def register_tokens(self) -> None:
        """Hide the tokens of all feeds known from before."""
        for account in self._config.accounts:
            known = await self._store.run(Store.known_feeds, account)
            self._hide(feed.address for feed in known)

    async def discover_due(self) -> tuple[DiscoveryReport, ...]:
        """Read the indexes that are due."""
        due = await self._store.run(Store.due_accounts, self._clock.now())
        asked = (self.discover(account) for account in due if account in self._config.accounts)
        return tuple(await asyncio.gather(*asked))

    async def discover_again(self, account: str) -> bool:
        """Read an index at once, for a token has died; True if it could be read."""
        return account in self._config.accounts and (await self.discover(account)).ok

    async def discover_now(self, account: str) -> str | None:
        """Read an index because somebody asks; what is wrong with it, or None."""
        return (await self.discover(account)).problem

    async def discover(self, account: str) -> DiscoveryReport:
        """Read the index of one account, due or not."""
        if account not in self._under_way:
            task = asyncio.create_task(self._discover(account))
            self._under_way[account] = task
            task.add_done_callback(lambda _done: self._under_way.pop(account))
        # One of several that wait being cancelled must not cancel it for the others.
        return await asyncio.shield(self._under_way[account])

    async def _discover(self, account: str) -> DiscoveryReport:
        asking = Asking(
            account,
            make_settings(account, self._config.accounts[account]),
            self._clock.jitter(),
            self._routes.notice_addresses,
            self._hide,
            self.hear,
        )
        return await discover_account(asking, store=self._store, means=self._means)

    def _hide(self, addresses: Iterable[str]) -> None:
        self._redactor.register(*(secret for address in addresses for secret in secrets_of_url(address)))
