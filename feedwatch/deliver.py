"""One delivery, start to finish: claim what is due, render, notify, settle (design, section 8.3).

The database is never held while a service is asked; a crash between sending and settling repeats one
message, and loses none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from feedwatch.clock import Clock
from feedwatch.core.model import (
    Composed,
    Delivered,
    FactChange,
    Notice,
    NoticeKind,
    NotifyOutcome,
    OwedDelivery,
    Reason,
    RecordedChange,
    Style,
)
from feedwatch.core.render import compose_message, mark_repeat
from feedwatch.core.schedule import RetryPolicy, judge_address, judge_attempt
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


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that was sent, and how that ended: to be written down, however long that takes."""

    claim: ClaimedMessage
    outcome: NotifyOutcome
    settlement: Settlement
    at: datetime


class Deliverer:
    """Serves addresses. `urls` gives the address of a service for each of ours; it follows a reload.

    `told_about` names the addresses that hear of one that fails; it follows a reload, too. `redact` is
    asked about every text before it goes into a message: messages are a way out, too.
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
        told_about: Callable[[str], tuple[str, ...]] = lambda _: (),
        redact: Callable[[str], str] = str,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self.urls = urls
        self.told_about = told_about
        self.policy = policy
        self._owner = owner
        self._clock = clock
        self._redact = redact
        self._unsettled: dict[str, _Sent] = {}

    async def serve_all(self, report: Callable[[DeliveryReport], None] | None = None) -> list[DeliveryReport]:
        """Serve every address that has something due, side by side: none waits for another.

        That one fails or works again is owed to others only then: they are served once more.
        """
        made: list[DeliveryReport] = []
        left_alone: set[str] = set()
        while due := [each for each in await self.due_addresses() if each not in left_alone]:
            # All to their end: what breaks for one address must leave no other half-way.
            served = await asyncio.gather(*(self.serve(each, report) for each in due), return_exceptions=True)
            for address, reports in zip(due, served, strict=True):
                if isinstance(reports, BaseException):
                    raise reports
                made += reports
                if not reports or reports[-1].outcome is Settled.AGAIN:
                    left_alone.add(address)
        return made

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
        if address in self._unsettled:
            return await self._settle(address)
        reveal = self.urls.get(address)
        if reveal is None:
            return None
        url = reveal()
        style = self._notifier.style_of(url)
        claim = await self._claim(address, style)
        if claim is None:
            return None
        body = claim.body
        if claim.may_have_arrived:
            body = mark_repeat(body, style, is_html=claim.is_html)
        outcome = await self._notifier.send(address, url, claim.title, body, is_html=claim.is_html)
        now = self._clock.now()
        settlement = judge_attempt(claim, outcome, self.policy, now=now, jitter=self._clock.jitter())
        told = self.told_about(address)
        settlement = replace(settlement, detail=self._redact(settlement.detail), told=told)
        self._unsettled[address] = _Sent(claim, outcome, settlement, now)
        return await self._settle(address)

    async def settle_left(self) -> None:
        """Write down how sends ended that could not be written before.

        Raises:
            StoreError: it still cannot be.
        """
        for address in list(self._unsettled):
            await self._settle(address)

    async def _settle(self, address: str) -> DeliveryReport:
        """Write down how a send ended. What cannot be written now is kept, and written before all else.

        A full disk must not have a message sent again that has arrived.
        """
        sent = self._unsettled[address]
        # Once a message is sent its settling must not be lost to a stop of the daemon.
        held = await asyncio.shield(
            self._store.run(Store.settle_message, sent.claim, sent.settlement, sent.at)
        )
        self._unsettled.pop(address, None)
        if held:
            _log_health(sent.claim, sent.settlement, sent.at)
        else:
            _LOG.warning("claim ran out address=%s message=%d: it may be sent again", address, sent.claim.id)
        return _log(sent.claim, sent.outcome, sent.settlement)

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
            drop_ambiguous=self.policy.drop_ambiguous,
        )

    async def _more_due(self, address: str) -> bool:
        return address in await self._store.run(Store.due_addresses, self._clock.now())

    async def due_addresses(self) -> tuple[str, ...]:
        """Give the addresses that something is due for: to be sent, or to be written down at last."""
        due = await self._store.run(Store.due_addresses, self._clock.now())
        return tuple(dict.fromkeys((*self._unsettled, *due)))


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


def _log_health(claim: ClaimedMessage, settlement: Settlement, now: datetime) -> None:
    """Log that an address fails or works again: where there is no other target, nobody else says so."""
    _, notice = judge_address(claim.address, claim.health, settlement, now)
    if notice is not None:
        level = logging.ERROR if notice.kind is NoticeKind.TARGET_FAILING else logging.INFO
        _LOG.log(
            level,
            "%s address=%s since=%s",
            notice.kind,
            claim.address,
            f"{notice.since_at:%Y-%m-%dT%H:%M:%SZ}",
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
        "%s address=%s message=%d outcome=%s attempt=%d deliveries=%d%s%s%s",
        "delivered" if isinstance(outcome, Delivered) else "not delivered",
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
