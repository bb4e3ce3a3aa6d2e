"""Values and columns: what goes in comes out, and instants sort as they read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import FactChange, NoticeLine, Reason, Validators
from feedwatch.errors import StoreDamaged
from feedwatch.store import codec

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)  # noqa: DTZ001 — bounds of Hypothesis are naive
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(at=INSTANTS)
def test_an_instant_comes_back_to_the_microsecond(at: datetime) -> None:
    """Whatever its zone, it is kept in UTC and is the same instant."""
    found = codec.instant(codec.stamp(at))
    assert found == at
    assert found.tzinfo is UTC
    assert codec.read_instant(codec.write_instant(at)) == at


@given(one=INSTANTS, other=INSTANTS)
def test_instants_sort_as_their_texts_do(one: datetime, other: datetime) -> None:
    """One width and one zone: SQLite may compare them as texts."""
    texts = codec.stamp(one), codec.stamp(other)
    assert len({len(text) for text in texts}) == 1
    assert (one < other) == (texts[0] < texts[1])


def test_an_instant_without_a_zone_is_refused() -> None:
    """A naive one could mean anything."""
    naive = datetime(2026, 11, 1)  # noqa: DTZ001 — this is what is refused
    with pytest.raises(ValueError, match="without a time zone"):
        codec.write_instant(naive)
    assert codec.write_instant(None) is None
    assert codec.read_instant(None) is None


@given(facts=st.dictionaries(TEXTS, TEXTS))
def test_facts_come_back_and_are_written_alike(facts: dict[str, str]) -> None:
    """The same facts are the same text, in whatever order they were found."""
    text = codec.write_facts(facts)
    assert codec.read_facts(text) == facts
    assert codec.write_facts(dict(reversed(facts.items()))) == text


@given(all_facts=st.lists(st.dictionaries(TEXTS | st.just("}\n{"), TEXTS | st.just("}\n{"), max_size=3)))
def test_the_facts_of_many_are_written_and_read_as_those_of_each(all_facts: list[dict[str, str]]) -> None:
    """In one go it is the same texts, and the same facts."""
    texts = codec.write_all_facts(all_facts)
    assert texts == [codec.write_facts(facts) for facts in all_facts]
    assert codec.read_all_facts(texts) == all_facts


@given(dates=st.lists(st.none() | INSTANTS))
def test_the_instants_of_many_are_read_as_each(dates: list[datetime | None]) -> None:
    """In one go it is the same instants."""
    texts = [codec.write_instant(at) for at in dates]
    assert codec.read_all_instants(texts) == [codec.read_instant(text) for text in texts]


def test_what_of_many_cannot_be_read_is_damage() -> None:
    """One that is none, or that is two, is not taken for the others."""
    nothing, number = cast("str", None), cast("str", 5)  # a damaged file has them where none may be
    for texts in (["{}", "[]"], ["{}", "{},{}"], ["{}", ""], ['{"a":"b"', '"c":"d"}'], ["{}", nothing]):
        with pytest.raises(StoreDamaged):
            codec.read_all_facts(texts)
    for dates in (["x"], ["2026-11-01T12:00:00"], [number]):
        with pytest.raises(StoreDamaged):
            codec.read_all_instants(dates)


@given(changes=st.dictionaries(TEXTS, st.builds(FactChange, st.none() | TEXTS, st.none() | TEXTS)))
def test_changed_facts_come_back(changes: dict[str, FactChange]) -> None:
    """From, to, and absent on either side."""
    assert codec.read_fact_changes(codec.write_fact_changes(changes)) == changes


@given(pages=st.lists(st.builds(Validators, st.none() | TEXTS, st.none() | TEXTS)))
def test_validators_come_back_page_by_page(pages: list[Validators]) -> None:
    """A page without any keeps its place among the others."""
    assert codec.read_validators(codec.write_validators(pages)) == tuple(pages)


@given(lines=st.lists(st.builds(NoticeLine, TEXTS, st.none() | st.integers(0, 10**6))))
def test_the_feeds_of_a_notice_come_back(lines: list[NoticeLine]) -> None:
    """With how many entries each has, where that was said."""
    assert codec.read_lines(codec.write_lines(lines)) == tuple(lines)


def test_reasons_come_back_and_others_are_refused() -> None:
    """What is stored is a value of the enum, never a sentence."""
    assert [codec.read_reason(str(reason)) for reason in Reason] == list(Reason)
    assert codec.read_reason(None) is None
    with pytest.raises(StoreDamaged, match="a Reason in the state is none"):
        codec.read_reason("a sentence")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (codec.instant, "yesterday"),
        (codec.read_facts, "{"),
        (codec.read_facts, "[]"),
        (codec.read_fact_changes, '{"rating": ["3"]}'),
        (codec.read_validators, "[1]"),
        (codec.read_lines, '["jane/queue"]'),
        (codec.read_texts, "{}"),
        (codec.read_order, "[[]]"),
        (codec.read_order, '["a", "b"]'),
    ],
)
def test_what_cannot_be_read_is_damage_and_is_not_quoted(read: Callable[[str], object], text: str) -> None:
    """A column that holds something else than it should is damage; what it holds is not shown."""
    with pytest.raises(StoreDamaged) as caught:
        read(text)
    assert text not in str(caught.value)
