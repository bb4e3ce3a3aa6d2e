"""The documents that a title's links lead to: what it is about, who made it, how it can be had.

The reference shows the links alone. What stands behind them is read as recorded replies had it, liberally.
"""

from __future__ import annotations

from collections.abc import Iterator

from feedwatch.netflix.documents import (
    read_instant,
    read_label,
    read_person,
    read_text,
    read_title_or_link,
    read_year,
    scheme_of,
)
from feedwatch.netflix.replies import (
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

_SUBTITLES = ("subtitle", "subtitles", "timed_text")


def read_synopsis(root: Node) -> Synopsis | None:
    """Read what a title is about."""
    if root.name not in {"synopsis", "short_synopsis"}:
        return None
    short = root.say("short_synopsis") or root.say("short")
    return Synopsis(read_text(root.say("regular") or root.text), read_text(short))


def read_people(root: Node) -> tuple[Person, ...] | None:
    """Read the cast or the directors, described or only linked to."""
    if root.name not in {"cast", "directors", "people"}:
        return None
    nodes = list(root.every("person")) or list(root.every("link"))
    found = (read_person(node) for node in nodes)
    return tuple(person for person in found if person is not None)


def read_awards(root: Node) -> tuple[Award, ...] | None:
    """Read the awards that a title, or somebody in it, got or was nominated for."""
    if root.name != "awards":
        return None
    return tuple(_read_award(node) for node in root.each("award_winner", "award_nominee"))


def _read_award(node: Node) -> Award:
    category = next(node.every("category"), Node("category"))
    people = (read_person(link) for link in node.every("link"))
    return Award(
        name=scheme_of(category).removeprefix("awards_").replace("_", " "),
        category=read_label(category),
        year=read_year(node.say("year")),
        won=node.name == "award_winner",
        person=next((person.name for person in people if person is not None), None),
    )


def read_format_availability(root: Node) -> tuple[FormatAvailability, ...] | None:
    """Read in which forms a title can be had, and when."""
    if root.name not in {"delivery_formats", "format_availability"}:
        return None
    return tuple(_read_availability(node) for node in root.every("availability"))


def _read_availability(node: Node) -> FormatAvailability:
    form = next(_labels_of(node, "title_formats", "format"), "")
    begins, ends = read_instant(node.say("available_from")), read_instant(node.say("available_until"))
    return FormatAvailability(form, begins, ends)


def read_screen_formats(root: Node) -> tuple[ScreenFormat, ...] | None:
    """Read the shapes of the picture."""
    if root.name != "screen_formats":
        return None
    return tuple(
        ScreenFormat(shape, next(_labels_of(node, "title_formats", "format"), ""))
        for node in root.each("screen_format")
        for shape in _labels_of(node, "screen_formats")
    )


def read_languages(root: Node) -> tuple[Language, ...] | None:
    """Read the languages: each with its sounds, whether they stand within it or beside it."""
    if root.name != "languages_and_audio":
        return None
    forms = root.each("languages_audio_format", "language_audio_format")
    return tuple(language for node in forms for language in _read_spoken(node))


def _read_spoken(node: Node) -> Iterator[Language]:
    form = next(_labels_of(node, "title_formats", "format"), "")
    for around, category in _each_category(node, "languages", "language"):
        # A language's sounds stand within it, or beside it where it has an element of its own.
        alone = around is not node and around.name != "category"
        sounds = _labels_of(around if alone else category, "audio", "sound", "sounds")
        yield Language(read_label(category), tuple(sounds), form=form)
    for _, category in _each_category(node, *_SUBTITLES):
        yield Language(read_label(category), subtitles=True, form=form)


def _each_category(node: Node, *schemes: str) -> Iterator[tuple[Node, Node]]:
    """Each category of these schemes, with what it stands in."""
    for child in node.children:
        if child.name == "category" and scheme_of(child) in schemes:
            yield node, child
        yield from _each_category(child, *schemes)


def _labels_of(node: Node, *schemes: str) -> Iterator[str]:
    return (read_label(each) for each in node.every("category") if scheme_of(each) in schemes)


def read_titles(root: Node) -> Listing[CatalogTitle] | None:
    """Read titles that belong to another: seasons, episodes, discs, what comes with it."""
    if root.name not in _LISTS_OF_TITLES:
        return None
    nodes = list(root.every("catalog_title", "filmography_item")) or list(root.every("link"))
    found = (read_title_or_link(node) for node in nodes)
    return Listing(tuple(title for title in found if title is not None))


def read_previews(root: Node) -> tuple[Link, ...] | None:
    """Read the previews: what each is called, and where it is to be seen."""
    if root.name != "previews":
        return None
    found = (Link("preview", each.say("href"), read_text(each.say("title"))) for each in root.every("link"))
    return tuple(link for link in found if link.href)


_LISTS_OF_TITLES = {
    "catalog_titles",
    "filmography",
    "seasons",
    "episodes",
    "programs",
    "discs",
    "bonus_materials",
}
