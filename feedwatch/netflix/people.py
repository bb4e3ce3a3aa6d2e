"""The people of the catalog: who they are, and what they were in. The application alone signs."""

from __future__ import annotations

import re
from functools import partial

from feedwatch.errors import RequestRefused
from feedwatch.netflix.api import Api
from feedwatch.netflix.documents import read_listing, read_person
from feedwatch.netflix.limits import MOST_RESULTS, check_term, make_page_parameters
from feedwatch.netflix.paging import Pages, each_page
from feedwatch.netflix.parts import read_titles
from feedwatch.netflix.refs import find_path, is_person_ref, path_of
from feedwatch.netflix.replies import ApiFailed, CatalogTitle, Listing, Person
from feedwatch.netflix.tree import Node

_PEOPLE = "/catalog/people"
_NUMBER = re.compile(r"\d+")


def person_ref_of(typed: str) -> str:
    """The reference of a person as one may be named: by address, by path, or by number.

    Raises:
        RequestRefused: it names nobody.
    """
    typed = typed.strip()
    ref = f"{_PEOPLE}/{typed}" if _NUMBER.fullmatch(typed) else typed
    if not is_person_ref(ref):
        raise RequestRefused(
            f"{typed!r} is nobody of the catalog: give a number, as `feedwatch people search` shows it"
        )
    return ref


async def search_people(
    api: Api, term: str, *, start_index: int = 0, max_results: int | None = None
) -> Listing[Person] | ApiFailed:
    """Find people by a part of their names; at most 500 at once.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    page = make_page_parameters(start_index, max_results, MOST_RESULTS)
    return await api.get(_PEOPLE, _read_found, [("term", check_term(term)), *page])


def each_found_person(api: Api, term: str, *, page_size: int = MOST_RESULTS) -> Pages[Person]:
    """Find people, page by page to the last.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    make_page_parameters(0, page_size, MOST_RESULTS)
    return each_page(partial(search_people, api, check_term(term)), page_size)


async def find_person(api: Api, ref: str) -> Person | ApiFailed:
    """Who somebody is."""
    return await api.get(person_ref_of(ref), _read_person)


async def find_filmography(api: Api, person: str | Person) -> Listing[CatalogTitle] | ApiFailed:
    """What somebody was in."""
    ref = person if isinstance(person, str) else person.ref
    link = None if isinstance(person, str) else _find_link(person)
    return await api.get(link or f"{path_of(person_ref_of(ref)).rstrip('/')}/filmography", read_titles)


def _find_link(person: Person) -> str | None:
    links = (link.href for link in person.links if link.relation == "filmography")
    return next((href for href in links if (find_path(href) or "").startswith(f"{_PEOPLE}/")), None)


def _read_found(root: Node) -> Listing[Person] | None:
    return read_listing(root, ["people"], ["person"], read_person)


def _read_person(root: Node) -> Person | None:
    return read_person(root) if root.name == "person" else None
