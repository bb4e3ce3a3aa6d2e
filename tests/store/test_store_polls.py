"""Polls taken and landed without a list: numbers, late ones, redirects, failures, hosts at rest."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

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

from feedwatch.core.model import (
    FeedState,
    FoundFeed,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Reason,
    Validators,
)
from feedwatch.core.state import FailedPoll, FeedStatus, HeldReply, PollDecision, PollTask, Verdict
from feedwatch.store import Store
from feedwatch.store.codec import stamp

NEW = "http://lists.example/new"
ONE = Validators('W/"1"', "Sun, 01 Nov 2026 12:00:00 GMT")
TWO = Validators('"2"')


def feeds(*names: str) -> tuple[FoundFeed, ...]:
    return tuple(FoundFeed(name, Kind.STREAM, f"http://lists.example/{name}") for name in names)


def status(store: Store, feed: str = FEED) -> FeedStatus:
    return next(each for each in store.list_feeds() if each.feed == feed)


def hold(store: Store, digest: bytes = b"strange") -> PollDecision | None:
    held = HeldReply(Reason.TURNED_EMPTY, digest)
    decision = PollDecision(Verdict.HELD, after(2), "queue", held=held)
    return land_one(store, take(store), reply(listed(), validators=(TWO,)), always(decision))


# ── taking ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_due_is_taken_and_of_too_much_what_is_due_for_longest(store: Store) -> None:
    """A new feed is due at once; one that was polled when its time has come, not a moment earlier.

    What is taken comes in the order of the file, so that what lands together stands together.
    """
    watch(store, *feeds("a", "b", "c"))
    assert [task.feed for task in store.take_polls(START)] == ["jane/a", "jane/b", "jane/c"]
    for name, minutes in (("a", 30.0), ("b", 10.0), ("c", 20.0)):
        poll = take(store, f"jane/{name}")
        store.record_failures([FailedPoll(poll, START, failed(poll).failure, after(minutes))])
    assert store.take_polls(after(10) - timedelta(microseconds=1)) == ()
    assert [task.name for task in store.take_polls(after(20))] == ["b", "c"]
    assert [task.name for task in store.take_polls(after(30))] == ["a", "b", "c"]
    assert [task.name for task in store.take_polls(after(30), limit=2)] == ["b", "c"]
    assert [task.name for task in store.take_polls(after(30), limit=1)] == ["b"]


def test_all_or_some_are_taken_by_name_whether_due_or_not(store: Store) -> None:
    """`feeds` narrows by the whole name; what is under way is left out by its id."""
    watch(store, *feeds("a", "b"))
    watch_other = FoundFeed("a", Kind.STREAM, "http://other.example/a")
    store.sync_accounts({"jane": "credentials", "joe": "x"}, START)
    index(store, watch_other, account="joe")
    early = START - timedelta(days=1)
    assert store.take_polls(early) == ()
    assert [t.feed for t in store.take_polls(early, due_only=False)] == ["jane/a", "jane/b", "joe/a"]
    (only,) = store.take_polls(early, feeds=["joe/a", "joe/none", "a"], due_only=False)
    assert only.feed == "joe/a"
    assert [t.feed for t in store.take_polls(START, exclude=[only.feed_id])] == ["jane/a", "jane/b"]
    assert store.take_polls(early, feeds=[], due_only=False) == ()


def test_taking_nothing_writes_nothing(path: Path, store: Store) -> None:
    """A tick that finds nothing due does not wait for a lock."""
    watch(store)
    land(store, listed("a"))
    with closing(Store.open(path)) as other, other.transaction():
        assert store.take_polls(START) == ()


def test_every_taken_poll_has_a_number_of_its_own(store: Store) -> None:
    """Numbers rise, whoever takes, whether the poll before has landed or not (law 11)."""
    watch(store)
    tasks = [take(store) for _ in range(3)]
    assert [(task.number, task.landed) for task in tasks] == [(1, 0), (2, 0), (3, 0)]
    store.record_failures([failed(tasks[1])])
    assert (take(store).number, take(store).landed) == (4, 2)


def test_a_task_says_all_that_must_be_known_before_the_request(store: Store) -> None:
    """What a feed was found with and what was kept of its last reply comes back as it went in."""
    found = FoundFeed(
        "diary",
        Kind.HISTORY,
        "http://lists.example/diary",
        every=timedelta(minutes=5),
        announce_baseline=True,
        compare_content=True,
    )
    watch(store, found)
    first = take(store, "jane/diary")
    assert first == PollTask(
        feed_id=1,
        account="jane",
        name="diary",
        kind=Kind.HISTORY,
        address="http://lists.example/diary",
        number=1,
        landed=0,
        state=FeedState.NEW,
        first=True,
        every=timedelta(minutes=5),
        announce_baseline=True,
        compare_content=True,
    )
    assert "lists.example" not in repr(first)
    came = reply(listed("a"), after(1), validators=(ONE, TWO), paging_refused=True, moved_to=NEW)
    land_one(store, first, came, always(believing(listed("a"), after(1))))
    again = take(store, "jane/diary")
    assert (again.state, again.first, again.landed) == (FeedState.OK, False, 1)
    assert (again.validators, again.believed_at) == ((ONE, TWO), after(1))
    assert (again.body_digest, again.content_digest) == (b"body", b"content")
    assert (again.paging_refused, again.moved_to, again.moved_polls) == (True, NEW, 1)


def test_validators_come_back_byte_for_byte(store: Store) -> None:
    """An etag is opaque: quotes, spaces, commas and latin-1 are the server's own."""
    watch(store)
    odd = Validators(' W/"a\\"b, \xe9\xff"\t', None)
    land_one(store, take(store), reply(listed(), validators=(odd,)), always(believing(listed())))
    assert take(store).validators == (odd,)


def test_a_poll_that_is_put_off_is_due_later_and_never_earlier(store: Store) -> None:
    """A host at rest puts a poll off; one whose next poll is later anyway stays there."""
    watch(store)
    task = take(store)
    store.postpone_polls([(task, after(10))])
    store.postpone_polls([(task, after(5))])
    assert status(store).next_poll_at == after(10)
    assert status(store).last_polled_at is None


# ── nothing new ───────────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_poll_moves_its_feed_on(store: Store) -> None:
    """A 304 writes when it was and when the next is, and takes fresher validators where it has some."""
    watch(store)
    land_one(store, take(store), reply(listed("a"), validators=(ONE,)), always(believing(listed("a"))))
    assert store.record_unchanged([unchanged(take(store), after(15))]) == ()
    assert (status(store).last_polled_at, status(store).next_poll_at) == (after(15), after(30))
    assert take(store).validators == (ONE,)
    assert take(store).believed_at == START
    same_list = unchanged(take(store), after(30), validators=(TWO,), body_digest=b"other", believed=True)
    assert store.record_unchanged([same_list]) == ()
    task = take(store)
    assert (task.validators, task.body_digest, task.content_digest) == ((TWO,), b"other", b"content")
    assert task.believed_at == after(30)
    assert store.record_unchanged([unchanged(take(store), after(45), validators=())]) == ()
    assert take(store).validators == ()


def test_an_unchanged_poll_ends_failing_and_holding(store: Store) -> None:
    """A feed that answers works again; a list that is as it was drops what was held."""
    watch(store)
    land(store, listed("a"))
    store.record_failures([failed(take(store))])
    store.record_unchanged([unchanged(take(store))])
    assert (status(store).state, status(store).failures, status(store).reason) == (FeedState.OK, 0, None)
    hold(store)
    store.record_unchanged([unchanged(take(store))])
    assert (status(store).state, status(store).reason) == (FeedState.OK, None)
    assert recall(store, listed()).held is None


def test_an_unchanged_poll_tells_its_notice_once(store: Store) -> None:
    """That a feed has recovered is owed with the poll that saw it, and not by one that came too late."""
    watch(store)
    notice = Notice(NoticeKind.FEED_RECOVERED, START)
    slow, fast = take(store), take(store)
    store.record_unchanged([unchanged(fast, notice=notice, notice_addresses=(PHONE, PHONE))])
    store.record_unchanged([unchanged(slow, notice=notice, notice_addresses=(PHONE,))])
    assert rows(store, "SELECT address, notice_id, state FROM deliveries") == [(PHONE, 1, "pending")]


def test_what_was_unchanged_says_nothing_once_another_list_landed(store: Store) -> None:
    """Unchanged was said of the list before: the feed is due again at once, and nothing else is written."""
    watch(store)
    land(store, listed("a"))
    early, late = take(store), take(store)
    land_one(store, early, reply(listed("b")), always(believing(listed("b"), after(1))))
    assert store.record_unchanged([unchanged(late, after(2), validators=(TWO,))]) == (late.feed_id,)
    assert status(store).next_poll_at == after(2)
    assert take(store).validators == ()


def test_what_was_unchanged_is_dropped_once_a_later_poll_landed(store: Store) -> None:
    """The later poll has spoken: its next poll stands, for its server may have asked for rest."""
    watch(store)
    land(store, listed("a"))
    early, late = take(store), take(store)
    store.record_failures([FailedPoll(late, START, failed(late).failure, after(240))])
    assert store.record_unchanged([unchanged(early, after(2))]) == (early.feed_id,)
    assert status(store).next_poll_at == after(240)
    assert status(store).state is FeedState.FAILING


def test_many_unchanged_polls_land_together_and_each_by_itself(store: Store) -> None:
    """A late one among them takes nothing from the others."""
    watch(store, *feeds("a", "b", "c"))
    tasks = {task.name: task for task in store.take_polls(START)}
    store.record_failures([failed(take(store, "jane/b"))])
    assert store.record_unchanged([unchanged(task) for task in tasks.values()]) == (tasks["b"].feed_id,)
    assert [each.state for each in store.list_feeds()] == [FeedState.OK, FeedState.FAILING, FeedState.OK]
    assert store.record_unchanged([]) == ()


# ── permanent redirects ───────────────────────────────────────────────────────────────────────────


def poll_moved(store: Store, moved_to: str | None, *, same: bool) -> str:
    """Poll the queue by way of a permanent redirect (or none); returns the address of the next poll."""
    task = take(store)
    if same:
        store.record_unchanged([unchanged(task, moved_to=moved_to)])
    else:
        land_one(store, task, reply(listed("a"), moved_to=moved_to), always(believing(listed("a"))))
    return take(store).address


@pytest.mark.parametrize("same", [True, False], ids=["unchanged", "a list"])
def test_a_permanent_redirect_is_taken_over_after_three_polls_in_a_row(store: Store, *, same: bool) -> None:
    """Twice might be a slip: the third poll in a row that agrees moves the feed for good."""
    watch(store)
    assert [poll_moved(store, NEW, same=same) for _ in range(3)] == [QUEUE.address, QUEUE.address, NEW]
    assert (take(store).moved_to, take(store).moved_polls) == (None, 0)
    assert status(store).address == QUEUE.address, "the index still names it there"
    index(store, QUEUE)
    assert take(store).address == NEW, "and an index that says nothing new changes nothing"


@pytest.mark.parametrize("other", [None, "http://elsewhere.example"], ids=["no redirect", "another"])
@pytest.mark.parametrize("same", [True, False], ids=["unchanged", "a list"])
def test_a_redirect_that_wavers_is_not_taken_over(store: Store, other: str | None, *, same: bool) -> None:
    """Three polls in a row must name the same address: one that does not begins the count anew."""
    watch(store)
    led = [poll_moved(store, to, same=same) for to in (NEW, NEW, other, NEW, NEW)]
    assert set(led) == {QUEUE.address}
    assert poll_moved(store, NEW, same=same) == NEW


def test_a_list_and_a_repeat_of_it_count_alike(store: Store) -> None:
    """The three polls may be of either sort."""
    watch(store)
    poll_moved(store, NEW, same=False)
    poll_moved(store, NEW, same=True)
    assert poll_moved(store, NEW, same=False) == NEW


# ── failures ──────────────────────────────────────────────────────────────────────────────────────


def test_a_failure_touches_nothing_that_is_known(store: Store) -> None:
    """Only when it was, why, and when to try again is written (law 7)."""
    watch(store)
    land(store, listed("a", "b"))
    known = rows(store, "SELECT * FROM entries")
    before = recall(store, listed())
    store.record_failures([failed(take(store), after(15))])
    assert rows(store, "SELECT * FROM entries") == known
    assert recall(store, listed()).snapshot == before.snapshot
    found = status(store)
    assert (found.state, found.reason, found.detail) == (FeedState.FAILING, Reason.TIMEOUT, "no answer")
    assert (found.failures, found.last_polled_at, found.next_poll_at) == (1, after(15), after(45))
    assert found.entries == 2


def test_failures_count_from_the_first_of_them(store: Store) -> None:
    """How often and since when is kept until a poll succeeds, then forgotten."""
    watch(store)
    for minutes in (0, 30, 90):
        store.record_failures([failed(take(store), after(minutes))])
    task = take(store)
    assert (task.failures, task.failing_since_at, task.state) == (3, START, FeedState.FAILING)
    land(store, listed("a"))
    task = take(store)
    assert (task.failures, task.failing_since_at, task.state) == (0, None, FeedState.OK)


def test_what_broke_is_announced_with_the_failure_and_remembered(store: Store) -> None:
    """The notice and the memory of having told it are one write, until the feed works again."""
    watch(store)
    notice = Notice(NoticeKind.FEED_BROKEN, START, feeds=(NoticeLine(FEED),), reason=Reason.TIMEOUT)
    store.record_failures([failed(take(store), notice=notice, notice_addresses=(PHONE,))])
    assert rows(store, "SELECT kind FROM notices") == [("feed_broken",)]
    store.record_failures([failed(take(store))])
    assert take(store).broken_announced
    assert recall(store, listed()).broken_announced
    store.record_unchanged([unchanged(take(store))])
    assert not take(store).broken_announced


def test_what_two_processes_find_broken_at_once_is_announced_once(store: Store) -> None:
    """Both had taken their polls before either failed: the second to fail has nothing new to say."""
    watch(store)
    notice = Notice(NoticeKind.FEED_BROKEN, START, feeds=(NoticeLine(FEED),), reason=Reason.TIMEOUT)
    both = [take(store), take(store)]
    for task in both:
        store.record_failures([failed(task, notice=notice, notice_addresses=(PHONE,))])
    assert rows(store, "SELECT kind FROM notices") == [("feed_broken",)]
    assert status(store).failures == 2


def test_an_outage_of_our_own_blames_no_feed(store: Store) -> None:
    """The poll is over and the next is set, but the feed has not failed."""
    watch(store)
    land(store, listed("a"))
    store.record_failures([failed(take(store), after(15), blamed=False)])
    found = status(store)
    assert (found.state, found.failures, found.reason) == (FeedState.OK, 0, None)
    assert (found.last_polled_at, found.next_poll_at) == (after(15), after(45))


def test_a_failure_that_comes_late_is_dropped(store: Store) -> None:
    """A later poll that succeeded is the truth, and no notice speaks of the one before (law 11)."""
    watch(store)
    slow = take(store)
    land(store, listed("a"))
    notice = Notice(NoticeKind.FEED_BROKEN, START)
    store.record_failures([failed(slow, notice=notice, notice_addresses=(PHONE,))])
    assert status(store).state is FeedState.OK
    assert rows(store, "SELECT count(*) FROM notices") == [(0,)]


def test_a_feed_that_is_gone_retires_with_its_notice(store: Store) -> None:
    """410: it is polled no more, by whichever way, and what it listed stays to be seen."""
    watch(store)
    land(store, listed("a"))
    slow = take(store)
    notice = Notice(NoticeKind.FEED_RETIRED, START, feeds=(NoticeLine(FEED),), reason=Reason.GONE)
    gone = failed(take(store), reason=Reason.GONE, retire=True, notice=notice, notice_addresses=(PHONE,))
    store.record_failures([gone])
    found = status(store)
    assert (found.state, found.reason, found.next_poll_at) == (FeedState.RETIRED, Reason.GONE, None)
    assert found.entries == 1
    assert store.take_polls(after(9999), due_only=False) == ()
    assert rows(store, "SELECT kind FROM notices") == [("feed_retired",)]
    store.record_failures([failed(slow)])
    store.record_unchanged([unchanged(slow)])
    assert land_one(store, slow, reply(listed("b")), always(believing(listed("b")))) is None
    assert status(store) == found


def test_a_failure_between_a_held_reply_and_its_confirmation_forgets_nothing(store: Store) -> None:
    """What is held is confirmed or dropped by the next list that comes, not by a time-out."""
    watch(store)
    land(store, listed("a"))
    hold(store, b"strange")
    store.record_failures([failed(take(store))])
    assert recall(store, listed()).held == HeldReply(Reason.TURNED_EMPTY, b"strange")


# ── the notice of new lists, hosts at rest ────────────────────────────────────────────────────────


def test_one_notice_speaks_of_all_lists_seen_for_the_first_time(store: Store) -> None:
    """Law 5: each baseline is told once, all of a round together, with how many titles it has."""
    watch(store, *feeds("a", "b", "c"))
    assert store.take_baseline_notice(START, [PHONE]) is None
    for name in ("b", "a"):
        task = take(store, f"jane/{name}")
        land_one(
            store,
            task,
            reply(listed(name, "x")),
            always(believing(listed(name, "x"), verdict=Verdict.BASELINE)),
        )
    notice = store.take_baseline_notice(after(1), [PHONE, "mail/1"])
    assert notice == Notice(
        NoticeKind.WATCHING, after(1), feeds=(NoticeLine("jane/a", 2), NoticeLine("jane/b", 2))
    )
    assert rows(store, "SELECT address FROM deliveries ORDER BY id") == [(PHONE,), ("mail/1",)]
    assert store.take_baseline_notice(after(2), [PHONE]) is None


def test_a_baseline_stays_to_be_told_whatever_lands_after_it(store: Store) -> None:
    """A daemon that dies between a baseline and its notice tells it after the next start."""
    watch(store)
    land(store, listed("a"), verdict=Verdict.BASELINE)
    land(store, listed("a", "b"))
    notice = store.take_baseline_notice(START, [PHONE])
    assert notice is not None
    assert notice.feeds == (NoticeLine(FEED, 2),)


def test_a_host_rests_until_the_latest_that_was_asked_for(store: Store) -> None:
    """Nobody shortens a rest; when it is over the host is as any other."""
    store.rest_host("a.example", after(10), Reason.RATE_LIMITED)
    store.rest_host("a.example", after(5), Reason.RATE_LIMITED)
    store.rest_host("b.example:8080", after(1), Reason.RATE_LIMITED)
    assert store.resting_hosts(START) == {"a.example": after(10), "b.example:8080": after(1)}
    assert store.resting_hosts(after(1)) == {"a.example": after(10)}
    assert store.resting_hosts(after(10)) == {}


# ── lists that are polled together ────────────────────────────────────────────────────────────────


def test_lists_of_one_account_that_are_nearly_due_wait_for_each_other(store: Store) -> None:
    """The first to be due waits for the others, but no longer than is said; streams wait for nobody."""
    history, blog = (
        FoundFeed("history", Kind.HISTORY, "http://x/h"),
        FoundFeed("blog", Kind.STREAM, "http://x/b"),
    )
    watch(store, QUEUE, history, blog)
    with store.transaction() as conn:
        for name, minute in (("queue", 10.0), ("blog", 10.0), ("history", 10.4)):
            conn.execute("UPDATE feeds SET next_poll_at = ? WHERE name = ?", (stamp(after(minute)), name))

    def taken(at: float, company: timedelta = timedelta(seconds=30)) -> list[str]:
        return sorted(task.name for task in store.take_polls(after(at), company=company))

    assert taken(10) == ["blog"]
    assert taken(10, timedelta(0)) == ["blog", "queue"]
    assert taken(10, timedelta(seconds=20)) == ["blog", "queue"]
    assert taken(10.4) == ["blog", "history", "queue"]


def test_list_does_not_wait_for_one_that_is_not_polled(store: Store) -> None:
    """One that is paused, or is due much later, holds up nothing."""
    history = FoundFeed("history", Kind.HISTORY, "http://x/h")
    watch(store, QUEUE, history)
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET next_poll_at = ? WHERE name = 'queue'", (stamp(after(10)),))
        conn.execute("UPDATE feeds SET next_poll_at = ? WHERE name = 'history'", (stamp(after(10.2)),))
    company = timedelta(seconds=30)
    assert store.take_polls(after(10), company=company) == ()
    store.pause_feeds(["jane/history"], after(10))
    assert [task.name for task in store.take_polls(after(10), company=company)] == ["queue"]


def test_asking_what_is_due_costs_each_list_of_a_large_account_the_same(store: Store) -> None:
    """Whether lists wait for company is asked for their account: four times as many, four times the work."""

    def count_steps(lists: int) -> int:
        watch(store, *(FoundFeed(f"q{n}", Kind.QUEUE, f"http://lists.example/{n}") for n in range(lists)))
        steps = [0]
        store._conn.set_progress_handler(lambda: steps.append(0), 10)
        assert len(store.take_polls(START, company=timedelta(seconds=30))) == lists
        store._conn.set_progress_handler(None, 0)
        return len(steps)

    few = count_steps(100)
    assert count_steps(400) < 5 * few


def test_a_feed_is_found_by_its_name_without_looking_at_the_others(store: Store) -> None:
    """One whose token has died is taken again at once, among however many."""
    watch(store, *(FoundFeed(f"q{n}", Kind.QUEUE, f"http://lists.example/{n}") for n in range(300)))
    asked: list[str] = []
    store._conn.set_trace_callback(asked.append)
    assert take(store, "jane/q7").name == "q7"
    store._conn.set_trace_callback(None)
    plan = [row[3] for row in rows(store, f"EXPLAIN QUERY PLAN {asked[0]}")]
    assert any("(account=? AND name=?)" in step for step in plan), plan


def test_the_first_lists_are_announced_without_looking_at_the_others(store: Store) -> None:
    """It is asked at the end of every round, and there may be a hundred thousand feeds."""
    watch(store, *(FoundFeed(f"q{n}", Kind.QUEUE, f"http://lists.example/{n}") for n in range(30)))
    asked: list[str] = []
    store._conn.set_trace_callback(asked.append)
    assert store.take_baseline_notice(START, (PHONE,)) is None
    store._conn.set_trace_callback(None)
    assert [row[3] for row in rows(store, f"EXPLAIN QUERY PLAN {asked[0]}")] == [
        "SCAN feeds USING INDEX feeds_baseline"
    ]
