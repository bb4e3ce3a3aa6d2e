"""Addresses of feeds, handled as text: what is not added or taken away stays byte for byte as it came.

A feed token is a string of the server's own making; decoding a query and writing it again breaks it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote_plus

from feedwatch.core.model import Kind

PAGE_SIZE = 500
"""The most that a server gives at once."""

_USER = re.compile(r".*/users/(?P<user>[^/]+)/(?P<path>.+)")

_LISTS: Mapping[str, tuple[str, Kind, str]] = {
    "queues/instant": ("queue", Kind.QUEUE, "queues/instant"),
    "queues/disc": ("disc-queue", Kind.QUEUE, "queues/disc"),
    "rental_history/watched": ("history", Kind.HISTORY, "rental_history/watched"),
    "rental_history": ("rentals", Kind.HISTORY, "rental_history"),
    "rental_history/shipped": ("shipped", Kind.HISTORY, "rental_history/shipped"),
    "rental_history/returned": ("returned", Kind.HISTORY, "rental_history/returned"),
    "at_home": ("at-home", Kind.STREAM, "at_home"),
    "ratings/title/actual": ("ratings", Kind.RATINGS, "ratings"),
    "ratings/titles": ("ratings", Kind.RATINGS, "ratings"),
    "ratings": ("ratings", Kind.RATINGS, "ratings"),
    "recommendations": ("recommendations", Kind.RECOMMENDATIONS, "recommendations"),
    "reviews": ("reviews", Kind.STREAM, "reviews"),
}
_LONGEST_NAME = 200
_NAMES = {name for name, _, _ in _LISTS.values()}
_KINDS_BELOW: Mapping[str, Kind] = {
    "queues": Kind.QUEUE,
    "rental_history": Kind.HISTORY,
    "ratings": Kind.RATINGS,
    "recommendations": Kind.RECOMMENDATIONS,
}


@dataclass(frozen=True, slots=True)
class FeedIdentity:
    """What an address is about: a name for its feed, its kind, and the list it is a view of.

    Two addresses with the same `list_id` show one list, whatever their sort, token, host or form.
    """

    name: str
    kind: Kind
    list_id: str


def is_tokenized(url: str) -> bool:
    """Whether an address carries a feed token, so that it needs no signature and is a secret."""
    return "?" in url and any(name == "feed_token" and value for name, value in _read_parameters(url))


def is_of_user(url: str) -> bool:
    """Whether an address is of a user's resource."""
    return _USER.fullmatch(_split(url)[0]) is not None


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Set query parameters: each is put where one of that name stands, else at the end."""
    path, query, fragment = _split(url)
    pieces = query.split("&") if query else []
    for name, value in parameters.items():
        written = f"{quote(name, safe='')}={quote(value, safe='')}"
        places = [place for place, piece in enumerate(pieces) if _name_of(piece) == name]
        if places:
            pieces[places[0]] = written
            pieces = [piece for place, piece in enumerate(pieces) if place not in places[1:]]
        else:
            pieces.append(written)
    return _join(path, pieces, fragment)


def without_parameters(url: str, names: Collection[str]) -> str:
    """Take query parameters away."""
    path, query, fragment = _split(url)
    pieces = query.split("&") if query else []
    kept = [piece for piece in pieces if _name_of(piece) not in names]
    return url if kept == pieces else _join(path, kept, fragment)


def page_address(
    url: str,
    *,
    start_index: int = 0,
    max_results: int = PAGE_SIZE,
    form: Literal["atom", "plain"] = "atom",
) -> str:
    """Give the address of one page of a list.

    The first page names no start_index. Zero is what a server assumes anyway, and so a list has one
    address for as long as it fits a page: the same validators, the same place in any cache between,
    and one parameter fewer for a server that knows no paging to refuse.
    """
    taken = {"start_index"} if start_index == 0 else set()
    if form == "plain":
        taken.add("output")
    address = without_parameters(url, taken)
    added = {"max_results": str(max_results)}
    if form == "atom" and not _value_of(address, "output"):
        added = {"output": "atom", **added}
    if start_index:
        added["start_index"] = str(start_index)
    return with_parameters(address, added)


def feed_identity(url: str) -> FeedIdentity:
    """Tell from its path what a feed lists; an unknown path is a stream named after itself."""
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*", "", _split(url)[0])
    user, below = "", path.strip("/")
    if (match := _USER.fullmatch(path)) is not None:
        user, below = match["user"], match["path"].strip("/")
    name, kind, list_name = _LISTS.get(below) or _name_after(below)
    return FeedIdentity(name, kind, f"{user}/{list_name}")


def identity_of_relation(relation: str, address: str) -> FeedIdentity:
    """Tell what a feed lists whose path says nothing, from what its index calls it (`queues.instant`)."""
    known = feed_identity(address)
    path = relation.replace(".", "/")
    found = _LISTS.get(path) or _LISTS.get(path.removesuffix("/recent"))
    if known.name in _NAMES or found is None:
        return known
    name, kind, list_name = found
    return FeedIdentity(name, kind, f"{known.list_id.partition('/')[0]}/{list_name}")


def _name_after(path: str) -> tuple[str, Kind, str]:
    """Name a list after its path; what stands below a known kind of list is of that kind."""
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:_LONGEST_NAME].rstrip("-") or "feed"
    return name, _KINDS_BELOW.get(path.partition("/")[0], Kind.STREAM), path


def sorted_by(url: str) -> str | None:
    """The sort an address asks for, if it names one."""
    return _value_of(url, "sort")


def is_foreign_sort(url: str) -> bool:
    """Whether an address asks for another order than the list's own."""
    return sorted_by(url) not in {None, "", "queue_sequence"}


def _value_of(url: str, name: str) -> str | None:
    return next((value for each, value in _read_parameters(url) if each == name), None)


def _read_parameters(url: str) -> list[tuple[str, str]]:
    _path, query, _fragment = _split(url)
    return [(_name_of(piece), unquote_plus(piece.partition("=")[2])) for piece in (query or "").split("&")]


def _name_of(piece: str) -> str:
    return unquote_plus(piece.partition("=")[0])


def _split(url: str) -> tuple[str, str | None, str]:
    """Split an address into path, query (None without a `?`) and fragment (with its `#`)."""
    rest, hash_sign, fragment = url.partition("#")
    path, question_mark, query = rest.partition("?")
    return path, query if question_mark else None, hash_sign + fragment


def _join(path: str, pieces: list[str], fragment: str) -> str:
    return path + ("?" + "&".join(pieces) if pieces else "") + fragment
