"""What the feeds of a list of outlines are called. Pure: the same outlines and memory, the same names.

A feed keeps its name while its address or its text stays, wherever in the document it stands.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedwatch.core.state import KnownFeed
from feedwatch.netflix.address import feed_identity, is_foreign_sort, is_of_user, is_tokenized

if TYPE_CHECKING:
    from feedwatch.opml import Outline

_LONGEST_NAME = 60
_WRITTEN = {"L", "M", "N"}  # Unicode's letters, marks and numbers


@dataclass(frozen=True, slots=True)
class NamedOutline:
    """An outline and the name of its feed."""

    name: str
    outline: Outline


def name_feeds(outlines: Iterable[Outline], known: Sequence[KnownFeed]) -> tuple[NamedOutline, ...]:
    """Give each list among the outlines its name, in the order of the document.

    By address first, then by text; what is new is named after its text, with `-2` for a second of
    that name. No name that the account has ever had goes to another feed.
    """
    lists = _merge_views(outlines)
    names = _keep_by_address(lists, known)
    names |= _keep_by_text({key: of for key, of in lists.items() if key not in names}, known, names.values())
    taken = {feed.name for feed in known}
    numbers: dict[str, int] = {}
    for key, outline in lists.items():
        if key not in names:
            names[key] = _find_free_name(make_name(outline.text), taken, numbers)
            taken.add(names[key])
    return tuple(NamedOutline(names[key], outline) for key, outline in lists.items())


def make_name(text: str) -> str:
    """Make a name of a text: lower case, dashes for all that is neither letter nor digit."""
    lowered = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    spaced = "".join(c if unicodedata.category(c)[0] in _WRITTEN else " " for c in lowered)
    return "-".join(spaced.split())[:_LONGEST_NAME].rstrip("-") or "feed"


def list_key(address: str) -> str:
    """What an address is about: for a tokenized feed the list, whatever its token, sort or host."""
    if is_tokenized(address) and is_of_user(address):
        return f"list {feed_identity(address).list_id}"
    return f"address {address}"


def is_better_view(address: str, kept: str) -> bool:
    """Whether an address of a list is to be polled in the place of another: one without a sort of its own."""
    return is_foreign_sort(kept) and not is_foreign_sort(address) and is_tokenized(kept)


def _merge_views(outlines: Iterable[Outline]) -> dict[str, Outline]:
    """Keep one outline for each list: the first that does not ask for a sort of its own."""
    lists: dict[str, Outline] = {}
    for outline in outlines:
        key = list_key(outline.address)
        if key not in lists or is_better_view(outline.address, lists[key].address):
            lists[key] = outline
    return lists


def _keep_by_address(lists: Collection[str], known: Sequence[KnownFeed]) -> dict[str, str]:
    names: dict[str, str] = {}
    for feed in sorted(known, key=_living_first):
        key = list_key(feed.address)
        if key in lists:
            names.setdefault(key, feed.name)
    return names


def _keep_by_text(
    lists: dict[str, Outline], known: Sequence[KnownFeed], used: Collection[str]
) -> dict[str, str]:
    """Pair what changed its address with the feeds of the same text that no address claimed.

    Several of one text are paired in the order of their addresses and names, not of the document:
    moving an outline must not swap two feeds.
    """
    claimed = set(used)
    of_text: dict[str | None, list[str]] = {}
    for feed in sorted(known, key=_living_first):
        if feed.name not in claimed:
            of_text.setdefault(feed.title, []).append(feed.name)
    free = {text: iter(names) for text, names in of_text.items()}
    names: dict[str, str] = {}
    for key, outline in sorted(lists.items()):
        if (name := next(free.get(outline.text, iter(())), None)) is not None:
            names[key] = name
    return names


def _living_first(feed: KnownFeed) -> tuple[bool, str]:
    return feed.retired, feed.name


def _find_free_name(name: str, taken: Collection[str], numbers: dict[str, int]) -> str:
    """A name that nobody has; `numbers` says from which number on to look, for thousands may want one."""
    number = numbers.get(name, 1)
    numbered = name if number == 1 else f"{name}-{number}"
    while numbered in taken:
        number += 1
        numbered = f"{name}-{number}"
    numbers[name] = number
    return numbered
