"""Nothing lost, nothing invented, nothing told too often: every fault in short; `make soak` plays them long.

The numbers are counted against what the mover of the lists knows, never against what feedwatch believes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import weather
from daemons import WarmStart
from defects import DEFECTS
from front import Fault
from kills import KILL_DEFECTS, KILL_PLAYS
from ledger import Fact, Ledger, Reckoning, read_facts
from plays import PLAYS, Played, play_each
from week import live_a_week

pytest_plugins = ("playing",)

_SEED = 11
_ALIKE: Mapping[str, Mapping[str, Fault]] = {
    "statuses": weather.STATUSES,
    "redirects": weather.REDIRECTS,
    "connections": weather.CONNECTIONS,
    "slow answers": weather.SLOW,
    "what is no list": weather.UNTRUE,
}
_PLAYED_TOGETHER = {name for faults in _ALIKE.values() for name in faults}
_LATER = ("the server", "the far end")
_ALONE = [
    pytest.param(group, name, marks=pytest.mark.thorough) if group in _LATER else (group, name)
    for group, plays in PLAYS.items()
    for name in plays
    if group != "the server" or name not in _PLAYED_TOGETHER
]
_LONG_ROUNDS = ("a list emptied for good", "410, and back", "a poll that lands late")
_QUICK_DEFECTS = ("committed without deliveries", "no hold", "a stale poll lands")


def check(played: Played) -> None:
    """The promise: nothing lost, nothing invented, no more repeats than the faults account for."""
    assert played.tried, "nothing was tried"
    assert played.reckoning.owed, "nothing was owed"
    assert played.reckoning.holds, f"{played.reckoning} {played.notes}"


@pytest.mark.parametrize("alike", _ALIKE)
async def test_every_answer_a_server_can_give_in_turn(tmp_path: Path, alike: str) -> None:
    """Each bends one answer of some list; in the end all that moved has been told, once."""
    check(await play_each(tmp_path, _SEED, 1, faults=_ALIKE[alike]))


@pytest.mark.parametrize(("group", "name"), _ALONE)
async def test_every_other_fault_in_a_play_of_its_own(tmp_path: Path, group: str, name: str) -> None:
    """Servers that are not true, targets that fail, clocks, restarts and the ground, a few rounds each."""
    check(await PLAYS[group][name](tmp_path, _SEED, 3 if name in _LONG_ROUNDS else 7))


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group in KILL_PLAYS for name in KILL_PLAYS[group]]
)
def test_every_way_for_a_process_to_end(tmp_path: Path, warm: WarmStart, group: str, name: str) -> None:
    """Killed, stopped, doubled or starved: a few times each, in a real process."""
    check(KILL_PLAYS[group][name](tmp_path, warm, _SEED, 5))


@pytest.mark.parametrize("name", _QUICK_DEFECTS)
async def test_a_planted_defect_makes_the_numbers_speak(tmp_path: Path, name: str) -> None:
    """The harness can fail: what breaks a promise on purpose is counted."""
    defect = DEFECTS[name]
    with defect.plant():
        played = await defect.play(tmp_path, 7, defect.rounds)
    assert not played.reckoning.holds, played


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(DEFECTS) - set(_QUICK_DEFECTS)))
async def test_every_planted_defect_makes_the_numbers_speak(tmp_path: Path, name: str) -> None:
    """The same for all others."""
    await test_a_planted_defect_makes_the_numbers_speak(tmp_path, name)


@pytest.mark.long
@pytest.mark.parametrize("name", KILL_DEFECTS)
def test_a_defect_that_only_a_death_shows_is_counted(tmp_path: Path, warm: WarmStart, name: str) -> None:
    """The same for what goes wrong only in a process that dies."""
    assert not KILL_DEFECTS[name](tmp_path, warm, 7, 60).reckoning.holds


async def test_a_simulated_day_of_a_few_feeds(tmp_path: Path) -> None:
    """What is made is told, once, and a day's polls are a day's polls."""
    week = await live_a_week(tmp_path, feeds=10, days=1, keep="1d", tell=lambda _: None)
    assert week.made
    assert (week.told, week.again) == (week.made, 0)
    assert [day.polls for day in week.days] == [10 * 96]


# ── the harness itself ────────────────────────────────────────────────────────────────────────────


def test_what_is_owed_and_told_is_counted_by_fact() -> None:
    """Told too little is lost, told of nothing is invented, told too often is a repeat."""
    ledger = Ledger()
    for title in ("A", "B", "B", "C"):
        ledger.owe("added", title)
    told = [Fact("added", "B"), Fact("added", "C"), Fact("added", "C"), Fact("moved", "C")]
    assert ledger.reckon(told) == Reckoning(owed=4, lost=2, invented=1, duplicated=1)


@pytest.mark.parametrize(
    ("title", "body", "facts"),
    [
        ("jane/queue: removed A (2001)", "removed A (2001)", [("removed", "A")]),
        (
            "jane/queue: 1 added; jane/history: 1 watched",
            "jane/queue\nadded A (B) (2000) at 4\n\njane/history\nwatched C (1999) on 1 November 2026",
            [("added", "A (B)"), ("watched", "C")],
        ),
        (
            "jane/queue: 2 moved",
            "A (2000) moved from 1 to 30\nB (2000) shuffled",
            [("moved", "A"), ("?", "B (2000) shuffled")],
        ),
        ("plain/news: 1 new", "new: A post\nhttps://news.example/A-post", [("posted", "A post")]),
        (
            "jane/history: 2 watched; jane/queue: 2 added",
            (
                "jane/history\nwatched A (2000) on 1 November 2026 and rated it 4★, off the queue\n"
                "watched B (2000) on 1 November 2026 (rated 3★)\n\n"
                "jane/queue\nadded C (2000) at 4, newly recommended (predicted 4.2★)\n"
                "added D (2000) at 5, from the recommendations"
            ),
            [
                *(("watched", "A"), ("removed", "A"), ("rated", "A"), ("watched", "B")),
                *(("added", "C"), ("recommended", "C"), ("added", "D")),
            ],
        ),
        (
            "jane/ratings: 2 re-rated",
            "re-rated A (2000) 3★ → 4★, off the queue\nre-rated B (2000) 3★ → 4★, off and away",
            [("re-rated", "A"), ("removed", "A"), ("?", "re-rated B (2000) 3★ → 4★, off and away")],
        ),
        ("watching 5 titles in jane/queue", "watching 5 titles in jane/queue", []),
    ],
)
def test_a_message_is_read_line_by_line(title: str, body: str, facts: list[tuple[str, str]]) -> None:
    """Every sentence is a fact, and a line that is none of ours is one that nobody owes."""
    assert [tuple(fact) for fact in read_facts(title, body)] == facts
