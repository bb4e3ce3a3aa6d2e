"""What may be sent now: the oldest message that is due, or a new one bound of what is owed.

One ordinary message at a time is open for an address, or the oldest of them goes first where a hand
brought dead ones back; none overtakes. Deliveries that were set apart (after refusals) go each by
itself, and block nothing. What is paused is not sent: a message is passed by all others, an address
has nothing that is due.

What is told in the same manner goes together. What quiet hours hold back blocks nothing; a digest is made
once for each of its periods, of what was due when it was begun.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from feedwatch.core.manner import MannerNow
from feedwatch.core.messages import Composed, Markup, OwedDelivery, WaitsFor
from feedwatch.core.model import Reason
from feedwatch.core.state import Bundle, ClaimedMessage
from feedwatch.store.codec import (
    instant,
    read_pictures,
    read_word,
    stamp,
    write_instant,
    write_pictures,
)
from feedwatch.store.connection import Row, Transaction, insert_row
from feedwatch.store.detailing import add_title_details
from feedwatch.store.offering import choose_first, read_owed
from feedwatch.store.settling import hold_messages, kill_message, read_health

Compose = Callable[[Sequence[OwedDelivery], Bundle], Composed]
"""Makes a message of the longest run of deliveries that fits, told as the bundle says."""
Likely = Callable[[Bundle], int]
"""How many deliveries a message is likely to take; all of them, where it counts what it does not name."""
Room = Callable[[Bundle], int]
"""How long a message may be that says the name of each title, and of a post its link."""

NO_END = 2**62
OFFERED_AT_ONCE = 500
"""Deliveries offered to one message: more would not fit any service."""
_MORE = 4
_LEAST_SAID = 7
"""Of a title at least so much is said beside its name: `rated Up`, and the end of the line."""


def offer_all(_: Bundle) -> int:
    """Offer all at once, whatever is likely."""
    return OFFERED_AT_ONCE


# A claim whose lease has run out is as good as pending: whoever held it is gone or hangs. A token that is
# left says that an attempt has not ended: it may still, and until then it may have arrived.
# `state IN ('pending', 'claimed')` is said once more than need be: only then SQLite uses the index of what is
# open, and looks through what has been delivered in months otherwise.
_UNDER_WAY = """
EXISTS (SELECT 1 FROM messages AS held WHERE held.address = due.address AND held.state = 'claimed'
    AND held.state IN ('pending', 'claimed') AND held.lease_until_at > :at)
"""
_IS_PAUSED = """
EXISTS (SELECT 1 FROM addresses WHERE addresses.address = due.address AND addresses.paused_at IS NOT NULL)
"""
_WAITS_FOR_OLDER = """
EXISTS (SELECT 1 FROM messages AS older WHERE older.address = due.address AND older.id < due.id
    AND older.state IN ('pending', 'claimed') AND NOT older.alone AND older.waits_for IS NULL)
"""
_DUE_MESSAGE = f"""
due.state IN ('pending', 'claimed') AND ((due.state = 'pending' AND due.next_attempt_at <= :at
        AND (due.token IS NULL OR due.lease_until_at <= :at))
    OR (due.state = 'claimed' AND due.lease_until_at <= :at))
AND NOT {_UNDER_WAY} AND NOT {_IS_PAUSED} AND (due.alone OR NOT {_WAITS_FOR_OLDER})
"""
_WAITS_FOR_MESSAGE = """
EXISTS (SELECT 1 FROM messages AS open WHERE open.address = due.address
    AND open.state IN ('pending', 'claimed') AND NOT open.alone AND open.waits_for IS NULL)
"""
_DUE_DELIVERY = f"""
due.state = 'pending' AND due.not_before <= :at
AND NOT {_UNDER_WAY} AND NOT {_IS_PAUSED} AND (due.set_apart_at IS NOT NULL OR NOT {_WAITS_FOR_MESSAGE})
"""

_OWED_NOW = """
SELECT 1 FROM deliveries AS owed WHERE owed.address = due.address AND owed.state = 'pending'
    AND owed.not_before <= :at
"""
# By address first: one that is paused or waits may be owed a great deal, and is asked about every second.
DUE_ADDRESSES = f"""
SELECT due.address FROM messages AS due WHERE {_DUE_MESSAGE}
UNION SELECT due.address FROM (SELECT DISTINCT address FROM deliveries WHERE state = 'pending') AS due
WHERE NOT {_UNDER_WAY} AND NOT {_IS_PAUSED} AND (
    (NOT {_WAITS_FOR_MESSAGE} AND EXISTS ({_OWED_NOW}))
    OR EXISTS ({_OWED_NOW} AND owed.set_apart_at IS NOT NULL))
ORDER BY address
"""  # noqa: S608 — only our own text

_MADE_BEFORE = f"""
SELECT due.id, due.token FROM messages AS due WHERE due.address = :address AND {_DUE_MESSAGE}
ORDER BY due.alone, due.id LIMIT 1
"""  # noqa: S608 — only our own text

# Of one address, which is asked about once and not for each of its deliveries.
_OF_ADDRESS = _DUE_DELIVERY.replace("due.address", ":address")
_OFFER = f"""
SELECT due.id, due.address, due.change_id, due.notice_id, due.set_apart_at, due.first_attempt_at, due.manner,
    due.urgent, due.reason, due.not_before, changes.feed_kind, changes.key, length(changes.title)
    + CASE changes.feed_kind WHEN 'stream' THEN ifnull(length(changes.link), 0) ELSE 0 END AS told_length
FROM deliveries AS due LEFT JOIN changes ON changes.id = due.change_id
WHERE due.address = :address AND (due.set_apart_at IS NOT NULL) = :apart AND {_OF_ADDRESS}
AND (:manner IS NULL OR due.manner = :manner) AND due.id <= :through
ORDER BY due.id LIMIT :most
"""  # noqa: S608 — only our own text


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the message to be sent to an address now.

    `look` says what a manner, by its key, means now; `notices_quiet_until_at` is when notices may be told
    again. `drop_ambiguous`: what may have arrived is given up, and not sent again. `details_since` is from
    when on details of titles may be told.
    """

    address: str
    now: datetime
    compose: Compose
    drop_ambiguous: bool
    look: Callable[[str], MannerNow]
    notices_quiet_until_at: datetime | None = None
    details_since: datetime | None = None
    likely: Likely = offer_all
    room: Room = lambda _: NO_END


def choose_message(conn: Transaction, wanted: Wanted) -> int | None:
    """The message that is to be sent now, made if need be; None if there is none."""
    _hold_quiet(conn, wanted)
    apart = _offer(conn, wanted, apart=True, most=1)
    if apart:
        return _bind(conn, apart, wanted, Bundle(apart[0]["manner"]))
    while made := conn.execute(_MADE_BEFORE, _what(wanted)).fetchone():
        if made["token"] is None or not wanted.drop_ambiguous:
            return int(made["id"])
        drop_ambiguous(conn, made["id"], wanted.now)
    while first := _offer(conn, wanted, most=1):
        manner = first[0]["manner"]
        now = wanted.look(manner)
        if now.period_at is None:
            return _bind(conn, _offer(conn, wanted, manner=manner), wanted, Bundle(manner))
        if (message_id := _bind_digest(conn, wanted, manner, now)) is not None:
            return message_id
    return None


def drop_ambiguous(conn: Transaction, message_id: int, now: datetime) -> None:
    """Give up a message of which nobody will ever hear whether it arrived; a hand may bring it back."""
    kill_message(conn, message_id, Reason.AMBIGUOUS, now)
    conn.execute("UPDATE messages SET token = NULL, may_have_arrived = 1 WHERE id = ?", (message_id,))


def read_claim(conn: Transaction, message_id: int, now: datetime) -> ClaimedMessage:
    """A message that has been claimed, as whoever sends it needs it."""
    row = conn.execute(
        # What a clock that was ahead has dated says nothing of when anything got through.
        "SELECT messages.*, addresses.last_delivered_at > messages.set_apart_at "
        "AND addresses.last_delivered_at <= ? AS works, "
        "failing_since_at, coalesce(failing_announced, 0) AS failing_announced "
        "FROM messages LEFT JOIN addresses USING (address) WHERE id = ?",
        (stamp(now), message_id),
    ).fetchone()
    return ClaimedMessage(
        id=row["id"],
        address=row["address"],
        token=row["token"],
        title=row["title"],
        body=row["body"],
        markup=read_word(Markup, row["markup"] or ("html" if row["is_html"] else "text")),
        attempts=row["attempts"],
        refusals=row["refusals"],
        first_attempt_at=instant(row["first_attempt_at"]),
        alone=bool(row["alone"]),
        works=bool(row["works"]),
        deliveries=row["deliveries"],
        may_have_arrived=bool(row["may_have_arrived"]),
        health=read_health(row),
        twin=row["twin"],
        pictures=read_pictures(row["pictures"]),
        # A message that was made before there were keys has its number alone.
        key=row["key"] or f"message-{row['id']}",
    )


# ── waiting ───────────────────────────────────────────────────────────────────────────────────────


def _hold_quiet(conn: Transaction, wanted: Wanted) -> None:
    """Put off what is due and is not urgent where it is quiet now."""
    due = conn.execute(
        "SELECT manner FROM deliveries WHERE address = :address AND state = 'pending' AND NOT urgent "
        "AND manner <> '' AND not_before <= :at UNION SELECT manner FROM messages "
        "WHERE address = :address AND state IN ('pending', 'claimed') AND NOT urgent AND manner <> '' "
        "AND next_attempt_at <= :at",
        _what(wanted),
    ).fetchall()
    for (manner,) in due:
        until_at = wanted.look(manner).quiet_until_at
        if until_at is not None:
            _put_off(conn, wanted, manner, until_at, WaitsFor.QUIET)
            hold_messages(conn, wanted.address, manner, wanted.now, until_at)
    if wanted.notices_quiet_until_at is not None:
        conn.execute(
            "UPDATE deliveries SET not_before = :until, waits_for = :why WHERE address = :address "
            "AND state = 'pending' AND not_before <= :at AND notice_id IS NOT NULL",
            {
                **_what(wanted),
                "until": stamp(wanted.notices_quiet_until_at),
                "why": WaitsFor.QUIET,
            },
        )


def _put_off(
    conn: Transaction, wanted: Wanted, manner: str, until_at: datetime | None, why: WaitsFor
) -> None:
    conn.execute(
        "UPDATE deliveries SET not_before = :until, waits_for = :why WHERE address = :address "
        "AND state = 'pending' AND not_before <= :at AND manner = :manner "
        "AND (:why <> 'quiet' OR NOT urgent) AND (:why <> 'digest' OR set_apart_at IS NULL)",
        {**_what(wanted), "manner": manner, "until": write_instant(until_at), "why": why},
    )


# ── binding ───────────────────────────────────────────────────────────────────────────────────────


def _what(wanted: Wanted) -> dict[str, object]:
    return {"address": wanted.address, "at": stamp(wanted.now)}


def _offer(
    conn: Transaction,
    wanted: Wanted,
    *,
    apart: bool = False,
    manner: str | None = None,
    most: int = OFFERED_AT_ONCE,
    through: int = NO_END,
) -> list[Row]:
    """What is due, in order: of all manners, or of one."""
    more = {"apart": apart, "manner": manner, "most": most, "through": through}
    return conn.execute(_OFFER, {**_what(wanted), **more}).fetchall()


def _bind_digest(conn: Transaction, wanted: Wanted, manner: str, now: MannerNow) -> int | None:
    """Make the next part of the digest of the period that has come; None where it has been made whole.

    What came to be due only when it was begun waits for the next: each period has one.
    """
    assert now.period_at is not None
    which = (wanted.address, manner, stamp(now.period_at))
    begun = conn.execute(
        "SELECT * FROM digests WHERE address = ? AND manner = ? AND period_at = ?", which
    ).fetchone()
    if begun is None:
        begun = _begin_digest(conn, wanted, which)
    through, parts = begun["through_id"], begun["parts"]
    due = _offer(conn, wanted, manner=manner, through=through)
    if not due:
        _put_off(conn, wanted, manner, now.next_period_at, WaitsFor.DIGEST)
        return None
    conn.execute(
        "UPDATE digests SET parts = parts + 1 WHERE address = ? AND manner = ? AND period_at = ?", which
    )
    return _bind(conn, due, wanted, Bundle(manner, now.period_at, parts + 1))


def _begin_digest(conn: Transaction, wanted: Wanted, which: tuple[str, str, str]) -> Row:
    """Write down which deliveries a digest is of: those that are due now, or were and are held."""
    address, manner, _ = which
    row: Row = conn.execute(
        "INSERT INTO digests SELECT ?, ?, ?, max(id), 0 FROM deliveries WHERE address = ? AND manner = ? "
        # Where it is quiet, what is urgent goes first: the others are of the same digest when that ends.
        "AND state = 'pending' AND (not_before <= ? OR waits_for = 'quiet') RETURNING *",
        (*which, address, manner, stamp(wanted.now)),
    ).fetchone()
    return row


def _bind(conn: Transaction, due: Sequence[Row], wanted: Wanted, bundle: Bundle) -> int:
    """Make a message of the longest run that fits, the first at least; returns its id."""
    at = stamp(wanted.now)
    composed = _compose(conn, due, wanted, bundle)
    told = frozenset(composed.deliveries)
    bound = [row for row in due if row["id"] in told] or due[:1]
    message_id = _write_message(conn, bound, composed, bundle, at)
    conn.execute(
        "UPDATE deliveries SET state = 'bound', message_id = ?, waits_for = NULL, "
        "first_attempt_at = coalesce(first_attempt_at, ?) WHERE id IN (SELECT value FROM json_each(?))",
        (message_id, at, json.dumps([row["id"] for row in bound])),
    )
    return message_id


def _compose(conn: Transaction, due: Sequence[Row], wanted: Wanted, bundle: Bundle) -> Composed:
    """The message of the longest run that fits. What takes all that it is offered is offered more.

    All that is due would be read, and have its secrets taken out, anew for each message.
    """
    most = min(wanted.likely(bundle), _count_filling(due, wanted.room(bundle)))
    while True:
        owed = read_owed(conn, choose_first(due, most))
        if wanted.details_since is not None:
            owed = add_title_details(conn, owed, wanted.details_since)
        composed = wanted.compose(owed, bundle)
        if most >= len(due) or not {row["id"] for row in due[:most]}.issubset(composed.deliveries):
            return composed
        most *= _MORE


def _count_filling(due: Sequence[Row], room: int) -> int:
    """How many of what is due fill a message by their names alone, and the links that stand below them."""
    lengths = ((row["told_length"] or 0) + _LEAST_SAID for row in due)
    return next((count for count, length in enumerate(accumulate(lengths), 1) if length > room), len(due))


def _write_message(
    conn: Transaction, bound: Sequence[Row], composed: Composed, bundle: Bundle, at: str
) -> int:
    set_apart_at = bound[0]["set_apart_at"]
    # Since when it might have been tried: what was set apart has lived before (`forgive_absence`).
    due_at = at if set_apart_at is None else max(set_apart_at, bound[0]["not_before"])
    return insert_row(
        conn,
        "INSERT INTO messages (address, state, title, body, is_html, alone, set_apart_at, next_attempt_at, "
        "deliveries, created_at, first_attempt_at, may_have_arrived, manner, urgent, markup, twin, pictures, "
        "key) "
        "VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            bound[0]["address"],
            composed.title,
            composed.body,
            composed.markup is Markup.HTML,
            set_apart_at is not None,
            set_apart_at,
            due_at,
            len(bound),
            at,
            # Giving up counts from a delivery's own first attempt, in whichever message that was.
            min(row["first_attempt_at"] or at for row in bound),
            # Set apart from a message that may have arrived: so may each of its deliveries.
            any(row["reason"] == Reason.AMBIGUOUS for row in bound),
            bundle.manner,
            any(row["urgent"] for row in bound),
            composed.markup,
            composed.twin,
            write_pictures(composed.pictures),
            secrets.token_hex(16),
        ),
    )
