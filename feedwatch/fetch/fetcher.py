"""Asking for documents, many at once, within limits of time, size and number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

import httpx

from feedwatch.core.model import (
    Answered,
    AskOutcome,
    Fetched,
    FetchFailed,
    FetchOutcome,
    NotModified,
    Reason,
    Validators,
)
from feedwatch.core.networks import NetworkPolicy, host_of
from feedwatch.fetch.addresses import Origin, origin_of
from feedwatch.fetch.bodies import read_body
from feedwatch.fetch.deadlines import Deadlines
from feedwatch.fetch.exchange import REDIRECTS, Exchange, Sign
from feedwatch.fetch.failures import ERRORS, failure_of, read_refusal
from feedwatch.fetch.headers import read_date, read_head, read_max_age, read_validators, text_of
from feedwatch.fetch.transport import RawTransport

_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long a whole reply may take, how large it may be, and how many may be asked for at once."""

    timeout: timedelta
    max_body: int
    concurrency: int = 32
    per_host: int = 4


class _Wanted(NamedTuple):
    """What is asked for on every hop: with which headers, and how large it may be."""

    headers: httpx.Headers
    max_body: int
    any_success: bool = False


class Fetcher:
    """Asks for documents over one pool of connections. Of one event loop.

    `rests_until` says of a host, as `host_of` gives it, whether it has asked for rest: no redirect is
    followed there meanwhile. Whoever asks for a document looks at that first.
    """

    def __init__(
        self,
        limits: FetchLimits,
        *,
        networks: NetworkPolicy,
        user_agent: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._transport = RawTransport(networks)
        self._user_agent = user_agent
        self._headers: dict[str, httpx.Headers] = {}
        self._deadlines = Deadlines()
        self.rests_until: Callable[[str], datetime | None] = lambda _: None
        self.update_limits(limits)

    def update_limits(self, limits: FetchLimits) -> None:
        """Take new limits over; what is under way ends under the old ones."""
        self._limits = limits
        self._all = asyncio.Semaphore(limits.concurrency)
        # A host's places are kept for as long as somebody is in one, or waits for one.
        self._hosts: WeakValueDictionary[Origin, asyncio.Semaphore] = WeakValueDictionary()

    def update_networks(self, networks: NetworkPolicy) -> None:
        """Take over who may be asked in private networks; what is under way ends under the old policy."""
        self._transport.update_rules(policy=networks)

    def name_hosts(self, hosts: frozenset[str]) -> None:
        """Take over which hosts the configuration names, each as `host_named_by` gives it."""
        self._transport.update_rules(named=hosts)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def fetch(
        self,
        url: str,
        *,
        validators: Validators | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 — a deadline for the whole exchange
        sign: Sign | None = None,
        accept: str = _ACCEPT,
        max_body: int | None = None,
    ) -> FetchOutcome:
        """Ask for a document and read it whole.

        The URL goes out byte for byte. `validators` make the request conditional; `sign` gives the
        headers that sign a hop, and is asked for hops to the same origin only. Waiting for a free
        place at the host does not count towards the deadline. `accept` and `max_body` are for what is no
        feed.
        """
        origin = origin_of(url)
        if origin is None:
            return FetchFailed(Reason.BAD_ADDRESS, "no http or https address")
        exchange = Exchange(url, origin, validators, sign)
        wanted = _Wanted(self._headers_for(accept), max_body or self._limits.max_body)
        outcome = await self._go(exchange, wanted, timeout or self._limits.timeout)
        assert not isinstance(outcome, Answered)
        return outcome

    async def call(
        self,
        method: str,
        url: str,
        *,
        form: bytes | None = None,
        sign: Sign | None = None,
        accept: str = "*/*",
        max_body: int | None = None,
    ) -> AskOutcome:
        """Call an API: any 2xx is an answer. `form` is the body, already encoded as one.

        Only a GET is redirected; each of its hops is signed anew, on the server it began at and nowhere else.
        """
        origin = origin_of(url)
        if origin is None:
            return FetchFailed(Reason.BAD_ADDRESS, "no http or https address")
        exchange = Exchange(url, origin, None, sign, method=method, form=form)
        wanted = _Wanted(self._headers_for(accept), max_body or self._limits.max_body, any_success=True)
        outcome = await self._go(exchange, wanted, self._limits.timeout)
        assert isinstance(outcome, Answered | FetchFailed)
        return outcome

    def _headers_for(self, accept: str) -> httpx.Headers:
        """What every request says, made once for each of the few kinds of document there are."""
        if accept not in self._headers:
            said = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate", "Accept": accept}
            self._headers[accept] = httpx.Headers(said, encoding="utf-8")
        return self._headers[accept]

    async def _go(self, exchange: Exchange, wanted: _Wanted, limit: timedelta) -> FetchOutcome | Answered:
        """Go to where an exchange leads; what goes wrong on the way is a value."""
        try:
            return await self._follow(exchange, wanted, limit.total_seconds())
        except TimeoutError:
            failed = FetchFailed(Reason.TIMEOUT, f"no whole reply within {limit.total_seconds():g} s")
        except ERRORS as error:
            failed = failure_of(error)
        except UnicodeError:
            failed = FetchFailed(Reason.BAD_ADDRESS, "no host's name")
        return replace(failed, status=exchange.status)

    async def _follow(self, exchange: Exchange, wanted: _Wanted, left: float) -> FetchOutcome | Answered:
        """Go from hop to hop; each takes a place at the host it asks, and its time from what is left."""
        clock = asyncio.get_running_loop().time
        while True:
            place, everybody = self._place_at(exchange.origin), self._all
            # The host's place first: who waits for a slow host must not take a place from all others.
            async with place, everybody:
                started = clock()
                with self._deadlines.within(left):
                    outcome = await self._ask(exchange, wanted)
                left -= clock() - started
            outcome = outcome or self._spare_resting(exchange)
            if outcome is not None:
                return outcome

    def _spare_resting(self, exchange: Exchange) -> FetchFailed | None:
        """Say that a redirect leads to a host that rests; None if it does not."""
        host = host_of(exchange.url)
        until = self.rests_until(host)
        if until is None:
            return None
        why = "redirected to a host that asked for rest"
        return FetchFailed(Reason.RATE_LIMITED, why, exchange.status, until - self._now(), host=host)

    def _place_at(self, origin: Origin) -> asyncio.Semaphore:
        place = self._hosts.get(origin)
        if place is None:
            place = self._hosts[origin] = asyncio.Semaphore(self._limits.per_host)
        return place

    async def _ask(self, exchange: Exchange, wanted: _Wanted) -> FetchOutcome | Answered | None:
        """Make the request for one hop; None if it leads to another."""
        requested_at = self._now()
        response = await self._transport.handle_async_request(exchange.make_request(wanted.headers))
        exchange.status = response.status_code
        try:
            if response.status_code in REDIRECTS:
                return exchange.redirect(response.status_code, response.headers.get("location"))
            if wanted.any_success:
                return await self._read_answer(response, exchange, wanted.max_body)
            return await self._read(response, exchange, requested_at, wanted.max_body)
        finally:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            await response.stream.aclose()  # httpx's own way there takes as long as all of this

    async def _read(
        self, response: httpx.Response, exchange: Exchange, requested_at: datetime, max_body: int
    ) -> FetchOutcome:
        status = response.status_code
        head = read_head(response)
        if status == 304 and exchange.conditional:
            return NotModified(
                exchange.place_validators(read_validators(head)), read_max_age(head), exchange.moved_to
            )
        if status == 304:
            return FetchFailed(Reason.PROTOCOL, "304 to an unconditional request", status)
        if status != 200:
            return await self._read_refusal(response, exchange)
        body = await read_body(response, head, max_body)
        if isinstance(body, FetchFailed):
            return body
        return Fetched(
            body=body,
            validators=exchange.place_validators(read_validators(head)),
            url=exchange.url,
            requested_at=requested_at,
            content_type=text_of(head, b"content-type"),
            max_age=read_max_age(head),
            moved_to=exchange.moved_to,
            server_at=read_date(head),
        )

    async def _read_refusal(self, response: httpx.Response, exchange: Exchange) -> FetchFailed:
        failed = await read_refusal(response, exchange.url, self._now())
        return replace(failed, led=True) if exchange.is_led_for_now else failed

    async def _read_answer(
        self, response: httpx.Response, exchange: Exchange, max_body: int
    ) -> Answered | FetchFailed:
        if not 200 <= response.status_code < 300:
            return await self._read_refusal(response, exchange)
        head = read_head(response)
        body = await read_body(response, head, max_body)
        if isinstance(body, FetchFailed):
            return body
        return Answered(
            response.status_code,
            body,
            exchange.url,
            content_type=text_of(head, b"content-type"),
            server_at=read_date(head),
        )
