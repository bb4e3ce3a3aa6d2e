"""What waits to be sent: shown, and acted on."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from feedwatch.cli.completing import complete_targets
from feedwatch.cli.root import Invocation, as_json, cli, looking, reading, tending, writing


@cli.group(invoke_without_command=True)
@as_json
@click.pass_context
def outbox(context: click.Context, *, as_json: bool) -> None:
    """Show what waits, is paused, dead or done; and act on it."""
    if context.invoked_subcommand is None:
        _list_outbox(context.obj, as_json=as_json)
    elif as_json and context.invoked_subcommand != "list":
        raise click.UsageError(f"--json is for the list, not for {context.invoked_subcommand}")


@outbox.command("list")
@click.option("--all", "all_done", is_flag=True, help="All that were delivered, not only the last 50.")
@as_json
@click.pass_context
def outbox_list(context: click.Context, *, all_done: bool, as_json: bool) -> None:
    """Show messages waiting, paused, dead or done."""
    assert context.parent is not None
    _list_outbox(context.obj, as_json=as_json or context.parent.params["as_json"], all_done=all_done)


@outbox.command("retry")
@click.argument("what", nargs=-1, metavar="[WHAT]...", shell_complete=complete_targets)
@click.pass_obj
def outbox_retry(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Make messages that wait or are dead due now.

    All of them, or WHAT: a message's number, a target (phone) or an address (phone/1). What is paused
    has to be resumed first.
    """
    with writing(invocation) as (store, config):
        return int(tending().retry(store, config, what, datetime.now(UTC)))


@outbox.command("pause")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...", shell_complete=complete_targets)
@click.pass_obj
def outbox_pause(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Hold a message back, or send nothing to a target, until resumed. All that is owed is kept.

    WHAT is a message's number, a target (phone) or an address (phone/1).
    """
    with writing(invocation) as (store, config):
        return int(tending().pause(store, config, what, datetime.now(UTC)))


@outbox.command("resume")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...", shell_complete=complete_targets)
@click.pass_obj
def outbox_resume(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Take up again what was paused. The time after which it is given up starts anew.

    WHAT is a message's number, a target (phone) or an address (phone/1).
    """
    with writing(invocation) as (store, config):
        return int(tending().resume(store, config, what, datetime.now(UTC)))


@outbox.command("drop")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...", shell_complete=complete_targets)
@click.pass_obj
def outbox_drop(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Give messages up. They stay visible as dead, and `retry` can bring them back.

    WHAT is a message's number, or a target (phone) or address (phone/1): then all that waits for it.
    """
    with writing(invocation) as (store, config):
        return int(tending().drop(store, config, what, datetime.now(UTC)))


def _list_outbox(invocation: Invocation, *, as_json: bool, all_done: bool = False) -> None:
    with reading(invocation, as_json=as_json) as (store, screen):
        looking().show_outbox(store, screen, all_done=all_done)
