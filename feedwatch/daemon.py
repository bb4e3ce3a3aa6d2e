"""The daemon's life: start, ticks, reload, and an orderly stop that leaves nothing half done.

SQLite knows what is due; the ticks only ask it. Every task belongs to the daemon, so that a stop can
wait for it: ticks never do the work themselves.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from feedwatch.assembly import Assembly
from feedwatch.config import Config
from feedwatch.core.state import PollTask
from feedwatch.errors import ConfigError, FeedwatchError, StoreDamaged, StoreError, StoreLocked
from feedwatch.poll import PollReport
from feedwatch.systemd import notify_systemd, watchdog_interval

_LOG = logging.getLogger("feedwatch.daemon")

TICK = timedelta(seconds=1)
PRUNE_EVERY = timedelta(hours=1)
DETAILS_EVERY = timedelta(minutes=10)
"""How often is looked for what is told soon and was asked about long ago: digests, what quiet hours held."""
POLL_PATIENCE = 2.0
"""Seconds that an orderly stop gives to polls: one that is cancelled has lost nothing."""
SEND_PATIENCE = 6.0
"""Seconds that it gives to messages under way: one that is cancelled may arrive twice."""
LAST_PATIENCE = 1.0
STORE_PATIENCE = 0.5
"""Seconds that the state is waited for at the end, where another program writes to it all the time."""
_SERVING = "address "
"""How the names of tasks begin that send messages."""
_MOST_IN_FLIGHT = 20_000
"""Polls under way at once; most of them wait for a place at a host that takes its time."""


class Daemon:
    """Runs an assembly until it is told to stop."""

    def __init__(self, assembly: Assembly, load: Callable[[], Config]) -> None:
        self._assembly = assembly
        self._load = load
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._in_flight: set[int] = set()
        self._rounds = 0
        self._stopping = asyncio.Event()
        self._reload_wanted = False
        self._store_untold = False
        """Whether a configuration is in force that the state does not follow yet."""
        self._progressed_at = time.monotonic()
        self._failing: dict[str, str] = {}
        self._damage: StoreDamaged | None = None

    async def run(self) -> None:
        """Live until SIGTERM or SIGINT; then stop in order, within ten seconds.

        Raises:
            StoreDamaged: the state was found to be damaged; the stop was in order all the same.
        """
        self._assembly.store.on_damage = self._give_up
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._ask_reload)
        scheduler = self._start_ticks()
        clock = asyncio.create_task(self._heed_clock(scheduler))
        notify_systemd("READY=1")
        _LOG.info("started feeds=%d", await self._assembly.count_feeds())
        await self._tick()
        await self._stopping.wait()
        _LOG.info("stopping")
        notify_systemd("STOPPING=1")
        clock.cancel()
        scheduler.shutdown(wait=False)
        await self._finish()
        _LOG.info("stopped")
        if self._damage:
            raise self._damage

    def stop(self) -> None:
        """Ask for an orderly stop."""
        self._stopping.set()

    def _give_up(self, damage: StoreDamaged) -> None:
        """Stop in order once the state is known to be damaged: what is built on it would be wrong.

        Only a start can set it aside: nothing else has it open then.
        """
        if self._damage is None:
            self._damage = damage
            _LOG.error("the state is damaged: %s; stopping, so that the next start sets it aside", damage)
            self._stopping.set()

    # ── ticks ─────────────────────────────────────────────────────────────────────────────────────

    def _start_ticks(self) -> AsyncIOScheduler:
        # A tick that comes late is made up for once, and never runs beside itself.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        scheduler.add_job(self._tick, "interval", seconds=TICK.total_seconds())
        scheduler.add_job(self._tick_prune, "interval", seconds=PRUNE_EVERY.total_seconds())
        scheduler.add_job(self._tick_details, "interval", seconds=DETAILS_EVERY.total_seconds())
        watchdog = watchdog_interval()
        if watchdog:
            seconds = watchdog.total_seconds()
            scheduler.add_job(self._tick_watchdog, "interval", seconds=seconds, args=[seconds])
        scheduler.start()
        return scheduler

    async def _heed_clock(self, scheduler: AsyncIOScheduler) -> None:
        """Have the ticks begin anew where the clock is set back: else they wait until it is as late again."""
        ahead = _read_clock() - time.monotonic()
        while True:
            await asyncio.sleep(TICK.total_seconds())
            before, ahead = ahead, _read_clock() - time.monotonic()
            if before - ahead > TICK.total_seconds():
                _LOG.warning("the clock was set back by %d s", before - ahead)
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

    async def _tick(self) -> None:
        if self._reload_wanted:
            self._start("reload", self._reload)
        elif self._store_untold:
            self._start("reload", self._tell_store)
        self._start("discover", self._discover)
        self._start("poll", self._poll)
        self._start("deliver", self._deliver)

    async def _tick_prune(self) -> None:
        self._start("prune", self._assembly.prune)

    async def _tick_details(self) -> None:
        self._start("details", self._assembly.detailer.run_turn)

    async def _tick_watchdog(self, every: float) -> None:
        """Say that all is well only if the store has answered a tick of late: else systemd may bite."""
        silent = time.monotonic() - self._progressed_at
        if silent < max(every, 2 * TICK.total_seconds()):
            notify_systemd("WATCHDOG=1")
        else:
            _LOG.error("no progress for %d s", silent)

    def _start(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Start a piece of work under a name, unless it still runs or we are stopping."""
        if name not in self._tasks and not self._stopping.is_set():
            self._tasks[name] = asyncio.ensure_future(self._guard(name, work))

    async def _guard(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 — one tick that fails must not end the daemon
            self._complain(name, error)
        else:
            if self._failing.pop(_root_of(name), None):
                _LOG.info("%s works again", _root_of(name))
        finally:
            # Here and not in a callback: who asks for the same work in the next step must get it.
            self._tasks.pop(name, None)

    def _complain(self, name: str, error: Exception) -> None:
        """Log what went wrong with a tick, once: a full disk must not be filled by its own log."""
        root, told = _root_of(name), f"{type(error).__name__}: {error}"
        if self._failing.get(root) == told:
            return
        self._failing[root] = told
        if isinstance(error, FeedwatchError):
            _LOG.error("%s failed: %s", root, error)
        else:
            _LOG.error("%s failed in an unforeseen way", root, exc_info=error)

    # ── the work ──────────────────────────────────────────────────────────────────────────────────

    async def _discover(self) -> None:
        """Read each index that is due in a task of its own: one that hangs delays no other."""
        for account in await self._assembly.due_accounts():
            self._start(f"account {account}", partial(self._discover_account, account))

    async def _discover_account(self, account: str) -> None:
        await self._assembly.discoverer.discover(account)
        self._start("poll", self._poll)

    async def _poll(self) -> None:
        """Take what is due and poll it as a round of its own: the next tick does not wait for it."""
        room = max(_MOST_IN_FLIGHT - len(self._in_flight), 0)
        try:
            tasks = await self._assembly.take_due(exclude=self._in_flight, limit=room)
        except StoreLocked:
            raise
        except StoreError:
            # A full disk has answered, too: bitten for that, we would send again what is not written down.
            self._progressed_at = time.monotonic()
            raise
        self._progressed_at = time.monotonic()
        if tasks:
            self._rounds += 1
            self._in_flight |= {task.feed_id for task in tasks}
            self._start(f"round {self._rounds}", partial(self._run_round, tasks))

    async def _run_round(self, tasks: Collection[PollTask]) -> None:
        """Run a round; a feed that is done may be taken again though others of its round still hang."""
        left = {task.feed: task.feed_id for task in tasks}

        def let_go(report: PollReport) -> None:
            self._in_flight.discard(left.pop(report.feed, -1))
            if report.changes:  # beside all that follows: nothing waits for details
                self._start("details", self._assembly.detailer.run_turn)

        try:
            await self._assembly.poller.run_round(tuple(tasks), let_go)
        finally:
            self._in_flight.difference_update(left.values())
        self._start("deliver", self._deliver)

    async def _deliver(self) -> None:
        """Serve each address in a task of its own: one that hangs blocks no other."""
        for address in await self._assembly.due_addresses():
            self._start(f"{_SERVING}{address}", partial(self._serve, address))

    async def _serve(self, address: str) -> None:
        if not self._assembly.config.gather:
            await self._assembly.detailer.wait_briefly()
        await self._assembly.deliverer.serve(address)

    def _ask_reload(self) -> None:
        self._reload_wanted = True
        self._start("reload", self._reload)

    async def _reload(self) -> None:
        """Read the configuration again, and once more if that was asked for meanwhile.

        Raises:
            StoreError: it is in force, and the state does not follow yet; the ticks try again.
        """
        while self._reload_wanted:
            self._reload_wanted = False
            notify_systemd(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                await self._take_over()
                await self._tell_store()
            except StoreError:
                _LOG.warning("the new configuration is in force; the state follows when it can be written")
                raise
            finally:
                notify_systemd("READY=1")

    async def _take_over(self) -> None:
        """Take the configuration over as it stands now; a bad one changes nothing."""
        try:
            self._assembly.apply(await asyncio.to_thread(self._load))
        except ConfigError as error:
            for problem in error.problems:
                _LOG.error("configuration: %s", problem)
            _LOG.error("reload refused: the old configuration stays in force")
        else:
            self._store_untold = True

    async def _tell_store(self) -> None:
        """Have the state follow a configuration that was taken over, if it does not yet."""
        if self._store_untold:
            await self._assembly.tell_store()
            self._store_untold = False
            _LOG.info("reloaded feeds=%d", await self._assembly.count_feeds())

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    async def _finish(self) -> None:
        """Let what is under way end; cancel what takes too long. Nothing half done is ever written."""
        ends_at = time.monotonic() + SEND_PATIENCE
        await self._wait_for(self._tasks, POLL_PATIENCE)
        self._cancel({name for name in self._tasks if not name.startswith(_SERVING)})
        await self._wait_for(self._tasks, ends_at - time.monotonic())
        self._cancel(self._tasks)
        await self._wait_for(self._tasks, LAST_PATIENCE)
        self._assembly.hurry(STORE_PATIENCE)
        try:
            await self._assembly.release_claims()
        except FeedwatchError as error:
            _LOG.warning("claims are left to the next start: %s", error)

    async def _wait_for(self, names: Collection[str], seconds: float) -> None:
        tasks = [self._tasks[name] for name in names]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def _cancel(self, names: Collection[str]) -> None:
        for name in names:
            self._tasks[name].cancel()


def _read_clock() -> float:
    """What the clock of the day says, in seconds since 1970: the one that the scheduler goes by."""
    return datetime.now(UTC).timestamp()


def _root_of(name: str) -> str:
    """What a piece of work is called in the log: rounds are many, and all alike."""
    return "round" if name.startswith("round ") else name
