"""Text from elsewhere made harmless: one line, no tricks, no markup, nobody called; and cut where it may be.

Lengths are UTF-16 code units, as chat services count them.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable

from feedwatch.core.messages import Style

ELLIPSIS = "…"
_ZERO_WIDTH = "\u200b"
_UNSEEN = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0001"
)
"""Controls, directions and what has no width; but not what joins the parts of one character (ZWJ, ZWNJ)."""
_LONGEST_CHARACTER = 64
"""What a person sees as one character takes at most so many; a pile of more accents may be cut."""
_FIRST_GUESS = 16
_GUESSES = 5
_UNSEEN_IN_TEXT = re.compile(f"[{_UNSEEN}]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_TOKEN = re.compile(
    # All of them begin with one of these letters: at most words nothing more is tried.
    r"\b(?=[afo])"
    r"(?P<name>(?:feed|access|oauth|auth)_(?:token|consumer_key|signature)\w*|api_?key)=[^\s&#]+",
    re.IGNORECASE,
)
_WEB = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)
_LINE_MARKUP = re.compile(r"^(?:[#>+*-]|\d{1,9}(?=[.)]))")
_UNSAFE_IN_LINK = re.compile(rf"[\"'<>\\^`{{|}}*\[\]\u200c\u200d{_UNSEEN}]")


def measure(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def measure_in(text: str, style: Style) -> int:
    """The length of a text as a style's limit counts it."""
    return len(text.encode("utf-8", "surrogatepass")) if style.in_bytes else measure(text)


def clean(text: str) -> str:
    """One line without control characters, direction overrides or halves of characters, no token shown."""
    if not text.isprintable():
        text = " ".join(_LONE_SURROGATE.sub("\ufffd", _UNSEEN_IN_TEXT.sub("", text)).split())
    # In what is, nothing is unseen, no character is half, and a blank is all the space there is.
    elif "  " in f" {text} ":
        text = " ".join(text.split())
    return _TOKEN.sub(rf"\g<name>={ELLIPSIS}", text) if "=" in text else text


def defuse(text: str, style: Style) -> str:
    """A text that calls nobody: something unseen stands behind whatever calls people or groups."""
    for mention in style.mentions.split():
        if mention in text:
            text = _find_mention(mention).sub(_break_mention, text)
    return text


def escape_markup(text: str, markup: str) -> str:
    """A text that a service reads as text: a backslash before each of these characters.

    What makes lists, headings and quotes does so only where a line begins.
    """
    if not markup:
        return text
    inline = _find_inline(markup)
    text = inline.sub(r"\\\g<0>", text) if inline is not None else text
    return _LINE_MARKUP.sub(_escape_start, text)


def escape_html(text: str) -> str:
    """A text as HTML shows it."""
    return html.escape(text, quote=True)


def page_of(link: str | None) -> str | None:
    """A link that a person can open, harmless in any text; None for what is none or shows a token."""
    if link is None or not _WEB.fullmatch(link := link.strip()) or ("=" in link and _TOKEN.search(link)):
        return None
    return _UNSAFE_IN_LINK.sub(_quote, link if link.isprintable() else _LONE_SURROGATE.sub("", link))


def defuse_link(link: str, style: Style) -> str:
    """A link that calls nobody; it leads where it led."""
    return link.replace("@", "%40") if "@" in style.mentions else link


def find_most(most: int, fits: Callable[[int], bool]) -> int:
    """Find the greatest number from 1 to `most` that fits, where all smaller ones do; 0 if none does.

    No number is tried that is more than twice the answer: what is far too long is not written at all.
    """
    reached = 1
    while reached < most and fits(reached):
        reached = min(2 * reached, most)
    return bisect_left(range(1, reached + 1), True, key=lambda number: not fits(number)) if most > 0 else 0


def find_longest(most: int, measure_at: Callable[[int], int], room: int) -> int:
    """Find what `find_most` does for what is long and costly to write: its lengths say where to look next."""
    low, low_length = 0, 0
    high, high_length = most + 1, 0
    guess, slope, tried = min(most, _FIRST_GUESS), 0.0, 0
    while high - low > 1:
        length = measure_at(guess)
        tried += 1
        if length <= room:
            slope = (length - low_length) / (guess - low)
            low, low_length = guess, length
        else:
            high, high_length = guess, length
        if high_length:
            slope = (high_length - low_length) / (high - low)
        # Lengths that jump must not make this a search one by one.
        is_slow = tried % _GUESSES == 0
        far = (low + high) // 2 if high_length else 2 * low
        guess = far if is_slow or slope <= 0 else low + int((room - low_length) / slope)
        guess = min(max(guess, low + 1), high - 1)
    return low


def shorten(text: str, most: int) -> str:
    """The start of a text, with an ellipsis if it is not all; ends at a word, never within a character."""
    if measure(text) <= most:
        return text
    end = _index_at(text, max(most - measure(ELLIPSIS), 0))
    least = max(end - _LONGEST_CHARACTER, 0)
    while end > least and _is_within(text, end):
        end -= 1
    word = text.rfind(" ", 0, end + 1)
    if word > end * 2 // 3:
        end = word
    return (text[:end].rstrip() + ELLIPSIS) if most > 0 else ""


def _index_at(text: str, units: int) -> int:
    """How many characters of a text fit into so many units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > units:
            return index
    return len(text)


def _is_within(text: str, end: int) -> bool:
    """Whether a cut before `text[end]` would split what a person sees as one character."""
    after, before = text[end], text[end - 1]
    if "\u200d" in (before, after):
        return True
    if unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if "\U000e0020" <= after <= "\U000e007f":
        return True
    if _is_flag_half(after) and _is_flag_half(before):
        run = re.search(r"[\U0001f1e6-\U0001f1ff]+$", text[max(end - _LONGEST_CHARACTER, 0) : end])
        return run is not None and len(run.group()) % 2 == 1
    return False


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


@functools.cache
def _find_mention(mention: str) -> re.Pattern[str]:
    # A command (`/start`) begins a word: names of feeds, `jane/queue`, stay as they are.
    return re.compile((r"(?<!\w)" if mention == "/" else "") + re.escape(mention))


@functools.cache
def _find_inline(markup: str) -> re.Pattern[str] | None:
    inline = "".join(character for character in markup if character not in "#>+-")
    return re.compile(f"[{re.escape(inline)}]") if inline else None


def _break_mention(match: re.Match[str]) -> str:
    # Behind the first character: that is what the service looks for.
    return match.group()[0] + _ZERO_WIDTH + match.group()[1:]


def _escape_start(match: re.Match[str]) -> str:
    start = match.group()
    return f"\\{start}" if not start.isdigit() else f"{start}\\"


def _quote(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode())
