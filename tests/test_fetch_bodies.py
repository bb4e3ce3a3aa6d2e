"""Bodies over the wire: packed, cut, oversized, hostile. What cannot be believed is a failure."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest
from feedserver import (
    Answer,
    FeedServer,
    close_after,
    failed,
    fetched,
    make_fetcher,
    reply,
    reset_after,
)
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import Fetched, FetchFailed, Reason
from feedwatch.fetch import Fetcher
from feedwatch.fetch.bodies import Inflater

MEGABYTE = 1 << 20


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with make_fetcher() as fetcher:
        yield fetcher


TEXT = b"<rss>" + bytes(range(256)) * 40 + b"</rss>"
ZLIB = zlib.compress(TEXT)
RAW = ZLIB[2:-4]


def in_pieces(body: bytes, size: int) -> bytes:
    """Write a body in chunks of that size."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


PACKED = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "x-gzip": ("X-GZIP", gzip.compress(TEXT)),
    "gzip in two parts": ("gzip", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
    "gzip and something after it": ("gzip", gzip.compress(TEXT) + b"\0\0 and more"),
    "deflate": ("deflate", ZLIB),
    "raw deflate": ("deflate", RAW),
    "gzip called deflate": ("deflate", gzip.compress(TEXT)),
    "identity": ("identity", TEXT),
}


@pytest.mark.parametrize("name", PACKED)
async def test_compressed_body_comes_out_whole(server: FeedServer, fetcher: Fetcher, name: str) -> None:
    """However a body is packed, and wherever the network cuts it, the same bytes come out."""
    encoding, body = PACKED[name]
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    url = server.on("/f", head + in_pieces(body, 700))
    assert fetched(await fetcher.fetch(url)).body == TEXT
    if encoding != "identity":
        inflater = Inflater(encoding.lower(), len(TEXT))
        assert b"".join(inflater.feed(body[at : at + 1]) for at in range(len(body))) == TEXT
        assert inflater.finished


def _packed(body: bytes, encoding: str = "gzip") -> bytes:
    return reply(body, Content_Encoding=encoding)


BROKEN_BODIES: dict[str, tuple[Answer, Reason]] = {
    "gzip cut short": (_packed(gzip.compress(TEXT)[:-9]), Reason.CUT_SHORT),
    "a gzip header alone": (_packed(gzip.compress(TEXT)[:10]), Reason.CUT_SHORT),
    "one byte of gzip": (_packed(b"\x1f"), Reason.CUT_SHORT),
    "a second part cut short": (_packed(gzip.compress(TEXT) + gzip.compress(TEXT)[:30]), Reason.CUT_SHORT),
    "a second part barely begun": (_packed(gzip.compress(TEXT) + b"\x1f"), Reason.CUT_SHORT),
    "no gzip at all": (_packed(TEXT), Reason.BAD_ENCODING),
    "gzip with a wrong sum": (_packed(gzip.compress(TEXT)[:-8] + bytes(8)), Reason.BAD_ENCODING),
    "an encoding nobody asked for": (_packed(TEXT, "br"), Reason.BAD_ENCODING),
    "less than was promised": (close_after(reply(b"<rss>", Content_Length="1000")), Reason.CUT_SHORT),
    "reset in the middle": (reset_after(reply(b"<rss>", Content_Length="1000")), Reason.CUT_SHORT),
    "chunks that stop": (
        close_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n"),
        Reason.CUT_SHORT,
    ),
    "garbage for chunks": (
        close_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<rss>\r\n"),
        Reason.PROTOCOL,
    ),
    "more than the limit": (reply(bytes(MEGABYTE + 1)), Reason.TOO_LARGE),
    "more than the limit, unpacked": (_packed(gzip.compress(bytes(MEGABYTE + 1))), Reason.TOO_LARGE),
    "a bomb in raw deflate": (
        _packed(zlib.compress(bytes(MEGABYTE * 20))[2:-4], "deflate"),
        Reason.TOO_LARGE,
    ),
    "packed into nothing": (_packed(gzip.compress(b"") * 60_000), Reason.TOO_LARGE),
    "rubbish after the end": (_packed(gzip.compress(TEXT) + bytes(MEGABYTE)), Reason.TOO_LARGE),
    "garbage": (close_after(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20), Reason.PROTOCOL),
    "a huge header": (reply(b"", X=b"x" * 100_000), Reason.PROTOCOL),
    "a flood of headers": (
        close_after(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"),
        Reason.PROTOCOL,
    ),
    "no answer": (close_after(b""), Reason.CONNECT),
    "reset instead of an answer": (reset_after(b""), Reason.CONNECT),
    "half a head": (close_after(b"HTTP/1.1 200 OK\r\nContent-Le"), Reason.CONNECT),
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
async def test_broken_reply_is_a_failure_with_its_reason(
    server: FeedServer, fetcher: Fetcher, name: str
) -> None:
    """A reply that is cut, oversized or no HTTP is never taken for a document, and breaks nothing else."""
    answer, reason = BROKEN_BODIES[name]
    outcome = failed(await fetcher.fetch(server.on("/f", answer)))
    assert outcome.reason is reason, outcome
    assert fetched(await fetcher.fetch(server.on("/g", reply(b"well")))).body == b"well"


async def test_exactly_the_limit_is_read(server: FeedServer, fetcher: Fetcher) -> None:
    """The limit is the largest size that is read, packed or not."""
    body = bytes(MEGABYTE)
    assert fetched(await fetcher.fetch(server.on("/f", reply(body)))).body == body
    assert fetched(await fetcher.fetch(server.on("/g", _packed(gzip.compress(body))))).body == body


async def test_bomb_takes_little_memory(server: FeedServer, fetcher: Fetcher) -> None:
    """Kilobytes that unpack into tens of megabytes cost no more than the limit, and little time."""
    small = gzip.compress(bytes(64 * MEGABYTE))
    url = server.on("/f", _packed(small))
    await fetcher.fetch(server.url("/warm-up"))
    tracemalloc.start()
    try:
        outcome = failed(await fetcher.fetch(url))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.reason is Reason.TOO_LARGE
    assert len(small) < 100_000
    assert peak < 6 * MEGABYTE


async def test_bomb_in_a_bomb_stays_packed(server: FeedServer, fetcher: Fetcher) -> None:
    """One layer is unpacked and no more."""
    outcome = await fetcher.fetch(
        server.on("/f", _packed(gzip.compress(gzip.compress(bytes(50 * MEGABYTE)))))
    )
    assert len(fetched(outcome).body) < MEGABYTE


async def test_reply_after_the_reply_is_never_read(server: FeedServer, fetcher: Fetcher) -> None:
    """What a server sends unasked is not taken for the answer to the next request."""
    url = server.on("/f", reply(b"mine") + reply(b"planted"), reply(b"yours"))
    assert fetched(await fetcher.fetch(url)).body == b"mine"
    assert fetched(await fetcher.fetch(url)).body == b"yours"


@given(st.binary(max_size=200), st.lists(st.integers(1, 9), max_size=40), st.integers(1, 2))
def test_cuts_of_the_network_mean_nothing(text: bytes, sizes: list[int], parts: int) -> None:
    """Wherever a packed body is cut, it unpacks to the same."""
    packed = gzip.compress(text[:9]) + gzip.compress(text[9:]) if parts == 2 else gzip.compress(text)
    inflater = Inflater("gzip", 1000)
    out = b""
    for size in sizes:
        out += inflater.feed(packed[:size])
        packed = packed[size:]
    assert out + inflater.feed(packed) == text
    assert inflater.finished


REPLIES = st.binary(max_size=300) | st.builds(
    lambda status, lines, body: b"HTTP/1.1 " + status + b"\r\n" + b"\r\n".join([*lines, b"", body]),
    st.sampled_from(
        [b"200 OK", b"302 Found", b"304 No", b"503 Busy", b"100 Go", b"101 Up", b"999 \xff", b"200"]
    ),
    st.lists(
        st.tuples(
            st.sampled_from(
                b"Content-Length Transfer-Encoding Content-Encoding Content-Type Set-Cookie Location "
                b"Retry-After Cache-Control ETag Connection \xff".split()
            ),
            st.sampled_from(
                [b"5", b"-1", b"chunked", b"gzip", b"deflate", b"//[x", b"http://\xff/", b"a=b; \xff"]
            )
            | st.binary(max_size=20),
        ).map(b": ".join),
        max_size=5,
    ),
    st.binary(max_size=50),
)


async def test_any_bytes_are_an_outcome(server: FeedServer, fetcher: Fetcher) -> None:
    """Whatever a server sends, what comes of it is a value and never a surprise."""
    samples = [b"", *_draw(REPLIES, 300)]
    url = server.on("/f", *map(close_after, samples), close_after(b""))
    outcomes = [await fetcher.fetch(url) for _ in samples]
    assert all(isinstance(each, Fetched | FetchFailed) for each in outcomes)
    assert {type(each) for each in outcomes} == {Fetched, FetchFailed}


def _draw(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    """Samples of a strategy, for a loop that Hypothesis cannot run."""
    samples: list[bytes] = []

    @given(strategy)
    def collect(sample: bytes) -> None:
        samples.append(sample)

    while len(samples) < count:
        collect()
    return samples[:count]
