"""What docs/recipes.md promises: its YAML is a configuration, and a feed of that shape tells what it says.

Everything here is real: the page, the configuration, a server, the state, two rounds with a change between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from feedserver import FeedServer, reply

from feedwatch.assembly import Assembly, assemble
from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.config import Config, load_config
from feedwatch.core.model import RecordedChange
from feedwatch.poll import PollOutcome
from feedwatch.redact import Redactor
from feedwatch.store import Store

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text()
FEEDS = Path(__file__).parent / "data" / "feeds"
ADDRESS = re.compile(r"https://\w+\.example\.org")
BLOCK = r"```{0}\n(.*?)```"

DIARY = {"/jane/rss/": "recipe-diary-{}.xml"}
NOTES = {"/feed.json": "recipe-notes-{}.json"}
SERVED: dict[str, Mapping[str, str]] = {
    "A film diary": DIARY,
    "A watchlist": {"/jane/watchlist/rss/": "recipe-watchlist-{}.xml"},
    "A bookshelf": {"/to-read": "recipe-to-read-{}.xml", "/read": "recipe-read-{}.xml"},
    "Subscriptions from another reader": DIARY | NOTES,
    "A JSON feed": NOTES,
}
"""What each recipe's addresses give, before and after."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A section of the page: what to write, and what is told then."""

    yaml: str
    told: list[str]


def read_recipe(name: str) -> Recipe:
    section = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    (yaml,) = re.findall(BLOCK.format("yaml"), section, re.DOTALL)
    (told,) = re.findall(BLOCK.format("text"), section, re.DOTALL)
    return Recipe(yaml, told.splitlines())


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


def serve(server: FeedServer, name: str, when: str) -> None:
    for path, file in SERVED[name].items():
        server.on(path, reply((FEEDS / file.format(when)).read_bytes(), Content_Type="text/plain"))


def localize(text: str, server: FeedServer) -> str:
    """Put the test's server in place of the page's; a shelf is a path there, not a parameter."""
    here = ADDRESS.sub(server.url(""), text)
    return re.sub(r"/review/list_rss/(\d+)\?(\S+?)&shelf=([\w-]+)", r"/\3?id=\1&\2", here)


def configure(recipe: Recipe, server: FeedServer, folder: Path) -> Config:
    (folder / "subscriptions.opml").write_text(
        localize((FEEDS / "recipe-subscriptions.opml").read_text(), server)
    )
    file = folder / "config.yaml"
    nobody = "notices: []\ntargets: {phone: json://127.0.0.1:9/never-served}\n"
    file.write_text(f"state: feedwatch.db\ngather: 0s\n{nobody}{localize(recipe.yaml, server)}")
    return load_config(file, environ={})


async def poll_all(assembly: Assembly) -> set[PollOutcome]:
    now = SYSTEM_CLOCK.now()
    tasks = await assembly.store.run(Store.take_polls, now, due_only=False)
    return {report.outcome for report in await assembly.poller.run_round(tasks)}


async def list_changes(assembly: Assembly) -> tuple[RecordedChange, ...]:
    return await assembly.store.run(Store.list_changes)


async def follow(name: str, server: FeedServer, folder: Path) -> tuple[RecordedChange, ...]:
    recipe = read_recipe(name)
    async with AsyncExitStack() as stack:
        assembly = await assemble(configure(recipe, server, folder), Redactor(), stack)
        serve(server, name, "before")
        await assembly.discoverer.discover_due()
        assert await poll_all(assembly) == {PollOutcome.BASELINE}
        assert await list_changes(assembly) == ()
        serve(server, name, "after")
        assert await poll_all(assembly) == {PollOutcome.COMPARED}
        changes = await list_changes(assembly)
        owed = await assembly.due_addresses()
        assert await poll_all(assembly) == {PollOutcome.UNCHANGED}
        assert await list_changes(assembly) == changes
        assert owed == ("phone/1",)
        return changes


@pytest.mark.parametrize("name", SERVED)
async def test_recipe_tells_what_it_says(server: FeedServer, tmp_path: Path, name: str) -> None:
    """After the first round nothing is told; after a change exactly what the page lists."""
    changes = await follow(name, server, tmp_path)
    assert sorted(f"{each.kind} {each.title}" for each in changes) == sorted(read_recipe(name).told)


async def test_viewing_comes_with_its_day_year_and_rating(server: FeedServer, tmp_path: Path) -> None:
    """What a diary says of a viewing is kept with it."""
    changes = await follow("A film diary", server, tmp_path)
    facts = {each.title: each.entry_facts for each in changes}
    assert facts["Nosferatu"] == {"watched_at": "2026-10-31T00:00:00+00:00", "rating": "4", "year": "1922"}
    assert facts["The Kid"]["rating"] == "5"


async def test_book_moves_from_shelf_to_shelf(server: FeedServer, tmp_path: Path) -> None:
    """A book that was read leaves one list and joins the other, with the place it had and its rating."""
    changes = await follow("A bookshelf", server, tmp_path)
    about = {(each.feed, str(each.kind), each.title): each for each in changes}
    assert about["to-read", "removed", "The Moonstone"].previous_position == 2
    assert about["read", "added", "The Moonstone"].entry_facts["rating"] == "5"
    moved = about["to-read", "moved", "Villette"]
    assert (moved.previous_position, moved.position) == (4, 1)


def test_every_recipe_is_tried() -> None:
    """No section of the page is without a test, and all are in its list of contents."""
    sections = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert sections == [*SERVED, "How you are told"] == re.findall(r"^- \[(.+?)\]", PAGE, re.MULTILINE)
