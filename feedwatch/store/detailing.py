"""What was asked about titles: whose details are wanted, and keeping them for as long as they may be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from feedwatch.core.keys import title_of
from feedwatch.core.messages import OwedDelivery
from feedwatch.core.model import RecordedChange, TitleDetails
from feedwatch.core.subjects import WantedTitle, subjects_of, want_by_name, want_by_ref, wants_details
from feedwatch.errors import StoreDamaged
from feedwatch.store.codec import instant, stamp, write_json
from feedwatch.store.connection import Connection, Row, Transaction
from feedwatch.store.indexes import find_asked_as
from feedwatch.store.memory import CHANGE_COLUMNS, read_change

_LOOKED_THROUGH = 500
"""So many of the newest changes that are owed are looked through for titles."""

_OWED_SOON = f"""
SELECT {CHANGE_COLUMNS} FROM changes JOIN feeds ON feeds.id = changes.feed_id
-- `+`: or SQLite looks through all that was ever told, by its change
WHERE changes.id IN (SELECT change_id FROM deliveries WHERE state = 'pending' AND +change_id IS NOT NULL
    AND (not_before <= :soon OR waits_for = 'gathering'))
AND changes.feed_kind <> 'stream' AND changes.kind IN ('added', 'updated')
AND feeds.account IN (SELECT value FROM json_each(:accounts))
ORDER BY changes.id DESC LIMIT :most
"""  # noqa: S608 — only our own text
_IS_ANY_KEPT = "SELECT 1 FROM title_details WHERE at > ? AND details IS NOT NULL LIMIT 1"
_NAMES = frozenset(each.name for each in fields(TitleDetails))


@dataclass(frozen=True, slots=True)
class Askable:
    """The accounts whose titles can be asked about: by their place in a catalog, or by name and year."""

    by_ref: Collection[str] = ()
    by_name: Collection[str] = ()


class Detailing(Connection):
    """The store's words about the details of titles."""

    def titles_wanting_details(
        self, askable: Askable, *, soon: datetime, since: datetime, limit: int
    ) -> tuple[WantedTitle, ...]:
        """The titles of changes that are to be told before `soon`, where nothing is kept since `since`.

        The newest first, each once.
        """
        if not askable.by_ref and not askable.by_name:
            return ()  # without looking: there may be a great deal that is owed
        accounts = json.dumps(sorted({*askable.by_ref, *askable.by_name}))
        values = {"soon": stamp(soon), "accounts": accounts, "most": _LOOKED_THROUGH}
        changes = map(read_change, self.query(_OWED_SOON, values))
        found = (_want(change, askable) for change in changes if wants_details(change))
        wanted = dict.fromkeys(each for each in found if each is not None)
        known = self._find_kept(wanted, since)
        return tuple(each for each in wanted if (each.account, each.subject) not in known)[:limit]

    def _find_kept(self, wanted: Iterable[WantedTitle], since: datetime) -> set[tuple[str, str]]:
        subjects = json.dumps([each.subject for each in wanted])
        rows = self.query(
            "SELECT account, subject FROM title_details WHERE at > ? "
            "AND subject IN (SELECT value FROM json_each(?))",
            (stamp(since), subjects),
        )
        return {(row["account"], row["subject"]) for row in rows}

    def with_title_details(self, owed: Sequence[OwedDelivery], since: datetime) -> list[OwedDelivery]:
        """Give deliveries with what is kept since `since` about their titles, as messages tell them."""
        with self.reading() as conn:
            return add_title_details(conn, owed, since)

    def keep_title_details(
        self, found: Mapping[WantedTitle, TitleDetails | None], now: datetime, asked_as: str | None = None
    ) -> bool:
        """Keep what was found about titles; None for that there is nothing.

        False, and nothing is kept, if the account was asked as somebody else (`asked_as`) than it is by now.
        """
        rows = [
            (
                each.account,
                each.subject,
                None if details is None else write_title_details(details),
                stamp(now),
            )
            for each, details in found.items()
        ]
        with self.transaction() as conn:
            accounts = {each.account for each in found}
            if asked_as is not None and any(find_asked_as(conn, each) != asked_as for each in accounts):
                return False
            conn.executemany(
                "INSERT OR REPLACE INTO title_details (account, subject, details, at) VALUES (?, ?, ?, ?)",
                rows,
            )
        return True


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a title, and since when."""

    details: TitleDetails
    at: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of titles, by account and subject; and what queues have shown, by account and key."""

    kept: Mapping[tuple[str, str], _Kept]
    queued: Mapping[tuple[str, str], tuple[datetime, bool]]

    def find(self, change: RecordedChange) -> TitleDetails | None:
        """What is to be told of a change's title. Whether it is queued is known best by the queue itself."""
        for subject in subjects_of(change):
            kept = self.kept.get((change.account, subject))
            if kept is None:
                continue
            moved_at, is_queued = self.queued.get((change.account, title_of(subject) or ""), (kept.at, False))
            if kept.details.queued is None or moved_at <= kept.at:
                return kept.details
            return replace(kept.details, queued=is_queued)
        return None


def add_title_details(conn: Transaction, owed: Sequence[OwedDelivery], since: datetime) -> list[OwedDelivery]:
    """Give deliveries with what is kept since `since` about the titles of their changes."""
    if conn.execute(_IS_ANY_KEPT, (stamp(since),)).fetchone() is None:
        return list(owed)
    changes = [each.subject for each in owed if isinstance(each.subject, RecordedChange)]
    subjects = {subject for change in changes for subject in subjects_of(change)}
    kept = _read_kept(conn, subjects, since) if subjects else {}
    if not kept:
        return list(owed)
    known = _Known(kept, _read_queue_moves(conn, kept, since))
    return [_add(each, known) for each in owed]


def _add(owed: OwedDelivery, known: _Known) -> OwedDelivery:
    change = owed.subject
    more = known.find(change) if isinstance(change, RecordedChange) else None
    if more is None or not isinstance(change, RecordedChange):
        return owed
    return replace(owed, subject=replace(change, details=replace(change.details, more=more)))


def _read_kept(conn: Transaction, subjects: Collection[str], since: datetime) -> dict[tuple[str, str], _Kept]:
    rows = conn.execute(
        "SELECT account, subject, details, at FROM title_details WHERE at > ? AND details IS NOT NULL "
        "AND subject IN (SELECT value FROM json_each(?))",
        (stamp(since), json.dumps(sorted(subjects))),
    ).fetchall()
    return {
        (row["account"], row["subject"]): _Kept(read_title_details(row), instant(row["at"])) for row in rows
    }


def _read_queue_moves(
    conn: Transaction, kept: Iterable[tuple[str, str]], since: datetime
) -> dict[tuple[str, str], tuple[datetime, bool]]:
    """What queues have lately shown to come or go, of these titles: the last of each."""
    keys = json.dumps(sorted({title_of(subject) or "" for _, subject in kept}))
    rows = conn.execute(
        "SELECT feeds.account, changes.key, changes.kind, changes.at FROM changes "
        "JOIN feeds ON feeds.id = changes.feed_id WHERE changes.at > ? AND changes.feed_kind = 'queue' "
        "AND changes.kind IN ('added', 'removed') AND changes.key IN (SELECT value FROM json_each(?)) "
        # `+`: or SQLite looks through all changes, in order
        "ORDER BY +changes.id",
        (stamp(since), keys),
    ).fetchall()
    return {(row["account"], row["key"]): (instant(row["at"]), row["kind"] == "added") for row in rows}


def _want(change: RecordedChange, askable: Askable) -> WantedTitle | None:
    if change.account in askable.by_ref:
        return want_by_ref(change)
    return want_by_name(change) if change.account in askable.by_name else None


def write_title_details(details: TitleDetails) -> str:
    """What is known of a title, as it is kept: what is not known is left out."""
    plain = TitleDetails()
    values = {name: getattr(details, name) for name in sorted(_NAMES)}
    return write_json({name: value for name, value in values.items() if value != getattr(plain, name)})


def read_title_details(row: Row) -> TitleDetails:
    """Read what is kept of a title."""
    try:
        said = json.loads(row["details"])
        return TitleDetails(**{name: value for name, value in said.items() if name in _NAMES})
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreDamaged("a title's details in the state cannot be read") from error
