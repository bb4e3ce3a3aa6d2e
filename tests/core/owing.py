"""Deliveries for tests of the core: changes of titles on the lists of an account, as they are owed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from feedwatch.core.messages import OwedDelivery
from feedwatch.core.model import ChangeKind, Details, FactChange, Kind, RecordedChange

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WATCHED_AT = "2026-11-03T20:15:00+00:00"
ADDED, REMOVED, MOVED, UPDATED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.MOVED, ChangeKind.UPDATED
QUEUE, RATINGS, HISTORY = Kind.QUEUE, Kind.RATINGS, Kind.HISTORY
RECOMMENDATIONS, STREAM = Kind.RECOMMENDATIONS, Kind.STREAM


def change(
    kind: ChangeKind,
    feed_kind: Kind,
    title: str = "Heat",
    *,
    title_id: str = "70000002",
    feed: str = "",
    account: str = "jane",
    at: int | None = None,
    was_at: int | None = None,
    facts: Mapping[str, FactChange] | None = None,
    picture: str | None = None,
    **now: str,
) -> RecordedChange:
    """A change on a list; a viewing has the key and the instant of one."""
    is_viewing = feed_kind is HISTORY
    if is_viewing:
        now.setdefault("watched_at", WATCHED_AT)
    return RecordedChange(
        id=1,
        at=NOW,
        account=account,
        feed=feed or feed_kind.value,
        feed_kind=feed_kind,
        kind=kind,
        key=f"{title_id}@{now['watched_at']}" if is_viewing else title_id,
        title=title,
        link=None,
        position=at,
        previous_position=was_at,
        facts=facts or {},
        entry_facts={"year": "1995", **now},
        details=Details(picture=picture),
    )


def owe(*changes: RecordedChange, recommended: bool = False) -> list[OwedDelivery]:
    """Owe changes to one address, in order; their ids are their places."""
    return [OwedDelivery(number, "phone/1", each, recommended) for number, each in enumerate(changes)]
