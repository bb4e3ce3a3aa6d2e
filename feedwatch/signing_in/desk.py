"""What one sign-in works with: an account, its server, the state, and how an answer may come back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import click

from feedwatch.access import find_rest, open_server
from feedwatch.clock import SYSTEM_CLOCK, Clock
from feedwatch.config import Config, NetflixAccount
from feedwatch.config.hiding import hide_secrets
from feedwatch.core.model import Reason
from feedwatch.core.networks import host_of
from feedwatch.core.notices import say_moment
from feedwatch.core.schedule import RATE_REST
from feedwatch.discover.settings import make_consumer
from feedwatch.errors import FeedwatchError
from feedwatch.fetch import Fetcher
from feedwatch.netflix.login import Allowed, Provider, Refused
from feedwatch.redact import Redactor
from feedwatch.rows import say_unknown
from feedwatch.signing_in.browsers import has_browser
from feedwatch.store import Store
from feedwatch.terminal import clean_lines


@dataclass(frozen=True, slots=True)
class Ways:
    """How an answer may come back: the browser is sent back to this machine, or somebody pastes it."""

    callback: bool
    paste: bool


@dataclass(frozen=True, slots=True)
class Nobody:
    """No answer came, and none will: the input has ended."""


Answer = Allowed | Refused | Nobody


@dataclass(slots=True)
class Desk:
    """What one sign-in works with."""

    config: Config
    account: str
    settings: NetflixAccount
    store: Store
    fetcher: Fetcher
    provider: Provider
    redactor: Redactor
    clock: Clock
    ways: Ways
    answers: asyncio.Queue[Answer] = field(default_factory=asyncio.Queue)

    def say(self, text: str) -> None:
        """Print a line, without secrets."""
        click.echo(clean_lines(self.redactor.redact(text)))

    def keep_rest(self, length: timedelta | None) -> None:
        """Have everybody leave the server alone for so long, for it has asked for that."""
        until_at = self.clock.now() + (length or RATE_REST)
        self.store.rest_host(host_of(self.settings.url), until_at, Reason.RATE_LIMITED)

    def complain(self, text: str) -> int:
        """Print what went wrong; gives the exit status."""
        click.echo(f"error: {clean_lines(self.redactor.redact(text))}", err=True)
        return 1


def need_account(config: Config, account: str) -> NetflixAccount:
    """Give the account that is to be signed in or out.

    Raises:
        FeedwatchError: there is none of this name, or none that anybody signs in to.
    """
    if account not in config.accounts:
        raise FeedwatchError(say_unknown("account", account, list(config.accounts)))
    settings = config.accounts[account]
    if not isinstance(settings, NetflixAccount):
        raise FeedwatchError(f"{account} needs no signing in: its service is {settings.service}")
    return settings


def must_have_no_token(config: Config, account: str, settings: NetflixAccount) -> None:
    """See to it that the access token does not stand in the configuration, where it would count.

    Raises:
        FeedwatchError: it does; with the lines to take out.
    """
    if settings.access_token is None and settings.access_token_secret is None:
        return
    problems = [
        config.problem(
            ("accounts", account, key),
            f"the access token of {account} stands here, and that one counts: take this line out, then type "
            f"what you have typed again",
        )
        for key in ("access_token", "access_token_secret")
    ]
    raise FeedwatchError("\n".join(map(str, problems)))


def find_ways(environ: Mapping[str, str], *, paste: bool) -> Ways:
    """Tell how an answer may come back to whoever types.

    Raises:
        FeedwatchError: in no way at all.
    """
    ways = Ways(callback=not paste and has_browser(environ), paste=_can_paste(anyhow=paste))
    if not ways.callback and not ways.paste:
        raise FeedwatchError(
            "there is no browser on this machine, and no terminal to paste the answer at: say --paste, and "
            "give it as the input"
        )
    return ways


def _can_paste(*, anyhow: bool) -> bool:
    return sys.stdin is not None and (anyhow or sys.stdin.isatty())


@asynccontextmanager
async def open_desk(
    config: Config, account: str, settings: NetflixAccount, ways: Ways, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Desk]:
    """Open the state, and what asks the server; both are closed with the block.

    Raises:
        ConfigError: a secret of the account cannot be had.
        StoreError: the state cannot be used.
    """
    redactor = Redactor()
    hide_secrets(config, redactor)
    async with open_server(config, settings, redactor, clock) as server:
        consumer = make_consumer(settings)
        caller = server.means.caller_for(settings.url, consumer)
        provider = Provider(settings.url, consumer, caller, clock.now, settings.login_url)
        yield Desk(config, account, settings, server.store, server.fetcher, provider, redactor, clock, ways)


def must_not_rest(desk: Desk) -> None:
    """Leave a server alone that has asked for it.

    Raises:
        FeedwatchError: it has; with how long.
    """
    until_at = find_rest(desk.store, desk.settings, desk.clock.now())
    if until_at is not None:
        raise FeedwatchError(
            f"{desk.account}: its server asks for rest until {say_moment(until_at)}: sign in after that"
        )
