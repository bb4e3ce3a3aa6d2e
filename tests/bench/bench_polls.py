"""What polling takes, beside a bare fetch of the same bytes, and beside others: `make bench`.

    python tests/bench/bench_polls.py                        everything, in about twenty minutes
    python tests/bench/bench_polls.py --quick                200 feeds, in a minute or two
    python tests/bench/bench_polls.py --feeds 1000 --tls     one case
    python tests/bench/bench_polls.py --scale 20000,100000   how it grows, and nothing else
    … --table docs/performance.md                            and write the tables there

A feed farm on this machine is polled by the real program, a process for each round. After each round its
store is looked at: it must have found what the farm has made, and nothing else, or the benchmark fails there
and then. The farm is one host, so `per_host` is as high as `concurrency`: nothing to do to somebody else.

Others are reader, by the Python that READER names in the environment, and newsboat, if it is on the PATH.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from costs import Figures, Taken, sum_up
from farming import RunningFarm, run_farm
from growing import Size, measure_growth, write_growth
from lives import Case, Life, Round, Setting, Step, live, plan_life
from machine import describe_machine, read_load
from planning import FEW, Job, plan_all, plan_some
from programs import Program, find_peers
from reporting import LEGEND, Measured, write_costs, write_walls, write_written
from tables import replace_part

_LONGEST = 4 * 3600.0
"""Seconds after which the farm ends, whatever becomes of us."""
_ROUNDS = {"304": Round.NOT_MODIFIED, "bytes": Round.BYTES, "new": Round.NEW, "both": Round.BOTH}
_SCALE = (20_000,)
_SCALE_FROM = 1000
"""Feeds, of the first line of how it grows."""

_Rounds = dict[str, dict[Round, list[Taken]]]
"""What rounds took, by program."""


class Bench:
    """Carries jobs out. What start-up takes is measured once for all jobs that share it."""

    def __init__(self, farm: RunningFarm, folder: Path, steps: Sequence[Step]) -> None:
        self._farm = farm
        self._folder = folder
        self._steps = steps
        self._small: dict[tuple[Setting, Case], _Rounds] = {}

    def measure(self, job: Job) -> Measured:
        """Measure a case."""
        few, many = self._measure_small(job), self._repeat(job)
        figures: dict[str, dict[Round, Figures]] = {
            name: {
                each: sum_up(taken, job.case.feeds, few[name][each], FEW) for each, taken in rounds.items()
            }
            for name, rounds in many.items()
            if few[name]
        }
        return Measured(job.case, job.setting, job.repeats, figures)

    def _measure_small(self, job: Job) -> _Rounds:
        small = job.small
        known = self._small.setdefault((small.setting, small.case), {})
        if not {each.name for each in (*job.programs, *job.peers)} <= known.keys():
            # Also of those that find nothing: none is tried once more for each case.
            known.update({each.name: {} for each in (*job.programs, *job.peers)})
            known.update(self._repeat(small))
        return known

    def _repeat(self, job: Job) -> _Rounds:
        """Have each program live as often as is wanted, in turns, every second time the other way round."""
        taken: _Rounds = {}
        for repeat in range(job.repeats):
            programs = self._make([*job.programs, *(job.peers if repeat == 0 else ())])
            in_turn = programs[::-1] if repeat % 2 else programs
            lives = live(self._farm, in_turn, job.case, job.setting, self._steps, tell)
            for life in sorted(lives, key=lambda life: programs.index(life.program)):
                self._keep(life, job, taken)
        return taken

    def _make(self, programs: Iterable[type[Program]]) -> list[Program]:
        return [program(self._folder / program.__name__) for program in programs]

    def _keep(self, life: Life, job: Job, taken: _Rounds) -> None:
        """Keep what a life took; of a peer that did not find what there was, only say so."""
        if life.faults:
            say(f"{job.case}, {job.setting}: {life.program.name} is left out: {'; '.join(life.faults)}\n")
            return
        for each, one in life.taken.items():
            taken.setdefault(life.program.name, {}).setdefault(each, []).append(one)


def tell(doing: str) -> None:
    """Say what is being done, where somebody looks on."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{doing[:110]}\r")
        sys.stderr.flush()


def say(text: str) -> None:
    """Print something that stays."""
    tell("")
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description="Measure what polling takes.")
    parser.add_argument("--feeds", type=_numbers, help="how many feeds, for example 200,1000")
    parser.add_argument("--entries", type=int, default=25, help="entries of each of them (default: 25)")
    parser.add_argument("--tls", action="store_true", help="over TLS")
    parser.add_argument("--delay", type=int, default=0, help="milliseconds before each answer")
    parser.add_argument("--rounds", default="304,bytes,new,both", help="some of 304, bytes, new, both")
    parser.add_argument("--repeat", type=int, default=3, help="how often (default: 3)")
    parser.add_argument("--peers", help="reader, newsboat, none (default: those that are installed)")
    parser.add_argument("--quick", action="store_true", help="200 feeds, once")
    parser.add_argument("--scale", type=_numbers, help="only how it grows, to so many feeds")
    parser.add_argument("--table", type=Path, help="a document to write the tables to")
    asked = parser.parse_args(words)
    asked.everything = not (asked.quick or asked.scale or asked.feeds or asked.tls or asked.delay)
    return asked


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if min(numbers) <= FEW:
        raise argparse.ArgumentTypeError(
            f"more than {FEW} feeds each: a round of {FEW} is what a start costs"
        )
    return numbers


def plan(asked: argparse.Namespace) -> list[Job]:
    """The cases that are asked for; all of them if none is."""
    installed = find_peers()
    wanted = asked.peers.split(",") if asked.peers else [peer.name for peer in installed]
    peers = [peer for peer in installed if peer.name in wanted]
    if asked.scale:
        return []
    if asked.quick:
        return list(plan_some([Setting()], [Case(200, 25)], peers, 1))
    if asked.everything:
        return list(plan_all(peers, asked.repeat))
    cases = [Case(feeds, asked.entries) for feeds in asked.feeds or [1000]]
    return list(plan_some([Setting(asked.tls, asked.delay)], cases, peers, asked.repeat))


def write_document(path: Path, measured: Sequence[Measured], sizes: Sequence[Size]) -> None:
    """Put the tables where the document has room for them."""
    text = path.read_text(encoding="utf-8")
    if measured:
        settings = dict.fromkeys(one.setting for one in measured)
        groups = [[one for one in measured if one.setting == setting] for setting in settings]
        tables = [write(group) for group in groups for write in (write_costs, write_walls)]
        parts = [f"Measured {describe_machine()}. {LEGEND}\n", *(each.write_markdown() for each in tables)]
        text = replace_part(text, "polls", "\n".join([*parts, write_written(groups[0]).write_markdown()]))
    if sizes:
        text = replace_part(text, "growth", write_growth(sizes).write_markdown())
    path.write_text(text, encoding="utf-8")


def run(asked: argparse.Namespace, farm: RunningFarm, folder: Path) -> None:
    """Measure all that is asked for, printing each table when it is there."""
    bench = Bench(farm, folder, plan_life({_ROUNDS[each] for each in asked.rounds.split(",")}))
    measured, sizes = list[Measured](), list[Size]()
    jobs = plan(asked)
    for job in jobs:
        measured.append(bench.measure(job))
        for write in (write_costs, write_walls, write_written):
            say(write(measured[-1:]).write_text())
    if asked.scale or asked.everything:
        sizes += measure_growth(farm, folder, (_SCALE_FROM, *(asked.scale or _SCALE)), tell)
        say(write_growth(sizes).write_text())
    if asked.table:
        write_document(asked.table, measured, sizes)


def main() -> None:
    """Print what polling takes."""
    asked, started_at = read_arguments(), time.monotonic()
    say(f"polling a farm on this machine: {describe_machine()}; load {read_load():.1f}\n{LEGEND}\n")
    with tempfile.TemporaryDirectory(prefix="feedwatch-bench-") as name, run_farm(_LONGEST) as farm:
        run(asked, farm, Path(name))
    say(f"{(time.monotonic() - started_at) / 60:.1f} minutes; load {read_load():.1f}")


if __name__ == "__main__":
    main()
