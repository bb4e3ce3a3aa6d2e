"""What a person sees of a page or a picture, found without any of the code under test."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from html.parser import HTMLParser

_BREAKS = frozenset({
    "p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "section",
    "article", "header", "footer", "main", "blockquote", "pre", "td", "th", "dl", "dt", "dd", "body",
})  # fmt: skip
_UNSEEN = frozenset({"head", "style", "script", "template", "title", "noscript"})
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "embed", "wbr", "source"}
)
_FOREIGN = re.compile(r"(?:https?:)?//[^\s'\")]+", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
BARE_LINK = re.compile(r"https?://[^\s<>]+")


@dataclass
class Page:
    """A page read: what is seen, and what would be followed, shown, fetched or run."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open: list[tuple[str, bool]] = []
        self._out: list[str] = []
        self._styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.page.tags.append(tag)
        self._note(tag, values)
        if tag in _BREAKS:
            self._out.append("\n")
        if tag not in _VOID:
            hidden = bool(_HIDDEN.search(values.get("style", ""))) or "hidden" in values
            self._open.append((tag, hidden or tag in _UNSEEN))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self._open or self._open[-1][0] != tag:
            self.page.faults.append(
                f"</{tag}> where {self._open[-1][0] if self._open else 'nothing'} is open"
            )
            return
        self._open.pop()
        if tag in _BREAKS:
            self._out.append("\n")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "style":
            self._styles.append(data)
        if not any(hidden for _, hidden in self._open):
            self._out.append(re.sub(r"\s+", " ", data))

    def _note(self, tag: str, values: dict[str, str]) -> None:
        if tag == "a" and values.get("href"):
            self.page.links.append(values["href"])
        if tag == "img":
            self.page.pictures.append(values.get("src", ""))
            if "alt" not in values:
                self.page.faults.append("a picture without a text for who cannot see it")
            self.page.alts.append(values.get("alt", ""))
        loads = [values[name] for name in ("src", "srcset", "background", "poster", "data") if name in values]
        if tag == "link":
            loads.append(values.get("href", ""))
        loads.append(values.get("style", ""))
        for load in loads:
            self.page.fetches += _FOREIGN.findall(load)
        if any(name.startswith("on") for name in values) or values.get("href", "").startswith("javascript"):
            self.page.faults.append(f"<{tag}> runs a script")

    def finish(self) -> Page:
        self.close()
        self.page.faults += [
            f"<{tag}> is never closed" for tag, _ in self._open if tag not in ("html", "body")
        ]
        if "script" in self.page.tags:
            self.page.faults.append("a script")
        for style in self._styles:
            self.page.fetches += _FOREIGN.findall(style)
        lines = (line.strip() for line in "".join(self._out).split("\n"))
        self.page.text = "\n".join(line for line in lines if line)
        return self.page


def read_page(html: str) -> Page:
    """Read a page as a mail program shows it."""
    reader = _Reader()
    reader.feed(html)
    return reader.finish()


def make_picture(width: int = 4, height: int = 6, shade: int = 128) -> bytes:
    """A PNG of one grey."""
    row = b"\0" + bytes([shade]) * width

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(row * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def size_of_picture(content: bytes) -> tuple[int, int] | None:
    """The width and height of a PNG, GIF or JPEG; None for what is no picture."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) > 24:
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)
    if content[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack("<HH", content[6:10])
        return int(width), int(height)
    if content.startswith(b"\xff\xd8\xff"):
        return _size_of_jpeg(content)
    return None


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return int(width), int(height)
        at += 2 + length
    return None
