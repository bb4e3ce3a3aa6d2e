"""What a row of the table of statuses consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from feedwatch.core.model import Reason


class Action(StrEnum):
    """What is done about a reply.

    `FIX_REQUEST`: the same request will never be granted; we, or a person, must change something first.
    `GIVE_UP`: it has come to nothing, and there is nothing to change; a poll tries again, ever more slowly.
    """

    PROCEED = "proceed"
    WAIT = "wait"
    DISCOVER_ANEW = "discover_anew"
    SIGN_IN_AGAIN = "sign_in_again"
    FIX_REQUEST = "fix_request"
    GIVE_UP = "give_up"
    UNKNOWN = "unknown"


class Service(StrEnum):
    """Whose status it is."""

    NETFLIX = "netflix"
    REST = "rest"
    TMDB = "tmdb"


class Resource(StrEnum):
    """What was asked for. `FEEDS` carry a token of their own; all others are `SIGNED`."""

    ALL = "all"
    SIGNED = "signed"
    FEEDS = "feeds"
    QUEUES = "queues"
    RATINGS = "ratings"
    LOGIN = "login"
    OAUTH = "oauth"


@dataclass(frozen=True, slots=True)
class Row:
    """A status, and what it means.

    `code` is the sub code of the Netflix API, or TMDB's own code. `message` is the server's, `*` standing for
    any text; where the row is not `exact`, any other will do. `reason` is what is stored of a failure, None
    where there is none. `rest` is how long to wait where the server does not say; `until_day_ends` that it
    is until midnight UTC. `says` tells a person what it means, and what to do.
    """

    service: Service
    status: int
    code: int | None
    message: str
    action: Action
    reason: Reason | None
    says: str
    resource: Resource = Resource.ALL
    exact: bool = True
    rest: timedelta | None = None
    until_day_ends: bool = False
    documented: bool = True
