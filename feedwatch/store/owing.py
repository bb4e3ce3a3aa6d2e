"""How a change or a notice becomes owed, within the transaction that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from feedwatch.core.model import Notice
from feedwatch.store.codec import stamp, write_instant, write_lines
from feedwatch.store.connection import Transaction, insert_row


def owe_change(conn: Transaction, change_id: int, address: str, at: datetime) -> None:
    """Owe a change to an address."""
    conn.execute(
        "INSERT INTO deliveries (address, change_id, not_before, state) VALUES (?, ?, ?, 'pending')",
        (address, change_id, stamp(at)),
    )


def owe_notice(conn: Transaction, notice: Notice, addresses: Sequence[str]) -> None:
    """Write a notice and owe it to addresses."""
    notice_id = insert_row(
        conn,
        "INSERT INTO notices (at, kind, account, feeds, reason, since_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            stamp(notice.at),
            notice.kind,
            notice.account,
            write_lines(notice.feeds),
            notice.reason,
            write_instant(notice.since_at),
        ),
    )
    conn.executemany(
        "INSERT INTO deliveries (address, notice_id, not_before, state) VALUES (?, ?, ?, 'pending')",
        [(address, notice_id, stamp(notice.at)) for address in dict.fromkeys(addresses)],
    )
