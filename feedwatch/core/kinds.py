"""What each kind of feed means: the table of the design's section 4, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from feedwatch.core.model import ChangeKind, Kind

ADDED, REMOVED, UPDATED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.UPDATED
SAVED = "saved"
"""The availability of a title that waits outside the queue's order until it can be had."""


_COMPARED_AS = {"content": "content-2"}
"""Facts that were read otherwise once: what was compared as such is no measure for what is read now."""


@dataclass(frozen=True, slots=True)
class KindRules:
    """How the lists of one kind are compared and announced.

    `compared` are the facts whose difference is a change; `recorded` those that are kept beside
    them. `dated` says that entries have a place in time (viewings, posts).
    """

    kind: Kind
    order_counts: bool
    absence_removes: bool
    dated: bool
    compared: tuple[str, ...]
    recorded: tuple[str, ...]
    announced: frozenset[ChangeKind]

    @property
    def signature(self) -> str:
        """What a snapshot was compared as; a different signature makes a new baseline (law 5)."""
        return f"{self.kind}/keys-1/{','.join(_COMPARED_AS.get(fact, fact) for fact in self.compared)}"


_RULES = {
    Kind.QUEUE: KindRules(
        kind=Kind.QUEUE,
        order_counts=True,
        absence_removes=True,
        dated=False,
        compared=("availability",),
        recorded=("predicted_rating", "average_rating", "year", "category"),
        announced=frozenset({ADDED, REMOVED, UPDATED}),
    ),
    Kind.RATINGS: KindRules(
        kind=Kind.RATINGS,
        order_counts=False,
        absence_removes=True,
        dated=False,
        compared=("rating",),
        recorded=("predicted_rating", "average_rating", "year", "category"),
        announced=frozenset({ADDED, UPDATED}),
    ),
    Kind.HISTORY: KindRules(
        kind=Kind.HISTORY,
        order_counts=False,
        absence_removes=False,
        dated=True,
        compared=(),
        recorded=("watched_at", "rating", "predicted_rating", "average_rating", "year", "category"),
        announced=frozenset({ADDED}),
    ),
    Kind.RECOMMENDATIONS: KindRules(
        kind=Kind.RECOMMENDATIONS,
        order_counts=False,
        absence_removes=False,
        dated=False,
        compared=(),
        recorded=("predicted_rating", "average_rating", "year", "category"),
        announced=frozenset({ADDED}),
    ),
    Kind.STREAM: KindRules(
        kind=Kind.STREAM,
        order_counts=False,
        absence_removes=False,
        dated=True,
        compared=("title", "link"),
        recorded=("published_at", "category"),
        announced=frozenset({ADDED}),
    ),
}


def rules_of(kind: Kind, *, compare_content: bool = False) -> KindRules:
    """The rules of a kind; `compare_content` makes a changed text of a post a change too."""
    rules = _RULES[kind]
    if not (compare_content and kind is Kind.STREAM):
        return rules
    return replace(rules, compared=(*rules.compared, "content"), announced=rules.announced | {UPDATED})
