"""Feeds for whoever compares two readers: drawn from all that feeds are made of, or real with a change."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st
from lxml import etree

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
ATOM = "http://www.w3.org/2005/Atom"
XLINK = "http://www.w3.org/1999/xlink"
SPACES = {
    "atom": ATOM,
    "cf": "http://www.microsoft.com/schemas/rss/core/2005",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "fh": "http://purl.org/syndication/history/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "letterboxd": "https://letterboxd.com",
    "media": "http://search.yahoo.com/mrss/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in SPACES.items())

# ── texts ─────────────────────────────────────────────────────────────────────────────────────────

_PLAIN_TEXTS = [
    *("", " ", "\n\t", "One", " two words\n", "AT&amp;T", "A & B", "1 < 2", "Q&A;", "日本語", "\U0001f600"),
    *("tag:1,2", "4.5", "1999", "0", "list", "daily", "60", "not_interested", "x" * 101, "a\rb\r\nc", "]]>"),
]
_DATES = [
    *("Sat, 31 Oct 2026 12:00:00 GMT", "2026-10-31T12:00:00Z", "31 Oct 26", "yesterday", "2026-10-31"),
    *("1793448000", "Sat, 31 Oct 2026 12:00 EST", " 2026-10-31T12:00:00+01:00 "),
]
_HTML = [
    *("<b>bold</b>", "<b>open", "a</x-y>b", "<i>It</i> &lt;3", "I <3 you &hearts;", "caf&eacute;"),
    *("caf&bogus;", "&#233;t&#xe9;", "</script>x", "<marquee>no</marquee>", "<P>Upper</P>"),
    *("&amp;amp;", "<!-- c -->d", "<img src='http://i.example/p.jpg'/>text"),
    *("<p>Some <a href='/x'>HTML</a></p>", "<![CDATA[x]]>"),
]
_LETTERS = [
    *("caf\xc3\xa9", "caf\xe9", "\u2019\xe2\u20ac", "win\x93dows\x94", "\x81\x8d", "\xa0nbsp\xa0"),
    *("\x85next", "\u3000wide\u2028", "\u202ertl", "\u212aelvin", "\xe2\x80\x99"),
]
_ADDRESSES = [
    *("http://h.example/1", "http:////h.example//2", "HTTP://h.example/a?b=1&c=2", "http://h.example/?a=1&amp;b;=2"),
    *("/rel/ative", "?q", "#top", "posts/3#top", "mailto:x@y", "http://[bad", "urn:uuid:1", "&copy;=1"),
    *(" http://x ", "//h.example/3", "x\thttp:////y"),
]  # fmt: skip
SOUND_TEXTS = st.sampled_from(_PLAIN_TEXTS + _DATES + _HTML + ["http://h.example/1", "/x", "urn:uuid:1"])
"""Texts in which nothing is to be repaired."""
_ANY = st.text(st.characters(codec="utf-8"), max_size=12)
TEXTS = st.sampled_from(_PLAIN_TEXTS + _DATES + _HTML + _LETTERS + _ADDRESSES) | _ANY


def xml_of(text: str) -> str:
    """A text as it may stand in XML."""
    may_stand = "".join(c for c in text if c in "\t\n\r" or " " <= c < "\ufffe" or c > "\uffff")
    return escape(may_stand).replace("\r", "&#13;")


@st.composite
def written(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> str:
    """A text as somebody writes it: escaped, in CDATA, or around a comment."""
    text = xml_of(draw(texts))
    how = draw(st.integers(0, 5))
    if how == 0 and "&" not in text:
        return f"<![CDATA[{text}]]>"
    return f"{text}<!-- a comment -->{text}" if how == 1 else text


# ── RSS ───────────────────────────────────────────────────────────────────────────────────────────

_COMMON = ["title", "link", "guid", "pubDate", "description", "content:encoded", "itunes:summary", "dc:date"]
_READ = [
    *("category", "author", "enclosure", "comments", "source", "media:title", "media:description"),
    *("media:content", "media:thumbnail", "media:credit", "media:rating", "dc:title", "dc:creator"),
    *("dc:description", "dc:subject", "dcterms:created", "dcterms:issued", "dcterms:modified"),
    *("itunes:title", "itunes:subtitle", "itunes:author", "itunes:image", "itunes:duration"),
    *("itunes:explicit", "atom:link", "atom:id", "atom:updated", "atom:published", "atom:summary"),
    *("summary", "id", "published", "updated", "pubdate", "PubDate", "GUID", "letterboxd:watchedDate"),
    *("letterboxd:memberRating", "user_read_at", "letterboxd:filmTitle", "letterboxd:filmYear"),
    *("user_rating", "book_published", "thr:total"),
]
_DECLINED = [
    *("atom:title", "atom:content", "body", "abstract", "date", "created", "modified", "encoded"),
    *("dc:identifier", "dcterms:title", "lastBuildDate", "dc:created"),
]
NAMES = st.sampled_from(_COMMON * 12 + _READ * 2 + _DECLINED)
_USUAL_TAGS = {
    "guid": ['guid isPermaLink="false"', 'guid isPermaLink="true"', "guid", 'guid ispermalink="False"'],
    "link": ["link", "link", 'link href="/?a=1&amp;b=2"', 'link rel="self" href="x"', 'link rel="alternate"'],
    "atom:link": ['atom:link href="http:///h"', 'atom:link rel="Alternate" type="text/html" href=" /y "'],
    "media:title": ['media:title type="plain"', 'media:title type="html"', "media:title"],
    "media:description": ['media:description type="html"', 'media:description type="plain"'],
    "media:content": ['media:content url="http://i.example/p.jpg" medium="image"', "media:content"],
    "media:thumbnail": ['media:thumbnail url="http://i.example/t.jpg"'],
    "enclosure": ['enclosure url="http://i.example/e.jpg" type="image/jpeg" length="1"'],
    "category": ["category", 'category domain="x"'],
}  # fmt: skip
_ATTRIBUTES = [
    *("isPermaLink", "ispermalink", "type", "href", "rel", "url", "domain", "xml:lang", "medium"),
    *("text", "xml:base", "mode", "version", "about", "base", "itunes:type", "width", "length"),
]
_VALUES = [
    *("true", "false", "True", "", "html", "plain", "text/html", "text", "xhtml", "HTML", "alternate"),
    *("self", "enclosure", "http://h.example/1", "/x", "image/jpeg", "image"),
    *("http:////h/3 ", "base64"),
]
_ANY_ATTRIBUTES = st.dictionaries(
    st.sampled_from(_ATTRIBUTES), st.sampled_from(_VALUES), min_size=1, max_size=2
)
_REDECLARED = st.sampled_from(
    [
        f' xmlns:x="{XLINK}"',
        f' xmlns:atom="{ATOM}"',
        f' xmlns="{ATOM}"',
        ' xmlns:dc="http://purl.org/rss/1.0/modules/content/"',
        ' xmlns:new="urn:x"',
        ' xmlns:media="http://search.yahoo.com/mrss"',
    ]
)


@st.composite
def elements(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> str:
    """An element of an item, mostly as everybody writes it."""
    name = draw(names)
    tag = draw(st.sampled_from(_USUAL_TAGS[name])) if name in _USUAL_TAGS else name
    odd = draw(st.integers(0, 149))
    if odd < 3:
        tag = name + "".join(f" {key}={quoteattr(value)}" for key, value in draw(_ANY_ATTRIBUTES).items())
    elif odd < 6:
        tag = tag + draw(_REDECLARED)
    inner = draw(written())
    if odd > 146:
        inner += f"<em>{draw(written())}</em>{draw(written())}"
    return f"<{tag}>{inner}</{name}>"


@st.composite
def items(draw: st.DrawFn) -> str:
    parts = draw(st.lists(elements(), max_size=9))
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(["media:group"] * 9 + ["group", "atom:group"]))
        group = f"<{name}>{''.join(draw(st.lists(elements(), max_size=4)))}</{name}>"
        parts.insert(draw(st.integers(0, len(parts))), group)
    tag = draw(st.sampled_from(["item"] * 60 + ["item xml:lang='en'", "item about='x'", "item href='/x'"]))
    return f"<{tag}>{draw(st.sampled_from(['', chr(10), ' stray ']))}{''.join(parts)}</item>"


_OF_CHANNEL = [
    *("ttl", "title", "link", "sy:updatePeriod", "sy:updateFrequency", "fh:complete", "cf:treatAs"),
    *("itunes:complete", "image", "ttl"),
]
_MORE_SPACES = [
    *[""] * 30,
    ' xmlns:other="http://purl.org/dc/elements/1.1/"',
    ' xmlns:A="urn:a b"',
    f' xmlns:xlink="{XLINK}"',
    ' xmlns:z="http://purl.org/rss/1.0/"',
]
_VERSIONS = [*["version='2.0'"] * 6, "version='0.91'", "", "version='9'"]


@st.composite
def rss(draw: st.DrawFn) -> bytes:
    """A document in RSS."""
    head = f"{draw(st.sampled_from(_VERSIONS))} {DECLARED}{draw(st.sampled_from(_MORE_SPACES))}"
    children = draw(st.lists(items(), max_size=4))
    children += draw(st.lists(elements(st.sampled_from(_OF_CHANNEL)), max_size=2))
    return f"<rss {head}><channel>{''.join(children)}</channel></rss>".encode()


# ── Atom ──────────────────────────────────────────────────────────────────────────────────────────

_OF_ENTRY = {
    "id": ["id"],
    "title": ["title", "title type='text'", "title type='html'", "title type='HTML'"],
    "link": ["link href='http://h.example/1'", "link rel='alternate' type='text/html' href='/x'"],
    "updated": ["updated"],
    "published": ["published"],
    "summary": ["summary", "summary type='html'"],
    "content": ["content", "content type='html'", "content type='text'"],
    "category": ["category term='a'", "category term='b' label='B'", "category scheme='http://s/g' term='c'"],
    "author": ["author"],
    "thr:total": ["thr:total"],
    "media:thumbnail": ["media:thumbnail url='http://i.example/t.jpg'"],
}  # fmt: skip


@st.composite
def atom(draw: st.DrawFn) -> bytes:
    """A document in Atom, each entry with at most one element of a name."""
    entries = "".join(draw(st.lists(_entries(), max_size=4)))
    base = draw(st.sampled_from(["", "", "xml:base='http://b.example/x/'"]))
    return f"<feed xmlns='{ATOM}' {DECLARED} {base}>{entries}</feed>".encode()


@st.composite
def _entries(draw: st.DrawFn) -> str:
    parts: list[str] = []
    for name in draw(st.lists(st.sampled_from(list(_OF_ENTRY)), unique=True)):
        tag = draw(st.sampled_from(_OF_ENTRY[name]))
        inner = "" if name in ("link", "category") else draw(written(SOUND_TEXTS))
        parts.append(f"<{tag}>{inner}</{name}>")
    return f"<entry>{''.join(parts)}</entry>"


# ── real ones ─────────────────────────────────────────────────────────────────────────────────────

_REPEATED = ("item", "{http://www.w3.org/2005/Atom}entry")


@st.composite
def mutated(draw: st.DrawFn, bodies: Sequence[bytes], *, twice: bool) -> bytes:
    """One of these documents, changed in a few places; `twice`: so that an element may stand there twice."""
    root = etree.fromstring(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        within = list(root.iterdescendants("*"))
        if not within:
            break
        one, other = draw(st.sampled_from(within)), draw(st.sampled_from(within))
        holder = one.getparent()
        assert holder is not None
        match draw(st.integers(0, 5)):
            case 0:
                holder.remove(one)
            case 1 if twice or one.tag in _REPEATED:
                holder.insert(holder.index(one), copy.deepcopy(one))
            case 2 if twice and one is not other and one not in other.iterancestors():
                other.append(one)
            case 3 if not len(one):
                texts = TEXTS if twice else SOUND_TEXTS
                one.text = etree.fromstring(f"<x>{xml_of(draw(texts))}</x>").text
            case 4 if twice:
                one.tag = other.tag
            case 5 if twice and one.attrib:
                del one.attrib[next(iter(one.attrib))]
    return bytes(etree.tostring(root))
