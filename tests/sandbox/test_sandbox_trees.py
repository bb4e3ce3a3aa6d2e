"""The two forms that the sandbox writes a document in: whatever it says is read back by others."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedwatch.sandbox.trees import Node, make_node, make_text, write_json, write_xml

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="\u2028\u2029"), max_size=20
)
names = st.sampled_from(["a", "b", "c"])
leaves = st.builds(
    Node, names, st.dictionaries(names.map(str.upper), texts, max_size=2), st.just(()), texts, st.booleans()
)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(Node, names, st.builds(dict[str, str]), st.lists(inner, max_size=4).map(tuple)),
    max_leaves=12,
)


def same(node: Node, element: etree._Element) -> bool:
    return (
        node.name == element.tag
        and dict(node.attributes) == {str(name): str(value) for name, value in element.attrib.items()}
        and node.text == (element.text or "")
        and len(node.children) == len(element)
        and all(same(*pair) for pair in zip(node.children, element, strict=True))
    )


@given(trees)
def test_xml_says_what_the_tree_says(tree: Node) -> None:
    """Any parser reads back names, attributes and texts, those in CDATA too."""
    assert same(tree, etree.fromstring(write_xml(tree).encode()))


@given(trees)
def test_json_is_json(tree: Node) -> None:
    """It has one member, and every number in it is a text."""
    document = json.loads(write_json(tree), parse_int=lambda _: 1 / 0, parse_float=lambda _: 1 / 0)
    assert list(document) == [tree.name]


@given(st.lists(texts, min_size=0, max_size=3))
def test_children_of_a_name_are_one_or_many(said: list[str]) -> None:
    """None is no member, one is itself, several are a list."""
    root = make_node("root", make_text("other", 1), *(make_text("item", text) for text in said))
    members = json.loads(write_json(root))["root"]
    assert members["other"] == "1"
    expected = {0: None, 1: said[0] if said else None}.get(len(said), said)
    assert members.get("item") == expected


def test_text_beside_attributes_is_called_content() -> None:
    """As in what the API's clients read."""
    node = Node("category", {"label": "saved"}, text="saved")
    assert json.loads(write_json(node)) == {"category": {"label": "saved", "content": "saved"}}
