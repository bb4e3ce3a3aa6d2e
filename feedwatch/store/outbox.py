"""The outbox: deliveries owed, bound into messages, claimed for a time and settled.

A delivery is pending until a message binds it; a message is pending, claimed, delivered or dead. One
message at a time is under way for an address, and none overtakes; only deliveries that were set apart
(after refusals) go each by itself and block nothing.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from feedwatch.core.model import (
    ChangeKind,
    Composed,
    Kind,
    MessageState,
    Notice,
    NoticeKind,
    OwedDelivery,
    Reason,
    RecordedChange,
)
from feedwatch.core.state import ClaimedMessage, MessageStatus, Settled, Settlement
from feedwatch.store.codec import (
    instant,
    read_fact_changes,
    read_facts,
    read_instant,
    read_lines,
    read_reason,
    stamp,
    write_instant,
    write_lines,
)
from feedwatch.store.connection import Connection

Compose = Callable[[Sequence[OwedDelivery]], Composed]

OFFERED_AT_ONCE = 500
"""Deliveries offered to one message: more would not fit any service."""
DONE_SHOWN = 50

_OPEN = "state IN ('pending', 'claimed')"


class Outbox(Connection):
    """The store's words about deliveries and messages."""

    def sync_addresses(self, addresses: Collection[str], now: datetime) -> int:
        """Give up what is owed to addresses that are no longer configured; returns how many deliveries."""
        owed = {
            row["address"]
            for row in self.query(
                "SELECT DISTINCT address FROM deliveries WHERE state IN ('pending', 'bound')"
            )
        }
        gone = owed - set(addresses)
        if not gone:
            return 0
        with self.transaction() as conn:
            names = json.dumps(sorted(gone))
            conn.execute(
                f"UPDATE messages SET state = 'dead', reason = ?, settled_at = ?, token = NULL WHERE {_OPEN} "  # noqa: S608
                "AND address IN (SELECT value FROM json_each(?))",
                (Reason.TARGET_GONE, stamp(now), names),
            )
            return conn.execute(
                "UPDATE deliveries SET state = 'dead', reason = ?, settled_at = ? "
                "WHERE state IN ('pending', 'bound') AND address IN (SELECT value FROM json_each(?))",
                (Reason.TARGET_GONE, stamp(now), names),
            ).rowcount

    def due_addresses(self, now: datetime) -> tuple[str, ...]:
        """The addresses that have something to send now, and nothing under way that it must wait for."""
        at = stamp(now)
        rows = self.query(_DUE_ADDRESSES, (at, at, at, at, at))
        return tuple(row["address"] for row in rows)

    def claim_message(
        self,
        address: str,
        *,
        now: datetime,
        lease_until_at: datetime,
        owner: str,
        compose: Compose,
    ) -> ClaimedMessage | None:
        """Take what is due for an address until `lease_until_at`; None if nothing may be sent now.

        A message that was made before goes again unchanged. Otherwise `compose` makes one of the
        longest run of due deliveries that fits; the others wait for the next.
        """
        at = stamp(now)
        with self.transaction() as conn:
            if _is_under_way(conn, address, at):
                return None
            message_id = (
                _make_alone(conn, address, at, compose)
                or _find_due_message(conn, address, at)
                or _make_message(conn, address, at, compose)
            )
            if message_id is None:
                return None
            token = secrets.token_hex(16)
            conn.execute(
                "UPDATE messages SET state = 'claimed', attempts = attempts + 1, lease_until_at = ?, "
                "owner = ?, token = ? WHERE id = ?",
                (stamp(lease_until_at), owner, token, message_id),
            )
            row = conn.execute(
                "SELECT messages.*, addresses.last_delivered_at > messages.set_apart_at AS works "
                "FROM messages LEFT JOIN addresses USING (address) WHERE id = ?",
                (message_id,),
            ).fetchone()
        return _claimed(row)

    def settle_message(self, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> bool:
        """Record how an attempt ended. False if the claim no longer holds: then nothing is written."""
        with self.transaction() as conn:
            held = conn.execute(
                "SELECT 1 FROM messages WHERE id = ? AND token = ? AND state = 'claimed'",
                (claim.id, claim.token),
            ).fetchone()
            if held is None:
                return False
            if settlement.outcome is Settled.AGAIN:
                _put_back(conn, claim.id, settlement)
            elif settlement.outcome is Settled.SET_APART:
                _set_apart(conn, claim.id, settlement, now)
            else:
                _finish(conn, claim, settlement, now)
        return True

    def release_claims(self, is_alive: Callable[[str], bool], now: datetime) -> int:
        """Take back the claims of processes that are gone; returns how many."""
        owners = {
            row["owner"] for row in self.query("SELECT DISTINCT owner FROM messages WHERE state = 'claimed'")
        }
        gone = [owner for owner in owners if not is_alive(owner)]
        if not gone:
            return 0
        with self.transaction() as conn:
            return conn.execute(
                "UPDATE messages SET state = 'pending', token = NULL, next_attempt_at = ? "
                "WHERE state = 'claimed' AND owner IN (SELECT value FROM json_each(?))",
                (stamp(now), json.dumps(gone)),
            ).rowcount

    def retry_messages(self, ids: Collection[int] | None, now: datetime) -> int:
        """Make messages due now that wait or are dead (all of them for None); returns how many.

        The clock of giving up starts anew for those that were dead.
        """
        at = stamp(now)
        chosen, parameters = _chosen(ids)
        with self.transaction() as conn:
            dead = conn.execute(
                f"SELECT id FROM messages WHERE state = 'dead' AND {chosen}",  # noqa: S608
                parameters,
            ).fetchall()
            for row in dead:
                conn.execute(
                    "UPDATE messages SET state = 'pending', attempts = 0, refusals = 0, reason = NULL, "
                    "detail = '', settled_at = NULL, first_attempt_at = ?, next_attempt_at = ?, "
                    "set_apart_at = CASE WHEN alone THEN ? END WHERE id = ?",
                    (at, at, at, row["id"]),
                )
                conn.execute(
                    "UPDATE deliveries SET state = 'bound', reason = NULL, settled_at = NULL, "
                    "first_attempt_at = ? WHERE message_id = ?",
                    (at, row["id"]),
                )
            return conn.execute(
                f"UPDATE messages SET next_attempt_at = ? WHERE state = 'pending' AND {chosen}",  # noqa: S608
                (at, *parameters),
            ).rowcount

    def drop_messages(self, ids: Collection[int], now: datetime) -> int:
        """Give messages up; returns how many."""
        chosen, parameters = _chosen(ids)
        with self.transaction() as conn:
            rows = conn.execute(f"SELECT id FROM messages WHERE {_OPEN} AND {chosen}", parameters).fetchall()  # noqa: S608
            for row in rows:
                _kill(conn, row["id"], Reason.DROPPED, "", now)
        return len(rows)

    def list_messages(self) -> tuple[MessageStatus, ...]:
        """Messages waiting and dead, the newest of those done, and one line for what is not yet bound."""
        rows = self.query(
            "SELECT * FROM messages WHERE state <> 'delivered' UNION ALL SELECT * FROM "
            "(SELECT * FROM messages WHERE state = 'delivered' ORDER BY id DESC LIMIT ?) ORDER BY id",
            (DONE_SHOWN,),
        )
        unbound = self.query(
            "SELECT address, count(*) AS deliveries, min(not_before) AS at FROM deliveries "
            "WHERE state = 'pending' GROUP BY address ORDER BY address"
        )
        return (*(_message_status(row) for row in rows), *(_unbound_status(row) for row in unbound))


# ── owing ─────────────────────────────────────────────────────────────────────────────────────────


def owe_change(conn: sqlite3.Connection, change_id: int, address: str, at: datetime) -> None:
    """Owe a change to an address, within the transaction that wrote the change."""
    conn.execute(
        "INSERT INTO deliveries (address, change_id, not_before, state) VALUES (?, ?, ?, 'pending')",
        (address, change_id, stamp(at)),
    )


def owe_notice(conn: sqlite3.Connection, notice: Notice, addresses: Sequence[str]) -> None:
    """Write a notice and owe it to addresses, within a transaction."""
    cursor = conn.execute(
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
        [(address, cursor.lastrowid, stamp(notice.at)) for address in addresses],
    )


# ── claiming ──────────────────────────────────────────────────────────────────────────────────────

# A claim whose lease has run out is as good as pending: whoever held it is gone or hangs.
_FREE = "(state = 'pending' AND next_attempt_at <= ?) OR (state = 'claimed' AND lease_until_at <= ?)"

_DUE_ADDRESSES = f"""
SELECT address FROM messages AS due WHERE ({_FREE})
    AND NOT EXISTS (SELECT 1 FROM messages AS held WHERE held.address = due.address
                    AND held.state = 'claimed' AND held.lease_until_at > ?)
UNION
SELECT address FROM deliveries AS due WHERE state = 'pending' AND not_before <= ?
    AND NOT EXISTS (SELECT 1 FROM messages AS held WHERE held.address = due.address
                    AND ((held.state = 'pending' AND NOT held.alone)
                         OR (held.state = 'claimed' AND (NOT held.alone OR held.lease_until_at > ?))))
ORDER BY address
"""  # noqa: S608 — only our own text


def _find_due_message(conn: sqlite3.Connection, address: str, at: str) -> int | None:
    """A message made before whose time has come; the ordinary one before those set apart and refused."""
    row = conn.execute(
        f"SELECT id FROM messages WHERE address = ? AND ({_FREE}) "  # noqa: S608
        "ORDER BY alone, id LIMIT 1",
        (address, at, at),
    ).fetchone()
    return row["id"] if row else None


def _make_message(conn: sqlite3.Connection, address: str, at: str, compose: Compose) -> int | None:
    """Bind what is due, the oldest first, into a new message; None if it must wait or nothing is due."""
    waits = conn.execute(
        f"SELECT 1 FROM messages WHERE address = ? AND {_OPEN} AND NOT alone",  # noqa: S608
        (address,),
    ).fetchone()
    if waits:
        return None
    rows = conn.execute(_OFFER, (address, at, OFFERED_AT_ONCE)).fetchall()
    if not rows:
        return None
    composed = compose([_owed(row) for row in rows])
    bound = rows[: max(composed.count, 1)]
    return _write_message(conn, address, bound, composed, at)


def _make_alone(conn: sqlite3.Connection, address: str, at: str, compose: Compose) -> int | None:
    """Bind the next delivery that was set apart and has not been tried by itself; None if there is none."""
    offer = _OFFER.replace("WHERE", "WHERE deliveries.set_apart_at IS NOT NULL AND")
    row = conn.execute(offer, (address, at, 1)).fetchone()
    if row is None:
        return None
    return _write_message(conn, address, [row], compose([_owed(row)]), at)


def _is_under_way(conn: sqlite3.Connection, address: str, at: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM messages WHERE address = ? AND state = 'claimed' AND lease_until_at > ?", (address, at)
    ).fetchone()
    return row is not None


def _write_message(
    conn: sqlite3.Connection, address: str, bound: Sequence[sqlite3.Row], composed: Composed, at: str
) -> int:
    set_apart_at = bound[0]["set_apart_at"]
    # Giving up counts from a delivery's own first attempt, in whichever message that was.
    first_attempt_at = min((row["first_attempt_at"] or at for row in bound), default=at)
    cursor = conn.execute(
        "INSERT INTO messages (address, state, title, body, is_html, alone, set_apart_at, next_attempt_at, "
        "deliveries, created_at, first_attempt_at) VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            address,
            composed.title,
            composed.body,
            composed.is_html,
            set_apart_at is not None,
            set_apart_at,
            at,
            len(bound),
            at,
            first_attempt_at,
        ),
    )
    conn.executemany(
        "UPDATE deliveries SET state = 'bound', message_id = ?, "
        "first_attempt_at = coalesce(first_attempt_at, ?) WHERE id = ?",
        [(cursor.lastrowid, at, row["delivery_id"]) for row in bound],
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


_OFFER = """
SELECT deliveries.id AS delivery_id, deliveries.address, deliveries.change_id, deliveries.notice_id,
    deliveries.set_apart_at, deliveries.first_attempt_at,
    changes.at AS change_at, changes.feed_kind, changes.kind AS change_kind, changes.key, changes.title,
    changes.link, changes.position, changes.previous_position, changes.facts, changes.entry_facts,
    feeds.account AS feed_account, feeds.name AS feed_name,
    notices.at AS notice_at, notices.kind AS notice_kind, notices.account AS notice_account,
    notices.feeds, notices.reason AS notice_reason, notices.since_at
FROM deliveries
LEFT JOIN changes ON changes.id = deliveries.change_id
LEFT JOIN feeds ON feeds.id = changes.feed_id
LEFT JOIN notices ON notices.id = deliveries.notice_id
WHERE deliveries.address = ? AND deliveries.state = 'pending' AND deliveries.not_before <= ?
ORDER BY deliveries.id LIMIT ?
"""


def _owed(row: sqlite3.Row) -> OwedDelivery:
    subject = _owed_notice(row) if row["change_id"] is None else _owed_change(row)
    return OwedDelivery(row["delivery_id"], row["address"], subject)


def _owed_change(row: sqlite3.Row) -> RecordedChange:
    return RecordedChange(
        id=row["change_id"],
        at=instant(row["change_at"]),
        account=row["feed_account"],
        feed=row["feed_name"],
        feed_kind=Kind(row["feed_kind"]),
        kind=ChangeKind(row["change_kind"]),
        key=row["key"],
        title=row["title"],
        link=row["link"],
        position=row["position"],
        previous_position=row["previous_position"],
        facts=read_fact_changes(row["facts"]),
        entry_facts=read_facts(row["entry_facts"]),
    )


def _owed_notice(row: sqlite3.Row) -> Notice:
    return Notice(
        kind=NoticeKind(row["notice_kind"]),
        at=instant(row["notice_at"]),
        account=row["notice_account"],
        feeds=read_lines(row["feeds"]),
        reason=row["notice_reason"],
        since_at=read_instant(row["since_at"]),
    )


def _claimed(row: sqlite3.Row) -> ClaimedMessage:
    return ClaimedMessage(
        id=row["id"],
        address=row["address"],
        token=row["token"],
        title=row["title"],
        body=row["body"],
        is_html=bool(row["is_html"]),
        attempts=row["attempts"],
        refusals=row["refusals"],
        first_attempt_at=instant(row["first_attempt_at"]),
        alone=bool(row["alone"]),
        works=bool(row["works"]),
        deliveries=row["deliveries"],
    )


# ── settling ──────────────────────────────────────────────────────────────────────────────────────


def _put_back(conn: sqlite3.Connection, message_id: int, settlement: Settlement) -> None:
    assert settlement.next_attempt_at is not None
    conn.execute(
        "UPDATE messages SET state = 'pending', token = NULL, next_attempt_at = ?, reason = ?, detail = ?, "
        "refusals = refusals + ? WHERE id = ?",
        (
            stamp(settlement.next_attempt_at),
            settlement.reason,
            settlement.detail,
            settlement.refused,
            message_id,
        ),
    )


def _set_apart(conn: sqlite3.Connection, message_id: int, settlement: Settlement, now: datetime) -> None:
    """Dissolve a message: each of its deliveries will be tried by itself."""
    conn.execute(
        "UPDATE deliveries SET state = 'pending', message_id = NULL, set_apart_at = ?, reason = ? "
        "WHERE message_id = ?",
        (stamp(now), settlement.reason, message_id),
    )
    conn.execute("DELETE FROM messages WHERE id = ?", (message_id,))


def _finish(conn: sqlite3.Connection, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> None:
    if settlement.outcome is Settled.DEAD:
        _kill(conn, claim.id, settlement.reason or Reason.GAVE_UP, settlement.detail, now)
        return
    at = stamp(now)
    conn.execute(
        "UPDATE messages SET state = 'delivered', token = NULL, settled_at = ?, reason = ?, detail = '' "
        "WHERE id = ?",
        (at, settlement.reason, claim.id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'delivered', settled_at = ? WHERE message_id = ?", (at, claim.id)
    )
    conn.execute(
        "INSERT INTO addresses VALUES (?, ?) "
        "ON CONFLICT (address) DO UPDATE SET last_delivered_at = excluded.last_delivered_at",
        (claim.address, at),
    )


def _kill(conn: sqlite3.Connection, message_id: int, reason: Reason, detail: str, now: datetime) -> None:
    at = stamp(now)
    conn.execute(
        f"UPDATE messages SET state = '{MessageState.DEAD}', token = NULL, settled_at = ?, reason = ?, "  # noqa: S608
        "detail = ? WHERE id = ?",
        (at, reason, detail, message_id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'dead', settled_at = ?, reason = ? WHERE message_id = ?",
        (at, reason, message_id),
    )


def _chosen(ids: Collection[int] | None) -> tuple[str, tuple[str, ...]]:
    if ids is None:
        return "TRUE", ()
    return "id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)


def _message_status(row: sqlite3.Row) -> MessageStatus:
    waiting = row["state"] in (MessageState.PENDING, MessageState.CLAIMED)
    return MessageStatus(
        id=row["id"],
        address=row["address"],
        state=row["state"],
        attempts=row["attempts"],
        next_attempt_at=instant(row["next_attempt_at"]) if waiting else None,
        reason=read_reason(row["reason"]),
        detail=row["detail"],
        changes=row["deliveries"],
        created_at=instant(row["created_at"]),
    )


def _unbound_status(row: sqlite3.Row) -> MessageStatus:
    return MessageStatus(
        id=None,
        address=row["address"],
        state=MessageState.PENDING,
        attempts=0,
        next_attempt_at=instant(row["at"]),
        reason=None,
        detail="",
        changes=row["deliveries"],
        created_at=instant(row["at"]),
    )
