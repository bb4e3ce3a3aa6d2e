"""What the service recommends to a subscriber, the best first: the whole list, where a feed shows 25."""

from __future__ import annotations

from functools import partial

from feedwatch.netflix.api import Api
from feedwatch.netflix.documents import read_listing, read_title
from feedwatch.netflix.limits import MOST_RESULTS, make_page_parameters
from feedwatch.netflix.paging import Pages, each_page
from feedwatch.netflix.replies import ApiFailed, CatalogTitle, Listing
from feedwatch.netflix.tree import Node


async def find_recommendations(
    api: Api, *, start_index: int = 0, max_results: int | None = None
) -> Listing[CatalogTitle] | ApiFailed:
    """One page of the recommendations, with predicted ratings; at most 500 at once.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    page = make_page_parameters(start_index, max_results, MOST_RESULTS)
    return await api.get_own("recommendations", _read_recommendations, page)


def each_recommendation(api: Api, *, page_size: int = MOST_RESULTS) -> Pages[CatalogTitle]:
    """All recommendations, page by page.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    make_page_parameters(0, page_size, MOST_RESULTS)
    return each_page(partial(find_recommendations, api), page_size)


def _read_recommendations(root: Node) -> Listing[CatalogTitle] | None:
    return read_listing(root, ["recommendations"], ["recommendation"], read_title)
