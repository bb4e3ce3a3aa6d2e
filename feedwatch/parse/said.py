"""What a reader of foreign documents says of one → a page.

There are two, feedparser and our own for RSS, and what they say goes the same way from here on: so an entry
is the same whoever read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

from feedwatch.core.model import Details, Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.details import Seen
from feedwatch.parse.facts import (
    clean_reference,
    clean_title,
    make_excerpt,
    read_count,
    read_period,
    read_rating,
)
from feedwatch.parse.guard import MOST_ENTRIES, TOO_MANY_ENTRIES
from feedwatch.parse.links import resolve_link

Said = Mapping[str, object]
"""Values under names of ours. From another process come plain ones: no `details`, and no `texts` but their
digest (`content`)."""

FACT_NAMES = {
    "watched": ("watcheddate", "watched_date", "user_read_at"),
    "rating": ("memberrating", "user_rating"),
    "year": ("filmyear", "release_year", "book_published"),
    "name": ("filmtitle",),
}
"""Elements of diaries and bookshelves, in whatever namespace, under our own names."""
_ENDS = {fact: tuple(f"_{name}" for name in names) for fact, names in FACT_NAMES.items()}

_LONGEST_FACT = 200


def pick_facts(texts: Mapping[str, object]) -> dict[str, object]:
    """Pick the facts of an entry from its texts: of each fact the first that stands there."""
    return {fact: _pick_fact(texts, fact) for fact in FACT_NAMES}


def _pick_fact(texts: Mapping[str, object], fact: str) -> str | None:
    for name, text in texts.items():
        is_named_so = name in FACT_NAMES[fact] or name.endswith(_ENDS[fact])
        if is_named_so and isinstance(text, str) and len(text) <= _LONGEST_FACT:
            return text
    return None


def begin_of(texts: Sequence[str], title: object) -> str | None:
    """What stands for the title of a post that has none: the start of what it says."""
    return make_excerpt(texts[-1]) if texts and not title else None


def make_page(found: Said, base: str) -> Page | ParseFailed:
    """Make a page of what a reader answered, or say why it is none."""
    if problem := _text(found, "problem"):
        return ParseFailed(Reason.MALFORMED, f"the parser gave up ({problem})")
    # feedparser gives an HTML page or an error document no version and no complaint.
    if not found["version"]:
        return ParseFailed(Reason.NOT_A_FEED, "no feed that is known")
    entries = cast("list[Said]", found["entries"])
    if len(entries) > MOST_ENTRIES:
        return TOO_MANY_ENTRIES
    minutes = read_count(_text(found, "ttl"))
    return Page(
        form=Form.ATOM if str(found["version"]).startswith("atom") else Form.RSS,
        entries=tuple([make_entry(entry, base) for entry in entries]),
        complete=bool(found["complete"]),
        ttl=timedelta(minutes=minutes)
        if minutes
        else read_period(_text(found, "period"), _text(found, "frequency")),
    )


def add_seen(page: Page, seen: Sequence[Seen]) -> Page:
    """Give each entry what was seen of it in the document.

    Where feedparser counts other entries than we did, nobody knows what belongs to which.
    """
    if not seen or len(seen) != len(page.entries):
        return page
    return replace(page, entries=tuple(map(_with_seen, page.entries, seen)))


def _with_seen(entry: RawEntry, seen: Seen) -> RawEntry:
    details, categories = seen
    facts = {**entry.facts, "category": categories} if categories else entry.facts
    return replace(entry, facts=facts, details=details)


def make_entry(said: Said, base: str) -> RawEntry:
    """Make an entry of what is said of it."""
    details, texts = said.get("details"), said.get("texts")
    title = clean_title(_text(said, "title"), is_html=bool(said["title_is_html"]))
    return RawEntry(
        id=clean_reference(_text(said, "id")),
        title=clean_title(_text(said, "name")) or title or clean_title(_text(said, "excerpt")),
        link=resolve_link(base, clean_reference(_text(said, "link"))),
        watched_at=parse_instant(_text(said, "watched")),
        published_at=parse_instant(_text(said, "published")),
        updated_at=parse_instant(_text(said, "updated")),
        facts=_read_facts(said),
        details=details if isinstance(details, Details) else Details(),
        texts=texts if isinstance(texts, tuple) else (),
    )


def _read_facts(said: Said) -> dict[str, str]:
    facts: dict[str, str] = {}
    rating = read_rating(_text(said, "rating"))
    if rating and rating != "0":  # a bookshelf's way of saying: not rated
        facts["rating"] = rating
    year = read_count(_text(said, "year"))
    if year:
        facts["year"] = str(year)
    if content := _text(said, "content"):
        facts["content"] = content
    if categories := _text(said, "category"):
        facts["category"] = categories
    return facts


def _text(found: Said, name: str) -> str | None:
    value = found.get(name)
    if value is None or not isinstance(value, str):
        return None
    return value.strip() or None
