"""The life of some feeds with each program: five rounds that are measured, and what has to be between them.

A round is a process of its own. All programs make a round before any makes the next: what else the machine
does falls on all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from costs import Taken
from farming import RunningFarm
from feed_farm import Served, State
from programs import BareFetch, Entries, Program

_LAUNCH = Path(__file__).with_name("launch.py")
_LONGEST = 1800.0


class Round(StrEnum):
    """What a round finds."""

    FIRST = "first import"
    NOT_MODIFIED = "304"
    BYTES = "bytes differ"
    NEW = "one new entry"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Step:
    """How the farm is for a round: `new` entries more than at first. A round without a name only leads on."""

    round: Round | None
    new: int = 0
    moving: bool = False

    def __str__(self) -> str:
        return self.round or "on the way"


def plan_life(wanted: Collection[Round]) -> list[Step]:
    """The first import, whatever of the rest is wanted, and what leads there."""
    new = int(Round.NEW in wanted)
    steps = [Step(Round.FIRST)]
    if Round.NOT_MODIFIED in wanted:
        steps.append(Step(Round.NOT_MODIFIED))
    if Round.NEW in wanted:
        steps.append(Step(Round.NEW, new))
    if Round.BYTES in wanted or Round.BOTH in wanted:
        steps.append(Step(None, new, moving=True))
    if Round.BYTES in wanted:
        steps.append(Step(Round.BYTES, new, moving=True))
    if Round.BOTH in wanted:
        steps.append(Step(Round.BOTH, new + 1, moving=True))
    return steps


@dataclass(frozen=True, slots=True)
class Setting:
    """How feeds are asked for and answered."""

    tls: bool = False
    delay: int = 0
    """Milliseconds before each answer."""

    def __str__(self) -> str:
        answers = f"answers after {self.delay} ms" if self.delay else "answers at once"
        return f"{'over TLS' if self.tls else 'plain HTTP'}, {answers}"


@dataclass(frozen=True, slots=True)
class Case:
    """So many feeds of so many entries."""

    feeds: int
    entries: int

    def __str__(self) -> str:
        return f"{self.feeds:,} feeds of {self.entries}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a round found, by the program's own store, and what the farm served it."""

    code: int
    known: int
    added: int
    rewritten: int
    changes: int
    untold: int
    served: Served


@dataclass(slots=True)
class Life:
    """One program with its feeds: what it knows, and what its rounds took."""

    program: Program
    taken: dict[Round, Taken] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    entries: Entries = field(default_factory=dict)
    changes: int = 0


def live(
    farm: RunningFarm,
    programs: Sequence[Program],
    case: Case,
    setting: Setting,
    steps: Sequence[Step],
    say: Callable[[str], None],
) -> list[Life]:
    """Have all programs live through the steps, from nothing known.

    Raises:
        SystemExit: ours found anything else than the farm has made.
    """
    for program in programs:
        program.prepare(farm, case.feeds, tls=setting.tls)
    lives = [Life(program) for program in programs]
    for step in steps:
        farm.switch(State(case.entries + step.new, step.moving, setting.delay / 1000))
        for life in lives:
            say(f"{case}, {setting}: {life.program.name}, {step}")
            if step.round is Round.NOT_MODIFIED:
                for _ in range(life.program.learns_for):
                    run_program(life.program)
            _make_round(life, farm, step, case)
            if life.faults and not life.program.is_peer:
                raise SystemExit(f"{case}, {setting}: {life.program.name}, " + "; ".join(life.faults))
    return lives


def _make_round(life: Life, farm: RunningFarm, step: Step, case: Case) -> None:
    farm.count()
    report = run_program(life.program)
    served, entries, changes = farm.count(), life.program.read_entries(), life.program.count_changes()
    added = len(entries.keys() - life.entries.keys())
    found = Found(
        code=int(report["code"]),
        known=len(entries),
        added=added,
        rewritten=sum(life.entries.get(key, entries[key]) != entries[key] for key in entries),
        changes=changes - life.changes,
        untold=life.program.count_untold(),
        served=served,
    )
    life.entries, life.changes = entries, changes
    life.faults += [f"{step}: {fault}" for fault in judge(life.program, step, case, found)]
    if step.round:
        written = found.added + found.rewritten
        life.taken[step.round] = Taken(report["wall"], report["cpu"], int(report["peak"]), written)


def run_program(program: Program) -> dict[str, float]:
    """Run one round; gives the report of `launch`."""
    report = program.folder / "report.json"
    words = [sys.executable, "-I", "-S", str(_LAUNCH), str(report), str(_LONGEST), *program.command()]
    with (program.folder / "output").open("wb") as output:
        subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=program.environment(),
            check=True,
            cwd=program.folder,
        )
    taken: dict[str, float] = json.loads(report.read_text())
    return taken


def read_last_words(program: Program) -> str:
    """The last line that a program has said."""
    lines = (program.folder / "output").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def judge(program: Program, step: Step, case: Case, found: Found) -> Iterator[str]:
    """What a program found that the farm has not made, or has not found that it made."""
    if found.code:
        yield f"it ended with {found.code}: {read_last_words(program)}"
    brought = step.round in (Round.NEW, Round.BOTH)
    if not program.is_peer:
        whole = 0 if step.round is Round.NOT_MODIFIED else case.feeds
        yield from _expect("whole feeds were fetched", found.served.whole, whole)
        yield from _expect("feeds were not modified", found.served.not_modified, case.feeds - whole)
    if isinstance(program, BareFetch):
        return
    first = case.feeds * case.entries if step.round is Round.FIRST else 0
    yield from _expect("entries are known", found.known, case.feeds * (case.entries + step.new))
    yield from _expect("entries are new", found.added, case.feeds if brought else first)
    if not program.is_peer:
        yield from _expect("entries were rewritten", found.rewritten, 0)
        yield from _expect("changes were found", found.changes, case.feeds if brought else 0)
        yield from _expect("entries were told", found.served.told, case.feeds if brought else 0)
        yield from _expect("deliveries are left", found.untold, 0)


def _expect(what: str, found: int, wanted: int) -> Iterator[str]:
    if found != wanted:
        yield f"{found:,} {what}, not {wanted:,}"
