"""What a window on a history does not show: when it was outrun, and what of the whole history counts then."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from lists import DAY, HISTORY, NOW, viewings

from feedwatch.core.decide import PollTerms, decide_poll
from feedwatch.core.diff import Difference
from feedwatch.core.earlier import Gap, choose_between, close_window, find_gap
from feedwatch.core.model import Entry, Snapshot
from feedwatch.core.state import FeedMemory, PollDecision, PollResult, Verdict

TERMS = PollTerms("jane/history", HISTORY, NOW + DAY, NOW + DAY)
SIZE = 5


def window_of(history: list[int]) -> Snapshot:
    """The newest viewings of a history, given as days."""
    return viewings(*(f"T{day % 7}@{day}" for day in sorted(history, reverse=True)[:SIZE]))


def whole(history: list[int]) -> tuple[Entry, ...]:
    """A history as the API gives it, newest first."""
    return viewings(*(f"T{day % 7}@{day}" for day in sorted(history, reverse=True))).entries


def decide(memory: FeedMemory, window: Snapshot, earlier: tuple[Entry, ...] = ()) -> PollDecision:
    result = PollResult(window, (), b"", b"", NOW, earlier=earlier)
    return decide_poll(memory, result, TERMS)


def remembering(window: Snapshot, *, seen: frozenset[str] = frozenset()) -> FeedMemory:
    return FeedMemory(snapshot=window, compared_as=HISTORY.signature, seen=seen)


def keys(decision: PollDecision) -> list[str]:
    return [change.entry.key for change in decision.changes]


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


def test_window_that_overlaps_has_no_gap() -> None:
    """One viewing that is still shown says that nothing was missed."""
    assert find_gap(viewings("A@3", "B@2").entries, viewings("C@4", "A@3")) is None


def test_window_that_was_outrun_has_a_gap() -> None:
    """From the newest that was known to the oldest that is shown."""
    gap = find_gap(viewings("A@3", "B@2").entries, viewings("D@9", "C@8"))
    assert gap == Gap(NOW + 3 * DAY, NOW + 8 * DAY)


def test_window_of_older_viewings_is_no_gap() -> None:
    """Another list altogether, or dates in another form: nothing lies between."""
    assert find_gap(viewings("A@3").entries, viewings("C@2", "D@1")) is None


def test_nothing_known_or_nothing_dated_has_no_gap() -> None:
    """An empty list has no newest viewing, and an undated one no place in time."""
    undated = Snapshot((Entry(key="A", title="A"),), whole=False)
    assert find_gap((), viewings("A@3")) is None
    assert find_gap(viewings("A@3").entries, viewings()) is None
    assert find_gap(undated.entries, viewings("B@3")) is None
    assert find_gap(viewings("B@3").entries, undated) is None


def test_history_that_dates_otherwise_fills_nothing() -> None:
    """Where no viewing is the same in both, the same ones would be told under two keys."""
    window = viewings("D@9", "C@8")
    assert choose_between(Gap(NOW, NOW + 8 * DAY), viewings("D@7", "C@6", "B@5").entries, window) == ()


# ── what comes of it ──────────────────────────────────────────────────────────────────────────────


def test_baseline_remembers_what_the_window_does_not_show() -> None:
    """Nothing of it is told, none of it is in the list, and all of it was seen."""
    decision = decide(FeedMemory(), window_of([8, 9]), whole([1, 2, 8, 9]))
    assert decision.verdict is Verdict.BASELINE
    assert decision.snapshot == window_of([8, 9])
    assert (decision.changes, [each.key for each in decision.departed]) == ((), ["T2@2", "T1@1"])


def test_old_viewing_that_slides_into_a_window_that_was_empty_is_no_news() -> None:
    """A baseline that showed nothing would make news of all that comes after: but these were seen before."""
    coming = window_of([1, 2, 9])
    decision = decide(remembering(Snapshot((), whole=False), seen=frozenset({"T1@1", "T2@2"})), coming)
    assert keys(decision) == ["T2@9"]


def test_viewings_between_are_told_and_leave_the_window_at_once() -> None:
    """Oldest first, once; the list that is kept is what the window shows."""
    before, after = [1, 2, 3], [11, 12, 13, 14, 15]
    between = [5, 6, 7]
    decision = decide(
        remembering(window_of(before)), window_of(after), whole([*before, *between, *after])[:9]
    )
    assert keys(decision) == [f"T{day % 7}@{day}" for day in [*between, *after]]
    assert decision.snapshot == window_of(after)
    assert {each.key for each in decision.departed} == {f"T{day % 7}@{day}" for day in [*before, *between]}


def test_what_was_seen_before_is_not_told_again() -> None:
    """A viewing between that the feed has shown once is none that was missed."""
    earlier = whole([5, 6])
    decision = decide(remembering(window_of([1]), seen=frozenset({"T5@5"})), window_of([8, 9]), earlier)
    assert keys(decision) == ["T6@6", "T1@8", "T2@9"]


def test_closing_keeps_the_window_alone() -> None:
    """What was joined is departed, whatever else has left."""
    joined = Difference((), viewings("C@3", "B@2", "A@1"), departed=viewings("Z@0").entries)
    closed = close_window(joined, viewings("C@3"))
    assert [each.key for each in closed.snapshot.entries] == ["C@3"]
    assert [each.key for each in closed.departed] == ["Z@0", "B@2", "A@1"]


@given(steps=st.lists(st.integers(0, 2 * SIZE), max_size=12))
def test_no_viewing_is_lost_or_told_twice_however_many_come_at_once(steps: list[int]) -> None:
    """With the whole history at hand, whatever is watched between two polls is told once, in order."""
    history = [0]
    memory = FeedMemory()
    told: list[str] = []
    departed: set[str] = set()
    for coming in steps:
        history += range(len(history), len(history) + coming)
        window = window_of(history)
        known = memory.snapshot.entries if memory.snapshot else ()
        gap = find_gap(known, window)
        earlier = choose_between(gap, _since(history, gap), window) if gap else ()
        seen = departed & {each.key for each in (*window.entries, *earlier)}
        decision = decide(replace(memory, seen=frozenset(seen)), window, earlier)
        told += keys(decision)
        departed |= {each.key for each in decision.departed}
        memory = FeedMemory(snapshot=decision.snapshot, compared_as=decision.compared_as)
    first = next((coming for coming in steps), 0)
    assert told == [f"T{day % 7}@{day}" for day in history[first + 1 :]]


def _since(history: list[int], gap: Gap) -> tuple[Entry, ...]:
    return tuple(each for each in whole(history) if each.dated_at and each.dated_at >= gap.since_at)
