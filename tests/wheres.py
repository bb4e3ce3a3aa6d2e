"""Changes and conditions of any kind, for the laws of both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

from feedwatch.core.fields import NUMBERS, WORDS, Field, Value
from feedwatch.core.model import Change, ChangeKind, Details, Entry, FactChange, RecordedChange
from feedwatch.core.where import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Operator,
    Subjects,
    operators_of,
)

_AT = datetime(2026, 11, 1, tzinfo=UTC)
TITLES = [
    "Alien",
    "ALIENS",
    "Caf\u00e9 Society",
    "Cafe\u0301  society",
    "Stra\u00dfe",
    "STRASSE",
    "",
    "and",
    "1917",
]
LABELS = ["available now", "Available  now", "saved", "short wait"]
CATEGORIES = ["Comedy", "comedy", "Drama", "Sci-Fi & Fantasy", "Horror"]
NAMES = ["jane", "queue", "jane/queue", "stream"]
STARS = ["1", "3", "3.5", "5", "not_interested", "no_opinion", "many", "", "-1", "nan"]
YEARS = ["1917", "1979", "1990", "MCM", "12345678901"]


def _may_lack(facts: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional=facts)


_CATEGORY = st.lists(st.sampled_from(CATEGORIES), max_size=3).map(", ".join)
FACTS = _may_lack(
    {
        "year": st.sampled_from(YEARS),
        "rating": st.sampled_from(STARS),
        "predicted_rating": st.sampled_from(STARS),
        "average_rating": st.sampled_from(STARS),
        "availability": st.sampled_from(LABELS),
        "category": _CATEGORY,
    }
)
PLACES = st.none() | st.integers(1, 4)
TEXTS = st.sampled_from(["", "A festival in town", "An alien  lands", "FESTIVAL"])


@st.composite
def _changes(draw: st.DrawFn) -> Change:
    """A change as comparing makes it: what is gone has no details, and facts differ only in updates."""
    kind = draw(st.sampled_from(ChangeKind))
    facts = draw(FACTS)
    before = Entry("1", draw(st.sampled_from(TITLES)), position=draw(PLACES), facts=draw(FACTS))
    details = Details(text=draw(TEXTS))
    title = draw(st.sampled_from(TITLES))
    after = Entry("1", title, position=draw(PLACES), facts=facts, details=details)
    if kind is ChangeKind.ADDED:
        return Change(kind, None, after)
    if kind is ChangeKind.REMOVED:
        return Change(kind, before, None)
    differing = ("rating", "availability") if kind is ChangeKind.UPDATED else ()
    altered = {n: FactChange(before.facts.get(n), facts.get(n)) for n in differing}
    return Change(kind, before, after, altered, moved=kind is ChangeKind.MOVED)


CHANGES = _changes()


def record(change: Change, subjects: Subjects) -> RecordedChange:
    """A change as the store keeps it."""
    return RecordedChange(
        id=1,
        at=_AT,
        account=subjects.account,
        feed=subjects.feed,
        feed_kind=subjects.kind,
        kind=change.kind,
        key=change.entry.key,
        title=change.entry.title,
        link=change.entry.link,
        position=change.position,
        previous_position=change.previous_position,
        facts=change.facts,
        entry_facts=change.entry.facts,
        details=change.entry.details,
    )


# ── conditions ────────────────────────────────────────────────────────────────────────────────────

_AWKWARD = st.text(alphabet="ab \\\"'()=", min_size=1, max_size=6) | st.sampled_from(
    ["And", "NOT", "is", "oR", "IN"]
)
_ONE_LINE = (_AWKWARD | st.text(min_size=1, max_size=12)).map(lambda text: " ".join(text.split()))
_NUMBERS = st.integers(0, 2100).map(float) | st.integers(0, 10**8).map(lambda number: number / 100)
_LIKELY_NUMBERS = st.sampled_from([1.0, 3.0, 3.5, 4.0, 1917.0, 1979.0, 1990.0])
_LIKELY: dict[Field, Sequence[str]] = {
    Field.TITLE: ["alien", "CAF\u00c9 society", "strasse", "1917", "and"],
    Field.TEXT: ["Festival", "alien lands", "A festival in town"],
    Field.CATEGORY: CATEGORIES,
    Field.AVAILABILITY: LABELS,
    Field.ACCOUNT: NAMES,
    Field.FEED: NAMES,
}


def _texts(what: Field) -> st.SearchStrategy[str]:
    """A text that can be written: of one line, not empty, without what no text may hold."""
    unusable = re.compile("[\x00-\x1f\x7f\ud800-\udfff]" + ("|," if what is Field.CATEGORY else ""))
    return _ONE_LINE.filter(lambda text: bool(text) and not unusable.search(text))


def _values(what: Field, operator: Operator) -> st.SearchStrategy[Value]:
    if what in NUMBERS:
        numbers: st.SearchStrategy[Value] = _LIKELY_NUMBERS | _NUMBERS
        words = WORDS.get(what, ()) if operator.value in ("=", "!=", "in", "not in") else ()
        return numbers | st.sampled_from(words) if words else numbers
    if what in WORDS:
        return st.sampled_from(WORDS[what])
    return st.sampled_from([" ".join(each.split()) for each in _LIKELY[what]]) | _texts(what)


@st.composite
def _comparisons(draw: st.DrawFn) -> Comparison:
    what = draw(st.sampled_from(Field))
    operator = draw(st.sampled_from(sorted(operators_of(what))))
    if operator in (Operator.KNOWN, Operator.UNKNOWN):
        return Comparison(what, operator)
    most = 3 if operator in (Operator.IN, Operator.NOT_IN) else 1
    values = draw(st.lists(_values(what, operator), min_size=1, max_size=most))
    return Comparison(what, operator, tuple(values))


def _joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, parts) | st.builds(AllOf, several) | st.builds(AnyOf, several)


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(_comparisons(), _joined, max_leaves=6)
