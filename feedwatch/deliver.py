"""One delivery, start to finish: claim what is due, render, notify, settle (design, section 8.3).

The database is never held while a service is asked; a crash between sending and settling repeats one
message, and loses none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from feedwatch.clock import Clock
from feedwatch.core.model import Composed, Delivered, NotifyOutcome, OwedDelivery, Reason, Style
from feedwatch.core.render import compose_message
from feedwatch.core.schedule import RetryPolicy, judge_attempt
from feedwatch.core.state import ClaimedMessage, Settled, Settlement
from feedwatch.store import Store, StoreThread

_LOG = logging.getLogger("feedwatch.deliver")

LEASE = timedelta(minutes=2)
"""How long a claim holds: longer than any send may take, so that no message is sent twice at once."""


class Notify(Protocol):
    """What sends a message (feedwatch.notify.Notifier)."""

    def style_of(self, url: str) -> Style:
        """How a message must look for a service."""
        ...

    async def send(
        self, address: str, url: str, message_title: str, body: str, *, is_html: bool
    ) -> NotifyOutcome:
        """Send one message, within a minute."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one attempt came to."""

    address: str
    message: int
    outcome: Settled
    attempts: int
    deliveries: int
    reason: Reason | None = None
    detail: str = ""


class Deliverer:
    """Serves addresses. `urls` gives the address of a service for each of ours; it follows a reload."""

    def __init__(
        self,
        store: StoreThread,
        notifier: Notify,
        *,
        urls: Mapping[str, Callable[[], str]],
        policy: RetryPolicy,
        owner: str,
        clock: Clock,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self.urls = urls
        self.policy = policy
        self._owner = owner
        self._clock = clock

    async def serve_all(self, report: Callable[[DeliveryReport], None] | None = None) -> list[DeliveryReport]:
        """Serve every address that has something due, side by side: none waits for another."""
        due = await self._store.run(Store.due_addresses, self._clock.now())
        served = await asyncio.gather(*(self.serve(address, report) for address in due))
        return [each for reports in served for each in reports]

    async def serve(
        self, address: str, report: Callable[[DeliveryReport], None] | None = None
    ) -> list[DeliveryReport]:
        """Send what is due for one address, message after message, until nothing is or one fails."""
        reports: list[DeliveryReport] = []
        while (made := await self.deliver_one(address)) is not None:
            reports.append(made)
            if report:
                report(made)
            if made.outcome is Settled.AGAIN and not await self._more_due(address):
                break
        return reports

    async def deliver_one(self, address: str) -> DeliveryReport | None:
        """Claim, render, notify, settle: one message. None when nothing is due for the address."""
        reveal = self.urls.get(address)
        if reveal is None:
            return None
        url = reveal()
        claim = await self._claim(address, self._notifier.style_of(url))
        if claim is None:
            return None
        outcome = await self._notifier.send(address, url, claim.title, claim.body, is_html=claim.is_html)
        now = self._clock.now()
        settlement = judge_attempt(claim, outcome, self.policy, now=now, jitter=self._clock.jitter())
        # Once a message is sent its settling must not be lost to a stop of the daemon.
        await asyncio.shield(self._store.run(Store.settle_message, claim, settlement, now))
        return _log(claim, outcome, settlement)

    async def _claim(self, address: str, style: Style) -> ClaimedMessage | None:
        def compose(deliveries: Sequence[OwedDelivery]) -> Composed:
            return compose_message(deliveries, style)

        now = self._clock.now()
        return await self._store.run(
            Store.claim_message,
            address,
            now=now,
            lease_until_at=now + LEASE,
            owner=self._owner,
            compose=compose,
        )

    async def _more_due(self, address: str) -> bool:
        return address in await self._store.run(Store.due_addresses, self._clock.now())


def _log(claim: ClaimedMessage, outcome: NotifyOutcome, settlement: Settlement) -> DeliveryReport:
    report = DeliveryReport(
        claim.address,
        claim.id,
        settlement.outcome,
        claim.attempts,
        claim.deliveries,
        settlement.reason,
        settlement.detail,
    )
    at = settlement.next_attempt_at
    _LOG.log(
        logging.INFO if isinstance(outcome, Delivered) else logging.WARNING,
        "delivered address=%s message=%d outcome=%s attempt=%d deliveries=%d%s%s%s",
        claim.address,
        claim.id,
        settlement.outcome,
        claim.attempts,
        claim.deliveries,
        f" reason={settlement.reason}" if settlement.reason else "",
        f" detail={settlement.detail!r}" if settlement.detail else "",
        f" again_at={at:%Y-%m-%dT%H:%M:%SZ}" if at and settlement.outcome is Settled.AGAIN else "",
    )
    return report
