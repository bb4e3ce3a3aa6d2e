"""All of one title or person as one JSON object with stable keys."""

from __future__ import annotations

from collections.abc import Iterable

from feedwatch.core.document import show_instant
from feedwatch.netflix.refs import id_of
from feedwatch.netflix.replies import (
    Award,
    CatalogTitle,
    FormatAvailability,
    Language,
    Person,
    ScreenFormat,
)
from feedwatch.present import Row
from feedwatch.titles.particulars import Particulars
from feedwatch.titles.rows import describe_person, describe_title


def describe_particulars(known: Particulars) -> Row:
    """What `titles show` prints for a program."""
    title, synopsis, rating, state = known.title, known.synopsis, known.rating, known.state
    predicted = title.predicted_rating or (rating.predicted_rating if rating else None)
    return {
        **describe_title(title),
        "predicted_rating": predicted,
        "own_rating": rating.rating if rating else None,
        "queued": state.queued if state else None,
        "playable": state.playable if state else None,
        "synopsis": (synopsis.text or synopsis.short or None) if synopsis else None,
        "directors": [person.name for person in known.directors],
        "cast": [person.name for person in known.cast],
        "awards": [_describe_award(award) for award in known.awards],
        "formats": [_describe_format(form) for form in known.formats],
        "languages": [_describe_language(language) for language in known.languages],
        "screen_formats": [_describe_shape(shape) for shape in known.screen_formats],
        "seasons": _describe_parts(known.seasons),
        "episodes": _describe_parts(known.episodes),
        "discs": _describe_parts(known.discs),
        "bonus": _describe_parts(known.bonus),
        "previews": [{"title": each.title, "link": each.href} for each in known.previews],
        "similars": _describe_parts(known.similars),
        "box_art": dict(title.box_art),
        "official_link": title.official_page,
        "missing": list(known.missing),
    }


def describe_whole_person(person: Person, titles: Iterable[CatalogTitle]) -> Row:
    """What `people show` prints for a program."""
    return {
        **describe_person(person),
        "biography": person.biography or None,
        "filmography": _describe_parts(titles),
    }


def _describe_parts(titles: Iterable[CatalogTitle]) -> list[Row]:
    return [
        {"title": title.name, "year": title.year, "id": id_of(title.ref), "ref": title.ref}
        for title in titles
    ]


def _describe_award(award: Award) -> Row:
    return {
        "name": award.name,
        "category": award.category,
        "year": award.year,
        "won": award.won,
        "person": award.person,
    }


def _describe_format(form: FormatAvailability) -> Row:
    return {
        "format": form.form,
        "available_from": show_instant(form.available_from),
        "available_until": show_instant(form.available_until),
    }


def _describe_language(language: Language) -> Row:
    return {
        "language": language.name,
        "sounds": list(language.sounds),
        "subtitles": language.subtitles,
        "format": language.form,
    }


def _describe_shape(shape: ScreenFormat) -> Row:
    return {"shape": shape.shape, "format": shape.form}
