"""How a poll that failed is written, within the transaction of it and others."""

from __future__ import annotations

from dataclasses import replace

from feedwatch.core.model import FeedState, NoticeKind
from feedwatch.core.state import FailedPoll
from feedwatch.store.codec import stamp
from feedwatch.store.connection import Transaction
from feedwatch.store.owing import owe_notice

FAILURES_BEFORE_RETURNING = 3
"""Polls in a row that must fail at an address that is not the one named, before that is asked again."""


def write_failure(conn: Transaction, poll: FailedPoll) -> None:
    """Write a failed poll, unless a later one has landed or the feed has retired."""
    task = poll.task
    written = conn.execute(
        "UPDATE feeds SET last_polled_at = ?, next_poll_at = ?, landed_number = ? "
        "WHERE id = ? AND landed_number < ? AND state <> 'retired'",
        (stamp(poll.at), stamp(poll.next_poll_at), task.number, task.feed_id, task.number),
    ).rowcount
    if not written:
        return
    if poll.retire and _return_home(conn, poll):
        return
    # However many processes find a feed broken: it is told once.
    is_told = _is_broken_notice(poll) and conn.execute(_IS_ANNOUNCED, (task.feed_id,)).fetchone()[0]
    if poll.blamed:
        _blame_feed(conn, poll)
    if poll.notice and not is_told:
        owe_notice(conn, poll.notice, poll.notice_addresses)


_IS_ANNOUNCED = "SELECT broken_announced FROM feeds WHERE id = ?"


def _is_broken_notice(poll: FailedPoll) -> bool:
    return poll.notice is not None and poll.notice.kind is NoticeKind.FEED_BROKEN


def _blame_feed(conn: Transaction, poll: FailedPoll) -> None:
    conn.execute(
        "UPDATE feeds SET failures = failures + 1, failing_since_at = coalesce(failing_since_at, ?), "
        "state = ?, reason = ?, detail = ?, broken_announced = max(broken_announced, ?) WHERE id = ?",
        (
            stamp(poll.at),
            FeedState.RETIRED if poll.retire else FeedState.FAILING,
            poll.failure.reason,
            poll.failure.detail,
            _is_broken_notice(poll),
            poll.task.feed_id,
        ),
    )
    # Where a permanent redirect has led may be gone again; the address that is named may not.
    conn.execute(f"{_RETURN} AND failures >= ?", (poll.task.feed_id, FAILURES_BEFORE_RETURNING))


_RETURN = """
UPDATE feeds SET address = named_address, moved_to = NULL, moved_polls = 0, validators = '[]',
    body_digest = NULL, content_digest = NULL, parts = NULL WHERE id = ? AND address <> named_address
"""


def _return_home(conn: Transaction, poll: FailedPoll) -> bool:
    """Where a redirect has led is gone for good: only the address that is named retires a feed by that.

    It is due there at once. False if it was the address that is named.
    """
    if not conn.execute(_RETURN, (poll.task.feed_id,)).rowcount:
        return False
    _blame_feed(conn, replace(poll, retire=False, notice=None))
    conn.execute("UPDATE feeds SET next_poll_at = ? WHERE id = ?", (stamp(poll.at), poll.task.feed_id))
    return True
