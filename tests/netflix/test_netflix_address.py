from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feedwatch.core.model import Kind
from feedwatch.netflix.address import (
    feed_identity,
    identity_of_relation,
    is_foreign_sort,
    is_tokenized,
    page_address,
    sorted_by,
    with_parameters,
    without_parameters,
)

BASE = "http://api.example.net/users/T1x.-/queues/instant"
# What may stand in a query besides its separators: servers write tokens in their own way.
TEXT = st.text("abcXYZ019.-_~%+$!*'(),:@/;", max_size=12)
PIECES = st.lists(st.tuples(TEXT, TEXT).map("=".join) | TEXT, min_size=1, max_size=6)


def pieces_of(url: str) -> list[str]:
    return url.partition("#")[0].partition("?")[2].split("&")


@given(PIECES, st.sampled_from(["", "#top", "#a?b&c"]))
def test_what_is_added_and_taken_away_again_leaves_no_trace(pieces: list[str], fragment: str) -> None:
    """Adding parameters and taking them away gives the address back byte for byte."""
    assume(any(pieces))
    url = f"{BASE}?{'&'.join(pieces)}{fragment}"
    added = with_parameters(url, {"output": "atom", "max_results": "500"})
    assert without_parameters(added, {"output", "max_results"}) == url


@given(PIECES, st.integers(0, 2000))
def test_paging_leaves_every_other_byte(pieces: list[str], start_index: int) -> None:
    """The address of a page holds every piece of the query that has nothing to do with paging."""
    assume(any(pieces))
    page = page_address(f"{BASE}?{'&'.join(pieces)}", start_index=start_index)
    own = {"output=atom", "max_results=500", f"start_index={start_index}"}
    assert [piece for piece in pieces_of(page) if piece not in own] == pieces


@pytest.mark.parametrize(
    ("url", "page"),
    [
        (BASE, f"{BASE}?output=atom&max_results=500"),
        (f"{BASE}?feed_token=a.b--%2B", f"{BASE}?feed_token=a.b--%2B&output=atom&max_results=500"),
        (f"{BASE}?output=xml&feed_token=x", f"{BASE}?output=xml&feed_token=x&max_results=500"),
        (f"{BASE}?max_results=25&feed_token=x", f"{BASE}?max_results=500&feed_token=x&output=atom"),
        (f"{BASE}?start_index=50&feed_token=x", f"{BASE}?feed_token=x&output=atom&max_results=500"),
    ],
)
def test_first_page(url: str, page: str) -> None:
    """The first page names no start_index, keeps an output that is named, and sets the page's size."""
    assert page_address(url) == page


def test_later_pages_say_where_they_start() -> None:
    """From the second page on the address has a start_index, in place of one that it had."""
    assert page_address(f"{BASE}?start_index=0&x=1", start_index=500).startswith(
        f"{BASE}?start_index=500&x=1&"
    )
    assert page_address(BASE, start_index=500, max_results=100).endswith("max_results=100&start_index=500")


def test_plain_form_names_no_output() -> None:
    """Plain XML is what the server gives when no output is asked for."""
    assert (
        page_address(f"{BASE}?output=atom&feed_token=x", form="plain")
        == f"{BASE}?feed_token=x&max_results=500"
    )


def test_second_of_two_parameters_goes() -> None:
    """Setting a parameter that stands twice leaves one of it."""
    assert with_parameters(f"{BASE}?a=1&b=2&a=3", {"a": "9 &"}) == f"{BASE}?a=9%20%26&b=2"


@pytest.mark.parametrize(
    ("url", "tokenized"),
    [
        (f"{BASE}?feed_token=xyz", True),
        (f"{BASE}?a=1&feed%5Ftoken=xyz#here", True),
        (f"{BASE}?feed_token=", False),
        (f"{BASE}?x_feed_token=1", False),
        (f"{BASE}#?feed_token=1", False),
        (BASE, False),
    ],
)
def test_tokenized_addresses_are_known(url: str, *, tokenized: bool) -> None:
    """An address is tokenized when its query has a feed token that is not empty."""
    assert is_tokenized(url) is tokenized


LISTS = [
    ("queues/instant", "queue", Kind.QUEUE),
    ("queues/disc", "disc-queue", Kind.QUEUE),
    ("rental_history/watched", "history", Kind.HISTORY),
    ("rental_history", "rentals", Kind.HISTORY),
    ("rental_history/shipped", "shipped", Kind.HISTORY),
    ("rental_history/returned", "returned", Kind.HISTORY),
    ("at_home", "at-home", Kind.STREAM),
    ("ratings/title/actual", "ratings", Kind.RATINGS),
    ("ratings/titles", "ratings", Kind.RATINGS),
    ("ratings", "ratings", Kind.RATINGS),
    ("recommendations", "recommendations", Kind.RECOMMENDATIONS),
    ("reviews", "reviews", Kind.STREAM),
    ("queues/instant/available", "queues-instant-available", Kind.QUEUE),
    ("queues/disc/saved", "queues-disc-saved", Kind.QUEUE),
    ("rental_history/elsewhere", "rental-history-elsewhere", Kind.HISTORY),
    ("ratings/title/predicted", "ratings-title-predicted", Kind.RATINGS),
    ("Something/new_here", "something-new-here", Kind.STREAM),
]


@pytest.mark.parametrize(("path", "name", "kind"), LISTS)
@pytest.mark.parametrize(
    "start", ["http://api.example.net", "https://api-public.example.net:8443", "http://h/users/of/the/api"]
)
def test_path_tells_name_and_kind(path: str, name: str, kind: Kind, start: str) -> None:
    """A feed's name and kind come from the path below the user, whatever stands before it."""
    identity = feed_identity(f"{start}/users/T1x.-/{path}?feed_token=x")
    assert (identity.name, identity.kind) == (name, kind)


def test_views_of_one_list_share_its_identity() -> None:
    """Neither sort, token, host, scheme nor form makes another list of a list; another user does."""
    views = {
        feed_identity(url).list_id
        for url in (
            "http://api.example.net/users/1/queues/instant?feed_token=a&output=atom",
            "https://api-public.example.net/users/1/queues/instant/?feed_token=b&sort=date_added",
        )
    }
    assert len(views) == 1
    assert views.isdisjoint({feed_identity("http://api.example.net/users/2/queues/instant").list_id})
    paths = ("ratings", "ratings/titles", "ratings/title/actual")
    assert len({feed_identity(f"http://h/users/1/{path}").list_id for path in paths}) == 1


def test_address_outside_of_any_user_is_a_stream() -> None:
    """An address that is not below a user is a stream named after its path."""
    assert feed_identity("https://example.org/a_b/feed.xml?feed_token=1").name == "a-b-feed-xml"
    assert feed_identity("https://example.org").name == "feed"
    assert feed_identity("https://example.org").kind is Kind.STREAM


@pytest.mark.parametrize(
    ("query", "sort", "foreign"),
    [
        ("", None, False),
        ("?sort=queue_sequence", "queue_sequence", False),
        ("?a=1&sort=date_added", "date_added", True),
    ],
)
def test_sort_is_read_from_the_address(query: str, sort: str | None, *, foreign: bool) -> None:
    """Only a sort other than the queue's own is foreign."""
    assert sorted_by(BASE + query) == sort
    assert is_foreign_sort(BASE + query) is foreign


@pytest.mark.parametrize(
    ("relation", "name", "kind"),
    [
        ("queues.instant", "queue", Kind.QUEUE),
        ("queues.instant.recent", "queue", Kind.QUEUE),
        ("queues.disc", "disc-queue", Kind.QUEUE),
        ("queues.disc.recent", "disc-queue", Kind.QUEUE),
        ("at_home", "at-home", Kind.STREAM),
        ("rental_history", "rentals", Kind.HISTORY),
        ("rental_history.watched", "history", Kind.HISTORY),
        ("rental_history.shipped", "shipped", Kind.HISTORY),
        ("rental_history.returned", "returned", Kind.HISTORY),
        ("ratings", "ratings", Kind.RATINGS),
        ("recommendations", "recommendations", Kind.RECOMMENDATIONS),
        ("reviews", "reviews", Kind.STREAM),
        ("something.new", "f-17", Kind.STREAM),
    ],
)
def test_relation_tells_what_an_opaque_path_does_not(relation: str, name: str, kind: Kind) -> None:
    """Where the path says nothing, the index's own word for a feed gives it its name and kind."""
    identity = identity_of_relation(relation, "http://h/users/T1/f/17?feed_token=x")
    assert (identity.name, identity.kind) == (name, kind)


def test_path_has_the_first_word() -> None:
    """A path that is known is believed before any relation: both forms of an index must agree."""
    identity = identity_of_relation("reviews", "http://h/users/T1/queues/instant?feed_token=x")
    assert identity.name == "queue"
