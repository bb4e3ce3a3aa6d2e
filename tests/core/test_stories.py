"""What happened to one title is told as one, whatever lists it was seen on; and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from owing import (
    ADDED,
    HISTORY,
    MOVED,
    NOW,
    QUEUE,
    RATINGS,
    RECOMMENDATIONS,
    REMOVED,
    STREAM,
    UPDATED,
    change,
    owe,
)

from feedwatch.core.keys import choose_title_keys, choose_viewing_keys, title_in_key
from feedwatch.core.messages import OwedDelivery, Story
from feedwatch.core.model import ChangeKind, FactChange, Kind, Notice, NoticeKind, RawEntry, RecordedChange
from feedwatch.core.stories import lead_of, tell_stories
from feedwatch.core.telling import count_stories, describe_story, heading_of, summarize_story
from feedwatch.core.wording import Sentence

QUEUED = change(ADDED, QUEUE, at=3)
UNQUEUED = change(REMOVED, QUEUE, was_at=3)
WATCHED = change(ADDED, HISTORY)
WATCHED_AGAIN = change(ADDED, HISTORY, watched_at="2026-11-04T20:15:00+00:00")
RATED = change(ADDED, RATINGS, rating="4")
RERATED = change(UPDATED, RATINGS, facts={"rating": FactChange("3", "4")})
UNRATED = change(UPDATED, RATINGS, facts={"rating": FactChange("3", None)})
DISLIKED = change(ADDED, RATINGS, rating="not_interested")
RECOMMENDED = change(ADDED, RECOMMENDATIONS, predicted_rating="4.2")
OFF_INSTANT = change(REMOVED, QUEUE, feed="instant")
POSTED = change(ADDED, STREAM, feed="lwn")
ON = "on 3 November 2026"


def text_of(sentence: Sentence) -> str:
    return "".join(part.text for part in sentence)


def lines_of(stories: Sequence[Story]) -> list[str]:
    """What stories say, each under the name of its list."""
    return [f"{heading_of(story)}: {text_of(line)}" for story in stories for line in describe_story(story)]


# ── what belongs together ─────────────────────────────────────────────────────────────────────────

TOGETHER = {
    "watched": ([WATCHED, UNQUEUED], f"jane/history: watched Heat (1995) {ON}, off the queue"),
    "watched and rated": ([WATCHED, RATED], f"jane/history: watched Heat (1995) {ON} and rated it 4★"),
    "watched and re-rated": (
        [WATCHED, RERATED],
        f"jane/history: watched Heat (1995) {ON} and re-rated it 3★ → 4★",
    ),
    "watched, rated for the first time by an update": (
        [WATCHED, change(UPDATED, RATINGS, facts={"rating": FactChange(None, "4")})],
        f"jane/history: watched Heat (1995) {ON} and rated it 4★",
    ),
    "watched, rated and off the queue": (
        [WATCHED, RATED, UNQUEUED],
        f"jane/history: watched Heat (1995) {ON} and rated it 4★, off the queue",
    ),
    "watched, and not to one's liking": (
        [WATCHED, DISLIKED, UNQUEUED],
        f"jane/history: watched Heat (1995) {ON}, not interested, off the queue",
    ),
    "watched, rated without a rating": (
        [WATCHED, change(ADDED, RATINGS)],
        f"jane/history: watched Heat (1995) {ON} and rated it",
    ),
    "the history knows a rating, too": (
        [change(ADDED, HISTORY, rating="3"), RATED],
        f"jane/history: watched Heat (1995) {ON} and rated it 4★",
    ),
    "rated and off the queue": ([RATED, UNQUEUED], "jane/ratings: rated Heat (1995) 4★, off the queue"),
    "re-rated and off the queue": (
        [RERATED, UNQUEUED],
        "jane/ratings: re-rated Heat (1995) 3★ → 4★, off the queue",
    ),
    "not wanted any more": (
        [DISLIKED, UNQUEUED],
        "jane/ratings: not interested in Heat (1995), off the queue",
    ),
    "recommended and queued": (
        [RECOMMENDED, QUEUED],
        "jane/queue: added Heat (1995) at 3, newly recommended (predicted 4.2★)",
    ),
    "recommended and saved": (
        [RECOMMENDED, change(ADDED, QUEUE, availability="saved")],
        "jane/queue: saved Heat (1995), newly recommended (predicted 4.2★)",
    ),
}


@pytest.mark.parametrize(("changes", "line"), TOGETHER.values(), ids=TOGETHER)
def test_what_belongs_together_is_one_line(changes: list[RecordedChange], line: str) -> None:
    """In whatever order it was recorded, it is one story, under the list of what leads in it."""
    for order in permutations(changes):
        (story,) = tell_stories(owe(*order))
        assert lines_of([story]) == [line]
        assert story.changes == tuple(order)
        assert story.deliveries == tuple(range(len(order)))


def test_title_that_left_two_queues_names_them() -> None:
    """Each queue is told, in the order in which the title left it."""
    told = lines_of(tell_stories(owe(OFF_INSTANT, WATCHED, UNQUEUED)))
    assert told == [f"jane/history: watched Heat (1995) {ON}, off instant, off the queue"]


APART = {
    "removed and added again": ([UNQUEUED, QUEUED], [(0,), (1,)]),
    "watched, and queued again": ([WATCHED, QUEUED], [(0,), (1,)]),
    "two viewings": ([WATCHED, WATCHED_AGAIN], [(0,), (1,)]),
    "two viewings, one rating: it goes with the first": (
        [WATCHED, WATCHED_AGAIN, RATED, UNQUEUED],
        [(0, 2, 3), (1,)],
    ),
    "two viewings in two histories": (
        [WATCHED, change(ADDED, HISTORY, feed="tv-history")],
        [(0,), (1,)],
    ),
    "queued, then watched off the queue": ([QUEUED, UNQUEUED, WATCHED], [(0,), (1, 2)]),
    "added to two queues": ([QUEUED, change(ADDED, QUEUE, feed="instant")], [(0,), (1,)]),
    "rated twice": ([RATED, RERATED], [(0,), (1,)]),
    "a rating taken back": ([WATCHED, UNRATED], [(0,), (1,)]),
    "recommended and watched": ([RECOMMENDED, WATCHED], [(0,), (1,)]),
    "queued and rated": ([QUEUED, RATED], [(0,), (1,)]),
    "moved and watched": ([change(MOVED, QUEUE, at=1, was_at=2), WATCHED], [(0,), (1,)]),
    "available and watched": (
        [change(UPDATED, QUEUE, facts={"availability": FactChange("saved", "available now")}), WATCHED],
        [(0,), (1,)],
    ),
    "posts of the same name": ([POSTED, replace(POSTED, feed="other"), WATCHED], [(0,), (1,), (2,)]),
    "two accounts": ([WATCHED, replace(RATED, account="joe")], [(0,), (1,)]),
    "two titles": ([WATCHED, change(REMOVED, QUEUE, "Up", title_id="70000003")], [(0,), (1,)]),
    "two titles of two sites that share an id": ([WATCHED, change(REMOVED, QUEUE, "Up")], [(0,), (1,)]),
    "two titles of one name": ([WATCHED, change(REMOVED, QUEUE, title_id="70000003")], [(0,), (1,)]),
    "titles without an id": (
        [change(ADDED, HISTORY, title_id="0a" * 12), change(REMOVED, QUEUE, title_id="0a" * 12)],
        [(0,), (1,)],
    ),
    "a viewing without an instant": ([replace(WATCHED, key="70000002"), UNQUEUED], [(0,), (1,)]),
}


@pytest.mark.parametrize(("changes", "told"), APART.values(), ids=APART)
def test_what_does_not_belong_together_stays_apart(
    changes: list[RecordedChange], told: list[tuple[int, ...]]
) -> None:
    """Each is told by itself, as it would be alone."""
    assert [story.deliveries for story in tell_stories(owe(*changes))] == told


@pytest.mark.parametrize(
    ("one", "other"), [("Heat", "Heat (1995)"), ("HEAT", "Heat"), ("Heat ", "He\u200bat"), ("", "")]
)
def test_a_title_is_known_in_another_dialect(one: str, other: str) -> None:
    """Case, a year behind it and what nobody sees make no other title of it."""
    stories = tell_stories(owe(change(ADDED, HISTORY, one), change(REMOVED, QUEUE, other)))
    assert len(stories) == 1


def test_story_stands_where_its_first_delivery_stood() -> None:
    """What came in between is told behind it."""
    up = change(ADDED, QUEUE, "Up", title_id="70000003")
    stories = tell_stories(owe(UNQUEUED, up, WATCHED))
    assert lines_of(stories) == [
        f"jane/history: watched Heat (1995) {ON}, off the queue",
        "jane/queue: added Up (1995)",
    ]


def test_recommendation_that_was_queued_says_so() -> None:
    """A title that is on the list of recommendations already says whence it came; only when it is added."""
    (story,) = tell_stories(owe(QUEUED, recommended=True))
    assert lines_of([story]) == ["jane/queue: added Heat (1995) at 3, from the recommendations"]
    assert text_of(summarize_story(story)) == "jane/queue: added Heat (1995) at 3, from the recommendations"
    (story,) = tell_stories(owe(UNQUEUED, recommended=True))
    assert lines_of([story]) == ["jane/queue: removed Heat (1995)"]


def test_story_alone_in_a_message_is_its_title() -> None:
    """The title says whose list it is, or who did it, and all that is included."""
    (watched,) = tell_stories(owe(UNQUEUED, RATED, WATCHED))
    assert text_of(summarize_story(watched)) == (
        f"jane watched Heat (1995) {ON} and rated it 4★, off the queue"
    )
    (queued,) = tell_stories(owe(QUEUED, RECOMMENDED))
    assert text_of(summarize_story(queued)).startswith("jane/queue: added Heat (1995) at 3, newly")
    assert queued.recommended


def test_story_counts_once_as_what_leads_in_it() -> None:
    """A count is of what a person did, not of the lists that show it."""
    notice = owe(WATCHED)[0]
    owed = [*owe(UNQUEUED, RATED, WATCHED, WATCHED_AGAIN, POSTED)]
    owed.append(replace(notice, id=9, subject=Notice(NoticeKind.TEST, NOW)))
    assert count_stories(tell_stories(owed)) == "2 watched, 1 new, 1 notice"


# ── the titles in keys ────────────────────────────────────────────────────────────────────────────


def test_lists_of_one_title_have_keys_that_hold_its_id() -> None:
    """Keys as they are made for real entries lead to the same title, in a queue as in a history."""
    entry = RawEntry("http://api.example/users/T1/queues/disc/available/3/70000002", "Heat")
    viewing = RawEntry("http://api.example/users/T1/rental_history/watched/70000002", "Heat")
    (in_queue,) = choose_title_keys([entry])
    (in_history,) = choose_viewing_keys([viewing], [NOW])
    assert title_in_key(QUEUE, in_queue) == title_in_key(HISTORY, in_history) == "70000002"


def test_titles_that_have_no_id_hold_none() -> None:
    """A digest, an entry's own id, and a post are no title's id."""
    nameless = RawEntry(None, "Heat")
    (in_queue,) = choose_title_keys([nameless])
    (in_history,) = choose_viewing_keys([nameless], [NOW])
    (undated,) = choose_viewing_keys([RawEntry("tag:x.example,2026:7@home", "Heat")], [None])
    assert title_in_key(QUEUE, in_queue) is None
    assert title_in_key(HISTORY, in_history) is None
    assert title_in_key(HISTORY, undated) is None
    assert title_in_key(STREAM, "70000002") is None
    assert title_in_key(HISTORY, f"me@home/70000002@{NOW.isoformat()}") == "me@home/70000002"


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────

CHANGES = st.builds(
    change,
    st.sampled_from(ChangeKind),
    st.sampled_from(Kind),
    st.sampled_from(["Heat", "Heat (1995)", "Up"]),
    title_id=st.sampled_from(["70000002", "70000003", "0a" * 12]),
    feed=st.sampled_from(["", "", "other"]),
    account=st.sampled_from(["jane", "jane", "joe"]),
    facts=st.sampled_from([{}, {"rating": FactChange("3", "4")}, {"rating": FactChange("3", None)}]),
    watched_at=st.sampled_from(["2026-11-03T20:15:00+00:00", "2026-11-04T20:15:00+00:00"]),
)
NOTICES = st.builds(Notice, st.sampled_from(NoticeKind), st.just(NOW))
OWED = st.lists(st.tuples(CHANGES | NOTICES, st.booleans()), max_size=14).map(
    lambda subjects: [OwedDelivery(n, "phone/1", *subject) for n, subject in enumerate(subjects)]
)


@given(OWED)
def test_every_delivery_is_in_exactly_one_story(owed: list[OwedDelivery]) -> None:
    """Nothing is lost and nothing told twice; within a story, and of their firsts, the order is kept."""
    stories = tell_stories(owed)
    ids = [each for story in stories for each in story.deliveries]
    assert sorted(ids) == [each.id for each in owed]
    assert [story.deliveries[0] for story in stories] == sorted(story.deliveries[0] for story in stories)
    for story in stories:
        assert list(story.deliveries) == sorted(story.deliveries)
        subjects = [owed[each].subject for each in story.deliveries]
        assert [*story.changes, *([story.notice] if story.notice else [])] == subjects


@given(OWED)
def test_story_is_of_one_account_and_has_each_feed_once(owed: list[OwedDelivery]) -> None:
    """What shares a story is of one title of one account, on different lists, and no post."""
    for story in tell_stories(owed):
        if len(story.changes) > 1:
            assert story.notice is None
            assert len({each.account for each in story.changes}) == 1
            assert len({each.title.removesuffix(" (1995)") for each in story.changes}) == 1
            assert len({each.feed for each in story.changes}) == len(story.changes)
            assert all(each.feed_kind is not STREAM for each in story.changes)
            assert len({title_in_key(each.feed_kind, each.key) for each in story.changes}) == 1


@given(OWED)
def test_stories_told_again_are_the_same(owed: list[OwedDelivery]) -> None:
    """Deliveries in the order in which their stories tell them make the same stories."""
    stories = tell_stories(owed)
    again = [owed[each] for story in stories for each in story.deliveries]
    assert tell_stories(again) == stories


@given(CHANGES | NOTICES)
def test_single_change_is_told_as_it_is(subject: RecordedChange | Notice) -> None:
    """A delivery alone is a story alone."""
    (story,) = tell_stories([OwedDelivery(7, "phone/1", subject)])
    assert story.deliveries == (7,)
    assert (lead_of(story) or story.notice) == subject


@given(OWED)
def test_every_change_of_a_story_can_be_read_in_it(owed: list[OwedDelivery]) -> None:
    """A story of several changes says what is included, one clause for each."""
    clauses = {
        HISTORY: "watched ",
        RATINGS: "rated ",
        RECOMMENDATIONS: "newly recommended",
    }
    for story in tell_stories(owed):
        if len(story.changes) > 1:
            (line,) = (text_of(line) for line in describe_story(story))
            lead = lead_of(story)
            for each in story.changes:
                gone = "removed " if each is lead else ", off "
                word = clauses.get(each.feed_kind, "added " if each.kind is ADDED else gone)
                assert word in line
            off = sum(each.kind is REMOVED and each is not lead for each in story.changes)
            assert line.count(", off ") == off


# ── speed ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("titles", [1, 10_000])
def test_work_grows_with_the_deliveries(titles: int) -> None:
    """Ten times as many deliveries take little more than ten times as long, whatever they are of."""

    def measure_time(count: int) -> float:
        changes = [
            replace(each, key=each.key.replace("70000002", str(number % titles)))
            for number in range(count // 3)
            for each in (WATCHED, UNQUEUED, RATED)
        ]
        owed = owe(*changes)
        begun = time.process_time()
        tell_stories(owed)
        return time.process_time() - begun

    few = min(measure_time(1_000) for _ in range(5))
    many = min(measure_time(10_000) for _ in range(3))
    assert many < 40 * few
