"""The demo shows what really arrives: its exit status depends on it, and nothing stays behind."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from running import command_line, environment
from sinks import WebhookSink

from feedwatch.demo import lay_out_message

SIX = ["an addition", "a move", "a removal", "a viewing", "a rating", "a recommendation"]
VERBS = ["added Spirited Away", "moved from", "removed", "watched Casablanca", "rated Casablanca"]


@contextmanager
def _demo(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A demo whose temporary files are in a folder that can be looked at."""
    folder.mkdir()
    process = subprocess.Popen(
        command_line("demo", *words),
        env=environment(folder, TMPDIR=str(folder), PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _left_behind(folder: Path) -> list[str]:
    """Files in a demo's folder, and processes that were started with a file of it."""
    names = [str(path) for path in folder.iterdir()]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_text()
        except OSError:  # it has ended meanwhile
            continue
        if str(folder) in command:
            names.append(command.replace("\0", " "))
    return names


def _read_to(process: subprocess.Popen[str], pattern: str) -> str:
    """Read what a demo shows until a line matches."""
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if re.search(pattern, line):
            return shown
    pytest.fail(f"{pattern!r} was never shown:\n{shown}")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            ["jane rated Hero 5★", "jane/ratings", "rated Hero 5★", "  PG · 4★ on average", "  A story."],
            ["jane rated Hero 5★", "  PG · 4★ on average", "  A story."],
        ),
        (
            ["jane/queue: 2 added", "added Hero at 1", "  PG", "added M at 2"],
            ["jane/queue: 2 added", "added Hero at 1", "  PG", "added M at 2"],
        ),
        (
            ["2 changes", "jane/queue", "added Hero at 1", "", "jane/ratings", "rated M 5★", "  PG"],
            ["2 changes", "jane/queue", "added Hero at 1", "jane/ratings", "rated M 5★", "  PG"],
        ),
    ],
    ids=["one story", "one list", "two lists"],
)
def test_what_the_title_says_is_not_shown_again(message: list[str], shown: list[str]) -> None:
    """Of a single story only what more is known stands below the title; the name of its list goes with it."""
    assert lay_out_message("\n".join(message)) == shown


@pytest.mark.thorough
def test_it_ends_with_0_only_if_all_six_arrived_at_its_webhook(tmp_path: Path) -> None:
    """Four demos of twenty seconds: one as it is, and three whose messages do not reach its webhook."""
    with ExitStack() as stack:
        closed = WebhookSink()
        closed.__enter__()
        closed.stop()
        urls = {
            "as it is": None,
            "refused": closed.url,
            "answering 500": stack.enter_context(WebhookSink(after_script=500)).url,
            "told to somebody else": (other := stack.enter_context(WebhookSink())).url,
        }
        demos = {
            name: stack.enter_context(
                _demo(tmp_path / name, "--for", "20s", *(["--webhook", url] if url else []))
            )
            for name, url in urls.items()
        }
        said = {name: demo.communicate(timeout=50)[0] for name, demo in demos.items()}
    statuses = {name: demo.returncode for name, demo in demos.items()}
    assert statuses == {name: int(name != "as it is") for name in urls}, said
    assert other.messages, "what went elsewhere did arrive there"
    good = said["as it is"]
    assert "That was all six" in good
    assert all(f"somebody makes {what}" in good for what in SIX)
    assert all(verb in good for verb in VERBS)
    assert all("never told" in text for name, text in said.items() if name != "as it is")
    assert [_left_behind(tmp_path / name) for name in urls] == [[]] * 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a polite kill"])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Daemon, server and folder go with it, at once."""
    folder = tmp_path / "demo"
    with _demo(folder) as demo:
        _read_to(demo, "watching")
        assert len(_left_behind(folder)) >= 2, "the search finds a daemon and a folder while there are any"
        asked_at = time.monotonic()
        demo.send_signal(number)
        said, _ = demo.communicate(timeout=20)
        assert time.monotonic() - asked_at < 10
    assert "Traceback" not in said
    assert _left_behind(folder) == []


@pytest.mark.thorough
def test_all_six_are_shown_within_fifteen_seconds_and_nothing_twice(tmp_path: Path) -> None:
    """From the start of the program; a line that only repeats the one above it is left out.

    Behind them an evening with a film is told as one line, though three lists have changed.
    """
    started_at = time.monotonic()
    with _demo(tmp_path / "demo") as demo:
        shown = _read_to(demo, "That was all six")
        assert time.monotonic() - started_at < 15
        story = _read_to(demo, "off the queue")
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=20)
    assert demo.returncode == 0
    lines = [line for line in shown.splitlines() if line.strip()]
    repeated = [(one, two) for one, two in pairwise(lines) if two.strip() in one]
    assert repeated == []
    named = [two for one, two in pairwise(lines) if re.fullmatch(r" +jane/\w+", one)]
    assert [two for two in named if not re.match(r" {10}\S", two)] == [], "a list is named, and nothing of it"
    assert re.search(r"watched .+ and rated it \d★, off the queue", story), story
