"""What is said when signing in comes to nothing: why, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from feedwatch.config import Config
from feedwatch.core.notices import say_duration
from feedwatch.netflix.login import LoginFailed, Trouble
from feedwatch.rows import say_reason


def say_again(account: str) -> str:
    """Say how to begin anew: nothing of a sign-in can be used twice."""
    return f"To try again, type: feedwatch login {account}"


def say_failure(config: Config, account: str, failed: LoginFailed) -> str:
    """Say why a step came to nothing, where to look, and what to do."""
    if failed.trouble in _LINES:
        return _point_at(config, account, failed)
    return f"{account} is not signed in: {_EXPLAIN[failed.trouble](failed)}. {say_again(account)}"


def say_refused(account: str) -> str:
    """Say that the login page was answered with no."""
    return (
        f"{account} is not signed in: it was refused on the login page, and nothing has changed. To allow it "
        f"after all, type: feedwatch login {account}"
    )


def say_nobody_came(account: str, patience: timedelta) -> str:
    """Say that the login page never sent anybody back."""
    return (
        f"{account} is not signed in: nobody has come back from its page within {say_duration(patience)}. "
        f"If you did allow it there, your browser does not reach this machine: paste what the page shows, or "
        f"the address that it leads to. To do so, type: feedwatch login {account} --paste"
    )


def say_page_closed(account: str, patience: timedelta) -> str:
    """Say that the login page was closed before anybody had said yes or no."""
    return (
        f"{account} is not signed in: nobody has said yes or no on its page for {say_duration(patience)}. "
        f"{say_again(account)}"
    )


def say_nothing_pasted(account: str) -> str:
    """Say that the input ended before anything that could be used was pasted."""
    return f"{account} is not signed in: nothing was pasted, so it ended there. {say_again(account)}"


def say_unusable(account: str, why: str) -> str:
    """Say that a new token does not work."""
    return (
        f"{account}: the new access token was tried and does not work: {why}. It is not kept; what was there "
        f"before stays. {say_again(account)}"
    )


def _point_at(config: Config, account: str, failed: LoginFailed) -> str:
    """Say which line of the configuration is wrong."""
    key, what = _LINES[failed.trouble]
    also = f" And {_say_clock(failed)}." if failed.off is not None else ""
    said = f"{account}: {what}{_quote(failed)}. Put `{key}` right.{also} {say_again(account)}"
    return str(config.problem(("accounts", account, key), said))


def _say_clock(failed: LoginFailed) -> str:
    if failed.off is None:
        return f"its server finds the time of this machine wrong{_quote(failed)}. Set the clock"
    way = "ahead of" if failed.off > timedelta(0) else "behind"
    return (
        f"the clock of this machine is {say_duration(abs(failed.off))} {way} its server's, which accepts no "
        f"sign-in with that. Set the clock (timedatectl set-ntp true)"
    )


def _quote(failed: LoginFailed) -> str:
    return f" (it says: {failed.detail})" if failed.detail else ""


_LINES = {
    Trouble.WRONG_KEY: ("consumer_key", "its server does not know this application"),
    Trouble.WRONG_SECRET: ("consumer_secret", "its server does not accept the application's signature"),
    Trouble.NO_LOGIN: ("url", "nobody can sign in at this address"),
    Trouble.ODD_REPLY: ("url", "what is at this address does not answer as a server that signs anybody in"),
}
"""What a line of the configuration is to blame for."""
_EXPLAIN: dict[Trouble, Callable[[LoginFailed], str]] = {
    Trouble.WRONG_CLOCK: _say_clock,
    Trouble.DEAD_TOKEN: lambda failed: (
        f"its server does not take this sign-in{_quote(failed)}. Nobody has said yes on its page yet, or it "
        f"was tried before: each is good for a single try, for some minutes, and, where the page shows a "
        f"code, with that code only"
    ),
    Trouble.NOT_ALLOWED: lambda failed: (
        f"its server says that nobody has allowed it{_quote(failed)}. Sign in on its page, and say yes "
        f"there, before you come back"
    ),
    Trouble.RESTS: lambda failed: f"its server asks for rest{_quote(failed)}. Wait for a while",
    Trouble.UNREACHABLE: lambda failed: say_reason(failed.reason, failed.detail),
}
