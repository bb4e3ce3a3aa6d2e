"""How a request goes over the wire: aiohttp as a transport of httpx, asked with the exact bytes of a URL.

httpx's own transport costs more than all the rest of a poll (docs/decisions/0002-http.md).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Final

import aiohttp
import httpx
from yarl import URL

_NO_TIMEOUT: Final = aiohttp.ClientTimeout(
    total=None
)  # the deadline is the fetcher's, for the whole exchange


class RawTransport(httpx.AsyncBaseTransport):
    """One pool of connections. It keeps no cookies, decompresses nothing and follows nothing."""

    def __init__(self) -> None:
        self._trust = _read_trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request whose address is in its `raw_url`."""
        if self._session is None:
            self._session = self._make_session()
        response = await self._session.request(
            request.method,
            URL(request.extensions["raw_url"], encoded=True),
            headers=request.headers,
            allow_redirects=False,
            timeout=_NO_TIMEOUT,
        )
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Stream(response), request=request
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _make_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, ssl=self._trust),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=_NO_TIMEOUT,
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

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


@lru_cache(maxsize=1)
def _read_trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Whom to trust, as the environment has it. Reading it takes longer than a hundred polls."""
    return httpx.create_ssl_context()
