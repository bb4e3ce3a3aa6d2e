"""A state with one feed whose changes are owed, a clock that a test moves, and a notifier by script."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedwatch.clock import Clock
from feedwatch.core.messages import Delivered, NotifyFailed, NotifyOutcome, Outgoing, Style
from feedwatch.core.model import Change, ChangeKind, Entry, FoundFeed, Kind, Reason, Snapshot
from feedwatch.core.schedule import RetryPolicy
from feedwatch.core.state import FeedMemory, MessageStatus, Planned, PollDecision, PollResult, Verdict
from feedwatch.deliver import Deliverer, Notify, Terms
from feedwatch.store import ReadPoll, Store
from feedwatch.store.thread import StoreThread

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = RetryPolicy(first=timedelta(seconds=30), most=timedelta(hours=1), give_up=timedelta(days=5))
REFUSED = NotifyFailed(Reason.REFUSED, "HTTP 400")
DOWN = NotifyFailed(Reason.UNREACHABLE, "HTTP 500")


@dataclass(frozen=True)
class Sent:
    """One message as it was handed to the notifier."""

    address: str
    title: str
    body: str


@dataclass
class Scripted:
    """A notifier that answers as scripted, then as `judge` says; every message is kept."""

    script: deque[NotifyOutcome] = field(default_factory=deque)
    judge: Callable[[Sent], NotifyOutcome] = lambda _: Delivered()
    style: Style = field(default_factory=Style)
    sent: list[Sent] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    def style_of(self, url: str) -> Style:
        return self.style

    def wait_for(self, address: str, url: str) -> timedelta:
        return timedelta(0)

    async def send(self, address: str, url: str, message: Outgoing) -> NotifyOutcome:
        self.sent.append(Sent(address, message.title, message.body))
        if self.meanwhile:
            once, self.meanwhile = self.meanwhile, None
            await once()
        return self.script.popleft() if self.script else self.judge(self.sent[-1])

    @property
    def bodies(self) -> list[str]:
        return [sent.body for sent in self.sent]


@dataclass
class Office:
    """A real state with one feed, and a clock that all but stands until it is moved."""

    store: StoreThread
    now: datetime = START
    owed: int = 0

    def deliverer(
        self,
        notifier: Notify,
        *,
        urls: Mapping[str, str] | None = None,
        policy: RetryPolicy = POLICY,
        redact: Callable[[str], str] = str,
        told_about: Callable[[str], tuple[str, ...]] = lambda _: (),
    ) -> Deliverer:
        revealed = {name: (lambda url=url: url) for name, url in (urls or {"phone/1": "x"}).items()}
        clock = Clock(now=self.tick, jitter=lambda: 0.0)
        return Deliverer(
            self.store,
            notifier,
            Terms(revealed, policy, told_about),
            owner="test",
            clock=clock,
            redact=redact,
        )

    def tick(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    async def owe(self, *titles: str, to: Sequence[str] = ("phone/1",)) -> None:
        """Land a poll that adds these titles, and owe each to the addresses."""
        (task,) = await self.store.run(Store.take_polls, self.now, due_only=False)
        entries = tuple(Entry(f"{self.owed + n}", title) for n, title in enumerate(titles))
        self.owed += len(titles)
        decision = PollDecision(
            Verdict.COMPARED,
            self.now + timedelta(minutes=15),
            "test",
            Snapshot(entries, whole=True),
            changes=tuple(Change(ChangeKind.ADDED, None, entry) for entry in entries),
            deliveries=tuple(Planned(index, address) for index in range(len(entries)) for address in to),
        )
        result = PollResult(Snapshot(entries, whole=True), (), b"b", b"c", self.now)

        def decide(_memory: FeedMemory, _result: PollResult) -> PollDecision:
            return decision

        landed = await self.store.run(Store.record_polls, [ReadPoll(task, result, decide)])
        assert landed == (decision,)

    async def restart(self) -> None:
        """Close the state, and open it again as another process would."""
        path = await self.store.run(lambda store: store.path)
        await asyncio.to_thread(self.store.close)
        self.store = StoreThread(lambda: Store.open(path))
        await self.store.start()

    async def messages(self) -> list[MessageStatus]:
        return list(await self.store.run(Store.list_messages))

    async def states(self) -> list[str]:
        return [message.state for message in await self.messages()]

    async def serve_until_done(self, deliverer: Deliverer, *, most: int = 40) -> int:
        """Serve, moving the clock to each next attempt, until nothing waits; returns how many times."""
        for served in range(1, most):
            await deliverer.serve_all()
            waiting = [m.next_attempt_at for m in await self.messages() if m.next_attempt_at is not None]
            if not waiting:
                return served
            self.now = min((at for at in waiting if at > self.now), default=self.now)
        raise AssertionError(f"still waiting after {most} rounds: {await self.messages()}")


@asynccontextmanager
async def open_office(path: Path) -> AsyncIterator[Office]:
    """An office with a state at a path; all of it is there again if the path is."""
    store = StoreThread(lambda: Store.open(path))
    await store.start()
    await store.run(Store.sync_accounts, {"jane": "stamp"}, START)
    await store.run(
        Store.record_index,
        "jane",
        [FoundFeed("queue", Kind.QUEUE, "http://127.0.0.1/queue")],
        now=START,
        next_index_at=START + timedelta(days=1),
        authoritative=True,
        facts={},
        make_notices=lambda _: (),
        notice_addresses=(),
    )
    opened = Office(store)
    try:
        yield opened
    finally:
        await asyncio.to_thread(opened.store.close)
