"""A list of the API page by page, to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Protocol, TypeVar

from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action
from feedwatch.netflix.replies import ApiFailed, Listing

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Pages = AsyncIterator[Listing[T] | ApiFailed]
"""The pages of a list in their order, ending with the last page or with a failure."""
_MOST_PAGES = 1000
"""No list is as long; a server that never ends is not followed for ever."""


class AskPage(Protocol[T_co]):
    """Asks for one page of a list."""

    def __call__(self, *, start_index: int, max_results: int) -> Awaitable[Listing[T_co] | ApiFailed]:
        """Ask for the page that begins at `start_index`, from 0, and has at most so many results."""
        ...


async def each_page(ask: AskPage[T], size: int) -> Pages[T]:
    """Ask for page after page, until a list has been given to its end.

    What is missing is a failure, at the end: of a server that gives its first page again for each other, or
    less than it says that there is.
    """
    first: T | None = None
    start = 0
    for _ in range(_MOST_PAGES):
        page = await ask(start_index=start, max_results=size)
        if isinstance(page, Listing) and page.items and page.items[0] == first:
            says = "the server gives no more than its first page: the rest is missing"
            page = ApiFailed(Action.GIVE_UP, Reason.TORN, says=says)
        if isinstance(page, ApiFailed):
            yield page
            return
        if page.count or not start:
            yield page
        start += page.count
        if not page.count or start == page.total:
            if page.total is not None and page.total > start:
                says = f"the server says that there are {page.total}, and gives {start}: the rest is missing"
                yield ApiFailed(Action.WAIT, Reason.TORN, says=says)
            return
        first = first if first is not None else next(iter(page.items), None)
    says = f"the server gives page after page without end: {_MOST_PAGES:,} were read, and the rest is missing"
    yield ApiFailed(Action.GIVE_UP, Reason.TORN, says=says)


async def gather_pages(pages: Pages[T]) -> list[Listing[T]] | ApiFailed:
    """Read a list to its end."""
    gathered: list[Listing[T]] = []
    async for page in pages:
        if isinstance(page, ApiFailed):
            return page
        gathered.append(page)
    return gathered


def join_pages(pages: Sequence[Listing[T]]) -> Listing[T]:
    """One list of all pages; its etag is that of the first."""
    items = tuple(item for page in pages for item in page.items)
    unread = sum(page.unread for page in pages)
    return Listing(items, pages[0].total, etag=pages[0].etag, unread=unread)


def are_torn(pages: Sequence[Listing[T]]) -> bool:
    """Whether pages are of more than one state of a list."""
    return len({page.total for page in pages}) > 1 or len({page.etag for page in pages}) > 1
