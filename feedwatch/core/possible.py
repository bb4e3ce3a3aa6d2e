"""Whether a condition can hold at all on a kind of feed: a route that never tells anything is a mistake."""

from __future__ import annotations

from feedwatch.core.fields import Field
from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Change, ChangeKind, Entry
from feedwatch.core.where import AllOf, AnyOf, Comparison, Condition, Not, Subjects

_EITHER = frozenset({True, False})
_NAMES = frozenset(Field)


def can_hold(
    condition: Condition,
    rules: KindRules,
    change: ChangeKind,
    *,
    account: str | None = None,
    feed: str | None = None,
) -> bool:
    """Whether some change of this kind, on some feed of that, could fulfil a condition.

    `account` and `feed` (its name) say which feed it is; None stands for any. What such a feed never states
    is taken into account, but not whether numbers contradict each other: a no is sure, a yes is not.
    """
    return True in _Case(rules, change, account, feed).outcomes(condition)


class _Case:
    """A change of which no more is known than where it happened, and what its feed never states."""

    def __init__(self, rules: KindRules, change: ChangeKind, account: str | None, feed: str | None) -> None:
        entry = Entry(key="", title="")
        self._bare = Subjects((Change(change, entry, entry),), account or "", feed or "", rules.kind)
        self._open = {
            Field.TITLE,
            *(Field(name) for name in (*rules.compared, *rules.recorded) if name in _NAMES),
        }
        if account is None:
            self._open |= {Field.ACCOUNT, Field.FEED}  # a feed is told by its account, too
        if feed is None:
            self._open.add(Field.FEED)
        if change is not ChangeKind.REMOVED:
            self._open.add(Field.TEXT)
            self._open |= {Field.POSITION} if rules.order_counts else set()

    def outcomes(self, condition: Condition) -> frozenset[bool]:
        """What a condition can come to."""
        match condition:
            case AllOf(parts):
                return _of_all([self.outcomes(part) for part in parts])
            case AnyOf(parts):
                return _turn(_of_all([_turn(self.outcomes(part)) for part in parts]))
            case Not(part):
                return _turn(self.outcomes(part))
            case Comparison(what) if what not in self._open:
                return frozenset({bool(condition.select(self._bare))})
        return _EITHER


def _turn(outcomes: frozenset[bool]) -> frozenset[bool]:
    return frozenset(not each for each in outcomes)


def _of_all(parts: list[frozenset[bool]]) -> frozenset[bool]:
    can_be = {True: all(True in part for part in parts), False: any(False in part for part in parts)}
    return frozenset(outcome for outcome, possible in can_be.items() if possible)
