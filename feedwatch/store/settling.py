"""How an attempt to send a message is written, and how its address fares by it.

A message that ends without having arrived is dead, with its deliveries; it stays to be seen, and a hand
can bring it back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta

from feedwatch.core.messages import MessageState
from feedwatch.core.model import Reason
from feedwatch.core.schedule import judge_address
from feedwatch.core.state import AddressHealth, ClaimedMessage, Settled, Settlement
from feedwatch.store.codec import instant, read_instant, stamp, write_instant
from feedwatch.store.connection import Row, Transaction
from feedwatch.store.owing import owe_notice

ABSENCE = timedelta(days=1)
"""What is due for longer was not tried because nobody was there: the machine slept, or we did not run."""
KEEP_DOUBT = "CASE reason WHEN 'ambiguous' THEN reason ELSE ? END"
"""A new reason of what is in no message: that it may have arrived outlives every other."""


def write_settlement(conn: Transaction, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> bool:
    """Write how an attempt ended; False if the claim no longer holds, or the message was given up meanwhile.

    What was given up stays so, unless it has arrived. What was paused meanwhile and has not arrived stays
    paused: nothing else becomes of it.
    """
    row = conn.execute(
        "SELECT state FROM messages WHERE id = ? AND token = ?", (claim.id, claim.token)
    ).fetchone()
    if row is None:
        return False
    if row["state"] == MessageState.DEAD and settlement.outcome is not Settled.DELIVERED:
        _end_claim(conn, claim, settlement)
        return False
    if settlement.outcome is Settled.DELIVERED:
        _finish(conn, claim, now)
    elif settlement.outcome is Settled.AGAIN or row["state"] == MessageState.PAUSED:
        _put_back(conn, claim, settlement, now)
    elif settlement.outcome is Settled.SET_APART:
        _set_apart(conn, claim.id, settlement, now)
    else:
        kill_message(conn, claim.id, settlement.reason or Reason.GAVE_UP, now, detail=settlement.detail)
        _end_claim(conn, claim, settlement)
    _write_health(conn, claim.address, settlement, now)
    return True


def kill_message(
    conn: Transaction, message_id: int, reason: Reason, now: datetime, *, detail: str = ""
) -> None:
    """Give a message up, and with it what it tells."""
    at = stamp(now)
    conn.execute(
        "UPDATE messages SET state = 'dead', settled_at = ?, reason = ?, detail = ? WHERE id = ?",
        (at, reason, detail, message_id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'dead', settled_at = ?, reason = ? WHERE message_id = ?",
        (at, reason, message_id),
    )


def hold_messages(conn: Transaction, address: str, manner: str, now: datetime, until_at: datetime) -> None:
    """Hold back an address's messages of a manner until its quiet hours end; urgent ones are not held.

    The time is no part of their lives, and nothing waits for them meanwhile. One that a hand has made due in
    the night is held anew: its life begins at the latest when that ends. One whose claim has run out keeps
    its token: whoever had it may still say how it ended.
    """
    held = conn.execute(
        "SELECT id, first_attempt_at FROM messages WHERE address = ?1 AND manner = ?2 AND NOT urgent "
        "AND next_attempt_at <= ?3 AND state IN ('pending', 'claimed') "
        "AND (lease_until_at <= ?3 OR state = 'pending' AND token IS NULL)",
        (address, manner, stamp(now)),
    ).fetchall()
    for message_id, first_attempt_at in held:
        conn.execute(
            "UPDATE messages SET state = 'pending', next_attempt_at = ?, waits_for = 'quiet' WHERE id = ?",
            (stamp(until_at), message_id),
        )
        _lengthen_life(conn, message_id, max(until_at - max(now, instant(first_attempt_at)), timedelta(0)))


def forgive_absence(conn: Transaction, message_id: int, now: datetime) -> None:
    """Take out of a message's life the time in which it was due and nobody tried.

    A machine that wakes after a week has no network yet: one attempt must not be the last.
    """
    row = conn.execute(
        "SELECT max(next_attempt_at, first_attempt_at, coalesce(lease_until_at, '')) AS due_at "
        "FROM messages WHERE id = ?",
        (message_id,),
    ).fetchone()
    absent = now - instant(row["due_at"])
    if absent > ABSENCE:
        _lengthen_life(conn, message_id, absent)


def read_health(row: Row | None) -> AddressHealth:
    """How an address fares, from its row; well, if it has none."""
    if row is None:
        return AddressHealth()
    return AddressHealth(read_instant(row["failing_since_at"]), bool(row["failing_announced"]))


def forget_failures(conn: Transaction, addresses: Collection[str]) -> None:
    """End the count for addresses that nothing is tried at any more, unless others were told of it.

    Else the first failure in a week would pass for the end of a week of them.
    """
    conn.execute(
        "UPDATE addresses SET failing_since_at = NULL WHERE NOT failing_announced "
        "AND address IN (SELECT value FROM json_each(?)) AND (paused_at IS NOT NULL OR NOT ("
        "EXISTS (SELECT 1 FROM messages WHERE messages.address = addresses.address "
        "AND messages.state IN ('pending', 'claimed')) OR "
        "EXISTS (SELECT 1 FROM deliveries WHERE deliveries.address = addresses.address "
        "AND deliveries.state = 'pending')))",
        (json.dumps(list(addresses)),),
    )


# ── how it ended ──────────────────────────────────────────────────────────────────────────────────


def _finish(conn: Transaction, claim: ClaimedMessage, now: datetime) -> None:
    at = stamp(now)
    conn.execute(
        "UPDATE messages SET state = 'delivered', token = NULL, settled_at = ?, reason = NULL, detail = '' "
        "WHERE id = ?",
        (at, claim.id),
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


def _end_claim(conn: Transaction, claim: ClaimedMessage, settlement: Settlement) -> None:
    """Note that an attempt has ended: what is dead and is brought back says if it may have arrived."""
    conn.execute(
        "UPDATE messages SET token = NULL, may_have_arrived = max(may_have_arrived, ?) WHERE id = ?",
        (settlement.may_have_arrived, claim.id),
    )


def _put_back(conn: Transaction, claim: ClaimedMessage, settlement: Settlement, now: datetime) -> None:
    conn.execute(
        "UPDATE messages SET state = CASE state WHEN 'paused' THEN 'paused' ELSE 'pending' END, "
        "token = NULL, next_attempt_at = ?, reason = ?, detail = ?, refusals = refusals + ?, "
        "may_have_arrived = max(may_have_arrived, ?) WHERE id = ?",
        (
            stamp(settlement.next_attempt_at or now),
            settlement.reason,
            settlement.detail,
            settlement.refused,
            settlement.may_have_arrived,
            claim.id,
        ),
    )
    if settlement.rest:
        _lengthen_life(conn, claim.id, settlement.rest)


def _lengthen_life(conn: Transaction, message_id: int, rest: timedelta) -> None:
    """Put a rest that was asked for upon a message's life, and upon those of its deliveries."""

    def later(row: Row) -> tuple[str, int]:
        return stamp(instant(row["first_attempt_at"]) + rest), row["id"]

    message = "SELECT id, first_attempt_at FROM messages WHERE id = ?"
    deliveries = "SELECT id, first_attempt_at FROM deliveries WHERE message_id = ?"
    for table, query in (("messages", message), ("deliveries", deliveries)):
        moved = [later(row) for row in conn.execute(query, (message_id,))]
        conn.executemany(f"UPDATE {table} SET first_attempt_at = ? WHERE id = ?", moved)  # noqa: S608 — only our own text


def _set_apart(conn: Transaction, message_id: int, settlement: Settlement, now: datetime) -> None:
    """Dissolve a message: each of its deliveries will be tried by itself.

    That it may have arrived all the same, at an attempt before, goes along as the reason of each.
    """
    conn.execute(
        "UPDATE deliveries SET state = 'pending', message_id = NULL, set_apart_at = ?, reason = "
        "CASE WHEN (SELECT may_have_arrived FROM messages WHERE id = ?) THEN ? ELSE ? END "
        "WHERE message_id = ?",
        (stamp(now), message_id, Reason.AMBIGUOUS, settlement.reason, message_id),
    )
    conn.execute("DELETE FROM messages WHERE id = ?", (message_id,))


# ── how the address fares ─────────────────────────────────────────────────────────────────────────


def _write_health(conn: Transaction, address: str, settlement: Settlement, now: datetime) -> None:
    """Write how an address fares after an attempt, and owe others what there is to say of it."""
    row = conn.execute("SELECT * FROM addresses WHERE address = ?", (address,)).fetchone()
    before = read_health(row)
    health, notice = judge_address(address, before, settlement, now)
    if notice is not None and settlement.told:
        owe_notice(conn, notice, settlement.told)
    if health != before:
        conn.execute(
            "INSERT INTO addresses (address, failing_since_at, failing_announced) VALUES (?, ?, ?) "
            "ON CONFLICT (address) DO UPDATE SET failing_since_at = excluded.failing_since_at, "
            "failing_announced = excluded.failing_announced",
            (address, write_instant(health.failing_since_at), health.announced),
        )
    if settlement.outcome is not Settled.DELIVERED:
        forget_failures(conn, [address])
