"""A queue as it is kept between changes: the same as the queue that the server has."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import ChangeKind
from feedwatch.core.state import QueuedTitle, QueueReading
from feedwatch.netflix.readings import Titles, compare_readings, place_title, without_title

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def title(number: int, position: int | None = None, host: str = "api.netflix.com") -> QueuedTitle:
    return QueuedTitle(f"http://{host}/catalog/titles/movies/{number}", f"Film {number}", position)


def make_titles(numbers: list[int], saved: list[int]) -> Titles:
    placed = tuple(title(number, place) for place, number in enumerate(numbers, 1))
    return (*placed, *(title(number) for number in saved))


def numbers_of(titles: Titles) -> tuple[list[int], list[int]]:
    """The titles that have a place, and those that have none."""
    numbered = [(int(each.ref.rpartition("/")[2]), each.position) for each in titles]
    return [n for n, place in numbered if place], [n for n, place in numbered if place is None]


LISTS = st.permutations(range(8)).flatmap(
    lambda numbers: st.integers(0, 8).map(lambda cut: (list(numbers[:cut]), list(numbers[cut:])))
)


@given(LISTS, st.integers(0, 12), st.none() | st.integers(1, 12))
def test_placing_a_title_is_what_a_server_does(
    lists: tuple[list[int], list[int]], number: int, position: int | None
) -> None:
    """Law: taken out where it was, put in where it is to be; the others keep their order."""
    queued, saved = lists
    placed = place_title(make_titles(queued, saved), title(number, position, "api-public.netflix.com"))
    expected = [each for each in queued if each != number]
    expected.insert(len(expected) if position is None else position - 1, number)
    assert numbers_of(placed) == (expected, [each for each in saved if each != number])
    assert [each.position for each in placed if each.position] == list(range(1, len(expected) + 1))


@given(LISTS, st.integers(0, 12))
def test_removing_and_saving_a_title(lists: tuple[list[int], list[int]], number: int) -> None:
    """Law: what is removed is gone; what is saved stands at the end, without a place."""
    queued, saved = lists
    titles = make_titles(queued, saved)
    left = [each for each in queued if each != number], [each for each in saved if each != number]
    assert numbers_of(without_title(titles, title(number).ref)) == left
    assert numbers_of(place_title(titles, title(number), saved=True)) == (left[0], [*left[1], number])


@given(LISTS)
def test_same_queue_under_another_host_has_not_changed(lists: tuple[list[int], list[int]]) -> None:
    """Law: the host in references is no part of what a queue is."""
    before = make_titles(*lists)
    after = tuple(each._replace(ref=each.ref.replace("api.", "api-public.")) for each in before)
    assert compare_readings(QueueReading("1", before, NOW), QueueReading("2", after, NOW)) == ()


def test_title_that_comes_out_is_told() -> None:
    """A saved title that has a place now is a change of the queue."""
    before, after = make_titles([1], [2]), make_titles([1, 2], [])
    (change,) = compare_readings(QueueReading("1", before, NOW), QueueReading("2", after, NOW))
    assert change.kind in (ChangeKind.UPDATED, ChangeKind.MOVED)
    assert change.position == 2
