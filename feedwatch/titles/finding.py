"""Lists of titles and people: what a search finds, what is like a title, what is recommended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from feedwatch.access import Access, open_access
from feedwatch.config import Config
from feedwatch.netflix.catalog import each_found_title, each_similar
from feedwatch.netflix.limits import MOST_FOUND, MOST_RESULTS
from feedwatch.netflix.paging import Pages
from feedwatch.netflix.people import each_found_person
from feedwatch.netflix.recommendations import each_recommendation
from feedwatch.netflix.replies import ApiFailed, CatalogTitle
from feedwatch.present import Row, Screen, Show
from feedwatch.titles.naming import need_title
from feedwatch.titles.rows import describe_person, describe_title, name_title

T = TypeVar("T")

TITLES: Final = ("title", "year", "rating", "genres", "id")
PEOPLE: Final = ("name", "id")


@dataclass(slots=True)
class Gathered(Generic[T]):
    """What came of a list, in its order; `failed` says why the rest did not."""

    items: list[T] = field(default_factory=list)
    total: int | None = None
    failed: ApiFailed | None = None


async def gather(pages: Pages[T], limit: int | None) -> Gathered[T]:
    """Read a list up to a limit, and no page more than that takes."""
    gathered = Gathered[T]()
    async for page in pages:
        if isinstance(page, ApiFailed):
            gathered.failed = page
            break
        gathered.items += page.items
        gathered.total = page.total
        if limit is not None and len(gathered.items) >= limit:
            del gathered.items[limit:]
            break
    return gathered


async def search_for_titles(
    config: Config, screen: Screen, account: str | None, words: str, limit: int
) -> int:
    """Print the titles that a search finds, the best match first."""
    async with open_access(config, account, screen) as access:
        pages = each_found_title(access.api, words, page_size=min(limit, MOST_FOUND))
        return _print_titles(access, await gather(pages, limit), empty=f"no title is found by: {words}")


async def show_similar(config: Config, screen: Screen, account: str | None, typed: str, limit: int) -> int:
    """Print the titles that are like one."""
    async with open_access(config, account, screen) as access:
        title = await need_title(access, typed, "feedwatch titles similar TITLE")
        if isinstance(title, int):
            return title
        pages = each_similar(access.api, title, page_size=min(limit, MOST_RESULTS))
        gathered = await gather(pages, limit)
        return _print_titles(access, gathered, empty=f"nothing is said to be like {name_title(title)}")


async def show_recommended(config: Config, screen: Screen, account: str | None, limit: int | None) -> int:
    """Print all that the service recommends to a person, the best first."""
    async with open_access(config, account, screen) as access:
        pages = each_recommendation(access.api, page_size=min(limit or MOST_RESULTS, MOST_RESULTS))
        gathered = await gather(pages, limit)
        return _print_titles(access, gathered, empty="nothing is recommended", own=True)


async def search_for_people(
    config: Config, screen: Screen, account: str | None, words: str, limit: int
) -> int:
    """Print the people that a search finds."""
    async with open_access(config, account, screen) as access:
        pages = each_found_person(access.api, words, page_size=min(limit, MOST_RESULTS))
        gathered = await gather(pages, limit)
        rows = [describe_person(person) for person in gathered.items]
        screen.print_rows(rows, PEOPLE, empty="" if gathered.failed else f"nobody is found by: {words}")
        return _end(access, gathered, "people", own=False)


# ── printing ──────────────────────────────────────────────────────────────────────────────────────


def print_titles(screen: Screen, titles: list[CatalogTitle], empty: str) -> None:
    """Print a table of titles."""
    screen.print_rows([describe_title(title) for title in titles], TITLES, empty=empty, show=SHOWN)


def _print_titles(access: Access, gathered: Gathered[CatalogTitle], *, empty: str, own: bool = False) -> int:
    if gathered.items or gathered.failed is None:
        print_titles(access.screen, gathered.items, empty)
    return _end(access, gathered, "titles", own=own)


def _end(access: Access, gathered: Gathered[T], what: str, *, own: bool) -> int:
    """Say how much of the list this is; a list that broke off is a failure, whatever came of it."""
    came, total = len(gathered.items), gathered.total
    if gathered.failed is not None:
        return access.fail(gathered.failed, f"only {came:,} came" if came else "", own=own)
    if access.screen.is_terminal and total is not None and came < total:
        access.say(f"{came:,} of {total:,} {what}")
    return 0


def _say_rating(row: Row) -> str | None:
    """What a title is rated: what it is thought to be to the person, if anything, else the average."""
    predicted, average = row["predicted_rating"], row["average_rating"]
    return f"{predicted or average}★" if predicted or average else None


def _say_genres(row: Row) -> str:
    genres = row["genres"]
    assert isinstance(genres, list)
    return ", ".join(genres)


SHOWN: Final[Mapping[str, Show]] = {"rating": _say_rating, "genres": _say_genres}
