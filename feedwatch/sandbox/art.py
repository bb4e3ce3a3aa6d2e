"""Box art for titles that never had any: a picture for each, made of its number, the same each time."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

WIDTH, HEIGHT = 180, 270
_SHADES = 24
"""Steps of the sky from top to bottom; then come the sun and the hills."""
_SUN, _FAR, _NEAR = _SHADES, _SHADES + 1, _SHADES + 2

Colour = tuple[int, int, int]


class _Mood(NamedTuple):
    above: Colour
    below: Colour
    sun: Colour
    far: Colour
    near: Colour


_MOODS = (
    _Mood((24, 40, 72), (236, 140, 92), (255, 214, 140), (92, 58, 84), (32, 26, 48)),
    _Mood((16, 74, 92), (168, 216, 200), (250, 244, 210), (40, 104, 104), (14, 48, 58)),
    _Mood((70, 24, 60), (240, 112, 104), (255, 226, 170), (120, 40, 70), (44, 14, 38)),
    _Mood((40, 44, 50), (196, 190, 170), (244, 238, 222), (104, 100, 92), (38, 38, 40)),
    _Mood((20, 60, 40), (222, 206, 120), (255, 244, 190), (70, 104, 56), (20, 44, 30)),
    _Mood((48, 36, 92), (170, 170, 232), (240, 240, 255), (84, 72, 140), (30, 24, 66)),
)


@lru_cache(maxsize=512)
def draw_box_art(number: int) -> bytes:
    """Draw the picture of a title: a sun over two rows of hills, as a PNG."""
    mood = _MOODS[number % len(_MOODS)]
    seed = number // len(_MOODS)
    centre = (40 + seed * 37 % 100, 60 + seed * 23 % 80)
    radius = 18 + seed * 11 % 22
    rows = [bytearray([y * _SHADES // HEIGHT]) * WIDTH for y in range(HEIGHT)]
    for y in range(max(centre[1] - radius, 0), centre[1] + radius):
        half = int((radius**2 - (y - centre[1]) ** 2) ** 0.5)
        left, right = max(centre[0] - half, 0), min(centre[0] + half, WIDTH)
        rows[y][left:right] = bytes([_SUN]) * (right - left)
    _draw_hills(rows, _FAR, HEIGHT * 6 // 10, 30 + seed * 7 % 40)
    _draw_hills(rows, _NEAR, HEIGHT * 3 // 4, 50 + seed * 13 % 50)
    return _write_png(rows, _mix(mood))


def _draw_hills(rows: list[bytearray], colour: int, top: int, length: int) -> None:
    for x in range(WIDTH):
        slope = abs(x % (2 * length) - length)  # up and down again
        for y in range(top + slope * 40 // length, HEIGHT):
            rows[y][x] = colour


def _mix(mood: _Mood) -> list[Colour]:
    def mix(step: int, channel: int) -> int:
        return mood.above[channel] + (mood.below[channel] - mood.above[channel]) * step // (_SHADES - 1)

    sky = [(mix(step, 0), mix(step, 1), mix(step, 2)) for step in range(_SHADES)]
    return [*sky, mood.sun, mood.far, mood.near]


def _write_png(rows: list[bytearray], palette: list[Colour]) -> bytes:
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    lines = b"".join(b"\0" + row for row in rows)
    parts = (
        (b"IHDR", head),
        (b"PLTE", bytes(channel for colour in palette for channel in colour)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_write_chunk(*part) for part in parts)


def _write_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
