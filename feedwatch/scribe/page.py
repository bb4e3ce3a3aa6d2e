"""The page that a digest is in an HTML mail, and its twin in plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup as WrittenHtml

from feedwatch.core.about import say_more
from feedwatch.core.model import Kind
from feedwatch.core.text import clean, shorten
from feedwatch.core.wording import Part, Sentence
from feedwatch.scribe.views import NOTICE, DigestView, Fact, ListView, StoryView, View
from feedwatch.scribe.writing import Text, as_html, write_starred, write_stars

_TONES = ("41566b", "5b4a63", "3f5f57", "6b4f45", "4f5a3f", "54506e")
"""Where there is no picture: quiet colours that do on light and on dark."""
_LONGEST_EXCERPT = 160
_LONGEST_TITLE = 300
_MOST_PREVIEWED = 5
_YEAR = re.compile(r" \(\d{4}\)")
_DANGLING = re.compile(r"(?:,| in| on| and|:)*\s*$")


@dataclass(frozen=True, slots=True)
class Account(View):
    """The lists of one account."""

    name: str
    lists: Sequence[ListView]


@dataclass(frozen=True, slots=True)
class Card(View):
    """One title on the page: its tile, what happened to it, and what else is known of it."""

    title: str
    year: Fact | None
    tone: str
    initial: str
    happened: Text
    known: tuple[Text | str, ...]


def make_card(story: StoryView, *, synopsis: bool = True) -> Card:
    """Lay out a story; with `synopsis` it says what the title is about."""
    tone = _TONES[sum(story.title.encode("utf-8", "replace")) % len(_TONES)]
    year = None if story.title.endswith(f"({story.year})") else story.year
    return Card(
        title=shorten(story.title, _LONGEST_TITLE),
        year=year if isinstance(year, int) else None,
        tone=tone,
        initial=_initial(story.title),
        happened=_say_happened(story),
        known=tuple(_say_known(story, synopsis=synopsis)),
    )


def list_accounts(lists: Sequence[ListView]) -> list[Account]:
    """The lists under their accounts, each in the order in which they come."""
    accounts: dict[str, list[ListView]] = {}
    for each in lists:
        accounts.setdefault(each.account, []).append(each)
    return [Account(name, its) for name, its in accounts.items()]


def say_heading(digest: DigestView | None, latest_at: datetime) -> tuple[str, str]:
    """What the page is, and of when."""
    if digest is None:
        return "What changed", _say_day(latest_at)
    hour = f", {digest.at:%H:%M}" if digest.every == "hourly" else ""
    part = f", part {digest.part}" if digest.part > 1 else ""
    return f"{digest.every.capitalize()} digest", f"{_say_day(digest.at)}{hour}{part}"


def say_preview(stories: Sequence[StoryView], more: int) -> str:
    """What a list of mails shows beside the subject: the first titles."""
    named = [shorten(story.title, 60) for story in stories[:_MOST_PREVIEWED]]
    rest = len(stories) - len(named) + more
    return ", ".join(named) + (f" and {rest:,} more" if rest else "")


def omit_title(sentence: Sentence, title: str) -> Sentence:
    """A sentence about a title, to stand below it: `added Heat (1995) at 2` becomes `added at 2`."""
    found = next((i for i, part in enumerate(sentence) if part.foreign and part.text == title), None)
    if found is None:
        return sentence
    rest = sentence[found + 1 :]
    if rest and _YEAR.fullmatch(rest[0].text):
        rest = rest[1:]
    return _close_gap(sentence[:found], rest)


def _close_gap(before: Sentence, after: Sentence) -> Sentence:
    """Two halves of a sentence as one, without a doubled blank, or a word that waits for what is gone."""
    start, end = _trim(before, at_end=True), _trim(after, at_end=False)
    if not end:
        return (*start[:-1], Part(_DANGLING.sub("", start[-1].text))) if start else ()
    is_aside = end[0].text[:1] in ",;:"
    if start and is_aside:
        start = (*start[:-1], Part(_DANGLING.sub("", start[-1].text)))
    joint = "" if not start or is_aside else " "
    return (*start, Part(joint), *end) if joint else (*start, *end)


def _trim(sentence: Sentence, *, at_end: bool) -> Sentence:
    if not sentence:
        return ()
    index = -1 if at_end else 0
    part = sentence[index]
    text = part.text.rstrip() if at_end else part.text.lstrip()
    rest = sentence[:-1] if at_end else sentence[1:]
    if not text:
        return _trim(rest, at_end=at_end)
    trimmed = Part(text, part.foreign, part.link, part.shown)
    return (*rest, trimmed) if at_end else (trimmed, *rest)


def _say_happened(story: StoryView) -> Text:
    if story.is_reworded or story.kind == NOTICE:
        return story.line
    told = (omit_title(sentence, story.title) for sentence in story.told)
    return as_html("; ").join(write_starred(sentence) for sentence in told if sentence)


def _say_known(story: StoryView, *, synopsis: bool) -> list[Text | str]:
    """What is worth a quiet line: categories, what people think of it, how a post begins."""
    known: list[Text | str] = [str(story.facts.category)] if story.facts.category else []
    known += _say_details(story) or _say_ratings(story)
    if story.excerpt and story.kind == Kind.STREAM:
        known.append(shorten(clean(story.excerpt), _LONGEST_EXCERPT))
    if synopsis and story.details.synopsis:
        known.append(shorten(story.details.synopsis, _LONGEST_EXCERPT))
    return known


def _say_details(story: StoryView) -> list[Text | str]:
    more = say_more(story.story)
    return [write_starred(more)] if more else []


def _say_ratings(story: StoryView) -> list[Text | str]:
    facts = story.facts
    known: list[Text | str] = []
    if story.kind != Kind.RECOMMENDATIONS and (predicted := _stars(facts.predicted_rating)):
        known.append(as_html("predicted ") + predicted)
    if average := _stars(facts.average_rating):
        known.append(as_html("on average ") + average)
    return known


def _stars(value: Fact | None) -> WrittenHtml | None:
    return write_stars(f"{value}★") if isinstance(value, int | float) and value else None


def _initial(title: str) -> str:
    return next((character.upper() for character in title if character.isalnum()), "·")[:1]


def _say_day(at: datetime) -> str:
    return f"{at:%A}, {at.day} {at:%B %Y}"
