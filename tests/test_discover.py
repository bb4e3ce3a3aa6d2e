from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedwatch.core.messages import Composed, Markup, OwedDelivery
from feedwatch.core.model import (
    FeedState,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Notice,
    NoticeKind,
    Reason,
    Validators,
)
from feedwatch.core.state import AccountStatus, Bundle
from feedwatch.discover import Asking, DiscoveryReport, discover_account
from feedwatch.services import FeedsSettings, ListedFeed, Means, OpmlSettings, ServiceSettings
from feedwatch.services.base import Sign
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIST_URL = "http://lists.example:8080/opml"


@dataclass
class OneAnswer:
    """What the network answers every time, and how often it was asked."""

    answer: FetchFailed | Exception = field(default_factory=lambda: FetchFailed(Reason.CONNECT))
    asked: int = 0

    async def __call__(self, url: str, /, *, sign: Sign | None = None) -> FetchOutcome:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class World:
    """A real state, a folder, a clock that stands until it is moved, and what the network answers."""

    store: StoreThread
    folder: Path
    now: datetime = START
    network: OneAnswer = field(default_factory=OneAnswer)
    hidden: list[str] = field(default_factory=list)
    settings: ServiceSettings = field(default_factory=lambda: OpmlSettings("jane", "list.opml"))

    def write_list(self, *texts: str) -> None:
        outlines = "".join(
            f"<outline text='{text}' xmlUrl='http://h/{text}?feed_token=t-{text}'/>" for text in texts
        )
        (self.folder / "list.opml").write_text(f"<opml><body>{outlines}</body></opml>")

    async def discover(self, *, after: timedelta = timedelta(0), jitter: float = 0.0) -> DiscoveryReport:
        self.now += after
        asking = Asking("jane", self.settings, jitter, ("phone/1",), self.hide)
        means = Means(self.network, lambda: self.now, self.folder)
        return await discover_account(asking, store=self.store, means=means)

    def hide(self, addresses: Iterable[str]) -> None:
        self.hidden += addresses

    async def feeds(self) -> dict[str, FeedState]:
        return {feed.feed: feed.state for feed in await self.store.run(Store.list_feeds)}

    async def status(self) -> AccountStatus:
        (status,) = await self.store.run(Store.account_statuses)
        return status

    async def notices(self) -> list[Notice]:
        """Take the notices that are owed, and say that they were delivered."""
        owed: list[Notice] = []

        def compose(deliveries: Sequence[OwedDelivery], _: Bundle) -> Composed:
            owed.extend(each.subject for each in deliveries if isinstance(each.subject, Notice))
            return Composed(tuple(each.id for each in deliveries), "t", "b", Markup.TEXT)

        lease = self.now + timedelta(minutes=2)
        claim = await self.store.run(
            Store.claim_message, "phone/1", now=self.now, lease_until_at=lease, owner="test", compose=compose
        )
        if claim:
            await self.store.run(Store.drop_messages, [claim.id], self.now)
        return owed


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = StoreThread(lambda: Store.open(tmp_path / "state" / "feedwatch.db"))
    await store.start()
    await store.run(Store.sync_accounts, {"jane": "stamp"}, START)
    yield World(store, tmp_path)
    store.close()


async def test_first_index_is_taken_up_in_silence(world: World) -> None:
    """The feeds of a new account are there, due at once, and no notice says so: the watching notice will."""
    world.write_list("a", "b")
    report = await world.discover()
    assert (report.ok, report.feeds, report.effect.found) == (True, 2, ("a", "b"))
    assert await world.feeds() == {"jane/a": FeedState.NEW, "jane/b": FeedState.NEW}
    assert await world.notices() == []
    assert len(await world.store.run(Store.take_polls, world.now)) == 2


async def test_index_is_read_again_after_a_day(world: World) -> None:
    """A read index is due again in a day, later by a jitter but not by much."""
    world.write_list("a")
    early, late = await world.discover(), await world.discover(jitter=0.999)
    assert early.next_index_at == START + timedelta(days=1)
    assert late.next_index_at is not None
    assert START + timedelta(days=1) < late.next_index_at < START + timedelta(days=1, hours=1)
    assert (await world.status()).next_index_at == late.next_index_at
    assert await world.store.run(Store.due_accounts, START) == ()


async def test_feed_that_appears_later_is_told(world: World) -> None:
    """A feed that joins a known account's index is taken up, with one notice."""
    world.write_list("a")
    await world.discover()
    world.write_list("a", "b", "c")
    await world.discover(after=timedelta(days=1))
    (notice,) = await world.notices()
    assert (notice.kind, notice.account) == (NoticeKind.FEEDS_FOUND, "jane")
    assert [line.feed for line in notice.feeds] == ["jane/b", "jane/c"]


async def test_feed_retires_when_two_indexes_in_a_row_lack_it(world: World) -> None:
    """One index without a feed changes nothing; the second retires it, with one notice (law 12)."""
    world.write_list("a", "b")
    await world.discover()
    world.write_list("a")
    once = await world.discover(after=timedelta(days=1))
    assert once.effect.retired == ()
    assert (await world.feeds())["jane/b"] is FeedState.NEW
    twice = await world.discover(after=timedelta(days=1))
    assert twice.effect.retired == ("b",)
    (notice,) = await world.notices()
    assert (notice.kind, notice.reason) == (NoticeKind.FEED_RETIRED, Reason.LEFT_INDEX)
    assert [line.feed for line in notice.feeds] == ["jane/b"]


async def test_feed_missing_now_and_then_does_not_retire(world: World) -> None:
    """Two indexes that lack a feed with one between them that has it are not two in a row."""
    for texts in (("a", "b"), ("a",), ("a", "b"), ("a",)):
        world.write_list(*texts)
        await world.discover(after=timedelta(days=1))
    assert (await world.feeds())["jane/b"] is not FeedState.RETIRED
    assert await world.notices() == []


async def test_failed_index_between_does_not_retire(world: World) -> None:
    """A failed index counts neither for nor against a feed."""
    world.write_list("a", "b")
    await world.discover()
    world.write_list("a")
    await world.discover()
    (world.folder / "list.opml").write_text("<html>")
    assert (await world.discover()).effect.retired == ()
    assert (await world.feeds())["jane/b"] is not FeedState.RETIRED


async def test_feed_that_returns_is_told(world: World) -> None:
    """A retired feed that its index names again goes on, and a notice says so."""
    for texts in (("a", "b"), ("a",), ("a",)):
        world.write_list(*texts)
        await world.discover()
    await world.notices()
    world.write_list("a", "b")
    assert (await world.discover()).effect.returned == ("b",)
    assert [notice.kind for notice in await world.notices()] == [NoticeKind.FEEDS_FOUND]
    assert (await world.feeds())["jane/b"] is not FeedState.RETIRED


async def test_new_address_of_a_feed_is_no_news(world: World) -> None:
    """A rotated token moves a feed to its new address without a word."""
    world.write_list("a")
    await world.discover()
    text = (world.folder / "list.opml").read_text().replace("t-a", "t-fresh")
    (world.folder / "list.opml").write_text(text)
    assert (await world.discover()).effect.readdressed == ("a",)
    assert await world.notices() == []


async def test_feed_taken_out_of_the_configuration_is_gone_at_once(world: World) -> None:
    """The configuration itself is the last word."""
    world.settings = FeedsSettings({"a": ListedFeed("http://h/a"), "b": ListedFeed("http://h/b")})
    await world.discover()
    world.settings = FeedsSettings({"a": ListedFeed("http://h/a")})
    assert (await world.discover()).effect.retired == ("b",)
    assert [notice.reason for notice in await world.notices()] == [Reason.NOT_CONFIGURED]


@pytest.mark.parametrize(
    "text", ["", "<?xml version='1.0'?>", "<html/>", "<opml><body/></opml>", "<opml><bo"]
)
async def test_failed_index_touches_no_feed(world: World, text: str) -> None:
    """Whatever stands where the index was, what is known stays (law 7)."""
    world.write_list("a", "b")
    await world.discover()
    before = await world.store.run(Store.list_feeds)
    (world.folder / "list.opml").write_text(text)
    for _ in range(3):
        assert not (await world.discover()).ok
    assert await world.store.run(Store.list_feeds) == before
    assert (await world.status()).failures == 3


async def test_failures_are_tried_ever_more_slowly(world: World) -> None:
    """Each failure in a row waits at least as long as the one before, a day at most."""
    waits = []
    for _ in range(14):
        report = await world.discover()
        assert report.next_index_at is not None
        waits.append(report.next_index_at - world.now)
    assert waits == sorted(waits)
    assert waits[0] <= timedelta(minutes=10)
    assert waits[-1] == timedelta(days=1)


async def test_account_is_called_broken_once_and_recovered_once(world: World) -> None:
    """After three failures over an hour one notice says so; when it works again, one says that."""
    world.write_list("a")
    await world.discover()
    (world.folder / "list.opml").unlink()
    for _ in range(6):
        await world.discover(after=timedelta(minutes=20))
    (broken,) = await world.notices()
    assert (broken.kind, broken.reason) == (NoticeKind.ACCOUNT_BROKEN, Reason.NOT_FOUND)
    world.write_list("a")
    await world.discover()
    (recovered,) = await world.notices()
    assert (recovered.kind, recovered.since_at) == (NoticeKind.ACCOUNT_RECOVERED, broken.since_at)
    await world.discover()
    assert await world.notices() == []


async def test_short_trouble_is_not_told(world: World) -> None:
    """Three failures within an hour are no reason for a notice, nor is working again."""
    for _ in range(5):
        await world.discover(after=timedelta(minutes=5))
    world.write_list("a")
    await world.discover()
    assert await world.notices() == []


async def test_rate_limit_lets_the_whole_host_rest(world: World) -> None:
    """A host that asks for rest is asked by no discovery before its time; waiting is no failure."""
    world.settings = OpmlSettings("jane", LIST_URL)
    world.network.answer = FetchFailed(Reason.RATE_LIMITED, status=429, retry_after=timedelta(hours=3))
    report = await world.discover()
    rest = START + timedelta(hours=3)
    assert report.next_index_at == rest
    assert await world.store.run(Store.resting_hosts, START) == {"lists.example:8080": rest}
    again = await world.discover(after=timedelta(minutes=1))
    assert (again.reason, again.next_index_at, world.network.asked) == (Reason.RATE_LIMITED, rest, 1)
    status = await world.status()
    assert (status.failures, status.next_index_at) == (1, rest)


async def test_host_that_a_redirect_led_to_is_the_one_that_rests(world: World) -> None:
    """Whoever said so rests: the host of the list, which has refused nothing, is asked as ever."""
    world.settings = OpmlSettings("jane", LIST_URL)
    rest = timedelta(hours=3)
    world.network.answer = FetchFailed(
        Reason.RATE_LIMITED, status=429, retry_after=rest, host="elsewhere.example"
    )
    await world.discover()
    assert await world.store.run(Store.resting_hosts, START) == {"elsewhere.example": START + rest}


async def test_unasked_rest_is_heeded_too(world: World) -> None:
    """A 503 with Retry-After is not asked again before its time."""
    world.settings = OpmlSettings("jane", LIST_URL)
    world.network.answer = FetchFailed(Reason.UNAVAILABLE, status=503, retry_after=timedelta(hours=2))
    assert (await world.discover()).next_index_at == START + timedelta(hours=2)


async def test_fault_of_ours_is_a_failed_discovery(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a service is logged with its traceback, recorded, and goes no further."""
    world.settings = OpmlSettings("jane", LIST_URL)
    world.network.answer = RuntimeError("a fault of ours")
    assert (await world.discover()).reason is Reason.INTERNAL
    assert "Traceback" in caplog.text
    assert (await world.status()).reason is Reason.INTERNAL


async def test_account_taken_out_meanwhile_is_left_alone(world: World) -> None:
    """An account that a reload has taken out of the configuration gets no feeds any more."""
    world.write_list("a")
    await world.store.run(Store.sync_accounts, {}, START)
    assert (await world.discover()).reason is Reason.NOT_CONFIGURED
    assert await world.feeds() == {}


@pytest.mark.parametrize(
    "answer", [FetchFailed(Reason.UNAUTHORIZED, status=401), None], ids=["refused", "read"]
)
async def test_what_old_credentials_brought_says_nothing_of_new_ones(
    world: World, answer: FetchFailed | None
) -> None:
    """Credentials are changed while a call with the old ones is under way: its outcome is dropped."""
    later = START + timedelta(minutes=1)

    async def change_credentials(url: str, /, *, sign: Sign | None = None) -> FetchOutcome:
        await world.store.run(Store.sync_accounts, {"jane": "new stamp"}, later)
        body = b"<opml><body><outline text='a' xmlUrl='http://h/a'/></body></opml>"
        return answer or Fetched(body, Validators(), url, START)

    asking = Asking("jane", OpmlSettings("jane", LIST_URL), notice_addresses=("phone/1",))
    report = await discover_account(
        asking, store=world.store, means=Means(change_credentials, lambda: START, world.folder)
    )
    assert not report.ok
    assert await world.feeds() == {}
    status = await world.status()
    assert (status.signed_out, status.failures, status.next_index_at) == (False, 0, later)
    assert await world.notices() == []


async def test_each_discovery_is_one_line_without_addresses(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what came of a discovery and shows neither address nor token."""
    world.write_list("a", "b")
    with caplog.at_level(logging.DEBUG):
        report = await world.discover()
        world.write_list("a", "c")
        await world.discover()
    assert "discovered account=jane feeds=2 new=2 retired=0" in caplog.messages
    assert "discovered account=jane feeds=2 new=1 retired=0" in caplog.messages
    assert "http" not in caplog.text + repr(report)
    assert "t-a" not in caplog.text + repr(report)


async def test_found_addresses_are_hidden_before_anything_is_recorded(world: World) -> None:
    """Tokens are known to the redactor as soon as they are read."""
    world.write_list("a")
    await world.discover()
    assert world.hidden == ["http://h/a?feed_token=t-a"]
