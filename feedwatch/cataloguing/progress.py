"""How far a sync is, for a person at a terminal: bytes as they come, then titles as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

_DESCRIPTION = "{task.description}"
_EACH_STEP = 200
"""Titles between two looks at the bar: it costs more than a title does."""


class Bar:
    """A bar that a sync moves."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def arrive(self, size: int, total: int | None) -> None:
        """So many bytes are here, of so many if that is known."""
        self._bars.update(self._task, completed=size, total=total)

    def read(self, titles: int) -> None:
        """So many titles have been read."""
        if titles == 1:
            self._bars.columns = (TextColumn(_DESCRIPTION), BarColumn())
        if titles % _EACH_STEP == 1:
            self._bars.update(self._task, description=f"reading: {titles:,} titles", total=None)


@contextmanager
def show_bar() -> Iterator[Bar]:
    """Show a bar on standard error, until the block ends."""
    columns = (TextColumn(_DESCRIPTION), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bar(bars, bars.add_task("downloading", total=None))
