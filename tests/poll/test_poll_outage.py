"""No host answers at all, at least two tried: our own network, and no feed is blamed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from feedserver import Answer, FeedServer, Visit, redirect, reply
from watching import EVERYTHING, TARGETS, Jane, Watch, let_jane_in, watching

from feedwatch.core.model import FeedState, Reason
from feedwatch.fetch import FetchLimits
from feedwatch.poll import PollOutcome
from feedwatch.poll.hosts import Hosts
from feedwatch.sandbox import Sandbox

ITEM = b"<item><guid>1</guid><title>One</title></item>"
RSS = b"<rss version='2.0'><channel><title>t</title>%s</channel></rss>" % ITEM


@pytest.fixture
def jane(served: tuple[Sandbox, str]) -> Jane:
    """Jane with 40 titles in her queue."""
    return let_jane_in(*served, queue=40)


def dead_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def servers() -> Iterator[list[FeedServer]]:
    """Two hosts that answer."""
    with ExitStack() as stack:
        served = [stack.enter_context(FeedServer()) for _ in range(2)]
        for server in served:
            server.on("/feed", reply(RSS))
        yield served


@pytest.fixture
async def watch(servers: list[FeedServer], tmp_path: Path) -> AsyncIterator[Watch]:
    """Four feeds at four hosts, `a` and `b` alive, `x` and `y` as dead as can be."""
    urls = {"a": servers[0].url("/feed"), "b": servers[1].url("/feed")}
    urls |= {name: f"http://127.0.0.1:{dead_port()}/feed" for name in "xy"}
    feeds = "".join(f"      {name}: {url}\n" for name, url in urls.items())
    config = f"poll: {{every: 10m}}\naccounts:\n  news:\n    service: feeds\n    feeds:\n{feeds}"
    async with watching(tmp_path, f"{config}targets:\n{TARGETS}{EVERYTHING}") as watch:
        await watch.discover()
        yield watch


async def failures(watch: Watch) -> dict[str, int]:
    return {status.feed.removeprefix("news/"): status.failures for status in await watch.statuses()}


async def outcomes(watch: Watch, *feeds: str) -> dict[str, str]:
    reports = await watch.poll(*(f"news/{feed}" for feed in feeds))
    return {feed.removeprefix("news/"): str(report.outcome) for feed, report in reports.items()}


async def test_silence_of_all_in_one_round_blames_nobody(watch: Watch) -> None:
    """Two hosts tried, none answered: both polls are tried again in a minute, nothing is counted."""
    assert await outcomes(watch, "x", "y") == {"x": "outage", "y": "outage"}
    status = await watch.status("news/x")
    assert (status.failures, status.state, status.reason) == (0, FeedState.NEW, None)
    assert status.next_poll_at == watch.moment.at + timedelta(minutes=1)


async def test_silence_of_some_is_theirs(watch: Watch) -> None:
    """While another host answers, whoever does not is to blame."""
    assert await outcomes(watch) == {"a": "baseline", "b": "baseline", "x": "failed", "y": "failed"}
    assert await failures(watch) == {"a": 0, "b": 0, "x": 1, "y": 1}
    assert (await watch.status("news/x")).reason is Reason.CONNECT


async def test_single_host_that_is_silent_is_blamed(watch: Watch) -> None:
    """With one host tried there is nothing to tell its fault from ours."""
    assert await outcomes(watch, "x") == {"x": "failed"}


async def test_outage_shows_over_rounds_of_one_feed(watch: Watch) -> None:
    """A daemon's rounds hold a feed each: after the first, no feed is blamed until somebody answers."""
    assert await outcomes(watch, "x") == {"x": "failed"}
    for feed in ("y", "x", "y", "x"):
        assert await outcomes(watch, feed) == {feed: "outage"}
        watch.moment.pass_by(minutes=30)
    assert await failures(watch) == {"a": 0, "b": 0, "x": 1, "y": 0}
    assert await watch.notices() == []


async def test_any_answer_ends_the_outage(watch: Watch) -> None:
    """Once somebody has answered, the next silence is the host's own again."""
    for feed in ("x", "y"):
        await outcomes(watch, feed)
    assert await outcomes(watch, "a") == {"a": "baseline"}
    assert await outcomes(watch, "y") == {"y": "failed"}
    assert await outcomes(watch, "x") == {"x": "outage"}


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_error_is_an_answer_too(servers: list[FeedServer], watch: Watch, status: int) -> None:
    """A server that says no has been reached."""
    for feed in ("x", "y"):
        await outcomes(watch, feed)
    servers[0].on("/feed", reply(b"no", status))
    assert await outcomes(watch, "a") == {"a": "failed"}
    assert await outcomes(watch, "x") == {"x": "failed"}


async def test_time_out_while_others_answer_is_the_hosts_own(servers: list[FeedServer], watch: Watch) -> None:
    """Silence that ends long after everybody else has answered is not taken for an outage."""
    watch.assembly.fetcher.update_limits(FetchLimits(timedelta(milliseconds=400), 1 << 20))
    for server in servers:
        server.on("/feed", Visit.wait)
    poller = watch.assembly.poller
    round_ = asyncio.ensure_future(poller.run_round(await watch.take("news/a", "news/b")))
    for server in servers:
        await asyncio.to_thread(server.wait_for, 1)
    poller.hear("index.example.org", None, 0.0)  # as a discovery does that was answered meanwhile
    reports = await round_
    assert {report.outcome for report in reports} == {PollOutcome.FAILED}
    assert {report.reason for report in reports} == {Reason.TIMEOUT}


async def test_time_out_of_all_is_an_outage(servers: list[FeedServer], watch: Watch) -> None:
    """Nobody answers in time: nobody is blamed."""
    watch.assembly.fetcher.update_limits(FetchLimits(timedelta(milliseconds=200), 1 << 20))
    for server in servers:
        server.on("/feed", Visit.wait)
    assert await outcomes(watch, "a", "b") == {"a": "outage", "b": "outage"}


def hang_after(data: bytes) -> Answer:
    """Send that, and then nothing."""

    def answer(visit: Visit) -> None:
        visit.send(data)
        visit.wait()

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize("status", [200, 503])
async def test_reply_that_hangs_after_its_head_is_no_silence(
    servers: list[FeedServer], watch: Watch, status: int
) -> None:
    """Hosts that begin to answer and never end are to blame themselves, however many do."""
    watch.assembly.fetcher.update_limits(FetchLimits(timedelta(milliseconds=200), 1 << 20))
    for server in servers:
        server.on("/feed", hang_after(HEAD.replace(b"200 OK", b"%d Said" % status) + b"<rss"))
    assert await outcomes(watch, "a", "b") == {"a": "failed", "b": "failed"}
    assert (await watch.status("news/a")).reason is Reason.TIMEOUT
    assert await outcomes(watch, "x", "y") == {"x": "outage", "y": "outage"}


async def test_answer_that_hangs_ends_the_outage(servers: list[FeedServer], watch: Watch) -> None:
    """One host that begins to answer shows that our own network works."""
    watch.assembly.fetcher.update_limits(FetchLimits(timedelta(milliseconds=200), 1 << 20))
    for feed in ("x", "y"):
        await outcomes(watch, feed)
    servers[0].on("/feed", hang_after(HEAD))
    assert await outcomes(watch, "a") == {"a": "failed"}
    assert await outcomes(watch, "x") == {"x": "failed"}


async def test_redirect_into_silence_is_no_silence(servers: list[FeedServer], watch: Watch) -> None:
    """Hosts that answer with a redirect to where nobody listens have answered."""
    for server in servers:
        server.on("/feed", redirect(f"http://127.0.0.1:{dead_port()}/"))
    assert await outcomes(watch, "a", "b") == {"a": "failed", "b": "failed"}
    assert (await watch.status("news/a")).reason is Reason.CONNECT


async def test_silence_at_a_later_page_is_the_hosts_own(tmp_path: Path) -> None:
    """A host that gives the first page of a list and hangs at the second was there a moment ago."""
    titles = "".join(f"<entry><id>{n}</id><title>{n}</title></entry>" for n in range(3))
    first = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title>{titles}</feed>".encode()
    with ExitStack() as stack:
        served = [stack.enter_context(FeedServer()) for _ in range(2)]
        urls = {
            name: server.on(f"/users/{name}/queues/disc", reply(first), Visit.wait)
            for name, server in zip("ab", served, strict=True)
        }
        feeds = "".join(
            f"      {name}: {{kind: queue, url: '{url}?feed_token=abcdef'}}\n" for name, url in urls.items()
        )
        config = f"accounts:\n  news:\n    service: feeds\n    feeds:\n{feeds}targets:\n{TARGETS}{EVERYTHING}"
        async with watching(tmp_path, config) as watch:
            await watch.discover()
            watch.assembly.fetcher.update_limits(FetchLimits(timedelta(milliseconds=200), 1 << 20))
            assert await outcomes(watch) == {"a": "failed", "b": "failed"}
            assert (await watch.status("news/a")).reason is Reason.TIMEOUT
            assert [len(server.requests) for server in served] == [2, 2]


async def test_answer_of_an_index_ends_the_outage(jane: Jane, tmp_path: Path) -> None:
    """Where an index could be read, our own network works."""
    feeds = "".join(f"      {name}: http://127.0.0.1:{dead_port()}/feed\n" for name in "xy")
    news = f"  news:\n    service: feeds\n    feeds:\n{feeds}"
    config = jane.config().replace("accounts:\n", f"accounts:\n{news}")
    async with watching(tmp_path, config, jane.moment) as watch:
        await watch.discover()
        for feed, outcome in (("x", "failed"), ("y", "outage"), ("x", "outage")):
            assert await outcomes(watch, feed) == {feed: outcome}
        await watch.assembly.discoverer.discover("jane")
        assert await outcomes(watch, "x") == {"x": "failed"}


async def test_index_that_is_silent_in_an_outage_is_not_announced(tmp_path: Path) -> None:
    """An account whose index fails for hours, as everything does, is not said to be broken."""
    feeds = "".join(f"      {name}: http://127.0.0.1:{dead_port()}/feed\n" for name in "xy")
    config = (
        f"accounts:\n  news:\n    service: feeds\n    feeds:\n{feeds}"
        f"  list:\n    service: opml\n    url: http://127.0.0.1:{dead_port()}/list\ntargets:\n{TARGETS}{EVERYTHING}"
    )
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        for _ in range(5):
            await watch.poll()
            await watch.assembly.discoverer.discover("list")
            watch.moment.pass_by(hours=1)
        assert await watch.notices() == []
        (account,) = await watch.query("SELECT failures FROM accounts WHERE name = 'list'")
        assert int(str(account["failures"])) >= 5


async def test_index_that_hangs_after_its_head_is_announced(
    servers: list[FeedServer], tmp_path: Path
) -> None:
    """Hosts that begin to give a list and never end it are broken, though nobody else is asked."""
    lists = "".join(
        f"  list-{n}:\n    service: opml\n    url: {server.on('/list', hang_after(HEAD))}\n"
        for n, server in enumerate(servers)
    )
    async with watching(tmp_path, f"accounts:\n{lists}targets:\n{TARGETS}{EVERYTHING}") as watch:
        watch.assembly.fetcher.update_limits(FetchLimits(timedelta(milliseconds=50), 1 << 20))
        for _ in range(4):
            await asyncio.gather(*map(watch.assembly.discoverer.discover, ("list-0", "list-1")))
            watch.moment.pass_by(hours=1)
        assert await watch.notices() == ["account_broken", "account_broken"]


async def test_index_that_is_silent_alone_is_announced(servers: list[FeedServer], tmp_path: Path) -> None:
    """While feeds answer, an index that does not is broken, and that is said once."""
    config = (
        f"accounts:\n  news:\n    service: feeds\n    feeds: {{a: '{servers[0].url('/feed')}'}}\n"
        f"  list:\n    service: opml\n    url: http://127.0.0.1:{dead_port()}/list\ntargets:\n{TARGETS}{EVERYTHING}"
    )
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        for _ in range(5):
            await watch.poll()
            await watch.assembly.discoverer.discover("list")
            watch.moment.pass_by(hours=1)
        assert await watch.notices() == ["watching", "account_broken"]


# ── the memory itself ─────────────────────────────────────────────────────────────────────────────


async def test_trouble_of_our_own_making_is_neither_answer_nor_silence() -> None:
    """An address that cannot be asked, or a mistake of ours, says nothing about the network."""
    hosts = Hosts()
    for host in ("a", "b"):
        hosts.hear(host, Reason.CONNECT, 1.0)
    for reason in (Reason.INTERNAL, Reason.BAD_ADDRESS, Reason.PRIVATE_ADDRESS):
        hosts.hear("c", reason, 1.0)
        assert hosts.is_own_outage(1.0)
    hosts.hear("c", Reason.TLS, 1.0)
    assert not hosts.is_own_outage(1.0)


async def test_silence_is_judged_by_when_it_was_asked() -> None:
    """Two hosts fallen silent since make no outage of a request that others outlived with an answer."""
    hosts = Hosts()
    hosts.hear("c", None, 0.0)
    later = asyncio.get_running_loop().time() + 1
    for host in ("a", "b"):
        hosts.hear(host, Reason.TIMEOUT, later)
    assert hosts.is_own_outage(later)
    assert not hosts.is_own_outage(0.0)
