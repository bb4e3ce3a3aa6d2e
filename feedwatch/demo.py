"""See it work: an API server, a real `feedwatch run` beside it, lists that move, and what arrives.

Nothing is staged: the daemon is a process of its own, speaks HTTP to the server, and tells a webhook
through Apprise; what this terminal shows is what stood in the bodies that the webhook received.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from feedwatch.sandbox import Sandbox, serving

_PAUSE = 1.2
"""Seconds between two moves: short enough to see all of them in a quarter of a minute."""
_START = 20.0
"""Seconds given to the daemon to see the lists for the first time."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens on the person's lists, and the words that must arrive for it."""

    what: str
    order: dict[str, object]
    expects: tuple[str, ...]


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

    def __enter__(self) -> Webhook:
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
                told = json.loads(body)
                messages.put(f"{told.get('title', '')}\n{told.get('message', '')}".strip())
                self.send_response(200)
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
    try:
        with ExitStack() as stack:
            return _Demo(stack, webhook_url, ends_at).run()
    except KeyboardInterrupt:
        click.echo("\nThat was feedwatch. README.md says how to set it up for your own lists.")
        return 0


class _Demo:
    def __init__(self, stack: ExitStack, webhook_url: str | None, ends_at: float) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feedwatch-demo-")))
        self._sandbox = Sandbox()
        self._base = stack.enter_context(serving(self._sandbox))
        self._webhook = stack.enter_context(Webhook())
        self._ends_at = ends_at
        self._log = folder / "daemon.log"
        config = folder / "config.yaml"
        config.write_text(self._configure(webhook_url or self._webhook.url))
        config.chmod(0o600)
        stack.enter_context(_daemon(config, self._log))

    def run(self) -> int:
        raise NotImplementedError

    def _configure(self, webhook: str) -> str:
        raise NotImplementedError


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
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
