from __future__ import annotations

from datetime import UTC, datetime, timedelta

from feedwatch.core.model import FetchFailed, FetchOutcome, FoundFeed, Kind, Reason
from feedwatch.services import (
    FeedsSettings,
    FeedWishes,
    Found,
    ListedFeed,
    Means,
    Memory,
    host_of,
    open_service,
)
from feedwatch.services.base import Sign


async def refuse(url: str, /, *, sign: Sign | None = None) -> FetchOutcome:
    """Nothing here may ask the network."""
    return FetchFailed(Reason.BAD_ADDRESS)


async def test_feeds_are_what_the_configuration_names() -> None:
    """Feeds come as configured, streams unless said otherwise, and their list is the last word."""
    wishes = FeedWishes(Kind.QUEUE, timedelta(hours=1), announce_baseline=True)
    settings = FeedsSettings({"lwn": ListedFeed("http://l/rss"), "shelf": ListedFeed("http://s/rss", wishes)})
    means = Means(refuse, lambda: datetime(2026, 11, 1, tzinfo=UTC))
    found = await open_service(settings, means, Memory()).find_feeds()
    assert found == Found(
        (
            FoundFeed("lwn", Kind.STREAM, "http://l/rss"),
            FoundFeed("shelf", Kind.QUEUE, "http://s/rss", every=timedelta(hours=1), announce_baseline=True),
        ),
        authoritative=True,
    )
    assert host_of(settings) is None
    assert "http" not in repr(settings)
