"""Names of titles that begin in some way, as the server knows them, for who presses Tab."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from feedwatch.choosing import choose_account
from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.config import Config
from feedwatch.discover.settings import make_settings
from feedwatch.netflix.catalog import complete_title
from feedwatch.netflix.replies import ApiFailed
from feedwatch.reaching import open_fetcher
from feedwatch.services import Means, Memory, NetflixSettings
from feedwatch.services.netflix_api import open_api

_PATIENCE: Final = 0.5
"""Seconds that a server has for an answer: who presses Tab waits no longer than about one in all."""


def ask_beginnings(config: Config, account: str, beginning: str) -> Iterable[str]:
    """Ask the server; nothing where it does not answer at once."""

    async def ask() -> Iterable[str]:
        async with asyncio.timeout(_PATIENCE):
            return await _ask(config, account, beginning)

    try:
        return asyncio.run(ask())
    except TimeoutError:
        return ()


async def _ask(config: Config, account: str, beginning: str) -> Iterable[str]:
    """Ask the server, for which the consumer key is enough: nothing is signed, and no turn waited for."""
    name, account_settings = choose_account(config, account)
    settings = make_settings(name, account_settings)
    assert isinstance(settings, NetflixSettings)
    async with open_fetcher(config, settings.url, SYSTEM_CLOCK) as fetcher:
        api = open_api(settings, Means(fetcher.fetch, SYSTEM_CLOCK.now, send=fetcher.call), Memory())
        found = await complete_title(api, beginning)
        return () if isinstance(found, ApiFailed) else found
