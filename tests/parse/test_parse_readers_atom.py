"""Atom is read by our own reader, and the same as by feedparser but where it is to be otherwise.

Where is in one table, `DIFFERENCES`: each with its reason, and with what both make of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest
from drawn_feeds import ATOM, FEEDS, atom, mutated
from hypothesis import given
from lxml import etree
from test_parse_readers import thoroughly
from two_readers import expect_same_keys, read_ourselves, read_with_feedparser

from feedwatch.core.content import digest_content
from feedwatch.core.model import Page, RawEntry
from feedwatch.parse.dates import parse_instant


def read_once(path: Path) -> bytes:
    """A feed in which nothing stands twice in an entry: of two, each reader takes another one."""
    root = etree.fromstring(path.read_bytes())
    for entry in root.iter(f"{{{ATOM}}}entry"):
        seen: set[tuple[str, str]] = set()
        for child in list(entry):
            if (told := (child.tag, child.get("rel", "alternate"))) in seen and child.get("href"):
                entry.remove(child)
            seen.add(told)
    return bytes(etree.tostring(root))


REAL = [*sorted(FEEDS.glob("*.atom")), FEEDS / "atom-1.0.xml"]


@dataclass(frozen=True)
class Difference:
    """Something that our reader makes otherwise on purpose."""

    because: str
    inside: str
    """… of the entry; or of the feed, where that is looked at."""
    name: str
    ours: object
    theirs: object
    base: str = ""


FIRST, LAST = "2026-10-31T12:00:00Z", "2026-11-01T12:00:00Z"
LINK = "<link href='http://h.example/1'/>"
DIFFERENCES = {
    "an id is no link": Difference(
        "an id of Atom need not lead anywhere",
        "<id>http://h.example/1</id>", "link", None, "http://h.example/1",
    ),
    "a relative id stays as it is": Difference(
        "a feed that moves keeps its keys",
        "<id>1</id>", "id", "1", "http://b.example/1", "http://b.example/",
    ),
    "an id is kept to the letter": Difference(
        "Atom compares ids letter by letter",
        "<id>http:////h.example</id>", "id", "http:////h.example", "http://h.example",
    ),
    "letters are read as they are": Difference(
        "what is well-formed and in UTF-8 says what it means",
        "<title>caf\xc3\xa9</title>", "title", "caf\xc3\xa9", "caf\xe9",
    ),
    "the first of two ids": Difference(
        "what an entry says itself comes first, and the API wraps more of the same within",
        "<id>1</id><id>2</id>", "id", "1", "2",
    ),
    "the first of two links": Difference(
        "as above", LINK + "<link href='http://h.example/2'/>", "link", "http://h.example/1", "http://h.example/2",
    ),
    "the first of two dates": Difference(
        "as above", f"<updated>{FIRST}</updated><updated>{LAST}</updated>", "updated_at",
        parse_instant(FIRST), parse_instant(LAST),
    ),
    "a page of any type": Difference(
        "a person can open a PDF as well",
        "<link type='application/pdf' href='http://h.example/1'/>", "link", "http://h.example/1", None,
    ),
    "a link is an attribute": Difference(
        "Atom knows no other", "<link>http://h.example/1</link>", "link", None, "http://h.example/1",
    ),
    "a rel is a word": Difference(
        "Atom compares them letter by letter",
        "<link rel='Alternate' href='http://h.example/1'/>", "link", None, "http://h.example/1",
    ),
    "dates of other formats": Difference(
        "Atom 1.0 has two: a date that one feed has beside them is something else",
        f"<created>{FIRST}</created>", "published_at", None, parse_instant(FIRST),
    ),
    "an excerpt of the first text": Difference(
        "what stands first is what the entry begins with",
        "<content>c</content><summary>s</summary>", "title", "c", "s",
    ),
    "an excerpt for a title of nothing but tags": Difference(
        "a person would see no title at all",
        "<title type='html'>&lt;img></title><summary>s</summary>", "title", "s", "",
    ),
    "each text once": Difference(
        "feedparser repeats a content as summary, which a digest need not",
        "<content>c</content>", "facts", {"content": digest_content("c")}, {"content": digest_content("cc")},
    ),
    "the facts of the API": Difference(
        "positions, availability, ratings and titles are what the lists of the API are made of",
        "<position>3</position>", "position", 3, None,
    ),
    "no facts of diaries": Difference(
        "diaries and bookshelves come as RSS; of Atom the API's names are read",
        "<title>t</title><filmTitle>F</filmTitle>", "title", "t", "F",
    ),
    "a picture that is enclosed": Difference(
        "feedparser's copy of a document has no link that is not a page",
        "<link rel='enclosure' type='image/png' href='http://i.example/1.png'/>", "details",
        "http://i.example/1.png", None,
    ),
}  # fmt: skip
"""What is not compared is in no row: `total`, `start_index` and `etag` are the API's own."""


@pytest.mark.parametrize("name", DIFFERENCES)
def test_difference_is_as_it_is_told(name: str) -> None:
    """Each row of the table holds: what ours makes of it, and what feedparser would."""
    row = DIFFERENCES[name]
    body = f"<feed xmlns='{ATOM}' xml:base='{row.base}'><entry>{row.inside}</entry></feed>".encode()
    ours, theirs = read_ourselves(body), read_with_feedparser(body)
    assert isinstance(ours, Page)
    assert isinstance(theirs, Page)
    found = [getattr(page.entries[0], row.name) for page in (ours, theirs)]
    if row.name == "details":
        found = [details.picture for details in found]
    assert found == [row.ours, row.theirs]


def test_feed_says_itself_whatever_its_prefix() -> None:
    """A feed that is complete may call the namespace as it likes; how long to wait is said by `sy` alone."""
    inside = "<h:complete xmlns:h='http://purl.org/syndication/history/1.0'/><ttl>60</ttl>"
    body = f"<feed xmlns='{ATOM}'>{inside}</feed>".encode()
    ours, theirs = read_ourselves(body), read_with_feedparser(body)
    assert isinstance(ours, Page)
    assert isinstance(theirs, Page)
    assert (ours.complete, theirs.complete) == (True, False)
    assert (ours.ttl, theirs.ttl) == (None, timedelta(hours=1))


def expect_no_more(body: bytes) -> None:
    """Both come to the same but for what the table says."""
    ours, theirs = read_ourselves(body), read_with_feedparser(body)
    assert isinstance(ours, Page)
    assert isinstance(theirs, Page)
    assert (ours.form, ours.complete, ours.ttl) == (theirs.form, theirs.complete, theirs.ttl)
    assert len(ours.entries) == len(theirs.entries)
    elements = etree.fromstring(body).findall(f"{{{ATOM}}}entry")
    level = [level_entries(*each) for each in zip(elements, ours.entries, theirs.entries, strict=True)]
    for one, other in level:
        assert one == other, body
    expect_same_keys(
        replace(ours, entries=tuple(one for one, _ in level)),
        replace(theirs, entries=tuple(other for _, other in level)),
    )


_OF_DIARIES = {"rating", "year", "availability", "predicted_rating", "average_rating", "content"}


def level_entries(element: etree._Element, ours: RawEntry, theirs: RawEntry) -> tuple[RawEntry, RawEntry]:
    """Two readings of one entry without what the table says."""
    assert ("content" in ours.facts) >= ("content" in theirs.facts)
    one, other = (
        replace(
            entry,
            facts={name: value for name, value in entry.facts.items() if name not in _OF_DIARIES},
            position=None,
            saved=False,
            title_ref=None,
            watched_at=None,
        )
        for entry in (ours, theirs)
    )
    if one.link is None:
        other = replace(other, link=None)
    if not other.title or not (element.findtext(f"{{{ATOM}}}title") or "").strip():  # an excerpt
        other = replace(other, title=one.title)
    if one.id and other.id == urljoin(element.base or "", one.id):
        other = replace(other, id=one.id)
    return one, other


@given(atom())
@thoroughly
def test_any_atom_is_read_as_feedparser_reads_it(body: bytes) -> None:
    """Elements in any order, with text of every kind; each at most once in an entry."""
    expect_no_more(body)


@given(mutated([read_once(path) for path in REAL], twice=False))
@thoroughly
def test_atom_that_has_changed_is_read_as_feedparser_reads_it(body: bytes) -> None:
    """Real feeds with elements lost, entries doubled, and texts that are others."""
    expect_no_more(body)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_atom_is_read_as_feedparser_reads_it(path: Path) -> None:
    """What the API and a blog write."""
    expect_no_more(read_once(path))


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("<title>a <b>b</b> c</title>", "a b c"),
        ("<title type='html'>a <b>b</b> &amp;amp; c</title>", "a b & c"),
        ("<title type='text/html'>a &lt;b&gt;b&lt;/b&gt;</title>", "a b"),
        ("<title type='application/xhtml+xml'><div>a <b>b</b> &lt;i></div></title>", "a b <i>"),
    ],
)
def test_title_with_markup_in_it_is_read_to_its_end(title: str, read: str) -> None:
    """Whatever type it says it is of, by both readers."""
    body = f"<feed xmlns='{ATOM}'><entry><id>1</id>{title}{LINK}</entry></feed>".encode()
    expect_no_more(body)
    ours = read_ourselves(body)
    assert isinstance(ours, Page)
    assert ours.entries[0].title == read


def test_categories_of_a_source_are_not_the_entrys() -> None:
    """What an entry quotes of another feed is about that feed."""
    source = "<source><title>t</title><category term='theirs'/></source>"
    body = (
        f"<feed xmlns='{ATOM}'><entry><id>1</id>{source}<category term='own'/>{LINK}</entry></feed>".encode()
    )
    expect_no_more(body)
    ours = read_ourselves(body)
    assert isinstance(ours, Page)
    assert ours.entries[0].facts["category"] == "own"


@pytest.mark.parametrize("ids", [("note", "note"), ("1 2", "3")])
def test_footnotes_with_one_id_are_no_fault_of_the_whole(ids: tuple[str, str]) -> None:
    """Each post has an `xml:id` for its own readers; nobody asks here whether it is the only one."""
    entries = "".join(f"<entry><id>{n}</id><p xml:id='{each}'/></entry>" for n, each in enumerate(ids))
    ours = read_ourselves(f"<feed xmlns='{ATOM}'>{entries}</feed>".encode())
    assert isinstance(ours, Page)
    assert [entry.id for entry in ours.entries] == ["0", "1"]
