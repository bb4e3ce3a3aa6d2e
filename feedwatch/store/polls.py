"""Polls: taken with a number, and landed in one transaction each, or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from feedwatch.core.model import (
    Change,
    ChangeKind,
    Entry,
    FeedState,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Reason,
    Snapshot,
)
from feedwatch.core.state import (
    FailedPoll,
    FeedMemory,
    HeldReply,
    PollDecision,
    PollResult,
    PollTask,
    UnchangedPoll,
    Verdict,
)
from feedwatch.store.codec import (
    instant,
    read_facts,
    read_instant,
    read_validators,
    stamp,
    write_fact_changes,
    write_facts,
    write_instant,
    write_json,
    write_validators,
)
from feedwatch.store.connection import Connection
from feedwatch.store.outbox import owe_change, owe_notice

LEFT_ETAGS_KEPT = 16
POLLS_BEFORE_MOVING = 3
"""Polls in a row that must agree on a permanent redirect before its address is taken over."""

Decide = Callable[[FeedMemory, PollResult], PollDecision]

_POLLED = "feeds JOIN accounts ON accounts.name = feeds.account"
_WATCHED = "accounts.configured AND feeds.state <> 'retired'"


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
    ) -> tuple[PollTask, ...]:
        """Take feeds to poll, each with the next poll number: those due, or all (`due_only=False`).

        `feeds` narrows it to some by name; those whose ids are in `exclude` are under way already.
        """
        where, parameters = _WATCHED, list[object]()
        if due_only:
            where += " AND feeds.next_poll_at <= ?"
            parameters.append(stamp(now))
        if feeds is not None:
            where += " AND feeds.account || '/' || feeds.name IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(feeds)))
        if exclude:
            where += " AND feeds.id NOT IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(exclude)))
        sql = f"SELECT feeds.* FROM {_POLLED} WHERE {where} ORDER BY feeds.next_poll_at LIMIT ?"  # noqa: S608
        rows = self.query(sql, (*parameters, limit))
        if not rows:
            return ()
        with self.transaction() as conn:
            conn.executemany(
                "UPDATE feeds SET poll_number = poll_number + 1 WHERE id = ?", [(row["id"],) for row in rows]
            )
            # Read again: another process may have taken or landed one since.
            taken = json.dumps([row["id"] for row in rows])
            again = conn.execute(
                "SELECT * FROM feeds WHERE id IN (SELECT value FROM json_each(?)) ORDER BY next_poll_at",
                (taken,),
            ).fetchall()
        return tuple(_task(row) for row in again)

    def next_poll_due_at(self) -> datetime | None:
        """When the next feed is due."""
        row = self.query(f"SELECT min(feeds.next_poll_at) AS at FROM {_POLLED} WHERE {_WATCHED}")[0]  # noqa: S608
        return read_instant(row["at"])

    def postpone_poll(self, task: PollTask, until: datetime) -> None:
        """Put a poll off that was taken but not made: its host asked for rest."""
        with self.transaction() as conn:
            conn.execute(
                "UPDATE feeds SET next_poll_at = max(next_poll_at, ?) WHERE id = ?",
                (stamp(until), task.feed_id),
            )

    def record_poll(self, task: PollTask, result: PollResult, decide: Decide) -> PollDecision | None:
        """Land a list: decide and write, in one transaction. None if a later poll has landed (law 11)."""
        with self.transaction() as conn:
            row = conn.execute("SELECT * FROM feeds WHERE id = ?", (task.feed_id,)).fetchone()
            if row is None or task.number <= row["landed_number"]:
                return None
            memory = _recall(conn, row, result.snapshot)
            decision = decide(memory, result)
            if decision.verdict is Verdict.HELD:
                _write_held(conn, task, result, decision)
            else:
                _write_believed(conn, row, task, result, memory, decision)
        return decision

    def record_unchanged(self, polls: Sequence[UnchangedPoll]) -> tuple[int, ...]:
        """Land polls that brought nothing new, all in one transaction.

        Returns the feeds where another result landed since the poll was taken: what was unchanged
        then says nothing now, so they are due again at once.
        """
        late: list[int] = []
        with self.transaction() as conn:
            for poll in polls:
                written = conn.execute(_UNCHANGED, _unchanged_row(poll)).rowcount
                if not written:
                    late.append(poll.task.feed_id)
                    continue
                if poll.moved_to != poll.task.moved_to or poll.moved_to:
                    _count_move(
                        conn, poll.task.feed_id, poll.task.moved_to, poll.task.moved_polls, poll.moved_to
                    )
                if poll.notice:
                    owe_notice(conn, poll.notice, poll.notice_addresses)
            if late:
                now = stamp(polls[0].at)
                conn.executemany(
                    "UPDATE feeds SET next_poll_at = ? WHERE id = ?", [(now, id_) for id_ in late]
                )
        return tuple(late)

    def record_failures(self, polls: Sequence[FailedPoll]) -> None:
        """Write failed polls. What is known of their lists is not touched (law 7)."""
        with self.transaction() as conn:
            for poll in polls:
                _write_failure(conn, poll)

    def take_baseline_notice(self, now: datetime, addresses: Sequence[str]) -> Notice | None:
        """One notice for all lists seen for the first time since the last one; None if there are none."""
        pending = (
            "SELECT id, account, name, entry_count FROM feeds WHERE baseline_pending ORDER BY account, id"
        )
        if not self.query(pending):
            return None
        with self.transaction() as conn:
            rows = conn.execute(pending).fetchall()
            lines = tuple(NoticeLine(f"{row['account']}/{row['name']}", row["entry_count"]) for row in rows)
            notice = Notice(NoticeKind.WATCHING, now, feeds=lines)
            conn.executemany(
                "UPDATE feeds SET baseline_pending = 0 WHERE id = ?", [(row["id"],) for row in rows]
            )
            owe_notice(conn, notice, addresses)
        return notice

    def record_notice(self, notice: Notice, addresses: Sequence[str]) -> None:
        """Owe a notice to addresses."""
        with self.transaction() as conn:
            owe_notice(conn, notice, addresses)

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


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def read_snapshot(conn: sqlite3.Connection, row: sqlite3.Row) -> Snapshot | None:
    """The last snapshot of a feed, in order; None if there is none."""
    if row["compared_as"] is None:
        return None
    placed, loose = json.loads(row["entry_order"])
    found = {e["key"]: e for e in conn.execute("SELECT * FROM entries WHERE feed_id = ?", (row["id"],))}
    entries = [_entry(found[key], rank) for rank, key in enumerate(placed, start=1)]
    entries += [_entry(found[key], None) for key in loose]
    return Snapshot(tuple(entries), whole=bool(row["whole"]), ordered=bool(row["ordered"]))


def _entry(row: sqlite3.Row, position: int | None) -> Entry:
    return Entry(
        key=row["key"],
        title=row["title"],
        link=row["link"],
        position=position,
        facts=read_facts(row["facts"]),
        dated_at=read_instant(row["dated_at"]),
        alias=row["alias"],
    )


def _task(row: sqlite3.Row) -> PollTask:
    every = row["every_seconds"]
    return PollTask(
        feed_id=row["id"],
        account=row["account"],
        name=row["name"],
        kind=Kind(row["kind"]),
        address=row["address"],
        number=row["poll_number"],
        landed=row["landed_number"],
        state=FeedState(row["state"]),
        first=row["compared_as"] is None,
        validators=read_validators(row["validators"]),
        believed_at=read_instant(row["believed_at"]),
        body_digest=row["body_digest"],
        content_digest=row["content_digest"],
        every=timedelta(seconds=every) if every else None,
        announce_baseline=bool(row["announce_baseline"]),
        compare_content=bool(row["compare_content"]),
        paging_refused=bool(row["paging_refused"]),
        moved_to=row["moved_to"],
        moved_polls=row["moved_polls"],
        failures=row["failures"],
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
    )


def _recall(conn: sqlite3.Connection, row: sqlite3.Row, coming: Snapshot) -> FeedMemory:
    held = HeldReply(Reason(row["held_reason"]), row["held_digest"]) if row["held_reason"] else None
    return FeedMemory(
        snapshot=read_snapshot(conn, row),
        compared_as=row["compared_as"],
        seen=_seen(conn, row["id"], coming),
        held=held,
        body_etag=row["body_etag"],
        left_etags=tuple(json.loads(row["left_etags"])),
        grows_at_end=bool(row["grows_at_end"]),
        failures=row["failures"],
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
    )


def _seen(conn: sqlite3.Connection, feed_id: int, coming: Snapshot) -> frozenset[str]:
    """Keys and aliases of coming entries that this feed has shown before."""
    keys = json.dumps([entry.key for entry in coming.entries])
    aliases = json.dumps([entry.alias for entry in coming.entries if entry.alias])
    rows = conn.execute(
        "SELECT key AS seen FROM departed WHERE feed_id = ? AND key IN (SELECT value FROM json_each(?)) "
        "UNION SELECT alias FROM departed WHERE feed_id = ? AND alias IN (SELECT value FROM json_each(?))",
        (feed_id, keys, feed_id, aliases),
    )
    return frozenset(row["seen"] for row in rows)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def _write_held(conn: sqlite3.Connection, task: PollTask, result: PollResult, decision: PollDecision) -> None:
    held = decision.held
    assert held is not None
    conn.execute(
        "UPDATE feeds SET state = ?, reason = ?, detail = '', held_reason = ?, held_digest = ?, "
        "last_polled_at = ?, next_poll_at = ?, landed_number = ? WHERE id = ?",
        (
            FeedState.HELD,
            held.reason,
            held.reason,
            held.digest,
            stamp(result.at),
            stamp(decision.next_poll_at),
            task.number,
            task.feed_id,
        ),
    )


def _write_believed(
    conn: sqlite3.Connection,
    row: sqlite3.Row,
    task: PollTask,
    result: PollResult,
    memory: FeedMemory,
    decision: PollDecision,
) -> None:
    snapshot = decision.snapshot
    assert snapshot is not None
    _write_entries(conn, task.feed_id, memory.snapshot, snapshot, decision.rekeyed, result.at)
    _write_departed(conn, task.feed_id, decision, snapshot, result.at)
    change_ids = [_write_change(conn, task, change, result.at) for change in decision.changes]
    for index, address in decision.deliveries:
        owe_change(conn, change_ids[index], address, result.at)
    if decision.notice:
        owe_notice(conn, decision.notice, decision.notice_addresses)
    _write_feed(conn, row, task, result, decision)
    _count_move(conn, task.feed_id, row["moved_to"], row["moved_polls"], result.moved_to)


def _write_feed(
    conn: sqlite3.Connection, row: sqlite3.Row, task: PollTask, result: PollResult, decision: PollDecision
) -> None:
    snapshot = decision.snapshot
    assert snapshot is not None
    placed = [entry.key for entry in snapshot.entries if entry.position is not None]
    loose = [entry.key for entry in snapshot.entries if entry.position is None]
    left = json.loads(row["left_etags"])
    if row["body_etag"] is not None and row["body_etag"] != result.body_etag:
        left = [*(etag for etag in left if etag != row["body_etag"]), row["body_etag"]][-LEFT_ETAGS_KEPT:]
    silent_baseline = decision.verdict is Verdict.BASELINE and not decision.changes
    values = {
        "state": FeedState.OK,
        "reason": None,
        "detail": "",
        "last_polled_at": stamp(result.at),
        "next_poll_at": stamp(decision.next_poll_at),
        "landed_number": task.number,
        "failures": 0,
        "failing_since_at": None,
        "broken_announced": 0,
        "validators": write_validators(result.validators),
        "believed_at": stamp(result.at),
        "body_digest": result.body_digest,
        "content_digest": result.content_digest,
        "body_etag": result.body_etag,
        "left_etags": write_json([etag for etag in left if etag != result.body_etag]),
        "paging_refused": result.paging_refused,
        "held_reason": None,
        "held_digest": None,
        "compared_as": decision.compared_as,
        "whole": snapshot.whole,
        "ordered": snapshot.ordered,
        "entry_order": write_json([placed, loose]),
        "entry_count": len(snapshot.entries),
        "grows_at_end": decision.grows_at_end,
        "baseline_pending": bool(row["baseline_pending"]) or silent_baseline,
    }
    columns = ", ".join(f"{name} = :{name}" for name in values)
    conn.execute(f"UPDATE feeds SET {columns} WHERE id = :id", {**values, "id": task.feed_id})  # noqa: S608


def _write_entries(
    conn: sqlite3.Connection,
    feed_id: int,
    before: Snapshot | None,
    after: Snapshot,
    rekeyed: Mapping[str, str],
    at: datetime,
) -> None:
    """Write the entries that differ, and none but those; places are not theirs to keep."""
    old = {entry.key: replace(entry, position=None) for entry in before.entries} if before else {}
    new = {entry.key: replace(entry, position=None) for entry in after.entries}
    for key, was in rekeyed.items():
        conn.execute("UPDATE entries SET key = ? WHERE feed_id = ? AND key = ?", (key, feed_id, was))
        old[key] = old.pop(was)
    gone = [(feed_id, key) for key in old if key not in new]
    conn.executemany("DELETE FROM entries WHERE feed_id = ? AND key = ?", gone)
    rows = [
        (
            feed_id,
            entry.key,
            entry.title,
            entry.link,
            write_facts(entry.facts),
            write_instant(entry.dated_at),
            entry.alias,
            stamp(at),
        )
        for entry in new.values()
        if old.get(entry.key) != entry
    ]
    conn.executemany(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (feed_id, key) DO UPDATE SET "
        "title = excluded.title, link = excluded.link, facts = excluded.facts, "
        "dated_at = excluded.dated_at, alias = excluded.alias",
        rows,
    )


def _write_departed(
    conn: sqlite3.Connection, feed_id: int, decision: PollDecision, after: Snapshot, at: datetime
) -> None:
    present = json.dumps([entry.key for entry in after.entries])
    conn.execute(
        "DELETE FROM departed WHERE feed_id = ? AND key IN (SELECT value FROM json_each(?))",
        (feed_id, present),
    )
    removed = [(feed_id, c.entry.key) for c in decision.changes if c.kind is ChangeKind.REMOVED]
    conn.executemany("DELETE FROM departed WHERE feed_id = ? AND key = ?", removed)
    rows = [(feed_id, entry.key, entry.alias, stamp(at)) for entry in decision.departed]
    conn.executemany("INSERT OR REPLACE INTO departed VALUES (?, ?, ?, ?)", rows)


def _write_change(conn: sqlite3.Connection, task: PollTask, change: Change, at: datetime) -> int:
    entry = change.entry
    cursor = conn.execute(
        "INSERT INTO changes (at, feed_id, feed_kind, kind, key, title, link, position, previous_position, "
        "facts, entry_facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stamp(at),
            task.feed_id,
            task.kind,
            change.kind,
            entry.key,
            entry.title,
            entry.link,
            change.position,
            change.previous_position,
            write_fact_changes(change.facts),
            write_facts(entry.facts),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


_UNCHANGED = """
UPDATE feeds SET landed_number = :number, last_polled_at = :at, next_poll_at = :next, failures = 0,
    failing_since_at = NULL, broken_announced = 0, reason = NULL, detail = '',
    held_reason = NULL, held_digest = NULL, state = 'ok',
    validators = coalesce(:validators, validators), body_digest = coalesce(:body_digest, body_digest),
    believed_at = coalesce(:believed_at, believed_at)
WHERE id = :id AND landed_number = :landed AND state <> 'retired'
"""


def _unchanged_row(poll: UnchangedPoll) -> dict[str, object]:
    return {
        "id": poll.task.feed_id,
        "number": poll.task.number,
        "landed": poll.task.landed,
        "at": stamp(poll.at),
        "next": stamp(poll.next_poll_at),
        "validators": None if poll.validators is None else write_validators(poll.validators),
        "body_digest": poll.body_digest,
        "believed_at": stamp(poll.at) if poll.believed else None,
    }


def _count_move(
    conn: sqlite3.Connection, feed_id: int, known: str | None, polls: int, moved_to: str | None
) -> None:
    """Follow a permanent redirect for good once three polls in a row agree on it."""
    if moved_to is None and known is None:
        return
    count = polls + 1 if moved_to == known else 1
    if moved_to is not None and count >= POLLS_BEFORE_MOVING:
        conn.execute(
            "UPDATE feeds SET address = ?, moved_to = NULL, moved_polls = 0 WHERE id = ?", (moved_to, feed_id)
        )
    else:
        count = count if moved_to else 0
        conn.execute(
            "UPDATE feeds SET moved_to = ?, moved_polls = ? WHERE id = ?", (moved_to, count, feed_id)
        )


def _write_failure(conn: sqlite3.Connection, poll: FailedPoll) -> None:
    task = poll.task
    landed = (stamp(poll.at), stamp(poll.next_poll_at), task.number, task.feed_id, task.number)
    written = conn.execute(
        "UPDATE feeds SET last_polled_at = ?, next_poll_at = ?, landed_number = ? "
        "WHERE id = ? AND landed_number < ? AND state <> 'retired'",
        landed,
    ).rowcount
    if not written:
        return
    if poll.blamed:
        announced = poll.notice is not None and poll.notice.kind is NoticeKind.FEED_BROKEN
        conn.execute(
            "UPDATE feeds SET failures = failures + 1, failing_since_at = coalesce(failing_since_at, ?), "
            "state = ?, reason = ?, detail = ?, broken_announced = max(broken_announced, ?) WHERE id = ?",
            (
                stamp(poll.at),
                FeedState.RETIRED if poll.retire else FeedState.FAILING,
                poll.failure.reason,
                poll.failure.detail,
                announced,
                task.feed_id,
            ),
        )
    if poll.notice:
        owe_notice(conn, poll.notice, poll.notice_addresses)
