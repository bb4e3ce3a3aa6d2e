"""A state in which everything has happened once: for what looks through a whole state."""

from __future__ import annotations

from states import (
    MAIL,
    PHONE,
    QUEUE,
    START,
    after,
    entry,
    failed,
    land,
    listed,
    must_claim,
    owe,
    take,
    tell,
    unchanged,
    watch,
)

from feedwatch.core.model import FoundFeed, Kind, Notice, NoticeKind, Reason
from feedwatch.core.state import Settled, Settlement
from feedwatch.store import Store

RATINGS = FoundFeed("ratings", Kind.RATINGS, "http://lists.example/ratings")
BROKEN = FoundFeed("broken", Kind.STREAM, "http://lists.example/broken")
DELIVERED = Settlement(Settled.DELIVERED)


def live(store: Store) -> None:
    """Lists seen, changed, unchanged and failed; messages delivered, dead, claimed and waiting."""
    watch(store, QUEUE, RATINGS, BROKEN)
    owe(store, "a", "b", to=(PHONE, MAIL))
    store.settle_message(must_claim(store), DELIVERED, after(1))
    store.settle_message(
        must_claim(store, address=MAIL), Settlement(Settled.DEAD, reason=Reason.REFUSED), after(1)
    )
    land(store, listed("a", "c"), after(2), departed=(entry("gone"),))
    owe(store, "d", "e", "f", to=(PHONE, MAIL), at=after(3))
    must_claim(store, after(4), most=1)
    again = Settlement(Settled.AGAIN, after(9), Reason.UNREACHABLE)
    store.settle_message(must_claim(store, after(4), address=MAIL, most=2), again, after(4))
    tell(store, Notice(NoticeKind.FEED_BROKEN, after(5), reason=Reason.TIMEOUT), PHONE)
    store.record_unchanged([unchanged(take(store, now=after(6)), after(6))])
    store.record_failures([failed(take(store, "jane/broken", after(6)), after(6))])
    store.rest_host("lists.example", after(60), Reason.RATE_LIMITED)


NOW = START
