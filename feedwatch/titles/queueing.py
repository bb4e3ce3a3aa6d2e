"""A person's queue: shown, and changed with its etag kept from one command to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from feedwatch.access import Access, open_access
from feedwatch.config import Config
from feedwatch.core.model import Change, Kind
from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.core.statuses import Action
from feedwatch.netflix.queueing import (
    KeptQueue,
    QueueOutcome,
    QueueRefused,
    add_to_queue,
    move_in_queue,
    remove_from_queue,
    show_queue,
)
from feedwatch.netflix.refs import id_of
from feedwatch.netflix.replies import ApiFailed, CatalogTitle, QueueItem
from feedwatch.present import Row, Screen, show_duration
from feedwatch.store import Store
from feedwatch.titles.naming import Unclear, find_queued, need_title
from feedwatch.titles.rows import (
    describe_item,
    describe_meanwhile,
    name_title,
    say_changes,
)

_COLUMNS: Final = ("position", "title", "year", "availability", "id")


@dataclass(slots=True)
class StoredReadings:
    """Readings of an account's queue in the state, shared with whoever else has it open.

    `read_as` is a stamp of the credentials: who reads by others may be another person.
    `before` is the reading before the last that was kept: of a change, what the queue was until then.
    """

    store: Store
    account: str
    read_as: str
    before: QueueReading | None = None
    _last: QueueReading | None = None

    async def find(self) -> QueueReading | None:
        """The last reading, whoever made it."""
        self._last = self.store.find_queue_reading(self.account, self.read_as)
        return self._last

    async def keep(self, reading: QueueReading) -> None:
        """Keep a reading in place of the last."""
        self.store.keep_queue_reading(self.account, reading, self.read_as)
        self.before, self._last = self._last, reading


async def list_queue(config: Config, screen: Screen, account: str | None, *, saved: bool) -> int:
    """Print the queue, or only what is saved until it can be had."""
    async with open_access(config, account, screen) as access:
        shown = await show_queue(KeptQueue(access.api, _open_readings(access)))
        if isinstance(shown, ApiFailed):
            return access.fail(shown, own=True)
        items = [item for item in shown.items if item.saved or not saved]
        empty = "nothing is saved" if saved else f"the queue of {access.account} is empty"
        screen.print_rows(map(describe_item, items), _COLUMNS, empty=empty)
        if shown.changes and screen.is_terminal:
            access.say(f"since the last time: {say_changes(shown.changes)}")
        return 0


async def add_title(config: Config, screen: Screen, account: str | None, typed: str, at: int | None) -> int:
    """Add a title to the queue, at its end or at a place."""
    async with open_access(config, account, screen) as access:
        if isinstance(nobody := await access.api.find_user(), ApiFailed):
            return access.fail(nobody, own=True)
        command = "feedwatch queue add TITLE" + (f" --at {at}" if at else "")
        title = await need_title(access, typed, command)
        if isinstance(title, int):
            return title
        change = _Change(access, title, "added")
        return change.end(await add_to_queue(change.queue, title.ref, at))


async def move_title(config: Config, screen: Screen, account: str | None, typed: str, to: int) -> int:
    """Move a title that is in the queue to another place."""
    async with open_access(config, account, screen) as access:
        found = await _find(access, typed, f"feedwatch queue move TITLE --to {to}")
        if isinstance(found, int):
            return found
        change = _Change(access, found.title, "moved")
        return change.end(await move_in_queue(change.queue, found.title.ref, to))


async def remove_title(config: Config, screen: Screen, account: str | None, typed: str) -> int:
    """Remove a title from the queue."""
    async with open_access(config, account, screen) as access:
        found = await _find(access, typed, "feedwatch queue remove TITLE")
        if isinstance(found, int):
            return found
        change = _Change(access, found.title, "removed")
        return change.end(await remove_from_queue(change.queue, found.title.ref))


def _open_readings(access: Access) -> StoredReadings:
    return StoredReadings(access.store, access.account, access.settings.credentials_stamp())


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


async def _find(access: Access, typed: str, command: str) -> QueueItem | int:
    """The entry that is meant; the exit status where there is none, and that has been said."""
    shown = await show_queue(KeptQueue(access.api, _open_readings(access)))
    if isinstance(shown, ApiFailed):
        return access.fail(shown, own=True)
    found = find_queued(shown.items, typed, command)
    return access.complain(found.says) if isinstance(found, Unclear) else found


@dataclass(slots=True)
class _Change:
    """A change of the queue, and what is said of it."""

    access: Access
    title: CatalogTitle
    done: Literal["added", "moved", "removed"]
    readings: StoredReadings = field(init=False)

    def __post_init__(self) -> None:
        self.readings = _open_readings(self.access)

    @property
    def queue(self) -> KeptQueue:
        """The queue that is changed."""
        return KeptQueue(self.access.api, self.readings)

    def end(self, outcome: QueueOutcome) -> int:
        """Say how it ended, and have the queue polled soon if it was changed; gives the exit status."""
        if outcome.changes:
            self.access.say(f"meanwhile: {say_changes(outcome.changes)}")
        if isinstance(outcome, QueueRefused):
            return self._refuse(outcome)
        self.access.hasten_lists(Kind.QUEUE)
        placed = next(
            (item for item in outcome.items if id_of(item.title.ref) == id_of(self.title.ref)), None
        )
        was = self._find_before()
        done = "moved" if self.done == "added" and was is not None else self.done
        row = self._describe(done, placed, was, outcome.changes)
        if self.access.screen.as_json:
            self.access.screen.print_rows([row], [], empty="")
        self.access.say(_say_done(name_title(self.title), row, partial=outcome.partial))
        return 0

    def _refuse(self, refused: QueueRefused) -> int:
        failed, name = refused.failed, name_title(self.title)
        if failed.may_have_happened:
            self.access.hasten_lists(Kind.QUEUE)
            later = f", in {show_duration(failed.retry_after)}" if failed.retry_after else ""
            return self.access.complain(f"{name} was perhaps not {self.done}: {refused.sentence}{later}")
        if failed.action is Action.SIGN_IN_AGAIN:
            return self.access.fail(failed, own=True)
        if failed.retry_after:
            return self.access.fail(failed, f"{name} was not {self.done}", own=True)
        return self.access.complain(f"{name} was not {self.done}: {refused.sentence}")

    def _find_before(self) -> QueuedTitle | None:
        titles = self.readings.before.titles if self.readings.before else ()
        return next((each for each in titles if id_of(each.ref) == id_of(self.title.ref)), None)

    def _describe(
        self, done: str, placed: QueueItem | None, was: QueuedTitle | None, changes: Sequence[Change]
    ) -> Row:
        gone = done == "removed"
        return {
            "done": done,
            "title": self.title.name,
            "position": placed.position if placed and not gone else None,
            "previous_position": was.position if was else None,
            "saved": placed.saved if placed and not gone else None,
            "id": id_of(self.title.ref),
            "ref": self.title.ref,
            "meanwhile": describe_meanwhile(changes),
        }


def _say_done(name: str, row: Row, *, partial: bool) -> str:
    done, position, previous = row["done"], row["position"], row["previous_position"]
    if row["saved"]:
        return f"{name} is saved: it is not to be had yet, and moves into the queue when it is"
    if done == "moved" and position and position == previous:
        return f"{name} stays at {position}"
    said = f"{done} {name}"
    if done == "moved" and previous:
        said += f" from {previous}"
    if position:
        said += f" to {position}" if done == "moved" else f" at {position}"
    elif done == "removed" and previous:
        said += f", which was at {previous}"
    return f"{said}; only a part of it: `feedwatch queue list` shows which" if partial else said
