"""Honest documents that are large, deep or old-fashioned: no limit that keeps attacks out may meet one."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from feedwatch.core.content import content_of
from feedwatch.core.model import Kind, Page
from feedwatch.parse import NeedsFeedparser, Parser, read_direct
from feedwatch.parse.budget import memory_for, seconds_for
from feedwatch.parse.guard import MOST_ENTRIES

RSS = (
    '<?xml version="1.0" encoding="{1}"?>\n<rss version="2.0"{2}><channel><title>t</title>{0}</channel></rss>'
)
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id>{0}</feed>'
WORDS = [
    "the",
    "of",
    "and",
    "a",
    "to",
    "in",
    "is",
    "you",
    "that",
    "it",
    "he",
    "was",
    "for",
    "on",
    "are",
    "as",
    "with",
    "his",
    "they",
    "I",
    "at",
    "be",
    "this",
    "have",
]


def rss(inside: str, encoding: str = "UTF-8", more: str = "") -> bytes:
    return RSS.format(inside, encoding, more).encode(encoding)


def prose(number: int, words: int) -> str:
    """A text as people write it, with markup as RSS carries it."""
    dice = random.Random(number)
    text = " ".join(dice.choices(WORDS, k=words))
    return f'&lt;p class="a"&gt;{text}&lt;/p&gt;\n&lt;img src="https://h.example/{number}.png"/&gt;'


def post(number: int, words: int = 12) -> str:
    return (
        f"<item><title>Post {number}</title><link>https://h.example/{number}</link>"
        f"<guid>https://h.example/?p={number}</guid><pubDate>Sun, 01 Nov 2026 12:00:00 +0000</pubDate>"
        f"<author>jane@h.example (Jane)</author><category>a</category><category>b</category>"
        f"<description>{prose(number, words)}</description></item>"
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[Parser]:
    async with aclosing(Parser()) as parser:
        yield parser


async def read(parser: Parser, body: bytes, kind: Kind = Kind.QUEUE, content_type: str | None = None) -> Page:
    page = await parser.read_page(body, kind=kind, url="http://h.example/", content_type=content_type)
    assert isinstance(page, Page), page
    return page


@pytest.mark.asyncio(loop_scope="module")
async def test_list_of_20_000_entries_is_read(parser: Parser) -> None:
    """As many as there may be, in Atom."""
    entry = '<entry><id>u/{0}</id><title>T {0}</title><link href="https://h.example/{0}"/></entry>'
    page = await read(parser, ATOM.format("".join(entry.format(n) for n in range(MOST_ENTRIES))).encode())
    assert len(page.entries) == MOST_ENTRIES


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("count", [1000, pytest.param(MOST_ENTRIES, marks=pytest.mark.long)])
async def test_long_list_in_rss_is_read(parser: Parser, count: int) -> None:
    """As many as there may be, by feedparser."""
    body = rss("".join(post(number) for number in range(count)))
    page = await read(parser, body)
    assert [entry.id for entry in page.entries] == [f"https://h.example/?p={n}" for n in range(count)]


@pytest.mark.long
@pytest.mark.asyncio(loop_scope="module")
async def test_ten_megabytes_of_posts_are_read(parser: Parser) -> None:
    """The largest body that is read by default, full of text."""
    body = rss("".join(post(number, words=900) for number in range(2700)))
    assert 9_000_000 < len(body) < 10 * 1024 * 1024
    assert len((await read(parser, body)).entries) == 2700


def test_allowance_fits_a_machine_fifteen_times_slower() -> None:
    """On the machine that was measured, a document takes far less: see docs/decisions."""
    usual = b"".join((b"<rss>", *(b"<item><title>a title</title></item>" for _ in range(25)), b" " * 48_000))
    assert seconds_for(usual) > 0.5  # it takes 10 ms there
    assert seconds_for(b"<a></a>" * 80_000) > 15  # 1 s
    assert memory_for(usual) > 40_000_000
    assert seconds_for(b"x" * 1000) < 1  # what is small and stays away for long is stopped soon


@pytest.mark.asyncio(loop_scope="module")
async def test_podcast_that_declares_200_namespaces_is_read(parser: Parser) -> None:
    """Some publishers declare at the top whatever they have ever heard of."""
    known = ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/"'
    declared = known + "".join(f' xmlns:n{number}="https://ns.example/{number}/"' for number in range(198))
    episode = (
        "<item><title>Episode 1</title><itunes:title>1</itunes:title><itunes:author>Jane</itunes:author>"
        '<guid isPermaLink="false">e1</guid><enclosure url="https://h/1.mp3" length="1" type="audio/mpeg"/>'
        '<media:group><media:content url="u"/><media:description>d</media:description></media:group>'
        "<itunes:duration>1:00</itunes:duration><n7:x n8:y='z'>1</n7:x></item>"
    )
    (entry,) = (await read(parser, rss(episode, more=declared))).entries
    assert (entry.id, entry.title) == ("e1", "Episode 1")


@pytest.mark.asyncio(loop_scope="module")
async def test_deep_xhtml_is_read(parser: Parser) -> None:
    """Quotes within quotes, as a mailing list has them, a hundred deep."""
    deep = "<blockquote><p>x</p>" * 100 + "</blockquote>" * 100
    xhtml = f"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>{deep}</div></content>"
    page = await read(parser, ATOM.format(f"<entry><id>1</id><title>a</title>{xhtml}</entry>").encode())
    assert content_of(page.entries[0])
    inline = f"<item><title>a</title><body xmlns='http://www.w3.org/1999/xhtml'>{deep}</body></item>"
    page = await read(parser, rss(inline))
    assert content_of(page.entries[0])


@pytest.mark.asyncio(loop_scope="module")
async def test_album_of_500_pictures_is_read(parser: Parser) -> None:
    """One post, with all its pictures and whom they show."""
    pictures = "".join(
        f'<media:content url="https://h/{n}.jpg"/><category>p{n}</category>' for n in range(500)
    )
    body = rss(
        f"<item><title>Album</title>{pictures}</item>", more=' xmlns:media="http://search.yahoo.com/mrss/"'
    )
    assert [entry.title for entry in (await read(parser, body)).entries] == ["Album"]


@pytest.mark.asyncio(loop_scope="module")
async def test_post_of_three_megabytes_is_read(parser: Parser) -> None:
    """A post that carries its pictures in itself."""
    body = rss(
        f"<item><title>a</title><description>&lt;img src='{'QUJD' * 750_000}'/&gt;</description></item>"
    )
    assert content_of((await read(parser, body)).entries[0])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-16", "utf-16-le", "iso-8859-5", "windows-1251", "koi8-r", "cp866"),
        *("gb2312", "gb18030", "big5", "euc-jp", "shift_jis", "iso-2022-jp", "euc-kr"),
    ],
)
async def test_feed_in_an_encoding_of_its_country_is_read(parser: Parser, encoding: str) -> None:
    """As its declaration says, and the same where only the server says so."""
    text = "Фильм" if encoding in ("iso-8859-5", "windows-1251", "koi8-r", "cp866") else "日本"
    text = "영화" if encoding == "euc-kr" else text
    named = "utf-16" if encoding == "utf-16-le" else encoding
    body = RSS.format(f"<item><title>{text}</title></item>", named, "").encode(encoding)
    for kind in (Kind.QUEUE, Kind.STREAM):
        assert [entry.title for entry in (await read(parser, body, kind)).entries] == [text]
    outside = RSS.format(f"<item><title>{text}</title></item>", "", "").partition("?>\n")[2].encode(encoding)
    content_type = f'application/rss+xml; charset="{named}"'
    assert [entry.title for entry in (await read(parser, outside, content_type=content_type)).entries] == [
        text
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_sloppy_post_with_a_few_stray_brackets_is_read(parser: Parser) -> None:
    """`if a < b && c > d`, written into a title as it is."""
    posts = "".join(f"<item><title>if a < {n} && c > d</title><guid>{n}</guid></item>" for n in range(40))
    page = await read(parser, rss(posts), Kind.STREAM)
    assert [entry.id for entry in page.entries] == [str(n) for n in range(40)]


def test_what_feedparser_sees_holds_nothing_but_the_list() -> None:
    """No declaration, no comment, no attribute and no element that no entry is made of."""
    body = (
        b'<?xml version="1.0"?><!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x"><!-- c -->'
        b'<rss version="2.0" xmlns:m="u"><channel a="1"><image><title>i</title></image><ttl>60</ttl>'
        b'<item m:a="1"><title a="1">T <b>u</b></title><author>a</author><pubDate>'
        + b"9"
        * 101
        + b"</pubDate>"
        b'<link rel="x" href="y"/><m:watchedDate>2026-11-01</m:watchedDate><abstract>s</abstract></item>'
        b"<?pi x?></channel></rss>"
    )
    read = read_direct(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
    assert isinstance(read, NeedsFeedparser)
    assert read.body == (
        b'<rss xmlns:m="u" version="2.0"><channel><ttl>60</ttl><item><title>T u</title>'
        b'<link rel="x" href="y"/><m:watchedDate>2026-11-01</m:watchedDate><abstract>s</abstract></item>'
        b"</channel></rss>"
    )
