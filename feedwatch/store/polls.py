"""Polls: taken with a number, and landed together, each of them as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter

from feedwatch.core.model import Notice, NoticeKind, NoticeLine, Reason, Snapshot
from feedwatch.core.snapshot import complete_snapshot
from feedwatch.core.state import (
    FailedPoll,
    FeedMemory,
    PollDecision,
    PollResult,
    PollTask,
    Silence,
    UnchangedPoll,
)
from feedwatch.errors import StoreDamaged, StoreError
from feedwatch.store.codec import instant, stamp
from feedwatch.store.connection import Connection, Transaction, read_plain
from feedwatch.store.failing import write_failure
from feedwatch.store.faults import translated
from feedwatch.store.landing import Landing, write_decision, write_unchanged
from feedwatch.store.memory import MEMORY_COLUMNS, TASK_COLUMNS, read_list, read_task, recall_feed
from feedwatch.store.owing import owe_notice
from feedwatch.store.silencing import read_silences

Decide = Callable[[FeedMemory, PollResult], PollDecision]
Landed = PollDecision | Exception | None
"""What became of a list that was to land: the decision, what went wrong with it alone, or None: too late."""


@dataclass(frozen=True, slots=True)
class ReadPoll:
    """A poll that has read a list, and how to decide what that means once it is known what is remembered."""

    task: PollTask
    result: PollResult
    decide: Decide


_POLLED = "feeds JOIN accounts ON accounts.name = feeds.account"
_WATCHED = "accounts.configured AND feeds.state <> 'retired' AND feeds.paused_at IS NULL"

# Account and name apart: put together for each feed, they would be looked for among all feeds.
_NAMED = """
(feeds.account, feeds.name) IN
    (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))
"""
_IS_LIST = "kind <> 'stream' AND state <> 'retired' AND paused_at IS NULL"
# Asked once for each account of which a list is due, not for each list: one account may have thousands.
_WAITS_FOR_COMPANY = f"""
(feeds.kind <> 'stream' AND feeds.next_poll_at > ? AND feeds.account IN (
    SELECT account FROM (
        SELECT DISTINCT account FROM feeds WHERE {_IS_LIST} AND next_poll_at > ? AND next_poll_at <= ?) AS due
    WHERE EXISTS (
        SELECT 1 FROM feeds AS other WHERE other.account = due.account AND {_IS_LIST}
        AND other.next_poll_at > ? AND other.next_poll_at <= ?)))
"""  # noqa: S608 — only our own text


class Polls(Connection):
    """The store's words about polls."""

    def take_polls(
        self,
        now: datetime,
        *,
        feeds: Collection[str] | None = None,
        due_only: bool = True,
        exclude: Collection[int] = (),
        limit: int = 1000,
        company: timedelta = timedelta(0),
    ) -> tuple[PollTask, ...]:
        """Take feeds to poll, each with the next poll number: those due, or all (`due_only=False`).

        `feeds` narrows it to some by name; those whose ids are in `exclude` are under way already. The lists
        of an account wait for each other for up to `company`: polled in one round, what they show of one
        title is told as one story. Of more than `limit` those are taken that have been due for longest.
        """
        where, parameters = _WATCHED, list[object]()
        if feeds is not None:
            where += f" AND {_NAMED}"
            parameters.append(json.dumps([feed.partition("/")[::2] for feed in feeds]))
        if exclude:
            where += " AND feeds.id NOT IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(exclude)))
        if due_only:
            where += f" AND feeds.next_poll_at <= ? AND NOT {_WAITS_FOR_COMPANY}"
            since, at, until = stamp(now - company), stamp(now), stamp(now + company)
            parameters += [at, since, since, at, at, until]
        chosen = f"SELECT feeds.id FROM {_POLLED} WHERE {where} ORDER BY feeds.next_poll_at LIMIT ?"  # noqa: S608 — only our own text
        # Asked first without a lock: most of the time nothing is due.
        if not self.query(chosen, (*parameters, 1)):
            return ()
        take = (
            f"UPDATE feeds SET poll_number = poll_number + 1 WHERE id IN ({chosen}) "  # noqa: S608 — only our own text
            f"RETURNING {TASK_COLUMNS}"
        )
        with self.transaction() as conn:
            rows = read_plain(conn, take, (*parameters, limit)).fetchall()
        # In the order of the file, so that what lands together stands together: a commit writes whole pages.
        return tuple(read_task(row) for row in sorted(rows, key=itemgetter(0)))

    def postpone_polls(self, polls: Sequence[tuple[PollTask, datetime]]) -> None:
        """Put polls off that were taken but not made, each until then."""
        with self.transaction() as conn:
            conn.executemany(
                "UPDATE feeds SET next_poll_at = max(next_poll_at, ?) WHERE id = ?",
                [(stamp(until), task.feed_id) for task, until in polls],
            )

    def record_polls(self, polls: Sequence[ReadPoll]) -> tuple[Landed, ...]:
        """Land lists, in this order and in one transaction; each of them is written as a whole or not at all.

        One that cannot be decided, or whose stored list is damaged, leaves nothing behind and keeps none of
        the others from landing: what went wrong stands in its place. None, and nothing is written, where a
        later poll has landed (law 11), or the feed has retired or is compared or addressed otherwise since
        the poll was taken.

        Raises:
            StoreError: it is not one list's fault, and none has landed.
        """
        if not polls:
            return ()
        try:
            with self.transaction() as conn:
                return self._land_all(conn, polls, self._land)
        except Exception as error:
            if _is_of_all(error):
                raise
        # One of them was decided and cannot be written. Which one it is shows where each can be undone by
        # itself. Done with all lists, that would cost a tenth more: each page is copied before it is written.
        with self.undoing_in_memory(), self.transaction() as conn:
            return self._land_all(conn, polls, self._land_or_undo)

    def _land_all(
        self,
        conn: Transaction,
        polls: Sequence[ReadPoll],
        land: Callable[[Transaction, ReadPoll, Sequence[Silence]], Landed],
    ) -> tuple[Landed, ...]:
        silences = read_silences(conn, min(poll.result.at for poll in polls))
        return tuple([land(conn, poll, silences) for poll in polls])

    def _land_or_undo(self, conn: Transaction, poll: ReadPoll, silences: Sequence[Silence]) -> Landed:
        """Land one of several lists; what goes wrong with it is undone, and is what became of it."""
        conn.execute("SAVEPOINT poll")
        landed: Landed
        try:
            with translated(self.path):
                landed = self._land(conn, poll, silences)
        except Exception as error:
            if _is_of_all(error):
                raise
            conn.execute("ROLLBACK TO poll")
            landed = error
        conn.execute("RELEASE poll")
        return landed

    def _land(self, conn: Transaction, poll: ReadPoll, silences: Sequence[Silence]) -> Landed:
        """Land one of several lists. Where it cannot be decided, nothing of it has been written."""
        try:
            with translated(self.path):
                landing = _decide(conn, poll, silences)
        except Exception as error:
            if _is_of_all(error):
                raise
            return error
        if landing is None:
            return None
        write_decision(landing)
        return landing.decision

    def record_unchanged(self, polls: Sequence[UnchangedPoll]) -> tuple[int, ...]:
        """Land polls that brought nothing new, all in one transaction.

        Returns the feeds where another result landed since the poll was taken: what was unchanged
        then says nothing now, so they are due again at once, unless a later poll has landed.
        """
        with self.transaction() as conn:
            return write_unchanged(conn, polls)

    def record_failures(self, polls: Sequence[FailedPoll]) -> None:
        """Write failed polls. What is known of their lists is not touched (law 7)."""
        with self.transaction() as conn:
            for poll in polls:
                write_failure(conn, poll)

    def take_baseline_notice(self, now: datetime, addresses: Sequence[str]) -> Notice | None:
        """One notice for all lists seen for the first time since the last one; None if there are none."""
        pending = (
            "SELECT id, account, name, entry_count FROM feeds WHERE baseline_pending ORDER BY account, id"
        )
        if not self.query(pending):
            return None
        with self.transaction() as conn:
            rows = conn.execute(pending).fetchall()
            if not rows:  # another process was faster
                return None
            lines = tuple(NoticeLine(f"{row['account']}/{row['name']}", row["entry_count"]) for row in rows)
            notice = Notice(NoticeKind.WATCHING, now, feeds=lines)
            conn.executemany(
                "UPDATE feeds SET baseline_pending = 0 WHERE id = ?", [(row["id"],) for row in rows]
            )
            owe_notice(conn, notice, addresses)
        return notice

    def rest_host(self, host: str, until_at: datetime, reason: Reason) -> None:
        """Let a whole host rest."""
        with self.transaction() as conn:
            conn.execute(
                "INSERT INTO hosts VALUES (?, ?, ?) ON CONFLICT (host) DO UPDATE SET "
                "rest_until_at = max(rest_until_at, excluded.rest_until_at), reason = excluded.reason",
                (host, stamp(until_at), reason),
            )
        self.on_rest(host, until_at)

    def resting_hosts(self, now: datetime) -> dict[str, datetime]:
        """The hosts that rest, and until when."""
        rows = self.query("SELECT * FROM hosts WHERE rest_until_at > ?", (stamp(now),))
        return {row["host"]: instant(row["rest_until_at"]) for row in rows}


def _is_of_all(error: Exception) -> bool:
    """Whether it is no single list's fault that it cannot land."""
    return isinstance(error, StoreError) and not isinstance(error, StoreDamaged)


def _decide(conn: Transaction, poll: ReadPoll, silences: Sequence[Silence]) -> Landing | None:
    """Compare a list with what is known of it; None where it came too late, or has to be read whole."""
    task, result = poll.task, poll.result
    feed = conn.execute(_STILL_ASKED, (task.feed_id, task.number)).fetchone()
    if feed is None:
        return None
    in_force = tuple(silence for silence in silences if silence.ends_at > result.at)
    stored = read_list(conn, feed)
    memory = recall_feed(conn, feed, stored, (*result.snapshot.entries, *result.earlier), in_force)
    if result.stood is not None:
        completed = _complete(result, memory) if feed["landed_number"] == task.landed else None
        decision = poll.decide(memory, completed) if completed else None
        if completed is None or decision is None or _tells_of_unread(decision, result.snapshot):
            conn.execute(_READ_WHOLE, (stamp(result.at), task.feed_id))
            return None
        result = completed
    else:
        decision = poll.decide(memory, result)
    told = stored.told if stored else {}
    return Landing(conn, feed, task, result, memory, told, decision, stamp(result.at))


def _complete(result: PollResult, memory: FeedMemory) -> PollResult | None:
    """A list of which only what is new was read, with what is known of it; None if it is to be read whole."""
    if memory.snapshot is None or result.stood is None:
        return None
    snapshot = complete_snapshot(result.snapshot, result.stood, memory.snapshot)
    return replace(result, snapshot=snapshot, stood=None) if snapshot else None


def _tells_of_unread(decision: PollDecision, read: Snapshot) -> bool:
    """Whether a title that was not read has made room, say: what it shows is told with that, and not kept."""
    keys = {entry.key for entry in read.entries}
    return any(change.after is not None and change.after.key not in keys for change in decision.changes)


_READ_WHOLE = "UPDATE feeds SET parts = NULL, next_poll_at = min(next_poll_at, ?) WHERE id = ?"
_STILL_ASKED = f"""
SELECT {MEMORY_COLUMNS}, feeds.landed_number, feeds.moved_to, feeds.moved_polls
FROM {_POLLED} WHERE feeds.id = ? AND landed_number < ? AND {_WATCHED}
"""  # noqa: S608 — only our own text
