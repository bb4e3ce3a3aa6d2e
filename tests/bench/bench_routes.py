"""How long it takes to plan a great deal of changes: `make bench`.

10,000 changes of one list through 50 routes, each with a condition of its own, to 10 targets. Beside it the
floor: a loop that looks at each change once for each route, and does nothing with it.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from feedwatch.config.conditions import parse_condition
from feedwatch.core.kinds import rules_of
from feedwatch.core.manner import Manner
from feedwatch.core.model import Change, ChangeKind, Entry, Kind
from feedwatch.core.route import Route, Routes, plan_deliveries
from feedwatch.core.where import Subjects

CHANGES, ROUTES, TARGETS = 10_000, 50, 10
ROUNDS = 7
AIM = timedelta(milliseconds=200)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CATEGORIES = ("Comedy", "Drama", "Horror", "Documentary", "Western", "Children", "Animation", "Thriller")


def make_changes(dice: random.Random) -> list[Change]:
    """Additions of titles, of every year and category."""
    entries = (
        Entry(
            f"{number}",
            f"{dice.choice(('The', 'A', 'My', 'Our'))} {dice.choice(CATEGORIES)} {number}",
            position=number + 1,
            facts={
                "year": str(dice.randint(1920, 2026)),
                "category": ", ".join(dice.sample(CATEGORIES, 2)),
                "predicted_rating": f"{dice.uniform(1, 5):.1f}",
                "availability": dice.choice(("available now", "short wait", "saved")),
            },
        )
        for number in range(CHANGES)
    )
    return [Change(ChangeKind.ADDED, None, entry) for entry in entries]


def make_routes(dice: random.Random) -> Routes:
    """Routes that each tell a share of them: by decade, by category and rating, by words, by availability."""

    def write_condition(number: int) -> str:
        decade = 1920 + 10 * (number % 10)
        category = dice.choice(CATEGORIES)
        return (
            f"year >= {decade} and year < {decade + 10}",
            f'category = "{category}" and predicted_rating >= {dice.uniform(3.5, 4.8):.1f}',
            f'title ~ "{category} {number}"',
            f'availability = "saved" and not category in ("{category}", "Drama")',
            f"year < {decade} and position <= {dice.randint(50, 2000)}",
        )[number % 5]

    routes = tuple(
        Route(
            to=(f"target{number % TARGETS}",),
            where=parse_condition(write_condition(number)),
            manner=Manner(limit=1 + number % 3),
        )
        for number in range(ROUTES)
    )
    addresses = {f"target{number}": (f"target{number}/1",) for number in range(TARGETS)}
    return Routes(routes, addresses, gather=timedelta(seconds=30))


def measure(work: Callable[[], object]) -> float:
    """The median of some rounds, in milliseconds."""
    spans = []
    for _ in range(ROUNDS):
        started_at = time.perf_counter()
        work()
        spans.append((time.perf_counter() - started_at) * 1000)
    return statistics.median(spans)


def walk(changes: Sequence[Change]) -> int:
    """Look at each change once for each route."""
    seen = 0
    for _ in range(ROUTES):
        for change in changes:
            seen += change.kind is ChangeKind.ADDED
    return seen


def main() -> None:
    """Print how long it takes, beside the floor and the aim."""
    dice = random.Random(4)
    changes, routes, rules = make_changes(dice), make_routes(dice), rules_of(Kind.QUEUE)

    def plan() -> int:
        return len(plan_deliveries(Subjects(changes, "jane", "queue", Kind.QUEUE), rules, routes, NOW))

    planned, floor = measure(plan), measure(lambda: walk(changes))
    aim = AIM.total_seconds() * 1000
    sys.stdout.write(
        f"{CHANGES:,} changes through {ROUTES} routes: {plan():,} deliveries planned\n"
        f"  planned in {planned:6.1f} ms (median of {ROUNDS}; the aim is {aim:.0f} ms)\n"
        f"  the floor  {floor:6.1f} ms; ratio {planned / floor:.2f}\n"
    )


if __name__ == "__main__":
    main()
