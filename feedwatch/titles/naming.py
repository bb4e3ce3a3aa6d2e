"""Which title or person somebody means: by number, by address, or by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from feedwatch.access import Access
from feedwatch.core.model import Reason
from feedwatch.errors import RequestRefused
from feedwatch.netflix.catalog import find_title, search_titles, title_ref_of
from feedwatch.netflix.limits import MOST_FOUND
from feedwatch.netflix.people import find_person, person_ref_of, search_people
from feedwatch.netflix.refs import id_of
from feedwatch.netflix.replies import ApiFailed, CatalogTitle, Person, QueueItem
from feedwatch.titles.rows import id_of_person, name_title

_WITH_YEAR: Final = re.compile(r"(?P<name>.+?)\s*\((?P<year>\d{4})\)")
_PLACE: Final = re.compile(r"#?(?P<place>\d{1,6})")
_MOST_OFFERED: Final = 10


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing, or more than one thing, is called so; `says` tells which there are and what to type."""

    says: str


async def find_meant_title(access: Access, typed: str, command: str) -> CatalogTitle | ApiFailed | Unclear:
    """The title that is meant; `command` is what was typed before it, for saying what to type instead."""
    ref = _read_title_ref(typed)
    if ref is not None:
        found = await find_title(access.api, ref)
        if not (
            isinstance(found, ApiFailed) and found.reason is Reason.NOT_FOUND and typed.strip().isdigit()
        ):
            return found  # else it may be a film that is called like a number
    match = _WITH_YEAR.fullmatch(typed.strip())
    name = match["name"] if match else typed
    titles = await search_titles(access.api, name, max_results=MOST_FOUND)
    if isinstance(titles, ApiFailed):
        return titles
    return choose_title(titles.items, typed, command)


async def need_title(access: Access, typed: str, command: str) -> CatalogTitle | int:
    """The title that is meant; the exit status where there is none, and that has been said."""
    found = await find_meant_title(access, typed, command)
    if isinstance(found, Unclear):
        return access.complain(found.says)
    return access.fail(found, typed, own=False) if isinstance(found, ApiFailed) else found


def choose_title(titles: Sequence[CatalogTitle], typed: str, command: str) -> CatalogTitle | Unclear:
    """The one title of those found that has exactly this name, with or without its year."""
    exact = [title for title in titles if is_called(title, typed)]
    if len(exact) == 1:
        return exact[0]
    offered = [(id_of(each.ref), name_title(each)) for each in exact or titles]
    return _offer(offered, typed, "title", command, alike=bool(exact))


async def find_meant_person(access: Access, typed: str, command: str) -> Person | ApiFailed | Unclear:
    """The person who is meant."""
    try:
        ref = person_ref_of(typed)
    except RequestRefused:
        return await _find_named_person(access, typed, command)
    return await find_person(access.api, ref)


async def _find_named_person(access: Access, typed: str, command: str) -> Person | ApiFailed | Unclear:
    people = await search_people(access.api, typed, max_results=MOST_FOUND)
    if isinstance(people, ApiFailed):
        return people
    exact = [person for person in people.items if _fold(person.name) == _fold(typed)]
    if len(exact) == 1:
        return await find_person(access.api, exact[0].ref)
    offered = [(id_of_person(each.ref), each.name) for each in exact or people.items]
    return _offer(offered, typed, "person", command, alike=bool(exact))


def find_queued(items: Sequence[QueueItem], typed: str, command: str) -> QueueItem | Unclear:
    """The entry of a queue that is meant: by number or address of its title, by name, or by its place."""
    if (item := _find_by_ref(items, typed) or _find_by_place(items, typed)) is not None:
        return item
    named = [item for item in items if is_called(item.title, typed)]
    if len(named) == 1:
        return named[0]
    if named:
        offered = [(id_of(each.title.ref), name_title(each.title)) for each in named]
        return _offer(offered, typed, "title", command, alike=True)
    names = {_fold(item.title.name): item.title.name for item in items}
    close = get_close_matches(_fold(typed), list(names), n=1, cutoff=0.6)
    meant = f"Did you mean {names[close[0]]}?" if close else "`feedwatch queue list` shows what is"
    return Unclear(f"{typed!r} is not in the queue. {meant}")


def fill_in(command: str, id_: str) -> str:
    """A command with what to type for one title, or person, in its place."""
    return command.replace("TITLE", id_).replace("PERSON", id_)


def is_called(title: CatalogTitle, typed: str) -> bool:
    """Whether a title has this name; `(1949)` behind it is its year."""
    wanted = _fold(typed)
    names = {_fold(name) for name in (title.name, title.short_name) if name}
    if wanted in names:
        return True
    match = _WITH_YEAR.fullmatch(wanted)
    return match is not None and match["name"] in names and match["year"] == str(title.year)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _read_title_ref(typed: str) -> str | None:
    try:
        return title_ref_of(typed)
    except RequestRefused:
        return None


def _find_by_ref(items: Sequence[QueueItem], typed: str) -> QueueItem | None:
    ref = _read_title_ref(typed)
    wanted = id_of(ref) if ref is not None else None
    return next((item for item in items if id_of(item.title.ref) == wanted), None)


def _find_by_place(items: Sequence[QueueItem], typed: str) -> QueueItem | None:
    match = _PLACE.fullmatch(typed.strip())
    place = int(match["place"]) if match else None
    return next((item for item in items if place is not None and item.position == place), None)


def _offer(
    offered: Sequence[tuple[str, str]], typed: str, what: str, command: str, *, alike: bool
) -> Unclear:
    """Say which there are, and what to type for one of them."""
    if not offered:
        number = "has this number or name" if typed.strip().isdigit() else "is called"
        return Unclear(f"no {what} {number}: {typed!r}")
    many = f"{len(offered)} {what}s are" if what != "person" else f"{len(offered)} people are"
    said = f"{many} called {typed!r}" if alike else f"no {what} is called exactly {typed!r}"
    width = max(len(id_) for id_, _ in offered[:_MOST_OFFERED])
    lines = [f"  {id_:>{width}}  {name}" for id_, name in offered[:_MOST_OFFERED]]
    if len(offered) > _MOST_OFFERED:
        lines.append(f"  {'':>{width}}  and {len(offered) - _MOST_OFFERED} more")
    ask = "say which one, for example" if len(offered) > 1 else "for this one, type"
    return Unclear("\n".join([f"{said}; {ask}:  {fill_in(command, offered[0][0])}", *lines]))


def _fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
