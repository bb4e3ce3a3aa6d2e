"""What the commands that only look may see."""

from __future__ import annotations

from datetime import datetime

from feedwatch.core.messages import OwedDelivery, WaitsFor
from feedwatch.core.model import FeedState, Kind, Reason, RecordedChange
from feedwatch.core.state import DeliveryStatus, FeedStatus, Silence, StoredEntry
from feedwatch.store.codec import instant, read_instant, read_reason, read_word, stamp
from feedwatch.store.connection import Connection, Row
from feedwatch.store.memory import CHANGE_COLUMNS, read_change, read_entry
from feedwatch.store.offering import find_recommended


class Views(Connection):
    """The store's words for looking."""

    def list_feeds(self) -> tuple[FeedStatus, ...]:
        """Every feed and how it fares."""
        return tuple(_feed_status(row) for row in self.query(_LIST_FEEDS))

    def count_feeds(self) -> int:
        """How many feeds are watched."""
        rows = self.query(
            "SELECT count(*) AS watched FROM feeds JOIN accounts ON accounts.name = feeds.account "
            "WHERE accounts.configured AND feeds.state <> ?",
            (FeedState.RETIRED,),
        )
        watched: int = rows[0]["watched"]
        return watched

    def list_entries(self, feed: str) -> tuple[StoredEntry, ...] | None:
        """A list as last seen, in order; None if there is no such feed."""
        rows = self.query(_LIST_ENTRIES, (feed,))
        if not rows:
            return None
        # A list without entries is one row without an entry.
        return tuple(_stored_entry(row) for row in rows if row["key"] is not None)

    def list_changes(
        self, *, feed: str | None = None, since_at: datetime | None = None
    ) -> tuple[RecordedChange, ...]:
        """What changed, newest last."""
        rows = self.query(
            f"SELECT {CHANGE_COLUMNS} FROM changes "  # noqa: S608 — only our own text
            "JOIN feeds ON feeds.id = changes.feed_id "
            "WHERE (?1 IS NULL OR feeds.account || '/' || feeds.name = ?1) "
            "AND (?2 IS NULL OR changes.at >= ?2) ORDER BY changes.id",
            (feed, stamp(since_at) if since_at else None),
        )
        return tuple(read_change(row) for row in rows)

    def find_change(self, change_id: int) -> RecordedChange | None:
        """A change by its number; None if there is none, or no more."""
        rows = self.query(
            f"SELECT {CHANGE_COLUMNS} FROM changes JOIN feeds ON feeds.id = changes.feed_id "  # noqa: S608 — only our own text
            "WHERE changes.id = ?",
            (change_id,),
        )
        return read_change(rows[0]) if rows else None

    def list_deliveries(self, change_id: int) -> tuple[DeliveryStatus, ...]:
        """What became of a change at each address that it is or was owed to."""
        return tuple(_delivery_status(row) for row in self.query(_LIST_DELIVERIES, (change_id,)))

    def latest_changes(self, limit: int) -> tuple[OwedDelivery, ...]:
        """The newest changes, the oldest of them first, as if each were owed to somebody."""
        with self.reading() as conn:
            rows = conn.execute(
                f"SELECT {CHANGE_COLUMNS} FROM changes JOIN feeds ON feeds.id = changes.feed_id "  # noqa: S608 — only our own text
                "ORDER BY changes.id DESC LIMIT ?",
                (limit,),
            ).fetchall()
            changes = [read_change(row) for row in reversed(rows)]
            recommended = find_recommended(conn, changes)
        return tuple(OwedDelivery(each.id, "", each, each.id in recommended) for each in changes)


_LIST_DELIVERIES = """
SELECT deliveries.*, messages.id AS message, messages.state AS message_state, messages.title AS message_title,
    messages.next_attempt_at, messages.attempts, messages.detail AS message_detail,
    messages.waits_for AS message_waits_for, addresses.paused_at, silences.matcher, silences.comment,
    silences.created_at, silences.ends_at
FROM deliveries LEFT JOIN messages ON messages.id = deliveries.message_id
LEFT JOIN addresses ON addresses.address = deliveries.address
LEFT JOIN silences ON silences.id = deliveries.silence_id
WHERE deliveries.change_id = ? ORDER BY deliveries.id
"""


def _delivery_status(row: Row) -> DeliveryStatus:
    is_open = row["settled_at"] is None
    waits_for = (row["message_waits_for"] or row["waits_for"]) if is_open else None
    silence = None
    if row["matcher"] is not None:
        silence = Silence(
            row["silence_id"],
            row["matcher"],
            row["comment"],
            instant(row["created_at"]),
            instant(row["ends_at"]),
        )
    return DeliveryStatus(
        address=row["address"],
        state=row["state"],
        not_before=instant(row["not_before"]),
        manner=row["manner"],
        urgent=bool(row["urgent"]),
        waits_for=read_word(WaitsFor, waits_for) if waits_for else None,
        reason=read_reason(row["reason"]),
        settled_at=read_instant(row["settled_at"]),
        is_paused=is_open and row["paused_at"] is not None,
        silence=silence,
        message=row["message"],
        message_state=row["message_state"],
        message_title=row["message_title"] or "",
        attempts=row["attempts"] or 0,
        next_attempt_at=read_instant(row["next_attempt_at"]),
        detail=row["message_detail"] or "",
    )


# Place by place, and in one statement: order and entries are then of one moment, whoever writes.
_LIST_ENTRIES = """
SELECT entries.*, list.key AS is_loose, place.key AS place
FROM feeds LEFT JOIN list_orders ON list_orders.feed_id = feeds.id
JOIN json_each(coalesce(list_orders.entry_order, '[[],[]]')) AS list
LEFT JOIN json_each(list.value) AS place
LEFT JOIN entries ON entries.feed_id = feeds.id AND entries.key = place.value
WHERE feeds.account || '/' || feeds.name = ? ORDER BY list.key, place.key
"""


def _stored_entry(row: Row) -> StoredEntry:
    position = None if row["is_loose"] else row["place"] + 1
    return StoredEntry(read_entry(row, position), instant(row["first_seen_at"]))


# Not `feeds.*`: the order of a list is as long as the list.
_LIST_FEEDS = """
SELECT feeds.account, feeds.name, feeds.kind, feeds.feed_group, feeds.entry_count, feeds.state, feeds.reason,
    feeds.detail, feeds.paused_at, feeds.last_polled_at, feeds.next_poll_at, feeds.failures,
    feeds.named_address, accounts.configured, accounts.signed_out, accounts.reason AS account_reason,
    accounts.detail AS account_detail
FROM feeds JOIN accounts ON accounts.name = feeds.account ORDER BY feeds.account, feeds.id
"""


def _feed_status(row: Row) -> FeedStatus:
    state, reason, detail = read_word(FeedState, row["state"]), read_reason(row["reason"]), row["detail"]
    if not row["configured"]:
        state, reason, detail = FeedState.RETIRED, Reason.NOT_CONFIGURED, ""
    elif row["paused_at"] is not None and state is not FeedState.RETIRED:
        state, reason, detail = FeedState.PAUSED, None, ""
    elif row["signed_out"] and state is not FeedState.RETIRED:
        # It belongs to the account; feeds that still answer go on being polled.
        state, reason, detail = (
            FeedState.SIGNED_OUT,
            read_reason(row["account_reason"]),
            row["account_detail"],
        )
    return FeedStatus(
        feed=f"{row['account']}/{row['name']}",
        kind=read_word(Kind, row["kind"]),
        group=row["feed_group"],
        entries=row["entry_count"],
        state=state,
        reason=reason,
        detail=detail,
        last_polled_at=read_instant(row["last_polled_at"]),
        next_poll_at=None
        if state in (FeedState.RETIRED, FeedState.PAUSED)
        else read_instant(row["next_poll_at"]),
        failures=row["failures"],
        address=row["named_address"],
    )
