"""Pictures by their first bytes, and the places that a body keeps for them. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MOST_SIDE: Final = 10_000
"""Pixels. A picture of more takes hundreds of megabytes where it is shown."""
LEAST_SIDE: Final = 16
"""Pixels. What is smaller is no picture: it counts who reads."""

EXTENSIONS: Final = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
"""The kinds of pictures that every service shows, and how their files are called."""

_IMAGE = re.compile(
    r"<img\b[^<>]*?\ssrc=\"cid:(?P<name>[^\"<>]*)\"[^<>]*>(?P<after><!--else:(?P<instead>.*?)-->|<br>)?",
    re.DOTALL,
)
_CID: Final = 'src="cid:'
_MOST_STEPS: Final = 1000
"""From marker to marker, before the pixels: cameras write some dozens. More only cost time."""
_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of JPEG that say the size, and those that nothing belongs to."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the first bytes of a picture say: its type, and its sides in pixels."""

    media_type: str
    width: int
    height: int

    @property
    def fits(self) -> bool:
        """Whether it is as large as a picture that somebody is to look at."""
        sides = (self.width, self.height)
        return min(sides) >= LEAST_SIDE and max(sides) <= MOST_SIDE


def look_at_picture(content: bytes) -> Look | None:
    """Say what a picture is; None for what is none, or ends before it says so."""
    try:
        return _look(content)
    except (struct.error, IndexError):
        return None


def _look(content: bytes) -> Look | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return Look("image/png", *struct.unpack_from(">II", content, 16))
    if content.startswith((b"GIF87a", b"GIF89a")):
        return Look("image/gif", *struct.unpack_from("<HH", content, 6))
    if content.startswith(b"\xff\xd8\xff"):
        return _look_at_jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _look_at_webp(content)
    return None


def _look_at_jpeg(content: bytes) -> Look | None:
    for marker, at in _find_segments(content):
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", content, at + 3)
            return Look("image/jpeg", width, height)
    return None


def _find_segments(content: bytes) -> Iterator[tuple[int, int]]:
    """The segments of a JPEG before its pixels: each marker, and where its length stands."""
    at = 2
    for _ in range(_MOST_STEPS):
        if content[at] != 0xFF:
            return
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker == 0xDA:  # the pixels begin
            return
        else:
            yield marker, at + 2
            at += 2 + max(struct.unpack_from(">H", content, at + 2)[0], 2)


def _look_at_webp(content: bytes) -> Look | None:
    form = content[12:16]
    if form == b"VP8X":
        sides = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
        return Look("image/webp", *sides) if len(content) >= 30 else None
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return Look("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", content, 26)
        return Look("image/webp", width & 0x3FFF, height & 0x3FFF)
    return None


def find_pictures(body: str) -> frozenset[str]:
    """The names of the pictures that HTML shows (`<img … src="cid:NAME" …>`)."""
    return frozenset(match["name"] for match in _IMAGE.finditer(body)) if _CID in body else frozenset()


def keep_pictures(body: str, files: Mapping[str, str]) -> str:
    """HTML with the pictures that there are, each by the name of its file, and without the others.

    Right behind a picture may stand what is to be seen without it: `<!--else:…-->`. It is shown in its
    place, or goes. A line break behind a picture goes with it.
    """

    def settle(match: re.Match[str]) -> str:
        file = files.get(match["name"])
        if file is None:
            return match["instead"] or ""
        tag = match.group().removesuffix(match["after"] or "")
        rest = "<br>" if match["after"] == "<br>" else ""
        return tag.replace(f'{_CID}{match["name"]}"', f'{_CID}{file}"', 1) + rest

    return _IMAGE.sub(settle, body) if _CID in body else body
