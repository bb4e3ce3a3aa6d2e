"""Each document in data/feeds is read as what stands beside it says, whatever its age, form or dialect.

What stands beside it: what is not as usual (`kind`, `content_type`), the page, and its entries with
all that is known of them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from feedwatch.core.content import content_of
from feedwatch.core.model import Kind, Page, RawEntry
from feedwatch.parse import Parser

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
SUFFIX = ".expected.json"
NAMES = sorted(path.name.removesuffix(SUFFIX) for path in FEEDS.glob(f"*{SUFFIX}"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[Parser]:
    async with aclosing(Parser()) as parser:
        yield parser


def describe_page(page: Page) -> dict[str, Any]:
    said = asdict(page) | {
        "form": str(page.form),
        "ttl": page.ttl.total_seconds() if page.ttl else None,
        "entries": [describe_entry(entry) for entry in page.entries],
    }
    return keep_known(said)


def describe_entry(entry: RawEntry) -> dict[str, Any]:
    said = {name: value for name, value in asdict(entry).items() if name != "texts"}
    for name in ("watched_at", "published_at", "updated_at"):
        said[name] = said[name].isoformat() if said[name] else None
    # A digest says nothing to who reads it: that there is a content is enough here.
    facts = {**entry.facts, "content": "…"} if content_of(entry) else entry.facts
    details = {name: value for name, value in said["details"].items() if value}
    return keep_known(said | {"facts": facts or None, "details": details or None})


def keep_known(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None and value is not False}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", NAMES)
async def test_document_is_read_as_what_stands_beside_it_says(parser: Parser, name: str) -> None:
    """Every fact of a document comes out, and nothing that is not in it."""
    expected = json.loads((FEEDS / (name + SUFFIX)).read_text())
    page = await parser.read_page(
        (FEEDS / name).read_bytes(),
        kind=Kind(expected.get("kind", "stream")),
        url="http://reader:secret@feeds.example.org/in/feed?feed_token=abcdef12#x",
        content_type=expected.get("content_type"),
    )
    assert isinstance(page, Page), page
    assert describe_page(page) == expected["page"]


@pytest.mark.asyncio(loop_scope="module")
async def test_charset_that_only_the_server_names_is_heeded(parser: Parser) -> None:
    """What nobody could guess from the bytes is read as the server says, by both ways of reading."""
    for form in (
        "<rss version='2.0'><channel><item>{}</item></channel></rss>",
        "<queue><x_item>{}</x_item></queue>",
    ):
        body = form.format("<title>Броненосец Потёмкин</title>").encode("koi8-r")
        page = await parser.read_page(
            body, kind=Kind.STREAM, url="http://h.example/", content_type="text/xml; charset=KOI8-R"
        )
        assert isinstance(page, Page)
        assert page.entries[0].title == "Броненосец Потёмкин"


@pytest.mark.asyncio(loop_scope="module")
async def test_white_space_before_the_declaration_is_no_fault(parser: Parser) -> None:
    """Even a list is believed when its server sends an empty line first."""
    body = b"\n\r\n" + (FEEDS / "queue-reference.atom").read_bytes()
    page = await parser.read_page(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
    assert isinstance(page, Page)
    assert len(page.entries) == 3


@pytest.mark.asyncio(loop_scope="module")
async def test_book_that_is_not_rated_has_no_rating(parser: Parser) -> None:
    """A bookshelf writes 0 for "not rated"; years and ratings that are there are read."""
    for name, ratings in (("to-read-before", {None}), ("read-after", {"4", "5"})):
        body = (FEEDS / f"recipe-{name}.xml").read_bytes()
        page = await parser.read_page(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
        assert isinstance(page, Page)
        assert {entry.facts.get("rating") for entry in page.entries} == ratings
        assert all(entry.facts["year"].startswith("18") for entry in page.entries)


@pytest.mark.parametrize("name", ["queue", "history", "ratings", "recommendations"])
@pytest.mark.parametrize("form", ["atom", "xml"])
def test_dialects_differ_in_hosts_only(name: str, form: str) -> None:
    """The reference's dialect and the later one say the same about the same list."""
    reference, later = (
        json.loads((FEEDS / f"{name}-{dialect}.{form}{SUFFIX}").read_text())["page"]["entries"]
        for dialect in ("reference", "later")
    )
    assert json.dumps(later).replace("//api-public.", "//api.") == json.dumps(reference)


def test_every_document_has_something_beside_it() -> None:
    """No fixture is without its expectation, but those of the recipes, which have tests of their own."""
    documents = {path.name for path in FEEDS.iterdir() if not path.name.endswith(SUFFIX)}
    assert {name for name in documents if not name.startswith("recipe-")} == set(NAMES)
