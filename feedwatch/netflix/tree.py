"""A reply of the API as one tree, whether it came in XML or in JSON.

In JSON one child is an object and several are a list, numbers are texts, and what is an attribute in XML is
a member like any other. So a value is asked for by its name, wherever it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.markup import Element, attributes_of, name_of, read_markup

_TEXT_OF_JSON = ("content", "text", "value", "#text", "$t")
"""Where JSON made from XML puts the text of what has attributes too."""
_DEEPEST = 40
_MOST_BYTES_OF_JSON = 4 * 1024 * 1024
_MOST_VALUES_OF_JSON = 450_000
"""As much as of XML (markup): a tree of many times this would fill a small machine."""


@dataclass(frozen=True, slots=True)
class Node:
    """An element: its name in lower case, its own text, its attributes, its children."""

    name: str
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()

    def each(self, *names: str) -> Iterator[Node]:
        """The children of these names, in their order."""
        return (child for child in self.children if child.name in names)

    def find(self, name: str) -> Node | None:
        """The first child of a name; None without one."""
        return next(self.each(name), None)

    def every(self, *names: str) -> Iterator[Node]:
        """All of these names below here, however deep, in their order."""
        for child in self.children:
            if child.name in names:
                yield child
            yield from child.every(*names)

    def say(self, name: str) -> str:
        """What is said under a name, as an attribute or as a child's text; empty if nothing is."""
        if name in self.attributes:
            return self.attributes[name].strip()
        child = self.find(name)
        return child.text.strip() if child else ""


def read_tree(body: bytes) -> Node | ParseFailed:
    """Read a reply; one that is no document, or a hostile one, is a failure and never an empty tree."""
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _read_json(body)
    root = read_markup(body)
    return root if isinstance(root, ParseFailed) else _from_element(root)


def _from_element(element: Element) -> Node:
    named = [(name_of(child), child) for child in element]
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    return Node(
        name_of(element),
        "".join(pieces),
        attributes_of(element),
        tuple(_from_element(child) for name, child in named if name),
    )


def _read_json(body: bytes) -> Node | ParseFailed:
    if len(body) > _MOST_BYTES_OF_JSON:
        return ParseFailed(Reason.TOO_LARGE, f"{len(body)} bytes")
    if body.count(b",") + body.count(b"{") + body.count(b"[") > _MOST_VALUES_OF_JSON:
        return ParseFailed(Reason.HOSTILE, "too many elements")
    try:
        document = json.loads(body)
        if not isinstance(document, dict) or len(document) != 1:
            return ParseFailed(Reason.MALFORMED, "JSON without a single root")
        ((name, value),) = document.items()
        if not isinstance(value, dict | str):
            return ParseFailed(
                Reason.EMPTY_BODY if value is None else Reason.MALFORMED, "JSON without a root"
            )
        return next(_from_json(name, value, _DEEPEST))
    except (ValueError, RecursionError):
        return ParseFailed(Reason.MALFORMED, "not well-formed JSON")


def _from_json(name: str, value: object, deepest: int) -> Iterator[Node]:
    """The elements that a member stands for: one, several where it is a list, none for null."""
    if not deepest:
        raise ValueError
    if isinstance(value, list):
        for each in value:
            yield from _from_json(name, each, deepest - 1)
    elif isinstance(value, dict):
        children = tuple(n for key, each in value.items() for n in _from_json(key, each, deepest - 1))
        text = next((child.text for child in children if child.name in _TEXT_OF_JSON), "")
        yield Node(name.lower(), text, children=children)
    elif value is not None:
        yield Node(name.lower(), _write_scalar(value))


def _write_scalar(value: object) -> str:
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return text.encode("utf-8", "replace").decode()  # half a character is none
