"""Commands that look: what there is, and what changed; and copies of it."""

from __future__ import annotations

from pathlib import Path

import click

from feedwatch.cli.completing import complete_feeds
from feedwatch.cli.root import Invocation, as_json, cli, looking, reading
from feedwatch.cli.times import read_since

# ── looking ───────────────────────────────────────────────────────────────────────────────────────


@cli.command()
@as_json
@click.pass_obj
def status(invocation: Invocation, *, as_json: bool) -> None:
    """Show each feed: kind, entries, last and next poll, how it went."""
    with reading(invocation, as_json=as_json) as (store, screen):
        looking().show_status(store, screen)


@cli.command()
@click.argument("feed", shell_complete=complete_feeds)
@as_json
@click.pass_obj
def show(invocation: Invocation, feed: str, *, as_json: bool) -> None:
    """Show a list as last seen, in order. FEED is account/name, as in `feedwatch status`."""
    with reading(invocation, as_json=as_json) as (store, screen):
        looking().show_feed(store, screen, feed)


@cli.command()
@click.option("--feed", metavar="ACCOUNT/NAME", help="Only this feed.", shell_complete=complete_feeds)
@click.option("--since", metavar="T", help="A duration (2h, 7d) or a date (2026-01-31).")
@as_json
@click.pass_obj
def changes(invocation: Invocation, feed: str | None, since: str | None, *, as_json: bool) -> None:
    """Show what changed, newest last."""
    since_at = read_since(since)
    with reading(invocation, as_json=as_json) as (store, screen):
        looking().show_changes(store, screen, feed, since_at)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there, once the copy is whole.")
@click.pass_obj
def backup(invocation: Invocation, file: Path, *, force: bool) -> None:
    """Copy the state to FILE, also beside a running daemon. The copy is a state that can be used at once."""
    looking().backup_state(invocation.load(), file, replace=force)


# ── subscriptions, demo, sandbox ──────────────────────────────────────────────────────────────────


@cli.group()
def opml() -> None:
    """Subscriptions in and out, as OPML."""


@opml.command("export")
@click.option("--with-tokens", is_flag=True, help="Include feeds whose address holds a secret token.")
@click.pass_obj
def opml_export(invocation: Invocation, *, with_tokens: bool) -> None:
    """Print the feeds that are watched, as OPML."""
    config = invocation.load()
    with looking().open_for_looking(config, as_json=False) as (store, screen):
        looking().export_opml(store, config, screen.redactor, with_tokens=with_tokens)


@opml.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", default="reading", show_default=True, help="What to call the account.")
def opml_import(file: Path, account: str) -> None:
    """Print the lines to put into the configuration for the feeds in FILE."""
    from feedwatch.config import is_account_name  # noqa: PLC0415

    if not is_account_name(account):
        raise click.BadParameter(
            f"{account!r} is no name of an account: lower-case letters, digits, - and _",
            param_hint="--account",
        )
    looking().import_opml(file, account)
