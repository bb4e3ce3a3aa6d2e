"""Two calls of TMDB: search a film, search a series. Never more than forty in any ten seconds (`pace`).

The key goes with the query, as TMDB wants it; no outcome, and so no log, holds an address.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

from feedwatch.core.bucket import Rate
from feedwatch.core.model import AskOutcome, FetchFailed, Reason, TitleDetails
from feedwatch.core.statuses import Action, Service, actions_of_reasons, judge_status
from feedwatch.core.subjects import NamedTitle
from feedwatch.tmdb.matching import Found, choose_found, read_found
from feedwatch.tmdb.pace import Pace

DEFAULT_SERVER: Final = "https://api.themoviedb.org"
RATE: Final = Rate(40, timedelta(seconds=10))
"""What TMDB takes, in any span of so long."""
What = Literal["movie", "tv"]
_PICTURES: Final = "https://image.tmdb.org"
_SIZE: Final = "w342"
_MOST_BODY: Final = 512 * 1024
_FIRST_REST: Final = timedelta(seconds=10)
_YEARS: Final[Mapping[What, str]] = {"movie": "year", "tv": "first_air_date_year"}


@dataclass(frozen=True, slots=True)
class TmdbFailed:
    """A search that came to nothing, why, and what to do; `rest` is how long to leave the server alone."""

    action: Action
    reason: Reason
    says: str = ""
    status: int | None = None
    rest: timedelta | None = None


Send = Callable[..., Awaitable[AskOutcome]]


@dataclass(slots=True)
class Tmdb:
    """A server with the one who may ask it. Of one event loop; one for the whole process.

    `pace` is the limit, `pause` how to wait for it.
    """

    server: str
    key: str = field(repr=False)
    send: Send
    now: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    pace: Pace = field(default_factory=lambda: Pace(RATE), repr=False)

    async def find_details(self, wanted: NamedTitle) -> TitleDetails | TmdbFailed | None:
        """Find a film of that name and year, else a series; None where none is certainly meant."""
        for what in _YEARS:
            found = await self._search(what, wanted)
            if isinstance(found, TmdbFailed):
                return found
            chosen = choose_found(found, wanted)
            if chosen is not None:
                return self._describe(chosen)
        return None

    def _describe(self, found: Found) -> TitleDetails:
        pictures = _PICTURES if self.server == DEFAULT_SERVER else self.server
        picture = f"{pictures}/t/p/{_SIZE}{found.poster}" if found.poster else None
        own = pictures == self.server
        return TitleDetails(
            year=str(found.year), synopsis=found.overview, picture=picture, picture_own=own and bool(picture)
        )

    async def _search(self, what: What, wanted: NamedTitle) -> tuple[Found, ...] | TmdbFailed:
        await self._take_token()
        name, key = quote(wanted.name, safe=""), quote(self.key, safe="")
        query = f"api_key={key}&query={name}&{_YEARS[what]}={wanted.year}"
        outcome = await self.send("GET", f"{self.server}/3/search/{what}?{query}", max_body=_MOST_BODY)
        if isinstance(outcome, FetchFailed):
            return self._judge(outcome)
        found = read_found(outcome.body)
        if found is None:
            return TmdbFailed(Action.WAIT, Reason.MALFORMED, "the answer cannot be read", outcome.status)
        return found

    async def _take_token(self) -> None:
        while wait := self.pace.take(self.now()):
            await self.pause(wait.total_seconds())

    def _judge(self, failed: FetchFailed) -> TmdbFailed:
        if failed.status is None or 200 <= failed.status < 300:
            action = actions_of_reasons.get(failed.reason, Action.UNKNOWN)
            return TmdbFailed(action, failed.reason, failed.detail, failed.status)
        row = judge_status(Service.TMDB, failed.status, code=_read_code(failed.body))
        rest = failed.retry_after or row.rest
        if row.reason is Reason.RATE_LIMITED:
            rest = rest or _FIRST_REST
            self.pace.empty(self.now(), rest)
        return TmdbFailed(row.action, row.reason or failed.reason, row.says, failed.status, rest)


def _read_code(body: bytes) -> int | None:
    """TMDB's own code of an error, if its document has one."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = said.get("status_code") if isinstance(said, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None
