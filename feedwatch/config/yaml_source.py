"""YAML → nodes that know where they stand: the only importer of PyYAML's parser.

It reads events and never builds objects that a document names. Every problem it finds is kept,
never raised, and never repeats what the file says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from feedwatch.config.nodes import ListNode, MappingNode, Node, Origin, PathStep, Place, ScalarNode, find_node

LARGEST_FILE = 16 * 1024 * 1024
MOST_NODES = 500_000
DEEPEST = 40

Tell = Callable[[Place, str], None]

_START: Place = (1, 1)
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
        "a `:` cannot stand here: is the line above indented differently, does a `:` in it lack its space, "
        "or does a text need quotes?"
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
    """A list or mapping that is not closed yet, and the key that waits for its value, with its place.

    None for a key that cannot be one: what stands behind it is read over.
    """

    node: ListNode | MappingNode
    anchor: str | None
    expects_key: bool
    key: tuple[str, Place] | None = None
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


class Source:
    """The content of a file without a problem, for whoever asks later where something in it stands.

    Hardly anybody does, and the nodes of many feeds take more room than all that is made of them: they are
    built anew for the first who asks.
    """

    __slots__ = ("_content", "_root")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._root: Node | None = None

    def find_place(self, path: Sequence[PathStep]) -> Place:
        """Find where a value stands, or the nearest thing around it."""
        if self._root is None:
            self._root = read_nodes(self._content, lambda _place, _message: None)
        assert self._root is not None  # the same content could be read before
        return find_node(self._root, path)[1]


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
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _place_mark(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else _START


def _explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Say where and what, never with the parser's own words, which may repeat the line."""
    # What is not closed is looked for where it was opened, and not at the end of the file.
    in_quotes = error.context == "while scanning a quoted scalar"
    at_end = error.problem_mark is not None and error.problem_mark.index >= len(text.rstrip())
    mark = error.context_mark if (in_quotes or at_end) and error.context_mark else error.problem_mark
    place = _place_mark(mark)
    number, column = place
    lines = text.split("\n")
    before = lines[number - 1][:column] if number <= len(lines) else ""
    if "\t" in before and not before.strip():
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
        self._documents = 0

    def build(self, text: str) -> Node | None:
        # Of these there is one for each value: to look them up costs less than a chain of questions. Kept
        # with the builder, they would keep it, and all nodes, until garbage is looked for.
        steps: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.DocumentStartEvent: self._start_document,
            yaml.ScalarEvent: self._take_scalar,
            yaml.AliasEvent: self._take_alias,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceEndEvent: self._close,
            yaml.MappingEndEvent: self._close,
        }
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if step := steps.get(type(event)):
                step(event)
            if self._documents > 1:
                break
        return self._root

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            place = _place_mark(event.start_mark)
            self._tell(place, "a second document starts here: one is all there can be")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        place, tag, text = _place_mark(event.start_mark), event.tag, event.value
        if tag is None and event.anchor is None and self._open and self._open[-1].expects_key:
            self._take_key(self._open[-1], text, place)  # nearly every key is that plain
            return
        absent = tag is None and not event.style and text in _ABSENT
        origin = Origin.TEXT if tag is None else self._origin_of(tag, place)
        self._finish(ScalarNode(text, place, origin, absent), event.anchor)

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        self._put(self._recall(event.anchor, _place_mark(event.start_mark)))

    def _origin_of(self, tag: str, place: Place) -> Origin:
        if tag in _OURS:
            return _OURS[tag]
        if tag != "!" and tag not in _STANDARD_TAGS:
            self._tell(place, "an unknown tag: there are `!file` and `!credential`")
        return Origin.TEXT

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        place = _place_mark(event.start_mark)
        if len(self._open) >= DEEPEST:
            self._stop(place, "nested too deeply")
        if event.tag is not None and self._origin_of(event.tag, place) is not Origin.TEXT:
            self._tell(place, "this tag goes before a name, not before a list or mapping")
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node = ListNode(place) if is_list else MappingNode(place)
        self._open.append(_Open(node, event.anchor, expects_key=not is_list))

    def _close(self, _event: yaml.CollectionEndEvent) -> None:
        closed = self._open.pop()
        if isinstance(closed.node, MappingNode):
            for source in closed.merged:
                self._merge(closed.node, source)
        self._finish(closed.node, closed.anchor)

    def _finish(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._put(node)

    def _put(self, node: Node) -> None:
        """Put a finished node where the one that is open wants it."""
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if isinstance(top.node, ListNode):
            top.node.append(node)
            self._grow(top.node, node)
        elif not top.expects_key:
            self._put_value(top, top.node, node)
            top.expects_key = True
        elif isinstance(node, ScalarNode) and node.origin is Origin.TEXT:
            self._take_key(top, node.text, node.place)
        else:
            self._tell(node.place, "a key must be a plain text; a value that starts with { or [ needs quotes")
            top.key, top.expects_key = None, False

    def _take_key(self, top: _Open, text: str, place: Place) -> None:
        mapping = top.node
        assert isinstance(mapping, MappingNode)
        top.key, top.expects_key = (text, place), False
        if text in mapping:
            first, _ = mapping.key_places[text]
            self._tell(place, f"this key stands twice; the first is on line {first}")
            top.key = None

    def _put_value(self, top: _Open, mapping: MappingNode, value: Node) -> None:
        self._grow(mapping, value)
        if top.key is None:
            return
        text, place = top.key
        if text == _MERGE:
            top.merged.append(value)
            return
        mapping[text] = value
        mapping.key_places[text] = place

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
        if child.height >= parent.height:
            parent.height = child.height + 1
        self._count += 1
        if parent.height > DEEPEST:
            self._stop(child.place, "nested too deeply")
        if parent.size > MOST_NODES or self._count > MOST_NODES:
            self._stop(child.place, "too much: its aliases stand for more than any configuration holds")

    def _recall(self, anchor: str | None, place: Place) -> Node:
        node = self._anchors.get(anchor or "")
        if node is None:
            self._tell(place, "an alias for nothing: no finished anchor of this name stands before it")
            return ScalarNode("", place, absent=True)
        return node

    def _stop(self, place: Place, message: str) -> None:
        self._tell(place, message)
        raise _TooMuch
