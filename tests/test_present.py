"""How rows look: JSON with keys that hold, plain tables in a pipe, friendly ones on a terminal."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.document import show_instant
from feedwatch.present import Row, Screen, show_duration
from feedwatch.redact import MASK, Redactor

NOW = datetime.now(UTC)


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


class Latin(io.StringIO):
    """A stream of another encoding."""

    encoding = "iso-8859-1"


def show(rows: list[Row], columns: list[str], out: io.StringIO, *secrets: str, as_json: bool = False) -> str:
    screen = Screen(Redactor(*secrets), as_json=as_json, out=out)
    screen.print_rows(rows, columns, empty="nothing here", aside=("why", lambda row: str(row["why"] or "")))
    return out.getvalue()


def row(**values: object) -> Row:
    return {"feed": "a/b", "state": "ok", "next_poll_at": None, "why": None, **values}


COLUMNS = ["feed", "state", "next_poll_at"]


def test_pipe_gets_a_plain_table() -> None:
    """In a pipe there is no colour, instants are exact, and what is rarely said is the last column."""
    at = show_instant(NOW)
    shown = show([row(next_poll_at=at), row(state="failing", why="it broke")], COLUMNS, io.StringIO())
    assert shown == (
        "FEED  STATE    NEXT POLL             WHY\n"
        f"a/b   ok       {at}  -\n"
        "a/b   failing  -                     it broke\n"
    )


def test_terminal_gets_colours_and_instants_as_they_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal states are coloured, instants told from now on, and what is rarely said stands below."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    at = show_instant(datetime.now(UTC) + timedelta(minutes=13, seconds=10))
    rows = [row(next_poll_at=at), row(state="failing", why="it broke"), row(feed="c/d", why="it broke")]
    assert show(rows, COLUMNS, Terminal()) == (
        "Feed  State    Next poll\n"
        "a/b   \x1b[32mok\x1b[0m       in 13 min\n"
        "a/b   \x1b[31mfailing\x1b[0m  -\n"
        "c/d   \x1b[32mok\x1b[0m       -\n"
        "\n"
        "a/b, c/d: it broke\n"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(7199, "in 2 h"), (3596, "in 1 h"), (5000, "in 1 h"), (86390, "in 1 d"), (129700, "in 2 d")],
)
def test_what_lies_ahead_is_told_in_the_nearest_unit(
    monkeypatch: pytest.MonkeyPatch, seconds: int, said: str
) -> None:
    """A silence of two hours, listed a moment later, ends in 2 h and not in 1."""
    monkeypatch.setenv("TERM", "dumb")
    at = show_instant(datetime.now(UTC) + timedelta(seconds=seconds, milliseconds=900))
    assert f"  {said}\n" in show([row(next_poll_at=at)], COLUMNS, Terminal())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_declined(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A terminal that wants no colours gets none."""
    monkeypatch.setenv(name, value)
    assert "\x1b" not in show([row()], COLUMNS, Terminal())


@pytest.mark.parametrize(
    ("column", "ago", "shown"),
    [
        ("last_polled_at", timedelta(0), "just now"),
        ("last_polled_at", timedelta(seconds=30), "30 s ago"),
        ("last_polled_at", timedelta(minutes=2, seconds=5), "2 min ago"),
        ("at", timedelta(hours=5, minutes=1), "5 h ago"),
        ("first_seen_at", timedelta(days=40, minutes=1), "40 d ago"),
        ("next_poll_at", timedelta(minutes=-5, seconds=-20), "in 5 min"),
        ("next_poll_at", timedelta(minutes=5), "now"),
        ("next_attempt_at", timedelta(hours=-30), "in 1 d"),
    ],
)
def test_instant_is_told_from_now_on(column: str, ago: timedelta, shown: str) -> None:
    """What was is `ago`, what will be is `in`, and what is overdue is `now`."""
    at = show_instant(datetime.now(UTC) - ago)
    assert show([row(**{column: at})], [column], Terminal()).splitlines()[1] == shown


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=47), "1 d"),
    ],
)
def test_duration_is_said_in_its_largest_unit(length: timedelta, said: str) -> None:
    """A duration is rounded down to one unit."""
    assert show_duration(length) == said


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["a pipe", "a terminal"])
def test_nothing_to_show_is_said(out: io.StringIO) -> None:
    """Without rows a person gets a sentence instead of an empty table."""
    assert show([], COLUMNS, out) == "nothing here\n"


def test_json_has_every_key_and_nothing_else() -> None:
    """A program gets one object a line with all keys, whatever the columns; of no rows, no line."""
    rows = [row(count=3, yes=True, fields={"x": {"from": None, "to": "1"}})]
    assert json.loads(show(rows, ["feed"], io.StringIO(), as_json=True)) == rows[0]
    assert show([], COLUMNS, io.StringIO(), as_json=True) == ""


HARD = st.text(st.characters(codec=None) | st.sampled_from('"\\\x1b\x9b\u2028\ud800é中😀'), max_size=20)


@given(HARD, HARD)
def test_json_reads_back_and_drives_no_terminal(title: str, name: str) -> None:
    """Law: any text reads back as it was, on one line without control characters, in any encoding."""
    for out in (io.StringIO(), Latin()):
        shown = show([row(title=title, fields={"x": name})], ["feed"], out, as_json=True)
        assert json.loads(shown)["title"] == title
        assert json.loads(shown)["fields"] == {"x": name}
        assert shown.count("\n") == 1
        assert not set(shown[:-1]) & set(map(chr, [*range(32), *range(0x7F, 0xA0), 0x202E, 0x2028]))
        assert shown.isascii() or not isinstance(out, Latin)


@pytest.mark.parametrize("secret", ["feed", "true", "null", 'quo"ted\\back', "state", "a/b-secret"])
def test_secret_is_masked_in_json_and_breaks_no_key(secret: str) -> None:
    """A secret that is a word of the format, or that JSON would escape, is masked in values alone."""
    shown = show(
        [row(title=f"<{secret}>", ok=True, none=None)], ["feed"], io.StringIO(), secret, as_json=True
    )
    read = json.loads(shown)
    assert read["title"] == f"<{MASK}>"
    assert list(read) == ["feed", "state", "next_poll_at", "why", "title", "ok", "none"]


def test_secret_is_masked_within_lists_and_mappings() -> None:
    """A list of addresses is a way out like any text, however deep it stands."""
    rows = [row(title=None, fields={"x": ["an-old-secret", ("an-old-secret", 1)]})]
    shown = show(rows, ["feed"], io.StringIO(), "an-old-secret", as_json=True)
    assert json.loads(shown)["fields"] == {"x": [MASK, [MASK, 1]]}


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["a pipe", "a terminal"])
def test_secret_is_masked_in_tables(out: io.StringIO) -> None:
    """Neither a cell, nor an aside, nor a sentence shows a secret."""
    screen = Screen(Redactor("s3cret-token"), out=out)
    screen.print_rows(
        [row(feed="s3cret-token")], ["feed"], empty="", aside=("why", lambda _: "is s3cret-token")
    )
    screen.print_rows([], [], empty="no s3cret-token")
    screen.say("told s3cret-token")
    assert "s3cret-token" not in out.getvalue()
    assert out.getvalue().count(MASK) == (5 if out.isatty() else 4)


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["a pipe", "a terminal"])
def test_control_characters_stay_out_of_tables(monkeypatch: pytest.MonkeyPatch, out: io.StringIO) -> None:
    """A title with an escape sequence, or of two lines, stays one harmless line of a table."""
    monkeypatch.setenv("NO_COLOR", "1")
    evil = "a\x1b]0;title\x07\nb\x9b2J"
    screen = Screen(Redactor(), out=out)
    screen.print_rows([row(feed=evil)], ["feed"], empty="", aside=("why", lambda _: evil))
    screen.say(evil)
    assert not set(out.getvalue()) & {"\x1b", "\x07", "\x9b"}
    # A heading and a row, a sentence; on a terminal an empty line and the aside besides.
    assert out.getvalue().count("\n") == (5 if out.isatty() else 3)


def test_thousands_of_rows_are_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of five thousand titles is there in a moment, on a terminal too."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = [row(position=n, title=f"千と千尋 {n}", first_seen_at=show_instant(NOW)) for n in range(5_000)]
    began = datetime.now(UTC)
    shown = show(rows, ["position", "title", "first_seen_at"], Terminal())
    assert shown.count("\n") == 5_001
    assert datetime.now(UTC) - began < timedelta(seconds=5)
