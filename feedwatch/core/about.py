"""What more is known of a story's title, in words: a line below what happened, and what it is about.

Nothing is said twice: not the year that the title bears, not the rating that somebody gave, and of what is
about the queue not that it is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from feedwatch.core.messages import Story
from feedwatch.core.model import Kind, RecordedChange, TitleDetails
from feedwatch.core.stories import Role, known_facts, lead_of, role_of
from feedwatch.core.text import shorten
from feedwatch.core.wording import Part, Sentence, quote, say, say_rating

_BETWEEN = " · "
_LONGEST_SYNOPSIS = 240


def more_of(story: Story) -> TitleDetails | None:
    """Give what more is known of the title that a story is about."""
    return next((change.details.more for change in story.changes if change.details.more is not None), None)


def without_more(story: Story) -> Story:
    """Give the same story as if no more were known."""
    if more_of(story) is None:
        return story
    changes = (replace(each, details=replace(each.details, more=None)) for each in story.changes)
    return replace(story, changes=tuple(changes))


def say_more(story: Story) -> Sentence:
    """Say in a line what more is known: `2001 · PG-13 · 3.7★ on average, 4.1★ for you · in your queue`."""
    more = more_of(story)
    told: Sentence = ()
    for clause in _list_clauses(story, more) if more is not None else ():
        told += (Part(_BETWEEN), *clause) if told else clause
    return told


def say_synopsis(story: Story) -> Sentence:
    """Say what the title is about, shortened."""
    more = more_of(story)
    return (quote(shorten(more.synopsis, _LONGEST_SYNOPSIS)),) if more is not None and more.synopsis else ()


def _list_clauses(story: Story, more: TitleDetails) -> Iterator[Sentence]:
    lead, facts = lead_of(story), known_facts(story)
    assert lead is not None
    if more.year and not facts.get("year") and more.year not in lead.title and not _names_year(lead):
        yield say(more.year)
    if more.certificate:
        yield (quote(more.certificate),)
    if ratings := _say_ratings(story, more):
        yield ratings
    if not any(change.feed_kind is Kind.QUEUE for change in story.changes):
        if more.queued:
            yield say("in your queue")
        if more.playable and lead.feed_kind is Kind.RECOMMENDATIONS:
            yield say("can be played")


def _say_ratings(story: Story, more: TitleDetails) -> Sentence:
    average = say_rating(more.average_rating)
    predicted = None if _is_rated(story) or _tells_predicted(story) else say_rating(more.predicted_rating)
    if average is not None and predicted is not None:
        return say(average, " on average, ", predicted, " for you")
    if average is not None:
        return say(average, " on average")
    return say(predicted, " for you") if predicted is not None else ()


def _is_rated(story: Story) -> bool:
    """Whether the person has rated it: what they would think of it is no news then."""
    roles = {role_of(change) for change in story.changes}
    return Role.RATED in roles or bool(known_facts(story).get("rating"))


def _tells_predicted(story: Story) -> bool:
    recommended = (change for change in story.changes if role_of(change) is Role.RECOMMENDED)
    return any(change.entry_facts.get("predicted_rating") for change in recommended)


def _names_year(lead: RecordedChange) -> bool:
    """Whether the title ends in a year of its own, perhaps another one than a service has."""
    return any(word.strip("(),").isdigit() and len(word.strip("(),")) == 4 for word in lead.title.split()[1:])
