"""What docs/recipes.md says of being told: each of its routes tells these changes, there and then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from feedwatch.config import load_config
from feedwatch.core.manner import Manner
from feedwatch.core.model import ChangeKind, FactChange, Kind, RecordedChange
from feedwatch.core.route import Routes, plan_again, target_of
from feedwatch.core.state import Planned
from feedwatch.core.wording import describe_change
from feedwatch.routing import make_routes

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text().split("\n## How you are told\n")[1]
HEAD, *SECTIONS = PAGE.split("\n### ")
WAYS = {section.partition("\n")[0]: section for section in SECTIONS}
NOW = datetime(2026, 11, 3, 22, 30, tzinfo=UTC)
"""Half past eleven at night in the zone of the page."""
ACCOUNT = """\
accounts:
  jane: {service: netflix, url: "https://api.example.org", consumer_key: k, consumer_secret: s}
"""


def _change(title: str, year: str, feed: Kind = Kind.QUEUE, **more: object) -> RecordedChange:
    facts = {"year": year, **more.pop("entry_facts", {})}  # type: ignore[dict-item]
    said = {"kind": ChangeKind.ADDED, "position": None, "previous_position": None, "facts": {}, **more}
    return RecordedChange(
        id=1,
        at=NOW,
        account="jane",
        feed=str(feed),
        feed_kind=feed,
        key=title,
        title=title,
        link=None,
        entry_facts=facts,
        **said,  # type: ignore[arg-type]
    )


def _suggest(title: str, year: str, predicted: str, category: str) -> RecordedChange:
    facts = {"predicted_rating": predicted, "category": category}
    return _change(title, year, Kind.RECOMMENDATIONS, entry_facts=facts)


_AVAILABLE = "available now"
CHANGES = [
    _change("Some Like It Hot", "1959", position=1, entry_facts={"availability": _AVAILABLE}),
    _change("Metropolis", "1927", kind=ChangeKind.MOVED, position=2, previous_position=9),
    _change(
        "M",
        "1931",
        kind=ChangeKind.UPDATED,
        facts={"availability": FactChange("saved", _AVAILABLE)},
        entry_facts={"availability": _AVAILABLE},
    ),
    _suggest("Modern Times", "1936", "4.6", "Comedy, Classics"),
    _suggest("The Gold Rush", "1925", "2.9", "Comedy"),
    _suggest("Alien", "1979", "4.7", "Horror"),
]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def describe(change: RecordedChange) -> str:
    return "".join(part.text for part in describe_change(change))


def when(planned: Planned, manner: Manner) -> datetime | None:
    """When it is told, if not as soon as it is gathered."""
    due_at = planned.not_before if manner.digest else None
    held_until = manner.quiet.until(due_at or NOW) if manner.quiet and not planned.urgent else None
    return held_until or due_at


def tell(routes: Routes, zone: tzinfo) -> Iterator[str]:
    """Lines as the page has them: what is told at once, and then what is told later."""
    for target in routes.addresses:
        for change in CHANGES:
            planned = plan_again(change, f"{target}/1", routes, NOW)
            if planned is not None:
                at = when(planned, routes.manners[planned.manner])
                clock = f" at {at.astimezone(zone):%H:%M}" if at else ""
                yield f"{target_of(planned.address)}{clock}: {describe(change)}"


def test_changes_are_those_of_the_page() -> None:
    """What the page says has come is what is told here."""
    (said,) = blocks(HEAD, "text")
    assert said.splitlines() == [describe(change) for change in CHANGES]


@pytest.mark.parametrize("name", WAYS)
def test_way_tells_what_it_says(tmp_path: Path, name: str) -> None:
    """The routes of a recipe, beside the page's targets, tell each target what stands there, and when."""
    (base,), (yaml,), (told,) = blocks(HEAD, "yaml"), blocks(WAYS[name], "yaml"), blocks(WAYS[name], "text")
    file = tmp_path / "config.yaml"
    file.touch(mode=0o600)
    file.write_text(ACCOUNT + base + yaml)
    config = load_config(file, environ={})
    assert config.warnings == ()
    assert sorted(tell(make_routes(config), config.zone)) == sorted(told.splitlines())


def test_every_way_is_named_at_the_top() -> None:
    """The list of contents leads to each of these recipes."""
    page = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text()
    anchors = {re.sub(r"[^a-z -]", "", name.lower()).replace(" ", "-") for name in WAYS}
    assert {anchor for anchor in anchors if f"(#{anchor})" in page} == anchors
