"""The sandbox's catalog as data: how much of it there is, how it hangs together, that it stays the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from feedwatch.sandbox import World
from feedwatch.sandbox.catalog import Catalog
from feedwatch.sandbox.particulars import list_awards, list_cast, runtime
from feedwatch.sandbox.people import find_person, list_people
from feedwatch.sandbox.shows import list_shows
from feedwatch.sandbox.titles import Title

_DIGEST = (
    "import hashlib\n"
    "from feedwatch.sandbox import World\n"
    "from feedwatch.sandbox.catalog import Catalog\n"
    "from feedwatch.sandbox.catalog_documents import Dialect\n"
    "from feedwatch.sandbox.catalog_index import open_full\n"
    "w = World(queue=20); f = open_full(Catalog.of(w), Dialect.of(w, 'http://x'));"
    "print(hashlib.sha256(b''.join(f.write_blocks())).hexdigest())"
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.of(World())


def test_catalog_is_large_enough(catalog: Catalog) -> None:
    """Two hundred titles and more, twenty series of two seasons and more, each with episodes."""
    assert len(catalog.list_titles()) >= 200
    shows = list_shows()
    assert len(shows) >= 20
    assert all(len(show.seasons) >= 2 for show in shows)
    assert all(season.episodes for show in shows for season in show.seasons)
    assert len(list_people()) >= 200


def test_every_title_is_found_at_its_path(catalog: Catalog) -> None:
    """A path is one title's, and leads back to it."""
    titles = list(catalog.list_index())
    assert len({title.path for title in titles}) == len(titles)
    assert all(catalog.find(title.path) == title for title in titles)
    assert all(runtime(title) > 0 for title in titles)


def test_every_title_of_the_lists_is_in_the_catalog() -> None:
    """What is queued, watched, rated and recommended can be looked up; so can what an order made up."""
    world = World()
    world.add(title="A Title of My Own")
    lists = (world.queue, world.history, world.ratings, world.recommendations)
    titles = [item.title for each in lists for item in each]
    catalog = Catalog.of(world)
    assert all(catalog.find(title.path) == title for title in titles)


def test_seasons_and_episodes_can_be_queued_and_watched() -> None:
    """An order finds them by name, and the lists name the place that they have in the catalog."""
    world = World()
    season = world.add(title="Ninth Tide: Season 2")
    assert season.path == "/catalog/titles/series/70000000/seasons/70000200"
    episode = world.watch(title="Ninth Tide: Season 1: Pilot")
    assert episode.path == "/catalog/titles/programs/70000101"


def test_title_without_awards_or_cast_is_there_too(catalog: Catalog) -> None:
    """Nothing of what a title may lack is always there."""
    films = [title for title in catalog.list_titles() if title.kind == "movies"]
    assert 0 < sum(not list_cast(film) for film in films) < len(films)
    assert 0 < sum(not list_awards(film) for film in films) < len(films)


def test_people_are_found_by_their_numbers() -> None:
    """A number is one person's, or nobody's."""
    people = list_people()
    assert [find_person(person.id) for person in people] == list(people)
    assert len({person.name for person in people}) == len(people)
    assert find_person(people[0].id + 1) is None
    assert find_person(people[-1].id + 13) is None


def test_catalog_is_the_same_at_every_start() -> None:
    """Two processes that hash differently give the same bytes."""
    made = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1
    assert len(made.pop().strip()) == len(hashlib.sha256().hexdigest())


def test_title_that_is_no_film_says_so() -> None:
    """The place of a title is what it is."""
    assert Title(1, "A", 2000).path == "/catalog/titles/movies/1"
    assert Title(2, "B", 2000, "series/1/seasons").kind == "seasons"
