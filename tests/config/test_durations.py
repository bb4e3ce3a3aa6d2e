"""Durations and sizes as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.config import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1w", timedelta(weeks=1)),
        ("1h30m", timedelta(minutes=90)),
        (" 1d12h ", timedelta(hours=36)),
        ("999999w", timedelta(weeks=999_999)),
    ],
)
def test_duration_is_read(text: str, length: timedelta) -> None:
    """Each unit, and several from large to small."""
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "h",
        "1",
        "1.5",
        "1.5h",
        "-1h",
        "1 h",
        "30m1h",
        "1h1h",
        "1y",
        "9" * 400 + "w",
        "1000000w",
        "\u0661h",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Anything else is a ValueError, whose message never repeats it."""
    with pytest.raises(ValueError, match=r"^(a duration needs a unit|this is no duration)"):
        parse_duration(text)


@given(
    st.timedeltas(timedelta(0), timedelta(days=3650)).map(
        lambda each: each - each % timedelta(milliseconds=1)
    )
)
def test_duration_that_is_written_reads_back(length: timedelta) -> None:
    """A duration in milliseconds survives being written."""
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096B", 4096),
        ("512KiB", 512 * 1024),
        ("10 MiB", 10 * 1024**2),
        ("1gib", 1024**3),
        ("1KB", 1000),
        ("2MB", 2 * 10**6),
    ],
)
def test_size_is_read(text: str, size: int) -> None:
    """Binary and decimal units, in any case."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "10", "1.5MB", "MiB", "-1B", "1XB", "1 2B", "9" * 400 + "B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """Anything else is a ValueError, whose message never repeats it."""
    with pytest.raises(ValueError, match=r"^(a size needs a unit|this is no size)"):
        parse_size(text)


@given(st.integers(0, 10**12))
def test_size_that_is_written_reads_back(size: int) -> None:
    """A size survives being written."""
    assert parse_size(format_size(size)) == size
