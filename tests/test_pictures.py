"""Pictures are fetched under limits of their own, as a stranger would, and none is worth a message."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta

import pytest
from feedserver import NOW, FeedServer, Visit, fetched, make_fetcher, redirect, reply
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.messages import Picture, PictureLink
from feedwatch.core.model import Kind, Page
from feedwatch.core.networks import NetworkPolicy
from feedwatch.core.pictures import Look, find_pictures, keep_pictures, look_at_picture
from feedwatch.fetch import PictureFailed, PictureFetcher
from feedwatch.fetch import pictures as pictures_module
from feedwatch.parse import read_direct
from feedwatch.sandbox.app import Sandbox
from feedwatch.sandbox.art import draw_box_art
from feedwatch.sandbox.documents import feed_address
from feedwatch.sandbox.serving import serving
from feedwatch.sandbox.world import World

ART = draw_box_art(60_000_000)
PNG = "image/png"


def png(width: int, height: int) -> bytes:
    return ART[:16] + struct.pack(">II", width, height) + ART[24:]


def jpeg(width: int, height: int, *, start: int = 0xC0) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\xff\xc0\x00\x00"  # the marker within is none
    frame = struct.pack(">BBHBHHB", 0xFF, start, 11, 8, height, width, 3)
    return b"\xff\xd8" + exif + b"\xff\xff" + frame[1:] + b"\0\0\0\xff\xda"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def webp(form: bytes, rest: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + form + b"\0\0\0\0" + rest


EXTENDED = webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"))
LOSSLESS = webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14))
LOSSY = webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640, 480 | 1 << 14))


# ── what it is ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (png(640, 480), "image/png"),
        (jpeg(640, 480), "image/jpeg"),
        (jpeg(640, 480, start=0xC2), "image/jpeg"),
        (gif(640, 480), "image/gif"),
        (EXTENDED, "image/webp"),
        (LOSSLESS, "image/webp"),
        (LOSSY, "image/webp"),
    ],
)
def test_picture_is_known_by_its_first_bytes(content: bytes, media_type: str) -> None:
    """Type and size of the four kinds that every service shows, in all their forms; cut short, it is none."""
    assert look_at_picture(content) == Look(media_type, 640, 480)
    assert all(look_at_picture(content[:length]) is None for length in range(10))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'/>",
        b"<!DOCTYPE html><html></html>",
        b"BM" + bytes(60),
        b"\xff\xd8\xff\xda" + bytes(60),
        jpeg(640, 480)[:2] + b"\xff" * 5_000_000 + jpeg(640, 480)[2:],
        jpeg(640, 480)[:2] + b"\xff\xe0\x00\x02" * 100_000 + jpeg(640, 480)[2:],
        b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT" + bytes(20),
    ],
)
def test_what_is_no_such_picture_is_none(content: bytes) -> None:
    """SVG, other formats, pages, and pictures that never say how large they are."""
    assert look_at_picture(content) is None


@given(st.sampled_from([ART[:8], b"GIF89a", b"\xff\xd8\xff", b"RIFF1234WEBPVP8"]), st.binary(max_size=80))
def test_any_bytes_are_a_picture_or_none(start: bytes, rest: bytes) -> None:
    """However it goes on, what begins like a picture is looked at without a surprise."""
    look = look_at_picture(start + rest)
    assert look is None or look.width >= 0


@pytest.mark.parametrize(
    ("size", "fits"),
    [((16, 16), True), ((1, 1), False), ((600, 15), False), ((10_000, 16), True), ((10_001, 900), False)],
)
def test_picture_is_of_a_size_to_be_looked_at(size: tuple[int, int], fits: object) -> None:
    """Neither a dot that counts readers, nor one that fills the memory of a telephone."""
    assert Look(PNG, *size).fits is fits


# ── in a page ─────────────────────────────────────────────────────────────────────────────────────


def test_page_keeps_the_pictures_that_there_are() -> None:
    """What is there is named after its file, what is not gives way to what stands behind it."""
    page = '<p><img alt="" src="cid:a" width="9"><!--else:<b>A</b>--> <img src="cid:b"><br>B <i>cid:c</i></p>'
    assert find_pictures(page) == {"a", "b"}
    assert keep_pictures(page, {"a": "a.png"}) == (
        '<p><img alt="" src="cid:a.png" width="9"> B <i>cid:c</i></p>'
    )
    assert keep_pictures(page, {"b": "b.gif"}) == ('<p><b>A</b> <img src="cid:b.gif"><br>B <i>cid:c</i></p>')


@given(st.text(alphabet='<>="ai mgsrcd:-!else', max_size=60))
def test_page_without_a_place_for_pictures_stays_as_it_is(page: str) -> None:
    """Nothing else of a page is touched."""
    if not find_pictures(page):
        assert keep_pictures(page, {}) == page


# ── fetching ──────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def pictures(
    *,
    networks: NetworkPolicy | None = None,
    named: bool = False,
    within: timedelta = timedelta(seconds=10),
    all_within: timedelta = timedelta(seconds=15),
    rests_until: Callable[[str], datetime | None] = lambda _: None,
) -> AsyncIterator[PictureFetcher]:
    """Make a fetcher of pictures; by default it may ask this machine, as all of a private network."""
    policy = networks or NetworkPolicy("allow")
    async with make_fetcher(networks=policy) as fetcher:
        fetcher.rests_until = rests_until
        if named:
            fetcher.name_hosts(frozenset({"127.0.0.1"}))
        made = PictureFetcher(
            fetcher, networks=policy, user_agent="feedwatch/test", within=within, all_within=all_within
        )
        async with aclosing(made):
            yield made


def problem(outcome: Picture | PictureFailed) -> str:
    assert isinstance(outcome, PictureFailed), outcome
    return outcome.problem


async def test_picture_is_fetched_as_a_stranger_would() -> None:
    """It asks for pictures alone, says nothing of us but who we are, and is read whole."""
    with FeedServer() as server:
        url = server.on("/a.png", reply(ART, Content_Type="image/png"))
        async with pictures() as fetcher:
            outcome = await fetcher.fetch_picture(PictureLink(url, "picture-1"))
        headers = server.last.headers
    assert outcome == Picture("picture-1", "image/png", ART)
    assert headers["accept"] == "image/png, image/jpeg, image/gif, image/webp"
    assert headers["user-agent"] == "feedwatch/test"
    assert not {"authorization", "cookie", "referer", "if-none-match"} & set(headers)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply(ART, Content_Type="text/html"), "no PNG, JPEG, GIF or WebP"),
        (reply(ART), "no PNG, JPEG, GIF or WebP"),
        (reply(b"<svg/>", Content_Type="image/svg+xml"), "no PNG, JPEG, GIF or WebP"),
        (reply(b"<svg/>", Content_Type="image/png"), "no PNG, JPEG, GIF or WebP"),
        (reply(png(20_000, 10), Content_Type=PNG), "20000 by 10 pixels"),
        (reply(png(1, 1), Content_Type=PNG), "1 by 1 pixels"),
        (reply(ART + bytes(6 << 20), Content_Type=PNG), "more than 5242880 bytes"),
        (reply(b"", 404), "HTTP 404"),
        (reply(b"", 304), "304 to an unconditional request"),
        (lambda visit: visit.reset(), "ECONNRESET"),
        (redirect("ftp://127.0.0.1/a.png"), "redirected to no http address"),
    ],
)
async def test_what_is_no_good_picture_is_left_out(answer: bytes | Callable[[Visit], None], why: str) -> None:
    """Each kind of reply that is no picture to be shown fails with its reason, and never raises."""
    with FeedServer() as server:
        url = server.on("/a.png", answer)
        async with pictures() as fetcher:
            assert why in problem(await fetcher.fetch_picture(PictureLink(url, "a")))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h.example/a.png",
        "",
        "http://",
        "http://[::1",
        "http://jane:pw@127.0.0.1:9/a.png",
        "http://\x00/",
    ],
)
async def test_address_that_nobody_asks_is_left_out(url: str) -> None:
    """What is no address of the web, or would sign somebody in, is not asked for."""
    async with pictures() as fetcher:
        assert problem(await fetcher.fetch_picture(PictureLink(url, "a")))


async def test_private_picture_of_a_strange_feed_is_not_fetched() -> None:
    """Not even where the configuration names the host: a feed must not choose what is asked for at home."""
    with FeedServer() as server:
        url = server.on("/a.png", reply(ART, Content_Type=PNG))
        async with pictures(networks=NetworkPolicy(), named=True) as fetcher:
            assert problem(await fetcher.fetch_picture(PictureLink(url, "a"))) == "127.0.0.1"
            assert server.connections_made == 0
            assert isinstance(await fetcher.fetch_picture(PictureLink(url, "a", own=True)), Picture)


async def test_own_picture_needs_a_named_host_as_its_feed_does() -> None:
    """A feed's own server is asked for pictures under the rules that hold for the feed."""
    with FeedServer() as server:
        url = server.on("/a.png", reply(ART, Content_Type=PNG))
        async with pictures(networks=NetworkPolicy()) as fetcher:
            assert problem(await fetcher.fetch_picture(PictureLink(url, "a", own=True))) == "127.0.0.1"
        assert server.connections_made == 0


async def test_redirect_is_followed_and_judged_like_the_rest() -> None:
    """One that leads to a picture is followed; one that leads home is not, whoever sends it."""
    with FeedServer() as server, FeedServer() as home:
        at_home = home.on("/b.png", reply(ART, Content_Type=PNG))
        elsewhere = at_home.replace("127.0.0.1", "localhost")
        url = server.on("/a.png", redirect(elsewhere))
        async with pictures() as fetcher:
            assert isinstance(await fetcher.fetch_picture(PictureLink(url, "a")), Picture)
        asked = len(home.requests)
        only_one = NetworkPolicy("deny", hosts=frozenset({"127.0.0.1"}))
        async with pictures(networks=only_one) as fetcher:
            assert "localhost is at" in problem(await fetcher.fetch_picture(PictureLink(url, "a")))
        assert len(home.requests) == asked == 1


async def test_all_that_can_be_had_come_in_order(caplog: pytest.LogCaptureFixture) -> None:
    """The others are left out, and the log says so by host alone."""
    caplog.set_level(logging.INFO, "feedwatch")
    with FeedServer() as server:
        links = [
            PictureLink(server.on("/a.png", reply(ART, Content_Type=PNG)), "a"),
            PictureLink(server.url("/missing/s3cret-path"), "b"),
            PictureLink(server.on("/c.gif", reply(gif(50, 50), Content_Type="image/gif")), "c"),
        ]
        async with pictures() as fetcher:
            assert await fetcher.fetch_all([]) == ()
            found = await fetcher.fetch_all(links)
    assert [(one.name, one.media_type) for one in found] == [("a", "image/png"), ("c", "image/gif")]
    assert "left out a picture host=127.0.0.1 problem=HTTP 404" in caplog.text
    assert "s3cret" not in caplog.text


async def test_slow_picture_does_not_hold_up_the_others() -> None:
    """What has not come when time is up is left out, and what has come is not lost with it."""
    with FeedServer() as server:
        links = [
            PictureLink(server.on("/slow.png", lambda visit: visit.wait()), "slow"),
            PictureLink(server.on("/a.png", reply(ART, Content_Type=PNG)), "a"),
        ]
        async with pictures(all_within=timedelta(seconds=1)) as fetcher:
            assert [one.name for one in await fetcher.fetch_all(links)] == ["a"]
        async with pictures(within=timedelta(seconds=0.3)) as fetcher:
            assert "no whole reply" in problem(await fetcher.fetch_picture(links[0]))


async def test_same_picture_is_asked_for_once() -> None:
    """By two messages at once, under two names, and later: one request; a failure is remembered, too."""
    with FeedServer() as server:
        url = server.on("/a.png", reply(ART, Content_Type=PNG))
        missing = server.url("/missing.png")
        async with pictures() as fetcher:
            found = await fetcher.fetch_all([PictureLink(url, "a"), PictureLink(url, "b")])
            again = await fetcher.fetch_all([PictureLink(url, "c"), PictureLink(missing, "d")])
            assert await fetcher.fetch_all([PictureLink(missing, "e")]) == ()
        asked = [one.target for one in server.requests]
    assert [one.name for one in (*found, *again)] == ["a", "b", "c"]
    assert sorted(asked) == ["/a.png", "/missing.png"]


async def test_host_that_rests_is_asked_for_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that asked for rest before, nor one that does now, for as long as it said."""
    resting = "its host asked for rest"
    with FeedServer() as server:
        url = server.on("/a.png", reply(b"", 429, Retry_After="3600"))
        other = server.on("/b.png", reply(ART, Content_Type=PNG))
        async with pictures() as fetcher:
            assert problem(await fetcher.fetch_picture(PictureLink(url, "a"))) == "HTTP 429"
            later = asyncio.get_running_loop().time() + 600
            monkeypatch.setattr(pictures_module, "_now", lambda: later)
            for each in (url, other):
                assert problem(await fetcher.fetch_picture(PictureLink(each, "b"))) == resting
        async with pictures(rests_until=lambda host: NOW if host in url else None) as fetcher:
            assert problem(await fetcher.fetch_picture(PictureLink(url, "c", own=True))) == resting
        assert len(server.requests) == 1


async def test_message_is_not_filled_with_pictures() -> None:
    """Of many none may be large, and together they stay within what mail servers take."""
    megabyte = 1 << 20
    with FeedServer() as server:
        sizes = [3 * megabyte, *[megabyte + megabyte // 2] * 6]
        links = [
            PictureLink(server.on(f"/{n}.png", reply(ART + bytes(size), Content_Type=PNG)), str(n))
            for n, size in enumerate(sizes)
        ]
        async with pictures() as fetcher:
            alone = await fetcher.fetch_all(links[:1])
            together = await fetcher.fetch_all(links)
    assert [one.name for one in alone] == ["0"]
    assert [one.name for one in together] == ["1", "2", "3", "4"]


async def test_kept_pictures_are_bounded() -> None:
    """However many are fetched, what is kept takes no more than so much memory; the oldest goes first."""
    with FeedServer() as server:
        links = [
            PictureLink(server.on(f"/{n}.png", reply(ART + bytes(4 << 20), Content_Type=PNG)), str(n))
            for n in range(5)
        ]
        async with pictures() as fetcher:
            for link in [*links, links[4], links[0]]:
                assert isinstance(await fetcher.fetch_picture(link), Picture)
        asked = [one.target for one in server.requests]
    assert asked == ["/0.png", "/1.png", "/2.png", "/3.png", "/4.png", "/0.png"]


async def test_box_art_of_the_sandbox_can_be_had() -> None:
    """A title's picture, as the sandbox's own list names it, is at the list's own server and can be shown."""
    sandbox = Sandbox(World(queue=3))
    with serving(sandbox) as home:
        url = feed_address(sandbox.world, home, "queues/instant")
        async with make_fetcher() as fetcher:
            body = fetched(await fetcher.fetch(url)).body
        page = read_direct(body, kind=Kind.QUEUE, url=url, content_type=None)
        assert isinstance(page, Page)
        found = [entry.details for entry in page.entries]
        async with pictures(networks=NetworkPolicy(), named=True) as fetching:
            shown = await fetching.fetch_all(
                [PictureLink(each.picture or "", each.text, each.own) for each in found]
            )
    assert [one.content for one in shown] == [draw_box_art(title.id) for title in sandbox.world.catalog[:3]]
