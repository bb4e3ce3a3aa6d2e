"""An account's API, opened for one command: whoever asks or changes something for a person comes this way.

It knows who is signed in, heeds a server that asks for rest, and says what a failure means for a person.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from feedwatch.choosing import choose_account
from feedwatch.clock import SYSTEM_CLOCK, Clock
from feedwatch.config import Config, NetflixAccount
from feedwatch.core.model import Kind, Reason
from feedwatch.core.networks import host_of
from feedwatch.core.notices import say_moment
from feedwatch.core.statuses import Action
from feedwatch.discover.settings import make_settings
from feedwatch.discover.signers import Signer, sign_out
from feedwatch.errors import ConfigError, FeedwatchError
from feedwatch.fetch import Fetcher
from feedwatch.logs import start_logging
from feedwatch.netflix.api import Api
from feedwatch.netflix.replies import ApiFailed
from feedwatch.present import Screen, show_duration
from feedwatch.reaching import open_fetcher
from feedwatch.redact import Redactor, secrets_of_url
from feedwatch.routing import make_routes
from feedwatch.services import Means, Memory, NetflixSettings, turns_beside
from feedwatch.services.netflix_api import open_api
from feedwatch.store import Store


@dataclass(slots=True)
class Access:
    """An account's API, and what a command needs beside it.

    `signer` says whose token has died, if it has; None where the state has nobody who could be signed out.
    """

    account: str
    settings: NetflixAccount
    api: Api
    store: Store
    screen: Screen
    clock: Clock
    signer: Signer | None
    notice_addresses: Sequence[str]

    def say(self, text: str) -> None:
        """Say something to a person; a program that reads JSON is told nothing beside it."""
        if not self.screen.as_json:
            self.screen.say(text)

    def note(self, text: str) -> None:
        """Say on standard error what a person should know, and what is no part of the answer."""
        errors = Screen(self.screen.redactor, out=sys.stderr)
        for line in text.splitlines():
            errors.say(line)

    def complain(self, text: str) -> int:
        """Say on standard error what went wrong; gives the exit status."""
        self.note(f"error: {text}")
        return 1

    def fail(self, failed: ApiFailed, what: str = "", *, own: bool) -> int:
        """Say why a call came to nothing, and take note of it; `own` says that it was signed for a person."""
        return self.complain(
            f"{what}: {self.explain(failed, own=own)}" if what else self.explain(failed, own=own)
        )

    def explain(self, failed: ApiFailed, *, own: bool) -> str:
        """What a failure means, and what to do; a dead token is signed out, and a tired server rests."""
        if failed.action is Action.SIGN_IN_AGAIN:
            return self._explain_refusal(failed, own=own)
        said = failed.sentence
        if failed.reason is Reason.RATE_LIMITED and failed.retry_after:
            self._rest(failed.host, failed.retry_after)
            said = "the server has been asked too often"
        if failed.retry_after:
            return f"{said}; try again in {show_duration(failed.retry_after)}"
        return said

    def hasten_lists(self, *kinds: Kind) -> None:
        """Have lists of the account polled soon, for they were changed here: that tells it as always."""
        for kind in kinds:
            self.store.hasten_lists(self.account, kind, self.clock.now())

    def _explain_refusal(self, failed: ApiFailed, *, own: bool) -> str:
        quoted = f" (its server says: {failed.message})" if failed.message else ""
        if not own:
            return f"the server refuses the application{quoted}: look at consumer_key and consumer_secret"
        if failed.reason is not Reason.NO_CREDENTIALS and self.signer is not None:
            now = self.clock.now()
            sign_out(self.store, self.signer, now=now, notice_addresses=self.notice_addresses)
        if self.settings.access_token is not None:
            return (
                f"{self.account} is not signed in{quoted}: take its access_token out of the configuration, "
                f"then type  feedwatch login {self.account}"
            )
        return f"{self.account} is not signed in{quoted}: type  feedwatch login {self.account}"

    def _rest(self, host: str | None, length: timedelta) -> None:
        until_at = self.clock.now() + length
        self.store.rest_host(host or host_of(self.settings.url), until_at, Reason.RATE_LIMITED)


@asynccontextmanager
async def open_access(
    config: Config, account: str | None, screen: Screen, *, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Access]:
    """Open the API of an account, or of the only one that there is.

    Raises:
        FeedwatchError: there is no such account; its server asks for rest; the state cannot be used.
        ConfigError: a secret of the account cannot be had.
    """
    name, settings = choose_account(config, account)
    async with open_server(config, settings, screen.redactor, clock) as server:
        _must_not_rest(server.store, name, settings, clock)
        api, signer = _open(server.store, name, settings, server.means)
        told = make_routes(config).notice_addresses
        yield Access(name, settings, api, server.store, screen, clock, signer, told)


@dataclass(frozen=True, slots=True)
class Server:
    """An account's server, opened for one command: the state, and what asks it."""

    store: Store
    fetcher: Fetcher
    means: Means


@asynccontextmanager
async def open_server(
    config: Config, settings: NetflixAccount, redactor: Redactor, clock: Clock
) -> AsyncIterator[Server]:
    """Open the state, and what asks the server; both are closed with the block.

    Raises:
        ConfigError: a secret of the account cannot be had.
        StoreError: the state cannot be used.
    """
    start_logging("error" if config.log != "debug" else "debug", redactor)
    if problems := [problem for secret in settings.credentials if (problem := secret.verify())]:
        raise ConfigError(problems)
    async with AsyncExitStack() as stack:
        store = Store.open(config.state)
        stack.callback(store.close)
        for sign_in in store.list_sign_ins():
            redactor.register(sign_in.token, sign_in.secret)
        for address in store.feed_addresses():
            redactor.register(*secrets_of_url(address))
        fetcher = await stack.enter_async_context(open_fetcher(config, settings.url, clock))
        means = Means(fetcher.fetch, clock.now, send=fetcher.call, turns=turns_beside(config.state))
        yield Server(store, fetcher, means)


def find_rest(store: Store, settings: NetflixAccount, now: datetime) -> datetime | None:
    """Until when an account's server wants not to be asked; None if it may be."""
    return store.resting_hosts(now).get(host_of(settings.url))


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _open(store: Store, name: str, account: NetflixAccount, means: Means) -> tuple[Api, Signer | None]:
    """The API, and who signs for the person; a token that was found dead is not tried again."""
    settings = make_settings(name, account)
    assert isinstance(settings, NetflixSettings)
    status = store.account_status(name)
    if status is not None and status.stamp.partition(" ")[0] != account.credentials_stamp():
        status = None  # it is of other credentials: a daemon has perhaps not seen these yet
    facts = status.facts if status is not None else {}
    api = open_api(settings, means, Memory(facts=facts, sign_in=store.find_sign_in(name)))
    if status is not None and status.signed_out:
        api.token = api.user_id = None
    if api.token is None or status is None:
        return api, None
    return api, Signer(name, api.token, api.user_id, status.stamp)


def _must_not_rest(store: Store, name: str, settings: NetflixAccount, clock: Clock) -> None:
    until_at = find_rest(store, settings, clock.now())
    if until_at is not None:
        left = show_duration(until_at - clock.now())
        raise FeedwatchError(
            f"the server of {name} asks for rest until {say_moment(until_at)}: try again in {left}"
        )
