"""The accounts of a configuration, asked when they are due or when a token has died.

However many ask for an account at once, its service is asked once, and all get that answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from feedwatch.clock import Clock
from feedwatch.config import Config
from feedwatch.core.route import Routes
from feedwatch.discover.asking import Asking, DiscoveryReport, Hear, discover_account, ignore
from feedwatch.discover.settings import make_settings
from feedwatch.fetch import Fetcher, host_named_by
from feedwatch.redact import Redactor, secrets_of_url
from feedwatch.services import IndexFailed, Means, OpmlSettings, ServiceSettings, find_named_addresses
from feedwatch.store import Store, StoreThread


@dataclass(frozen=True, slots=True)
class _Named:
    """The hosts that an account names; `unread` where the list at `place` could not be read for them now."""

    place: str | None
    hosts: frozenset[str]
    unread: bool = False


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
        self._fetcher = fetcher
        self._clock = clock
        self._redactor = redactor
        self._config = config
        self._routes = routes
        self._means = Means(
            fetcher.fetch,
            clock.now,
            send=fetcher.call,
            turns=config.state.with_name(f"{config.state.name}.turns"),
        )
        self._named: dict[str, _Named] = {}
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

    async def name_hosts(self) -> None:
        """Tell the fetcher which hosts the configuration names, now that there is one.

        A list of feeds that cannot be read is to be read as an index again, soon: until then nobody
        knows which hosts it names, but for those it named before.
        """
        config = self._config
        named = {}
        for name, account in config.accounts.items():
            named[name] = await self._find_named(name, make_settings(name, account))
            if named[name].unread:
                await self._store.run(Store.ask_index, name, self._clock.now())
        if self._config is config:
            self._named = named
            self._tell_named()

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
        config = self._config
        settings = make_settings(account, config.accounts[account])
        named = await self._find_named(account, settings)
        if self._config is config:
            self._named[account] = named
            self._tell_named()
        asking = Asking(
            account,
            settings,
            self._clock.jitter(),
            self._routes.notice_addresses,
            self._hide,
            self.hear,
        )
        return await discover_account(asking, store=self._store, means=self._means)

    async def _find_named(self, account: str, settings: ServiceSettings) -> _Named:
        place = settings.url if isinstance(settings, OpmlSettings) else None
        addresses = await find_named_addresses(settings)
        if isinstance(addresses, IndexFailed):
            before = self._named.get(account)
            kept = before.hosts if before and before.place == place else frozenset[str]()
            return _Named(place, kept, unread=True)
        return _Named(place, frozenset(filter(None, map(host_named_by, addresses))))

    def _tell_named(self) -> None:
        self._fetcher.name_hosts(frozenset().union(*(each.hosts for each in self._named.values())))

    def _hide(self, addresses: Iterable[str]) -> None:
        self._redactor.register(*(secret for address in addresses for secret in secrets_of_url(address)))
