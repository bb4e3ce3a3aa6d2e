"""Large documents, taken as they come: a deadline for each silence, and gone on with where they were cut.

What arrives is handed over as it came over the wire, packed or not (`unpack` reads it later): only that
can be gone on with. A document that is whole here is asked for only if it has changed.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from feedwatch.core.model import FetchFailed, Reason, Validators
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch.addresses import Origin, origin_of
from feedwatch.fetch.bodies import Inflater
from feedwatch.fetch.exchange import REDIRECTS, Exchange, Sign
from feedwatch.fetch.failures import ERRORS, failure_of, read_refusal
from feedwatch.fetch.headers import Head, read_head, read_validators, text_of
from feedwatch.fetch.transport import RawTransport

SILENCE: Final = timedelta(seconds=30)
"""How long a server may say nothing: a slow download is one all the same, one that stands still is not."""
LARGEST_UNPACKED: Final = 4 * 1024**3
_LARGEST_ON_THE_WIRE: Final = LARGEST_UNPACKED
_ENCODINGS: Final = ("", "identity", "gzip", "x-gzip", "deflate")
_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")
_GZIP: Final = b"\x1f\x8b"
_MOST_PACKINGS: Final = 2
"""A file that is packed, and packed once more for the way."""
_PIECE: Final = 4096
"""So few packed bytes can become four million at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is here already of a document: all of it, or its first `part` bytes, in their encoding.

    Its validators go to the origin that they came from, and nowhere else.
    """

    validators: Validators
    origin: str
    part: int | None = None
    encoding: str = ""

    @property
    def may_go_on(self) -> bool:
        """Whether a server can say that a part here is one of what it has now."""
        return bool(self.part) and is_strong(self.validators.etag)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The document is still what is held."""


class Download:
    """A document on its way. `start` bytes were here before; `total` is how many there are, if known."""

    def __init__(
        self, response: httpx.Response, head: Head, origin: str, start: int, total: int | None
    ) -> None:
        self._response = response
        self.origin = origin
        self.start = start
        self.total = total
        self.validators = read_validators(head)
        self.encoding = _encoding_of(head)

    async def save(
        self, write: Callable[[bytes], object], *, silence: timedelta = SILENCE
    ) -> FetchFailed | None:
        """Hand over what arrives, to its end; None if all of it came. What `write` raises is let through."""
        received = self.start
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        chunks = aiter(self._response.stream)
        try:
            while True:
                chunk = await _next_chunk(chunks, silence)
                if not isinstance(chunk, bytes):
                    return chunk or self._miss(received)
                received += len(chunk)
                if received > _LARGEST_ON_THE_WIRE:
                    return FetchFailed(Reason.TOO_LARGE, f"more than {_LARGEST_ON_THE_WIRE} bytes")
                write(chunk)
        finally:
            await self._response.aclose()

    def _miss(self, received: int) -> FetchFailed | None:
        if self.total is not None and received != self.total:
            return FetchFailed(Reason.CUT_SHORT, f"{received} bytes of {self.total}")
        return None


class Downloader:
    """Asks for large documents, one at a time. Of one event loop."""

    def __init__(
        self,
        *,
        networks: NetworkPolicy,
        named: frozenset[str],
        user_agent: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        silence: timedelta = SILENCE,
    ) -> None:
        self._transport = RawTransport(networks)
        self._transport.update_rules(named=named)
        self._now = now
        self._silence = silence
        self._headers = httpx.Headers(
            {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}, encoding="utf-8"
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def open(
        self, url: str, *, held: Held | None = None, sign: Sign | None = None
    ) -> Download | Unchanged | FetchFailed:
        """Ask for a document, and return when its first bytes are due; redirects are followed before.

        `sign` is asked for hops to the first origin only. The reply to a `held` part is what follows it, or
        all anew. Never raises for what a server or the network does.
        """
        origin = origin_of(url)
        if origin is None:
            return FetchFailed(Reason.BAD_ADDRESS, "no http or https address")
        exchange = Exchange(url, origin, None, sign)
        try:
            outcome = None
            while outcome is None:
                async with asyncio.timeout(self._silence.total_seconds()):
                    outcome = await self._ask(exchange, held)
        except TimeoutError:
            failed = FetchFailed(Reason.TIMEOUT, f"no answer within {self._silence.total_seconds():g} s")
        except ERRORS as error:
            failed = failure_of(error)
        except UnicodeError:
            failed = FetchFailed(Reason.BAD_ADDRESS, "no host's name")
        else:
            return outcome
        return replace(failed, status=exchange.status)

    async def _ask(self, exchange: Exchange, held: Held | None) -> Download | Unchanged | FetchFailed | None:
        """Make the request for one hop; None if it leads to another."""
        here = name_origin(exchange.origin)
        ours = held if held and held.origin == here else None
        headers = self._headers.copy()
        for name, value in _conditions_of(ours).items():
            headers[name] = value
        response = await self._transport.handle_async_request(exchange.make_request(headers))
        exchange.status = response.status_code
        outcome = None
        try:
            outcome = await self._judge(response, exchange, ours)
        finally:
            if not isinstance(outcome, Download):
                await response.aclose()
        return outcome

    async def _judge(
        self, response: httpx.Response, exchange: Exchange, held: Held | None
    ) -> Download | Unchanged | FetchFailed | None:
        status = response.status_code
        if status in REDIRECTS:
            return exchange.redirect(status, response.headers.get("location"))
        if status == 304 and held and held.part is None:
            return Unchanged()
        if status == 200:
            return _begin(response, name_origin(exchange.origin))
        if status == 206 and held and held.may_go_on:
            return _go_on(response, name_origin(exchange.origin), held)
        failed = await read_refusal(response, exchange.url, self._now())
        return replace(failed, reason=Reason.PROTOCOL) if 200 <= status < 300 else failed


def name_origin(origin: Origin) -> str:
    """An origin as it is remembered."""
    return f"{origin.scheme}://{origin.host}:{origin.port}"


def is_strong(etag: str | None) -> bool:
    """Whether an ETag stands for the very bytes, so that a part of them can be gone on with."""
    return bool(etag) and not str(etag).startswith("W/")


def unpack(chunks: Iterable[bytes], encoding: str, *, limit: int = LARGEST_UNPACKED) -> Iterator[bytes]:
    """Read what was downloaded, in pieces of a few megabytes at most, as often packed as it was.

    Raises:
        zlib.error: it is not what it says, or not all of it.
        OverflowError: there is more in it than the limit.
    """
    layers = _inflate(chunks, encoding, limit) if encoding in ("gzip", "x-gzip", "deflate") else iter(chunks)
    for _ in range(_MOST_PACKINGS):
        first = _take_first(layers, len(_GZIP))
        layers = _chain(first, layers)
        if not first.startswith(_GZIP):
            break
        layers = _inflate(layers, "gzip", limit)
    left = limit
    for piece in layers:
        left -= len(piece)
        if left < 0:
            raise OverflowError(f"more than {limit} bytes")
        yield piece


def _inflate(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    inflater = Inflater(encoding, limit)
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            if piece := inflater.feed(chunk[start : start + _PIECE]):
                yield piece
    if not inflater.finished:
        raise zlib.error("it ends too early")


def _take_first(pieces: Iterator[bytes], least: int) -> bytes:
    """The first of what comes: so many bytes at least, if there are as many."""
    first = b""
    while len(first) < least and (piece := next(pieces, b"")):
        first += piece
    return first


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _conditions_of(held: Held | None) -> Mapping[str, str]:
    """What makes a request one for what is new: if it changed, or from where it was cut."""
    if held is None:
        return {}
    etag, modified = held.validators.etag, held.validators.last_modified
    if held.part is not None:
        return {"Range": f"bytes={held.part}-", "If-Range": str(etag)} if held.may_go_on else {}
    named = {"If-None-Match": etag, "If-Modified-Since": modified}
    return {name: value for name, value in named.items() if value is not None}


def _encoding_of(head: Head) -> str:
    found = (text_of(head, b"content-encoding") or "").strip().lower()
    return "" if found == "identity" else found


def _begin(response: httpx.Response, origin: str) -> Download | FetchFailed:
    head = read_head(response)
    if _encoding_of(head) not in _ENCODINGS:
        return FetchFailed(Reason.BAD_ENCODING, "an encoding that was not asked for", 200)
    length = text_of(head, b"content-length") or ""
    total = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
    return Download(response, head, origin, 0, total)


def _go_on(response: httpx.Response, origin: str, held: Held) -> Download | FetchFailed:
    """Go on only where the server says that what it sends follows, and is of the same."""
    head = read_head(response)
    match = _RANGE.fullmatch((text_of(head, b"content-range") or "").strip())
    etag = read_validators(head).etag
    same = etag in (None, held.validators.etag) and _encoding_of(head) == held.encoding
    if match is None or int(match[1]) != held.part or not same:
        return FetchFailed(Reason.PROTOCOL, "a part that does not follow what is here", 206)
    return Download(response, head, origin, held.part, int(match[3]) if match[3] != "*" else None)


async def _next_chunk(chunks: object, silence: timedelta) -> bytes | FetchFailed | None:
    """Give what arrives next; None at the end."""
    try:
        async with asyncio.timeout(silence.total_seconds()):
            return await anext(chunks)  # type: ignore[call-overload,no-any-return]
    except StopAsyncIteration:
        return None
    except TimeoutError:
        return FetchFailed(Reason.TIMEOUT, f"nothing came for {silence.total_seconds():g} s")
    except ERRORS as error:
        return failure_of(error)
