"""Titles and people as documents: what lists and details of the catalog have in common."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from feedwatch.sandbox.catalog import part_of
from feedwatch.sandbox.documents import BOX_ART_SIZES, box_art
from feedwatch.sandbox.particulars import (
    average_rating,
    certificate,
    genres_of,
    has_bonus_disc,
    has_previews,
    list_awards,
    official_page,
    runtime,
)
from feedwatch.sandbox.people import Person
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import Node, make_node, make_text
from feedwatch.sandbox.world import World

SCHEMAS = "http://schemas.netflix.com"
_ARTICLE = re.compile(r"(The|An|A) (.+)")
Expansion = Callable[[str], Node | None]
"""Gives the document of a part of a title that a link is to carry within, if there is one."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How replies are worded: the host that they name, and whether it is the API of the later years."""

    host: str
    later: bool
    base: str

    @classmethod
    def of(cls, world: World, base: str) -> Dialect:
        """What a world's switches say; pictures are at the server's own address, `base`."""
        return cls(f"http://{world.switches.id_host}", world.switches.later_dialect, base)


# ── titles ────────────────────────────────────────────────────────────────────────────────────────


def write_title(
    title: Title, dialect: Dialect, *, etag: bool = False, expand: Expansion | None = None
) -> Node:
    """A title as `catalog_title`."""
    return make_node("catalog_title", *title_members(title, dialect, etag=etag, expand=expand))


def title_members(
    title: Title, dialect: Dialect, *, etag: bool = False, expand: Expansion | None = None
) -> Iterable[Node]:
    """What a title has, wherever it stands."""
    yield make_text("id", dialect.host + title.path)
    yield name_title(title, dialect)
    if etag:
        yield make_text("etag", 500_000_000_000 + zlib.crc32(title.name.encode()))
    art = {size: box_art(dialect.base, title, size) for size in BOX_ART_SIZES}
    yield make_node("box_art", **art)
    yield make_text("release_year", title.year)
    yield from _categories(title, dialect)
    yield make_text("runtime", runtime(title))
    yield make_text("average_rating", average_rating(title))
    for part, relation, called in list_parts(title, dialect):
        inside = expand(part) if expand is not None else None
        address = f"{dialect.host}{title.path}/{part}"
        yield make_link(address, f"{SCHEMAS}/{relation}", called, *((inside,) if inside is not None else ()))
    yield from _relatives(title, dialect)
    yield from _pages(title, dialect)


def name_title(title: Title, dialect: Dialect) -> Node:
    """The names of a title: short, whole, and as it is sorted; of an episode also without its series."""
    own = title.name.split(": ", 2)[-1] if title.kind == "programs" else title.name
    if dialect.later:
        episode = {"episode_short": own} if title.kind == "programs" else {}
        return make_node("title", short=title.name, regular=title.name, **episode)
    article = _ARTICLE.fullmatch(title.name)
    sortable = f"{article[2]}, {article[1]}" if article else title.name
    return make_node("title", short=own, regular=title.name, sortable=sortable)


def make_category(dialect: Dialect, scheme: str, label: str, *children: Node) -> Node:
    """A category; the API's later replies give its term as well as its label."""
    term = {"term": label} if dialect.later else {}
    return make_node("category", *children, scheme=f"{dialect.host}/{scheme}", label=label, **term)


def make_link(href: str, rel: str, title: str, *inside: Node) -> Node:
    """A link, with what it leads to within, if that is to be shown."""
    return make_node("link", *inside, href=href, rel=rel, title=title)


def link_title(title: Title, dialect: Dialect) -> Node:
    """A title as no more than a link."""
    return make_link(dialect.host + title.path, f"{SCHEMAS}/catalog/title", title.name)


def list_parts(title: Title, dialect: Dialect) -> Iterable[tuple[str, str, str]]:
    """The documents that a title has of its own: place, relation, and what the link is called."""
    yield "synopsis", "catalog/titles/synopsis", "synopsis"
    yield "short_synopsis", "catalog/titles/short_synopsis", "short synopsis"
    yield "cast", "catalog/people.cast", "cast"
    yield "directors", "catalog/people.directors", "directors"
    if list_awards(title):
        yield "awards", "catalog/titles/awards", "awards"
    yield "format_availability", "catalog/titles/format_availability", "formats"
    yield "screen_formats", "catalog/titles/screen_formats", "screen formats"
    yield "languages_and_audio", "catalog/titles/languages_and_audio", "languages and audio"
    if has_bonus_disc(title):
        yield "bonus_materials", "catalog/titles/bonus_materials", "bonus materials"
    if title.kind == "series":
        yield "seasons", "catalog/titles.seasons", "seasons"
    if title.kind == "seasons":
        yield "episodes", "catalog/titles.programs" if dialect.later else "catalog/programs", "episodes"
        yield "discs", "catalog/titles.discs", "discs"
    if has_previews(title):
        yield "previews", "catalog/titles/previews", "previews"
    yield "similars", "catalog/titles.similars", "similars"


def _categories(title: Title, dialect: Dialect) -> Iterable[Node]:
    scheme, label = certificate(title)
    earlier = scheme == "mpaa_ratings" and not dialect.later
    yield make_category(dialect, f"{'catalog/titles' if earlier else 'categories'}/{scheme}", label)
    for genre in genres_of(title):
        yield make_category(dialect, "categories/genres", genre)


def _relatives(title: Title, dialect: Dialect) -> Iterable[Node]:
    """The series of a season; the series and season of an episode or a disc."""
    part = part_of(title)
    if part is None or part.season is None:
        return
    above = [("catalog/titles.series", "series", part.show.title)]
    if title.kind != "seasons":
        above.append(("catalog/titles.season", "season", part.season.title))
    for relation, word, each in above:
        called = each.name if dialect.later else word
        yield make_link(dialect.host + each.path, f"{SCHEMAS}/{relation}", called)


def _pages(title: Title, dialect: Dialect) -> Iterable[Node]:
    page = official_page(title)
    if page is not None:
        yield make_link(page, f"{SCHEMAS}/catalog/titles/official_url", "official webpage")
    yield make_link(web_page(title), "alternate", "web page" if dialect.later else "webpage")


def web_page(title: Title) -> str:
    """Where people read about a title."""
    return f"http://www.netflix.com/Movie/{slug(title.name)}/{title.id}"


def slug(name: str) -> str:
    """A name as it stands in an address."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def write_person(person: Person, dialect: Dialect, filmography: Node | None = None) -> Node:
    """A person, with what they were in within the link to it, if that is to be shown."""
    relation = (
        "catalog/titles.filmography" if dialect.later else "catlog/person/filmography"
    )  # the API's word
    inside = (filmography,) if filmography is not None else ()
    links = (
        make_link(
            f"{dialect.host}{person.path}/filmography", f"{SCHEMAS}/{relation}", "filmography", *inside
        ),
        make_link(
            f"http://www.netflix.com/RoleDisplay/{slug(person.name)}/{person.id}",
            "alternate",
            "web page" if dialect.later else "webpage",
        ),
    )
    biography = (make_text("bio", person.biography, raw=True),) if person.biography else ()
    return make_node(
        "person",
        make_text("id", dialect.host + person.path),
        make_text("name", person.name),
        *biography,
        *links,
    )


def link_person(person: Person, dialect: Dialect) -> Node:
    """A person as no more than a link."""
    return make_link(dialect.host + person.path, f"{SCHEMAS}/catalog/person", person.name)


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────


def write_page(root: str, items: Sequence[Node], total: int, start: int) -> Node:
    """A page of a list: how many there are, where it starts, how many it has, and they."""
    return make_node(
        root,
        make_text("number_of_results", total),
        make_text("start_index", start),
        make_text("results_per_page", len(items)),
        *items,
    )


def write_completions(names: Collection[str]) -> Node:
    """Names that begin as was asked."""
    items = (make_node("autocomplete_item", make_node("title", short=name)) for name in names)
    return make_node("autocomplete", *items)
