"""What the configuration says about an account, as its service wants to hear it. Reveals secrets."""

from __future__ import annotations

from collections.abc import Mapping

from feedwatch.config import Account, FeedsAccount, FeedSettings, NetflixAccount, OpmlAccount
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.services import (
    FeedsSettings,
    FeedWishes,
    ListedFeed,
    NetflixSettings,
    OpmlSettings,
    ServiceSettings,
)


def make_settings(name: str, account: Account) -> ServiceSettings:
    """Give the settings of an account's service.

    Raises:
        ConfigError: a secret cannot be had.
    """
    match account:
        case NetflixAccount():
            return NetflixSettings(
                url=account.url,
                consumer=make_consumer(account),
                token=make_token(account),
                user_id=account.user_id,
                discovery=account.discovery,
                feeds=account.wanted,
                wishes=_make_wishes(account.overrides),
                plain=account.format == "xml",
            )
        case OpmlAccount():
            return OpmlSettings(name, account.url.reveal(), _make_wishes(account.overrides))
        case FeedsAccount():
            listed = account.feeds.items()
            return FeedsSettings({each: ListedFeed(feed.url.reveal(), _wish(feed)) for each, feed in listed})


def make_consumer(account: NetflixAccount) -> Consumer:
    """The application that an account is asked as."""
    return Consumer(account.consumer_key.reveal(), account.consumer_secret.reveal())


def make_token(account: NetflixAccount) -> Token | None:
    """The access token that the configuration itself names."""
    if account.access_token is None or account.access_token_secret is None:
        return None
    return Token(account.access_token.reveal(), account.access_token_secret.reveal())


def _make_wishes(overrides: Mapping[str, FeedSettings]) -> dict[str, FeedWishes]:
    return {name: _wish(feed) for name, feed in overrides.items()}


def _wish(feed: FeedSettings) -> FeedWishes:
    return FeedWishes(feed.kind, feed.every, feed.announce_baseline, feed.content)
