"""What is remembered of a feed, as the core wants it: its list, its next poll, what a window showed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from feedwatch.core.model import ChangeKind, Details, Entry, FeedState, Kind, Reason, RecordedChange, Snapshot
from feedwatch.core.state import FeedMemory, HeldReply, PollTask, Silence
from feedwatch.errors import StoreDamaged
from feedwatch.store.codec import (
    instant,
    read_all_facts,
    read_all_instants,
    read_fact_changes,
    read_facts,
    read_instant,
    read_order,
    read_texts,
    read_validators,
    read_word,
)
from feedwatch.store.connection import Row, Transaction, read_plain
from feedwatch.store.digest import Columns, digest_list, tell_row

CHANGE_COLUMNS = """
    changes.id AS change_id, changes.at AS change_at, changes.feed_kind, changes.kind AS change_kind,
    changes.key, changes.title, changes.link, changes.position, changes.previous_position, changes.facts,
    changes.entry_facts, changes.picture, changes.picture_own, changes.excerpt, changes.title_ref,
    feeds.account AS feed_account, feeds.name AS feed_name
"""
"""What a change is read from, where `changes` and its `feeds` are joined."""


class StoredList(NamedTuple):
    """The last snapshot of a feed, and what the row of each entry says (store/digest.py), by key."""

    snapshot: Snapshot
    told: Mapping[str, str]


MEMORY_COLUMNS = """
    feeds.id, feeds.account, feeds.name, feeds.compared_as, feeds.list_digest,
    feeds.whole, feeds.ordered, feeds.held_reason, feeds.held_digest, feeds.body_etag, feeds.left_etags,
    feeds.grows_at_end, feeds.failures, feeds.failing_since_at, feeds.broken_announced,
    (SELECT entry_order FROM list_orders WHERE feed_id = feeds.id) AS entry_order,
    EXISTS (SELECT 1 FROM departed WHERE feed_id = feeds.id) AS has_departed
"""
"""What is known of a feed is read from these."""


def recall_feed(
    conn: Transaction,
    row: Row,
    stored: StoredList | None,
    coming: Sequence[Entry],
    silences: tuple[Silence, ...],
) -> FeedMemory:
    """What is known of a feed, of MEMORY_COLUMNS, at the moment a list with these entries lands."""
    held = (
        HeldReply(read_word(Reason, row["held_reason"]), row["held_digest"]) if row["held_reason"] else None
    )
    return FeedMemory(
        snapshot=stored.snapshot if stored else None,
        compared_as=row["compared_as"],
        seen=_find_seen(conn, row["id"], coming) if row["has_departed"] else frozenset(),
        held=held,
        body_etag=row["body_etag"],
        left_etags=read_texts(row["left_etags"]),
        grows_at_end=bool(row["grows_at_end"]),
        failures=row["failures"],
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
        silences=silences,
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


TASK_COLUMNS = """
    id, account, name, kind, address, poll_number, landed_number, state, compared_as, validators, believed_at,
    body_digest, content_digest, every_seconds, announce_baseline, compare_content, plain, body_etag,
    body_total, paging_refused, moved_to, moved_polls, failures, failing_since_at, broken_announced, parts
"""
"""What a poll is read from: of a feed's row not the order of its list, which is as long as the list."""


def read_task(row: Sequence[Any]) -> PollTask:
    """The poll that a feed's row asks for, of TASK_COLUMNS; read by place, for each poll of each round."""
    (
        feed_id, account, name, kind, address, number, landed, state, compared_as, validators, believed_at,
        body_digest, content_digest, every, announce_baseline, compare_content, plain, body_etag, body_total,
        paging_refused, moved_to, moved_polls, failures, failing_since_at, broken_announced, parts,
    ) = row  # fmt: skip
    return PollTask(
        feed_id=feed_id,
        account=account,
        name=name,
        kind=read_word(Kind, kind),
        address=address,
        number=number,
        landed=landed,
        state=read_word(FeedState, state),
        first=compared_as is None,
        validators=read_validators(validators),
        believed_at=read_instant(believed_at),
        body_digest=body_digest,
        content_digest=content_digest,
        every=timedelta(seconds=every) if every else None,
        announce_baseline=bool(announce_baseline),
        compare_content=bool(compare_content),
        plain=bool(plain),
        body_etag=body_etag,
        body_total=body_total,
        paging_refused=bool(paging_refused),
        moved_to=moved_to,
        moved_polls=moved_polls,
        failures=failures,
        failing_since_at=read_instant(failing_since_at),
        broken_announced=bool(broken_announced),
        parts=parts,
    )


def read_list(conn: Transaction, row: Row) -> StoredList | None:
    """The list of a feed as it was when it landed last; None if none has.

    Raises:
        StoreDamaged: it does not read as it was written: compared, the damage would become changes.
    """
    if row["compared_as"] is None:
        return None
    try:
        return _read_verified(row, read_plain(conn, _ROWS, (row["id"],)).fetchall())
    except KeyError as error:
        raise _damaged(row, "an entry of it is missing") from error
    except StoreDamaged as error:
        raise _damaged(row, str(error)) from error


_ROWS = "SELECT key, title, link, facts, dated_at, alias FROM entries WHERE feed_id = ?"


def _read_verified(row: Row, rows: Sequence[Columns]) -> StoredList:
    keys, more = read_order(row["entry_order"])
    told = {columns[0]: tell_row(columns) for columns in rows}
    digest = digest_list(row["entry_order"], [told[key] for key in (*keys, *more)])
    if row["list_digest"] not in (digest, None):  # NULL: written before there was one
        raise StoreDamaged("it does not read as it was written")
    entries = _read_entries(rows, keys, more)
    return StoredList(Snapshot(entries, whole=bool(row["whole"]), ordered=bool(row["ordered"])), told)


def _read_entries(rows: Sequence[Columns], keys: Sequence[str], more: Sequence[str]) -> tuple[Entry, ...]:
    """Entries in order: those with a place, then `more`. KeyError if one is missing."""
    all_facts = read_all_facts([columns[3] for columns in rows])
    dates = read_all_instants([columns[4] for columns in rows])
    places = {key: place for place, key in enumerate(keys, start=1)}
    entries = {
        key: Entry(key, title, link, places.get(key), facts, dated_at, alias)
        for (key, title, link, _, _, alias), facts, dated_at in zip(rows, all_facts, dates, strict=True)
    }
    return tuple([entries[key] for key in (*keys, *more)])


def _damaged(row: Row, why: str) -> StoreDamaged:
    return StoreDamaged(f"the stored list of {row['account']}/{row['name']} is damaged: {why}")


def _find_seen(conn: Transaction, feed_id: int, coming: Sequence[Entry]) -> frozenset[str]:
    """Keys and aliases of coming entries that this feed has shown before."""
    keys = json.dumps([entry.key for entry in coming])
    aliases = json.dumps([entry.alias for entry in coming if entry.alias])
    return frozenset(seen for (seen,) in read_plain(conn, _SEEN, (feed_id, keys, aliases)))


# From what comes to what departed, which may be ten times as much.
_SEEN = """
SELECT departed.key FROM json_each(?2) AS coming CROSS JOIN departed
    ON departed.feed_id = ?1 AND departed.key = coming.value
UNION ALL
SELECT departed.alias FROM json_each(?3) AS coming CROSS JOIN departed
    ON departed.feed_id = ?1 AND departed.alias = coming.value
"""
