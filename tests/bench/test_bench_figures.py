"""From what rounds took to tables: the arithmetic of the benchmark, and how it judges a round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench_polls import plan, read_arguments
from costs import Taken, compare, sum_up
from feed_farm import Served
from lives import Case, Found, Round, Setting, Step, judge, plan_life
from planning import SIZES, plan_all
from programs import BareFetch, Feedwatch, FeedwatchQueues, Newsboat, Reader
from reporting import Measured, write_costs, write_written
from tables import Table, replace_part, write_number, write_ratio


def took(milliseconds: float, written: int = 0) -> Taken:
    return Taken(wall=1.0, cpu=milliseconds / 1000, peak=80_000_000, written=written)


def test_cost_of_a_feed_is_what_a_large_round_takes_more_than_a_small_one() -> None:
    """Start-up is in both: what is left is of the feeds."""
    figures = sum_up([took(700), took(696), took(9_000)], 104, [took(504), took(500), took(480)], 4)
    assert figures.cost == pytest.approx(2.0)
    assert figures.start == pytest.approx(492)


def test_nothing_is_compared_with_what_is_hardly_anything() -> None:
    """A floor that noise has eaten up makes no ratio."""
    assert compare(0.3, 0.06) == pytest.approx(5)
    assert compare(0.3, -0.01) is None


@pytest.mark.parametrize("words", [["--feeds", "200,4"], ["--scale", "1"]])
def test_as_few_feeds_as_a_start_is_measured_by_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Less start-up, nothing would be left to measure: that is said before anything is begun."""
    with pytest.raises(SystemExit):
        read_arguments(words)
    assert "more than 4 feeds" in capsys.readouterr().err


def test_numbers_have_three_places_that_count() -> None:
    """However large a figure is, it is as exact as it was measured."""
    assert [write_number(each) for each in (0.0642, 1.4159, 17.94, 1534.2)] == [
        "0.064",
        "1.42",
        "17.9",
        "1,534",
    ]
    assert [write_ratio(each) for each in (2.21, 15.6, None)] == [" (2.2x)", " (16x)", ""]


def test_table_is_aligned_in_a_terminal_and_marked_up_in_a_document() -> None:
    """Words stand to the left and numbers to the right, in both forms."""
    table = Table("sizes", ("", "feeds"), [("small", "4"), ("middling", "1,000")])
    assert table.write_text() == "sizes\n            feeds\n  small         4\n  middling  1,000\n"
    assert (
        table.write_markdown()
        == "**sizes**\n\n|  | feeds |\n|---|--:|\n| small | 4 |\n| middling | 1,000 |\n"
    )


def test_document_gets_another_part_and_keeps_the_rest() -> None:
    """What stands between the marks is replaced, as often as one likes; without marks nothing is."""
    text = "before\n<!-- polls -->\nold\n<!-- end of polls -->\nafter\n"
    once = replace_part(text, "polls", "new")
    assert once == "before\n<!-- polls -->\n\nnew\n\n<!-- end of polls -->\nafter\n"
    assert replace_part(once, "polls", "new") == once
    with pytest.raises(ValueError, match="growth"):
        replace_part(text, "growth", "new")


def test_life_leads_to_every_round_that_is_wanted() -> None:
    """Feeds begin to move in a round that is not measured, and each new entry is one more than before."""
    whole = plan_life(set(Round))
    assert [step.round for step in whole if step.round] == [
        Round.FIRST,
        Round.NOT_MODIFIED,
        Round.NEW,
        Round.BYTES,
        Round.BOTH,
    ]
    assert [step.new for step in whole] == [0, 0, 1, 1, 1, 2]
    assert plan_life({Round.BYTES}) == [
        Step(Round.FIRST),
        Step(None, moving=True),
        Step(Round.BYTES, moving=True),
    ]


CASE = Case(10, 25)
NEW = Step(Round.NEW, new=1)
RIGHT = Found(0, known=260, added=10, rewritten=0, changes=10, untold=0, served=Served(whole=10, told=10))


def test_round_that_found_what_there_was_is_believed(tmp_path: Path) -> None:
    """One entry more in each feed, each a change that was told: nothing is wrong."""
    assert list(judge(Feedwatch(tmp_path), NEW, CASE, RIGHT)) == []


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (replace(RIGHT, changes=11), "11 changes were found, not 10"),
        (replace(RIGHT, rewritten=250), "250 entries were rewritten, not 0"),
        (replace(RIGHT, known=259, added=9), "259 entries are known, not 260; 9 entries are new, not 10"),
        (replace(RIGHT, untold=1), "1 deliveries are left, not 0"),
        (replace(RIGHT, code=1), "it ended with 1: failed"),
    ],
)
def test_round_that_found_anything_else_is_not(tmp_path: Path, found: Found, fault: str) -> None:
    """Whatever was lost, invented or rewritten is said in numbers."""
    (tmp_path / "output").write_text("f1: 304\nfailed\n")
    assert "; ".join(judge(Feedwatch(tmp_path), NEW, CASE, found)) == fault


def test_others_may_rewrite_what_they_like(tmp_path: Path) -> None:
    """A peer is asked whether it knows what there is, and not how it goes about it."""
    found = replace(RIGHT, rewritten=250, changes=0, served=Served(whole=12))
    assert list(judge(Newsboat(tmp_path), NEW, CASE, found)) == []


def test_figures_stand_beside_what_they_are_compared_with() -> None:
    """Ours beside the floor, others beside ours."""

    def measure(milliseconds: float) -> dict[Round, object]:
        return {Round.NOT_MODIFIED: sum_up([took(milliseconds + 400)], 104, [took(400)], 4)}

    figures = {
        "bare fetch, the floor": measure(10),
        "feedwatch, streams": measure(25),
        "reader": measure(75),
    }
    measured = Measured(Case(104, 25), Setting(tls=True), 1, figures)  # type: ignore[arg-type]
    table = write_costs([measured])
    assert table.title == "CPU, ms a feed, start-up removed: 104 feeds of 25, over TLS, answers at once; once"
    assert [row[1] for row in table.rows] == ["0.100", "0.250 (2.5x)", "0.750 (3.0x)"]
    assert [row[0] for row in write_written([measured]).rows] == ["feedwatch, streams", "reader"]


def test_everything_that_was_asked_for_is_planned() -> None:
    """All sizes, plain and over TLS, at once and after a delay; peers where they end, or not at all."""
    jobs = list(plan_all([Newsboat], 3))
    assert {job.case for job in jobs} == set(SIZES)
    assert {(job.setting.tls, job.setting.delay) for job in jobs} == {
        (False, 0),
        (True, 0),
        (False, 100),
        (True, 100),
    }
    assert {job.case.feeds for job in jobs if job.peers} == {40, 200, 1000}
    assert {(job.small.case.feeds, job.small.setting.delay) for job in jobs} == {(4, 0)}
    (job,) = plan(read_arguments(["--feeds", "50", "--tls", "--peers", "none"]))
    assert (str(job.setting), job.case, job.peers) == ("over TLS, answers at once", Case(50, 25), [])


def test_programs_have_names_of_their_own() -> None:
    """A program's name is its row: no two may share one."""
    names = [program.name for program in (BareFetch, Feedwatch, FeedwatchQueues, Newsboat, Reader)]
    assert len(set(names)) == len(names)
