"""What is remembered of a feed, as the core wants it: its list, its next poll, what a window showed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from feedwatch.core.model import ChangeKind, Details, Entry, FeedState, Kind, Reason, RecordedChange, Snapshot
from feedwatch.core.state import FeedMemory, HeldReply, PollTask, Silence
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
from feedwatch.store.connection import Row, Transaction, read_plain
from feedwatch.store.digest import digest_list

CHANGE_COLUMNS = """
    changes.id AS change_id, changes.at AS change_at, changes.feed_kind, changes.kind AS change_kind,
    changes.key, changes.title, changes.link, changes.position, changes.previous_position, changes.facts,
    changes.entry_facts, changes.picture, changes.picture_own, changes.excerpt, changes.title_ref,
    feeds.account AS feed_account, feeds.name AS feed_name
"""
"""What a change is read from, where `changes` and its `feeds` are joined."""


def recall_feed(
    conn: Transaction, row: Row, coming: Sequence[Entry], silences: tuple[Silence, ...]
) -> FeedMemory:
    """What is known of a feed at the moment a list with these entries lands.

    Its row says beside its columns whether anything has departed from it (`has_departed`).
    """
    held = (
        HeldReply(read_word(Reason, row["held_reason"]), row["held_digest"]) if row["held_reason"] else None
    )
    return FeedMemory(
        snapshot=read_snapshot(conn, row),
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
    return _read_line([row[column] for column in _COLUMNS], position)


TASK_COLUMNS = """
    id, account, name, kind, address, poll_number, landed_number, state, compared_as, validators, believed_at,
    body_digest, content_digest, every_seconds, announce_baseline, compare_content, plain, body_etag,
    body_total, paging_refused, moved_to, moved_polls, failures, failing_since_at, broken_announced, parts
"""
"""What a poll is read from: of a feed's row not the order of its list, which is as long as the list."""


def read_task(row: Sequence[Any]) -> PollTask:
    """The poll that a feed's row asks for, of TASK_COLUMNS; read by place, for each poll of each round."""
    feed_id, account, name, kind, address, number, landed, state, compared_as, validators, *more = row
    believed_at, body_digest, content_digest, every, announce_baseline, compare_content, plain, *more = more
    body_etag, body_total, paging_refused, moved_to, moved_polls, *failing = more
    failures, failing_since_at, broken_announced, parts = failing
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


def read_snapshot(conn: Transaction, row: Row) -> Snapshot | None:
    """The last snapshot of a feed, in order; None if there is none.

    Raises:
        StoreDamaged: it does not read as it was written: compared, the damage would become changes.
    """
    if row["compared_as"] is None:
        return None
    keys, more = read_order(row["entry_order"])
    lines = {line[0]: line for line in read_plain(conn, _LINES, (row["id"],))}
    try:
        placed = [_read_line(lines[key], rank) for rank, key in enumerate(keys, start=1)]
        loose = [_read_line(lines[key], None) for key in more]
    except KeyError as error:
        raise _damaged(row, "an entry of it is missing") from error
    except StoreDamaged as error:
        raise _damaged(row, str(error)) from error
    # NULL: written before there was one.
    if row["list_digest"] is not None and row["list_digest"] != digest_list(placed, loose):
        raise _damaged(row, "it does not read as it was written")
    return Snapshot((*placed, *loose), whole=bool(row["whole"]), ordered=bool(row["ordered"]))


_COLUMNS = ("key", "title", "link", "facts", "dated_at", "alias")
_LINES = f"SELECT {', '.join(_COLUMNS)} FROM entries WHERE feed_id = ?"  # noqa: S608 — only our own text


def _read_line(line: Sequence[Any], position: int | None) -> Entry:
    key, title, link, facts, dated_at, alias = line
    return Entry(key, title, link, position, read_facts(facts), read_instant(dated_at), alias)


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
