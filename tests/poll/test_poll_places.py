"""Who may ask when: no host is crowded, none keeps others waiting, none is asked many times in a moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watching import EVERYTHING, TARGETS, write_config

from feedwatch import daemon as daemon_module
from feedwatch.assembly import Assembly
from feedwatch.commands import run_daemon
from feedwatch.config import Config
from feedwatch.poll import places as places_module
from feedwatch.poll.places import Place, Places


class Line:
    """Those that wait for places: what has started, and the places that are held."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.started: list[str] = []
        self.held: list[Place] = []

    def up(self, *hosts: str) -> None:
        """Line up one poll for each host that is named."""
        self.places.line_up((host, partial(self._start, host)) for host in hosts)

    def leave(self, host: str) -> None:
        """Give back the first place that is held at a host."""
        place = next(each for each in self.held if each.host == host)
        self.held.remove(place)
        place.leave()

    def _start(self, host: str, place: Place) -> bool:
        self.started.append(host)
        self.held.append(place)
        return True


async def test_no_host_is_asked_by_more_than_it_has_places_for() -> None:
    """Of five that wait at one host two start, and another when one of them has asked."""
    line = Line(Places(9, 2))
    line.up("a", "a", "a", "a", "a")
    assert len(line.started) == 2
    line.held[0].has_asked()
    assert len(line.started) == 3
    line.held[0].leave()
    assert len(line.started) == 3, "it has asked already: its place at the host was free before"


async def test_hosts_take_turns() -> None:
    """Many that wait at one host do not keep the one that waits at another waiting."""
    line = Line(Places(3, 9))
    line.up(*"aaaaaab")
    assert sorted(line.started) == ["a", "a", "b"]


async def test_what_has_asked_still_counts_among_all_until_it_has_landed() -> None:
    """No more lists are read than can be written: who has asked but not landed holds its place in all."""
    line = Line(Places(2, 1))
    line.up("a", "b", "c")
    line.held[0].has_asked()
    assert line.started == ["a", "b"]
    line.leave("a")
    assert line.started == ["a", "b", "c"]


async def test_place_given_back_twice_is_given_back_once() -> None:
    """A poll may give its place back wherever it ends; nobody else gets two for it."""
    line = Line(Places(1, 1))
    line.up("a", "b", "c", "d")
    first = line.held[0]
    first.leave()
    first.leave()
    assert line.started == ["a", "b"]


async def test_who_does_not_need_its_place_any_more_takes_none() -> None:
    """What was called off while it waited lets the next begin."""
    line = Line(Places(1, 1))
    line.places.line_up([("a", lambda _: False)] * 50_000)
    line.up("a")
    assert line.started == ["a"]


async def test_one_that_is_cancelled_while_it_waits_takes_no_place() -> None:
    """The place is there for the next, whether it was called off before or after it was given."""
    line = Line(Places(1, 1))
    line.up("a")
    waiting = [asyncio.ensure_future(line.places.enter("a")) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    line.leave("a")  # the second gets it, and is called off in the same step
    waiting[1].cancel()
    await asyncio.wait(waiting)
    line.up("a")
    assert line.started == ["a", "a"]


async def test_other_limits_hold_at_once() -> None:
    """A wider limit starts those that wait; a closer one takes nobody's place."""
    line = Line(Places(9, 1))
    line.up("a", "a", "a")
    line.places.limit(9, 3)
    assert len(line.started) == 3
    line.places.limit(9, 1)
    line.up("a")
    line.leave("a")
    line.leave("a")
    assert len(line.started) == 3
    line.leave("a")
    assert len(line.started) == 4


@given(st.text("abc", max_size=30), st.integers(1, 5), st.integers(1, 3), st.lists(st.integers(0, 9)))
def test_limits_hold_and_everybody_starts(hosts: str, most: int, per_host: int, moves: list[int]) -> None:
    """However they come and go: never more than the limits allow, and in the end all have started."""
    line = Line(Places(most, per_host))
    waiting = list(hosts)
    while waiting or line.held:
        move = moves.pop() if moves else 0
        if waiting and (move % 2 or not line.held):
            line.up(waiting.pop())
        else:
            line.leave(line.held[move % len(line.held)].host)
        assert len(line.held) <= most
        assert max(Counter(place.host for place in line.held).values(), default=0) <= per_host
    assert sorted(line.started) == sorted(hosts)


# ── pace ──────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    """A loop's clock that goes on when it is told to, and then calls what is due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self._due: list[tuple[float, Callable[[], None]]] = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(
            loop, "call_at", lambda at, call, *args: self._due.append((at, partial(call, *args)))
        )

    def go_on(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while due := [each for each in self._due if each[0] <= end]:
            first = min(due, key=lambda each: each[0])
            self._due.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end


async def test_many_feeds_of_one_host_never_become_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that answers at once is asked some times in a row, and then at its pace."""
    clock = Clock(monkeypatch)
    line = Line(Places(99, 4))
    line.places.keep_pace(2.5)
    in_a_row = int(places_module.IN_A_ROW.total_seconds() * 10)
    line.up(*["a"] * 1000, "b")

    def answer_all() -> None:
        while line.held:
            line.leave(line.held[0].host)

    answer_all()
    assert Counter(line.started) == {"a": in_a_row + 1, "b": 1}
    for _ in range(100):
        clock.go_on(0.1)
        answer_all()
    assert abs(line.started.count("a") - (in_a_row + 1 + 100)) <= 1


async def test_host_that_was_left_alone_for_a_while_may_be_asked_in_a_row_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pace is a matter of seconds: who asks seldom never waits for it."""
    clock = Clock(monkeypatch)
    line = Line(Places(99, 99))
    line.places.keep_pace(1 / 99)
    for _ in range(20):
        line.up("a", "a")
        clock.go_on(2.5)
    assert len(line.started) == 40


async def test_daemon_asks_a_host_four_times_a_second_from_each_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many feeds of one host that are due at once it asks two seconds' worth, and then waits."""
    line = Line(Places(1, 1))

    class Asking:
        """A daemon that asks one host many times, and ends."""

        def __init__(self, assembly: Assembly, _load: Callable[[], Config]) -> None:
            line.places = assembly.places

        async def run(self) -> None:
            """Ask as fast as it may, in no time."""
            Clock(monkeypatch)
            line.up(*["a"] * 100)
            while line.held:
                line.leave("a")

    monkeypatch.setattr(daemon_module, "Daemon", Asking)
    poll = "poll: {per_host: 3}\n"
    accounts = "accounts: {news: {service: feeds, feeds: {list: 'http://127.0.0.1:9/'}}}\n"
    config = write_config(tmp_path, f"{poll}{accounts}targets:\n{TARGETS}{EVERYTHING}")
    await run_daemon(config, lambda: config)
    assert len(line.started) == 2 * 3 * 4 + 1
