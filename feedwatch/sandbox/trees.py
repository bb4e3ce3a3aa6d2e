"""A document as a tree, and the two forms that the API gives it in: XML and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

Value = str | dict[str, object]


@dataclass(frozen=True, slots=True)
class Node:
    """An element: its attributes in order, then its children or its text. `raw` text stands in CDATA."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    text: str = ""
    raw: bool = False


def make_node(name: str, *children: Node, **attributes: str) -> Node:
    """An element with children."""
    return Node(name, attributes, children)


def make_text(name: str, text: object, *, raw: bool = False) -> Node:
    """An element with text."""
    return Node(name, text=str(text), raw=raw)


def write_xml(root: Node) -> str:
    """A document in XML."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{write_element(root)}\n'


def write_element(node: Node) -> str:
    """One element in XML."""
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in node.attributes.items())
    text = _write_raw(node.text) if node.raw else escape(node.text)
    inner = text + "".join(map(write_element, node.children))
    return f"<{node.name}{attributes}>{inner}</{node.name}>" if inner else f"<{node.name}{attributes}/>"


def _write_raw(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>" if text else ""


def write_json(root: Node) -> str:
    """A document in JSON, in the shape that the API's clients knew.

    Attributes and children are members; one child of a name is a value, several are a list; every number is
    a text. Text beside attributes is called `content`.
    """
    return json.dumps({root.name: _value(root)}, ensure_ascii=False)


def _value(node: Node) -> Value:
    if not node.attributes and not node.children:
        return node.text
    members: dict[str, object] = dict(node.attributes)
    for name, values in _by_name(node.children).items():
        members[name] = values[0] if len(values) == 1 else values
    if node.text:
        members["content"] = node.text
    return members


def _by_name(children: Iterable[Node]) -> dict[str, list[Value]]:
    named: dict[str, list[Value]] = {}
    for child in children:
        named.setdefault(child.name, []).append(_value(child))
    return named
