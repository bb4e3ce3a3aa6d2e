"""A round of many feeds shows how far it is, where a person looks, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from feedwatch.commands import show_progress


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "feeds", "as_json", "shown"),
    [
        (Terminal(), 12, False, True),
        (Terminal(), 10, False, False),
        (Terminal(), 12, True, False),
        (io.StringIO(), 12, False, False),
    ],
    ids=["a terminal", "few feeds", "a program that reads JSON", "a pipe"],
)
def test_progress_is_shown_to_a_person(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, feeds: int, *, as_json: bool, shown: bool
) -> None:
    """On a terminal, from eleven feeds on, a bar counts the polls."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with show_progress(feeds, as_json=as_json) as advance:
        for _ in range(feeds):
            advance()
    assert ("polling" in stream.getvalue()) is shown
    assert shown or stream.getvalue() == ""
