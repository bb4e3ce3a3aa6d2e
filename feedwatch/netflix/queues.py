"""The calls about a subscriber's queue. Signed for them; who changes it keeps an etag (queueing)."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Literal

from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action
from feedwatch.errors import RequestRefused
from feedwatch.netflix.api import Api
from feedwatch.netflix.documents import read_listing
from feedwatch.netflix.limits import (
    MOST_RESULTS,
    Sort,
    check_position,
    check_sort,
    check_title_ref,
    make_page_parameters,
    make_updated_min,
)
from feedwatch.netflix.own_documents import read_queue_change, read_queue_item
from feedwatch.netflix.paging import Pages, are_torn, each_page, gather_pages, join_pages
from feedwatch.netflix.replies import ApiFailed, Listing, QueueChange, QueueItem
from feedwatch.netflix.tree import Node

QueueList = Literal["queues", "queues/instant", "queues/instant/available", "queues/instant/saved"]
INSTANT: QueueList = "queues/instant"
_ENTRY = re.compile(r"(?:.*/users/[^/]+/)?(?P<path>queues/[^/?#]+/(?:available|saved)/[^?#]+?)/?")
_LONGEST_ID = 1000
"""A longer one is no entry's, and looking at it takes the square of its length."""
_MOST_READS = 3


async def find_queue(
    api: Api,
    path: QueueList = INSTANT,
    *,
    sort: Sort | None = None,
    start_index: int = 0,
    max_results: int | None = None,
    updated_min: datetime | None = None,
) -> Listing[QueueItem] | ApiFailed:
    """One page of the queue, at most 500 at once: of all of it, of what can be watched, or of what is saved.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    page = make_page_parameters(start_index, max_results, MOST_RESULTS)
    parameters = [*check_sort(sort), *page, *make_updated_min(updated_min)]
    return await api.get_own(path, _read_queue, parameters)


def each_queue_page(
    api: Api,
    path: QueueList = INSTANT,
    *,
    sort: Sort | None = None,
    updated_min: datetime | None = None,
    page_size: int = MOST_RESULTS,
) -> Pages[QueueItem]:
    """The queue page by page, to its end.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    make_page_parameters(0, page_size, MOST_RESULTS)
    check_sort(sort)
    return each_page(partial(find_queue, api, path, sort=sort, updated_min=updated_min), page_size)


async def read_queue(
    api: Api, path: QueueList = INSTANT, *, page_size: int = MOST_RESULTS
) -> Listing[QueueItem] | ApiFailed:
    """Read a queue whole, in one state: what changes while it is read is read again."""
    seen: list[Listing[QueueItem]] = []
    for _ in range(_MOST_READS):
        pages = await gather_pages(each_queue_page(api, path, page_size=page_size))
        if isinstance(pages, ApiFailed):
            return pages
        seen.append(join_pages(pages))
        if not are_torn(pages):
            return seen[-1]
    if len({tuple(item.id for item in each.items) for each in seen}) == 1:
        return seen[-1]  # an etag for each page says nothing of the list
    says = "the queue changes each time that it is read: try again later"
    return ApiFailed(Action.WAIT, Reason.TORN, says=says)


async def find_entry(api: Api, entry_id: str) -> QueueItem | ApiFailed:
    """One entry of the queue, by its id."""
    return await api.get_own(_path_of_entry(entry_id), _read_entry)


async def post_title(
    api: Api, ref: str, *, position: int | None = None, etag: str | None = None
) -> QueueChange | ApiFailed:
    """Add a title to the queue; or move it, where it is there and a position is given.

    `etag` is the queue's as it was last read: when it has changed since, the server refuses (412).

    Raises:
        RequestRefused: it is no title, or no place.
    """
    place = check_position(position)
    form = [("title_ref", api.ref_of(check_title_ref(ref))), *place]
    if etag is not None:
        form.append(("etag", etag))
    return await api.change_own("POST", INSTANT, read_queue_change, form)


async def delete_entry(api: Api, entry_id: str) -> QueueChange | ApiFailed:
    """Remove an entry, by its id. The answer has no etag: read the queue before it is changed again."""
    return await api.change_own("DELETE", _path_of_entry(entry_id), read_queue_change)


def _path_of_entry(entry_id: str) -> str:
    match = _ENTRY.fullmatch(entry_id) if len(entry_id) <= _LONGEST_ID else None
    if match is None:
        raise RequestRefused("this is no entry of a queue: read the queue for the ids of its entries")
    return match["path"]


def _read_queue(root: Node) -> Listing[QueueItem] | None:
    return read_listing(root, ["queue", "queues"], ["queue_item"], read_queue_item)


def _read_entry(root: Node) -> QueueItem | None:
    node = root if root.name == "queue_item" else next(root.every("queue_item"), root)
    return read_queue_item(node)
