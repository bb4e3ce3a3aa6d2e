"""Conditions on changes: which of them a route is meant for.

A condition looks at many changes at once, column by column, and what two conditions have in common is
looked at once (`Subjects`). It says yes or no: a comparison with what is not known does not hold, and its
opposite (`!=`, `!~`, `not in`, `not`) holds wherever it does not.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import compress, repeat
from operator import contains, ge, gt, le, lt, not_
from typing import Any

from feedwatch.core.fields import NUMBERS, WORDS, Field, Value, Values, fold, read_values
from feedwatch.core.model import Change, Entry, Kind, RecordedChange

# ── what can be said ──────────────────────────────────────────────────────────────────────────────


class Operator(StrEnum):
    """How a condition looks at it."""

    EQUALS = "="
    DIFFERS = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    CONTAINS = "~"
    LACKS = "!~"
    IN = "in"
    NOT_IN = "not in"
    KNOWN = "is known"
    UNKNOWN = "is unknown"


RESERVED = ("and", "or", "not", "in", "is")
BARE_WORD = re.compile(r"\w[\w./-]*")
"""What may stand without quotes, unless it is reserved."""
_ORDERS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.BELOW: lt,
    Operator.AT_MOST: le,
    Operator.ABOVE: gt,
    Operator.AT_LEAST: ge,
}
_OPPOSITES = {
    Operator.DIFFERS: Operator.EQUALS,
    Operator.LACKS: Operator.CONTAINS,
    Operator.NOT_IN: Operator.IN,
    Operator.UNKNOWN: Operator.KNOWN,
}
BY_VALUE = frozenset({Operator.EQUALS, Operator.DIFFERS, Operator.IN, Operator.NOT_IN})
"""How every field can be looked at."""
_PRESENCE = frozenset({Operator.KNOWN, Operator.UNKNOWN})
_WITHIN_TEXT = frozenset({Operator.CONTAINS, Operator.LACKS})


def operators_of(what: Field) -> frozenset[Operator]:
    """How a field can be looked at: only numbers have an order, only texts a part."""
    if what in NUMBERS:
        return BY_VALUE | _PRESENCE | _ORDERS.keys()
    return BY_VALUE | _PRESENCE | (frozenset() if what in WORDS else _WITHIN_TEXT)


# ── what is looked at ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Subjects:
    """Changes of one feed, as conditions look at them: column by column.

    `feed` is its name within the account. What is looked at is kept, for the next condition.
    """

    changes: Sequence[Change]
    account: str
    feed: str
    kind: Kind
    indices: Sequence[int] = field(init=False, repr=False, compare=False)
    _columns: dict[Hashable, Sequence[Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _selected: dict[Condition, Sequence[int]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "indices", range(len(self.changes)))

    @staticmethod
    def of_recorded(change: RecordedChange) -> Subjects:
        """One change as the store keeps it: conditions say of it what they said when it was new.

        Only what has been forgotten since, its text, is not known any more.
        """
        entry = Entry(
            key=change.key,
            title=change.title,
            link=change.link,
            position=change.position,
            facts=change.entry_facts,
            details=change.details,
        )
        # As what is now, whatever became of it: no condition looks at what was before.
        same = Change(change.kind, None, entry, change.facts)
        return Subjects((same,), change.account, change.feed, change.feed_kind)

    def recall(self, condition: Condition) -> Sequence[int]:
        """What a condition selects of all; found out once."""
        selected = self._selected.get(condition)
        if selected is None:
            selected = self._selected[condition] = condition.sift(self, self.indices)
        return selected

    def values(self, what: Field) -> Sequence[Values]:
        """What each change has there: nothing, a number or a text, or several texts."""
        return self._keep(what, lambda: self._read(what))

    def numbers(self, what: Field) -> Sequence[float]:
        """The number that each change has there; NaN, with which nothing compares, where it has none."""
        return self._keep((what, "numbers"), lambda: [_number_in(each) for each in self.values(what)])

    def texts(self, what: Field) -> Sequence[str]:
        """All that each change has there, line by line."""
        return self._keep((what, "texts"), lambda: ["\n".join(map(str, v)) for v in self.values(what)])

    def _keep(self, name: Hashable, make: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = make()
        return column

    def _read(self, what: Field) -> Sequence[Values]:
        if what not in _SAME_FOR_ALL:
            return read_values(what, self.changes)
        return (_SAME_FOR_ALL[what](self),) * len(self.changes)


_SAME_FOR_ALL: Mapping[Field, Callable[[Subjects], Values]] = {
    Field.KIND: lambda subjects: (subjects.kind.value,),
    Field.ACCOUNT: lambda subjects: (fold(subjects.account),),
    Field.FEED: lambda subjects: (fold(subjects.feed), fold(f"{subjects.account}/{subjects.feed}")),
}


def _number_in(values: Values) -> float:
    value = values[0] if values else math.nan
    return value if isinstance(value, float) else math.nan


# ── conditions ────────────────────────────────────────────────────────────────────────────────────


class Condition(ABC):
    """What a change must be like. Its text is one that is read as the same condition."""

    __slots__ = ()

    def select(self, subjects: Subjects) -> Sequence[int]:
        """The indices of those that fulfil it, in order."""
        return subjects.recall(self)

    def narrow(self, subjects: Subjects, among: Sequence[int]) -> Sequence[int]:
        """Those of some indices that fulfil it, in the same order."""
        return subjects.recall(self) if among is subjects.indices else self.sift(subjects, among)

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def sift(self, subjects: Subjects, among: Sequence[int]) -> Sequence[int]:
        """Find out what `narrow` says."""


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """One field compared: with one value, with each of several (`in`), or with none (`is known`)."""

    what: Field
    operator: Operator
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        written = ", ".join(map(_write_value, self.values))
        if self.operator in (Operator.IN, Operator.NOT_IN):
            written = f"({written})"
        return f"{self.what} {self.operator} {written}".rstrip()

    def sift(self, subjects: Subjects, among: Sequence[int]) -> Sequence[int]:
        """Find out what `narrow` says."""
        if opposite := _OPPOSITES.get(self.operator):
            return _leave_out(Comparison(self.what, opposite, self.values).narrow(subjects, among), among)
        column = self._column(subjects)
        looked_at = column if among is subjects.indices else map(column.__getitem__, among)
        return list(compress(among, self._judge(looked_at)))

    def _column(self, subjects: Subjects) -> Sequence[Any]:
        if self.operator in _ORDERS:
            return subjects.numbers(self.what)
        return subjects.texts(self.what) if self.operator is Operator.CONTAINS else subjects.values(self.what)

    def _judge(self, column: Iterable[Any]) -> Iterable[Any]:
        """Say of each in a column whether it is so."""
        if self.operator is Operator.KNOWN:
            return column
        wanted = [fold(value) if isinstance(value, str) else value for value in self.values]
        if self.operator is Operator.IN:
            return map(not_, map(frozenset(wanted).isdisjoint, column))
        return map(_ORDERS.get(self.operator, contains), column, repeat(wanted[0]))


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """Whatever does not fulfil a condition."""

    part: Condition

    def __str__(self) -> str:
        return f"not {_write_part(self.part)}"

    def sift(self, subjects: Subjects, among: Sequence[int]) -> Sequence[int]:
        """Find out what `narrow` says."""
        return _leave_out(self.part.narrow(subjects, among), among)


@dataclass(frozen=True, slots=True)
class AllOf(Condition):
    """Several conditions at once."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(map(_write_part, self.parts))

    def sift(self, subjects: Subjects, among: Sequence[int]) -> Sequence[int]:
        """Find out what `narrow` says: each part is asked only about what fulfils those before it."""
        for part in self.parts:
            among = part.narrow(subjects, among)
        return among


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    """At least one of several conditions."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(map(_write_part, self.parts))

    def sift(self, subjects: Subjects, among: Sequence[int]) -> Sequence[int]:
        """Find out what `narrow` says: each part is asked only about what fulfils none before it."""
        selected: list[int] = []
        for part in self.parts:
            found = part.narrow(subjects, among)
            among = _leave_out(found, among)
            selected += found
        return sorted(selected)


def _leave_out(found: Sequence[int], among: Sequence[int]) -> Sequence[int]:
    if not found:
        return among
    apart = set(found)
    return [index for index in among if index not in apart]


def _write_part(part: Condition) -> str:
    return f"({part})" if isinstance(part, AllOf | AnyOf) else str(part)


def _write_value(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if BARE_WORD.fullmatch(value) and value.lower() not in RESERVED:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
