"""One conditional GET, over real sockets: what goes out, and what is understood of what comes back."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import pytest
from feedserver import NOW, FeedServer, close_after, failed, fetched, make_fetcher, reply
from hypothesis import example, given
from hypothesis import strategies as st

from feedwatch.core.model import NotModified, Reason, Validators
from feedwatch.fetch import Fetcher
from feedwatch.fetch.addresses import origin_of, wire_url


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with make_fetcher() as fetcher:
        yield fetcher


# ── what goes out ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rest", "sent"),
    [
        pytest.param("/q?feed_token=T1u.t~Z-_%2f%2F+=&output=atom", None, id="a token's own characters"),
        pytest.param("/a/../b/./c//d", None, id="dots and double slashes"),
        pytest.param("/a;v=1,2:3@x!$'()*", None, id="reserved characters"),
        pytest.param("/?a=1&&b=&=c&a=%zz", None, id="an odd query"),
        pytest.param("/a?b?c/d", None, id="question marks in a query"),
        pytest.param("/%7Ejane/%E4", None, id="escapes that are no UTF-8"),
        pytest.param('/a?x=[1]|{2}^`"<>\\', None, id="what should have been escaped"),
        pytest.param("/a#top?b", "/a", id="a fragment"),
        pytest.param("?feed_token=x/y", "/?feed_token=x/y", id="a query without a path"),
        pytest.param("", "/", id="nothing"),
        pytest.param("/a b/é?ö=ü", "/a%20b/%C3%A9?%C3%B6=%C3%BC", id="what no URL may hold"),
        pytest.param("/a\r\nX-Evil: 1\x00b", "/aX-Evil:%201%00b", id="control characters"),
    ],
)
async def test_address_goes_out_byte_for_byte(
    server: FeedServer, fetcher: Fetcher, rest: str, sent: str | None
) -> None:
    """What a server gave as an address is what it gets back; only what breaks HTTP is escaped."""
    await fetcher.fetch(server.url(rest))
    assert server.last.line == b"GET " + (rest if sent is None else sent).encode() + b" HTTP/1.1"
    assert server.last.raw_header(b"Host") == f"127.0.0.1:{server.port}".encode()


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("HTTP://Example.ORG:8080/X", "http://Example.ORG:8080/X"),
        ("https://jane:pass%20word@example.org/x", "https://example.org/x"),
        ("http://bücher.example:8080/ü", "http://xn--bcher-kva.example:8080/%C3%BC"),
        ("http://straße.example/", "http://xn--strae-oqa.example/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("  http://exa\tmple.org/x\n", "http://example.org/x"),
        ("http://good.example@evil.example/x", "http://evil.example/x"),
        ("http://evil.example?@good.example/x", "http://evil.example/?@good.example/x"),
    ],
)
def test_host_is_the_one_that_was_named(url: str, sent: str) -> None:
    """Users and case do not change which host is asked, and names beyond ASCII are of today's kind."""
    assert wire_url(url) == sent


_SPELLINGS = st.one_of(st.text(), st.text("abz019-._~:/?#[]@!$&'()*+,;=%|^`{}\\\"<> \tü"))


@given(st.sampled_from(["http://", "https://", "HTTP://", "ftp:"]), _SPELLINGS, _SPELLINGS)
@example("http://", "h.example:80", "/a?b=%C3%BC#c")
@example("http://", "u@h.example", "/")
@example("http://", "h.example\n", "/")
def test_address_that_needs_no_change_goes_out_as_any_other(scheme: str, host: str, path: str) -> None:
    """Whether an address is looked at once or taken apart, the same goes out."""
    url = f"{scheme}{host}{path}"
    try:
        taken_apart = wire_url(f" {url}")
    except UnicodeError:
        with pytest.raises(UnicodeError):
            wire_url(url)
    else:
        assert wire_url(url) == taken_apart


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://H.example/x", ("http", "h.example", 80)),
        ("https://h.example:8443?x=http://evil.example:99999/", ("https", "h.example", 8443)),
        ("https://h.example#@evil.example/", ("https", "h.example", 443)),
        ("https://jane:a:b@c@h.example/", ("https", "h.example", 443)),
        ("http:/h.example/?x=http://evil.example/", None),
        ("x?http://evil.example/", None),
        ("//h.example/x", None),
    ],
)
def test_origin_is_read_from_what_stands_before_the_path(
    url: str, origin: tuple[str, str, int] | None
) -> None:
    """Whatever follows the host and its port in an address says nothing about where it leads."""
    assert origin_of(url) == origin


async def test_request_is_a_plain_conditional_get(server: FeedServer, fetcher: Fetcher) -> None:
    """A request says who asks, what it can read, and nothing that follows a person around."""
    await fetcher.fetch(server.url("/x"))
    headers = server.last.headers
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding"}
    assert headers["user-agent"] == "feedwatch/test"
    assert headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    "etag",
    [
        b'"819873819117"',
        b'W/"a b--gzip"',
        b"no-quotes",
        b'""',
        b'"a\\"b, c"',
        '"schön ☃"'.encode(),
        b'"' + b"x" * 4000 + b'"',
    ],
    ids=["plain", "weak", "unquoted", "empty quotes", "odd", "beyond ASCII", "long"],
)
async def test_validators_go_back_byte_for_byte(server: FeedServer, fetcher: Fetcher, etag: bytes) -> None:
    """What a server said of its reply comes back to it exactly so, and its 304 is understood."""
    date = "Sat, 1 Nov 2026 00:00:00 +0000 (odd)"
    whole = reply(b"<rss/>", ETag=etag, Last_Modified=date)
    url = server.on("/f", whole, reply(b"", 304, Cache_Control="max-age=60"))
    first = fetched(await fetcher.fetch(url))
    again = await fetcher.fetch(url, validators=first.validators)
    assert isinstance(again, NotModified)
    assert (again.max_age, bool(again.validators)) == (timedelta(minutes=1), False)
    assert server.last.raw_header(b"If-None-Match") == etag
    assert server.last.raw_header(b"If-Modified-Since") == date.encode()


async def test_etag_that_cannot_go_back_is_not_kept(server: FeedServer, fetcher: Fetcher) -> None:
    """Bytes that cannot be sent as they came are left out, and the reply is read all the same."""
    url = server.on("/f", reply(b"<rss/>", ETag=b'"caf\xe9"', Last_Modified="today"))
    assert fetched(await fetcher.fetch(url)).validators == Validators(None, "today")


async def test_fresh_validators_of_a_304_are_given(server: FeedServer, fetcher: Fetcher) -> None:
    """A server may name its list anew while it says that nothing changed."""
    url = server.on("/f", reply(b"", 304, ETag='"new"'))
    outcome = await fetcher.fetch(url, validators=Validators('"old"'))
    assert isinstance(outcome, NotModified)
    assert outcome.validators == Validators('"new"')


async def test_304_nobody_asked_for_is_a_failure(server: FeedServer, fetcher: Fetcher) -> None:
    """Without a condition there is nothing a list could be unchanged from."""
    assert failed(await fetcher.fetch(server.on("/f", reply(b"", 304)))).reason is Reason.PROTOCOL


async def test_whole_reply_is_given_with_what_was_said_of_it(server: FeedServer, fetcher: Fetcher) -> None:
    """A 200 comes with its bytes, its type, when it was asked for and how long it is fresh."""
    url = server.on("/f", reply(b"\x00\xff", Content_Type="text/html", Cache_Control='x, Max-Age="90"'))
    outcome = fetched(await fetcher.fetch(url))
    assert (outcome.body, outcome.content_type, outcome.url) == (b"\x00\xff", "text/html", url)
    assert (outcome.requested_at, outcome.max_age) == (NOW, timedelta(seconds=90))
    assert outcome.moved_to is None


# ── what the headers say ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("120", timedelta(minutes=2)),
        ("Sun, 01 Nov 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 01 Nov 2026 14:10:00 +0200", timedelta(minutes=10)),
        ("Sun, 01 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("9" * 5000, timedelta(days=7)),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=7)),
        ("", None),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_wish_to_be_left_alone_is_understood(
    server: FeedServer, fetcher: Fetcher, said: str, understood: timedelta | None
) -> None:
    """Retry-After is seconds or a date; anything else is no wish, and never an error."""
    url = server.on("/f", reply(b"busy", 503, Retry_After=said.encode("latin-1")))
    outcome = failed(await fetcher.fetch(url))
    assert (outcome.reason, outcome.retry_after, outcome.body) == (Reason.UNAVAILABLE, understood, b"busy")


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (b"public, max-age=3600, immutable", timedelta(hours=1)),
        (b"s-maxage=3600", None),
        (b"max-age=\xb2", None),
        (b"max-age=", None),
        (b"max-age=-1", None),
        (b"max-age=" + b"9" * 5000, timedelta(days=1000)),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_freshness_is_understood(
    server: FeedServer, fetcher: Fetcher, said: bytes, understood: timedelta | None
) -> None:
    """max-age is a number of seconds; what is none is not heeded and spoils nothing."""
    url = server.on("/f", reply(b"<rss/>", Cache_Control=said))
    assert fetched(await fetcher.fetch(url)).max_age == understood


async def test_header_that_comes_twice_is_understood(server: FeedServer, fetcher: Fetcher) -> None:
    """What two lines say of freshness is read together; of two validators the first is kept."""
    twice = b'Cache-Control: public\r\ncache-control: max-age=60\r\nETag: "a"\r\netag: "b"\r\n'
    url = server.on("/f", b"HTTP/1.1 200 Said\r\n" + twice + b"Content-Length: 6\r\n\r\n<rss/>")
    outcome = fetched(await fetcher.fetch(url))
    assert (outcome.max_age, outcome.validators) == (timedelta(minutes=1), Validators('"a"'))


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (b"Sun, 01 Nov 2026 12:10:00 GMT", NOW + timedelta(minutes=10)),
        (b"Sun, 01 Nov 2026 14:10:00 +0200", NOW + timedelta(minutes=10)),
        (b"Sun, 01 Nov 2026 12:10:00 \xb2", NOW + timedelta(minutes=10)),
        (b"noon", None),
        (b"Mon, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
async def test_clock_of_the_server_is_read(
    server: FeedServer, fetcher: Fetcher, said: bytes, understood: datetime | None
) -> None:
    """A reply is dated by its server's own clock; a date that cannot be one is none."""
    assert fetched(await fetcher.fetch(server.on("/f", reply(b"", Date=said)))).server_at == understood


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (201, Reason.PROTOCOL),
        (204, Reason.EMPTY_BODY),
        (206, Reason.PROTOCOL),
        (300, Reason.PROTOCOL),
        (400, Reason.BAD_REQUEST),
        (401, Reason.UNAUTHORIZED),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (410, Reason.GONE),
        (418, Reason.CLIENT_ERROR),
        (429, Reason.RATE_LIMITED),
        (500, Reason.SERVER_ERROR),
        (503, Reason.UNAVAILABLE),
        (599, Reason.SERVER_ERROR),
    ],
)
async def test_each_status_has_its_reason(
    server: FeedServer, fetcher: Fetcher, status: int, reason: Reason
) -> None:
    """A status that is no 200 fails with the reason that says what to do, its body at hand."""
    outcome = failed(await fetcher.fetch(server.on("/f", reply(b"" if status == 204 else b"why", status))))
    assert (outcome.reason, outcome.status, outcome.detail) == (reason, status, f"HTTP {status}")
    assert outcome.body == (b"" if status == 204 else b"why")


async def test_error_with_a_broken_body_is_still_that_error(server: FeedServer, fetcher: Fetcher) -> None:
    """The status of an error says enough, whatever becomes of its body."""
    url = server.on("/f", close_after(reply(b"cut", 404, Content_Length="100")))
    assert failed(await fetcher.fetch(url)).reason is Reason.NOT_FOUND


async def test_body_of_an_error_is_cut(server: FeedServer, fetcher: Fetcher) -> None:
    """Of an error's body only the start is kept."""
    url = server.on("/f", reply(gzip.compress(bytes(5 << 20)), 500, Content_Encoding="gzip"))
    assert len(failed(await fetcher.fetch(url)).body) == 64 * 1024
