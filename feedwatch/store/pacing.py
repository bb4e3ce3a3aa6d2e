"""Taking over another interval: polls that wait for the old one do not wait it out."""

from __future__ import annotations

from datetime import datetime, timedelta

from feedwatch.store.codec import instant, stamp
from feedwatch.store.connection import Connection


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
