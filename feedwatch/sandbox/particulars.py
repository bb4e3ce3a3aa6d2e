"""What is known of a title, made from its path: the same each time, and nothing of it about anybody real."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from feedwatch.sandbox.people import Person, list_actors, list_directors
from feedwatch.sandbox.shows import parts_by_path
from feedwatch.sandbox.titles import GENRES, Title

_MPAA = ("G", "PG", "PG-13", "R", "NC-17", "NR")
_TV = ("TV-G", "TV-PG", "TV-14", "TV-MA")
_WHO = (
    "A retired ferry pilot",
    "A pair of sisters",
    "A town clerk",
    "The last projectionist",
    "A tired detective",
)
_WHAT = (
    *(
        "finds a letter meant for somebody else",
        "is asked to forge a map",
        "hears a broadcast from next week",
    ),
    *("inherits a lighthouse & its debts", "has one winter to repair a friendship"),
)
_THEN = (
    *("By spring all of Port Ellery tells the same story <3", "It ends where it began, almost."),
    *("Told in seven long takes.", "The harbour is the best of its actors.", "Bring a coat."),
)
_WORDS = dict(
    zip(
        GENRES,
        (
            "a classic",
            "a comedy",
            "an account",
            "a drama",
            "a tale from abroad",
            "a nightmare",
            "a wonder",
            "a riddle",
        ),
        strict=True,
    )
)
_HONOURS = (
    ("golden_lanterns", ("Best Picture", "Best Actress", "Best Actor", "Best Director")),
    ("port_ellery_prizes", ("Grand Jury Prize", "Audience Award", "Best Screenplay")),
)
_SHAPES = ("Widescreen 1.85:1", "Widescreen 2.35:1", "Full Screen 1.33:1")
_LANGUAGES = ("English", "French", "Spanish", "Japanese", "Swedish")
_SOUNDS = ("Dolby Digital 2.0 Stereo", "Dolby Digital 5.1", "Mono")
_FIRST_DAY = 1_199_145_600
_DAY = 86_400
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Award:
    """A prize, won or nominated for, of the title or of somebody in it."""

    given_by: str
    category: str
    year: int
    won: bool
    person: Person | None


@dataclass(frozen=True, slots=True)
class Window:
    """When a title can be had in a format, in seconds since 1970; without an end, until further notice."""

    format: str
    begins: int
    ends: int | None


@dataclass(frozen=True, slots=True)
class Sound:
    """A language that a title is spoken in, and how that sounds."""

    language: str
    formats: tuple[str, ...]


def write_synopsis(title: Title) -> str:
    """What a title is about."""
    who, what, then = _pick(title, "who", _WHO), _pick(title, "what", _WHAT), _pick(title, "then", _THEN)
    return f"{who} {what}: {_WORDS[genres_of(title)[0]]} of {title.year}. {then}"


def write_short_synopsis(title: Title) -> str:
    """The same in a few words."""
    return f"{_pick(title, 'who', _WHO)} {_pick(title, 'what', _WHAT)}."


def genres_of(title: Title) -> tuple[str, ...]:
    """What a title is; a season and an episode are what their series is."""
    return _of_show(title).genres


def certificate(title: Title) -> tuple[str, str]:
    """Who may see a title: whose rating that is, and the rating."""
    of = _of_show(title)
    if of.kind == "series":
        return "tv_ratings", _pick(of, "tv", _TV)
    return "mpaa_ratings", _pick(of, "mpaa", _MPAA)


def runtime(title: Title) -> int:
    """How long a title is, in seconds; a season is as long as its episodes, a series as its seasons."""
    part = parts_by_path().get(title.path)
    if part is None or title.kind == "discs":
        return 4200 + 60 * _number(title, "runtime", 90)
    if title.kind == "programs":
        return 1260 + 60 * _number(part.show.title, "runtime", 30)
    seasons = part.show.seasons if part.season is None else (part.season,)
    return sum(runtime(episode) for season in seasons for episode in season.episodes)


def average_rating(title: Title) -> str:
    """What people think of a title, from 1.8 to 4.7 stars."""
    return f"{(18 + _number(title, 'average', 30)) / 10:.1f}"


def list_cast(title: Title) -> tuple[Person, ...]:
    """Who acts in a title; nobody, in some. A season's cast is its series'."""
    of = _of_show(title)
    actors = list_actors()
    first = _number(of, "cast", len(actors))
    return tuple(actors[(first + 37 * n) % len(actors)] for n in range(_number(of, "how many", 7)))


def pick_directors(title: Title) -> tuple[Person, ...]:
    """Who directed a title: one person or two."""
    of = _of_show(title)
    directors = list_directors()
    first = _number(of, "director", len(directors))
    return tuple(directors[(first + 17 * n) % len(directors)] for n in range(1 + (of.id % 7 == 0)))


def list_awards(title: Title) -> tuple[Award, ...]:
    """What a title was given, or nearly: nothing, for most."""
    if title.kind not in ("movies", "series"):
        return ()
    cast = list_cast(title)
    return tuple(_make_award(title, cast, n) for n in range(max(_number(title, "awards", 7) - 3, 0)))


def list_windows(title: Title) -> tuple[Window, ...]:
    """When a title can be had: most can now, some not any more, and films on a disc for good."""
    begins = _FIRST_DAY + _DAY * _number(title, "begins", 2000)
    ends = begins + _DAY * 365 if title.id % 11 == 0 else 1_956_528_000 + _DAY * _number(title, "ends", 900)
    instant = Window("instant", begins, None if title.id % 5 == 0 else ends)
    disc = Window("DVD", begins - _DAY * 90, None)
    if title.kind == "discs":
        return (disc,)
    return (instant, disc) if title.kind in ("movies", "seasons") else (instant,)


def list_screen_formats(title: Title) -> tuple[tuple[str, str], ...]:
    """The shapes of the picture, by format of the title."""
    shape = _pick(_of_show(title), "shape", _SHAPES)
    return tuple((window.format, shape) for window in list_windows(title))


def list_sounds(title: Title) -> tuple[Sound, ...]:
    """The languages that a title is spoken in."""
    of = _of_show(title)
    first = _number(of, "language", len(_LANGUAGES))
    count = 1 + _number(of, "languages", 3)
    spoken = [_LANGUAGES[(first + n) % len(_LANGUAGES)] for n in range(count)]
    return tuple(Sound(language, _SOUNDS[: 1 + (of.id + n) % 2]) for n, language in enumerate(spoken))


def has_bonus_disc(film: Title) -> bool:
    """Whether a disc with more of a film came with it."""
    return film.kind == "movies" and film.id % 5 == 0


def has_previews(title: Title) -> bool:
    """Whether there is a preview of a title."""
    return title.kind in ("movies", "seasons") and title.id % 3 == 0


def official_page(title: Title) -> str | None:
    """The page that a title's makers have made of it, if they have."""
    return f"http://title-{title.id}.example/" if title.id % 4 == 0 else None


def updated_at(title: Title) -> int:
    """When what is known of a title last changed, in seconds since 1970."""
    return _FIRST_DAY + 3600 * _number(title, "updated", 40_000)


def external_ids(title: Title) -> tuple[tuple[str, str], ...]:
    """The numbers that a title has with others: kind and number."""
    number = _number(title, "upc", 10**9)
    return (
        ("upc", f"0{number:09}{title.id % 1000:03}"),
        ("amg", f"V {number % 10**6:>8}"),
        ("tms", f"MV{number % 10**8:08}0000"),
    )


def _make_award(title: Title, cast: Sequence[Person], number: int) -> Award:
    given_by, categories = _HONOURS[(title.id + number) % len(_HONOURS)]
    category = categories[(title.id // 3 + number) % len(categories)]
    person = cast[number % len(cast)] if cast and category.startswith("Best Act") else None
    return Award(given_by, category, title.year + 1, (title.id + number) % 3 == 0, person)


def _of_show(title: Title) -> Title:
    part = parts_by_path().get(title.path)
    return part.show.title if part is not None else title


def _number(title: Title, about: str, below: int) -> int:
    """A number that says something about a title, the same each time."""
    return zlib.crc32(f"{about}:{title.path}".encode()) % below


def _pick(title: Title, about: str, choices: Sequence[T]) -> T:
    return choices[_number(title, about, len(choices))]
