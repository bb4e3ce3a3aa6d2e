"""Commands that change what is a person's own at the service: the queue, and ratings."""

from __future__ import annotations

import click

from feedwatch.cli.completing import RATINGS, complete_rated
from feedwatch.cli.root import Invocation, as_json, cli, run_async, screen_for
from feedwatch.cli.titles import a_title, of_account

_A_PLACE = click.IntRange(1)
_a_queued_title = click.argument("title", nargs=-1, required=True, metavar="TITLE")


@cli.group()
def queue() -> None:
    """Your queue at the service, shown and changed. Targets are told of a change as of any other.

    TITLE is a number, an address or a name; of a title in the queue also its place in it.
    """


@queue.command("list")
@click.option("--saved", is_flag=True, help="Only what is saved until it can be had.")
@of_account
@as_json
@click.pass_obj
def queue_list(invocation: Invocation, account: str | None, *, saved: bool, as_json: bool) -> int:
    """Show the queue as its server has it now."""
    config = invocation.load()
    from feedwatch.titles.queueing import list_queue  # noqa: PLC0415

    return int(run_async(list_queue(config, screen_for(config, as_json=as_json), account, saved=saved)))


@queue.command("add")
@a_title
@click.option("--at", type=_A_PLACE, metavar="N", help="At this place, and not at the end.")
@of_account
@as_json
@click.pass_obj
def queue_add(
    invocation: Invocation, title: tuple[str, ...], at: int | None, account: str | None, *, as_json: bool
) -> int:
    """Add TITLE to the queue."""
    config = invocation.load()
    from feedwatch.titles.queueing import add_title  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(add_title(config, screen, account, " ".join(title), at)))


@queue.command("move")
@_a_queued_title
@click.option("--to", type=_A_PLACE, metavar="N", required=True, help="To this place.")
@of_account
@as_json
@click.pass_obj
def queue_move(
    invocation: Invocation, title: tuple[str, ...], to: int, account: str | None, *, as_json: bool
) -> int:
    """Move TITLE to another place in the queue."""
    config = invocation.load()
    from feedwatch.titles.queueing import move_title  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(move_title(config, screen, account, " ".join(title), to)))


@queue.command("remove")
@_a_queued_title
@of_account
@as_json
@click.pass_obj
def queue_remove(
    invocation: Invocation, title: tuple[str, ...], account: str | None, *, as_json: bool
) -> int:
    """Remove TITLE from the queue."""
    config = invocation.load()
    from feedwatch.titles.queueing import remove_title  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(remove_title(config, screen, account, " ".join(title))))


@cli.command("rate")
@click.argument("title", nargs=-1, required=True, metavar="TITLE", shell_complete=complete_rated)
@click.argument("rating", metavar="RATING")
@of_account
@as_json
@click.pass_obj
def rate(
    invocation: Invocation, title: tuple[str, ...], rating: str, account: str | None, *, as_json: bool
) -> int:
    """Rate TITLE. RATING is 1 to 5, not-interested or no-opinion."""
    wanted = rating.replace("-", "_")
    if wanted.replace("_", "-") not in RATINGS:
        raise click.BadParameter(
            f"{rating!r} is no rating: give 1 to 5, not-interested or no-opinion", param_hint="RATING"
        )
    config = invocation.load()
    from feedwatch.titles.rating import rate_title  # noqa: PLC0415

    screen = screen_for(config, as_json=as_json)
    return int(run_async(rate_title(config, screen, account, " ".join(title), wanted)))
