"""Finding the row for a status: by code, by message, by resource; never by default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from feedwatch.core.model import Reason
from feedwatch.core.statuses.netflix import NETFLIX_ROWS
from feedwatch.core.statuses.rest import REST_ROWS
from feedwatch.core.statuses.rows import Action, Resource, Row, Service
from feedwatch.core.statuses.tmdb import TMDB_ROWS

_LONGEST_MESSAGE: Final = 500
"""Of a longer one only the start is looked at: it is no row's, and looking takes the square of its length."""

ROWS: Final = (*NETFLIX_ROWS, *REST_ROWS, *TMDB_ROWS)

actions_of_reasons: Mapping[Reason, Action] = MappingProxyType(
    {
        Reason.NO_TURN: Action.WAIT,
        Reason.DNS: Action.WAIT,
        Reason.CONNECT: Action.WAIT,
        Reason.TLS: Action.WAIT,
        Reason.TIMEOUT: Action.WAIT,
        Reason.CUT_SHORT: Action.WAIT,
        Reason.TOO_LARGE: Action.GIVE_UP,
        Reason.BAD_ENCODING: Action.GIVE_UP,
        Reason.PROTOCOL: Action.GIVE_UP,
        Reason.TOO_MANY_REDIRECTS: Action.GIVE_UP,
        Reason.REDIRECT_REFUSED: Action.GIVE_UP,
        Reason.BAD_ADDRESS: Action.FIX_REQUEST,
        Reason.PRIVATE_ADDRESS: Action.FIX_REQUEST,
        Reason.EMPTY_BODY: Action.WAIT,
        Reason.NOT_A_FEED: Action.WAIT,
        Reason.ERROR_DOCUMENT: Action.WAIT,
        Reason.MALFORMED: Action.WAIT,
        Reason.HOSTILE: Action.GIVE_UP,
        Reason.PARSER_KILLED: Action.GIVE_UP,
        Reason.TORN: Action.WAIT,
        Reason.INTERNAL: Action.WAIT,
    }
)
"""What is done where no status says why: nobody answered, or what came is not what was asked for."""


def judge_status(
    service: Service,
    status: int,
    *,
    code: int | None = None,
    message: str = "",
    resource: Resource = Resource.ALL,
) -> Row:
    """Give the row for a status; where there is none, one whose action is `UNKNOWN`.

    A code that no row of the service has is unknown, whatever is known of its status.
    """
    own = [row for row in ROWS if row.service is service and row.status == status]
    found = _find_by_code(own, code, resource) if code else _find_by_message(own, message, resource)
    if found is None and not code and service is not Service.REST:
        return judge_status(Service.REST, status)
    return found or _unknown(service, status, code, resource)


def _find_by_code(rows: Iterable[Row], code: int, resource: Resource) -> Row | None:
    return _nearest((row for row in rows if row.code == code), resource)


def _find_by_message(rows: Iterable[Row], message: str, resource: Resource) -> Row | None:
    said = _normalise(message[:_LONGEST_MESSAGE])
    holding = [row for row in rows if _holds_for(row, resource)]
    by_message = [row for row in holding if row.message and _pattern(row.message).fullmatch(said)]
    by_status = [row for row in holding if not row.exact]
    return _nearest([*by_message, *by_status], resource)


def _nearest(rows: Iterable[Row], resource: Resource) -> Row | None:
    """The row that speaks of what was asked for most; of equals, the first."""
    return max(rows, key=lambda row: _nearness(row, resource), default=None)


def _nearness(row: Row, resource: Resource) -> int:
    return 2 if row.resource is resource else int(row.resource is Resource.SIGNED)


def _holds_for(row: Row, resource: Resource) -> bool:
    if row.resource is Resource.SIGNED:
        return resource not in (Resource.FEEDS, Resource.LOGIN, Resource.ALL)
    return row.resource in (Resource.ALL, resource)


def _unknown(service: Service, status: int, code: int | None, resource: Resource) -> Row:
    says = "the server gave an answer that feedwatch does not know; its log has it"
    return Row(service, status, code, "", Action.UNKNOWN, None, says, resource, documented=False)


def _normalise(message: str) -> str:
    return " ".join(message.split()).casefold().rstrip(" .!")


@lru_cache(maxsize=len(ROWS))
def _pattern(message: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in _normalise(message).split("*")))
