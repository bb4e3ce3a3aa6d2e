"""Short words for tests of the store: a watched feed, a list, a poll that lands, what is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from feedwatch.core.messages import Composed, Markup, OwedDelivery
from feedwatch.core.model import (
    Change,
    ChangeKind,
    Entry,
    FetchFailed,
    FoundFeed,
    Kind,
    Notice,
    Reason,
    RecordedChange,
    Snapshot,
)
from feedwatch.core.state import (
    Bundle,
    ClaimedMessage,
    FailedPoll,
    FeedMemory,
    IndexEffect,
    Planned,
    PollDecision,
    PollResult,
    PollTask,
    UnchangedPoll,
    Verdict,
)
from feedwatch.store import ReadPoll, Store
from feedwatch.store.owing import owe_notice
from feedwatch.store.polls import Decide

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
FEED = "jane/queue"
QUEUE = FoundFeed("queue", Kind.QUEUE, "http://lists.example/queue?feed_token=t1")
PHONE, MAIL = "phone/1", "mail/1"


def after(minutes: float) -> datetime:
    """An instant so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def rows(store: Store, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a statement finds, as plain tuples."""
    return [tuple(row) for row in store.query(sql, parameters)]


# ── accounts and feeds ────────────────────────────────────────────────────────────────────────────


def index(
    store: Store,
    *found: FoundFeed,
    account: str = "jane",
    now: datetime = START,
    authoritative: bool = False,
    facts: Mapping[str, str] | None = None,
) -> IndexEffect:
    """Record an index that has these feeds."""
    effect = store.record_index(
        account,
        found,
        now=now,
        next_index_at=now + timedelta(days=1),
        authoritative=authoritative,
        facts=facts or {},
        make_notices=lambda _: (),
        notice_addresses=(),
    )
    assert effect is not None
    return effect


def watch(store: Store, *found: FoundFeed, account: str = "jane") -> None:
    """Have an account with these feeds; the queue if none is named."""
    store.sync_accounts({account: "credentials"}, START)
    index(store, *(found or (QUEUE,)), account=account)


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────


def entry(key: str, position: int | None = None, **facts: str) -> Entry:
    """An entry of a queue."""
    return Entry(key, f"Title {key}", f"http://films.example/{key}", position, facts, alias=f"alias {key}")


def listed(*keys: str, whole: bool = True) -> Snapshot:
    """A list of these entries, in order."""
    ranked = tuple(entry(key, rank) for rank, key in enumerate(keys, start=1))
    return Snapshot(ranked, whole=whole, ordered=True)


def added(key: str, position: int = 1) -> Change:
    """A change: an entry that is new."""
    return Change(ChangeKind.ADDED, None, entry(key, position))


def removed(key: str, position: int = 1) -> Change:
    """A change: an entry that is gone."""
    return Change(ChangeKind.REMOVED, entry(key, position), None)


# ── polls ─────────────────────────────────────────────────────────────────────────────────────────


def take(store: Store, feed: str = FEED, now: datetime = START) -> PollTask:
    """Take one poll of a feed, due or not."""
    (task,) = store.take_polls(now, feeds=[feed], due_only=False)
    return task


def reply(snapshot: Snapshot, at: datetime = START, **fields: Any) -> PollResult:
    """What a poll brought."""
    known: dict[str, Any] = {"validators": (), "body_digest": b"body", "content_digest": b"content"}
    return PollResult(snapshot, at=at, **{**known, **fields})


def believing(snapshot: Snapshot, at: datetime = START, **fields: Any) -> PollDecision:
    """The decision to believe a list."""
    known: dict[str, Any] = {"verdict": Verdict.COMPARED, "next_poll_at": at + timedelta(minutes=15)}
    return PollDecision(compared_as="queue", snapshot=snapshot, **{**known, **fields})


def always(decision: PollDecision) -> Decide:
    """A judge who has made up his mind."""

    def decide(_memory: FeedMemory, _result: PollResult) -> PollDecision:
        return decision

    return decide


def land_one(store: Store, task: PollTask, result: PollResult, decide: Decide) -> PollDecision | None:
    """Land one list by itself; what goes wrong with it is raised."""
    (landed,) = store.record_polls([ReadPoll(task, result, decide)])
    if isinstance(landed, Exception):
        raise landed
    return landed


def land(store: Store, snapshot: Snapshot, at: datetime = START, **fields: Any) -> PollDecision | None:
    """Poll the queue and land a list with this decision about it."""
    task = take(store, now=at)
    return land_one(store, task, reply(snapshot, at), always(believing(snapshot, at, **fields)))


def recall(store: Store, coming: Snapshot, **fields: Any) -> FeedMemory:
    """What the store remembers of the queue when a list comes; nothing is landed."""
    found: list[FeedMemory] = []

    class _Enough(Exception):
        pass

    def decide(memory: FeedMemory, _result: PollResult) -> PollDecision:
        found.append(memory)
        raise _Enough

    try:
        land_one(store, take(store), reply(coming, **fields), decide)
    except _Enough:
        return found[0]
    raise AssertionError("the list was not asked about")


def unchanged(task: PollTask, at: datetime = START, **fields: Any) -> UnchangedPoll:
    """A poll that brought nothing new."""
    return UnchangedPoll(task, at, at + timedelta(minutes=15), **fields)


def failed(
    task: PollTask, at: datetime = START, reason: Reason = Reason.TIMEOUT, **fields: Any
) -> FailedPoll:
    """A poll that failed."""
    return FailedPoll(task, at, FetchFailed(reason, "no answer"), at + timedelta(minutes=30), **fields)


# ── the outbox ────────────────────────────────────────────────────────────────────────────────────


def owe(store: Store, *keys: str, to: Sequence[str] = (PHONE,), at: datetime = START) -> None:
    """Owe an addition for each key to each address."""
    changes = tuple(added(key) for key in keys)
    deliveries = tuple(Planned(number, address) for number in range(len(keys)) for address in to)
    land(store, listed(*keys), at, changes=changes, deliveries=deliveries)


def tell(store: Store, notice: Notice, *addresses: str) -> None:
    """Owe a notice to addresses."""
    with store.transaction() as conn:
        owe_notice(conn, notice, addresses)


def compose(deliveries: Sequence[OwedDelivery], _: Bundle | None = None, *, most: int = 1000) -> Composed:
    """A message whose body names what it tells, so many at most."""
    told = deliveries[:most]
    names = [d.subject.key if isinstance(d.subject, RecordedChange) else d.subject.kind for d in told]
    return Composed(tuple(d.id for d in told), f"{len(told)} told", " ".join(names), Markup.TEXT)


def claim(
    store: Store,
    at: datetime = START,
    *,
    address: str = PHONE,
    owner: str = "me",
    most: int = 1000,
    drop_ambiguous: bool = False,
) -> ClaimedMessage | None:
    """Claim what is due for an address, for two minutes."""
    return store.claim_message(
        address,
        now=at,
        lease_until_at=at + timedelta(minutes=2),
        owner=owner,
        compose=partial(compose, most=most),
        drop_ambiguous=drop_ambiguous,
    )


def must_claim(store: Store, at: datetime = START, **fields: Any) -> ClaimedMessage:
    """Claim what must be due."""
    claimed = claim(store, at, **fields)
    assert claimed is not None, "nothing could be claimed"
    return claimed
