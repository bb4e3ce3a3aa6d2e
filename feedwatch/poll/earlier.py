"""Viewings that the window of a history feed does not show, asked of the API: signed, within bounds.

They are asked for twice in the life of a feed: at its baseline, so that an old viewing that slides into the
window later is no news; and after a time in which the window was outrun, so that nothing between is lost.
Without them a poll is what it would be anyway (docs/decisions/0015-plain-xml-and-histories.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from feedwatch.clock import Clock
from feedwatch.core.earlier import Gap, beyond, choose_between, find_gap
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import (
    Answered,
    Entry,
    FetchFailed,
    Kind,
    Page,
    ParseFailed,
    RawEntry,
    Reason,
    Snapshot,
)
from feedwatch.core.snapshot import build_snapshot
from feedwatch.core.state import PollTask
from feedwatch.core.statuses import Action
from feedwatch.errors import StoreError
from feedwatch.netflix.address import PAGE_SIZE, feed_identity, is_tokenized
from feedwatch.netflix.limits import Pairs, make_page_parameters, make_updated_min
from feedwatch.poll.reading import ReadPage
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

if TYPE_CHECKING:
    from feedwatch.netflix.replies import ApiFailed

_LOG = logging.getLogger("feedwatch.poll")

PATIENCE = timedelta(seconds=20)
"""How long a poll may wait for this: it lands without, after that."""
MOST_PAGES = 100
"""Some servers give 100 viewings at a time, or 25, whatever they are asked for."""
POLLS_WITHOUT = 2
"""So many polls in a row may fail since a history did not come that would fill a gap."""
_RESOURCES = {"rental_history/watched", "rental_history"}

AskOwn = Callable[[str, str, Pairs], Awaitable["Answered | ApiFailed | None"]]
"""Asks, signed, for a document of an account's subscriber: its path below `users/<id>`, and parameters.

None while nobody is signed in there, or where nothing is ever signed.
"""


class _Missing(Exception):
    """The history did not come, but may the next time."""

    def __init__(self, reason: Reason, *, status: int | None = None, rest: timedelta | None = None) -> None:
        super().__init__(reason)
        # The feed itself was answered: nobody is silent.
        self.failure = FetchFailed(reason, "of the whole history", status=status or 200, retry_after=rest)


@dataclass(slots=True)
class _Came:
    """What has come of a history so far, and when it was asked for by its server's clock."""

    asked_at: datetime
    raw: list[RawEntry] = field(default_factory=list)


class EarlierViewings:
    """Asks for what a window does not show. `keep` follows a reload of the configuration."""

    def __init__(
        self, store: StoreThread, ask: AskOwn, read_page: ReadPage, *, keep: timedelta, clock: Clock
    ) -> None:
        self._store = store
        self._ask = ask
        self._read_page = read_page
        self.keep = keep
        self._clock = clock

    async def find_earlier(self, task: PollTask, window: Snapshot) -> tuple[Entry, ...] | FetchFailed:
        """Give what is to be decided about together with a window that is about to land; mostly nothing.

        What goes wrong here is logged. It fails a poll only where a window was outrun, and then two in a row
        at most: news may wait so long for what came before it. Then what came of it has to do.
        """
        resource = _resource_of(task)
        if resource is None:
            return ()
        gap = None if task.first else await self._find_gap(task, window)
        if gap is None and not task.first:
            return ()
        since = gap.since_at if gap else self._clock.now() - self.keep
        came = _Came(self._clock.now())
        try:
            await self._read_in_time(task, resource, since, came)
        except _Missing as missing:
            failure = missing.failure
            _LOG.warning("the whole history did not come feed=%s reason=%s", task.feed, failure.reason)
            if gap and task.failures < POLLS_WITHOUT:
                return failure
        except StoreError:
            raise  # nor could the window land
        except Exception:  # noqa: BLE001 — without it, it is the poll that it would be anyway
            _LOG.exception("the whole history failed in an unforeseen way feed=%s", task.feed)
            if gap and task.failures < POLLS_WITHOUT:
                return FetchFailed(Reason.INTERNAL, "see the log", status=200)
        history = _make_entries(came)
        if gap is None:
            return history
        found = choose_between(gap, history, window)
        _LOG.info("the window was outrun feed=%s found=%d", task.feed, len(beyond(window, found)))
        return found

    async def _find_gap(self, task: PollTask, window: Snapshot) -> Gap | None:
        known = await self._store.run(Store.list_entries, task.feed) or ()
        return find_gap((each.entry for each in known), window)

    async def _read_in_time(self, task: PollTask, resource: str, since: datetime, came: _Came) -> None:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await self._read(task, resource, since, came)
        except TimeoutError as error:
            raise _Missing(Reason.TIMEOUT) from error

    async def _read(self, task: PollTask, resource: str, since: datetime, came: _Came) -> None:
        """Read a history back to an instant, page by page, as far as it is to be had."""
        raw = came.raw
        for _ in range(MOST_PAGES):
            asked = [*make_page_parameters(len(raw), PAGE_SIZE, PAGE_SIZE), *make_updated_min(since)]
            answer = await self._ask(task.account, resource, asked)
            if not isinstance(answer, Answered):
                _give_up(task, answer)
                return
            page = await self._read_answer(task, answer)
            if _repeats(page, raw):
                break
            raw += page.entries
            came.asked_at = answer.server_at or came.asked_at
            if not page.entries or (page.total is not None and len(raw) >= page.total):
                break
        else:
            _LOG.warning("the whole history goes on after viewings=%d feed=%s", len(raw), task.feed)

    async def _read_answer(self, task: PollTask, answer: Answered) -> Page:
        """Read an answer as the feed's own replies are read: the same viewing must have the same key."""
        page = await self._read_page(
            answer.body, kind=task.kind, url=answer.url, content_type=answer.content_type
        )
        if isinstance(page, ParseFailed):
            raise _Missing(page.reason)
        return page


def _give_up(task: PollTask, answer: ApiFailed | None) -> None:
    """Do without the history if it is not to be had.

    Raises:
        _Missing: it may be had later.
    """
    if answer is None:
        return
    if answer.action is Action.WAIT:
        raise _Missing(answer.reason, status=answer.status, rest=answer.retry_after)
    _LOG.warning("the whole history is not to be had feed=%s reason=%s", task.feed, answer.reason)


def _resource_of(task: PollTask) -> str | None:
    """The resource of the API that a feed is a window on; None where it is none."""
    if task.kind is not Kind.HISTORY or not is_tokenized(task.address):
        return None
    resource = feed_identity(task.address).list_id.partition("/")[2]
    return resource if resource in _RESOURCES else None


def _repeats(page: Page, before: Sequence[RawEntry]) -> bool:
    """Whether a server gives its first page again for each other."""
    return bool(before and page.entries) and page.entries[0] == before[0]


def _make_entries(came: _Came) -> tuple[Entry, ...]:
    built = build_snapshot(came.raw, rules_of(Kind.HISTORY), whole=False, requested_at=came.asked_at)
    return tuple(entry for entry in built.entries if entry.dated_at)
