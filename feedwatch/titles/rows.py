"""Titles, people and entries of a queue as rows with stable keys, and in a person's words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from feedwatch.core.document import show_instant
from feedwatch.core.model import Change, ChangeKind
from feedwatch.netflix.refs import id_of
from feedwatch.netflix.replies import CatalogTitle, Person, QueueItem
from feedwatch.present import Row

_MOST_TOLD = 10


def id_of_person(ref: str) -> str:
    """What to type for a person."""
    return urlsplit(ref).path.rstrip("/").rpartition("/")[2] or ref


def name_title(title: CatalogTitle) -> str:
    """A title as a person calls it: `Late Spring (1949)`."""
    name = title.name or title.short_name or id_of(title.ref)
    return f"{name} ({title.year})" if title.year else name


def describe_title(title: CatalogTitle) -> Row:
    """A title in a list of them."""
    return {
        "title": title.name,
        "year": title.year,
        "certificate": title.certificate,
        "runtime": int(title.runtime.total_seconds()) if title.runtime else None,
        "genres": list(title.genres),
        "average_rating": title.average_rating,
        "predicted_rating": title.predicted_rating,
        "id": id_of(title.ref),
        "ref": title.ref,
        "link": title.page,
    }


def describe_person(person: Person) -> Row:
    """A person in a list of them."""
    return {
        "name": person.name,
        "id": id_of_person(person.ref),
        "ref": person.ref,
        "link": person.page,
    }


def describe_item(item: QueueItem) -> Row:
    """An entry of a queue."""
    return {
        "position": item.position,
        "title": item.title.name,
        "year": item.title.year,
        "availability": item.availability,
        "saved": item.saved,
        "id": id_of(item.title.ref),
        "ref": item.title.ref,
        "link": item.title.page,
        "updated_at": show_instant(item.updated_at),
    }


def describe_meanwhile(changes: Iterable[Change]) -> list[Row]:
    """What others changed in a queue."""
    return [
        {
            "change": str(change.kind),
            "title": change.entry.title,
            "position": change.position,
            "previous_position": change.previous_position,
        }
        for change in changes
    ]


def say_changes(changes: Iterable[Change]) -> str:
    """What others changed in a queue, in a sentence: `added X at 1, removed Y`."""
    said = [_say_change(change) for change in changes]
    more = len(said) - _MOST_TOLD
    return ", ".join(said[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def _say_change(change: Change) -> str:
    title, place = change.entry.title, change.position
    if change.kind is ChangeKind.REMOVED:
        return f"removed {title}"
    if change.kind is ChangeKind.ADDED:
        return f"added {title} at {place}" if place else f"saved {title}"
    if change.moved and place and change.previous_position is not None:
        return f"moved {title} to {place}"
    return f"{title} can be had now" if place else f"saved {title}"


def say_length(length: timedelta) -> str:
    """How long a title runs: `1 h 48 min`."""
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""))) or "-"


def say_rating(rating: str) -> str:
    """A rating: `4★`, `not interested`."""
    return rating.replace("_", " ") if rating[:1].isalpha() else f"{rating}★"
