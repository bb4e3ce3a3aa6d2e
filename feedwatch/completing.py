"""What a half-typed word could become: names of the configuration and the state, titles of the catalog.

Whoever presses Tab waits for it, and reads nothing else: this is quick, says nothing, and never fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from feedwatch.choosing import choose_account
from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.config import Config, NetflixAccount
from feedwatch.errors import FeedwatchError
from feedwatch.store.catalog import Catalog
from feedwatch.store.catalog_place import catalog_place

_MOST: Final = 20


def list_accounts(config: Config, *, signing: bool = True) -> list[str]:
    """The accounts, or only those that can be signed in."""
    accounts = config.accounts.items()
    return [name for name, each in accounts if isinstance(each, NetflixAccount) or not signing]


def list_targets(config: Config) -> list[str]:
    """The targets."""
    return list(config.targets)


def list_feeds(config: Config) -> list[str]:
    """The feeds that are watched, and those that the configuration names."""
    named = [f"{name}/{feed}" for name, account in config.accounts.items() for feed in account.overrides]
    # What is not needed for every word is imported late: a Tab is to be answered at once.
    from feedwatch.store import Store  # noqa: PLC0415

    try:
        store = Store.open_read_only(config.state)
    except FeedwatchError:
        return named
    try:
        return list(dict.fromkeys([*(each.feed for each in store.list_feeds()), *named]))
    finally:
        store.close()


def find_titles(config: Config, account: str | None, beginning: str) -> list[str]:
    """Names of titles that begin so: from the catalog that is here, else from the server."""
    beginning = " ".join(beginning.split())
    if not beginning:
        return []
    name, settings = choose_account(config, account)
    path = catalog_place(config.state, settings.url)
    if path.exists():
        found = _find_here(path, beginning)
    else:
        found = () if _rests(config, settings) else _find_there(config, name, beginning)
    wanted = beginning.casefold()
    return [name for name in dict.fromkeys(found) if name.casefold().startswith(wanted)][:_MOST]


def _find_here(path: Path, beginning: str) -> Iterable[str]:
    catalog = Catalog.open(path)
    try:
        return [title.name for title in catalog.search(beginning, _MOST * 5)]
    finally:
        catalog.close()


def _rests(config: Config, settings: NetflixAccount) -> bool:
    """Whether the server of an account wants not to be asked; without a state nobody has heard of that."""
    from feedwatch.access import find_rest  # noqa: PLC0415
    from feedwatch.store import Store  # noqa: PLC0415

    try:
        store = Store.open_read_only(config.state)
    except FeedwatchError:
        return False
    try:
        return find_rest(store, settings, SYSTEM_CLOCK.now()) is not None
    finally:
        store.close()


def _find_there(config: Config, account: str, beginning: str) -> Iterable[str]:
    from feedwatch.titles.beginnings import ask_beginnings  # noqa: PLC0415

    return ask_beginnings(config, account, beginning)
