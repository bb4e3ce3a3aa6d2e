"""Of much that is due only what may fit is read: each message is the one that all of it would have made."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from states import PHONE, START, always, believing, land_one, listed, reply, take

from feedwatch.core.manner import Batch
from feedwatch.core.messages import Composed, OwedDelivery, Style
from feedwatch.core.model import Change, ChangeKind, Entry, FoundFeed, Kind
from feedwatch.core.render import compose_message
from feedwatch.core.state import Bundle, Planned, Settled, Settlement
from feedwatch.errors import StoreDamaged
from feedwatch.store import NO_END, OFFERED_AT_ONCE, Store

KINDS = (Kind.QUEUE, Kind.HISTORY, Kind.RATINGS, Kind.RECOMMENDATIONS, Kind.STREAM)
CHANGES = 120


def know_lists(store: Store) -> None:
    """Have two accounts with a list of each kind."""
    for account in ("jane", "bob"):
        store.sync_accounts({"jane": "credentials", "bob": "credentials"}, START)
        feeds = [FoundFeed(kind.value, kind, f"http://lists.example/{account}/{kind}") for kind in KINDS]
        store.record_index(
            account,
            feeds,
            now=START,
            next_index_at=START + timedelta(days=1),
            authoritative=True,
            facts={},
            make_notices=lambda _: (),
            notice_addresses=(),
        )


def owe_much(store: Store) -> None:
    """Owe changes of few titles on the lists of two accounts: many of them belong together."""
    dice = random.Random(7)
    know_lists(store)
    for number in range(CHANGES):
        account, kind = dice.choice(("jane", "bob")), dice.choice(KINDS)
        title = dice.randint(1, 15)
        entry = Entry(key_of(kind, title, number), f"Title {title}", facts={"rating": "4"})
        is_gone = kind is Kind.QUEUE and dice.random() < 0.5
        change = Change(ChangeKind.REMOVED, entry, None) if is_gone else Change(ChangeKind.ADDED, None, entry)
        at = START + timedelta(seconds=number)
        decision = believing(listed(), at, changes=(change,), deliveries=(Planned(0, PHONE),))
        land_one(store, take(store, f"{account}/{kind}", at), reply(listed(), at), always(decision))


def key_of(kind: Kind, title: int, number: int) -> str:
    """What a title is on a list: viewings have their instant, posts are one of their own."""
    if kind is Kind.HISTORY:
        return f"{title}@{(START - timedelta(days=number)).isoformat()}"
    return f"post {number}" if kind is Kind.STREAM else str(title)


def tell_all(store: Store, style: Style, likely: int, room: int = NO_END) -> list[tuple[str, str, int]]:
    """Tell all that is due, message after message: the title, the body and how much each tells."""
    told = []
    now = START + timedelta(hours=1)
    while claim := store.claim_message(
        PHONE,
        now=now,
        lease_until_at=now + timedelta(minutes=2),
        owner="me",
        compose=lambda owed, _: compose_message(owed, style, batch=Batch()),
        likely=lambda _: likely,
        room=lambda _: room,
    ):
        told.append((claim.title, claim.body, claim.deliveries))
        store.settle_message(claim, Settlement(Settled.DELIVERED), now)
        now += timedelta(seconds=1)
    return told


@pytest.mark.parametrize("limit", [150, 600, 4000])
def test_messages_are_the_same_however_much_is_offered_to_each(tmp_path: Path, limit: int) -> None:
    """Stories that later deliveries belong to are whole, and none is told before its turn."""
    told = []
    all_at_once = (OFFERED_AT_ONCE, NO_END)
    for likely, room in (all_at_once, *product((1, 3, 10, 40), (NO_END,)), *product(all_at_once, (1, limit))):
        with_all = Store.open(tmp_path / f"{likely}-{room}.db")
        owe_much(with_all)
        told.append(tell_all(with_all, replace(Style(), limit=limit, title_limit=60), likely, room))
        with_all.close()
    assert all(each == told[0] for each in told)
    assert sum(deliveries for _, _, deliveries in told[0]) == CHANGES
    assert any("watched" in body and "off the queue" in body for _, body, _ in told[0])


@pytest.mark.parametrize(("room", "read"), [(1, 1), (100, 3), (NO_END, CHANGES)])
def test_no_more_is_read_than_names_fill_the_message(store: Store, room: int, read: int) -> None:
    """Of posts the link counts too: it stands below the name."""
    owe_posts(store, title="T" * 10, link="https://x.example/1")
    offered: list[int] = []

    def compose(owed: Sequence[OwedDelivery], _: Bundle) -> Composed:
        offered.append(len(owed))
        return compose_message(owed[:1], Style())

    store.claim_message(
        PHONE,
        now=START + timedelta(hours=1),
        lease_until_at=START + timedelta(hours=2),
        owner="me",
        compose=compose,
        room=lambda _: room,
    )
    assert offered[0] == read


def owe_posts(store: Store, *, title: str, link: str) -> None:
    """Owe posts that are called alike."""
    know_lists(store)
    land_one(
        store,
        take(store, "jane/stream", START),
        reply(listed(), START),
        always(
            believing(
                listed(),
                START,
                changes=[Change(ChangeKind.ADDED, None, Entry(str(n), title, link)) for n in range(CHANGES)],
                deliveries=[Planned(n, PHONE) for n in range(CHANGES)],
            )
        ),
    )


def test_what_counts_the_rest_is_offered_all(store: Store) -> None:
    """How much is likely is asked of the manner in which it is told."""
    owe_much(store)
    asked: list[Bundle] = []

    def likely(bundle: Bundle) -> int:
        asked.append(bundle)
        return OFFERED_AT_ONCE

    claim = store.claim_message(
        PHONE,
        now=START + timedelta(hours=1),
        lease_until_at=START + timedelta(hours=2),
        owner="me",
        compose=lambda owed, _: compose_message(owed, Style(limit=100_000)),
        likely=likely,
    )
    assert claim is not None
    assert claim.deliveries == CHANGES
    assert asked == [Bundle("")]


def test_a_change_that_is_owed_and_missing_is_damage(store: Store) -> None:
    """It is never told as something else, or passed by in silence."""
    owe_much(store)
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute("DELETE FROM changes WHERE id = 1")
    with pytest.raises(StoreDamaged, match="a change that is owed is missing"):
        tell_all(store, Style(), 10)
