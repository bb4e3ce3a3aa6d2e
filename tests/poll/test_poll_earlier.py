"""The whole history over HTTP: asked for at a baseline, and where a window was outrun; never at its cost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from feedserver import FeedServer, Visit, reply
from watching import START, Jane, Moment, Watch, let_jane_in, watching

from feedwatch.core.model import Reason
from feedwatch.netflix.replies import ApiFailed
from feedwatch.poll import PollOutcome, earlier
from feedwatch.sandbox import Sandbox
from feedwatch.sandbox.world import Viewing
from feedwatch.store import Store

HISTORY = "jane/history"
PATH = "/users/T1/rental_history/watched"
BEGIN = int(START.timestamp()) - 86_400 * 60
"""Two months before the tests begin: all that is watched here is watched after it."""
STATUS = "<status><status_code>{0}</status_code><message>{1}</message></status>"


class History:
    """A history at some server: a window of ten for who has a feed token, all of it for who signs."""

    def __init__(self, server: FeedServer) -> None:
        self.watched: list[int] = []
        self.window = 10
        self.shift = 0
        self.refuses: bytes | None = None
        self.keeps_silent = False
        self.breaks_off = False
        self.asked: list[str] = []
        server.on(PATH, self._answer)
        server.on(
            "/users/T1/feeds",
            reply(
                f"<resource><link href='{server.url(PATH)}?feed_token=abc&amp;output=atom' "
                "rel='http://schemas.netflix.com/feed.rental_history.watched'/></resource>".encode()
            ),
        )

    def watch(self, *hours: int) -> None:
        """Watch a title, called after its hour, at each of these hours."""
        self.watched = sorted([*self.watched, *hours], reverse=True)

    def _answer(self, visit: Visit) -> None:
        target = visit.request.target
        if "feed_token" in target:
            visit.send(reply(_write(self.watched[: self.window], len(self.watched[: self.window]))))
            return
        self.asked.append(target)
        if self.keeps_silent:
            visit.wait()
        elif self.refuses is not None:
            visit.send(self.refuses)
        elif self.breaks_off and _number(target, "start_index"):
            visit.send(reply(STATUS.format(503, "Service unavailable").encode(), 503))
        else:
            visit.send(reply(self._page(target)))

    def _page(self, target: str) -> bytes:
        least = _number(target, "updated_min")
        start, most = _number(target, "start_index"), min(_number(target, "max_results") or 25, 20)
        found = [hour for hour in self.watched if BEGIN + 3600 * hour >= least]
        return _write(found[start : start + most], len(found), shift=self.shift)


def _number(target: str, name: str) -> int:
    match = re.search(rf"[?&]{name}=(\d+)", target)
    return int(match[1]) if match else 0


def _write(hours: list[int], total: int, *, shift: int = 0) -> bytes:
    items = "".join(
        f"<rental_history_item><id>http://h{PATH}/{7000 + hour}</id>"
        f"<watched_date>{BEGIN + 3600 * hour + shift}</watched_date><title regular='Title {hour}'/>"
        f"<link href='http://h/catalog/titles/movies/{7000 + hour}' rel='http://schemas.netflix.com/id'/>"
        "</rental_history_item>"
        for hour in hours
    )
    return f"<rental_history><number_of_results>{total}</number_of_results>{items}</rental_history>".encode()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def history(server: FeedServer) -> History:
    """Thirty viewings, of which ten are shown."""
    history = History(server)
    history.watch(*range(30))
    return history


@asynccontextmanager
async def at(server: FeedServer, folder: Path, *, form: str = "xml") -> AsyncIterator[Watch]:
    """Her history at that server, discovered and not yet polled."""
    token = "    access_token: token-of-jane\n    access_token_secret: secret-of-jane\n"
    config = (
        f"accounts:\n  jane:\n    service: netflix\n    url: {server.url('')}\n    format: {form}\n"
        f"    consumer_key: key-of-the-app\n    consumer_secret: secret-of-the-app\n    user_id: T1\n{token}"
        "targets:\n  phone: json://127.0.0.1:9/\nroutes:\n  - {to: phone, changes: all}\n"
        "keep: 90d\nstate: feedwatch.db\n"
    )
    moment = Moment(START)
    async with watching(folder, config, moment) as watch:
        await watch.discover()
        yield watch


@pytest.fixture
async def watch(server: FeedServer, history: History, tmp_path: Path) -> AsyncIterator[Watch]:
    """Her history in plain XML, discovered and not yet polled."""
    async with at(server, tmp_path) as watch:
        yield watch


@pytest.fixture
async def seen(watch: Watch) -> Watch:
    """The same, polled once."""
    await watch.poll(HISTORY)
    return watch


async def departed(watch: Watch) -> set[str]:
    """The titles of the viewings that are remembered as shown before."""
    rows = await watch.query("SELECT key FROM departed")
    return {f"Title {int(str(row['key']).partition('@')[0]) - 7000}" for row in rows}


def named(*hours: int) -> list[tuple[str, str]]:
    return [("added", f"Title {hour}") for hour in hours]


# ── at the baseline ───────────────────────────────────────────────────────────────────────────────


async def test_baseline_remembers_the_whole_history(history: History, watch: Watch) -> None:
    """Back to `keep`, over all pages: what the window does not show has been seen, and is not told."""
    assert await watch.outcome(HISTORY) is PollOutcome.BASELINE
    assert await watch.titles(HISTORY) == [f"Title {hour}" for hour in range(29, 19, -1)]
    assert await departed(watch) == {f"Title {hour}" for hour in range(20)}
    assert (await watch.changes(), await watch.notices()) == ([], ["watching"])
    since = int((START - timedelta(days=90)).timestamp())
    assert [f"updated_min={since}" in each for each in history.asked] == [True, True]
    assert "oauth" not in "".join(history.asked)


async def test_old_viewings_that_slide_in_are_no_news(history: History, watch: Watch) -> None:
    """A window that was empty when it was first seen, and shows old viewings later: they were known."""
    history.window = 0
    await watch.poll(HISTORY)
    history.window = 12
    history.watch(40)
    await watch.poll(HISTORY)
    assert await watch.changes() == named(40)


@pytest.mark.parametrize("what", ["500", "404", "401", "html", "status", "nothing", "truncated"])
async def test_baseline_needs_no_history(
    history: History, watch: Watch, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """However the API fails, the baseline is what it would be without it: soon, and whole."""
    monkeypatch.setattr(earlier, "PATIENCE", timedelta(seconds=0.3))
    history.keeps_silent = what == "nothing"
    history.refuses = {
        "500": reply(STATUS.format(500, "Internal error").encode(), 500),
        "404": reply(STATUS.format(404, "Resource not found").encode(), 404),
        "401": reply(STATUS.format(401, "Invalid or expired token").encode(), 401),
        "html": reply(b"<html><body>Sign in</body></html>"),
        "status": reply(STATUS.format(200, "ok").encode()),
        "truncated": reply(b"<rental_history><number_of"),
    }.get(what)
    assert await watch.outcome(HISTORY) is PollOutcome.BASELINE
    assert len(await watch.titles(HISTORY)) == 10
    assert await departed(watch) == set()
    assert len(history.asked) == 1


async def test_dead_token_is_found_and_told_once(server: FeedServer, history: History, watch: Watch) -> None:
    """A 401 to the history has the index asked for, and that signs out; the baseline lands all the same."""
    refused = reply(STATUS.format(401, "Invalid or expired token").encode(), 401)
    history.refuses = refused
    server.on("/users/T1/feeds", refused)
    assert await watch.outcome(HISTORY) is PollOutcome.BASELINE
    assert sorted(await watch.notices()) == ["signed_out", "watching"]
    history.refuses = None
    history.watch(*range(40, 60))
    history.asked.clear()
    await watch.poll(HISTORY)
    assert (history.asked, await watch.changes()) == ([], named(*range(50, 60)))


async def test_server_that_asks_for_rest_is_left_alone(history: History, watch: Watch) -> None:
    """A 429 to the history is heeded by everything that asks that host, as one to a feed is."""
    history.refuses = reply(STATUS.format(429, "Over quota").encode(), 429, Retry_After="600")
    assert await watch.outcome(HISTORY) is PollOutcome.BASELINE
    assert await watch.outcome(HISTORY) is PollOutcome.RESTING
    watch.moment.pass_by(minutes=11)
    assert await watch.outcome(HISTORY) is PollOutcome.UNCHANGED


async def test_resting_server_is_not_asked(server: FeedServer, history: History, watch: Watch) -> None:
    """While the server of the API rests, a feed at another host lands by itself."""
    host = server.url("").removeprefix("http://").rstrip("/")
    until = watch.moment.at + timedelta(minutes=5)
    await watch.assembly.store.run(Store.rest_host, host, until, Reason.RATE_LIMITED)
    answer = await watch.assembly.discoverer.ask_own("jane", "rental_history/watched")
    assert isinstance(answer, ApiFailed)
    assert (answer.reason, answer.retry_after) == (Reason.RATE_LIMITED, timedelta(minutes=5))
    assert history.asked == []


# ── a window that was outrun ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["xml", "atom"])
async def test_outrun_window_loses_nothing(
    server: FeedServer, history: History, tmp_path: Path, form: str
) -> None:
    """Thirty-three viewings since the last poll, ten of them shown: all are told, in order, once."""
    async with at(server, tmp_path, form=form) as watch:
        await watch.poll(HISTORY)
        history.asked.clear()
        history.watch(*range(40, 73))
        await watch.poll(HISTORY)
        assert await watch.changes() == named(*range(40, 73))
        assert await watch.titles(HISTORY) == [f"Title {hour}" for hour in range(72, 62, -1)]
        newest = BEGIN + 3600 * 29
        assert all(f"updated_min={newest}" in each for each in history.asked)
        history.asked.clear()
        for hour in (80, 81):
            history.watch(hour)
            await watch.poll(HISTORY)
        assert (await watch.changes())[33:] == named(80, 81)
        assert history.asked == []


async def test_outrun_window_waits_for_the_history(history: History, seen: Watch) -> None:
    """A history that does not come at once may come with the next poll: until then nothing is told."""
    history.watch(*range(40, 60))
    history.refuses = reply(STATUS.format(503, "Service unavailable").encode(), 503)
    report = (await seen.poll(HISTORY))[HISTORY]
    assert (report.outcome, report.reason) == (PollOutcome.FAILED, Reason.UNAVAILABLE)
    assert await seen.changes() == []
    history.refuses = None
    seen.moment.pass_by(hours=1)
    await seen.poll(HISTORY)
    assert await seen.changes() == named(*range(40, 60))


async def test_outrun_window_does_not_wait_for_ever(history: History, seen: Watch) -> None:
    """After two failed polls in a row the window lands by itself: late news is worth more than none."""
    history.watch(*range(40, 60))
    history.refuses = reply(STATUS.format(503, "Service unavailable").encode(), 503)
    outcomes = []
    for _ in range(3):
        seen.moment.pass_by(hours=1)
        outcomes.append(await seen.outcome(HISTORY))
    assert outcomes == [PollOutcome.FAILED, PollOutcome.FAILED, PollOutcome.COMPARED]
    assert await seen.changes() == named(*range(50, 60))


async def test_outrun_window_waits_for_a_history_that_fails_in_an_unforeseen_way(
    history: History, seen: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours loses no viewing either: the window waits as it does for a server's."""
    history.watch(*range(40, 60))
    with monkeypatch.context() as broken:
        broken.setattr(earlier, "make_updated_min", None)
        report = (await seen.poll(HISTORY))[HISTORY]
    assert (report.outcome, report.reason) == (PollOutcome.FAILED, Reason.INTERNAL)
    seen.moment.pass_by(hours=1)
    await seen.poll(HISTORY)
    assert await seen.changes() == named(*range(40, 60))


async def test_outrun_window_takes_what_came_in_the_end(history: History, seen: Watch) -> None:
    """A history that breaks off each time after its first page: of that page nothing is lost."""
    history.watch(*range(40, 90))
    history.breaks_off = True
    for _ in range(3):
        seen.moment.pass_by(hours=1)
        await seen.poll(HISTORY)
    assert await seen.changes() == named(*range(70, 90))


async def test_history_in_small_pages_is_read_to_its_end(history: History, seen: Watch) -> None:
    """Whoever gives twenty at a time is asked often enough: of 400 viewings none is lost."""
    history.watch(*range(40, 440))
    await seen.poll(HISTORY)
    assert await seen.changes() == named(*range(40, 440))


async def test_history_that_dates_otherwise_invents_nothing(history: History, seen: Watch) -> None:
    """An API whose dates differ from the feed's knows no viewing that is shown: nothing of it counts."""
    history.watch(*range(40, 60))
    history.shift = 1
    await seen.poll(HISTORY)
    assert await seen.changes() == named(*range(50, 60))


async def test_window_that_overlaps_asks_for_nothing(history: History, seen: Watch) -> None:
    """Nine new viewings in a window of ten: the tenth shows that none was missed."""
    history.asked.clear()
    history.watch(*range(40, 49))
    await seen.poll(HISTORY)
    assert (history.asked, await seen.changes()) == ([], named(*range(40, 49)))


# ── the sandbox ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def jane(served: tuple[Sandbox, str]) -> Jane:
    return let_jane_in(*served, queue=5)


async def test_outrun_window_at_the_sandbox(jane: Jane, tmp_path: Path) -> None:
    """A server that checks signatures, and gives 25 in Atom: sixty viewings between two polls, none lost."""
    jane.switches.atom_pages = False
    async with watching(tmp_path, jane.config(account="feeds: [history]"), jane.moment) as watch:
        await watch.discover()
        await watch.poll(HISTORY)
        begin = int(START.timestamp()) + 60
        titles = jane.world.catalog[:60]
        viewings = [Viewing(title, begin + 60 * place) for place, title in enumerate(titles)]
        jane.world.history = [*reversed(viewings), *jane.world.history]
        jane.world.versions["history"] += 1
        watch.moment.pass_by(hours=5)
        await watch.poll(HISTORY)
        assert await watch.changes() == [("added", title.name) for title in titles]
        assert len(await watch.titles(HISTORY)) == 25
