"""Which catalogs a configuration may have, and what is said of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from feedwatch.config import Config, NetflixAccount
from feedwatch.errors import FeedwatchError
from feedwatch.rows import say_unknown
from feedwatch.store.catalog import CatalogOrigin
from feedwatch.store.catalog_place import catalog_place

INDEX: Final = "/catalog/titles/index"
FULL: Final = "/catalog/titles/full?v=2.0"


def index_source(ids: Sequence[str] = ()) -> str:
    """Where the index is, with the identifiers of others (`amg`, `tms`) that an application may have."""
    query = "&".join(f"include_{name}=true" for name in sorted(set(ids)))
    return f"{INDEX}?{query}" if query else INDEX


@dataclass(frozen=True, slots=True)
class Place:
    """A catalog: where it lies, and the account whose server it is of."""

    path: Path
    name: str
    account: NetflixAccount


def find_places(config: Config, account: str | None) -> list[Place]:
    """The catalogs that there may be: one for each server, with the first account there."""
    found = {n: a for n, a in config.accounts.items() if isinstance(a, NetflixAccount)}
    if account is not None and account not in found:
        if account in config.accounts:
            raise FeedwatchError(f"the server of {account} has no catalog: its service is not netflix")
        raise FeedwatchError(say_unknown("account", account, list(found)))
    if not found:
        raise FeedwatchError("no account of the configuration is at a server with a catalog (netflix)")
    places: dict[Path, Place] = {}
    for name, each in found.items():
        if account in (None, name):
            path = catalog_place(config.state, each.url)
            places.setdefault(path, Place(path, name, each))
    return list(places.values())


def say_origin(origin: CatalogOrigin) -> str:
    """How many titles a catalog has, and from when it is."""
    return f"{origin.titles:,} titles, synced {origin.synced_at:%Y-%m-%d %H:%M} UTC"
