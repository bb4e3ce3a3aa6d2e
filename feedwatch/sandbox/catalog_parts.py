"""The documents that the links of a title and of a person lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from feedwatch.sandbox.catalog import Catalog, bonus_disc, part_of
from feedwatch.sandbox.catalog_documents import (
    SCHEMAS,
    Dialect,
    Expansion,
    link_person,
    link_title,
    list_parts,
    make_category,
    make_link,
    title_members,
    web_page,
    write_person,
)
from feedwatch.sandbox.particulars import (
    Award,
    Sound,
    list_awards,
    list_cast,
    list_screen_formats,
    list_sounds,
    list_windows,
    pick_directors,
    write_short_synopsis,
    write_synopsis,
)
from feedwatch.sandbox.people import Person
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import Node, make_node, make_text

_FORMATS = "categories/title_formats"


def list_related(catalog: Catalog, title: Title, part: str) -> list[Title] | None:
    """The titles that a part of a title lists; nothing where it lists none, or is no part of this title."""
    place = part_of(title)
    if part == "similars":
        return catalog.similars(title)
    if part == "bonus_materials":
        return [bonus_disc(title)]
    if place is None:
        return None
    if part == "seasons":
        return [season.title for season in place.show.seasons]
    if place.season is None:
        return None
    return {"episodes": list(place.season.episodes), "discs": list(place.season.discs)}.get(part)


def write_part(title: Title, part: str, dialect: Dialect) -> Node | None:
    """A document about a title that is no list of titles; nothing if there is no such."""
    write = _PARTS.get(part)
    return write(title, dialect) if write is not None else None


def has_part(title: Title, part: str, dialect: Dialect) -> bool:
    """Whether a title links to such a document."""
    return any(part == place for place, _, _ in list_parts(title, dialect))


def expand_parts(
    catalog: Catalog, title: Title, dialect: Dialect, wanted: Iterable[str] | None = None
) -> Expansion:
    """What the links of a title carry within: the documents named, or all but the similars."""
    named = None if wanted is None else set(wanted)

    def expand(part: str) -> Node | None:
        if part not in named if named is not None else part == "similars":
            return None
        related = list_related(catalog, title, part)
        if related is not None:
            return make_node("catalog_titles", *(link_title(each, dialect) for each in related))
        if part in ("cast", "directors"):
            return _link_people(_people_of(title, part), dialect)
        return write_part(title, part, dialect)

    return expand


def write_filmography(titles: Sequence[Title], dialect: Dialect) -> Node:
    """What somebody was in."""
    if not dialect.later:
        items = (make_node("catalog_title", *title_members(title, dialect)) for title in titles)
        return make_node("catalog_titles", make_text("number_of_results", len(titles)), *items)
    items = (make_node("filmography_item", *title_members(title, dialect)) for title in titles)
    return make_node("filmography", *items)


def link_filmography(titles: Sequence[Title], dialect: Dialect) -> Node:
    """The same, as links."""
    return make_node("filmography", *(link_title(title, dialect) for title in titles))


def _write_synopsis(title: Title, _: Dialect) -> Node:
    return make_text("synopsis", write_synopsis(title), raw=True)


def _write_short_synopsis(title: Title, _: Dialect) -> Node:
    return make_text("short_synopsis", write_short_synopsis(title), raw=True)


def _write_cast(title: Title, dialect: Dialect) -> Node:
    return _write_people(title, "cast", dialect)


def _write_directors(title: Title, dialect: Dialect) -> Node:
    return _write_people(title, "directors", dialect)


def _write_people(title: Title, part: str, dialect: Dialect) -> Node:
    people = _people_of(title, part)
    if dialect.later:
        return _link_people(people, dialect)
    return make_node(part, *(write_person(person, dialect) for person in people))


def _people_of(title: Title, part: str) -> Sequence[Person]:
    return list_cast(title) if part == "cast" else pick_directors(title)


def _link_people(people: Sequence[Person], dialect: Dialect) -> Node:
    return make_node("people", *(link_person(person, dialect) for person in people))


def _write_awards(title: Title, dialect: Dialect) -> Node:
    return make_node("awards", *(_write_award(award, dialect) for award in list_awards(title)))


def _write_award(award: Award, dialect: Dialect) -> Node:
    person = (link_person(award.person, dialect),) if award.person is not None else ()
    category = make_category(dialect, f"categories/awards_{award.given_by}", award.category)
    return make_node(
        "award_winner" if award.won else "award_nominee", category, *person, year=str(award.year)
    )


def write_availability(title: Title, dialect: Dialect) -> Node:
    """When a title can be had, and in which formats."""
    windows = []
    for window in list_windows(title):
        ends = {"available_until": str(window.ends)} if window.ends is not None else {}
        category = make_category(dialect, _FORMATS, window.format)
        windows.append(make_node("availability", category, available_from=str(window.begins), **ends))
    return make_node("delivery_formats", *windows)


def _write_screen_formats(title: Title, dialect: Dialect) -> Node:
    formats = (
        make_node(
            "screen_format",
            make_category(dialect, _FORMATS, form),
            make_category(dialect, "categories/screen_formats", shape),
        )
        for form, shape in list_screen_formats(title)
    )
    return make_node("screen_formats", *formats)


def _write_languages(title: Title, dialect: Dialect) -> Node:
    sounds = list_sounds(title)
    write = _nest_languages if dialect.later else _row_languages
    formats = (write(window.format, sounds, dialect) for window in list_windows(title))
    return make_node("languages_and_audio", *formats)


def _nest_languages(form: str, sounds: Sequence[Sound], dialect: Dialect) -> Node:
    """As later replies have it: languages within their format, and how they sound within them."""
    languages = (
        make_category(dialect, "categories/languages", sound.language, *_name_sounds(sound, dialect))
        for sound in sounds
    )
    return make_node("language_audio_format", make_category(dialect, _FORMATS, form, *languages))


def _row_languages(form: str, sounds: Sequence[Sound], dialect: Dialect) -> Node:
    languages = (
        make_node(
            "language",
            make_category(dialect, "categories/languages", sound.language),
            *(make_node("sound", category) for category in _name_sounds(sound, dialect)),
        )
        for sound in sounds
    )
    return make_node("languages_audio_format", make_category(dialect, _FORMATS, form), *languages)


def _name_sounds(sound: Sound, dialect: Dialect) -> list[Node]:
    return [make_category(dialect, "categories/audio", form) for form in sound.formats]


def _write_previews(title: Title, _: Dialect) -> Node:
    link = make_link(f"{web_page(title)}/preview", f"{SCHEMAS}/catalog/titles/preview", title.name)
    return make_node("previews", link)


_PARTS: Mapping[str, Callable[[Title, Dialect], Node]] = {
    "synopsis": _write_synopsis,
    "short_synopsis": _write_short_synopsis,
    "cast": _write_cast,
    "directors": _write_directors,
    "awards": _write_awards,
    "format_availability": write_availability,
    "screen_formats": _write_screen_formats,
    "languages_and_audio": _write_languages,
    "previews": _write_previews,
}
