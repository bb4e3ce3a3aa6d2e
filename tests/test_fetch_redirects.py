"""Redirects, and what may travel along: neither a token nor a password ever reaches another host."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import quote

import httpx
import pytest
from feedserver import CERTIFICATE, FeedServer, failed, fetched, make_fetcher, redirect, reply

from feedwatch.core.model import FetchFailed, NotModified, Reason, Validators
from feedwatch.fetch import Fetcher
from feedwatch.fetch.addresses import origin_of
from feedwatch.fetch.exchange import Exchange

TOKEN = "T1u.tZSb~Y9/49+KBa_p-Z--"
SPELLED = quote(TOKEN, safe="")
KNOWN = Validators('"etag-of-mine"', "yesterday")


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def other() -> Iterator[FeedServer]:
    with FeedServer() as other:
        yield other


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with make_fetcher() as fetcher:
        yield fetcher


# ── where a redirect leads ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("status", "moved"), [(301, 1), (308, 1), (302, 0), (303, 0), (307, 0)])
async def test_redirect_is_followed_and_a_lasting_one_is_told(
    server: FeedServer, other: FeedServer, fetcher: Fetcher, status: int, moved: int
) -> None:
    """Each redirect is followed; only a permanent one says that a feed has moved."""
    target = other.on("/new", reply(b"<rss/>")) + "?a=1"
    outcome = fetched(await fetcher.fetch(server.on("/f", redirect(target, status))))
    assert (outcome.body, outcome.url) == (b"<rss/>", target)
    assert outcome.moved_to == (target if moved else None)


async def test_chain_moves_for_good_only_if_every_hop_does(server: FeedServer, fetcher: Fetcher) -> None:
    """A permanent redirect that leads on by a passing one is not where a feed has moved."""
    server.on("/1", redirect("/2", 301))
    server.on("/2", redirect("/3", 308))
    server.on("/3", redirect("/4", 301), redirect("/4", 307))
    server.on("/4", reply(b"<rss/>"))
    assert fetched(await fetcher.fetch(server.url("/1"))).moved_to == server.url("/4")
    assert fetched(await fetcher.fetch(server.url("/1"))).moved_to is None


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("other", "/a/other"),
        ("?x=1", "/a/f?x=1"),
        ("//127.0.0.1:{port}/x", "/x"),
        ("/a b/é?q=%2F~", "/a%20b/%C3%A9?q=%2F~"),
        ("/x#part", "/x"),
    ],
)
async def test_location_is_read_against_where_we_are(
    server: FeedServer, fetcher: Fetcher, location: str, sent: str
) -> None:
    """A relative Location is understood, and goes out as it came."""
    await fetcher.fetch(server.on("/a/f", redirect(location.format(port=server.port)), reply(b"<rss/>")))
    assert server.last.target == sent


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", Reason.PROTOCOL),
        ("ftp://127.0.0.1/x", Reason.REDIRECT_REFUSED),
        ("file:///etc/passwd", Reason.REDIRECT_REFUSED),
        ("javascript:alert(1)", Reason.REDIRECT_REFUSED),
        ("http://", Reason.TOO_MANY_REDIRECTS),
        ("http://[x", Reason.REDIRECT_REFUSED),
        ("/f", Reason.TOO_MANY_REDIRECTS),
        ("http://ex\udce4mple..org/", Reason.BAD_ADDRESS),
    ],
)
async def test_redirect_to_nowhere_is_refused(
    server: FeedServer, fetcher: Fetcher, location: str, reason: Reason
) -> None:
    """A redirect that leads to no web address, or back, ends the exchange with its reason."""
    raw = location.encode("utf-8", "surrogateescape")
    url = server.on("/f", reply(b"", 302, Location=raw))
    assert failed(await fetcher.fetch(url)).reason is reason


async def test_redirects_end(server: FeedServer, fetcher: Fetcher) -> None:
    """Five redirects are followed, six are too many, and a circle is seen at once."""
    for number in range(6):
        server.on(f"/{number}", redirect(f"/{number + 1}"))
    server.on("/6", reply(b"<rss/>"))
    assert fetched(await fetcher.fetch(server.url("/1"))).body == b"<rss/>"
    assert failed(await fetcher.fetch(server.url("/0"))).reason is Reason.TOO_MANY_REDIRECTS
    server.on("/a", redirect("/b"))
    server.on("/b", redirect("/a"))
    before = len(server.requests)
    assert failed(await fetcher.fetch(server.url("/a"))).detail == "redirected in a circle"
    assert len(server.requests) - before == 2


# ── what travels along ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "carried",
    [
        SPELLED,
        TOKEN,
        SPELLED.replace("%2F", "%2f"),
        TOKEN.replace("+", "%2b"),
        f"deep/{SPELLED}/in/a/path",
    ],
)
async def test_token_never_travels_to_another_host(
    server: FeedServer, other: FeedServer, fetcher: Fetcher, carried: str
) -> None:
    """A redirect that would hand a feed's token to another host is refused, however it is spelled."""
    url = server.on("/f", redirect(other.url(f"/x?t={carried}"))) + f"?feed_token={SPELLED}&output=atom"
    outcome = failed(await fetcher.fetch(url))
    assert outcome.reason is Reason.REDIRECT_REFUSED
    assert other.requests == []


async def test_redirect_without_the_token_is_followed(
    server: FeedServer, other: FeedServer, fetcher: Fetcher
) -> None:
    """A host may send us elsewhere as long as nothing secret goes along."""
    target = other.on("/x", reply(b"<rss/>"))
    url = server.on("/f", redirect(target)) + f"?feed_token={SPELLED}"
    assert fetched(await fetcher.fetch(url, validators=KNOWN)).body == b"<rss/>"
    assert set(other.last.headers) == {"host", "user-agent", "accept", "accept-encoding"}
    assert TOKEN.encode() not in other.last.head
    assert SPELLED.encode() not in other.last.head


async def test_token_given_on_the_way_stays_at_home(
    server: FeedServer, other: FeedServer, fetcher: Fetcher
) -> None:
    """A token that a host hands out in a redirect is as secret as one it was asked with."""
    server.on("/f", redirect("/g?session=abcdef123"))
    server.on("/g", redirect(other.url("/x?s=abcdef123")))
    assert failed(await fetcher.fetch(server.url("/f"))).reason is Reason.REDIRECT_REFUSED
    assert other.requests == []


async def test_nothing_of_a_feed_is_told_to_another_host(
    server: FeedServer, other: FeedServer, fetcher: Fetcher
) -> None:
    """Password, validators, cookies and signature go to the feed's own host only."""
    signed: list[str] = []

    def sign(url: str) -> Mapping[str, str]:
        signed.append(url)
        return {"X-Signature": "sig-of-mine"}

    server.on("/f", redirect("/g", Set_Cookie="id=cookie-of-mine; Path=/"))
    server.on("/g", redirect(other.on("/x", redirect("/y"))))
    other.on("/y", reply(b"<rss/>"))
    url = server.url("/f").replace("://", "://jane:pass%20word@")
    fetched(await fetcher.fetch(url, validators=KNOWN, sign=sign))
    first, second = server.requests
    assert first.headers["if-none-match"] == KNOWN.etag
    for request in (first, second):
        assert request.headers["authorization"] == "Basic amFuZTpwYXNzIHdvcmQ="
        assert request.headers["x-signature"] == "sig-of-mine"
    assert "cookie" not in second.headers
    assert signed == [server.url("/f"), server.url("/g")]  # as it goes out: without the password
    for request in other.requests:
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}


async def test_password_in_a_redirect_is_not_used(
    server: FeedServer, other: FeedServer, fetcher: Fetcher
) -> None:
    """A server cannot make us sign in elsewhere."""
    target = other.on("/x", reply(b"<rss/>")).replace("://", "://admin:admin@")
    fetched(await fetcher.fetch(server.on("/f", redirect(target))))
    assert "authorization" not in other.last.headers


async def test_host_that_sends_us_back_does_not_have_us_sign(
    server: FeedServer, other: FeedServer, fetcher: Fetcher
) -> None:
    """Where another host chose the address at ours, we ask as a stranger does: no name, no signature."""
    server.on("/f", redirect(other.on("/x", redirect(server.url("/account/close?sure=yes")))))
    server.on("/account/close", redirect("/done"))
    server.on("/done", reply(b"<rss/>"))
    signed: list[str] = []

    def sign(url: str) -> Mapping[str, str]:
        signed.append(url)
        return {"X-Signature": "sig-of-mine"}

    url = server.url("/f").replace("://", "://jane:word@")
    fetched(await fetcher.fetch(url, validators=KNOWN, sign=sign))
    assert signed == [server.url("/f")]
    for request in server.requests[1:]:
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}


async def test_feed_that_moved_at_home_keeps_its_password(server: FeedServer, fetcher: Fetcher) -> None:
    """A new address that is taken over must let us in as the old one did."""
    server.on("/f", redirect("/g", 301))
    server.on("/g", reply(b"<rss/>"))
    outcome = fetched(await fetcher.fetch(server.url("/f").replace("://", "://jane:word@")))
    assert outcome.moved_to == server.url("/g").replace("://", "://jane:word@")


async def test_304_of_another_host_says_nothing(
    server: FeedServer, other: FeedServer, fetcher: Fetcher
) -> None:
    """The validators stayed at home, so a 304 from elsewhere is about nothing we know."""
    url = server.on("/f", redirect(other.on("/x", reply(b"", 304))))
    assert failed(await fetcher.fetch(url, validators=KNOWN)).reason is Reason.PROTOCOL


async def test_validators_go_to_the_address_that_they_came_from(server: FeedServer, fetcher: Fetcher) -> None:
    """Two documents may have one etag: led to another than before, nothing is known of it."""
    url = server.on("/f", redirect("/v1"))
    server.on("/v1", reply(b"<rss/>", ETag='"1"'))
    server.on("/v2", reply(b"<rss/>", ETag='"1"'))
    known = fetched(await fetcher.fetch(url)).validators
    server.on("/v1", reply(b"", 304, ETag='"1"'))
    again = await fetcher.fetch(url, validators=known)
    assert isinstance(again, NotModified)
    assert again.validators == known
    server.on("/f", redirect("/v2"))
    fetched(await fetcher.fetch(url, validators=known))
    assert [request.headers.get("if-none-match") for request in server.requests] == [
        *(None, None),
        *(None, '"1"'),
        *(None, None),
    ]


async def test_encryption_is_not_given_up(monkeypatch: pytest.MonkeyPatch, other: FeedServer) -> None:
    """A feed with a token is never followed from https to http; one without secrets may be."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    target = other.on("/x", reply(b"<rss/>"))
    with FeedServer(tls=True) as server:
        url = server.on("/f", redirect(target))
        async with make_fetcher() as fetcher:
            refused = failed(await fetcher.fetch(f"{url}?feed_token={SPELLED}"))
            assert (refused.reason, other.requests) == (Reason.REDIRECT_REFUSED, [])
            assert fetched(await fetcher.fetch(url)).body == b"<rss/>"


@pytest.mark.parametrize(
    ("first", "then", "outcome"),
    [
        ("http://h.example/f?token=abcdef12", "https://h.example/f?token=abcdef12", "at home"),
        ("http://h.example/f?token=abcdef12", "https://h.example:8443/f?token=abcdef12", "refused"),
        ("http://h.example:8080/f?token=abcdef12", "https://h.example/f?token=abcdef12", "refused"),
        ("http://h.example/f?token=abcdef12", "https://www.h.example/f?token=abcdef12", "refused"),
        ("https://h.example/f?token=abcdef12", "http://h.example/f?token=abcdef12", "refused"),
        ("https://h.example/f?token=abcdef12", "http://h.example/f", "refused"),
        ("https://h.example/f?key=1", "https://cdn.example/f/1", "followed"),
    ],
)
def test_host_behind_encryption_is_the_same_host(first: str, then: str, outcome: str) -> None:
    """A host may take its own token from http to https, and nobody may take it anywhere else."""
    home = origin_of(first)
    assert home is not None
    exchange = Exchange(first, home, KNOWN, None)
    refused = exchange.redirect(301, then)
    assert isinstance(refused, FetchFailed) == (outcome == "refused")
    if outcome == "at home":
        known = exchange.place_validators(KNOWN)
        again = Exchange(first, home, known, None)
        assert again.redirect(301, then) is None
        assert again.make_request(httpx.Headers()).headers["If-None-Match"] == KNOWN.etag


# ── what is told of it ────────────────────────────────────────────────────────────────────────────

LEAKS = {
    "refused": redirect("http://127.0.0.1:1/?feed_token=" + SPELLED),
    "an error that repeats it": reply(f"no such token {TOKEN}".encode(), 403),
    "an encoding that repeats it": reply(b"x", Content_Encoding=TOKEN),
    "a reason that repeats it": f"HTTP/1.1 4x {TOKEN}\r\n\r\n".encode(),
    "a header that is none": f"HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n".encode(),
    "a length that is none": reply(b"", Content_Length=TOKEN),
    "a location that is none": redirect(f"http://[{TOKEN}"),
    "a location of another kind": redirect(f"gopher://x/?feed_token={TOKEN}"),
}


@pytest.mark.parametrize("name", LEAKS)
async def test_what_is_told_of_a_failure_holds_no_token(
    server: FeedServer, fetcher: Fetcher, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Neither the detail nor the repr of a failure nor a log line repeats the address or what came."""
    caplog.set_level(logging.DEBUG)
    url = server.on("/f", LEAKS[name]).replace("://", "://jane:pass-word@") + f"?feed_token={SPELLED}"
    outcome = failed(await fetcher.fetch(url))
    told = f"{outcome.detail} {outcome!r} {caplog.text}"
    assert not [secret for secret in (TOKEN, SPELLED, "pass-word") if secret in told], told
