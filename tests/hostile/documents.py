"""Documents that are made to hurt who reads them: by the name of what they do, each made when asked for.

None of them is a feed that is merely odd: all must end as a failed poll. Those that are odd, made of what
a reader can be slow at, and feeds all the same, are in `ODD`.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MB = 1_000_000
XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Served:
    """A document with the headers it is served with."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


Made = bytes | Served
RSS = b'<rss version="2.0"><channel><title>t</title>%s</channel></rss>'
ITEM = b"<item><guid>1</guid><title>One</title>%s</item>"
BAD = b"<item><title>a & b</title></item>"
"""What makes a document one that is not well-formed, and that posts are read from all the same."""
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id>%s</feed>'
ENTRY = b"<entry><id>1</id><title>One</title>%s</entry>"
RDF = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    b"<channel/>%s</rdf:RDF>"
)
OLD_ATOM = b'<feed version="0.3" xmlns="http://purl.org/atom/ns#">%s</feed>'
QUEUE = b"<queue>%s</queue>"
JSON_FEED = b'{"version": "https://jsonfeed.org/version/1.1", "items": %s}'


def in_item(inside: bytes) -> bytes:
    """In the one item of an RSS feed."""
    return RSS % (ITEM % inside)


def in_entry(inside: bytes) -> bytes:
    """In the one entry of an Atom feed."""
    return ATOM % (ENTRY % inside)


def in_broken(inside: bytes) -> bytes:
    """In an RSS feed that is not well-formed, for the reader of broken documents."""
    return RSS % (BAD + ITEM % inside)


def declaring(subset: str, body: bytes = RSS % (ITEM % b"")) -> bytes:
    """With an internal subset."""
    return f"<!DOCTYPE x [{subset}]>".encode() + body


def numbered(pattern: bytes, count: int) -> bytes:
    """The same with another number each time."""
    return b"".join(pattern.replace(b"#", b"%d" % number) for number in range(count))


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + closing * depth


def laughs(depth: int = 10, width: int = 10) -> str:
    levels = [f'<!ENTITY l{n} "{f"&l{n - 1};" * width}">' for n in range(1, depth)]
    return '<!ENTITY l0 "ha">' + "".join(levels)


def packed(body: bytes) -> Served:
    return Served(gzip.compress(body, 9), {"Content-Encoding": "gzip"})


def bomb(wrapper: int = 31) -> bytes:
    """Spaces, packed to a thousandth; as gzip fifty times in a row, which is one document too."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wrapper)
    packed_once = packer.compress(b" " * 20 * MB) + packer.flush()
    return packed_once * 50 if wrapper == 31 else packed_once


def zipped(name: str, body: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return file.getvalue()


def noise(size: int) -> bytes:
    return random.Random(3).randbytes(size)


LAUGHING = RSS % (ITEM % b"<description>&l9;</description>")
BLOW_UP = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'.encode()
OUTSIDE = "http://127.0.0.1:9/x"
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>%s</body></html>"

ENTITIES: dict[str, Callable[[], Made]] = {
    "a billion laughs": lambda: declaring(laughs(), LAUGHING),
    "a billion laughs in an attribute": lambda: declaring(laughs(), in_item(b'<link href="&l9;"/>')),
    "a billion laughs in Atom": lambda: declaring(laughs(), in_entry(b"<summary>&l9;</summary>")),
    "a billion laughs in a broken document": lambda: declaring(laughs(), in_broken(b"<title>&l9;</title>")),
    "a billion laughs in UTF-16": lambda: declaring(laughs(), LAUGHING).decode().encode("utf-16"),
    "a billion laughs in UTF-16 without a mark": lambda: (
        declaring(laughs(), LAUGHING).decode().encode("utf-16-be")
    ),
    "a billion laughs in UTF-32": lambda: declaring(laughs(), LAUGHING).decode().encode("utf-32"),
    "a billion laughs in UTF-7": lambda: (
        b'<?xml version="1.0" encoding="utf-7"?>' + declaring(laughs(), LAUGHING).decode().encode("utf-7")
    ),
    "a billion laughs in UTF-7 by the header": lambda: Served(
        b"+ADw-" + declaring(laughs(), LAUGHING)[1:], {"Content-Type": "text/xml; charset=utf-7"}
    ),
    "a billion laughs in EBCDIC": lambda: (
        '<?xml version="1.0" encoding="cp037"?>' + declaring(laughs(), LAUGHING).decode()
    ).encode("cp037"),
    "a billion laughs in UTF-16 behind a declaration": lambda: (
        b'<?xml version="1.0" encoding="utf-16le"?>'
        + declaring(laughs(), LAUGHING).decode().encode("utf-16-le")
    ),
    "laughs that are a tree of parameters": lambda: declaring(
        "<!ENTITY % a '<!ENTITY b \"x\">'>" + "%a;" * 10_000, in_item(b"<description>&b;</description>")
    ),
    "a quadratic blow-up": lambda: BLOW_UP + in_item(b"<description>" + b"&a;" * 50_000 + b"</description>"),
    "a quadratic blow-up in a list": lambda: BLOW_UP + QUEUE % (b"<etag>" + b"&a;" * 50_000 + b"</etag>"),
    "an entity of itself": lambda: declaring('<!ENTITY a "&b;"><!ENTITY b "&a;">', in_item(b"&a;")),
    "an external entity of a file": lambda: declaring(
        '<!ENTITY a SYSTEM "file:///etc/passwd">', in_item(b"<title>&a;</title>")
    ),
    "an external entity of a device": lambda: declaring(
        '<!ENTITY a SYSTEM "file:///dev/zero">', in_item(b"<title>&a;</title>")
    ),
    "an external entity of the network": lambda: declaring(
        f'<!ENTITY a SYSTEM "{OUTSIDE}">', in_item(b"<title>&a;</title>")
    ),
    "a parameter entity of the network": lambda: declaring(f'<!ENTITY % a SYSTEM "{OUTSIDE}"> %a;'),
    "a subset behind a quoted bracket": lambda: (
        b'<!DOCTYPE rss SYSTEM ">" [<!ENTITY a "x">]>' + in_item(b"<title>&a;</title>")
    ),
    "a subset behind a long comment": lambda: (
        b"<!--" + b"x" * 70_000 + b"-->" + declaring(laughs(), LAUGHING)
    ),
    "a subset behind many comments": lambda: b"<!-- x -->" * 20_000 + declaring(laughs(), LAUGHING),
    "a subset behind many instructions": lambda: b"<?x y?>" * 20_000 + declaring(laughs(), LAUGHING),
    "attributes by default": lambda: declaring(
        f'<!ATTLIST item a CDATA "{"x" * 50_000}">', RSS % (b"<item/>" * 20_000)
    ),
    "a subset without end": lambda: b"<!DOCTYPE rss [" + b'<!ENTITY a "b">' * 100_000,
    "a subset of comments": lambda: declaring("<!-- x -->" * 50_000),
}

SHAPES: dict[str, Callable[[], Made]] = {
    "100,000 levels": lambda: in_item(nested(b"<a>", b"</a>", 100_000)),
    "100,000 levels in Atom": lambda: in_entry(nested(b"<a>", b"</a>", 100_000)),
    "100,000 open levels": lambda: in_item(b"<a>" * 100_000),
    "300 levels of items": lambda: RSS % nested(b"<item>", b"</item>", 300),
    "300 levels of XHTML": lambda: in_entry(
        b"<content type='xhtml'>" + nested(b"<div>", b"</div>", 300) + b"</content>"
    ),
    "300 levels of media groups": lambda: in_item(nested(b"<group>", b"</group>", 300)),
    "300 levels of bases": lambda: in_item(nested(b'<a xml:base="a/">', b"</a>", 300)),
    "100,000 attributes": lambda: in_item(b"<a" + numbered(b' a#="1"', 100_000) + b"/>"),
    "100,000 attributes in Atom": lambda: in_entry(b"<link" + numbered(b' a#="1"', 100_000) + b"/>"),
    "300 attributes on each of 1,000 elements": lambda: in_item(
        (b"<a" + numbered(b' a#="1"', 300) + b"/>") * 1000
    ),
    "100,000 attributes in a broken document": lambda: in_broken(
        b"<a" + numbered(b' a#="1"', 100_000) + b"/>"
    ),
    "100,000 attributes without quotes": lambda: in_broken(b"<a" + numbered(b" a#=1", 100_000) + b"/>"),
    "as many elements as may be, with texts": lambda: in_item(b"<a/>xy" * 299_900),
    "as many elements as may be, in a list": lambda: QUEUE % (b"<a/>xy" * 299_900),
    "as many elements as may be, with attributes": lambda: in_item(b"<a b=''/>x" * 149_900),
    "elements behind a comment in an instruction": lambda: in_item(b"<?x <!-- ?>" + b"<a/>xy" * 499_900),
    "400,000 attributes with long values": lambda: in_item(
        (b"<a" + numbered(b' a#="xxxxxxxxxxxxxxx"', 250) + b"/>") * 1600
    ),
    "a million attributes, 250 on each element": lambda: in_item(
        (b"<a" + numbered(b' a#="1"', 250) + b"/>") * 4000
    ),
    "a million attributes with spaces": lambda: in_item((b"<a" + numbered(b" a# = '1'", 250) + b"/>") * 3000),
    "the same attribute 100,000 times": lambda: in_item(b"<a" + b' a="1"' * 100_000 + b"/>"),
    "an attribute of 9 MB": lambda: in_entry(b'<link rel="x/id" href="' + b"x" * 9 * MB + b'"/>'),
    "an attribute of 11 MB, packed": lambda: packed(in_entry(b'<link href="' + b"x" * 11 * MB + b'"/>')),
    "an attribute without end": lambda: in_item(b'<a b="' + b"x" * 3 * MB),
    "100,000 namespaces": lambda: in_item(b"<a" + numbered(b' xmlns:a#="u:#"', 100_000) + b"/>"),
    "100,000 namespaces in UTF-16": lambda: (
        in_item(b"<a" + numbered(b' xmlns:a#="u:#"', 100_000) + b"/>").decode().encode("utf-16")
    ),
    "a namespace for each of 20,000 items": lambda: (
        RSS % numbered(b'<a#:item xmlns:a#="u:#"><title>x</title></a#:item>', 20_000)
    ),
    "namespaces anew at each of 200 levels": lambda: in_item(
        b"".join(b"<a" + numbered(b' xmlns:b#="u:%d"' % level, 20) + b">" for level in range(200))
        + b"</a>" * 200
    ),
    "a prefix of 100 kB": lambda: in_item(b"<" + b"a" * 100_000 + b':b xmlns:a="u"/>'),
    "a name of 100 kB": lambda: in_item(b"<" + b"a" * 100_000 + b"/>"),
    "a name without end": lambda: in_item(b"<" + b"a" * 3 * MB),
    "two million tiny elements": lambda: in_item(b"<a/>" * (2 * MB)),
    "two million tiny elements in UTF-16": lambda: in_item(b"<a/>" * MB).decode().encode("utf-16"),
    "two million empty items": lambda: RSS % (b"<item/>" * MB),
    "20,001 items": lambda: RSS % (b"<item><title>x</title></item>" * 20_001),
    "20,001 entries": lambda: ATOM % (b"<entry><id>x</id></entry>" * 20_001),
    "a million entries in Atom 0.3": lambda: OLD_ATOM % (b"<entry/>" * MB),
    "30,000 items in RDF": lambda: RDF % (b"<item><title>x</title></item>" * 30_000),
    "30,000 items in CDF": lambda: (
        b"<CHANNEL HREF='http://h.example/'>" + b"<ITEM HREF='http://h.example/1'/>" * 30_000 + b"</CHANNEL>"
    ),
    "30,000 categories in one item": lambda: in_item(numbered(b"<category>#</category>", 30_000)),
    "30,000 links in one entry": lambda: in_entry(
        numbered(b'<link rel="#" href="http://h.example/#"/>', 30_000)
    ),
    "30,000 enclosures in one item": lambda: in_item(
        numbered(b'<enclosure url="http://h.example/#" length="1" type="audio/mpeg"/>', 30_000)
    ),
    "30,000 media contents in one item": lambda: in_item(
        b'<media:content xmlns:media="http://search.yahoo.com/mrss/" url="u"/>' * 30_000
    ),
    "30,000 authors in one item": lambda: in_item(b"<author>a@h.example</author>" * 30_000),
    "30,000 fields in one title of a list": lambda: (
        QUEUE % (b"<queue_item>" + b"<category/>" * 30_000 + b"</queue_item>")
    ),
}

TEXTS: dict[str, Callable[[], Made]] = {
    "a title of 3 MB": lambda: (
        RSS % (b"<item><guid>1</guid><title>" + b"x " * 1_500_000 + b"</title></item>")
    ),
    "a title of 3 MB in Atom": lambda: (
        ATOM % (b"<entry><id>1</id><title>" + b"x " * 1_500_000 + b"</title></entry>")
    ),
    "a title of tags": lambda: in_entry(b"").replace(b"<title>", b"<title type='html'>" + b"&lt;a" * 500_000),
    "an id of 3 MB": lambda: ATOM % (b"<entry><id>" + b"x" * 3 * MB + b"</id></entry>"),
    "an id of 3 MB of control characters": lambda: (
        ATOM % (b"<entry><id>" + b"&#x85;" * 500_000 + b"</id></entry>")
    ),
    "a guid of 3 MB": lambda: RSS % (b"<item><title>x</title><guid>" + b"x" * 3 * MB + b"</guid></item>"),
    "a text of 11 MB, packed": lambda: packed(in_item(b"<description>" + b"x" * 11 * MB + b"</description>")),
    "CDATA without end": lambda: in_item(b"<title><![CDATA[" + b"x" * 3 * MB),
    "a comment without end": lambda: RSS % b"<!--" + b"x" * 3 * MB,
    "100,000 comments that are not closed": lambda: in_broken(b"<!-- " * 100_000),
    "a comment of dashes": lambda: in_item(b"<!--" + b"-" * 3 * MB + b"-->"),
    "an instruction without end": lambda: in_item(b"<?x " + b"y" * 3 * MB),
    "a NUL": lambda: in_item(b"<title>\0</title>"),
    "three million NULs": lambda: RSS % (b"\0" * 3 * MB),
    "broken UTF-8": lambda: in_item(b"<title>\xff\xfe\xc0\x80</title>") + b"<",
    "UTF-8 cut in a character": lambda: in_item(b"<title>\xe2\x82</title>")[:-20],
    "the mark of UTF-16 before UTF-8": lambda: b"\xff\xfe" + RSS % (ITEM % b""),
    "the mark of UTF-32 before UTF-8": lambda: b"\xff\xfe\0\0" + RSS % (ITEM % b""),
    "UTF-16 cut in a character": lambda: RSS.decode().encode("utf-16")[:-1],
    "a charset that nobody knows": lambda: b'<?xml version="1.0" encoding="klingon"?>' + QUEUE % b"",
    "two roots": lambda: (QUEUE % b"") * 2,
    "two feeds": lambda: ATOM % b"" + HTML % b"",
    "a hundred thousand roots": lambda: (QUEUE % b"") * 100_000,
    "white space without end": lambda: b" \n" * (4 * MB),
    "white space, and then no feed": lambda: b"\n" * (3 * MB) + b"x",
    "tags that are never closed": lambda: RSS % (b"<item><title>" * 100_000),
    "closing tags alone": lambda: b"</a>" * 400_000,
}

FAULTS: dict[str, Callable[[], Made]] = {
    f"a document of {piece.decode()!r}": lambda piece=piece: in_broken(  # type: ignore[misc]
        b"<description>" + piece * (500_000 // len(piece)) + b"</description>"
    )
    for piece in (
        *(b"<", b"<!", b"<![", b"<?", b"<!--", b"</", b"<a ", b"<a =", b'<a "', b"<a '", b'<a b="', b"<!x"),
        *(b"<![CDATA[", b"<!DOCTYPE ", b"<a b=c", b"< ", b"<\n", b'"<', b"<1", b"<a/", b"</a", b"<a<b>"),
    )
}
FAULTS |= {
    "brackets behind a comment in an instruction, broken": lambda: in_broken(
        b"<?x <!-- ?>" + b"<<a " * 100_000
    ),
    "2 MB of posts, broken": lambda: RSS % (BAD * 60_000),
    "a tag of 800 kB, broken": lambda: in_broken(b"<a " + b"b " * 400_000 + b">"),
    "a closing tag of 900 kB, broken": lambda: in_broken(b"</a" + b" " * 900_000 + b">"),
}

WIRE: dict[str, Callable[[], Made]] = {
    "a bomb in gzip": lambda: Served(bomb(), {"Content-Encoding": "gzip"}),
    "a bomb in deflate": lambda: Served(bomb(15), {"Content-Encoding": "deflate"}),
    "a bomb in bare deflate": lambda: Served(bomb(-15), {"Content-Encoding": "deflate"}),
    "a bomb in a bomb": lambda: Served(gzip.compress(bomb()), {"Content-Encoding": "gzip"}),
    "gzip twice over": lambda: Served(
        gzip.compress(gzip.compress(RSS % b"")), {"Content-Encoding": "gzip, gzip"}
    ),
    "gzip within gzip": lambda: packed(gzip.compress(RSS % (ITEM % b""))),
    "gzip that does not say so": lambda: gzip.compress(RSS % (ITEM % b"")),
    "gzip cut short": lambda: Served(
        gzip.compress(RSS % (ITEM % noise(5000).hex().encode()))[:-2000], {"Content-Encoding": "gzip"}
    ),
    "gzip of nothing, 20,000 times": lambda: Served(
        gzip.compress(b"") * 20_000, {"Content-Encoding": "gzip"}
    ),
    "what is no gzip": lambda: Served(RSS % (ITEM % b""), {"Content-Encoding": "gzip"}),
    "gzip with a false sum": lambda: Served(
        gzip.compress(RSS % (ITEM % b""))[:-8] + b"\0" * 8, {"Content-Encoding": "gzip"}
    ),
    "a length that is longer than the body": lambda: Served(RSS % b"", {"Content-Length": "5000"}),
    "a length that is shorter than the body": lambda: Served(RSS % (ITEM % b""), {"Content-Length": "60"}),
    "a length below nothing": lambda: Served(RSS % b"", {"Content-Length": "-1"}),
    "12 MB": lambda: RSS % (b"<item><title>" + b"x" * 12 * MB),
    "chunks without a size": lambda: Served(
        b"zz\r\n" + RSS, {"Transfer-Encoding": "chunked", "Content-Length": ""}
    ),
    "brotli that nobody asked for": lambda: Served(b"\x0b\x02\x80", {"Content-Encoding": "br"}),
}

FOREIGN: dict[str, Callable[[], Made]] = {
    "an inclusion": lambda: (
        b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    ),
    "a style sheet of the network": lambda: (
        f'<?xml-stylesheet type="text/xsl" href="{OUTSIDE}"?>'.encode() + HTML % b""
    ),
    "a transformation": lambda: (
        b'<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/>'
    ),
    "an image in SVG that nests its uses": lambda: (
        b'<svg xmlns="http://www.w3.org/2000/svg">'
        + numbered(b'<g id="a#"><use href="#b"/><use href="#b"/></g>', 10_000)
        + b"</svg>"
    ),
    "an HTML page": lambda: Served(HTML % (b"<p>x" * 100_000), {"Content-Type": "text/html"}),
    "an HTML page called a feed": lambda: Served(HTML % b"<rss>", {"Content-Type": "application/rss+xml"}),
    "an XHTML page": lambda: b'<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    "a PDF": lambda: b"%PDF-1.7\n" + noise(MB),
    "a zip bomb": lambda: zipped("feed.xml", b" " * 10 * MB),
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + noise(MB),
    "noise": lambda: noise(3 * MB),
    "noise in angle brackets": lambda: b"<rss>" + noise(3 * MB) + b"</rss>",
    "an error document with a success": lambda: (
        b"<status><status_code>500</status_code><message>" + b"x" * MB + b"</message></status>"
    ),
    "an error document of a million fields": lambda: b"<status>" + b"<a/>" * 400_000 + b"</status>",
    "subscriptions": lambda: b"<opml><body>" + b'<outline text="x"/>' * 100_000 + b"</body></opml>",
}

NUMBERS: dict[str, Callable[[], Made]] = {
    "JSON of a million levels": lambda: b"[" * MB,
    "a JSON Feed of a million levels": lambda: JSON_FEED % (b"[" * MB + b"]" * MB),
    "JSON of a million levels of objects": lambda: b'{"a":' * MB,
    "three million lists in JSON": lambda: JSON_FEED % (b"[" + b"[]," * (3 * MB) + b"[]]"),
    "three million objects in JSON": lambda: JSON_FEED % (b"[" + b"{}," * (3 * MB) + b"{}]"),
    "four million numbers in JSON": lambda: JSON_FEED % (b"[" + b"1," * (4 * MB) + b"1]"),
    "a million strings in JSON": lambda: JSON_FEED % (b"[" + b'"abcdef",' * MB + b'"x"]'),
    "20,001 items in JSON": lambda: JSON_FEED % (b"[" + b"{}," * 20_000 + b"{}]"),
    "a number of a million digits": lambda: JSON_FEED % (b'[{"id": ' + b"9" * MB + b"}]"),
    "a number beyond all numbers": lambda: JSON_FEED % b'[{"id": 1e9999}]',
    "no number at all": lambda: JSON_FEED % b'[{"id": NaN}]',
    "a number without end in JSON": lambda: JSON_FEED % b'[{"id": -Infinity}]',
    "a JSON string without end": lambda: b'{"version": "' + b"x" * 3 * MB,
    "a JSON string of escapes, cut": lambda: JSON_FEED[:-3] + b'[{"id": "' + b"\\u0041" * MB,
    "a JSON title of 3 MB": lambda: JSON_FEED % (b'[{"id": "1", "title": "' + b"x" * 3 * MB + b'"}]'),
    "JSON in UTF-16": lambda: json.dumps({"version": "https://jsonfeed.org/version/1"}).encode("utf-16"),
    "JSON with a byte that is none": lambda: JSON_FEED % b'[{"id": "\xff"}]',
}

SLOW: dict[str, Callable[[], Made]] = {
    "an author in pieces, nearly an address": lambda: in_broken(
        b"<author>" + b"a" * 40_000 + b"<b/>" + b"a." * 30_000 + b"</author>"
    ),
    "blanks by the hundred thousand before XHTML": lambda: (
        ATOM
        % (
            b"<entry><title>a & b</title><content type='xhtml'>"
            + b"&#9;" * 245_000  # as many as what is broken may hold: a quick machine is stopped, too
            + b"<p/></content></entry>"
        )
    ),
}
"""What only shows when it is read, by the reader of broken documents: it is stopped in the middle."""

DOCUMENTS: dict[str, Callable[[], Made]] = {
    **ENTITIES, **SHAPES, **TEXTS, **FAULTS, **WIRE, **FOREIGN, **NUMBERS, **SLOW,
}  # fmt: skip
"""Each ends as a failed poll, as a list and as posts."""

HARD = "abcdefghij" * 100_000
ODD: dict[str, Callable[[], Made]] = {
    "an author of 900 kB, broken": lambda: in_broken(b"<author>" + HARD.encode()[:900_000] + b"</author>"),
    "700 categories in each of 30 items, broken": lambda: (
        RSS % (BAD + (ITEM % numbered(b"<category>#</category>", 700)) * 30)
    ),
    "ampersands by the hundred thousand, broken": lambda: in_broken(
        b"<description>" + b"& " * 100_000 + b"&a" * 100_000 + b"</description>"
    ),
    "quotes by the hundred thousand, broken": lambda: in_broken(
        b"<description>" + b"'\"" * 200_000 + b"</description>"
    ),
    "a DTD of the network for an attack on its entities": lambda: (
        f'<!DOCTYPE rss SYSTEM "{OUTSIDE}">'.encode() + in_item(b"<title>&defined;&elsewhere;")
    ),
    "CDATA in CDATA": lambda: in_item(b"<title>" + b"<![CDATA[" * 50_000 + b"]]>" * 50_000 + b"</title>"),
    "an author of 1 MB": lambda: in_item(b"<author>" + HARD.encode() + b"</author>"),
    "an author that is nearly an address": lambda: in_item(
        b"<author>" + b"a@" + b"a." * 500_000 + b"</author>"
    ),
    "700 categories in each of 200 items": lambda: (
        RSS % ((ITEM % numbered(b"<category>#</category>", 700)) * 200)
    ),
    "a base of 1 MB for 3,000 items": lambda: (
        b'<rss version="2.0" xml:base="http://h.example/' + HARD.encode() + b'"><channel>'
        + b"<item><title>x</title><link>y</link></item>" * 3_000 + b"</channel></rss>"
    ),
    "a date of 1 MB": lambda: in_item(
        b"<pubDate>" + b"1" * MB + b"</pubDate><pubDate>" + b" , " * 300_000 + b"</pubDate>"
    ),
    "a polygon of a million points": lambda: in_item(
        b'<p:polygon xmlns:p="http://www.georss.org/georss">' + b"1 2 " * MB + b"</p:polygon>"
    ),
    "a million newlines": lambda: in_item(b"<description>" + b"\n" * MB + b"</description>") + b"\n" * MB,
    "a million newlines before the root": lambda: b"<!-- x -->" + b"\n" * MB + in_item(b""),
    "a text of a million words": lambda: in_item(b"<description>" + b"a b &lt;" * MB + b"</description>"),
    "escaped tags by the hundred thousand": lambda: in_item(
        b"<description>" + b"&lt;a href='x" * 200_000 + b"</description>"
    ),
    "as many attributes as may be, with long values": lambda: in_item(
        (b"<a" + numbered(b' a#="' + b"x" * 20 + b'"', 250) + b"/>") * 1190
    ),
    "200 attributes on each of 500 elements": lambda: in_item(
        b"<description>" + (b"<a" + numbered(b' a#="1"', 200) + b"/>") * 500 + b"</description>"
    ),
    "200 levels of XHTML": lambda: in_item(b"<body>" + nested(b"<div>", b"</div>", 200) + b"</body>"),
    "a ttl of 1 MB": lambda: RSS % (b"<ttl>" + b"9" * MB + b"</ttl>" + ITEM % b""),
    "a name of its own for each of 285,000 elements": lambda: (
        RSS % b"".join(ITEM % numbered(b"<a%d.#/>" % item, 1_900) for item in range(150))
    ),
    "a namespace that is declared 800,000 times in a text": lambda: in_item(
        b"<description><![CDATA[" + b"xmlns:a='u'" * 800_000 + b"]]></description>"
    ),
    "titles of entities in each of 130 items": lambda: (
        RSS % ((b"<item><title>" + b"&amp;amp;" * 8_000 + b"</title></item>") * 130)
    ),
    "titles of closing tags in each of 130 items": lambda: (
        RSS % ((b"<item><title>&amp;lt;" + b"&lt;/a" * 10_000 + b"</title></item>") * 130)
    ),
    "UTF-8 that was read as Latin-1, by the megabyte": lambda: in_item(
        b"<description>" + "\xc3\xa9".encode() * 2_400_000 + b"</description>"
    ),
    "1,900 guids in each of 75 items": lambda: (
        RSS % ((b"<item>" + b"<guid>&#233;</guid>" * 1_900 + b"</item>") * 75)
    ),
    "the same key 100,000 times in JSON": lambda: (
        JSON_FEED[:-12] + b'"a": 1, ' * 100_000 + b'"items": [{"id": "1"}]}'
    ),
    "half a character in JSON": lambda: JSON_FEED % b'[{"id": "\\ud800", "title": "\\udfff x"}]',
    "2,000 relative links from a long base": lambda: (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://h.example/' + b"x" * 4000 + b'/">'
        + numbered(b'<entry><id>#</id><link href="y"/></entry>', 2_000) + b"</feed>"
    ),
}  # fmt: skip
"""Each is read, as posts, within the same limits."""
