"""Forgetting what is older than the configuration wants kept, and giving back its room; bite by bite."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta

from feedwatch.core.model import Notice
from feedwatch.errors import StoreDamaged, StoreError
from feedwatch.store.codec import stamp
from feedwatch.store.connection import LOG_LIMIT, Connection
from feedwatch.store.owing import owe_notice

BATCH = 1000
"""Rows forgotten in one transaction: short enough to keep no poll waiting."""
BITE = 256
"""Pages given back in one transaction, for the same reason: a megabyte."""
SPARE = 256
"""Free pages that are kept: what grows again within the hour need not be asked for again."""
REBUILT_AT_MOST = 64 * 1024 * 1024
"""Bytes of a state that is rebuilt to give room back from then on; a larger one stays as it is."""
_ROWS_ANALYSED = 400

_FORGET_DETAILS = """
UPDATE changes SET picture = NULL, excerpt = '' WHERE id IN (
    SELECT id FROM changes WHERE (picture IS NOT NULL OR excerpt <> '') AND at < :before LIMIT :batch)
"""
_FORGET_TITLES = """
DELETE FROM title_details WHERE (account, subject) IN
    (SELECT account, subject FROM title_details WHERE at < :before LIMIT :batch)
"""
# What has arrived is never sent again: its title stays for `outbox`, its text may hold details of titles.
_FORGET_TEXTS = """
UPDATE messages SET body = '', twin = '', pictures = '[]' WHERE id IN (
    SELECT id FROM messages WHERE state = 'delivered' AND settled_at < :before AND body <> '' LIMIT :batch)
"""
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
    # The last of them is not made twice, however short a time is kept: more of it may still wait.
    """DELETE FROM digests WHERE period_at < :before AND (
       EXISTS (SELECT 1 FROM digests AS later WHERE later.address = digests.address
           AND later.manner = digests.manner AND later.period_at > digests.period_at)
       OR NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.address = digests.address
           AND deliveries.manner = digests.manner AND deliveries.state = 'pending'))""",
    """DELETE FROM silences WHERE ends_at < :before
       AND NOT EXISTS (SELECT 1 FROM deliveries WHERE silence_id = silences.id)""",
    # One that is paused, or fails, stays known however long that lasts.
    """DELETE FROM addresses WHERE last_delivered_at < :before AND paused_at IS NULL
       AND failing_since_at IS NULL AND NOT failing_announced
       AND NOT EXISTS (SELECT 1 FROM deliveries WHERE address = addresses.address AND change_id IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM deliveries WHERE address = addresses.address AND notice_id IS NOT NULL)
    """,
)


class Keeping(Connection):
    """The store's words about forgetting, about room, and about itself."""

    def prune(self, now: datetime, keep: timedelta, details: timedelta | None = None) -> int:
        """Forget a batch of what is older than `keep`; returns how many rows. Never what is still owed.

        The pictures and excerpts of changes are forgotten after `details`, if that is sooner, and so are what
        was asked about titles and the texts of messages that have arrived.
        """
        values = {"before": stamp(now - keep), "batch": BATCH}
        detailed = {"before": stamp(now - min(keep, details or keep)), "batch": BATCH}
        with self.transaction() as conn:
            forgotten = sum(conn.execute(step, values).rowcount for step in _STEPS)
            sooner = (_FORGET_DETAILS, _FORGET_TITLES, _FORGET_TEXTS)
            return forgotten + sum(conn.execute(step, detailed).rowcount for step in sooner)

    def record_notice(self, notice: Notice, addresses: Sequence[str]) -> None:
        """Owe a notice that comes with no other news to addresses."""
        with self.transaction() as conn:
            owe_notice(conn, notice, addresses)

    def give_back_room(self) -> int:
        """Give a bite of the file's free pages back to the disk; returns how many pages.

        None of a state that was made before feedwatch could do this, until `rebuild_once` has been there.
        """
        free = self._count("freelist_count")
        if free <= SPARE or self._count("auto_vacuum") == 0:
            return 0
        with self.transaction() as conn:
            for _ in range(min(free - SPARE, BITE)):
                # Page by page: asked for more at once, Python's cursor stops after the first all the same.
                conn.execute("PRAGMA incremental_vacuum(1)")
        return free - self._count("freelist_count")

    def tidy_log(self) -> None:
        """Write into the file what waits in its log, and cut the log; not now if somebody still reads it.

        How the tables are best asked is looked at, too, where they have grown much.
        """
        with self.transaction() as conn:
            conn.execute(f"PRAGMA analysis_limit = {_ROWS_ANALYSED}")
            conn.execute("PRAGMA optimize").fetchall()
        with self.without_waiting():
            self.query("PRAGMA wal_checkpoint(TRUNCATE)")

    def rebuild_once(self) -> bool:
        """Rebuild a state that cannot give room back so that it can; False if it need not or cannot be now.

        For the start, when nothing waits: it takes a second for each few dozen megabytes, and twice the
        room. Nothing is lost by a kill in the middle. Where the room, or a lock, is not to be had, the next
        start tries again.
        """
        size = self._count("page_count") * self._count("page_size")
        if self._count("auto_vacuum") != 0 or size > REBUILT_AT_MOST:
            return False
        if shutil.disk_usage(self.path.parent).free < 3 * size + LOG_LIMIT:
            return False
        self.query("PRAGMA auto_vacuum = INCREMENTAL")
        try:
            with self.without_waiting():
                self.query("VACUUM")
        except StoreDamaged:
            raise
        except StoreError:
            return False
        return True

    def _count(self, pragma: str) -> int:
        return int(self.query(f"PRAGMA {pragma}")[0][0])
