"""Accounts and their indexes: which feeds there are, and where."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from feedwatch.core.model import FeedState, FoundFeed, Notice, NoticeKind, Reason
from feedwatch.core.state import AccountStatus, IndexEffect, KnownFeed
from feedwatch.store.codec import read_facts, read_instant, read_reason, stamp, write_facts, write_instant
from feedwatch.store.connection import Connection
from feedwatch.store.outbox import owe_notice

MISSING_BEFORE_RETIRING = 2
"""Indexes in a row that must lack a feed before it retires (law 12)."""


class Indexes(Connection):
    """The store's words about accounts."""

    def sync_accounts(self, accounts: Mapping[str, str], now: datetime) -> tuple[str, ...]:
        """Take over which accounts are configured, each with a stamp of its credentials.

        A new stamp ends the signed-out state and makes the index due. Feeds of accounts that are no
        longer configured rest until the account is back. Returns whose signed-out state has ended.
        """
        back: list[str] = []
        known = {row["name"]: row for row in self.query("SELECT * FROM accounts")}
        if all(_is_synced(known.get(name), mark) for name, mark in accounts.items()) and not any(
            row["configured"] for name, row in known.items() if name not in accounts
        ):
            return ()
        with self.transaction() as conn:
            conn.execute("UPDATE accounts SET configured = 0")
            for name, mark in accounts.items():
                row = known.get(name)
                if row is not None and row["signed_out"] and row["stamp"] != mark:
                    back.append(name)
                _sync_account(conn, name, mark, row, now)
        return tuple(back)

    def due_accounts(self, now: datetime) -> tuple[str, ...]:
        """The accounts whose index is to be read."""
        rows = self.query(
            "SELECT name FROM accounts WHERE configured AND next_index_at <= ? ORDER BY next_index_at",
            (stamp(now),),
        )
        return tuple(row["name"] for row in rows)

    def ask_index(self, account: str, now: datetime) -> None:
        """Make an account's index due now, unless it is signed out."""
        with self.transaction() as conn:
            conn.execute(
                "UPDATE accounts SET next_index_at = ? WHERE name = ? AND NOT signed_out",
                (stamp(now), account),
            )

    def account_statuses(self) -> tuple[AccountStatus, ...]:
        """What is known of each configured account."""
        rows = self.query("SELECT * FROM accounts WHERE configured ORDER BY name")
        return tuple(_account_status(row) for row in rows)

    def known_feeds(self, account: str) -> tuple[KnownFeed, ...]:
        """The feeds that an account has or had."""
        rows = self.query("SELECT * FROM feeds WHERE account = ? ORDER BY id", (account,))
        return tuple(
            KnownFeed(row["name"], row["title"], row["named_address"], row["state"] == FeedState.RETIRED)
            for row in rows
        )

    def record_index(
        self,
        account: str,
        found: Sequence[FoundFeed],
        *,
        now: datetime,
        next_index_at: datetime,
        authoritative: bool,
        facts: Mapping[str, str],
        make_notices: Callable[[IndexEffect], Sequence[Notice]],
        notice_addresses: Sequence[str],
    ) -> IndexEffect:
        """Take over an account's index as read: feeds new, back, at a new address, missing.

        A feed keeps its state whatever its address becomes (law 6); it retires when two indexes in a
        row lack it, at once where the index is the configuration itself (`authoritative`).
        """
        with self.transaction() as conn:
            known = {
                row["name"]: row for row in conn.execute("SELECT * FROM feeds WHERE account = ?", (account,))
            }
            new, back, moved = [], [], []
            for feed in found:
                row = known.get(feed.name)
                if row is None:
                    _add_feed(conn, account, feed, now)
                    new.append(feed.name)
                    continue
                if row["named_address"] != feed.address:
                    moved.append(feed.name)
                if _update_feed(conn, row, feed, now):
                    back.append(feed.name)
            names = {feed.name for feed in found}
            gone = [
                name
                for name, row in known.items()
                if name not in names and _miss_feed(conn, row, authoritative=authoritative)
            ]
            effect = IndexEffect(tuple(new), tuple(back), tuple(moved), tuple(gone))
            merged = {**_facts_of(conn, account), **facts}
            conn.execute(
                "UPDATE accounts SET next_index_at = ?, failures = 0, failing_since_at = NULL, "
                "reason = NULL, detail = '', broken_announced = 0, signed_out = 0, facts = ? WHERE name = ?",
                (stamp(next_index_at), write_facts(merged), account),
            )
            for notice in make_notices(effect):
                owe_notice(conn, notice, notice_addresses)
        return effect

    def record_index_failure(
        self,
        account: str,
        *,
        now: datetime,
        next_index_at: datetime,
        reason: Reason,
        detail: str,
        signed_out: bool,
        notice: Notice | None,
        notice_addresses: Sequence[str],
    ) -> None:
        """Write that an index could not be read. Signed out, it is not asked for again by itself."""
        announced_broken = notice is not None and notice.kind is NoticeKind.ACCOUNT_BROKEN
        with self.transaction() as conn:
            conn.execute(
                "UPDATE accounts SET next_index_at = ?, failures = failures + 1, "
                "failing_since_at = coalesce(failing_since_at, ?), reason = ?, detail = ?, signed_out = ?, "
                "broken_announced = max(broken_announced, ?) WHERE name = ?",
                (
                    None if signed_out else stamp(next_index_at),
                    stamp(now),
                    reason,
                    detail,
                    signed_out,
                    announced_broken,
                    account,
                ),
            )
            if notice:
                owe_notice(conn, notice, notice_addresses)


def _is_synced(row: sqlite3.Row | None, mark: str) -> bool:
    return row is not None and row["configured"] and row["stamp"] == mark


def _sync_account(
    conn: sqlite3.Connection, name: str, mark: str, row: sqlite3.Row | None, now: datetime
) -> None:
    if row is None:
        conn.execute(
            "INSERT INTO accounts (name, configured, stamp, next_index_at) VALUES (?, 1, ?, ?)",
            (name, mark, stamp(now)),
        )
    elif row["stamp"] != mark:
        conn.execute(
            "UPDATE accounts SET configured = 1, stamp = ?, signed_out = 0, next_index_at = ? WHERE name = ?",
            (mark, stamp(now), name),
        )
    else:
        # Back in the configuration after a while: its index may have moved on.
        due = row["next_index_at"] if row["configured"] or row["signed_out"] else stamp(now)
        conn.execute("UPDATE accounts SET configured = 1, next_index_at = ? WHERE name = ?", (due, name))


def _account_status(row: sqlite3.Row) -> AccountStatus:
    return AccountStatus(
        name=row["name"],
        signed_out=bool(row["signed_out"]),
        reason=read_reason(row["reason"]),
        detail=row["detail"],
        failures=row["failures"],
        next_index_at=read_instant(row["next_index_at"]),
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
        facts=read_facts(row["facts"]),
    )


def _facts_of(conn: sqlite3.Connection, account: str) -> dict[str, str]:
    row = conn.execute("SELECT facts FROM accounts WHERE name = ?", (account,)).fetchone()
    return read_facts(row["facts"]) if row else {}


def _add_feed(conn: sqlite3.Connection, account: str, feed: FoundFeed, now: datetime) -> None:
    conn.execute(
        "INSERT INTO feeds (account, name, kind, address, named_address, title, feed_group, every_seconds, "
        "announce_baseline, compare_content, next_poll_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (account, feed.name, feed.kind, feed.address, feed.address, *_wishes(feed), write_instant(now)),
    )


def _update_feed(conn: sqlite3.Connection, row: sqlite3.Row, feed: FoundFeed, now: datetime) -> bool:
    """Bring a feed's row up to what the index says; True if it had retired and is back."""
    readdressed = row["named_address"] != feed.address
    if readdressed:
        conn.execute(
            "UPDATE feeds SET address = ?, named_address = ?, validators = '[]', body_digest = NULL, "
            "content_digest = NULL, paging_refused = 0, moved_to = NULL, moved_polls = 0, next_poll_at = ? "
            "WHERE id = ?",
            (feed.address, feed.address, stamp(now), row["id"]),
        )
    if row["kind"] != feed.kind or bool(row["compare_content"]) != feed.compare_content:
        # What is compared changes: the next reply must be read, whatever its bytes (law 5).
        conn.execute(
            "UPDATE feeds SET kind = ?, validators = '[]', body_digest = NULL, content_digest = NULL, "
            "next_poll_at = ? WHERE id = ?",
            (feed.kind, stamp(now), row["id"]),
        )
    conn.execute(
        "UPDATE feeds SET title = ?, feed_group = ?, every_seconds = ?, announce_baseline = ?, "
        "compare_content = ?, missing_indexes = 0 WHERE id = ?",
        (*_wishes(feed), row["id"]),
    )
    gone = row["reason"] == Reason.GONE and not readdressed
    if row["state"] != FeedState.RETIRED or gone:
        return False
    state = FeedState.NEW if row["compared_as"] is None else FeedState.OK
    conn.execute(
        "UPDATE feeds SET state = ?, reason = NULL, detail = '', failures = 0, failing_since_at = NULL, "
        "broken_announced = 0, next_poll_at = ? WHERE id = ?",
        (state, stamp(now), row["id"]),
    )
    return True


def _wishes(feed: FoundFeed) -> tuple[object, ...]:
    every = feed.every.total_seconds() if feed.every else None
    return feed.title, feed.group, every, feed.announce_baseline, feed.compare_content


def _miss_feed(conn: sqlite3.Connection, row: sqlite3.Row, *, authoritative: bool) -> bool:
    """Count a feed as missing from an index; True if that retires it."""
    if row["state"] == FeedState.RETIRED:
        # One that answered 410 rests only while its index lists it: if it returns, it is asked again.
        conn.execute("UPDATE feeds SET reason = ? WHERE id = ?", (Reason.LEFT_INDEX, row["id"]))
        return False
    missing = row["missing_indexes"] + 1
    if not authoritative and missing < MISSING_BEFORE_RETIRING:
        conn.execute("UPDATE feeds SET missing_indexes = ? WHERE id = ?", (missing, row["id"]))
        return False
    reason = Reason.NOT_CONFIGURED if authoritative else Reason.LEFT_INDEX
    conn.execute(
        "UPDATE feeds SET state = ?, reason = ?, detail = '', missing_indexes = ? WHERE id = ?",
        (FeedState.RETIRED, reason, missing, row["id"]),
    )
    return True
