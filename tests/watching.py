"""A daemon's parts over a real sandbox, a real state and a clock that a test moves.

Nothing is faked but the clock: requests go over HTTP, results into a file, messages are owed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedwatch.assembly import Assembly, assemble
from feedwatch.clock import Clock
from feedwatch.config import Config, load_config
from feedwatch.core.model import RecordedChange
from feedwatch.core.state import FeedStatus, PollTask
from feedwatch.poll import PollOutcome, PollReport
from feedwatch.redact import Redactor
from feedwatch.sandbox import Sandbox, World, sample_config
from feedwatch.sandbox.oauth import Nonces
from feedwatch.sandbox.world import Switches
from feedwatch.store import Store

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
TARGETS = "  phone: json://127.0.0.1:9/\n"
EVERYTHING = "routes:\n  - {to: phone, changes: all}\nstate: feedwatch.db\n"


class Moment:
    """The time it is; it passes when a test says so."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self.jitter = 0.0

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def pass_by(self, **length: float) -> None:
        self.at += timedelta(**length)

    @property
    def clock(self) -> Clock:
        return Clock(now=self.now, jitter=lambda: self.jitter)


@dataclass
class Watch:
    """All that watches the lists of one configuration."""

    assembly: Assembly
    moment: Moment
    folder: Path

    async def reload(self, config: Config) -> None:
        """Take another configuration over, as a daemon does."""
        self.assembly.apply(config)
        await self.assembly.tell_store()

    async def discover(self) -> None:
        """Read the indexes that are due."""
        await self.assembly.discover_due()

    async def take(self, *feeds: str, due_only: bool = False) -> tuple[PollTask, ...]:
        """Take feeds to poll, all of them where none is named."""
        return await self.assembly.store.run(
            Store.take_polls, self.moment.at, feeds=list(feeds) or None, due_only=due_only
        )

    async def poll(self, *feeds: str) -> dict[str, PollReport]:
        """Poll feeds now in one round, due or not."""
        return by_feed(await self.assembly.poller.run_round(await self.take(*feeds)))

    async def poll_due(self, *feeds: str) -> dict[str, PollReport]:
        """Poll what is due now in one round."""
        tasks = await self.take(*feeds, due_only=True)
        return by_feed(await self.assembly.poller.run_round(tasks))

    async def outcome(self, feed: str) -> PollOutcome:
        """Poll one feed now."""
        return (await self.poll(feed))[feed].outcome

    async def status(self, feed: str) -> FeedStatus:
        """How a feed fares."""
        return next(each for each in await self.statuses() if each.feed == feed)

    async def statuses(self) -> Sequence[FeedStatus]:
        return await self.assembly.store.run(Store.list_feeds)

    async def titles(self, feed: str) -> list[str]:
        """A list as last seen."""
        entries = await self.assembly.store.run(Store.list_entries, feed)
        assert entries is not None
        return [each.entry.title for each in entries]

    async def changes(self, feed: str | None = None) -> list[tuple[str, str]]:
        """What changed: how, and to which title."""
        recorded = await self.recorded(feed)
        return [(str(change.kind), change.title) for change in recorded]

    async def recorded(self, feed: str | None = None) -> Sequence[RecordedChange]:
        return await self.assembly.store.run(Store.list_changes, feed=feed)

    async def notices(self) -> list[str]:
        """The kinds of all notices so far."""
        return [str(row["kind"]) for row in await self.query("SELECT kind FROM notices ORDER BY id")]

    async def owed(self) -> int:
        """How many deliveries there are."""
        return int(str((await self.query("SELECT count(*) AS n FROM deliveries"))[0]["n"]))

    async def store_facts(self) -> dict[str, str]:
        """What is remembered of the first account."""
        (status, *_) = await self.assembly.store.run(Store.account_statuses)
        return dict(status.facts)

    async def query(self, sql: str) -> list[dict[str, object]]:
        """Look into the state."""
        return await self.assembly.store.run(lambda store: [dict(row) for row in store.query(sql)])

    async def memory_of(self, feed: str) -> dict[str, object]:
        """All that is known of a feed's list, and nothing of how its polls went."""
        account, _, name = feed.partition("/")
        where = f"account = '{account}' AND name = '{name}'"
        lists = "feeds LEFT JOIN list_orders ON list_orders.feed_id = feeds.id"
        row = (await self.query(f"SELECT * FROM {lists} WHERE {where}"))[0]
        kept: tuple[str, ...] = ("validators", "body_digest", "content_digest", "body_etag", "left_etags")
        entries = await self.query(f"SELECT * FROM entries WHERE feed_id = {row['id']} ORDER BY key")
        known: dict[str, object] = {
            name: row[name] for name in (*kept, "whole", "entry_order", "entry_count")
        }
        return known | {"entries": entries, "changes": await self.changes(feed)}


def by_feed(reports: Sequence[PollReport]) -> dict[str, PollReport]:
    assert len({report.feed for report in reports}) == len(reports)
    return {report.feed: report for report in reports}


def write_config(folder: Path, text: str) -> Config:
    """A configuration of a test, read as a daemon reads it."""
    path = folder / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load_config(path, environ={})


@asynccontextmanager
async def watching(folder: Path, text: str, moment: Moment | None = None) -> AsyncIterator[Watch]:
    """Everything for one configuration, open while the context lasts."""
    moment = moment or Moment()
    async with AsyncExitStack() as stack:
        config = write_config(folder, text)
        assembly = await assemble(config, Redactor(), stack, clock=moment.clock)
        yield Watch(assembly, moment, folder)


@dataclass
class Jane:
    """Jane's account at a sandbox, and what a test moves there."""

    sandbox: Sandbox
    base: str
    moment: Moment

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def switches(self) -> Switches:
        return self.world.switches

    def requests(self, feed: str, status: str = "all") -> int:
        """How often a list, or the index, was asked for."""
        return self.world.requests.get(feed, {}).get(status, 0)

    def config(self, *, every: str = "5m", account: str = "", more: str = EVERYTHING) -> str:
        """A configuration for her; `account` adds keys to it."""
        text = sample_config(self.sandbox, self.base, every=every, targets=TARGETS, more=more)
        extra = "".join(f"    {line}\n" for line in account.splitlines())
        return text.replace("    service: netflix\n", f"    service: netflix\n{extra}")


def let_jane_in(sandbox: Sandbox, base: str, *, queue: int) -> Jane:
    """Begin anew at a sandbox that is served already: its lists, its time, what it has seen."""
    moment = Moment()
    sandbox.clock = moment.seconds
    sandbox.nonces = Nonces()
    sandbox.world = World(queue=queue, clock=moment.seconds)
    return Jane(sandbox, base, moment)


@asynccontextmanager
async def seeing_once(jane: Jane, folder: Path, *, account: str = "") -> AsyncIterator[Watch]:
    """Her lists, discovered and seen once; what is asked for is counted from here on."""
    async with watching(folder, jane.config(account=account), jane.moment) as watch:
        await watch.discover()
        await watch.poll()
        jane.world.requests.clear()
        yield watch
