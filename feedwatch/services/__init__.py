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
)
from feedwatch.services.feeds import FeedsService, FeedsSettings, ListedFeed
from feedwatch.services.netflix import NetflixService, NetflixSettings
from feedwatch.services.opml import OpmlService, OpmlSettings, is_address

__all__ = [
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
    "host_of",
    "open_service",
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
