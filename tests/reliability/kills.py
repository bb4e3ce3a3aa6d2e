"""Real processes that die: at any statement, at any commit, at any moment; and what comes of it.

After each death the state is asked how many deliveries were under way: so many may come twice, and no more.
"""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from daemons import PATIENCE, Scene, WarmStart, open_scene
from ledger import Ledger, Reckoning
from mover import LISTS, Mover, News
from plays import Played
from targets import Target

from feedwatch.sandbox import World

_QUICK = "retry: {first: 50ms, most: 200ms, give_up: 1h}\n"
_KILLS_TO_CALM = 6
"""Deaths in a row before a round may end well."""
_MOST_ROUNDS = 20


@dataclass(slots=True)
class Stage:
    """A scene whose lists are moved by one who keeps count."""

    scene: Scene
    mover: Mover
    ledger: Ledger
    target: Target
    rng: random.Random
    defect: Mapping[str, object]
    killed: int = 0

    def move(self) -> None:
        """Do a few things."""
        for _ in range(self.rng.randint(1, 3)):
            self.mover.move(*LISTS)

    def die(self, program: str, moment: str, value: float) -> None:
        """Run a program that kills itself; what it had under way may come twice."""
        status = self.scene.start(program, moments={**self.defect, moment: value}).wait(PATIENCE)
        self.killed += status == -signal.SIGKILL
        self.note_in_flight()

    def note_in_flight(self) -> None:
        """Allow for what a process that is gone had claimed."""
        if self.scene.state.exists():
            self.ledger.allowed += self.scene.count(
                "SELECT coalesce(sum(deliveries), 0) FROM messages WHERE state = 'claimed'"
            )

    def calm(self) -> None:
        """Poll undisturbed until all is told."""
        said = ""
        for _ in range(_MOST_ROUNDS):
            done = self.scene.do("poll")
            said = done.err
            if done.status == 0 and not self.scene.count(
                "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'bound')"
            ):
                for name in LISTS:
                    self.mover.settle(name)
                return
        raise AssertionError(f"the outbox does not get empty:\n{said}")

    def finish(self, tried: int) -> Played:
        """Count."""
        self.calm()
        reckoning = self.ledger.reckon(self.target.told())
        return Played(tried, reckoning, "" if reckoning.holds else self.ledger.explain(self.target.told()))


@contextmanager
def open_stage(
    folder: Path, warm: WarmStart, seed: int, defect: Mapping[str, object] | None = None
) -> Iterator[Stage]:
    """A scene with its baseline; a planted defect is in every process that dies."""
    rng = random.Random(seed)
    ledger = Ledger()
    with contextmanager(open_scene)(folder, warm, World(queue=40)) as scene, Target("t1", rng) as target:
        scene.configure({"t1": target.url}, _QUICK)
        stage = Stage(
            scene, Mover(scene.world, News(), ledger, rng, time.time), ledger, target, rng, defect or {}
        )
        stage.calm()
        yield stage


KillPlay = Callable[[Path, WarmStart, int, int], Played]
"""Plays in a folder, with processes started warm, from a seed, for so many rounds."""


def play_kills(
    folder: Path,
    warm: WarmStart,
    seed: int,
    rounds: int,
    *,
    moment: str,
    defect: Mapping[str, object] | None = None,
) -> Played:
    """Kill `feedwatch poll` right before a statement, or right before or after a commit, chosen at random."""
    with open_stage(folder, warm, seed, defect) as stage:
        stage.move()
        counted = "statements" if moment == "kill_at_statement" else "commits"
        done = stage.scene.do("poll", moments={f"count_{counted}": True})
        found = re.search(rf"{counted}=(\d+)", done.err)
        assert found, done.err
        for number in range(rounds):
            stage.move()
            stage.die("poll", moment, stage.rng.randint(1, int(found[1])))
            if number % _KILLS_TO_CALM == _KILLS_TO_CALM - 1:
                stage.calm()
        return stage.finish(stage.killed)


def play_sudden_deaths(folder: Path, warm: WarmStart, seed: int, rounds: int) -> Played:
    """Kill the daemon at any moment of its first second."""
    with open_stage(folder, warm, seed) as stage:
        for number in range(rounds):
            stage.move()
            stage.die("run", "kill_after", stage.rng.uniform(0.05, 0.8))
            if number % _KILLS_TO_CALM == _KILLS_TO_CALM - 1:
                stage.calm()
        return stage.finish(stage.killed)


def play_orderly_stops(folder: Path, warm: WarmStart, seed: int, rounds: int) -> Played:
    """Stop the daemon by SIGTERM in the middle of whatever it does: nothing may come twice."""
    with open_stage(folder, warm, seed) as stage:
        for _ in range(rounds):
            stage.move()
            daemon = stage.scene.start("run")
            daemon.err.wait_for(r"\bstarted\b")
            time.sleep(stage.rng.uniform(0, 0.3))  # at any moment: that is what is tried
            assert daemon.stop() == 0
        return stage.finish(rounds)


def play_two_daemons(folder: Path, warm: WarmStart, seed: int, rounds: int) -> Played:
    """Start a second daemon on the state, which refuses, and rounds by hand beside the first."""
    with open_stage(folder, warm, seed) as stage:
        daemon = stage.scene.start("run")
        daemon.err.wait_for(r"\bstarted\b")
        refused = 0
        for _ in range(rounds):
            stage.move()
            second, beside = stage.scene.start("run"), stage.scene.start("poll")
            refused += second.wait() == 1 and "holds the state" in second.err.text
            beside.wait()
        assert refused == rounds, "a second daemon was let in"
        assert daemon.stop() == 0
        return stage.finish(rounds * 2)


def play_few_descriptors(folder: Path, warm: WarmStart, seed: int, rounds: int) -> Played:
    """Give a round too few file descriptors, fewer or more of them each time."""
    with open_stage(folder, warm, seed) as stage:
        failed = 0
        for number in range(rounds):
            stage.move()
            most = stage.rng.randint(8, 24)
            failed += stage.scene.do("poll", moments={"few_descriptors": most}).status != 0
            if number % 3 == 2:
                stage.calm()
        return stage.finish(failed)


KILL_PLAYS: Mapping[str, KillPlay] = {
    "kill -9 before any statement": partial(play_kills, moment="kill_at_statement"),
    "kill -9 before any commit": partial(play_kills, moment="kill_before_commit"),
    "kill -9 after any commit": partial(play_kills, moment="kill_after_commit"),
    "kill -9 at any moment": play_sudden_deaths,
    "SIGTERM in the middle": play_orderly_stops,
    "two daemons, and rounds beside": play_two_daemons,
    "too few file descriptors": play_few_descriptors,
}


KILL_DEFECTS: Mapping[str, KillPlay] = {
    "settled before it is sent": partial(
        play_kills, moment="kill_after_commit", defect={"settle_first": True}
    ),
    "changes and deliveries in two transactions": partial(
        play_kills, moment="kill_at_statement", defect={"split_commits": True}
    ),
}
"""Planted defects that only a death can show; each must make a number other than zero."""


def add_up(parts: list[Played]) -> Played:
    """One row of several runs."""
    total = Reckoning()
    for part in parts:
        total += part.reckoning
    return Played(sum(part.tried for part in parts), total, "; ".join(p.notes for p in parts if p.notes))
