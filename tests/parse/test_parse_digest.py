"""The digest that saves reading a document: blind to dates that move by themselves, and to nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Entry, Kind, Page
from feedwatch.core.snapshot import build_snapshot
from feedwatch.parse import read_direct
from feedwatch.parse.digest import Digests

HEAD = "<id>f</id><title>Feed</title>"
ATOM = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:dc="urn:dc">{}{}</feed>'
PLAIN = "<queue><etag>1</etag>{}{}</queue>"
RSS = '<rss version="2.0"><channel><title>t</title>{}{}</channel></rss>'
RDF = '<rdf:RDF xmlns:rdf="urn:r"><channel>{}</channel>{}</rdf:RDF>'
ENTRY = (
    "<{0}><id>http://h/queues/instant/available/1/60011</id><title>One</title><updated>{1}</updated>"
    '<link href="http://h/catalog/titles/movies/60011" rel="http://s/id"/><link href="http://h/1"/>'
    '<category scheme="http://h/queue_availability" label="available now"/><position>1</position>'
    "<user_rating>3</user_rating><published>2026-10-01T00:00:00Z</published><pubDate>{1}</pubDate></{0}>"
)
KINDS = list(Kind)


def same(kind: Kind, one: str, other: str) -> bool:
    return Digests(one.encode(), kind).content == Digests(other.encode(), kind).content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("form", "date"),
    [
        (ATOM, "<updated>{}</updated>"),
        (ATOM, "<updated\n>{}</updated >"),
        (ATOM, "<dc:date>{}</dc:date>"),
        (RSS, "<lastBuildDate>{}</lastBuildDate>"),
        (RSS, "<pubDate>{}</pubDate>"),
        (RSS, "<atom:updated>{}</atom:updated>"),
        (RDF, "<dc:date>{}</dc:date>"),
        (ATOM, "<modified a='b'>{}</modified>"),
    ],
)
def test_date_of_the_feed_does_not_count(kind: Kind, form: str, date: str) -> None:
    """When a document was made says nothing about its list, nor does the length of that date."""
    entries = ENTRY.format("item" if "channel" in form else "entry", "x")
    one, other = (
        form.format(date.format(at), entries) for at in ("2026-11-01", "Sun, 1 Nov 2026 12:00:01 GMT")
    )
    assert same(kind, one, other)
    empty_one, empty_other = (form.format(date.format(at), "") for at in ("1", "2"))
    assert same(kind, empty_one, empty_other)


@pytest.mark.parametrize(
    ("form", "item"), [(ATOM, "entry"), (PLAIN, "queue_item"), (RSS, "item"), (RDF, "item")]
)
@pytest.mark.parametrize("prefix", ["", "a:"])
def test_updated_of_an_entry_does_not_count_where_titles_have_no_place_in_time(
    form: str, item: str, prefix: str
) -> None:
    """In a list of titles every `updated` may be the time of the request; elsewhere it may date an entry."""
    entry = ENTRY.format(item, "x").replace("<published>2026-10-01T00:00:00Z</published>", "")
    entry = entry.replace("<updated>x</updated>", f"<{prefix}updated>{{}}</{prefix}updated>")
    one, other = (form.format("", entry.format(at)) for at in "12")
    undated = [Kind.QUEUE, Kind.RATINGS, Kind.RECOMMENDATIONS]
    assert [kind for kind in KINDS if same(kind, one, other)] == undated


@pytest.mark.parametrize(
    ("published", "counts"),
    [
        ("<published>2026-10-01T00:00:00Z</published>", False),
        ("<published>2026-10-01T00:00:00.123+02:00</published>", False),
        ("", True),
        ("<published>yesterday</published>", True),
        ("<published>2026-10-31T23:59:59-07:00</published>", False),
        ("<published>2026-13-01T00:00:00Z</published>", True),
        ("<published>2026-02-30T00:00:00Z</published>", True),
        ("<published>2026-10-01T25:00:00Z</published>", True),
        ("<published>2026-10-01T00:00:00+99:00</published>", True),
        ("<dc:published>2026-10-01T00:00:00Z</dc:published>", True),
        ("<published/>", True),
        ("<source><published>2026-10-01T00:00:00Z</published></source>", True),
        ("<!-- <published>2026-10-01T00:00:00Z</published> -->", True),
    ],
)
def test_updated_of_a_post_does_not_count_where_every_post_was_published(
    published: str, *, counts: bool
) -> None:
    """A post is dated by when it was published: `updated` says nothing then, and else it is its date."""
    dated = "<entry><published>2026-10-01T00:00:00Z</published><updated>{0}</updated></entry>"
    last = f"<entry><updated>{{0}}</updated>{published}</entry>"
    one, other = (ATOM.format(HEAD, (dated + last).format(at)) for at in ("2026-11-01", "2026-11-02"))
    assert same(Kind.STREAM, one, other) is not counts
    assert not same(Kind.HISTORY, one, other)


GOOD = "<published>2026-10-01T00:00:00Z</published>"
DATING = {
    "published of what a post is about": "<entry><id>t</id>{}<about>" + GOOD + "</about></entry>",
    "published of where it comes from": "<entry><id>t</id>{}<dc:source>" + GOOD + "</dc:source></entry>",
    "published in the content": "<entry><id>t</id>{}<content><x>" + GOOD + "</x></content></entry>",
    "two of which the first is no date": "<entry><published>x</published>{}" + GOOD + "</entry>",
    "one with an attribute first": "<entry><published xml:lang='en'>x</published>{}" + GOOD + "</entry>",
    "one with a prefix first": "<entry><dc:published>x</dc:published>{}" + GOOD + "</entry>",
    "one in an attribute first": "<entry><published value='x'/>{}" + GOOD + "</entry>",
    "one by an odd prefix first": "<entry><link:published xmlns:link='l'>x</link:published>{}"
    + GOOD
    + "</entry>",
    "behind what only looks empty": "<entry><x title='/>'>" + GOOD + "</x>{}</entry>",
    "an entry by another name": "<a:entry xmlns:a='http://www.w3.org/2005/Atom'><id>t</id>{}</a:entry>"
    "<entry><id>e</id>" + GOOD + "</entry>",
}


@pytest.mark.parametrize("name", DATING)
def test_updated_counts_wherever_it_dates_a_post(name: str) -> None:
    """Only the first `published`, if it is the post's own and a date, makes nothing of `updated`."""
    dates = ("<updated>2026-11-01</updated>", "<updated>2026-11-02</updated>")
    one, other = (ATOM.format(HEAD, DATING[name].format(at)) for at in dates)
    assert read_entries(one, Kind.STREAM) != read_entries(other, Kind.STREAM)
    assert not same(Kind.STREAM, one, other)


def test_updated_dates_an_item_whose_last_date_of_publication_is_none() -> None:
    """Of an item the last is read, and not the first: so its `updated` always counts."""
    item = "<item><guid>t</guid>" + GOOD + "<updated>{}</updated><pubDate/></item>"
    one, other = (RSS.format("", item.format(at)) for at in ("2026-11-01", "2026-11-02"))
    assert read_entries(one, Kind.STREAM) != read_entries(other, Kind.STREAM)
    assert not same(Kind.STREAM, one, other)


SAYING = {
    "in a title": "<entry><id>t</id><title>T {}</title></entry>",
    "in the title of a published post": "<entry><id>t</id><title>T {}" + GOOD + "</title></entry>",
    "in an id": "<entry><id>t{}</id><title>T</title></entry>",
}


@pytest.mark.parametrize("kind", [Kind.QUEUE, Kind.STREAM])
@pytest.mark.parametrize("name", SAYING)
def test_updated_counts_where_it_is_a_piece_of_what_an_entry_says(name: str, kind: Kind) -> None:
    """Only what stands right within an entry is its `updated`."""
    texts = ("<updated>1</updated>", "<updated>2</updated>")
    one, other = (ATOM.format(HEAD, SAYING[name].format(text)) for text in texts)
    assert not same(kind, one, other)


def test_date_that_is_left_out_leaves_its_place() -> None:
    """What stood on both sides of it is not the same as what never was apart."""
    entry = "<entry><id>t</id><title>T</title>a{}b</entry>"
    assert not same(Kind.QUEUE, ATOM.format(HEAD, entry.format("<updated>1</updated>")), entry.format(""))


HIDDEN = {
    "a date in an entry": "<entry><date>{}</date></entry>",
    "a publication date in an item": "<item><pubDate>{}</pubDate></item>",
    "a date in an item in capitals": "<ITEM><pubDate>{}</pubDate></ITEM>",
    "a date in an item with a prefix": "<r:item><dc:date>{}</dc:date></r:item>",
    "a date in a recommendation": "<recommendation><date>{}</date></recommendation>",
    "a date in an odd item": "<my-own.x_item><date>{}</date></my-own.x_item>",
    "a date in an item with attributes": "<item\n about='x'><date>{}</date></item>",
    "a date in an empty-looking entry": "<entry/><date>{}</date>",
    "an updated in CDATA": "<item><title><![CDATA[<updated>{}</updated>]]></title></item>",
    "an updated in CDATA after a comment": "<!-- <![CDATA[ --><item><![CDATA[<updated>{}</updated>]]></item>",
    "an updated in CDATA after an instruction": "<?x <!-- ?><item><![CDATA[<updated>{}</updated>]]></item>",
    "an updated with an element in it": "<entry><updated><b>{}</b></updated></entry>",
    "an updated that is no date": "<entry><published>2026-10-01T00:00:00Z</published>"
    "<content><updated>v{}</updated></content></entry>",
    "a date in an item before what looks like an entry": "<item><title>x</title><pubDate>{}</pubDate></item>"
    "<item><x><entry>y</entry></x></item>",
    "an updated that is long": "<entry><updated>{}" + "x" * 80 + "</updated></entry>",
    "an updated in a title": "<entry><title>&lt;updated>{}&lt;/updated></title></entry>",
    "another element": "<entry><last_updated>{}</last_updated></entry>",
    "a mismatch": "<entry><updated>{}</updated2></entry>",
    "the number of results": "<number_of_results>{}</number_of_results>",
    "the etag": "<etag>{}</etag>",
    "the ttl": "<ttl>{}</ttl>",
    "an attribute of the head": "<updated>x</updated><link title='{}'/>",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HIDDEN)
def test_nothing_else_is_left_out(name: str, kind: Kind) -> None:
    """What looks like a date of the feed but is an entry's, or a text, counts."""
    one, other = (RSS.format("", HIDDEN[name].replace("{}", each)) for each in ("1", "2"))
    assert not same(kind, one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_date_after_the_entries_counts(kind: Kind) -> None:
    """Only what stands before the first entry is surely the feed's: the rest costs a reading, no change."""
    entry = ENTRY.format("entry", "x")
    one, other = (ATOM.format(entry, f"<modified>{at}</modified>") for at in "12")
    assert not same(kind, one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_compared_as_it_is(kind: Kind) -> None:
    """In JSON nothing is an element, whatever a text says."""
    one, other = (f'{{"items": [{{"title": "<updated>{each}</updated>"}}]}}' for each in "12")
    assert not same(kind, one, other)
    digests = Digests(one.encode(), kind)
    assert digests.content == digests.raw


TEXT = st.text("ab<>&!-[]/ ", max_size=8)
TITLES = st.lists(
    st.tuples(TEXT, st.sampled_from(["", "<updated>", "</updated>", "]]>", "<![CDATA[", "<!--", "-->"])).map(
        "".join
    ),
    min_size=1,
    max_size=3,
)
ENTRY_FACTS = st.fixed_dictionaries(
    {
        "title": TITLES.map("".join),
        "link": st.sampled_from(["a", "b", "updated"]),
        "position": st.integers(1, 3),
        "availability": st.sampled_from(["saved", "available now"]),
        "rating": st.sampled_from(["1", "2", "not_interested"]),
        "cdata": st.booleans(),
        "updated": st.sampled_from(["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "x"]),
        "published": st.sampled_from(["", "x", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"]),
    }
)
ENTRIES = st.lists(ENTRY_FACTS, max_size=2)


def write_entry(facts: dict[str, object]) -> str:
    title = str(facts["title"])
    if facts["cdata"]:
        title = "<![CDATA[" + title.replace("]", "") + "]]>"
    else:
        title = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<entry><title>{title}</title><updated>{facts['updated']}</updated><link href='http://h/{facts['link']}'/>"
        + (f"<published>{facts['published']}</published>" if facts["published"] else "")
        + f"<category scheme='queue_availability' label='{facts['availability']}'/>"
        f"<position>{facts['position']}</position><user_rating>{facts['rating']}</user_rating></entry>"
    )


def read_entries(document: str, kind: Kind) -> tuple[Entry, ...]:
    page = read_direct(document.encode(), kind=kind, url="http://h/", content_type=None)
    assert isinstance(page, Page), page
    requested_at = datetime(2026, 11, 20, tzinfo=UTC)
    return build_snapshot(page.entries, rules_of(kind), whole=True, requested_at=requested_at).entries


@given(ENTRIES, ENTRIES, st.sampled_from(KINDS))
def test_same_digest_means_the_same_list(
    some: list[dict[str, object]], others: list[dict[str, object]], kind: Kind
) -> None:
    """Two documents with one digest say the same of every entry."""
    one, other = (ATOM.format(HEAD, "".join(map(write_entry, entries))) for entries in (some, others))
    if same(kind, one, other):
        assert read_entries(one, kind) == read_entries(other, kind)


DATED_PIECES = [
    "<updated>{}</updated>",
    "<dc:updated>{}</dc:updated>",
    GOOD,
    "<published>x</published>",
    "<published value='{}'/>",
    "<dc:published>{}</dc:published>",
    "<about><updated>{}</updated>" + GOOD + "</about>",
    "<source>" + GOOD + "<updated>{}</updated></source>",
    "<note title='/>'>" + GOOD + "</note>",
    "<link href='/l'>x/><updated>{}</updated>" + GOOD + "</link>",
    "<a><b/><updated>{}</updated><b/></a>",
    "<link href='/l'/>",
    "<title>T</title>",
]
"""What dates an entry, and what only looks like it."""
DATED_ENTRIES = st.lists(
    st.lists(st.sampled_from(DATED_PIECES), max_size=5).map("".join), min_size=1, max_size=2
)


@given(DATED_ENTRIES, st.sampled_from([Kind.STREAM, *KINDS]))
def test_date_that_counts_is_in_the_digest(entries: list[str], kind: Kind) -> None:
    """Of one document with its dates moved, in whatever order they stand, one digest means the same list."""
    written = "".join(f"<entry><id>{number}</id>{each}</entry>" for number, each in enumerate(entries))
    one, other = (ATOM.format(HEAD, written.replace("{}", at)) for at in ("2026-11-01", "2026-11-02"))
    if same(kind, one, other):
        assert read_entries(one, kind) == read_entries(other, kind)


@given(st.lists(ENTRY_FACTS, min_size=1, max_size=2), st.sampled_from(KINDS), st.data())
def test_any_change_of_an_entry_changes_the_digest(
    entries: list[dict[str, object]], kind: Kind, data: st.DataObject
) -> None:
    """Title, link, position, availability, rating: a change of any is seen."""
    fact = data.draw(st.sampled_from(["title", "link", "position", "availability", "rating"]))
    changed = [entries[0] | {fact: f"{entries[0][fact]}7"}, *entries[1:]]
    one, other = (ATOM.format(HEAD, "".join(map(write_entry, each))) for each in (entries, changed))
    assert not same(kind, one, other)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("kind", [Kind.QUEUE, Kind.STREAM])
@pytest.mark.parametrize(
    "piece", ["<a>", "<a/>", "</a>", "<a b='/>'>", "<a b='", "<link x/>", "x/>", "<published>"]
)
def test_dates_of_an_entry_are_found_in_time_in_proportion(piece: str, kind: Kind) -> None:
    """Whatever stands before them, and is no XML, is gone through some few times."""
    long = piece * (1_400_000 // len(piece))
    body = f"<feed><entry>{long}{GOOD}<updated>2026-11-01</updated><z/></entry></feed>".encode()
    assert len(Digests(body, kind).content) == 16


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    [
        "<updated>",
        "<updated ",
        "<!--",
        "<![CDATA[",
        "<a:",
        "a",
        "<" * 9,
        "<updated>x</updated>",
        "_item",
        "<x_item",
        "<updated>" + "x" * 60,
        "<!--" + "x" * 60,
    ],
)
def test_digest_takes_time_in_proportion(piece: str) -> None:
    """Ten megabytes of anything are digested quickly."""
    body = b"<queue>" + piece.encode() * (10_000_000 // len(piece))
    assert len(Digests(body, Kind.QUEUE).content) == 16
