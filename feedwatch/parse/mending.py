"""What feedparser makes of a text before it hands it over, and we as well: else a title would be another."""

from __future__ import annotations

import contextlib
import html.entities
import re

from feedwatch.parse.usual import DeclinedError

_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+,.-]*+://)/+")
_UNREAD_ENTITY = re.compile(r"&([A-Za-z0-9_]+);")
_C1 = re.compile("[\x80-\x9f]")
_UNDEFINED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
WINDOWS = {code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in _UNDEFINED}
_CLOSING_OR_ENTITY = re.compile(r"</\w+>|&#?\w+;")
_TAG_NAME = re.compile(r"</?(\w+)")
_ENTITY = re.compile(r"&(\w+);")
HTML_TAGS = {
    "a", "abbr", "b", "big", "blockquote", "br", "center", "cite", "code", "del", "div", "em", "font", "h1",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span",
    "strike", "strong", "sub", "sup", "tt", "u", "ul", "var",
}  # fmt: skip
"""Some of those that feedparser takes for HTML."""


def mend(text: str) -> str:
    """Undo what feedparser undoes: UTF-8 that was read as Latin-1, and Windows' own characters."""
    if text.isascii():
        return text
    with contextlib.suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(WINDOWS) if _C1.search(text) else text


def looks_like_html(text: str) -> bool:
    """Whether a text that does not say so is HTML, as feedparser would have it."""
    if ("&" not in text and "</" not in text) or not _CLOSING_OR_ENTITY.search(text):
        return False
    if not all(name in html.entities.entitydefs for name in _ENTITY.findall(text)):
        return False
    if not {name.lower() for name in _TAG_NAME.findall(text)} <= HTML_TAGS:
        raise DeclinedError
    return True


def drop_slashes(address: str) -> str:
    """An address without the slashes that it begins with beyond two."""
    return _SLASHES.sub(r"\1", address) if ":///" in address else address


def mend_address(text: str) -> str:
    """An address that stands as text."""
    return mend(drop_slashes(text))


def mend_link(text: str) -> str:
    """A link that stands as text, in which an `&` may have been escaped twice."""
    link = mend_address(text)
    return _UNREAD_ENTITY.sub(r"&\1", link.replace("&amp;", "&")) if "&" in link else link
