"""Changes of a subscriber's queue, with its etag kept from one to the next.

A server takes a change only from whoever knows the queue as it is: it wants the etag of the last reading.
When the queue has changed since (412), it is read again, it is said what has changed, and the change is tried
again. What may have happened is looked for before it is repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.core.model import Change, Reason
from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.core.statuses import Action, Resource, Service, judge_status
from feedwatch.netflix.api import Api
from feedwatch.netflix.limits import check_position, check_title_ref
from feedwatch.netflix.queues import delete_entry, post_title, read_queue
from feedwatch.netflix.readings import (
    compare_readings,
    follow_reading,
    list_titles,
    place_title,
    without_title,
)
from feedwatch.netflix.refs import key_of_title
from feedwatch.netflix.replies import ApiFailed, Listing, QueueChange, QueueItem

_MOST_TRIES = 8
_MOST_STALE = 3
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_GONE = 404
_MODIFIED = 412
_NOT_THERE = 610


@dataclass(frozen=True, slots=True)
class QueueShown:
    """A queue as it is, and what has changed since it was last shown or changed here."""

    items: tuple[QueueItem, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueDone:
    """A change that was made: the entries that it made or moved, as far as the server names them.

    `changes` is what others had changed meanwhile.
    """

    items: tuple[QueueItem, ...] = ()
    partial: bool = False
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueRefused:
    """A change that was not made, why, and what others had changed meanwhile."""

    failed: ApiFailed
    sentence: str
    changes: tuple[Change, ...] = ()


QueueOutcome = QueueDone | QueueRefused


class Readings(Protocol):
    """Where the last reading of an account's queue is kept."""

    async def find(self) -> QueueReading | None:
        """The last reading; None if there is none."""
        ...

    async def keep(self, reading: QueueReading) -> None:
        """Keep a reading in place of the last."""
        ...


@dataclass(frozen=True, slots=True)
class KeptQueue:
    """A subscriber's queue whose etag is kept. `pause` waits so many seconds."""

    api: Api
    readings: Readings
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = SYSTEM_CLOCK.jitter


async def show_queue(queue: KeptQueue) -> QueueShown | ApiFailed:
    """Read the queue, and say what has changed since the last time."""
    before = await queue.readings.find()
    found = await _read(queue)
    if isinstance(found, ApiFailed):
        return found
    listing, reading = found
    return QueueShown(listing.items, compare_readings(before, reading) if before else ())


async def add_to_queue(queue: KeptQueue, ref: str, position: int | None = None) -> QueueOutcome:
    """Add a title, at the end or at a place.

    Raises:
        RequestRefused: it is no title, or no place.
    """
    check_title_ref(ref)
    check_position(position)
    return await _post(queue, ref, position)


async def move_in_queue(queue: KeptQueue, ref: str, position: int) -> QueueOutcome:
    """Move a title that is in the queue; one that is not is never added by this.

    Raises:
        RequestRefused: it is no title, or no place.
    """
    check_title_ref(ref)
    check_position(position)
    known = await queue.readings.find()
    if known is not None and not _is_in(known, ref):
        await _keep(queue, QueueReading(None, known.titles, known.at))  # perhaps it is there by now
    return await _post(queue, ref, position, only_move=True)


async def remove_from_queue(queue: KeptQueue, ref: str) -> QueueOutcome:
    """Remove a title. An entry's id holds its place: so the queue is always read first.

    Raises:
        RequestRefused: it is no title.
    """
    check_title_ref(ref)
    tries = _Tries(await queue.readings.find())
    for attempt in range(_MOST_TRIES):
        found = await _read_again(queue, tries, ref)
        if isinstance(found, ApiFailed):
            return tries.refuse(found)
        listing, reading = found
        item = next((each for each in listing.items if _is_title(each.title.ref, ref)), None)
        if item is None:
            return QueueDone(changes=tries.changes) if tries.lost else _refuse_absent(tries.changes)
        deleted = await delete_entry(queue.api, item.id)
        if isinstance(deleted, QueueChange):
            left = QueueReading(None, without_title(reading.titles, ref), reading.at)
            await _keep(queue, left)
            return QueueDone((item,), changes=tries.changes)
        if not tries.go_on(deleted) and deleted.status != _GONE:  # perhaps it only has another place
            break
        await _wait(queue, attempt)
    return tries.refuse()


# ── adding and moving ─────────────────────────────────────────────────────────────────────────────


async def _post(queue: KeptQueue, ref: str, position: int | None, *, only_move: bool = False) -> QueueOutcome:
    """Post a title, again when the queue has changed meanwhile."""
    tries = _Tries(await queue.readings.find())
    known = tries.first if tries.first is not None and tries.first.etag is not None else None
    for attempt in range(_MOST_TRIES):
        if known is None:
            found = await _read_again(queue, tries, ref)
            if isinstance(found, ApiFailed):
                return tries.refuse(found)
            listing, known = found
            if tries.lost and (item := _find_done(listing, ref, position)):
                return QueueDone((item,), changes=tries.changes)
        if only_move and not _is_in(known, ref):
            return _refuse_absent(tries.changes)
        outcome = await post_title(queue.api, ref, position=position, etag=known.etag)
        if isinstance(outcome, QueueChange):
            await _keep_change(queue, known, outcome, ref, position)
            return QueueDone(outcome.items, outcome.partial, tries.changes)
        known = None
        if not tries.go_on(outcome):
            break
        await _wait(queue, attempt)
    return tries.refuse()


def _find_done(listing: Listing[QueueItem], ref: str, position: int | None) -> QueueItem | None:
    """The entry that a change would have made, which may have happened; None if it is not there."""
    found = (each for each in listing.items if _is_title(each.title.ref, ref))
    return next((each for each in found if position in (None, each.position) or each.saved), None)


async def _keep_change(
    queue: KeptQueue, known: QueueReading, change: QueueChange, ref: str, position: int | None
) -> None:
    """Keep the queue as it is after a change; the server gave an etag only to whoever knew it."""
    titles = known.titles
    for item in change.items:
        titles = place_title(titles, *list_titles([item]), saved=item.saved)
    if not change.items:
        titles = place_title(titles, QueuedTitle(ref, _name_in(known, ref), position))
    await _keep(queue, QueueReading(change.etag, titles, queue.api.clock()))


# ── what both need ────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Tries:
    """What came of the tries at a change. `lost` says that one of them may have been made."""

    first: QueueReading | None
    changes: tuple[Change, ...] = ()
    failed: ApiFailed | None = None
    lost: bool = False

    def go_on(self, failed: ApiFailed) -> bool:
        """Take note of a failure; whether it is worth another try, upon the queue as it is now."""
        self.failed = failed
        self.lost = self.lost or failed.may_have_happened
        if failed.retry_after:  # it asks for rest, from looking as well
            return False
        if failed.status == _MODIFIED:
            # What the server gives up on is so for good; unless it is our own change that it found there.
            return self.lost or failed.action is not Action.GIVE_UP
        return failed.may_have_happened

    def refuse(self, failed: ApiFailed | None = None) -> QueueRefused:
        """Say why it has come to nothing: by what failed last, or by what may have been made."""
        why = (self.failed if self.lost else failed) or self.failed or ApiFailed(Action.WAIT, Reason.TORN)
        return refuse(replace(why, may_have_happened=self.lost), self.changes)


async def _read_again(
    queue: KeptQueue, tries: _Tries, ref: str
) -> tuple[Listing[QueueItem], QueueReading] | ApiFailed:
    """Read the queue, and take note of what others have changed in it."""
    found = await _read(queue)
    if not isinstance(found, ApiFailed):
        tries.changes = _changes_of_others(tries.first, found[1], ref)
    return found


async def _read(queue: KeptQueue) -> tuple[Listing[QueueItem], QueueReading] | ApiFailed:
    """Read the queue, once more while the server shows what was: a reading after a change can be old.

    Not for ever: a server may give the same queue the same etag each time that it has it.
    """
    before = await queue.readings.find()
    left = before.left if before else ()
    listing = await read_queue(queue.api)
    for attempt in range(_MOST_STALE):
        if isinstance(listing, ApiFailed) or listing.etag not in left:
            break
        await _wait(queue, attempt)
        listing = await read_queue(queue.api)
    if isinstance(listing, ApiFailed):
        return listing
    reading = QueueReading(listing.etag, list_titles(listing.items), queue.api.clock())
    await _keep(queue, reading)
    return listing, reading


async def _keep(queue: KeptQueue, reading: QueueReading) -> None:
    await queue.readings.keep(follow_reading(await queue.readings.find(), reading))


async def _wait(queue: KeptQueue, attempt: int) -> None:
    """Wait before the next try, each time longer: whoever else changes the queue comes to an end."""
    await queue.pause(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * (0.5 + queue.jitter()))


def _changes_of_others(before: QueueReading | None, after: QueueReading, ref: str) -> tuple[Change, ...]:
    """What has changed but for the title that we are about."""
    key = key_of_title(ref)
    changes = compare_readings(before, after) if before is not None else ()
    return tuple(
        change for change in changes if key not in {e.key for e in (change.before, change.after) if e}
    )


def _is_in(reading: QueueReading, ref: str) -> bool:
    return any(_is_title(title.ref, ref) for title in reading.titles)


def _name_in(reading: QueueReading, ref: str) -> str:
    return next((title.name for title in reading.titles if _is_title(title.ref, ref)), "")


def _is_title(one: str, other: str) -> bool:
    return key_of_title(one) == key_of_title(other)


# ── why not ───────────────────────────────────────────────────────────────────────────────────────


def refuse(failed: ApiFailed, changes: Sequence[Change] = ()) -> QueueRefused:
    """Say in a sentence why a queue was not changed."""
    return QueueRefused(failed, _say_why(failed), tuple(changes))


def say_unsure(failed: ApiFailed) -> str:
    """Say what became of a change of which nobody knows whether it was made; not to try it again."""
    return "the server did not answer" if failed.status is None else failed.sentence.partition(":")[0]


def _say_why(failed: ApiFailed) -> str:
    if failed.may_have_happened:
        return f"{say_unsure(failed)}: `feedwatch queue list` shows whether it was done"
    if failed.status == _MODIFIED and failed.action is not Action.GIVE_UP:
        return "the queue was changed again and again while this was tried: try again later"
    return failed.sentence


def _refuse_absent(changes: Sequence[Change]) -> QueueRefused:
    """What the server itself says of a title that is not in the queue; it was not asked."""
    row = judge_status(Service.NETFLIX, 404, code=_NOT_THERE, resource=Resource.QUEUES)
    absent = ApiFailed(row.action, Reason.NOT_FOUND, sub_code=_NOT_THERE, says=row.says)
    return refuse(absent, changes)
