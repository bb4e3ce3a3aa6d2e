"""Laws 4, 5, 6, 8 and 9 over HTTP: what stays one list, whatever its server does around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from watching import EVERYTHING, START, Jane, Watch, let_jane_in, seeing_once, watching, write_config

from feedwatch.core.model import FeedState, Reason
from feedwatch.poll import PollOutcome, ReadList
from feedwatch.sandbox import Sandbox
from feedwatch.sandbox.world import Viewing
from feedwatch.store import Store

QUEUE, HISTORY, RATINGS, RECOMMENDED = (
    "jane/queue",
    "jane/history",
    "jane/ratings",
    "jane/recommendations",
)
ALL = {QUEUE, HISTORY, RATINGS, RECOMMENDED}


@pytest.fixture
def jane(served: tuple[Sandbox, str]) -> Jane:
    """Jane with 40 titles in her queue."""
    return let_jane_in(*served, queue=40)


@pytest.fixture
async def watch(jane: Jane, tmp_path: Path) -> AsyncIterator[Watch]:
    """Jane's lists, discovered and seen once."""
    async with seeing_once(jane, tmp_path) as watch:
        yield watch


async def assert_nothing_new(watch: Watch) -> None:
    """Poll all lists twice: no change, no new baseline, no message beyond the first."""
    owed = await watch.owed()
    for _ in range(2):
        reports = await watch.poll()
        outcomes = {report.outcome for report in reports.values()}
        assert outcomes <= {PollOutcome.UNCHANGED, PollOutcome.COMPARED}, reports
        watch.moment.pass_by(minutes=5)
    assert await watch.changes() == []
    assert await watch.notices() == ["watching"]
    assert await watch.owed() == owed


async def assert_still_compared(jane: Jane, watch: Watch) -> None:
    """And what happens from then on is told as ever: once, and nothing else."""
    jane.world.add(title="Ran")
    jane.world.watch(title="Ran")
    jane.world.rate(title="Alien", value="5")
    jane.world.recommend(title="Brazil")
    await watch.poll()
    await watch.poll()
    assert sorted(await watch.changes()) == [
        ("added", "Alien"),
        ("added", "Brazil"),
        ("added", "Ran"),
        ("added", "Ran"),
    ]


def test_config_is_of_jane(jane: Jane, tmp_path: Path) -> None:
    """The configuration that all of this stands on has one account and one target."""
    config = write_config(tmp_path, jane.config())
    assert (list(config.accounts), list(config.targets)) == (["jane"], ["phone"])


# ── what moves by itself, and what changes around a list (laws 4 and 6) ───────────────────────────


async def test_time_that_passes_is_no_change(jane: Jane, watch: Watch) -> None:
    """The queue's `updated` is always the time of the request: twenty polls, nothing new, nothing written."""
    rows = await watch.query("SELECT * FROM entries ORDER BY feed_id, key")
    for _ in range(20):
        assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
        watch.moment.pass_by(minutes=5)
    assert await watch.query("SELECT * FROM entries ORDER BY feed_id, key") == rows
    assert await watch.changes() == []


@pytest.mark.parametrize("happens", ["token", "host", "dialect", "form", "form and etags", "totals"])
async def test_list_stays_itself(jane: Jane, watch: Watch, happens: str) -> None:
    """A new token, host, dialect or form is no change, no new baseline, no message; the next change is."""
    if happens == "token":
        jane.world.rotate_token()
    if happens == "host":
        jane.switches.id_host = "api-public.netflix.com"
    if happens == "dialect":
        jane.switches.later_dialect = True
    if happens.startswith("form"):
        jane.switches.plain_only = True
    if happens == "form and etags":
        jane.switches.http_etags = False
    if happens == "totals":
        jane.switches.atom_totals = False
    await assert_nothing_new(watch)
    await assert_still_compared(jane, watch)


async def test_form_changes_back_and_forth(jane: Jane, watch: Watch) -> None:
    """Atom, plain XML, and Atom again: one list all the time."""
    for plain in (True, False, True):
        jane.switches.plain_only = plain
        await assert_nothing_new(watch)
    await assert_still_compared(jane, watch)


@pytest.mark.parametrize("documented", [True, False], ids=["as documented", "well-formed"])
async def test_discovery_changes_to_opml(
    jane: Jane, watch: Watch, tmp_path: Path, *, documented: bool
) -> None:
    """The index asked for as OPML gives the same feeds: no change, no baseline, no message."""
    jane.switches.opml_as_documented = documented
    before = {status.feed: status.address for status in await watch.statuses()}
    await watch.reload(write_config(tmp_path, jane.config(account="discovery: opml")))
    await watch.assembly.discoverer.discover("jane")
    after = {status.feed: status.address for status in await watch.statuses()}
    assert after.keys() == before.keys() == ALL
    assert after != before
    await assert_nothing_new(watch)
    await assert_still_compared(jane, watch)


async def test_access_token_changes(jane: Jane, watch: Watch, tmp_path: Path) -> None:
    """Signed out, and in again with another access token: the lists go on from where they were."""
    jane.world.revoke()
    await watch.assembly.discoverer.discover("jane")
    jane.world.account.allowed = True
    jane.world.account.access_token = "another-access-token-55aa"
    jane.world.account.access_token_secret = "another-secret-aa55"
    jane.world.rotate_token()
    await watch.reload(write_config(tmp_path, jane.config()))
    await watch.discover()
    await watch.poll()
    assert await watch.notices() == ["watching", "signed_out"]
    assert await watch.changes() == []
    assert {status.state for status in await watch.statuses()} == {FeedState.OK}
    await assert_still_compared(jane, watch)


async def test_all_of_it_at_once_while_the_list_moves(jane: Jane, watch: Watch) -> None:
    """A real change is told once though token, host, dialect and form all change with it."""
    jane.world.move(start=7, to=1)
    jane.world.rotate_token()
    jane.switches.id_host = "api-public.netflix.com"
    jane.switches.later_dialect = jane.switches.plain_only = True
    name = jane.world.queue[0].title.name
    await watch.poll()
    assert await watch.changes() == [("moved", name)]


async def test_positions_inside_ids_are_no_identity(jane: Jane, watch: Watch) -> None:
    """One title at the top changes the id of every other, and is one addition."""
    jane.world.add(title="Ran")
    await watch.poll()
    assert await watch.changes() == [("added", "Ran")]


# ── baselines (law 5) ─────────────────────────────────────────────────────────────────────────────


async def test_first_lists_are_one_notice(jane: Jane, tmp_path: Path) -> None:
    """Four lists seen for the first time are told as one notice, and no title of them is news."""
    async with watching(tmp_path, jane.config(), jane.moment) as watch:
        await watch.discover()
        reports = await watch.poll()
        assert {report.outcome for report in reports.values()} == {PollOutcome.BASELINE}
        assert await watch.notices() == ["watching"]
        (notice,) = await watch.query("SELECT feeds FROM notices")
        assert {feed in str(notice["feeds"]) for feed in ALL} == {True}
        assert (await watch.changes(), await watch.owed()) == ([], 1)


async def test_other_kind_is_a_new_baseline(jane: Jane, watch: Watch, tmp_path: Path) -> None:
    """A feed that is compared as something else begins anew, and says so."""
    account = "feeds: {queue: {kind: stream}, history: {}}"
    await watch.reload(write_config(tmp_path, jane.config(account=account)))
    await watch.assembly.discoverer.discover("jane")
    assert await watch.outcome(QUEUE) is PollOutcome.BASELINE
    assert await watch.changes() == []
    assert await watch.notices() == ["watching", "watching"]


async def test_baseline_is_announced_where_asked_for(jane: Jane, tmp_path: Path) -> None:
    """`announce_baseline` tells every title of the first list instead."""
    config = jane.config(account="feeds: {ratings: {announce_baseline: true}, history: {}}")
    async with watching(tmp_path, config, jane.moment) as watch:
        await watch.discover()
        await watch.poll()
        assert len(await watch.changes(RATINGS)) == 9
        assert await watch.changes(HISTORY) == []


# ── holds (law 8) ─────────────────────────────────────────────────────────────────────────────────


async def test_list_that_turns_empty_is_held_and_confirmed(jane: Jane, watch: Watch) -> None:
    """Nothing is believed gone until a second look, within two minutes, shows the same."""
    queue, jane.world.queue = jane.world.queue, []
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.HELD, Reason.TURNED_EMPTY)
    assert len(await watch.titles(QUEUE)) == 40
    watch.moment.pass_by(minutes=2)
    assert (await watch.poll_due(QUEUE))[QUEUE].outcome is PollOutcome.COMPARED
    assert await watch.changes() == [("removed", item.title.name) for item in queue]


async def test_list_that_was_empty_for_a_moment_is_dropped(jane: Jane, watch: Watch) -> None:
    """What a second look does not show again was nothing; the list goes on as it was."""
    queue, jane.world.queue = jane.world.queue, []
    await watch.poll(QUEUE)
    jane.world.queue = queue
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert await watch.changes() == []
    status = await watch.status(QUEUE)
    assert (status.state, status.reason) == (FeedState.OK, None)


async def test_doubt_is_not_settled_by_a_304(jane: Jane, watch: Watch) -> None:
    """A held list is read whole again: an old validator must not speak for it."""
    history, jane.world.history = jane.world.history, []
    assert await watch.outcome(HISTORY) is PollOutcome.HELD
    jane.world.history = history
    jane.world.requests.clear()
    assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED
    assert jane.world.requests["history"] == {"all": 1, "200": 1}


async def test_empty_document_of_the_plain_form_is_held_too(jane: Jane, watch: Watch) -> None:
    """A queue without items in the other form is doubted like any list that turns empty."""
    jane.world.fail(feed="queue", fault="no-items", times=2)
    assert await watch.outcome(QUEUE) is PollOutcome.HELD
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert len(await watch.changes()) == 40


async def test_confirmation_is_unconditional_and_soon(jane: Jane, watch: Watch) -> None:
    """A held list is asked for without validators; a long interval does not put that off."""
    watch.assembly.writer.every = timedelta(hours=6)
    jane.world.history = [Viewing(item.title, item.watched_at) for item in jane.world.history[:0]]
    assert await watch.outcome(HISTORY) is PollOutcome.HELD
    at = (await watch.status(HISTORY)).next_poll_at
    assert at is not None
    assert at - watch.moment.at <= timedelta(minutes=2)
    jane.world.requests.clear()
    watch.moment.at = at
    assert (await watch.poll_due(HISTORY))[HISTORY].outcome is PollOutcome.COMPARED
    assert jane.requests("history", "304") == 0


async def test_confirmation_waits_for_a_resting_host(jane: Jane, watch: Watch) -> None:
    """A held list is not asked for before Retry-After of its host is over."""
    jane.world.queue = []
    await watch.poll(QUEUE)
    jane.world.fail(feed="history", fault="403-per-day")
    await watch.poll(HISTORY)
    watch.moment.pass_by(minutes=2)
    assert (await watch.poll_due(QUEUE))[QUEUE].outcome is PollOutcome.RESTING
    until = START.replace(hour=0) + timedelta(days=1)
    status = await watch.status(QUEUE)
    assert (status.next_poll_at, status.state) == (until, FeedState.HELD)
    watch.moment.at = until
    assert (await watch.poll_due(QUEUE))[QUEUE].outcome is PollOutcome.COMPARED


async def test_list_that_loses_most_is_held(jane: Jane, watch: Watch) -> None:
    """More than half of a whole list gone at once is looked at twice."""
    jane.world.queue = jane.world.queue[:19]
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.HELD, Reason.LOST_MOST)
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert len(await watch.changes()) == 21


async def test_stale_read_is_held(jane: Jane, watch: Watch) -> None:
    """A state that the list had left behind, by the etag in its body, is not believed at once."""
    jane.switches.plain_only = True
    await watch.poll(QUEUE)
    before, version = jane.world.queue, jane.world.versions["queue"]
    jane.world.add(title="Ran")
    await watch.poll(QUEUE)
    queue, jane.world.queue = jane.world.queue, before
    now, jane.world.versions["queue"] = jane.world.versions["queue"], version
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.HELD, Reason.STALE_READ)
    jane.world.queue, jane.world.versions["queue"] = queue, now
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert await watch.changes() == [("added", "Ran")]


# ── one change, one address, once (law 9) ─────────────────────────────────────────────────────────


async def test_two_views_of_one_list_tell_a_change_once(jane: Jane, tmp_path: Path) -> None:
    """The index names the queue and its recent additions: one feed, one change, one delivery."""
    async with watching(tmp_path, jane.config(), jane.moment) as watch:
        await watch.discover()
        assert {status.feed for status in await watch.statuses()} == ALL
        await watch.poll()
        owed = await watch.owed()
        jane.world.add(title="Ran")
        await watch.poll()
        assert (await watch.changes(), await watch.owed()) == ([("added", "Ran")], owed + 1)


async def test_one_tokenized_list_named_twice_tells_a_change_once(jane: Jane, tmp_path: Path) -> None:
    """The same by plain addresses in the configuration: named twice, polled once, told once."""
    account = jane.world.account
    url = (
        f"{jane.base}/users/{account.user_id}/queues/instant"
        f"?feed_token={account.feed_token}&oauth_consumer_key={account.consumer_key}"
    )
    config = (
        f"accounts:\n  mine:\n    service: feeds\n    feeds:\n      recent: {url}&sort=date_added\n"
        f"      all: {url}\ntargets:\n  phone: json://127.0.0.1:9/\n{EVERYTHING}"
    )
    async with watching(tmp_path, config, jane.moment) as watch:
        await watch.discover()
        await watch.poll()
        owed = await watch.owed()
        jane.world.move(start=9, to=2)
        await watch.poll()
        name = jane.world.queue[1].title.name
        assert (await watch.changes(), await watch.owed()) == ([("moved", name)], owed + 1)
        assert [status.feed for status in await watch.statuses()] == ["mine/all"]


async def test_removed_and_added_again_is_told_each_time(jane: Jane, watch: Watch) -> None:
    """Deduplication does not last for ever: each of several changes of one title is told."""
    title = jane.world.queue[4].title.name
    for _ in range(2):
        jane.world.remove(title=title)
        await watch.poll(QUEUE)
        jane.world.add(title=title, position=5)
        await watch.poll(QUEUE)
    assert await watch.changes() == [("removed", title), ("added", title)] * 2


async def test_watching_again_is_one_viewing_more(jane: Jane, watch: Watch) -> None:
    """A title watched again has one entry with a newer date, and is news once."""
    title = jane.world.history[3].title.name
    jane.world.watch(title=title)
    await watch.poll(HISTORY)
    await watch.poll(HISTORY)
    assert await watch.changes() == [("added", title)]


async def test_not_interested_is_a_rating(jane: Jane, watch: Watch) -> None:
    """The rating that came as an attribute is compared like any other."""
    title = jane.world.ratings[2].title.name
    jane.world.rate(title=title, value="not_interested")
    await watch.poll(RATINGS)
    (change,) = await watch.recorded()
    assert change.facts["rating"].after == "not_interested"


# ── a poll's own promises ─────────────────────────────────────────────────────────────────────────


async def test_long_max_age_puts_off_polls_but_no_confirmation(jane: Jane, watch: Watch) -> None:
    """A server's wish makes the interval longer, a day at most, and never a hold."""
    (task,) = await watch.take(QUEUE)
    reading = await watch.assembly.reader.read_list(task)
    assert not isinstance(reading, ReadList)
    jane.world.queue = []
    (task,) = await watch.take(QUEUE)
    empty = await watch.assembly.reader.read_list(task)
    assert isinstance(empty, ReadList)
    await watch.assembly.writer.write_list(task, ReadList(empty.result, timedelta(days=3)))
    at = (await watch.status(QUEUE)).next_poll_at
    assert at is not None
    assert at - watch.moment.at <= timedelta(minutes=2)
    (task,) = await watch.take(QUEUE)
    await watch.assembly.writer.write_list(task, ReadList(empty.result, timedelta(days=3)))
    at = (await watch.status(QUEUE)).next_poll_at
    assert at is not None
    assert at - watch.moment.at == timedelta(days=1)


async def test_failed_index_touches_no_feed(jane: Jane, watch: Watch) -> None:
    """Whatever comes instead of an index, the lists known are polled as before."""
    for fault in ("500", "html", "empty", "declaration", "status", "truncated", "no-items", "bomb", "cut"):
        jane.world.fail(feed="index", fault=fault)
        assert not await watch.assembly.discoverer.discover_again("jane"), fault
    assert set(await watch.poll()) == ALL
    assert await watch.notices() == ["watching"]
    assert (await watch.store_facts())["user_id"] == jane.world.account.user_id


async def test_list_that_left_its_index_goes_on_if_it_returns(
    jane: Jane, watch: Watch, tmp_path: Path
) -> None:
    """Retired with one notice and back with another: the difference since then is news (law 12)."""
    await watch.assembly.store.run(_retire, "queue")
    jane.world.add(title="Ran")
    await watch.assembly.discoverer.discover("jane")
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert await watch.changes() == [("added", "Ran")]
    assert await watch.notices() == ["watching", "feeds_found"]


def _retire(store: Store, name: str) -> None:
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET state = 'retired', reason = 'left_index' WHERE name = ?", (name,))
