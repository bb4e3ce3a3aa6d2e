"""feedwatch as a person runs it: a real process, in a pipe or on a terminal, against a real sandbox."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from daemons import WarmStart

from feedwatch.cli import cli
from feedwatch.sandbox import Sandbox, World, sample_config, serving

_PATIENCE = 40.0
_IN_A_PIPE = 32_768


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def said(self) -> str:
        """All it said."""
        return self.out + self.err


def command_line(*words: str | Path) -> list[str]:
    """How feedwatch is started here."""
    return [sys.executable, "-m", "feedwatch", *map(str, words)]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a command sees around it: nothing of the person who runs the tests but where programs are."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LANG": "C.UTF-8", **more}


def run(
    *words: str | Path, folder: Path, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> Ran:
    """Run a command to its end, in a folder.

    What says how Python itself is to begin, or is more than a pipe holds, takes a Python that begins anew.
    """
    around = environment(folder, **(env or {}))
    plain = around["LANG"] == "C.UTF-8" and not any(name.startswith(("PYTHON", "LC_")) for name in around)
    if plain and len(stdin or "") < _IN_A_PIPE:
        status, out, err = _warm_start().run(
            [*map(str, words)], around, folder, (stdin or "").encode("utf-8", "surrogateescape")
        )
        return Ran(status, _read_text(out), _read_text(err))
    done = subprocess.run(
        command_line(*words),
        cwd=folder,
        env=around,
        input=stdin or "",
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=_PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@cache
def _warm_start() -> WarmStart:
    """What starts commands here: one for all tests of this process, until it ends."""
    warm = WarmStart()
    atexit.register(warm.__exit__)
    return warm


def _read_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def run_on_terminal(
    *words: str | Path, folder: Path, columns: int = 80, env: Mapping[str, str] | None = None
) -> Ran:
    """Run a command to its end on a terminal of its own; all that it shows is in `out`."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        around = environment(folder, TERM="xterm-256color", **(env or {}))
        process = subprocess.Popen(
            command_line(*words),
            cwd=folder,
            env=around,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            close_fds=True,
        )
        os.close(theirs)
        theirs = -1
        shown = _read_all(ours, process)
        return Ran(process.wait(_PATIENCE), shown.decode("utf-8", "replace").replace("\r\n", "\n"), "")
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)


def _read_all(terminal: int, process: subprocess.Popen[bytes]) -> bytes:
    shown = b""
    ends_at = time.monotonic() + _PATIENCE
    while time.monotonic() < ends_at:
        readable, _, _ = select.select([terminal], [], [], 0.2)
        if not readable:
            if process.poll() is not None:
                return shown
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says EIO once nobody has the other side open
            return shown
        if not piece:
            return shown
        shown += piece
    process.kill()
    raise AssertionError(f"the command did not end; it showed {shown[-500:]!r}")


@dataclass
class Place:
    """A folder with a configuration, and the sandbox that its account is at."""

    folder: Path
    sandbox: Sandbox
    base: str
    env: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The lists."""
        return self.sandbox.world

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "config.yaml"

    @property
    def state(self) -> Path:
        """The state."""
        return self.folder / "feedwatch.db"

    def configure(self, *, targets: str = "", more: str = "", every: str = "15m") -> None:
        """Write the configuration: the sandbox's account, and what is given."""
        text = sample_config(self.sandbox, self.base, every=every, gather="0s", targets=targets, more=more)
        self.config.touch(mode=0o600)
        self.config.write_text(f"{text}\nstate: feedwatch.db\n")

    def run(self, *words: str | Path) -> Ran:
        """Run a command with this configuration."""
        return run("--config", self.config, *words, folder=self.folder, env=self.env)

    def ask(self, *words: str | Path) -> Ran:
        """Run a command that only looks within this process: quicker, where the process is not the point."""
        done = CliRunner().invoke(
            cli, ["--config", str(self.config), *map(str, words)], prog_name="feedwatch"
        )
        return Ran(done.exit_code, done.stdout, done.stderr)

    def run_on_terminal(self, *words: str | Path, columns: int = 80) -> Ran:
        """Run a command with this configuration on a terminal."""
        return run_on_terminal(
            "--config", self.config, *words, folder=self.folder, columns=columns, env=self.env
        )


@contextmanager
def at_sandbox(folder: Path, *, queue: int = 12, targets: str = "", more: str = "") -> Iterator[Place]:
    """Serve a sandbox with a short queue, and configure its account in a folder."""
    sandbox = Sandbox(World(queue=queue))
    with serving(sandbox) as base:
        place = Place(folder, sandbox, base)
        place.configure(targets=targets, more=more)
        yield place
