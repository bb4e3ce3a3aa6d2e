"""The outbox: deliveries owed, bound into messages, claimed for a time and settled.

A delivery is pending until a message binds it; a message is pending, claimed, delivered or dead, and
its deliveries with it. What was owed to a target that has gone is dead without a message if none
had bound it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from datetime import datetime

from feedwatch.core.model import MessageState, Reason
from feedwatch.core.state import ClaimedMessage, MessageStatus, Settled, Settlement
from feedwatch.store.claiming import DUE_ADDRESSES, Compose, choose_message, read_claim
from feedwatch.store.codec import instant, read_reason, stamp
from feedwatch.store.connection import Connection, Row, Transaction

DONE_SHOWN = 50

_OPEN = "state IN ('pending', 'claimed')"


class Outbox(Connection):
    """The store's words about deliveries and messages."""

    def sync_addresses(self, addresses: Collection[str], now: datetime) -> int:
        """Give up what is owed to addresses that are no longer configured; returns how many deliveries.

        It stays to be seen, and nothing of it is sent by itself should an address come back.
        """
        owed = self.query("SELECT DISTINCT address FROM deliveries WHERE state IN ('pending', 'bound')")
        gone = {row["address"] for row in owed} - set(addresses)
        if not gone:
            return 0
        names, at = json.dumps(sorted(gone)), stamp(now)
        with self.transaction() as conn:
            conn.execute(
                f"UPDATE messages SET state = 'dead', reason = ?, settled_at = ? WHERE {_OPEN} "  # noqa: S608 — only our own text
                "AND address IN (SELECT value FROM json_each(?))",
                (Reason.TARGET_GONE, at, names),
            )
            return conn.execute(
                "UPDATE deliveries SET state = 'dead', reason = ?, settled_at = ? "
                "WHERE state IN ('pending', 'bound') AND address IN (SELECT value FROM json_each(?))",
                (Reason.TARGET_GONE, at, names),
            ).rowcount

    def due_addresses(self, now: datetime) -> tuple[str, ...]:
        """The addresses that have something to send now, and nothing under way that it must wait for."""
        return tuple(row["address"] for row in self.query(DUE_ADDRESSES, {"at": stamp(now)}))

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
        with self.transaction() as conn:
            message_id = choose_message(conn, address, stamp(now), compose)
            if message_id is None:
                return None
            conn.execute(
                "UPDATE messages SET state = 'claimed', attempts = attempts + 1, lease_until_at = ?, "
                "owner = ?, token = ? WHERE id = ?",
                (stamp(lease_until_at), owner, secrets.token_hex(16), message_id),
            )
            return read_claim(conn, message_id)

    def settle_message(self, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> bool:
        """Record how an attempt ended. False if the claim no longer holds: then nothing is written.

        That a message arrived is recorded even if it was given up meanwhile: nobody shall send it again.
        """
        with self.transaction() as conn:
            row = conn.execute(
                "SELECT state FROM messages WHERE id = ? AND token = ?", (claim.id, claim.token)
            ).fetchone()
            if row is None or (row["state"] == "dead" and settlement.outcome is not Settled.DELIVERED):
                return False
            if settlement.outcome is Settled.AGAIN:
                _put_back(conn, claim.id, settlement, now)
            elif settlement.outcome is Settled.SET_APART:
                _set_apart(conn, claim.id, settlement, now)
            elif settlement.outcome is Settled.DEAD:
                _kill(conn, claim.id, settlement.reason or Reason.GAVE_UP, settlement.detail, now)
                conn.execute("UPDATE messages SET token = NULL WHERE id = ?", (claim.id,))
            else:
                _finish(conn, claim, settlement, now)
        return True

    def release_claims(self, is_alive: Callable[[str], bool], now: datetime) -> int:
        """Take back the claims of processes that are gone; returns how many."""
        claimed = self.query("SELECT DISTINCT owner FROM messages WHERE state = 'claimed'")
        gone = [row["owner"] for row in claimed if not is_alive(row["owner"])]
        if not gone:
            return 0
        with self.transaction() as conn:
            return conn.execute(
                "UPDATE messages SET state = 'pending', token = NULL, next_attempt_at = ? "
                "WHERE state = 'claimed' AND owner IN (SELECT value FROM json_each(?))",
                (stamp(now), json.dumps(gone)),
            ).rowcount

    def retry_messages(self, ids: Collection[int] | None, now: datetime) -> int:
        """Make due now what waits or is dead, all of it for None; returns how many messages.

        The clock of giving up starts anew for what was dead. What died before a message bound it is
        owed again, and counts as one message for each address.
        """
        at = stamp(now)
        chosen, parameters = _choose(ids)
        with self.transaction() as conn:
            unbound = _revive_unbound(conn) if ids is None else 0
            dead = conn.execute(
                f"SELECT id FROM messages WHERE state = 'dead' AND {chosen}",  # noqa: S608 — only our own text
                parameters,
            ).fetchall()
            for row in dead:
                _revive(conn, row["id"], at)
            return (
                unbound
                + conn.execute(
                    f"UPDATE messages SET next_attempt_at = ? WHERE state = 'pending' AND {chosen}",  # noqa: S608 — only our own text
                    (at, *parameters),
                ).rowcount
            )

    def drop_messages(self, ids: Collection[int], now: datetime) -> int:
        """Give messages up; returns how many."""
        chosen, parameters = _choose(ids)
        with self.transaction() as conn:
            rows = conn.execute(f"SELECT id FROM messages WHERE {_OPEN} AND {chosen}", parameters).fetchall()  # noqa: S608 — only our own text
            for row in rows:
                _kill(conn, row["id"], Reason.DROPPED, "", now)
        return len(rows)

    def list_messages(self) -> tuple[MessageStatus, ...]:
        """Messages waiting and dead, the newest of those done, and what no message has bound.

        The last are a line for each address: what is pending, and what died before it was bound.
        """
        return tuple(_message_status(row) for row in self.query(_LIST_MESSAGES, (DONE_SHOWN,)))


# ── settling ──────────────────────────────────────────────────────────────────────────────────────


def _put_back(conn: Transaction, message_id: int, settlement: Settlement, now: datetime) -> None:
    conn.execute(
        "UPDATE messages SET state = 'pending', token = NULL, next_attempt_at = ?, reason = ?, detail = ?, "
        "refusals = refusals + ? WHERE id = ?",
        (
            stamp(settlement.next_attempt_at or now),
            settlement.reason,
            settlement.detail,
            settlement.refused,
            message_id,
        ),
    )


def _set_apart(conn: Transaction, message_id: int, settlement: Settlement, now: datetime) -> None:
    """Dissolve a message: each of its deliveries will be tried by itself."""
    conn.execute(
        "UPDATE deliveries SET state = 'pending', message_id = NULL, set_apart_at = ?, reason = ? "
        "WHERE message_id = ?",
        (stamp(now), settlement.reason, message_id),
    )
    conn.execute("DELETE FROM messages WHERE id = ?", (message_id,))


def _finish(conn: Transaction, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> None:
    at = stamp(now)
    conn.execute(
        "UPDATE messages SET state = 'delivered', token = NULL, settled_at = ?, reason = ?, detail = '' "
        "WHERE id = ?",
        (at, settlement.reason, claim.id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'delivered', settled_at = ?, reason = NULL WHERE message_id = ?",
        (at, claim.id),
    )
    conn.execute(
        "INSERT INTO addresses (address, last_delivered_at) VALUES (?, ?) "
        "ON CONFLICT (address) DO UPDATE SET last_delivered_at = excluded.last_delivered_at",
        (claim.address, at),
    )


# ── giving up, and trying again ───────────────────────────────────────────────────────────────────


def _kill(conn: Transaction, message_id: int, reason: Reason, detail: str, now: datetime) -> None:
    at = stamp(now)
    conn.execute(
        "UPDATE messages SET state = 'dead', settled_at = ?, reason = ?, detail = ? WHERE id = ?",
        (at, reason, detail, message_id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'dead', settled_at = ?, reason = ? WHERE message_id = ?",
        (at, reason, message_id),
    )


def _revive(conn: Transaction, message_id: int, at: str) -> None:
    conn.execute(
        "UPDATE messages SET state = 'pending', token = NULL, attempts = 0, refusals = 0, reason = NULL, "
        "detail = '', settled_at = NULL, first_attempt_at = ?1, next_attempt_at = ?1, "
        "set_apart_at = CASE WHEN alone THEN ?1 END WHERE id = ?2",
        (at, message_id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'bound', reason = NULL, settled_at = NULL, first_attempt_at = ? "
        "WHERE message_id = ?",
        (at, message_id),
    )


def _revive_unbound(conn: Transaction) -> int:
    """Owe again what died before a message bound it; returns to how many addresses."""
    unbound = "state = 'dead' AND message_id IS NULL"
    rows = conn.execute(f"SELECT DISTINCT address FROM deliveries WHERE {unbound}").fetchall()  # noqa: S608 — only our own text
    conn.execute(
        "UPDATE deliveries SET state = 'pending', reason = NULL, settled_at = NULL, "  # noqa: S608 — only our own text
        f"first_attempt_at = NULL WHERE {unbound}"
    )
    return len(rows)


def _choose(ids: Collection[int] | None) -> tuple[str, tuple[str, ...]]:
    if ids is None:
        return "TRUE", ()
    return "id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)


# ── looking ───────────────────────────────────────────────────────────────────────────────────────

_SHOWN = "id, address, state, attempts, next_attempt_at, reason, detail, deliveries, created_at"

_LIST_MESSAGES = f"""
SELECT {_SHOWN} FROM messages WHERE state <> 'delivered'
UNION ALL SELECT * FROM (
    SELECT {_SHOWN} FROM messages WHERE state = 'delivered' ORDER BY id DESC LIMIT ?)
UNION ALL
SELECT NULL, address, state, 0, min(not_before), CASE state WHEN 'dead' THEN max(reason) END, '', count(*),
    min(not_before)
FROM deliveries WHERE state IN ('pending', 'dead') AND message_id IS NULL GROUP BY address, state
ORDER BY id NULLS LAST, address, state
"""  # noqa: S608 — only our own text


def _message_status(row: Row) -> MessageStatus:
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
