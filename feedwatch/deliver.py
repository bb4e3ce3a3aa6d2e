"""One delivery, start to finish: claim what is due, render, notify, settle (design, section 8.3).

The database is never held while a service is asked; a crash between sending and settling repeats one
message, and loses none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from feedwatch.clock import Clock
from feedwatch.core.calendar import Quiet
from feedwatch.core.hiding import Hider
from feedwatch.core.manner import PLAIN, Batch, Manner, MannerNow, look_at
from feedwatch.core.messages import (
    Composed,
    Delivered,
    Markup,
    NotifyOutcome,
    Outgoing,
    OwedDelivery,
    Picture,
    PictureLink,
    Style,
)
from feedwatch.core.model import Notice, NoticeKind, Reason, RecordedChange
from feedwatch.core.render import compose_message, mark_repeat
from feedwatch.core.schedule import RetryPolicy, judge_address, judge_attempt
from feedwatch.core.state import Bundle, ClaimedMessage, Settled, Settlement
from feedwatch.core.told import Scribe
from feedwatch.store import NO_END, OFFERED_AT_ONCE, Store
from feedwatch.store.thread import StoreThread

_LOG = logging.getLogger("feedwatch.deliver")

_MOST_TURNS = 20
_USUAL_LENGTHS = {Markup.TEXT: 50, Markup.MARKDOWN: 80, Markup.HTML: 100, Markup.JSON: 400}
_USUAL_ON_PAGE = 700
"""What is said of one title takes about so much, and seldom less."""
LEASE = timedelta(minutes=2)
"""How long a claim holds: longer than any send may take, so that no message is sent twice at once."""


class Notify(Protocol):
    """What sends a message (feedwatch.notify.Notifier)."""

    def style_of(self, url: str) -> Style:
        """How a message must look for a service."""
        ...

    def wait_for(self, address: str, url: str) -> timedelta:
        """How long until the service takes the next message; zero if it does now."""
        ...

    async def send(self, address: str, url: str, message: Outgoing) -> NotifyOutcome:
        """Send one message, within a minute."""
        ...


FetchPictures = Callable[[Sequence[PictureLink]], Awaitable[tuple[Picture, ...]]]
"""Fetches those pictures that can be had, within seconds; never raises."""


async def _fetch_nothing(_: Sequence[PictureLink]) -> tuple[Picture, ...]:
    return ()


def _tell_nobody(_: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a configuration says about telling.

    `urls` gives the address of a service for each of ours. `told_about` names the addresses that hear of
    one that fails. `manners` are, by key, the ways in which changes are told; `notices_quiet` the hours in
    which feedwatch does not speak of itself. Of a title is told what was asked within `details`.
    """

    urls: Mapping[str, Callable[[], str]]
    policy: RetryPolicy
    told_about: Callable[[str], tuple[str, ...]] = _tell_nobody
    manners: Mapping[str, Manner] = field(default_factory=dict)
    notices_quiet: Quiet | None = None
    scribe: Scribe | None = None
    details: timedelta = timedelta(days=1)

    def look(self, manner: str, now: datetime) -> MannerNow:
        """Say what a manner means now; one that the configuration does not know is nothing special."""
        return look_at(self.manners.get(manner, PLAIN), now)

    def read_bundle(self, bundle: Bundle) -> Batch:
        """How a bundle is told, by the manner that its key stands for."""
        return Batch(self.manners.get(bundle.manner, PLAIN), bundle.period_at, bundle.part)


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
    """Serves addresses. `terms` follow a reload of the configuration.

    `redact` is asked about every text before it goes into a message: messages are a way out, too.
    """

    def __init__(
        self,
        store: StoreThread,
        notifier: Notify,
        terms: Terms,
        *,
        owner: str,
        clock: Clock,
        redact: Callable[[str], str] = str,
        fetch_pictures: FetchPictures = _fetch_nothing,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self.terms = terms
        self._owner = owner
        self._clock = clock
        self._redact = redact
        self._fetch_pictures = fetch_pictures
        self._unsettled: dict[str, _Sent] = {}
        self._settling: dict[str, asyncio.Future[bool]] = {}
        """Of these, what is being written down."""

    async def serve_all(self, report: Callable[[DeliveryReport], None] | None = None) -> list[DeliveryReport]:
        """Serve every address that has something due, side by side: none waits for another.

        That one fails or works again is owed to others only then: they are served once more. Where a service
        takes only so many messages at a time, the others wait for their turn.
        """
        made: list[DeliveryReport] = []
        left_alone: set[str] = set()
        while due := [each for each in await self.due_addresses() if each not in left_alone]:
            # All to their end: what breaks for one address must leave no other half-way.
            serving = (self.serve(each, report, patient=True) for each in due)
            served = await asyncio.gather(*serving, return_exceptions=True)
            for address, reports in zip(due, served, strict=True):
                if isinstance(reports, BaseException):
                    raise reports
                made += reports
                if not reports or reports[-1].outcome is Settled.AGAIN:
                    left_alone.add(address)
        return made

    async def serve(
        self,
        address: str,
        report: Callable[[DeliveryReport], None] | None = None,
        *,
        patient: bool = False,
    ) -> list[DeliveryReport]:
        """Send what is due for one address, message after message, until nothing is or one fails.

        Or until its service takes no more for now: who is `patient` waits for that.
        """
        reports: list[DeliveryReport] = []
        while True:
            if patient:
                await self._wait_for_turn(address)
            made = await self.deliver_one(address)
            if made is None:
                break
            reports.append(made)
            if report:
                report(made)
            if made.outcome is Settled.AGAIN and not await self._more_due(address):
                break
        return reports

    async def deliver_one(self, address: str) -> DeliveryReport | None:
        """Claim, render, notify, settle: one message. None when nothing is due, or taken, now."""
        if address in self._unsettled:
            return await self._settle(address)
        terms = self.terms
        reveal = terms.urls.get(address)
        if reveal is None:
            return None
        url = reveal()
        if self._notifier.wait_for(address, url):
            return None
        style = self._notifier.style_of(url)
        claim = await self._claim(address, style)
        if claim is None:
            return None
        outcome = await self._notifier.send(address, url, await self._prepare(claim, style))
        now = self._clock.now()
        settlement = judge_attempt(claim, outcome, terms.policy, now=now, jitter=self._clock.jitter())
        told = terms.told_about(address)
        settlement = replace(settlement, detail=self._redact(settlement.detail), told=told)
        self._unsettled[address] = _Sent(claim, outcome, settlement, now)
        return await self._settle(address)

    async def _wait_for_turn(self, address: str) -> None:
        """Wait until the address's service takes a message, if there is one for it; not for ever.

        Another address may share its turns, and be faster.
        """
        reveal = self.terms.urls.get(address)
        for _ in range(_MOST_TURNS):
            wait = self._notifier.wait_for(address, reveal()) if reveal else None
            if not wait or not await self._more_due(address):
                return
            await asyncio.sleep(wait.total_seconds())

    async def _prepare(self, claim: ClaimedMessage, style: Style) -> Outgoing:
        """A message as it goes out: with the pictures that can be had; marked, if it may have come before."""
        pictures = await self._fetch_pictures(claim.pictures) if claim.pictures else ()
        body, twin = claim.body, claim.twin
        if claim.may_have_arrived:
            body = mark_repeat(body, claim.markup, style)
            twin = twin and mark_repeat(twin, Markup.TEXT, style)
        return Outgoing(
            claim.title,
            body,
            claim.markup,
            twin=twin,
            key=claim.key,
            pictures=pictures,
            repeated=claim.may_have_arrived,
        )

    async def settle_left(self) -> None:
        """Write down how sends ended that could not be written before.

        Raises:
            StoreError: it still cannot be.
        """
        for address in list(self._unsettled):
            if address in self._unsettled:  # what was being written may have been, meanwhile
                await self._settle(address)

    async def _settle(self, address: str) -> DeliveryReport:
        """Write down how a send ended. What cannot be written now is kept, and written before all else.

        A full disk must not have a message sent again that has arrived.
        """
        sent = self._unsettled[address]
        if address not in self._settling:
            self._settling[address] = asyncio.ensure_future(self._write(address, sent))
        # Once a message is sent its settling must not be lost to a stop of the daemon.
        if await asyncio.shield(self._settling[address]):
            _log_health(sent.claim, sent.settlement, sent.at)
        else:
            _LOG.warning(
                "claim ran out address=%s message=%d: it was given up meanwhile, or may be sent again",
                address,
                sent.claim.id,
            )
        return _log(sent.claim, sent.outcome, sent.settlement)

    async def _write(self, address: str, sent: _Sent) -> bool:
        """Write down how a send ended; False if its claim did not hold any more."""
        try:
            held = await self._store.run(Store.settle_message, sent.claim, sent.settlement, sent.at)
            del self._unsettled[address]
            return held
        finally:
            del self._settling[address]

    async def _claim(self, address: str, style: Style) -> ClaimedMessage | None:
        terms, now = self.terms, self._clock.now()

        def compose(deliveries: Sequence[OwedDelivery], bundle: Bundle) -> Composed:
            return compose_batch(deliveries, terms.read_bundle(bundle), style, terms.scribe, self._redact)

        def likely(bundle: Bundle) -> int:
            if terms.read_bundle(bundle).manner.limit is not None:  # what is not named is counted
                return OFFERED_AT_ONCE
            usual = _USUAL_ON_PAGE if style.twin else _USUAL_LENGTHS[style.markup]
            return max(style.limit // usual, 1)

        def room(bundle: Bundle) -> int:
            manner = terms.read_bundle(bundle).manner
            # Nothing of what is counted need be said, and somebody's own words may leave out anything.
            return NO_END if manner.limit is not None or manner.template else style.limit

        quiet = terms.notices_quiet
        return await self._store.run(
            Store.claim_message,
            address,
            now=now,
            lease_until_at=now + LEASE,
            owner=self._owner,
            compose=compose,
            drop_ambiguous=terms.policy.drop_ambiguous,
            look=lambda manner: terms.look(manner, now),
            notices_quiet_until_at=quiet.until(now) if quiet else None,
            details_since=now - terms.details,
            likely=likely,
            room=room,
        )

    async def _more_due(self, address: str) -> bool:
        return address in await self._store.run(Store.due_addresses, self._clock.now())

    async def due_addresses(self) -> tuple[str, ...]:
        """Give the addresses that something is due for: to be sent, or to be written down at last."""
        due = await self._store.run(Store.due_addresses, self._clock.now())
        return tuple(dict.fromkeys((*self._unsettled, *due)))


def compose_batch(
    deliveries: Sequence[OwedDelivery],
    batch: Batch,
    style: Style,
    scribe: Scribe | None,
    redact: Callable[[str], str],
) -> Composed:
    """Make a message of the longest run of deliveries that fits; no secret is in it."""
    hider = Hider(redact)
    harmless = (_with_subject(each, hider.hide(each.subject)) for each in deliveries)
    return compose_message(harmless, style, batch=batch, scribe=scribe)


def _with_subject(owed: OwedDelivery, subject: RecordedChange | Notice) -> OwedDelivery:
    return owed if subject is owed.subject else replace(owed, subject=subject)


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
