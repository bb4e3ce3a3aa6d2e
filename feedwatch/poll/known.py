"""Which entries of a list are as they were when it was read last, so that only the others need be read. Pure.

A list that changed has mostly one new entry, or two. Reading it whole takes longer than all else about it.
"""

from __future__ import annotations

from feedwatch.core.kinds import KindRules
from feedwatch.core.model import FeedState, Fetched, Kind, Page, Snapshot
from feedwatch.core.state import PollTask
from feedwatch.netflix.address import is_tokenized
from feedwatch.parse.digest import Digests
from feedwatch.poll.pages import ListPage


def find_known(
    task: PollTask, reply: Fetched, digests: Digests, rules: KindRules
) -> tuple[int | None, ...] | None:
    """Where each entry of a document stood when it was read last, from 0; None for one that is to be read.

    None in all where the whole document is to be read.
    """
    if task.parts is None or not _may_be_known(task) or digests.parts is None:
        return None
    return digests.parts.find_known(task.parts, describe_reading(reply, rules))


def is_as_expected(page: Page, stood: tuple[int | None, ...]) -> bool:
    """Whether what is new was read as that: as many entries, none with a say in another."""
    return len(page.entries) == stood.count(None) and _may_be_parted(page)


def keep_parts(task: PollTask, read: ListPage, snapshot: Snapshot, rules: KindRules) -> bytes | None:
    """By what the entries of a document will be known again; None where they will have to be read again."""
    parts, page = read.digests.parts, read.page
    if parts is None or not _may_be_known(task) or not _may_be_parted(page):
        return None
    if len(parts.entries) != len(page.entries) or not snapshot.alone:
        return None
    return parts.keep(describe_reading(read.reply, rules))


def _may_be_parted(page: Page) -> bool:
    """A list that counts itself counts what is left out; and no entry may have a say in what another is."""
    return page.total is None and page.start_index is None and not page.entangled


def _may_be_known(task: PollTask) -> bool:
    """The API's own lists come in pages and count themselves; what is held is read whole to confirm it."""
    return (
        task.state is not FeedState.HELD and task.kind is not Kind.HISTORY and not is_tokenized(task.address)
    )


def describe_reading(reply: Fetched, rules: KindRules) -> str:
    """All that what is read of an entry depends on, beside its own bytes and those around all of them."""
    return f"{rules.signature}\n{reply.url}\n{reply.content_type}"
