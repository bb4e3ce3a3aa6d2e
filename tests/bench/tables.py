"""Tables for the terminal and for a document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under columns, the same in both forms; the first `names` columns are words, the rest numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1

    def write_text(self) -> str:
        """For a terminal."""
        widths = [max(map(len, cells)) for cells in zip(self.columns, *self.rows, strict=True)]
        lines = ["  ".join(self._align(row, widths)).rstrip() for row in (self.columns, *self.rows)]
        return "\n".join([self.title, *(f"  {line}" for line in lines)]) + "\n"

    def write_markdown(self) -> str:
        """For a document."""
        rules = ["---" if index < self.names else "--:" for index in range(len(self.columns))]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, *self.rows)]
        lines.insert(1, f"|{'|'.join(rules)}|")
        return "\n".join([f"**{self.title}**", "", *lines]) + "\n"

    def _align(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            yield cell.ljust(width) if index < self.names else cell.rjust(width)


def write_number(number: float) -> str:
    """A number to three places that count."""
    if abs(number) < 10:
        return f"{number:.3f}" if abs(number) < 1 else f"{number:.2f}"
    return f"{number:.1f}" if abs(number) < 100 else f"{number:,.0f}"


def write_ratio(ratio: float | None) -> str:
    """How many times as much, in brackets; nothing where that says nothing."""
    if ratio is None or ratio <= 0:
        return ""
    return f" ({ratio:.1f}x)" if ratio < 10 else f" ({ratio:,.0f}x)"


def replace_part(text: str, name: str, part: str) -> str:
    """A document with another part between the marks of that name, each of which is a comment.

    Raises:
        ValueError: it has no such marks.
    """
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"there is no part called {name}")
    return f"{before}{start}\n{part.strip()}\n\n{end}{after}"
