"""In which charset a document is read is settled once; one that hides `<` from a look is refused."""

from __future__ import annotations

import codecs
import encodings.aliases

import pytest

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.parse.charset import Settled, settle_charset

DECLARED = '<?xml version="1.0" encoding="{}"?><rss/>'


def settle(body: bytes, content_type: str | None = None) -> Settled:
    settled = settle_charset(body, content_type)
    assert isinstance(settled, Settled), settled
    return settled


def test_document_comes_before_its_server() -> None:
    """What the document says counts; the server is heard where it says nothing."""
    declared = DECLARED.format("koi8-r").encode()
    assert settle(declared, "text/xml; charset=utf-8") == Settled(declared, None, "koi8-r")
    assert settle(b"<rss/>", "text/xml; charset='koi8-r'") == Settled(b"<rss/>", "koi8-r")
    assert settle(b"\xef\xbb\xbf<rss/>", "text/xml; charset=koi8-r").charset is None
    assert settle(b"<rss/>", "text/xml") == Settled(b"<rss/>", None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ["utf-16", "utf-8", "utf-7", None])
def test_utf_16_is_written_anew_whatever_it_calls_itself(encoding: str, declared: str | None) -> None:
    """It is what its first bytes are; every look at the bytes finds what the parser will."""
    text = DECLARED.format(declared) if declared else "<rss/>"
    assert settle(text.encode(encoding), "text/xml; charset=iso-8859-1") == Settled(b"<rss/>", "utf-8")


@pytest.mark.parametrize("name", ["utf-16", "UTF-16LE", "ucs-2"])
def test_what_is_no_utf_16_is_not_read_as_such(name: str) -> None:
    """Some servers declare it and send UTF-8; and nobody may send UTF-16 behind a declaration in ASCII."""
    assert settle(DECLARED.format(name).encode()) == Settled(b"<rss/>", None)
    assert settle(b"<rss/>", f"text/xml; charset={name}") == Settled(b"<rss/>", None)


@pytest.mark.parametrize(
    "name", ["utf-7", "utf-32", "ucs-4", "cp037", "ebcdic-cp-us", "ibm500", "klingon", "hex", "hz"]
)
def test_other_charsets_are_refused_by_name(name: str) -> None:
    """By the document's word and by the server's."""
    for said in (
        settle_charset(DECLARED.format(name).encode(), None),
        settle_charset(b"<rss/>", f"text/xml; charset={name}"),
    ):
        assert said == ParseFailed(Reason.MALFORMED, "in a charset that is not known")


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "cp037"])
def test_other_charsets_are_refused_by_their_first_bytes(encoding: str) -> None:
    """Whatever they call themselves."""
    assert isinstance(settle_charset(DECLARED.format("utf-8").encode(encoding), None), ParseFailed)


def test_every_charset_that_is_read_writes_markup_as_ascii_does() -> None:
    """Else a document could hide in it what is looked for in bytes."""
    markup = '<!DOCTYPE rss [<!ENTITY a "b">]><a xmlns:b=\'c\' d="e">&a;</a>'
    read = 0
    for name in {*encodings.aliases.aliases, *encodings.aliases.aliases.values()}:
        try:
            codecs.lookup(name).encode("a")
        except (LookupError, TypeError, ValueError):
            continue
        settled = settle_charset(DECLARED.format(name).encode(), None)
        if isinstance(settled, Settled) and settled.declared:
            read += 1
            assert markup.encode(name) == markup.encode("ascii"), name
    assert read > 40
