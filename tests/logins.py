"""Somebody who signs in: `feedwatch login` as a real process, and the sandbox's login page, filled in."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from asking import Answer, ask
from running import Place, Ran, command_line, environment

from feedwatch.sandbox import World

_PATIENCE = 30.0
_KEPT_IN_STATE = re.compile(r"^    (access_token|access_token_secret|user_id):.*\n", re.MULTILINE)


def take_tokens_out(config: Path) -> None:
    """Leave a configuration without an access token, as it is before anybody has signed in."""
    config.write_text(_KEPT_IN_STATE.sub("", config.read_text()))


class Login:
    """`feedwatch login` while it waits."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def said(self) -> str:
        """All that it has said on standard output so far."""
        with self._changed:
            return "".join(self._said)

    @property
    def address(self) -> str:
        """The login page's address, once it is shown and the answer is waited for."""
        found = self.wait_for(r"^    (http\S+)$")
        self.wait_for(r"^When ")
        return found[1]

    def wait_for(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait until something is said for the so-manieth time."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._find(pattern)) >= count or self._has_ended, _PATIENCE)
            found = self._find(pattern)
            assert len(found) >= count, f"{pattern!r} was not said, but {self._all_said()!r}"
            return found[count - 1]

    def paste(self, text: str) -> None:
        """Paste something, and press Enter."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def close_input(self) -> None:
        """End what is typed, without a line."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def end(self) -> Ran:
        """Wait until it ends."""
        status = self._process.wait(_PATIENCE)
        self._thread.join(_PATIENCE)
        assert self._process.stderr is not None
        return Ran(status, self.said, self._process.stderr.read())

    def interrupt(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    @property
    def _has_ended(self) -> bool:
        return not self._thread.is_alive()

    def _all_said(self) -> str:
        """All that it has said, and what went wrong if it has ended."""
        assert self._process.stderr is not None
        return "".join(self._said) + (self._process.stderr.read() if self._has_ended else "")

    def _find(self, pattern: str) -> list[re.Match[str]]:
        return list(re.finditer(pattern, "".join(self._said), re.MULTILINE))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._said.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


@contextmanager
def logging_in(place: Place, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Login]:
    """Start `feedwatch login jane` with more words; it is gone when the block ends."""
    with subprocess.Popen(
        command_line("--config", place.config, "login", "jane", *words),
        cwd=place.folder,
        env=environment(place.folder, **place.env, **(env or {})),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Login(process)
        finally:
            process.kill()


def answer_page(world: World, address: str, answer: str = "yes") -> Answer:
    """Fill the login page in and send it, as a browser would; what comes is not followed."""
    account = world.account
    said = dict(parse_qsl(urlsplit(address).query))
    said |= {"name": account.login_name, "password": account.password, "accept_tos": "TRUE", "answer": answer}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(address.partition("?")[0], headers, method="POST", body=urlencode(said).encode())


def code_on(page: Answer) -> str:
    """The code that the last page shows; empty where there is none."""
    found = re.search(r'id="code">([^<]+)<', page.text)
    return found[1] if found else ""


def sign_in(place: Place) -> Ran:
    """Sign jane in, by a pasted code."""
    with logging_in(place, "--paste") as login:
        login.paste(code_on(answer_page(place.world, login.address)))
        return login.end()
