"""The keys of a configuration, their forms, defaults and bounds: what the reference documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from feedwatch.config.names import AccountRef, FeedKey, FeedName, FeedSelector, Name, TargetRef
from feedwatch.config.nodes import ListNode, MappingNode, ScalarNode
from feedwatch.config.secrets import Secret
from feedwatch.config.values import (
    ApiAddress,
    BodySize,
    Connections,
    FeedAddress,
    FilePath,
    Flag,
    Interval,
    KindWord,
    ListPlace,
    NetworkException,
    Patience,
    SecretText,
    Span,
    TargetAddress,
    Text,
    empty_as,
    one_of,
    read_word,
    wrap_one,
)
from feedwatch.core.model import ChangeKind

SERVICES = ("netflix", "opml", "feeds")

_EMPTY_MAPPING = empty_as(dict)
_EMPTY_LIST = empty_as(list)
_ONE_OR_MORE = BeforeValidator(wrap_one)


class Section(BaseModel):
    """A mapping with known keys; any other key is a problem."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _note_known_keys(cls, value: Any) -> Any:
        """Leave the known keys with the node, for the problem of one that is not."""
        if isinstance(value, MappingNode):
            value.known_keys = tuple(field.alias or name for name, field in cls.model_fields.items())
        return {} if isinstance(value, ScalarNode) and value.absent else value


class PollSettings(Section):
    """How feeds are polled."""

    every: Interval = timedelta(minutes=15)
    """How often each feed is polled; a server's own wish can only make it longer."""
    timeout: Patience = timedelta(seconds=30)
    """A deadline for a whole reply."""
    max_body: BodySize = 10 * 1024**2
    """The largest reply that is read, after decompression."""
    concurrency: Connections = 32
    """How many requests may be under way at once."""
    per_host: Connections = 4
    """How many requests may be under way to one host at once."""


class FeedSettings(Section):
    """What may be said of any feed of any account."""

    kind: KindWord | None = None
    """What the feed lists; by default what its service says, else a stream."""
    every: Interval | None = None
    """How often this feed is polled, in place of `poll.every`."""
    announce_baseline: Flag = False
    """Announce what the first poll finds, too."""
    content: Flag = False
    """Compare the content of a stream's posts, too."""


class ListedFeed(FeedSettings):
    """A feed that the configuration itself names."""

    url: FeedAddress
    """The feed's address."""

    @model_validator(mode="before")
    @classmethod
    def _take_address_alone(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, ScalarNode) and not value.absent else value


def _choice_of(value: Any) -> str:
    return "(a list)" if isinstance(value, ListNode) or _is_text(value) else "(a mapping)"


def _is_text(value: Any) -> bool:
    return isinstance(value, ScalarNode) and not value.absent


FeedOverrides = Annotated[dict[FeedKey, FeedSettings], _EMPTY_MAPPING]
FeedChoice = Annotated[
    Annotated[tuple[FeedName, ...], _ONE_OR_MORE, Tag("(a list)")]
    | Annotated[dict[FeedKey, FeedSettings], _EMPTY_MAPPING, Tag("(a mapping)")],
    Discriminator(_choice_of),
]


class NetflixAccount(Section):
    """An account at a server that speaks the Netflix API 1.5."""

    service: Annotated[Literal["netflix"], one_of("netflix")]
    """What kind of account it is."""
    url: ApiAddress
    """The server."""
    consumer_key: SecretText
    """The key of the application registered at the server."""
    consumer_secret: SecretText
    """The secret of that application."""
    discovery: Annotated[Literal["xml", "opml"], one_of("xml", "opml")] = "xml"
    """The form in which the account's feeds are asked for."""
    feeds: FeedChoice = Field(default_factory=dict)
    """A list of the feeds to watch (all, by default), or a mapping of what is special about some."""
    user_id: Text | None = None
    """Whose feeds; by default the server is asked."""
    access_token: SecretText | None = None
    """The token that the account's owner gave."""
    access_token_secret: Annotated[SecretText | None, Field(validate_default=True)] = None
    """The secret that belongs to the token."""

    @field_validator("access_token_secret", mode="after")
    @classmethod
    def _go_together(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if "access_token" in info.data and (value is None) != (info.data["access_token"] is None):
            raise ValueError("`access_token` and `access_token_secret` go together: one of them is missing")
        return value

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The names of the feeds to watch; None for all."""
        return self.feeds if isinstance(self.feeds, tuple) else None

    @property
    def overrides(self) -> Mapping[str, FeedSettings]:
        """What is special about some feeds, by name."""
        return {} if isinstance(self.feeds, tuple) else self.feeds

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """All that the account signs with."""
        found = (self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)
        return tuple(secret for secret in found if secret is not None)

    @property
    def addresses(self) -> tuple[Secret, ...]:
        """Addresses that may hold a token."""
        return ()

    def credentials_stamp(self) -> str:
        """A digest that changes when the account does: its credentials, or what is asked of it.

        Raises:
            ConfigError: a secret cannot be had.
        """
        # Without a token there are two credentials, with one four: no two rows can be confused.
        revealed = (secret.reveal() for secret in self.credentials)
        return _digest([self.url, self.user_id, self.discovery, repr(self.feeds), *revealed])


class OpmlAccount(Section):
    """A list of subscriptions, read again once a day."""

    service: Annotated[Literal["opml"], one_of("opml")]
    """What kind of account it is."""
    url: ListPlace
    """The list: a path from the configuration's folder, or an address. Revealed, a path is absolute."""
    feeds: FeedOverrides = Field(default_factory=dict)
    """What is special about some of its feeds, by name."""

    @property
    def overrides(self) -> Mapping[str, FeedSettings]:
        """What is special about some feeds, by name."""
        return self.feeds

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """All that the account signs with: nothing."""
        return ()

    @property
    def addresses(self) -> tuple[Secret, ...]:
        """Addresses that may hold a token."""
        return (self.url,)

    def credentials_stamp(self) -> str:
        """A digest that changes when the account does.

        Raises:
            ConfigError: a secret cannot be had.
        """
        return _digest([self.url.reveal(), repr(self.feeds)])


class FeedsAccount(Section):
    """Feeds that the configuration itself names."""

    service: Annotated[Literal["feeds"], one_of("feeds")]
    """What kind of account it is."""
    feeds: Annotated[dict[FeedKey, ListedFeed], _EMPTY_MAPPING]
    """The feeds by name: an address, or a mapping with `url`."""

    @property
    def overrides(self) -> Mapping[str, FeedSettings]:
        """What is special about some feeds, by name."""
        return self.feeds

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """All that the account signs with: nothing."""
        return ()

    @property
    def addresses(self) -> tuple[Secret, ...]:
        """Addresses that may hold a token."""
        return tuple(feed.url for feed in self.feeds.values())

    def credentials_stamp(self) -> str:
        """A digest that changes when the account does.

        Raises:
            ConfigError: a secret cannot be had.
        """
        return _digest(
            part for name, feed in self.feeds.items() for part in (name, feed.url.reveal(), repr(feed))
        )


def _service_of(value: Any) -> str | None:
    """Tag an account by its service. The tags are no names a file can have, so paths stay clear."""
    service = value.get("service") if isinstance(value, MappingNode) else None
    known = isinstance(service, ScalarNode) and service.text in SERVICES
    return f"({service.text})" if known and isinstance(service, ScalarNode) else None


Account = NetflixAccount | OpmlAccount | FeedsAccount
_TaggedAccount = Annotated[
    Annotated[NetflixAccount, Tag("(netflix)")]
    | Annotated[OpmlAccount, Tag("(opml)")]
    | Annotated[FeedsAccount, Tag("(feeds)")],
    Discriminator(_service_of),
]


class Target(Section):
    """A named place to tell."""

    url: Annotated[tuple[TargetAddress, ...], _ONE_OR_MORE]
    """An Apprise address, or a list of them."""

    @model_validator(mode="before")
    @classmethod
    def _take_addresses_alone(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, ListNode) or _is_text(value) else value

    @property
    def urls(self) -> tuple[Secret, ...]:
        """The Apprise addresses, in order."""
        return self.url


def _read_changes(value: Any) -> Any:
    words = wrap_one(value)
    if not isinstance(words, list):
        return words
    if [word.text for word in words if isinstance(word, ScalarNode)] == [_ALL]:
        return frozenset(ChangeKind)
    return words


def _read_change(value: Any, info: ValidationInfo) -> Any:
    return value if isinstance(value, ChangeKind) else read_word(value, info, (*ChangeKind, _ALL))


def _read_notices(value: Any) -> Any:
    if isinstance(value, ScalarNode) and value.absent:
        raise ValueError("the name of a target is missing; write [] to tell nobody")
    return value if isinstance(value, ListNode) else wrap_one(value)


_ALL = "all"
_Change = Annotated[ChangeKind, BeforeValidator(_read_change)]


class RouteSettings(Section):
    """Which changes go to which targets. What is left out selects all."""

    to: Annotated[tuple[TargetRef, ...], _ONE_OR_MORE]
    """The targets that are told."""
    accounts: Annotated[tuple[AccountRef, ...], _ONE_OR_MORE] = ()
    """Of which accounts; by default of all."""
    feeds: Annotated[tuple[FeedSelector, ...], _ONE_OR_MORE] = ()
    """Of which feeds: kinds, names, or `account/name`; by default of all."""
    changes: Annotated[frozenset[_Change] | None, BeforeValidator(_read_changes)] = None
    """Which changes, or `all`; by default what each kind of feed announces."""


class RetrySettings(Section):
    """How long a delivery is tried."""

    first: Span = timedelta(seconds=30)
    """How long to wait before the second attempt; from then on twice as long each time."""
    most: Annotated[Span, Field(validate_default=True)] = timedelta(hours=1)
    """The longest wait between two attempts."""
    give_up: Annotated[Span, Field(validate_default=True)] = timedelta(days=5)
    """How long after its first attempt a delivery is dead."""

    @field_validator("most", "give_up", mode="after")
    @classmethod
    def _not_before_first(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value < info.data.get("first", timedelta(0)):
            raise ValueError(f"`{info.field_name}` must not be shorter than `first`")
        return value


class PrivateNetworks(Section):
    """Who may be asked at an address that is not public."""

    policy: Annotated[Literal["allow", "deny"] | None, one_of("allow", "deny")] = None
    """For all hosts; by default the hosts that the configuration names are allowed and all others denied."""
    exceptions: Annotated[tuple[NetworkException, ...], _ONE_OR_MORE] = Field(default=(), alias="except")
    """Networks, addresses and hosts for which it is the other way round; by default they are allowed, too."""

    @model_validator(mode="before")
    @classmethod
    def _take_policy_alone(cls, value: Any) -> Any:
        return {"policy": value} if _is_text(value) else value


class Settings(Section):
    """A whole configuration."""

    state: FilePath | None = None
    """The file that holds what is known."""
    poll: PollSettings = Field(default_factory=PollSettings)
    """How feeds are polled."""
    private_networks: PrivateNetworks = Field(default_factory=PrivateNetworks)
    """Who may be asked in a private network: a word, or a mapping."""
    accounts: Annotated[dict[Name, _TaggedAccount], _EMPTY_MAPPING] = Field(default_factory=dict)
    """Whose lists are watched, by name."""
    targets: Annotated[dict[Name, Target], _EMPTY_MAPPING] = Field(default_factory=dict)
    """Who can be told, by name."""
    routes: Annotated[tuple[RouteSettings, ...], _EMPTY_LIST] = ()
    """Which changes go to which targets; without routes, what each kind announces goes to all."""
    notices: Annotated[tuple[TargetRef, ...] | None, BeforeValidator(_read_notices)] = None
    """Who is told about feedwatch itself; by default every target, with `[]` nobody."""
    retry: RetrySettings = Field(default_factory=RetrySettings)
    """How long a delivery is tried."""
    on_ambiguous: Annotated[Literal["retry", "drop"], one_of("retry", "drop")] = "retry"
    """What becomes of a message when it is not known whether it arrived."""
    keep: Span = timedelta(days=90)
    """How long changes, deliveries and what windows remember are kept."""
    log: Annotated[
        Literal["debug", "info", "warning", "error"], one_of("debug", "info", "warning", "error")
    ] = "info"
    """How much is logged."""


def _digest(parts: Iterable[str | None]) -> str:
    """Digest texts so that no two different rows of them give the same."""
    digest = blake2b(digest_size=16)
    for part in parts:
        content = b"" if part is None else part.encode()
        digest.update(f"{'-' if part is None else len(content)}:".encode() + content)
    return digest.hexdigest()
