"""Messages to try templates on: every kind of change, alone and together, in every form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import Markup, Story, Style
from feedwatch.core.model import (
    ChangeKind,
    Details,
    FactChange,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    RecordedChange,
    TitleDetails,
)
from feedwatch.core.told import Told

_AT = datetime(2026, 11, 26, 7, tzinfo=UTC)
_DIGEST = Digest(Every.DAILY, UTC, "UTC", time(8))
_STYLES = (
    Style(limit=32_000),
    Style(markup=Markup.HTML, limit=32_000, pictures=1, inline=True, twin=True),
    Style(markup=Markup.MARKDOWN, limit=32_000),
)
_COMPARED = {Kind.QUEUE: "availability", Kind.RATINGS: "rating", Kind.STREAM: "title"}
_DETAILS = Details(
    "https://example.org/pictures/1.png",
    "How it begins.",
    more=TitleDetails("1954", "PG", "3.9", "4.3", "What it is about.", queued=True, playable=True),
)
_FACTS = {
    "year": "1954",
    "availability": "available now",
    "rating": "4",
    "predicted_rating": "4.3",
    "average_rating": "3.9",
    "category": "Drama, Mystery",
    "watched_at": "2026-11-25T20:15:00+00:00",
    "published_at": "2026-11-25T20:15:00+00:00",
}


def list_samples(template: str) -> Iterator[tuple[Told, Style]]:
    """Messages that a set of templates may have to write, at once and as digests."""
    stories = [*_list_stories(), _tell_notice()]
    runs = [*((story,) for story in stories), tuple(stories)]
    batches = (Batch(Manner(template=template)), Batch(Manner(digest=_DIGEST, template=template), _AT))
    for style in _STYLES:
        for batch in batches:
            for run in runs:
                yield Told(run, batch), style


def _list_stories() -> Iterator[Story]:
    number = 0
    for kind in Kind:
        for change in ChangeKind:
            for facts in (_FACTS, {}):
                number += 1
                yield Story((number,), (_record(number, kind, change, facts),))


def _record(number: int, kind: Kind, change: ChangeKind, facts: dict[str, str]) -> RecordedChange:
    """A change as full, or as bare, as they come."""
    is_bare = not facts
    is_gone, is_placed = change is ChangeKind.REMOVED, kind is Kind.QUEUE and not is_bare
    name = _COMPARED.get(kind, "year")
    return RecordedChange(
        id=number,
        at=_AT,
        account="sample",
        feed=kind.value,
        feed_kind=kind,
        kind=change,
        key=str(number),
        title=f"A sample title, the {number}th",
        link=None if is_bare else f"https://example.org/titles/{number}",
        position=2 if is_placed and not is_gone else None,
        previous_position=9 if is_placed and change is not ChangeKind.ADDED else None,
        facts={name: FactChange(None, facts.get(name))} if change is ChangeKind.UPDATED else {},
        entry_facts=facts,
        details=Details() if is_bare else _DETAILS,
    )


def _tell_notice() -> Story:
    lines = (NoticeLine("sample/queue", 220),)
    return Story((10_000,), notice=Notice(NoticeKind.WATCHING, _AT, "sample", lines))
