"""What the commands that only look may see."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from feedwatch.core.model import ChangeKind, FeedState, Kind, Reason, RecordedChange
from feedwatch.core.state import FeedStatus, StoredEntry
from feedwatch.store.codec import instant, read_fact_changes, read_facts, read_instant, read_reason, stamp
from feedwatch.store.connection import Connection
from feedwatch.store.polls import read_snapshot


class Views(Connection):
    """The store's words for looking."""

    def list_feeds(self) -> tuple[FeedStatus, ...]:
        """Every feed and how it fares."""
        rows = self.query(
            "SELECT feeds.*, accounts.configured, accounts.signed_out FROM feeds "
            "JOIN accounts ON accounts.name = feeds.account ORDER BY feeds.account, feeds.id"
        )
        return tuple(_feed_status(row) for row in rows)

    def list_entries(self, feed: str) -> tuple[StoredEntry, ...] | None:
        """A list as last seen, in order; None if there is no such feed."""
        rows = self.query("SELECT * FROM feeds WHERE account || '/' || name = ?", (feed,))
        if not rows:
            return None
        snapshot = read_snapshot(self._conn, rows[0])
        seen = self.query("SELECT key, first_seen_at FROM entries WHERE feed_id = ?", (rows[0]["id"],))
        first_seen = {row["key"]: instant(row["first_seen_at"]) for row in seen}
        return tuple(StoredEntry(e, first_seen[e.key]) for e in (snapshot.entries if snapshot else ()))

    def list_changes(
        self, *, feed: str | None = None, since_at: datetime | None = None
    ) -> tuple[RecordedChange, ...]:
        """What changed, newest last."""
        rows = self.query(
            "SELECT changes.*, feeds.account, feeds.name FROM changes "
            "JOIN feeds ON feeds.id = changes.feed_id "
            "WHERE (?1 IS NULL OR feeds.account || '/' || feeds.name = ?1) "
            "AND (?2 IS NULL OR changes.at >= ?2) ORDER BY changes.id",
            (feed, stamp(since_at) if since_at else None),
        )
        return tuple(_change(row) for row in rows)


def _feed_status(row: sqlite3.Row) -> FeedStatus:
    state, reason = FeedState(row["state"]), read_reason(row["reason"])
    if not row["configured"]:
        state, reason = FeedState.RETIRED, Reason.NOT_CONFIGURED
    elif row["signed_out"] and state in (FeedState.NEW, FeedState.FAILING):
        state = FeedState.SIGNED_OUT
    return FeedStatus(
        feed=f"{row['account']}/{row['name']}",
        kind=Kind(row["kind"]),
        group=row["feed_group"],
        entries=row["entry_count"],
        state=state,
        reason=reason,
        detail=row["detail"],
        last_polled_at=read_instant(row["last_polled_at"]),
        next_poll_at=None if state is FeedState.RETIRED else read_instant(row["next_poll_at"]),
        failures=row["failures"],
        address=row["named_address"],
    )


def _change(row: sqlite3.Row) -> RecordedChange:
    return RecordedChange(
        id=row["id"],
        at=instant(row["at"]),
        account=row["account"],
        feed=row["name"],
        feed_kind=Kind(row["feed_kind"]),
        kind=ChangeKind(row["kind"]),
        key=row["key"],
        title=row["title"],
        link=row["link"],
        position=row["position"],
        previous_position=row["previous_position"],
        facts=read_fact_changes(row["facts"]),
        entry_facts=read_facts(row["entry_facts"]),
    )
