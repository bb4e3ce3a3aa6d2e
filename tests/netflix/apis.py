"""Clients of the API at a sandbox, or at a server of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from feedwatch.core.networks import NetworkPolicy
from feedwatch.core.state import QueueReading
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.api import Api
from feedwatch.netflix.paging import Pages
from feedwatch.netflix.replies import ApiFailed
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.sandbox.dialects import DIALECTS as SPOKEN
from feedwatch.services import Means, Memory, NetflixSettings
from feedwatch.services.netflix_api import open_api

if TYPE_CHECKING:
    from feedwatch.sandbox import Sandbox

T = TypeVar("T")

DIALECTS = tuple(SPOKEN)
_LIMITS = FetchLimits(timedelta(seconds=20), 4 << 20)


@asynccontextmanager
async def opening_api(base: str, account: NetflixSettings | None = None) -> AsyncIterator[Api]:
    """A client of the server at `base`."""
    settings = account or NetflixSettings(base, Consumer("key", "secret"), Token("token", "hush"), "T1user-")
    async with aclosing(Fetcher(_LIMITS, networks=NetworkPolicy("allow"), user_agent="test")) as fetcher:
        means = Means(fetcher.fetch, lambda: datetime.now(UTC), send=fetcher.call)
        yield open_api(settings, means, Memory())


def settings_of(sandbox: Sandbox, base: str, *, signed_in: bool = True) -> NetflixSettings:
    """What an account at a sandbox is asked with; the user is for the client to find out."""
    account = sandbox.world.account
    consumer = Consumer(account.consumer_key, account.consumer_secret)
    token = Token(account.access_token, account.access_token_secret) if signed_in else None
    return NetflixSettings(base, consumer, token)


def speak(sandbox: Sandbox, dialect: str) -> None:
    """Let a sandbox speak a dialect."""
    for name, value in SPOKEN[dialect].items():
        setattr(sandbox.world.switches, name, value)


def got(reply: T | ApiFailed) -> T:
    """What a call brought; that it brought something is a part of the claim."""
    assert not isinstance(reply, ApiFailed), reply
    return reply


def failed(reply: object) -> ApiFailed:
    """Why a call brought nothing; that it did not is a part of the claim."""
    assert isinstance(reply, ApiFailed), reply
    return reply


async def all_of(pages: Pages[T]) -> tuple[list[T], ApiFailed | None]:
    """Everything on the pages of a list, and the failure at its end, if there is one."""
    items: list[T] = []
    async for page in pages:
        if isinstance(page, ApiFailed):
            return items, page
        items.extend(page.items)
    return items, None


@dataclass
class Kept:
    """The last reading of a queue, in memory."""

    reading: QueueReading | None = None
    kept: list[QueueReading] = field(default_factory=list)

    async def find(self) -> QueueReading | None:
        return self.reading

    async def keep(self, reading: QueueReading) -> None:
        self.reading = reading
        self.kept.append(reading)
