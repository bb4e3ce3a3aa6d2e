"""What each service needs to be told about an account to be asked for its feeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from feedwatch.core.state import SignIn
from feedwatch.netflix.signing import Consumer, Token, application_of
from feedwatch.services.base import FeedWishes

USER_ID = "user_id"
"""The fact under which an account remembers whose access token it holds."""


@dataclass(frozen=True, slots=True)
class NetflixSettings:
    """What an account of the API needs to be asked. `feeds` names those wanted; None wants all.

    Without a `token` the one is taken that signing in has got. With `plain` lists come in plain XML.
    """

    url: str = field(repr=False)
    consumer: Consumer
    token: Token | None = None
    user_id: str | None = field(default=None, repr=False)
    discovery: Literal["xml", "opml"] = "xml"
    feeds: Collection[str] | None = None
    wishes: Mapping[str, FeedWishes] = field(default_factory=dict)
    plain: bool = False


@dataclass(frozen=True, slots=True)
class OpmlSettings:
    """Where the list is: an address, or a path from the configuration's folder; and wishes by feed name."""

    account: str
    url: str = field(repr=False)
    wishes: Mapping[str, FeedWishes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """One feed as the configuration names it."""

    address: str = field(repr=False)
    wishes: FeedWishes = field(default_factory=FeedWishes)


@dataclass(frozen=True, slots=True)
class FeedsSettings:
    """The feeds of one account, by name."""

    feeds: Mapping[str, ListedFeed]


ServiceSettings = NetflixSettings | OpmlSettings | FeedsSettings


def find_token(settings: NetflixSettings, signed_in: SignIn | None) -> Token | None:
    """The access token that counts: the configuration's, else what signing in has got here."""
    if settings.token is not None:
        return settings.token
    if signed_in is None or signed_in.application != application_of(settings.url, settings.consumer):
        return None
    return Token(signed_in.token, signed_in.secret)


def find_user_id(settings: NetflixSettings, signed_in: SignIn | None, facts: Mapping[str, str]) -> str | None:
    """Whose access token counts: as configured, as the server said at the sign-in, or as remembered."""
    of_sign_in = signed_in.user_id if signed_in is not None and settings.token is None else None
    return settings.user_id or of_sign_in or facts.get(USER_ID)


def is_address(url: str) -> bool:
    """Whether a list is asked for over HTTP, and not read from a file."""
    return url.lower().startswith(("http://", "https://"))
