"""Polls: taken with a number, and landed in one transaction each, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from feedwatch.core.model import Notice, NoticeKind, NoticeLine, Reason
from feedwatch.core.state import FailedPoll, FeedMemory, PollDecision, PollResult, PollTask, UnchangedPoll
from feedwatch.store.codec import instant, stamp
from feedwatch.store.connection import Connection
from feedwatch.store.landing import Landing, write_decision, write_failure, write_unchanged
from feedwatch.store.memory import read_task, recall_feed
from feedwatch.store.owing import owe_notice

Decide = Callable[[FeedMemory, PollResult], PollDecision]

_POLLED = "feeds JOIN accounts ON accounts.name = feeds.account"
_WATCHED = "accounts.configured AND feeds.state <> 'retired' AND feeds.paused_at IS NULL"

_WAITS_FOR_COMPANY = """
(feeds.kind <> 'stream' AND feeds.next_poll_at > ? AND EXISTS (
    SELECT 1 FROM feeds AS other WHERE other.account = feeds.account AND other.kind <> 'stream'
    AND other.state <> 'retired' AND other.paused_at IS NULL
    AND other.next_poll_at > ? AND other.next_poll_at <= ?))
"""


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
        title is told as one story.
        """
        where, parameters = _WATCHED, list[object]()
        if due_only:
            where += f" AND feeds.next_poll_at <= ? AND NOT {_WAITS_FOR_COMPANY}"
            parameters += [stamp(now), stamp(now - company), stamp(now), stamp(now + company)]
        if feeds is not None:
            where += " AND feeds.account || '/' || feeds.name IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(feeds)))
        if exclude:
            where += " AND feeds.id NOT IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(exclude)))
        chosen = f"SELECT feeds.id FROM {_POLLED} WHERE {where} ORDER BY feeds.next_poll_at LIMIT ?"  # noqa: S608 — only our own text
        # Asked first without a lock: most of the time nothing is due.
        if not self.query(chosen, (*parameters, 1)):
            return ()
        with self.transaction() as conn:
            rows = conn.execute(
                f"UPDATE feeds SET poll_number = poll_number + 1 WHERE id IN ({chosen}) RETURNING *",  # noqa: S608 — only our own text
                (*parameters, limit),
            ).fetchall()
        return tuple(read_task(row) for row in sorted(rows, key=lambda row: str(row["next_poll_at"])))

    def postpone_poll(self, task: PollTask, until: datetime) -> None:
        """Put a poll off that was taken but not made: its host asked for rest."""
        with self.transaction() as conn:
            conn.execute(
                "UPDATE feeds SET next_poll_at = max(next_poll_at, ?) WHERE id = ?",
                (stamp(until), task.feed_id),
            )

    def record_poll(self, task: PollTask, result: PollResult, decide: Decide) -> PollDecision | None:
        """Land a list: decide and write, in one transaction.

        None, and nothing is written, if a later poll has landed (law 11), or if the feed has retired
        or is compared or addressed otherwise since the poll was taken.
        """
        with self.transaction() as conn:
            feed = conn.execute(
                f"SELECT feeds.* FROM {_POLLED} WHERE feeds.id = ? AND landed_number < ? AND {_WATCHED}",  # noqa: S608 — only our own text
                (task.feed_id, task.number),
            ).fetchone()
            if feed is None:
                return None
            memory = recall_feed(conn, feed, (*result.snapshot.entries, *result.earlier), result.at)
            decision = decide(memory, result)
            write_decision(Landing(conn, feed, task, result, decision), memory.snapshot)
        return decision

    def record_unchanged(self, polls: Sequence[UnchangedPoll]) -> tuple[int, ...]:
        """Land polls that brought nothing new, all in one transaction.

        Returns the feeds where another result landed since the poll was taken: what was unchanged
        then says nothing now, so they are due again at once, unless a later poll has landed.
        """
        with self.transaction() as conn:
            return tuple(poll.task.feed_id for poll in polls if not write_unchanged(conn, poll))

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

    def resting_hosts(self, now: datetime) -> dict[str, datetime]:
        """The hosts that rest, and until when."""
        rows = self.query("SELECT * FROM hosts WHERE rest_until_at > ?", (stamp(now),))
        return {row["host"]: instant(row["rest_until_at"]) for row in rows}
