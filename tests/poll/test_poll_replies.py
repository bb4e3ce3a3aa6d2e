"""What each reply makes us do: a test for each row of the table, over HTTP and a real state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from watching import Jane, Watch, let_jane_in, seeing_once

from feedwatch.core.model import FeedState, FetchFailed, Kind, Reason
from feedwatch.core.schedule import BROKEN_AFTER, SERVER_REST
from feedwatch.fetch import FetchLimits
from feedwatch.poll import PollOutcome, ReadList
from feedwatch.sandbox import Sandbox
from feedwatch.store import Store

QUEUE, HISTORY, RATINGS, RECOMMENDED = (
    "jane/queue",
    "jane/history",
    "jane/ratings",
    "jane/recommendations",
)
ALL = {QUEUE, HISTORY, RATINGS, RECOMMENDED}
EVERY = timedelta(minutes=5)


@pytest.fixture
def jane(served: tuple[Sandbox, str]) -> Jane:
    """Jane with 40 titles in her queue."""
    return let_jane_in(*served, queue=40)


@pytest.fixture
async def watch(jane: Jane, tmp_path: Path) -> AsyncIterator[Watch]:
    """Jane's lists, discovered and seen once."""
    async with seeing_once(jane, tmp_path) as watch:
        yield watch


async def fail_once(jane: Jane, watch: Watch, fault: str, feed: str = "queue") -> Reason | None:
    """Let one poll of a list fail; gives the reason that was recorded."""
    jane.world.fail(feed=feed, fault=fault, times=4)
    report = (await watch.poll(f"jane/{feed}"))[f"jane/{feed}"]
    assert report.outcome is PollOutcome.FAILED, report
    jane.switches.faults.clear()
    return report.reason


async def wait_of(watch: Watch, feed: str) -> timedelta:
    """How long from now until a feed's next poll."""
    at = (await watch.status(feed)).next_poll_at
    assert at is not None
    return at - watch.moment.at


# ── 200, 304 ──────────────────────────────────────────────────────────────────────────────────────


async def test_200_is_compared(jane: Jane, watch: Watch) -> None:
    """A reply whose list differs is compared, and each change is recorded and owed once."""
    jane.world.add(title="Ran")
    owed = await watch.owed()
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.changes, report.entries) == (PollOutcome.COMPARED, 1, 41)
    assert await watch.changes() == [("added", "Ran")]
    assert await watch.owed() == owed + 1


async def test_304_is_nothing_new(jane: Jane, watch: Watch) -> None:
    """A list with an ETag is asked for conditionally, and a 304 is an unchanged poll."""
    assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED
    assert jane.requests("history", "304") == 1
    assert await wait_of(watch, HISTORY) == EVERY


async def test_same_list_with_other_dates_is_nothing_new(jane: Jane, watch: Watch) -> None:
    """The queue's Atom differs at every request; nothing has changed, and nothing is compared."""
    watch.moment.pass_by(minutes=5)
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert jane.requests("queue", "200") == 1


async def test_304_for_ever_is_not_believed_for_ever(jane: Jane, watch: Watch) -> None:
    """After a week of 304 a list is read whole once, whatever its server says."""
    watch.moment.pass_by(days=6)
    await watch.poll(HISTORY)
    watch.moment.pass_by(days=1, hours=1)
    assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED
    assert (jane.requests("history", "304"), jane.requests("history", "200")) == (1, 1)
    await watch.poll(HISTORY)
    assert jane.requests("history", "304") == 2


# ── redirects of a tokenized feed ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ["301", "308"])
async def test_301_and_308_of_a_tokenized_feed_ask_its_index(jane: Jane, watch: Watch, fault: str) -> None:
    """It is followed, its address never taken over, and the index is asked once where the list is now."""
    address = (await watch.status(QUEUE)).address
    jane.world.add(title="Ran")
    for _ in range(5):
        jane.world.fail(feed="queue", fault=fault)
        report = (await watch.poll(QUEUE))[QUEUE]
        assert report.outcome in (PollOutcome.COMPARED, PollOutcome.UNCHANGED)
    assert await watch.changes() == [("added", "Ran")]
    (row,) = await watch.query("SELECT address, moved_to FROM feeds WHERE name = 'queue'")
    assert row == {"address": address, "moved_to": None}
    assert jane.requests("index") == 1


@pytest.mark.parametrize("fault", ["302", "303", "307"])
async def test_302_303_and_307_are_followed_and_never_stored(jane: Jane, watch: Watch, fault: str) -> None:
    """A temporary redirect is followed each time and leads to nothing else."""
    for _ in range(4):
        jane.world.fail(feed="queue", fault=fault)
        assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    (row,) = await watch.query("SELECT address, named_address, moved_to FROM feeds WHERE name = 'queue'")
    assert row["address"] == row["named_address"]
    assert row["moved_to"] is None
    assert jane.requests("index") == 0


# ── 400 to paging parameters ──────────────────────────────────────────────────────────────────────


async def test_400_to_paging_parameters_makes_a_window(jane: Jane, watch: Watch) -> None:
    """Asked without them the list comes, 25 titles of it: no title beyond is said to be gone."""
    jane.switches.refuse_paging = True
    jane.world.add(title="Ran")
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.entries) == (PollOutcome.COMPARED, 25)
    assert await watch.changes() == [("added", "Ran")]
    before = jane.requests("queue")
    jane.world.remove(title="Ran")
    await watch.poll(QUEUE)
    assert await watch.changes() == [("added", "Ran"), ("removed", "Ran")]
    assert jane.requests("queue") == before + 1
    assert jane.requests("queue", "400") == 2


async def test_single_400_makes_no_window(jane: Jane, watch: Watch) -> None:
    """A 400 that does not come again was not about paging: the list stays whole."""
    jane.world.fail(feed="queue", fault="400")
    jane.world.add(title="Ran", position=41)
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.entries) == (PollOutcome.COMPARED, 41)
    assert await watch.query("SELECT whole, paging_refused FROM feeds WHERE name = 'queue'") == [
        {"whole": 1, "paging_refused": 0}
    ]


async def test_lasting_400_is_a_failure(jane: Jane, watch: Watch) -> None:
    """Where the list does not come without paging either, the poll has failed."""
    assert await fail_once(jane, watch, "400") is Reason.BAD_REQUEST


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ["401", "403"])
async def test_401_and_403_bad_token_discover_anew_and_poll_again(
    jane: Jane, watch: Watch, fault: str
) -> None:
    """A dead token has the index read and the feed polled again, within the same poll."""
    jane.world.fail(feed="queue", fault=fault)
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert (jane.requests("queue"), jane.requests("index")) == (2, 1)
    assert (await watch.status(QUEUE)).failures == 0


@pytest.mark.parametrize("per_host", [4, 1])
async def test_rotated_tokens_of_all_feeds_cost_one_index(jane: Jane, watch: Watch, per_host: int) -> None:
    """Four tokens die in one round, at once or one by one: one index, every list polled again, no news."""
    watch.assembly.places.limit(32, per_host)
    jane.world.rotate_token()
    reports = await watch.poll()
    assert {feed: report.outcome for feed, report in reports.items()} == dict.fromkeys(
        ALL, PollOutcome.COMPARED
    )
    assert jane.requests("index") == 1
    assert {name: jane.requests(name) for name in ("queue", "history", "ratings", "recommendations")} == {
        "queue": 2,
        "history": 2,
        "ratings": 2,
        "recommendations": 2,
    }
    assert await watch.changes() == []
    assert await watch.notices() == ["watching"]


async def test_token_that_stays_dead_is_tried_ever_more_slowly(jane: Jane, watch: Watch) -> None:
    """Each try is two polls and one index, and each wait is twice as long; no storm."""
    jane.world.fail(feed="queue", fault="403", times=100)
    waits = []
    for tries in range(1, 5):
        await watch.poll_due(QUEUE) if tries > 1 else await watch.poll(QUEUE)
        waits.append(await wait_of(watch, QUEUE))
        assert (jane.requests("queue"), jane.requests("index")) == (2 * tries, tries)
        watch.moment.at += waits[-1]
    assert waits == [EVERY, 2 * EVERY, 4 * EVERY, 8 * EVERY]
    status = await watch.status(QUEUE)
    assert (status.state, status.reason, status.failures) == (FeedState.FAILING, Reason.BAD_TOKEN, 4)


async def test_many_dead_tokens_ask_for_the_index_once_a_round(jane: Jane, watch: Watch) -> None:
    """Four lists whose tokens stay dead, polled in one round: one index, not four."""
    for name in ("queue", "history", "ratings", "recommendations"):
        jane.world.fail(feed=name, fault="403", times=100)
    for rounds in (1, 2):
        reports = await watch.poll()
        assert {report.reason for report in reports.values()} == {Reason.BAD_TOKEN}
        assert jane.requests("index") == rounds
        watch.moment.pass_by(minutes=5)


@pytest.mark.parametrize("index", ["no help", "broken"])
async def test_many_dead_tokens_of_many_rounds_make_no_storm(jane: Jane, watch: Watch, index: str) -> None:
    """A daemon's rounds hold a feed each: an index of no help to one is not asked at once by the next."""
    for name in ("queue", "history", "ratings", "recommendations"):
        jane.world.fail(feed=name, fault="403", times=100)
    jane.world.fail(feed="index", fault="500", times=100 if index == "broken" else 1)
    if index == "no help":
        jane.switches.faults["index"].clear()
    for feed in (QUEUE, HISTORY, RATINGS, RECOMMENDED):
        assert await watch.outcome(feed) is PollOutcome.FAILED
        watch.moment.pass_by(seconds=1)
    assert jane.requests("index") == 1
    watch.moment.pass_by(minutes=1)
    await watch.outcome(HISTORY)
    assert jane.requests("index") == 2


async def test_dead_token_and_dead_index_are_one_failure(jane: Jane, watch: Watch) -> None:
    """If the index cannot be read the feed has failed once, and is not polled again at once."""
    jane.world.fail(feed="queue", fault="403")
    jane.world.fail(feed="index", fault="500")
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.FAILED, Reason.BAD_TOKEN)
    assert jane.requests("queue") == 1
    assert (await watch.status(QUEUE)).failures == 1


async def test_401_on_a_signed_call_signs_out_once(jane: Jane, watch: Watch) -> None:
    """One notice, no more signed calls, and lists that still answer go on."""
    jane.world.revoke()
    jane.world.fail(feed="queue", fault="403", times=100)
    for _ in range(3):
        await watch.poll(QUEUE)
        watch.moment.pass_by(hours=1)
    assert await watch.notices() == ["watching", "signed_out"] + ["feed_broken"] * (
        timedelta(hours=2) >= BROKEN_AFTER
    )
    accounts = await watch.query("SELECT signed_out, next_index_at FROM accounts")
    assert accounts == [{"signed_out": 1, "next_index_at": None}]
    jane.switches.faults.clear()
    jane.world.add(title="Ran")
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert (await watch.status(QUEUE)).state is FeedState.SIGNED_OUT
    asked = jane.requests("index")
    await watch.discover()
    watch.moment.pass_by(days=2)
    await watch.discover()
    assert jane.requests("index") == asked


# ── rate limits ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "rest"),
    [
        ("403-per-second", timedelta(seconds=5)),
        ("403-per-day", timedelta(hours=12)),
        ("429", timedelta(seconds=30)),
    ],
)
async def test_rate_limit_lets_the_whole_host_rest(
    jane: Jane, watch: Watch, fault: str, rest: timedelta
) -> None:
    """After one feed has met the limit no other of that host is asked until it renews."""
    assert await fail_once(jane, watch, fault) is Reason.RATE_LIMITED
    asked = dict(jane.world.requests)
    reports = await watch.poll()
    assert {report.outcome for report in reports.values()} == {PollOutcome.RESTING}
    assert jane.world.requests == asked
    assert {await wait_of(watch, feed) for feed in ALL - {QUEUE}} == {max(rest, EVERY)}
    watch.moment.at += rest
    reports = await watch.poll()
    assert {report.outcome for report in reports.values()} == {PollOutcome.UNCHANGED}


async def test_polls_that_wait_for_a_place_see_that_their_host_rests(jane: Jane, watch: Watch) -> None:
    """Of a round over one host, those that were not yet on their way stay at home."""
    watch.assembly.places.limit(32, 1)
    jane.world.fail(feed="queue", fault="429")
    tasks = sorted(await watch.take(), key=lambda task: task.feed != QUEUE)
    reports = {each.feed: each for each in await watch.assembly.poller.run_round(tasks)}
    assert reports.pop(QUEUE).reason is Reason.RATE_LIMITED
    assert {report.outcome for report in reports.values()} == {PollOutcome.RESTING}
    assert set(jane.world.requests) == {"queue"}


async def test_index_is_not_asked_while_its_host_rests(jane: Jane, watch: Watch) -> None:
    """A limit that a feed has met holds for signed calls too."""
    await fail_once(jane, watch, "429")
    assert not await watch.assembly.discoverer.discover_again("jane")
    assert jane.requests("index") == 0
    watch.moment.pass_by(seconds=31)
    await watch.discover()
    assert jane.requests("index") == 1


# ── backing off ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("404", Reason.NOT_FOUND),
        ("403-other", Reason.FORBIDDEN),
        ("500", Reason.SERVER_ERROR),
        ("502", Reason.SERVER_ERROR),
        ("504", Reason.SERVER_ERROR),
        ("cut", Reason.CUT_SHORT),
        ("large", Reason.TOO_LARGE),
    ],
)
async def test_404_500_cut_and_oversized_back_off(
    jane: Jane, watch: Watch, fault: str, reason: Reason
) -> None:
    """Each failure in a row doubles the wait, up to a day, and one success ends that."""
    memory = await watch.memory_of(QUEUE)
    for doubled in (1, 2, 4):
        assert await fail_once(jane, watch, fault) is reason
        assert await wait_of(watch, QUEUE) == EVERY * doubled
    assert await watch.memory_of(QUEUE) == memory
    assert jane.requests("index") == 0
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    status = await watch.status(QUEUE)
    assert (status.state, status.failures, status.reason) == (FeedState.OK, 0, None)
    assert await wait_of(watch, QUEUE) == EVERY


async def test_waits_end_at_a_day(jane: Jane, watch: Watch) -> None:
    """However long a feed has failed, it is asked once a day."""
    await watch.assembly.store.run(_set_failures, 40)
    await fail_once(jane, watch, "500")
    assert await wait_of(watch, QUEUE) == timedelta(days=1)


def _set_failures(store: Store, failures: int) -> None:
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET failures = ?", (failures,))


async def test_time_out_backs_off(jane: Jane, watch: Watch) -> None:
    """A reply that comes too slowly is a failed poll of that feed; the deadline is for all of it."""
    watch.assembly.fetcher.update_limits(_short_limits(watch))
    assert await fail_once(jane, watch, "drip") is Reason.TIMEOUT
    assert await wait_of(watch, QUEUE) == EVERY


def _short_limits(watch: Watch) -> FetchLimits:
    poll = watch.assembly.config.poll
    return FetchLimits(timedelta(milliseconds=300), poll.max_body, poll.concurrency, poll.per_host)


async def test_503_rests_for_two_minutes_at_least(jane: Jane, watch: Watch) -> None:
    """Without Retry-After two minutes, however short the interval; and only this feed."""
    watch.assembly.writer.every = timedelta(seconds=5)
    assert await fail_once(jane, watch, "503") is Reason.UNAVAILABLE
    assert await wait_of(watch, QUEUE) == SERVER_REST
    assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED


async def test_503_with_retry_after_waits_for_it(jane: Jane, watch: Watch) -> None:
    """What the server asks for counts."""
    assert await fail_once(jane, watch, "503-later") is Reason.UNAVAILABLE
    assert await wait_of(watch, QUEUE) == timedelta(minutes=10)


async def test_410_retires_with_a_notice(jane: Jane, watch: Watch) -> None:
    """A feed that is gone is not polled any more, though its index still lists it."""
    assert await fail_once(jane, watch, "410") is Reason.GONE
    assert (await watch.status(QUEUE)).state is FeedState.RETIRED
    assert await watch.notices() == ["watching", "feed_retired"]
    watch.moment.pass_by(days=2)
    await watch.discover()
    assert set(await watch.poll()) == ALL - {QUEUE}
    assert (await watch.status(QUEUE)).state is FeedState.RETIRED
    assert await watch.titles(QUEUE) == [item.title.name for item in jane.world.queue]


# ── what is no list ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("html", Reason.NOT_A_FEED),
        ("empty", Reason.EMPTY_BODY),
        ("declaration", Reason.EMPTY_BODY),
        ("status", Reason.ERROR_DOCUMENT),
        ("truncated", Reason.MALFORMED),
        ("bomb", Reason.HOSTILE),
    ],
)
@pytest.mark.parametrize("feed", ["queue", "history"])
async def test_foreign_reply_touches_nothing(
    jane: Jane, watch: Watch, feed: str, fault: str, reason: Reason
) -> None:
    """A 200 that is no list is a failed poll with its reason; all that is known stays (law 7)."""
    memory = await watch.memory_of(f"jane/{feed}")
    assert await fail_once(jane, watch, fault, feed) is reason
    assert await watch.memory_of(f"jane/{feed}") == memory
    assert (await watch.status(f"jane/{feed}")).reason is reason
    assert await watch.outcome(f"jane/{feed}") is PollOutcome.UNCHANGED


async def test_every_fault_leaves_the_other_feeds_alone(jane: Jane, watch: Watch) -> None:
    """While one list fails in every way that there is, the others are polled as ever."""
    for fault in ("500", "html", "cut", "truncated", "404"):
        jane.world.fail(feed="queue", fault=fault)
        reports = await watch.poll()
        assert reports.pop(QUEUE).outcome is PollOutcome.FAILED
        assert {report.outcome for report in reports.values()} == {PollOutcome.UNCHANGED}


# ── broken and recovered ──────────────────────────────────────────────────────────────────────────


async def test_feed_is_broken_after_three_failures_over_an_hour(jane: Jane, watch: Watch) -> None:
    """One notice when it breaks, one when it works again, with the time between; no more."""
    jane.world.fail(feed="queue", fault="500", times=8)
    minutes = 0
    for expected, wait in ((0, 20), (0, 20), (0, 19), (0, 1), (1, 30), (1, 30)):
        await watch.poll(QUEUE)
        assert (await watch.notices()).count("feed_broken") == expected, minutes
        watch.moment.pass_by(minutes=wait)
        minutes += wait
    jane.switches.faults.clear()
    jane.world.add(title="Ran")
    await watch.poll(QUEUE)
    await watch.poll(QUEUE)
    assert await watch.notices() == ["watching", "feed_broken", "feed_recovered"]
    rows = await watch.query("SELECT kind, at, since_at, reason FROM notices WHERE kind <> 'watching'")
    assert rows[0]["reason"] == Reason.SERVER_ERROR
    assert rows[0]["since_at"] == rows[1]["since_at"]
    assert str(rows[1]["since_at"]).startswith("2026-11-01T12:00:00")
    assert str(rows[1]["at"]).startswith("2026-11-01T14:00:00")


async def test_recovery_is_told_after_an_unchanged_poll_too(jane: Jane, watch: Watch) -> None:
    """A list that comes back just as it was is said to work again."""
    jane.world.fail(feed="history", fault="500", times=3)
    for _ in range(3):
        await watch.poll(HISTORY)
        watch.moment.pass_by(minutes=40)
    assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED
    assert await watch.notices() == ["watching", "feed_broken", "feed_recovered"]


# ── results in order ──────────────────────────────────────────────────────────────────────────────


async def test_late_result_is_discarded(jane: Jane, watch: Watch) -> None:
    """A result that arrives after a later poll's has landed changes nothing (law 11)."""
    early = (await watch.take(QUEUE))[0]
    stale = await watch.assembly.reader.read_list(early)
    jane.world.add(title="Ran")
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    known = await watch.memory_of(QUEUE)
    assert not isinstance(stale, FetchFailed)
    if isinstance(stale, ReadList):
        assert await watch.assembly.writer.write_list(early, stale) is None
    else:
        assert not await watch.assembly.writer.write_same(early, stale)
    assert await watch.memory_of(QUEUE) == known
    assert await watch.changes() == [("added", "Ran")]


async def test_late_failure_is_discarded(jane: Jane, watch: Watch) -> None:
    """A failure that arrives after a later success blames nobody."""
    early = await watch.take(QUEUE)
    await watch.poll(QUEUE)
    jane.world.fail(feed="queue", fault="500")
    await watch.assembly.poller.run_round(early)
    assert (await watch.status(QUEUE)).failures == 0


async def test_two_polls_at_once_tell_a_change_once(jane: Jane, watch: Watch) -> None:
    """The daemon's poll and a poll by hand overlap: one of them lands, each change is told once."""
    jane.world.add(title="Ran")
    owed = await watch.owed()
    first, second = await watch.take(QUEUE), await watch.take(QUEUE)
    run = watch.assembly.poller.run_round
    await asyncio.gather(run(first), run(second))
    assert await watch.changes() == [("added", "Ran")]
    assert await watch.owed() == owed + 1


def test_kinds_are_those_of_the_sandbox() -> None:
    """The four lists polled here are of four kinds."""
    assert {feed.partition("/")[2] for feed in ALL} == {str(kind) for kind in Kind} - {"stream"}
