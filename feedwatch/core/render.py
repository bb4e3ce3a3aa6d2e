"""Deliveries → a message that is read at a glance: what happened, to which title, on whose list.

Nothing is left out: what does not fit a service's limit waits for the next message. Text from elsewhere
makes no markup, calls nobody and breaks no line, whatever the service.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
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
_SHORTEST_COUNT = 12
"""What a title says of one list takes at least so much: `a/b: 1 new; `."""
_LEAST_OF_A_NAME = 12
"""Names cut shorter than that say nothing; a sentence that just breaks off says more."""
_REPEATED = "(sent again: it is not certain that this arrived before)"
_REPEATED_IN_SHORT = "(sent again?)"
_MOST_FOR_REPEATED = 4
"""The line of a repeat takes no more than this part of what fits: the news is what counts."""


def compose_message(deliveries: Iterable[OwedDelivery], style: Style) -> Composed:
    """Make one message of the longest run of deliveries, in order, that fits the style; at least one.

    Nothing is cut away, but from a single delivery that is too long for a message of its own. Room is
    kept free for the line that `mark_repeat` adds.
    """
    style = replace(style, limit=style.limit - measure(_write_repeated(style)))
    run = _take_run(deliveries, style)
    message = _compose(run, style)
    return message if _fits(message, style) else _compress(run[0], style)


def mark_repeat(body: str, style: Style, *, is_html: bool) -> str:
    """The body of a message that may have come before: the same, and below it a line that says so."""
    return body + _write_repeated(replace(style, markup=Markup.HTML if is_html else Markup.TEXT))


def _write_repeated(style: Style) -> str:
    """The line of a repeat, with the line break before it."""
    is_roomy = style.limit >= _MOST_FOR_REPEATED * len(_REPEATED)
    if not is_roomy:
        return f"\n{_REPEATED_IN_SHORT}"  # in HTML, too: there is no room for a paragraph
    return f"\n<p>{_REPEATED}</p>" if style.markup is Markup.HTML else f"\n{_REPEATED}"


# ── how much fits ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Told:
    """One delivery in words: under which heading, line by line, and as written."""

    subject: RecordedChange | Notice
    heading: str
    lines: tuple[Sentence, ...]
    text: str = ""


def _take_run(deliveries: Iterable[OwedDelivery], style: Style) -> list[_Told]:
    """The longest run that fits; the first delivery alone where not even two do.

    Bodies only grow with the run, but titles may shrink again: the last steps are made one by one.
    """
    told: list[_Told] = []
    length = 0
    for delivery in deliveries:
        one = _tell(delivery.subject, style)
        length += measure(one.text)
        if told and length > style.limit:
            break
        told.append(one)
    count = _find_most(len(told), lambda n: measure(_compose(told[:n], style).body) <= style.limit)
    while count > 1 and not _fits(_compose(told[:count], style), style):
        count -= 1
    return told[: max(count, 1)]


def _fits(message: Composed, style: Style) -> bool:
    title = measure(message.title)
    return title <= style.title_limit and title + _BETWEEN + measure(message.body) <= style.limit


def _find_most(most: int, fits: Callable[[int], bool]) -> int:
    """The greatest number from 1 to `most` that fits, where all smaller ones do; 0 if none does."""
    return bisect_left(range(1, most + 1), True, key=lambda number: not fits(number))


def _compress(one: _Told, style: Style) -> Composed:
    """One delivery within the limit: last lines give way first, then names and links, then all form."""
    kept = _find_most(len(one.lines) - 1, lambda n: _fits(_rewrite(_keep_lines(one, n), style), style))
    if kept:
        return _rewrite(_keep_lines(one, kept), style)
    for candidate in (one, _without_links(one)):
        message = _shorten_names(candidate, style)
        if message is not None:
            return message
    return _break_off(one, style)


def _rewrite(one: _Told, style: Style) -> Composed:
    return _compose([_write(one, style)], style)


def _shorten_names(one: _Told, style: Style) -> Composed | None:
    """What comes from elsewhere cut to the length that fits; None where that would leave too little."""
    longest = max((measure(part.text) for line in one.lines for part in line if part.foreign), default=0)
    most = _find_most(longest, lambda n: _fits(_rewrite(_cap(one, n), style), style))
    return _rewrite(_cap(one, most), style) if most >= min(longest, _LEAST_OF_A_NAME) > 0 else None


def _break_off(one: _Told, style: Style) -> Composed:
    """The start of what happened, without a title or any markup: for the smallest of services."""
    plain = shorten("".join(part.text for part in _summarize(one)), max(style.limit, 1))
    room = max(style.limit - _BETWEEN, 1)

    def write(length: int) -> str:
        return _write_part(Part(shorten(plain, length), foreign=True), style)

    most = _find_most(room, lambda length: measure(write(length)) <= room)
    return Composed(1, "", write(most) if most else ELLIPSIS, style.markup is Markup.HTML)


def _keep_lines(one: _Told, count: int) -> _Told:
    return replace(one, lines=(*one.lines[:count], say(ELLIPSIS)))


def _cap(one: _Told, most: int) -> _Told:
    return replace(one, lines=tuple(_cap_sentence(line, most) for line in one.lines))


def _cap_sentence(sentence: Sentence, most: int) -> Sentence:
    return tuple(replace(p, text=shorten(p.text, most)) if p.foreign else p for p in sentence)


def _without_links(one: _Told) -> _Told:
    return replace(one, lines=tuple(tuple(replace(part, link=None) for part in line) for line in one.lines))


# ── composing ─────────────────────────────────────────────────────────────────────────────────────


def _tell(subject: RecordedChange | Notice, style: Style) -> _Told:
    if isinstance(subject, Notice):
        heading, lines = _OWN_HEADING, describe_notice(subject)
    else:
        heading, lines = clean(feed_of(subject)), (describe_change(subject),)
    # What is longer than all that fits is tried in many lengths further on: none of them is a longer one.
    most = max(style.limit, 1)
    return _write(_Told(subject, heading, tuple(_cap_sentence(line, most) for line in lines)), style)


def _summarize(one: _Told) -> Sentence:
    """One delivery as the title of a message of its own."""
    subject = one.subject
    return summarize_notice(subject) if isinstance(subject, Notice) else summarize_change(subject)


def _compose(told: Sequence[_Told], style: Style) -> Composed:
    groups: dict[str, list[_Told]] = {}
    for one in told:
        groups.setdefault(one.heading, []).append(one)
    title = _write_title(_entitle(groups, style), style)
    is_html = style.markup is Markup.HTML
    body = _join_html(groups) if is_html else _join_text(groups, title, style)
    return Composed(len(told), title, body, is_html)


def _entitle(groups: dict[str, list[_Told]], style: Style) -> Sentence:
    """The one thing that happened, or how much of what on which lists, or how much in all."""
    everything = [one for group in groups.values() for one in group]
    if len(everything) == 1:
        return _entitle_one(everything[0], style)
    if len(groups) * _SHORTEST_COUNT <= style.title_limit + _SHORTEST_COUNT:
        each = [_count(heading, group) for heading, group in groups.items()]
        title = tuple(part for sentence in each for part in (Part("; "), *sentence))[1:]
        if measure(_write_sentence(title, _style_of_title(style))) <= style.title_limit:
            return title
    if len(groups) == 1:
        return say(quote(everything[0].heading), f": {len(everything):,} changes")
    return say(f"{len(everything):,} changes in {len(groups):,} lists")


def _entitle_one(one: _Told, style: Style) -> Sentence:
    """What happened; only on whose list, where title and body are one text and would say it twice."""
    if style.titled or isinstance(one.subject, Notice):
        return _summarize(one)
    return (quote(one.heading),)


def _count(heading: str, group: Sequence[_Told]) -> Sentence:
    changes = [one.subject for one in group if isinstance(one.subject, RecordedChange)]
    if changes:
        return say(quote(heading), f": {count_changes(changes)}")
    return say(f"{len(group):,} notices") if len(group) > 1 else _summarize(group[0])


def _write_title(sentence: Sentence, style: Style) -> str:
    """A title line within its limit: long names give way before our own words do."""
    style = _style_of_title(style)
    sentence = _cap_sentence(tuple(replace(part, shown=False) for part in sentence), style.title_limit)
    written = _write_sentence(sentence, style)
    if measure(written) <= style.title_limit:
        return written

    def write(most: int) -> str:
        return _write_sentence(_cap_sentence(sentence, most), style)

    longest = max((measure(part.text) for part in sentence if part.foreign), default=1)
    most = _find_most(longest, lambda n: measure(write(n)) <= style.title_limit)
    return write(most) if most else shorten(write(1), style.title_limit)


def _style_of_title(style: Style) -> Style:
    return replace(style, markup=Markup.TEXT, escape=style.title_escape)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def _write(one: _Told, style: Style) -> _Told:
    """The same, with its lines as they stand in a body of the style."""
    if style.markup is Markup.TEXT:
        return replace(one, text="\n".join(_write_line(line, style) for line in one.lines))
    tag = "p" if isinstance(one.subject, Notice) else "li"
    lines = "<br>".join(_write_sentence(line, style) for line in one.lines)
    return replace(one, text=f"<{tag}>{lines}</{tag}>")


def _join_text(groups: dict[str, list[_Told]], title: str, style: Style) -> str:
    """Lines under headings; the heading of a single list is left out where the title begins with it."""
    blocks: list[str] = []
    for name, group in groups.items():
        lines = [one.text for one in group]
        if len(groups) > 1 or not _is_entitled(name, title, style):
            lines.insert(0, _write_part(Part(name, foreign=True), style))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _is_entitled(name: str, title: str, style: Style) -> bool:
    return name == _OWN_HEADING or title.startswith(
        _write_part(Part(name, foreign=True), _style_of_title(style))
    )


def _join_html(groups: dict[str, list[_Told]]) -> str:
    """Headings and lists, without colours or sizes: light or dark is the reader's choice."""
    blocks: list[str] = []
    for name, group in groups.items():
        items = "".join(one.text for one in group)
        blocks.append(items if name == _OWN_HEADING else f"<h3>{escape_html(name)}</h3><ul>{items}</ul>")
    return "\n".join(blocks)


def _write_line(sentence: Sentence, style: Style) -> str:
    """A sentence as plain text, and below it the addresses that belong into it."""
    links = [defuse_link(part.link, style) for part in sentence if part.shown and part.link]
    return "\n".join([_write_sentence(sentence, style), *links])


def _write_sentence(sentence: Sentence, style: Style) -> str:
    return "".join(_write_part(part, style) for part in sentence)


def _write_part(part: Part, style: Style) -> str:
    if style.markup is Markup.HTML:
        return _write_html_part(part)
    if part.link is not None and part.text == part.link:
        return defuse_link(part.link, style)
    return escape_markup(defuse(part.text, style), style.escape) if part.foreign else part.text


def _write_html_part(part: Part) -> str:
    text = escape_html(part.text)
    if part.link is None:
        return text
    link = escape_html(part.link)
    named = f'<a href="{link}">{text}</a>'
    # Who reads the mail as text has no links but those that are written out.
    return f'{named}<br><a href="{link}"><small>{link}</small></a>' if part.shown else named
