"""How it grows: very many feeds on one machine, as lists of subscriptions, up to a hundred thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from costs import Figures, sum_up
from farming import RunningFarm
from lives import Case, Life, Round, Setting, live, plan_life
from living import POLLS_A_SECOND, Living, watch_living
from planning import FEW
from programs import FeedwatchSubscriptions
from tables import Table, write_number

_ENTRIES = 25
_STEPS = plan_life({Round.NOT_MODIFIED})
_COLUMNS = (
    "feeds",
    "first import, ms a feed",
    "304, ms a feed",
    "304, wall s",
    "import, peak MB",
    "304, peak MB",
    "KB a feed more",
    "SQLite MB",
    "bytes an entry",
    "idle tick, ms",
    "idle daemon, MB",
    f"a daemon's poll ({POLLS_A_SECOND} a second), ms",
)


@dataclass(frozen=True, slots=True)
class Size:
    """What so many feeds take."""

    feeds: int
    first: Figures
    again: Figures
    state: int
    living: Living


def measure_growth(
    farm: RunningFarm, folder: Path, sizes: Sequence[int], say: Callable[[str], None]
) -> Iterator[Size]:
    """Import that many feeds, ask all of them again, and look at a daemon that watches them."""
    program = FeedwatchSubscriptions(folder / "subscriptions")

    def grow(feeds: int) -> Life:
        (life,) = live(farm, [program], Case(feeds, _ENTRIES), Setting(), _STEPS, say)
        return life

    few = grow(FEW)
    for feeds in sizes:
        life = grow(feeds)
        say(f"{feeds:,} feeds: a daemon")
        first, again = (
            sum_up([life.taken[each]], feeds, [few.taken[each]], FEW)
            for each in (Round.FIRST, Round.NOT_MODIFIED)
        )
        yield Size(feeds, first, again, program.measure_state(), watch_living(program, farm))


def write_growth(sizes: Sequence[Size]) -> Table:
    """The table. Memory a feed is what the next smaller size lacks, in the round of 304s."""
    return Table(
        f"growth: feeds of {_ENTRIES} entries, plain HTTP, answers at once",
        _COLUMNS,
        [_write_size(size, before) for before, size in zip([None, *sizes], sizes, strict=False)],
    )


def _write_size(size: Size, before: Size | None) -> list[str]:
    more = ""
    if before is not None:
        kilobytes = (size.again.peak - before.again.peak) / 1000
        more = write_number(kilobytes / (size.feeds - before.feeds))
    return [
        f"{size.feeds:,}",
        write_number(size.first.cost),
        write_number(size.again.cost),
        write_number(size.again.wall),
        f"{size.first.peak / 1e6:,.0f}",
        f"{size.again.peak / 1e6:,.0f}",
        more,
        f"{size.state / 1e6:,.1f}",
        f"{size.state / size.feeds / _ENTRIES:,.0f}",
        write_number(size.living.tick),
        f"{size.living.memory / 1e6:,.0f}",
        write_number(size.living.poll),
    ]
