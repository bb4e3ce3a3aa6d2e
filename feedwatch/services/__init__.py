"""Where feeds come from: a file for each service, account → feeds.

A new service is a file with its settings and a class, and a line in `open_service`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from feedwatch.services.base import (
    FeedWishes,
    Fetch,
    Found,
    IndexFailed,
    Means,
    Memory,
    Service,
    turns_beside,
)
from feedwatch.services.feeds import FeedsService, FeedsSettings, ListedFeed
from feedwatch.services.netflix import USER_ID, NetflixService, NetflixSettings, find_token, find_user_id
from feedwatch.services.opml import OpmlService, OpmlSettings, is_address, read_own_list

__all__ = [
    "USER_ID",
    "FeedWishes",
    "FeedsSettings",
    "Fetch",
    "Found",
    "IndexFailed",
    "ListedFeed",
    "Means",
    "Memory",
    "NetflixSettings",
    "OpmlSettings",
    "Service",
    "ServiceSettings",
    "find_named_addresses",
    "find_token",
    "find_user_id",
    "host_of",
    "open_service",
    "turns_beside",
]

ServiceSettings = NetflixSettings | OpmlSettings | FeedsSettings


def open_service(settings: ServiceSettings, means: Means, memory: Memory) -> Service:
    """Give the service that an account's settings are for."""
    match settings:
        case NetflixSettings():
            return NetflixService(settings, means, memory)
        case OpmlSettings():
            return OpmlService(settings, means, memory)
        case FeedsSettings():
            return FeedsService(settings)


def host_of(settings: ServiceSettings) -> str | None:
    """The host that is asked for an account's index; None where nobody is asked."""
    if isinstance(settings, FeedsSettings) or not is_address(settings.url):
        return None
    try:
        return urlsplit(settings.url).netloc.rpartition("@")[2].lower() or None
    except ValueError:
        return None


async def find_named_addresses(settings: ServiceSettings) -> tuple[str, ...] | IndexFailed:
    """Give the addresses that a person has written down for an account, here or in a list on this machine.

    What an index or a list from the network names is not among them, nor where any of them redirects to.
    """
    match settings:
        case NetflixSettings():
            return (settings.url,)
        case FeedsSettings():
            return tuple(feed.address for feed in settings.feeds.values())
        case OpmlSettings() if is_address(settings.url):
            return (settings.url,)
        case OpmlSettings():
            return await read_own_list(settings.url)
