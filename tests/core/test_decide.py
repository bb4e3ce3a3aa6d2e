"""What one poll's result means: the first is a baseline, a strange one is held, all others are compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import (
    DAY,
    HISTORY,
    NOW,
    QUEUE,
    RATINGS,
    STREAM,
    dated_posts,
    names_of,
    posts,
    queue,
    ratings,
    tell,
    titles,
    viewings,
)

from feedwatch.core.decide import PollTerms, announce_recovery, decide_poll
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.model import ChangeKind, Kind, NoticeKind, Reason, Snapshot
from feedwatch.core.state import FeedMemory, PollDecision, PollResult, Verdict

NEXT = NOW + timedelta(minutes=15)
CONFIRM = NOW + timedelta(seconds=90)
TWELVE = "A B C D E F G H I J K L"


def result(snapshot: Snapshot, etag: str | None = None) -> PollResult:
    return PollResult(
        snapshot,
        validators=(),
        body_digest=b"",
        content_digest=b"",
        at=NOW,
        body_etag=etag,
    )


@dataclass
class Feed:
    """A feed as it is known from poll to poll."""

    rules: KindRules = QUEUE
    announce_baseline: bool = False
    memory: FeedMemory = field(default_factory=FeedMemory)

    def poll(self, snapshot: Snapshot, etag: str | None = None) -> PollDecision:
        """Decide about a list, and remember what is to be remembered."""
        terms = PollTerms("jane/queue", self.rules, NEXT, CONFIRM, self.announce_baseline)
        decision = decide_poll(self.memory, result(snapshot, etag), terms)
        if decision.verdict is Verdict.HELD:
            self.memory = replace(self.memory, held=decision.held)
            return decision
        left = (*self.memory.left_etags, *([self.memory.body_etag] if self.memory.body_etag else []))
        self.memory = FeedMemory(
            snapshot=decision.snapshot,
            compared_as=decision.compared_as,
            body_etag=etag,
            left_etags=tuple(each for each in left if each != etag),
            grows_at_end=decision.grows_at_end,
        )
        return decision


def watching(snapshot: Snapshot, rules: KindRules = QUEUE, etag: str | None = None) -> Feed:
    """A feed whose baseline is taken."""
    feed = Feed(rules)
    assert feed.poll(snapshot, etag).verdict is Verdict.BASELINE
    return feed


# ── law 5: baselines ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", list(Kind))
def test_the_first_list_is_recorded_and_not_announced(kind: Kind) -> None:
    """Of the first snapshot nothing is told, whatever it lists; from the second on, what changed."""
    feed = Feed(rules_of(kind))
    first = feed.poll(posts("B A"))
    assert (first.verdict, first.changes, first.snapshot) == (Verdict.BASELINE, (), posts("B A"))
    assert first.next_poll_at == NEXT
    second = feed.poll(posts("C B A"))
    assert (second.verdict, tell(second.changes)) == (Verdict.COMPARED, ["added C"])


def test_a_first_list_may_be_empty() -> None:
    """An empty list is a baseline too: what comes into it is news."""
    assert tell(watching(queue("")).poll(queue("A")).changes) == ["added A at 1"]


@pytest.mark.parametrize(
    ("rules", "first", "told"),
    [
        (QUEUE, queue("A B"), ["added A at 1", "added B at 2"]),
        (STREAM, posts("B A"), ["added A", "added B"]),
        (HISTORY, viewings("B@2", "C@3", "A@1"), ["added A", "added B", "added C"]),
    ],
    ids=["queue", "undated posts", "viewings"],
)
def test_a_baseline_is_announced_where_asked_for(rules: KindRules, first: Snapshot, told: list[str]) -> None:
    """`announce_baseline` tells the first list as if all of it had just come, posts and viewings by age."""
    decision = Feed(rules, announce_baseline=True).poll(first)
    assert (decision.verdict, tell(decision.changes)) == (Verdict.BASELINE, told)


@pytest.mark.parametrize("announce", [False, True])
def test_another_way_of_comparing_makes_a_new_baseline(*, announce: bool) -> None:
    """When kind or compared facts change, nothing is told once more, not even where baselines are."""
    feed = watching(posts("B A"), STREAM)
    feed.announce_baseline = announce
    feed.rules = rules_of(Kind.STREAM, compare_content=True)
    again = feed.poll(posts("C B A"))
    assert (again.verdict, again.changes) == (Verdict.BASELINE, ())
    assert tell(feed.poll(posts("D C B A")).changes) == ["added D"]


@pytest.mark.parametrize("rules", [STREAM, HISTORY], ids=["posts", "viewings"])
def test_what_left_as_the_comparing_changed_is_no_news_when_it_comes_back(rules: KindRules) -> None:
    """Law 3 holds across a new baseline: what it does not list any more was seen all the same."""
    feed = watching(posts("B A"), replace(rules, compared=("a fact",)))
    feed.rules = rules
    again = feed.poll(posts("C B"))
    assert (again.verdict, [entry.title for entry in again.departed]) == (Verdict.BASELINE, ["A"])


def test_a_queue_that_is_compared_in_another_way_remembers_nothing_that_left() -> None:
    """What a list does not show any more was removed: should it come back, that is news."""
    feed = watching(queue("B A"), replace(QUEUE, compared=("a fact",)))
    feed.rules = QUEUE
    assert feed.poll(queue("C B")).departed == ()


def test_a_window_that_becomes_whole_is_no_new_baseline() -> None:
    """What the window showed is compared, what lay beyond it is only recorded."""
    feed = watching(queue("A B C", whole=False))
    decision = feed.poll(queue("B C D E"))
    assert (decision.verdict, tell(decision.changes)) == (Verdict.COMPARED, ["removed A at 1"])


# ── law 8: holds ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rules", "known", "empty"),
    [
        (QUEUE, queue("A"), queue("")),
        (QUEUE, queue(TWELVE, whole=False), queue("", whole=False)),
        (RATINGS, ratings(A="1"), ratings()),
        (HISTORY, viewings("A@1"), viewings()),
        (STREAM, posts("A"), posts("")),
        (rules_of(Kind.RECOMMENDATIONS), titles("A B"), titles("")),
    ],
    ids=["queue", "a window", "ratings", "history", "stream", "recommendations"],
)
def test_a_list_that_turns_empty_is_held(rules: KindRules, known: Snapshot, empty: Snapshot) -> None:
    """Any list that turns empty is asked for again before it is believed, and nothing is written of it."""
    decision = watching(known, rules).poll(empty)
    assert decision.verdict is Verdict.HELD
    assert decision.held is not None
    assert decision.held.reason is Reason.TURNED_EMPTY
    assert decision.next_poll_at == CONFIRM
    assert (decision.snapshot, decision.changes, decision.departed, decision.notice) == (None, (), (), None)


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        ("A B C D E F G H I J", "A B C D", True),
        ("A B C D E F G H I J", "A B C D E", False),
        ("A B C D E F G H I J K", "A B C D E", True),
        ("A B C D E F G H I", "A", False),
        ("A B C D E F G H I J", "A B C D N O P Q R S", True),
        ("A B C D E F G H I J", "J I H G F E D C B A N O P Q R S T U V W X Y Z", False),
    ],
    ids=[
        "six of ten",
        "half of ten",
        "six of eleven",
        "eight of nine",
        "six of ten exchanged",
        "turned over",
    ],
)
def test_a_whole_list_that_loses_more_than_half_is_held(before: str, after: str, *, held: bool) -> None:
    """More than half of ten or more at once is doubted; less, or out of fewer, is an evening's work."""
    decision = watching(queue(before)).poll(queue(after))
    assert (decision.verdict is Verdict.HELD) == held
    assert not held or (decision.held is not None and decision.held.reason is Reason.LOST_MOST)


def test_a_window_may_lose_most_of_what_it_showed() -> None:
    """A window that slides far is no reason for doubt, nor is a whole list that becomes a window."""
    assert watching(queue(TWELVE, whole=False)).poll(queue("A N O", whole=False)).verdict is Verdict.COMPARED
    assert watching(queue(TWELVE)).poll(queue("A N O", whole=False)).verdict is Verdict.COMPARED
    assert watching(dated_posts(*range(12, 0, -1)), STREAM).poll(dated_posts(13)).verdict is Verdict.COMPARED


def test_ids_that_all_changed_are_no_loss() -> None:
    """A whole list whose ids are all new, but whose links and titles are not, has lost nothing."""
    known = queue(TWELVE)
    renamed = tuple(replace(entry, key=f"new-{entry.key}") for entry in known.entries)
    decision = watching(known).poll(replace(known, entries=renamed))
    assert (decision.verdict, decision.changes, len(decision.rekeyed)) == (Verdict.COMPARED, (), 12)


@pytest.mark.parametrize("after", ["", "A B C"], ids=["empty", "most of it gone"])
def test_the_same_again_confirms_a_held_list(after: str) -> None:
    """When the next poll shows the same list, it is believed, and all that is gone is told."""
    feed = watching(queue(TWELVE))
    assert feed.poll(queue(after)).verdict is Verdict.HELD
    confirmed = feed.poll(queue(after))
    assert confirmed.verdict is Verdict.COMPARED
    gone = names_of(confirmed.changes, ChangeKind.REMOVED)
    assert gone == [name for name in TWELVE.split() if name not in after.split()]
    assert confirmed.next_poll_at == NEXT
    assert feed.poll(queue(after)).changes == ()


def test_the_old_list_drops_a_held_one_silently() -> None:
    """When the next poll shows what was known, nothing happened; a later doubt starts anew."""
    feed = watching(queue(TWELVE))
    assert feed.poll(queue("")).verdict is Verdict.HELD
    dropped = feed.poll(queue(TWELVE))
    assert (dropped.verdict, dropped.changes, dropped.notice) == (Verdict.COMPARED, (), None)
    assert feed.poll(queue("")).verdict is Verdict.HELD


def test_an_old_list_with_a_change_drops_a_held_one_and_is_compared() -> None:
    """What came instead of the strange list is compared with what was known before it."""
    feed = watching(queue(TWELVE))
    feed.poll(queue(""))
    assert tell(feed.poll(queue("N " + TWELVE)).changes) == ["added N at 1"]


def test_another_strange_list_does_not_confirm_the_first() -> None:
    """A list that is strange in another way is held in its turn: in titles, order or facts that count."""
    feed = watching(queue(TWELVE))
    strange = [
        queue(""),
        queue("A B C"),
        queue("A C B"),
        queue("A C", "B"),
        queue("A C", "B", availability={"A": "short wait"}),
    ]
    for each in strange:
        assert feed.poll(each).verdict is Verdict.HELD
    assert feed.poll(strange[-1]).verdict is Verdict.COMPARED


def test_what_is_only_recorded_does_not_keep_a_list_held() -> None:
    """A held list is the same list though a fact that is not compared moved meanwhile."""
    feed = watching(titles(TWELVE, whole=True), RATINGS)
    first, second = (
        replace(short, entries=tuple(replace(e, facts={**e.facts, "year": year}) for e in short.entries))
        for short, year in ((ratings(A="3"), "1995"), (ratings(A="3"), "1996"))
    )
    assert feed.poll(first).verdict is Verdict.HELD
    assert feed.poll(second).verdict is Verdict.COMPARED


def test_a_list_that_turns_empty_while_its_rules_change_is_held_too() -> None:
    """An empty reply is no baseline for what is known: else the next full one would all be news."""
    feed = watching(posts("B A"), STREAM)
    feed.rules = QUEUE
    assert feed.poll(queue("")).verdict is Verdict.HELD
    again = feed.poll(queue("B A"))
    assert (again.verdict, again.changes) == (Verdict.BASELINE, ())


def test_a_reply_with_an_etag_left_behind_is_held() -> None:
    """A body etag that the feed has left behind, with another list, is a stale read."""
    feed = watching(queue("A B"), etag="1")
    assert feed.poll(queue("N A B"), etag="2").verdict is Verdict.COMPARED
    stale = feed.poll(queue("A B"), etag="1")
    assert stale.verdict is Verdict.HELD
    assert stale.held is not None
    assert stale.held.reason is Reason.STALE_READ
    fresh = feed.poll(queue("N A B"), etag="2")
    assert (fresh.verdict, fresh.changes) == (Verdict.COMPARED, ())


def test_a_stale_etag_that_stays_is_believed() -> None:
    """A server that really goes back to an etag shows the same list twice: then it is told."""
    feed = watching(queue("A B"), etag="1")
    feed.poll(queue("N A B"), etag="2")
    assert feed.poll(queue("A B"), etag="1").verdict is Verdict.HELD
    assert tell(feed.poll(queue("A B"), etag="1").changes) == ["removed N at 1"]


def test_an_etag_that_is_no_news_is_no_doubt() -> None:
    """The etag known last, a new one, none at all, and an old one over the same list are all believed."""
    feed = watching(queue("A B"), etag="1")
    feed.poll(queue("A B"), etag="2")
    for etag in ("1", "2", None, "3"):
        assert feed.poll(queue("A B"), etag=etag).verdict is Verdict.COMPARED
    assert feed.poll(queue("B"), etag="3").verdict is Verdict.COMPARED
    assert feed.poll(queue(""), etag=None).verdict is Verdict.HELD


LISTS = st.lists(st.sampled_from(TWELVE.split()), unique=True).map(lambda names: queue(" ".join(names)))


@given(known=st.permutations(TWELVE.split()), polls=st.lists(LISTS, max_size=6))
def test_what_is_told_adds_up_whatever_is_held(known: list[str], polls: list[Snapshot]) -> None:
    """Held or not, what is told leads from the baseline to the list last believed, and only there."""
    feed = watching(queue(" ".join(known)))
    there = set(known)
    for each in polls:
        before = feed.memory
        decision = feed.poll(each)
        if decision.verdict is Verdict.HELD:
            assert feed.memory == replace(before, held=decision.held)
            assert before.held is None or before.held != decision.held
        else:
            there -= set(names_of(decision.changes, ChangeKind.REMOVED))
            there |= set(names_of(decision.changes))
            assert there == {entry.key for entry in each.entries}
            assert feed.memory.held is None


@given(known=st.permutations(TWELVE.split()), strange=LISTS)
def test_any_strange_list_is_held_once_and_believed_twice(known: list[str], strange: Snapshot) -> None:
    """A list that lost more than half is doubted once; seen again it is told, and then known."""
    feed = watching(queue(" ".join(known)))
    verdict = feed.poll(strange).verdict
    assert (verdict is Verdict.HELD) == (len(strange.entries) * 2 < len(known))
    if verdict is Verdict.HELD:
        assert len(names_of(feed.poll(strange).changes, ChangeKind.REMOVED)) == 12 - len(strange.entries)
    again = feed.poll(strange)
    assert (again.verdict, again.changes) == (Verdict.COMPARED, ())


# ── recovery ──────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_that_was_called_broken_is_said_to_work_again() -> None:
    """The first list believed after a notice of failure brings that of recovery; a held one does not."""
    known = watching(queue(TWELVE)).memory
    broken = replace(known, broken_announced=True, failures=9, failing_since_at=NOW - DAY)
    feed = Feed(memory=broken)
    assert feed.poll(queue("")).notice is None
    notice = feed.poll(queue(TWELVE)).notice
    assert notice is not None
    assert (notice.kind, notice.since_at) == (NoticeKind.FEED_RECOVERED, NOW - DAY)
    assert [line.feed for line in notice.feeds] == ["jane/queue"]
    assert Feed(memory=replace(broken, snapshot=None)).poll(queue(TWELVE)).notice == notice


def test_a_feed_that_only_failed_a_little_is_not_said_to_work_again() -> None:
    """Nobody who was not told of a failure is told of its end."""
    assert announce_recovery(FeedMemory(failures=2, failing_since_at=NOW - DAY), "jane/queue", NOW) is None
