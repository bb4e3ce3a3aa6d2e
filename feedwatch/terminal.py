"""What a terminal can bear and how a table stands on it: no control characters, cells that line up."""

from __future__ import annotations

import os
import re
import signal
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TextIO

GAP = "  "
_NARROWEST = 12
"""A column that gives way keeps so many cells: less is not readable."""
# Controls, direction overrides, line separators, and halves of characters.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")
_CONTROL_IN_LINES = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x08\x0b-\x1f"))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Where that is too wide, columns wrap (1), then are left out (2), then wrap (3)."""

    heading: str
    gives_way: int = 0
    right: bool = False


@contextmanager
def ending_like_ctrl_c() -> Iterator[None]:
    """Let a closed terminal, or a polite kill, end a command like Ctrl-C: with all that it started."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def can_redraw(out: TextIO) -> bool:
    """Whether what is written there can be written over: by a bar, or a line that goes again."""
    return out.isatty() and os.environ.get("TERM") != "dumb"


def clean_text(text: str) -> str:
    """A text that cannot drive a terminal."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def clean_lines(text: str) -> str:
    """Lines of text that cannot drive a terminal; their breaks and tabs stay."""
    return _CONTROL_IN_LINES.sub(" ", text)


def width_of(text: str) -> int:
    """How many cells of a terminal a text takes: two for a wide character, none for an accent."""
    return len(text) if text.isascii() else sum(map(_width_of_one, text))


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most so many cells, broken between words where that is possible."""
    if width_of(text) <= width:
        return [text.lstrip(" ")]
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width_of(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _cut(word, width)
        lines += full
    return [*lines, line]


def draw_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    paint: Callable[[str], str] = str,
) -> Iterator[str]:
    """Draw lines: the headings, then every row, within `width` cells if it is given.

    `paint` colours a piece of text; what it adds takes no room.
    """
    lines = [[column.heading for column in columns], *rows]
    widths = [max(width_of(line[index]) for line in lines) for index in range(len(columns))]
    if width is not None:
        widths = _shrink(widths, columns, width)
    shown = [index for index, cells in enumerate(widths) if cells]
    for number, line in enumerate(lines):
        parts = [wrap(line[index], widths[index]) for index in shown]
        for cells in zip_longest(*parts, fillvalue=""):
            drawn = [
                _draw_cell(cell, columns[index], widths[index], paint if number else str)
                for cell, index in zip(cells, shown, strict=True)
            ]
            yield GAP.join(drawn).rstrip()


def _draw_cell(cell: str, column: Column, width: int, paint: Callable[[str], str]) -> str:
    room = " " * (width - width_of(cell))
    return room + paint(cell) if column.right else paint(cell) + room


def _shrink(widths: list[int], columns: Sequence[Column], most: int) -> list[int]:
    """Let columns give way until the table fits, or none can give more; 0 for one that is left out."""
    widths = list(widths)
    for turn in (1, 2, 3):
        giving = [number for number, column in enumerate(columns) if column.gives_way == turn]
        if turn == 2:
            for number in giving:
                widths[number] = widths[number] if _excess(widths, most) <= 0 else 0
            continue
        while giving and _excess(widths, most) > 0:
            widest = max(giving, key=widths.__getitem__)
            if widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
    return widths


def _excess(widths: Sequence[int], most: int) -> int:
    shown = [width for width in widths if width]
    return sum(shown) + len(GAP) * (len(shown) - 1) - most


def _cut(word: str, width: int) -> list[str]:
    """A word in pieces of at most so many cells; never an accent apart from its letter."""
    pieces, room = [""], width
    for character in word:
        cells = _width_of_one(character)
        if cells > room and pieces[-1]:
            pieces.append("")
            room = width
        pieces[-1] += character
        room -= cells
    return pieces


def _width_of_one(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
