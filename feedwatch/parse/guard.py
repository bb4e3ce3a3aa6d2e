"""Look at bytes before anything reads them: empty, foreign and hostile documents end here."""

from __future__ import annotations

import re

from lxml import etree

from feedwatch.core.model import ParseFailed, Reason

Element = etree._Element  # noqa: SLF001 — the public name of lxml's element type is private

MOST_ENTRIES = 20_000
_MOST_ATTRIBUTES = 256
_DEEPEST = 100

_NOTHING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*(?:<!doctype\s+html\b|<html\b|<head\b|<body\b)",
    re.IGNORECASE | re.DOTALL,
)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*\[", re.IGNORECASE)
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_NAMESPACES = re.compile(rb"\sxmlns(?::[\w.-]+)?\s*=")
_MANY_ATTRIBUTES = re.compile(
    rb"<[\w:.-]+(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')){%d}" % (_MOST_ATTRIBUTES + 1)
)
_ROOT = re.compile(rb"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")


def refuse_unread(body: bytes) -> ParseFailed | None:
    """What needs no reading to be refused. A cheap pass over the bytes, linear in their number."""
    if _NOTHING.fullmatch(body[:4096]) and not body[4096:].strip():
        return ParseFailed(Reason.EMPTY_BODY)
    if _HTML.match(body[:4096]):
        return ParseFailed(Reason.NOT_A_FEED, "an HTML page")
    head = body[:65536]
    if _DOCTYPE.search(head) or _ENTITY.search(body):
        return ParseFailed(Reason.HOSTILE, "declares entities")
    if _count_up_to(_NAMESPACES, body, MOST_ENTRIES) >= MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many namespaces")
    return None


def parse_strictly(body: bytes, charset: str | None = None) -> Element:
    """Parse without entities, DTD, network or repair.

    Raises:
        lxml.etree.XMLSyntaxError: the document is not well-formed.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        encoding=charset,
    )
    return etree.fromstring(body, parser)


def refuse_tree(root: Element) -> ParseFailed | None:
    """What only shows once a document is parsed: a DTD's own parts, depth, attributes, sheer number."""
    if len(root) > MOST_ENTRIES * 2:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    return None


def refuse_for_feedparser(body: bytes) -> ParseFailed | None:
    """What feedparser would choke on (it is quadratic in attributes and namespaces)."""
    if _MANY_ATTRIBUTES.search(body) or _most_in_a_tag(body) > _MOST_ATTRIBUTES:
        return ParseFailed(Reason.HOSTILE, "too many attributes")
    if _count_up_to(_NAMESPACES, body, 2000) >= 2000:
        return ParseFailed(Reason.HOSTILE, "too many namespaces")
    depth = 0
    for match in re.finditer(rb"<(/?)[\w:.-]+[^<>]*?(/?)>", body):
        depth += -1 if match[1] else (0 if match[2] else 1)
        if depth > _DEEPEST:
            return ParseFailed(Reason.HOSTILE, "too deep")
    return None


def root_name(body: bytes) -> str:
    """The local name of the root element, as far as the bytes tell; for what is not well-formed."""
    match = _ROOT.search(body[:65536])
    return match[1].decode("ascii", "replace").lower() if match else ""


def ends_whole(body: bytes) -> bool:
    """Whether a document ends with the closing tag of its root: it is broken, but not cut."""
    match = _ROOT.search(body[:65536])
    if not match:
        return False
    tail = body[-512:].rstrip()
    return (
        re.search(rb"</(?:[\w.-]+:)?" + re.escape(match[1]) + rb"\s*>(?:\s*<!--.*?-->)*$", tail, re.DOTALL)
        is not None
    )


def _most_in_a_tag(body: bytes) -> int:
    most = 0
    for tag in re.finditer(rb"<[^<>]{2000,}", body):
        most = max(most, tag.group().count(b"="))
    return most


def _count_up_to(pattern: re.Pattern[bytes], body: bytes, limit: int) -> int:
    count = 0
    for count, _ in enumerate(pattern.finditer(body), start=1):
        if count >= limit:
            break
    return count
