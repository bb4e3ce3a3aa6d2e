"""YAML → nodes that know where they stand: the only importer of PyYAML's parser.

It reads events and never builds objects that a document names. Every problem it finds is kept,
never raised, and never repeats what the file says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from feedwatch.config.nodes import ListNode, MappingNode, Node, Origin, Place, ScalarNode

LARGEST_FILE = 4 * 1024 * 1024
MOST_NODES = 300_000
DEEPEST = 40

Tell = Callable[[Place, str], None]

_START = Place(1, 1)
_MERGE = "<<"
_ABSENT = frozenset({"", "~", "null", "Null", "NULL"})
_OURS = {origin.value: origin for origin in Origin}
_STANDARD_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")
)
# What libyaml says, in words that tell what to do. Anything else gets _UNREADABLE: a parser's own
# sentence might repeat a piece of the line.
_SYNTAX = {
    "mapping values are not allowed in this context": (
        "a `:` cannot stand here: is the line above indented differently, or does a text need quotes?"
    ),
    "found character that cannot start any token": (
        "no value can start with this character: put the text in quotes"
    ),
    "could not find expected ':'": "a `:` is missing after a key",
    "did not find expected key": "a key is expected here: check the indentation, and the quotes",
    "did not find expected '-' indicator": "a `-` is expected here: check the indentation of the list",
    "did not find expected ',' or ']'": "a list in [ ] is not closed, or a comma is missing",
    "did not find expected ',' or '}'": "a mapping in { } is not closed, or a comma is missing",
    "did not find expected node content": (
        "a value is expected here: is a bracket not closed, or one too many?"
    ),
    "found unexpected end of stream": "a quoted text starts here and is never closed",
    "found unexpected document indicator": "a quoted text starts here and is never closed",
    "found unknown escape character": (
        r"an unknown escape: between double quotes a backslash is written \\, between single ones as it is"
    ),
}
_UNREADABLE = "this is not YAML"
_TAB = "a tab: YAML is indented with spaces"


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet, and the key that waits for its value."""

    node: ListNode | MappingNode
    anchor: str | None
    key: ScalarNode | None = None
    expects_key: bool = True
    merged: list[Node] = field(default_factory=list)


class _TooMuch(Exception):
    """Reading further would only cost: the document is no configuration."""


def read_nodes(content: bytes, tell: Tell) -> Node | None:
    """Read a document; None when there is nothing to go on with. Problems are told as they are found."""
    text = _decode(content, tell)
    if text is None:
        return None
    try:
        return _Builder(tell).build(text)
    except yaml.MarkedYAMLError as error:
        tell(*_explain(error, text))
    except yaml.YAMLError as error:  # a character YAML does not allow; it has an offset instead of a mark
        tell(
            _place_offset(text, getattr(error, "position", 0)), "a control character: YAML does not allow it"
        )
    except _TooMuch:
        pass  # why has been told where it was raised
    return None


def _decode(content: bytes, tell: Tell) -> str | None:
    if len(content) > LARGEST_FILE:
        tell(_START, f"the file is larger than {LARGEST_FILE // 1024**2} MiB: no configuration is")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace").removeprefix("\ufeff")
        tell(_place_offset(before, len(before)), "the file is not UTF-8")
        return None


def _place_offset(text: str, offset: int) -> Place:
    before = text[:offset]
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _place_mark(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else _START


def _explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Say where and what, never with the parser's own words, which may repeat the line."""
    # What is not closed is looked for where it was opened, and not at the end of the file.
    in_quotes = error.context == "while scanning a quoted scalar"
    at_end = error.problem_mark is not None and error.problem_mark.index >= len(text.rstrip())
    mark = error.context_mark if (in_quotes or at_end) and error.context_mark else error.problem_mark
    place = _place_mark(mark)
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: place.column] and not line[: place.column].strip():
        return place, _TAB
    return place, _SYNTAX.get(str(error.problem), _UNREADABLE)


class _Builder:
    """Builds nodes from events, without recursion: a document nested a million deep costs nothing."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._count = 0

    def build(self, text: str) -> Node | None:
        documents = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._tell(
                        _place_mark(event.start_mark),
                        "a second document starts here: one is all there can be",
                    )
                    break
            elif isinstance(event, yaml.NodeEvent):
                self._take_node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
        return self._root

    def _take_node(self, event: yaml.NodeEvent) -> None:
        place = _place_mark(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            scalar = self._make_scalar(event, place)
            self._remember(event.anchor, scalar)
            self._put(scalar)
        elif isinstance(event, yaml.AliasEvent):
            self._put(self._recall(event.anchor, place))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event, place)

    def _make_scalar(self, event: yaml.ScalarEvent, place: Place) -> ScalarNode:
        tag, plain = event.tag, not event.style
        absent = plain and tag is None and event.value in _ABSENT
        return ScalarNode(event.value, place, self._origin_of(tag, place), absent)

    def _origin_of(self, tag: str | None, place: Place) -> Origin:
        if tag in _OURS:
            return _OURS[tag]
        if tag is not None and tag != "!" and tag not in _STANDARD_TAGS:
            self._tell(place, "an unknown tag: there are `!file` and `!credential`")
        return Origin.TEXT

    def _start(self, event: yaml.CollectionStartEvent, place: Place) -> None:
        if len(self._open) >= DEEPEST:
            self._stop(place, "nested too deeply")
        if self._origin_of(event.tag, place) is not Origin.TEXT:
            self._tell(place, "this tag goes before a name, not before a list or mapping")
        node = ListNode(place) if isinstance(event, yaml.SequenceStartEvent) else MappingNode(place)
        self._open.append(_Open(node, event.anchor))

    def _close(self) -> None:
        closed = self._open.pop()
        if isinstance(closed.node, MappingNode):
            for source in closed.merged:
                self._merge(closed.node, source)
        self._remember(closed.anchor, closed.node)
        self._put(closed.node)

    def _put(self, node: Node) -> None:
        """Put a finished node where the one that is open wants it."""
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if isinstance(top.node, ListNode):
            top.node.append(node)
            self._grow(top.node, node)
        elif top.expects_key:
            top.key, top.expects_key = self._check_key(top.node, node), False
        else:
            self._put_value(top, top.node, node)
            top.expects_key = True

    def _check_key(self, mapping: MappingNode, node: Node) -> ScalarNode | None:
        if not isinstance(node, ScalarNode) or node.origin is not Origin.TEXT:
            self._tell(node.place, "a key must be a plain text; a value that starts with { or [ needs quotes")
            return None
        if node.text in mapping:
            first = mapping.key_places[node.text].line
            self._tell(node.place, f"this key stands twice; the first is on line {first}")
            return None
        return node

    def _put_value(self, top: _Open, mapping: MappingNode, value: Node) -> None:
        self._grow(mapping, value)
        if top.key is None:
            return
        if top.key.text == _MERGE:
            top.merged.append(value)
            return
        mapping[top.key.text] = value
        mapping.key_places[top.key.text] = top.key.place

    def _merge(self, mapping: MappingNode, source: Node) -> None:
        """Take over what `<<` names; what the mapping says itself stays, and the first source wins."""
        for each in source if isinstance(source, ListNode) else [source]:
            if not isinstance(each, MappingNode):
                self._tell(each.place, "`<<` takes a mapping, or a list of them")
                continue
            for key, value in each.items():
                if key not in mapping:
                    mapping[key] = value
                    mapping.key_places[key] = each.key_places[key]

    def _grow(self, parent: ListNode | MappingNode, child: Node) -> None:
        parent.size += child.size
        parent.height = max(parent.height, child.height + 1)
        self._count += 1
        if parent.height > DEEPEST:
            self._stop(child.place, "nested too deeply")
        if parent.size > MOST_NODES or self._count > MOST_NODES:
            self._stop(child.place, "too much: its aliases stand for more than any configuration holds")

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _recall(self, anchor: str | None, place: Place) -> Node:
        node = self._anchors.get(anchor or "")
        if node is None:
            self._tell(place, "an alias for nothing: no finished anchor of this name stands before it")
            return ScalarNode("", place, absent=True)
        return node

    def _stop(self, place: Place, message: str) -> None:
        self._tell(place, message)
        raise _TooMuch
