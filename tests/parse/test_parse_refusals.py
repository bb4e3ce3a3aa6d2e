"""Documents that cannot be believed: each fails with its reason, and in bounded time."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import Kind, Page, ParseFailed, Reason
from feedwatch.parse import NeedsFeedparser, Parser, read_direct
from feedwatch.parse.guard import ends_whole

pytestmark = pytest.mark.timeout(10)
"""Generous: each of these takes well under a second, or, if it is quadratic, for ever."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[Parser]:
    async with aclosing(Parser()) as parser:
        yield parser


ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom">%s</feed>'
RSS = b'<rss version="2.0"><channel><title>t</title>%s</channel></rss>'
ITEM = b"<item><title>One</title><link>http://h.example/1</link></item>"
FORMS = {"atom": ATOM, "rss": RSS, "plain": b"<queue>%s</queue>"}


def laughs(form: str) -> str:
    """Ten levels of ten entities each, in an element and in an attribute."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]>' + form % '<entry a="&l9;"><title>&l9;</title></entry>'


def blow_up(form: str) -> str:
    """One long entity, many times."""
    return f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>' + form % ("&a;" * 50_000)


BAD: dict[str, tuple[bytes, Reason]] = {
    "nothing": (b"", Reason.EMPTY_BODY),
    "white space": (b" \r\n\t" * 1000, Reason.EMPTY_BODY),
    "a byte order mark": (b"\xef\xbb\xbf", Reason.EMPTY_BODY),
    "an XML declaration alone": (b'<?xml version="1.0" encoding="UTF-8"?>\n', Reason.EMPTY_BODY),
    "a comment alone": (b"<?xml version='1.0'?><!-- nothing today -->", Reason.EMPTY_BODY),
    "a declaration in UTF-16": ('<?xml version="1.0"?>'.encode("utf-16"), Reason.EMPTY_BODY),
    "an error document": (
        b"<status><status_code>401</status_code><message>Invalid\n token</message></status>",
        Reason.ERROR_DOCUMENT,
    ),
    "an error in JSON": (b'{"status": {"status_code": "401", "message": "no"}}', Reason.ERROR_DOCUMENT),
    "another error in JSON": (b'{"success": false, "status_message": "no"}', Reason.ERROR_DOCUMENT),
    "an HTML page": (b"<!DOCTYPE html><html><body><p>Sign in</html>", Reason.NOT_A_FEED),
    "an old HTML page": (
        b'<?xml version="1.0"?><!-- x --><!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "x"><HTML>',
        Reason.NOT_A_FEED,
    ),
    "an XHTML page": (b'<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', Reason.NOT_A_FEED),
    "an HTML page after a mark": (b"\xef\xbb\xbf\n<html><br></html>", Reason.NOT_A_FEED),
    "HTML without a head": (b"<p>Down for <b>maintenance</b><br>", Reason.NOT_A_FEED),
    "OPML": (b"<opml><body/></opml>", Reason.NOT_A_FEED),
    "an image": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.NOT_A_FEED),
    "text": (b"Service unavailable", Reason.NOT_A_FEED),
    "binary": (bytes(range(256)) * 100, Reason.NOT_A_FEED),
    "gzip": (gzip.compress(ATOM % b""), Reason.NOT_A_FEED),
    "zeros": (bytes(100_000), Reason.NOT_A_FEED),
    "JSON of another kind": (b'[{"id": 1}]', Reason.NOT_A_FEED),
    "cut JSON": (b'{"version": "https://jsonfeed.org/version/1", "items": [', Reason.MALFORMED),
    "deep JSON": (b"[" * 100_000, Reason.MALFORMED),
    "deeper JSON": (b"[" * 1_000_000, Reason.HOSTILE),
    "a number of a million digits": (b'{"items": ' + b"9" * 1_000_000 + b"}", Reason.MALFORMED),
    "JSON in no encoding": (b'{"version": "\xff"}', Reason.MALFORMED),
    "a JSON Feed without items": (b'{"version": "https://jsonfeed.org/version/1"}', Reason.MALFORMED),
    "a JSON Feed of a million": (
        b'{"version": "https://jsonfeed.org/version/1", "items": [' + b"1," * 1_000_000 + b"1]}",
        Reason.HOSTILE,
    ),
    "cut Atom": ((ATOM % b"<entry><id>1</id></entry><entry><id>2")[:-7], Reason.MALFORMED),
    "cut Atom between entries": (ATOM[:-7] % b"<entry><id>1</id></entry>", Reason.MALFORMED),
    "cut RSS": ((RSS % (ITEM * 3))[:-30], Reason.MALFORMED),
    "RSS cut between items": (RSS[:-16] % ITEM, Reason.MALFORMED),
    "cut RSS that quotes its own end": (RSS[:-16] % b"<item><title><![CDATA[</rss>", Reason.MALFORMED),
    "NUL in Atom": (ATOM % b"<entry>\0</entry>", Reason.MALFORMED),
    "an encoding nobody knows": (b"<?xml version='1.0' encoding='klingon'?><queue/>", Reason.MALFORMED),
    "entities for nothing": (b"<!DOCTYPE rss [<!ENTITY a 'b'>]>" + RSS % b"", Reason.HOSTILE),
    "an external entity": (
        b'<!DOCTYPE queue [<!ENTITY a SYSTEM "file:///etc/passwd">]><queue><etag>&a;</etag></queue>',
        Reason.HOSTILE,
    ),
    "an external entity in UTF-16": (
        '<!DOCTYPE queue [<!ENTITY a SYSTEM "file:///etc/passwd">]><queue><etag>&a;</etag></queue>'.encode(
            "utf-16"
        ),
        Reason.HOSTILE,
    ),
    "a parameter entity": (
        b'<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;]>' + RSS % b"",
        Reason.HOSTILE,
    ),
    "entries by the ten thousand": (ATOM % (b"<entry/>" * 40_001), Reason.HOSTILE),
    "just too many entries": (ATOM % (b"<entry/>" * 20_001), Reason.HOSTILE),
    "a million tiny elements": (ATOM % (b"<entry>" + b"<a/>" * 1_000_000 + b"</entry>"), Reason.HOSTILE),
    "50 MB of entries": (ATOM % (b"<entry><title>x</title></entry>" * 1_700_000), Reason.HOSTILE),
    "a text of 11 MB": (ATOM % (b"<entry><title>" + b"x" * 11_000_000 + b"</title></entry>"), Reason.HOSTILE),
    "a name of 100 kB": (ATOM % (b"<" + b"a" * 100_000 + b"/>"), Reason.HOSTILE),
    "an attribute of 11 MB": (ATOM % (b'<a b="' + b"x" * 11_000_000 + b'"/>'), Reason.HOSTILE),
}
for name, form in FORMS.items():
    text = form.decode()
    BAD |= {
        f"billion laughs in {name}": (laughs(text).encode(), Reason.HOSTILE),
        f"billion laughs in {name}, UTF-16": (laughs(text).encode("utf-16"), Reason.HOSTILE),
        f"quadratic blow-up in {name}": (blow_up(text).encode(), Reason.HOSTILE),
        f"100,000 attributes in {name}": (
            form % (b"<a " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/>"),
            Reason.HOSTILE,
        ),
        f"100,000 namespaces in {name}": (
            form % (b"<a " + b" ".join(b'xmlns:a%d="u:%d"' % (n, n) for n in range(100_000)) + b"/>"),
            Reason.HOSTILE,
        ),
        f"100,000 levels in {name}": (form % (b"<a>" * 100_000 + b"</a>" * 100_000), Reason.HOSTILE),
        f"100,000 open levels in {name}": (form % (b"<a>" * 100_000), Reason.HOSTILE),
    }


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", [Kind.STREAM, Kind.QUEUE])
@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_believed_fails_with_its_reason(parser: Parser, name: str, kind: Kind) -> None:
    """An error, a page, a fragment or an attack is no list, whatever the feed is taken for."""
    body, reason = BAD[name]
    failure = await parser.read_page(body, kind=kind, url="http://h.example/", content_type="application/xml")
    assert isinstance(failure, ParseFailed), failure
    assert failure.reason is reason, failure
    assert len(failure.detail) <= 200


def test_error_document_gives_its_message() -> None:
    """What a server says of its error is kept, in one line."""
    body, _ = BAD["an error document"]
    failure = read_direct(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
    assert failure == ParseFailed(Reason.ERROR_DOCUMENT, "Invalid token")


def test_detail_repeats_nothing_of_the_document() -> None:
    """A reason says where a document is broken, and quotes none of it: it may hold a token."""
    body = b"<queue><T1u.secret>&T1u.secret;</T1u.other></queue>"
    failure = read_direct(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
    assert isinstance(failure, ParseFailed)
    assert "T1u" not in failure.detail
    assert "line 1" in failure.detail


# ── what is broken, and read all the same ─────────────────────────────────────────────────────────

SLOPPY = {
    "a bare ampersand": RSS % b"<item><title>a & b</title></item>",
    "an entity of HTML": RSS % b"<item><title>a&nbsp;b</title></item>",
    "a prefix that is not declared": RSS % b"<item><title>a</title><x:y>1</x:y></item>",
    "a comment at the end": RSS % b"<item><title>a & b</title></item>" + b"\n<!-- x --><!-- y -->\n",
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", SLOPPY)
async def test_broken_post_is_read_and_a_broken_list_is_not(parser: Parser, name: str) -> None:
    """Posts come out of a sloppy document; a list, where absence means removal, does not."""
    for kind in (Kind.STREAM, Kind.HISTORY, Kind.RECOMMENDATIONS):
        page = await parser.read_page(SLOPPY[name], kind=kind, url="http://h.example/", content_type=None)
        assert isinstance(page, Page), page
        assert len(page.entries) == 1
    for kind in (Kind.QUEUE, Kind.RATINGS):
        failure = await parser.read_page(SLOPPY[name], kind=kind, url="http://h.example/", content_type=None)
        assert isinstance(failure, ParseFailed)
        assert failure.reason is Reason.MALFORMED


BROKEN_HOSTILE = {
    "attributes": b"<a " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/>",
    "entities": b'<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
    "namespaces": b"".join(b'<a xmlns:a%d="u:%d"/>' % (n, n) for n in range(2000)),
}


@pytest.mark.parametrize("name", BROKEN_HOSTILE)
def test_broken_document_is_no_way_around_the_limits(name: str) -> None:
    """What would be refused in a well-formed document is refused in a broken one too."""
    body = RSS % (b"<item><title>a & b</title></item>" + BROKEN_HOSTILE[name])
    if name == "entities":
        body = BROKEN_HOSTILE[name] + RSS % b"<item><title>&b; & c</title></item>"
    failure = read_direct(body, kind=Kind.STREAM, url="http://h.example/", content_type=None)
    assert isinstance(failure, ParseFailed)
    assert failure.reason is Reason.HOSTILE


# ── time ──────────────────────────────────────────────────────────────────────────────────────────

PIECES = [
    b"<", b">", b"/>", b"</rss>", b"<rss>", b"<!--", b"-->", b"<!---->", b"<![CDATA[", b"]]>", b"<?", b"?>",
    b"<?xml ", b"<!DOCTYPE ", b"[", b"&", b"&amp;", b'a="', b"'", b"=", b" xmlns:a", b" ", b"\n", b"a",
    b"<a ", b"{", b"[[", b'"', b"\\u", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"entry", b"/catalog/titles/a/",
]  # fmt: skip


@pytest.mark.parametrize("piece", [*PIECES, *(one + two for one in PIECES[:12] for two in PIECES[:12])])
@pytest.mark.timeout(3)
def test_repetition_takes_no_time(piece: bytes) -> None:
    """Whatever stands in a document a hundred thousand times over, judging it is quick."""
    many = piece * (100_000 // len(piece))
    for body in (many, RSS % many, RSS % b"" + many + b"x", many + RSS % b""):
        read = read_direct(body, kind=Kind.STREAM, url="http://h.example/", content_type=None)
        assert not isinstance(read, Page) or not read.entries


@pytest.mark.timeout(3)
def test_hostile_facts_take_no_time() -> None:
    """Texts and addresses within a well-formed entry are bounded as well."""
    long = b"/catalog/titles/a/" * 40_000
    facts = b'<entry><id>%s</id><link rel="x" href="%s"/><link href="%s"/>' % (long, long, long)
    facts += b"<title type='html'>" + b"&lt;a" * 100_000 + b"</title><position>" + b"9" * 100_000
    page = read_direct(
        ATOM % (facts + b"</position></entry>"), kind=Kind.QUEUE, url="http://h.example/", content_type=None
    )
    assert isinstance(page, Page)
    (entry,) = page.entries
    assert (entry.title_ref, entry.link, entry.position) == (None, None, None)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=30).map(b"".join), st.booleans())
def test_any_bytes_are_a_page_or_a_failure(body: bytes, wrapped: bool) -> None:  # noqa: FBT001 — drawn
    """No bytes whatever make the reader raise."""
    for form in FORMS.values() if wrapped else (b"%s",):
        read = read_direct(
            form % body, kind=Kind.QUEUE, url="http://h.example/", content_type="x; charset=utf-7"
        )
        assert isinstance(read, Page | ParseFailed | NeedsFeedparser)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)  # what is beyond them is no JSON
VALUE = st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=9) | st.just("//[x")
FIELDS = ["id", "url", "external_url", "title", "summary", "content_text", "content_html", "date_published"]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUE | st.lists(VALUE, max_size=2)), max_size=4))
def test_any_json_feed_is_a_page(items: list[dict[str, object]]) -> None:
    """Items of any shape are read, and what comes out can be written anywhere."""
    body = json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()
    page = read_direct(body, kind=Kind.STREAM, url="http://h.example/", content_type=None)
    assert isinstance(page, Page)
    assert len(page.entries) == len(items)
    for entry in page.entries:
        f"{entry.id}{entry.title}{entry.link}".encode()


@given(
    st.lists(st.sampled_from([b"<rss>", b"</rss>", b"<!-- x -->", b" ", b"x", b"<rss", b"-->"])).map(b"".join)
)
def test_whole_is_what_ends_with_its_root(body: bytes) -> None:
    """A document ends whole if nothing but comments follows the last closing tag of its root."""
    begun = b"<rss>" + body
    rest = begun.rpartition(b"</rss>")[2].replace(b"<!-- x -->", b"").strip()
    assert ends_whole(begun) == (b"</rss>" in begun and not rest)
