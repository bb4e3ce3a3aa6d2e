"""What is said of each thing: rows whose keys hold, and words that a person understands."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feedwatch.core.model import ChangeKind, Entry, FactChange, FeedState, Kind, Reason, RecordedChange
from feedwatch.core.state import FeedStatus, MessageStatus, StoredEntry
from feedwatch.present import Row
from feedwatch.rows import (
    describe_change,
    describe_entry,
    describe_feed,
    describe_found,
    describe_message,
    say_age,
    say_details,
    say_facts,
    say_feed_trouble,
    say_reason,
    say_unknown,
)

AT = datetime(2026, 1, 31, 9, 5, 7, 999, tzinfo=UTC)


def change(
    kind: ChangeKind,
    position: int | None = None,
    previous: int | None = None,
    **facts: tuple[str | None, str | None],
) -> Row:
    fact_changes = {name: FactChange(*values) for name, values in facts.items()}
    return describe_change(
        RecordedChange(
            7, AT, "jane", "queue", Kind.QUEUE, kind, "60", "Platoon", None, position, previous, fact_changes
        )
    )


def feed(
    state: FeedState = FeedState.OK, reason: Reason | None = None, detail: str = "", failures: int = 0
) -> Row:
    status = FeedStatus(
        "jane/queue",
        Kind.QUEUE,
        "A / B",
        220,
        state,
        reason,
        detail,
        AT,
        None,
        failures,
        "http://h/?feed_token=secret-1",
    )
    return describe_feed(status)


def test_change_has_the_promised_keys() -> None:
    """A line of `changes` has exactly its keys; absent facts are null."""
    assert change(ChangeKind.UPDATED, 1, 3, rating=("3", None)) == {
        "id": 7, "at": "2026-01-31T09:05:07Z", "account": "jane", "feed": "jane/queue", "kind": "queue", "change": "updated",
        "key": "60", "title": "Platoon", "link": None, "position": 1, "previous_position": 3,
        "fields": {"rating": {"from": "3", "to": None}},
    }  # fmt: skip


def test_entry_has_the_promised_keys() -> None:
    """A line of `show` has exactly its keys; a saved title has no position."""
    stored = StoredEntry(Entry("60", "Platoon", "http://x", facts={"availability": "saved"}), AT)
    assert describe_entry(stored) == {
        "key": "60", "title": "Platoon", "link": "http://x", "position": None, "fields": {"availability": "saved"},
        "first_seen_at": "2026-01-31T09:05:07Z",
    }  # fmt: skip


def test_feed_has_the_promised_keys() -> None:
    """A line of `status` has its keys, and its group and detail; never its address."""
    assert feed(FeedState.FAILING, Reason.DNS, "x", 3) == {
        "feed": "jane/queue", "kind": "queue", "entries": 220, "state": "failing", "reason": "dns",
        "last_polled_at": "2026-01-31T09:05:07Z", "next_poll_at": None, "failures": 3, "group": "A / B", "detail": "x",
    }  # fmt: skip


def test_message_has_the_promised_keys() -> None:
    """A line of `outbox` has its keys; what is not in a message yet has no id."""
    message = MessageStatus(None, "phone/1", "pending", 0, AT, None, "", 4, AT)
    assert describe_message(message) == {
        "id": None, "target": "phone/1", "state": "pending", "attempts": 0, "next_attempt_at": "2026-01-31T09:05:07Z",
        "reason": None, "changes": 4, "created_at": "2026-01-31T09:05:07Z", "detail": None, "waits_for": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "age"), [(0, "0 s"), (59, "59 min"), (180, "3 h"), (4000, "2 d"), (-5, None)]
)
def test_age_of_a_message_is_told_at_a_glance(minutes: int, age: str | None) -> None:
    """How long since it was created, in one unit; nothing for what is still to come."""
    message = MessageStatus(1, "phone/1", "pending", 0, AT, None, "", 4, AT)
    assert say_age(describe_message(message), AT + timedelta(minutes=minutes)) == age


def test_found_feed_has_the_promised_keys_and_no_token() -> None:
    """A line of `discover` has exactly its keys, the address without its token."""
    assert describe_found("jane", "jane/queue", "queue", None, "http://h/q?feed_token=abc&output=atom", "new") == {
        "account": "jane", "feed": "jane/queue", "kind": "queue", "group": None,
        "url": "http://h/q?feed_token=•••&output=atom", "state": "new",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (change(ChangeKind.ADDED, 2), "at 2"),
        (change(ChangeKind.ADDED), ""),
        (change(ChangeKind.REMOVED, None, 12), "was 12"),
        (change(ChangeKind.MOVED, 1, 7), "7 → 1"),
        (change(ChangeKind.UPDATED, 3, None, rating=("3", "4")), "rating 3 → 4"),
        (change(ChangeKind.UPDATED, rating=("3", "not_interested")), "rating 3 → not interested"),
        (change(ChangeKind.UPDATED, rating=(None, "4.5")), "rating none → 4.5"),
        (change(ChangeKind.UPDATED, 41, 9, availability=("saved", "available now")), "9 → 41, saved → available now"),
        (change(ChangeKind.UPDATED, title=("Old", "New"), content=("3fa9", "77be")), "title Old → New, new text"),
    ],
)  # fmt: skip
def test_change_is_told_by_what_makes_it(row: Row, said: str) -> None:
    """Old and new places and facts stand together: `7 → 1`, `rating 3 → 4`."""
    assert say_details(row) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"availability": "very long wait", "year": "1999"}, "very long wait, 1999"),
        ({"rating": "not_interested"}, "rating not interested"),
        ({"watched_at": "2026-10-26T04:21:39+00:00", "predicted_rating": "4.8"}, "watched 2026-10-26 04:21, predicted rating 4.8"),
        ({"content": "3fa9", "published_at": "2026-10-26T04:21:39Z"}, "published 2026-10-26 04:21"),
        ({}, ""),
    ],
)  # fmt: skip
def test_facts_are_told_in_words(facts: dict[str, str], said: str) -> None:
    """What is known of an entry reads as words; what a program alone understands is left out."""
    assert say_facts(describe_entry(StoredEntry(Entry("k", "t", facts=facts), AT))) == said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (feed(), None),
        (feed(FeedState.FAILING, Reason.CONNECT, "refused", 1), "its server does not answer (refused)"),
        (feed(FeedState.FAILING, Reason.TIMEOUT, "", 4), "its server does not answer in time; 4 failures in a row"),
        (feed(FeedState.HELD, Reason.TURNED_EMPTY), "the list turned empty, and that has to be seen twice"),
        (feed(FeedState.RETIRED, Reason.GONE), "its server says that it is gone for good"),
        (feed(FeedState.SIGNED_OUT), "its server does not accept the sign-in; type: feedwatch login jane"),
        (feed(FeedState.SIGNED_OUT, Reason.NO_CREDENTIALS), "there are no tokens to sign in with; type: feedwatch login jane"),
    ],
)  # fmt: skip
def test_trouble_of_a_feed_is_told_in_words(row: Row, said: str | None) -> None:
    """Why a feed does not fare well is a sentence, with what was seen, and what to do where one can."""
    assert say_feed_trouble(row) == said


def test_every_reason_has_words() -> None:
    """No reason is shown as the program's own word."""
    assert [reason for reason in Reason if say_reason(reason) == str(reason)] == []
    assert say_reason("of_another_version", "x") == "of_another_version (x)"


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("jane/quue", ["jane/queue", "jane/history"], "no feed is called 'jane/quue'. Did you mean jane/queue?"),
        ("x/y", ["jane/queue", "jane/history"], "no feed is called 'x/y'. There are: jane/history, jane/queue"),
        ("x/y", [], "no feed is called 'x/y'. There is none."),
        ("\x1b[31m", [], "no feed is called '\\x1b[31m'. There is none."),
        ("x", [f"feed-{n}" for n in range(9)], "no feed is called 'x'. There are: feed-0, feed-1, feed-2, feed-3, feed-4, feed-5, feed-6, feed-7, …"),
    ],
)  # fmt: skip
def test_unknown_name_is_answered_with_those_there_are(name: str, known: list[str], said: str) -> None:
    """Whoever mistypes a name is told the one that may be meant, or the first of those there are."""
    assert say_unknown("feed", name, known) == said
