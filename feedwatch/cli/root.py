"""The root of all commands, and what they share: the configuration, the state, the way to run."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from feedwatch import __version__

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


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


# ── what is imported when it is first needed: what only looks should start fast ───────────────────


def looking() -> Any:
    """What looks at the state."""
    from feedwatch import looking  # noqa: PLC0415

    return looking


def tending() -> Any:
    """What acts on the outbox."""
    from feedwatch import tending  # noqa: PLC0415

    return tending


def silencing() -> Any:
    """What keeps silences."""
    from feedwatch import silencing  # noqa: PLC0415

    return silencing


# ── the state ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def reading(invocation: Invocation, *, as_json: bool) -> Iterator[tuple[Any, Any]]:
    """Open the state for looking only: no secret is needed, nothing is created."""
    with looking().open_for_looking(invocation.load(), as_json=as_json) as opened:
        yield opened


@contextmanager
def writing(invocation: Invocation) -> Iterator[tuple[Any, Any]]:
    """Open the state for writing beside whoever runs; no secret is needed, nothing is created."""
    from feedwatch.store import Store  # noqa: PLC0415

    config = invocation.load()
    redactor = looking().start_hiding(config)
    store = Store.open_existing(config.state)
    try:
        looking().hide_tokens(store, redactor)
        yield store, config
    finally:
        store.close()


def screen_for(config: Any, *, as_json: bool) -> Any:
    """Where the answers of a command go that needs no state."""
    from feedwatch.present import Screen  # noqa: PLC0415

    return Screen(looking().start_hiding(config), as_json=as_json)


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """Run what asks the network to its end, and give what comes of it."""
    # Not at the top: --help and --version do without it.
    import asyncio  # noqa: PLC0415

    return asyncio.run(work)
