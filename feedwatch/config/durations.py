"""Durations and sizes as people write them. Messages never repeat what was written: it may be a secret."""

from __future__ import annotations

import re
from datetime import timedelta

# Six digits at most: more is no length of time that anybody means, and might not fit into one.
_DURATION = re.compile(
    "".join(
        rf"(?:(?P<{name}>[0-9]{{1,6}}){unit})?"
        for unit, name in [
            ("w", "weeks"),
            ("d", "days"),
            ("h", "hours"),
            ("m", "minutes"),
            ("s", "seconds"),
            ("ms", "milliseconds"),
        ]
    )
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_SIZE = re.compile(r"([0-9]{1,15}) ?([A-Za-z]+)")
_SIZE_UNITS = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}
_WRITTEN_UNITS = ((timedelta(weeks=1), "w"), (timedelta(days=1), "d"), (timedelta(hours=1), "h"))
_SMALL_UNITS = ((timedelta(minutes=1), "m"), (timedelta(seconds=1), "s"), (timedelta(milliseconds=1), "ms"))


def parse_duration(text: str) -> timedelta:
    """Read `500ms`, `30s`, `15m`, `2h`, `1d`, `1w`, or several from large to small: `1h30m`.

    Raises:
        ValueError: it is none; the message says how one is written.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        raise ValueError("a duration needs a unit: 30s, 15m, 2h, 1d")
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError("this is no duration; write 500ms, 30s, 15m, 2h, 1d, 1w or 1h30m")
    return timedelta(**{unit: int(count) for unit, count in match.groupdict().items() if count})


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads it back."""
    parts = []
    for unit, letter in (*_WRITTEN_UNITS, *_SMALL_UNITS):
        count, duration = divmod(duration, unit)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Read `10MiB`, `512KiB`, `1MB` or `4096B` as bytes.

    Raises:
        ValueError: it is none; the message says how one is written.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        raise ValueError("a size needs a unit: 10MiB, 512KiB, 1MB, 4096B")
    match = _SIZE.fullmatch(text)
    unit = _SIZE_UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        raise ValueError("this is no size; write 10MiB, 512KiB, 1MB or 4096B")
    return int(match[1]) * unit


def format_size(size: int) -> str:
    """Write a number of bytes so that `parse_size` reads it back."""
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"
