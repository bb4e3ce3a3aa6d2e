"""Digests that tell whether a document has to be read at all.

What moves by itself is blanked first: feed-level dates everywhere, every `updated` in queues.
"""

from __future__ import annotations

import hashlib
import re

from feedwatch.core.model import Kind
from feedwatch.parse.guard import MOST_TAGS

_FIRST_ENTRY = re.compile(
    rb"<(?:[\w.-]++:)?+(?:(?:entry|item|recommendation)(?=[\s>/])|[^\s<>/]*?_item(?=[\s>/]))", re.IGNORECASE
)
_DATE_NAMES = rb"(?:[\w.-]++:)?+(?:updated|lastBuildDate|pubDate|date|modified)"
_DATE = re.compile(rb"<(" + _DATE_NAMES + rb")(?:\s[^<>]*+)?+>[^<>]{0,64}+</\1\s*+>")
_UPDATED = re.compile(rb"<((?:[\w.-]++:)?+updated)(?:\s[^<>]*+)?+>[^<>]{0,64}+</\1\s*+>")
_SECTIONS = re.compile(rb"<!\[CDATA\[|\]\]>|<!--|-->|" + _UPDATED.pattern)
_OPENING = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}


def body_digest(body: bytes) -> bytes:
    """A digest of the bytes."""
    return hashlib.blake2b(body, digest_size=16).digest()


def content_digest(body: bytes, kind: Kind) -> bytes:
    """A digest of the bytes without what moves by itself. What it leaves out is in no entry's facts."""
    if not body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return body_digest(body)  # JSON, or an encoding in which nothing would be found
    if body.count(b"<") > MOST_TAGS:
        return body_digest(body)  # it will be refused: looking through it would only take time
    if kind is Kind.QUEUE:
        body = _without_updated(body)
    first = _FIRST_ENTRY.search(body)
    if first is None:
        return body_digest(_DATE.sub(b"", body))
    digest = hashlib.blake2b(_DATE.sub(b"", body[: first.start()]), digest_size=16)
    digest.update(memoryview(body)[first.start() :])
    return digest.digest()


def _without_updated(body: bytes) -> bytes:
    """Without every `updated` that is an element; one in CDATA or a comment is text."""
    if b"<!" not in body:
        return _UPDATED.sub(b"", body)
    kept: list[bytes] = []
    at = 0
    closing: bytes | None = None
    for match in _SECTIONS.finditer(body):
        if closing is not None:
            closing = None if match.group() == closing else closing
        elif match[1] is not None:
            kept.append(body[at : match.start()])
            at = match.end()
        else:
            closing = _OPENING.get(match.group())
    return b"".join([*kept, body[at:]])
