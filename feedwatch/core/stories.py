"""Deliveries → stories: what happened to one title is told as one, whichever lists it was seen on.

A title that left the queue and appeared in the history was watched; one that was watched and rated is one
story, and so is a recommendation that was queued. What does not belong together stays apart: a title
removed and added again, two viewings of it, two titles that only share a name or a key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from feedwatch.core.keys import title_in_key
from feedwatch.core.messages import OwedDelivery, Story
from feedwatch.core.model import ChangeKind, Kind, Notice, RecordedChange
from feedwatch.core.text import clean

_MOST_OF_ONE_TITLE = 16
"""Of a title that comes and goes without end, each change further on is told by itself."""
_YEAR_BEHIND = re.compile(r"\s*\(\d{4}\)$")


class Role(IntEnum):
    """What a change can be in a story with others; the least of them leads."""

    WATCHED = 1
    QUEUED = 2
    RATED = 3
    UNQUEUED = 4
    RECOMMENDED = 5


_ROLES = {
    (Kind.HISTORY, ChangeKind.ADDED): Role.WATCHED,
    (Kind.QUEUE, ChangeKind.ADDED): Role.QUEUED,
    (Kind.QUEUE, ChangeKind.REMOVED): Role.UNQUEUED,
    (Kind.RATINGS, ChangeKind.ADDED): Role.RATED,
    (Kind.RATINGS, ChangeKind.UPDATED): Role.RATED,
    (Kind.RECOMMENDATIONS, ChangeKind.ADDED): Role.RECOMMENDED,
}
_BELONG_TOGETHER = (
    frozenset({Role.WATCHED, Role.RATED, Role.UNQUEUED}),
    frozenset({Role.RECOMMENDED, Role.QUEUED}),
)


def tell_stories(deliveries: Sequence[OwedDelivery]) -> list[Story]:
    """Put together what happened to the same title; each story stands where its first delivery stood.

    Every delivery is in exactly one story. A story has no two changes of one feed, and no two of one role but
    that a title can leave several queues.
    """
    begun: list[_Begun] = []
    of_title: dict[tuple[str, str], list[_Begun]] = {}
    for owed in deliveries:
        role, title = _place(owed.subject)
        others = of_title.setdefault(title, []) if title is not None else []
        joined = next((each for each in others if each.has_room_for(owed.subject, role)), None)
        if joined is None:
            joined = _Begun()
            begun.append(joined)
            if len(others) < _MOST_OF_ONE_TITLE:
                others.append(joined)
        joined.take(owed, role)
    return [each.tell() for each in begun]


def role_of(change: RecordedChange) -> Role | None:
    """Say what a change can be in a story with others; None for what is always told by itself."""
    role = _ROLES.get((change.feed_kind, change.kind))
    if role is Role.RATED and change.kind is ChangeKind.UPDATED:
        rating = change.facts.get("rating")
        return role if rating is not None and rating.after is not None else None
    return role


def lead_of(story: Story) -> RecordedChange | None:
    """Give the change that a story is mainly about; None where it is a notice."""
    if len(story.changes) <= 1:
        return story.changes[0] if story.changes else None
    return min(story.changes, key=lambda change: role_of(change) or Role.RECOMMENDED)


def known_facts(story: Story) -> dict[str, str]:
    """Give what is known of the title that a story is about.

    All of its changes say it; where they differ, the one that leads is right.
    """
    lead = lead_of(story)
    known: dict[str, str] = {}
    for change in (*story.changes, *((lead,) if lead else ())):
        known |= change.entry_facts
    return known


# ── gathering ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Begun:
    """A story that may still grow."""

    deliveries: list[int] = field(default_factory=list)
    changes: list[RecordedChange] = field(default_factory=list)
    roles: list[Role | None] = field(default_factory=list)
    notice: Notice | None = None
    recommended: bool = False

    def has_room_for(self, subject: RecordedChange | Notice, role: Role | None) -> bool:
        if isinstance(subject, Notice) or not _belong_together(self.roles, role):
            return False
        return all(_are_of_one_title(change, subject) for change in self.changes)

    def take(self, owed: OwedDelivery, role: Role | None) -> None:
        self.deliveries.append(owed.id)
        self.roles.append(role)
        self.recommended |= owed.recommended
        if isinstance(owed.subject, Notice):
            self.notice = owed.subject
        else:
            self.changes.append(owed.subject)

    def tell(self) -> Story:
        # A recommendation in company is of a title that was queued.
        recommended = self.recommended or (Role.RECOMMENDED in self.roles and len(self.roles) > 1)
        return Story(tuple(self.deliveries), tuple(self.changes), self.notice, recommended)


def _place(subject: RecordedChange | Notice) -> tuple[Role | None, tuple[str, str] | None]:
    """The role of a delivery, and whose title it is about; None for what is told by itself."""
    role = None if isinstance(subject, Notice) else role_of(subject)
    if isinstance(subject, Notice) or role is None:
        return None, None
    title = title_in_key(subject.feed_kind, subject.key)
    return role, None if title is None else (subject.account, title)


def _belong_together(roles: Sequence[Role | None], role: Role | None) -> bool:
    if role in roles and role is not Role.UNQUEUED:
        return False
    return any(role in group and group.issuperset(roles) for group in _BELONG_TOGETHER)


def _are_of_one_title(one: RecordedChange, other: RecordedChange) -> bool:
    """Whether two changes with the same title's id are of two feeds and name the same title.

    Feeds of different sites, in one account, may use the same id for different titles.
    """
    if one.feed == other.feed:
        return False
    return one.title == other.title or _bare_title(one) == _bare_title(other)


def _bare_title(change: RecordedChange) -> str:
    return _YEAR_BEHIND.sub("", clean(change.title)).casefold()
