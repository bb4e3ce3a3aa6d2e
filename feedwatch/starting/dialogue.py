"""Questions on a terminal: a default in brackets, a mistake said and asked again, Ctrl-C at any point."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from feedwatch.terminal import clean_lines, clean_text, wrap

Choice = TypeVar("Choice")
Check = Callable[[str], str]
"""Takes an answer and gives it as it is meant; a ValueError says what is wrong with it."""

_WIDEST = 80
_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def take(answer: str) -> str:
    """Take any answer."""
    return answer


def need(answer: str) -> str:
    """Take an answer that says something.

    Raises:
        ValueError: it does not.
    """
    if not answer:
        raise ValueError("something is wanted here")
    return answer


def end_sentence(text: str) -> str:
    """A text that ends as a sentence does."""
    return text if text.endswith((".", "?")) else f"{text}."


class Dialogue:
    """What is asked and said. Every question raises `click.Abort` at Ctrl-C and at the end of the input."""

    def head(self, text: str) -> None:
        """Begin a part."""
        bold = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        click.echo()
        click.secho(clean_text(text), bold=bold)

    def say(self, text: str, *, indent: str = "") -> None:
        """Say something, in lines that fit; foreign text in it cannot drive the terminal."""
        width = min(shutil.get_terminal_size().columns, _WIDEST) - len(indent)
        for line in clean_lines(text).split("\n"):
            for piece in wrap(line, max(width, 20)):
                click.echo(f"{indent}{piece}".rstrip())

    def show(self, lines: Sequence[str], *, indent: str = "  ") -> None:
        """Show lines as they are."""
        for line in lines:
            click.echo(f"{indent}{clean_text(line)}".rstrip())

    def ask(self, question: str, default: str = "", check: Check = need) -> str:
        """Ask for a text until it can be used; Enter takes the default."""
        shown = f"{question} [{default}]" if default else question
        return self._repeat(lambda: _read_line(f"{clean_text(shown)}: ") or default, check)

    def ask_secret(self, question: str, check: Check = need) -> str:
        """Ask for a text that is not shown while it is typed; how long it is, is said."""

        def read() -> str:
            answer = _read_line(f"{question} (not shown): ", hidden=True)
            if answer:
                self.say("1 character" if len(answer) == 1 else f"{len(answer)} characters", indent="  ")
            return answer

        return self._repeat(read, check)

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """Ask yes or no."""

        def check(answer: str) -> str:
            if answer and answer.lower() not in _YES | _NO:
                raise ValueError("y or n is wanted")
            return answer.lower()

        answer = self.ask(f"{question} [{'Y/n' if default else 'y/N'}]", check=check)
        return answer in _YES if answer else default

    def choose(self, question: str, choices: Sequence[tuple[Choice, str]], default: int = 1) -> Choice:
        """Show a numbered list and ask for one of it."""
        for number, (_, text) in enumerate(choices, start=1):
            click.echo(f"  {number:>2}  {text}")

        def check(answer: str) -> str:
            if not (answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(choices)):
                raise ValueError(f"a number from 1 to {len(choices)} is wanted")
            return answer

        return choices[int(self.ask(question, str(default), check)) - 1][0]

    def _repeat(self, read: Callable[[], str], check: Check) -> str:
        while True:
            try:
                return check(_check_line(read()))
            except ValueError as error:
                self.say(str(error), indent="  ")


def _read_line(prompt: str, *, hidden: bool = False) -> str:
    answer = click.prompt(prompt, default="", show_default=False, prompt_suffix="", hide_input=hidden)
    return str(answer).strip()


def _check_line(answer: str) -> str:
    if not answer.isprintable():
        raise ValueError("there was a control character in that: type it again, without arrow keys")
    return answer
