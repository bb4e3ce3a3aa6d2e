"""The series of the catalog, with seasons, episodes and discs: all invented, and the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from feedwatch.sandbox.titles import Title

_NAMES = (
    *("Ninth Tide", "The Cartographer's Daughter", "Harbour Street", "Quiet Engines", "Salt & Copper"),
    *("The Understudies", "Marrow County", "Nightferry", "A Field Guide to Strangers", "Low Orbit"),
    *(
        "The Glass Orchard",
        "Öresund Line",
        "Second Violin",
        "Paper Tigers of Port Ellery",
        "Half Past Winter",
    ),
    *("The Lamplighters", "Cold Kitchen", "Signal Hill 94", "Moth Season", "The Long Intermission"),
    *("Tarn Hollow", "Dr. Quillfeather", "Everything Must Float", "The Night Botanist"),
)
_EPISODES = (
    *("Pilot", "The Wrong Umbrella", "Low Water", "A Letter from Nobody", "Thirteen Chairs", "Interlude"),
    *(
        "The Visitor",
        "Snow on the Line",
        "What the Clock Said",
        "Open House",
        "Ash & Honey",
        "The Last Ferry",
    ),
    *("Two Sugars", "Old Maps", "The Understairs", "Fog", "Count to Ten", "Paper Boats", "Homecoming"),
)
_FIRST_ID = 70_000_000
_FIRST_DISC = 80_000_000


@dataclass(frozen=True, slots=True)
class Season:
    """A season: its episodes, and the discs that they came on."""

    title: Title
    episodes: tuple[Title, ...]
    discs: tuple[Title, ...]


@dataclass(frozen=True, slots=True)
class Show:
    """A series and its seasons."""

    title: Title
    seasons: tuple[Season, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A title of a show, and where it belongs; a series belongs to itself."""

    title: Title
    show: Show
    season: Season | None = None


@lru_cache(maxsize=1)
def list_shows() -> tuple[Show, ...]:
    """Every series: 24, of two to four seasons, of four to eight episodes each."""
    return tuple(_make_show(n, name) for n, name in enumerate(_NAMES))


@lru_cache(maxsize=1)
def list_queueable() -> tuple[Title, ...]:
    """What of the shows can be in a queue or be watched: seasons and episodes."""
    seasons = [season for show in list_shows() for season in show.seasons]
    episodes = (episode for season in seasons for episode in season.episodes)
    return (*(season.title for season in seasons), *episodes)


@lru_cache(maxsize=1)
def parts_by_path() -> dict[str, Part]:
    """Every title of every show, by its path."""
    parts = [Part(show.title, show) for show in list_shows()]
    for show in list_shows():
        for season in show.seasons:
            titles = (season.title, *season.episodes, *season.discs)
            parts += [Part(title, show, season) for title in titles]
    return {part.title.path: part for part in parts}


def _make_show(number: int, name: str) -> Show:
    title = Title(_FIRST_ID + 1000 * number, name, 1968 + number * 5 % 42, "series")
    seasons = tuple(_make_season(number, title, season) for season in range(1, 3 + number % 3))
    return Show(title, seasons)


def _make_season(number: int, series: Title, season: int) -> Season:
    # As with the API: a first season has its series' id, and only the place tells them apart.
    identity = series.id if season == 1 else series.id + 100 * season
    year = series.year + season - 1
    title = Title(identity, f"{series.name}: Season {season}", year, f"series/{series.id}/seasons")
    episodes = tuple(
        Title(
            series.id + 100 * season + episode,
            f"{series.name}: Season {season}: {_name_episode(number, season, episode)}",
            year,
            "programs",
        )
        for episode in range(1, 5 + (number + season) % 5)
    )
    discs = tuple(
        Title(
            _FIRST_DISC + 1000 * number + 10 * season + disc,
            f"{series.name}: Season {season}: Disc {disc}",
            year,
            "discs",
        )
        for disc in (1, 2)
    )
    return Season(title, episodes, discs)


def _name_episode(number: int, season: int, episode: int) -> str:
    if season == episode == 1:
        return _EPISODES[0]
    return _EPISODES[1 + (number * 7 + season * 5 + episode) % (len(_EPISODES) - 1)]
