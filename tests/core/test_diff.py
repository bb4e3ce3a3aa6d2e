"""Two snapshots side by side tell what a person would tell: no more, no less, and in that order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from lists import (
    HISTORY,
    QUEUE,
    RATINGS,
    RECOMMENDATIONS,
    STREAM,
    Watch,
    dated_posts,
    names_of,
    posts,
    queue,
    ratings,
    tell,
    titles,
    viewings,
)

from feedwatch.core.diff import diff_snapshots
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.model import Change, ChangeKind, Entry, FactChange, Kind, Snapshot


@dataclass(frozen=True)
class Situation:
    """A list before and after, and what is told."""

    name: str
    rules: KindRules
    before: Snapshot
    after: Snapshot
    told: list[str]


FIVE_HUNDRED = " ".join(f"T{number}" for number in range(1, 501))
AVAILABLE = "availability saved→available now"


def situation(name: str, rules: KindRules, before: Snapshot, after: Snapshot, *told: str) -> Situation:
    return Situation(name, rules, before, after, list(told))


QUEUES = [
    situation("nothing happened", QUEUE, queue("A B C", "S"), queue("A B C", "S")),
    situation(
        "insert at the top of 500", QUEUE, queue(FIVE_HUNDRED), queue("N " + FIVE_HUNDRED), "added N at 1"
    ),
    situation("append at the end", QUEUE, queue("A B"), queue("A B C"), "added C at 3"),
    situation("remove from the middle", QUEUE, queue("A B C"), queue("A C"), "removed B at 2"),
    situation("move the last to the top", QUEUE, queue("A B C D"), queue("D A B C"), "moved D 4→1"),
    situation("move the first to the end", QUEUE, queue("A B C D"), queue("B C D A"), "moved A 1→4"),
    situation("two neighbours swap", QUEUE, queue("A B C"), queue("B A C"), "moved B 2→1"),
    situation(
        "moved and re-labelled",
        QUEUE,
        queue("A B C"),
        queue("C A B", availability={"C": "short wait"}),
        "updated C availability available now→short wait 3→1",
    ),
    situation(
        "re-labelled in its place",
        QUEUE,
        queue("A B"),
        queue("A B", availability={"B": "short wait"}),
        "updated B availability available now→short wait",
    ),
    situation(
        "saved becomes available",
        QUEUE,
        queue("A B", "S"),
        queue("A B S"),
        f"updated S {AVAILABLE} None→3",
    ),
    situation(
        "saved becomes available at the top",
        QUEUE,
        queue("A B", "S Z"),
        queue("S A B", "Z"),
        f"updated S {AVAILABLE} None→1",
    ),
    situation(
        "saved gets a place, the label is left out",
        QUEUE,
        queue("A", "S"),
        queue("A S", availability={"S": None}),
        "updated S availability saved→None None→2",
    ),
    situation(
        "available becomes saved",
        QUEUE,
        queue("A B"),
        queue("B", "A"),
        "updated A availability available now→saved 1→None",
    ),
    situation("a title is saved", QUEUE, queue("A"), queue("A", "S"), "added S"),
    situation(
        "a label is not stated any more",
        QUEUE,
        queue("A B"),
        queue("A B", availability={"A": None, "B": None}),
    ),
    situation(
        "a saved title's label is left out", QUEUE, queue("A", "S"), queue("A", "S", availability={"S": None})
    ),
    situation("a label is stated at last", QUEUE, queue("A", availability={"A": None}), queue("A")),
    situation("the order gets lost", QUEUE, queue("A B C"), queue("C A B", ordered=False)),
    situation("the order comes back", QUEUE, queue("C A B", ordered=False), queue("A B C")),
    situation(
        "removals first, then from top to bottom",
        QUEUE,
        queue("A B C D E"),
        queue("N E A D M", availability={"D": "short wait"}),
        "removed B at 2",
        "removed C at 3",
        "added N at 1",
        "moved E 5→2",
        "updated D availability available now→short wait",
        "added M at 5",
    ),
]

RATED = [
    situation("rated", RATINGS, ratings(A="3"), ratings(B="5", A="3"), "added B"),
    situation("re-rated", RATINGS, ratings(A="3", B="2"), ratings(A="4", B="2"), "updated A rating 3→4"),
    situation(
        "not interested",
        RATINGS,
        ratings(A="3"),
        ratings(A="not_interested"),
        "updated A rating 3→not_interested",
    ),
    situation(
        "the rating is taken back", RATINGS, ratings(A="3"), ratings(A=None), "updated A rating 3→None"
    ),
    situation("unrated and gone", RATINGS, ratings(A="3", B="1"), ratings(B="1"), "removed A"),
    situation("another order is no change", RATINGS, ratings(A="3", B="2"), ratings(B="2", A="3")),
]

WINDOWS = [
    situation(
        "the window of a queue slides, an old title ages out",
        QUEUE,
        queue("A B C", whole=False),
        queue("N A B", whole=False),
        "added N at 1",
    ),
    situation(
        "absence above what stayed is a removal, what slides in is silent",
        QUEUE,
        queue("A B C", whole=False),
        queue("A C D", whole=False),
        "removed B at 2",
    ),
    situation(
        "a window of ratings: the first is gone",
        RATINGS,
        ratings(whole=False, A="1", B="2"),
        ratings(whole=False, B="2", C="3"),
        "removed A",
    ),
    situation(
        "a window that nothing of stayed: all of it is news, none of it removed",
        QUEUE,
        queue("A B", whole=False),
        queue("C D", whole=False),
        "added C at 1",
        "added D at 2",
    ),
    situation(
        "a window becomes whole: what lay beyond is not news, the rest is compared",
        QUEUE,
        queue("A B C", whole=False),
        queue("N A C D E F"),
        "removed B at 2",
        "added N at 1",
    ),
    situation(
        "a window becomes whole and all of it is new: as much as the window showed is news",
        QUEUE,
        queue("A B", whole=False),
        queue("C D E F"),
        "removed A at 1",
        "removed B at 2",
        "added C at 1",
        "added D at 2",
    ),
    situation(
        "whole becomes a window: what lies beyond was not removed",
        QUEUE,
        queue("A B C D E"),
        queue("N A C", whole=False),
        "removed B at 2",
        "added N at 1",
    ),
    situation(
        "a window that was empty",
        QUEUE,
        queue("", whole=False),
        queue("A B", whole=False),
        "added A at 1",
        "added B at 2",
    ),
]

VIEWED = [
    situation("watched", HISTORY, viewings("B@2", "A@1"), viewings("C@3", "B@2", "A@1"), "added C"),
    situation(
        "watched again, the first viewing stays",
        HISTORY,
        viewings("B@2", "A@1"),
        viewings("A@3", "B@2", "A@1"),
        "added A",
    ),
    situation(
        "a viewing is replaced by a newer one",
        HISTORY,
        viewings("B@2", "A@1"),
        viewings("A@3", "B@2"),
        "added A",
    ),
    situation(
        "two evenings, told in the order of the evenings",
        HISTORY,
        viewings("A@1"),
        viewings("C@3", "B@2", "A@1"),
        "added B",
        "added C",
    ),
    situation("a viewing is taken out of the history", HISTORY, viewings("B@2", "A@1"), viewings("B@2")),
    situation("an older viewing slides in", HISTORY, viewings("C@3", "B@2"), viewings("C@3", "A@1")),
    situation(
        "nothing of the window stayed",
        HISTORY,
        viewings("B@2", "A@1"),
        viewings("D@4", "C@3"),
        "added C",
        "added D",
    ),
]

RECOMMENDED = [
    situation(
        "a sixteenth at the end of fifteen is news",
        RECOMMENDATIONS,
        titles("A B C"),
        titles("A B C D"),
        "added D",
    ),
    situation(
        "one at the top, one in the middle, best first",
        RECOMMENDATIONS,
        titles("A B"),
        titles("C A D B"),
        "added C",
        "added D",
    ),
    situation("one is not suggested any more", RECOMMENDATIONS, titles("A B"), titles("B")),
    situation("another order", RECOMMENDATIONS, titles("A B C"), titles("C A B")),
    situation(
        "the window becomes whole: what lay beyond is not news",
        RECOMMENDATIONS,
        titles("A B"),
        titles("N A B C", whole=True),
        "added N",
    ),
]

POSTED = [
    situation("a post at the top", STREAM, dated_posts(2, 1), dated_posts(3, 2, 1), "added 3"),
    situation(
        "posts are told oldest first", STREAM, dated_posts(1), dated_posts(3, 2, 1), "added 2", "added 3"
    ),
    situation("the window slides", STREAM, dated_posts(3, 2), dated_posts(4, 3), "added 4"),
    situation("one is deleted, an older one slides in", STREAM, dated_posts(3, 2), dated_posts(3, 1)),
    situation(
        "a dated post is news wherever it stands", STREAM, dated_posts(3, 1), dated_posts(3, 1, 2), "added 2"
    ),
    situation("undated: the newest first", STREAM, posts("B A"), posts("D C B A"), "added C", "added D"),
    situation("undated: one is deleted, an older one slides in", STREAM, posts("C B"), posts("C A")),
    situation("undated: growing at its end", STREAM, posts("A B"), posts("A B C D"), "added C", "added D"),
    situation(
        "undated among dated: below the last that stayed it has slid in",
        STREAM,
        posts("B A", dates={"A": 1, "B": 2}),
        posts("N B A O", dates={"A": 1, "B": 2}),
        "added N",
    ),
    situation(
        "nothing of the window stayed", STREAM, dated_posts(2, 1), dated_posts(4, 3), "added 3", "added 4"
    ),
    situation(
        "a post has another title now",
        STREAM,
        posts("A"),
        replace(posts("A"), entries=(replace(posts("A").entries[0], title="B", alias="of B"),)),
        "updated B title A→B",
    ),
    situation(
        "another host in a link is no change",
        STREAM,
        posts("A"),
        replace(posts("A"), entries=(replace(posts("A").entries[0], link="http://old.example/A"),)),
    ),
    situation(
        "a link is not stated any more",
        STREAM,
        posts("A"),
        replace(posts("A"), entries=(replace(posts("A").entries[0], link=None, alias=None),)),
    ),
    situation(
        "a title that looks like an address is compared as a title",
        STREAM,
        Snapshot((Entry("1", "http://a.example/x"),), whole=False),
        Snapshot((Entry("1", "http://b.example/x"),), whole=False),
        "updated http://b.example/x title http://a.example/x→http://b.example/x",
    ),
    situation(
        "a post is deleted from a feed that is whole",
        STREAM,
        posts("B A", whole=True),
        posts("A", whole=True),
    ),
]


@pytest.mark.parametrize(
    "each", [*QUEUES, *RATED, *WINDOWS, *VIEWED, *RECOMMENDED, *POSTED], ids=lambda each: each.name
)
def test_situation(each: Situation) -> None:
    """What happened to a list is told as the situation says."""
    assert tell(diff_snapshots(each.before, each.after, each.rules).changes) == each.told


def test_move_200_to_1_is_one_moved() -> None:
    """A title that goes from 200 to the top passes 199 others, and not one of them has moved."""
    names = [f"T{number}" for number in range(1, 221)]
    moved = [names[199], *names[:199], *names[200:]]
    found = diff_snapshots(queue(" ".join(names)), queue(" ".join(moved)), QUEUE)
    assert tell(found.changes) == ["moved T200 200→1"]


def test_a_change_of_rating_carries_both_values() -> None:
    """A re-rating says what it was and what it is, with the entry before and after."""
    (change,) = diff_snapshots(ratings(A="3"), ratings(A="4"), RATINGS).changes
    assert change.facts == {"rating": FactChange("3", "4")}
    assert (change.before, change.after) == (ratings(A="3").entries[0], ratings(A="4").entries[0])


def test_a_changed_text_of_a_post_is_told_where_asked_for() -> None:
    """The content of a post is compared for who asks, and for nobody else."""
    before = Snapshot((Entry("1", "A", facts={"content": "x"}),), whole=False)
    after = Snapshot((Entry("1", "A", facts={"content": "y"}),), whole=False)
    asked = rules_of(Kind.STREAM, compare_content=True)
    assert tell(diff_snapshots(before, after, asked).changes) == ["updated A content x→y"]
    assert diff_snapshots(before, after, STREAM).changes == ()


def test_what_is_left_unsaid_is_kept_for_the_next_comparison() -> None:
    """A label that one reply leaves out is compared with the last one that was stated."""
    watch = Watch(QUEUE, queue("A"))
    assert watch.see(queue("A", availability={"A": None})) == ()
    assert tell(watch.see(queue("A", availability={"A": "short wait"}))) == [
        "updated A availability available now→short wait"
    ]


# ── over several polls ────────────────────────────────────────────────────────────────────────────


def test_removed_and_added_again_is_two_changes() -> None:
    """What was announced as removed is news when it returns, in whole lists and in windows."""
    for whole in (True, False):
        watch = Watch(QUEUE, queue("A B C", whole=whole))
        told = [tell(watch.see(queue(each, whole=whole))) for each in ("A C", "B A C", "A C", "A B C")]
        assert told == [["removed B at 2"], ["added B at 1"], ["removed B at 1"], ["added B at 2"]]


def test_what_aged_out_and_comes_back_is_not_news() -> None:
    """A title that a window had shown within `keep` is not announced when the window shows it again."""
    watch = Watch(QUEUE, queue("A B C", whole=False))
    assert tell(watch.see(queue("N A B", whole=False))) == ["added N at 1"]
    assert tell(watch.see(queue("C N A", whole=False))) == []


def test_a_recommendation_that_comes_and_goes_is_news_once() -> None:
    """A suggestion that drops out and returns within `keep` is told the first time only."""
    watch = Watch(RECOMMENDATIONS, titles("A B"))
    assert [tell(watch.see(titles(each))) for each in ("A B C", "A B", "C A B", "A B C")] == [
        ["added C"],
        [],
        [],
        [],
    ]


def test_a_post_that_is_deleted_and_restored_is_not_news() -> None:
    """A post that was shown, vanished and is there again is not announced again."""
    watch = Watch(STREAM, dated_posts(3, 2, 1))
    assert [tell(watch.see(dated_posts(*days))) for days in ((3, 1), (3, 2, 1), (4, 3, 2))] == [
        [],
        [],
        ["added 4"],
    ]


def test_history_that_came_back_after_it_was_empty_is_not_watched_again() -> None:
    """A history that was empty for a poll and is there again brings only what is new in it."""
    watch = Watch(HISTORY, viewings("B@2", "A@1"))
    assert watch.see(viewings()) == ()
    assert tell(watch.see(viewings("C@3", "B@2", "A@1"))) == ["added C"]


def test_a_title_beyond_a_window_is_not_news_when_the_list_is_whole_again() -> None:
    """A server that refuses paging for a while makes no change: neither when it starts nor when it stops."""
    watch = Watch(QUEUE, queue("A B C D E"))
    assert [tell(watch.see(each)) for each in (queue("A B", whole=False), queue("A B C D E"))] == [[], []]


def test_an_undated_feed_that_grows_at_its_end_is_read_from_there() -> None:
    """Once a feed was seen growing at its end, what slides out at its top does not hide the new ones."""
    watch = Watch(STREAM, posts("A B"))
    told = [names_of(watch.see(posts(each))) for each in ("A B C", "B C D", "D E F", "X Y Z", "Z Q")]
    assert told == [["C"], ["D"], ["E", "F"], ["X", "Y", "Z"], ["Q"]]


def test_an_undated_feed_that_turns_round_is_read_from_its_top_again() -> None:
    """A feed that grows at its top after all is read from there, also where its window is full."""
    watch = Watch(STREAM, posts("C B A"))
    told = [names_of(watch.see(posts(each))) for each in ("C B A O", "D C B A", "E D C B")]
    assert told == [["O"], ["D"], ["E"]]


# ── an id that changes ────────────────────────────────────────────────────────────────────────────


def rename(snapshot: Snapshot, **keys: str) -> Snapshot:
    """The same entries under other ids."""
    entries = (replace(entry, key=keys.get(entry.key, entry.key)) for entry in snapshot.entries)
    return replace(snapshot, entries=tuple(entries))


def test_an_id_changes_while_link_and_title_stay() -> None:
    """A post whose id was made anew is the same post: no change, and its history goes along."""
    found = diff_snapshots(posts("B A"), rename(posts("C B A"), A="a2", B="b2"), STREAM)
    assert tell(found.changes) == ["added C"]
    assert found.rekeyed == {"a2": "A", "b2": "B"}
    assert found.lost == 0
    assert found.departed == ()


def test_an_id_changes_and_what_counts_changes_too() -> None:
    """A title under another id is compared all the same, not removed and added."""
    after = rename(queue("B A", availability={"A": "short wait"}), A="a2", B="b2")
    told = tell(diff_snapshots(queue("A B"), after, QUEUE).changes)
    assert told == ["moved B 2→1", "updated A availability available now→short wait"]


def test_posts_that_are_numbered_from_the_top_keep_their_identity() -> None:
    """Where a new post shifts all ids, the new one is told, not the one that got a new number."""
    before = rename(posts("B A"), B="1", A="2")
    found = diff_snapshots(before, rename(posts("C B A"), C="1", B="2", A="3"), STREAM)
    assert tell(found.changes) == ["added C"]
    assert list(found.rekeyed.items()) == [("3", "2"), ("2", "1")]


def test_a_full_window_of_numbered_posts() -> None:
    """Ids from 1 to 3 for ever: what fell off the end departs, and its number names another post now."""
    before = rename(posts("C B A"), C="1", B="2", A="3")
    found = diff_snapshots(before, rename(posts("D C B"), D="1", C="2", B="3"), STREAM)
    assert tell(found.changes) == ["added D"]
    assert [entry.title for entry in found.departed] == ["A"]
    assert found.rekeyed == {}


def test_two_posts_that_swap_their_ids() -> None:
    """Ids that change places make no change, and are written over rather than renamed."""
    found = diff_snapshots(rename(posts("A B"), A="1", B="2"), rename(posts("A B"), A="2", B="1"), STREAM)
    assert found.changes == ()
    assert found.rekeyed == {}


def alike(*ids: str) -> Snapshot:
    """Posts that all have the same title and link: only their ids tell them apart."""
    return Snapshot(tuple(Entry(each, "Daily news", alias="the same") for each in ids), whole=False)


def test_posts_that_all_look_alike_are_told_apart_by_their_ids() -> None:
    """Where every post has one title and link, each new id is news: also in a full window, for ever."""
    watch = Watch(STREAM, alike("3", "2", "1"))
    told = [
        [change.entry.key for change in watch.see(alike(*ids))]
        for ids in (("4", "3", "2"), ("5", "4", "3"), ("6", "5", "4"), ("8", "7", "6"))
    ]
    assert told == [["4"], ["5"], ["6"], ["7", "8"]]


def test_one_that_left_is_not_taken_for_one_that_came_beside_its_like() -> None:
    """Two entries alike, one leaves and a third comes: the third is not the one that left."""
    before = Snapshot((Entry("1", "A", alias="x"), Entry("2", "A", alias="x")), whole=True)
    after = Snapshot((Entry("3", "A", alias="x"), Entry("1", "A", alias="x")), whole=True)
    assert tell(diff_snapshots(before, after, RATINGS).changes) == ["removed A", "added A"]


def test_the_title_of_a_list_of_titles_is_its_id() -> None:
    """A title whose page and name another title takes over stays itself: its id tells."""
    before = Snapshot((Entry("1", "A", alias="x"), Entry("2", "B", alias="y")), whole=True)
    after = Snapshot((Entry("2", "A", alias="x"), Entry("1", "B", alias="y")), whole=True)
    found = diff_snapshots(before, after, RATINGS)
    assert (found.changes, found.rekeyed) == ((), {})


def test_a_title_keeps_its_id_when_a_new_one_takes_its_page_over() -> None:
    """An alias never speaks for a title whose own id is on the other list too."""
    one, other = Entry("1", "A", alias="x"), Entry("2", "B", alias="y")
    taken_over = Snapshot((Entry("1", "A", alias="z"), Entry("2", "B", alias="x")), whole=True)
    assert tell(diff_snapshots(Snapshot((one,), whole=True), taken_over, RATINGS).changes) == ["added B"]
    left = Snapshot((Entry("2", "B", alias="x"),), whole=True)
    found = diff_snapshots(Snapshot((one, other), whole=True), left, RATINGS)
    assert (tell(found.changes), found.rekeyed) == (["removed A"], {})


# ── what every change says ────────────────────────────────────────────────────────────────────────


def test_positions_are_said_where_they_are_true() -> None:
    """A removed title says where it was, one that stayed in its place has no previous one."""
    removed, updated = diff_snapshots(
        queue("A B"), queue("B", availability={"B": "short wait"}), QUEUE
    ).changes
    assert (removed.kind, removed.position, removed.previous_position) == (ChangeKind.REMOVED, None, 1)
    assert (updated.kind, updated.position, updated.previous_position) == (ChangeKind.UPDATED, 1, None)


def test_the_entry_of_a_change_is_the_newest_there_is() -> None:
    """A change speaks of the entry as it is now, or as it was when it is gone."""
    old, new = Entry("1", "old"), Entry("1", "new")
    assert Change(ChangeKind.UPDATED, old, new).entry is new
    assert Change(ChangeKind.REMOVED, old, None).entry is old


def test_a_long_list_turned_over_is_compared_in_time() -> None:
    """Twenty thousand titles in reverse order take a moment, not minutes: one of them stayed."""
    names = [f"T{number}" for number in range(20_000)]
    entries = [Entry(name, name, position=rank) for rank, name in enumerate(names, start=1)]
    turned = [replace(entry, position=20_001 - (entry.position or 0)) for entry in reversed(entries)]
    before, after = (Snapshot(tuple(each), whole=True, ordered=True) for each in (entries, turned))
    told = diff_snapshots(before, after, QUEUE).changes
    assert len(told) == len(entries) - 1
    positions = [change.position or 0 for change in told]
    assert positions == sorted(positions)
