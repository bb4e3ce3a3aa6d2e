"""What a subscriber has watched, the latest first. Signed for them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Literal

from feedwatch.netflix.api import Api
from feedwatch.netflix.documents import read_listing
from feedwatch.netflix.limits import MOST_RESULTS, make_page_parameters, make_updated_min
from feedwatch.netflix.own_documents import read_viewing
from feedwatch.netflix.paging import Pages, each_page
from feedwatch.netflix.replies import ApiFailed, Listing, Viewing
from feedwatch.netflix.tree import Node

HistoryList = Literal["rental_history", "rental_history/watched"]
WATCHED: HistoryList = "rental_history/watched"


async def find_history(
    api: Api,
    path: HistoryList = WATCHED,
    *,
    start_index: int = 0,
    max_results: int | None = None,
    updated_min: datetime | None = None,
) -> Listing[Viewing] | ApiFailed:
    """One page of the history, at most 500 at once; with `updated_min` what is not older than that.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    page = make_page_parameters(start_index, max_results, MOST_RESULTS)
    return await api.get_own(path, _read_history, [*page, *make_updated_min(updated_min)])


def each_viewing(
    api: Api,
    path: HistoryList = WATCHED,
    *,
    updated_min: datetime | None = None,
    page_size: int = MOST_RESULTS,
) -> Pages[Viewing]:
    """The history page by page, to its end.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    make_page_parameters(0, page_size, MOST_RESULTS)
    return each_page(partial(find_history, api, path, updated_min=updated_min), page_size)


def _read_history(root: Node) -> Listing[Viewing] | None:
    return read_listing(root, ["rental_history"], ["rental_history_item"], read_viewing)
