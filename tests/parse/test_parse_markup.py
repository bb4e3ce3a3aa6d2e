"""Small XML documents of the API and of OPML: read strictly, mended in one thing, refused quickly."""

from __future__ import annotations

import pytest

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.markup import attributes_of, name_of, read_markup

BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r x="&b;">&b;</r>'


@pytest.mark.parametrize("entity", ["&amp;", "&lt;", "&#38;", "&#x26;", "&quot;"])
def test_bare_ampersand_is_the_only_mend(entity: str) -> None:
    """A bare `&` is text; what is an entity already stays one; nothing else is repaired."""
    root = read_markup(f"<r><a href='http://h/?x=1&y=2&copy=3&z;{entity}'/></r>".encode())
    assert not isinstance(root, ParseFailed)
    plain = {"&amp;": "&", "&lt;": "<", "&#38;": "&", "&#x26;": "&", "&quot;": '"'}[entity]
    assert root[0].get("href") == f"http://h/?x=1&y=2&copy=3&z;{plain}"
    broken = read_markup(b"<r><a href='1&2'></r>")
    assert isinstance(broken, ParseFailed)
    assert broken.reason is Reason.MALFORMED


def test_names_and_attributes_are_read_in_any_spelling() -> None:
    """Case and namespace of names do not matter; the first of two spellings wins."""
    root = read_markup(b"<n:Root xmlns:n='urn:n' xmlUrl='1' XMLURL='2' n:X='3'><!-- c --></n:Root>")
    assert not isinstance(root, ParseFailed)
    assert name_of(root) == "root"
    assert name_of(root[0]) == ""
    assert attributes_of(root) == {"xmlurl": "1", "x": "3"}


REFUSED = {
    "nothing": (b"\xef\xbb\xbf \n", Reason.EMPTY_BODY),
    "a declaration alone": (b"<?xml version='1.0'?>\n", Reason.EMPTY_BODY),
    "a page": (
        b"\xef\xbb\xbf<?xml version='1.0'?><!-- a --><!-- b -->\n<!DOCTYPE html><p>",
        Reason.NOT_A_FEED,
    ),
    "entities": (BOMB.encode(), Reason.HOSTILE),
    "entities in UTF-16": (BOMB.encode("utf-16"), Reason.HOSTILE),
    "a file": (b"<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><r>&a;</r>", Reason.HOSTILE),
    "five megabytes": (b"<r>" + b"x" * (5 << 20) + b"</r>", Reason.TOO_LARGE),
    "cut short": (b"<r><a", Reason.MALFORMED),
    "too deep": (b"<a>" * 100_000, Reason.MALFORMED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_believed_is_refused(name: str) -> None:
    """Empty, foreign, broken and hostile documents fail with their reason."""
    body, reason = REFUSED[name]
    refused = read_markup(body)
    assert isinstance(refused, ParseFailed)
    assert refused.reason is reason


@pytest.mark.timeout(3)
@pytest.mark.parametrize("piece", [b"<!---->", b"<!--", b"<?", b"<?x?>", b" ", b"&", b"<a ", b"<!DOCTYPE "])
def test_repetition_takes_no_time(piece: bytes) -> None:
    """Whatever a document repeats, it is judged quickly."""
    read = read_markup(piece * (200_000 // len(piece)) + b"<r/>")
    assert isinstance(read, ParseFailed) or name_of(read) == "r"
