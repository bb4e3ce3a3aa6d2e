"""A catalog in a file of its own: found by any beginning of its words, replaced as a whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.model import Validators
from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError, StoreLocked, StoreMissing
from feedwatch.store.catalog import Catalog, CatalogOrigin, may_be_replaced
from feedwatch.store.catalog_place import CatalogPart, PartFacts, catalog_place, hold_catalog
from feedwatch.store.catalog_writing import write_catalog

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
ORIGIN = CatalogOrigin("/catalog/titles/index", "http://a.example:80", Validators('"1"', "yesterday"), AT)


def title(number: int, name: str, year: int | None = None, *people: str) -> IndexedTitle:
    return IndexedTitle(f"http://api.a.example/catalog/titles/movies/{number}", name, year, people)


TITLES = [
    title(1, "Amélie", 2001, "Audrey Tautou", "Mathieu Kassovitz"),
    title(2, "Alien", 1979, "Sigourney Weaver"),
    title(3, "Alien Nation", 1988, "James Caan"),
    title(4, "Spider-Man 2", 2004, "Tobey Maguire"),
    title(5, "The Year of Living Dangerously", 1982, "Sigourney Weaver", "Mel Gibson"),
    title(6, "千と千尋の神隠し", 2001),
    title(7, '"Quoted" AND NOT * (odd)', None),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.db"
    write_catalog(path, TITLES, ORIGIN)
    return path


def search(place: Path, words: str, limit: int = 10) -> list[str]:
    with closing(Catalog.open(place)) as catalog:
        return [found.name for found in catalog.search(words, limit)]


# ── searching ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("amelie", ["Amélie"]),
        ("AMÉLIE", ["Amélie"]),
        ("ame\u0301l", ["Amélie"]),
        ("alien", ["Alien", "Alien Nation"]),
        ("alien 1988", ["Alien Nation"]),
        ("sigour 1982", ["The Year of Living Dangerously"]),
        ("weaver alien", ["Alien"]),
        ("spider-man", ["Spider-Man 2"]),
        ("man 2", ["Spider-Man 2"]),
        ("千と", ["千と千尋の神隠し"]),
        ("quoted odd", ['"Quoted" AND NOT * (odd)']),
        ("AND NOT", ['"Quoted" AND NOT * (odd)']),
        ("lien", []),
        ("*", []),
        ("", []),
    ],
)
def test_each_word_is_the_beginning_of_one(place: Path, words: str, names: list[str]) -> None:
    """Of a name, a person or a year; accents, case and what is no letter do not count."""
    assert search(place, words) == names


@pytest.mark.parametrize("words", ["amelie", "AMÉLIE", "amélie"])
def test_a_title_that_is_called_just_that_comes_first(tmp_path: Path, words: str) -> None:
    """However it is spelt: accents and case do not count there either."""
    place = tmp_path / "catalog.db"
    names = ("Amélie 2", "Amélie's Amélie", "Amélie")
    write_catalog(place, [title(number, name) for number, name in enumerate(names)], ORIGIN)
    assert search(place, words)[0] == "Amélie"


@given(st.text(max_size=60))
def test_nothing_that_is_typed_is_taken_for_a_command(words: str) -> None:
    """Whatever is searched for is words, and never the search engine's own language."""
    with closing(_searched()) as catalog:
        assert len(catalog.search(words, 3)) <= 3


def _searched() -> Catalog:
    return Catalog.open(_MADE)


@pytest.fixture(scope="module", autouse=True)
def _made(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _MADE  # noqa: PLW0603 — a property test takes no fixture of a function
    _MADE = tmp_path_factory.mktemp("catalog") / "catalog.db"
    write_catalog(_MADE, TITLES, ORIGIN)


_MADE = Path()


def test_a_title_is_found_by_its_address_at_any_host(place: Path) -> None:
    """The host is no part of an identity."""
    with closing(Catalog.open(place)) as catalog:
        assert catalog.find("https://api-public.b.example/catalog/titles/movies/2") == TITLES[1]
        assert catalog.find("http://api.a.example/catalog/titles/movies/99") is None


def test_all_of_a_title_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """What is written is what is read."""
    written = IndexedTitle(
        "http://a.example/catalog/titles/series/1/seasons/2",
        "Two",
        1999,
        ("A B", "C"),
        ("Drama", "Comedy, and more"),
        "PG",
        "http://w.example/2",
        (("upc", "1"), ("upc", "2")),
        AT,
        AT,
        AT,
    )
    write_catalog(tmp_path / "c.db", [written], ORIGIN)
    with closing(Catalog.open(tmp_path / "c.db")) as catalog:
        assert catalog.search("two", 1) == (written,)
        assert catalog.origin == CatalogOrigin(ORIGIN.source, ORIGIN.server, ORIGIN.validators, AT, 1)


# ── replacing ─────────────────────────────────────────────────────────────────────────────────────


def test_until_the_new_one_is_whole_the_old_one_is_searched(place: Path) -> None:
    """Who looks sees the old catalog while the new one is written; who has it open sees it after that."""

    def look() -> Iterator[IndexedTitle]:
        yield title(8, "Newest")
        assert search(place, "alien nation") == ["Alien Nation"]
        assert search(place, "newest") == []

    with closing(Catalog.open(place)) as before:
        write_catalog(place, look(), ORIGIN)
        assert [each.name for each in before.search("amelie", 1)] == ["Amélie"]
    assert search(place, "newest") == ["Newest"]
    assert search(place, "amelie") == []


def test_what_breaks_on_the_way_leaves_the_old_one_and_nothing_else(place: Path) -> None:
    """An index that turns out to be none in the middle has changed nothing."""

    def break_off() -> Iterator[IndexedTitle]:
        yield title(8, "Newest")
        raise ValueError("no index after all")

    with pytest.raises(ValueError, match="after all"):
        write_catalog(place, break_off(), ORIGIN)
    assert search(place, "alien") == ["Alien", "Alien Nation"]
    assert [each.name for each in place.parent.iterdir()] == [place.name]


def test_no_title_at_all_is_no_catalog(place: Path) -> None:
    """An empty list is not believed: the old catalog stays."""
    assert write_catalog(place, [], ORIGIN) == 0
    assert search(place, "alien nation") == ["Alien Nation"]


def test_what_a_killed_sync_left_is_written_over(place: Path) -> None:
    """Nobody has to tidy up by hand."""
    place.with_name(f"{place.name}.new").write_bytes(b"half of one")
    assert write_catalog(place, TITLES[:1], ORIGIN) == 1
    assert [each.name for each in place.parent.iterdir()] == [place.name]


def test_the_first_of_two_titles_with_one_address_counts(tmp_path: Path) -> None:
    """Also where it is written for another host, and the search finds it once."""
    again = IndexedTitle("http://api-public.b.example/catalog/titles/movies/2", "Alien again")
    assert write_catalog(tmp_path / "c.db", [*TITLES, again], ORIGIN) == len(TITLES)
    assert search(tmp_path / "c.db", "alien") == ["Alien", "Alien Nation"]


def test_only_its_owner_reads_it(place: Path) -> None:
    """As with the state."""
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_disk_that_is_full_is_said_and_the_old_one_stays(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite is told that the file may not grow: what a full disk tells it."""
    small = ("journal_mode = OFF", "page_size = 512", "max_page_count = 40")
    monkeypatch.setattr("feedwatch.store.catalog_writing._PRAGMAS", small)
    many = (title(number, f"A title of many {number}") for number in range(1000))
    with pytest.raises(StoreError, match="the disk is full"):
        write_catalog(place, many, ORIGIN)
    assert search(place, "alien nation") == ["Alien Nation"]
    assert [each.name for each in place.parent.iterdir()] == [place.name]


# ── what is no catalog ────────────────────────────────────────────────────────────────────────────


def test_where_there_is_none_the_way_to_one_is_said(tmp_path: Path) -> None:
    """It names the command."""
    with pytest.raises(StoreMissing, match="catalog sync"):
        Catalog.open(tmp_path / "none.db")


def test_a_damaged_one_says_what_to_do_and_may_be_replaced(place: Path) -> None:
    """Nothing in it is lost for good."""
    content = bytearray(place.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    place.write_bytes(content)
    with pytest.raises(StoreDamaged, match="catalog sync"), closing(Catalog.open(place)) as catalog:
        catalog.search("alien", 1)
    assert may_be_replaced(place)


def test_one_of_a_newer_feedwatch_is_left_to_it(place: Path) -> None:
    """What an older one cannot read it does not misread."""
    with closing(sqlite3.connect(place)) as conn:
        conn.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaTooNew, match="newer"):
        Catalog.open(place)


def test_a_file_of_somebody_else_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    """It may be all that somebody has."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as conn:
        conn.execute("CREATE TABLE letters (text)")
    with pytest.raises(StoreDamaged, match="move it away"):
        Catalog.open(other)
    assert not may_be_replaced(other)


# ── beside it ─────────────────────────────────────────────────────────────────────────────────────


def test_one_place_for_a_server_whoever_is_there(tmp_path: Path) -> None:
    """The spelling of its address makes no difference; another server, port or path does."""
    state = tmp_path / "feedwatch.db"
    same = {catalog_place(state, each) for each in ("http://A.example/x", "http://a.example/x/")}
    others = {catalog_place(state, f"http://a.example{each}") for each in ("", ":81", "/y")}
    assert len(same) == 1
    assert len(same | others) == 4
    assert all(
        each.parent == tmp_path and each.name.startswith("feedwatch-catalog-a.example-") for each in same
    )


def test_of_two_syncs_the_second_is_told_of_the_first(place: Path) -> None:
    """And once that has ended, the way is free."""
    with hold_catalog(place), pytest.raises(StoreLocked, match="under way"), hold_catalog(place):
        pass
    with hold_catalog(place):
        pass


def test_a_part_is_gone_on_with_under_its_own_facts(place: Path) -> None:
    """What came stays, with what the server said of it; what follows is added, and anew means anew."""
    part, facts = (
        CatalogPart(place),
        PartFacts("/index", "http://a.example:80", Validators('"1"', None), "gzip"),
    )
    with part.adding(facts, start=0) as file:
        file.write(b"0123456789")
    assert (part.read_facts(), part.size) == (facts, 10)
    with part.adding(facts, start=8) as file:
        file.write(b"ab")
    assert b"".join(part.read()) == b"01234567ab"
    with part.adding(facts, start=0) as file:
        file.write(b"x")
    assert b"".join(part.read()) == b"x"
    part.drop()
    assert (part.read_facts(), part.size) == (None, 0)


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"{}", b'{"etag": 1}', b"\xff"])
def test_a_part_that_says_nothing_of_itself_is_none(place: Path, said: bytes) -> None:
    """Whatever stands where its facts should."""
    part = CatalogPart(place)
    with part.adding(PartFacts("/i", "s", Validators()), start=0) as file:
        file.write(b"body")
    place.with_name(f"{place.name}.download.json").write_bytes(said)
    assert part.read_facts() is None


def test_what_may_not_be_read_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of somebody else's is not taken for a damaged one that should be moved away."""
    path = tmp_path / "catalog.db"
    path.write_bytes(b"whatever it is")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, who may run this, may read all
    with pytest.raises(StoreError, match=r"cannot read the catalog .*: Permission denied"):
        Catalog.open(path)
