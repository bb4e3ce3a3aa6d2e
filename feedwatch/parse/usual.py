"""What everybody writes: namespaces, names and attributes of which it is known what feedparser makes of them.

Whatever else a document holds is declined, by an error that only the reader of RSS ever sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from feedwatch.parse.guard import Element
from feedwatch.parse.pruning import KEPT_ATTRIBUTES

_SPACES = {
    "atom": ("http://www.w3.org/2005/Atom",),
    "content": ("http://purl.org/rss/1.0/modules/content/",),
    "dc": ("http://purl.org/dc/elements/1.1/",),
    "dcterms": ("http://purl.org/dc/terms/",),
    "itunes": ("http://www.itunes.com/dtds/podcast-1.0.dtd", "http://www.itunes.com/DTDs/PodCast-1.0.dtd"),
    "media": ("http://search.yahoo.com/mrss/", "http://search.yahoo.com/mrss"),
    "sy": ("http://purl.org/rss/1.0/modules/syndication/",),
    "fh": ("http://purl.org/syndication/history/1.0",),
    "cf": ("http://www.microsoft.com/schemas/rss/core/2005",),
}
"""Prefixes as everybody writes them. feedparser goes by some of them, whatever they are bound to."""
_PREFIXES = {uri: prefix for prefix, uris in _SPACES.items() for uri in uris}
_XLINK = b"http://www.w3.org/1999/xlink"
"""Declared within the document, feedparser takes it for an attribute of where it stands."""
_MOST_DECLARED = 10_000
"""More, and it is no text that quotes some XML: looking through them would only take time."""
_LONGEST_TAG = 200
"""What is kept from one document to the next is kept by tags."""
_DECLARED = re.compile(rb"xmlns:([\w.-]++)\s*+=\s*+(?:\"([^\"<&]*+)\"|'([^'<&]*+)')")

_TYPES = {
    "text": "text/plain",
    "plain": "text/plain",
    "text/plain": "text/plain",
    "html": "text/html",
    "text/html": "text/html",
}


class DeclinedError(Exception):
    """What is not surely read the same way."""


def is_usual(root: Element, body: bytes) -> bool:
    """Whether each prefix is bound to one name in all of the document, and to its own if it has one."""
    declared = {prefix: uri for prefix, uri in root.nsmap.items() if prefix is not None}
    count = body.count(b"xmlns:")
    if count > len(declared):  # or what looks like it, in a text
        if count > _MOST_DECLARED or _XLINK in body:
            return False
        matches = _DECLARED.findall(body)
        if len(matches) < count:
            return False
        for name, quoted, apostrophed in matches:
            prefix, uri = name.decode(), (quoted or apostrophed).decode("utf-8", "replace")
            if declared.setdefault(prefix, uri) != uri:
                return False
    return all(
        uri in _SPACES.get(prefix, (uri,)) and prefix.isascii() and len(uri.split()) == 1
        for prefix, uri in declared.items()
    )


@lru_cache(maxsize=1024)
def usual_name(tag: str) -> tuple[str, str]:
    """A tag as everybody writes it, in lower case, and its local name; of another namespace no name."""
    if len(tag) > _LONGEST_TAG or not tag.isascii():
        raise DeclinedError
    space, _, local = tag.lstrip("{").rpartition("}")
    local = local.lower()
    if not space:
        return local, local
    prefix = _PREFIXES.get(space)
    return (f"{prefix}:{local}" if prefix else ""), local


def attributes_of(element: Element) -> Mapping[str, str]:
    """The attributes that feedparser is shown, by their names in lower case."""
    found: dict[str, str] = {}
    for name, value in element.items():
        key = str(name).lower()
        local = key.rpartition("}")[2]
        if local not in KEPT_ATTRIBUTES:
            continue
        if local != key or local in found or local in ("base", "mode"):
            raise DeclinedError
        found[local] = str(value)
    return found


def type_of(element: Element, default: str) -> str:
    """The type of a text, as feedparser calls it."""
    kind = attributes_of(element).get("type") if element.keys() else None
    if kind is None:
        return default
    found = _TYPES.get(kind.lower())
    if found is None:
        raise DeclinedError
    return found
