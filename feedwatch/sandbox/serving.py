"""The sandbox as a running server: in a thread for tests and the demo, or alone on a port."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from feedwatch.errors import FeedwatchError
from feedwatch.sandbox.app import Sandbox, create_app

_HOST = "127.0.0.1"


@contextmanager
def serving(sandbox: Sandbox, port: int = 0) -> Iterator[str]:
    """Serve a sandbox on this machine while the context lasts; gives its base URL.

    Raises:
        FeedwatchError: the port is taken.
    """
    with _bind(port) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(sandbox),
                log_level="critical",
                lifespan="off",
                access_log=False,
                date_header=False,  # the sandbox says what time it is there
            )
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # signals are our caller's
        thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
        thread.start()
        try:
            yield f"http://{_HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(timeout=5)


def run_sandbox(
    port: int,
    write_config: Path | None,
    announce: Callable[[str], None],
    *,
    dialect: str = "reference",
    signed_in: bool = True,
) -> None:
    """Serve until SIGINT or SIGTERM; print, or write, a configuration that works with it.

    It speaks a dialect: `reference` or `wild`. Without `signed_in` the configuration has no access token.

    Raises:
        FeedwatchError: the port is taken, or the file exists.
    """
    sandbox = Sandbox()
    sandbox.world.speak(dialect=dialect)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serving(sandbox, port) as base:
        # Beside the file: the state that is there by default is somebody's own, perhaps with a jane in it.
        config = sample_config(sandbox, base, more="\nstate: sandbox.db\n", signed_in=signed_in)
        if write_config:
            _write_new(write_config, config)
            then = "run" if signed_in else "login jane"
            announce(f"wrote {write_config}: try  feedwatch --config {write_config} {then}")
        else:
            announce(config)
        announce(f"# serving at {base} until Ctrl-C. To move the queue, for example:")
        announce(f"# curl -X POST -H 'Content-Type: application/json' -d '{{}}' {base}/control/add")
        stop.wait()


def sample_config(
    sandbox: Sandbox,
    base: str,
    *,
    every: str = "5s",
    gather: str = "1s",
    targets: str = "  # phone: ntfy://ntfy.sh/my-topic",
    more: str = "",
    signed_in: bool = True,
) -> str:
    """A configuration that works with a sandbox; without `signed_in`, once somebody has signed in there."""
    account = sandbox.world.account
    has_target = any(not line.strip().startswith("#") for line in targets.splitlines())
    token = (
        f"    access_token: {account.access_token}\n    access_token_secret: {account.access_token_secret}\n"
        f"    user_id: {account.user_id}\n"
        if signed_in
        else ""
    )
    return (
        f"# a configuration for the sandbox at {base}\n"
        f"poll:\n  every: {every}\n\n"
        f"gather: {gather}\n\n"
        f"accounts:\n  jane:\n    service: netflix\n    url: {base}\n"
        f"    consumer_key: {account.consumer_key}\n    consumer_secret: {account.consumer_secret}\n"
        f"{token}\n"
        f"{'targets:' if has_target else '# targets:'}\n{targets}\n{more}"
    )


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        raise FeedwatchError(f"port {port} is not free: {error.strerror}. Try another --port") from error
    listener.listen(128)
    return listener


def _write_new(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise FeedwatchError(f"{path} exists: it is not overwritten") from error
    except OSError as error:
        raise FeedwatchError(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(handle, "w") as file:
        file.write(text)
