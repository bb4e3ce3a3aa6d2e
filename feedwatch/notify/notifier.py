"""Messages to addresses, each in a thread of its own, within a minute."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from feedwatch.core.model import NotifyFailed, NotifyOutcome, NotifyTimedOut, Reason, Style
from feedwatch.notify.door import BadAddress, Service, open_service

SEND_WITHIN = timedelta(seconds=60)
_MOST_STUCK = 32
"""Sends that never come back may keep so many threads; each timed out long ago."""
_MOST_STUCK_OF_ONE = 4
"""So many of them an address may have: a service that lets each message hang must not take all places."""


class Notifier:
    """Sends messages; its caller sees to it that an address has one under way at a time.

    `at_once` messages go out side by side. A send that hangs is left behind in its thread, which does
    not keep the process alive.
    """

    def __init__(self, *, at_once: int = 32, within: timedelta = SEND_WITHIN) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._within = within.total_seconds()
        self._services: dict[str, tuple[str, Service | BadAddress]] = {}
        self._styles: dict[str, Style] = {}
        self._stuck: Counter[str] = Counter()

    def check_address(self, url: str) -> str | None:
        """Say what is wrong with the address of a service, without its secrets; None if nothing is."""
        service = open_service(url)
        return service.problem if isinstance(service, BadAddress) else None

    def style_of(self, url: str) -> Style:
        """Say how a message must look for the service at an address."""
        if url not in self._styles:
            service = open_service(url)
            self._styles[url] = Style() if isinstance(service, BadAddress) else service.style
        return self._styles[url]

    async def send(
        self, address: str, url: str, message_title: str, body: str, *, is_html: bool
    ) -> NotifyOutcome:
        """Send one message to `address`, which is at `url` now; never raises for what a service does."""
        service = self._open(address, url)
        if isinstance(service, BadAddress):
            return NotifyFailed(Reason.UNREACHABLE, service.problem)
        if self._stuck[address] >= _MOST_STUCK_OF_ONE or self._stuck.total() >= _MOST_STUCK:
            return NotifyFailed(Reason.UNREACHABLE, "too many messages hang on their way")
        under_way = False
        try:
            async with asyncio.timeout(self._within), self._places:
                under_way = True
                return await self._run(address, lambda: service.deliver(message_title, body, is_html=is_html))
        except TimeoutError:
            if not under_way:
                return NotifyFailed(Reason.UNREACHABLE, "other messages took all the time")
            self._services.pop(address, None)  # what hangs may still use it
            return NotifyTimedOut()

    async def aclose(self) -> None:
        """Forget all addresses; what is under way ends by itself, or with the process."""
        self._services.clear()
        self._styles.clear()

    def _open(self, address: str, url: str) -> Service | BadAddress:
        known = self._services.get(address)
        if known is None or known[0] != url:
            known = self._services[address] = (url, open_service(url))
        return known[1]

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


def _call_safely(call: Callable[[], NotifyOutcome]) -> NotifyOutcome:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 — a plugin may raise anything; its text may hold the address
        return NotifyFailed(Reason.UNREACHABLE, f"the plugin failed: {type(error).__name__}")
