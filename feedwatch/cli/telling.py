"""What is told and why, and how to have it told no more for a while."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from feedwatch.cli.completing import complete_feeds
from feedwatch.cli.root import Invocation, as_json, cli, looking, reading, silencing, writing
from feedwatch.cli.times import read_end, read_length

# ── what is told, and why ─────────────────────────────────────────────────────────────────────────


@cli.command()
@click.argument("change", type=click.IntRange(min=1))
@as_json
@click.pass_obj
def explain(invocation: Invocation, change: int, *, as_json: bool) -> None:
    """Say why CHANGE was told or was not, and what it waits for.

    CHANGE is its number, as in `feedwatch changes`. The routes are judged as the configuration stands now.
    """
    config = invocation.load()
    from feedwatch.explaining import explain_change  # noqa: PLC0415

    with looking().open_for_looking(config, as_json=as_json) as (store, screen):
        explain_change(store, config, screen, change)


@cli.command()
@click.option("--route", type=click.IntRange(min=1), required=True, help="The route, counted from 1.")
@click.option(
    "--last", type=click.IntRange(1, 1000), default=20, show_default=True, help="Of so many changes."
)
@as_json
@click.pass_obj
def preview(invocation: Invocation, route: int, last: int, *, as_json: bool) -> None:
    """Show what a route would send of the last changes that it tells.

    With --json byte for byte, and the plain text that goes with a mail, too.
    """
    config = invocation.load()
    from feedwatch.previewing import preview_route  # noqa: PLC0415

    with looking().open_for_looking(config, as_json=as_json) as (store, screen):
        preview_route(store, config, screen, route, last, datetime.now(UTC))


@cli.group(invoke_without_command=True)
@as_json
@click.pass_context
def silence(context: click.Context, *, as_json: bool) -> None:
    """Tell nothing of some changes for a time. They are recorded, and can be told after all."""
    if context.invoked_subcommand is None:
        _list_silences(context.obj, as_json=as_json)
    elif as_json and context.invoked_subcommand != "list":
        raise click.UsageError(f"--json is for the list, not for {context.invoked_subcommand}")


@silence.command("add")
@click.argument("matcher")
@click.option("--for", "length", metavar="DURATION", help="For so long: 2h, 7d.")
@click.option("--until", metavar="T", help="Until a date or an instant: 2026-12-24, 2026-12-24T18:00.")
@click.option("--comment", default="", help="Why, for who looks at it later.")
@click.pass_obj
def silence_add(
    invocation: Invocation, matcher: str, length: str | None, until: str | None, comment: str
) -> int:
    """Tell nothing of what fulfils MATCHER, for a time.

    MATCHER is a condition, as in the `where` of a route (docs/conditions.md). The end is --for or --until.

    For example: feedwatch silence add 'feed = "jane/queue"' --for 2h
    """
    if (length is None) == (until is None):
        raise click.UsageError("say for how long: either --for or --until")
    with writing(invocation) as (store, config):
        screen, now = looking().make_screen(store, looking().start_hiding(config)), datetime.now(UTC)
        ends_at = read_length(length, now) if length is not None else read_end(until or "", config.zone)
        add_silence = silencing().add_silence
        return int(add_silence(store, screen, matcher, comment, now=now, ends_at=ends_at, zone=config.zone))


@silence.command("list")
@click.option("--all", "all_ended", is_flag=True, help="Those that have ended, too.")
@as_json
@click.pass_context
def silence_list(context: click.Context, *, all_ended: bool, as_json: bool) -> None:
    """Show the silences in force, and how much each has kept back."""
    assert context.parent is not None
    as_json = as_json or context.parent.params["as_json"]
    _list_silences(context.obj, as_json=as_json, all_ended=all_ended)


@silence.command("expire")
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(min=1), metavar="NUMBER...")
@click.option("--tell", is_flag=True, help="Tell what they have kept, after all.")
@click.pass_obj
def silence_expire(invocation: Invocation, numbers: tuple[int, ...], *, tell: bool) -> int:
    """End silences now."""
    with writing(invocation) as (store, _):
        return int(silencing().expire_silences(store, numbers, datetime.now(UTC), tell=tell))


@cli.command()
@click.argument("feeds", nargs=-1, required=True, metavar="FEED...", shell_complete=complete_feeds)
@click.pass_obj
def pause(invocation: Invocation, feeds: tuple[str, ...]) -> int:
    """Poll feeds no more until they are resumed. FEED is account/name, as in `feedwatch status`."""
    with writing(invocation) as (store, _):
        return int(silencing().pause_feeds(store, feeds, datetime.now(UTC)))


@cli.command()
@click.argument("feeds", nargs=-1, required=True, metavar="FEED...", shell_complete=complete_feeds)
@click.pass_obj
def resume(invocation: Invocation, feeds: tuple[str, ...]) -> int:
    """Poll feeds again that were paused. What has changed meanwhile is told."""
    with writing(invocation) as (store, _):
        return int(silencing().resume_feeds(store, feeds, datetime.now(UTC)))


def _list_silences(invocation: Invocation, *, as_json: bool, all_ended: bool = False) -> None:
    with reading(invocation, as_json=as_json) as (store, screen):
        silencing().list_silences(store, screen, datetime.now(UTC), all_ended=all_ended)
