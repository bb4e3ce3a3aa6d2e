"""What a shell is offered when Tab is pressed: asked as the shells ask, in a real process."""

from __future__ import annotations

import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from running import Place, at_sandbox, command_line, environment, run
from typed import DIALECTS, type_in

from feedwatch.core.model import Reason
from feedwatch.core.networks import host_of
from feedwatch.store import Store

_SHELLS = ("bash", "zsh", "fish")


@pytest.fixture(params=DIALECTS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The sandbox in a dialect."""
    with at_sandbox(tmp_path, targets="  phone: json://127.0.0.1:9/hook") as place:
        place.world.speak(dialect=request.param)
        yield place


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Place]:
    """The sandbox as the reference has it: where a dialect makes no difference."""
    with at_sandbox(tmp_path, targets="  phone: json://127.0.0.1:9/hook") as place:
        yield place


def press_tab(place: Place, *words: str, config: str = "config.yaml") -> list[str]:
    """What zsh is offered for the last of these words. Nothing is ever said beside it."""
    line = ["feedwatch", "--config", str(place.folder / config), *words]
    env = {"_FEEDWATCH_COMPLETE": "zsh_complete", "COMP_WORDS": shlex.join(line[:-1]) + " " + line[-1]}
    ran = run(folder=place.folder, env={**env, "COMP_CWORD": str(len(line) - 1)})
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    return lines[1::3]


def test_titles_are_asked_of_the_server_where_no_catalog_is_here(place: Place) -> None:
    """Names that begin as typed; for which nobody has to be signed in, and nothing is signed."""
    assert press_tab(place, "titles", "show", "Ca") == ["Cabaret", "Casablanca", "Casino"]
    assert not place.state.exists()


def test_titles_are_looked_for_in_the_catalog_that_is_here(place: Place) -> None:
    """Then the server is not asked at all."""
    assert place.run("catalog", "sync").status == 0
    asked = {name: dict(counts) for name, counts in place.world.requests.items()}
    assert sorted(press_tab(place, "queue", "add", "cas")) == ["Casablanca", "Casino"]
    assert {name: dict(counts) for name, counts in place.world.requests.items()} == asked


def test_a_server_that_rests_is_not_asked_by_tab(reference: Place) -> None:
    """Whoever presses Tab is offered nothing then."""
    reference.run("poll")
    rest(reference)
    assert press_tab(reference, "titles", "show", "Ca") == []
    assert "catalog" not in reference.world.requests


def rest(place: Place) -> None:
    """Have the server of a place want rest for an hour."""
    with closing(Store.open_existing(place.state)) as store:
        until_at = datetime.now(UTC) + timedelta(hours=1)
        store.rest_host(host_of(place.base), until_at, Reason.RATE_LIMITED)


def test_a_title_of_several_words_is_gone_on_with(reference: Place) -> None:
    """What stands there already is not said again."""
    assert press_tab(reference, "titles", "similar", "Touch", "of", "E") == ["Evil"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("Sing", r"Singin\'\ in\ the\ Rain"),
        ('"Seven S', "Seven Samurai"),
        ("Seven\\ S", r"Seven\ Samurai"),
        ("Casa", "Casablanca"),
    ],
)
def test_bash_is_offered_what_it_takes_for_one_word(reference: Place, typed: str, offered: str) -> None:
    """It puts in what it is offered as it is: what is special to it is escaped, but within quotes."""
    program = reference.folder / "feedwatch"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m feedwatch "$@"\n')
    program.chmod(0o700)
    script = run("completion", "bash", folder=reference.folder).out
    typing = f"""
{script}
COMP_WORDS=(feedwatch --config {shlex.quote(str(reference.config))} titles show "$TYPED")
COMP_CWORD=5
_feedwatch_completion {shlex.quote(str(program))}
printf "%s\\n" "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", typing],
        env=environment(reference.folder, TYPED=typed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.splitlines(), done.stderr) == ([offered], "")


def test_a_rating_is_offered_behind_a_title(reference: Place) -> None:
    """The words that can stand there."""
    assert press_tab(reference, "rate", "Vertigo", "n") == ["not-interested", "no-opinion"]
    assert press_tab(reference, "rate", "Vertigo", "") == [
        *("1", "2", "3", "4", "5", "not-interested", "no-opinion"),
    ]


def test_accounts_feeds_and_targets_are_those_of_the_configuration_and_the_state(reference: Place) -> None:
    """Each where a command takes it."""
    reference.run("discover")
    assert press_tab(reference, "login", "") == ["jane"]
    assert press_tab(reference, "queue", "list", "--account", "j") == ["jane"]
    assert sorted(press_tab(reference, "show", "jane/r")) == ["jane/ratings", "jane/recommendations"]
    assert press_tab(reference, "test", "") == ["phone"]
    assert press_tab(reference, "outbox", "pause", "ph") == ["phone"]


@pytest.mark.parametrize("trouble", ["no configuration", "a broken one", "no server", "a damaged catalog"])
def test_whatever_is_wrong_nothing_is_offered_and_nothing_is_said(reference: Place, trouble: str) -> None:
    """Somebody is in the middle of a line: an error would stand in it."""
    config = "config.yaml"
    if trouble == "no configuration":
        config = "none.yaml"
    elif trouble == "a broken one":
        reference.config.write_text("accounts: [")
    elif trouble == "no server":
        reference.config.write_text(
            reference.config.read_text().replace(reference.base, "http://127.0.0.1:9")
        )
    else:
        reference.run("catalog", "sync")
        next(reference.folder.glob("*-catalog-*.db")).write_bytes(b"not a catalog")
    assert press_tab(reference, "titles", "show", "Ca", config=config) == []


def test_ctrl_c_while_the_server_is_asked_says_nothing(reference: Place) -> None:
    """Whoever does not want to wait stands in the middle of a line, too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        here = f"http://127.0.0.1:{silent.getsockname()[1]}"
        reference.config.write_text(reference.config.read_text().replace(reference.base, here))
        line = ["feedwatch", "--config", str(reference.config), "titles", "show", "Ca"]
        words = {"_FEEDWATCH_COMPLETE": "zsh_complete", "COMP_WORDS": shlex.join(line), "COMP_CWORD": "5"}
        env, pipe = environment(reference.folder, **words), subprocess.PIPE
        with (
            subprocess.Popen(command_line(), env=env, stdout=pipe, stderr=pipe) as asking,
            silent.accept()[0],
        ):
            asking.send_signal(signal.SIGINT)
            said = asking.communicate()
    assert (asking.returncode, said) == (130, (b"", b""))


@pytest.mark.parametrize("shell", _SHELLS)
def test_the_script_for_a_shell_is_one_that_it_takes(reference: Place, shell: str) -> None:
    """Where the shell is on this machine it reads the script without complaint."""
    ran = type_in(reference, "completion", shell)
    assert ran.status == 0
    assert "_FEEDWATCH_COMPLETE" in ran.out
    if (program := shutil.which(shell)) is None:
        return
    done = subprocess.run(
        [program, "-n"],
        input=ran.out,
        env=environment(reference.folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
