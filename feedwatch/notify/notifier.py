"""Messages to addresses, each in a thread of its own, within a minute."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feedwatch.core.bucket import Rate
from feedwatch.core.messages import (
    NotifyFailed,
    NotifyOutcome,
    NotifyTimedOut,
    Outgoing,
    PostFailed,
    PostOutcome,
    Style,
)
from feedwatch.core.model import Reason
from feedwatch.notify.failures import BadAddress
from feedwatch.notify.pacing import Pace
from feedwatch.notify.rates import Meter
from feedwatch.notify.webhook import Post, Webhook, open_webhook

if TYPE_CHECKING:
    from feedwatch.notify.door import Service

SEND_WITHIN = timedelta(seconds=60)
_MOST_STUCK = 32
"""Sends that never come back may keep so many threads; each timed out long ago."""
_MOST_STUCK_OF_ONE = 4
"""So many of them an address may have: a service that lets each message hang must not take all places."""


async def _post_nothing(url: str, body: bytes, headers: Mapping[str, str]) -> PostOutcome:  # noqa: ARG001
    return PostFailed("nothing is there to post with", may_have_arrived=False)


class Notifier:
    """Sends messages; its caller sees to it that an address has one under way at a time.

    `at_once` messages go out side by side. A send that hangs is left behind in its thread, which does
    not keep the process alive. `post` sends to webhooks.

    Two things follow a reload of the configuration, by address: `secrets` sign what goes to webhooks, and
    `rates` stand in place of what a service says that it takes; None lifts all limits.
    """

    def __init__(
        self,
        *,
        post: Post = _post_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        at_once: int = 32,
        within: timedelta = SEND_WITHIN,
    ) -> None:
        self.secrets: Mapping[str, Callable[[], str]] = {}
        self.rates: Mapping[str, Rate | None] = {}
        self._post = post
        self._now = now
        self._pace = Pace()
        self._places = asyncio.Semaphore(at_once)
        self._within = within.total_seconds()
        self._services: dict[str, tuple[str, Service | Webhook | BadAddress]] = {}
        self._styles: dict[str, Style] = {}
        self._stuck: Counter[str] = Counter()

    def check_address(self, url: str) -> str | None:
        """Say what is wrong with the address of a service, without its secrets; None if nothing is."""
        service = _open(url)
        return service.problem if isinstance(service, BadAddress) else None

    def style_of(self, url: str) -> Style:
        """Say how a message must look for the service at an address."""
        if url not in self._styles:
            service = _open(url)
            self._styles[url] = Style() if isinstance(service, BadAddress) else service.style
        return self._styles[url]

    def wait_for(self, address: str, url: str) -> timedelta:
        """Say how long until a service takes the next message; zero if it does now."""
        return self._pace.wait_for(self._meters_of(address, self._open(address, url)), self._now())

    async def send(self, address: str, url: str, message: Outgoing) -> NotifyOutcome:
        """Send one message to `address`, which is at `url` now; never raises for what a service does.

        What would be more than the service takes is not sent: the outcome says when it may be.
        """
        service = self._open(address, url)
        if isinstance(service, BadAddress):
            return NotifyFailed(Reason.UNREACHABLE, service.problem)
        meters = self._meters_of(address, service)
        if wait := self._pace.take(meters, self._now()):
            return NotifyFailed(Reason.RATE_LIMITED, "more would be too much for its service", wait)
        outcome = await self._deliver(address, service, message)
        if isinstance(outcome, NotifyFailed) and outcome.reason is Reason.RATE_LIMITED:
            self._pace.empty(meters, self._now(), outcome.retry_after)
        return outcome

    async def _deliver(self, address: str, service: Service | Webhook, message: Outgoing) -> NotifyOutcome:
        if self._stuck[address] >= _MOST_STUCK_OF_ONE or self._stuck.total() >= _MOST_STUCK:
            return NotifyFailed(Reason.UNREACHABLE, "too many messages hang on their way")
        under_way = False
        try:
            async with asyncio.timeout(self._within), self._places:
                under_way = True
                if isinstance(service, Webhook):
                    return await self._deliver_to_webhook(address, service, message)
                return await self._run(address, lambda: service.deliver(message))
        except TimeoutError:
            if not under_way:
                return NotifyFailed(Reason.UNREACHABLE, "other messages took all the time")
            self._services.pop(address, None)  # what hangs may still use it
            return NotifyTimedOut()

    async def aclose(self) -> None:
        """Forget all addresses; what is under way ends by itself, or with the process."""
        self._services.clear()
        self._styles.clear()

    def _open(self, address: str, url: str) -> Service | Webhook | BadAddress:
        known = self._services.get(address)
        if known is None or known[0] != url:
            known = self._services[address] = (url, _open(url))
        return known[1]

    def _meters_of(self, address: str, service: Service | Webhook | BadAddress) -> tuple[Meter, ...]:
        if address in self.rates:
            rate = self.rates[address]
            return (Meter(address, (rate,)),) if rate is not None else ()
        return () if isinstance(service, Webhook | BadAddress) else service.meters

    async def _deliver_to_webhook(self, address: str, webhook: Webhook, message: Outgoing) -> NotifyOutcome:
        reveal = self.secrets.get(address)
        return await webhook.deliver(message, self._post, reveal() if reveal else None, self._now())

    async def _run(self, address: str, call: Callable[[], NotifyOutcome]) -> NotifyOutcome:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[NotifyOutcome] = loop.create_future()

        def settle(outcome: NotifyOutcome) -> None:
            if done.cancelled():
                self._stuck[address] -= 1
            elif not done.done():
                done.set_result(outcome)

        def work() -> None:
            outcome = _call_safely(call)
            with suppress(RuntimeError):  # the loop is gone, and nobody waits
                loop.call_soon_threadsafe(settle, outcome)

        threading.Thread(target=work, name="feedwatch-notify", daemon=True).start()
        try:
            return await done
        except asyncio.CancelledError:
            self._stuck[address] += done.cancelled()
            raise


def _open(url: str) -> Service | Webhook | BadAddress:
    if webhook := open_webhook(url):
        return webhook
    from feedwatch.notify.door import open_service  # noqa: PLC0415 — with the first address of Apprise's

    return open_service(url)


def _call_safely(call: Callable[[], NotifyOutcome]) -> NotifyOutcome:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 — a plugin may raise anything; its text may hold the address
        return NotifyFailed(Reason.UNREACHABLE, f"the plugin failed: {type(error).__name__}")
