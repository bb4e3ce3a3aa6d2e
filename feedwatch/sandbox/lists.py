"""What the lists hold: titles queued, watched, rated, suggested."""

from __future__ import annotations

from dataclasses import dataclass

from feedwatch.sandbox.titles import Title

AVAILABLE, SAVED = "available now", "saved"
RATINGS = ("1", "2", "3", "4", "5", "not_interested")


@dataclass(frozen=True, slots=True)
class Queued:
    """A title in the queue: its availability (`saved` has no position), and since when it is there."""

    title: Title
    availability: str
    added_at: int


@dataclass(frozen=True, slots=True)
class Viewing:
    """A title watched, and when."""

    title: Title
    watched_at: int


@dataclass(frozen=True, slots=True)
class Rating:
    """A title rated: `1` to `5`, or `not_interested`."""

    title: Title
    value: str
    rated_at: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A title suggested."""

    title: Title
    predicted: str
