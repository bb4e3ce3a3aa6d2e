"""Law 10 over HTTP: long lists read to their end, torn pages, and servers that do not page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest
from feedserver import FeedServer, Visit, reply
from watching import EVERYTHING, Jane, Watch, let_jane_in, watching

from feedwatch.core.model import Reason
from feedwatch.poll import PollOutcome
from feedwatch.sandbox import Sandbox

QUEUE = "jane/queue"
LONG = 520


@pytest.fixture
def jane(served: tuple[Sandbox, str]) -> Jane:
    """Jane with more than a page of titles in her queue."""
    return let_jane_in(*served, queue=LONG)


@pytest.fixture
async def watch(jane: Jane, tmp_path: Path) -> AsyncIterator[Watch]:
    """Her queue alone, discovered and not yet polled."""
    async with watching(tmp_path, jane.config(account="feeds: [queue]"), jane.moment) as watch:
        await watch.discover()
        yield watch


def names(jane: Jane) -> list[str]:
    return [item.title.name for item in jane.world.queue]


@pytest.mark.parametrize("totals", [True, False], ids=["totals", "no totals"])
async def test_long_list_is_read_to_its_end(
    served: tuple[Sandbox, str], jane: Jane, watch: Watch, *, totals: bool
) -> None:
    """1,203 titles in pages of 500, in order; a change at the very end is seen and nothing else is."""
    jane.sandbox.world.queue = let_jane_in(*served, queue=1203).world.queue
    jane.switches.atom_totals = totals
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.entries) == (PollOutcome.BASELINE, 1203)
    assert await watch.titles(QUEUE) == names(jane)
    # Where the list does not say how long it is, only an empty page tells that it has ended.
    assert jane.requests("queue") == (3 if totals else 4)
    last = names(jane)[-1]
    jane.world.remove(position=1203)
    await watch.poll(QUEUE)
    assert await watch.changes() == [("removed", last)]


async def test_long_list_with_etags_costs_a_304_a_page(jane: Jane, watch: Watch) -> None:
    """Each page has its own validators, and all must say that nothing has changed."""
    jane.switches.plain_only = True
    await watch.poll(QUEUE)
    jane.world.requests.clear()
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert jane.world.requests["queue"] == {"all": 2, "304": 2}


async def test_change_on_a_later_page_is_seen_behind_a_304(jane: Jane, watch: Watch) -> None:
    """A first page that has not changed says nothing about the last."""
    jane.switches.plain_only = True
    await watch.poll(QUEUE)
    version = jane.world.versions["queue"]
    jane.world.move(start=LONG, to=LONG - 10)
    jane.world.versions["queue"] = version  # as if the etag in the body were no help
    name = names(jane)[LONG - 11]
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert await watch.changes() == [("moved", name)]


async def test_refusal_of_a_later_page_is_heeded_at_once(
    jane: Jane, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that asks for rest behind a 304 is not asked for all of the list in answer to that."""
    jane.switches.plain_only = True
    await watch.poll(QUEUE)
    jane.world.requests.clear()
    answers = iter([None, "429"])
    monkeypatch.setattr(type(jane.world), "take_fault", lambda *_: next(answers))
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.FAILED, Reason.RATE_LIMITED)
    assert jane.world.requests["queue"] == {"all": 2, "304": 1, "429": 1}


async def test_list_of_exactly_a_page_grows_by_one(jane: Jane, watch: Watch) -> None:
    """500 titles fit one request; the 501st needs another, and is one addition."""
    jane.world.queue = jane.world.queue[:500]
    jane.switches.plain_only = True
    await watch.poll(QUEUE)
    assert jane.requests("queue") == 1
    jane.world.add(title="Late Spring", position=501)
    await watch.poll(QUEUE)
    assert await watch.changes() == [("added", "Late Spring")]
    assert len(await watch.titles(QUEUE)) == 501


# ── torn reads ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("plain", [False, True], ids=["atom", "plain"])
async def test_list_that_moves_between_pages_is_read_again(jane: Jane, watch: Watch, *, plain: bool) -> None:
    """A read whose pages are of two states is not believed: the next is, and tells the move alone."""
    jane.switches.plain_only = plain
    await watch.poll(QUEUE)
    jane.world.requests.clear()
    last = names(jane)[-1]
    jane.world.add(title="Late Spring")
    jane.switches.moves_between_pages = 1
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert sorted(await watch.changes()) == [("added", "Late Spring"), ("moved", last)]
    assert jane.requests("queue") == 4


@pytest.mark.parametrize("plain", [False, True], ids=["atom", "plain"])
async def test_list_that_never_settles_is_torn(jane: Jane, watch: Watch, *, plain: bool) -> None:
    """After three more reads it is a failed poll that touches nothing; a quiet moment ends it."""
    jane.switches.plain_only = plain
    await watch.poll(QUEUE)
    memory = await watch.memory_of(QUEUE)
    jane.world.requests.clear()
    jane.world.add(title="Late Spring")
    jane.switches.moves_between_pages = 1000
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.FAILED, Reason.TORN)
    assert await watch.memory_of(QUEUE) == memory
    assert jane.requests("queue") == 8
    jane.switches.moves_between_pages = 0
    await watch.poll(QUEUE)
    changes = await watch.changes()
    assert changes.count(("added", "Late Spring")) == 1
    assert {kind for kind, _ in changes} == {"added", "moved"}


async def test_etag_that_differs_on_every_page_is_no_tear(jane: Jane, watch: Watch) -> None:
    """Where the etag says nothing the count alone is compared, and the list is believed."""
    jane.switches.plain_only = jane.switches.etag_per_page = True
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.entries) == (PollOutcome.BASELINE, LONG)
    name = names(jane)[510]
    jane.world.move(start=511, to=1)
    await watch.poll(QUEUE)
    assert await watch.changes() == [("moved", name)]


async def test_page_that_fails_fails_the_poll(jane: Jane, watch: Watch) -> None:
    """Half a list is none: what a later page answers decides the poll as the first does."""
    await watch.poll(QUEUE)
    memory = await watch.memory_of(QUEUE)
    jane.world.add(title="Late Spring")
    for fault, reason in (("500", Reason.SERVER_ERROR), ("html", Reason.NOT_A_FEED)):
        jane.switches.faults["queue"] = Late(fault)
        report = (await watch.poll(QUEUE))[QUEUE]
        assert (report.outcome, report.reason) == (PollOutcome.FAILED, reason)
    assert await watch.memory_of(QUEUE) == memory


class Late(list[str]):
    """Faults of which the first is none."""

    def __init__(self, fault: str) -> None:
        super().__init__([fault])
        self._asked = 0

    def __bool__(self) -> bool:
        self._asked += 1
        return self._asked == 2


# ── servers that do not page ──────────────────────────────────────────────────────────────────────


async def test_form_that_does_not_page_is_a_window(jane: Jane, watch: Watch) -> None:
    """25 titles whatever is asked for: a window; what is beyond it is never said to be gone."""
    jane.switches.atom_pages = False
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.entries) == (PollOutcome.BASELINE, 25)
    first = names(jane)[0]
    jane.world.remove(position=1)
    await watch.poll(QUEUE)
    assert await watch.changes() == [("removed", first)]
    jane.world.requests.clear()
    watch.moment.pass_by(minutes=5)
    await watch.poll(QUEUE)
    assert jane.requests("queue") == 1


async def test_whole_list_that_becomes_a_window_loses_nothing(jane: Jane, watch: Watch) -> None:
    """A server that stops paging shows less, and that is no removal; when it pages again, no addition."""
    jane.world.queue = jane.world.queue[:60]
    await watch.poll(QUEUE)
    jane.switches.atom_pages = False
    await watch.poll(QUEUE)
    assert await watch.changes() == []
    jane.switches.atom_pages = True
    jane.world.rotate_token()
    await watch.poll(QUEUE)
    assert len(await watch.titles(QUEUE)) == 60
    assert await watch.changes() == []


async def test_server_that_ignores_start_index_gives_a_long_window(jane: Jane, watch: Watch) -> None:
    """What max_results brings is kept asking for: the window is of 500, at every poll."""
    jane.switches.ignore_start_index = True
    assert (await watch.poll(QUEUE))[QUEUE].entries == 500
    jane.world.add(title="Late Spring")
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.entries, await watch.changes()) == (500, [("added", "Late Spring")])


async def test_server_that_refuses_start_index_gives_a_long_window(jane: Jane, watch: Watch) -> None:
    """A 400 to the second page alone makes a window of the first, not one of 25."""
    jane.switches.faults["queue"] = Late("400")
    assert (await watch.poll(QUEUE))[QUEUE].entries == 500
    jane.switches.faults["queue"] = Late("400")
    jane.world.add(title="Late Spring")
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.entries, await watch.changes()) == (500, [("added", "Late Spring")])


# ── servers that count otherwise ──────────────────────────────────────────────────────────────────


def list_page(titles: Iterable[int], total: int, start: int = 0) -> bytes:
    """A page of a queue in plain XML, as some server writes it."""
    items = "".join(
        f"<queue_item><id>http://h/users/T1/queues/instant/available/{place}/{title}</id>"
        f"<position>{place}</position><title regular='Title {title}'/></queue_item>"
        for place, title in enumerate(titles, start=start + 1)
    )
    head = f"<number_of_results>{total}</number_of_results><start_index>{start}</start_index>"
    return reply(f"<queue>{head}{items}</queue>".encode())


def serve(server: FeedServer, shown: range, total: int, *, first: int = 0) -> None:
    """Show so many titles of a list in pages of 20, whatever is asked for, counting pages from `first`."""

    def answer(visit: Visit) -> None:
        asked = re.search(r"start_index=(\d+)", visit.request.target)
        start = int(asked[1]) if asked else 0
        visit.send(list_page(shown[start : start + 20], total, start + first))

    server.on("/users/T1/queues/instant", answer)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
async def other(server: FeedServer, tmp_path: Path) -> AsyncIterator[Watch]:
    """A tokenized queue at some other server of that protocol."""
    url = server.url("/users/T1/queues/instant?feed_token=abc")
    config = f"accounts:\n  mine:\n    service: feeds\n    feeds: {{queue: '{url}'}}\n{EVERYTHING}"
    config += "targets:\n  phone: json://127.0.0.1:9/\n"
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        yield watch


async def test_server_with_shorter_pages_is_read_to_the_end(server: FeedServer, other: Watch) -> None:
    """A page as long as its server likes: the list is as long as it says it is."""
    serve(server, range(100, 155), 55)
    assert (await other.poll())["mine/queue"].entries == 55
    targets = [request.target for request in server.requests]
    assert [re.findall(r"start_index=(\d+)", target) for target in targets] == [[], ["20"], ["40"]]
    assert all("feed_token=abc&output=atom&max_results=500" in target for target in targets)


async def test_server_that_counts_from_one_pages_all_the_same(server: FeedServer, other: Watch) -> None:
    """What OpenSearch calls the first entry is 1: that is no sign of a page that was not given."""
    serve(server, range(100, 155), 55, first=1)
    assert (await other.poll())["mine/queue"].entries == 55


async def test_list_that_contradicts_its_count_is_a_window(server: FeedServer, other: Watch) -> None:
    """A server that for a while gives less than it counts makes nothing disappear, nor appear after."""
    serve(server, range(100, 155), 55)
    await other.poll()
    serve(server, range(100, 140), 55)
    assert (await other.poll())["mine/queue"].entries == 40
    assert await other.changes() == []
    serve(server, range(100, 155), 55)
    assert (await other.poll())["mine/queue"].entries == 55
    assert await other.changes() == []


async def test_list_that_counts_more_than_it_shows_is_still_watched(server: FeedServer, other: Watch) -> None:
    """Where the count is always wrong, what vanishes from above what stays is still told."""
    for shown in (range(100, 140), range(101, 140), range(101, 140)):
        serve(server, shown, 55)
        await other.poll()
    assert await other.changes() == [("removed", "Title 100")]


async def test_counted_but_empty_list_is_held(server: FeedServer, other: Watch) -> None:
    """A list that counts 55 titles and shows none is too strange to believe at once."""
    serve(server, range(100, 155), 55)
    await other.poll()
    serve(server, range(0), 55)
    report = (await other.poll())["mine/queue"]
    assert (report.outcome, report.reason) == (PollOutcome.HELD, Reason.TURNED_EMPTY)
