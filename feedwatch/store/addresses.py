"""Which addresses of targets have been checked: what is fine need not be looked at again at each start."""

from __future__ import annotations

from feedwatch.store.connection import Connection

_CHECKED = "checked_addresses"


class Addresses(Connection):
    """The store's words about the checking of addresses."""

    def checked_addresses(self) -> str | None:
        """The stamp of the addresses that were last found to be fine; None if there are none."""
        rows = self.query("SELECT value FROM facts WHERE name = ?", (_CHECKED,))
        return rows[0]["value"] if rows else None

    def record_checked_addresses(self, stamp: str) -> None:
        """Remember that the addresses of a stamp are fine."""
        if self.checked_addresses() != stamp:
            with self.transaction() as conn:
                conn.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_CHECKED, stamp))
