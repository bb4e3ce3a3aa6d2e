"""What was measured, as tables: of one case for the terminal, of all cases of a setting for the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from costs import Figures, compare
from lives import Case, Round, Setting
from programs import BareFetch, Feedwatch, FeedwatchQueues
from tables import Table, write_number, write_ratio

LEGEND = (
    "In brackets: for feedwatch, how many times the floor; for others, how many times feedwatch with streams."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A case in a setting: of each program, by name, what its rounds took."""

    case: Case
    setting: Setting
    repeats: int
    figures: Mapping[str, Mapping[Round, Figures]]


def write_costs(measured: Sequence[Measured]) -> Table:
    """CPU for each feed, and of start-up."""
    return _arrange("CPU, ms a feed, start-up removed", measured, _write_cost, _write_start)


def write_walls(measured: Sequence[Measured]) -> Table:
    """Seconds, and peak memory, of whole rounds."""

    def write(one: Measured, name: str, each: Round) -> str:
        figures = one.figures[name][each]
        return f"{figures.wall:.2f} s, {figures.peak / 1e6:.0f} MB"

    return _arrange("wall time and peak memory of a round", measured, write, _write_start_wall)


def write_written(measured: Sequence[Measured]) -> Table:
    """How many entries were added or rewritten."""

    def write(one: Measured, name: str, each: Round) -> str:
        return f"{one.figures[name][each].written:,}"

    return _arrange("entries written", [_without_floor(one) for one in measured], write)


def _arrange(
    title: str,
    measured: Sequence[Measured],
    write: Callable[[Measured, str, Round], str],
    write_start: Callable[[Figures], str] | None = None,
) -> Table:
    """A row for each program in each case. The setting, and a case that is alone, are in the title.

    Of start-up it is said what the most of all rounds took.
    """
    first, alone = measured[0], len(measured) == 1
    case = f"{first.case}, " if alone else ""
    repeats = max(one.repeats for one in measured)
    often = "once" if repeats == 1 else f"median of {repeats}" if alone else f"median of up to {repeats}"
    rounds = [each for each in Round if any(each in found for found in first.figures.values())]
    rows = [
        [
            *(() if alone else (str(one.case),)),
            name,
            *(write(one, name, each) for each in rounds),
            *([write_start(max(figures.values(), key=lambda each: each.start))] if write_start else ()),
        ]
        for one in measured
        for name, figures in one.figures.items()
    ]
    names = 1 if alone else 2
    columns = [*[""] * names, *rounds, *(["start-up"] if write_start else ())]
    return Table(f"{title}: {case}{first.setting}; {often}", columns, rows, names)


def _write_cost(measured: Measured, name: str, each: Round) -> str:
    """A figure beside what it is compared with: ours with the floor, others with ours."""
    cost = measured.figures[name][each].cost
    ours = name in (Feedwatch.name, FeedwatchQueues.name)
    other = measured.figures.get(BareFetch.name if ours else Feedwatch.name)
    ratio = compare(cost, other[each].cost) if other and name != BareFetch.name else None
    return write_number(cost) + write_ratio(ratio)


def _write_start(figures: Figures) -> str:
    return f"{figures.start:,.0f} ms"


def _write_start_wall(figures: Figures) -> str:
    return f"{figures.start_wall:.2f} s"


def _without_floor(measured: Measured) -> Measured:
    figures = {name: rounds for name, rounds in measured.figures.items() if name != BareFetch.name}
    return replace(measured, figures=figures)
