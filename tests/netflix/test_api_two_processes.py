"""Two processes that change one queue at once: no addition is lost, and each 412 is resolved."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from apis import DIALECTS, speak
from running import command_line, environment

from feedwatch.sandbox import Sandbox, sample_config, serving
from feedwatch.store import Store

_ADDER = Path(__file__).with_name("adder.py")
_EACH = 6


@contextmanager
def adding(base: str, sandbox: Sandbox, state: Path, refs: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is ready to add titles."""
    account = sandbox.world.account
    named = [account.consumer_key, account.consumer_secret, account.access_token, account.access_token_secret]
    command = [sys.executable, str(_ADDER), base, str(state), *named, *refs]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("states", ["one state", "a state each"])
def test_two_processes_add_to_one_queue(tmp_path: Path, dialect: str, states: str) -> None:
    """All titles of both are in the queue at the end, each once, behind what was there before."""
    sandbox = Sandbox()
    speak(sandbox, dialect)
    before = [each.title.path for each in sandbox.world.queue]
    films = [each.path for each in sandbox.world.catalog if each.kind == "movies" and each.path not in before]
    shares = films[:_EACH], films[_EACH : 2 * _EACH]
    places = [tmp_path / ("a" if states == "one state" else name) / "feedwatch.db" for name in "ab"]
    for place in set(places):
        place.parent.mkdir()
        Store.open(place).close()
    if states == "a state each":
        (tmp_path / "b" / "turns").symlink_to(
            tmp_path / "a" / "turns"
        )  # one clock, or the server refuses both
        (tmp_path / "a" / "turns").mkdir()
    with serving(sandbox) as base:
        with (
            adding(base, sandbox, places[0], shares[0]) as one,
            adding(base, sandbox, places[1], shares[1]) as other,
        ):
            for process in (one, other):
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            said = [process.communicate(timeout=60)[0].split("\n") for process in (one, other)]
        assert said == [[*["done"] * _EACH, ""]] * 2
        after = [each.title.path for each in sandbox.world.queue]
    assert after[: len(before)] == before
    assert sorted(after[len(before) :]) == sorted([*shares[0], *shares[1]])
    answers = sandbox.world.requests["queue_changes"]
    assert answers["201"] == 2 * _EACH
    # Both had read the queue before either changed it: with an etag each, the second change comes too late.
    assert states == "one state" or answers["412"]


def test_commands_typed_at_once_add_to_one_queue(tmp_path: Path) -> None:
    """`feedwatch queue add`, typed in three places at the same time: all three titles are in the queue."""
    sandbox = Sandbox()
    before = [each.title.path for each in sandbox.world.queue]
    films = [each for each in sandbox.world.catalog if each.kind == "movies" and each.path not in before][:3]
    with serving(sandbox) as base:
        config = tmp_path / "feedwatch.yaml"
        config.write_text(f"state: {tmp_path / 'feedwatch.db'}\n{sample_config(sandbox, base)}")
        commands = [
            subprocess.Popen(
                command_line("--config", config, "queue", "add", str(film.id)),
                env=environment(tmp_path),
                stderr=subprocess.PIPE,
                text=True,
            )
            for film in films
        ]
        said = [command.communicate(timeout=60)[1] for command in commands]
    assert [command.returncode for command in commands] == [0, 0, 0], said
    assert sorted(each.title.path for each in sandbox.world.queue) == sorted(
        [*before, *(f.path for f in films)]
    )
