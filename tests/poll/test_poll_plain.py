"""`format: xml` over HTTP: one small question tells whether a list in plain XML has to be read at all."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from feedserver import FeedServer, Visit, reply
from watching import Jane, Watch, let_jane_in, seeing_once, watching, write_config

from feedwatch.core.model import Fetched, FetchOutcome, Reason, Validators
from feedwatch.parse import Parser
from feedwatch.poll import ListReader, PollOutcome, SameList
from feedwatch.sandbox import Sandbox
from feedwatch.sandbox.world import Viewing

QUEUE, HISTORY, RATINGS = "jane/queue", "jane/history", "jane/ratings"
PATH = "/users/T1/queues/instant"


@pytest.fixture
def jane(served: tuple[Sandbox, str]) -> Jane:
    return let_jane_in(*served, queue=500)


@pytest.fixture
async def watch(jane: Jane, tmp_path: Path) -> AsyncIterator[Watch]:
    """Her queue of 500 and her ratings in plain XML, seen once."""
    async with seeing_once(jane, tmp_path, account="format: xml\nfeeds: [queue, ratings]") as watch:
        yield watch


class Counting:
    """A fetch that remembers where it asked and how much came."""

    def __init__(self, watch: Watch) -> None:
        self._fetch = watch.assembly.fetcher.fetch
        self.asked: list[str] = []
        self.bytes = 0

    async def __call__(self, url: str, *, validators: Validators | None = None) -> FetchOutcome:
        """Fetch and count."""
        self.asked.append(url)
        outcome = await self._fetch(url, validators=validators)
        self.bytes += len(outcome.body) if isinstance(outcome, Fetched) else 0
        return outcome


async def read(watch: Watch, fetch: Counting, feed: str = QUEUE) -> object:
    """Read a list as a poll would, and let nothing land."""
    (task,) = await watch.take(feed)
    parser = Parser()
    try:
        return await ListReader(fetch, parser.read_page, watch.moment.clock).read_list(task)
    finally:
        await parser.aclose()


# ── what nothing new costs ────────────────────────────────────────────────────────────────────────


async def test_unchanged_queue_costs_one_small_request(jane: Jane, watch: Watch) -> None:
    """Of 500 titles one is asked for, then none: a reply of a few kilobytes, and then a 304."""
    fetch = Counting(watch)
    assert isinstance(await read(watch, fetch), SameList)
    assert len(fetch.asked) == 1
    assert "max_results=1" in fetch.asked[0]
    assert "output" not in fetch.asked[0]
    assert 0 < fetch.bytes < 4000
    jane.world.requests.clear()
    for _ in range(3):
        watch.moment.pass_by(minutes=5)
        assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert jane.world.requests["queue"] == {"all": 3, "200": 1, "304": 2}


async def test_queue_without_http_etags_costs_one_small_request(jane: Jane, watch: Watch) -> None:
    """The etag in the body is enough."""
    jane.switches.http_etags = False
    for _ in range(3):
        assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert jane.world.requests["queue"] == {"all": 3, "200": 3}


async def test_change_below_the_first_item_is_seen(jane: Jane, watch: Watch) -> None:
    """The one item that was asked for is the same, and what changed far below it is told."""
    await watch.poll(QUEUE)
    name = jane.world.move(start=500, to=300).name
    jane.world.requests.clear()
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert await watch.changes() == [("moved", name)]
    assert jane.requests("queue") == 2
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED


async def test_same_etag_with_another_count_is_read(jane: Jane, watch: Watch) -> None:
    """A count that differs outweighs an etag that does not."""
    version = jane.world.versions["queue"]
    gone = jane.world.remove(position=77).name
    jane.world.versions["queue"] = version
    await watch.poll(QUEUE)
    assert await watch.changes() == [("removed", gone)]


async def test_what_the_etag_does_not_speak_of_is_seen_within_a_day(jane: Jane, watch: Watch) -> None:
    """A move behind an etag and a count that stay is late by a day at most, and not lost."""
    version = jane.world.versions["queue"]
    name = jane.world.move(start=9, to=4).name
    jane.world.versions["queue"] = version
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    watch.moment.pass_by(hours=23)
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    watch.moment.pass_by(hours=1)
    await watch.poll(QUEUE)
    assert await watch.changes() == [("moved", name)]


async def test_held_list_is_read_whole(jane: Jane, watch: Watch) -> None:
    """No probe settles a doubt: the second look at an empty queue is at all of it."""
    queue, jane.world.queue = jane.world.queue, []
    assert await watch.outcome(QUEUE) is PollOutcome.HELD
    jane.world.queue = queue
    jane.world.requests.clear()
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert jane.world.requests["queue"] == {"all": 1, "200": 1}
    assert await watch.changes() == []


async def test_list_that_moves_after_the_probe_is_as_its_pages_say(jane: Jane, watch: Watch) -> None:
    """Between the question and the list it moves once more: the pages decide, read till they agree."""
    jane.world.add(title="The Ninth Postman")
    jane.switches.moves_between_pages = 1
    await watch.poll(QUEUE)
    assert sorted(kind for kind, _ in await watch.changes()) == ["added", "moved"]
    assert await watch.titles(QUEUE) == [item.title.name for item in jane.world.queue]
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED


async def test_empty_queue_has_etag_zero(jane: Jane, watch: Watch) -> None:
    """Emptied, confirmed, and asked again: nothing new; what is added then is one addition."""
    jane.world.queue = []
    jane.world.versions["queue"] += 1
    assert await watch.outcome(QUEUE) is PollOutcome.HELD
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    jane.world.requests.clear()
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert jane.requests("queue") == 1
    jane.world.add(title="The Ninth Postman")
    assert await watch.outcome(QUEUE) is PollOutcome.COMPARED
    assert (await watch.changes())[-1] == ("added", "The Ninth Postman")


async def test_stale_probe_is_no_change(jane: Jane, watch: Watch) -> None:
    """A read of before the last change brings its etag: the list is read, and held where it is stale too."""
    version, queue = jane.world.versions["queue"], list(jane.world.queue)
    jane.world.remove(position=3)
    await watch.poll(QUEUE)
    changes = await watch.changes()
    later, now = list(jane.world.queue), jane.world.versions["queue"]
    jane.world.queue, jane.world.versions["queue"] = queue, version
    report = (await watch.poll(QUEUE))[QUEUE]
    assert (report.outcome, report.reason) == (PollOutcome.HELD, Reason.STALE_READ)
    jane.world.queue, jane.world.versions["queue"] = later, now
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert await watch.changes() == changes


@pytest.mark.parametrize("fault", ["500", "html", "truncated", "declaration", "status"])
async def test_failed_probe_is_a_failed_poll(jane: Jane, watch: Watch, fault: str) -> None:
    """What the probe cannot read touches nothing, and the next poll goes on."""
    memory = await watch.memory_of(QUEUE)
    jane.world.fail(feed="queue", fault=fault)
    assert await watch.outcome(QUEUE) is PollOutcome.FAILED
    assert await watch.memory_of(QUEUE) == memory
    assert await watch.outcome(QUEUE) is PollOutcome.UNCHANGED


async def test_dead_token_is_found_by_the_probe(jane: Jane, watch: Watch) -> None:
    """A new token is asked for at once, and the list goes on from where it was."""
    jane.world.rotate_token()
    jane.world.add(title="The Ninth Postman")
    await watch.poll(QUEUE)
    assert await watch.changes() == [("added", "The Ninth Postman")]


async def test_switch_of_form_reads_anew_and_is_no_change(jane: Jane, watch: Watch, tmp_path: Path) -> None:
    """Plain, Atom, plain: validators of one form are none of the other's, and nothing is announced."""
    await watch.poll()
    for account in ("feeds: [queue, ratings]", "format: xml\nfeeds: [queue, ratings]"):
        await watch.reload(write_config(tmp_path, jane.config(account=account)))
        await watch.assembly.discoverer.discover("jane")
        jane.world.requests.clear()
        for _ in range(2):
            reports = await watch.poll()
            assert {each.outcome for each in reports.values()} <= {
                PollOutcome.COMPARED,
                PollOutcome.UNCHANGED,
            }
        assert jane.world.requests["queue"]["200"] == 2
    assert await watch.changes() == []
    assert await watch.notices() == ["watching"]


# ── servers that answer otherwise ─────────────────────────────────────────────────────────────────


def plain_page(titles: Sequence[int], total: int | None, etag: str | None) -> bytes:
    """A queue in plain XML, or some of it."""
    items = "".join(
        f"<queue_item><id>http://h/users/T1/queues/instant/available/{place}/{title}</id>"
        f"<position>{place}</position><title regular='Title {title}'/></queue_item>"
        for place, title in enumerate(titles, start=1)
    )
    said = "" if etag is None else f"<etag>{etag}</etag>"
    said += "" if total is None else f"<number_of_results>{total}</number_of_results>"
    return f"<queue>{said}{items}</queue>".encode()


class Queue:
    """A queue at some server: what it answers to one item, and to all."""

    def __init__(self, server: FeedServer) -> None:
        self.titles = list(range(100, 130))
        self.etag: str | None = "e1"
        self.most: int | None = None
        self.counts = True
        self.miscounts = 0
        self.refuses = ""
        self.atom = False
        self._server = server
        server.on(PATH, self._answer)

    def _answer(self, visit: Visit) -> None:
        target = visit.request.target
        if self.refuses and self.refuses in target:
            visit.send(reply(b"", 400))
            return
        asked = re.search(r"max_results=(\d+)", target)
        count = min(self.most or 500, int(asked[1]) if asked else 25)
        shown = self.titles[: max(count, self.most or 0)]
        total = len(self.titles) + self.miscounts if self.counts else None
        visit.send(reply(_atom_page(shown) if self.atom else plain_page(shown, total, self.etag)))

    @property
    def asked(self) -> list[str]:
        """How many items each request has wanted since the list was seen first."""
        found = [re.findall(r"max_results=(\d+)", each.target) for each in self._server.requests]
        return ["".join(each) for each in found][2:]


def _atom_page(titles: Sequence[int]) -> bytes:
    entries = "".join(
        f"<entry><id>http://h/users/T1/queues/instant/available/{place}/{title}</id>"
        f"<title>Title {title}</title><updated>2026-11-01T12:00:00Z</updated></entry>"
        for place, title in enumerate(titles, start=1)
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><id>q</id><title>q</title>{entries}</feed>".encode()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.on(
            "/users/T1/feeds",
            reply(
                f"<resource><link href='{server.url(PATH)}?feed_token=abc&amp;output=atom' "
                "rel='http://schemas.netflix.com/feed.queues.instant'/></resource>".encode()
            ),
        )
        yield server


@pytest.fixture
def queue(server: FeedServer) -> Queue:
    return Queue(server)


@pytest.fixture
async def other(server: FeedServer, queue: Queue, tmp_path: Path) -> AsyncIterator[Watch]:
    """A queue of thirty at some other server of that protocol, seen once."""
    config = (
        f"accounts:\n  jane:\n    service: netflix\n    url: {server.url('')}\n    format: xml\n"
        "    consumer_key: key-of-the-app\n    consumer_secret: secret-of-the-app\n    user_id: T1\n"
        "    access_token: token-of-jane\n    access_token_secret: secret-of-jane\n"
        "targets:\n  phone: json://127.0.0.1:9/\nroutes:\n  - {to: phone, changes: all}\n"
        "state: feedwatch.db\n"
    )
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        assert await watch.outcome(QUEUE) is PollOutcome.BASELINE
        yield watch


async def test_server_that_gives_more_than_was_asked_for(queue: Queue, other: Watch) -> None:
    """Its etag and count speak for it all the same, and a change is seen."""
    queue.most = 500
    assert await other.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert queue.asked == ["1"]
    queue.titles, queue.etag = queue.titles[1:], "e2"
    await other.poll(QUEUE)
    assert await other.changes() == [("removed", "Title 100")]


async def test_server_that_answers_in_atom_all_the_same(queue: Queue, other: Watch) -> None:
    """A form without an etag proves nothing: it is read as ever, with no probe from then on."""
    queue.atom = True
    for _ in range(2):
        assert await other.outcome(QUEUE) in (PollOutcome.COMPARED, PollOutcome.UNCHANGED)
    # Atom that says no count is read until a page shows nothing more.
    assert queue.asked.count("1") == 1
    queue.titles = queue.titles[1:]
    await other.poll(QUEUE)
    await other.poll(QUEUE)
    assert await other.changes() == [("removed", "Title 100")]


async def test_server_that_has_no_etag_in_its_body(queue: Queue, other: Watch) -> None:
    """An item that is the same proves nothing of those below it: no probe, the whole list each time."""
    queue.etag = None
    for _ in range(3):
        assert await other.outcome(QUEUE) in (PollOutcome.COMPARED, PollOutcome.UNCHANGED)
    assert queue.asked == ["1", "500", "500", "500"]
    queue.titles = [*queue.titles[:-1], 999]
    await other.poll(QUEUE)
    assert sorted(await other.changes()) == [("added", "Title 999"), ("removed", "Title 129")]


@pytest.mark.parametrize("refuses", ["max_results=1", "max_results"])
async def test_server_that_refuses_to_be_asked_for_one(queue: Queue, other: Watch, refuses: str) -> None:
    """A 400 to the probe proves nothing; whether it is about paging, the list's own way finds out."""
    queue.refuses = refuses
    queue.titles = queue.titles[:20]
    queue.titles[3], queue.etag = 999, "e2"
    outcome = await other.outcome(QUEUE)
    assert outcome in (PollOutcome.HELD, PollOutcome.COMPARED)
    await other.poll(QUEUE)
    assert ("added", "Title 999") in await other.changes()


async def test_etag_that_differs_on_every_page_proves_nothing(jane: Jane, tmp_path: Path) -> None:
    """Of such a list none is kept: it is read as ever, and a move behind the first page is seen."""
    jane.world.queue = let_jane_in(jane.sandbox, jane.base, queue=520).world.queue
    jane.switches.etag_per_page = True
    config = jane.config(account="format: xml\nfeeds: [queue]")
    async with watching(tmp_path, config, jane.moment) as watch:
        await watch.discover()
        await watch.poll()
        name = jane.world.move(start=519, to=510).name
        await watch.poll()
        assert await watch.changes() == [("moved", name)]


async def test_list_that_says_no_count(queue: Queue, other: Watch) -> None:
    """Without a count nothing is proved: no item is asked for in vain, the list is read to its end."""
    queue.counts = False
    await other.poll(QUEUE)
    before = len(queue.asked)
    assert await other.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert "1" not in queue.asked[before:]


async def test_list_that_counts_otherwise_than_it_lists(queue: Queue, other: Watch) -> None:
    """Its own count is compared with its own count: one small request, and a change is seen."""
    queue.miscounts = 7
    await other.poll(QUEUE)
    before = len(queue.asked)
    assert await other.outcome(QUEUE) is PollOutcome.UNCHANGED
    assert queue.asked[before:] == ["1"]
    queue.titles, queue.etag = [200, *queue.titles], "e2"
    await other.poll(QUEUE)
    assert await other.changes() == [("added", "Title 200")]


async def test_window_on_a_long_history_costs_one_small_request(jane: Jane, tmp_path: Path) -> None:
    """Of 700 viewings a window shows 500; it is the same list while it says so of itself."""
    begin = int(jane.moment.at.timestamp()) - 3 * 86_400
    jane.world.history = [
        Viewing(jane.world.catalog[place % 200], begin - 300 * place) for place in range(700)
    ]
    async with seeing_once(jane, tmp_path, account="format: xml\nfeeds: [history]") as watch:
        for _ in range(3):
            assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED
        assert jane.world.requests["history"] == {"all": 3, "200": 1, "304": 2}
        jane.world.watch()
        await watch.poll(HISTORY)
        assert [kind for kind, _ in await watch.changes()] == ["added"]
