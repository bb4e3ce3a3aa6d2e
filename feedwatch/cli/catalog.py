"""The catalog of a server: to have it here, and to search it without the server."""

from __future__ import annotations

from typing import Any

import click

from feedwatch.cli.completing import complete_accounts
from feedwatch.cli.root import Invocation, as_json, cli, looking, screen_for

_account = click.option(
    "--account", metavar="ACCOUNT", help="Of this account's server.", shell_complete=complete_accounts
)


@cli.group()
def catalog() -> None:
    """All titles of an account's server, to be searched offline."""


@catalog.command("sync")
@_account
@click.option("--full", is_flag=True, help="The full catalog instead of its index: larger, and knows more.")
@click.option(
    "--ids",
    type=click.Choice(["amg", "tms"]),
    multiple=True,
    help="The titles' identifiers at AMG or TMS, too; only for applications that the server lets have them.",
)
@click.pass_obj
def catalog_sync(invocation: Invocation, account: str | None, *, full: bool, ids: tuple[str, ...]) -> int:
    """Download the catalog, if it is another by now.

    The catalog in use stays until the new one is whole. A download that was interrupted goes on where it was
    if the server can say that its catalog is still the same.
    """
    if full and ids:
        raise click.UsageError("--ids is for the index: it goes without --full")
    config = invocation.load()
    from feedwatch.cataloguing.commands import sync_catalogs  # noqa: PLC0415

    return int(sync_catalogs(config, looking().start_hiding(config), account, full=full, ids=ids))


@catalog.command("search")
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@_account
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="So many titles.")
@as_json
@click.pass_obj
def catalog_search(
    invocation: Invocation, words: tuple[str, ...], account: str | None, limit: int, *, as_json: bool
) -> None:
    """Find titles by their name, people and year.

    Each of WORDS is the beginning of one of theirs.

    For example: feedwatch catalog search silent harb 1979
    """
    config = invocation.load()
    _searching().search_catalog(config, screen_for(config, as_json=as_json), account, " ".join(words), limit)


@catalog.command("status")
@_account
@as_json
@click.pass_obj
def catalog_status(invocation: Invocation, account: str | None, *, as_json: bool) -> None:
    """Show which catalogs are here, and from when."""
    config = invocation.load()
    _searching().show_catalogs(config, screen_for(config, as_json=as_json), account)


def _searching() -> Any:
    from feedwatch.cataloguing import searching  # noqa: PLC0415

    return searching
