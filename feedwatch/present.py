"""How values look to a person and to a program: tables on a terminal, JSON lines with stable keys.

Control characters never reach a terminal, and everything shown passes the redactor.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TextIO

from feedwatch.redact import Redactor
from feedwatch.terminal import Column, clean_text, draw_table, wrap

Row = Mapping[str, object]
Show = Callable[[Row], str | None]

# Made once: `json.dumps` would set one up anew for each row.
_ENCODE = {is_ascii: json.JSONEncoder(ensure_ascii=is_ascii).encode for is_ascii in (True, False)}
_JSON_CONTROL = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")
_GIVES_WAY = {"group": 1, "title": 1, "details": 1, "why": 1, "problem": 1, "url": 1}
_GIVES_WAY |= {"genres": 1, "people": 1}
_GIVES_WAY |= {"how": 1, "matcher": 1, "comment": 1, "kind": 2, "feed": 3, "subject": 3, "target": 3}
_NUMBERS = frozenset({"id", "entries", "changes", "attempts", "position"})
_HEADINGS = {
    "last_polled_at": "polled",
    "next_poll_at": "next poll",
    "next_attempt_at": "next try",
    "first_seen_at": "first seen",
}
_SOON = timedelta(seconds=1)
_SGR = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2"}
_COLOURS = {
    "ok": "green",
    "yes": "green",
    "delivered": "green",
    "added": "green",
    "compared": "green",
    "new": "cyan",
    "moved": "cyan",
    "baseline": "cyan",
    "updated": "yellow",
    "pending": "yellow",
    "claimed": "yellow",
    "paused": "cyan",
    "held": "yellow",
    "resting": "yellow",
    "late": "yellow",
    "failing": "red",
    "failed": "red",
    "outage": "red",
    "no": "red",
    "removed": "red",
    "dead": "red",
    "signed_out": "red",
    "retired": "dim",
    "unchanged": "dim",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where answers go: a terminal, a pipe, or a program that reads JSON."""

    redactor: Redactor
    as_json: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)

    def print_rows(
        self,
        rows: Iterable[Row],
        columns: Sequence[str],
        *,
        empty: str,
        show: Mapping[str, Show] | None = None,
        aside: tuple[str, Show] | None = None,
    ) -> None:
        """Print rows as JSON lines with all their keys, or as a table of some columns.

        `show` makes the cells of columns that are no key. `aside` names what is too long for a cell or
        rarely to be said: on a terminal it stands below the table, in a pipe it is the last column.
        """
        if self.as_json:
            for row in rows:
                self._write(self._encode(row))
            return
        table = _Table(self, list(rows), columns, dict(show or {}), aside)
        for line in table.draw() or [self.clean(empty)]:
            self._write(line)

    def say(self, text: str) -> None:
        """Print one line."""
        self._write(self.clean(text))

    def clean(self, text: str) -> str:
        """A text without secrets that cannot drive a terminal."""
        return clean_text(self.redactor.redact(text))

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it, rather than the next program of a pipe."""
        return self.out.isatty()

    def _write(self, line: str) -> None:
        print(line, file=self.out)

    def _encode(self, row: Row) -> str:
        # The values and not the line: a secret such as `title` must not break the keys.
        text = _ENCODE[not _is_unicode(self.out)](_redact_values(row, self.redactor))
        return _JSON_CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


class _Table:
    """Rows as a person reads them."""

    def __init__(
        self,
        screen: Screen,
        rows: Sequence[Row],
        columns: Sequence[str],
        show: dict[str, Show],
        aside: tuple[str, Show] | None,
    ) -> None:
        self._screen = screen
        self._rows = rows
        self._columns = [*columns]
        self._show = show
        self._clean = cache(screen.clean)  # the same few words stand in nearly every row
        self._now = datetime.now(UTC)
        self._is_terminal = screen.is_terminal
        name, say = aside or ("", lambda _: None)
        self._asides = [say(row) for row in rows]
        if any(self._asides) and not self._is_terminal:
            self._columns.append(name)
            self._show[name] = say

    def draw(self) -> list[str]:
        """Draw its lines; none without rows."""
        if not self._rows:
            return []
        cells = [[self._cell(row, column) for column in self._columns] for row in self._rows]
        if not self._is_terminal:
            return list(draw_table([_column(name, str.upper) for name in self._columns], cells))
        width = shutil.get_terminal_size().columns
        columns = [_column(name, str.capitalize) for name in self._columns]
        drawn = draw_table(columns, cells, width=width, paint=_paint if _has_colours() else str)
        return [*drawn, *self._draw_asides(width)]

    def _cell(self, row: Row, column: str) -> str:
        value = self._show[column](row) if column in self._show else row[column]
        if self._is_terminal and isinstance(value, str) and column.rpartition("_")[2] == "at":
            return _show_relative(value, self._now, is_plan=column.startswith("next_"))
        return self._clean(_show_value(value))

    def _draw_asides(self, width: int) -> list[str]:
        """Draw a line for each thing to be said, with all the rows that it is said of."""
        subjects: dict[str, list[str]] = {}
        for row, aside in zip(self._rows, self._asides, strict=True):
            if aside:
                subjects.setdefault(aside, []).append(self._cell(row, self._columns[0]))
        texts = [f"{', '.join(of)}: {self._screen.clean(aside)}" for aside, of in subjects.items()]
        lines = [line for text in texts for line in _hang(wrap(text, max(width - 2, 20)))]
        return ["", *lines] if lines else []


def _redact_values(value: object, redactor: Redactor) -> object:
    if isinstance(value, str):
        return redactor.redact(value)
    if isinstance(value, Mapping):
        return {key: _redact_values(each, redactor) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_values(each, redactor) for each in value]
    return value


def _is_unicode(out: TextIO) -> bool:
    return (out.encoding or "utf-8").lower().replace("-", "") == "utf8"


def _has_colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _paint(text: str) -> str:
    colour = _COLOURS.get(text)
    return f"\x1b[{_SGR[colour]}m{text}\x1b[0m" if colour else text


def _column(name: str, style: Callable[[str], str]) -> Column:
    heading = style(_HEADINGS.get(name, name.removesuffix("_at").replace("_", " ")))
    return Column(heading, gives_way=_GIVES_WAY.get(name, 0), right=name in _NUMBERS)


def _hang(lines: list[str]) -> list[str]:
    """A text of several lines, the others a little to the right of the first."""
    return [lines[0], *(f"  {line}" for line in lines[1:])]


def _show_value(value: object) -> str:
    """A cell of a table."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def show_duration(length: timedelta) -> str:
    """A duration as a person says it: `2 h`, `3 d`."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _round(length: timedelta) -> timedelta:
    """The nearest to a duration that can be said in one unit: what was to be in two hours is not `in 1 h`."""
    seconds = round(length.total_seconds())
    for size in (60, 3600, 86400):
        if seconds >= size:
            seconds = (seconds + size // 2) // size * size
    return timedelta(seconds=seconds)


def _show_relative(instant: str, now: datetime, *, is_plan: bool) -> str:
    length = datetime.fromisoformat(instant) - now
    if length >= _SOON:
        return f"in {show_duration(_round(length))}"
    if is_plan:
        return "now"
    return f"{show_duration(-length)} ago" if length <= -_SOON else "just now"
