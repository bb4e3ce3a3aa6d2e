"""One run: a daemon's parts over a real state, real sockets and a clock that the run moves.

What the daemon does in a tick is done here once a step, with its own parts; only waiting is left out.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from front import Front
from ledger import Ledger, Reckoning
from mover import Mover, News
from targets import Target

from feedwatch.assembly import Assembly, assemble
from feedwatch.clock import Clock
from feedwatch.config import load_config
from feedwatch.core.state import PollTask
from feedwatch.errors import FeedwatchError
from feedwatch.poll import PollOutcome, PollReport
from feedwatch.redact import Redactor
from feedwatch.sandbox import Sandbox, World, sample_config
from feedwatch.sandbox.oauth import Nonces
from feedwatch.sandbox.world import Switches
from feedwatch.store import Store

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVERY = timedelta(minutes=15)
_LANDED = (PollOutcome.UNCHANGED, PollOutcome.BASELINE, PollOutcome.COMPARED)
_ROUNDS_TO_CALM = 300
_DUE = """
SELECT next_poll_at AS at FROM feeds WHERE state <> 'retired'
UNION SELECT next_attempt_at FROM messages WHERE state = 'pending'
UNION SELECT lease_until_at FROM messages WHERE state = 'claimed'
UNION SELECT not_before FROM deliveries WHERE state = 'pending'
UNION SELECT next_index_at FROM accounts
"""
_LISTS = {
    "jane/queue": "queue",
    "jane/history": "history",
    "jane/ratings": "ratings",
    "jane/recommendations": "recommendations",
    "plain/news": "news",
}


@dataclass
class Moment:
    """The time it is; the daemon's own clock may be off by some hours, its server's never is."""

    at: datetime
    rng: random.Random
    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.at + self.off

    def seconds(self) -> float:
        return self.at.timestamp()

    @property
    def clock(self) -> Clock:
        return Clock(now=self.now, jitter=self.rng.random)


@dataclass
class Trial:
    """All of one run. `step` is one tick after some time; `calm` lets everything come to its end."""

    folder: Path
    moment: Moment
    front: Front
    mover: Mover
    ledger: Ledger
    targets: Sequence[Target]
    rng: random.Random
    more: str
    patience: str
    probed: bool
    troubles: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _assembly: Assembly | None = None

    @property
    def world(self) -> World:
        """The lists."""
        return self.front.sandbox.world

    @property
    def state(self) -> Path:
        """The state's file."""
        return self.folder / "feedwatch.db"

    @property
    def assembly(self) -> Assembly:
        """The daemon's parts."""
        assert self._assembly is not None
        return self._assembly

    # ── the daemon ────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Start as a daemon does."""
        path = self.folder / "config.yaml"
        path.write_text(self._configuration())
        path.chmod(0o600)
        config = load_config(path, environ={})
        stack = AsyncExitStack()
        self._assembly = await assemble(config, Redactor(), stack, clock=self.moment.clock)
        self._stack = stack

    async def stop(self) -> None:
        """Stop in order, as a daemon does: what has been sent is written down before."""
        await self._guard(self.assembly.release_claims)
        await self._stack.aclose()
        self._assembly = None

    async def restart(self) -> None:
        """Stop and start again."""
        await self.stop()
        await self.start()

    def _configuration(self) -> str:
        targets = "\n".join(f"  {target.name}: {target.url}" for target in self.targets)
        names = ", ".join(target.name for target in self.targets)
        text = sample_config(
            self.front.sandbox,
            self.front.base(),
            every="15m",
            gather="0s",
            targets=targets,
            more=f"routes:\n  - {{to: [{names}], changes: all}}\nstate: feedwatch.db\n{self.more}",
        )
        news = f"  plain:\n    service: feeds\n    feeds: {{news: {self.front.news_url}}}\n"
        if self.probed:
            text = text.replace("    service: netflix\n", "    service: netflix\n    format: xml\n")
        limits = f"poll:\n  timeout: {self.patience}\n  per_host: 16\n"
        return text.replace("poll:\n", limits).replace("\ntargets:", f"{news}\ntargets:")

    async def tick(self) -> None:
        """What is due now: discover, poll, deliver. A step that fails is tried again, as in the daemon."""
        await self._guard(self.assembly.discover_due)
        await self._guard(self._poll)
        await self._guard(self._deliver)

    async def _poll(self) -> None:
        tasks = await self.assembly.take_due(exclude=(), limit=1000)
        if tasks:
            self.note(await self.assembly.poller.run_round(tasks))

    async def take_all(self) -> tuple[PollTask, ...]:
        """Take every feed to poll, due or not."""
        return await self.assembly.store.run(Store.take_polls, self.moment.at, due_only=False)

    def note(self, reports: Sequence[PollReport]) -> None:
        """Settle the lists that have been shown as they stand and have landed."""
        for report in reports:
            self.reports[str(report.outcome)] += 1
            name = _LISTS.get(report.feed)
            if name and report.outcome in _LANDED and self.front.has_shown(name):
                self.mover.settle(name)

    async def _deliver(self) -> None:
        await self.assembly.deliverer.serve_all()

    async def _guard(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except FeedwatchError as error:
            self.troubles[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 — the daemon goes on, too
            self.troubles[f"unforeseen {type(error).__name__}: {error}"] += 1

    # ── time ──────────────────────────────────────────────────────────────────────────────────────

    async def step(self, *, moves: int = 2, minutes: float | None = None) -> None:
        """Move lists, let some time pass, and tick."""
        for _ in range(self.rng.randint(0, moves)):
            self.mover.move()
        self.moment.at += timedelta(minutes=minutes if minutes is not None else self.rng.uniform(1, 20))
        await self.tick()

    async def calm(self, *, straighten: bool = True) -> None:
        """Let the weather clear, and time pass until all that is owed has been told, or never will be."""
        if straighten:
            self.front.straighten()
        for target in self.targets:
            target.be_kind()
        for _ in range(_ROUNDS_TO_CALM):
            if self.mover.is_settled and not await self._open_deliveries():
                return
            self.moment.at = await self._next_moment()
            await self.tick()
        self.troubles["never calm"] += 1

    async def _open_deliveries(self) -> int:
        rows = await self._query("SELECT count(*) AS n FROM deliveries WHERE state IN ('pending', 'bound')")
        return int(str(rows[0]["n"]))

    async def _next_moment(self) -> datetime:
        """When something is due next that is not due yet."""
        rows = await self._query(_DUE)
        later = (datetime.fromisoformat(str(row["at"])) for row in rows if row["at"] is not None)
        off = self.moment.off
        return min((at - off for at in later if at > self.moment.now()), default=self.moment.at + EVERY)

    async def _query(self, sql: str) -> list[dict[str, object]]:
        return await self.assembly.store.run(lambda store: [dict(row) for row in store.query(sql)])

    async def states(self, table: str) -> Counter[str]:
        """How many rows of a table are in each state."""
        rows = await self._query(f"SELECT state, count(*) AS n FROM {table} GROUP BY state")
        return Counter({str(row["state"]): int(str(row["n"])) for row in rows})

    async def count_notices(self, *kinds: str) -> int:
        """How many notices of these kinds there have been."""
        rows = await self._query("SELECT kind FROM notices")
        return sum(row["kind"] in kinds for row in rows)

    async def feeds(self) -> dict[str, tuple[str, str | None]]:
        """Each feed's state and reason."""
        statuses = await self.assembly.store.run(Store.list_feeds)
        return {each.feed: (str(each.state), each.reason and str(each.reason)) for each in statuses}

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def reckon(self) -> Reckoning:
        """The three numbers over all targets."""
        total = Reckoning()
        for target in self.targets:
            found = self.ledger.reckon(target.told())
            total += Reckoning(
                found.owed, found.lost, found.invented, found.duplicated, found.allowed + target.allowed
            )
        return total

    def explain(self) -> str:
        """Say what made the numbers."""
        told = "; ".join(f"{t.name}: {self.ledger.explain(t.told())}" for t in self.targets)
        return f"{told}; troubles: {dict(self.troubles)}; polls: {dict(self.reports)}"


@asynccontextmanager
async def open_trial(
    folder: Path,
    seed: int,
    *,
    queue: int = 40,
    targets: int = 1,
    more: str = "",
    patience: str = "400ms",
    plain: bool = False,
    probed: bool = False,
) -> AsyncIterator[Trial]:
    """A run that has its baseline: everything that moves from here on is owed.

    With `plain` the server answers in plain XML whatever is asked for; with `probed` it is asked for that,
    one item first.
    """
    logging.getLogger("feedwatch").setLevel(logging.CRITICAL)
    rng = random.Random(seed)
    moment = Moment(START, rng)
    world = World(queue=queue, clock=moment.seconds)
    world.switches = Switches(plain_only=plain)
    sandbox = Sandbox(world, Nonces(), moment.seconds)
    news = News([(f"Old post {n}", moment.seconds() - 3600 * n) for n in range(1, 20)])
    ledger = Ledger()
    async with Front(sandbox, news) as front, AsyncExitStack() as stack:
        made = [stack.enter_context(Target(f"t{n}", rng)) for n in range(1, targets + 1)]
        mover = Mover(world, news, ledger, rng, moment.seconds)
        trial = Trial(folder, moment, front, mover, ledger, made, rng, more, patience, probed)
        await trial.start()
        try:
            await trial.calm()
            await trial.tick()
            yield trial
        finally:
            await trial.stop()
