"""What is written already, as kinds of text that are not escaped again; and ratings as stars."""

from __future__ import annotations

import re

from markupsafe import Markup as WrittenHtml

from feedwatch.core.messages import Markup, Style
from feedwatch.core.text import clean, defuse, escape_html, escape_markup
from feedwatch.core.wording import Part, Sentence
from feedwatch.core.writing import MARKDOWN, write_address, write_sentence

_RATING = re.compile(r"(\d(?:\.\d+)?)★")
_MOST_STARS = 5


class Written(str):
    """A text that stands in a message as it is."""

    __slots__ = ()


Text = Written | WrittenHtml


def as_html(text: str) -> WrittenHtml:
    """HTML in which everything that comes from elsewhere has been escaped."""
    return WrittenHtml(text)  # noqa: S704 — whoever calls this has seen to it


def write_foreign(text: str, style: Style) -> Written:
    """Text from elsewhere, harmless in a body of plain text or markdown."""
    markup = style.escape or (MARKDOWN if style.markup is Markup.MARKDOWN else "")
    return Written(escape_markup(defuse(clean(text), style), markup))


def write_link(link: str, style: Style) -> Written:
    """A page's address; in markdown it may stand in brackets, in HTML it is escaped where it is put out."""
    return Written(write_address(link, style))


def write_lines(told: tuple[Sentence, ...], style: Style) -> Text:
    """Sentences in the form of a style, a line for each."""
    lines = [write_sentence(sentence, style) for sentence in told]
    return as_html("<br>".join(lines)) if style.markup is Markup.HTML else Written("\n".join(lines))


def write_starred(sentence: Sentence) -> WrittenHtml:
    """A sentence as HTML, its ratings as rows of stars."""
    return as_html("".join(_write_starred_part(part) for part in sentence))


def write_stars(rating: str) -> WrittenHtml | None:
    """`4★` as a row of stars, with words for who does not see them; None for what is no rating up to five."""
    match = _RATING.fullmatch(rating)
    if match is None or float(match[1]) > _MOST_STARS:
        return None
    full, half = divmod(round(float(match[1]) * 2), 2)
    row = ("★" * full + "½" * half).ljust(_MOST_STARS, "☆")
    stars = f'<span class="s" role="img" aria-label="{match[1]} of {_MOST_STARS} stars">{row}</span>'
    return as_html(stars if float(match[1]) == full + half / 2 else f"{stars} {match[1]}")


def _write_starred_part(part: Part) -> str:
    stars = None if part.foreign else write_stars(part.text)
    text = stars or escape_html(part.text)
    return text if part.link is None else f'<a href="{escape_html(part.link)}">{text}</a>'
