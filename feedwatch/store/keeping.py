"""Forgetting what is older than the configuration wants kept, a little at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from feedwatch.store.codec import stamp
from feedwatch.store.connection import Connection

BATCH = 1000
"""Rows forgotten in one transaction: short enough to keep no poll waiting."""

_STEPS = (
    """DELETE FROM deliveries WHERE id IN
       (SELECT id FROM deliveries WHERE settled_at < :before LIMIT :batch)""",
    """DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE settled_at < :before AND NOT EXISTS
       (SELECT 1 FROM deliveries WHERE message_id = messages.id) LIMIT :batch)""",
    """DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE at < :before AND NOT EXISTS
       (SELECT 1 FROM deliveries WHERE change_id = changes.id) LIMIT :batch)""",
    """DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at < :before AND NOT EXISTS
       (SELECT 1 FROM deliveries WHERE notice_id = notices.id) LIMIT :batch)""",
    """DELETE FROM departed WHERE (feed_id, key) IN
       (SELECT feed_id, key FROM departed WHERE left_at < :before LIMIT :batch)""",
    "DELETE FROM hosts WHERE rest_until_at < :before",
)


class Keeping(Connection):
    """The store's words about forgetting."""

    def prune(self, now: datetime, keep: timedelta) -> int:
        """Forget a batch of what is older than `keep`; returns how many rows. Never what is still owed."""
        values = {"before": stamp(now - keep), "batch": BATCH}
        with self.transaction() as conn:
            return sum(conn.execute(step, values).rowcount for step in _STEPS)
