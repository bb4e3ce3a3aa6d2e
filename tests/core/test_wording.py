"""Every change is said in the words of its kind of list: what happened, to which title, old and new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from feedwatch.core.model import ChangeKind, FactChange, Kind, RecordedChange
from feedwatch.core.wording import (
    Sentence,
    count_changes,
    describe_change,
    feed_of,
    quote,
    say,
    summarize_change,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ADDED, REMOVED, MOVED, UPDATED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.MOVED, ChangeKind.UPDATED


@dataclass
class Case:
    """What a change can differ in."""

    kind: Kind
    change: ChangeKind
    title: str = "Platoon"
    now: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    at: int | None = None
    was_at: int | None = None
    link: str | None = None
    feed: str = ""

    def recorded(self) -> RecordedChange:
        return RecordedChange(
            id=1,
            at=NOW,
            account="jane",
            feed=self.feed or self.kind.value,
            feed_kind=self.kind,
            kind=self.change,
            key="70000001",
            title=self.title,
            link=self.link,
            position=self.at,
            previous_position=self.was_at,
            facts={name: FactChange(*values) for name, values in self.facts.items()},
            entry_facts=self.now,
        )


def text_of(sentence: Sentence) -> str:
    return "".join(part.text for part in sentence)


QUEUE, RATINGS, HISTORY = Kind.QUEUE, Kind.RATINGS, Kind.HISTORY
CASES = {
    "added at a place": (
        Case(QUEUE, ADDED, now={"year": "1986", "availability": "available now"}, at=1),
        "added Platoon (1986) at 1",
        "jane/queue: added Platoon (1986) at 1",
    ),
    "added in a list without order": (Case(QUEUE, ADDED), "added Platoon", "jane/queue: added Platoon"),
    "saved for later": (
        Case(QUEUE, ADDED, now={"availability": "saved"}),
        "saved Platoon",
        "jane/queue: saved Platoon",
    ),
    "removed": (
        Case(QUEUE, REMOVED, now={"year": "1986"}, was_at=3),
        "removed Platoon (1986)",
        "jane/queue: removed Platoon (1986)",
    ),
    "moved up": (
        Case(QUEUE, MOVED, "An American in Paris", at=1, was_at=7),
        "An American in Paris moved from 7 to 1",
        "jane/queue: An American in Paris moved from 7 to 1",
    ),
    "became available": (
        Case(QUEUE, UPDATED, facts={"availability": ("saved", "available_now")}, at=9),
        "Platoon is now available (was saved)",
        "jane/queue: Platoon is now available (was saved)",
    ),
    "has to be waited for": (
        Case(QUEUE, UPDATED, facts={"availability": ("available now", "very long wait")}),
        "Platoon now has a very long wait (was available)",
        "jane/queue: Platoon now has a very long wait (was available)",
    ),
    "availability is gone": (
        Case(QUEUE, UPDATED, facts={"availability": ("available now", None)}),
        "Platoon is now of unknown availability (was available)",
        "jane/queue: Platoon is now of unknown availability (was available)",
    ),
    "changed and moved": (
        Case(QUEUE, UPDATED, facts={"availability": (None, "available now")}, at=2, was_at=40),
        "Platoon is now available, and moved from 40 to 2",
        "jane/queue: Platoon is now available, and moved from 40 to 2",
    ),
    "updated without a fact": (Case(QUEUE, UPDATED), "Platoon changed", "jane/queue: Platoon changed"),
    "rated": (
        Case(RATINGS, ADDED, now={"rating": "4"}),
        "rated Platoon 4★",
        "jane rated Platoon 4★",
    ),
    "rated without a rating": (Case(RATINGS, ADDED), "rated Platoon", "jane rated Platoon"),
    "not interested": (
        Case(RATINGS, ADDED, now={"rating": "not_interested"}),
        "not interested in Platoon",
        "jane/ratings: not interested in Platoon",
    ),
    "no opinion": (
        Case(RATINGS, ADDED, now={"rating": "no_opinion"}),
        "no opinion on Platoon",
        "jane/ratings: no opinion on Platoon",
    ),
    "re-rated": (
        Case(RATINGS, UPDATED, facts={"rating": ("3", "4")}),
        "re-rated Platoon 3★ → 4★",
        "jane re-rated Platoon 3★ → 4★",
    ),
    "re-rated by half a star": (
        Case(RATINGS, UPDATED, facts={"rating": ("not_interested", "4.5")}),
        "re-rated Platoon not interested → 4.5★",
        "jane re-rated Platoon not interested → 4.5★",
    ),
    "rated for the first time": (
        Case(RATINGS, UPDATED, facts={"rating": (None, "4")}),
        "rated Platoon 4★",
        "jane rated Platoon 4★",
    ),
    "rating taken back": (
        Case(RATINGS, UPDATED, facts={"rating": ("3", None)}),
        "unrated Platoon (was 3★)",
        "jane unrated Platoon (was 3★)",
    ),
    "another fact of a rating": (
        Case(RATINGS, UPDATED, facts={"mood": ("good", None)}),
        "Platoon mood: good → nothing",
        "jane/ratings: Platoon mood: good → nothing",
    ),
    "unrated": (
        Case(RATINGS, REMOVED, now={"rating": "3"}),
        "unrated Platoon (was 3★)",
        "jane unrated Platoon (was 3★)",
    ),
    "ratings moved": (
        Case(RATINGS, MOVED, at=1, was_at=2),
        "Platoon moved from 2 to 1",
        "jane/ratings: Platoon moved from 2 to 1",
    ),
    "watched": (
        Case(HISTORY, ADDED, now={"watched_at": "2026-11-01T20:15:00Z", "rating": "4"}),
        "watched Platoon on 1 November 2026 (rated 4★)",
        "jane watched Platoon on 1 November 2026 (rated 4★)",
    ),
    "watched some day": (
        Case(HISTORY, ADDED, now={"watched_at": "yesterday"}),
        "watched Platoon",
        "jane watched Platoon",
    ),
    "history removed": (
        Case(HISTORY, REMOVED),
        "removed Platoon",
        "jane/history: removed Platoon",
    ),
    "history updated": (
        Case(HISTORY, UPDATED, facts={"rating": ("3", "4")}),
        "Platoon rating: 3 → 4",
        "jane/history: Platoon rating: 3 → 4",
    ),
    "recommended": (
        Case(Kind.RECOMMENDATIONS, ADDED, now={"predicted_rating": "4.2"}),
        "recommended Platoon (predicted 4.2★)",
        "jane/recommendations: recommended Platoon (predicted 4.2★)",
    ),
    "recommended no more": (
        Case(Kind.RECOMMENDATIONS, REMOVED),
        "removed Platoon",
        "jane/recommendations: removed Platoon",
    ),
    "a new post": (Case(Kind.STREAM, ADDED, feed="lwn"), "new: Platoon", "jane/lwn: Platoon"),
    "a post removed": (
        Case(Kind.STREAM, REMOVED, feed="lwn"),
        "removed Platoon",
        "jane/lwn: removed Platoon",
    ),
    "a post renamed": (
        Case(Kind.STREAM, UPDATED, feed="lwn", facts={"title": ("Platon", "Platoon")}),
        "Platoon was called Platon",
        "jane/lwn: Platoon was called Platon",
    ),
    "a post's link replaced": (
        Case(
            Kind.STREAM, UPDATED, feed="lwn", facts={"link": ("https://x.example/1", "https://x.example/2")}
        ),
        "Platoon has a new link, it was https://x.example/1",
        "jane/lwn: Platoon has a new link, it was https://x.example/1",
    ),
    "a post's link that nobody may see replaced": (
        Case(Kind.STREAM, UPDATED, feed="lwn", facts={"link": ("https://x.example/?feed_token=a", "b")}),
        "Platoon has a new link",
        "jane/lwn: Platoon has a new link",
    ),
    "a post renamed and edited": (
        Case(Kind.STREAM, UPDATED, feed="lwn", facts={"title": ("Platon", "P"), "content": ("1", "2")}),
        "Platoon was called Platon, and was edited",
        "jane/lwn: Platoon was called Platon, and was edited",
    ),
}


@pytest.mark.parametrize(("case", "line", "_summary"), CASES.values(), ids=CASES)
def test_changes_are_said_in_the_words_of_their_list(case: Case, line: str, _summary: str) -> None:
    """A line says what happened to which title, old and new where something changed."""
    assert text_of(describe_change(case.recorded())) == line


@pytest.mark.parametrize(("case", "_line", "summary"), CASES.values(), ids=CASES)
def test_changes_are_summed_up_with_whose_list_it_is(case: Case, _line: str, summary: str) -> None:
    """A title names the list, or the person where a person did it."""
    assert text_of(summarize_change(case.recorded())) == summary


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("change", ChangeKind)
def test_each_kind_of_change_of_each_kind_of_list_has_words(kind: Kind, change: ChangeKind) -> None:
    """There is no pair without a sentence, and each sentence names the title."""
    told = Case(kind, change, at=1, was_at=2).recorded()
    assert "Platoon" in text_of(describe_change(told))
    assert text_of(summarize_change(told)).startswith("jane")


@pytest.mark.parametrize(
    ("title", "year", "shown"),
    [
        pytest.param("Platoon", "1986", "Platoon (1986)", id="year known"),
        pytest.param("Platoon (1986)", "1986", "Platoon (1986)", id="year in the title"),
        pytest.param("1984", "1984", "1984 (1984)", id="a year as the title"),
        pytest.param("Platoon", "soon", "Platoon", id="no year"),
        pytest.param(" \u200b\n", "", "(no title)", id="no title that can be seen"),
        pytest.param("Pla\n\x1btoon", "", "Pla toon", id="controls"),
    ],
)
def test_titles_are_one_line_with_their_year(title: str, year: str, shown: str) -> None:
    """A title is followed by its year unless it says it itself; one that cannot be seen is named so."""
    case = Case(QUEUE, REMOVED, title, now={"year": year})
    assert text_of(describe_change(case.recorded())) == f"removed {shown}"


def test_text_from_elsewhere_is_marked_and_ours_is_not() -> None:
    """Titles, names, ratings and labels are foreign parts, so that every form can make them harmless."""
    case = Case(RATINGS, UPDATED, "<b>", facts={"rating": ("<3", "4")}, feed="<feed>")
    sentence = summarize_change(case.recorded())
    assert [part.text for part in sentence if part.foreign] == ["jane", "<b>", "<3"]
    assert "<" not in "".join(part.text for part in sentence if not part.foreign)


def test_page_of_a_post_is_shown_and_that_of_a_title_is_not() -> None:
    """A post's address belongs into a plain text; a title's is only a link behind its name."""
    link = "https://x.example/1"
    (post,) = [p for p in describe_change(Case(Kind.STREAM, ADDED, link=link).recorded()) if p.foreign]
    (title,) = [p for p in describe_change(Case(QUEUE, ADDED, link=link).recorded()) if p.foreign]
    assert (post.link, post.shown, title.link, title.shown) == (link, True, link, False)


@pytest.mark.parametrize(("feed", "named"), [("queue", "jane/queue"), ("jane/queue", "jane/queue")])
def test_feeds_are_named_with_their_account(feed: str, named: str) -> None:
    """A feed is `account/name` everywhere, however the store hands it out."""
    assert feed_of(Case(QUEUE, ADDED, feed=feed).recorded()) == named


def test_changes_are_counted_in_the_words_of_their_list() -> None:
    """A count says how many of each happened, in the order in which they first did."""
    changes = [
        *[Case(RATINGS, ADDED).recorded()] * 1200,
        Case(RATINGS, UPDATED).recorded(),
        Case(RATINGS, REMOVED).recorded(),
        Case(HISTORY, ADDED).recorded(),
        Case(QUEUE, MOVED).recorded(),
        Case(Kind.STREAM, ADDED).recorded(),
        Case(Kind.RECOMMENDATIONS, ADDED).recorded(),
        Case(RATINGS, ADDED).recorded(),
    ]
    counted = "1,201 rated, 1 re-rated, 1 unrated, 1 watched, 1 moved, 1 new, 1 recommended"
    assert count_changes(changes) == counted


def test_sentences_are_made_of_what_there_is() -> None:
    """Nothing is left where a part is missing."""
    assert text_of(say("a ", None, quote("b\nc"), "")) == "a b c"
