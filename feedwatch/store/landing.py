"""How the result of a poll is written, within the transaction that its landing is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feedwatch.core.model import Change, ChangeKind, Entry, FeedState, Snapshot
from feedwatch.core.state import (
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
    stamp,
    write_all_facts,
    write_fact_changes,
    write_facts,
    write_instant,
    write_json,
    write_validators,
)
from feedwatch.store.connection import Row, Transaction, insert_row, read_plain
from feedwatch.store.digest import Columns, digest_list, tell_row
from feedwatch.store.owing import owe_change, owe_notice

LEFT_ETAGS_KEPT = 16
POLLS_BEFORE_MOVING = 3
"""Polls in a row that must agree on a permanent redirect before its address is taken over."""


@dataclass(frozen=True, slots=True)
class Landing:
    """A list that has come, and what was decided about it. `feed` is the feed's row before it lands.

    `told` is what the row of each entry that is remembered says (store/digest.py), by key; `at` is when the
    list was read, as it is written.
    """

    conn: Transaction
    feed: Row
    task: PollTask
    result: PollResult
    memory: FeedMemory
    told: Mapping[str, str]
    decision: PollDecision
    at: str


def write_decision(landing: Landing) -> None:
    """Write a list that is believed, or that one is held."""
    decision = landing.decision
    if decision.held is not None:
        _write_held(landing, decision.held)
    elif decision.snapshot is not None:
        _write_believed(landing, decision.snapshot)
    else:
        raise ValueError("a decision that neither holds a list nor believes one")


def write_unchanged(conn: Transaction, polls: Sequence[UnchangedPoll]) -> tuple[int, ...]:
    """Write that nothing is new; returns the feeds where something else landed since the poll was taken.

    Those are due again at once, but where what landed is the later poll: that one has spoken.
    """
    landed = _read_landed(conn, [poll.task.feed_id for poll in polls])
    in_time, late = list[UnchangedPoll](), list[UnchangedPoll]()
    for poll in polls:
        if landed.get(poll.task.feed_id) == poll.task.landed:
            landed[poll.task.feed_id] = poll.task.number
            in_time.append(poll)
        else:
            late.append(poll)
    conn.executemany(_UNCHANGED, [_unchanged_row(poll) for poll in in_time])
    conn.executemany(_DUE_AGAIN, [(stamp(poll.at), poll.task.feed_id, poll.task.number) for poll in late])
    for poll in in_time:
        task = poll.task
        _count_move(conn, task.feed_id, (task.moved_to, task.moved_polls), poll.moved_to)
        if poll.notice:
            owe_notice(conn, poll.notice, poll.notice_addresses)
    return tuple(poll.task.feed_id for poll in late)


# ── a list that is not believed yet ───────────────────────────────────────────────────────────────


def _write_held(landing: Landing, held: HeldReply) -> None:
    landing.conn.execute(
        "UPDATE feeds SET state = ?, reason = ?, detail = '', held_reason = ?, held_digest = ?, "
        "last_polled_at = ?, next_poll_at = ?, landed_number = ? WHERE id = ?",
        (
            FeedState.HELD,
            held.reason,
            held.reason,
            held.digest,
            landing.at,
            stamp(landing.decision.next_poll_at),
            landing.task.number,
            landing.task.feed_id,
        ),
    )


# ── a list that is believed ───────────────────────────────────────────────────────────────────────


def _write_believed(landing: Landing, after: Snapshot) -> None:
    conn, decision, feed = landing.conn, landing.decision, landing.feed
    written = _write_entries(landing, after.entries)
    _write_departed(landing, after)
    changes = [_write_change(landing, change) for change in decision.changes]
    for planned in decision.deliveries:
        owe_change(conn, changes[planned.change], planned, landing.result.at)
    if decision.notice:
        owe_notice(conn, decision.notice, decision.notice_addresses)
    _write_feed(landing, after, written)
    _count_move(conn, feed["id"], (feed["moved_to"], feed["moved_polls"]), landing.result.moved_to)


_BELIEVED = """
UPDATE feeds SET state = 'ok', reason = NULL, detail = '', last_polled_at = :at, next_poll_at = :next,
    landed_number = :number, failures = 0, failing_since_at = NULL, broken_announced = 0,
    validators = :validators, believed_at = :at, body_digest = :body_digest,
    content_digest = :content_digest, body_etag = :body_etag, body_total = :body_total,
    left_etags = :left_etags, paging_refused = :paging_refused, held_reason = NULL, held_digest = NULL,
    compared_as = :compared_as,
    whole = :whole, ordered = :ordered, entry_count = :entry_count,
    grows_at_end = :grows_at_end, baseline_pending = max(baseline_pending, :silent_baseline),
    list_digest = :list_digest, parts = :parts
WHERE id = :id
"""


def _write_feed(landing: Landing, after: Snapshot, written: Mapping[str, str]) -> None:
    """Write all of a feed that is no entry's; `written` is what the rows say that were written, by key."""
    result, decision = landing.result, landing.decision
    placed = [entry.key for entry in after.entries if entry.position is not None]
    loose = [entry.key for entry in after.entries if entry.position is None]
    order = write_json([placed, loose])
    told = {**landing.told, **written}
    values = {
        "id": landing.task.feed_id,
        "number": landing.task.number,
        "at": landing.at,
        "next": stamp(decision.next_poll_at),
        "validators": write_validators(result.validators),
        "body_digest": result.body_digest,
        "content_digest": result.content_digest,
        "body_etag": result.body_etag,
        "body_total": result.body_total,
        "left_etags": write_json(_leave_etag(landing.memory, result.body_etag)),
        "paging_refused": result.paging_refused,
        "compared_as": decision.compared_as,
        "whole": after.whole,
        "ordered": after.ordered,
        "list_digest": digest_list(order, [told[key] for key in (*placed, *loose)]),
        "entry_count": len(after.entries),
        "grows_at_end": decision.grows_at_end,
        "parts": result.parts if _shows_what_is_kept(result.snapshot, after) else None,
        "silent_baseline": decision.verdict is Verdict.BASELINE and not decision.changes,
    }
    landing.conn.execute(_BELIEVED, values)
    landing.conn.execute(_ORDER, (landing.task.feed_id, order))


_ORDER = """
INSERT INTO list_orders VALUES (?, ?)
ON CONFLICT (feed_id) DO UPDATE SET entry_order = excluded.entry_order
WHERE entry_order <> excluded.entry_order
"""


def _shows_what_is_kept(shown: Snapshot, kept: Snapshot) -> bool:
    """Whether each entry that a document showed is kept where it stood: by that it will be known again."""
    return shown is kept or [entry.key for entry in shown.entries] == [entry.key for entry in kept.entries]


def _leave_etag(memory: FeedMemory, coming: str | None) -> list[str]:
    """The body etags that a feed has left behind once it shows another."""
    left, shown = list(memory.left_etags), memory.body_etag
    if shown is not None and shown != coming:
        left = [*(etag for etag in left if etag != shown), shown]
    return [etag for etag in left if etag != coming][-LEFT_ETAGS_KEPT:]


def _write_entries(landing: Landing, after: tuple[Entry, ...]) -> dict[str, str]:
    """Write the entries that differ, and none but those; places are not theirs to keep. Gives what they say.

    One with a new key is written anew under it: renamed one by one, two that swap would collide.
    """
    conn, feed_id, rekeyed = landing.conn, landing.task.feed_id, landing.decision.rekeyed
    before = landing.memory.snapshot
    old = {entry.key: entry for entry in before.entries} if before else {}
    keys = {entry.key for entry in after}
    renamed = {was for key, was in rekeyed.items() if key != was}
    first_seen = _read_first_seen(landing, renamed)
    gone = [key for key in old if key not in keys or key in renamed]
    if gone:
        conn.executemany(
            "DELETE FROM entries WHERE feed_id = ? AND key = ?", [(feed_id, key) for key in gone]
        )
    for key in gone:
        del old[key]
    differing = [entry for entry in after if not _is_kept(old.get(entry.key), entry)]
    all_facts = write_all_facts([entry.facts for entry in differing])
    rows = [_entry_row(entry, facts) for entry, facts in zip(differing, all_facts, strict=True)]
    conn.executemany(
        _UPSERT_ENTRY,
        [(feed_id, *row, first_seen.get(rekeyed.get(row[0], ""), landing.at)) for row in rows],
    )
    return {row[0]: tell_row(row) for row in rows}


def _is_kept(was: Entry | None, entry: Entry) -> bool:
    """Whether what is kept of an entry under its key is what it says."""
    if was is None or was is entry:
        return was is entry
    return (
        was.title == entry.title
        and was.link == entry.link
        and was.facts == entry.facts
        and was.dated_at == entry.dated_at
        and was.alias == entry.alias
    )


_UPSERT_ENTRY = """
INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (feed_id, key) DO UPDATE SET
    title = excluded.title, link = excluded.link, facts = excluded.facts, dated_at = excluded.dated_at,
    alias = excluded.alias
"""


def _read_first_seen(landing: Landing, keys: set[str]) -> Mapping[str, str]:
    if not keys:
        return {}
    rows = landing.conn.execute(
        "SELECT key, first_seen_at FROM entries "
        "WHERE feed_id = ? AND key IN (SELECT value FROM json_each(?))",
        (landing.task.feed_id, json.dumps(list(keys))),
    )
    return {row["key"]: stamp(instant(row["first_seen_at"])) for row in rows}


def _entry_row(entry: Entry, facts: str) -> Columns:
    return entry.key, entry.title, entry.link, facts, write_instant(entry.dated_at), entry.alias


def _write_departed(landing: Landing, after: Snapshot) -> None:
    """Remember what left a window; forget what is back, and what was announced as removed."""
    if landing.feed["has_departed"]:
        _forget_departed(landing, after)
    feed_id = landing.task.feed_id
    rows = [(feed_id, entry.key, entry.alias, landing.at) for entry in landing.decision.departed]
    if rows:
        landing.conn.executemany("INSERT OR REPLACE INTO departed VALUES (?, ?, ?, ?)", rows)


def _forget_departed(landing: Landing, after: Snapshot) -> None:
    conn, feed_id = landing.conn, landing.task.feed_id
    back = [(feed_id, entry.key) for entry in after.entries if entry.key in landing.memory.seen]
    conn.executemany("DELETE FROM departed WHERE feed_id = ? AND key = ?", back)
    removed = [change.entry for change in landing.decision.changes if change.kind is ChangeKind.REMOVED]
    conn.executemany(
        # By alias too: it may have been here before under another id, and is news when it comes back.
        "DELETE FROM departed WHERE feed_id = ?1 AND (key = ?2 OR alias = ?3)",
        [(feed_id, entry.key, entry.alias) for entry in removed],
    )


def _write_change(landing: Landing, change: Change) -> int:
    entry = change.entry
    return insert_row(
        landing.conn,
        "INSERT INTO changes (at, feed_id, feed_kind, kind, key, title, link, position, previous_position, "
        "facts, entry_facts, picture, picture_own, excerpt, title_ref) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            landing.at,
            landing.task.feed_id,
            landing.task.kind,
            change.kind,
            entry.key,
            entry.title,
            entry.link,
            change.position,
            change.previous_position,
            write_fact_changes(change.facts),
            write_facts(entry.facts),
            entry.details.picture,
            entry.details.own,
            entry.details.text,
            entry.title_ref,
        ),
    )


# ── nothing new ───────────────────────────────────────────────────────────────────────────────────

_UNCHANGED = """
UPDATE feeds SET landed_number = ?, last_polled_at = ?, next_poll_at = ?, failures = 0,
    failing_since_at = NULL, broken_announced = 0, reason = NULL, detail = '',
    held_reason = NULL, held_digest = NULL, state = 'ok',
    validators = coalesce(?, validators), body_digest = coalesce(?, body_digest),
    believed_at = coalesce(?, believed_at)
WHERE id = ?
"""
_DUE_AGAIN = "UPDATE feeds SET next_poll_at = ? WHERE id = ? AND landed_number < ?"


def _unchanged_row(poll: UnchangedPoll) -> tuple[object, ...]:
    at = stamp(poll.at)
    return (
        poll.task.number,
        at,
        stamp(poll.next_poll_at),
        None if poll.validators is None else write_validators(poll.validators),
        poll.body_digest,
        at if poll.believed else None,
        poll.task.feed_id,
    )


def _read_landed(conn: Transaction, feeds: Sequence[int]) -> dict[int, int]:
    """The number of the poll that landed last for each of these feeds that has not retired."""
    return dict(
        read_plain(
            conn,
            "SELECT id, landed_number FROM feeds "
            "WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'retired'",
            (json.dumps(feeds),),
        )
    )


# ── a permanent redirect ──────────────────────────────────────────────────────────────────────────


def _count_move(conn: Transaction, feed_id: int, known: tuple[str | None, int], moved_to: str | None) -> None:
    """Follow a permanent redirect for good once three polls in a row agree on it.

    `known` is where it has been leading until now, and for how many polls in a row.
    """
    known_to, known_polls = known
    if moved_to is None and known_to is None:
        return
    polls = known_polls + 1 if moved_to == known_to else 1
    if moved_to is not None and polls >= POLLS_BEFORE_MOVING:
        conn.execute(
            "UPDATE feeds SET address = ?, moved_to = NULL, moved_polls = 0 WHERE id = ?", (moved_to, feed_id)
        )
        return
    conn.execute(
        "UPDATE feeds SET moved_to = ?, moved_polls = ? WHERE id = ?",
        (moved_to, polls if moved_to else 0, feed_id),
    )
