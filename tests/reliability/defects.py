"""Planted defects: each breaks a promise on purpose, to prove that the numbers show it.

Each is a patch of the program, and a play (by group and name) under which it must show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from plays import PLAYS, Play

from feedwatch.core import decide, diff, snapshot
from feedwatch.core.keys import choose_viewing_keys
from feedwatch.core.messages import NotifyTimedOut
from feedwatch.core.model import Form, Page, RawEntry
from feedwatch.core.render import compose_message
from feedwatch.core.schedule import judge_attempt
from feedwatch.core.state import (
    ClaimedMessage,
    Planned,
    PollTask,
    Settled,
    Settlement,
)
from feedwatch.parse.digest import Digests
from feedwatch.poll import reading
from feedwatch.poll.pages import ListPage
from feedwatch.store import Landed, ReadPoll, Store, indexes, landing, memory
from feedwatch.store.connection import Row, Transaction
from feedwatch.store.owing import owe_change as owe_change_indeed


@contextmanager
def deliver_before_sending() -> Iterator[None]:
    """Take a message as delivered however its sending ends."""
    with patch("feedwatch.deliver.judge_attempt", lambda *_, **__: Settlement(Settled.DELIVERED)):
        yield


@contextmanager
def forget_deliveries() -> Iterator[None]:
    """Commit changes of which some are owed to nobody."""
    seen: list[int] = []

    def owe_change(conn: Transaction, change_id: int, planned: Planned, at: datetime) -> None:
        seen.append(change_id)
        if len(seen) % 5:
            owe_change_indeed(conn, change_id, planned, at)

    with patch.object(landing, "owe_change", owe_change):
        yield


@contextmanager
def hold_nothing() -> Iterator[None]:
    """Believe every list at once."""
    with patch.object(decide, "doubt", lambda *_: None):
        yield


@contextmanager
def put_positions_into_keys() -> Iterator[None]:
    """Know a viewing by where it stands."""

    def choose(entries: Sequence[RawEntry], seen_at: Sequence[datetime | None]) -> list[str]:
        return [f"{key}/{place}" for place, key in enumerate(choose_viewing_keys(entries, seen_at))]

    with patch.object(snapshot, "choose_viewing_keys", choose):
        yield


@contextmanager
def keep_what_a_held_reply_says() -> Iterator[None]:
    """Remember a held reply's bytes: when it comes again, it is nothing new."""
    plain = landing._write_held

    def write_held(landed: landing.Landing, held: Any) -> None:
        plain(landed, held)
        landed.conn.execute(
            "UPDATE feeds SET body_digest = ?, content_digest = ? WHERE id = ?",
            (landed.result.body_digest, landed.result.content_digest, landed.task.feed_id),
        )

    with patch.object(landing, "_write_held", write_held):
        yield


@contextmanager
def land_late() -> Iterator[None]:
    """Let a stale poll land on a later one."""
    plain = Store.record_polls

    def record_polls(store: Store, polls: Sequence[ReadPoll]) -> Sequence[Landed]:
        with store.transaction() as conn:
            conn.executemany(
                "UPDATE feeds SET landed_number = min(landed_number, ?) WHERE id = ?",
                [(poll.task.number - 1, poll.task.feed_id) for poll in polls],
            )
        return plain(store, polls)

    with patch.object(Store, "record_polls", record_polls):
        yield


@contextmanager
def take_failures_for_empty_lists() -> Iterator[None]:
    """Read what is no list as one without entries."""
    plain = reading.ListReader._parse

    async def parse(reader: reading.ListReader, task: PollTask, reply: Any, digests: Digests) -> Any:
        try:
            return await plain(reader, task, reply, digests)
        except reading._Failed:
            return ListPage(reply, Page(Form.ATOM, (), complete=True), digests)

    with patch.object(reading.ListReader, "_parse", parse):
        yield


@contextmanager
def believe_a_count() -> Iterator[None]:
    """Take a list in plain XML for the same while it is as long as it was."""
    with patch.object(reading, "proves_same", lambda page, task: page.total == task.body_total):
        yield


@contextmanager
def take_every_shift_for_a_move() -> Iterator[None]:
    """Call a title moved whose position differs."""

    def find_moved(places: Sequence[int]) -> set[int]:
        return {index for index, place in enumerate(places) if place != sorted(places)[index]}

    with patch.object(diff, "find_moved", find_moved):
        yield


@contextmanager
def forget_what_was_shown() -> Iterator[None]:
    """Take what comes back into a window for news."""
    with patch.object(memory, "_find_seen", lambda *_: frozenset()):
        yield


@contextmanager
def believe_torn_lists() -> Iterator[None]:
    """Take pages of two states of a list for one."""
    with patch.object(reading, "is_torn", lambda _: False):
        yield


@contextmanager
def begin_anew_at_a_new_address() -> Iterator[None]:
    """Forget a feed's list when its token changes."""
    plain = indexes._update_feed

    def update_feed(conn: Transaction, row: Row, feed: Any, now: datetime) -> bool:
        if row["named_address"] != feed.address:
            conn.execute("DELETE FROM entries WHERE feed_id = ?", (row["id"],))
            conn.execute("UPDATE list_orders SET entry_order = '[[],[]]' WHERE feed_id = ?", (row["id"],))
            conn.execute("UPDATE feeds SET entry_count = 0, list_digest = NULL WHERE id = ?", (row["id"],))
        return plain(conn, row, feed, now)

    with patch.object(indexes, "_update_feed", update_feed):
        yield


@contextmanager
def take_silence_for_success() -> Iterator[None]:
    """Take a message that nobody answered as delivered."""

    def judge(claim: ClaimedMessage, outcome: Any, *args: Any, **options: Any) -> Settlement:
        if isinstance(outcome, NotifyTimedOut):
            return Settlement(Settled.DELIVERED)
        return judge_attempt(claim, outcome, *args, **options)

    with patch("feedwatch.deliver.judge_attempt", judge):
        yield


@contextmanager
def forget_to_settle() -> Iterator[None]:
    """Send, and write down nothing: every second time."""
    plain = Store.settle_message
    seen: list[int] = []

    def settle(store: Store, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> bool:
        seen.append(claim.id)
        return plain(store, claim, settlement, now) if len(seen) % 2 else True

    with patch.object(Store, "settle_message", settle):
        yield


@contextmanager
def cut_away_what_does_not_fit() -> Iterator[None]:
    """Call the whole of what is due told, though a message held a part of it."""

    def compose(deliveries: Any, style: Any, **more: Any) -> Any:
        offered = list(deliveries)
        everything = tuple(each.id for each in offered)
        return replace(compose_message(offered[:2], style, **more), deliveries=everything)

    with patch("feedwatch.deliver.compose_message", compose):
        yield


@dataclass(frozen=True, slots=True)
class Defect:
    """A planted defect, and the play that must show it."""

    plant: Callable[[], Any]
    play: Play
    rounds: int = 14


def _play(group: str, name: str) -> Play:
    return PLAYS[group][name]


DEFECTS: Mapping[str, Defect] = {
    "settled before the send is known to have worked": Defect(
        deliver_before_sending, _play("the far end", "500")
    ),
    "committed without deliveries": Defect(forget_deliveries, _play("the process", "restarts")),
    "no hold": Defect(hold_nothing, _play("the server", "an empty list that is not true")),
    "a key with the position in it": Defect(put_positions_into_keys, _play("the process", "restarts")),
    "a held reply's bytes are kept": Defect(
        keep_what_a_held_reply_says, _play("the server", "a list emptied for good"), rounds=2
    ),
    "a stale poll lands": Defect(land_late, _play("the server", "a poll that lands late"), rounds=6),
    "what is no list is an empty one": Defect(
        take_failures_for_empty_lists, _play("the server", "a page of HTML in place of the queue")
    ),
    "a count stands for a list": Defect(
        believe_a_count, _play("the server", "one item asked first: pages that move"), rounds=20
    ),
    "every shift is a move": Defect(take_every_shift_for_a_move, _play("the process", "restarts")),
    "what a window has shown is forgotten": Defect(
        forget_what_was_shown, _play("the server", "a stale read of a plain feed")
    ),
    "a torn list is believed": Defect(
        believe_torn_lists, _play("the server", "pages that move, in Atom"), rounds=30
    ),
    "a new token is a new feed": Defect(
        begin_anew_at_a_new_address, _play("the server", "new tokens, hosts and dialects")
    ),
    "silence is taken for success": Defect(
        take_silence_for_success, _play("the far end", "no answer, not arrived")
    ),
    "a settled message is not written down": Defect(forget_to_settle, _play("the process", "restarts")),
    "what does not fit is cut away": Defect(
        cut_away_what_does_not_fit, _play("the server", "no network at all"), rounds=3
    ),
}
"""Every one must make a number other than zero (or more repeats than are allowed)."""
