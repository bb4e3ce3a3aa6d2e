"""What every service promises and is given. A service asks the network; it knows of no database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from feedwatch.core.model import AskOutcome, Fetched, FetchFailed, FetchOutcome, FoundFeed, Kind, Reason
from feedwatch.core.state import KnownFeed, SignIn
from feedwatch.netflix.calling import Caller, SendCall
from feedwatch.netflix.signing import Consumer, application_of
from feedwatch.netflix.turns import Turns

Sign = Callable[[str], Mapping[str, str]]


class Fetch(Protocol):
    """One GET under limits."""

    def __call__(self, url: str, /, *, sign: Sign | None = None) -> Awaitable[FetchOutcome]:
        """Fetch `url`, signing each hop by `sign`."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """An account's feeds as its index names them.

    `authoritative` says that the index is the configuration itself: what it lacks is gone at once.
    `facts` is what was learned about the account on the way, to be remembered.
    """

    feeds: tuple[FoundFeed, ...]
    authoritative: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexFailed:
    """The index could not be read; nothing known is touched.

    `signed_out` says that only a new sign-in can help; `status` is what the host said, None if nothing;
    `host` is who refused, as in `FetchFailed`.
    """

    reason: Reason
    detail: str = ""
    signed_out: bool = False
    retry_after: timedelta | None = None
    status: int | None = None
    host: str | None = None

    @property
    def silence(self) -> Reason | None:
        """Why nobody answered, if it is so; None where somebody did, whatever went wrong then."""
        return self.reason if self.status is None else None


class Service(Protocol):
    """One account at a service of its kind."""

    async def find_feeds(self) -> Found | IndexFailed:
        """Ask for the account's feeds."""
        ...


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of an account before its service is asked."""

    feeds: tuple[KnownFeed, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    sign_in: SignIn | None = None


def turns_beside(state: Path) -> Path:
    """The folder beside a state in which its processes keep whose turn it is to sign."""
    return state.with_name(f"{state.name}.turns")


async def _send_nothing(*_: object, **__: object) -> AskOutcome:
    return FetchFailed(Reason.INTERNAL, "nothing to call with")


@dataclass(frozen=True, slots=True)
class Means:
    """What services reach the world with; one for the whole process, or timestamps could go back.

    `turns` is the folder in which the processes of a state keep whose turn it is to sign (`netflix.turns`).
    """

    fetch: Fetch
    clock: Callable[[], datetime]
    folder: Path = field(default_factory=Path)
    send: SendCall = _send_nothing
    turns: Path | None = None
    _callers: dict[str, Caller] = field(default_factory=dict, repr=False)

    def caller_for(self, server: str, consumer: Consumer) -> Caller:
        """Give the one caller of an application at a server."""
        application = application_of(server, consumer)
        if application not in self._callers:
            place = self.turns / application if self.turns else None
            self._callers[application] = Caller(consumer, self.send, Turns(place), self.clock)
        return self._callers[application]


@dataclass(frozen=True, slots=True)
class FeedWishes:
    """What the configuration says about one feed; None where it leaves that open."""

    kind: Kind | None = None
    every: timedelta | None = None
    announce_baseline: bool = False
    content: bool = False


def heed_wishes(feed: FoundFeed, wishes: FeedWishes | None) -> FoundFeed:
    """Give a found feed as the configuration wants it."""
    if wishes is None:
        return feed
    return replace(
        feed,
        kind=wishes.kind or feed.kind,
        every=wishes.every or feed.every,
        announce_baseline=wishes.announce_baseline or feed.announce_baseline,
        compare_content=wishes.content or feed.compare_content,
    )


def fail_index(outcome: FetchOutcome) -> IndexFailed:
    """Tell why an outcome that is no document leaves the index unread."""
    if isinstance(outcome, FetchFailed):
        return IndexFailed(
            outcome.reason,
            outcome.detail,
            retry_after=outcome.retry_after,
            status=outcome.status,
            host=outcome.host,
        )
    # No validators are ever sent with an index, so a 304 answers a question nobody asked.
    assert not isinstance(outcome, Fetched)
    return IndexFailed(Reason.PROTOCOL, "not modified, though nothing was said to be known")
