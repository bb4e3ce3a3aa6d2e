"""Sending a document to an address: one request, answered or not, and whether it may have arrived.

Each goes over a connection of its own: one that was kept may be closed by the other side just when it is
used, and nobody could say whether the document had been taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from feedwatch.core.messages import Posted, PostOutcome
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch.addresses import basic_auth, wire_url
from feedwatch.fetch.bodies import read_body
from feedwatch.fetch.failures import ERRORS, post_failure_of
from feedwatch.fetch.headers import Head, read_head, read_retry_after
from feedwatch.fetch.transport import RawTransport, make_raw_request

CONNECT_WITHIN: Final = timedelta(seconds=10)
POST_WITHIN: Final = timedelta(seconds=40)
_HEAR_OUT: Final = 5.0
"""Seconds for the body of a reply: its status has said all, and no server is to be cut short for nothing."""
_LARGEST_REPLY: Final = 64 * 1024


class Poster:
    """Posts to the addresses that the configuration names, wherever they are. Of one event loop.

    No redirect is followed, no cookie kept; a certificate has to be one that is trusted.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        connect_within: timedelta = CONNECT_WITHIN,
        within: timedelta = POST_WITHIN,
    ) -> None:
        self._user_agent = user_agent
        self._now = now
        self._within = within.total_seconds()
        self._transport = RawTransport(
            NetworkPolicy("allow"), kept=0, connect_within=connect_within.total_seconds()
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostOutcome:
        """Post a body; a user and a password in the URL go as basic authentication.

        Never raises for what a server or the network does.
        """
        try:
            request = self._make_request(url, body, headers)
            async with asyncio.timeout(self._within):
                response = await self._transport.handle_async_request(request)
        except (*ERRORS, ValueError) as error:
            return post_failure_of(error)
        head = read_head(response)
        await _hear_out(response, head)
        return Posted(response.status_code, read_retry_after(head, self._now()))

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._transport.aclose()

    def _make_request(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        sent = {"User-Agent": self._user_agent, **headers}
        if authorization := basic_auth(url):
            sent["Authorization"] = authorization
        return make_raw_request("POST", wire_url(url), httpx.Headers(sent), body)


async def _hear_out(response: httpx.Response, head: Head) -> None:
    try:
        with suppress(TimeoutError, *ERRORS):
            async with asyncio.timeout(_HEAR_OUT):
                await read_body(response, head, _LARGEST_REPLY, cut=True)
    finally:
        await response.aclose()
