"""Look at bytes before anything reads them: empty, foreign and hostile documents end here.

Every pass over the bytes takes time in proportion to their number, whatever they are: patterns that
repeat are possessive, and never look at the same byte twice.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from feedwatch.core.model import ParseFailed, Reason

Element = etree._Element  # noqa: SLF001 — the public name of lxml's element type is private

MOST_ENTRIES = 20_000
MOST_TAGS = 500_000
"""Ten megabytes of the API's own XML have half as many; a tree of more would fill a small machine."""
_MOST_ATTRIBUTES = 256
_MOST_NAMESPACES = 200
_HEAD = 65_536

_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?+(?:\s++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+", re.DOTALL)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SUBSET = re.compile(rb"<!DOCTYPE[^>\[]*+\[", re.IGNORECASE)
_ROOT = re.compile(rb"<(?![?!])(?:[\w.-]++:)?([\w.-]++)")
_NAMESPACE = re.compile(rb"\sxmlns(?::([\w.-]++))?\s*+=\s*+[\"']([^\"'<]*+)")
_COMMENTS = re.compile(rb"(?:\s++|<!--(?>.*?-->))*+", re.DOTALL)
_MANY_ATTRIBUTES = etree.XPath(f"boolean(//*[@*[{_MOST_ATTRIBUTES + 1}]])")

_RESOURCE_CODES = {89, 110, 114}
"""libxml2's codes for an entity loop, a name too long, and any other limit that was met."""


def refuse_unread(body: bytes) -> ParseFailed | None:
    """What needs no reading to be refused."""
    start = _after_prolog(body)
    if not start and len(body) <= _HEAD:
        return ParseFailed(Reason.EMPTY_BODY)
    if _HTML.match(start):
        return ParseFailed(Reason.NOT_A_FEED, "an HTML page")
    if _SUBSET.match(start):
        return ParseFailed(Reason.HOSTILE, "declares entities")
    if body.count(b"<") > MOST_TAGS:
        return ParseFailed(Reason.HOSTILE, "too many elements")
    return None


def parse_strictly(body: bytes, charset: str | None = None) -> Element:
    """Parse without entities, DTD, network or repair.

    Raises:
        lxml.etree.XMLSyntaxError: the document is not well-formed.
        LookupError: nobody knows the charset.
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


def is_hostile(error: Exception) -> bool:
    """Whether a document was not well-formed because it met one of the parser's limits."""
    return getattr(error, "code", None) in _RESOURCE_CODES


def refuse_tree(root: Element, body: bytes) -> ParseFailed | None:
    """What only shows once a document is parsed, in any encoding: entities, attributes, sheer number.

    feedparser is quadratic in attributes and namespaces, and no honest feed has so many.
    """
    declared: Any = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        return ParseFailed(Reason.HOSTILE, "declares entities")
    if len(root) > MOST_ENTRIES * 2:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    if _MANY_ATTRIBUTES(root):
        return ParseFailed(Reason.HOSTILE, "too many attributes")
    return _refuse_namespaces(body)


def refuse_broken(body: bytes) -> ParseFailed | None:
    """What `refuse_tree` refuses, as far as the bytes tell; for what is not well-formed."""
    if _most_in_a_tag(body) > _MOST_ATTRIBUTES:
        return ParseFailed(Reason.HOSTILE, "too many attributes")
    return _refuse_namespaces(body)


def root_name(body: bytes) -> str:
    """The local name of the root element, as far as the bytes tell; for what is not well-formed."""
    match = _ROOT.search(body[:_HEAD])
    return match[1].decode("ascii", "replace").lower() if match else ""


def ends_whole(body: bytes) -> bool:
    """Whether a document ends with the closing tag of its root: it is broken, but not cut."""
    root = _ROOT.search(body[:_HEAD])
    open_to_the_end = body.rfind(b"<![CDATA[") > body.rfind(b"]]>") or body.rfind(b"<!--") > body.rfind(
        b"-->"
    )
    if root is None or open_to_the_end:
        return False
    tail = body[-1024:]
    closing = rb"</(?:[\w.-]++:)?" + re.escape(root[1]) + rb"\s*+>"
    ends = [match.end() for match in re.finditer(closing, tail)]
    return bool(ends) and _COMMENTS.fullmatch(tail, ends[-1]) is not None


def _after_prolog(body: bytes) -> bytes:
    """What stands where the root element should begin."""
    head = body[:_HEAD]
    match = _PROLOG.match(head)
    return head[match.end() :] if match else head


def _most_in_a_tag(body: bytes) -> int:
    """How many attributes a tag may have at most, counted where tags can be: not in CDATA."""
    outside = b" ".join(part.rpartition(b"]]>")[2] for part in body.split(b"<![CDATA["))
    return max((tag.group().count(b"=") for tag in re.finditer(rb"<\w[^<>]{1000,}+", outside)), default=0)


def _refuse_namespaces(body: bytes) -> ParseFailed | None:
    """Many different ones are refused: the same one on every entry costs nothing."""
    if body.count(b"xmlns") <= _MOST_NAMESPACES:
        return None
    seen: set[tuple[bytes, bytes]] = set()
    for match in _NAMESPACE.finditer(body):
        seen.add((match[1], match[2]))
        if len(seen) > _MOST_NAMESPACES:
            return ParseFailed(Reason.HOSTILE, "too many namespaces")
    return None
