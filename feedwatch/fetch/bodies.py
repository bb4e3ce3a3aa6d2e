"""Bodies of replies, decompressed under a limit that holds whatever was promised."""

from __future__ import annotations

import zlib
from typing import Final

import httpx

from feedwatch.core.model import FetchFailed, Reason
from feedwatch.fetch.headers import Head, text_of

_PLAIN: Final = ("", "identity")
_PACKED: Final = ("gzip", "x-gzip", "deflate")
_GZIP: Final = b"\x1f\x8b"
_AT_ONCE: Final = 4096
"""What follows a part of gzip is copied, and parts may be twenty bytes short: more would take for ever."""


async def read_body(
    response: httpx.Response, head: Head, limit: int, *, cut: bool = False
) -> bytes | FetchFailed:
    """Read a body, decompressed, up to a limit: beyond it, cut it off or fail.

    The limit holds for what comes over the wire as well: a body may be packed into nothing at all.
    """
    encoding = (text_of(head, b"content-encoding") or "").strip().lower()
    if encoding not in (*_PLAIN, *_PACKED):
        return FetchFailed(Reason.BAD_ENCODING, "an encoding that was not asked for", response.status_code)
    inflater = Inflater(encoding, limit) if encoding in _PACKED else None
    parts: list[bytes] = []
    received = size = 0
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        try:
            part = inflater.feed(chunk) if inflater else chunk
        except zlib.error as error:
            return FetchFailed(Reason.BAD_ENCODING, f"not what it says: {error}", response.status_code)
        received += len(chunk)
        size += len(part)
        if part:
            parts.append(part)
        if max(size, received) > limit:
            if cut:
                return b"".join(parts)[:limit]
            return FetchFailed(Reason.TOO_LARGE, f"more than {limit} bytes", response.status_code)
    if inflater and received and not inflater.finished:
        return FetchFailed(Reason.CUT_SHORT, "the compressed body ends too early", response.status_code)
    return b"".join(parts)


class Inflater:
    """Decompresses as it comes, never more than one byte beyond the limit."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._left = limit + 1
        self._deflate = encoding == "deflate"
        self._stream: zlib._Decompress | None = None
        self._waiting = b""  # too little yet to tell what begins here
        self._ended = False
        self._over = False

    @property
    def finished(self) -> bool:
        """Whether all that began has ended."""
        return self._ended and self._stream is None and self._waiting != _GZIP[:1]

    def feed(self, chunk: bytes) -> bytes:
        """Give what a chunk adds.

        Raises:
            zlib.error: the bytes are not what they were said to be.
        """
        starts = range(0, len(chunk), _AT_ONCE)
        return b"".join(self._feed(chunk[start : start + _AT_ONCE]) for start in starts)

    def _feed(self, piece: bytes) -> bytes:
        out: list[bytes] = []
        data, self._waiting = self._waiting + piece, b""
        while data and self._left > 0 and not self._over:
            if self._stream is None:
                if len(data) < 2:
                    self._waiting = data
                    break
                self._stream = self._begin(data)
                continue
            part = self._stream.decompress(data, self._left)
            out.append(part)
            self._left -= len(part)
            if not self._stream.eof:
                break
            data = self._stream.unused_data
            self._stream, self._ended = None, True
        return b"".join(out)

    def _begin(self, data: bytes) -> zlib._Decompress | None:
        """What reads from here on: gzip comes in one part or many, what else follows belongs to nobody."""
        if self._ended:
            self._over = not data.startswith(_GZIP)
            return None if self._over else zlib.decompressobj(31)
        if self._deflate and not (data.startswith(_GZIP) or _is_zlib(data)):
            # "deflate" without its zlib header is what some servers have always sent.
            return zlib.decompressobj(-15)
        return zlib.decompressobj(47)  # gzip or zlib, by its header


def _is_zlib(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
