"""How values look to a person and to a program: tables on a terminal, JSON lines with stable keys.

Control characters never reach a terminal, and every line passes the redactor.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TextIO

from feedwatch.core.model import RecordedChange
from feedwatch.core.state import FeedStatus, MessageStatus, StoredEntry
from feedwatch.redact import Redactor, mask_url

Row = Mapping[str, object]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOURS = {
    "ok": "green",
    "delivered": "green",
    "added": "green",
    "new": "cyan",
    "moved": "cyan",
    "updated": "yellow",
    "pending": "yellow",
    "claimed": "yellow",
    "held": "yellow",
    "failing": "red",
    "removed": "red",
    "dead": "red",
    "signed_out": "red",
    "retired": "dim",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where answers go: a terminal, a pipe, or a program that reads JSON."""

    redactor: Redactor
    as_json: bool = False
    out: TextIO = sys.stdout

    def print_rows(self, rows: Iterable[Row], columns: Sequence[str], *, empty: str) -> None:
        """Print rows as JSON lines with all their keys, or as a table of some columns."""
        if self.as_json:
            for row in rows:
                self.say(json.dumps(row, ensure_ascii=False))
            return
        cells = [[self._clean(show_value(row[column])) for column in columns] for row in rows]
        if not cells:
            self.say(empty)
        elif self.out.isatty():
            self._print_table(cells, columns)
        else:
            self._print_plain(cells, columns)

    def say(self, text: str) -> None:
        """Print one line."""
        print(self.redactor.redact(text), file=self.out, flush=True)

    def _print_plain(self, cells: list[list[str]], columns: Sequence[str]) -> None:
        lines = [[column.upper() for column in columns], *cells]
        widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
        for line in lines:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            print("  ".join(padded).rstrip(), file=self.out)

    def _print_table(self, cells: list[list[str]], columns: Sequence[str]) -> None:
        # rich takes a while to import: only a terminal pays for it.
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column.replace("_", " "), overflow="fold")
        for line in cells:
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in line))
        Console(file=self.out, highlight=False).print(table)

    def _clean(self, text: str) -> str:
        return clean_text(self.redactor.redact(text))


def clean_text(text: str) -> str:
    """A text that cannot drive a terminal."""
    return _CONTROL.sub(" ", text)


def show_value(value: object) -> str:
    """A cell of a table."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(_show_fact(name, fact) for name, fact in value.items()) or "-"
    return str(value)


def _show_fact(name: str, fact: object) -> str:
    if isinstance(fact, Mapping):
        return f"{name} {fact['from'] or '-'} → {fact['to'] or '-'}"
    return f"{name} {fact}"


def show_instant(at: datetime | None) -> str | None:
    """An instant as everybody's tools read it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def describe_change(change: RecordedChange) -> Row:
    """A line of `feedwatch changes`."""
    return {
        "id": change.id,
        "at": show_instant(change.at),
        "account": change.account,
        "feed": full_name(change.account, change.feed),
        "kind": str(change.feed_kind),
        "change": str(change.kind),
        "key": change.key,
        "title": change.title,
        "link": change.link,
        "position": change.position,
        "previous_position": change.previous_position,
        "fields": {name: {"from": fact.before, "to": fact.after} for name, fact in change.facts.items()},
    }


def describe_entry(stored: StoredEntry) -> Row:
    """A line of `feedwatch show`."""
    entry = stored.entry
    return {
        "key": entry.key,
        "title": entry.title,
        "link": entry.link,
        "position": entry.position,
        "fields": dict(entry.facts),
        "first_seen_at": show_instant(stored.first_seen_at),
    }


def describe_feed(feed: FeedStatus) -> Row:
    """A line of `feedwatch status`."""
    return {
        "feed": feed.feed,
        "kind": str(feed.kind),
        "entries": feed.entries,
        "state": str(feed.state),
        "reason": str(feed.reason) if feed.reason else None,
        "last_polled_at": show_instant(feed.last_polled_at),
        "next_poll_at": show_instant(feed.next_poll_at),
        "failures": feed.failures,
        "group": feed.group,
        "detail": feed.detail or None,
    }


def describe_message(message: MessageStatus) -> Row:
    """A line of `feedwatch outbox`."""
    return {
        "id": message.id,
        "target": message.address,
        "state": message.state,
        "attempts": message.attempts,
        "next_attempt_at": show_instant(message.next_attempt_at),
        "reason": str(message.reason) if message.reason else None,
        "changes": message.changes,
        "created_at": show_instant(message.created_at),
        "detail": message.detail or None,
    }


def describe_found(account: str, feed: str, kind: str, group: str | None, url: str, state: str | None) -> Row:
    """A line of `feedwatch discover`; the address is shown without its token."""
    return {
        "account": account,
        "feed": full_name(account, feed),
        "kind": kind,
        "group": group,
        "url": mask_url(url),
        "state": state,
    }


def full_name(account: str, feed: str) -> str:
    """A feed's name for ever."""
    return feed if feed.startswith(f"{account}/") else f"{account}/{feed}"


def show_duration(length: timedelta) -> str:
    """A duration as a person says it: `2 h`, `3 d`."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
