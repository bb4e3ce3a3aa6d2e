"""Accounts and their indexes: which feeds come, go, move and return, and what stays of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from states import (
    FEED,
    PHONE,
    QUEUE,
    START,
    after,
    always,
    believing,
    failed,
    index,
    land,
    land_one,
    listed,
    recall,
    reply,
    rows,
    take,
    unchanged,
    watch,
)

from feedwatch.core.model import FeedState, FoundFeed, Kind, Notice, NoticeKind, Reason, Validators
from feedwatch.core.state import AccountStatus, IndexEffect, KnownFeed
from feedwatch.store import Store

RATINGS = FoundFeed("ratings", Kind.RATINGS, "http://lists.example/ratings?feed_token=t1")
MOVED = replace(QUEUE, address="http://lists.example/queue?feed_token=t2")
KEPT = Validators('"kept"')


def state_of(store: Store, feed: str = FEED) -> tuple[FeedState, Reason | None]:
    return next((each.state, each.reason) for each in store.list_feeds() if each.feed == feed)


def account(store: Store, name: str = "jane") -> AccountStatus:
    return next(each for each in store.account_statuses() if each.name == name)


def read_index(store: Store, *found: FoundFeed, notices: Sequence[Notice]) -> None:
    store.record_index(
        "jane",
        found,
        now=after(90),
        next_index_at=after(120),
        authoritative=False,
        facts={},
        make_notices=lambda _: notices,
        notice_addresses=(PHONE,),
    )


def fail_index(
    store: Store, at_minutes: float = 0, *, signed_out: bool = False, notice: Notice | None = None
) -> None:
    store.record_index_failure(
        "jane",
        now=after(at_minutes),
        next_index_at=None if signed_out else after(at_minutes + 5),
        reason=Reason.UNAUTHORIZED if signed_out else Reason.TIMEOUT,
        detail="why",
        notice=notice,
        notice_addresses=(PHONE,),
    )


def land_kept(store: Store) -> None:
    """A list with validators and digests to lose."""
    came = reply(listed("a"), validators=(KEPT,), paging_refused=True, moved_to="http://new.example")
    land_one(store, take(store), came, always(believing(listed("a"))))


# ── accounts ──────────────────────────────────────────────────────────────────────────────────────


def test_a_new_account_is_to_be_read_at_once(store: Store) -> None:
    """What is configured is known from then on, and its index is due."""
    assert store.sync_accounts({"joe": "x", "jane": "y"}, START) == ()
    assert [each.name for each in store.account_statuses()] == ["jane", "joe"]
    assert set(store.due_accounts(START)) == {"jane", "joe"}
    assert store.due_accounts(START - timedelta(microseconds=1)) == ()
    assert account(store) == AccountStatus("jane", "y", False, None, "", 0, START)


def test_an_index_is_read_again_when_its_time_has_come(store: Store) -> None:
    """Once a day, or at once when somebody asks for it."""
    watch(store)
    tomorrow = START + timedelta(days=1)
    assert (store.due_accounts(after(60)), store.due_accounts(tomorrow)) == ((), ("jane",))
    store.ask_index("jane", after(60))
    assert store.due_accounts(after(60)) == ("jane",)


def test_what_an_index_says_of_its_account_is_merged(store: Store) -> None:
    """A fact that an index does not state stays as it was."""
    watch(store)
    index(store, QUEUE, facts={"user_id": "7", "format": "xml"})
    index(store, QUEUE, facts={"format": "opml"})
    assert account(store).facts == {"user_id": "7", "format": "opml"}


def test_nothing_new_in_the_configuration_writes_nothing(store: Store) -> None:
    """A reload that changes no account takes no lock."""
    watch(store)
    with store.transaction():
        assert store.sync_accounts({"jane": "credentials"}, after(1)) == ()


def test_one_account_is_looked_up_as_all_are(store: Store) -> None:
    """By its name, and as long as it is configured."""
    store.sync_accounts({"joe": "x", "jane": "y"}, START)
    index(store, QUEUE, account="joe")
    assert store.account_status("jane") == account(store, "jane")
    assert (store.has_feeds("joe"), store.has_feeds("jane")) == (True, False)
    store.sync_accounts({"joe": "x"}, START)
    assert store.account_status("jane") is None


def test_all_addresses_are_known_for_what_they_hide(store: Store) -> None:
    """Also those of feeds that are retired, and of accounts that are not configured any more."""
    store.sync_accounts({"joe": "x", "jane": "y"}, START)
    index(store, QUEUE, account="joe")
    index(store, RATINGS, account="jane", authoritative=True)
    index(store, MOVED, account="jane", authoritative=True)
    store.sync_accounts({"jane": "y"}, START)
    assert sorted(store.feed_addresses()) == sorted([QUEUE.address, RATINGS.address, MOVED.address])
    assert store.count_feeds() == 1


def test_an_index_that_says_what_it_said_touches_no_feed(store: Store) -> None:
    """However many feeds there are, only those are written of which something new is said."""
    watch(store)
    index(store, QUEUE, RATINGS)
    with store.transaction() as conn:
        conn.execute(
            "CREATE TEMP TRIGGER watched BEFORE UPDATE ON feeds WHEN old.name = 'queue' "
            "BEGIN SELECT raise(ABORT, 'touched'); END"
        )
    index(store, QUEUE, replace(RATINGS, group="G", every=timedelta(hours=1), announce_baseline=True))
    index(store, QUEUE, replace(RATINGS, group="G", every=timedelta(hours=2), announce_baseline=True))
    columns = "feed_group, every_seconds, announce_baseline"
    found = rows(store, f"SELECT {columns} FROM feeds WHERE name = 'ratings'")
    assert [tuple(row) for row in found] == [("G", 7200.0, 1)]


def test_an_account_that_is_not_configured_any_more_rests(store: Store) -> None:
    """Its feeds are shown as retired and not polled; when it is back they go on where they were."""
    watch(store)
    land(store, listed("a"))
    store.sync_accounts({}, START)
    assert state_of(store) == (FeedState.RETIRED, Reason.NOT_CONFIGURED)
    assert store.take_polls(after(99), due_only=False) == ()
    assert (store.due_accounts(after(9999)), store.account_statuses()) == ((), ())
    store.sync_accounts({"jane": "credentials"}, after(60))
    assert state_of(store) == (FeedState.OK, None)
    assert store.due_accounts(after(60)) == ("jane",), "its index may have moved on"
    assert recall(store, listed()).snapshot == listed("a")


def test_failures_of_an_index_count_until_it_is_read(store: Store) -> None:
    """How often, since when and why is kept, and no feed is touched."""
    watch(store)
    land(store, listed("a"))
    broken = Notice(NoticeKind.ACCOUNT_BROKEN, after(30), account="jane")
    fail_index(store, 0)
    fail_index(store, 30, notice=broken)
    fail_index(store, 60)
    assert account(store) == AccountStatus(
        name="jane",
        stamp="credentials",
        signed_out=False,
        reason=Reason.TIMEOUT,
        detail="why",
        failures=3,
        next_index_at=after(65),
        failing_since_at=START,
        broken_announced=True,
    )
    fail_index(store, 60, notice=broken)
    assert rows(store, "SELECT kind FROM notices") == [("account_broken",)], "another process said so, too"
    assert state_of(store) == (FeedState.OK, None)
    for _ in range(2):  # two processes that knew it broken read it again
        read_index(store, QUEUE, notices=[Notice(NoticeKind.ACCOUNT_RECOVERED, after(90), account="jane")])
    assert rows(store, "SELECT kind FROM notices") == [("account_broken",), ("account_recovered",)]
    index(store, QUEUE, now=after(90))
    assert account(store) == AccountStatus(
        "jane", "credentials", False, None, "", 0, after(90) + timedelta(days=1)
    )


def test_a_signed_out_account_is_not_asked_again_by_itself(store: Store) -> None:
    """No more signed calls, whoever asks, until there are new credentials."""
    watch(store)
    fail_index(store, signed_out=True)
    store.ask_index("jane", START)
    assert store.due_accounts(after(99_999)) == ()
    assert (account(store).signed_out, account(store).next_index_at) == (True, None)
    assert store.sync_accounts({"jane": "credentials", "joe": "x"}, START) == (), "the same credentials"
    assert account(store).signed_out
    assert store.sync_accounts({"jane": "new", "joe": "x"}, after(1)) == ("jane",)
    assert not account(store).signed_out
    assert "jane" in store.due_accounts(after(1))


def test_a_signed_out_account_that_was_taken_out_and_put_back_is_still_signed_out(store: Store) -> None:
    """Only new credentials end it, not a detour through the configuration."""
    watch(store)
    fail_index(store, signed_out=True)
    store.sync_accounts({}, START)
    assert store.sync_accounts({"jane": "credentials"}, START) == ()
    assert (account(store).signed_out, store.due_accounts(after(9999))) == (True, ())


def test_signed_out_shows_on_all_the_feeds_of_the_account_with_its_reason(store: Store) -> None:
    """It belongs to the account: new, ok, failing and held feeds alike, but for those that have retired."""
    watch(store, QUEUE, RATINGS)
    land(store, listed("a"))
    gone = take(store, "jane/ratings")
    store.record_failures([failed(gone, reason=Reason.GONE, retire=True)])
    fail_index(store, signed_out=True)
    assert state_of(store) == (FeedState.SIGNED_OUT, Reason.UNAUTHORIZED)
    assert state_of(store, "jane/ratings") == (FeedState.RETIRED, Reason.GONE)
    assert [each.detail for each in store.list_feeds()] == ["why", "no answer"]
    store.record_failures([failed(take(store))])
    assert state_of(store) == (FeedState.SIGNED_OUT, Reason.UNAUTHORIZED)
    land(store, listed("a"))
    assert [task.state for task in store.take_polls(after(99))] == [FeedState.OK], "and it goes on"
    index(store, QUEUE)
    assert state_of(store) == (FeedState.OK, None)


# ── feeds that come and go ────────────────────────────────────────────────────────────────────────


def test_feeds_of_an_index_are_taken_up_due_at_once(store: Store) -> None:
    """Each is new, under its name, with all that was found of it."""
    watch(store)
    grouped = replace(RATINGS, title="Ratings", group="Films / Mine")
    assert index(store, QUEUE, grouped) == IndexEffect(found=("ratings",))
    assert store.known_feeds("jane") == (
        KnownFeed("queue", None, QUEUE.address),
        KnownFeed("ratings", "Ratings", RATINGS.address),
    )
    (_, found) = store.list_feeds()
    assert (found.feed, found.kind, found.group) == ("jane/ratings", Kind.RATINGS, "Films / Mine")
    assert (found.state, found.entries, found.address) == (FeedState.NEW, 0, RATINGS.address)
    assert "token" not in repr(found)
    assert "token" not in repr(store.known_feeds("jane"))


def test_the_same_index_again_changes_nothing(store: Store) -> None:
    """A feed that stands in it as before is not touched."""
    watch(store)
    land_kept(store)
    before = rows(store, "SELECT * FROM feeds")
    assert index(store, QUEUE, now=after(1)) == IndexEffect()
    assert rows(store, "SELECT * FROM feeds") == before


def test_two_indexes_in_a_row_retire_a_feed_that_they_lack(store: Store) -> None:
    """Law 12: once might be a slip of the server; an index that has it, or none at all, begins anew."""
    watch(store, QUEUE, RATINGS)
    assert index(store, QUEUE) == IndexEffect()
    index(store, QUEUE, RATINGS)
    assert index(store, QUEUE) == IndexEffect()
    fail_index(store)
    assert state_of(store, "jane/ratings") == (FeedState.NEW, None)
    assert index(store, QUEUE) == IndexEffect(retired=("ratings",))
    assert state_of(store, "jane/ratings") == (FeedState.RETIRED, Reason.LEFT_INDEX)
    assert index(store, QUEUE) == IndexEffect(), "told once"
    assert store.known_feeds("jane")[1].retired
    assert [task.name for task in store.take_polls(after(99), due_only=False)] == ["queue"]


def test_an_index_that_is_the_configuration_retires_at_once(store: Store) -> None:
    """Who takes a feed out of the configuration means it."""
    watch(store, QUEUE, RATINGS)
    assert index(store, QUEUE, authoritative=True) == IndexEffect(retired=("ratings",))
    assert state_of(store, "jane/ratings") == (FeedState.RETIRED, Reason.NOT_CONFIGURED)
    index(store, QUEUE, authoritative=True)
    assert state_of(store, "jane/ratings") == (FeedState.RETIRED, Reason.NOT_CONFIGURED)


def test_a_feed_that_returns_goes_on_from_its_last_snapshot(store: Store) -> None:
    """Law 12: it is due at once, and what differs from what was last seen is news."""
    watch(store)
    land(store, listed("a"))
    for _ in range(2):
        index(store, RATINGS)
    assert index(store, QUEUE, RATINGS, now=after(60)) == IndexEffect(returned=("queue",))
    assert state_of(store) == (FeedState.OK, None)
    assert [task.name for task in store.take_polls(after(60))] == ["queue", "ratings"]
    assert recall(store, listed()).snapshot == listed("a")
    assert index(store, QUEUE) == IndexEffect(), "one index that lacked ratings is not two"


def test_a_feed_that_returns_before_it_was_ever_read_is_new(store: Store) -> None:
    """There is no snapshot to go on from."""
    watch(store)
    index(store, authoritative=True)
    index(store, QUEUE)
    assert state_of(store) == (FeedState.NEW, None)


def test_a_feed_that_is_gone_stays_so_while_its_index_lists_it(store: Store) -> None:
    """410: asked again only once the index dropped it and took it up anew, or gives it another address."""
    watch(store)
    land(store, listed("a"))
    store.record_failures([failed(take(store), reason=Reason.GONE, retire=True)])
    for _ in range(3):
        assert index(store, QUEUE) == IndexEffect()
        assert state_of(store) == (FeedState.RETIRED, Reason.GONE)
    assert index(store) == IndexEffect()
    assert index(store, QUEUE) == IndexEffect(returned=("queue",))
    assert state_of(store) == (FeedState.OK, None)
    store.record_failures([failed(take(store), reason=Reason.GONE, retire=True)])
    assert index(store, MOVED) == IndexEffect(readdressed=("queue",), returned=("queue",))


def test_a_failing_feed_that_returns_begins_anew(store: Store) -> None:
    """Failures from before it retired say nothing about it now."""
    watch(store)
    for _ in range(3):
        store.record_failures([failed(take(store))])
    index(store, authoritative=True)
    index(store, QUEUE)
    task = take(store)
    assert (task.failures, task.failing_since_at, task.state) == (0, None, FeedState.NEW)


# ── feeds that change ─────────────────────────────────────────────────────────────────────────────


def test_a_feed_at_a_new_address_keeps_its_state(store: Store) -> None:
    """Law 6: a new token or host is the same feed; what was kept to recognise the old reply is dropped."""
    watch(store)
    land_kept(store)
    before = recall(store, listed())
    assert index(store, MOVED, now=after(1)) == IndexEffect(readdressed=("queue",))
    task = take(store)
    assert task.address == MOVED.address
    assert (task.validators, task.body_digest, task.content_digest) == ((), None, None)
    assert (task.paging_refused, task.moved_to, task.moved_polls) == (False, None, 0)
    assert (task.state, task.first) == (FeedState.OK, False)
    assert recall(store, listed()) == before
    assert [each.feed_id for each in store.take_polls(after(1))] == [1], "due at once"


@pytest.mark.parametrize(
    "changed",
    [replace(QUEUE, kind=Kind.HISTORY), replace(QUEUE, compare_content=True)],
    ids=["kind", "content"],
)
def test_what_is_compared_otherwise_is_read_whatever_its_bytes(store: Store, changed: FoundFeed) -> None:
    """Law 5: nothing kept may answer for the next reply, which is a new baseline; the address stays."""
    watch(store)
    land_kept(store)
    assert index(store, changed, now=after(1)) == IndexEffect()
    task = take(store)
    assert (task.kind, task.compare_content) == (changed.kind, changed.compare_content)
    assert (task.validators, task.body_digest, task.content_digest) == ((), None, None)
    assert (task.paging_refused, task.moved_to) == (True, "http://new.example")
    assert [each.feed_id for each in store.take_polls(after(1))] == [1]


@pytest.mark.parametrize(
    "changed",
    [MOVED, replace(QUEUE, kind=Kind.HISTORY), replace(QUEUE, compare_content=True)],
    ids=["address", "kind", "content"],
)
def test_a_poll_that_was_under_way_when_its_feed_changed_lands_nowhere(
    store: Store, changed: FoundFeed
) -> None:
    """What it brought is of another address or comparison: its validators would hide the next list."""
    watch(store)
    land_kept(store)
    tasks = [take(store) for _ in range(3)]
    index(store, changed, now=after(1))
    before = rows(store, "SELECT * FROM feeds")
    late_list = reply(listed("b"), after(2), validators=(KEPT,))
    assert land_one(store, tasks[0], late_list, always(believing(listed("b"), after(2)))) is None
    assert store.record_unchanged([unchanged(tasks[1], after(2), validators=(KEPT,))]) == (1,)
    store.record_failures([failed(tasks[2], after(2), reason=Reason.GONE, retire=True)])
    assert rows(store, "SELECT * FROM feeds") == before
    assert land(store, listed("b"), after(2)) is not None, "the next poll lands"


def test_wishes_are_taken_over_without_reading_anew(store: Store) -> None:
    """Title, group, interval and whether a baseline is announced do not change what was read."""
    watch(store)
    land_kept(store)
    wish = replace(QUEUE, title="T", group="G", every=timedelta(hours=1), announce_baseline=True)
    assert index(store, wish) == IndexEffect()
    task = take(store)
    assert (task.every, task.announce_baseline, task.validators) == (timedelta(hours=1), True, (KEPT,))
    assert store.list_feeds()[0].group == "G"


def test_accounts_have_feeds_of_the_same_name_each_for_itself(store: Store) -> None:
    """What an index of one lacks is no matter of the other's."""
    watch(store)
    store.sync_accounts({"jane": "credentials", "joe": "x"}, START)
    index(store, QUEUE, account="joe")
    index(store, account="joe", authoritative=True)
    assert state_of(store) == (FeedState.NEW, None)
    assert state_of(store, "joe/queue") == (FeedState.RETIRED, Reason.NOT_CONFIGURED)
    assert [feed.retired for feed in store.known_feeds("jane")] == [False]


def test_the_notices_of_an_index_are_owed_with_it(store: Store) -> None:
    """They are made of what the index changed, inside the same transaction."""
    store.sync_accounts({"jane": "x"}, START)
    seen: list[IndexEffect] = []

    def make_notices(effect: IndexEffect) -> list[Notice]:
        seen.append(effect)
        return [Notice(NoticeKind.FEEDS_FOUND, START, "jane"), Notice(NoticeKind.FEED_RETIRED, START)]

    effect = store.record_index(
        "jane",
        [QUEUE],
        now=START,
        next_index_at=after(60),
        authoritative=False,
        facts={},
        make_notices=make_notices,
        notice_addresses=[PHONE, "mail/1"],
    )
    assert seen == [effect] == [IndexEffect(found=("queue",))]
    assert rows(store, "SELECT kind, account FROM notices") == [
        ("feeds_found", "jane"),
        ("feed_retired", None),
    ]
    assert rows(store, "SELECT count(*) FROM deliveries") == [(4,)]
