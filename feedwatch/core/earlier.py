"""What a window on a history does not show: when to ask for it, and what of the answer counts. Pure.

A window shows the newest viewings. Where more were made since the last poll than it shows, nothing of what it
showed then is left in it, and what lies between is known to nobody but the history as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from feedwatch.core.diff import Difference
from feedwatch.core.model import Entry, Snapshot


@dataclass(frozen=True, slots=True)
class Gap:
    """The time between the newest viewing that was known and the oldest that a window shows now."""

    since_at: datetime
    until_at: datetime


def find_gap(known: Iterable[Entry], window: Snapshot) -> Gap | None:
    """Tell whether a window was outrun: None where it still shows one that was known, or an older one."""
    before = list(known)
    newest, oldest = _dates_of(before), _dates_of(window.entries)
    if not newest or not oldest or {each.key for each in before} & {each.key for each in window.entries}:
        return None
    return Gap(max(newest), min(oldest)) if max(newest) < min(oldest) else None


def choose_between(gap: Gap, history: Sequence[Entry], window: Snapshot) -> tuple[Entry, ...]:
    """What of a history fills a gap.

    None of it where it shows nothing that the window shows: then it dates viewings otherwise, and all of them
    would be news a second time.
    """
    shown = {each.key for each in window.entries}
    if not any(each.key in shown for each in history):
        return ()
    return tuple(each for each in history if each.dated_at and gap.since_at <= each.dated_at <= gap.until_at)


def join_earlier(window: Snapshot, earlier: Sequence[Entry]) -> Snapshot:
    """A window, and what stands beyond its end."""
    return replace(window, entries=(*window.entries, *beyond(window, earlier)))


def beyond(window: Snapshot, earlier: Sequence[Entry]) -> tuple[Entry, ...]:
    """What a window does not show."""
    shown = {each.key for each in window.entries}
    return tuple(each for each in earlier if each.key not in shown)


def close_window(difference: Difference, window: Snapshot) -> Difference:
    """Keep of a joined list what the window shows; the rest was compared, and has left it at once."""
    shown = {each.key for each in window.entries}
    kept = tuple(each for each in difference.snapshot.entries if each.key in shown)
    left = tuple(each for each in difference.snapshot.entries if each.key not in shown)
    snapshot = replace(difference.snapshot, entries=kept)
    return replace(difference, snapshot=snapshot, departed=(*difference.departed, *left))


def _dates_of(entries: Iterable[Entry]) -> list[datetime]:
    """When each of them was; nothing where one has no date."""
    found = [each.dated_at for each in entries]
    dated = [at for at in found if at is not None]
    return dated if len(dated) == len(found) else []
