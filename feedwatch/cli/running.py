"""Commands that do the work: begin, run, poll, check, discover."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from feedwatch.cli.completing import complete_all_accounts, complete_feeds, complete_targets
from feedwatch.cli.root import Invocation, as_json, cli, looking, run_async

# ── starting ──────────────────────────────────────────────────────────────────────────────────────


@cli.command()
@click.pass_obj
def init(invocation: Invocation) -> None:
    """Make a first configuration by answering a few questions."""
    from feedwatch.starting import guide_start  # noqa: PLC0415

    guide_start(invocation.config_path)


# ── doing ─────────────────────────────────────────────────────────────────────────────────────────


@cli.command()
@click.pass_obj
def run(invocation: Invocation) -> None:
    """Watch and tell, in the foreground, until SIGTERM or SIGINT. SIGHUP reads the configuration again."""
    config = invocation.load()
    from feedwatch.commands import run_daemon  # noqa: PLC0415

    run_async(run_daemon(config, invocation.load))


@cli.command()
@click.argument("feeds", nargs=-1, metavar="[FEED]...", shell_complete=complete_feeds)
@as_json
@click.pass_obj
def poll(invocation: Invocation, feeds: tuple[str, ...], *, as_json: bool) -> int:
    """Poll all feeds, or those named, now; deliver what is due.

    FEED is account/name. It ends with 1 if a feed failed, an account is signed out or a message could not
    be sent.
    """
    config = invocation.load()
    looking().check_feeds(config, feeds)
    from feedwatch.commands import poll_once  # noqa: PLC0415

    return int(run_async(poll_once(config, feeds, as_json=as_json)))


@cli.command()
@click.option("--notify", is_flag=True, help="Send a test message to each target.")
@click.option("--deep", is_flag=True, help="Look at the state alone instead, at everything in it.")
@as_json
@click.pass_obj
def check(invocation: Invocation, *, notify: bool, deep: bool, as_json: bool) -> int:
    """Reach each account and feed, or look through the state."""
    if deep and notify:
        raise click.UsageError("--deep looks at the state and asks nobody: it goes without --notify")
    config = invocation.load()
    if deep:
        return int(looking().check_state(config, datetime.now(UTC), as_json=as_json))
    from feedwatch.commands import check_all  # noqa: PLC0415

    return int(run_async(check_all(config, notify=notify, as_json=as_json)))


@cli.command()
@click.argument("target", shell_complete=complete_targets)
@as_json
@click.pass_obj
def test(invocation: Invocation, target: str, *, as_json: bool) -> int:
    """Send a test message to TARGET, now and past the outbox.

    TARGET is a target (phone) or one address of it (phone/1). 1 if a message was not taken.
    """
    config = invocation.load()
    from feedwatch.commands import try_target  # noqa: PLC0415

    return int(run_async(try_target(config, target, as_json=as_json)))


@cli.command()
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...", shell_complete=complete_all_accounts)
@as_json
@click.pass_obj
def discover(invocation: Invocation, accounts: tuple[str, ...], *, as_json: bool) -> int:
    """Read the accounts' indexes now, and show the feeds each has."""
    config = invocation.load()
    looking().check_accounts(config, accounts)
    from feedwatch.commands import discover_now  # noqa: PLC0415

    return int(run_async(discover_now(config, accounts, as_json=as_json)))
