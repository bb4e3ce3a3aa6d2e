"""Commands that ask the API, typed within this process: quicker, where the process is not the point."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.testing import CliRunner
from running import Place, Ran

from feedwatch.cli import cli
from feedwatch.errors import FeedwatchError
from feedwatch.sandbox.dialects import DIALECTS

__all__ = ["DIALECTS", "type_in"]


def type_in(place: Place, *words: str | Path | int) -> Ran:
    """Run a command with a place's configuration, and tell how it ended as its process would."""
    typed = ["--config", str(place.config), *map(str, words)]
    with _logging_as_before():
        done = CliRunner().invoke(cli, typed, prog_name="feedwatch", standalone_mode=False)
    match done.exception:
        case None:
            return Ran(int(done.return_value or 0), done.stdout, done.stderr)
        case click.ClickException() as wrong:
            return Ran(wrong.exit_code, done.stdout, f"{done.stderr}Error: {wrong.format_message()}\n")
        case FeedwatchError() as wrong:
            return Ran(1, done.stdout, f"{done.stderr}error: {wrong}\n")
        case surprise:
            raise surprise


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """Leave logs as they were: a command sends them to the streams that it was run with."""
    loggers = [logging.getLogger(), logging.getLogger("feedwatch")]
    before = [(each, each.level, list(each.handlers)) for each in loggers]
    try:
        yield
    finally:
        for each, level, handlers in before:
            each.setLevel(level)
            each.handlers[:] = handlers
