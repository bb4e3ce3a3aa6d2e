"""Lines that are pasted: read no faster than they are looked at, and none of them without an end."""

from __future__ import annotations

import os
import threading

import pytest

from feedwatch.signing_in.pasting import read_lines


async def test_nothing_is_read_far_ahead_of_who_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that never stops waits where it is, and fills no memory."""
    read = taken = furthest = 0

    def read_one(_handle: int, _most: int) -> bytes:
        nonlocal read, furthest
        read += 1
        furthest = max(furthest, read - taken)
        return b"again\n" if read < 500 else b""

    monkeypatch.setattr(os, "read", read_one)
    async for line in read_lines(0):
        assert line == "again"
        taken += 1
    assert taken == 499
    assert furthest <= 2


async def test_a_line_without_an_end_is_cut() -> None:
    """Of what is far too long for any answer only the beginning is kept; the next line is another."""
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(b"a" * 3_000_000 + b"\ncode-7\nlast")

    threading.Thread(target=write, daemon=True).start()
    lines = [line async for line in read_lines(out)]
    os.close(out)
    assert lines[1:] == ["code-7", "last"]
    assert set(lines[0]) == {"a"}
    assert len(lines[0]) < 100_000
