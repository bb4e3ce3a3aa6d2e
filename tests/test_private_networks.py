"""Which hosts the configuration names, from the file to the wire: all that is wired, over real HTTP.

Every server here is at 127.0.0.1, which the configuration names, and at `localhost`, which it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from feedserver import FeedServer, redirect, reply
from running import run
from watching import EVERYTHING, TARGETS, Watch, watching, write_config

from feedwatch.core.model import Reason
from feedwatch.poll import PollOutcome

RSS = reply(b"<rss version='2.0'><channel><title>t</title><item><guid>1</guid></item></channel></rss>")


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.on("/feed", RSS)
        yield server


def opml(*addresses: str) -> str:
    outlines = "".join(f"<outline text='{n}' xmlUrl='{address}'/>" for n, address in enumerate(addresses))
    return f"<opml><body>{outlines}</body></opml>"


def config(account: str, more: str = "") -> str:
    return f"accounts:\n  mine: {{{account}}}\ntargets:\n{TARGETS}{EVERYTHING}{more}"


async def reasons(watch: Watch) -> dict[str, Reason | None]:
    """Discover what is due, poll everything, and give why each feed failed."""
    await watch.discover()
    return {feed: report.reason for feed, report in (await watch.poll()).items()}


def not_named(server: FeedServer) -> str:
    return server.url("/feed", "localhost")


async def test_feed_that_the_configuration_names_may_be_at_home(server: FeedServer, tmp_path: Path) -> None:
    """What somebody writes into the configuration is asked wherever it is."""
    text = config(f"service: feeds, feeds: {{a: '{not_named(server)}'}}")
    async with watching(tmp_path, text) as watch:
        assert await reasons(watch) == {"mine/a": None}


async def test_list_in_a_file_names_its_hosts(server: FeedServer, tmp_path: Path) -> None:
    """A list that is a file of the person's own is as good as the configuration; after a restart, too."""
    (tmp_path / "list.opml").write_text(opml(not_named(server)))
    text = config("service: opml, url: list.opml")
    async with watching(tmp_path, text) as watch:
        assert await reasons(watch) == {"mine/0": None}
    async with watching(tmp_path, text, watch.moment) as again:
        assert (await again.poll())["mine/0"].outcome is PollOutcome.UNCHANGED


async def test_list_from_the_network_names_nobody(server: FeedServer, tmp_path: Path) -> None:
    """A list at an address may name any feed; those in a private network are asked at its own host only."""
    server.on("/list", reply(opml(not_named(server), server.url("/feed")).encode()))
    async with watching(tmp_path, config(f"service: opml, url: '{server.url('/list')}'")) as watch:
        assert await reasons(watch) == {"mine/0": Reason.PRIVATE_ADDRESS, "mine/1": None}
        assert (await watch.status("mine/0")).detail.startswith("localhost is at ")
    assert {request.headers["host"] for request in server.requests} == {f"127.0.0.1:{server.port}"}


async def test_index_names_nobody_but_its_own_host(server: FeedServer, tmp_path: Path) -> None:
    """Feeds of an account are asked at the account's host, not wherever else its index may point at home."""
    links = "".join(
        f'<link href="{server.url("/feed", host)}?feed_token=abcdef-{host}" title="t" '
        f'rel="http://schemas.netflix.com/feed.{rel}"/>'
        for host, rel in (("localhost", "queues.disc"), ("127.0.0.1", "ratings"))
    )
    server.on("/users/u/feeds", reply(f"<resource>{links}</resource>".encode()))
    account = f"service: netflix, url: '{server.url('')}', consumer_key: k, consumer_secret: s, user_id: u"
    async with watching(tmp_path, config(f"{account}, access_token: t, access_token_secret: ts")) as watch:
        found = await reasons(watch)
    assert sorted(found.values(), key=str) == [None, Reason.PRIVATE_ADDRESS]
    assert b"localhost" not in b"".join(request.head for request in server.requests)


async def test_address_that_a_redirect_brought_is_not_named(server: FeedServer, tmp_path: Path) -> None:
    """A feed that has moved for good keeps the name it was given: where it moved to is not named by that."""
    server.on("/old", redirect(not_named(server), 301))
    (tmp_path / "list.opml").write_text(opml(server.url("/old")))
    text = config("service: opml, url: list.opml")
    async with watching(tmp_path, f"{text}private_networks: allow\n") as watch:
        await watch.discover()
        for _ in range(3):
            await watch.poll()
        assert await watch.query("SELECT address FROM feeds") == [{"address": not_named(server)}]
    async with watching(tmp_path, text, watch.moment) as again:
        assert await reasons(again) == {"mine/0": Reason.PRIVATE_ADDRESS}


async def test_reload_gives_and_takes(server: FeedServer, tmp_path: Path) -> None:
    """A host is asked, or not, as the configuration has it that was read last."""
    account = f"service: feeds, feeds: {{a: '{server.on('/a', redirect(not_named(server)))}'}}"
    async with watching(tmp_path, config(account)) as watch:
        assert await reasons(watch) == {"mine/a": Reason.PRIVATE_ADDRESS}
        for more, reason in (
            ("private_networks: {except: localhost}\n", None),
            ("private_networks: {except: ['127.0.0.0/8', '::1']}\n", None),
            ("private_networks: deny\n", Reason.PRIVATE_ADDRESS),
            ("private_networks: allow\n", None),
            ("", Reason.PRIVATE_ADDRESS),
        ):
            await watch.reload(write_config(tmp_path, config(account, more)))
            assert await reasons(watch) == {"mine/a": reason}, more
        second = f"{account[:-1]}, b: '{not_named(server)}'}}"
        await watch.reload(write_config(tmp_path, config(second)))
        assert await reasons(watch) == {"mine/a": None, "mine/b": None}
        await watch.reload(write_config(tmp_path, config(account)))
        assert (await watch.poll("mine/a"))["mine/a"].reason is Reason.PRIVATE_ADDRESS  # not discovered yet


async def test_list_that_changes_names_other_hosts(server: FeedServer, tmp_path: Path) -> None:
    """What comes into the file is asked from its next reading on, and what is gone no longer is."""
    file = tmp_path / "list.opml"
    url = server.on("/a", redirect(not_named(server)))
    file.write_text(opml(url))
    async with watching(tmp_path, config("service: opml, url: list.opml")) as watch:
        assert await reasons(watch) == {"mine/0": Reason.PRIVATE_ADDRESS}
        for addresses, reason in (((url, not_named(server)), None), ((url,), Reason.PRIVATE_ADDRESS)):
            file.write_text(opml(*addresses))
            await watch.assembly.discoverer.discover("mine")
            assert (await watch.poll("mine/0"))["mine/0"].reason is reason


async def test_list_that_cannot_be_read_names_what_it_named(server: FeedServer, tmp_path: Path) -> None:
    """A file half written takes no feed away; one missing at the start is looked for again at once."""
    file = tmp_path / "list.opml"
    file.write_text(opml(not_named(server)))
    text = config("service: opml, url: list.opml")
    async with watching(tmp_path, text) as watch:
        assert await reasons(watch) == {"mine/0": None}
        file.write_text("<opml><bo")
        await watch.assembly.discoverer.discover("mine")
        await watch.reload(write_config(tmp_path, text))
        assert await reasons(watch) == {"mine/0": None}
    async with watching(tmp_path, text, watch.moment) as again:
        assert (await again.poll("mine/0"))["mine/0"].reason is Reason.PRIVATE_ADDRESS
        file.write_text(opml(not_named(server)))
        assert await reasons(again) == {"mine/0": None}


async def test_refused_feed_says_nothing_about_the_network(server: FeedServer, tmp_path: Path) -> None:
    """Feeds that may not be asked are failing, each by itself: that is no outage of anybody's."""
    addresses = [server.url("/feed", host) for host in ("localhost", "127.0.0.2", "[::1]")]
    server.on("/list", reply(opml(*addresses).encode()))
    async with watching(tmp_path, config(f"service: opml, url: '{server.url('/list')}'")) as watch:
        await watch.discover()
        reports = (await watch.poll()).values()
    assert {report.outcome for report in reports} == {PollOutcome.FAILED}


def test_check_says_which_key_allows_it(server: FeedServer, tmp_path: Path) -> None:
    """A person is told what is wrong in words, with the host, and what to write where."""
    server.on("/list", reply(opml(server.url("/feed?key=abcdef", "localhost")).encode()))
    write_config(tmp_path, config(f"service: opml, url: '{server.url('/list')}'"))
    checked = run("--config", "config.yaml", "check", "--json", folder=tmp_path)
    problem = next(row["problem"] for row in checked.rows if row["subject"] == "mine/0")
    assert problem.startswith(
        "it leads into a private network, which the configuration does not allow (localhost is at "
    )
    assert problem.endswith("): `private_networks` can allow it")
    assert (checked.status, "abcdef" in checked.said) == (1, False)
