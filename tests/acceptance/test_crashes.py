"""A process that is killed loses nothing and invents nothing; what it had under way may come twice."""

from __future__ import annotations

import random
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from daemons import Scene
from sinks import Reply, WebhookSink

pytest_plugins = ("playing",)

_QUICK_RETRIES = "retry: {first: 50ms, most: 200ms, give_up: 1h}\n"
_SENT_AGAIN = "\n(sent again: it is not certain that this arrived before)"
"""What a repeat says; but for that it is what it was."""
_AT_ONCE = 8
"""Crashes that are played side by side: they wait more than they work."""


@dataclass(frozen=True, slots=True)
class Story:
    """A state to begin with, and what must be told from there: each of these words by one message."""

    scene: Scene
    words: Sequence[str]
    changes: int

    @contextmanager
    def play(self, name: str) -> Iterator[tuple[Scene, WebhookSink]]:
        """Begin the story anew, with a state and a webhook of its own."""
        stage = self.scene.beside(name)
        if self.scene.state.exists():
            shutil.copy(self.scene.state, stage.state)
        with WebhookSink() as hook:
            stage.configure({"hook": hook.url}, _QUICK_RETRIES)
            yield stage, hook

    def finish(self, stage: Scene, hook: WebhookSink, crashes: int) -> None:
        """Run the daemon until all is told; then nothing may be left, invented, or told too often."""
        daemon = stage.start("run")
        daemon.err.wait_for(r"\bstarted\b")
        daemon.err.wait_until(lambda: self._is_settled(stage) and not self._missing(hook))
        assert daemon.stop() == 0
        assert stage.query("SELECT DISTINCT state FROM messages") == [("delivered",)]
        assert stage.query("SELECT count(*) FROM changes") == [(self.changes,)]
        bodies = Counter(message["message"].removesuffix(_SENT_AGAIN) for message in hook.messages)
        assert bodies.total() - len(bodies) <= crashes, "more came twice than was under way"
        for word in self.words:
            assert sum(word in body for body in bodies) == 1, f"{word!r} stands in several messages"

    def _missing(self, hook: WebhookSink) -> list[str]:
        told = [message["message"] for message in hook.messages]
        return [word for word in self.words if not any(word in text for text in told)]

    def _is_settled(self, stage: Scene) -> bool:
        return stage.query("SELECT DISTINCT state FROM deliveries") == [("delivered",)]


@pytest.fixture
def story(small: Scene) -> Story:
    """Known lists, of which each has moved: six changes to tell."""
    with WebhookSink() as hook:
        small.configure({"hook": hook.url})
        small.poll()
    world = small.world
    moved = world.move(start=25, to=1)
    words = [
        f"{moved.name} ({moved.year}) moved",
        f"{world.add().name}",
        f"{world.remove(position=20).name}",
        f"{world.watch(title='A Viewing').name}",
        f"{world.rate(title='A Rating').name}",
        f"{world.recommend(title='A Suggestion').name}",
    ]
    return Story(small, words, changes=6)


def _count_commits(story: Story, *args: str) -> int:
    """The transactions of an undisturbed round."""
    with story.play("undisturbed") as (stage, hook):
        done = stage.do(*args, moments={"count_commits": True})
        assert done.status == 0, done.err
        assert not story._missing(hook)
        found = re.search(r"commits=(\d+)", done.err)
        assert found
        return int(found[1])


def _play_each(names: Mapping[str, Callable[[str], int]]) -> dict[str, int]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ends = {name: pool.submit(play, name) for name, play in names.items()}
        return {name: end.result() for name, end in ends.items()}


def _kill_at_each_commit(story: Story, *kills: tuple[str, str]) -> None:
    """Play the story once for each commit of a round and each of `kills` (a program and a moment)."""
    commits = _count_commits(story, "poll")

    def crash(program: str, moment: str, number: int) -> Callable[[str], int]:
        def play(name: str) -> int:
            with story.play(name) as (stage, hook):
                status = stage.start(program, moments={moment: number}).wait()
                story.finish(stage, hook, crashes=1)
                return status

        return play

    ends = _play_each(
        {
            f"{program} {moment} {number}": crash(program, moment, number)
            for program, moment in kills
            for number in range(1, commits + 1)
        }
    )
    killed = sum(status == -signal.SIGKILL for status in ends.values())
    # Unchanged polls are written together, so that a round may do with a commit less.
    assert killed >= len(ends) - len(kills), ends


@pytest.mark.long
def test_killed_at_every_commit_of_a_round_everything_is_told(story: Story) -> None:
    """Right before each commit of `poll`, right after each of `run`: all six changes come."""
    _kill_at_each_commit(story, ("poll", "kill_before_commit"), ("run", "kill_after_commit"))


def test_killed_at_every_commit_of_the_first_round_nothing_is_invented(small: Scene) -> None:
    """From an empty state: each list is told of as watched, and no entry of it as a change."""
    feeds = ("jane/queue", "jane/history", "jane/ratings", "jane/recommendations")
    _kill_at_each_commit(Story(small, feeds, changes=0), ("run", "kill_after_commit"))


@pytest.mark.long
def test_killed_at_every_commit_in_every_way_everything_is_told(story: Story) -> None:
    """The whole table: before and after each commit, of `poll` and of `run`."""
    kills = [(program, f"kill_{when}_commit") for program in ("poll", "run") for when in ("before", "after")]
    _kill_at_each_commit(story, *kills)


@pytest.mark.long
def test_killed_at_thirty_seeded_moments_everything_is_told(story: Story) -> None:
    """Five times six daemons are killed one after the other at moments of the dice."""
    dice = random.Random(20261125)
    moments = [[dice.uniform(0.05, 0.9) for _ in range(6)] for _ in range(5)]

    def crash(seconds: Sequence[float]) -> Callable[[str], int]:
        def play(name: str) -> int:
            with story.play(name) as (stage, hook):
                for moment in seconds:
                    assert stage.start("run", moments={"kill_after": moment}).wait() == -signal.SIGKILL
                story.finish(stage, hook, crashes=len(seconds))
                return len(seconds)

        return play

    ends = _play_each({f"sequence {number}": crash(each) for number, each in enumerate(moments)})
    assert sum(ends.values()) == 30


def test_killed_between_taking_and_settling_a_message_comes_once_more(story: Story) -> None:
    """What a target has taken when the process dies is sent again, and says so; nothing else is."""
    with story.play("in flight") as (stage, hook):
        hook.script(Reply(hang=True))
        daemon = stage.start("run")
        (sent,) = hook.wait_for(1)
        daemon.kill()
        story.finish(stage, hook, crashes=1)
        assert hook.messages[0] == {**sent.json, "message": sent.json["message"] + _SENT_AGAIN}
