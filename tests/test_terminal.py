"""Tables that line up and texts that drive no terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.terminal import Column, clean_lines, clean_text, draw_table, width_of, wrap

# Letters, wide letters, accents that stand on the letter before, joiners, and what drives a terminal.
TEXT = st.text(st.sampled_from("abc é中日ｱ\u0301\u200d😀\t\n\x1b\x9b\x7f\u202e\u2028\ud800-"), max_size=30)


@given(st.text() | TEXT)
def test_clean_text_is_one_harmless_line(text: str) -> None:
    """Law: no control character, direction override or half of a character is left, and no letter is lost."""
    cleaned = clean_text(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", cleaned)
    assert len(cleaned) == len(text)
    assert cleaned.encode().decode() == cleaned


@given(TEXT)
def test_clean_lines_keep_breaks_and_tabs(text: str) -> None:
    """Law: of a log's text only line breaks and tabs stay of what is no character to be seen."""
    assert [clean_text(line) for line in re.split(r"[\n\t]", text)] == re.split(r"[\n\t]", clean_lines(text))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("é", 1),
        ("ｱ", 1),
        ("\uff21", 2),
        ("😀", 2),
        ("a\u200db", 2),
    ],
)
def test_width_counts_cells(text: str, cells: int) -> None:
    """A wide character takes two cells, an accent of its own none."""
    assert width_of(text) == cells


@given(TEXT.map(clean_text), st.integers(2, 20))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    """Law: every line fits, and together they are the text but for the spaces where it was broken."""
    lines = wrap(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("incomprehensible", 6, ["incomp", "rehens", "ible"]),
        ("a incomprehensible b", 6, ["a", "incomp", "rehens", "ible b"]),
        ("日本映画", 5, ["日本", "映画"]),
        ("", 5, [""]),
    ],
)
def test_text_is_wrapped_between_words(text: str, width: int, lines: list[str]) -> None:
    """Words stay whole where they fit."""
    assert wrap(text, width) == lines


FREE = [Column("Feed", 3), Column("Kind", 2), Column("N", right=True), Column("Why", 1)]
ROWS = [
    ["news/a-long-name", "queue", "7", "its server does not answer in time"],
    ["a/日本", "stream", "123", "-"],
]


def draw(width: int | None) -> list[str]:
    return list(draw_table(FREE, ROWS, width=width))


def test_columns_stand_under_their_headings() -> None:
    """Cells line up, wide characters too; numbers stand to the right, and no line ends in spaces."""
    assert draw(None) == [
        "Feed              Kind      N  Why",
        "news/a-long-name  queue     7  its server does not answer in time",
        "a/日本            stream  123  -",
    ]


def test_narrow_table_wraps_then_leaves_out_then_wraps_again() -> None:
    """Where room is short the reasons wrap first, then a column goes, then the names wrap."""
    assert draw(60) == [
        "Feed              Kind      N  Why",
        "news/a-long-name  queue     7  its server does not answer in",
        "                               time",
        "a/日本            stream  123  -",
    ]
    assert draw(36)[0] == "Feed                N  Why"
    assert all(width_of(line) <= 31 for line in draw(31))
    assert draw(31)[0] == "Feed            N  Why"


@given(st.lists(st.lists(TEXT.map(clean_text), min_size=4, max_size=4), max_size=5), st.integers(30, 100))
def test_table_never_breaks_and_fits_where_it_can(rows: list[list[str]], width: int) -> None:
    """Law: whatever the cells, there is a line for each row, and none is wider than the terminal."""
    columns = [Column("A", 3), Column("B", 2), Column("C", 1), Column("D", 1)]
    lines = list(draw_table(columns, rows, width=max(width, 12 * 3 + 4)))
    assert len(lines) >= len(rows) + 1
    assert all(width_of(line) <= max(width, 12 * 3 + 4) for line in lines)


def test_paint_takes_no_room() -> None:
    """Colours change no column, and headings have none."""
    painted = list(draw_table(FREE, ROWS, paint=lambda text: f"\x1b[31m{text}\x1b[0m"))
    assert [re.sub(r"\x1b\[\d+m", "", line).rstrip() for line in painted] == draw(None)
    assert "\x1b" not in painted[0]
