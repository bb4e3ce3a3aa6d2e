"""What is offered to a message: of all that is due to an address, as much as may fit, and what that tells."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from feedwatch.core.keys import title_in_key
from feedwatch.core.messages import OwedDelivery
from feedwatch.core.model import ChangeKind, Kind, Notice, NoticeKind, RecordedChange
from feedwatch.errors import StoreDamaged
from feedwatch.store.codec import instant, read_instant, read_lines, read_word
from feedwatch.store.connection import Row, Transaction
from feedwatch.store.memory import CHANGE_COLUMNS, read_change


def choose_first(due: Sequence[Row], most: int) -> Sequence[Row]:
    """The first of what is due, and of the rest what may be told with them: what is about the same titles.

    So the stories that begin with the first `most` are the same as if all were offered. Others may follow
    that are not the next: a message that tells all of the first is to be offered more.
    """
    first, rest = due[:most], due[most:]
    titles = {title for row in first if (title := _title_of(row)) is not None}
    return [*first, *(row for row in rest if _title_of(row) in titles)] if titles else first


def _title_of(row: Row) -> str | None:
    """The title's id, of whichever account; None for what is always told by itself."""
    kind = row["feed_kind"]
    # Told apart before it is read as one of the kinds: most of what is due to many addresses are posts.
    if kind is None or kind == Kind.STREAM:
        return None
    return title_in_key(read_word(Kind, kind), row["key"])


def read_owed(conn: Transaction, due: Sequence[Row]) -> list[OwedDelivery]:
    """Deliveries with what they tell, in order."""
    changes = _read_changes(conn, [row["change_id"] for row in due if row["change_id"] is not None])
    notices = _read_notices(conn, [row["notice_id"] for row in due if row["notice_id"] is not None])
    recommended = find_recommended(conn, changes.values())
    return [
        OwedDelivery(row["id"], row["address"], changes[row["change_id"]], row["change_id"] in recommended)
        if row["change_id"] is not None
        else OwedDelivery(row["id"], row["address"], notices[row["notice_id"]])
        for row in due
    ]


def find_recommended(conn: Transaction, changes: Iterable[RecordedChange]) -> Collection[int]:
    """The ids of changes that queued a title which is, or was within `keep`, among those recommended."""
    queued = [c for c in changes if c.feed_kind is Kind.QUEUE and c.kind is ChangeKind.ADDED]
    if not queued:
        return ()
    accounts, keys = {change.account for change in queued}, {change.key for change in queued}
    values = {"accounts": json.dumps(sorted(accounts)), "keys": json.dumps(sorted(keys))}
    known = {tuple(row) for row in conn.execute(_RECOMMENDED, values)}
    return frozenset(change.id for change in queued if (change.account, change.key) in known)


_LISTS = """
(SELECT id, account FROM feeds WHERE kind = 'recommendations'
    AND account IN (SELECT value FROM json_each(:accounts))) AS list
"""
# List by list and title by title: so each is looked up by the key of its table.
_RECOMMENDED = f"""
SELECT list.account, shown.key FROM {_LISTS} CROSS JOIN json_each(:keys) AS wanted
CROSS JOIN entries AS shown ON shown.feed_id = list.id AND shown.key = wanted.value
UNION
SELECT list.account, shown.key FROM {_LISTS} CROSS JOIN json_each(:keys) AS wanted
CROSS JOIN departed AS shown ON shown.feed_id = list.id AND shown.key = wanted.value
"""  # noqa: S608 — only our own text


def _read_changes(conn: Transaction, ids: Sequence[int]) -> dict[int, RecordedChange]:
    rows = conn.execute(
        f"SELECT {CHANGE_COLUMNS} FROM changes JOIN feeds ON feeds.id = changes.feed_id "  # noqa: S608 — only our own text
        "WHERE changes.id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    changes = {row["change_id"]: read_change(row) for row in rows}
    if len(changes) < len(ids):
        raise StoreDamaged("a change that is owed is missing from the state")
    return changes


def _read_notices(conn: Transaction, ids: Sequence[int]) -> dict[int, Notice]:
    if not ids:
        return {}
    rows = conn.execute(
        "SELECT * FROM notices WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    )
    notices = {row["id"]: _read_notice(row) for row in rows}
    if len(notices) < len(ids):
        raise StoreDamaged("a notice that is owed is missing from the state")
    return notices


def _read_notice(row: Row) -> Notice:
    return Notice(
        kind=read_word(NoticeKind, row["kind"]),
        at=instant(row["at"]),
        account=row["account"],
        feeds=read_lines(row["feeds"]),
        reason=row["reason"],
        since_at=read_instant(row["since_at"]),
    )
