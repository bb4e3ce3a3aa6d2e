"""What is asked of an element of a document, whoever reads it."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from feedwatch.parse.guard import Element


def local_name(element: Element) -> str:
    """An element's name without its namespace."""
    return name_in(element.tag)


@lru_cache(maxsize=1024)
def name_in(tag: object) -> str:
    """The name in a tag; none in what is no element."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def text_within(element: Element) -> str:
    """The text of an element and of all that is in it; an entity that is not known stays as it is written."""
    if not len(element):
        return element.text or ""
    if element.getroottree().docinfo.internalDTD is not None:
        return "".join(map(str, element.itertext()))
    # Many times as fast, but silent about entities; and without a DTD there are none that are not known.
    return etree.tostring(element, method="text", encoding="unicode", with_tail=False)
