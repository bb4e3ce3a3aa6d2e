"""What each kind of list means is one table, and every line of it is meant."""

from __future__ import annotations

import pytest

from feedwatch.core.kinds import rules_of
from feedwatch.core.model import ChangeKind, Kind

ADDED, REMOVED, UPDATED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.UPDATED

TABLE = [
    (Kind.QUEUE, True, True, False, ("availability",), {ADDED, REMOVED, UPDATED}),
    (Kind.RATINGS, False, True, False, ("rating",), {ADDED, UPDATED}),
    (Kind.HISTORY, False, False, True, (), {ADDED}),
    (Kind.RECOMMENDATIONS, False, False, False, (), {ADDED}),
    (Kind.STREAM, False, False, True, ("title", "link"), {ADDED}),
]


@pytest.mark.parametrize(
    ("kind", "order_counts", "absence_removes", "dated", "compared", "announced"), TABLE, ids=list(Kind)
)
def test_what_a_kind_means(
    kind: Kind,
    *,
    order_counts: bool,
    absence_removes: bool,
    dated: bool,
    compared: tuple[str, ...],
    announced: set[ChangeKind],
) -> None:
    """Order, absence, dates, compared facts and what is announced are those of the table in the docs."""
    rules = rules_of(kind)
    assert rules.kind is kind
    assert (rules.order_counts, rules.absence_removes, rules.dated) == (order_counts, absence_removes, dated)
    assert rules.compared == compared
    assert rules.announced == announced
    assert not set(rules.compared) & set(rules.recorded)


def test_a_text_is_compared_of_posts_only_and_then_announced() -> None:
    """Who asks for the content of posts is told of edits; a list of titles has no content to compare."""
    asked = rules_of(Kind.STREAM, compare_content=True)
    assert asked.compared == ("title", "link", "content")
    assert asked.announced == {ADDED, UPDATED}
    for kind in set(Kind) - {Kind.STREAM}:
        assert rules_of(kind, compare_content=True) == rules_of(kind)


def test_another_comparison_has_another_signature() -> None:
    """Each way of comparing is told from all others, and stays the same from one call to the next."""
    every = [rules_of(kind) for kind in Kind] + [rules_of(Kind.STREAM, compare_content=True)]
    assert len({rules.signature for rules in every}) == len(every)
    assert rules_of(Kind.QUEUE).signature == "queue/keys-1/availability"
