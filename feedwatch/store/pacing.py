"""Waiting that has lost its reason: for an interval that is another now, or by a clock that was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from feedwatch.core.model import Kind
from feedwatch.store.codec import instant, stamp
from feedwatch.store.connection import Connection

AHEAD = timedelta(days=1)
"""What lies further ahead than this, and tells of what has been, was written by a clock that was wrong."""
LONGEST_REST = timedelta(days=8)
"""Longer than any server or index is left alone."""

_OPEN = "state IN ('pending', 'claimed', 'paused')"
_OWED = "state IN ('pending', 'bound')"
# First what waits, then what says that it waits for nothing.
_PUT_OFF = (
    (
        "feeds",
        "next_poll_at",
        "(last_polled_at > :ahead OR last_polled_at IS NULL AND next_poll_at > :longest_rest)",
    ),
    ("accounts", "next_index_at", "next_index_at > :longest_rest"),
    ("hosts", "rest_until_at", "rest_until_at > :longest_rest"),
    ("messages", "next_attempt_at", f"{_OPEN} AND (created_at > :ahead OR next_attempt_at > :longest_wait)"),
    ("feeds", "last_polled_at", "TRUE"),
    ("feeds", "believed_at", "TRUE"),
    ("feeds", "failing_since_at", "TRUE"),
    ("accounts", "failing_since_at", "TRUE"),
    ("addresses", "failing_since_at", "TRUE"),
    ("addresses", "last_delivered_at", "TRUE"),
    ("messages", "lease_until_at", _OPEN),
    ("messages", "created_at", _OPEN),
    ("messages", "first_attempt_at", _OPEN),
    # A digest may well be days away, the end of quiet hours a day and an hour.
    (
        "deliveries",
        "not_before",
        f"""{_OWED} AND (waits_for IS NULL OR waits_for = 'gathering' OR not_before > :longest_rest
            OR waits_for = 'quiet' AND not_before > :longest_wait)""",
    ),
    ("deliveries", "first_attempt_at", _OWED),
)


class Pacing(Connection):
    """The store's words about intervals."""

    def hasten_polls(self, was: timedelta, now: datetime, every: timedelta) -> int:
        """Bring forward the polls that wait for an interval of `was`, now that it is `every`.

        `was` is the longest that the old interval makes a feed wait. What waits longer than that waits
        for its server, or fails, and stays; so does what has an interval of its own. Returns how many.
        """
        rows = self.query(
            "SELECT id, last_polled_at, next_poll_at FROM feeds "
            "WHERE every_seconds IS NULL AND state = 'ok' AND failures = 0 AND next_poll_at > ?",
            (stamp(now + every),),
        )
        hastened = [
            (stamp(max(now, polled_at + every)), row["id"], row["next_poll_at"])
            for row in rows
            if instant(row["next_poll_at"]) - (polled_at := instant(row["last_polled_at"])) <= was
        ]
        if hastened:
            with self.transaction() as conn:
                # Unless it has been polled meanwhile, by a process beside.
                conn.executemany(
                    "UPDATE feeds SET next_poll_at = ? WHERE id = ? AND next_poll_at = ?", hastened
                )
        return len(hastened)

    def hasten_lists(self, account: str, kind: Kind, now: datetime) -> int:
        """Make due now the lists of a kind that fare well: it is known that they have changed.

        What fails, or waits for its server, waits on. A poll under way may have been answered before the
        change: what it brings is let go, so that it does not put the next one off. Returns how many are due
        by this.
        """
        with self.transaction() as conn:
            return conn.execute(
                "UPDATE feeds SET next_poll_at = min(next_poll_at, ?1), landed_number = poll_number "
                "WHERE account = ?2 AND kind = ?3 AND (next_poll_at > ?1 OR landed_number < poll_number) "
                "AND state = 'ok' AND failures = 0",
                (stamp(now), account, kind),
            ).rowcount

    def mend_instants(self, now: datetime, longest_wait: timedelta) -> int:
        """Make due now what a clock that was far ahead has put off; returns how many instants it mended.

        Else nobody would be asked, and nothing sent, until that day comes. `longest_wait` is the longest
        that a message waits for its next attempt.
        """
        values = {
            "now": stamp(now),
            "ahead": stamp(now + AHEAD),
            "longest_rest": stamp(now + LONGEST_REST),
            "longest_wait": stamp(now + longest_wait + AHEAD),
        }
        # Asked first without a lock: clocks are seldom wrong.
        if not any(self._find_ahead(table, column, where, values) for table, column, where in _PUT_OFF):
            return 0
        with self.transaction() as conn:
            return sum(
                conn.execute(
                    f"UPDATE {table} SET {column} = :now WHERE {column} > :ahead AND {where}",  # noqa: S608 — only our own text
                    _named(where, values, "now"),
                ).rowcount
                for table, column, where in _PUT_OFF
            )

    def _find_ahead(self, table: str, column: str, where: str, values: Mapping[str, str]) -> bool:
        query = f"SELECT 1 FROM {table} WHERE {column} > :ahead AND {where} LIMIT 1"  # noqa: S608 — only our own text
        return bool(self.query(query, _named(where, values)))


def _named(where: str, values: Mapping[str, str], *more: str) -> dict[str, str]:
    """The values that a statement names: a value that nothing asks for is refused."""
    return {name: at for name, at in values.items() if name in ("ahead", *more) or f":{name}" in where}
