"""An entry's picture, the start of its text and its categories are taken from wherever they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from html import escape

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Details, Kind, Page, RawEntry
from feedwatch.parse import Parser
from feedwatch.parse.details import Sight, join_names, origin_of_document, picture_address, start_of_text
from feedwatch.sandbox.documents import Slice, list_items, write_atom, write_plain
from feedwatch.sandbox.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
URL = "https://feeds.example.org/in/feed"
PNG = "https://img.example.net/a.png"
NAMESPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[Parser]:
    async with aclosing(Parser()) as parser:
        yield parser


async def read(parser: Parser, body: str, kind: Kind = Kind.STREAM, url: str = URL) -> tuple[RawEntry, ...]:
    page = await parser.read_page(body.encode(), kind=kind, url=url, content_type=None)
    assert isinstance(page, Page), page
    return page.entries


def rss(*items: str) -> str:
    written = "".join(f"<item><guid>{n}</guid><title>t</title>{item}</item>" for n, item in enumerate(items))
    return f'<rss version="2.0" {NAMESPACES}><channel>{written}</channel></rss>'


def atom(entry: str, more: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES} {more}>'
        f"<entry><id>1</id><title>t</title>{entry}</entry></feed>"
    )


LONG = "word " * 2000
BOTH = {
    "media:content": f'<media:content url="{PNG}" type="image/png"/>',
    "media:content by its medium": f'<media:content url="{PNG}" medium="image"/>',
    "media:content by its name": f'<media:content url="{PNG}"/>',
    "media:thumbnail": f'<media:thumbnail url="{PNG}"/>',
    "within a group": f'<media:group><media:thumbnail url="{PNG}"/></media:group>',
    "itunes:image": f'<itunes:image href="{PNG}"/>',
    "the content before a thumbnail": (
        f'<media:thumbnail url="https://img.example.net/small.png"/><media:content url="{PNG}"/>'
    ),
    "a picture before a film": (
        f'<media:content url="https://v.example/a.mp4" type="video/mp4"/><media:thumbnail url="{PNG}"/>'
    ),
    "one with a secret is passed by": (
        f'<media:content url="https://v.example/a.png?api_key=12345678"/><media:thumbnail url="{PNG}"/>'
    ),
}
RSS_ONLY = {
    "enclosure": f'<enclosure url="{PNG}" type="image/png" length="9"/>',
    "in the description": f"<description>{escape(f'<p>Seen: <IMG alt=x SRC={PNG}></p>')}</description>",
    "in CDATA": (
        f"<content:encoded><![CDATA[<img width='1' src='/dot.gif'><img src='{PNG}'>]]></content:encoded>"
    ),
}
ATOM_ONLY = {
    "enclosure": f'<link rel="enclosure" type="image/png" href="{PNG}"/>',
    "in the summary": f'<summary type="html">{escape(f"<img src={PNG}>")}</summary>',
    "far down in a long text": f"<content>{escape(f'<p>{LONG}<img src={PNG}>')}</content>",
    "in a content beside a summary": (
        f"<summary>Seen</summary><content type='html'>{escape(f'<img src={PNG}>')}</content>"
    ),
    "in xhtml": (
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><img width="1" src="/dot.gif"/>'
        f'<p><img src="{PNG}"/></p></div></content>'
    ),
}


@pytest.mark.parametrize("name", [*BOTH, *RSS_ONLY])
async def test_picture_in_rss(parser: Parser, name: str) -> None:
    """Wherever an item shows a picture, it is found; the better place wins."""
    (entry,) = await read(parser, rss({**BOTH, **RSS_ONLY}[name]))
    assert entry.details.picture == PNG


@pytest.mark.parametrize("name", [*BOTH, *ATOM_ONLY])
async def test_picture_in_atom(parser: Parser, name: str) -> None:
    """The same of an entry in Atom."""
    (entry,) = await read(parser, atom({**BOTH, **ATOM_ONLY}[name]))
    assert entry.details.picture == PNG


@pytest.mark.parametrize(
    "item",
    [
        '<enclosure url="https://v.example/a.mp3" type="audio/mpeg"/>',
        '<media:content url="https://v.example/a.mp4"/>',
        '<media:thumbnail url="data:image/png;base64,AAAA"/>',
        '<media:thumbnail url="javascript:alert(1)"/>',
        '<media:thumbnail url="https://jane:pw@v.example/a.png"/>',
        '<media:thumbnail url="https://v.example/a.png?feed_token=abcdefgh"/>',
        '<media:thumbnail url="https://v.example/a.png?sig=abcdefgh12"/>',
        f'<media:thumbnail url="https://v.example/{"a" * 3000}.png"/>',
        "<description>&lt;img src=\"/dot.gif\" height='1'&gt; and no more</description>",
    ],
)
async def test_what_is_no_picture_to_show_is_none(parser: Parser, item: str) -> None:
    """Sound and film, what is no address of the web, what carries a secret, what nobody sees."""
    for body in (rss(item), atom(item)):
        (entry,) = await read(parser, body)
        assert entry.details.picture is None


async def test_picture_starts_from_where_the_document_is(parser: Parser) -> None:
    """A relative address is resolved, and is the document's own; that of another base is not."""
    item = '<media:thumbnail url="{}"/>'
    for href in (
        "/p/a.png",
        "//feeds.example.org/p/a.png",
        "../p/a.png",
        "https://feeds.example.org/p/a.png#x",
    ):
        (entry,) = await read(parser, rss(item.format(href)), url=f"{URL}?feed_token=abcdefgh")
        assert entry.details == Details("https://feeds.example.org/p/a.png", own=True)
    claimed = atom(item.format("a.png"), 'xml:base="http://192.168.1.1/x/"')
    (entry,) = await read(parser, claimed)
    assert entry.details == Details("http://192.168.1.1/x/a.png", own=False)


@pytest.mark.parametrize(
    "href",
    [
        "http://feeds.example.org/a.png",
        "https://feeds.example.org:8443/a.png",
        "https://feeds.example.org.x/a",
    ],
)
async def test_another_port_is_another_server(parser: Parser, href: str) -> None:
    """Own is what the very server of the document has: no other scheme, port or name."""
    (entry,) = await read(parser, rss(f'<media:thumbnail url="{href}"/>'))
    assert entry.details == Details(href, own=False)


async def test_each_item_has_its_own_picture(parser: Parser) -> None:
    """What was seen of an item stays with it, whatever the others lack."""
    thumbnail = '<media:thumbnail url="https://i.example/{}.png"/><category>{}</category>'
    items = [thumbnail.format(n, f"c{n}") if n % 3 else "" for n in range(12)]
    for n, entry in enumerate(await read(parser, rss(*items))):
        assert entry.id == str(n)
        assert entry.details.picture == (f"https://i.example/{n}.png" if n % 3 else None)
        assert entry.facts.get("category") == (f"c{n}" if n % 3 else None)


async def test_what_belongs_to_nobody_for_certain_is_left_out(parser: Parser) -> None:
    """Where the reader of RSS counts other items than the document has, no picture goes to a wrong one."""
    strange = '<x:item xmlns:x="urn:x"><title>no item</title></x:item>'
    body = rss(f'<media:thumbnail url="{PNG}"/>').replace("<channel>", f"<channel>{strange}")
    entries = await read(parser, body)
    assert [entry.details.picture for entry in entries if entry.title == "t"] in ([None], [PNG])


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain  text\n of two lines", "plain text of two lines"),
        ("<p>One.</p><p>Two &amp; <b>three</b>, four<br>five</p>", "One. Two & three, four five"),
        ("<style>p { color: red }</style>Words<script>if (a > b) alert()</script>", "Words"),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("a\u202eb\x07c\u200ed", "a b c d"),
        ("<!-- not said -->said", "said"),
        ("", ""),
    ],
)
async def test_start_of_a_text_is_one_plain_line(text: str, expected: str) -> None:
    """Tags and what nobody reads go, words stay apart, and nothing drives a terminal."""
    assert start_of_text(text) == expected


async def test_start_of_a_long_text_ends_at_a_word() -> None:
    """Of a text without end so much is kept as one reads at a glance, and it says that there is more."""
    start = start_of_text("word " * 10_000)
    assert start == ("word " * 100)[:494].rstrip() + " word…"
    assert len(start_of_text("字" * 10_000)) == 500


@given(st.text(max_size=3000))
async def test_any_text_has_a_start(text: str) -> None:
    """Whatever it is made of: one line, bounded, and without controls."""
    start = start_of_text(text)
    assert len(start) <= 500
    assert len(start.splitlines()) <= 1
    assert not any(ord(character) < 32 for character in start)


async def test_summary_comes_before_the_content(parser: Parser) -> None:
    """Where an entry has both, the summary is what it says in short."""
    both = '<content type="html">all of it</content><summary>in short</summary>'
    (entry,) = await read(parser, atom(both))
    (item,) = await read(
        parser, rss("<content:encoded>all of it</content:encoded><description>in short</description>")
    )
    assert entry.details.text == item.details.text == "in short"


# ── categories ────────────────────────────────────────────────────────────────────────────────────


async def test_categories_are_names_in_one_text(parser: Parser) -> None:
    """Each once, in order, from all the ways in which feeds name them; a comma does not make two of one."""
    items = "<category>News</category><category domain='x'>Asia, East</category><dc:subject>news</dc:subject>"
    (item,) = await read(parser, rss(items))
    assert item.facts["category"] == "News, Asia East"
    terms = (
        '<category term="n1" label="News"/><category term="Asia"/>'
        '<category scheme="http://schemas.google.com/g/2005#kind" term="http://schemas.google.com/x#post"/>'
    )
    (entry,) = await read(parser, atom(terms))
    assert entry.facts["category"] == "News, Asia"
    (post,) = await read(
        parser,
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "tags": ["News", 3, "Asia"]}]}',
    )
    assert post.facts["category"] == "News, Asia"


@given(st.lists(st.text(max_size=60), max_size=20))
async def test_any_names_are_ten_at_most_in_a_bounded_text(names: list[str]) -> None:
    """Whatever they are called, the text can be taken apart again."""
    joined = join_names(names)
    found = joined.split(", ") if joined else []
    assert len(found) <= 10
    assert len(joined) <= 200
    assert len({name.casefold() for name in found}) == len(found)
    assert all(name.strip() and "," not in name for name in found)


# ── JSON Feed ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "member",
    [
        f'"image": "{PNG}"',
        f'"banner_image": "{PNG}"',
        f'"attachments": [3, {{"url": "/a.mp3", "mime_type": "audio/mpeg"}}, {{"url": "{PNG}"}}]',
        f'"content_html": "<p><img src=\\"{PNG}\\"></p>"',
        f'"image": 3, "tags": "x", "attachments": {{}}, "banner_image": "{PNG}"',
    ],
)
async def test_picture_in_json_feed(parser: Parser, member: str) -> None:
    """Its own members first, then what is attached, then what is shown in the text."""
    feed = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"id": "1", {member}}}]}}'
    (entry,) = await read(parser, feed)
    assert entry.details.picture == PNG


async def test_plain_text_of_json_feed_stays_as_it_is(parser: Parser) -> None:
    """What looks like markup in plain text is text."""
    feed = (
        '{"version": "https://jsonfeed.org/version/1.1", '
        f'"items": [{{"id": "1", "content_text": "use <b> & <img src={PNG}>"}}]}}'
    )
    (entry,) = await read(parser, feed)
    assert entry.details == Details(None, f"use <b> & <img src={PNG}>")


# ── the API's own documents ───────────────────────────────────────────────────────────────────────


async def test_box_art_is_the_largest_there_is(parser: Parser) -> None:
    """The API names three sizes, and may leave one empty; a later reply names links."""
    for art, expected in (
        ('<box_art small="http://i.example/s.jpg" medium="/m.jpg" large="/l.jpg"/>', "/l.jpg"),
        ('<box_art small="http://i.example/s.jpg" medium="/m.jpg" large=""/>', "/m.jpg"),
        ('<box_art><link href="/b.jpg" rel="x" type="image/jpeg"/></box_art>', "/b.jpg"),
        ('<link href="/t/box_art" rel="http://x/box_art"/><box_art small="/s.jpg"/>', "/s.jpg"),
    ):
        (entry,) = await read(parser, f"<queue><queue_item>{art}</queue_item></queue>", Kind.QUEUE)
        assert entry.details == Details(f"https://feeds.example.org{expected}", own=True)


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", ["queue", "history", "ratings", "recommendations"])
async def test_both_forms_of_a_list_tell_the_same(parser: Parser, name: str, *, later: bool) -> None:
    """Plain XML and Atom of one title have the same picture, and all the same facts that are kept of it."""
    world = World(queue=12)
    world.save()
    world.switches.later_dialect = later
    items = list_items(world, name)
    page = Slice(name, items, len(items), 0, 1)
    home = "https://feeds.example.org"
    kind = Kind(name)
    plain = await read(parser, write_plain(world, page, home), kind)
    written = await read(parser, write_atom(world, page, 1_700_000_000, home), kind)
    kept = (*rules_of(kind).compared, *rules_of(kind).recorded)
    for one, other in zip(plain, written, strict=True):
        assert one.details.picture == other.details.picture
        assert one.details.picture is not None
        assert one.details.own
        assert [one.facts.get(fact) for fact in kept] == [other.facts.get(fact) for fact in kept]
        assert one.facts["category"]
        assert not {"nr", "instant", "saved", "available"} & set(one.facts["category"].lower().split())


async def test_what_is_no_genre_is_no_category(parser: Parser) -> None:
    """Availability, formats and whom it is fit for stand in the API's categories beside the genres."""
    schemes = (
        *("categories/rental_states", "categories/queue_availability", "catalog/titles/format"),
        *("catalog/titles/mpaa_ratings", "categories/tv_ratings", "categories/title_formats"),
        *("catalog/titles/title_states", "categories/genres", "catalog/titles/genres"),
    )
    written = "".join(
        f'<category scheme="http://api.netflix.com/{scheme}" label="l{n}" term="t"/>'
        for n, scheme in enumerate(schemes)
    )
    (entry,) = await read(parser, f"<queue><queue_item>{written}</queue_item></queue>", Kind.QUEUE)
    assert entry.facts["category"] == "l7, l8"


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────


@given(
    st.text(alphabet="<img src='\"=>/ah:.p&;#", max_size=400),
    st.sampled_from(["", "https://h.example/x?y", "x"]),
)
async def test_any_text_is_looked_through(text: str, base: str) -> None:
    """No text makes the search for a picture raise, and what it finds is an address of the web."""
    sight = Sight(base)
    sight.see_text("content", "<img " + text)
    found = sight.finish(origin_of_document(base)).picture
    assert found is None or found.startswith(("http://", "https://"))
    assert picture_address(base, text) is None or base


async def test_entry_of_thousands_of_pictures_is_looked_at_in_no_time(parser: Parser) -> None:
    """An album is read to its first pictures; a text that is all of them, too."""
    many = f'<media:thumbnail url="{PNG}"/>' * 1900
    text = escape("<img src='/dot.gif' width=1>" * 20_000)
    for body in (rss(many), atom(many), rss(f"<description>{text}</description>")):
        (entry,) = await read(parser, body)
        assert entry.details.picture in (PNG, None)
