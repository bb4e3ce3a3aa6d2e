"""How a request goes over the wire: aiohttp as a transport of httpx, asked with the exact bytes of a URL.

httpx's own transport costs more than all the rest of a poll (docs/decisions/0002-http.md).
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import aiohttp
import httpx
from yarl import URL

from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch.gate import Gate, Way
from feedwatch.fetch.lookup import make_resolver

_KEPT_FOR: Final = 15.0
"""Seconds that a connection stays open for the next request."""
_MOST_HOSTS_KEPT: Final = 32
"""To so many hosts at most: one behind TLS holds 440 kB (asyncio's buffers), and a descriptor each."""
_PLACEHOLDER: Final = httpx.URL("http://raw.invalid/")
"""httpx would write a URL anew; the real one travels beside it, byte for byte."""

_Host = tuple[str, int | None, str]
"""What a connection leads to: host, port, scheme."""


def make_raw_request(
    method: str, address: str, headers: httpx.Headers, body: bytes = b"", *, once: bool = False
) -> httpx.Request:
    """Make a request for an address as it goes out; its headers are these, and may be added to.

    `once` says that it must not be sent a second time, by nobody.
    """
    return httpx.Request(
        method,
        _PLACEHOLDER,
        headers=headers,
        # Given a stream, httpx adds no headers of its own.
        stream=httpx.ByteStream(body),
        extensions={"raw_url": address, "once": once},
    )


class NobodyToTrust(Exception):
    """The environment names certificates to trust, and none can be read there: no server is to blame."""


class RawTransport(httpx.AsyncBaseTransport):
    """Connections, kept for the next request: no cookies, nothing decompressed, nothing followed.

    `kept` is to how many hosts they are; `connect_within` are the seconds that making one may take.
    """

    def __init__(
        self, policy: NetworkPolicy, *, kept: int = _MOST_HOSTS_KEPT, connect_within: float | None = None
    ) -> None:
        self._kept = kept
        # The deadline for the whole exchange is the caller's.
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_within)
        self._gate = Gate(policy)
        self._pool: _Pool | None = None
        self._left: list[_Pool] = []

    def update_rules(self, policy: NetworkPolicy | None = None, named: frozenset[str] | None = None) -> None:
        """Take over who may be asked where: which rules hold, and which hosts the configuration names.

        No connection that was made under other rules is used again; what is under way ends.
        """
        if self._gate.update(policy, named) and self._pool is not None:
            self._left.append(self._pool)
            self._pool = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of `make_raw_request`.

        Raises:
            PrivateAddress: its host must not be asked where it is.
            NobodyToTrust: it is asked behind TLS, and nobody can say whom to trust.
        """
        if self._left:
            await self._close_left()
        pool = self._pool = self._pool or self._make_pool()
        url = URL(request.extensions["raw_url"], encoded=True)
        host = url.raw_host or ""
        once = request.extensions["once"]
        assert isinstance(request.stream, httpx.ByteStream)
        pool.users += 1
        try:
            with Way(host):
                session = pool.once if once else pool.session_for((host, url.port, url.scheme))
                response = await session.request(
                    request.method,
                    url,
                    headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                    data=b"".join(request.stream) or None,
                    allow_redirects=False,
                    timeout=self._timeout,
                    ssl=_whom_to_trust() if url.scheme == "https" else True,
                )
        except BaseException:
            pool.users -= 1
            raise
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Stream(response, pool),
            request=request,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in (*self._left, *([self._pool] if self._pool else ())):
            await pool.aclose()

    async def _close_left(self) -> None:
        """Close what nobody uses any more of the connections made under other rules."""
        ended = [pool for pool in self._left if not pool.users]
        self._left = [pool for pool in self._left if pool.users]
        for pool in ended:
            await pool.aclose()

    def _make_pool(self) -> _Pool:
        once = self._make_session(force_close=True)
        # It would send a GET, PUT or DELETE a second time when the first came to nothing, and say nothing.
        once._retry_connection = False  # noqa: SLF001 — the library has no other switch for it
        return _Pool(self._make_session(), self._make_session(force_close=True), once, self._kept)

    def _make_session(self, *, force_close: bool = False) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                resolver=make_resolver(),
                ttl_dns_cache=60,
                force_close=force_close,
                keepalive_timeout=None if force_close else _KEPT_FOR,
                socket_factory=self._gate.open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # a proxy would connect in our stead, and to wherever it likes
        )


@dataclass(slots=True)
class _Pool:
    """Connections made under one set of rules, and how many requests use it."""

    keeping: aiohttp.ClientSession
    closing: aiohttp.ClientSession
    once: aiohttp.ClientSession
    most_kept: int
    users: int = 0
    asked: dict[_Host, float] = field(default_factory=dict)
    """When each host was last asked whose connections are kept, the longest ago first."""

    def session_for(self, host: _Host) -> aiohttp.ClientSession:
        """Who asks a host: what keeps the connection, unless it keeps those to too many others."""
        now = time.monotonic()
        while self.asked and now - self.asked[oldest := next(iter(self.asked))] > _KEPT_FOR:
            del self.asked[oldest]
        if host not in self.asked and len(self.asked) >= self.most_kept:
            return self.closing
        self.asked.pop(host, None)
        self.asked[host] = now
        return self.keeping

    async def aclose(self) -> None:
        """Close all connections."""
        await self.keeping.close()
        await self.closing.close()
        await self.once.close()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, pool: _Pool) -> None:
        self._response = response
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            # The host did answer: whatever broke now, it is not the way to it.
            raise httpx.ReadError(type(error).__name__) from error

    async def aclose(self) -> None:
        # An unread rest would keep the connection busy: it is closed instead of drained.
        if self._response.content.is_eof():
            self._response.release()
        else:
            self._response.close()
        self._pool.users -= 1


def _whom_to_trust() -> ssl.SSLContext:
    """Whom to trust, as the environment has it."""
    return _read_trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=1)
def _read_trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Read it with the first that is asked behind TLS: it takes longer than a hundred polls."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # an SSLError is one
        raise NobodyToTrust from error
