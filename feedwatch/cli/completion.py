"""The script that teaches a shell to complete what is typed after `feedwatch`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from feedwatch.cli.root import cli

_VARIABLE = "_FEEDWATCH_COMPLETE"


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what teaches SHELL to complete what you type: titles, too.

    Write it to where your shell looks for it:

    \b
    bash: ~/.local/share/bash-completion/completions/feedwatch
    zsh:  _feedwatch in a folder of $fpath
    fish: ~/.config/fish/completions/feedwatch.fish
    """  # noqa: D301 — click's sign for lines that stay as they are
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "feedwatch", _VARIABLE).source())
