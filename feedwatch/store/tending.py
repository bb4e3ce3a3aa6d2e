"""What a hand does in the outbox: tries again, gives up, pauses and resumes.

Messages are named by their ids, or all at once by the addresses they are for. A pause of an address
holds up whatever is owed to it; a pause of a message lets all others pass it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from feedwatch.core.model import Reason
from feedwatch.store.codec import stamp
from feedwatch.store.connection import Connection, Transaction
from feedwatch.store.settling import KEEP_DOUBT, forget_failures, kill_message


class Tending(Connection):
    """The store's words about what a hand does in the outbox."""

    def retry_messages(
        self, ids: Collection[int] | None, now: datetime, *, addresses: Collection[str] = ()
    ) -> int:
        """Make due now what waits or is dead, all of it for None; returns how many messages.

        The clock of giving up starts anew for what was dead. What died before a message bound it is
        owed again, and counts as one message for each address. What is paused is left alone.
        """
        at = stamp(now)
        chosen = _Chosen(ids, addresses)
        with self.transaction() as conn:
            unbound = _revive_unbound(conn, chosen, at)
            dead = chosen.find(conn, "state = 'dead'")
            waiting = chosen.find(conn, f"state = 'pending' AND NOT {_IS_PAUSED}")
            for message_id in dead:
                _revive(conn, message_id, at)
            conn.executemany(
                "UPDATE messages SET next_attempt_at = ? WHERE id = ?", [(at, each) for each in waiting]
            )
        return unbound + len(dead) + len(waiting)

    def drop_messages(self, ids: Collection[int], now: datetime, *, addresses: Collection[str] = ()) -> int:
        """Give messages up; returns how many.

        What is owed to the addresses and is not in a message yet counts as one for each.
        """
        chosen = _Chosen(ids, addresses)
        with self.transaction() as conn:
            unbound = _drop_unbound(conn, addresses, now)
            dropped = chosen.find(conn, "state IN ('pending', 'claimed', 'paused')")
            touched = chosen.addresses_of(conn, dropped)
            for message_id in dropped:
                kill_message(conn, message_id, Reason.DROPPED, now)
            forget_failures(conn, touched)
        return unbound + len(dropped)

    def pause_messages(self, ids: Collection[int]) -> int:
        """Send messages no more until they are resumed: others pass them. Returns how many.

        One that is under way ends as it ends, and is paused if it has not arrived.
        """
        chosen = _Chosen(ids)
        with self.transaction() as conn:
            paused = chosen.find(conn, "state IN ('pending', 'claimed')")
            conn.executemany(
                "UPDATE messages SET state = 'paused' WHERE id = ?", [(each,) for each in paused]
            )
            forget_failures(conn, chosen.addresses_of(conn, paused))
        return len(paused)

    def resume_messages(self, ids: Collection[int], now: datetime) -> int:
        """Take up again what was paused, with a new clock of giving up; returns how many messages.

        One whose last attempt has not ended waits for that, or for the end of its claim.
        """
        chosen = _Chosen(ids)
        with self.transaction() as conn:
            resumed = chosen.find(conn, "state = 'paused'")
            conn.executemany(
                "UPDATE messages SET state = 'pending' WHERE id = ?", [(each,) for each in resumed]
            )
            _begin_anew(conn, resumed, now)
        return len(resumed)

    def pause_addresses(self, addresses: Collection[str], now: datetime) -> None:
        """Send nothing to these addresses until they are resumed; all that is owed to them is kept.

        What is under way ends as it ends. One that is paused stays so, since it was.
        """
        with self.transaction() as conn:
            conn.executemany(
                "INSERT INTO addresses (address, paused_at) VALUES (?, ?) "
                "ON CONFLICT (address) DO UPDATE SET paused_at = coalesce(paused_at, excluded.paused_at)",
                [(address, stamp(now)) for address in addresses],
            )
            forget_failures(conn, addresses)

    def resume_addresses(self, addresses: Collection[str], now: datetime) -> int:
        """Send to these addresses again; returns how many were paused.

        The clock of giving up starts anew for what waits there. A message that was paused by itself
        stays so.
        """
        names = json.dumps(list(addresses))
        with self.transaction() as conn:
            paused = conn.execute(
                "SELECT address FROM addresses WHERE paused_at IS NOT NULL "
                "AND address IN (SELECT value FROM json_each(?))",
                (names,),
            ).fetchall()
            for (address,) in paused:
                conn.execute("UPDATE addresses SET paused_at = NULL WHERE address = ?", (address,))
                open_there = _Chosen((), [address]).find(conn, "state IN ('pending', 'claimed')")
                _begin_anew(conn, open_there, now)
                conn.execute(
                    "UPDATE deliveries SET first_attempt_at = NULL WHERE address = ? AND state = 'pending'",
                    (address,),
                )
        return len(paused)


_IS_PAUSED = """
EXISTS (SELECT 1 FROM addresses WHERE addresses.address = messages.address
    AND addresses.paused_at IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which messages are meant: those with these ids and all for these addresses, or all (ids None)."""

    ids: Collection[int] | None
    addresses: Collection[str] = ()

    def find(self, conn: Transaction, what: str) -> list[int]:
        rows = conn.execute(
            f"SELECT id FROM messages WHERE {what} AND (? OR id IN (SELECT value FROM json_each(?)) "  # noqa: S608 — only our own text
            "OR address IN (SELECT value FROM json_each(?))) ORDER BY id",
            (self.ids is None, json.dumps(list(self.ids or ())), json.dumps(list(self.addresses))),
        )
        return [row["id"] for row in rows]

    def addresses_of(self, conn: Transaction, ids: Collection[int]) -> frozenset[str]:
        rows = conn.execute(
            "SELECT DISTINCT address FROM messages WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return frozenset(self.addresses).union(row["address"] for row in rows)


def _begin_anew(conn: Transaction, ids: Collection[int], now: datetime) -> None:
    """Start the clock of giving up anew."""
    conn.executemany(
        "UPDATE messages SET first_attempt_at = ? WHERE id = ?", [(stamp(now), each) for each in ids]
    )
    conn.executemany(
        "UPDATE deliveries SET first_attempt_at = ? WHERE message_id = ?",
        [(stamp(now), each) for each in ids],
    )


def _revive(conn: Transaction, message_id: int, at: str) -> None:
    """Owe a dead message again. One whose last attempt was never settled may have arrived."""
    conn.execute(
        "UPDATE messages SET state = 'pending', may_have_arrived = max(may_have_arrived, token IS NOT NULL), "
        "token = NULL, attempts = 0, refusals = 0, reason = NULL, detail = '', settled_at = NULL, "
        "waits_for = NULL, first_attempt_at = ?1, next_attempt_at = ?1, "
        "set_apart_at = CASE WHEN alone THEN ?1 END WHERE id = ?2",
        (at, message_id),
    )
    conn.execute(
        "UPDATE deliveries SET state = 'bound', reason = NULL, settled_at = NULL, first_attempt_at = ? "
        "WHERE message_id = ?",
        (at, message_id),
    )


# ── what no message has bound ─────────────────────────────────────────────────────────────────────


def _revive_unbound(conn: Transaction, chosen: _Chosen, at: str) -> int:
    """Owe again, and now, what died before a message bound it; returns to how many addresses."""
    # What a silence has kept from being told stays so: `silence expire --tell` is the way back.
    unbound = (
        "state = 'dead' AND message_id IS NULL AND silence_id IS NULL "
        "AND (? OR address IN (SELECT value FROM json_each(?)))"
    )
    parameters = (chosen.ids is None, json.dumps(list(chosen.addresses)))
    rows = conn.execute(f"SELECT DISTINCT address FROM deliveries WHERE {unbound}", parameters).fetchall()  # noqa: S608 — only our own text
    conn.execute(
        f"UPDATE deliveries SET state = 'pending', reason = {KEEP_DOUBT}, settled_at = NULL, "  # noqa: S608 — only our own text
        f"waits_for = NULL, not_before = min(not_before, ?), first_attempt_at = NULL WHERE {unbound}",
        (None, at, *parameters),
    )
    return len(rows)


def _drop_unbound(conn: Transaction, addresses: Collection[str], now: datetime) -> int:
    """Give up what is owed and not in a message yet; returns to how many addresses."""
    pending = "state = 'pending' AND address IN (SELECT value FROM json_each(?))"
    names = json.dumps(list(addresses))
    rows = conn.execute(f"SELECT DISTINCT address FROM deliveries WHERE {pending}", (names,)).fetchall()  # noqa: S608 — only our own text
    conn.execute(
        f"UPDATE deliveries SET state = 'dead', reason = {KEEP_DOUBT}, settled_at = ? WHERE {pending}",  # noqa: S608 — only our own text
        (Reason.DROPPED, stamp(now), names),
    )
    return len(rows)
