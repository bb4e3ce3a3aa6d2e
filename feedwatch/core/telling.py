"""Stories in words: a sentence for all that happened to a title, and one for the title of a message.

The change that leads is said as it would be alone; what belongs to it follows in a clause of its own, so
that a reader can tell what is included: `watched Heat (1995) on 3 November 2026 and rated it 4★, off the
queue`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from feedwatch.core.messages import Story
from feedwatch.core.model import RecordedChange
from feedwatch.core.notices import describe_notice, summarize_notice
from feedwatch.core.stories import Role, lead_of, role_of
from feedwatch.core.text import clean
from feedwatch.core.wording import (
    RATINGS_IN_WORDS,
    Sentence,
    count_changes,
    describe_change,
    feed_of,
    in_brackets,
    quote,
    say,
    say_rating,
    summarize_change,
)

OWN_HEADING = "feedwatch"
"""What notices stand under."""
_QUEUE = "queue"


def heading_of(story: Story) -> str:
    """Give the name of the list under which a story is told: that of the change that leads."""
    lead = lead_of(story)
    return OWN_HEADING if lead is None else clean(feed_of(lead))


def describe_story(story: Story) -> tuple[Sentence, ...]:
    """Say all of it: a line for what happened to a title, one for each sentence of a notice."""
    if story.notice is not None:
        return describe_notice(story.notice)
    return (describe_change(_lead_alone(story)) + _add_others(story),)


def summarize_story(story: Story) -> Sentence:
    """Say what happened and on whose list, as the title of a message of its own."""
    if story.notice is not None:
        return summarize_notice(story.notice)
    return summarize_change(_lead_alone(story)) + _add_others(story)


def count_stories(stories: Iterable[Story]) -> str:
    """Say how much of what happened: `2 added, 1 watched`. A story counts once, as what leads in it."""
    leads = [lead_of(story) for story in stories]
    counted = count_changes(lead for lead in leads if lead is not None)
    notices = sum(lead is None for lead in leads)
    return ", ".join(filter(None, (counted, _count_notices(notices))))


def _count_notices(count: int) -> str:
    return f"{count:,} notice{'' if count == 1 else 's'}" if count else ""


# ── clauses ───────────────────────────────────────────────────────────────────────────────────────


def _lead_alone(story: Story) -> RecordedChange:
    """The change that leads; without a rating that the story itself tells of."""
    lead = lead_of(story)
    assert lead is not None
    if role_of(lead) is not Role.WATCHED or not _of_role(story, Role.RATED):
        return lead
    return replace(lead, entry_facts={n: fact for n, fact in lead.entry_facts.items() if n != "rating"})


def _add_others(story: Story) -> Sentence:
    """What else belongs to a story, behind what leads: first what was done, then what came of it."""
    lead = lead_of(story)
    others = [change for change in story.changes if change is not lead]
    told: Sentence = ()
    for role, clause in _CLAUSES.items():
        for change in others:
            if role_of(change) is role:
                told += clause(change)
    if _is_from_recommendations(story):
        told += say(", from the recommendations")
    return told


def _of_role(story: Story, role: Role) -> Sequence[RecordedChange]:
    return [change for change in story.changes if role_of(change) is role]


def _is_from_recommendations(story: Story) -> bool:
    """Whether a title was queued that had been recommended before."""
    if not story.recommended or not _of_role(story, Role.QUEUED):
        return False
    return not _of_role(story, Role.RECOMMENDED)


def _also_rated(change: RecordedChange) -> Sentence:
    fact = change.facts.get("rating")
    after = fact.after if fact is not None else change.entry_facts.get("rating")
    if after in RATINGS_IN_WORDS:
        return say(", ", say_rating(after))
    if fact is not None and fact.before is not None:
        return say(" and re-rated it ", say_rating(fact.before), " → ", say_rating(after))
    stars = say_rating(after)
    return say(" and rated it", *((" ", stars) if stars else ()))


def _off_queue(change: RecordedChange) -> Sentence:
    name = change.feed.removeprefix(f"{change.account}/")
    return say(", off the queue") if name == _QUEUE else say(", off ", quote(name))


def _newly_recommended(change: RecordedChange) -> Sentence:
    predicted = say_rating(change.entry_facts.get("predicted_rating"))
    return say(", newly recommended", *in_brackets("predicted", predicted))


_CLAUSES: dict[Role, Callable[[RecordedChange], Sentence]] = {
    Role.RATED: _also_rated,
    Role.UNQUEUED: _off_queue,
    Role.RECOMMENDED: _newly_recommended,
}
