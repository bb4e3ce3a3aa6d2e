"""See it work: an API server, a real `feedwatch run` beside it, lists that move, and what arrives.

Nothing is staged: the daemon is a process of its own, speaks HTTP to the server, and tells a webhook
through Apprise; what this terminal shows is what stood in the bodies that the webhook received.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from shutil import get_terminal_size
from typing import Self

import click

from feedwatch.errors import FeedwatchError
from feedwatch.sandbox import Sandbox, World, sample_config, serving
from feedwatch.sandbox.titles import Title
from feedwatch.terminal import clean_text, ending_like_ctrl_c, wrap

_PAUSE = 1.2
"""Seconds between two moves: short enough to see all of them in a quarter of a minute."""
_SLOW_PAUSE = 4.0
"""Seconds between two moves once everything has been shown."""
_PATIENCE = 30.0
"""Seconds to wait for what should come at once."""
_GATHER = "2500ms"
"""Longer than from one round to the next, which is a second and what a tick takes to find it due.

So what happens in the midst of a round is told as one, too.
"""
_LAST_LINES = 8
_TARGET = "webhook"


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens on the person's lists, and the words that must arrive for it."""

    what: str
    carry_out: Callable[[World], Title]
    verb: str
    """What a line that tells of it says beside the title's name."""


MOVES = (
    Move("an addition", lambda world: world.add(title="Spirited Away"), "added"),
    Move("a move", lambda world: world.move(start=7, to=1), "moved"),
    Move("a removal", lambda world: world.remove(position=12), "removed"),
    Move("a viewing", lambda world: world.watch(title="Casablanca"), "watched"),
    Move("a rating", lambda world: world.rate(title="Casablanca", value="5"), "rated"),
    Move("a recommendation", lambda world: world.recommend(title="The Third Man"), "recommended"),
)


def _spend_an_evening(world: World) -> None:
    """Watch a title, rate it and take it off the queue: three lists change, and one story is told."""
    with world.lock:
        title = world.remove(position=2)
        world.watch(title=title.id)
        world.rate(title=title.id, value=random.choice("345"))  # noqa: S311 — nothing secret hangs on it


def _make_plans(world: World) -> None:
    """Put two more titles into the queue at once."""
    with world.lock:
        for _ in range(2):
            world.add()


def _move_one(world: World) -> None:
    world.move(start=random.randint(2, len(world.queue)), to=1)  # noqa: S311 — nothing secret hangs on it


AFTERWARDS: tuple[tuple[str, Callable[[World], object]], ...] = (
    ("watches a film of the queue, rates it and takes it off", _spend_an_evening),
    ("adds two titles", _make_plans),
    ("watches, rates and takes off another", _spend_an_evening),
    ("makes another move", _move_one),
)
"""What goes on once everything has been shown, in turn: changes that are told as one, for the most part.

As many titles come as go, so that it can go on for ever.
"""


class Webhook:
    """A local webhook: keeps the text of every message that it is sent."""

    def __init__(self) -> None:
        self.messages: queue.Queue[str] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address as Apprise wants it."""
        return f"json://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        messages = self.messages

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                text = _read_message(body)
                if text:
                    messages.put(text)
                self.send_response(200 if text else 400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: the terminal is for the messages."""

        return Receiver


def run_demo(limit: timedelta | None, webhook_url: str | None = None) -> int:
    """Run the demo until Ctrl-C, or for a time; 0 only if every move was told over HTTP.

    `webhook_url` sends the daemon elsewhere than to the demo's own webhook.
    """
    ends_at = time.monotonic() + limit.total_seconds() if limit else float("inf")
    demo: _Demo | None = None
    try:
        with ending_like_ctrl_c(), ExitStack() as stack:
            demo = _Demo(stack, webhook_url, ends_at)
            demo.run()
            demo.keep_last_words()
    except KeyboardInterrupt:
        click.echo()
    return demo.conclude() if demo else 1


class _Demo:
    """The parts of the demo, and what has arrived of what was to."""

    def __init__(self, stack: ExitStack, webhook_url: str | None, ends_at: float) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feedwatch-demo-")))
        self._world = World(queue=40)
        self._ends_at = ends_at
        self._awaited: dict[str, tuple[str, str]] = {}
        self._made: set[str] = set()
        self._arrived: list[str] = []
        self._last_words = ""
        # In a pipe a line is a line.
        self._width = max(get_terminal_size().columns, 40) if sys.stdout.isatty() else 10_000
        sandbox = Sandbox(self._world)
        base = stack.enter_context(serving(sandbox))
        self._webhook = stack.enter_context(Webhook())
        config = folder / "config.yaml"
        config.touch(mode=0o600)
        config.write_text(_configure(sandbox, base, folder, webhook_url or self._webhook.url))
        self._log = folder / "daemon.log"
        self._daemon = stack.enter_context(_daemon(config, self._log))
        click.secho("feedwatch demo", bold=True)
        click.echo(f"An API server at {base}, a daemon that polls it every")
        click.echo("second, and a webhook. Somebody moves the lists; below is what the webhook is")
        click.echo("told.  Ctrl-C ends it.\n")

    def run(self) -> None:
        """Wait for the daemon to know the lists, move each in turn, and go on until the time is up."""
        self._show_messages(_soon(), until=lambda: any("watching" in text for text in self._arrived))
        if not self._arrived:
            return
        for move in MOVES:
            self._make(move)
            self._show_messages(time.monotonic() + _PAUSE)
        self._show_messages(_soon(), until=lambda: not self._awaited)
        if self._missing():
            return
        end = "until Ctrl-C" if self._ends_at == float("inf") else "until the time is up"
        click.secho(f"That was all six. It goes on {end}.\n", fg="green")
        for what, carry_out in cycle(AFTERWARDS):
            if not self._is_on():
                return
            carry_out(self._world)
            click.secho(f"  (somebody {what})", dim=True)
            self._show_messages(time.monotonic() + _SLOW_PAUSE)

    def keep_last_words(self) -> None:
        """Keep what the daemon logged of late, for its log goes with the folder."""
        lines = self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        self._last_words = "\n".join(f"  {clean_text(line)}" for line in lines)

    def conclude(self) -> int:
        """Say what did not arrive; the exit status of the demo."""
        missing = self._missing()
        if missing:
            click.secho(f"never told: {', '.join(missing)}", fg="red", err=True)
            if self._last_words:
                click.echo(f"the last that the daemon logged:\n{self._last_words}", err=True)
            return 1
        click.echo("README.md says how to set feedwatch up for your own lists.")
        return 0

    def _missing(self) -> list[str]:
        return [move.what for move in MOVES if move.what in self._awaited or move.what not in self._made]

    def _make(self, move: Move) -> None:
        if not self._is_on():
            return
        title = move.carry_out(self._world)
        self._made.add(move.what)
        self._awaited[move.what] = (title.name, move.verb)
        click.secho(f"  (somebody makes {move.what})", dim=True)

    def _show_messages(
        self, deadline: float = float("inf"), *, until: Callable[[], bool] = lambda: False
    ) -> None:
        """Print messages as they arrive, up to a moment or until something holds."""
        while self._is_on() and not until() and (left := min(deadline, self._ends_at) - time.monotonic()) > 0:
            try:
                text = self._webhook.messages.get(timeout=min(left, 0.2))
            except queue.Empty:
                self._check_daemon()
                continue
            self._show(text)

    def _show(self, text: str) -> None:
        self._arrived.append(text)
        lines = lay_out_message(text)
        told = [what for what, words in self._awaited.items() if _tells(lines, words)]
        for what in told:
            del self._awaited[what]
        click.secho(f"{time.strftime('%H:%M:%S')}  {lines[0]}", fg="cyan", bold=True)
        for line in lines[1:]:
            indent = " " * (10 + len(line) - len(line.lstrip()))
            for piece in wrap(line.lstrip(), self._width - len(indent)):
                click.echo(f"{indent}{piece}")

    def _check_daemon(self) -> None:
        if self._daemon.poll() is not None:
            raise FeedwatchError(f"the daemon ended by itself:\n{self._log.read_text()[-2000:]}")

    def _is_on(self) -> bool:
        return time.monotonic() < self._ends_at


def lay_out_message(text: str) -> list[str]:
    """The lines of a message, without those that only repeat its title.

    Of a single story the title says all: neither it nor the name of its list is shown again, only what more
    is known of it (indented).
    """
    title, *body = [clean_text(line) for line in text.splitlines()]
    happened = [line for line in body if line.strip() and not line.startswith(" ")]
    is_said = bool(happened) and happened[-1] in title
    more = (line for line in body if line.startswith(" ") or (line and line not in title and not is_said))
    return [title, *more]


def _soon() -> float:
    return time.monotonic() + _PATIENCE


def _read_message(body: bytes) -> str:
    """The text of a message as Apprise posts it; empty for anything else."""
    try:
        told = json.loads(body)
        return f"{told.get('title', '')}\n{told.get('message', '')}".strip()
    except (ValueError, AttributeError):
        return ""


def _tells(lines: list[str], words: tuple[str, str]) -> bool:
    return any(all(word in line for word in words) for line in lines)


def _configure(sandbox: Sandbox, base: str, folder: Path, webhook: str) -> str:
    targets = f"  {_TARGET}: {webhook}\n"
    more = f"routes:\n  - {{to: {_TARGET}, changes: all}}\nstate: {folder / 'feedwatch.db'}\n"
    return sample_config(sandbox, base, every="1s", gather=_GATHER, targets=targets, more=more)


@contextmanager
def _daemon(config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real daemon, stopped in order at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 — our own program
            [sys.executable, "-m", "feedwatch", "--config", str(config), "run"],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is ours: it is stopped in order
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=12)
            except BaseException as error:  # Ctrl-C again is no reason to leave a process behind
                process.kill()
                process.wait()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
