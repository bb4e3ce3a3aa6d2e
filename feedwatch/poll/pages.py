"""The pages of one list: whether they belong together, and what to remember of them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from feedwatch.core.keys import title_of
from feedwatch.core.model import Fetched, Page, Validators
from feedwatch.netflix.address import PAGE_SIZE
from feedwatch.parse.digest import Digests

UNASKED_PAGE_SIZE = 25
"""How many titles the API gives who does not say how many."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page with the reply it came in, and the digests of that."""

    reply: Fetched
    page: Page
    digests: Digests


@dataclass(frozen=True, slots=True)
class ReadPages:
    """The pages of one list. `refused` says that its server takes no paging parameters at all."""

    pages: tuple[ListPage, ...]
    whole: bool
    refused: bool = False
    total_known: bool = True


def keep_first_page(page: ListPage) -> ReadPages:
    """A list whose server gives no further page: a window.

    Where that page is longer than what comes unasked, max_results was heard, and is asked for again.
    """
    unheard = len(page.page.entries) <= UNASKED_PAGE_SIZE
    return ReadPages((page,), whole=False, refused=unheard, total_known=page.page.total is not None)


def ignores_paging(first: Page, following: Page, asked: int) -> bool:
    """Whether a server gave the first page again when it was asked for another."""
    # Some count their entries from 0, others from 1, as OpenSearch does.
    if following.start_index is not None and following.start_index != asked + (first.start_index or 0):
        return True
    return bool(first.entries and following.entries) and following.entries[0].id == first.entries[0].id


# ── torn reads ────────────────────────────────────────────────────────────────────────────────────


def is_torn(read: ReadPages) -> bool:
    """Whether the pages are of more than one state of the list."""
    return not _counts_agree(read) or len({page.page.etag for page in read.pages}) > 1


def is_torn_by_etag_alone(read: ReadPages) -> bool:
    """Whether the etag differs on every page while the count holds: such an etag says nothing."""
    etags = {page.page.etag for page in read.pages}
    return _counts_agree(read) and len(etags) == len(read.pages)


def stands_still(reads: Sequence[ReadPages]) -> bool:
    """Whether a list that does not agree with its own count reads the same each time: so it is, then."""
    return len({tuple(e.id for page in read.pages for e in page.page.entries) for read in reads}) == 1


def _counts_agree(read: ReadPages) -> bool:
    if len(read.pages) == 1 and not read.whole:
        return True
    totals = {page.page.total for page in read.pages}
    titles = [title_of(e.title_ref) or title_of(e.id) for page in read.pages for e in page.page.entries]
    total = read.pages[0].page.total
    twice = len(read.pages) > 1 and len(set(titles)) != len(titles)
    return len(totals) == 1 and not twice and (total is None or total == len(titles))


# ── what to remember of a reply ───────────────────────────────────────────────────────────────────


def digest_pages(read: ReadPages) -> tuple[bytes, bytes]:
    """Digests of all pages: of their bytes, and of what does not move by itself."""
    digests = [page.digests for page in read.pages]
    seal = {"refused": read.refused, "total_known": read.total_known}
    return seal_digests([each.raw for each in digests], **seal), seal_digests(
        [each.content for each in digests], **seal
    )


def shared_etag(read: ReadPages) -> str | None:
    """The etag in the body, where all pages have the same: one that differs says nothing of the list."""
    etags = {page.page.etag for page in read.pages}
    return etags.pop() if len(etags) == 1 else None


def seal_digests(digests: Sequence[bytes], *, refused: bool, total_known: bool = True) -> bytes:
    """One digest for a list, and for how it was read.

    The same bytes read as a window are another list. A list that does not say how long it is must be
    read to its end each time: its first page alone can never stand for it.
    """
    how = bytes([refused, not total_known])
    if len(digests) == 1:  # so it is with nearly every list, twice a poll
        return how + digests[0]
    return hashlib.blake2b(how + b"".join(digests), digest_size=16).digest()


def keep_validators(read: ReadPages) -> tuple[Validators, ...]:
    """A pair for each page, or none where a 304 could not speak for the whole list."""
    found = tuple(page.reply.validators for page in read.pages)
    full = all(len(page.page.entries) == PAGE_SIZE for page in read.pages[:-1])
    return found if all(found) and full and read.total_known else ()
