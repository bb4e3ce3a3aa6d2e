from __future__ import annotations

from xml.sax.saxutils import quoteattr

import pytest

from feedwatch.core.model import FoundFeed, Kind, ParseFailed, Reason
from feedwatch.netflix.index import read_index, read_user_id

USER = "https://api.example.net/users/T1ab.c-"
PATHS = {
    "queues.instant": ("My Queue", "queues/instant"),
    "queues.instant.recent": ("New in my queue", "queues/instant"),
    "rental_history.watched": ("Seen lately", "rental_history/watched"),
    "recommendations": ("For you", "recommendations"),
    "ratings": ("Rated", "ratings/title/actual"),
}
NAMED = {
    "queue": Kind.QUEUE,
    "history": Kind.HISTORY,
    "recommendations": Kind.RECOMMENDATIONS,
    "ratings": Kind.RATINGS,
}


def address_of(relation: str, *, output: str = "") -> str:
    sort = "&sort=date_added" if relation.endswith(".recent") else ""
    return f"{USER}/{PATHS[relation][1]}?feed_token=tok.{PATHS[relation][1]}_--{output}{sort}"


def xml_index(rel: str = "http://schemas.netflix.com/feed.") -> bytes:
    links = "".join(
        f"<link href={quoteattr(address_of(relation, output='&output=atom'))}"
        f" rel='{rel}{relation}' title='{title}'/>"
        for relation, (title, _path) in PATHS.items()
    )
    return f"<resource>{links}<link href='http://h/users/1' rel='http://schemas.netflix.com/user'/></resource>".encode()


def opml_index(*, escaped: bool = False, both_sorted: bool = False) -> bytes:
    outlines = ""
    for relation, (title, _path) in PATHS.items():
        address = address_of("queues.instant.recent" if both_sorted and "queues" in relation else relation)
        outlines += (
            f"<outline text='{title}' type='rss' xmlUrl={quoteattr(address) if escaped else repr(address)}/>"
        )
    return f"<opml version='2.0'><head><title>Feeds</title></head><body>{outlines}</body></opml>".encode()


def feeds_of(body: bytes) -> tuple[FoundFeed, ...]:
    feeds = read_index(body, f"{USER}/feeds")
    assert not isinstance(feeds, ParseFailed), feeds
    return feeds


@pytest.mark.parametrize(
    "body",
    [xml_index(), xml_index("https://schemas.elsewhere.org/feed."), opml_index(), opml_index(escaped=True)],
)
def test_every_form_of_the_index_names_the_same_feeds(body: bytes) -> None:
    """XML and OPML, with their ampersands escaped or bare, give the same names, kinds and titles."""
    feeds = feeds_of(body)
    assert {feed.name: feed.kind for feed in feeds} == NAMED
    assert [feed.title for feed in feeds] == ["My Queue", "Seen lately", "For you", "Rated"]


def test_addresses_come_out_character_for_character() -> None:
    """A bare ampersand takes nothing away from an address."""
    queue = feeds_of(opml_index())[0]
    assert queue.address == f"{USER}/queues/instant?feed_token=tok.queues/instant_--"


def test_queue_and_its_recent_additions_are_one_feed() -> None:
    """Of two views of a list, the one without a sort of its own is polled, whichever comes first."""
    forwards = feeds_of(xml_index())
    body = (
        xml_index()
        .replace(b"queues.instant'", b"queues.later'")
        .replace(b"sort=date_added", b"sort=queue_sequence")
    )
    assert "sort" not in forwards[0].address
    assert [feed.name for feed in feeds_of(body)].count("queue") == 1


def test_recent_additions_named_first_do_not_win() -> None:
    """The order of the index does not decide which view is polled."""
    recent, plain = address_of("queues.instant.recent"), address_of("queues.instant")
    body = (
        f"<opml><body><outline text='R' xmlUrl='{recent}'/><outline text='Q' xmlUrl='{plain}'/></body></opml>"
    )
    assert [(feed.title, feed.address) for feed in feeds_of(body.encode())] == [("Q", plain)]


def test_one_address_listed_twice_is_one_feed() -> None:
    """An index that gives both views the sorted address still has one queue, at that address."""
    queues = [feed for feed in feeds_of(opml_index(both_sorted=True)) if feed.kind is Kind.QUEUE]
    assert [(feed.name, feed.address) for feed in queues] == [("queue", address_of("queues.instant.recent"))]


BAD = {
    "nothing": (b"", Reason.EMPTY_BODY),
    "an XML declaration alone": (b"<?xml version='1.0' encoding='UTF-8'?>\n", Reason.EMPTY_BODY),
    "an error document": (
        b"<status><status_code>401</status_code><message>no</message></status>",
        Reason.ERROR_DOCUMENT,
    ),
    "an error in JSON": (b'{"status": {"status_code": "500", "message": "no"}}', Reason.ERROR_DOCUMENT),
    "an index without feeds": (
        b"<resource><link href='http://h' rel='http://schemas.netflix.com/user'/></resource>",
        Reason.NOT_A_FEED,
    ),
    "an OPML without feeds": (b"<opml version='2.0'><head/><body/></opml>", Reason.NOT_A_FEED),
    "an OPML of other people's feeds": (
        b"<opml><body><outline text='x' xmlUrl='https://blog.example.org/rss'/></body></opml>",
        Reason.NOT_A_FEED,
    ),
    "a page": (b"<!DOCTYPE html><html><p>Sign in<br></html>", Reason.NOT_A_FEED),
    "a truncated index": (xml_index()[:-40], Reason.MALFORMED),
    "text": (b"Service temporarily unavailable", Reason.MALFORMED),
    "a bomb": (
        (
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>"
            b"<resource><link rel='http://schemas.netflix.com/feed.x' href='&b;'/></resource>"
        ),
        Reason.HOSTILE,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_index_is_a_failure(name: str) -> None:
    """A foreign, empty, broken or error document is a failure with its reason, never an empty index."""
    body, reason = BAD[name]
    failed = read_index(body, f"{USER}/feeds")
    assert isinstance(failed, ParseFailed)
    assert failed.reason is reason


def test_addresses_show_in_no_repr() -> None:
    """A found feed does not show its token."""
    assert "tok." not in repr(read_index(xml_index(), f"{USER}/feeds"))


@pytest.mark.parametrize(
    ("body", "user_id"),
    [
        (
            b"<resource><status_code>200</status_code><link href='http://h/api/users/T1x.-' rel='http://schemas.netflix.com/user.current'/></resource>",
            "T1x.-",
        ),
        (
            b"<resource><link href='http://h/users/T1x' rel='http://schemas.netflix.com/queues'/></resource>",
            None,
        ),
        (
            b"<resource><link href='http://h/users/T1%2Fx%C3%A9-/' rel='http://schemas.netflix.com/user.current'/></resource>",
            "T1/x\u00e9-",
        ),
        (
            b"<resource><link href='http://h/users/../x' rel='http://schemas.netflix.com/user.current'/></resource>",
            None,
        ),
        (b"<resource/>", None),
        (b"", None),
    ],
)
def test_current_user_is_read_from_the_link(body: bytes, user_id: str | None) -> None:
    """The user's id is the part of the link that names the user."""
    assert read_user_id(body) == user_id


def link(href: str, rel: str, prefix: str = "") -> str:
    return f"<{prefix}link href={quoteattr(href)} rel='{rel}' title='t'/>"


@pytest.mark.parametrize(
    "rel",
    [
        "http://schemas.netflix.com/feed.queues.instant",
        "https://schemas.example.org/netflix/feed.queues.instant",
        " feed.queues.instant ",
        "http://schemas.netflix.com/Feed.Queues.Instant",
    ],
)
def test_relation_of_a_feed_is_read_in_any_form(rel: str) -> None:
    """Whatever schema a server names and however it spells it, its feed is found."""
    body = f"<resource>{link(f'{USER}/queues/instant?feed_token=t', rel)}</resource>".encode()
    assert [feed.name for feed in feeds_of(body)] == ["queue"]


def test_prefixes_do_not_matter() -> None:
    """An index in a namespace of its own, with a prefix, reads the same."""
    links = link(f"{USER}/ratings/title/actual?feed_token=t", "http://schemas.netflix.com/feed.ratings", "n:")
    body = f"<n:resource xmlns:n='http://api.example.net/1.5'>{links}</n:resource>".encode()
    assert [(feed.name, feed.kind) for feed in feeds_of(body)] == [("ratings", Kind.RATINGS)]


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("/users/T1/queues/instant?feed_token=a%2Fb", "/users/T1/queues/instant?feed_token=a%2Fb"),
        ("queues/instant?feed_token=a", "/users/T1ab.c-/queues/instant?feed_token=a"),
        ("?feed_token=a", "/users/T1ab.c-/feeds?feed_token=a"),
    ],
)
@pytest.mark.parametrize("form", ["xml", "opml"])
def test_relative_address_is_of_the_server_that_named_it(href: str, address: str, form: str) -> None:
    """What an index names without a host is resolved against where the index was asked for."""
    rel = "http://schemas.netflix.com/feed.queues.instant"
    opml = f"<opml><body><outline text='t' xmlUrl={quoteattr(href)}/></body></opml>"
    body = f"<resource>{link(href, rel)}</resource>" if form == "xml" else opml
    assert [feed.address for feed in feeds_of(body.encode())] == [f"https://api.example.net{address}"]


def test_whole_address_is_not_touched() -> None:
    """An absolute address comes out as it stands, dots, case and all."""
    address = "HTTP://API.example.net/a/../users/T1/queues/instant?feed_token=%2f&x=.."
    body = f"<resource>{link(address, 'feed.queues.instant')}</resource>".encode()
    assert [feed.address for feed in feeds_of(body)] == [address]


def test_opaque_addresses_are_told_apart_by_relation() -> None:
    """Where paths say nothing, relations do, and a view by date is still no list of its own."""
    links = (
        link(f"{USER}/f/2?feed_token=t", "http://schemas.netflix.com/feed.queues.instant.recent")
        + link(f"{USER}/f/1?feed_token=t", "http://schemas.netflix.com/feed.queues.instant")
        + link(f"{USER}/f/3?feed_token=t", "http://schemas.netflix.com/feed.rental_history.watched")
    )
    found = {feed.name: feed for feed in feeds_of(f"<resource>{links}</resource>".encode())}
    assert found.keys() == {"queue", "history"}
    assert found["queue"].address == f"{USER}/f/1?feed_token=t"
