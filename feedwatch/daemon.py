"""The daemon's life: start, ticks, reload, and an orderly stop that leaves nothing half done.

SQLite knows what is due; the ticks only ask it. Every task belongs to the daemon, so that a stop can
wait for it: ticks never do the work themselves.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from feedwatch.assembly import Assembly
from feedwatch.config import Config
from feedwatch.errors import ConfigError
from feedwatch.systemd import notify_systemd, watchdog_interval

_LOG = logging.getLogger("feedwatch.daemon")

TICK = timedelta(seconds=1)
PRUNE_EVERY = timedelta(hours=1)
PATIENCE = 6.0
"""Seconds that an orderly stop gives to what is under way, before it is cancelled."""
LAST_PATIENCE = 2.0
_MOST_IN_FLIGHT = 1000
STUCK_AFTER = timedelta(minutes=2)
"""A tick that has not come back from the store for so long is no progress: the watchdog may bite."""


class Daemon:
    """Runs an assembly until it is told to stop."""

    def __init__(self, assembly: Assembly, load: Callable[[], Config]) -> None:
        self._assembly = assembly
        self._load = load
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._in_flight: set[int] = set()
        self._rounds = 0
        self._stopping = asyncio.Event()
        self._progressed_at = time.monotonic()

    async def run(self) -> None:
        """Live until SIGTERM or SIGINT; then stop in order, within ten seconds."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._start("reload", self._reload))
        scheduler = self._start_ticks()
        notify_systemd("READY=1")
        _LOG.info("started feeds=%d", await self._assembly.count_feeds())
        await self._tick()
        await self._stopping.wait()
        _LOG.info("stopping")
        notify_systemd("STOPPING=1")
        scheduler.shutdown(wait=False)
        await self._finish()
        _LOG.info("stopped")

    def stop(self) -> None:
        """Ask for an orderly stop."""
        self._stopping.set()

    # ── ticks ─────────────────────────────────────────────────────────────────────────────────────

    def _start_ticks(self) -> AsyncIOScheduler:
        # A tick that comes late is made up for once, and never runs beside itself.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        scheduler.add_job(self._tick, "interval", seconds=TICK.total_seconds())
        scheduler.add_job(self._tick_prune, "interval", seconds=PRUNE_EVERY.total_seconds())
        watchdog = watchdog_interval()
        if watchdog:
            scheduler.add_job(self._tick_watchdog, "interval", seconds=watchdog.total_seconds())
        scheduler.start()
        return scheduler

    async def _tick(self) -> None:
        self._start("discover", self._discover)
        self._start("poll", self._poll)
        self._start("deliver", self._deliver)

    async def _tick_prune(self) -> None:
        self._start("prune", self._assembly.prune)

    async def _tick_watchdog(self) -> None:
        if time.monotonic() - self._progressed_at < STUCK_AFTER.total_seconds():
            notify_systemd("WATCHDOG=1")
        else:
            _LOG.error("no progress for %d s", time.monotonic() - self._progressed_at)

    def _start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start a piece of work under a name, unless it still runs or we are stopping."""
        if name in self._tasks or self._stopping.is_set():
            return
        task = asyncio.ensure_future(self._guard(name, work))
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _guard(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001 — one tick that fails must not end the daemon
            _LOG.exception("%s failed in an unforeseen way", name.partition(" ")[0])

    # ── the work ──────────────────────────────────────────────────────────────────────────────────

    async def _discover(self) -> None:
        await self._assembly.discover_due()

    async def _poll(self) -> None:
        """Take what is due and poll it as a round of its own: the next tick does not wait for it."""
        room = _MOST_IN_FLIGHT - len(self._in_flight)
        if room <= 0:
            return
        tasks = await self._assembly.take_due(exclude=self._in_flight, limit=room)
        self._progressed_at = time.monotonic()
        if not tasks:
            return
        taken = {task.feed_id for task in tasks}
        self._in_flight |= taken
        self._rounds += 1

        async def run_round() -> None:
            try:
                await self._assembly.poller.run_round(tasks)
            finally:
                self._in_flight.difference_update(taken)
            self._start("deliver", self._deliver)

        self._start(f"round {self._rounds}", run_round)

    async def _deliver(self) -> None:
        """Serve each address in a task of its own: one that hangs blocks no other."""
        for address in await self._assembly.due_addresses():
            self._start(f"address {address}", partial(self._serve, address))

    async def _serve(self, address: str) -> None:
        await self._assembly.deliverer.serve(address)

    async def _reload(self) -> None:
        """Read the configuration again; a bad one changes nothing."""
        notify_systemd(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = await asyncio.to_thread(self._load)
            await self._assembly.apply(config)
        except ConfigError as error:
            for problem in error.problems:
                _LOG.error("configuration: %s", problem)
            _LOG.error("reload refused: the old configuration stays in force")
        else:
            _LOG.info("reloaded feeds=%d", await self._assembly.count_feeds())
        finally:
            notify_systemd("READY=1")

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    async def _finish(self) -> None:
        """Let what is under way end; cancel what takes too long. Nothing half done is ever written."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=PATIENCE)
        for task in list(self._tasks.values()):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=LAST_PATIENCE)
