"""What the API's documents say, read liberally: in either dialect, in XML or JSON → typed values.

What a reply leaves out is left out; a document of another kind than was asked for is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from feedwatch.netflix.refs import is_person_ref, is_title_ref
from feedwatch.netflix.replies import CatalogTitle, Link, Listing, Person
from feedwatch.netflix.tree import Node
from feedwatch.parse.facts import clean_title, read_count, read_number

T = TypeVar("T")

_TITLE_RELATIONS = {"id", "title"}
_RELATIONS = {"programs": "episodes"}
_BREAK = re.compile(r"<\s*(?:/\s*)?(?:p|br|div|li)\b[^<>]*>", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<hours>\d{1,4}):(?P<minutes>\d\d):(?P<seconds>\d\d)")
_YEAR = re.compile(r"\d{4}")
_SECONDS = re.compile(r"-?\d{1,11}")


# ── what all documents are made of ────────────────────────────────────────────────────────────────


def read_listing(
    root: Node, names: Iterable[str], items: Iterable[str], read: Callable[[Node], T | None]
) -> Listing[T] | None:
    """Read one page of a list: the elements `items` below a root of one of these `names`."""
    if root.name not in set(names):
        return None
    entries = [read(each) for each in root.each(*items)]
    found = tuple(each for each in entries if each is not None)
    return Listing(
        found,
        total=read_count(root.say("number_of_results")),
        start_index=read_count(root.say("start_index")) or 0,
        etag=root.say("etag") or None,
        unread=len(entries) - len(found),
    )


def read_links(node: Node) -> tuple[Link, ...]:
    """The links that stand directly in an element."""
    found = (
        Link(_relation_of(each.say("rel")), each.say("href"), clean_title(each.say("title")))
        for each in node.each("link")
    )
    return tuple(link for link in found if link.href)


def read_label(category: Node) -> str:
    """What a category says."""
    return clean_title(category.say("label") or category.say("term") or category.text)


def scheme_of(category: Node) -> str:
    """Which kind of category it is: the last part of its scheme."""
    return category.say("scheme").rstrip("/").rpartition("/")[2].lower()


def read_text(text: str) -> str:
    """Text with or without markup, as plain text on one line."""
    return clean_title(_BREAK.sub(" ", text), is_html=True)


def read_instant(text: str) -> datetime | None:
    """An instant given in seconds since 1970, or as RFC 3339 has it."""
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
        if text.isdecimal():  # ISO 8601 has dates of digits alone; here it would be a number of no sense
            return None
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def read_year(text: str) -> int | None:
    """A year, at the start of whatever it stands in."""
    match = _YEAR.match(text)
    return int(match[0]) if match else None


def _relation_of(rel: str) -> str:
    last = re.split(r"[/.]", rel.strip().rstrip("/"))[-1].lower()
    return _RELATIONS.get(last, last)


def read_labels(node: Node, scheme: Callable[[str], bool]) -> list[str]:
    """What the categories directly in an element say whose scheme is wanted."""
    found = (read_label(each) for each in node.each("category") if scheme(scheme_of(each)))
    return [label for label in found if label]


def read_length(text: str) -> timedelta | None:
    """A length in seconds, or in hours, minutes and seconds (`00:01:23`)."""
    if match := _CLOCK.fullmatch(text):
        return timedelta(
            hours=int(match["hours"]), minutes=int(match["minutes"]), seconds=int(match["seconds"])
        )
    seconds = read_count(text)
    return timedelta(seconds=seconds) if seconds is not None else None


# ── titles and people ─────────────────────────────────────────────────────────────────────────────


def read_title(node: Node) -> CatalogTitle | None:
    """Read a title, as itself or as what an entry of a list is about; None where nothing names it."""
    links = read_links(node)
    ref = _find_title_ref(node, links)
    if ref is None:
        return None
    title = node.find("title") or Node("title")
    return CatalogTitle(
        ref,
        name=_find_name(title, links, ref),
        short_name=clean_title(title.say("short")),
        sort_name=clean_title(title.say("sortable")),
        episode_name=clean_title(title.say("episode_short") or title.say("episode_regular")),
        year=read_year(node.say("release_year")),
        certificate=next(iter(read_labels(node, lambda scheme: scheme.endswith("_ratings"))), None),
        average_rating=read_number(node.say("average_rating")),
        predicted_rating=read_number(node.say("predicted_rating")),
        runtime=read_length(node.say("runtime")),
        genres=tuple(read_labels(node, lambda scheme: scheme == "genres")),
        box_art=_read_box_art(node),
        page=_find_page(links, "alternate"),
        official_page=_find_page(links, "official_url"),
        links=links,
        etag=node.say("etag") or None,
    )


def read_linked_title(node: Node) -> CatalogTitle | None:
    """Read a title that is only linked to: where it is, and what it is called."""
    href = node.say("href")
    return CatalogTitle(href, clean_title(node.say("title"))) if is_title_ref(href) else None


def read_title_or_link(node: Node) -> CatalogTitle | None:
    """Read a title in a list of either titles or links to titles."""
    return read_linked_title(node) if node.name == "link" else read_title(node)


def read_suggestion(node: Node) -> str | None:
    """Read a title's name that the beginning of one was completed to."""
    title = node.find("title") or node
    return clean_title(title.say("short") or title.say("regular") or title.text) or None


def read_person(node: Node) -> Person | None:
    """Read a person, described or only linked to."""
    if node.name == "link":
        href = node.say("href")
        return Person(href, clean_title(node.say("title"))) if is_person_ref(href) else None
    ref = node.say("id")
    if not is_person_ref(ref):
        return None
    links = read_links(node)
    name = clean_title(node.say("name"))
    return Person(ref, name, read_text(node.say("bio")), _find_page(links, "alternate"), links)


def _find_title_ref(node: Node, links: Iterable[Link]) -> str | None:
    """Where a title is in the catalog: what its own id says, or the link of whatever is about it."""
    id_ = node.say("id")
    if is_title_ref(id_):
        return id_
    named = (link.href for link in links if link.relation in _TITLE_RELATIONS and is_title_ref(link.href))
    return next(named, None) or next((link.href for link in links if is_title_ref(link.href)), None)


def _find_name(title: Node, links: Iterable[Link], ref: str) -> str:
    """A title's name; in the later dialect the title link bears it too."""
    said = title.say("regular") or title.say("short") or title.say("title_short") or title.text
    linked = (link.title for link in links if link.href == ref and link.title.lower() != "title")
    return clean_title(said) or next(linked, "")


def _read_box_art(node: Node) -> dict[str, str]:
    art = node.find("box_art") or Node("box_art")
    sizes: Mapping[str, str] = art.attributes or {each.name: each.text for each in art.children}
    return {size: address.strip() for size, address in sizes.items() if address.strip()}


def _find_page(links: Iterable[Link], relation: str) -> str | None:
    return next((link.href for link in links if link.relation == relation), None)
