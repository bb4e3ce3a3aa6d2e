"""The commands that do something over the network: run, poll, discover, check."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from feedwatch.assembly import Assembly, assemble, make_scribe, open_for_daemon
from feedwatch.config import Config
from feedwatch.core.model import Reason
from feedwatch.core.state import FeedStatus, PollTask, Settled, SignIn
from feedwatch.deliver import DeliveryReport
from feedwatch.discover import DiscoveryReport
from feedwatch.errors import FeedwatchError, StoreDamaged, StoreError, StoreMissing
from feedwatch.logs import start_logging
from feedwatch.poll import UNHURRIED, PollOutcome, PollReport
from feedwatch.present import Row, Screen
from feedwatch.redact import Redactor
from feedwatch.rows import describe_checked, describe_found, say_reason, say_unknown
from feedwatch.store import Store, hold_state

_EVERY_POLL = 1_000_000
_CHECKED = ["subject", "ok", "problem"]
_DETAILS_WITHIN = timedelta(seconds=5)
"""So long a single round waits for what more is known of titles that it tells, and no longer."""
_MANY_FEEDS = 10
"""From so many on a round takes long enough for a progress bar."""


async def run_daemon(config: Config, load: Callable[[], Config]) -> None:
    """Be the daemon, until told to stop.

    Raises:
        StoreLocked: another daemon holds the state.
    """
    from feedwatch.daemon import Daemon  # noqa: PLC0415 — with its scheduler, for this alone

    redactor = Redactor()
    start_logging(config.log, redactor)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_state(config.state))
        assembly = await assemble(config, redactor, stack, open_state=open_for_daemon)
        assembly.places.keep_pace(UNHURRIED)
        gc.collect()  # what is garbage by now, a megabyte of classes made twice, would stay as well
        gc.freeze()  # what is there now stays to the end: no garbage is looked for among it
        await Daemon(assembly, load).run()


async def poll_once(config: Config, feeds: Sequence[str], *, as_json: bool) -> int:
    """One round now: discover what is due, poll all feeds or these, deliver. 1 if anything failed.

    Raises:
        StoreDamaged: the state was found to be damaged.
    """
    async with AsyncExitStack() as stack:
        assembly, screen = await _open(config, stack, as_json=as_json)
        damages: list[StoreDamaged] = []
        assembly.store.on_damage = damages.append
        discovered = await assembly.discoverer.discover_due()
        reports = await _run_round(assembly, feeds, as_json=as_json)
        await assembly.end_rounds(gather=False)
        await assembly.find_details(_DETAILS_WITHIN)
        served = await assembly.deliverer.serve_all()
        statuses = await assembly.store.run(Store.account_statuses)
        signed_out = [each.name for each in statuses if each.signed_out]
        _say_polls(screen, reports)
        _say_deliveries(screen, served)
        unread = _say_discoveries(screen, [each for each in discovered if each.account not in signed_out])
        for account in signed_out:
            _complain(screen, f"{account} is signed out: to sign in, type  feedwatch login {account}")
    if damages:
        raise damages[0]
    failed = any(report.outcome in (PollOutcome.FAILED, PollOutcome.OUTAGE) for report in reports)
    unsent = any(each.outcome is not Settled.DELIVERED for each in served)
    return int(failed or unsent or unread or bool(signed_out))


async def discover_now(config: Config, accounts: Sequence[str], *, as_json: bool) -> int:
    """Read the indexes of these accounts (default: all) and print the feeds each has."""
    wanted = list(dict.fromkeys(accounts)) or list(config.accounts)
    async with AsyncExitStack() as stack:
        assembly, screen = await _open(config, stack, as_json=as_json)
        reports = await asyncio.gather(*map(assembly.discoverer.discover, wanted))
        of_account: dict[str, list[FeedStatus]] = {}
        for each in await assembly.store.run(Store.list_feeds):
            of_account.setdefault(each.feed.partition("/")[0], []).append(each)
        rows = [
            describe_found(account, each.feed, str(each.kind), each.group, each.address, str(each.state))
            for account in wanted
            for each in of_account.get(account, ())
        ]
        columns = ["feed", "kind", "state"]
        if any(row["group"] for row in rows):
            columns.insert(1, "group")
        screen.print_rows(rows, columns, empty="no feeds found", aside=("url", lambda row: str(row["url"])))
        unread = _say_discoveries(screen, reports)
    return int(unread)


async def check_all(config: Config, *, notify: bool, as_json: bool) -> int:
    """Reach every account, feed and, if asked, target; all in a state of its own that is thrown away."""
    from feedwatch import checking  # noqa: PLC0415 — with the API's client, for checks alone

    rows = [describe_checked("configuration", None)]
    redactor = _start_talking(config)
    async with checking.assemble_apart(config, redactor) as assembly:
        rows += await _look_at_state(config, assembly)
        accounts = await checking.reach_accounts(assembly)
        rows += [describe_checked(each.account, _describe_account(each)) for each in accounts]
        read = [each.account for each in accounts if each.ok]
        signed_in = {account: await checking.name_signed_in(assembly, account) for account in read}
        rows += [describe_checked(each.feed, each.problem) for each in await checking.reach_feeds(assembly)]
        if config.tmdb is not None:
            rows.append(describe_checked("tmdb", await checking.reach_tmdb(assembly)))
        rows += [
            describe_checked(
                f"template {'.'.join((each.name, *each.path))}",
                f"{each.message}; the built-in words are used",
            )
            for each in make_scribe(config).try_all()
        ]
        if notify:
            sent = await checking.send_tests(assembly, assembly.deliverer.terms.urls)
            rows += [describe_checked(address, problem) for address, problem in sent.items()]
    screen = Screen(redactor, as_json=as_json)
    screen.print_rows(rows, _CHECKED, empty="nothing to check")
    for account, as_whom in signed_in.items():
        if as_whom and not as_json:
            screen.say(f"{account}: {as_whom}")
    return int(any(not row["ok"] for row in rows))


async def try_target(config: Config, what: str, *, as_json: bool) -> int:
    """Send a test message to each address of a target, or to one address; 1 if one was not taken.

    Raises:
        FeedwatchError: there is no such target or address.
    """
    from feedwatch import checking  # noqa: PLC0415 — as above

    target, addresses = checking.find_addresses(config, what)
    # Nobody else is asked, so nobody else's secrets are needed.
    alone = replace(config, accounts={}, targets={target: config.targets[target]}, routes=(), notices=())
    redactor = _start_talking(config)
    async with checking.assemble_apart(alone, redactor) as assembly:
        sent = await checking.send_tests(assembly, addresses)
    rows = [describe_checked(address, problem) for address, problem in sent.items()]
    Screen(redactor, as_json=as_json).print_rows(rows, _CHECKED, empty="")
    return int(any(not row["ok"] for row in rows))


# ── checking ──────────────────────────────────────────────────────────────────────────────────────


async def _look_at_state(config: Config, assembly: Assembly) -> list[Row]:
    """Say whether the state, if there is one, can be read; and take over who rests and who is signed in."""
    try:
        resting, sign_ins = await asyncio.to_thread(_read_state, config.state)
    except StoreMissing:
        return []
    except StoreError as error:
        return [describe_checked("state", str(error))]
    for host, until_at in resting.items():
        await assembly.store.run(Store.rest_host, host, until_at, Reason.RATE_LIMITED)
    for sign_in in sign_ins:
        await assembly.store.run(Store.record_sign_in, sign_in)
    return [describe_checked("state", None)]


def _read_state(state: Path) -> tuple[dict[str, datetime], tuple[SignIn, ...]]:
    now = datetime.now(UTC)
    store = Store.open_read_only(state)
    try:
        if problem := store.find_damage(now):
            raise StoreDamaged(problem)
        return store.resting_hosts(now), store.list_sign_ins()
    finally:
        store.close()


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


async def _open(config: Config, stack: AsyncExitStack, *, as_json: bool) -> tuple[Assembly, Screen]:
    redactor = _start_talking(config)
    assembly = await assemble(config, redactor, stack)
    gc.freeze()  # as above
    return assembly, Screen(redactor, as_json=as_json)


def _start_talking(config: Config) -> Redactor:
    redactor = Redactor()
    start_logging("error" if config.log != "debug" else "debug", redactor)
    return redactor


async def _run_round(assembly: Assembly, feeds: Sequence[str], *, as_json: bool) -> list[PollReport]:
    """Poll these feeds. What each poll began with is let go of here: what tells of them needs the room."""
    tasks = await _take(assembly, feeds)
    with show_progress(len(tasks), as_json=as_json) as advance:
        return await assembly.poller.run_round(tasks, lambda _: advance())


async def _take(assembly: Assembly, feeds: Sequence[str]) -> tuple[PollTask, ...]:
    if feeds:
        known = {feed.feed for feed in await assembly.store.run(Store.list_feeds)}
        for feed in feeds:
            if feed not in known:
                raise FeedwatchError(say_unknown("feed", feed, known))
    tasks = await assembly.store.run(
        Store.take_polls, datetime.now(UTC), feeds=list(feeds) or None, due_only=False, limit=_EVERY_POLL
    )
    missing = set(feeds) - {task.feed for task in tasks}
    if missing:
        raise FeedwatchError(f"paused, or not watched any more: {', '.join(sorted(missing))}")
    return tasks


# ── what is said ──────────────────────────────────────────────────────────────────────────────────


def _say_polls(screen: Screen, reports: Sequence[PollReport]) -> None:
    rows: list[Row] = [
        {
            "feed": each.feed,
            "outcome": str(each.outcome),
            "entries": each.entries,
            "changes": each.changes,
            "reason": str(each.reason) if each.reason else None,
            "detail": each.detail or None,
        }
        for each in sorted(reports, key=lambda each: each.feed)
    ]
    columns = ["feed", "outcome", "entries", "changes"]
    screen.print_rows(rows, columns, empty="no feeds to poll", aside=("why", _say_trouble))


def _say_trouble(row: Row) -> str | None:
    if row["outcome"] == PollOutcome.LATE:
        return "another poll came first"
    said = say_reason(row["reason"], row["detail"]) if row["reason"] else None
    return f"no host answers, so this may be our own network: {said}" if _is_outage(row) else said


def _is_outage(row: Row) -> bool:
    return row["outcome"] == PollOutcome.OUTAGE


def _say_deliveries(screen: Screen, served: Sequence[DeliveryReport]) -> None:
    for each in served:
        if each.outcome is not Settled.DELIVERED:
            why = say_reason(each.reason, each.detail)
            _complain(screen, f"{each.address}: message {each.message} was not sent: {why}")
        elif not screen.as_json:
            screen.say(f"told {each.address}: message {each.message}")


def _say_discoveries(screen: Screen, reports: Sequence[DiscoveryReport]) -> bool:
    """Say which indexes could not be read; whether there is one."""
    problems = {each.account: problem for each in reports if (problem := _describe_account(each))}
    for account, problem in problems.items():
        _complain(screen, f"the lists of {account} could not be looked up: {problem}")
    return bool(problems)


def _describe_discovery(report: DiscoveryReport) -> str | None:
    return None if report.ok else say_reason(report.reason, report.detail)


def _describe_account(report: DiscoveryReport) -> str | None:
    """Why an account cannot be looked up, and what to type where somebody has to sign in."""
    problem = _describe_discovery(report)
    return f"{problem}; type: feedwatch login {report.account}" if report.signed_out else problem


def _complain(screen: Screen, text: str) -> None:
    click.echo(screen.clean(text).rstrip(), err=True)


@contextmanager
def show_progress(total: int, *, as_json: bool) -> Iterator[Callable[[], None]]:
    """Show a person at a terminal how far a round of many feeds is; gives what counts one on."""
    if total <= _MANY_FEEDS or as_json or not sys.stderr.isatty():
        yield lambda: None
        return
    # rich takes a while to import: only a terminal pays for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("polling", total=total)
        yield lambda: progress.advance(bar)
