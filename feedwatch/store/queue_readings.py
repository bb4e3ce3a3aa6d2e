"""The queue of each account as it was last read or changed here, with the etag that the next change names."""

from __future__ import annotations

import json

from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.errors import StoreDamaged
from feedwatch.store.codec import instant, read_texts, stamp, write_json
from feedwatch.store.connection import Connection


class QueueReadings(Connection):
    """The store's words about queues as they were last read."""

    def keep_queue_reading(self, account: str, reading: QueueReading, read_as: str) -> None:
        """Keep how an account's queue was read by these credentials (a stamp), in place of the last time."""
        with self.transaction() as conn:
            conn.execute(
                "INSERT OR REPLACE INTO queue_readings (account, etag, left_etags, titles, at, read_as) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    account,
                    reading.etag or "",
                    write_json(reading.left),
                    write_json(reading.titles),
                    stamp(reading.at),
                    read_as,
                ),
            )

    def find_queue_reading(self, account: str, read_as: str) -> QueueReading | None:
        """How an account's queue was last read by these credentials; None if it never was."""
        rows = self.query(
            "SELECT * FROM queue_readings WHERE account = ? AND read_as = ?", (account, read_as)
        )
        for row in rows:
            return QueueReading(
                row["etag"] or None,
                _read_titles(row["titles"]),
                instant(row["at"]),
                read_texts(row["left_etags"]),
            )
        return None


def _read_titles(text: str) -> tuple[QueuedTitle, ...]:
    try:
        return tuple(QueuedTitle(ref, name, position) for ref, name, position in json.loads(text))
    except (ValueError, TypeError) as error:
        raise StoreDamaged("a queue in the state cannot be read") from error
