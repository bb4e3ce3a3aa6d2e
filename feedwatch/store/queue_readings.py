"""The queue of each account as it was last read or changed here, with the etag that the next change names."""

from __future__ import annotations

import json

from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.errors import StoreDamaged
from feedwatch.store.codec import instant, read_texts, stamp, write_json
from feedwatch.store.connection import Connection


class QueueReadings(Connection):
    """The store's words about queues as they were last read."""

    def keep_queue_reading(self, account: str, reading: QueueReading) -> None:
        """Keep how an account's queue was read, in place of the last time."""
        with self.transaction() as conn:
            conn.execute(
                "INSERT INTO queue_readings (account, etag, left_etags, titles, at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (account) DO UPDATE SET etag = excluded.etag, left_etags = excluded.left_etags, "
                "titles = excluded.titles, at = excluded.at",
                (
                    account,
                    reading.etag or "",
                    write_json(reading.left),
                    write_json(reading.titles),
                    stamp(reading.at),
                ),
            )

    def find_queue_reading(self, account: str) -> QueueReading | None:
        """How an account's queue was last read; None if it never was."""
        rows = self.query("SELECT * FROM queue_readings WHERE account = ?", (account,))
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
