"""The command line: one short function for each command (design, section 6).

Exit status 0: done; 1: something failed, and it says what; 2: usage or configuration.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import click

from feedwatch import __version__
from feedwatch.errors import ConfigError, FeedwatchError, StoreDamaged

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


_WAY_OUT = """\
To go on: `feedwatch run` sets a damaged state aside when it starts, and begins a new one; or stop the daemon,
move the state and the -wal and -shm beside it away, and put a backup in its place. `feedwatch check --deep`
says what is damaged."""


@dataclass(slots=True)
class Invocation:
    """What stands before the command: which configuration."""

    config_path: Path | None = None
    _config: Any = field(default=None, repr=False)

    def load(self) -> Any:
        """Read the configuration; its warnings go to standard error."""
        from feedwatch.config import load_config  # noqa: PLC0415
        from feedwatch.terminal import clean_text  # noqa: PLC0415

        config = load_config(self.config_path, environ=os.environ)
        for warning in config.warnings:
            click.echo(clean_text(f"warning: {warning}"), err=True)
        return config


def main() -> None:
    """Run a command; errors a person can act on go to standard error without a traceback."""
    # Its plug-ins are looked for in every package there is, and we use none: a fifth of a start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _prepare_streams()
    _catch_strays()
    sys.exit(_run_command())


def _run_command() -> int:
    try:
        status = int(cli.main(prog_name="feedwatch", standalone_mode=False) or 0)
        sys.stdout.flush()
    except click.exceptions.Abort:
        status = 130
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except ConfigError as error:
        for problem in error.problems:
            _complain(problem)
        status = 2
    except BrokenPipeError:
        # Whoever read us has gone (`feedwatch changes | head`): nothing is wrong.
        _close_output()
        status = 0
    except (FeedwatchError, OSError) as error:
        _complain(error)
        if isinstance(error, StoreDamaged) and error.is_ours:
            click.echo(_WAY_OUT, err=True)
        _close_output()
        status = 1
    except Exception as error:  # noqa: BLE001 — the last edge: a traceback may hold a secret
        from feedwatch.logs import log_crash  # noqa: PLC0415

        log_crash(error)
        status = 1
    return status


def _catch_strays() -> None:
    """Have what fails in a thread, or where an object ends, logged as all else is, and not printed bare."""

    def log(error: BaseException | None) -> None:
        from feedwatch.logs import log_crash  # noqa: PLC0415

        if error is not None and not isinstance(error, SystemExit):
            log_crash(error)

    threading.excepthook = lambda stray: log(stray.exc_value)
    sys.unraisablehook = lambda stray: log(stray.exc_value)


def _prepare_streams() -> None:
    """See to it that any text can be printed: to a closed stream, or in another encoding than ours."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 — until the end
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _close_output() -> None:
    """Write what is waiting, or nothing more: what failed once would fail again at the end."""
    try:
        sys.stdout.flush()
    except OSError:
        pass
    else:
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(what: object) -> None:
    from feedwatch.terminal import clean_lines  # noqa: PLC0415

    click.echo(f"error: {clean_lines(str(what))}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="The configuration. Default: $FEEDWATCH_CONFIG, ~/.config/feedwatch/config.yaml, "
    "/etc/feedwatch/config.yaml.",
)
@click.version_option(__version__, prog_name="feedwatch")
@click.pass_context
def cli(context: click.Context, config_path: Path | None) -> None:
    """Knows what is on your lists, and tells you when a list changes.

    To see it work, type: feedwatch demo
    """
    context.obj = Invocation(config_path)


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

    _await(run_daemon(config, invocation.load))


@cli.command()
@click.argument("feeds", nargs=-1, metavar="[FEED]...")
@as_json
@click.pass_obj
def poll(invocation: Invocation, feeds: tuple[str, ...], *, as_json: bool) -> int:
    """Poll all feeds, or those named, now; deliver what is due.

    FEED is account/name. It ends with 1 if a feed failed, an account is signed out or a message could not
    be sent.
    """
    config = invocation.load()
    _looking().check_feeds(config, feeds)
    from feedwatch.commands import poll_once  # noqa: PLC0415

    return int(_await(poll_once(config, feeds, as_json=as_json)))


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
        return int(_looking().check_state(config, datetime.now(UTC), as_json=as_json))
    from feedwatch.commands import check_all  # noqa: PLC0415

    return int(_await(check_all(config, notify=notify, as_json=as_json)))


@cli.command()
@click.argument("target")
@as_json
@click.pass_obj
def test(invocation: Invocation, target: str, *, as_json: bool) -> int:
    """Send a test message to TARGET, now and past the outbox.

    TARGET is a target (phone) or one address of it (phone/1). 1 if a message was not taken.
    """
    config = invocation.load()
    from feedwatch.commands import try_target  # noqa: PLC0415

    return int(_await(try_target(config, target, as_json=as_json)))


@cli.command()
@click.argument("account")
@click.pass_obj
def login(invocation: Invocation, account: str) -> int:
    """Say how ACCOUNT is signed in."""
    return int(_looking().explain_login(invocation.load(), account))


@cli.command()
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...")
@as_json
@click.pass_obj
def discover(invocation: Invocation, accounts: tuple[str, ...], *, as_json: bool) -> int:
    """Read the accounts' indexes now, and show the feeds each has."""
    config = invocation.load()
    _looking().check_accounts(config, accounts)
    from feedwatch.commands import discover_now  # noqa: PLC0415

    return int(_await(discover_now(config, accounts, as_json=as_json)))


# ── looking ───────────────────────────────────────────────────────────────────────────────────────


@cli.command()
@as_json
@click.pass_obj
def status(invocation: Invocation, *, as_json: bool) -> None:
    """Show each feed: kind, entries, last and next poll, how it went."""
    with _reading(invocation, as_json=as_json) as (store, screen):
        _looking().show_status(store, screen)


@cli.command()
@click.argument("feed")
@as_json
@click.pass_obj
def show(invocation: Invocation, feed: str, *, as_json: bool) -> None:
    """Show a list as last seen, in order. FEED is account/name, as in `feedwatch status`."""
    with _reading(invocation, as_json=as_json) as (store, screen):
        _looking().show_feed(store, screen, feed)


@cli.command()
@click.option("--feed", metavar="ACCOUNT/NAME", help="Only this feed.")
@click.option("--since", metavar="T", help="A duration (2h, 7d) or a date (2026-01-31).")
@as_json
@click.pass_obj
def changes(invocation: Invocation, feed: str | None, since: str | None, *, as_json: bool) -> None:
    """Show what changed, newest last."""
    since_at = _read_since(since)
    with _reading(invocation, as_json=as_json) as (store, screen):
        _looking().show_changes(store, screen, feed, since_at)


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
@click.argument("what", nargs=-1, metavar="[WHAT]...")
@click.pass_obj
def outbox_retry(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Make messages that wait or are dead due now.

    All of them, or WHAT: a message's number, a target (phone) or an address (phone/1). What is paused
    has to be resumed first.
    """
    with _writing(invocation) as (store, config):
        return int(_tending().retry(store, config, what, datetime.now(UTC)))


@outbox.command("pause")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...")
@click.pass_obj
def outbox_pause(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Hold a message back, or send nothing to a target, until resumed. All that is owed is kept.

    WHAT is a message's number, a target (phone) or an address (phone/1).
    """
    with _writing(invocation) as (store, config):
        return int(_tending().pause(store, config, what, datetime.now(UTC)))


@outbox.command("resume")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...")
@click.pass_obj
def outbox_resume(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Take up again what was paused. The time after which it is given up starts anew.

    WHAT is a message's number, a target (phone) or an address (phone/1).
    """
    with _writing(invocation) as (store, config):
        return int(_tending().resume(store, config, what, datetime.now(UTC)))


@outbox.command("drop")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...")
@click.pass_obj
def outbox_drop(invocation: Invocation, what: tuple[str, ...]) -> int:
    """Give messages up. They stay visible as dead, and `retry` can bring them back.

    WHAT is a message's number, or a target (phone) or address (phone/1): then all that waits for it.
    """
    with _writing(invocation) as (store, config):
        return int(_tending().drop(store, config, what, datetime.now(UTC)))


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

    with _looking().open_for_looking(config, as_json=as_json) as (store, screen):
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

    with _looking().open_for_looking(config, as_json=as_json) as (store, screen):
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
    with _writing(invocation) as (store, config):
        screen, now = _looking().make_screen(store, _looking().start_hiding(config)), datetime.now(UTC)
        ends_at = _read_length(length, now) if length is not None else _read_end(until or "", config.zone)
        silencing, zone = _silencing(), config.zone
        return int(
            silencing.add_silence(store, screen, matcher, comment, now=now, ends_at=ends_at, zone=zone)
        )


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
    with _writing(invocation) as (store, _):
        return int(_silencing().expire_silences(store, numbers, datetime.now(UTC), tell=tell))


@cli.command()
@click.argument("feeds", nargs=-1, required=True, metavar="FEED...")
@click.pass_obj
def pause(invocation: Invocation, feeds: tuple[str, ...]) -> int:
    """Poll feeds no more until they are resumed. FEED is account/name, as in `feedwatch status`."""
    with _writing(invocation) as (store, _):
        return int(_silencing().pause_feeds(store, feeds, datetime.now(UTC)))


@cli.command()
@click.argument("feeds", nargs=-1, required=True, metavar="FEED...")
@click.pass_obj
def resume(invocation: Invocation, feeds: tuple[str, ...]) -> int:
    """Poll feeds again that were paused. What has changed meanwhile is told."""
    with _writing(invocation) as (store, _):
        return int(_silencing().resume_feeds(store, feeds, datetime.now(UTC)))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there, once the copy is whole.")
@click.pass_obj
def backup(invocation: Invocation, file: Path, *, force: bool) -> None:
    """Copy the state to FILE, also beside a running daemon. The copy is a state that can be used at once."""
    _looking().backup_state(invocation.load(), file, replace=force)


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
    with _looking().open_for_looking(config, as_json=False) as (store, screen):
        _looking().export_opml(store, config, screen.redactor, with_tokens=with_tokens)


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
    _looking().import_opml(file, account)


@cli.command()
@click.option("--for", "length", metavar="DURATION", help="End by itself, e.g. after 20s.")
@click.option("--webhook", metavar="URL", hidden=True, help="Where the demo's daemon sends, for its test.")
def demo(length: str | None, webhook: str | None) -> int:
    """See it work, in this terminal: a server, a daemon, moving lists."""
    from feedwatch.config import parse_duration  # noqa: PLC0415
    from feedwatch.demo import run_demo  # noqa: PLC0415

    try:
        limit = parse_duration(length) if length else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
    return run_demo(limit, webhook)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True)
@click.option(
    "--write-config", type=click.Path(path_type=Path), help="Write a configuration for it to a file."
)
def sandbox(port: int, write_config: Path | None) -> None:
    """Run the API server of the demo alone, for trying things out."""
    from feedwatch.sandbox import run_sandbox  # noqa: PLC0415

    run_sandbox(port, write_config, click.echo)


# ── what they share ───────────────────────────────────────────────────────────────────────────────


def _looking() -> Any:
    # Imported when first needed: what only looks should start fast.
    from feedwatch import looking  # noqa: PLC0415

    return looking


def _tending() -> Any:
    from feedwatch import tending  # noqa: PLC0415

    return tending


def _silencing() -> Any:
    from feedwatch import silencing  # noqa: PLC0415

    return silencing


def _list_silences(invocation: Invocation, *, as_json: bool, all_ended: bool = False) -> None:
    with _reading(invocation, as_json=as_json) as (store, screen):
        _silencing().list_silences(store, screen, datetime.now(UTC), all_ended=all_ended)


def _list_outbox(invocation: Invocation, *, as_json: bool, all_done: bool = False) -> None:
    with _reading(invocation, as_json=as_json) as (store, screen):
        _looking().show_outbox(store, screen, all_done=all_done)


@contextmanager
def _reading(invocation: Invocation, *, as_json: bool) -> Iterator[tuple[Any, Any]]:
    """Open the state for looking only: no secret is needed, nothing is created."""
    with _looking().open_for_looking(invocation.load(), as_json=as_json) as opened:
        yield opened


@contextmanager
def _writing(invocation: Invocation) -> Iterator[tuple[Any, Any]]:
    """Open the state for writing beside whoever runs; no secret is needed, nothing is created."""
    from feedwatch.store import Store  # noqa: PLC0415

    config = invocation.load()
    _looking().start_hiding(config)
    store = Store.open_existing(config.state)
    try:
        yield store, config
    finally:
        store.close()


def _read_length(text: str, now: datetime) -> datetime:
    from feedwatch.config import parse_duration  # noqa: PLC0415

    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no duration: 2h, 7d", param_hint="--for") from error


def _read_end(text: str, zone: tzinfo) -> datetime:
    """A date (its first moment) or an instant; by the clock of the zone unless it says otherwise."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no date or instant: 2026-12-24, 2026-12-24T18:00", param_hint="--until"
        ) from None


def _read_since(text: str | None) -> datetime | None:
    """A duration back from now, or a date or instant (UTC unless it says otherwise)."""
    from feedwatch.config import parse_duration  # noqa: PLC0415

    if text is None:
        return None
    try:
        return datetime.now(UTC) - parse_duration(text)
    except OverflowError:  # longer ago than there are dates
        return None
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is neither a duration (2h, 7d) nor a date (2026-01-31)", param_hint="--since"
        ) from None


def _await(work: Coroutine[Any, Any, Any]) -> Any:
    # Not at the top: --help and --version do without it.
    import asyncio  # noqa: PLC0415

    return asyncio.run(work)
