"""A question of one item: whether a list in plain XML has to be read at all. Pure.

The etag in its body speaks for the whole list, whichever part of it was asked for. The item itself proves
nothing: what changed may stand below it. So a list without such an etag is read as ever, and one that has it
is believed to be the same only where its count is, too: as the list says it, for a window shows less. One
that says no count cannot be believed so, and is not asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from feedwatch.core.model import FeedState, Page
from feedwatch.core.state import PollTask
from feedwatch.netflix.address import is_tokenized, page_address

READ_WHOLE_AFTER = timedelta(days=1)
"""An etag says that nobody has changed a list, perhaps not that a title can be had now: once a day all of it
is read."""


def is_probed(task: PollTask, *, etag: str | None, total: int | None, refused: bool) -> bool:
    """Whether the next poll asks for one item first, after a whole reply that says this etag and count.

    Then the validators that are kept are those of that question, never of the list's own pages.
    """
    says_enough = etag is not None and total is not None
    return task.plain and is_tokenized(task.address) and says_enough and not refused


def will_probe(task: PollTask) -> bool:
    """Whether this poll, and the next where nothing is new, is one that asks for one item first."""
    return is_probed(task, etag=task.body_etag, total=task.body_total, refused=task.paging_refused)


def may_probe(task: PollTask, now: datetime) -> bool:
    """Whether one item can answer: there is a list to be the same as, and nothing to confirm or refresh."""
    if not will_probe(task):
        return False
    if task.first or task.state is FeedState.HELD or task.believed_at is None or task.body_digest is None:
        return False
    return now - task.believed_at < READ_WHOLE_AFTER


def probe_address(task: PollTask) -> str:
    """Where the first item of a list is asked for, with what the list says of itself."""
    return page_address(task.address, max_results=1, form="plain")


def proves_same(page: Page, task: PollTask) -> bool:
    """Whether a page of one item shows that its list is the one that was read last."""
    return page.etag is not None and page.etag == task.body_etag and page.total == task.body_total
