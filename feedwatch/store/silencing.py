"""What a hand keeps from being told for a time: silences, and feeds that are not polled."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from feedwatch.core.model import Reason
from feedwatch.core.state import Silence, SilenceStatus
from feedwatch.store.codec import instant, stamp
from feedwatch.store.connection import Connection, Row, Transaction, insert_row


class Silencing(Connection):
    """The store's words about silences and paused feeds."""

    def add_silence(self, matcher: str, comment: str, now: datetime, ends_at: datetime) -> int:
        """Tell nothing of what fulfils a condition and happens before `ends_at`; returns its number."""
        with self.transaction() as conn:
            return insert_row(
                conn,
                "INSERT INTO silences (matcher, comment, created_at, ends_at) VALUES (?, ?, ?, ?)",
                (matcher, comment, stamp(now), stamp(ends_at)),
            )

    def list_silences(self) -> tuple[SilenceStatus, ...]:
        """Every silence that is remembered, oldest first, and how many changes each has kept back."""
        rows = self.query(
            "SELECT silences.*, (SELECT count(DISTINCT change_id) FROM deliveries "
            "WHERE silence_id = silences.id) AS kept FROM silences ORDER BY id"
        )
        return tuple(SilenceStatus(read_silence(row), row["kept"]) for row in rows)

    def expire_silences(self, ids: Collection[int], now: datetime) -> int:
        """End silences that have not ended; returns how many."""
        with self.transaction() as conn:
            return conn.execute(
                "UPDATE silences SET ends_at = ?1 WHERE ends_at > ?1 "
                "AND id IN (SELECT value FROM json_each(?2))",
                (stamp(now), json.dumps(list(ids))),
            ).rowcount

    def tell_silenced(self, ids: Collection[int], now: datetime) -> int:
        """Owe what silences have kept from being told, after all; returns how many deliveries.

        Now, but that a digest whose time is still to come has what belongs to it.
        """
        with self.transaction() as conn:
            return conn.execute(
                "UPDATE deliveries SET state = 'pending', reason = NULL, settled_at = NULL, "
                "silence_id = NULL, "
                "waits_for = iif(waits_for = 'digest' AND not_before > ?1, waits_for, NULL), "
                "not_before = iif(waits_for = 'digest', max(not_before, ?1), ?1) "
                "WHERE state = 'dead' AND reason = ?2 AND silence_id IN (SELECT value FROM json_each(?3))",
                (stamp(now), Reason.SILENCED, json.dumps(list(ids))),
            ).rowcount

    def pause_feeds(self, feeds: Collection[str], now: datetime) -> int:
        """Poll these feeds no more until they are resumed; returns how many were not paused yet."""
        with self.transaction() as conn:
            return conn.execute(
                f"UPDATE feeds SET paused_at = ? WHERE paused_at IS NULL AND {_NAMED}",  # noqa: S608 — only our own text
                (stamp(now), json.dumps(list(feeds))),
            ).rowcount

    def resume_feeds(self, feeds: Collection[str], now: datetime) -> int:
        """Poll these feeds again, at once; what has changed meanwhile is news. Returns how many were."""
        with self.transaction() as conn:
            return conn.execute(
                "UPDATE feeds SET paused_at = NULL, next_poll_at = min(next_poll_at, ?) "  # noqa: S608 — only our own text
                f"WHERE paused_at IS NOT NULL AND {_NAMED}",
                (stamp(now), json.dumps(list(feeds))),
            ).rowcount


_NAMED = "account || '/' || name IN (SELECT value FROM json_each(?))"


def read_silences(conn: Transaction, at: datetime) -> tuple[Silence, ...]:
    """The silences that are in force at an instant, oldest first."""
    rows = conn.execute("SELECT * FROM silences WHERE ends_at > ? ORDER BY id", (stamp(at),))
    return tuple(read_silence(row) for row in rows)


def read_silence(row: Row) -> Silence:
    """A silence from its row."""
    return Silence(
        row["id"], row["matcher"], row["comment"], instant(row["created_at"]), instant(row["ends_at"])
    )
