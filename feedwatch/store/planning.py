"""When what is owed is due, where that is decided anew: a round has ended, the routes are others."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import datetime

from feedwatch.core.messages import WaitsFor
from feedwatch.core.state import PendingDelivery, Planned
from feedwatch.store.codec import instant, stamp
from feedwatch.store.connection import Connection, Row
from feedwatch.store.memory import CHANGE_COLUMNS, read_change

_OF_ACCOUNTS = """
EXISTS (SELECT 1 FROM changes JOIN feeds ON feeds.id = changes.feed_id
    WHERE changes.id = deliveries.change_id AND feeds.account IN (SELECT value FROM json_each(:accounts)))
"""
_ROUTES = "routes"
BITE = 1000
"""Deliveries planned anew in one transaction."""
_IS_UNBOUND = "deliveries.state = 'pending' AND deliveries.set_apart_at IS NULL"


class Planning(Connection):
    """The store's words about the time of what is owed."""

    def end_round(self, accounts: Collection[str] | None, due_at: datetime) -> int:
        """Have what has been gathered of these accounts (None: of all) be due then; returns how much."""
        where = "state = 'pending' AND waits_for = :gathering AND not_before > :at"
        values = {"gathering": WaitsFor.GATHERING, "at": stamp(due_at)}
        if accounts is not None:
            where += f" AND {_OF_ACCOUNTS}"
            values["accounts"] = json.dumps(sorted(accounts))
        with self.transaction() as conn:
            return conn.execute(f"UPDATE deliveries SET not_before = :at WHERE {where}", values).rowcount  # noqa: S608 — only our own text

    def plan_again(
        self,
        routes: str,
        plan: Callable[[PendingDelivery], Planned | None],
        now: datetime,
        *,
        anew: bool = False,
    ) -> int:
        """Plan anew what no message has bound yet, if `routes` are not those that it was planned by.

        What no route leads to its address any more is told all the same, plainly and at once. Returns how
        many deliveries are told otherwise than they would have been. Bite by bite: who polls beside us need
        not wait for all of it. What is cut short is begun anew. With `anew` it is planned in any case:
        another process may have done so, and this one have gone on by the routes before.
        """
        known = self.query("SELECT value FROM facts WHERE name = ?", (_ROUTES,))
        if known and known[0]["value"] == routes and not anew:
            return 0
        changed = last = 0
        while rows := self.query(_PENDING, (last, BITE)):
            planned = [_plan_row(row, plan, now) for row in rows]
            with self.transaction() as conn:
                changed += conn.executemany(_PLAN, planned).rowcount
            last = rows[-1]["delivery_id"]
        with self.transaction() as conn:
            # Held back by hours that may be others now: where it is still quiet, it is held anew.
            conn.execute(
                "UPDATE messages SET next_attempt_at = min(next_attempt_at, ?), waits_for = NULL "
                "WHERE state IN ('pending', 'claimed', 'paused') AND waits_for IS NOT NULL",
                (stamp(now),),
            )
            conn.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_ROUTES, routes))
        return changed


def _plan_row(
    row: Row, plan: Callable[[PendingDelivery], Planned | None], now: datetime
) -> tuple[object, ...]:
    pending = PendingDelivery(row["delivery_id"], row["address"], read_change(row))
    planned = plan(pending) or Planned(0, pending.address)
    if _is_held_digest(row, planned):
        return row["not_before"], row["manner"], row["urgent"], row["waits_for"], pending.id
    due_at = planned.not_before or min(now, instant(row["not_before"]))
    was_due_at = instant(row["not_before"])
    if was_due_at <= now and planned.waits_for == row["waits_for"] == WaitsFor.DIGEST:
        due_at = was_due_at  # of a digest that came while nobody was there to tell it, and not of the next
    return stamp(due_at), planned.manner, planned.urgent, planned.waits_for, pending.id


def _is_held_digest(row: Row, planned: Planned) -> bool:
    """Whether it is of a digest that has come, and waits for quiet hours to end: not for the next digest."""
    told_alike = row["manner"] == planned.manner and planned.waits_for is WaitsFor.DIGEST
    return told_alike and row["waits_for"] == WaitsFor.QUIET


# Unless a message has bound it meanwhile.
_PLAN = f"""
UPDATE deliveries SET not_before = ?1, manner = ?2, urgent = ?3, waits_for = ?4
WHERE id = ?5 AND {_IS_UNBOUND} AND (manner <> ?2 OR urgent <> ?3 OR waits_for IS NOT ?4)
"""  # noqa: S608 — only our own text

_PENDING = f"""
SELECT deliveries.id AS delivery_id, deliveries.address, deliveries.not_before, deliveries.manner,
    deliveries.urgent, deliveries.waits_for, {CHANGE_COLUMNS}
FROM deliveries JOIN changes ON changes.id = deliveries.change_id JOIN feeds ON feeds.id = changes.feed_id
WHERE {_IS_UNBOUND} AND deliveries.id > ? ORDER BY deliveries.id LIMIT ?
"""  # noqa: S608 — only our own text
