"""What the API takes, checked before it is asked: how many results, how many titles, which ratings.

What passes a limit is refused here (RequestRefused), with the limit in the words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal, get_args

from feedwatch.errors import RequestRefused
from feedwatch.netflix.refs import is_title_ref

MOST_FOUND: Final = 100
"""Results of one search of the catalog's titles."""
MOST_RESULTS: Final = 500
"""Results of one call everywhere else."""
MOST_REFS: Final = 500
"""Titles that one call may ask about."""

Sort = Literal["queue_sequence", "date_added", "alphabetical"]
Pairs = list[tuple[str, str]]

_RATINGS: Final = ("1", "2", "3", "4", "5", "not_interested")
_NO_OPINION: Final = "no_opinion"
_LONGEST_TERM: Final = 500


def check_term(term: str) -> str:
    """A term to search for, without white space around it.

    Raises:
        RequestRefused: it is empty, or no search term.
    """
    term = term.strip()
    if not term:
        raise RequestRefused("there is nothing to search for: give a word or a name")
    if any("\ud800" <= character <= "\udfff" for character in term):
        raise RequestRefused("a search term is text: this one has bytes in it that are no UTF-8")
    if len(term) > _LONGEST_TERM:
        raise RequestRefused(f"a search term has at most {_LONGEST_TERM} characters, not {len(term)}")
    return term


def make_page_parameters(start_index: int, max_results: int | None, most: int) -> Pairs:
    """The parameters of one page; without `max_results` the server gives 25.

    Raises:
        RequestRefused: the server gives no such page.
    """
    if start_index < 0:
        raise RequestRefused(f"start_index counts from 0: {start_index} is before the first result")
    if max_results is not None and not 1 <= max_results <= most:
        raise RequestRefused(f"max_results is from 1 to {most} here, not {max_results}")
    pairs: Pairs = [("start_index", str(start_index))] if start_index else []
    return pairs if max_results is None else [*pairs, ("max_results", str(max_results))]


def make_updated_min(at: datetime | None) -> Pairs:
    """The parameter that leaves out what is older than an instant.

    Raises:
        RequestRefused: it is none that can be written in seconds since 1970.
    """
    if at is None:
        return []
    if at.tzinfo is None or at.timestamp() < 0:
        raise RequestRefused(f"updated_min is an instant since 1970 with a time zone, not {at}")
    return [("updated_min", str(int(at.timestamp())))]


def check_sort(sort: str | None) -> Pairs:
    """The parameter for the order of a queue.

    Raises:
        RequestRefused: no queue is sorted so.
    """
    if sort is None:
        return []
    if sort not in get_args(Sort):
        raise RequestRefused(f"a queue is sorted by {', '.join(get_args(Sort))}; not by {sort!r}")
    return [("sort", sort)]


def check_title_ref(ref: str) -> str:
    """The address of a title in the catalog.

    Raises:
        RequestRefused: it is none, or could not stand in a list of them.
    """
    if not is_title_ref(ref):
        raise RequestRefused(
            f"{ref!r} is no title of the catalog: give its address, as `feedwatch titles search` shows it"
        )
    return ref


def check_title_refs(refs: Collection[str]) -> Sequence[str]:
    """The addresses of titles that one call asks about.

    Raises:
        RequestRefused: there are none, or too many, or one is no title.
    """
    if not 1 <= len(refs) <= MOST_REFS:
        raise RequestRefused(f"one call asks about 1 to {MOST_REFS} titles, not {len(refs)}: ask in parts")
    return [check_title_ref(ref) for ref in refs]


def check_rating(rating: str | int, *, changes: bool = False) -> str:
    """A rating as the API writes it; with `changes` it is to replace one that was given.

    Raises:
        RequestRefused: it is no rating, or none that can replace another.
    """
    text = str(rating).strip().lower().replace(" ", "_")
    if changes and text == _NO_OPINION:
        raise RequestRefused(
            "no_opinion cannot replace a rating that was given: give 1 to 5, or not_interested"
        )
    if text not in (*_RATINGS, _NO_OPINION):
        raise RequestRefused(f"a rating is 1, 2, 3, 4, 5, not_interested or no_opinion; not {rating!r}")
    return text


def check_position(position: int | None) -> Pairs:
    """The parameter for a place in a queue.

    Raises:
        RequestRefused: there is no such place.
    """
    if position is None:
        return []
    if position < 1:
        raise RequestRefused(f"places in a queue count from 1: there is no place {position}")
    return [("position", str(position))]
