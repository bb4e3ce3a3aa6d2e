"""The catalog: what there is, how it is found, and what belongs together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from feedwatch.sandbox.films import invent_film
from feedwatch.sandbox.particulars import genres_of, has_bonus_disc, list_cast, pick_directors, write_synopsis
from feedwatch.sandbox.people import Person, list_people
from feedwatch.sandbox.shows import Part, list_shows, parts_by_path
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.world import World

_FIRST_FILLER = 100_000_000
_BONUS = 30_000_000
"""How far the id of a film's bonus disc is from the film's."""
_NUMBER = re.compile(r"[0-9]{1,10}")
_MOST_SIMILARS = 60
_MOST_COMPLETIONS = 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalog:
    """The films of a world, and the shows that all worlds have.

    `filled_to` is how many titles the index has: beyond what there is, films are made as they are asked for.
    """

    films: Sequence[Title]
    filled_to: int = 0

    @classmethod
    def of(cls, world: World) -> Catalog:
        """The catalog of a world as it stands."""
        return cls(world.catalog, world.switches.index_titles)

    # ── what there is ─────────────────────────────────────────────────────────────────────────────

    def find(self, path: str) -> Title | None:
        """The title at a path, for example `/catalog/titles/movies/60000000`."""
        part = parts_by_path().get(path)
        if part is not None:
            return part.title
        place, _, number = path.removeprefix("/catalog/titles/").rpartition("/")
        if not _NUMBER.fullmatch(number):
            return None
        if place == "movies":
            return self._film(int(number))
        film = self._film(int(number) - _BONUS) if place == "discs" else None
        return bonus_disc(film) if film is not None and has_bonus_disc(film) else None

    def list_titles(self) -> list[Title]:
        """Every film and every series."""
        return [*self.films, *(show.title for show in list_shows())]

    def list_index(self) -> Iterable[Title]:
        """What the index has: films, series, seasons and episodes, and films until there are enough."""
        yield from self.films
        parts = [part.title for part in parts_by_path().values() if part.title.kind != "discs"]
        yield from parts
        for number in range(self.filled_to - len(self.films) - len(parts)):
            yield _make_filler(number)

    def count_index(self) -> int:
        """How many titles the index has."""
        parts = sum(part.title.kind != "discs" for part in parts_by_path().values())
        return max(len(self.films) + parts, self.filled_to)

    # ── searching ─────────────────────────────────────────────────────────────────────────────────

    def search(self, term: str) -> list[Title]:
        """The films, series and seasons whose name or synopsis has a term, in order of relevance."""
        seasons = [season.title for show in list_shows() for season in show.seasons]
        return _search([*self.list_titles(), *seasons], term, _name_of, write_synopsis)

    def complete(self, beginning: str) -> list[str]:
        """The names that have a word with this beginning."""
        wanted = _fold(beginning)
        ranked = sorted(
            (not (folded := _fold(title.name)).startswith(wanted), folded, title.name)
            for title in self.list_titles()
            if wanted and f" {wanted}" in f" {_fold(title.name)}"
        )
        return [name for _, _, name in ranked[:_MOST_COMPLETIONS]]

    # ── what belongs together ─────────────────────────────────────────────────────────────────────

    def similars(self, title: Title) -> list[Title]:
        """Films and series of a genre with a title; of an episode, the others of its season."""
        part = part_of(title)
        if title.kind in ("programs", "discs") and part is not None and part.season is not None:
            return [each for each in part.season.episodes if each != title]
        genres = set(genres_of(title))
        alike = [each for each in self.list_titles() if each != title and genres & set(each.genres)]
        return sorted(alike, key=lambda each: (each.id * 7919 + title.id) % 10_007)[:_MOST_SIMILARS]

    def filmography(self, person: Person) -> list[Title]:
        """The films and series that somebody acts in or directs, the latest first."""
        involved = [title for title in self.list_titles() if person in involved_in(title)]
        return sorted(involved, key=lambda title: (-title.year, title.id))

    def _film(self, number: int) -> Title | None:
        found = next((film for film in self.films if film.id == number), None)
        if found is None and 0 <= number - _FIRST_FILLER < self.filled_to:
            return _make_filler(number - _FIRST_FILLER)
        return found


def part_of(title: Title) -> Part | None:
    """Where a title of a show belongs; nothing for a film."""
    return parts_by_path().get(title.path)


def bonus_disc(film: Title) -> Title:
    """The disc that came with a film."""
    return Title(film.id + _BONUS, f"{film.name}: Bonus Material", film.year, "discs")


@lru_cache(maxsize=4096)
def involved_in(title: Title) -> frozenset[Person]:
    """Who acts in a title or directs it."""
    return frozenset((*list_cast(title), *pick_directors(title)))


def search_people(term: str) -> list[Person]:
    """The people whose name has a term, in order of relevance."""
    return _search(list_people(), term, lambda person: person.name, lambda _: "")


def _make_filler(number: int) -> Title:
    return Title(_FIRST_FILLER + number, *invent_film(number))


def _name_of(title: Title) -> str:
    return title.name


def _search(
    things: Iterable[T], term: str, name_of: Callable[[T], str], text_of: Callable[[T], str]
) -> list[T]:
    wanted = _fold(term)
    if term and not wanted:
        return []
    ranked = [(_relevance(wanted, _fold(name_of(thing)), text_of(thing)), thing) for thing in things]
    return [thing for rank, thing in sorted(ranked, key=lambda pair: -pair[0]) if rank > 0]


def _relevance(wanted: str, name: str, text: str) -> int:
    if not wanted or name == wanted:
        return 6
    if name.startswith(f"{wanted} "):
        return 5
    if f" {wanted} " in f" {name} ":
        return 4
    if wanted in name:
        return 3
    if all(word in name for word in wanted.split()):
        return 2
    return 1 if wanted in _fold(text) else 0


def _fold(text: str) -> str:
    """A text as it is searched: no case, no accents, and nothing but words."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c) and c != "'")
    return " ".join(letters.split())
