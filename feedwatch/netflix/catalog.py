"""The catalog of titles: searching it, and all that is known of a title. The application alone signs.

A title is named by its reference (`CatalogTitle.ref`), or by its path in the catalog.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TypeVar

from feedwatch.netflix.api import Api, Read
from feedwatch.netflix.documents import read_listing, read_suggestion, read_title
from feedwatch.netflix.limits import (
    MOST_FOUND,
    MOST_RESULTS,
    check_term,
    check_title_ref,
    make_page_parameters,
)
from feedwatch.netflix.paging import Pages, each_page
from feedwatch.netflix.parts import (
    read_awards,
    read_format_availability,
    read_languages,
    read_people,
    read_previews,
    read_screen_formats,
    read_synopsis,
    read_titles,
)
from feedwatch.netflix.refs import find_path, path_of
from feedwatch.netflix.replies import (
    ApiFailed,
    Award,
    CatalogTitle,
    FormatAvailability,
    Language,
    Link,
    Listing,
    Person,
    ScreenFormat,
    Synopsis,
)
from feedwatch.netflix.tree import Node

T = TypeVar("T")
Titles = Listing[CatalogTitle]

_SEARCH = "/catalog/titles"
_TYPED = re.compile(
    r"(?P<place>movies|series|programs|discs)/(?P<id>\d+)(?P<season>/seasons/\d+)?/?|(?P<number>\d+)"
)


def title_ref_of(typed: str) -> str:
    """The reference of a title as a person may name it: its address, its path, `series/70001`, `60001`.

    A bare number is a film's.

    Raises:
        RequestRefused: it names no title.
    """
    typed = typed.strip()
    match = _TYPED.fullmatch(typed)
    if match is None:
        return check_title_ref(typed)
    if match["number"]:
        return f"{_SEARCH}/movies/{match['number']}"
    return f"{_SEARCH}/{typed.rstrip('/')}"


# ── searching ─────────────────────────────────────────────────────────────────────────────────────


async def search_titles(
    api: Api, term: str, *, start_index: int = 0, max_results: int | None = None
) -> Titles | ApiFailed:
    """Find titles by a word of their names or synopses, the best match first; at most 100 at once.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    page = make_page_parameters(start_index, max_results, MOST_FOUND)
    return await api.get(_SEARCH, _read_found, [("term", check_term(term)), *page])


def each_found_title(api: Api, term: str, *, page_size: int = MOST_FOUND) -> Pages[CatalogTitle]:
    """Find titles, page by page to the last.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    make_page_parameters(0, page_size, MOST_FOUND)
    return each_page(partial(search_titles, api, check_term(term)), page_size)


async def complete_title(api: Api, term: str) -> tuple[str, ...] | ApiFailed:
    """Names of titles that begin as `term` does. The consumer key is enough: nothing is signed.

    Raises:
        RequestRefused: there is nothing to complete.
    """
    return await api.get_unsigned(f"{_SEARCH}/autocomplete", _read_suggestions, [("term", check_term(term))])


# ── a title ───────────────────────────────────────────────────────────────────────────────────────


async def find_title(api: Api, ref: str) -> CatalogTitle | ApiFailed:
    """What is known of a title: a film, a series, a season, a program or a disc."""
    return await api.get(check_title_ref(ref), _read_title)


async def find_synopsis(api: Api, title: str | CatalogTitle) -> Synopsis | ApiFailed:
    """What a title is about."""
    return await _find_part(api, title, "synopsis", read_synopsis)


async def find_short_synopsis(api: Api, title: str | CatalogTitle) -> Synopsis | ApiFailed:
    """The same where there is little room."""
    return await _find_part(api, title, "short_synopsis", read_synopsis)


async def find_cast(api: Api, title: str | CatalogTitle) -> tuple[Person, ...] | ApiFailed:
    """Who acts in a title."""
    return await _find_part(api, title, "cast", read_people)


async def find_directors(api: Api, title: str | CatalogTitle) -> tuple[Person, ...] | ApiFailed:
    """Who directed a title."""
    return await _find_part(api, title, "directors", read_people)


async def find_awards(api: Api, title: str | CatalogTitle) -> tuple[Award, ...] | ApiFailed:
    """What a title got, and was nominated for."""
    return await _find_part(api, title, "awards", read_awards)


async def find_format_availability(
    api: Api, title: str | CatalogTitle
) -> tuple[FormatAvailability, ...] | ApiFailed:
    """In which forms a title can be had, from when and until when."""
    return await _find_part(api, title, "format_availability", read_format_availability)


async def find_screen_formats(api: Api, title: str | CatalogTitle) -> tuple[ScreenFormat, ...] | ApiFailed:
    """The shapes of a title's picture."""
    return await _find_part(api, title, "screen_formats", read_screen_formats)


async def find_languages(api: Api, title: str | CatalogTitle) -> tuple[Language, ...] | ApiFailed:
    """The languages of a title, and its sounds."""
    return await _find_part(api, title, "languages_and_audio", read_languages)


async def find_previews(api: Api, title: str | CatalogTitle) -> tuple[Link, ...] | ApiFailed:
    """Where a title's previews are to be seen."""
    return await _find_part(api, title, "previews", read_previews)


async def find_bonus_materials(api: Api, title: str | CatalogTitle) -> Titles | ApiFailed:
    """What came with a title beside it."""
    return await _find_part(api, title, "bonus_materials", read_titles)


async def find_seasons(api: Api, title: str | CatalogTitle) -> Titles | ApiFailed:
    """The seasons of a series."""
    return await _find_part(api, title, "seasons", read_titles)


async def find_episodes(api: Api, title: str | CatalogTitle) -> Titles | ApiFailed:
    """The episodes of a season."""
    return await _find_part(api, title, "episodes", read_titles)


async def find_discs(api: Api, title: str | CatalogTitle) -> Titles | ApiFailed:
    """The discs of a season."""
    return await _find_part(api, title, "discs", read_titles)


async def find_similars(
    api: Api, title: str | CatalogTitle, *, start_index: int = 0, max_results: int | None = None
) -> Titles | ApiFailed:
    """Titles that are like one; at most 500 at once.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    ref = _part_of(title, "similars")
    return await _ask_similars(api, ref, start_index=start_index, max_results=max_results)


def each_similar(
    api: Api, title: str | CatalogTitle, *, page_size: int = MOST_RESULTS
) -> Pages[CatalogTitle]:
    """Titles that are like one, page by page to the last.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    make_page_parameters(0, page_size, MOST_RESULTS)
    ref = _part_of(title, "similars")
    return each_page(partial(_ask_similars, api, ref), page_size)


async def _ask_similars(
    api: Api, ref: str, *, start_index: int, max_results: int | None
) -> Titles | ApiFailed:
    return await api.get(ref, _read_found, make_page_parameters(start_index, max_results, MOST_RESULTS))


async def _find_part(api: Api, title: str | CatalogTitle, part: str, read: Read[T]) -> T | ApiFailed:
    return await api.get(_part_of(title, part), read)


def _part_of(title: str | CatalogTitle, part: str) -> str:
    """Where a part of a title is: where its link says, if the title came with links; else below the title."""
    if isinstance(title, str):
        return f"{path_of(check_title_ref(title)).rstrip('/')}/{part}"
    link = title.find_link(part)
    return link.href if link is not None and _is_part(link) else _part_of(title.ref, part)


def find_parts(title: CatalogTitle) -> frozenset[str]:
    """Which parts a title links to (`awards`, `seasons`): what it does not link to, it has not."""
    return frozenset(link.relation for link in title.links if _is_part(link))


def _is_part(link: Link) -> bool:
    return (find_path(link.href) or "").startswith(f"{_SEARCH}/")


def _read_found(root: Node) -> Titles | None:
    return read_listing(root, ["catalog_titles", "similars"], ["catalog_title"], read_title)


def _read_title(root: Node) -> CatalogTitle | None:
    return read_title(root) if root.name == "catalog_title" else None


def _read_suggestions(root: Node) -> tuple[str, ...] | None:
    found = read_listing(root, ["autocomplete"], ["autocomplete_item"], read_suggestion)
    return found.items if found is not None else None
