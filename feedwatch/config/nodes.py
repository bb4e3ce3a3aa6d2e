"""A configuration as it was read: texts, lists and mappings that know where they stand.

Nothing is interpreted here: every scalar is text until a key of the schema says what it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

PathStep = str | int
Place = tuple[int, int]
"""Line and column of a thing, both counted from 1: as plain as can be, for every key and value has one."""


class Origin(Enum):
    """Where the value of a scalar comes from."""

    TEXT = "text"
    FILE = "!file"
    CREDENTIAL = "!credential"


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class ScalarNode:
    """A text in the file. `absent` says that nothing, `~` or `null` was written."""

    text: str = field(repr=False)
    place: Place
    origin: Origin = Origin.TEXT
    absent: bool = False

    size: ClassVar[int] = 1
    """How many nodes it is with all that is in it."""
    height: ClassVar[int] = 0
    """How deep the nodes in it go."""


class ListNode(list["Node"]):
    """A list in the file. `size` and `height` count what aliases stand for each time."""

    __slots__ = ("height", "place", "size")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.size = 1
        self.height = 1

    def __repr__(self) -> str:
        return f"ListNode({self.place})"


class MappingNode(dict[str, "Node"]):
    """A mapping in the file, with the place of each key. `known_keys` is set by what reads it."""

    __slots__ = ("height", "key_places", "known_keys", "place", "size")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.size = 1
        self.height = 1
        self.key_places: dict[str, Place] = {}
        self.known_keys: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"MappingNode({self.place})"


Node = ScalarNode | ListNode | MappingNode


def find_node(root: Node, path: Sequence[PathStep]) -> tuple[Node, Place]:
    """Find the node at a path, and the place to name for it.

    That is where a text stands, and for a list or mapping, or an empty value, the key it is under.
    Steps that the file does not have are passed over: the nearest thing around is named.
    """
    node, place = root, root.place
    for step in path:
        child = _child_of(node, step)
        if child is None:
            continue
        under = node.key_places[step] if isinstance(node, MappingNode) and isinstance(step, str) else None
        node = child
        is_text = isinstance(child, ScalarNode) and not child.absent
        place = child.place if is_text or under is None else under
    return node, place


def place_key(root: Node, path: Sequence[PathStep]) -> Place:
    """Find where the key stands that ends a path."""
    parent, place = find_node(root, path[:-1])
    if isinstance(parent, MappingNode) and path:
        return parent.key_places.get(str(path[-1]), place)
    return place


def _child_of(node: Any, step: PathStep) -> Node | None:
    if isinstance(node, MappingNode) and isinstance(step, str):
        return node.get(step)
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node):
        return node[step]
    return None
