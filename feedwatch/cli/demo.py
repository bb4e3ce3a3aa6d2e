"""To see it work: the demo, and its server alone."""

from __future__ import annotations

from pathlib import Path

import click

from feedwatch.cli.root import cli
from feedwatch.cli.times import read_duration


@cli.command()
@click.option("--for", "length", metavar="DURATION", help="End by itself, e.g. after 20s.")
@click.option("--webhook", metavar="URL", hidden=True, help="Where the demo's daemon sends, for its test.")
def demo(length: str | None, webhook: str | None) -> int:
    """See it work, in this terminal: a server, a daemon, moving lists."""
    from feedwatch.demo import run_demo  # noqa: PLC0415

    return run_demo(read_duration(length, "--for") if length else None, webhook)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True)
@click.option(
    "--write-config", type=click.Path(path_type=Path), help="Write a configuration for it to a file."
)
@click.option(
    "--dialect",
    type=click.Choice(["reference", "wild"]),
    default="reference",
    show_default=True,
    help="Speak as the API's reference has it, or as its later replies were seen.",
)
@click.option("--signed-out", is_flag=True, help="Leave the access token out, to try `login`.")
def sandbox(port: int, write_config: Path | None, dialect: str, *, signed_out: bool) -> None:
    """Run the API server of the demo alone, for trying things out."""
    from feedwatch.sandbox import run_sandbox  # noqa: PLC0415

    run_sandbox(port, write_config, click.echo, dialect=dialect, signed_in=not signed_out)
