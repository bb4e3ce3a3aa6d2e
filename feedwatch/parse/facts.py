"""Facts about titles, read liberally: under any namespace, as text or as an attribute."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from functools import lru_cache

_TAGS = re.compile(r"</?[A-Za-z][^<>]*>|<![^<>]*>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_IN_QUEUE = re.compile(r"/queues?/[^/]+/(?P<list>available|saved)(?:/(?P<position>\d+))?/[^/]+/?$")
_TITLE_PATH = re.compile(r"/catalog/titles/\w+/(?:[^?#]*/)?\d+/?$")
_WORDS = {"not_interested", "no_opinion"}
LONGEST_TEXT = 65_536
"""A longer title, id or address is nobody's: it would be kept, compared and sent."""
_LONGEST_LABEL = 200
_LONGEST_PATH = 1000
_LONGEST_EXCERPT = 100
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}


def clean_title(text: str | None, *, is_html: bool = False) -> str:
    """A title as one line of plain text; one without end stays too long, and is not gone through."""
    if not text:
        return ""
    if len(text) > LONGEST_TEXT:
        return text[: LONGEST_TEXT + 1]
    if is_html:
        text = html.unescape(_TAGS.sub("", text) if "<" in text else text)
    # Nearly all are printable, and what is holds none of what is taken out: asked, it costs next to nothing.
    return " ".join((text if text.isprintable() else _CONTROL.sub(" ", text)).split())


def clean_reference(text: str | None) -> str | None:
    """An id or a link without what neither may hold; None for none. One without end stays too long."""
    if not text:
        return None
    if len(text) > LONGEST_TEXT:
        return text[: LONGEST_TEXT + 1]
    return (text if text.isprintable() else _CONTROL.sub("", text)).strip() or None


def make_excerpt(text: str | None, *, is_html: bool = True) -> str:
    """The start of a text, to stand for the title of a post that has none."""
    excerpt = clean_title(text[: _LONGEST_EXCERPT * 20] if text else None, is_html=is_html)
    if len(excerpt) <= _LONGEST_EXCERPT:
        return excerpt
    return excerpt[:_LONGEST_EXCERPT].rpartition(" ")[0].rstrip(" .,;:") + "…"


def read_count(text: str | None) -> int | None:
    """A whole number as lists count; None for what is none, or could be no list's."""
    text = text.strip() if text else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def read_rating(text: str | None) -> str | None:
    """A rating in one form: `3`, `3.5`, `not_interested`, `no_opinion`; None for none."""
    if not text or not (text := text.strip().lower()):
        return None
    word = text.replace(" ", "_")
    if word in _WORDS:
        return word
    return read_number(text)


def read_number(text: str | None) -> str | None:
    """A number in one form; None for what is none."""
    if not text:
        return None
    try:
        number = float(text.strip())
    except ValueError:
        return None
    if not 0 <= number <= 100_000:
        return None
    return f"{number:.2f}".rstrip("0").rstrip(".")


def read_period(period: str | None, frequency: str | None) -> timedelta | None:
    """How often a feed says that it is updated (RSS 1.0 syndication module)."""
    if not period or period.strip().lower() not in _PERIODS:
        return None
    return timedelta(hours=_PERIODS[period.strip().lower()]) / (read_count(frequency) or 1)


def read_availability(label: str | None) -> str | None:
    """An availability in one dialect: `available now`, `saved`, `very long wait`."""
    return _name_availability(label) if label and len(label) <= _LONGEST_LABEL else None


@lru_cache(maxsize=256)  # the same few stand at every entry of a list
def _name_availability(label: str) -> str | None:
    return " ".join(label.replace("_", " ").split()).lower() or None


def read_place(entry_id: str | None) -> tuple[str, int | None] | None:
    """What an id in a queue says: which part of it (available, saved), and the position."""
    if not entry_id or len(entry_id) >= _LONGEST_PATH:
        return None
    if "/available" not in entry_id and "/saved" not in entry_id:
        return None
    match = _IN_QUEUE.search(entry_id)
    return (match["list"], read_count(match["position"]) or None) if match else None


def is_title_path(href: str) -> bool:
    """Whether an address is of a title in the catalog itself, not of one of its parts."""
    return "/catalog/titles/" in href and len(href) < _LONGEST_PATH and _TITLE_PATH.search(href) is not None
