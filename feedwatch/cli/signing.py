"""Commands that sign an account in and out."""

from __future__ import annotations

import click

from feedwatch.cli.completing import complete_accounts
from feedwatch.cli.root import Invocation, cli, run_async
from feedwatch.cli.times import read_duration


@cli.command()
@click.argument("account", shell_complete=complete_accounts)
@click.option("--paste", is_flag=True, help="Wait for no browser: paste the code, or the address, here.")
@click.option(
    "--timeout", "patience", metavar="DURATION", default="10m", show_default=True, help="How long to wait."
)
@click.pass_obj
def login(invocation: Invocation, account: str, patience: str, *, paste: bool) -> int:
    """Sign ACCOUNT in, by the login page of its server.

    The page opens in the browser of this machine where there is one, and leads back here. Over SSH, or with
    --paste, paste here what the page shows. Until the new sign-in works, the old one stays.
    """
    length = read_duration(patience, "--timeout")
    config = invocation.load()
    from feedwatch.signing_in import sign_in  # noqa: PLC0415

    return int(run_async(sign_in(config, account, paste=paste, patience=length)))


@cli.command()
@click.argument("account", shell_complete=complete_accounts)
@click.pass_obj
def logout(invocation: Invocation, account: str) -> int:
    """Forget ACCOUNT's sign-in. What its lists have shown stays."""
    config = invocation.load()
    from feedwatch.signing_in import sign_out  # noqa: PLC0415

    return int(sign_out(config, account))
