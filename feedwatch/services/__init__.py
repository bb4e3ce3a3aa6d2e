"""Where feeds come from: a file for each service, account → feeds.

A new service is a file with a class, its settings in `settings`, and two lines in `open_service`: each is
loaded with the first account of its kind.
"""

from __future__ import annotations

from feedwatch.core.networks import host_of
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
from feedwatch.services.settings import (
    USER_ID,
    FeedsSettings,
    ListedFeed,
    NetflixSettings,
    OpmlSettings,
    ServiceSettings,
    find_token,
    find_user_id,
    is_address,
)

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
    "find_index_host",
    "find_named_addresses",
    "find_token",
    "find_user_id",
    "open_service",
    "turns_beside",
]


def open_service(settings: ServiceSettings, means: Means, memory: Memory) -> Service:
    """Give the service that an account's settings are for."""
    match settings:
        case NetflixSettings():
            from feedwatch.services.netflix import NetflixService  # noqa: PLC0415 — see above

            return NetflixService(settings, means, memory)
        case OpmlSettings():
            from feedwatch.services.opml import OpmlService  # noqa: PLC0415

            return OpmlService(settings, means, memory)
        case FeedsSettings():
            from feedwatch.services.feeds import FeedsService  # noqa: PLC0415

            return FeedsService(settings)


def find_index_host(settings: ServiceSettings) -> str | None:
    """The host that is asked for an account's index; None where nobody is asked."""
    if isinstance(settings, FeedsSettings) or not is_address(settings.url):
        return None
    return host_of(settings.url) or None


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
            from feedwatch.services.opml import read_own_list  # noqa: PLC0415

            return await read_own_list(settings.url)
