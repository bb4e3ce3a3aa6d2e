"""Somebody at a terminal: waits for a question, types the answer, sees what is shown."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from running import command_line, environment

_PATIENCE = 40.0
_A_SECOND = 1.0
_ROWS = 24
_TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs us in the background has it ignored
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
CTRL_C = "\x03"
CTRL_D = "\x04"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Typist:
    """A command on a terminal of its own, and a hand on the keyboard."""

    def __init__(self, terminal: int, process: subprocess.Popen[bytes]) -> None:
        self._terminal = terminal
        self._process = process
        self._shown = ""
        self._read_up_to = 0

    @property
    def shown(self) -> str:
        """All that was shown so far, without colours."""
        return _COLOURS.sub("", self._shown).replace("\r\n", "\n")

    def answer(self, question: str, text: str = "", *, key: str = "\n") -> str:
        """Wait until a question stands there, type a text and a key; gives what was shown up to there."""
        said = self.wait_for(question)
        os.write(self._terminal, f"{text}{key}".encode())
        return said

    def wait_for(self, text: str) -> str:
        """Wait until a text is shown, behind the last that was waited for; gives all that is between them."""
        ends_at = time.monotonic() + _PATIENCE
        while (at := self.shown.find(text, self._read_up_to)) < 0:
            if not self._read(ends_at):
                raise AssertionError(f"{text!r} was never shown, but {self.shown[self._read_up_to :]!r}")
        said = self.shown[self._read_up_to : at + len(text)]
        self._read_up_to = at + len(text)
        return said

    def end(self) -> int:
        """Wait until it ends; its exit status."""
        ends_at = time.monotonic() + _PATIENCE
        while self._read(ends_at):
            pass
        return self._process.wait(_PATIENCE)

    def end_by(self, key: str) -> int:
        """Press a key until it ends, as a person would; its exit status.

        A signal that comes in the instant between a prompt and the reading of its answer is heeded only
        when the next key is pressed: so it is with every program in Python that reads a line.
        """
        ends_at = time.monotonic() + _PATIENCE
        os.write(self._terminal, key.encode())
        while self._read(ends_at, press=key):
            pass
        return self._process.wait(_PATIENCE)

    def _read(self, ends_at: float, press: str = "") -> bool:
        """Read what comes next, pressing a key each second until then; False when nothing comes any more."""
        while not select.select([self._terminal], [], [], _A_SECOND)[0] and time.monotonic() < ends_at:
            os.write(self._terminal, press.encode())
        if time.monotonic() >= ends_at:
            self._process.kill()
            raise AssertionError(f"it neither asks nor ends; it showed {self.shown[-600:]!r}")
        try:
            piece = os.read(self._terminal, 65536)
        except OSError:  # Linux says EIO once nobody has the other side open
            return False
        self._shown += piece.decode("utf-8", "replace")
        return bool(piece)


@contextmanager
def at_terminal(
    *words: str | Path, folder: Path, env: Mapping[str, str] | None = None, columns: int = 80
) -> Iterator[Typist]:
    """Start a command on a terminal that is its own, so that Ctrl-C reaches it as everywhere."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        with subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command_line(*words)],
            cwd=folder,
            env=environment(folder, TERM="xterm-256color", **(env or {})),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            theirs = -1
            try:
                yield Typist(ours, process)
            finally:
                process.kill()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
