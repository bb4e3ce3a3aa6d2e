"""Invented lists, and what changed on them, for the tests of templates and pages and for pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import Markup, OwedDelivery, Story, Style
from feedwatch.core.model import ChangeKind, Details, FactChange, Kind, RecordedChange
from feedwatch.core.stories import tell_stories
from feedwatch.sandbox.films import list_films

AT = datetime(2026, 11, 26, 7, tzinfo=UTC)
DAILY = Digest(Every.DAILY, UTC, "UTC", time(8))
DIGEST = Batch(Manner(digest=DAILY), AT + timedelta(hours=1))
MAIL = Style(markup=Markup.HTML, limit=96_000, pictures=40, inline=True, twin=True)
TEXT = Style(limit=4000)
CHAT = Style(
    limit=2000, title_limit=250, mentions="@ < ](", escape="\\*_~`|[]<>#", title_escape="\\*_~`|[]<>#"
)
MARKDOWN = replace(CHAT, markup=Markup.MARKDOWN)
GENRES = ("Drama", "Comedy, Romance", "Thriller, Mystery", "Science Fiction", "Documentary")


def invent_change(
    number: int = 1,
    kind: Kind = Kind.QUEUE,
    change: ChangeKind = ChangeKind.ADDED,
    *,
    account: str = "jane",
    feed: str = "",
    title: str = "Harbour Lights",
    year: str | None = "1961",
    picture: str | None = None,
    text: str = "",
    was: str | None = None,
    now: str | None = None,
    **facts: str,
) -> RecordedChange:
    """One change; `was` and `now` are of the fact that is compared there."""
    name = {Kind.QUEUE: "availability", Kind.RATINGS: "rating"}.get(kind, "title")
    is_placed = kind is Kind.QUEUE
    return RecordedChange(
        id=number,
        at=AT - timedelta(minutes=number),
        account=account,
        feed=feed or kind.value,
        feed_kind=kind,
        kind=change,
        key=_key(number, kind, facts.get("watched_at")),
        title=title,
        link=f"https://films.example/title/{number}",
        position=number % 20 + 1 if is_placed and change is not ChangeKind.REMOVED else None,
        previous_position=number % 20 + 9 if is_placed and change is ChangeKind.MOVED else None,
        facts={name: FactChange(was, now)} if was or now else {},
        entry_facts=({"year": year} if year else {}) | facts,
        details=Details(picture, text),
    )


def _key(number: int, kind: Kind, watched_at: str | None) -> str:
    viewed = f"@{watched_at}" if kind is Kind.HISTORY and watched_at else ""
    return f"{70_000_000 + number}{viewed}"


def tell(*changes: RecordedChange) -> tuple[Story, ...]:
    """The stories of changes."""
    return tuple(tell_stories([OwedDelivery(change.id, "mail/1", change) for change in changes]))


def invent_day(count: int, *, pictured: bool = True) -> tuple[Story, ...]:
    """What changed on somebody's lists in a day: so many titles, three in four with a picture.

    The second was watched, rated and taken off the queue.
    """
    names = invent_titles(count)
    makers = (_queue, _watch, _rate, _recommend, _queue, _wait, _post, _move)
    changes = [makers[index % len(makers)](index + 1, name, year) for index, (name, year) in enumerate(names)]
    if count > 1:
        changes += _watch_whole(changes[1], count)
    if pictured:
        changes = [
            replace(each, details=replace(each.details, picture=f"https://films.example/box/{each.id}.png"))
            if each.id % 4 and each.id <= count
            else each
            for each in changes
        ]
    return tell(*changes)


def invent_titles(count: int) -> Sequence[tuple[str, str]]:
    """Titles that nobody has filmed, with years."""
    return [(title, str(year)) for title, year in list_films(200 + 13 * count)[200::13]]


def _watch_whole(watched: RecordedChange, count: int) -> list[RecordedChange]:
    """What else becomes of a title that was watched: it is rated, and leaves the queue."""
    rated = invent_change(count + 1, Kind.RATINGS, year=watched.entry_facts["year"], rating="5")
    gone = invent_change(count + 2, change=ChangeKind.REMOVED)
    key = watched.key.partition("@")[0]
    return [replace(each, key=key, title=watched.title, link=watched.link) for each in (rated, gone)]


def _queue(number: int, title: str, year: str) -> RecordedChange:
    genre = GENRES[number % len(GENRES)]
    return invent_change(number, title=title, year=year, category=genre, availability="available now")


def _watch(number: int, title: str, year: str) -> RecordedChange:
    watched = f"2026-11-2{number % 6}T20:30:00+00:00"
    return invent_change(number, Kind.HISTORY, title=title, year=year, watched_at=watched)


def _rate(number: int, title: str, year: str) -> RecordedChange:
    return invent_change(number, Kind.RATINGS, title=title, year=year, rating=str(number % 5 + 1))


def _recommend(number: int, title: str, year: str) -> RecordedChange:
    genre = GENRES[number % len(GENRES)]
    return invent_change(
        number, Kind.RECOMMENDATIONS, title=title, year=year, predicted_rating="4.3", category=genre
    )


def _wait(number: int, title: str, year: str) -> RecordedChange:
    return invent_change(
        number, change=ChangeKind.UPDATED, title=title, year=year, was="long wait", now="available now"
    )


def _move(number: int, title: str, year: str) -> RecordedChange:
    change = invent_change(number, change=ChangeKind.MOVED, title=title, year=year)
    return replace(change, previous_position=12, position=1)


def _post(number: int, title: str, year: str) -> RecordedChange:
    return invent_change(
        number,
        Kind.STREAM,
        account="news",
        feed="festival",
        title=f"{title} opens the festival",
        year=None,
        text="The jury announced its programme this morning: forty films from thirty countries, and a quiet"
        " favourite that nobody had on a list until now.",
    )
