"""Accounts whose feeds stand in the configuration itself, by name. Nothing is asked of anybody."""

from __future__ import annotations

import logging

from feedwatch.core.model import FoundFeed, Kind
from feedwatch.netflix.address import feed_identity, is_of_user, is_tokenized
from feedwatch.services.base import Found, heed_wishes
from feedwatch.services.naming import is_better_view, list_key
from feedwatch.services.settings import FeedsSettings

_LOG = logging.getLogger("feedwatch.discover")


class FeedsService:
    """The feeds of one account in the configuration."""

    def __init__(self, settings: FeedsSettings) -> None:
        self._feeds = settings.feeds

    async def find_feeds(self) -> Found:
        """Give the feeds as configured; what is no longer there is gone at once.

        Two views of one list (the queue and its recent additions) are one feed, or each change would
        be told twice (law 9): the first that asks for no sort of its own.
        """
        chosen: dict[tuple[str, Kind], FoundFeed] = {}
        for name, listed in self._feeds.items():
            feed = heed_wishes(FoundFeed(name, _kind_of(listed.address), listed.address), listed.wishes)
            key = (_list_of(feed), feed.kind)
            kept = chosen.setdefault(key, feed)
            if is_better_view(feed.address, kept.address):
                chosen[key] = feed
            if kept is not feed:
                silent = kept if chosen[key] is feed else feed
                _LOG.warning("one list twice feed=%s is polled as feed=%s", silent.name, chosen[key].name)
        return Found(tuple(chosen.values()), authoritative=True)


def _list_of(feed: FoundFeed) -> str:
    """What a feed is a view of; whoever names one plain address twice wants it twice."""
    return list_key(feed.address) if _is_list(feed.address) else f"feed {feed.name}"


def _is_list(address: str) -> bool:
    return is_tokenized(address) and is_of_user(address)


def _kind_of(address: str) -> Kind:
    """What an address says about itself: a tokenized list of a user does, no other."""
    return feed_identity(address).kind if _is_list(address) else Kind.STREAM
