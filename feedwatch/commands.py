"""The commands that do something over the network: run, poll, discover, check, login."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import click

from feedwatch.assembly import Assembly, assemble
from feedwatch.config import Config
from feedwatch.core.model import FetchFailed, Notice, NoticeKind, OwedDelivery, Style
from feedwatch.core.render import compose_message
from feedwatch.core.state import PollTask, Settled
from feedwatch.daemon import Daemon
from feedwatch.deliver import DeliveryReport
from feedwatch.errors import FeedwatchError
from feedwatch.logs import start_logging
from feedwatch.poll import PollOutcome, PollReport
from feedwatch.present import Row, Screen, describe_found
from feedwatch.redact import Redactor
from feedwatch.store import Store, hold_state

_TOOK_NO_HARM = {
    PollOutcome.UNCHANGED: "unchanged",
    PollOutcome.BASELINE: "watching",
    PollOutcome.HELD: "held",
    PollOutcome.RESTING: "its host asked for rest",
    PollOutcome.LATE: "another poll came first",
}
_EVERY_POLL = 1_000_000


async def run_daemon(config: Config, load: Callable[[], Config]) -> None:
    """Be the daemon, until told to stop.

    Raises:
        StoreLocked: another daemon holds the state.
    """
    redactor = Redactor()
    start_logging(config.log, redactor)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_state(config.state))
        assembly = await assemble(config, redactor, stack)
        await Daemon(assembly, load).run()


async def poll_once(config: Config, feeds: Sequence[str], *, as_json: bool) -> int:
    """One round now: discover what is due, poll, deliver. 1 if anything failed."""
    async with AsyncExitStack() as stack:
        assembly, screen = await _open(config, stack, as_json=as_json)
        await assembly.discover_due()
        tasks = await _take(assembly, feeds)
        with _progress(len(tasks), as_json=as_json) as advance:
            reports = await assembly.poller.run_round(tasks, lambda _: advance())
        served = await assembly.deliverer.serve_all()
        signed_out = [
            each.name for each in await assembly.store.run(Store.account_statuses) if each.signed_out
        ]
        _say_polls(screen, reports)
        _say_deliveries(screen, served)
        for account in signed_out:
            _complain(screen, f"{account} is signed out: feedwatch login {account} says what to do")
    failed = any(report.outcome in (PollOutcome.FAILED, PollOutcome.OUTAGE) for report in reports)
    unsent = any(each.outcome is not Settled.DELIVERED for each in served)
    return int(failed or unsent or bool(signed_out))


async def discover_now(config: Config, accounts: Sequence[str], *, as_json: bool) -> int:
    """Read the indexes of these accounts (default: all) and print the feeds each has."""
    wanted = _check_accounts(config, accounts)
    async with AsyncExitStack() as stack:
        assembly, screen = await _open(config, stack, as_json=as_json)
        failures = 0
        for account in wanted:
            problem = await assembly.discoverer.discover_now(account)
            if problem:
                failures += 1
                _complain(screen, f"{account}: {problem}")
        feeds = await assembly.store.run(Store.list_feeds)
        rows = [
            describe_found(account, each.feed, str(each.kind), each.group, each.address, str(each.state))
            for account in wanted
            for each in feeds
            if each.feed.startswith(f"{account}/")
        ]
        screen.print_rows(rows, ["feed", "kind", "group", "state", "url"], empty="no feeds found")
    return int(failures > 0)


async def check_all(config: Config, *, notify: bool, as_json: bool) -> int:
    """Reach every account, feed and, if asked, target; nothing is written into the state."""
    rows: list[Row] = [_checked("configuration", None)]
    async with AsyncExitStack() as stack:
        assembly, screen = await _open(config, stack, as_json=as_json)
        for account in config.accounts:
            problem = await assembly.discoverer.discover_now(account)
            rows.append(_checked(account, problem))
        for task in await _take(assembly, ()):
            reading = await assembly.reader.read_list(task)
            failed = reading if isinstance(reading, FetchFailed) else None
            rows.append(_checked(task.feed, _describe(failed.reason, failed.detail) if failed else None))
        if notify:
            rows += await _send_tests(assembly)
        screen.print_rows(rows, ["subject", "ok", "problem"], empty="nothing to check")
    return int(any(not row["ok"] for row in rows))


def explain_login(config: Config, account: str) -> int:
    """Say how an account is signed in, until signing in from here is built."""
    _check_accounts(config, [account])
    kind = config.accounts[account].service
    if kind != "netflix":
        click.echo(f"{account} needs no signing in: its service is {kind}.")
        return 0
    click.echo(
        f"Signing in from here is not built yet. Put the access token into the configuration, under\n"
        f"accounts: {account}:\n\n"
        f"    access_token: ${{{account.upper()}_ACCESS_TOKEN}}\n"
        f"    access_token_secret: ${{{account.upper()}_ACCESS_TOKEN_SECRET}}\n\n"
        f"(or  !file path,  or  !credential name ), then  systemctl reload feedwatch , or start feedwatch\n"
        f"again. A changed token ends the signed-out state by itself.",
        err=True,
    )
    return 1


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


async def _open(config: Config, stack: AsyncExitStack, *, as_json: bool) -> tuple[Assembly, Screen]:
    redactor = Redactor()
    start_logging("error" if config.log != "debug" else "debug", redactor)
    assembly = await assemble(config, redactor, stack)
    return assembly, Screen(redactor, as_json=as_json)


async def _take(assembly: Assembly, feeds: Sequence[str]) -> tuple[PollTask, ...]:
    now = datetime.now(UTC)
    wanted = list(feeds) or None
    tasks = await assembly.store.run(
        Store.take_polls, now, feeds=wanted, due_only=False, exclude=(), limit=_EVERY_POLL
    )
    missing = set(feeds) - {task.feed for task in tasks}
    if missing:
        raise FeedwatchError(f"not watched: {', '.join(sorted(missing))} (see feedwatch status)")
    return tasks


def _check_accounts(config: Config, accounts: Sequence[str]) -> list[str]:
    unknown = [account for account in accounts if account not in config.accounts]
    if unknown:
        known = ", ".join(config.accounts) or "none"
        raise FeedwatchError(f"no account is called {', '.join(unknown)}. Configured: {known}")
    return list(accounts) or list(config.accounts)


async def _send_tests(assembly: Assembly) -> list[Row]:
    """Send each address a test message, past the outbox: it is about the way, not about a change."""
    rows: list[Row] = []
    notice = Notice(NoticeKind.TEST, datetime.now(UTC))
    for address, reveal in assembly.deliverer.urls.items():
        url = reveal()
        style: Style = assembly.notifier.style_of(url)
        message = compose_message([OwedDelivery(0, address, notice)], style)
        outcome = await assembly.notifier.send(
            address, url, message.title, message.body, is_html=message.is_html
        )
        reason = getattr(outcome, "reason", None)
        rows.append(_checked(address, _describe(reason, getattr(outcome, "detail", "")) if reason else None))
    return rows


# ── what is said ──────────────────────────────────────────────────────────────────────────────────


def _say_polls(screen: Screen, reports: Sequence[PollReport]) -> None:
    rows = [
        {
            "feed": each.feed,
            "outcome": str(each.outcome),
            "entries": each.entries,
            "changes": each.changes,
            "reason": str(each.reason) if each.reason else None,
            "detail": each.detail or _TOOK_NO_HARM.get(each.outcome),
        }
        for each in sorted(reports, key=lambda each: each.feed)
    ]
    columns = ["feed", "outcome", "entries", "changes", "reason"]
    if any(each.detail for each in reports):
        columns.append("detail")
    screen.print_rows(rows, columns, empty="no feeds to poll")


def _say_deliveries(screen: Screen, served: Sequence[DeliveryReport]) -> None:
    if screen.as_json:
        return
    for each in served:
        if each.outcome is Settled.DELIVERED:
            screen.say(f"told {each.address}: message {each.message}")
        else:
            _complain(screen, f"{each.address}: message {each.message} not sent: {each.reason} {each.detail}")


def _complain(screen: Screen, text: str) -> None:
    click.echo(screen.redactor.redact(text).rstrip(), err=True)


def _checked(subject: str, problem: str | None) -> Row:
    return {"subject": subject, "ok": problem is None, "problem": problem}


def _describe(reason: object, detail: str) -> str:
    return f"{reason}: {detail}" if detail else str(reason)


class _progress:  # noqa: N801 — reads as `with _progress(…)`
    """A progress bar on a terminal, where a round has more than a handful of feeds."""

    def __init__(self, total: int, *, as_json: bool) -> None:
        self._total = total
        self._shown = sys.stderr.isatty() and not as_json and total > 10
        self._stack = AsyncExitStack()

    def __enter__(self) -> Callable[[], None]:
        if not self._shown:
            return lambda: None
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress  # noqa: PLC0415

        self._progress = Progress(console=Console(stderr=True), transient=True)
        bar = self._progress.add_task("polling", total=self._total)
        self._progress.start()
        return lambda: self._progress.advance(bar)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()
