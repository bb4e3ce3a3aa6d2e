"""A message in our own words: the longest run of stories that fits, or what fits of a single one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from feedwatch.core.about import more_of, say_more, say_synopsis
from feedwatch.core.document import measure_story, write_document
from feedwatch.core.messages import Composed, Markup, PictureLink, Story, Style
from feedwatch.core.offer import (
    BETWEEN,
    Offer,
    distinct_pictures,
    fits,
    group_stories,
    link_pictures,
    list_deliveries,
)
from feedwatch.core.telling import describe_story, heading_of, summarize_story
from feedwatch.core.text import ELLIPSIS, find_most, measure, measure_in, shorten
from feedwatch.core.titles import write_title
from feedwatch.core.wording import Part, Sentence, say
from feedwatch.core.writing import (
    cap_sentence,
    for_twin,
    join_entries,
    measure_added,
    write_entry,
    write_plain,
    write_sentence,
)

_FEW = 3
"""Of so many titles is told what each is about; a longer message is a list, and is to stay one."""
_LEAST_OF_A_NAME = 12
"""Names cut shorter than that say nothing; a sentence that just breaks off says more."""


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class _Entry:
    """One story in words: line by line, and as written. `more` stands below it, where it is detailed."""

    story: Story
    heading: str
    lines: tuple[Sentence, ...]
    picture: PictureLink | None = None
    text: str = ""
    more: tuple[Sentence, ...] = ()
    is_detailed: bool = False


def compose_longest(offer: Offer) -> Composed:
    """Make one message of the longest run of stories that fits, or of what fits of the first."""
    entries, most = _write_entries(offer)
    message = _compose(entries[:most], offer, offer.told_with(most))
    # Titles may shrink again as fewer are told: the last steps are made one by one.
    while most > 1 and not fits(message, offer.style):
        most -= 1
        message = _compose(entries[:most], offer, offer.told_with(most))
    if fits(message, offer.style):
        return _add_details(message, entries[:most], offer)
    return message if offer.style.markup is Markup.JSON else _compress(entries[0], offer)


def _write_entries(offer: Offer) -> tuple[list[_Entry], int]:
    """The stories that a message may name, and how many of them may fit by what is said of each alone."""
    style = offer.style
    # What is longer than all that fits is tried in many lengths further on: none of them is a longer one.
    longest = max(style.limit, 1)
    pictures = link_pictures(offer.stories, style, offer.batch, detailed=False)
    entries: list[_Entry] = []
    headings: set[str] = set()
    length = 0
    for story, picture in zip(offer.stories[: offer.most_named], pictures, strict=False):
        lines = tuple(cap_sentence(line, longest) for line in describe_story(story))
        entry = _Entry(story, heading_of(story), lines, picture, _write_lines(story, lines, style, picture))
        entries.append(entry)
        length += _measure(entry, style, headings)
        if length > style.limit:
            return entries, max(len(entries) - 1, 1)
        headings.add(entry.heading)
    return entries, max(len(entries), 1)


def _measure(entry: _Entry, style: Style, headings: Collection[str]) -> int:
    """How much longer a body is for an entry, below these headings, at least."""
    if style.markup is Markup.JSON:
        return measure_story(entry.story, entry.text, style)
    # A single heading may be left out.
    new = entry.heading if headings and entry.heading not in headings else None
    return measure_added(entry.text, style, heading=new)


def _write(entry: _Entry, style: Style) -> _Entry:
    lines = entry.lines
    if entry.more and style.markup is not Markup.JSON:
        # Plain text has nothing but blanks to show what belongs to what is above.
        lead = (Part("  "),) if style.markup is Markup.TEXT else ()
        lines += tuple((*lead, *line) for line in entry.more)
    return replace(entry, text=_write_lines(entry.story, lines, style, entry.picture))


def _write_lines(story: Story, lines: Sequence[Sentence], style: Style, picture: PictureLink | None) -> str:
    return write_entry(lines, style, is_notice=story.notice is not None, picture=picture)


def _compose(entries: Sequence[_Entry], offer: Offer, told: Sequence[Story]) -> Composed:
    groups = group_stories(told)
    title = write_title(groups, offer.style, offer.batch)
    return Composed(
        deliveries=list_deliveries(told),
        title=title,
        body=_write_body(entries, offer, title, len(told) - len(entries)),
        markup=offer.style.markup,
        twin=_write_twin(entries, offer, title, len(told) - len(entries)),
        pictures=distinct_pictures(entry.picture for entry in entries),
    )


def _write_body(entries: Sequence[_Entry], offer: Offer, title: str, more: int) -> str:
    if offer.style.markup is Markup.JSON:
        stories = [entry.story for entry in entries]
        lines = [entry.text for entry in entries]
        detailed = [entry.is_detailed for entry in entries]
        return write_document(stories, title=title, lines=lines, batch=offer.batch, detailed=detailed)
    return join_entries(_group_texts(entries), offer.style, title=title, more=more)


def _write_twin(entries: Sequence[_Entry], offer: Offer, title: str, more: int) -> str:
    """The same in plain text, where the service takes that beside HTML."""
    if not offer.style.twin or offer.style.markup is not Markup.HTML:
        return ""
    style = for_twin(offer.style)
    plain = [_write(entry, style) for entry in entries]
    return join_entries(_group_texts(plain), style, title=title, more=more)


def _group_texts(entries: Iterable[_Entry]) -> Mapping[str, Sequence[str]]:
    groups: dict[str, list[str]] = {}
    for entry in entries:
        groups.setdefault(entry.heading, []).append(entry.text)
    return groups


# ── details ───────────────────────────────────────────────────────────────────────────────────────


def _add_details(plain: Composed, entries: Sequence[_Entry], offer: Offer) -> Composed:
    """The same message with what more is known of its titles, as far as that fits: it moves nothing out."""
    if all(more_of(entry.story) is None for entry in entries):
        return plain
    told = offer.told_with(len(entries))
    for synopsis in (True, False) if len(entries) <= _FEW else (False,):
        message = _compose(_detail(entries, offer, synopsis=synopsis), offer, told)
        if fits(message, offer.style):
            return message
    return plain


def _detail(entries: Sequence[_Entry], offer: Offer, *, synopsis: bool) -> list[_Entry]:
    pictures = link_pictures([entry.story for entry in entries], offer.style, offer.batch)
    detailed: list[_Entry] = []
    for entry, picture in zip(entries, pictures, strict=True):
        lines = (say_more(entry.story), say_synopsis(entry.story) if synopsis else ())
        more = tuple(filter(None, lines))
        detailed.append(_write(replace(entry, more=more, picture=picture, is_detailed=True), offer.style))
    return detailed


# ── what is too long for any message ──────────────────────────────────────────────────────────────


def _compress(entry: _Entry, offer: Offer) -> Composed:
    """One story within the limit: last lines give way first, then names and links, then all form."""
    style = offer.style
    kept = find_most(len(entry.lines) - 1, lambda n: fits(_compose_one(_keep_lines(entry, n), offer), style))
    if kept:
        return _compose_one(_keep_lines(entry, kept), offer)
    for candidate in (entry, _without_links(entry)):
        message = _shorten_names(candidate, offer)
        if message is not None:
            return message
    return _break_off(entry, offer)


def _compose_one(entry: _Entry, offer: Offer) -> Composed:
    return _compose([_write(entry, offer.style)], offer, [entry.story])


def _shorten_names(entry: _Entry, offer: Offer) -> Composed | None:
    """What comes from elsewhere cut to the length that fits; None where that would leave too little."""
    longest = max((measure(part.text) for line in entry.lines for part in line if part.foreign), default=0)
    most = find_most(longest, lambda n: fits(_compose_one(_cap(entry, n), offer), offer.style))
    return _compose_one(_cap(entry, most), offer) if most >= min(longest, _LEAST_OF_A_NAME) > 0 else None


def _break_off(entry: _Entry, offer: Offer) -> Composed:
    """The start of what happened, without a title or any markup: for the smallest of services."""
    style = offer.style
    plain = shorten(write_plain(summarize_story(entry.story)), max(style.limit, 1))
    room = max(style.limit - BETWEEN, 1)

    def write(length: int) -> str:
        return write_sentence((Part(shorten(plain, length), foreign=True),), style)

    most = find_most(room, lambda length: measure_in(write(length), style) <= room)
    body = write(most) if most else ELLIPSIS
    twin = shorten(plain, room) if style.twin and style.markup is Markup.HTML else ""
    return Composed(entry.story.deliveries, "", body, style.markup, twin)


def _keep_lines(entry: _Entry, count: int) -> _Entry:
    return replace(entry, lines=(*entry.lines[:count], say(ELLIPSIS)))


def _cap(entry: _Entry, most: int) -> _Entry:
    return replace(entry, lines=tuple(cap_sentence(line, most) for line in entry.lines))


def _without_links(entry: _Entry) -> _Entry:
    """Without addresses, and without a picture in its place."""
    lines = tuple(tuple(replace(part, link=None) for part in line) for line in entry.lines)
    return replace(entry, lines=lines, picture=None)
