"""Feeds without a token that have moved, and what a redirect may never carry elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from feedserver import FeedServer, Visit, redirect, reply
from watching import EVERYTHING, TARGETS, Watch, watching

from feedwatch.core.model import FeedState, Reason
from feedwatch.poll import PollOutcome

ITEM = b"<item><guid>1</guid><title>One</title></item>"
RSS = b"<rss version='2.0'><channel><title>t</title>%s</channel></rss>" % ITEM
FEED = "news/it"


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.on("/new", reply(RSS))
        yield server


@pytest.fixture
async def watch(server: FeedServer, tmp_path: Path) -> AsyncIterator[Watch]:
    config = f"accounts:\n  news:\n    service: feeds\n    feeds: {{it: '{server.url('/old')}'}}\n"
    async with watching(tmp_path, f"{config}targets:\n{TARGETS}{EVERYTHING}") as watch:
        await watch.discover()
        yield watch


async def address_of(watch: Watch) -> str:
    return str((await watch.query("SELECT address FROM feeds"))[0]["address"])


@pytest.mark.parametrize("status", [301, 308])
async def test_301_and_308_are_taken_over_after_three_polls(
    server: FeedServer, watch: Watch, status: int
) -> None:
    """The third poll in a row that is led to the same place takes it over; from then on it is asked there."""
    server.on("/old", redirect("/new", status))
    for polls in (1, 2, 3):
        assert await address_of(watch) == server.url("/old")
        await watch.poll()
        assert len(server.requests) == 2 * polls
    assert await address_of(watch) == server.url("/new")
    assert await watch.outcome(FEED) is PollOutcome.UNCHANGED
    assert [request.target for request in server.requests[6:]] == ["/new"]
    assert await watch.changes() == []


async def test_redirect_that_ends_in_304_counts_as_well(server: FeedServer, watch: Watch) -> None:
    """A server that answers 304 at the new place has been led to as surely as by a whole reply."""

    def answer(visit: Visit) -> None:
        known = visit.request.headers.get("if-none-match") == '"1"'
        visit.send(reply(b"", 304, ETag='"1"') if known else reply(RSS, ETag='"1"'))

    server.on("/old", redirect("/new", 301))
    server.on("/new", answer)
    for _ in range(3):
        await watch.poll()
    assert await address_of(watch) == server.url("/new")
    assert [request.headers.get("if-none-match") for request in server.requests[1::2]] == [None, '"1"', '"1"']


async def test_redirects_must_agree(server: FeedServer, watch: Watch) -> None:
    """Two places in turn, or a poll that is not redirected between them, take nothing over."""
    server.on("/other", reply(RSS))
    server.on("/old", redirect("/new", 301), redirect("/other", 301), redirect("/new", 301), reply(RSS))
    for _ in range(4):
        await watch.poll()
    server.on("/old", redirect("/new", 301))
    for _ in range(2):
        await watch.poll()
    assert await address_of(watch) == server.url("/old")


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_302_303_and_307_are_never_stored(server: FeedServer, watch: Watch, status: int) -> None:
    """Followed each time, taken over never."""
    server.on("/old", redirect("/new", status))
    for _ in range(5):
        await watch.poll()
    assert await address_of(watch) == server.url("/old")


async def test_way_that_is_partly_temporary_is_not_stored(server: FeedServer, watch: Watch) -> None:
    """One temporary hop on the way makes all of it temporary."""
    server.on("/old", redirect("/between", 301))
    server.on("/between", redirect("/new", 302))
    for _ in range(4):
        await watch.poll()
    assert await address_of(watch) == server.url("/old")


async def test_index_that_names_the_old_address_takes_nothing_back(server: FeedServer, watch: Watch) -> None:
    """A feed that has moved stays where it moved to while its index names the old place."""
    server.on("/old", redirect("/new", 301))
    for _ in range(3):
        await watch.poll()
    await watch.assembly.discoverer.discover("news")
    assert await address_of(watch) == server.url("/new")


@pytest.mark.parametrize("token", ["/new?feed_token=T1.a-token", "/new"])
async def test_token_never_reaches_another_host(tmp_path: Path, token: str) -> None:
    """A tokenized feed led elsewhere for good asks its index; no request carries its token there."""
    with FeedServer() as home, FeedServer() as elsewhere:
        url = home.url("/users/T1/recommendations?feed_token=T1.a-token")
        home.on("/users/T1/recommendations", redirect(elsewhere.url(token), 301))
        elsewhere.on("/new", reply(RSS))
        config = f"accounts:\n  mine:\n    service: feeds\n    feeds: {{it: '{url}'}}\n"
        async with watching(tmp_path, f"{config}targets:\n{TARGETS}{EVERYTHING}") as watch:
            await watch.discover()
            reasons = [(await watch.poll())["mine/it"].reason for _ in range(4)]
            leaks = "feed_token" in token
            assert reasons == [Reason.REDIRECT_REFUSED if leaks else None] * 4
            assert all(b"T1.a-token" not in request.head for request in elsewhere.requests)
            assert await address_of(watch) == url


async def test_address_that_was_taken_over_and_is_gone_is_left_again(
    server: FeedServer, watch: Watch
) -> None:
    """After three failures where a redirect has led for good, the address that is named is asked again."""
    server.on("/old", redirect("/new", 301))
    for _ in range(3):
        await watch.poll()
    assert await address_of(watch) == server.url("/new")
    server.on("/old", reply(RSS))
    server.on("/new", reply(b"", 404))
    for _ in range(3):
        assert await watch.outcome(FEED) is PollOutcome.FAILED
    assert await address_of(watch) == server.url("/old")
    assert await watch.outcome(FEED) is PollOutcome.COMPARED
    assert await watch.changes() == []


async def test_410_where_a_redirect_has_led_retires_no_feed(server: FeedServer, watch: Watch) -> None:
    """The new place says it is gone for good: the address that is named is asked at once, and answers."""
    server.on("/old", redirect("/new", 301))
    for _ in range(3):
        await watch.poll()
    server.on("/old", reply(RSS))
    server.on("/new", reply(b"", 410))
    assert await watch.outcome(FEED) is PollOutcome.FAILED
    assert (await watch.status(FEED)).state is FeedState.FAILING
    assert (await watch.poll_due())[FEED].outcome is PollOutcome.COMPARED
    assert "feed_retired" not in await watch.notices()
    assert await watch.changes() == []


async def test_410_at_the_address_that_is_named_retires_for_all_redirects(
    server: FeedServer, watch: Watch
) -> None:
    """It still leads to what is gone: nothing is left to be asked."""
    server.on("/old", redirect("/new", 301))
    for _ in range(3):
        await watch.poll()
    server.on("/new", reply(b"", 410))
    await watch.poll()
    assert (await watch.poll_due())[FEED].reason is Reason.GONE
    assert (await watch.status(FEED)).state is FeedState.RETIRED
    assert "feed_retired" in await watch.notices()


async def test_410_where_a_redirect_leads_for_now_retires_nothing(server: FeedServer, watch: Watch) -> None:
    """It may lead elsewhere the next time: then what is new there is told."""
    server.on("/old", reply(RSS))
    await watch.poll()
    server.on("/gone", reply(b"", 410))
    server.on("/old", redirect("/gone", 302))
    assert (await watch.poll())[FEED].reason is Reason.GONE
    assert (await watch.status(FEED)).state is FeedState.FAILING
    two = RSS.replace(ITEM, b"<item><guid>2</guid><title>Two</title></item>" + ITEM)
    server.on("/old", reply(two))
    await watch.poll()
    assert await watch.changes() == [("added", "Two")]


async def test_host_that_a_redirect_leads_to_rests_and_nobody_in_its_stead(tmp_path: Path) -> None:
    """It is left alone, by whichever way it is asked; the host that led there goes on being asked."""
    with FeedServer() as here, FeedServer() as there:
        there.on("/new", reply(b"", 429, Retry_After="60"))
        here.on("/other", reply(RSS))
        feeds = {
            "led": here.on("/old", redirect(there.url("/new"), 302)),
            "other": here.url("/other"),
            "there": there.url("/it"),
        }
        lines = "".join(f"      {name}: '{url}'\n" for name, url in feeds.items())
        config = f"accounts:\n  news:\n    service: feeds\n    feeds:\n{lines}"
        async with watching(tmp_path, f"{config}targets:\n{TARGETS}{EVERYTHING}") as watch:
            await watch.discover()
            assert (await watch.poll("news/led"))["news/led"].reason is Reason.RATE_LIMITED
            reports = await watch.poll()
            assert {name: report.outcome for name, report in reports.items()} == {
                "news/led": PollOutcome.FAILED,
                "news/other": PollOutcome.BASELINE,
                "news/there": PollOutcome.RESTING,
            }
            assert reports["news/led"].reason is Reason.RATE_LIMITED
            assert [request.target for request in there.requests] == ["/new"]
            watch.moment.pass_by(hours=1)
            there.on("/new", reply(RSS))
            assert await watch.outcome("news/led") is PollOutcome.BASELINE
