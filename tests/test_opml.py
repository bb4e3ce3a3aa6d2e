from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.opml import Opml, Outline, read_opml, split_group, write_opml

NESTED = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
  <!-- what I read -->
  <outline text="Movies">
    <outline text="Classics">
      <outline text="Noir &amp; more" title="A title" type="rss" htmlUrl="http://n.example/" xmlUrl="http://n.example/rss?a=1&amp;b=%20"/>
    </outline>
    <outline text="A diary" type="rss" kind="history" xmlUrl="http://d.example/rss"/>
  </outline>
  <outline text="Top" xmlUrl="http://t.example/atom"/>
</body></opml>"""


def document(outlines: str) -> bytes:
    return f"<opml version='2.0'><head/><body>{outlines}</body></opml>".encode()


def read(body: bytes) -> Opml:
    opml = read_opml(body)
    assert isinstance(opml, Opml), opml
    return opml


def test_nested_outlines_become_groups() -> None:
    """Outlines above a subscription are its group; all that is said about it is kept."""
    opml = read(NESTED)
    assert opml.title == "Mine"
    assert [(outline.text, outline.group) for outline in opml.outlines] == [
        ("Noir & more", "Movies / Classics"),
        ("A diary", "Movies"),
        ("Top", None),
    ]
    noir, diary, _top = opml.outlines
    assert (noir.title, noir.page, noir.type) == ("A title", "http://n.example/", "rss")
    assert diary.kind == "history"


@pytest.mark.parametrize(
    "address",
    [
        "http://h/users/1/queues/instant?feed_token=xyz&sort=date_added",
        "http://h/f?a=1&copy=2&lt=3&amp=4&#x",
        "http://h/f?a=1&b=%26&c=%zz#&frag",
        "http://h/f?tilde=~&plus=+&quote=*",
    ],
)
def test_bare_ampersands_leave_the_address_whole(address: str) -> None:
    """An address with bare ampersands comes out character for character."""
    body = document(f"<outline text='Q &amp; A' xmlUrl='{address}'/><outline text='R' xmlUrl='{address}'/>")
    opml = read(body)
    assert [(outline.text, outline.address) for outline in opml.outlines] == [
        ("Q & A", address),
        ("R", address),
    ]


def test_spelling_of_attributes_does_not_matter() -> None:
    """Writers that spell xmlUrl in their own way are understood."""
    body = document(
        "<outline TEXT='a' xmlurl='http://a'/><Outline Text='b' XMLURL='http://b' HtmlUrl='http://p'/>"
    )
    assert [(outline.text, outline.address) for outline in read(body).outlines] == [
        ("a", "http://a"),
        ("b", "http://b"),
    ]
    assert read(body).outlines[1].page == "http://p"


def test_outline_without_text_goes_by_its_title_or_host() -> None:
    """An outline is never nameless, and its name never has the query in it."""
    body = document(
        "<outline title='T' xmlUrl='http://a'/><outline xmlUrl='http://b.example/x?feed_token=1'/>"
    )
    assert [outline.text for outline in read(body).outlines] == ["T", "b.example"]
    assert read(document("<outline xmlUrl='http://[broken'/>")).outlines[0].text == "feed"


def test_outlines_without_an_address_are_no_subscriptions() -> None:
    """Notes and links are passed over."""
    assert (
        read(document("<outline text='a note'/><outline type='link' url='http://a' text='x'/>")).outlines
        == ()
    )


def test_subscription_with_outlines_below_is_both() -> None:
    """A subscription may be a group as well."""
    body = document("<outline text='a' xmlUrl='http://a'><outline text='b' xmlUrl='http://b'/></outline>")
    assert [(outline.text, outline.group) for outline in read(body).outlines] == [("a", None), ("b", "a")]


def test_inclusions_are_reported_and_not_followed() -> None:
    """An outline that includes another document is said to be skipped."""
    body = document(
        "<outline text='More' type='include' url='http://a'/><outline text='b' xmlUrl='http://b'/>"
    )
    assert (read(body).skipped, len(read(body).outlines)) == (("More",), 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_are_heeded(encoding: str) -> None:
    """The document's own encoding holds."""
    name = encoding.removesuffix("-sig")
    text = f"<?xml version='1.0' encoding='{name}'?><opml><body><outline text='Amélie' xmlUrl='http://a'/></body></opml>"
    assert read(text.encode(encoding)).outlines[0].text == "Amélie"


BOMB = "<!DOCTYPE opml [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>"
BAD = {
    "nothing": (b" \n", Reason.EMPTY_BODY),
    "an XML declaration alone": (b"<?xml version='1.0'?>", Reason.EMPTY_BODY),
    "a feed": (b"<rss><channel/></rss>", Reason.NOT_A_FEED),
    "a page": (b"<!doctype html><html><body><p>Not found</html>", Reason.NOT_A_FEED),
    "no body": (b"<opml><head/></opml>", Reason.MALFORMED),
    "cut short": (NESTED[:300], Reason.MALFORMED),
    "unclosed": (b"<opml><body><outline text='a'></body></opml>", Reason.MALFORMED),
    "an entity": (
        f"{BOMB}<opml><body><outline text='&b;' xmlUrl='http://a'/></body></opml>".encode(),
        Reason.HOSTILE,
    ),
    "a bare ampersand and an entity": (
        f"{BOMB}<opml><body><outline text='&b; & c'/></body></opml>".encode(),
        Reason.HOSTILE,
    ),
    "an external document type": (
        b"<!DOCTYPE opml SYSTEM 'http://127.0.0.1:1/x.dtd'><opml><body/></opml>",
        Reason.HOSTILE,
    ),
    "too deep": (document("<outline text='a'>" * 60 + "</outline>" * 60), Reason.HOSTILE),
    "far too deep": (document("<outline text='a'>" * 5000 + "</outline>" * 5000), Reason.MALFORMED),
    "too many": (document("<outline/>" * 20_001), Reason.HOSTILE),
    "too large": (document("x" * (4 * 1024 * 1024)), Reason.TOO_LARGE),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_believed_is_a_failure(name: str) -> None:
    """Foreign, broken and hostile documents fail with their reason, and quickly."""
    body, reason = BAD[name]
    failed = read_opml(body)
    assert isinstance(failed, ParseFailed)
    assert failed.reason is reason


def test_addresses_show_in_no_repr() -> None:
    """An address may be a secret."""
    assert "rss?a" not in repr(read(NESTED))


# XML cannot hold control characters or surrogates, and a reader trims a text.
TEXT = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)
    .map(str.strip)
    .filter(bool)
)
ADDRESS = st.text("abc019&=?#%+;:/.~'\"<>é", min_size=1).map("http://h/".__add__)
GROUPS = st.lists(TEXT.map(lambda text: " ".join(text.split())), max_size=3).map(tuple)
OUTLINES = st.lists(
    st.builds(
        Outline,
        text=TEXT,
        address=ADDRESS,
        title=st.none() | TEXT,
        page=st.none() | ADDRESS,
        type=st.sampled_from(["rss", "atom"]),
        kind=st.none() | st.just("queue"),
        groups=GROUPS,
    ),
    max_size=12,
)


def by_group(outlines: list[Outline]) -> dict[tuple[str, ...], list[Outline]]:
    groups: dict[tuple[str, ...], list[Outline]] = defaultdict(list)
    for outline in outlines:
        groups[outline.groups].append(outline)
    return dict(groups)


@given(OUTLINES)
def test_what_is_written_reads_back_the_same(outlines: list[Outline]) -> None:
    """Every outline comes back as it was, in its group, in the order it had there."""
    assert by_group(list(read(write_opml(outlines)).outlines)) == by_group(outlines)


@given(OUTLINES)
def test_group_kept_as_text_reads_back_the_same(outlines: list[Outline]) -> None:
    """The state keeps a group as one text; what is exported from it has the same groups."""
    stored = [replace(outline, groups=split_group(outline.group)) for outline in outlines]
    groups = [outline.group for outline in read(write_opml(stored)).outlines]
    assert sorted(groups, key=str) == sorted((outline.group for outline in outlines), key=str)


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    """A control character in a title does not stop an export."""
    written = write_opml([Outline("a\x00b\x1b\ud800", "http://h", groups=("g\x07",))])
    assert read(written).outlines == (Outline("ab", "http://h", type="rss", groups=("g",)),)
