"""What feedparser is given of a well-formed document: the tree that was judged, pruned and written anew.

feedparser is quadratic in many things (attributes, categories, the text of an author, a long base),
and no entry is made of any of them. So it does not see them: what is left is a list of entries whose
elements hold text and nothing else, in UTF-8, with no DTD, comment or instruction. Pictures and
categories are taken from the tree before they go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.parse.details import Seen, Sight, origin_of_document
from feedwatch.parse.elements import text_within
from feedwatch.parse.facts import LONGEST_TEXT
from feedwatch.parse.guard import MOST_ENTRIES, TOO_MANY_ENTRIES, Element
from feedwatch.parse.links import LONGEST_BASE
from feedwatch.parse.said import FACT_NAMES

_ENTRIES = frozenset({"item", "entry"})
HOLDERS = _ENTRIES | {"channel", "group"}
"""Elements whose own children are looked at; of any other only its text is kept."""
KEPT_OF_FEED = frozenset({"ttl", "updateperiod", "updatefrequency", "complete", "treatas"})
_DATES = frozenset(
    {"published", "issued", "pubdate", "updated", "modified", "lastbuilddate", "date", "created"}
)
_CONTENTS = frozenset({"description", "summary", "abstract", "content", "encoded", "body", "fullitem"})
_SUMMARIES = frozenset({"description", "summary", "abstract"})
KEPT_OF_ENTRY = _DATES | _CONTENTS | {"guid", "id", "title", "link"}
FACTS = tuple(name for names in FACT_NAMES.values() for name in names)

KEPT_ATTRIBUTES = frozenset(
    {"version", "about", "href", "lastmod", "type", "mode", "rel", "ispermalink", "base"}
)
_SHORT = _DATES | KEPT_OF_FEED
LONGEST_SHORT = 100
"""A longer date, or number, is none: feedparser would try it in nine ways all the same."""
_DEEPEST = 8
"""Channels and items are nested in CDF alone, and there not deep."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """A document for feedparser, and what was seen of each of its entries, in document order."""

    body: bytes = field(repr=False)
    seen: tuple[Seen, ...] = field(repr=False)


def prune_tree(root: Element, base: str) -> Pruned | ParseFailed:
    """Take away all that no entry is made of, and write the rest; a list of too many entries is refused.

    The tree is not what it was afterwards.
    """
    pruning = _Pruning(base)
    pruning.prune(root, None, depth=0)
    if pruning.entries > MOST_ENTRIES:
        return TOO_MANY_ENTRIES
    if pruning.longest > LONGEST_TEXT:
        return ParseFailed(Reason.HOSTILE, "a title or an id without end")
    origin = origin_of_document(base)
    seen = tuple((sight.finish(origin), sight.categories) for sight in pruning.sights)
    return Pruned(etree.tostring(root, encoding="utf-8"), seen)


class _Pruning:
    def __init__(self, base: str) -> None:
        self.sights: list[Sight] = []
        self.longest = 0
        self._base = base

    @property
    def entries(self) -> int:
        """How many entries there have been."""
        return len(self.sights)

    def prune(self, holder: Element, sight: Sight | None, *, depth: int) -> None:
        """Keep of an element's children what is looked at, each as a leaf; the others go.

        `sight` is of the entry that the element is, or is in.
        """
        _prune_attributes(holder)
        going: list[Element] = []
        for child in holder:
            name = _name_of(child)
            if name in HOLDERS and depth < _DEEPEST:
                self.prune(child, self._begin(name) or sight, depth=depth + 1)
            elif _is_kept(name, in_entry=sight is not None) and not _is_without_end(name, child):
                self._keep(name, child, sight)
            else:
                if sight is not None:
                    sight.see(name, child)
                going.append(child)
        for child in going:
            holder.remove(child)

    def _begin(self, name: str) -> Sight | None:
        if name not in _ENTRIES:
            return None
        sight = Sight(self._base)
        self.sights.append(sight)
        return sight

    def _keep(self, name: str, child: Element, sight: Sight | None) -> None:
        if name in _CONTENTS and sight is not None:
            sight.see(name, child)
        _make_leaf(child)
        if name not in _CONTENTS:
            self.longest = max(self.longest, len(child.text or ""))
        elif sight is not None and child.text:
            sight.see_text("summary" if name in _SUMMARIES else name, child.text)


def _name_of(element: Element) -> str:
    tag: object = element.tag
    return _local_name(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=1024)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _is_kept(name: str, *, in_entry: bool) -> bool:
    if in_entry:
        return name in KEPT_OF_ENTRY or name.endswith(FACTS)
    return name in KEPT_OF_FEED


def _is_without_end(name: str, element: Element) -> bool:
    return name in _SHORT and len(element.text or "") > LONGEST_SHORT


def _make_leaf(element: Element) -> None:
    if len(element):
        text = text_within(element)
        del element[:]
        element.text = text
    _prune_attributes(element)


def _prune_attributes(element: Element) -> None:
    for name, value in element.items():
        is_long_base = len(value) > LONGEST_BASE and _local_name(str(name)) == "base"
        if _local_name(str(name)) not in KEPT_ATTRIBUTES or is_long_base:
            del element.attrib[name]
