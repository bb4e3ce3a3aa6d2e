"""What is remembered of a feed, as the core wants it: its list, its next poll, what a window showed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from feedwatch.core.model import ChangeKind, Details, Entry, FeedState, Kind, Reason, RecordedChange, Snapshot
from feedwatch.core.state import FeedMemory, HeldReply, PollTask
from feedwatch.errors import StoreDamaged
from feedwatch.store.codec import (
    instant,
    read_fact_changes,
    read_facts,
    read_instant,
    read_order,
    read_texts,
    read_validators,
    read_word,
)
from feedwatch.store.connection import Row, Transaction
from feedwatch.store.digest import digest_list
from feedwatch.store.silencing import read_silences

CHANGE_COLUMNS = """
    changes.id AS change_id, changes.at AS change_at, changes.feed_kind, changes.kind AS change_kind,
    changes.key, changes.title, changes.link, changes.position, changes.previous_position, changes.facts,
    changes.entry_facts, changes.picture, changes.picture_own, changes.excerpt, changes.title_ref,
    feeds.account AS feed_account, feeds.name AS feed_name
"""
"""What a change is read from, where `changes` and its `feeds` are joined."""

IS_RECOMMENDED = """
changes.feed_kind = 'queue' AND changes.kind = 'added' AND EXISTS (
    SELECT 1 FROM feeds AS list WHERE list.account = feeds.account AND list.kind = 'recommendations' AND (
        EXISTS (SELECT 1 FROM entries WHERE entries.feed_id = list.id AND entries.key = changes.key)
        OR EXISTS (SELECT 1 FROM departed WHERE departed.feed_id = list.id AND departed.key = changes.key)))
"""
"""Whether the title of a queue's change is, or was within what is kept, among those recommended."""


def recall_feed(conn: Transaction, row: Row, coming: Sequence[Entry], now: datetime) -> FeedMemory:
    """What is known of a feed at the moment a list with these entries lands."""
    held = (
        HeldReply(read_word(Reason, row["held_reason"]), row["held_digest"]) if row["held_reason"] else None
    )
    return FeedMemory(
        snapshot=read_snapshot(conn, row),
        compared_as=row["compared_as"],
        seen=_find_seen(conn, row["id"], coming),
        held=held,
        body_etag=row["body_etag"],
        left_etags=read_texts(row["left_etags"]),
        grows_at_end=bool(row["grows_at_end"]),
        failures=row["failures"],
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
        silences=read_silences(conn, now),
    )


def read_change(row: Row) -> RecordedChange:
    """A change from a row that holds CHANGE_COLUMNS."""
    return RecordedChange(
        id=row["change_id"],
        at=instant(row["change_at"]),
        account=row["feed_account"],
        feed=row["feed_name"],
        feed_kind=read_word(Kind, row["feed_kind"]),
        kind=read_word(ChangeKind, row["change_kind"]),
        key=row["key"],
        title=row["title"],
        link=row["link"],
        position=row["position"],
        previous_position=row["previous_position"],
        facts=read_fact_changes(row["facts"]),
        entry_facts=read_facts(row["entry_facts"]),
        details=Details(row["picture"], row["excerpt"], bool(row["picture_own"]), row["title_ref"]),
    )


def read_entry(row: Row, position: int | None) -> Entry:
    """An entry from its row; its place is the feed's to know."""
    return Entry(
        key=row["key"],
        title=row["title"],
        link=row["link"],
        position=position,
        facts=read_facts(row["facts"]),
        dated_at=read_instant(row["dated_at"]),
        alias=row["alias"],
    )


def read_task(row: Row) -> PollTask:
    """The poll that a feed's row asks for."""
    every = row["every_seconds"]
    return PollTask(
        feed_id=row["id"],
        account=row["account"],
        name=row["name"],
        kind=read_word(Kind, row["kind"]),
        address=row["address"],
        number=row["poll_number"],
        landed=row["landed_number"],
        state=read_word(FeedState, row["state"]),
        first=row["compared_as"] is None,
        validators=read_validators(row["validators"]),
        believed_at=read_instant(row["believed_at"]),
        body_digest=row["body_digest"],
        content_digest=row["content_digest"],
        every=timedelta(seconds=every) if every else None,
        announce_baseline=bool(row["announce_baseline"]),
        compare_content=bool(row["compare_content"]),
        plain=bool(row["plain"]),
        body_etag=row["body_etag"],
        body_total=row["body_total"],
        paging_refused=bool(row["paging_refused"]),
        moved_to=row["moved_to"],
        moved_polls=row["moved_polls"],
        failures=row["failures"],
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
    )


def read_snapshot(conn: Transaction, row: Row) -> Snapshot | None:
    """The last snapshot of a feed, in order; None if there is none.

    Raises:
        StoreDamaged: it does not read as it was written: compared, the damage would become changes.
    """
    if row["compared_as"] is None:
        return None
    keys, more = read_order(row["entry_order"])
    found = {e["key"]: e for e in conn.execute("SELECT * FROM entries WHERE feed_id = ?", (row["id"],))}
    try:
        placed = [read_entry(found[key], rank) for rank, key in enumerate(keys, start=1)]
        loose = [read_entry(found[key], None) for key in more]
    except KeyError as error:
        raise _damaged(row, "an entry of it is missing") from error
    except StoreDamaged as error:
        raise _damaged(row, str(error)) from error
    # NULL: written before there was one.
    if row["list_digest"] is not None and row["list_digest"] != digest_list(placed, loose):
        raise _damaged(row, "it does not read as it was written")
    return Snapshot((*placed, *loose), whole=bool(row["whole"]), ordered=bool(row["ordered"]))


def _damaged(row: Row, why: str) -> StoreDamaged:
    return StoreDamaged(f"the stored list of {row['account']}/{row['name']} is damaged: {why}")


def _find_seen(conn: Transaction, feed_id: int, coming: Sequence[Entry]) -> frozenset[str]:
    """Keys and aliases of coming entries that this feed has shown before."""
    keys = json.dumps([entry.key for entry in coming])
    aliases = json.dumps([entry.alias for entry in coming if entry.alias])
    rows = conn.execute(
        "SELECT key AS seen FROM departed WHERE feed_id = ? AND key IN (SELECT value FROM json_each(?)) "
        "UNION SELECT alias FROM departed WHERE feed_id = ? AND alias IN (SELECT value FROM json_each(?))",
        (feed_id, keys, feed_id, aliases),
    )
    return frozenset(row["seen"] for row in rows)
