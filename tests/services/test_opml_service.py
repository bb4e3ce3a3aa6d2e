from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedwatch.core.model import FetchFailed, FetchOutcome, FoundFeed, Kind, Reason
from feedwatch.core.state import KnownFeed
from feedwatch.services import FeedWishes, Found, IndexFailed, Means, Memory, OpmlSettings, open_service
from feedwatch.services.base import Sign

QUEUE = "http://h/users/1/queues/instant?feed_token=secret-token&sort=date_added"
LIST = f"""<opml version="2.0"><body>
  <outline text="Movies"><outline text="My Diary" kind="history" xmlUrl="http://d.example/rss"/></outline>
  <outline text="Queue" xmlUrl="{QUEUE}"/>
  <outline text="Blog" xmlUrl="http://b.example/atom"/>
  <outline text="More" type="include" url="http://m.example/opml"/>
</body></opml>"""


async def refuse(url: str, /, *, sign: Sign | None = None) -> FetchOutcome:
    """Nothing here may ask the network."""
    return FetchFailed(Reason.BAD_ADDRESS)


async def read_list(
    folder: Path,
    *,
    url: str = "list.opml",
    known: Sequence[KnownFeed] = (),
    wishes: dict[str, FeedWishes] | None = None,
) -> Found | IndexFailed:
    means = Means(refuse, lambda: datetime(2026, 11, 1, tzinfo=UTC), folder)
    settings = OpmlSettings("reading", url, wishes or {})
    return await open_service(settings, means, Memory(tuple(known))).find_feeds()


async def feeds_in(folder: Path, *, wishes: dict[str, FeedWishes] | None = None) -> dict[str, FoundFeed]:
    found = await read_list(folder, wishes=wishes)
    assert isinstance(found, Found)
    assert not found.authoritative
    return {feed.name: feed for feed in found.feeds}


async def test_list_in_the_configurations_folder_is_read(tmp_path: Path) -> None:
    """A relative path is taken from the configuration's folder; every subscription is a feed."""
    (tmp_path / "list.opml").write_text(LIST)
    feeds = await feeds_in(tmp_path)
    assert {name: (feed.title, feed.group) for name, feed in feeds.items()} == {
        "my-diary": ("My Diary", "Movies"),
        "queue": ("Queue", None),
        "blog": ("Blog", None),
    }
    assert feeds["queue"].address == QUEUE


async def test_kind_comes_from_outline_or_tokenized_address(tmp_path: Path) -> None:
    """An outline's own kind counts first, then what a tokenized address lists; all else is a stream."""
    (tmp_path / "list.opml").write_text(LIST)
    kinds = {name: feed.kind for name, feed in (await feeds_in(tmp_path)).items()}
    assert kinds == {"my-diary": Kind.HISTORY, "queue": Kind.QUEUE, "blog": Kind.STREAM}


async def test_configuration_has_the_last_word(tmp_path: Path) -> None:
    """What the configuration says about a feed by name wins over the list."""
    (tmp_path / "list.opml").write_text(LIST)
    wishes = {"blog": FeedWishes(Kind.QUEUE, timedelta(hours=2), announce_baseline=True, content=True)}
    feeds = await feeds_in(tmp_path, wishes=wishes)
    blog = feeds["blog"]
    assert (blog.kind, blog.every) == (Kind.QUEUE, timedelta(hours=2))
    assert blog.announce_baseline
    assert blog.compare_content
    assert feeds["queue"].every is None


async def test_inclusion_is_said_to_be_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A list that includes another is read without it, with a warning that names no address."""
    (tmp_path / "list.opml").write_text(LIST)
    with caplog.at_level(logging.DEBUG):
        await feeds_in(tmp_path)
    assert "account=reading count=1" in caplog.text
    assert "example" not in caplog.text
    assert "secret-token" not in caplog.text


async def test_missing_file_is_a_failure(tmp_path: Path) -> None:
    """A list that is not there is a failure, not an empty list."""
    assert await reason_of(tmp_path) is Reason.NOT_FOUND


async def test_folder_or_pipe_in_its_place_is_a_failure(tmp_path: Path) -> None:
    """What is no plain file is not read: a pipe would never end."""
    os.mkfifo(tmp_path / "list.opml")
    assert await reason_of(tmp_path) is Reason.NOT_FOUND
    assert await reason_of(tmp_path, url=".") is Reason.NOT_FOUND


async def test_path_that_cannot_be_is_a_failure(tmp_path: Path) -> None:
    """A path that the system refuses is a failure like any other."""
    for url in ("a\0b", "~nobody-of-this-name/list.opml", "x" * 5000):
        assert await reason_of(tmp_path, url=url) in {Reason.FORBIDDEN, Reason.NOT_FOUND}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", Reason.EMPTY_BODY), ("<rss/>", Reason.NOT_A_FEED), (LIST[:200], Reason.MALFORMED)],
)
async def test_file_that_is_no_list_is_a_failure(tmp_path: Path, text: str, reason: Reason) -> None:
    """A file that holds no whole list fails with its reason."""
    (tmp_path / "list.opml").write_text(text)
    assert await reason_of(tmp_path) is reason


async def test_list_larger_than_any_list_is_a_failure(tmp_path: Path) -> None:
    """A huge file is not read to its end."""
    with (tmp_path / "list.opml").open("wb") as file:
        file.truncate(1 << 30)
    assert await reason_of(tmp_path) is Reason.TOO_LARGE


EMPTY = "<opml version='2.0'><body><outline text='nothing here'/></body></opml>"


async def test_list_that_turned_empty_is_a_failure(tmp_path: Path) -> None:
    """A list that had feeds and names none any more retires nothing."""
    (tmp_path / "list.opml").write_text(EMPTY)
    known = [KnownFeed("blog", "Blog", "http://b.example/atom")]
    failed = await read_list(tmp_path, known=known)
    assert isinstance(failed, IndexFailed)
    assert failed.reason is Reason.TURNED_EMPTY


async def test_list_that_was_always_empty_is_empty(tmp_path: Path) -> None:
    """A list without subscriptions is a list as long as it never had any that live."""
    (tmp_path / "list.opml").write_text(EMPTY)
    assert await read_list(tmp_path) == Found(())
    assert await read_list(tmp_path, known=[KnownFeed("blog", "Blog", "http://b", retired=True)]) == Found(())


async def test_names_are_kept_from_what_is_known(tmp_path: Path) -> None:
    """A feed known at an address keeps its name though its text is another."""
    (tmp_path / "list.opml").write_text(LIST)
    known = [KnownFeed("old-name", "Old", "http://b.example/atom")]
    found = await read_list(tmp_path, known=known)
    assert isinstance(found, Found)
    assert [feed.name for feed in found.feeds] == ["my-diary", "queue", "old-name"]


async def reason_of(folder: Path, *, url: str = "list.opml") -> Reason:
    failed = await read_list(folder, url=url)
    assert isinstance(failed, IndexFailed)
    assert not failed.signed_out
    return failed.reason
