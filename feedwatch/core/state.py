"""What is remembered about a feed, what one poll brought, and what is decided about it.

`PollTask` goes out with a poll, `PollResult` comes back from it, `FeedMemory` is read and
`PollDecision` written inside the one transaction in which the result lands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from feedwatch.core.messages import Markup, PictureLink, WaitsFor
from feedwatch.core.model import (
    Change,
    Entry,
    FeedState,
    FetchFailed,
    Kind,
    Notice,
    Reason,
    RecordedChange,
    Snapshot,
    Validators,
)


@dataclass(frozen=True, slots=True)
class PollTask:
    """One poll to be made, with what must be known before the request.

    `number` is this poll's number, `landed` the number of the last poll whose result had landed
    when this one was taken (law 11). `validators` holds one pair a page, in page order.
    `believed_at` is when a whole reply was last read; `first` says that there is no snapshot yet.
    `plain` asks for the API's plain XML; `body_etag` and `body_total` are what its last whole reply said.
    `parts` is by what its entries are known again (parse/parts.py).
    """

    feed_id: int
    account: str
    name: str
    kind: Kind
    address: str = field(repr=False)
    number: int
    landed: int
    state: FeedState
    first: bool
    validators: tuple[Validators, ...] = ()
    believed_at: datetime | None = None
    body_digest: bytes | None = None
    content_digest: bytes | None = None
    every: timedelta | None = None
    announce_baseline: bool = False
    compare_content: bool = False
    plain: bool = False
    body_etag: str | None = None
    body_total: int | None = None
    paging_refused: bool = False
    moved_to: str | None = field(default=None, repr=False)
    moved_polls: int = 0
    failures: int = 0
    failing_since_at: datetime | None = None
    broken_announced: bool = False
    parts: bytes | None = field(default=None, repr=False)

    @property
    def feed(self) -> str:
        """The feed's name for ever: `account/name`."""
        return f"{self.account}/{self.name}"


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a poll brought: a snapshot read to its end, and what to remember of the reply.

    `earlier` are viewings that a window does not show (core/earlier.py), from the history as a whole: those
    before a baseline, or those between what was known and what the window shows. `parts` is by what its
    entries are known again. Where `stood` is given, `snapshot` holds those alone that were not known, and is
    to be completed from the snapshot of the poll that had landed last when this one was taken
    (`core.snapshot.complete_snapshot`).
    """

    snapshot: Snapshot
    validators: tuple[Validators, ...]
    body_digest: bytes
    content_digest: bytes
    at: datetime
    body_etag: str | None = None
    body_total: int | None = None
    paging_refused: bool = False
    moved_to: str | None = field(default=None, repr=False)
    earlier: tuple[Entry, ...] = ()
    parts: bytes | None = field(default=None, repr=False)
    stood: tuple[int | None, ...] | None = None

    @property
    def size(self) -> int:
        """How many entries the list has."""
        return len(self.snapshot.entries if self.stood is None else self.stood)


@dataclass(frozen=True, slots=True)
class HeldReply:
    """Why a reply is not believed yet, and the digest of the list it showed."""

    reason: Reason
    digest: bytes


@dataclass(frozen=True, slots=True)
class FeedMemory:
    """What is known of a feed at the moment a result lands.

    `compared_as` is the signature of the rules the snapshot was taken under. `seen` holds those
    keys and aliases of the new snapshot that a window of this feed showed within `keep` and that
    are not in the last snapshot. `left_etags` are body etags this feed has left behind.
    """

    snapshot: Snapshot | None = None
    compared_as: str | None = None
    seen: frozenset[str] = frozenset()
    held: HeldReply | None = None
    body_etag: str | None = None
    left_etags: tuple[str, ...] = ()
    grows_at_end: bool = False
    failures: int = 0
    failing_since_at: datetime | None = None
    broken_announced: bool = False
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """What is not told for a time: changes that fulfil a condition, `matcher`, as it was typed."""

    id: int
    matcher: str
    comment: str
    created_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SilenceStatus:
    """A line of `feedwatch silence list`: a silence, and how many changes it has kept from being told."""

    silence: Silence
    kept: int


class Planned(NamedTuple):
    """A change, by its place among those decided, that is owed to an address.

    `not_before` is None for at once; `manner` is the key of how it is told (core/manner.py). With a
    `silence_id` it is written down as owed, and not told. `route` is the route that tells it, counted from 1.
    """

    change: int
    address: str
    not_before: datetime | None = None
    manner: str = ""
    urgent: bool = False
    waits_for: WaitsFor | None = None
    silence_id: int | None = None
    route: int | None = None


class Bundle(NamedTuple):
    """How the deliveries of a message are told: in which manner, as which part of a period's digest."""

    manner: str = ""
    period_at: datetime | None = None
    part: int = 1


class Verdict(StrEnum):
    """What became of a poll's result."""

    BASELINE = "baseline"
    COMPARED = "compared"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class PollDecision:
    """All that one poll writes, decided: applied as a whole or not at all.

    For `HELD`, only `held` and `next_poll_at` are written. `departed` are entries that left a
    window without a removal and are remembered for `keep`; `rekeyed` maps the new key of an entry to
    the one it had (its `first_seen_at` goes along). `deliveries` says which change is owed to which
    address, and when; `notice` (a recovery) goes to `notice_addresses`.
    """

    verdict: Verdict
    next_poll_at: datetime
    compared_as: str
    snapshot: Snapshot | None = None
    changes: tuple[Change, ...] = ()
    deliveries: tuple[Planned, ...] = ()
    departed: tuple[Entry, ...] = ()
    rekeyed: Mapping[str, str] = field(default_factory=dict)
    held: HeldReply | None = None
    grows_at_end: bool = False
    notice: Notice | None = None
    notice_addresses: tuple[str, ...] = ()


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class UnchangedPoll:
    """A poll that brought nothing new: a 304, the same bytes, or the same once dates are blanked.

    `validators` is None after a 304 that sent none (those kept stay), else what the reply sent.
    `body_digest` is set when the bytes differ but the content does not.
    """

    task: PollTask
    at: datetime
    next_poll_at: datetime
    validators: tuple[Validators, ...] | None = None
    body_digest: bytes | None = None
    believed: bool = False
    moved_to: str | None = field(default=None, repr=False)
    notice: Notice | None = None
    notice_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedPoll:
    """A poll that failed. Nothing known is touched (law 7); `blamed` is False in an outage of our own."""

    task: PollTask
    at: datetime
    failure: FetchFailed
    next_poll_at: datetime
    blamed: bool = True
    retire: bool = False
    notice: Notice | None = None
    notice_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFeed:
    """A feed the store knows of an account, for naming and for `discover`."""

    name: str
    title: str | None
    address: str = field(repr=False)
    retired: bool = False


@dataclass(frozen=True, slots=True)
class IndexEffect:
    """What reading an account's index changed: names of feeds new, back, at a new address, retired."""

    found: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    readdressed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressHealth:
    """Since when an address has taken nothing (None: it does), and whether others were told."""

    failing_since_at: datetime | None = None
    announced: bool = False


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message taken for a limited time. Settling needs `token`.

    `attempts` counts this one; `refusals` those before it. `works` says that its address has taken
    another message since this one was set apart; `alone` that it was set apart. `may_have_arrived` says
    that an attempt before this one ended without an answer; `health` is that of its address. `key` is
    told to who can make use of it: it is the same for each attempt.
    """

    id: int
    address: str
    token: str
    title: str
    body: str
    markup: Markup
    attempts: int
    refusals: int
    first_attempt_at: datetime
    twin: str = ""
    pictures: tuple[PictureLink, ...] = ()
    key: str = ""
    alone: bool = False
    works: bool = False
    deliveries: int = 1
    may_have_arrived: bool = False
    health: AddressHealth = AddressHealth()


class Settled(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    AGAIN = "again"
    SET_APART = "set_apart"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended, why, and when to try again. `refused` counts towards setting apart.

    `rest` is how long the service asked to be left alone (zero: until it seems fit), None if it did not:
    such an attempt is no failure of its target. `told` are the addresses that hear of it should the
    target be found failing, or working again.
    """

    outcome: Settled
    next_attempt_at: datetime | None = None
    reason: Reason | None = None
    detail: str = ""
    refused: bool = False
    may_have_arrived: bool = False
    rest: timedelta | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """A line of `feedwatch status`."""

    feed: str
    kind: Kind
    group: str | None
    entries: int
    state: FeedState
    reason: Reason | None
    detail: str
    last_polled_at: datetime | None
    next_poll_at: datetime | None
    failures: int
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A line of `feedwatch show`."""

    entry: Entry
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """A line of `feedwatch outbox`. `id` is None for deliveries not yet bound into a message.

    A paused address has such a line even if nothing is owed to it. `paused_itself` says that the message is
    paused by itself, and not only with its address.
    """

    id: int | None
    address: str
    state: str
    attempts: int
    next_attempt_at: datetime | None
    reason: Reason | None
    detail: str
    changes: int
    created_at: datetime
    paused_itself: bool = False
    waits_for: WaitsFor | None = None


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What became of one change at one address, for `feedwatch explain`.

    `message` is the id of the message that tells it, `message_state` where that is on its way. `is_paused`
    says that it waits for an address that is paused.
    """

    address: str
    state: str
    not_before: datetime
    manner: str
    urgent: bool
    waits_for: WaitsFor | None
    reason: Reason | None
    settled_at: datetime | None
    is_paused: bool = False
    silence: Silence | None = None
    message: int | None = None
    message_state: str | None = None
    message_title: str = ""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery that no message has bound yet: to be planned anew when the routes are others."""

    id: int
    address: str
    change: RecordedChange


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """What is known of an address: since when it is paused, and how it fares."""

    address: str
    paused_at: datetime | None
    health: AddressHealth


@dataclass(frozen=True, slots=True)
class SignIn:
    """What `feedwatch login` has got for an account, and keeps.

    `application` is a digest of the server and the consumer key that it is for (`netflix.signing`): for
    another it is worth nothing.
    """

    account: str
    application: str
    user_id: str | None = field(repr=False)
    token: str = field(repr=False)
    secret: str = field(repr=False)
    at: datetime


class QueuedTitle(NamedTuple):
    """A title in a queue as it was last read; one that is saved has no position."""

    ref: str
    name: str
    position: int | None


@dataclass(frozen=True, slots=True)
class QueueReading:
    """A queue as it was last read or changed by us, to say what has moved since.

    `etag` is what a change must name; without one the queue has to be read before the next change. `left`
    are etags that it had before: a server that shows one of them shows what was.
    """

    etag: str | None
    titles: tuple[QueuedTitle, ...]
    at: datetime
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What is known of an account's sign-in and index; `stamp` is of what it is asked with."""

    name: str
    stamp: str
    signed_out: bool
    reason: Reason | None
    detail: str
    failures: int
    next_index_at: datetime | None
    failing_since_at: datetime | None = None
    broken_announced: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
