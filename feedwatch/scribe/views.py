"""What templates see of a message: stories, changes, lists and the digest, as plain values.

A fact that is not known is None, and shows as nothing; a name that does not exist is a mistake that is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from feedwatch.core.about import more_of, say_more
from feedwatch.core.messages import Story, Style
from feedwatch.core.model import FactChange, Notice, RecordedChange, TitleDetails
from feedwatch.core.notices import describe_notice, summarize_notice
from feedwatch.core.stories import known_facts, lead_of
from feedwatch.core.telling import OWN_HEADING, count_stories, describe_story
from feedwatch.core.text import clean, page_of
from feedwatch.core.wording import UNNAMED, Sentence, describe_change, feed_of
from feedwatch.scribe.writing import Text, Written, write_lines, write_link

NOTICE = "notice"
_WHOLE = re.compile(r"\d{1,9}")
_BROKEN = re.compile(r"\d{1,9}\.\d{1,9}")

Fact = str | int | float


class View:
    """Something whose fields a template may read, but for those that are hidden."""

    __slots__ = ()
    HIDDEN: ClassVar[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts(View):
    """What is known of a title; numbers are numbers."""

    title: Fact | None = None
    link: Fact | None = None
    year: Fact | None = None
    availability: Fact | None = None
    rating: Fact | None = None
    predicted_rating: Fact | None = None
    average_rating: Fact | None = None
    category: Fact | None = None
    watched_at: Fact | None = None
    published_at: Fact | None = None


_FACTS = frozenset(fact.name for fact in fields(Facts))
_NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class DetailsView(View):
    """What more is known of a title: by its service, or by TMDB; ratings are numbers of stars."""

    year: Fact | None = None
    certificate: str | None = None
    average_rating: Fact | None = None
    predicted_rating: Fact | None = None
    synopsis: str | None = None
    queued: bool | None = None
    playable: bool | None = None


_NO_DETAILS = DetailsView()


@dataclass(frozen=True, slots=True)
class ChangeView(View):
    """One change: of `change` kind, on `feed` (`account/list`), as `text` says."""

    title: str
    year: Fact | None
    link: Text | None
    account: str
    list: str
    feed: str
    kind: str
    change: str
    position: int | None
    previous_position: int | None
    facts: Facts
    was: Facts
    now: Facts
    excerpt: str
    details: DetailsView
    at: datetime
    text: Text

    def __str__(self) -> str:
        return self.title


_OF_CHANGE = tuple(each.name for each in fields(ChangeView))


@dataclass(frozen=True, slots=True)
class StoryView(ChangeView):
    """What happened to one title: the change that leads, and all of them. A notice has none.

    `line` is as the templates say it, else as `text`. `picture` is the name under which a page shows it.
    `about` is a line of what more is known of the title; empty where nothing is.
    """

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"story", "told"})

    changes: Sequence[ChangeView]
    recommended: bool
    picture: str | None
    about: Text
    story: Story = field(repr=False)
    told: tuple[Sentence, ...] = field(repr=False)
    line: Text = field(default_factory=Written)
    is_reworded: bool = False


@dataclass(frozen=True, slots=True)
class ListView(View):
    """The stories of one list, `feed` being its full name, and how much happened there, in words."""

    feed: str
    account: str
    name: str
    kind: str
    count: str
    stories: Sequence[StoryView]


@dataclass(frozen=True, slots=True)
class DigestView(View):
    """Which digest it is: `every` hourly, daily or weekly, due `at`, and which part of it."""

    every: str
    at: datetime
    part: int


def view_story(story: Story, style: Style, zone: tzinfo, picture: str | None = None) -> StoryView:
    """A story as a template sees it in a style."""
    told = describe_story(story)
    changes = tuple(view_change(change, style, zone) for change in story.changes)
    # Most stories are one change, and say what that says.
    is_same = len(changes) == 1 and not story.recommended
    text = changes[0].text if is_same else write_lines(told, style)
    return StoryView(
        **(_view_lead(story, changes, style, zone) | {"text": text}),
        changes=changes,
        recommended=story.recommended,
        picture=picture,
        about=write_lines((more,), style) if (more := say_more(story)) else Written(),
        story=story,
        told=told,
        line=text,
    )


def view_change(change: RecordedChange, style: Style, zone: tzinfo) -> ChangeView:
    """A change as a template sees it in a style."""
    link, feed = page_of(change.link), feed_of(change)
    return ChangeView(
        title=clean(change.title) or UNNAMED,
        year=_read_fact(change.entry_facts.get("year")),
        link=None if link is None else write_link(link, style),
        account=change.account,
        list=feed.removeprefix(f"{change.account}/"),
        feed=feed,
        kind=change.feed_kind.value,
        change=change.kind.value,
        position=change.position,
        previous_position=change.previous_position,
        facts=_view_facts(change.entry_facts),
        was=_view_facts(_before(change.facts)),
        now=_view_facts(_after(change.facts)),
        excerpt=change.details.text,
        details=_view_details(change.details.more),
        at=change.at.astimezone(zone),
        text=write_lines((describe_change(change),), style),
    )


def view_lists(stories: Sequence[StoryView]) -> list[ListView]:
    """Stories under the lists that they happened on, in the order of their first."""
    groups: dict[str, list[StoryView]] = {}
    for story in stories:
        groups.setdefault(story.feed, []).append(story)
    ordered = _keep_accounts_together(groups)
    return [_view_list(feed, groups[feed]) for feed in ordered]


def reword(story: StoryView, line: Text) -> StoryView:
    """The same story, its line in other words."""
    return replace(story, line=line, is_reworded=True)


def _view_lead(story: Story, changes: Sequence[ChangeView], style: Style, zone: tzinfo) -> dict[str, Any]:
    """What a story shares with the change that leads; it knows what all of its changes know."""
    lead = lead_of(story)
    if lead is None:
        assert story.notice is not None
        return _fields_of(_view_notice(story.notice, style, zone))
    view = next(view for change, view in zip(story.changes, changes, strict=True) if change is lead)
    if len(changes) == 1:
        return _fields_of(view)
    more = {"facts": _view_facts(known_facts(story)), "details": _view_details(more_of(story))}
    return _fields_of(view) | more


def _fields_of(view: ChangeView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in _OF_CHANGE}


def _view_list(feed: str, stories: Sequence[StoryView]) -> ListView:
    first = stories[0]
    return ListView(
        feed, first.account, first.list, first.kind, count_stories(each.story for each in stories), stories
    )


def _keep_accounts_together(groups: Mapping[str, Sequence[StoryView]]) -> list[str]:
    """The lists of an account one after the other, in the order of the accounts' first."""
    accounts = list(dict.fromkeys(stories[0].account for stories in groups.values()))
    return sorted(groups, key=lambda feed: accounts.index(groups[feed][0].account))


def _view_notice(notice: Notice, style: Style, zone: tzinfo) -> ChangeView:
    return ChangeView(
        title="".join(part.text for part in summarize_notice(notice)),
        year=None,
        link=None,
        account=OWN_HEADING,
        list=OWN_HEADING,
        feed=OWN_HEADING,
        kind=NOTICE,
        change=notice.kind.value,
        position=None,
        previous_position=None,
        facts=Facts(),
        was=Facts(),
        now=Facts(),
        excerpt="",
        details=DetailsView(),
        at=notice.at.astimezone(zone),
        text=write_lines(describe_notice(notice), style),
    )


def _view_facts(facts: Mapping[str, str | None]) -> Facts:
    if not facts:
        return _NO_FACTS
    return Facts(**{name: _read_fact(value) for name, value in facts.items() if name in _FACTS})


def _view_details(more: TitleDetails | None) -> DetailsView:
    if more is None:
        return _NO_DETAILS
    return DetailsView(
        year=_read_fact(more.year),
        certificate=more.certificate and clean(more.certificate),
        average_rating=_read_fact(more.average_rating),
        predicted_rating=_read_fact(more.predicted_rating),
        synopsis=clean(more.synopsis) or None,
        queued=more.queued,
        playable=more.playable,
    )


def _before(facts: Mapping[str, FactChange]) -> dict[str, str | None]:
    return {name: fact.before for name, fact in facts.items()}


def _after(facts: Mapping[str, FactChange]) -> dict[str, str | None]:
    return {name: fact.after for name, fact in facts.items()}


def _read_fact(value: str | None) -> Fact | None:
    if value is None or not value.isascii():
        return value
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _BROKEN.fullmatch(value) else value
