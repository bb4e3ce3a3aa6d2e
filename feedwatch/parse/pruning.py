"""What feedparser is given of a well-formed document: the tree that was judged, pruned and written anew.

feedparser is quadratic in many things (attributes, categories, the text of an author, a long base),
and no entry is made of any of them. So it does not see them: what is left is a list of entries whose
elements hold text and nothing else, in UTF-8, with no DTD, comment or instruction.
"""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.parse.facts import LONGEST_TEXT
from feedwatch.parse.guard import MOST_ENTRIES, Element
from feedwatch.parse.links import LONGEST_BASE

_ENTRIES = frozenset({"item", "entry"})
_HOLDERS = _ENTRIES | {"channel", "group"}
"""Elements whose own children are looked at; of any other only its text is kept."""
_KEPT_OF_FEED = frozenset({"ttl", "updateperiod", "updatefrequency", "complete", "treatas"})
_DATES = frozenset(
    {"published", "issued", "pubdate", "updated", "modified", "lastbuilddate", "date", "created"}
)
_CONTENTS = frozenset({"description", "summary", "abstract", "content", "encoded", "body", "fullitem"})
_KEPT_OF_ENTRY = _DATES | _CONTENTS | {"guid", "id", "title", "link"}
FACT_NAMES = {
    "watched": ("watcheddate", "watched_date", "user_read_at"),
    "rating": ("memberrating", "user_rating"),
    "year": ("filmyear", "release_year", "book_published"),
    "name": ("filmtitle",),
}
"""Elements of diaries and bookshelves, in whatever namespace, under our own names."""
_FACTS = tuple(name for names in FACT_NAMES.values() for name in names)

_KEPT_ATTRIBUTES = frozenset(
    {"version", "about", "href", "lastmod", "type", "mode", "rel", "ispermalink", "base"}
)
_SHORT = _DATES | _KEPT_OF_FEED
_LONGEST_SHORT = 100
"""A longer date, or number, is none: feedparser would try it in nine ways all the same."""
_DEEPEST = 8
"""Channels and items are nested in CDF alone, and there not deep."""


def prune_tree(root: Element) -> bytes | ParseFailed:
    """Take away all that no entry is made of, and write the rest; a list of too many entries is refused.

    The tree is not what it was afterwards.
    """
    pruning = _Pruning()
    pruning.prune(root, in_entry=False, depth=0)
    if pruning.entries > MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    if pruning.longest > LONGEST_TEXT:
        return ParseFailed(Reason.HOSTILE, "a title or an id without end")
    return etree.tostring(root, encoding="utf-8")


class _Pruning:
    def __init__(self) -> None:
        self.entries = 0
        self.longest = 0

    def prune(self, holder: Element, *, in_entry: bool, depth: int) -> None:
        """Keep of an element's children what is looked at, each as a leaf; the others go."""
        _prune_attributes(holder)
        going: list[Element] = []
        for child in holder:
            name = _name_of(child)
            if name in _HOLDERS and depth < _DEEPEST:
                self.entries += name in _ENTRIES
                self.prune(child, in_entry=in_entry or name in _ENTRIES, depth=depth + 1)
            elif _is_kept(name, in_entry=in_entry) and not _is_without_end(name, child):
                _make_leaf(child)
                if name not in _CONTENTS:
                    self.longest = max(self.longest, len(child.text or ""))
            else:
                going.append(child)
        for child in going:
            holder.remove(child)


def _name_of(element: Element) -> str:
    tag: object = element.tag
    return _local_name(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=1024)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _is_kept(name: str, *, in_entry: bool) -> bool:
    if in_entry:
        return name in _KEPT_OF_ENTRY or name.endswith(_FACTS)
    return name in _KEPT_OF_FEED


def _is_without_end(name: str, element: Element) -> bool:
    return name in _SHORT and len(element.text or "") > _LONGEST_SHORT


def _make_leaf(element: Element) -> None:
    if len(element):
        text = "".join(map(str, element.itertext()))
        del element[:]
        element.text = text
    _prune_attributes(element)


def _prune_attributes(element: Element) -> None:
    for name, value in element.items():
        is_long_base = len(value) > LONGEST_BASE and _local_name(str(name)) == "base"
        if _local_name(str(name)) not in _KEPT_ATTRIBUTES or is_long_base:
            del element.attrib[name]
