"""How a change or a notice becomes owed, within the transaction that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from feedwatch.core.model import Notice, Reason
from feedwatch.core.state import Planned
from feedwatch.store.codec import stamp, write_instant, write_lines
from feedwatch.store.connection import Transaction, insert_row


def owe_change(conn: Transaction, change_id: int, planned: Planned, at: datetime) -> None:
    """Owe a change to an address as it is planned; what is silenced is written down as dead by that."""
    silenced = planned.silence_id is not None
    conn.execute(
        "INSERT INTO deliveries (address, change_id, not_before, state, manner, urgent, waits_for, "
        "silence_id, reason, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            planned.address,
            change_id,
            stamp(planned.not_before or at),
            "dead" if silenced else "pending",
            planned.manner,
            planned.urgent,
            planned.waits_for,
            planned.silence_id,
            Reason.SILENCED if silenced else None,
            stamp(at) if silenced else None,
        ),
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
