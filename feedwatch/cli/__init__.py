"""The command line: one short function for each command (design, section 6).

Exit status 0: done; 1: something failed, and it says what; 2: usage or configuration.
"""

from __future__ import annotations

import gc
import os
import sys
import threading

import click

from feedwatch.cli import (  # noqa: F401 — each adds its commands
    catalog,
    completion,
    demo,
    looking,
    outbox,
    queue,
    running,
    signing,
    telling,
    titles,
)
from feedwatch.cli.root import cli
from feedwatch.errors import ConfigError, FeedwatchError, StoreDamaged

__all__ = ["cli", "main"]

_COLLECT_EVERY = 10_000
"""So many more objects than before, and Python looks for garbage that only its collector finds; of itself it
would after 700. There is little of it, and looking was a tenth of a start, and a quarter of a quiet round."""

_WAY_OUT = """\
To go on: `feedwatch run` sets a damaged state aside when it starts, and begins a new one; or stop the daemon,
move the state and the -wal and -shm beside it away, and put a backup in its place. `feedwatch check --deep`
says what is damaged."""


def main() -> None:
    """Run a command; errors a person can act on go to standard error without a traceback."""
    # Its plug-ins are looked for in every package there is, and we use none: a fifth of a start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(_COLLECT_EVERY)
    _prepare_streams()
    _catch_strays()
    sys.exit(_run_command())


def _run_command() -> int:
    try:
        status = _run_to_its_end()
    except (click.exceptions.Abort, KeyboardInterrupt):  # the latter from the middle of a completion
        status = 130
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption) and error.option_name == "--config":
            click.echo("It stands before the command: feedwatch --config FILE COMMAND", err=True)
        status = error.exit_code
    except ConfigError as error:
        for problem in error.problems:
            _complain(problem)
        status = 2
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


def _run_to_its_end() -> int:
    """Run a command. That whoever read it has gone (`feedwatch changes | head`) is nothing wrong."""
    before = sys.stdout
    try:
        status = int(cli.main(prog_name="feedwatch", standalone_mode=False) or 0)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_output()
        return 0
    except SystemExit:
        # click ends so after a completion; and with 1, and another stdout in place of ours, if nobody reads.
        if sys.stdout is before:
            raise
        return 0
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(what: object) -> None:
    from feedwatch.terminal import clean_lines  # noqa: PLC0415

    click.echo(f"error: {clean_lines(str(what))}", err=True)
