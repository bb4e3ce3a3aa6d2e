"""Details by TMDB, for accounts whose service has none: a title found by its name and year."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action
from feedwatch.core.subjects import WantedTitle
from feedwatch.detailing.answers import Answer, Trouble
from feedwatch.tmdb import Tmdb, TmdbFailed

_NOTHING = {Reason.NOT_FOUND, Reason.BAD_REQUEST, Reason.CLIENT_ERROR}


async def ask_tmdb(tmdb: Tmdb, titles: Sequence[WantedTitle]) -> AsyncGenerator[Answer | Trouble, None]:
    """Ask about titles, the first first; ends at the first trouble that the others would meet, too."""
    for title in titles:
        found = await tmdb.find_details(title.named) if title.named is not None else None
        if not isinstance(found, TmdbFailed):
            yield Answer(title, found)
        elif found.reason in _NOTHING:
            yield Answer(title, None)
        else:
            trouble = _trouble(found, title)
            yield trouble
            if trouble.ends:
                return


def _trouble(failed: TmdbFailed, title: WantedTitle) -> Trouble:
    ends = (
        failed.action in (Action.FIX_REQUEST, Action.UNKNOWN, Action.SIGN_IN_AGAIN)
        or failed.reason in (Reason.RATE_LIMITED, Reason.UNAVAILABLE, Reason.UNAUTHORIZED)
        or failed.status is None
    )
    says = f"TMDB: {failed.says or failed.reason}"
    return Trouble(failed.action, failed.reason, says, failed.rest, title, ends=ends)
