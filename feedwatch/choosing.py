"""Which account of a configuration a command is about."""

from __future__ import annotations

from feedwatch.config import Config, NetflixAccount
from feedwatch.errors import FeedwatchError
from feedwatch.rows import say_unknown


def choose_account(config: Config, account: str | None) -> tuple[str, NetflixAccount]:
    """The account that is meant: the one named, or the only one whose service has an API.

    Raises:
        FeedwatchError: there is none, or it is not clear which.
    """
    found = {name: each for name, each in config.accounts.items() if isinstance(each, NetflixAccount)}
    if account is None and len(found) == 1:
        return next(iter(found.items()))
    if account in found:
        return account, found[account]
    if not found:
        raise FeedwatchError("no account of the configuration is at a server with an API (service: netflix)")
    if account is None:
        names = " or ".join(f"--account {name}" for name in found)
        raise FeedwatchError(f"there are {len(found)} accounts: say which one ({names})")
    if account in config.accounts:
        service = config.accounts[account].service
        raise FeedwatchError(f"{account} has no API to ask: its service is {service}")
    raise FeedwatchError(say_unknown("account", account, list(found)))
