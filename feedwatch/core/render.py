"""Deliveries → a message that is read at a glance: what happened, to which title, on whose list.

Nothing is left out: what does not fit a service's limit waits for the next message. Text from elsewhere
makes no markup, calls nobody and breaks no line, whatever the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feedwatch.core.model import Composed, Markup, Notice, OwedDelivery, RecordedChange, Style
from feedwatch.core.notices import describe_notice, summarize_notice
from feedwatch.core.text import (
    ELLIPSIS,
    clean,
    defuse,
    defuse_link,
    escape_html,
    escape_markup,
    measure,
    shorten,
)
from feedwatch.core.wording import (
    Part,
    Sentence,
    count_changes,
    describe_change,
    feed_of,
    quote,
    say,
    summarize_change,
)

_OWN_HEADING = "feedwatch"
_BETWEEN = 2
"""Where a service has no titles, the title stands above the body: a line break counts for two."""
_LONGEST_PART = 100_000


@dataclass(frozen=True, slots=True)
class _Told:
    """One delivery in words: under which heading, as a title of its own, and line by line."""

    heading: str
    summary: Sentence
    lines: tuple[Sentence, ...]
    change: RecordedChange | None = None


def compose_message(deliveries: Sequence[OwedDelivery], style: Style) -> Composed:
    """Make one message of the longest run of deliveries, in order, that fits the style; at least one.

    Nothing is cut away, but that the titles in a single delivery that is too long for a message of
    its own are shortened.
    """
    told = [_tell(delivery.subject) for delivery in deliveries]
    count = _count_fitting(told, style)
    if count > 1:
        return _compose(told[:count], style)
    alone = _compose(told[:1], style)
    return alone if _fits(alone, style) else _compress(told[0], style)


# ── how much fits ─────────────────────────────────────────────────────────────────────────────────


def _count_fitting(told: Sequence[_Told], style: Style) -> int:
    """The longest run of two or more that fits; 1 if there is none.

    Bodies only grow with the run; titles may shrink again, so the last step is made one by one.
    """
    bodies = [_Body(style)]
    for one in told:
        bodies.append(bodies[-1].with_one(one))
        if bodies[-1].length > style.limit:
            break
    for count in range(len(bodies) - 1, 1, -1):
        if _fits(_compose(told[:count], style), style):
            return count
    return 1


@dataclass(frozen=True, slots=True)
class _Body:
    """How long the body of a run is, at least, without composing it."""

    style: Style
    headings: frozenset[str] = frozenset()
    length: int = 0

    def with_one(self, one: _Told) -> _Body:
        more = sum(measure(_write_line(line, self.style)) for line in one.lines)
        return replace(self, length=self.length + more)


def _fits(message: Composed, style: Style) -> bool:
    title = measure(message.title)
    return title <= style.title_limit and title + _BETWEEN + measure(message.body) <= style.limit


def _compress(one: _Told, style: Style) -> Composed:
    """One delivery within the limit: its titles give way first, then its last lines, then all else."""
    for candidate in (one, _without_links(one)):
        if (message := _compress_parts(candidate, style)) is not None:
            return message
    bare = _without_links(one)
    for kept in range(len(bare.lines) - 1, 0, -1):
        more = say(f"and {len(bare.lines) - kept:,} more")
        message = _compose([replace(bare, lines=(*bare.lines[:kept], more))], style)
        if _fits(message, style):
            return message
    return _compress_bluntly(one, style)


def _compress_parts(one: _Told, style: Style) -> Composed | None:
    """The parts from elsewhere shortened to the greatest length that fits; None if none does."""
    low, high = 0, max((measure(p.text) for line in one.lines for p in line if p.foreign), default=0)
    best = None
    while low < high:
        most = (low + high + 1) // 2
        lines = tuple(_cap(line, most) for line in one.lines)
        message = _compose([replace(one, lines=lines, summary=_cap(one.summary, most))], style)
        if _fits(message, style):
            low, best = most, message
        else:
            high = most - 1
    return best


def _compress_bluntly(one: _Told, style: Style) -> Composed:
    """A sentence in a space too small for it; no markup, so that none is cut."""
    plain = " ".join("".join(part.text for part in line) for line in one.lines)
    room = max(style.limit - _BETWEEN, 1)
    title = _write_title(one.summary, replace(style, title_limit=min(style.title_limit, room // 2)))
    most = room - measure(title)
    for length in range(min(most, measure(plain)), 0, -1):
        body = _write_part(Part(shorten(plain, length), foreign=True), style)
        if measure(body) <= most:
            return Composed(1, title, body, style.markup is Markup.HTML)
    return Composed(1, "", ELLIPSIS, style.markup is Markup.HTML)


def _cap(sentence: Sentence, most: int) -> Sentence:
    return tuple(replace(p, text=shorten(p.text, most)) if p.foreign else p for p in sentence)


def _without_links(one: _Told) -> _Told:
    lines = tuple(tuple(replace(part, link=None) for part in line) for line in one.lines)
    return replace(one, lines=lines)


# ── composing ─────────────────────────────────────────────────────────────────────────────────────


def _tell(subject: RecordedChange | Notice) -> _Told:
    if isinstance(subject, Notice):
        return _Told(_OWN_HEADING, summarize_notice(subject), describe_notice(subject))
    summary, line = summarize_change(subject), describe_change(subject)
    return _Told(clean(feed_of(subject)), summary, (line,), subject)


def _compose(told: Sequence[_Told], style: Style) -> Composed:
    groups: dict[str, list[_Told]] = {}
    for one in told:
        groups.setdefault(one.heading, []).append(one)
    title = _write_title(_entitle(groups, style), style)
    is_html = style.markup is Markup.HTML
    body = _write_html(groups, style) if is_html else _write_text(groups, title, style)
    return Composed(len(told), title, body, is_html)


def _entitle(groups: dict[str, list[_Told]], style: Style) -> Sentence:
    """The one thing that happened, or how much of what on which lists, or how much in all."""
    everything = [one for group in groups.values() for one in group]
    if len(everything) == 1:
        return everything[0].summary
    each = [_count(heading, group) for heading, group in groups.items()]
    title = tuple(part for sentence in each for part in (Part("; "), *sentence))[1:]
    if measure(_write_sentence(title, replace(style, escape=style.title_escape))) <= style.title_limit:
        return title
    return say(f"{len(everything):,} changes in {len(groups):,} lists")


def _count(heading: str, group: Sequence[_Told]) -> Sentence:
    changes = [one.change for one in group if one.change is not None]
    if changes:
        return say(quote(heading), f": {count_changes(changes)}")
    return say(f"{len(group):,} notices") if len(group) > 1 else group[0].summary


def _write_title(sentence: Sentence, style: Style) -> str:
    """A title line within its limit: long names give way before our own words do."""
    style = replace(style, markup=Markup.TEXT, escape=style.title_escape)
    sentence = tuple(replace(part, shown=False) for part in sentence)
    low, high = 0, max((measure(part.text) for part in sentence if part.foreign), default=0)
    if measure(_write_sentence(sentence, style)) <= style.title_limit:
        return _write_sentence(sentence, style)
    while low < high:
        most = (low + high + 1) // 2
        if measure(_write_sentence(_cap(sentence, most), style)) <= style.title_limit:
            low = most
        else:
            high = most - 1
    return shorten(_write_sentence(_cap(sentence, max(low, 1)), style), style.title_limit)


# ── plain text ────────────────────────────────────────────────────────────────────────────────────


def _write_text(groups: dict[str, list[_Told]], title: str, style: Style) -> str:
    """Lines under headings; the heading of a single list is left out where the title begins with it."""
    blocks: list[str] = []
    for name, group in groups.items():
        heading = _write_part(Part(name, foreign=True), style)
        lines = [_write_line(line, style) for one in group for line in one.lines]
        named = len(groups) == 1 and (name == _OWN_HEADING or title.startswith(defuse(name, style)))
        blocks.append("\n".join(lines if named else [heading, *lines]))
    return "\n\n".join(blocks)


def _write_line(sentence: Sentence, style: Style) -> str:
    if style.markup is Markup.HTML:
        return _write_sentence(sentence, style)
    links = [part.link for part in sentence if part.shown and part.link]
    return "\n".join([_write_sentence(sentence, style), *(defuse_link(link, style) for link in links)])


def _write_sentence(sentence: Sentence, style: Style) -> str:
    return "".join(_write_part(part, style) for part in sentence)


def _write_part(part: Part, style: Style) -> str:
    if style.markup is Markup.HTML:
        return _write_html_part(part)
    if part.link is not None and part.text == part.link:
        return defuse_link(part.link, style)
    return escape_markup(defuse(part.text, style), style.escape) if part.foreign else part.text


# ── HTML, for mail ────────────────────────────────────────────────────────────────────────────────


def _write_html(groups: dict[str, list[_Told]], style: Style) -> str:
    """Headings and lists, without colours or sizes: light or dark is the reader's choice."""
    blocks: list[str] = []
    for name, group in groups.items():
        if name == _OWN_HEADING:
            blocks += [f"<p>{_join_lines(one, style)}</p>" for one in group]
        else:
            items = "".join(f"<li>{_join_lines(one, style)}</li>" for one in group)
            blocks.append(f"<h3>{escape_html(name)}</h3><ul>{items}</ul>")
    return "\n".join(blocks)


def _join_lines(one: _Told, style: Style) -> str:
    return "<br>".join(_write_line(line, style) for line in one.lines)


def _write_html_part(part: Part) -> str:
    text = escape_html(part.text)
    if part.link is None:
        return text
    link = escape_html(part.link)
    named = f'<a href="{link}">{text}</a>'
    # Who reads the mail as text has no links but those that are written out.
    return f'{named}<br><a href="{link}"><small>{link}</small></a>' if part.shown else named
