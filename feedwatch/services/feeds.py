"""Accounts whose feeds stand in the configuration itself, by name. Nothing is asked of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from feedwatch.core.model import FoundFeed, Kind
from feedwatch.services.base import FeedWishes, Found, heed_wishes


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """One feed as the configuration names it."""

    address: str = field(repr=False)
    wishes: FeedWishes = field(default_factory=FeedWishes)


@dataclass(frozen=True, slots=True)
class FeedsSettings:
    """The feeds of one account, by name."""

    feeds: Mapping[str, ListedFeed]


class FeedsService:
    """The feeds of one account in the configuration."""

    def __init__(self, settings: FeedsSettings) -> None:
        self._feeds = settings.feeds

    async def find_feeds(self) -> Found:
        """Give the feeds as configured; what is no longer there is gone at once."""
        feeds = (
            heed_wishes(FoundFeed(name, Kind.STREAM, feed.address), feed.wishes)
            for name, feed in self._feeds.items()
        )
        return Found(tuple(feeds), authoritative=True)
