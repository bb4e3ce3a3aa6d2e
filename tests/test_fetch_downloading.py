"""Large documents: slow is no fault, silence is; what was cut is gone on with, what is held is not sent."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from itertools import pairwise

import pytest
from feedserver import EVERYWHERE, NOW, Answer, FeedServer, Visit, close_after, redirect, reply, reset_after
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import FetchFailed, Reason, Validators
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import downloading
from feedwatch.fetch.downloading import Download, Downloader, Held, Unchanged, unpack

BODY = b"0123456789abcdefghij"
TAG = '"one"'
SHORT = timedelta(milliseconds=800)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def other() -> Iterator[FeedServer]:
    with FeedServer() as other:
        yield other


def make_downloader(
    networks: NetworkPolicy = EVERYWHERE, silence: timedelta = timedelta(seconds=10)
) -> aclosing[Downloader]:
    return aclosing(
        Downloader(
            networks=networks,
            named=frozenset(),
            user_agent="feedwatch/test",
            now=lambda: NOW,
            silence=silence,
        )
    )


@pytest.fixture
async def downloader() -> AsyncIterator[Downloader]:
    async with make_downloader() as downloader:
        yield downloader


def held(server: FeedServer, part: int | None = None, etag: str | None = TAG, encoding: str = "") -> Held:
    return Held(Validators(etag, "yesterday"), server.url(""), part, encoding)


def begun(outcome: Download | Unchanged | FetchFailed) -> Download:
    assert isinstance(outcome, Download), outcome
    return outcome


def failed(outcome: object) -> FetchFailed:
    assert isinstance(outcome, FetchFailed), outcome
    return outcome


async def save(
    download: Download, silence: timedelta = timedelta(seconds=10)
) -> tuple[bytes, FetchFailed | None]:
    parts: list[bytes] = []
    outcome = await download.save(parts.append, silence=silence)
    return b"".join(parts), outcome


def partial(start: int, body: bytes = BODY, etag: str = TAG, **headers: str) -> bytes:
    where = f"bytes {start}-{len(body) - 1}/{len(body)}"
    return reply(body[start:], 206, **{"Content_Range": where, "ETag": etag, **headers})


# ── the whole of it ───────────────────────────────────────────────────────────────────────────────


async def test_a_document_is_handed_over_as_it_came(server: FeedServer, downloader: Downloader) -> None:
    """Packed, with its validators, and with how much is to come."""
    packed = gzip.compress(BODY)
    url = server.on("/index", reply(packed, ETag=TAG, Content_Encoding="gzip"))
    download = begun(await downloader.open(url))
    assert (download.start, download.total, download.encoding) == (0, len(packed), "gzip")
    assert download.validators.etag == TAG
    assert await save(download) == (packed, None)
    assert server.last.headers["accept-encoding"] == "gzip, deflate"


async def test_a_slow_one_is_waited_for_and_a_silent_one_is_not(server: FeedServer) -> None:
    """A byte now and then goes on beyond any deadline for one silence; where nothing comes, it ends."""
    head = reply(b"", 200, Content_Length="20")

    def drip(visit: Visit) -> None:
        visit.send(head)
        for number in range(6):
            visit.send(BODY[number : number + 1])
            visit._stopped.wait(0.2)
        visit.wait()

    url = server.on("/index", drip)
    async with make_downloader() as downloader:
        parts, outcome = await save(begun(await downloader.open(url)), SHORT)
    assert len(parts) == 6  # it took 1.2 s, and each silence is given 0.8
    assert failed(outcome).reason is Reason.TIMEOUT


async def test_a_server_that_never_answers_is_given_up(server: FeedServer) -> None:
    """The first bytes have the same deadline."""
    url = server.on("/index", Visit.wait)
    async with make_downloader(silence=SHORT) as downloader:
        assert failed(await downloader.open(url)).reason is Reason.TIMEOUT


@pytest.mark.parametrize("cut", [close_after, reset_after])
async def test_a_cut_one_is_said_to_be_cut(
    server: FeedServer, downloader: Downloader, cut: Callable[[bytes], Answer]
) -> None:
    """What came until then has been handed over."""
    url = server.on("/index", cut(reply(b"", 200, Content_Length="20") + BODY[:9]))
    parts, outcome = await save(begun(await downloader.open(url)))
    assert failed(outcome).reason is Reason.CUT_SHORT
    assert BODY.startswith(parts)


async def test_what_writing_raises_is_no_fault_of_the_network(
    server: FeedServer, downloader: Downloader
) -> None:
    """A disk that is full is said to be that."""
    url = server.on("/index", reply(BODY))

    def refuse(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await begun(await downloader.open(url)).save(refuse)


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.UNAUTHORIZED), (503, Reason.UNAVAILABLE)])
async def test_a_refusal_comes_with_what_it_says(
    server: FeedServer, downloader: Downloader, status: int, reason: Reason
) -> None:
    """Its status, its body and when to come back, as for any other request."""
    url = server.on("/index", reply(b"<status/>", status, Retry_After="60"))
    refused = failed(await downloader.open(url))
    assert (refused.reason, refused.status, refused.body) == (reason, status, b"<status/>")
    assert refused.retry_after == timedelta(minutes=1)


async def test_an_encoding_nobody_asked_for_is_refused(server: FeedServer, downloader: Downloader) -> None:
    """It could not be unpacked later."""
    url = server.on("/index", reply(BODY, Content_Encoding="br"))
    assert failed(await downloader.open(url)).reason is Reason.BAD_ENCODING


# ── what is held ──────────────────────────────────────────────────────────────────────────────────


async def test_what_is_held_whole_is_not_sent_again(server: FeedServer, downloader: Downloader) -> None:
    """One request, with the validators byte for byte, and nothing more."""
    url = server.on("/index", reply(b"", 304))
    assert await downloader.open(url, held=held(server)) == Unchanged()
    assert server.last.headers["if-none-match"] == TAG
    assert server.last.headers["if-modified-since"] == "yesterday"
    assert "range" not in server.last.headers


async def test_a_part_is_gone_on_with(server: FeedServer, downloader: Downloader) -> None:
    """From where it was cut, if the document is still the same."""
    url = server.on("/index", partial(7))
    download = begun(await downloader.open(url, held=held(server, 7)))
    assert (download.start, download.total) == (7, len(BODY))
    assert await save(download) == (BODY[7:], None)
    assert (server.last.headers["range"], server.last.headers["if-range"]) == ("bytes=7-", TAG)
    assert "if-none-match" not in server.last.headers


async def test_another_document_by_now_is_sent_anew(server: FeedServer, downloader: Downloader) -> None:
    """A server that ignores the range, or has something else: from the beginning."""
    url = server.on("/index", reply(BODY, ETag='"two"'))
    download = begun(await downloader.open(url, held=held(server, 7)))
    assert (download.start, download.validators.etag) == (0, '"two"')


@pytest.mark.parametrize(
    "answer",
    [
        partial(6),
        partial(7, etag='"two"'),
        partial(7, Content_Encoding="gzip"),
        partial(7, Content_Range="bytes 7-19"),
        partial(7, Content_Range="bytes */20"),
        reply(BODY[7:], 206),
        reply(b"", 304),
    ],
)
async def test_a_part_that_does_not_follow_is_not_added(
    server: FeedServer, downloader: Downloader, answer: bytes
) -> None:
    """Elsewhere, of another document, in another encoding, or without a word about it."""
    url = server.on("/index", answer)
    assert failed(await downloader.open(url, held=held(server, 7))).reason is Reason.PROTOCOL


async def test_a_rest_that_is_too_short_is_cut(server: FeedServer, downloader: Downloader) -> None:
    """All of the document was promised, not all of the reply."""
    url = server.on("/index", partial(7, Content_Range="bytes 7-19/99"))
    _, outcome = await save(begun(await downloader.open(url, held=held(server, 7))))
    assert failed(outcome).reason is Reason.CUT_SHORT


@pytest.mark.parametrize("etag", ['W/"one"', None])
async def test_nobody_goes_on_by_a_weak_validator(
    server: FeedServer, downloader: Downloader, etag: str | None
) -> None:
    """It does not stand for the very bytes: the document is asked for as if nothing were here."""
    url = server.on("/index", reply(BODY))
    assert begun(await downloader.open(url, held=held(server, 7, etag))).start == 0
    assert {"range", "if-range", "if-none-match"}.isdisjoint(server.last.headers)


# ── redirects ─────────────────────────────────────────────────────────────────────────────────────


def sign(url: str) -> Mapping[str, str]:
    return {"Authorization": f"signed {url}"}


async def test_every_hop_at_home_is_signed_anew(server: FeedServer, downloader: Downloader) -> None:
    """A redirect to a redirect: each request is signed for the address it goes to."""
    server.on("/third", reply(BODY))
    server.on("/second", redirect("/third"))
    url = server.on("/first", redirect(server.url("/second?v=2.0")))
    assert await save(begun(await downloader.open(url, sign=sign))) == (BODY, None)
    signed = [each.headers["authorization"] for each in server.requests]
    assert signed == [f"signed {server.url(each)}" for each in ("/first", "/second?v=2.0", "/third")]


async def test_another_host_is_shown_neither_signature_nor_validators_of_home(
    server: FeedServer, other: FeedServer, downloader: Downloader
) -> None:
    """What is secret, or says what we have of one server, stays there."""
    other.on("/file", reply(BODY))
    url = server.on("/first", redirect(other.url("/file")))
    begun(await downloader.open(url, sign=sign, held=held(server)))
    assert {"authorization", "if-none-match", "if-modified-since"}.isdisjoint(other.last.headers)


async def test_what_another_host_has_sent_it_is_asked_for_by_its_own_validators(
    server: FeedServer, other: FeedServer, downloader: Downloader
) -> None:
    """Where the document lies elsewhere, its validators are of there."""
    other.on("/file", reply(b"", 304))
    url = server.on("/first", redirect(other.url("/file")))
    assert await downloader.open(url, sign=sign, held=held(other)) == Unchanged()
    assert "if-none-match" not in server.last.headers
    assert other.last.headers["if-none-match"] == TAG


async def test_a_redirect_into_a_private_network_is_refused(server: FeedServer) -> None:
    """The gate stands before downloads, too."""
    url = server.on("/first", reply(BODY))
    async with make_downloader(NetworkPolicy("deny")) as downloader:
        assert failed(await downloader.open(url)).reason is Reason.PRIVATE_ADDRESS


# ── unpacking ─────────────────────────────────────────────────────────────────────────────────────


@given(
    st.binary(max_size=20_000).filter(lambda body: not body.startswith(b"\x1f\x8b")),
    st.sampled_from(["", "gzip", "deflate"]),
    st.sampled_from([bytes, gzip.compress]),
    st.lists(st.integers(0, 21_000), max_size=6),
)
def test_what_was_packed_comes_out_in_whatever_pieces(
    body: bytes,
    encoding: str,
    pack: Callable[[bytes], bytes],
    cuts: list[int],
) -> None:
    """A file may be packed itself, and once more for the way."""
    on_the_way: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
    sent = on_the_way.get(encoding, bytes)(pack(body))
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[start:end] for start, end in pairwise(places) if start < end]
    assert b"".join(unpack(pieces, encoding)) == body


def test_a_bomb_is_stopped_where_the_limit_is() -> None:
    """A thousand times larger than it came: unpacked piece by piece, and no further than allowed."""
    bomb = gzip.compress(bytes(20_000_000))
    size = 0

    def take() -> None:
        nonlocal size
        for piece in unpack([bomb], "gzip", limit=5_000_000):
            size += len(piece)

    with pytest.raises(OverflowError):
        take()
    assert size <= 5_000_000


@pytest.mark.parametrize(
    "sent",
    [gzip.compress(BODY, mtime=0)[:-5], gzip.compress(BODY, mtime=0)[:4], b"no gzip at all"],
    ids=["cut at its end", "cut in its head", "none"],
)
def test_what_is_not_what_it_says_is_said(sent: bytes) -> None:
    """Cut short, or something else."""
    with pytest.raises(zlib.error):
        list(unpack([sent], "gzip"))


def test_a_wrong_sum_is_noticed() -> None:
    """What a disk or a proxy changed on the way does not pass for the document."""
    packed = bytearray(gzip.compress(BODY))
    packed[-6] ^= 1
    with pytest.raises(zlib.error):
        list(unpack([bytes(packed)], "gzip"))


async def test_a_download_without_end_is_stopped(
    server: FeedServer, downloader: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also over the wire there is a limit."""
    monkeypatch.setattr(downloading, "_LARGEST_ON_THE_WIRE", 10)
    url = server.on("/index", reply(BODY))
    _, outcome = await save(begun(await downloader.open(url)))
    assert failed(outcome).reason is Reason.TOO_LARGE
