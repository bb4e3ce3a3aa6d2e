"""All that can be had of one title or person: asked part by part, one signed call after the other.

A part that cannot be had is no failure of the whole: what came is kept, and what is missing is named. Where
every further call would fail for the same reason, no more are made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from feedwatch.access import Access
from feedwatch.core.keys import strip_reference
from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action
from feedwatch.netflix import catalog
from feedwatch.netflix.api import Api
from feedwatch.netflix.catalog import find_parts
from feedwatch.netflix.ratings import find_ratings
from feedwatch.netflix.replies import (
    ApiFailed,
    Award,
    CatalogTitle,
    FormatAvailability,
    Language,
    Link,
    Person,
    ScreenFormat,
    Synopsis,
    TitleRating,
    TitleState,
)
from feedwatch.netflix.users import find_title_states

_SIMILARS: Final = 6


@dataclass(slots=True)
class Particulars:
    """What is known of a title. `missing` says of each part that could not be had why."""

    title: CatalogTitle
    synopsis: Synopsis | None = None
    cast: tuple[Person, ...] = ()
    directors: tuple[Person, ...] = ()
    awards: tuple[Award, ...] = ()
    formats: tuple[FormatAvailability, ...] = ()
    screen_formats: tuple[ScreenFormat, ...] = ()
    languages: tuple[Language, ...] = ()
    seasons: tuple[CatalogTitle, ...] = ()
    episodes: tuple[CatalogTitle, ...] = ()
    discs: tuple[CatalogTitle, ...] = ()
    bonus: tuple[CatalogTitle, ...] = ()
    previews: tuple[Link, ...] = ()
    similars: tuple[CatalogTitle, ...] = ()
    state: TitleState | None = None
    rating: TitleRating | None = None
    missing: dict[str, str] = field(default_factory=dict)


async def ask_particulars(access: Access, title: CatalogTitle, tell: Callable[[str], None]) -> Particulars:
    """Ask for each part that a title links to, and how the person stands to it if one is signed in.

    `tell` is told what is asked for next.
    """
    known = Particulars(title)
    linked = find_parts(title)
    parts = [part for part in _PARTS if part in linked]
    if "synopsis" in parts and "short_synopsis" in parts:
        parts.remove("short_synopsis")
    own = list(_OWN) if access.api.token is not None else []
    while parts or own:
        is_own = not parts
        part = own.pop(0) if is_own else parts.pop(0)
        tell(part.replace("_", " "))
        found = await (_OWN if is_own else _PARTS)[part](access.api, title)
        if not isinstance(found, ApiFailed):
            setattr(known, _NAMES.get(part, part), getattr(found, "items", found))
            continue
        why = access.explain(found, own=is_own)
        lost = [part] if _is_of_one_part(found) else [part, *parts, *own]
        known.missing |= {each.replace("_", " "): why for each in lost}
        if len(lost) > 1:
            break
    return known


async def _find_state(api: Api, title: CatalogTitle) -> TitleState | ApiFailed | None:
    """How the person stands to a title."""
    states = await find_title_states(api, [title.ref])
    if isinstance(states, ApiFailed):
        return states
    return next((each for each in states if _is_about(each.ref, title.ref)), None)


async def _find_rating(api: Api, title: CatalogTitle) -> TitleRating | ApiFailed | None:
    """What the person gave a title, and what is thought that they would."""
    ratings = await find_ratings(api, [title.ref])
    if isinstance(ratings, ApiFailed):
        return ratings
    return next((each for each in ratings if _is_about(each.title.ref, title.ref)), None)


def _is_of_one_part(failed: ApiFailed) -> bool:
    """Whether a failure says nothing of the other parts: of this one there is none, or it cannot be read."""
    if failed.action in (Action.GIVE_UP, Action.FIX_REQUEST):
        return failed.reason is not Reason.WRONG_CLOCK
    return failed.status is not None and (failed.status == 500 or failed.status < 300)


def _is_about(one: str, other: str) -> bool:
    return strip_reference(one) == strip_reference(other)


async def _find_similars(api: Api, title: CatalogTitle) -> Any:
    return await catalog.find_similars(api, title, max_results=_SIMILARS)


Ask = Callable[[Api, CatalogTitle], Awaitable[Any]]
_PARTS: Final[Mapping[str, Ask]] = {
    "synopsis": catalog.find_synopsis,
    "short_synopsis": catalog.find_short_synopsis,
    "directors": catalog.find_directors,
    "cast": catalog.find_cast,
    "awards": catalog.find_awards,
    "format_availability": catalog.find_format_availability,
    "languages_and_audio": catalog.find_languages,
    "screen_formats": catalog.find_screen_formats,
    "seasons": catalog.find_seasons,
    "episodes": catalog.find_episodes,
    "discs": catalog.find_discs,
    "bonus_materials": catalog.find_bonus_materials,
    "previews": catalog.find_previews,
    "similars": _find_similars,
}
"""The parts of a title, in the order in which they are worth most."""
_OWN: Final[Mapping[str, Ask]] = {"your queue": _find_state, "your rating": _find_rating}
_NAMES: Final = {
    "your queue": "state",
    "your rating": "rating",
    "short_synopsis": "synopsis",
    "format_availability": "formats",
    "languages_and_audio": "languages",
    "bonus_materials": "bonus",
}
