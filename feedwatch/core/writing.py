"""Sentences as they stand in a body: plain text, HTML or markdown, harmless in each.

Our own words are written as they are; text from elsewhere makes no markup, calls nobody and breaks no line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from feedwatch.core.messages import Markup, PictureLink, Style
from feedwatch.core.telling import OWN_HEADING
from feedwatch.core.text import defuse, defuse_link, escape_html, escape_markup, measure_in, shorten
from feedwatch.core.wording import Part, Sentence

MARKDOWN = "\\*_~`|[]<>#"
"""What markdown reads as markup, where a style does not say."""
_UNSAFE_IN_MARKDOWN = str.maketrans({"(": "%28", ")": "%29"})


def write_sentence(sentence: Sentence, style: Style) -> str:
    """Write a sentence on one line."""
    return "".join(_write_part(part, style) for part in sentence)


def write_address(link: str, style: Style) -> str:
    """Write a page's address; in markdown it may stand in brackets, in HTML it is not escaped yet."""
    link = defuse_link(link, style)
    return link.translate(_UNSAFE_IN_MARKDOWN) if style.markup is Markup.MARKDOWN else link


def write_plain(sentence: Sentence) -> str:
    """Write a sentence where nothing is markup and nobody is called: for programs."""
    return "".join(part.text for part in sentence)


def write_entry(
    lines: Sequence[Sentence], style: Style, *, is_notice: bool = False, picture: PictureLink | None = None
) -> str:
    """Write what one story says: an item of its list, or paragraphs of our own."""
    if style.markup is Markup.HTML:
        return _write_html_entry(lines, style, is_notice=is_notice, picture=picture)
    if style.markup is Markup.MARKDOWN:
        # Two spaces at the end of a line break it.
        return ("" if is_notice else "- ") + "  \n".join(write_sentence(line, style) for line in lines)
    if style.markup is Markup.JSON:
        return "\n".join(write_plain(line) for line in lines)
    return "\n".join(_write_line(line, style) for line in lines)


def write_heading(name: str, style: Style) -> str:
    """Write the name of a list as it stands above what happened there."""
    written = _write_part(Part(name, foreign=True), style)
    if style.markup is Markup.HTML:
        return f"<h3>{written}</h3>"
    return f"**{written}**" if style.markup is Markup.MARKDOWN else written


def join_entries(groups: Mapping[str, Sequence[str]], style: Style, *, title: str, more: int = 0) -> str:
    """Put entries under their headings, and behind them how many more titles there are.

    Where the title begins with the name of a single list, its heading is left out.
    """
    is_bare = style.markup is not Markup.HTML and len(groups) == 1
    blocks = [
        _join_block(name, entries, style, bare=is_bare and _is_entitled(name, title, style))
        for name, entries in groups.items()
    ]
    if more:
        counted = f"and {more:,} more"
        blocks.append(f"<p>{counted}</p>" if style.markup is Markup.HTML else counted)
    return ("\n" if style.markup is Markup.HTML else "\n\n").join(blocks)


def measure_added(entry: str, style: Style, *, heading: str | None = None) -> int:
    """Measure by how much a body is longer for one more entry, below a heading of its own if there is one."""
    breaks = 0 if style.markup is Markup.HTML else 1
    if heading is None:
        return breaks + measure_in(entry, style)
    return breaks + 1 + measure_in(_join_block(heading, (entry,), style, bare=False), style)


def for_title(style: Style) -> Style:
    """Give the style of a title: one line of text."""
    return replace(style, markup=Markup.TEXT, escape=style.title_escape)


def for_twin(style: Style) -> Style:
    """Give the style of the same message in plain text, as nobody reads markup into it."""
    return replace(style, markup=Markup.TEXT, escape="", mentions="")


def cap_sentence(sentence: Sentence, most: int) -> Sentence:
    """Cut what comes from elsewhere, each part to so many units at most."""
    return tuple(_cap_part(part, most) if part.foreign else part for part in sentence)


def _cap_part(part: Part, most: int) -> Part:
    text = shorten(part.text, most)
    return part if text == part.text else replace(part, text=text)


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def _is_entitled(name: str, title: str, style: Style) -> bool:
    written = _write_part(Part(name, foreign=True), for_title(style))
    return name == OWN_HEADING or title.startswith(written)


def _join_block(name: str, entries: Sequence[str], style: Style, *, bare: bool) -> str:
    if style.markup is not Markup.HTML:
        return "\n".join(entries if bare else (write_heading(name, style), *entries))
    # Without colours or sizes: light or dark is the reader's choice.
    items = "".join(entries)
    return items if name == OWN_HEADING else f"{write_heading(name, style)}<ul>{items}</ul>"


def _write_line(sentence: Sentence, style: Style) -> str:
    """A sentence as plain text, and below it the addresses that belong into it."""
    links = [defuse_link(part.link, style) for part in sentence if part.shown and part.link]
    return "\n".join([write_sentence(sentence, style), *links])


def _write_part(part: Part, style: Style) -> str:
    if style.markup is Markup.HTML:
        return _write_html_part(part)
    if part.link is not None and part.text == part.link:
        return defuse_link(part.link, style)
    if style.markup is Markup.MARKDOWN:
        return _write_markdown_part(part, style)
    return escape_markup(defuse(part.text, style), style.escape) if part.foreign else part.text


# ── markup ────────────────────────────────────────────────────────────────────────────────────────


def _write_markdown_part(part: Part, style: Style) -> str:
    escaped = escape_markup(defuse(part.text, style), style.escape or MARKDOWN) if part.foreign else part.text
    if part.link is None:
        return escaped
    # In angle brackets, or Discord unfolds a preview of every page below the message.
    return f"[{escaped}](<{write_address(part.link, style)}>)"


def _write_html_entry(
    lines: Sequence[Sentence], style: Style, *, is_notice: bool, picture: PictureLink | None
) -> str:
    tag = "p" if is_notice else "li"
    written = "<br>".join(write_sentence(line, style) for line in lines)
    shown = f'<img src="cid:{picture.name}" alt="" height="96"><br>' if picture and style.inline else ""
    return f"<{tag}>{shown}{written}</{tag}>"


def _write_html_part(part: Part) -> str:
    text = escape_html(part.text)
    if part.link is None:
        return text
    link = escape_html(part.link)
    named = f'<a href="{link}">{text}</a>'
    # Who reads the mail as text has no links but those that are written out.
    return f'{named}<br><a href="{link}"><small>{link}</small></a>' if part.shown else named
