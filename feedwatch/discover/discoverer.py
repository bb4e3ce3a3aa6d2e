"""The accounts of a configuration, asked when they are due or when a token has died.

However many ask for an account at once, its service is asked once, and all get that answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from feedwatch.clock import Clock
from feedwatch.config import Config, NetflixAccount
from feedwatch.core.model import Answered, Reason
from feedwatch.core.route import Routes
from feedwatch.core.schedule import RATE_REST
from feedwatch.core.state import SignIn
from feedwatch.core.statuses import Action
from feedwatch.discover.asking import Asking, DiscoveryReport, Hear, discover_account, ignore
from feedwatch.discover.settings import make_settings
from feedwatch.discover.signers import Signer, find_signer, sign_out
from feedwatch.fetch import Fetcher, host_named_by
from feedwatch.netflix.signing import Pairs
from feedwatch.redact import Redactor, secrets_of_url
from feedwatch.services import (
    IndexFailed,
    Means,
    Memory,
    NetflixSettings,
    OpmlSettings,
    ServiceSettings,
    find_index_host,
    find_named_addresses,
    turns_beside,
)
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

if TYPE_CHECKING:  # the API's client is loaded with the first account that has one
    from feedwatch.netflix.api import Api
    from feedwatch.netflix.replies import ApiFailed


@dataclass(frozen=True, slots=True)
class _Named:
    """The hosts that an account names; `unread` where the list at `place` could not be read for them now."""

    place: str | None
    hosts: frozenset[str]
    unread: bool = False


def find_hosts(addresses: Iterable[str]) -> frozenset[str]:
    """Give the hosts that web addresses name."""
    # Many feeds, few servers: what stands before the path is the same for most, and is read once.
    servers = set(map(_cut_path, addresses))
    return frozenset(filter(None, map(host_named_by, servers)))


def _cut_path(address: str) -> str:
    """An address up to its path. The slash stays: a blank before it is the host's, one at the end is not."""
    pieces = address.split("/", 3)
    return "/".join(pieces[:3]) + ("/" if len(pieces) > 3 else "")


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
        turns: Path | None = None,
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
            turns=turns or turns_beside(config.state),
        )
        self._named: dict[str, _Named] = {}
        self._under_way: dict[str, asyncio.Task[DiscoveryReport]] = {}
        self.hear: Hear = ignore

    def apply(self, config: Config, routes: Routes) -> None:
        """Take a new configuration over."""
        self._config = config
        self._routes = routes

    async def register_tokens(self) -> None:
        """Hide the tokens of all feeds known from before, and those that signing in has got."""
        for sign_in in await self._store.run(Store.list_sign_ins):
            self._hide_sign_in(sign_in)
        self._hide(await self._store.run(Store.feed_addresses))

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

    async def open_api(self, account: str) -> tuple[Api, Signer] | None:
        """An account's API, and who signs there; None while it is signed out, or where nothing is signed."""
        settings = self._find_signed(account)
        return await self._open_api(account, settings) if settings is not None else None

    async def sign_out(self, signer: Signer) -> bool:
        """Write that a token is dead, for a signed call was answered with 401; it is told once."""
        told = self._routes.notice_addresses
        return await self._store.run(sign_out, signer, now=self._clock.now(), notice_addresses=told)

    async def ask_own(self, account: str, path: str, parameters: Pairs = ()) -> Answered | ApiFailed | None:
        """Ask, signed, for a document of an account's subscriber, by its path below `users/<id>`.

        None while nobody is signed in, or where nothing is ever signed. Where the token seems dead, the index
        is asked for at once: that says whether it is, and signs out. A server that rests is not asked.
        """
        settings = self._find_signed(account)
        opened = await self._open_api(account, settings) if settings is not None else None
        if settings is None or opened is None:
            return None
        from feedwatch.netflix.replies import ApiFailed  # noqa: PLC0415 — see above

        host = find_index_host(settings) or ""
        now = self._clock.now()
        if until := (await self._store.run(Store.resting_hosts, now)).get(host):
            return ApiFailed(Action.WAIT, Reason.RATE_LIMITED, retry_after=until - now)
        answer = await opened[0].ask_own(path, parameters)
        if isinstance(answer, ApiFailed) and answer.action is Action.SIGN_IN_AGAIN:
            await self.discover(account)
        if isinstance(answer, ApiFailed) and answer.reason is Reason.RATE_LIMITED:
            until = self._clock.now() + (answer.retry_after or RATE_REST)
            await self._store.run(Store.rest_host, answer.host or host, until, answer.reason)
        return answer

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
        if self._config is config and named != self._named.get(account):
            self._named[account] = named
            self._tell_named()
        asking = Asking(
            account,
            settings,
            self._clock.jitter(),
            self._routes.notice_addresses,
            self._hide,
            self.hear,
            self._hide_sign_in,
        )
        return await discover_account(asking, store=self._store, means=self._means)

    def _find_signed(self, account: str) -> NetflixSettings | None:
        """The settings of an account whose calls are signed; None for any other, and for one that is gone."""
        configured = self._config.accounts.get(account)
        if not isinstance(configured, NetflixAccount):
            return None
        settings = make_settings(account, configured)
        assert isinstance(settings, NetflixSettings)
        return settings

    async def _open_api(self, account: str, settings: NetflixSettings) -> tuple[Api, Signer] | None:
        signer = await self._store.run(find_signer, account, settings)
        if signer is None:
            return None
        self._redactor.register(signer.token.value, signer.token.secret)
        from feedwatch.services.netflix_api import open_api  # noqa: PLC0415 — see above

        signed = replace(settings, token=signer.token, user_id=signer.user_id)
        return open_api(signed, self._means, Memory()), signer

    async def _find_named(self, account: str, settings: ServiceSettings) -> _Named:
        place = settings.url if isinstance(settings, OpmlSettings) else None
        addresses = await find_named_addresses(settings)
        if isinstance(addresses, IndexFailed):
            before = self._named.get(account)
            kept = before.hosts if before and before.place == place else frozenset[str]()
            return _Named(place, kept, unread=True)
        return _Named(place, find_hosts(addresses))

    def _tell_named(self) -> None:
        hosts = [each.hosts for each in self._named.values()]
        tmdb = self._config.tmdb and host_named_by(self._config.tmdb.url)
        self._fetcher.name_hosts(frozenset([tmdb] if tmdb else []).union(*hosts))

    def _hide_sign_in(self, sign_in: SignIn) -> None:
        self._redactor.register(sign_in.token, sign_in.secret)

    def _hide(self, addresses: Iterable[str]) -> None:
        self._redactor.register(*(secret for address in addresses for secret in secrets_of_url(address)))
