"""Conditions select what they say, whichever way and in whatever order they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from operator import ge, gt, le, lt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import QUEUE, RATINGS, queue, ratings
from wheres import CHANGES, CONDITIONS, record

from feedwatch.config.conditions import parse_condition
from feedwatch.core.diff import diff_snapshots
from feedwatch.core.fields import Field, Value, fold
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Change, ChangeKind, Details, Entry, FactChange, Kind
from feedwatch.core.possible import can_hold
from feedwatch.core.where import AllOf, AnyOf, Comparison, Condition, Not, Subjects

ALIEN = Entry(
    key="1",
    title="Alien\u00b3",
    position=2,
    facts={
        "year": "1992",
        "rating": "3.5",
        "predicted_rating": "4",
        "availability": "very long wait",
        "category": "Horror, Sci-Fi & Fantasy",
    },
    details=Details(text="The  third film was shown at a Festival."),
)


def added(entry: Entry) -> Change:
    return Change(ChangeKind.ADDED, None, entry)


def subjects(*changes: Change, kind: Kind = Kind.QUEUE) -> Subjects:
    return Subjects(changes, "jane", "instant", kind)


def fulfils(text: str, change: Change, kind: Kind = Kind.QUEUE) -> bool:
    return list(parse_condition(text).select(subjects(change, kind=kind))) == [0]


# ── what is said of one change ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "year >= 1990 and predicted_rating > 3",
        "title ~ ALIEN",
        'text ~ "third film"',
        "category = horror",
        'category = "Sci-Fi & Fantasy"',
        "category ~ fantasy",
        "category in (Comedy, Horror)",
        "not category in (Comedy, Drama)",
        'availability = "Very Long Wait"',
        "rating = 3.5",
        "rating < 3.6",
        "position <= 2",
        "kind = queue",
        "change in (added, removed)",
        "account = jane",
        "feed = instant",
        "feed = jane/instant",
        "feed ~ jane/",
        "average_rating is unknown",
        "year is known",
    ],
)
def test_a_condition_holds_and_its_opposite_does_not(text: str) -> None:
    """Each field says what is known of the title, and `not` turns the answer round."""
    assert fulfils(text, added(ALIEN))
    assert not fulfils(f"not ({text})", added(ALIEN))


@pytest.mark.parametrize(
    "text",
    [
        "title = alien",
        "title ~ aliens",
        "category = Sci-Fi",
        'category ~ "horror sci"',
        "rating > 3.5",
        "position < 2",
        "kind = history",
        "change = removed",
        "account = jan",
        "feed = queue",
        "year in (1990, 1991)",
    ],
)
def test_a_condition_that_is_only_almost_so_does_not_hold(text: str) -> None:
    """What is compared as a whole is not satisfied by a part, nor by what is next to it."""
    assert not fulfils(text, added(ALIEN))


@pytest.mark.parametrize(
    ("what", "value"), [(Field.YEAR, "1990"), (Field.AVERAGE_RATING, "3"), (Field.TEXT, "x")]
)
def test_what_is_not_known_fulfils_no_comparison_but_every_opposite(what: Field, value: str) -> None:
    """Of a title without it no comparison holds; `!=`, `not in` and `not` hold, for it is not so."""
    bare = added(Entry("1", "Heat"))
    assert not fulfils(f"{what} = {value}", bare)
    assert not fulfils(f"{what} in ({value})", bare)
    assert not fulfils(f"{what} is known", bare)
    assert fulfils(f"{what} != {value}", bare)
    assert fulfils(f"{what} not in ({value})", bare)
    assert fulfils(f"not {what} = {value}", bare)
    assert fulfils(f"{what} is unknown", bare)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("rating", ["not_interested", "no_opinion", "many", None])
def test_a_rating_without_stars_is_in_no_order(operator: str, rating: str | None) -> None:
    """Neither less nor more than any number: who asks for good ratings gets stars only."""
    facts = {"rating": rating} if rating else {}
    assert not fulfils(f"rating {operator} 3", added(Entry("1", "Heat", facts=facts)))


def test_a_rating_in_words_is_known_and_can_be_asked_for() -> None:
    """A title that somebody is not interested in has been rated, if not with a number."""
    refused = added(Entry("1", "Heat", facts={"rating": "not_interested"}))
    assert fulfils("rating = not_interested and rating is known", refused)
    assert fulfils("rating in (1, not_interested) and rating != 1", refused)
    assert fulfils("rating is unknown", added(Entry("1", "Heat", facts={"rating": "many"})))


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Caf\u00e9", "CAFE\u0301"),
        ("Stra\u00dfe", "STRASSE"),
        ("Two \u00a0 spaces", '"two spaces"'),
        ("1917", "1917"),
    ],
)
def test_texts_are_compared_as_a_person_reads_them(title: str, asked: str) -> None:
    """Neither case, nor the width of a space, nor the way an accent is written makes a difference."""
    quoted = asked if asked.startswith('"') else f'"{asked}"'
    assert fulfils(f"title = {quoted}", added(Entry("1", title)))


def test_of_what_changed_the_new_value_counts() -> None:
    """A title rated anew is looked at with its new rating, one taken back has none."""
    rated, *_ = diff_snapshots(ratings(Heat="2"), ratings(Heat="5"), RATINGS).changes
    assert fulfils("rating = 5", rated, Kind.RATINGS)
    taken_back, *_ = diff_snapshots(ratings(Heat="2"), ratings(Heat=None), RATINGS).changes
    assert fulfils("rating is unknown", taken_back, Kind.RATINGS)
    told_only = Change(ChangeKind.UPDATED, ALIEN, ALIEN, {"rating": FactChange("3.5", "5")})
    assert fulfils("rating = 5", told_only)
    recorded = Subjects.of_recorded(record(told_only, subjects(told_only)))
    assert list(parse_condition("rating = 5").select(recorded)) == [0]


def test_what_was_removed_is_known_as_it_was_but_has_no_place() -> None:
    """The facts of a title that left are those it had; a position is where a title is now."""
    removed, *_ = diff_snapshots(queue("Heat"), queue(""), QUEUE).changes
    assert fulfils('availability = "available now" and position is unknown', removed)


# ── many at once ──────────────────────────────────────────────────────────────────────────────────


def test_what_is_selected_keeps_the_order_of_the_changes() -> None:
    """Whichever part of an `or` a change fulfils, it stays in its place, and comes once."""
    made = [added(Entry(str(n), f"Title {n}", position=n)) for n in range(1, 8)]
    condition = parse_condition("position > 5 or position in (2, 6) or title ~ 3")
    assert list(condition.select(subjects(*made))) == [1, 2, 5, 6]


def _has(change: Change, what: Field, seen: Subjects) -> list[Value]:
    """What a change has in a field, looked up for it alone."""
    name = f"{seen.account}/{seen.feed}"
    place = change.after.position if change.after else None
    found: dict[Field, list[str | None]] = {
        Field.TITLE: [change.entry.title],
        Field.TEXT: [change.entry.details.text],
        Field.KIND: [seen.kind],
        Field.CHANGE: [change.kind],
        Field.ACCOUNT: [seen.account],
        Field.FEED: [seen.feed, name],
        Field.POSITION: [str(place) if place else None],
    }
    fact = change.entry.facts.get(what.value)
    if change.kind is ChangeKind.UPDATED and what.value in change.facts:
        fact = change.facts[what.value].after
    several: list[str | None] = [*(fact or "").split(", ")] if what is Field.CATEGORY else [fact]
    read = [_read(text, what) for text in found.get(what, several) if text]
    return [value for value in read if value is not None]


def _read(text: str, what: Field) -> Value | None:
    if what not in (Field.YEAR, Field.RATING, Field.PREDICTED_RATING, Field.AVERAGE_RATING, Field.POSITION):
        return fold(text)
    whole, _, rest = text.partition(".")
    if whole.isdigit() and len(whole) < 10 and (not rest or rest.isdigit()):
        return float(text)
    return text if what is Field.RATING and text in ("not_interested", "no_opinion") else None


def _compare(change: Change, comparison: Comparison, seen: Subjects) -> bool:
    there = _has(change, comparison.what, seen)
    wanted = [fold(value) if isinstance(value, str) else value for value in comparison.values]
    order = {"<": lt, "<=": le, ">": gt, ">=": ge}.get(comparison.operator.value)
    if order:
        return any(isinstance(each, float) and order(each, wanted[0]) for each in there)
    is_so = {
        "=": lambda: any(each in wanted for each in there),
        "in": lambda: any(each in wanted for each in there),
        "~": lambda: any(str(wanted[0]) in str(each) for each in there),
        "is known": lambda: bool(there),
    }
    opposites = {"!=": "=", "not in": "in", "!~": "~", "is unknown": "is known"}
    operator = comparison.operator.value
    return not is_so[opposites[operator]]() if operator in opposites else is_so[operator]()


def _holds(condition: Condition, change: Change, seen: Subjects) -> bool:
    """Say of one change, by itself and without any column, whether it fulfils a condition."""
    match condition:
        case AllOf(parts):
            return all(_holds(part, change, seen) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, change, seen) for part in parts)
        case Not(part):
            return not _holds(part, change, seen)
    assert isinstance(condition, Comparison)
    return _compare(change, condition, seen)


SEEN = st.builds(
    Subjects,
    st.lists(CHANGES, max_size=6),
    st.sampled_from(["jane", "Paul"]),
    st.sampled_from(["queue", "stream"]),
    st.sampled_from(Kind),
)


@given(condition=CONDITIONS, seen=SEEN)
def test_a_condition_selects_those_that_fulfil_it_one_by_one(condition: Condition, seen: Subjects) -> None:
    """Column by column the answer is that of looking at each change by itself."""
    expected = [i for i, change in enumerate(seen.changes) if _holds(condition, change, seen)]
    assert list(condition.select(seen)) == expected


@given(condition=CONDITIONS, seen=SEEN)
def test_of_a_recorded_change_a_condition_says_what_it_said_when_it_was_new(
    condition: Condition, seen: Subjects
) -> None:
    """`explain` and `preview` judge one change as the poll judged it among others."""
    selected = list(condition.select(seen))
    again = [bool(condition.select(Subjects.of_recorded(record(c, seen)))) for c in seen.changes]
    assert [index for index, fulfilled in enumerate(again) if fulfilled] == selected


@given(conditions=st.lists(CONDITIONS, max_size=4), seen=SEEN)
def test_what_others_asked_before_changes_no_answer(conditions: Sequence[Condition], seen: Subjects) -> None:
    """What is kept of one condition for the next never shows, however often and among whom one asks."""
    for condition in (*conditions, *conditions):
        fresh = Subjects(seen.changes, seen.account, seen.feed, seen.kind)
        assert list(condition.select(seen)) == list(condition.select(fresh))
        every_other = seen.indices[::2]
        chosen = [index for index in condition.select(fresh) if index in every_other]
        assert list(condition.narrow(seen, every_other)) == chosen


# ── whether it can hold ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "kind", "change", "can"),
    [
        ("kind = queue", Kind.HISTORY, ChangeKind.ADDED, False),
        ("kind = queue or title ~ x", Kind.HISTORY, ChangeKind.ADDED, True),
        ("not (kind = history or title ~ x)", Kind.HISTORY, ChangeKind.ADDED, False),
        ("change = moved and year > 1990", Kind.QUEUE, ChangeKind.ADDED, False),
        ("rating > 3", Kind.STREAM, ChangeKind.ADDED, False),
        ("rating > 3", Kind.RATINGS, ChangeKind.ADDED, True),
        ("rating != 3", Kind.STREAM, ChangeKind.ADDED, True),
        ("position < 10", Kind.QUEUE, ChangeKind.REMOVED, False),
        ("position < 10", Kind.QUEUE, ChangeKind.ADDED, True),
        ("text ~ x", Kind.STREAM, ChangeKind.REMOVED, False),
        ("account = jane and feed = queue", Kind.STREAM, ChangeKind.ADDED, True),
    ],
)
def test_a_condition_that_no_change_of_a_kind_can_fulfil(
    text: str, kind: Kind, change: ChangeKind, *, can: bool
) -> None:
    """What a kind of feed never states, and another kind than is asked for, makes it impossible."""
    assert can_hold(parse_condition(text), rules_of(kind), change) is can


@given(condition=CONDITIONS, seen=SEEN)
def test_what_a_change_fulfils_can_hold(condition: Condition, seen: Subjects) -> None:
    """A no is sure: no change that states what its kind may state fulfils what is said to be impossible."""
    rules = rules_of(seen.kind)
    for index in condition.select(seen):
        change = seen.changes[index]
        stated = change.entry.facts.keys() | change.facts.keys()
        if stated <= {*rules.compared, *rules.recorded} and (rules.order_counts or change.position is None):
            assert can_hold(condition, rules, change.kind)
