"""Real processes that die: at any statement, at any commit, at any moment; and what comes of it.

After each death the state is asked how many deliveries were under way: so many may come twice, and no more.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from daemons import PATIENCE, Scene, WarmStart, open_scene
from ledger import Ledger, Reckoning
from mover import LISTS, Mover, News
from plays import Played
from targets import Target

from feedwatch.sandbox import World
from feedwatch.store.schema import VERSION

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
        last = _count(stage, "statements" if moment == "kill_at_statement" else "commits")
        for number in range(rounds):
            stage.move()
            stage.die("poll", moment, stage.rng.randint(1, last))
            if number % _KILLS_TO_CALM == _KILLS_TO_CALM - 1:
                stage.calm()
        return stage.finish(stage.killed)


def _count(stage: Stage, what: str) -> int:
    """How many statements, or commits, a round has; the round is made in a copy of the state."""
    with _begin_beside(stage, f"counting-{what}") as beside:
        done = beside.scene.do("poll", moments={f"count_{what}": True})
    found = re.search(rf"{what}=(\d+)", done.err)
    assert found, done.err
    return int(found[1])


def play_every_statement(
    folder: Path,
    warm: WarmStart,
    seed: int,
    rounds: int,
    *,
    defect: Mapping[str, object] | None = None,
) -> Played:
    """Kill one and the same round before each of its statements in turn, each time from the same state.

    With fewer `rounds` than statements, before every so many of them.
    """
    with open_stage(folder, warm, seed, defect) as stage:
        for _ in range(4):
            stage.move()
        every = max(_count(stage, "statements") // rounds, 1)
        number = 1
        parts: list[Played] = []
        while True:
            with _begin_beside(stage, str(number)) as beside:
                beside.die("poll", "kill_at_statement", number)
                parts.append(beside.finish(beside.killed))
            if not beside.killed:
                return add_up(parts)
            number += every


@contextmanager
def _begin_beside(stage: Stage, name: str) -> Iterator[Stage]:
    """The same scene anew: the state as it was before anybody died, and a target that has heard nothing."""
    scene = stage.scene.beside(name)
    shutil.copy(stage.scene.state, scene.state)
    with Target("t1", stage.rng) as target:
        scene.configure({"t1": target.url}, _QUICK)
        yield Stage(scene, stage.mover, Ledger(stage.ledger.owed.copy()), target, stage.rng, stage.defect)


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


Damage = Callable[[Path, random.Random], None]


def play_damage(folder: Path, warm: WarmStart, seed: int, rounds: int, *, damage: Damage) -> Played:
    """Damage a state that nothing is owed in; the daemon goes on with it, or sets it aside and begins anew.

    Either way nothing old is told, and all that is new from there on.
    """
    with open_stage(folder, warm, seed) as stage:
        for _ in range(rounds):
            damage(stage.scene.state, stage.rng)
            _run_until_sound(stage)
            stage.move()
            stage.calm()
        return stage.finish(rounds)


def _run_until_sound(stage: Stage) -> None:
    """Start the daemon, as often as systemd would, until it has polled every list."""
    for _ in range(_MOST_ROUNDS):
        daemon = stage.scene.start("run")
        daemon.err.wait_for_or_end(*(rf"polled feed=jane/{name} outcome=[a-z]+" for name in LISTS))
        # It may find the damage at any moment, also in the one in which it is told to stop.
        if daemon.stop() == 0:
            return
        assert daemon.wait() == 1
    raise AssertionError("the daemon does not come up again")


def cut_short(state: Path, rng: random.Random) -> None:
    """Cut a file off somewhere."""
    os.truncate(state, rng.randint(1, state.stat().st_size - 1))


def flip_a_byte(state: Path, rng: random.Random) -> None:
    """Change one bit of a file somewhere."""
    with state.open("r+b") as file:
        content = file.read()
        # Most of a small state is empty: what is flipped there says nothing.
        at = rng.choice([at for at, byte in enumerate(content) if byte])
        file.seek(at)
        file.write(bytes([content[at] ^ (1 << rng.randrange(8))]))


def play_newer_version(folder: Path, warm: WarmStart, seed: int, rounds: int) -> Played:
    """Find a state of a newer feedwatch: refused in words, and left as it is to the byte."""
    with open_stage(folder, warm, seed) as stage:
        for _ in range(rounds):
            stage.move()
            _set_version(stage.scene.state, 99)
            before = stage.scene.state.read_bytes()
            for command in ("run", "poll"):
                done = stage.scene.do(command)
                assert (done.status, "newer feedwatch" in done.err) == (1, True), done.err
            assert stage.scene.state.read_bytes() == before
            _set_version(stage.scene.state, VERSION)
        return stage.finish(rounds)


def _set_version(state: Path, version: int) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {version}")


EACH_STATEMENT = "kill -9 before each statement in turn"

KILL_PLAYS: Mapping[str, Mapping[str, KillPlay]] = {
    "the process": {
        EACH_STATEMENT: play_every_statement,
        "kill -9 before any statement": partial(play_kills, moment="kill_at_statement"),
        "kill -9 before any commit": partial(play_kills, moment="kill_before_commit"),
        "kill -9 after any commit": partial(play_kills, moment="kill_after_commit"),
        "kill -9 at any moment": play_sudden_deaths,
        "SIGTERM in the middle": play_orderly_stops,
        "two daemons, and rounds beside": play_two_daemons,
    },
    "the ground": {
        "too few file descriptors": play_few_descriptors,
        "a state cut short": partial(play_damage, damage=cut_short),
        "a state with a byte flipped": partial(play_damage, damage=flip_a_byte),
        "a state of a newer version": play_newer_version,
    },
}
"""All plays of real processes, by what breaks."""

KILL_DEFECTS: Mapping[str, KillPlay] = {
    "settled before it is sent": partial(
        play_kills, moment="kill_after_commit", defect={"settle_first": True}
    ),
    "changes and deliveries in two transactions": partial(
        play_every_statement, defect={"split_commits": True}
    ),
}
"""Planted defects that only a death can show; each must make a number other than zero."""


def add_up(parts: list[Played]) -> Played:
    """One row of several runs."""
    total = Reckoning()
    for part in parts:
        total += part.reckoning
    return Played(sum(part.tried for part in parts), total, "; ".join(p.notes for p in parts if p.notes))
