"""One delivery, start to finish: claim what is due, render, notify, settle (design, section 8.3).

The database is never held while a service is asked; a crash between sending and settling repeats one
message, and loses none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from feedwatch.clock import Clock
from feedwatch.core.model import (
    Composed,
    Delivered,
    FactChange,
    Notice,
    NotifyOutcome,
    OwedDelivery,
    Reason,
    RecordedChange,
    Style,
)
from feedwatch.core.render import compose_message
from feedwatch.core.schedule import RetryPolicy, judge_attempt
from feedwatch.core.state import ClaimedMessage, Settled, Settlement
from feedwatch.core.text import clean, page_of
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
    """Serves addresses. `urls` gives the address of a service for each of ours; it follows a reload.

    `redact` is asked about every text before it goes into a message: messages are a way out, too.
    """

    def __init__(
        self,
        store: StoreThread,
        notifier: Notify,
        *,
        urls: Mapping[str, Callable[[], str]],
        policy: RetryPolicy,
        owner: str,
        clock: Clock,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self.urls = urls
        self.policy = policy
        self._owner = owner
        self._clock = clock
        self._redact = redact

    async def serve_all(self, report: Callable[[DeliveryReport], None] | None = None) -> list[DeliveryReport]:
        """Serve every address that has something due, side by side: none waits for another."""
        due = await self._store.run(Store.due_addresses, self._clock.now())
        # All to their end: what breaks for one address must leave no other half-way.
        served = await asyncio.gather(*(self.serve(each, report) for each in due), return_exceptions=True)
        for broken in served:
            if isinstance(broken, BaseException):
                raise broken
        return [each for reports in served if isinstance(reports, list) for each in reports]

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
        settlement = replace(settlement, detail=self._redact(settlement.detail))
        # Once a message is sent its settling must not be lost to a stop of the daemon.
        held = await asyncio.shield(self._store.run(Store.settle_message, claim, settlement, now))
        if not held:
            _LOG.warning("claim ran out address=%s message=%d: it may be sent again", address, claim.id)
        return _log(claim, outcome, settlement)

    async def _claim(self, address: str, style: Style) -> ClaimedMessage | None:
        def compose(deliveries: Sequence[OwedDelivery]) -> Composed:
            # One by one, as they are asked for: most of them may have to wait for the next message.
            harmless = (replace(d, subject=hide_secrets(d.subject, self._redact)) for d in deliveries)
            return compose_message(harmless, style)

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


def hide_secrets(subject: RecordedChange | Notice, redact: Callable[[str], str]) -> RecordedChange | Notice:
    """Take the secrets out of every text of what a message tells.

    A link that would be masked leads nowhere: it is left out.
    """

    def hide(text: str) -> str:
        # A secret may be broken by what nobody sees: it is whole again once that is gone.
        text = redact(text)
        return text if (cleaned := clean(text)) == text else redact(cleaned)

    def hide_link(link: str | None) -> str | None:
        page = page_of(link)
        return page if page is not None and redact(page) == page and redact(link or "") == link else None

    if isinstance(subject, Notice):
        return replace(
            subject,
            account=subject.account and hide(subject.account),
            feeds=tuple(replace(line, feed=hide(line.feed)) for line in subject.feeds),
            reason=subject.reason and hide(subject.reason),
        )
    return replace(
        subject,
        account=hide(subject.account),
        feed=hide(subject.feed),
        key=hide(subject.key),
        title=hide(subject.title),
        link=hide_link(subject.link),
        facts={
            name: FactChange(
                *(hide_link(v) if name == "link" else v and hide(v) for v in (f.before, f.after))
            )
            for name, f in subject.facts.items()
        },
        entry_facts={name: hide(value) for name, value in subject.entry_facts.items()},
    )


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
