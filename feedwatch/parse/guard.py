"""Look at bytes before anything reads them: empty, foreign and hostile documents end here.

Every pass over the bytes takes time in proportion to their number, whatever they are: patterns that
repeat are possessive, and never look at the same byte twice.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from feedwatch.core.model import Page, ParseFailed, Reason
from feedwatch.parse.facts import LONGEST_TEXT

Element = etree._Element  # noqa: SLF001 — the public name of lxml's element type is private

MOST_ENTRIES = 20_000
TOO_MANY_ENTRIES = ParseFailed(Reason.HOSTILE, "too many entries")
MOST_TAGS = 500_000
"""Ten megabytes of the API's own XML have half as many; a tree of more would fill a small machine."""
_LARGEST_TREE = 600_000
"""Elements, texts (as many as tags, at most) and attributes twice: 120 bytes each, and so 70 MB."""
LARGEST_BROKEN = 1024 * 1024
"""What is not well-formed is read by a slow reader, and believed for posts alone."""
_MOST_ATTRIBUTES = 256
_MOST_NAMESPACES = 250
_MOST_OF_AN_ENTRY = 2000
"""Elements right under one entry: an album of photographs has some hundreds."""
_MOST_STRAY = 100
"""What a sloppy writer leaves: a bare `<` in a title, and not a document made of them."""
_HEAD = 65_536

_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?+(?:\s++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+", re.DOTALL)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SUBSET = re.compile(rb"<!DOCTYPE(?:[^>\[\"']++|\"[^\"]*+\"|'[^']*+')*+\[", re.IGNORECASE)
_ROOT = re.compile(rb"<(?![?!])(?:[\w.-]++:)?([\w.-]++)")
_NAMESPACE = re.compile(rb"\sxmlns(?::([\w.-]++))?\s*+=\s*+[\"']([^\"'<]*+)")
_COMMENTS = re.compile(rb"(?:\s++|<!--(?>.*?-->))*+", re.DOTALL)
_SECTION = rb"<!--(?>.*?(?:-->|\Z))|<!\[CDATA\[(?>.*?(?:\]\]>|\Z))"
"""What is opened and never closed is taken to the end, once: tried in every way, it would take for ever."""
_TAG = rb"</?[A-Za-z_](?:[^<>\"']++|\"[^<\"]*+\"|'[^<']*+')*+>"
_TOKENS = re.compile(_SECTION + rb"|<\?[A-Za-z][^>]*+>|" + _TAG, re.DOTALL)
_SECTIONS = re.compile(_SECTION + rb"|<\?(?>.*?(?:\?>|\Z))", re.DOTALL)
_ATTRIBUTES = re.compile(rb"<[^<>=]++=(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+")
_UNASKED_NAMES = (
    rb"(?:author|creator|managingEditor|webMaster|contributor|publisher|category|keywords|subject)"
)
_UNASKED = re.compile(
    # Sections stay: what looks like an element in one is text.
    rb"(" + _SECTION + rb"|<\?[^>]*+>)"
    rb"|<((?:[\w.-]++:)?+" + _UNASKED_NAMES + rb")(?:\s[^<>]*+)?+>[^<]*+</\2\s*+>",
    re.DOTALL | re.IGNORECASE,
)
_LONG_TAG = re.compile(rb"<[A-Za-z/][^<>]{65536}")
_MANY_ATTRIBUTES = etree.XPath(f"boolean(/descendant::*/@*[{_MOST_ATTRIBUTES + 1}])")
_MANY_OF_ANY = etree.XPath(f"/*/*/*[{_MOST_OF_AN_ENTRY + 1}] or /*/*/*/*[{_MOST_OF_AN_ENTRY + 1}]")
"""Whether any element has so many that stands where entries do: asked first, for to ask for names is slow."""
_MANY_OF_AN_ENTRY = etree.XPath(
    "boolean((/*|/*/*)/*[local-name()='entry' or local-name()='item' or contains(local-name(), '_item')]"
    f"[*[{_MOST_OF_AN_ENTRY + 1}]])"
)

_RESOURCE_CODES = {89, 110, 114}
"""libxml2's codes for an entity loop, a name too long, and any other limit that was met."""


def refuse_unread(body: bytes) -> ParseFailed | None:
    """What needs no reading to be refused."""
    start = end_of_prolog(body)
    if start == len(body):
        return ParseFailed(Reason.EMPTY_BODY)
    if _HTML.match(body, start):
        return ParseFailed(Reason.NOT_A_FEED, "an HTML page")
    if _SUBSET.match(body, start):
        return ParseFailed(Reason.HOSTILE, "declares entities")
    return _refuse_number(body)


def end_of_prolog(body: bytes) -> int:
    """Where what stands before the root ends: white space, comments and instructions."""
    prolog = _PROLOG.match(body)
    return prolog.end() if prolog else 0


def _refuse_number(body: bytes) -> ParseFailed | None:
    """More of anything than a tree should be made of."""
    if 2 * len(body) > _LARGEST_TREE:  # one that is shorter cannot hold so many: each takes a byte at least
        tags = body.count(b"<")
        if tags > MOST_TAGS:
            return ParseFailed(Reason.HOSTILE, "too many elements")
        if 2 * (tags + body.count(b"=")) > _LARGEST_TREE and _tree_of(body) > _LARGEST_TREE:
            return ParseFailed(Reason.HOSTILE, "too many elements and attributes")
    return _refuse_namespaces(body)


def _tree_of(body: bytes) -> int:
    """How large a tree may become that is made of a document; HTML in its texts is no part of that."""
    body = _SECTIONS.sub(b"", body)
    tags, closing = body.count(b"<"), body.count(b"</")
    attributes = sum(tag.group().count(b"=") for tag in _ATTRIBUTES.finditer(body))
    return 2 * tags - closing + 2 * attributes


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
        # Two elements with one `xml:id`, say the footnotes of two posts, are no fault of the whole. With a
        # DTD it would be loaded, not to collect them.
        collect_ids=body.startswith(b"<!DOCTYPE", end_of_prolog(body)),
        encoding=charset,
    )
    return etree.fromstring(body, parser)


def is_hostile(error: Exception) -> bool:
    """Whether a document was not well-formed because it met one of the parser's limits."""
    return getattr(error, "code", None) in _RESOURCE_CODES


def refuse_tree(root: Element) -> ParseFailed | None:
    """What only shows once a document is parsed: declarations, attributes, sheer number.

    No honest feed has so many, and every reader of one would be slow.
    """
    declared: Any = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in (*declared.iterentities(), *declared.iterelements())):
        return ParseFailed(Reason.HOSTILE, "declares entities")
    if len(root) > MOST_ENTRIES * 2:
        return TOO_MANY_ENTRIES
    if _MANY_ATTRIBUTES(root):
        return ParseFailed(Reason.HOSTILE, "too many attributes")
    if _MANY_OF_ANY(root) and _MANY_OF_AN_ENTRY(root):
        return ParseFailed(Reason.HOSTILE, "too many elements in an entry")
    return None


def refuse_broken(body: bytes) -> ParseFailed | None:
    """What no tree could be made of and nobody should try to read all the same, as far as the bytes tell.

    A sloppy document is made of tags and text, with a fault here and there. One that is made of
    faults sends the reader of broken documents back and forth for ever.
    """
    if len(body) > LARGEST_BROKEN:
        return ParseFailed(Reason.HOSTILE, "too large for what is not well-formed")
    if _most_in_a_tag(body) > _MOST_ATTRIBUTES:
        return ParseFailed(Reason.HOSTILE, "too many attributes")
    between = _TOKENS.sub(b"", body)
    if between.count(b"<") > _MOST_STRAY or _LONG_TAG.search(body):
        return ParseFailed(Reason.HOSTILE, "made of what is not well-formed")
    return None


def refuse_page(page: Page) -> ParseFailed | None:
    """A page of which something would be kept that no list holds."""
    for entry in page.entries:
        for text in (entry.title, entry.id, entry.link, entry.title_ref):
            if text is not None and len(text) > LONGEST_TEXT:
                return ParseFailed(Reason.HOSTILE, "a title or an id without end")
    return None


def root_name(body: bytes) -> str:
    """The local name of the root element, as far as the bytes tell; for what is not well-formed."""
    match = _ROOT.search(body[:_HEAD])
    return match[1].decode("ascii", "replace").lower() if match else ""


def prune_broken(body: bytes) -> bytes:
    """What feedparser is given of a document that is not well-formed.

    It is quadratic in the white space before the root, in the text of an author and in categories, and
    nobody asks for any of them.
    """
    match = _ROOT.search(body[:_HEAD])
    return _UNASKED.sub(lambda found: found[1] or b"", body[match.start() if match else 0 :])


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
