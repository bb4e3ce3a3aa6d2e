from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from feedwatch.core.model import FetchFailed, FetchOutcome, FoundFeed, Kind, Reason
from feedwatch.services import (
    FeedsSettings,
    FeedWishes,
    Found,
    ListedFeed,
    Means,
    Memory,
    find_index_host,
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
    assert find_index_host(settings) is None
    assert "http" not in repr(settings)


QUEUE = "http://h/users/T1/queues/instant?feed_token=a"


async def find(feeds: dict[str, ListedFeed]) -> list[tuple[str, Kind]]:
    means = Means(refuse, lambda: datetime(2026, 11, 1, tzinfo=UTC))
    found = await open_service(FeedsSettings(feeds), means, Memory()).find_feeds()
    assert isinstance(found, Found)
    return [(feed.name, feed.kind) for feed in found.feeds]


async def test_tokenized_list_is_of_the_kind_its_path_names() -> None:
    """A personal list needs no word about its kind; a configured kind has the last word."""
    feeds = {
        "mine": ListedFeed(QUEUE),
        "seen": ListedFeed("http://h/users/T1/rental_history/watched?feed_token=a"),
        "odd": ListedFeed("http://h/users/T1/at_home?feed_token=a", FeedWishes(Kind.QUEUE)),
        "open": ListedFeed("http://h/users/T1/queues/instant"),
    }
    assert await find(feeds) == [
        ("mine", Kind.QUEUE),
        ("seen", Kind.HISTORY),
        ("odd", Kind.QUEUE),
        ("open", Kind.STREAM),
    ]


@pytest.mark.parametrize("first", ["queue", "recent"])
async def test_two_views_of_one_list_are_one_feed(first: str, caplog: pytest.LogCaptureFixture) -> None:
    """The queue and its recent additions are one list: the one in its own order is polled, and it is said."""
    views = {"queue": ListedFeed(QUEUE), "recent": ListedFeed(f"{QUEUE}&sort=date_added")}
    ordered = {first: views.pop(first), **views}
    with caplog.at_level(logging.WARNING, "feedwatch.discover"):
        assert await find(ordered) == [("queue", Kind.QUEUE)]
    assert "feed=recent is polled as feed=queue" in caplog.text


async def test_plain_address_named_twice_is_wanted_twice() -> None:
    """Only views of a personal list are one: any other address may have two names."""
    listed = ListedFeed("http://l/rss")
    assert await find({"one": listed, "two": listed}) == [("one", Kind.STREAM), ("two", Kind.STREAM)]
