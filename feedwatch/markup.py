"""Bytes of a small XML document → its root element, strictly.

No entities, no DTD, no network, never repaired: a lenient parser quietly changes addresses. The one
mend it makes is the commonest fault of such documents, a bare `&`, and the result is read strictly.
"""

from __future__ import annotations

import re

from lxml import etree

from feedwatch.core.model import ParseFailed, Reason

Element = etree._Element  # noqa: SLF001 — the public name of lxml's element type is private

_MOST_BYTES = 4 * 1024 * 1024  # some 20,000 outlines; a tree of many times this would fill a small machine
_LARGEST_TREE = 450_000  # tags, and attributes twice: each takes as much memory as two tags
_BARE_AMPERSAND = re.compile(rb"&(?!(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?+\s*+(?:<\?xml[^>]*+>)?+\s*+")
_HTML = re.compile(
    # Comments are taken whole and once: tried in every way, a few dozen of them would take for ever.
    rb"(?:\xef\xbb\xbf)?+(?:\s++|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<(?:!doctype\s+)?html\b",
    re.IGNORECASE | re.DOTALL,
)


def read_markup(body: bytes) -> Element | ParseFailed:
    """Parse a document, or say why it cannot be believed."""
    if (refused := _refuse_unread(body)) is not None:
        return refused
    try:
        root = _parse_strictly(body)
    except etree.XMLSyntaxError as broken:
        return _parse_mended(body, broken)
    return _refuse_dtd(root)


def name_of(element: Element) -> str:
    """An element's name in lower case, without its namespace; empty for a comment or an instruction."""
    tag: object = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def attributes_of(element: Element) -> dict[str, str]:
    """An element's attributes by lower-case name; the first of two spellings wins."""
    found: dict[str, str] = {}
    for name, value in element.items():
        found.setdefault(str(name).rpartition("}")[2].lower(), str(value))
    return found


def _refuse_unread(body: bytes) -> ParseFailed | None:
    if len(body) > _MOST_BYTES:
        return ParseFailed(Reason.TOO_LARGE, f"{len(body)} bytes")
    if body.count(b"<") + 2 * body.count(b"=") > _LARGEST_TREE:
        return ParseFailed(Reason.HOSTILE, "too many elements")
    if _BLANK.fullmatch(body):
        return ParseFailed(Reason.EMPTY_BODY)
    if _HTML.match(body[:4096]):
        return ParseFailed(Reason.NOT_A_FEED, "an HTML page")
    return None


def _parse_strictly(body: bytes) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False
    )
    return etree.fromstring(body, parser)


def _parse_mended(body: bytes, broken: etree.XMLSyntaxError) -> Element | ParseFailed:
    if b"<!DOCTYPE" in body:
        return ParseFailed(Reason.HOSTILE, "declares a document type")
    try:
        return _refuse_dtd(_parse_strictly(_BARE_AMPERSAND.sub(b"&amp;", body)))
    except etree.XMLSyntaxError:
        line, column = broken.position
        return ParseFailed(Reason.MALFORMED, f"not well-formed at line {line}, column {column}")


def _refuse_dtd(root: Element) -> Element | ParseFailed:
    documented: object = root.getroottree().docinfo.internalDTD
    if documented is not None:
        return ParseFailed(Reason.HOSTILE, "declares a document type")
    return root
