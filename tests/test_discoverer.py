from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedwatch.clock import Clock
from feedwatch.config import Config, load_config
from feedwatch.core.model import Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.core.route import Routes
from feedwatch.discover import Discoverer
from feedwatch.discover.discoverer import find_hosts
from feedwatch.fetch import Fetcher, FetchLimits, host_named_by
from feedwatch.redact import Redactor
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
ROUTES = Routes((), {"phone": ("phone/1",)}, ("phone",))
LIST = "<opml><body><outline text='A' xmlUrl='http://h/a?feed_token=tok-of-a'/></body></opml>"


ADDRESSES = st.text("hts:/ab.1@?#[]\\% \t", max_size=24).map("http://".__add__)


@given(st.lists(ADDRESSES, max_size=4))
@example(
    ["http://a.example/b", "https://user:x@A.example./c?d#e", "http:///a", "http://a#/b", "http://a?b/c"]
)
@example(["http://1 /", "http://1 ", " http://2 /a"])
def test_hosts_of_many_addresses_are_those_of_each(addresses: list[str]) -> None:
    """However an address is made, its host is the one that is asked."""
    assert find_hosts(addresses) == {host_named_by(each) for each in addresses} - {None, ""}


@dataclass
class ListServer:
    """A server that gives a list when it is let go, and counts."""

    url: str = ""
    asked: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        self.waiting.set()
        await self.let_go.wait()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(LIST)}\r\nConnection: close\r\n\r\n"
        writer.write((head + LIST).encode())
        await writer.drain()
        writer.close()


@dataclass
class World:
    folder: Path
    server: ListServer
    store: StoreThread
    fetcher: Fetcher
    redactor: Redactor = field(default_factory=Redactor)

    def configure(self, accounts: str) -> Config:
        path = self.folder / "config.yaml"
        path.write_text(
            f"state: feedwatch.db\naccounts: {accounts}\ntargets: {{phone: 'json://127.0.0.1'}}\n"
        )
        path.chmod(0o600)
        return load_config(path, environ={"SECRET": "a-secret"})

    async def start(self, accounts: str) -> Discoverer:
        config = self.configure(accounts)
        await self.sync(config)
        clock = Clock(now=lambda: START, jitter=lambda: 0.5)
        return Discoverer(
            self.store, self.fetcher, config, routes=ROUTES, clock=clock, redactor=self.redactor
        )

    async def sync(self, config: Config) -> None:
        stamps = {name: account.credentials_stamp() for name, account in config.accounts.items()}
        await self.store.run(Store.sync_accounts, stamps, START)

    async def feeds(self) -> set[str]:
        return {feed.feed for feed in await self.store.run(Store.list_feeds)}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        served = ListServer()
        server = await stack.enter_async_context(await asyncio.start_server(served.serve, "127.0.0.1", 0))
        served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/list"
        store = StoreThread(lambda: Store.open(tmp_path / "feedwatch.db"))
        await store.start()
        stack.callback(store.close)
        limits = FetchLimits(timedelta(seconds=20), 1 << 20)
        fetcher = await stack.enter_async_context(
            aclosing(Fetcher(limits, networks=NetworkPolicy(), user_agent="test"))
        )
        yield World(tmp_path, served, store, fetcher)


async def test_all_that_is_due_is_asked_and_then_no_longer_due(world: World) -> None:
    """Accounts of every kind are read when due, each once; one that fails does not stop the others."""
    (world.folder / "mine.opml").write_text(LIST)
    world.server.let_go.set()
    discoverer = await world.start(
        f"{{mine: {{service: opml, url: mine.opml}}, web: {{service: opml, url: '{world.server.url}'}}, "
        "lost: {service: opml, url: nowhere.opml}, news: {service: feeds, feeds: {lwn: 'http://127.0.0.1:1/x'}}}"
    )
    reports = {report.account: report for report in await discoverer.discover_due()}
    assert {name: report.ok for name, report in reports.items()} == {
        "mine": True,
        "web": True,
        "lost": False,
        "news": True,
    }
    assert await world.feeds() == {"mine/a", "web/a", "news/lwn"}
    assert await discoverer.discover_due() == ()


async def test_many_that_ask_at_once_share_one_answer(world: World) -> None:
    """Several dead tokens of one account lead to one request."""
    discoverer = await world.start(f"{{web: {{service: opml, url: '{world.server.url}'}}}}")
    asking = [asyncio.create_task(discoverer.discover_again("web")) for _ in range(5)]
    await world.server.waiting.wait()
    world.server.let_go.set()
    assert await asyncio.gather(*asking) == [True] * 5
    assert world.server.asked == 1
    await discoverer.discover("web")
    assert world.server.asked == 2


async def test_one_that_gives_up_leaves_the_answer_to_the_others(world: World) -> None:
    """Cancelling one who waits does not cancel the discovery of the others."""
    discoverer = await world.start(f"{{web: {{service: opml, url: '{world.server.url}'}}}}")
    first, second = (asyncio.create_task(discoverer.discover_again("web")) for _ in range(2))
    await world.server.waiting.wait()
    first.cancel()
    world.server.let_go.set()
    assert await second
    assert first.cancelled()


async def test_account_that_is_not_configured_is_not_asked(world: World) -> None:
    """A token of an account that is no longer there leads nowhere."""
    discoverer = await world.start("{}")
    assert not await discoverer.discover_again("web")


async def test_new_configuration_holds_from_then_on(world: World) -> None:
    """After a reload the feeds are those of the new configuration."""
    discoverer = await world.start("{news: {service: feeds, feeds: {one: 'http://127.0.0.1:1/x'}}}")
    await discoverer.discover_due()
    config = world.configure("{news: {service: feeds, feeds: {two: 'http://127.0.0.1:1/y'}}}")
    discoverer.apply(config, ROUTES)
    await world.sync(config)
    (report,) = await discoverer.discover_due()
    assert (report.effect.found, report.effect.retired) == (("two",), ("one",))


async def test_tokens_are_hidden_when_found_and_after_a_restart(world: World) -> None:
    """The redactor learns the tokens of an index as it is read, and of known feeds when asked to."""
    (world.folder / "mine.opml").write_text(LIST)
    discoverer = await world.start("{mine: {service: opml, url: mine.opml}}")
    assert "tok-of-a" in world.redactor.redact("the token is tok-of-a")
    await discoverer.discover_due()
    assert "tok-of-a" not in world.redactor.redact("the token is tok-of-a")
    world.redactor = Redactor()
    await (await world.start("{mine: {service: opml, url: mine.opml}}")).register_tokens()
    assert "tok-of-a" not in world.redactor.redact("the token is tok-of-a")


async def test_problem_is_said_to_who_asks(world: World) -> None:
    """A discovery that somebody asks for says what is wrong."""
    discoverer = await world.start("{lost: {service: opml, url: nowhere.opml}}")
    problem = await discoverer.discover_now("lost")
    assert problem is not None
    assert problem.startswith(Reason.NOT_FOUND)
    (world.folder / "nowhere.opml").write_text(LIST)
    assert await discoverer.discover_now("lost") is None


async def test_signed_out_account_is_asked_no_more_until_its_token_changes(world: World) -> None:
    """Without an access token one notice is owed and nobody is asked; a new token ends that."""
    account = "service: netflix, url: 'http://127.0.0.1:1', consumer_key: a, consumer_secret: '${SECRET}'"
    discoverer = await world.start(f"{{jane: {{{account}}}}}")
    assert [report.reason for report in await discoverer.discover_due()] == [Reason.NO_CREDENTIALS]
    again = await discoverer.discover("jane")
    assert (again.reason, again.signed_out) == (Reason.NO_CREDENTIALS, True)
    assert await world.store.run(Store.due_addresses, START) == ("phone/1",)
    (status,) = await world.store.run(Store.account_statuses)
    assert (status.signed_out, status.failures) == (True, 1)
    config = world.configure(f"{{jane: {{{account}, access_token: b, access_token_secret: c, user_id: d}}}}")
    discoverer.apply(config, ROUTES)
    await world.sync(config)
    assert [report.reason for report in await discoverer.discover_due()] == [Reason.CONNECT]
