"""The title of a message: the one thing that happened, or how much of what on which lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from feedwatch.core.calendar import Every
from feedwatch.core.manner import Batch
from feedwatch.core.messages import Story, Style
from feedwatch.core.telling import OWN_HEADING, count_stories, heading_of, summarize_story
from feedwatch.core.text import find_most, measure, shorten
from feedwatch.core.wording import Part, Sentence, quote, say
from feedwatch.core.writing import cap_sentence, for_title, write_sentence

_SHORTEST_COUNT = 12
"""What a title says of one list takes at least so much: `a/b: 1 new; `."""


def write_title(groups: Mapping[str, Sequence[Story]], style: Style, batch: Batch) -> str:
    """Write the title of a message that tells these stories, by their lists, within the style's limit."""
    return write_within(_entitle(groups, style, batch), style)


def write_within(sentence: Sentence, style: Style) -> str:
    """Write a sentence as a title within its limit: long names give way before our own words do."""
    title = for_title(style)
    sentence = cap_sentence(tuple(replace(part, shown=False) for part in sentence), title.title_limit)
    written = write_sentence(sentence, title)
    if measure(written) <= title.title_limit:
        return written

    def write(most: int) -> str:
        return write_sentence(cap_sentence(sentence, most), title)

    longest = max((measure(part.text) for part in sentence if part.foreign), default=1)
    most = find_most(longest, lambda n: measure(write(n)) <= title.title_limit)
    return write(most) if most else shorten(write(1), title.title_limit)


# ── what it says ──────────────────────────────────────────────────────────────────────────────────


def _entitle(groups: Mapping[str, Sequence[Story]], style: Style, batch: Batch) -> Sentence:
    """The one thing that happened, or how much of what on which lists, or how much in all."""
    everything = [story for group in groups.values() for story in group]
    if batch.manner.digest is not None:
        return say(f"{_name_digest(batch)}: {count_stories(everything)}")
    if len(everything) == 1:
        return _entitle_one(everything[0], style)
    if len(groups) * _SHORTEST_COUNT <= style.title_limit + _SHORTEST_COUNT:
        each = [_count(heading, group) for heading, group in groups.items()]
        title = tuple(part for sentence in each for part in (Part("; "), *sentence))[1:]
        if measure(write_sentence(title, for_title(style))) <= style.title_limit:
            return title
    if len(groups) == 1:
        return say(quote(*groups), f": {len(everything):,} changes")
    return say(f"{len(everything):,} changes in {len(groups):,} lists")


def _entitle_one(story: Story, style: Style) -> Sentence:
    """What happened; only on whose list, where title and body are one text and would say it twice."""
    return summarize_story(story) if style.titled or story.notice is not None else (quote(heading_of(story)),)


def _count(heading: str, group: Sequence[Story]) -> Sentence:
    if heading != OWN_HEADING:
        return say(quote(heading), f": {count_stories(group)}")
    return say(count_stories(group)) if len(group) > 1 else summarize_story(group[0])


def _name_digest(batch: Batch) -> str:
    """`Daily digest, 26 November (part 2)`: of which day is said by the clock of the digest's own zone."""
    digest = batch.manner.digest
    assert digest is not None
    at = batch.period_at.astimezone(digest.zone) if batch.period_at else None
    day = f", {at.day} {at:%B}" if at else ""
    hour = f" {at:%H:%M}" if at and digest.every is Every.HOURLY else ""
    part = f" (part {batch.part})" if batch.part > 1 else ""
    return f"{digest.every.value.capitalize()} digest{day}{hour}{part}"
