"""A queue as it was read: its titles in order, what a change makes of them, and what differs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from feedwatch.core.diff import diff_snapshots
from feedwatch.core.kinds import SAVED, rules_of
from feedwatch.core.model import Change, Entry, Kind, Snapshot
from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.netflix.refs import key_of_title
from feedwatch.netflix.replies import QueueItem

Titles = tuple[QueuedTitle, ...]
_ETAGS_KEPT = 16


def list_titles(items: Iterable[QueueItem]) -> Titles:
    """The titles of a queue's entries, as they are kept."""
    return tuple(QueuedTitle(item.title.ref, item.title.name, item.position) for item in items)


def without_title(titles: Titles, ref: str) -> Titles:
    """A queue from which a title was taken; what stood behind it moves up."""
    return _number(title for title in titles if key_of_title(title.ref) != key_of_title(ref))


def place_title(titles: Titles, title: QueuedTitle, *, saved: bool = False) -> Titles:
    """A queue in which a title was put at its place, or at the end; it was elsewhere before, or nowhere.

    One that is `saved` comes after all that have a place, and has none.
    """
    others = without_title(titles, title.ref)
    if saved:
        return (*others, title._replace(position=None))
    queued = [each for each in others if each.position is not None]
    place = len(queued) if title.position is None else min(title.position - 1, len(queued))
    queued.insert(place, title._replace(position=place + 1))
    return _number([*queued, *(each for each in others if each.position is None)])


def compare_readings(before: QueueReading, after: QueueReading) -> tuple[Change, ...]:
    """What has changed between two readings: what came, went, moved, or was saved and can now be watched."""
    return diff_snapshots(_snapshot(before), _snapshot(after), rules_of(Kind.QUEUE)).changes


def follow_reading(before: QueueReading | None, after: QueueReading) -> QueueReading:
    """A reading with what is known of the etags that came before its own."""
    if before is None:
        return after
    left = [etag for etag in (*before.left, before.etag) if etag is not None and etag != after.etag]
    return replace(after, left=tuple(dict.fromkeys(left))[-_ETAGS_KEPT:])


def _number(titles: Iterable[QueuedTitle]) -> Titles:
    placed = 0
    numbered: list[QueuedTitle] = []
    for title in titles:
        placed += title.position is not None
        numbered.append(title if title.position is None else title._replace(position=placed))
    return tuple(numbered)


def _snapshot(reading: QueueReading) -> Snapshot:
    entries: dict[str, Entry] = {}
    for title in reading.titles:
        key = key_of_title(title.ref)
        facts = {"availability": SAVED} if title.position is None else {}
        entries.setdefault(key, Entry(key, title.name, position=title.position, facts=facts))
    return Snapshot(tuple(entries.values()), whole=True, ordered=True)
