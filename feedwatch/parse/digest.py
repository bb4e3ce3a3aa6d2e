"""Digests that tell whether a document has to be read at all.

What moves by itself is blanked first: feed-level dates everywhere, every `updated` in queues.
"""

from __future__ import annotations

import hashlib
import re

from feedwatch.core.model import Kind

_FIRST_ENTRY = re.compile(rb"<(?:[\w.-]+:)?(?:entry|item|\w+_item|recommendation)[\s>/]")
_DATE = re.compile(
    rb"<((?:[\w.-]+:)?(?:updated|lastBuildDate|pubDate|date|modified))(?:\s[^<>]*)?>[^<>]{0,64}</\1\s*>"
)
_UPDATED = re.compile(rb"<((?:[\w.-]+:)?updated)(?:\s[^<>]*)?>[^<>]{0,64}</\1\s*>")


def body_digest(body: bytes) -> bytes:
    """A digest of the bytes."""
    return hashlib.blake2b(body, digest_size=16).digest()


def content_digest(body: bytes, kind: Kind) -> bytes:
    """A digest of the bytes without what moves by itself."""
    if kind is Kind.QUEUE:
        body = _UPDATED.sub(b"", body)
    first = _FIRST_ENTRY.search(body)
    if first is None:
        return body_digest(_DATE.sub(b"", body))
    digest = hashlib.blake2b(_DATE.sub(b"", body[: first.start()]), digest_size=16)
    digest.update(memoryview(body)[first.start() :])
    return digest.digest()
