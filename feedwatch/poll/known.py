"""Which entries of a list are as they were when it was read last, so that only the others need be read. Pure.

A list that changed has mostly one new entry, or two. Reading it whole takes longer than all else about it.
"""

from __future__ import annotations

from feedwatch.core.kinds import KindRules
from feedwatch.core.model import FeedState, Fetched, Kind, Page, Snapshot
from feedwatch.core.snapshot import stands_alone
from feedwatch.core.state import PollTask
from feedwatch.netflix.address import is_tokenized
from feedwatch.parse.digest import Digests
from feedwatch.poll.pages import ListPage


def find_places(
    task: PollTask, reply: Fetched, digests: Digests, rules: KindRules
) -> tuple[int | None, ...] | None:
    """Where each entry of a document stood when it was read last, from 0; None for one that is to be read.

    None in all where the whole document is to be read.
    """
    if task.parts is None or not _may_be_known(task) or digests.parts is None:
        return None
    return digests.parts.find_known(task.parts, read_how(reply, rules))


def is_as_expected(page: Page, places: tuple[int | None, ...]) -> bool:
    """Whether a document of what is new alone was read as that: as many entries, and a list that counts none.

    One that counts itself counts what was left out.
    """
    return len(page.entries) == places.count(None) and page.total is None and page.start_index is None


def keep_parts(task: PollTask, read: ListPage, snapshot: Snapshot, rules: KindRules) -> bytes | None:
    """By what the entries of a document will be known again; None where they will have to be read again."""
    parts, page = read.digests.parts, read.page
    if parts is None or not _may_be_known(task) or page.total is not None or page.start_index is not None:
        return None
    if len(parts.entries) != len(page.entries) or not stands_alone(page.entries, snapshot, rules):
        return None
    return parts.keep(read_how(read.reply, rules))


def _may_be_known(task: PollTask) -> bool:
    """The API's own lists come in pages and count themselves; what is held is read whole to confirm it."""
    return (
        task.state is not FeedState.HELD and task.kind is not Kind.HISTORY and not is_tokenized(task.address)
    )


def read_how(reply: Fetched, rules: KindRules) -> str:
    """All that what is read of an entry depends on, beside its own bytes and those around all of them."""
    return f"{rules.signature}\n{reply.url}\n{reply.content_type}"
