"""The index of all titles, read as it comes: the same in any pieces, nothing held, no fake believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes import Dialect, make_index, name_of, person_of, stream_index

from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.model import Reason
from feedwatch.netflix.catalog_index import UnreadableIndex, read_title_index

DIALECTS: tuple[Dialect, ...] = ("reference", "wild", "full")


def read(body: bytes | str) -> list[IndexedTitle]:
    return list(read_title_index([body.encode() if isinstance(body, str) else body]))


def refuse(body: bytes | str) -> UnreadableIndex:
    with pytest.raises(UnreadableIndex) as refused:
        read(body)
    return refused.value


def index_of(item: str) -> str:
    return (
        "<catalog_title_index><title_index_item><id>http://a.example/catalog/titles/movies/1</id>"
        f"{item}</title_index_item></catalog_title_index>"
    )


# ── what it says ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", DIALECTS)
def test_name_year_and_people_are_read_from_every_form(dialect: Dialect) -> None:
    """Wherever a form puts them, the facts of a title are the same."""
    titles = read(make_index(3, dialect))
    assert [title.name for title in titles] == [name_of(number) for number in range(3)]
    assert [title.year for title in titles] == [1920, 1921, 1922]
    assert titles[2].people == tuple(person_of(each) for each in range(2, 7))
    assert titles[0].ref.endswith("/catalog/titles/movies/60000000")


def test_the_reference_names_a_title_by_its_page() -> None:
    """Its index has no title element: the name is in the address of the title's page, escapes and all."""
    (title,) = read(index_of('<link href="http://w.example/Movie/Caf%C3%A9_Am%C3%A9lie/1" rel="alternate"/>'))
    assert title.name == "Café Amélie"
    assert title.page == "http://w.example/Movie/Caf%C3%A9_Am%C3%A9lie/1"


def test_identifiers_elsewhere_and_windows_are_read() -> None:
    """What an index says beside: ids of others, when the title can be had, when the entry was renewed."""
    (reference,), (wild,) = read(make_index(1)), read(make_index(1, "wild"))
    assert reference.external_ids == (("upc", "0043396000000"), ("amg", "V   000000"))
    assert reference.updated_at == datetime.fromtimestamp(1_217_404_229, UTC)
    assert wild.available_from == datetime.fromtimestamp(1_230_000_000, UTC)
    assert wild.available_until == datetime.fromtimestamp(1_900_000_000, UTC)
    assert (wild.certificate, wild.genres) == ("PG", ("Drama",))


def test_a_title_without_address_or_name_is_passed_over() -> None:
    """Nothing is invented for it, and the others count."""
    nameless = "<catalog_title><id>http://a.example/catalog/titles/movies/1</id></catalog_title>"
    lost = '<catalog_title><title regular="Lost"/></catalog_title>'
    found = f'<catalog_title><id>x</id><title regular="Found"/></catalog_title>{nameless}'
    assert [each.name for each in read(f"<catalog_titles>{lost}{found}</catalog_titles>")] == ["Found"]


@pytest.mark.parametrize("said", ["99999999999999999999", "-1", "soon", "253402300800", "٣"])
def test_an_instant_that_is_none_is_left_out(said: str) -> None:
    """A title is kept without it."""
    (title,) = read(
        index_of(f'<title regular="A"/><updated>{said}</updated><release_year>19x</release_year>')
    )
    assert (title.name, title.updated_at, title.year) == ("A", None, None)


def test_what_belongs_to_a_title_within_is_not_the_titles_own() -> None:
    """A season names its series, with an id and a title of its own."""
    (title,) = read(
        index_of(
            '<title regular="Season 1"/><link rel="x"><s><id>other</id><title regular="Series"/></s></link>'
        )
    )
    assert (title.name, title.ref[-1]) == ("Season 1", "1")


# ── as it comes ───────────────────────────────────────────────────────────────────────────────────


@given(st.sampled_from(DIALECTS), st.lists(st.integers(0, 4000), max_size=8))
def test_in_whatever_pieces_it_comes_it_says_the_same(dialect: Dialect, cuts: list[int]) -> None:
    """No piece ends where a tag or a character does, and that makes no difference."""
    body = make_index(4, dialect)
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert list(read_title_index(pieces)) == read(body)


def test_titles_are_given_while_the_rest_is_still_to_come() -> None:
    """Of an index without end the first titles can be read: nothing waits for its end."""
    taken = 0

    def count() -> Iterator[bytes]:
        nonlocal taken
        for piece in stream_index(1 << 60):
            taken += 1
            yield piece

    assert len(list(islice(read_title_index(count()), 500))) == 500
    assert taken <= 502


# ── what is no index ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", Reason.EMPTY_BODY),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", Reason.NOT_A_FEED),
        ("<html><body>Sign in</body></html>", Reason.NOT_A_FEED),
        ("<status><status_code>500</status_code></status>", Reason.ERROR_DOCUMENT),
        ("<queue><queue_item/></queue>", Reason.NOT_A_FEED),
        ('<?xml version="1.0"?>', Reason.CUT_SHORT),
        (make_index(3)[:-30], Reason.CUT_SHORT),
        (make_index(3) + b"<more/>", Reason.MALFORMED),
        (make_index(3).replace(b"</updated>", b"", 1), Reason.MALFORMED),
        (b"\x1f\x8b\x08garbage", Reason.MALFORMED),
        ('<?xml version="1.0" encoding="klingon"?><catalog_titles/>', Reason.BAD_ENCODING),
        ('<?xml version="1.0" encoding="gb18030"?><catalog_titles/>', Reason.BAD_ENCODING),
        ('<!DOCTYPE a [<!ENTITY b "c">]><catalog_titles>&b;</catalog_titles>', Reason.HOSTILE),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><catalog_titles/>', Reason.HOSTILE),
        (index_of("<a>" * 40 + "</a>" * 40), Reason.HOSTILE),
        (index_of("<a/>" * 25_000), Reason.HOSTILE),
        (index_of(f"<title>{'x' * 3000}</title>"), Reason.HOSTILE),
        (index_of(f"<release_year>{'1<!-- -->' * 2_500}</release_year>"), Reason.HOSTILE),
    ],
)
def test_what_is_no_index_is_refused_with_its_reason(body: bytes | str, reason: Reason) -> None:
    """Pages, errors, halves and traps are each told apart."""
    assert refuse(body).reason is reason


@pytest.mark.parametrize("opening", ['<catalog_titles a="', "<catalog_titles><!--", "<catalog_titles><"])
def test_a_tag_without_end_is_refused_before_it_fills_the_memory(opening: str) -> None:
    """What never closes is kept by the parser: it is given up after a few hundred kilobytes."""
    taken = 0

    def pour() -> Iterator[bytes]:
        nonlocal taken
        yield opening.encode()
        for piece in repeat(b"x" * 10_000):
            taken += 1
            yield piece

    with pytest.raises(UnreadableIndex) as refused:
        list(read_title_index(pour()))
    assert refused.value.reason is Reason.HOSTILE
    assert taken < 60


def test_people_and_identifiers_without_end_are_kept_only_so_far() -> None:
    """A title may have many; not so many that one fills the memory."""
    cast = "".join(
        f'<link rel="http://schemas.netflix.com/catalog/person.actor" title="P {number}"/>'
        for number in range(3000)
    )
    (title,) = read(index_of(f'<title regular="A"/>{cast}'))
    assert len(title.people) == 1000
