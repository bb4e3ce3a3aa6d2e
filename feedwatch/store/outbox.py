"""The outbox: deliveries owed, bound into messages, claimed for a time and settled.

A delivery is pending until a message binds it; a message is pending, claimed, paused, delivered or dead,
and its deliveries with it. What was owed to a target that has gone is dead without a message if none
had bound it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from datetime import datetime

from feedwatch.core.manner import MannerNow
from feedwatch.core.messages import MessageState, WaitsFor
from feedwatch.core.model import Reason
from feedwatch.core.state import AddressStatus, ClaimedMessage, MessageStatus, Settlement
from feedwatch.store.claiming import (
    DUE_ADDRESSES,
    NO_END,
    Compose,
    Likely,
    Room,
    Wanted,
    choose_message,
    drop_ambiguous,
    offer_all,
    read_claim,
)
from feedwatch.store.codec import instant, read_instant, read_reason, read_word, stamp
from feedwatch.store.connection import Connection, Row, Transaction
from feedwatch.store.settling import KEEP_DOUBT, forgive_absence, read_health, write_settlement

DONE_SHOWN = 50
_ALL = -1


class Outbox(Connection):
    """The store's words about deliveries and messages."""

    def sync_addresses(self, addresses: Collection[str], now: datetime) -> int:
        """Give up what is owed to addresses that are no longer configured; returns how many deliveries.

        It stays to be seen, and nothing of it is sent by itself should an address come back. What such
        an address had failed is forgotten; that it was paused is not: only a hand ends that.
        """
        # What is bound is asked of its messages, which are few: of deliveries there may be those of months.
        known = self.query(
            "SELECT address FROM deliveries WHERE state = 'pending' "
            "UNION SELECT address FROM messages WHERE state IN ('pending', 'claimed') "
            "UNION SELECT address FROM messages WHERE state = 'paused' "
            "UNION SELECT address FROM addresses WHERE failing_since_at IS NOT NULL"
        )
        gone = {row["address"] for row in known} - set(addresses)
        if not gone:
            return 0
        names, at = json.dumps(sorted(gone)), stamp(now)
        with self.transaction() as conn:
            conn.execute(
                "UPDATE messages SET state = 'dead', reason = ?, settled_at = ? "
                "WHERE state IN ('pending', 'claimed', 'paused') "
                "AND address IN (SELECT value FROM json_each(?))",
                (Reason.TARGET_GONE, at, names),
            )
            conn.execute(
                "UPDATE addresses SET failing_since_at = NULL, failing_announced = 0 "
                "WHERE address IN (SELECT value FROM json_each(?))",
                (names,),
            )
            return conn.execute(
                f"UPDATE deliveries SET state = 'dead', reason = {KEEP_DOUBT}, settled_at = ? "  # noqa: S608 — only our own text
                "WHERE state IN ('pending', 'bound') AND address IN (SELECT value FROM json_each(?))",
                (Reason.TARGET_GONE, at, names),
            ).rowcount

    def due_addresses(self, now: datetime) -> tuple[str, ...]:
        """The addresses that have something to send now, and nothing under way that it must wait for."""
        return tuple(row["address"] for row in self.query(DUE_ADDRESSES, {"at": stamp(now)}))

    def claim_message(  # noqa: PLR0913 — all that a claim hangs on, each by its name
        self,
        address: str,
        *,
        now: datetime,
        lease_until_at: datetime,
        owner: str,
        compose: Compose,
        drop_ambiguous: bool = False,
        look: Callable[[str], MannerNow] = lambda _: MannerNow(),
        notices_quiet_until_at: datetime | None = None,
        details_since: datetime | None = None,
        likely: Likely = offer_all,
        room: Room = lambda _: NO_END,
    ) -> ClaimedMessage | None:
        """Take what is due for an address until `lease_until_at`; None if nothing may be sent now.

        A message that was made before goes again unchanged. Otherwise `compose` makes one of the
        longest run of due deliveries of one manner that fits; the others wait for the next. What `look`
        says to be quiet now waits for the end of that. One whose claim has run
        out may have arrived; with `drop_ambiguous` it is given up. Time in which it was due and nobody
        tried is no part of its life. What is kept of titles since `details_since` is told with them.
        `likely` says how many deliveries a message is likely to take: so many are read at first, but no more
        than whose names alone are longer than the message may be by what `room` says.
        """
        wanted = Wanted(
            address, now, compose, drop_ambiguous, look, notices_quiet_until_at, details_since, likely, room
        )
        with self.transaction() as conn:
            message_id = choose_message(conn, wanted)
            if message_id is None:
                return None
            forgive_absence(conn, message_id, now)
            conn.execute(
                "UPDATE messages SET may_have_arrived = max(may_have_arrived, token IS NOT NULL), "
                "waits_for = NULL, state = 'claimed', attempts = attempts + 1, lease_until_at = ?, "
                "owner = ?, token = ? WHERE id = ?",
                (stamp(lease_until_at), owner, secrets.token_hex(16), message_id),
            )
            return read_claim(conn, message_id, now)

    def settle_message(self, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> bool:
        """Record how an attempt ended. False if the claim no longer holds: then nothing is written.

        That a message arrived is recorded even if it was given up meanwhile: nobody shall send it again.
        """
        with self.transaction() as conn:
            return write_settlement(conn, claim, settlement, now)

    def release_claims(
        self, is_alive: Callable[[str], bool], now: datetime, *, drop_ambiguous: bool = False
    ) -> int:
        """Take back the claims of processes that are gone; returns how many.

        What they had under way may have arrived; with `drop_ambiguous` it is given up.
        """
        held = self.query(f"SELECT DISTINCT owner FROM messages WHERE {_HELD}")  # noqa: S608 — only our own text
        gone = [row["owner"] for row in held if not is_alive(row["owner"])]
        if not gone:
            return 0
        with self.transaction() as conn:
            rows = conn.execute(
                f"SELECT id, state FROM messages WHERE {_HELD} "  # noqa: S608 — only our own text
                "AND owner IN (SELECT value FROM json_each(?))",
                (json.dumps(gone),),
            ).fetchall()
            for row in rows:
                _release(conn, row, now, drop=drop_ambiguous)
        return len(rows)

    def list_messages(self, *, all_done: bool = False) -> tuple[MessageStatus, ...]:
        """Messages waiting and dead, the newest of those done (or all), and what no message has bound.

        The last are a line for each address: what is pending, and what died before it was bound. What
        waits for a paused address is shown as paused, and the address itself even if nothing does.
        """
        rows = self.query(_LIST_MESSAGES, (_ALL if all_done else DONE_SHOWN,))
        return tuple(_message_status(row) for row in rows)

    def list_addresses(self) -> tuple[AddressStatus, ...]:
        """The addresses of which something is known, or to which something is or was owed."""
        rows = self.query(
            "SELECT known.address, paused_at, failing_since_at, "
            "coalesce(failing_announced, 0) AS failing_announced FROM "
            "(SELECT address FROM addresses UNION SELECT address FROM deliveries) AS known "
            "LEFT JOIN addresses USING (address) ORDER BY known.address"
        )
        return tuple(
            AddressStatus(row["address"], read_instant(row["paused_at"]), read_health(row)) for row in rows
        )


# ── claims that nobody will settle ────────────────────────────────────────────────────────────────

_HELD = "state IN ('pending', 'claimed', 'paused') AND token IS NOT NULL"
"""A message that was paused while it was under way keeps its claim until that is settled."""


def _release(conn: Transaction, row: Row, now: datetime, *, drop: bool) -> None:
    if drop and row["state"] != MessageState.PAUSED:
        drop_ambiguous(conn, row["id"], now)
        return
    conn.execute(
        "UPDATE messages SET state = CASE state WHEN 'claimed' THEN 'pending' ELSE state END, "
        "token = NULL, may_have_arrived = 1, next_attempt_at = ? WHERE id = ?",
        (stamp(now), row["id"]),
    )


# ── looking ───────────────────────────────────────────────────────────────────────────────────────

_SHOWN = "id, address, state, attempts, next_attempt_at, reason, detail, deliveries, created_at, waits_for"

_LIST_MESSAGES = f"""
SELECT lines.*, paused_at FROM (
    SELECT {_SHOWN} FROM messages WHERE state <> 'delivered'
    UNION ALL SELECT * FROM (
        SELECT {_SHOWN} FROM messages WHERE state = 'delivered' ORDER BY id DESC LIMIT ?)
    UNION ALL
    SELECT NULL, address, state, 0, min(not_before), CASE state WHEN 'dead' THEN max(reason) END, '',
        count(*), min(not_before), CASE state WHEN 'pending' THEN waits_for END
    FROM deliveries WHERE state IN ('pending', 'dead') AND message_id IS NULL AND silence_id IS NULL
    GROUP BY address, state, 10
    UNION ALL
    SELECT NULL, address, 'paused', 0, paused_at, NULL, '', 0, paused_at, NULL
    FROM addresses WHERE paused_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM deliveries AS owed
        WHERE owed.address = addresses.address AND owed.state = 'pending')
    AND NOT EXISTS (SELECT 1 FROM messages AS open
        WHERE open.address = addresses.address AND open.state = 'pending')
) AS lines LEFT JOIN addresses USING (address)
ORDER BY id NULLS LAST, address, state
"""  # noqa: S608 — only our own text


def _message_status(row: Row) -> MessageStatus:
    state = row["state"]
    if state == MessageState.PENDING and row["paused_at"] is not None:
        state = MessageState.PAUSED
    waiting = state in (MessageState.PENDING, MessageState.CLAIMED)
    is_done = state in (MessageState.DELIVERED, MessageState.DEAD)
    return MessageStatus(
        id=row["id"],
        address=row["address"],
        state=state,
        attempts=row["attempts"],
        next_attempt_at=instant(row["next_attempt_at"]) if waiting else None,
        reason=read_reason(row["reason"]),
        detail=row["detail"],
        changes=row["deliveries"],
        created_at=instant(row["created_at"]),
        paused_itself=row["state"] == MessageState.PAUSED and row["id"] is not None,
        waits_for=read_word(WaitsFor, row["waits_for"]) if row["waits_for"] and not is_done else None,
    )
