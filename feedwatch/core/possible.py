"""Whether a condition can hold at all on a kind of feed: a route that never tells anything is a mistake."""

from __future__ import annotations

from feedwatch.core.fields import Field
from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Change, ChangeKind, Entry
from feedwatch.core.where import AllOf, AnyOf, Comparison, Condition, Not, Subjects

_EITHER = frozenset({True, False})
_OF_ANY_ENTRY = frozenset({Field.TITLE, Field.ACCOUNT, Field.FEED})


def can_hold(condition: Condition, rules: KindRules, change: ChangeKind) -> bool:
    """Whether some change of this kind, on some feed of that, could fulfil a condition.

    What such a feed never states is taken into account, but not whether numbers contradict each other:
    a no is sure, a yes is not.
    """
    return True in _outcomes(condition, rules, change)


def _outcomes(condition: Condition, rules: KindRules, change: ChangeKind) -> frozenset[bool]:
    """What a condition can come to."""
    match condition:
        case AllOf(parts):
            return _of_all([_outcomes(part, rules, change) for part in parts])
        case AnyOf(parts):
            return _turn(_of_all([_turn(_outcomes(part, rules, change)) for part in parts]))
        case Not(part):
            return _turn(_outcomes(part, rules, change))
        case Comparison(what):
            return _EITHER if _may_be_known(what, rules, change) else _settle(condition, rules, change)
    return _EITHER


def _settle(comparison: Condition, rules: KindRules, change: ChangeKind) -> frozenset[bool]:
    """Compare with an entry of which nothing is known."""
    entry = Entry(key="", title="")
    alike = Subjects((Change(change, entry, entry),), "", "", rules.kind)
    return frozenset({bool(comparison.select(alike))})


def _may_be_known(what: Field, rules: KindRules, change: ChangeKind) -> bool:
    """Whether entries can differ in a field; kind and change are settled."""
    if what is Field.POSITION:
        return rules.order_counts and change is not ChangeKind.REMOVED
    if what is Field.TEXT:
        return change is not ChangeKind.REMOVED
    return what in _OF_ANY_ENTRY or what.value in (*rules.compared, *rules.recorded)


def _turn(outcomes: frozenset[bool]) -> frozenset[bool]:
    return frozenset(not each for each in outcomes)


def _of_all(parts: list[frozenset[bool]]) -> frozenset[bool]:
    can_be = {True: all(True in part for part in parts), False: any(False in part for part in parts)}
    return frozenset(outcome for outcome, possible in can_be.items() if possible)
