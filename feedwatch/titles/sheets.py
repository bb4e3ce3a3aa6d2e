"""One title, or one person, on one screen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from feedwatch.access import Access, open_access
from feedwatch.config import Config
from feedwatch.netflix.catalog import find_title
from feedwatch.netflix.people import find_filmography
from feedwatch.netflix.refs import id_of
from feedwatch.netflix.replies import (
    ApiFailed,
    Award,
    CatalogTitle,
    FormatAvailability,
    Language,
    Listing,
    Person,
)
from feedwatch.present import Screen
from feedwatch.terminal import can_redraw, wrap
from feedwatch.titles.finding import print_titles
from feedwatch.titles.naming import Unclear, find_meant_person, need_title
from feedwatch.titles.particulars import Particulars, ask_particulars
from feedwatch.titles.rows import id_of_person, name_title, say_length, say_rating
from feedwatch.titles.whole import describe_particulars, describe_whole_person

_LABEL: Final = 12
_WIDEST: Final = 100
"""Longer lines are hard to read, however wide a terminal is."""
_KINDS: Final = {
    "movies": "film",
    "series": "series",
    "seasons": "season",
    "programs": "programme",
    "discs": "disc",
}
Line = tuple[str, str]
"""A label and what stands behind it; without a label it is a paragraph."""


async def show_title(config: Config, screen: Screen, account: str | None, typed: str) -> int:
    """Print all that is known of a title."""
    async with open_access(config, account, screen) as access:
        found = await need_title(access, typed, "feedwatch titles show TITLE")
        if isinstance(found, int):
            return found
        # A search may tell less.
        title = found if found.links else await find_title(access.api, found.ref)
        if isinstance(title, ApiFailed):
            return access.fail(title, typed, own=False)
        with showing_what_is_asked() as tell:
            known = await ask_particulars(access, title, tell)
        if screen.as_json:
            screen.print_rows([describe_particulars(known)], [], empty="")
        else:
            print_sheet(screen, _tell_title(known))
        _say_missing(access, known)
        return 0


async def show_person(config: Config, screen: Screen, account: str | None, typed: str) -> int:
    """Print who somebody is, and what they were in."""
    async with open_access(config, account, screen) as access:
        person = await find_meant_person(access, typed, "feedwatch people show PERSON")
        if isinstance(person, Unclear):
            return access.complain(person.says)
        if isinstance(person, ApiFailed):
            return access.fail(person, typed, own=False)
        films = await find_filmography(access.api, person)
        titles = list(films.items) if isinstance(films, Listing) else []
        if screen.as_json:
            screen.print_rows([describe_whole_person(person, titles)], [], empty="")
        else:
            print_sheet(screen, _tell_person(person))
            if titles:
                screen.say("")
                print_titles(screen, titles, "")
        if isinstance(films, ApiFailed):
            access.note(f"not to be had now: filmography ({access.explain(films, own=False)})")
        return 0


@contextmanager
def showing_what_is_asked() -> Iterator[Callable[[str], None]]:
    """Show a person at a terminal what is asked for, on a line that is gone when the block ends."""
    if not can_redraw(sys.stderr):
        yield lambda _: None
        return

    def tell(what: str) -> None:
        sys.stderr.write(f"\r\x1b[Kasking: {what}")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def print_sheet(screen: Screen, lines: Iterable[Line]) -> None:
    """Print labels and texts, wrapped where a person reads them, and each on one line for a pipe."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) if screen.is_terminal else None
    for label, text in lines:
        for line in _lay_out(label, screen.clean(text), width):
            screen.say(line)


# ── a title ───────────────────────────────────────────────────────────────────────────────────────


def _tell_title(known: Particulars) -> Iterator[Line]:
    title = known.title
    yield "", name_title(title)
    yield "", " · ".join(filter(None, _tell_kind(title)))
    if known.synopsis and (about := known.synopsis.text or known.synopsis.short):
        yield "", ""
        yield "", about
    yield "", ""
    for label, text in _tell_facts(known):
        if text:
            yield label, text


def _tell_kind(title: CatalogTitle) -> Iterator[str | None]:
    parts = title.ref.rstrip("/").split("/")
    yield _KINDS.get(parts[-2]) if len(parts) > 1 else None
    yield say_length(title.runtime) if title.runtime else None
    yield title.certificate
    yield ", ".join(title.genres)


def _tell_facts(known: Particulars) -> Iterator[Line]:
    title = known.title
    yield "Episode", title.episode_name if title.episode_name != title.name else ""
    yield "Ratings", _say_ratings(known)
    yield "You", _say_state(known)
    yield "Directors", _list(person.name for person in known.directors)
    yield "Cast", _list(person.name for person in known.cast)
    yield "Awards", _list(map(_say_award, known.awards), "; ")
    yield "Formats", _list(map(_say_format, known.formats), "; ")
    yield "Languages", _say_languages(known.languages)
    yield "Picture", _say_picture(known)
    yield from _each("Seasons", map(_say_part, known.seasons))
    yield from _each("Episodes", map(_say_part, known.episodes))
    yield from _each("Discs", map(_say_part, known.discs))
    yield from _each("Bonus", map(_say_part, known.bonus))
    yield from _each("Previews", (f"{each.title}  {each.href}".strip() for each in known.previews))
    yield "Similar", _list(map(name_title, known.similars), "; ")
    yield "Page", title.page or ""
    yield "Official", title.official_page or ""
    yield "Id", id_of(title.ref)


def _say_ratings(known: Particulars) -> str:
    title, rating = known.title, known.rating
    predicted = title.predicted_rating or (rating.predicted_rating if rating else None)
    given = rating.rating if rating else None
    said = {
        "average": title.average_rating,
        "for you": predicted,
        "yours": given,
    }
    return ", ".join(f"{what} {say_rating(value)}" for what, value in said.items() if value)


def _say_state(known: Particulars) -> str:
    state = known.state
    if state is None:
        return ""
    queued = "in your queue already" if state.queued else "not in your queue"
    return f"{queued}; can be played" if state.playable else queued


def _say_award(award: Award) -> str:
    name = award.name.title() if award.name.islower() else award.name
    said = " ".join(filter(None, (name, str(award.year or ""))))
    detail = ": ".join(filter(None, (award.category, award.person)))
    return f"{said}, {detail}{'' if award.won else ' (nominated)'}" if detail else said


def _say_format(form: FormatAvailability) -> str:
    begins = f" from {_say_day(form.available_from)}" if form.available_from else ""
    ends = f" until {_say_day(form.available_until)}" if form.available_until else ""
    return f"{form.form}{begins}{ends}".strip()


def _say_day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _say_languages(languages: Sequence[Language]) -> str:
    """Each language once, with all its sounds: forms of a title mostly have the same."""
    heard: dict[str, dict[str, None]] = {}
    for language in languages:
        if not language.subtitles:
            heard.setdefault(language.name, {}).update(dict.fromkeys(language.sounds))
    spoken = _list(f"{name} ({', '.join(sounds)})" if sounds else name for name, sounds in heard.items())
    read = _list(dict.fromkeys(language.name for language in languages if language.subtitles))
    return "; ".join(filter(None, (spoken, f"subtitles: {read}" if read else "")))


def _say_picture(known: Particulars) -> str:
    forms: dict[str, list[str]] = {}
    for each in known.screen_formats:
        forms.setdefault(each.shape, []).extend([each.form] if each.form else [])
    return _list((f"{shape} ({', '.join(of)})" if of else shape for shape, of in forms.items()), "; ")


def _say_part(title: CatalogTitle) -> str:
    """A season, an episode or a disc, with what to type for it."""
    return f"{title.episode_name or title.name or title.short_name}  {id_of(title.ref)}"


def _each(label: str, texts: Iterable[str]) -> Iterator[Line]:
    """A line for each, with the label before the first."""
    for number, text in enumerate(texts):
        yield " " if number else label, text


def _say_missing(access: Access, known: Particulars) -> None:
    """Say which parts could not be had; those that failed alike together."""
    parts: dict[str, list[str]] = {}
    for part, why in known.missing.items():
        parts.setdefault(why, []).append(part)
    for why, of in parts.items():
        access.note(f"not to be had now: {', '.join(of)} ({why})")


# ── a person ──────────────────────────────────────────────────────────────────────────────────────


def _tell_person(person: Person) -> Iterator[Line]:
    yield "", person.name
    if person.biography:
        yield "", ""
        yield "", person.biography
    yield "", ""
    if person.page:
        yield "Page", person.page
    yield "Id", id_of_person(person.ref)


# ── laying out ────────────────────────────────────────────────────────────────────────────────────


def _list(texts: Iterable[str], between: str = ", ") -> str:
    return between.join(filter(None, texts))


def _lay_out(label: str, text: str, width: int | None) -> Iterator[str]:
    room = " " * _LABEL if label else ""
    # An address is not broken: what is cut in two cannot be opened.
    lines = wrap(text, max(width - len(room), 20)) if width and "://" not in text else [text]
    for number, line in enumerate(lines):
        yield (f"{label:<{_LABEL}}{line}" if label and not number else f"{room}{line}").rstrip()
