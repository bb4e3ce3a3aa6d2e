"""What a subscriber thinks of titles, and what the service expects them to think. Signed for them.

A rating is given once (POST) and changed afterwards (PUT); `rate` does whichever it takes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from feedwatch.core.keys import title_of
from feedwatch.netflix.api import Api
from feedwatch.netflix.documents import read_listing
from feedwatch.netflix.limits import check_rating, check_title_ref, check_title_refs
from feedwatch.netflix.own_documents import read_rating_change, read_title_rating
from feedwatch.netflix.replies import ApiFailed, Listing, RatingChange, TitleRating
from feedwatch.netflix.tree import Node

_ACTUAL = "ratings/title/actual"
_ALREADY_RATED = 422


async def find_ratings(
    api: Api, refs: Collection[str], which: Literal["", "actual", "predicted"] = ""
) -> tuple[TitleRating, ...] | ApiFailed:
    """The ratings of titles, at most 500 at once: the subscriber's own where there are any, else predictions.

    `which` asks for either of the two alone; titles without one are left out.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    named = ",".join(api.ref_of(ref) for ref in check_title_refs(refs))
    path = f"ratings/title/{which}".rstrip("/")
    found = await api.get_own(path, _read_ratings, [("title_refs", named)])
    return found if isinstance(found, ApiFailed) else found.items


async def find_rating(api: Api, rating_id: str) -> TitleRating | ApiFailed | None:
    """One rating that the subscriber has given, by its id; None where the server names none."""
    found = await api.get_own(f"{_ACTUAL}/{_last_part(rating_id)}", _read_ratings)
    return found if isinstance(found, ApiFailed) else next(iter(found.items), None)


async def give_rating(api: Api, ref: str, rating: str | int) -> RatingChange | ApiFailed:
    """Rate a title that has not been rated yet; one that has been is refused with 422.

    Raises:
        RequestRefused: it is no title, or no rating.
    """
    form = [("title_ref", api.ref_of(check_title_ref(ref))), ("rating", check_rating(rating))]
    return await api.change_own("POST", _ACTUAL, read_rating_change, form)


async def change_rating(api: Api, rating_id: str, rating: str | int) -> RatingChange | ApiFailed:
    """Change a rating that was given, by its id.

    Raises:
        RequestRefused: it is no rating that can replace another.
    """
    form = [("rating", check_rating(rating, changes=True))]
    return await api.change_own("PUT", f"{_ACTUAL}/{_last_part(rating_id)}", read_rating_change, form)


async def rate(api: Api, ref: str, rating: str | int) -> RatingChange | ApiFailed:
    """Rate a title, whether it has been rated or not.

    Where nobody knows whether the server took a rating, what it has now is looked at before anything is
    repeated.

    Raises:
        RequestRefused: it is no title, or no rating; or no_opinion is to replace a rating.
    """
    wanted = check_rating(rating)
    given = await give_rating(api, ref, wanted)
    if isinstance(given, RatingChange) or given.retry_after:  # who asks for rest is not asked what it has
        return given
    if given.status != _ALREADY_RATED and not given.may_have_happened:
        return given
    known = await find_ratings(api, [ref], "actual")
    if isinstance(known, ApiFailed):
        return given
    mine = next((each for each in known if _is_about(each, ref)), None)
    if mine is None:
        # Given again, it can do no harm: one that was taken after all is refused.
        return await give_rating(api, ref, wanted) if given.may_have_happened else given
    return RatingChange(mine.id) if mine.rating == wanted else await change_rating(api, mine.id, wanted)


def _is_about(rating: TitleRating, ref: str) -> bool:
    """A rating's reply may name the title's kind where the question did not: the title's id is the same."""
    return rating.rating is not None and title_of(rating.title.ref) == title_of(ref)


def _last_part(rating_id: str) -> str:
    return title_of(rating_id) or rating_id


def _read_ratings(root: Node) -> Listing[TitleRating] | None:
    if root.name == "ratings_item":
        mine = read_title_rating(root)
        return Listing((mine,) if mine is not None else ())
    return read_listing(root, ["ratings"], ["ratings_item"], read_title_rating)
