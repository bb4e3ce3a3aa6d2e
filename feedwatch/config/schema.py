"""The keys of a configuration, their forms, defaults and bounds: what the reference documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from feedwatch.config.names import FeedKey, FeedName, Name
from feedwatch.config.nodes import ListNode, MappingNode, ScalarNode
from feedwatch.config.routes import NoticeSettings, RouteSettings, TemplateSet
from feedwatch.config.secrets import Secret
from feedwatch.config.section import ONE_OR_MORE, Section, is_text
from feedwatch.config.times import FROM_ABOVE, ZoneName
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
    Pause,
    RateLimit,
    SecretText,
    Span,
    TargetAddress,
    Text,
    empty_as,
    is_webhook,
    one_of,
)

SERVICES = ("netflix", "opml", "feeds")

_EMPTY_MAPPING = empty_as(dict)
_EMPTY_LIST = empty_as(list)


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

    def spell_out(self) -> str:
        """What is said of the feed, as a text that differs where that does."""
        return f"{self.kind} {self.every} {self.announce_baseline} {self.content}"


class ListedFeed(FeedSettings):
    """A feed that the configuration itself names."""

    url: FeedAddress
    """The feed's address."""

    @model_validator(mode="before")
    @classmethod
    def _take_address_alone(cls, value: Any) -> Any:
        return {"url": value} if is_text(value) else value


def _choice_of(value: Any) -> str:
    return "(a list)" if isinstance(value, ListNode) or is_text(value) else "(a mapping)"


FeedOverrides = Annotated[dict[FeedKey, FeedSettings], _EMPTY_MAPPING]
FeedChoice = Annotated[
    Annotated[tuple[FeedName, ...], ONE_OR_MORE, Tag("(a list)")]
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
    format: Annotated[Literal["atom", "xml"], one_of("atom", "xml")] = "atom"
    """The form in which its lists are asked for: Atom, or the API's plain XML."""
    feeds: FeedChoice = Field(default_factory=dict)
    """A list of the feeds to watch (all, by default), or a mapping of what is special about some."""
    user_id: Text | None = None
    """Whose feeds; by default the server is asked."""
    login_url: ApiAddress | None = None
    """The page where the account's owner signs in, if it is neither the server's own nor named by it."""
    access_token: SecretText | None = None
    """The token that the account's owner gave; by default the one that `feedwatch login` gets."""
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
        return _digest([self.url, self.user_id, self.discovery, self.format, repr(self.feeds), *revealed])


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
            part for name, feed in self.feeds.items() for part in (name, feed.url.reveal(), feed.spell_out())
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


SIGNED_ONLY = "only webhooks of ours are signed: `secret` goes with webhook+https://… addresses alone"


def _is_other_service(url: Secret) -> bool:
    """Whether an address is none of a webhook, as far as it shows before it is looked up."""
    return url.scheme is not None and not is_webhook(url.scheme)


class Target(Section):
    """A named place to tell."""

    url: Annotated[tuple[TargetAddress, ...], ONE_OR_MORE]
    """An Apprise address, one of a webhook of ours (`webhook+https://…`), or a list of them."""
    secret: SecretText | None = None
    """What a webhook's messages are signed with."""
    rate: RateLimit | None = None
    """How many messages each address takes in how long, or none; by default what its service says."""

    @field_validator("secret", mode="after")
    @classmethod
    def _sign_webhooks_only(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if value is not None and any(_is_other_service(url) for url in info.data.get("url", ())):
            raise ValueError(SIGNED_ONLY)
        return value

    @model_validator(mode="before")
    @classmethod
    def _take_addresses_alone(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, ListNode) or is_text(value) else value

    @property
    def urls(self) -> tuple[Secret, ...]:
        """The Apprise addresses, in order."""
        return self.url


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


class TmdbSettings(Section):
    """Where titles are looked up that come from no service with details of its own."""

    api_key: SecretText
    """The key that TMDB gave."""
    url: ApiAddress = "https://api.themoviedb.org"
    """The server."""


class PrivateNetworks(Section):
    """Who may be asked at an address that is not public."""

    policy: Annotated[Literal["allow", "deny"] | None, one_of("allow", "deny")] = None
    """For all hosts; by default the hosts that the configuration names are allowed and all others denied."""
    exceptions: Annotated[tuple[NetworkException, ...], ONE_OR_MORE] = Field(default=(), alias="except")
    """Networks, addresses and hosts for which it is the other way round; by default they are allowed, too."""

    @model_validator(mode="before")
    @classmethod
    def _take_policy_alone(cls, value: Any) -> Any:
        return {"policy": value} if is_text(value) else value


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
    templates: Annotated[dict[Name, TemplateSet], _EMPTY_MAPPING] = Field(default_factory=dict)
    """In whose words routes tell, by name."""
    notices: NoticeSettings = Field(default_factory=NoticeSettings)
    """Who is told about feedwatch itself, and when not: names of targets, or a mapping."""
    gather: Pause = timedelta(seconds=30)
    """How long changes of one account are gathered, after its round, to be told together."""
    zone: ZoneName = FROM_ABOVE
    """By which clock digests and hours are meant; by default that of this machine."""
    retry: RetrySettings = Field(default_factory=RetrySettings)
    """How long a delivery is tried."""
    on_ambiguous: Annotated[Literal["retry", "drop"], one_of("retry", "drop")] = "retry"
    """What becomes of a message when it is not known whether it arrived."""
    keep: Span = timedelta(days=90)
    """How long changes, deliveries and what windows remember are kept."""
    details: Span = timedelta(hours=24)
    """How long the addresses of pictures, the starts of texts and what was asked about titles are kept."""
    tmdb: TmdbSettings | None = None
    """Where titles are looked up that come from no service with details of its own; by default nowhere."""
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
