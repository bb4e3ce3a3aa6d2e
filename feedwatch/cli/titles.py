"""Commands about titles and people: searching the server's catalog, and looking at one of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from feedwatch.cli.completing import complete_accounts, complete_titles
from feedwatch.cli.root import Invocation, as_json, cli, run_async, screen_for

F = TypeVar("F", bound=Callable[..., Any])

of_account = click.option(
    "--account",
    metavar="ACCOUNT",
    shell_complete=complete_accounts,
    help="As this account; may be left out where there is only one.",
)
a_title = click.argument("title", nargs=-1, required=True, metavar="TITLE", shell_complete=complete_titles)


def limited(default: int | None) -> Callable[[F], F]:
    """The option that limits a list."""
    return click.option(
        "--limit",
        type=click.IntRange(1, 10_000),
        default=default,
        show_default=default is not None,
        help="So many at most.",
    )


# ── titles ────────────────────────────────────────────────────────────────────────────────────────


@cli.group()
def titles() -> None:
    """Titles of the server's catalog.

    TITLE is a number (60000037), an address, a path such as series/70000300, or a name. A name must be the
    whole name of one title; behind it may stand its year, in brackets.
    """


@titles.command("search")
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@limited(20)
@of_account
@as_json
@click.pass_obj
def titles_search(
    invocation: Invocation, words: tuple[str, ...], limit: int, account: str | None, *, as_json: bool
) -> int:
    """Search the server's catalog for titles, the best match first."""
    config = invocation.load()
    from feedwatch.titles.finding import search_for_titles  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(search_for_titles(config, screen, account, " ".join(words), limit)))


@titles.command("show")
@a_title
@of_account
@as_json
@click.pass_obj
def titles_show(invocation: Invocation, title: tuple[str, ...], account: str | None, *, as_json: bool) -> int:
    """Show all that is known of TITLE, and how you stand to it."""
    config = invocation.load()
    from feedwatch.titles.sheets import show_title  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(show_title(config, screen, account, " ".join(title))))


@titles.command("similar")
@a_title
@limited(20)
@of_account
@as_json
@click.pass_obj
def titles_similar(
    invocation: Invocation, title: tuple[str, ...], limit: int, account: str | None, *, as_json: bool
) -> int:
    """Show titles that are like TITLE."""
    config = invocation.load()
    from feedwatch.titles.finding import show_similar  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(show_similar(config, screen, account, " ".join(title), limit)))


@titles.command("recommended")
@limited(None)
@of_account
@as_json
@click.pass_obj
def titles_recommended(
    invocation: Invocation, limit: int | None, account: str | None, *, as_json: bool
) -> int:
    """Show all that is recommended to you, the best first."""
    config = invocation.load()
    from feedwatch.titles.finding import show_recommended  # noqa: PLC0415

    return int(run_async(show_recommended(config, screen_for(config, as_json=as_json), account, limit)))


# ── people ────────────────────────────────────────────────────────────────────────────────────────


@cli.group()
def people() -> None:
    """People of the server's catalog."""


@people.command("search")
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@limited(20)
@of_account
@as_json
@click.pass_obj
def people_search(
    invocation: Invocation, words: tuple[str, ...], limit: int, account: str | None, *, as_json: bool
) -> int:
    """Search the server's catalog for people."""
    config = invocation.load()
    from feedwatch.titles.finding import search_for_people  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(search_for_people(config, screen, account, " ".join(words), limit)))


@people.command("show")
@click.argument("person", nargs=-1, required=True, metavar="PERSON")
@of_account
@as_json
@click.pass_obj
def people_show(
    invocation: Invocation, person: tuple[str, ...], account: str | None, *, as_json: bool
) -> int:
    """Show who PERSON is, and their titles. PERSON is a number, as `people search` shows it, or a name."""
    config = invocation.load()
    from feedwatch.titles.sheets import show_person  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(show_person(config, screen, account, " ".join(person))))
