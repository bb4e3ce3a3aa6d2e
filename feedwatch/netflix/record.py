"""What the turns of an application leave for the next one: a line of always the same length."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_LINE: Final = re.compile(rb"(?P<said> *(\d{1,12}) +(\d{1,12}\.\d{3}) +(\d{1,4})) ([0-9a-f]{8})\n")
_LATEST: Final = 10**12 - 1
_MOST: Final = 9999
SIZE: Final = 12 + 1 + 16 + 1 + 4 + 1 + 8 + 1


@dataclass(frozen=True, slots=True)
class Record:
    """The latest timestamp that a server has accepted; when it was last called, and how often in one turn.

    Both are in seconds since 1970, by the clock of this machine.
    """

    accepted: int = 0
    called_at: float = 0.0
    calls: int = 0

    def join(self, other: Record) -> Record:
        """What is known from both."""
        later = max(self, other, key=lambda each: each.called_at)
        return Record(max(self.accepted, other.accepted), later.called_at, later.calls)

    def time_to_rest(self, now: datetime, spacing: timedelta) -> timedelta:
        """Tell how long from now until the next call, with `spacing` for each that was made.

        A last call that lies in the future was dated by a clock that has been set since: it counts as made
        just now.
        """
        rest = spacing * self.calls
        since = timedelta(seconds=max(0.0, now.timestamp() - self.called_at))
        return max(timedelta(0), rest - since)


def write_record(record: Record) -> bytes:
    """Write a record with a digest of it."""
    accepted, called_at = min(record.accepted, _LATEST), min(max(record.called_at, 0.0), float(_LATEST))
    said = f"{accepted:>12} {called_at:>16.3f} {min(record.calls, _MOST):>4}".encode()
    return said + b" %08x\n" % zlib.crc32(said)


def read_record(text: bytes) -> Record | None:
    """Read a record; None if it is none, or not as it was written."""
    match = _LINE.fullmatch(text)
    if match is None or len(text) != SIZE or zlib.crc32(match["said"]) != int(match[5], 16):
        return None
    return Record(int(match[2]), float(match[3]), int(match[4]))
