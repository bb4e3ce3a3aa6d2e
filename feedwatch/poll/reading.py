"""Read one feed over the network, to its end: no database here, and nothing is decided.

The way is short where nothing changed: a 304 is done, the same bytes are done, the same bytes but
for dates that move by themselves are done; only then is a document parsed (design, section 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from feedwatch.clock import Clock
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import (
    FeedState,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Kind,
    NotModified,
    Page,
    ParseFailed,
    Reason,
    Validators,
)
from feedwatch.core.schedule import REVALIDATE_AFTER
from feedwatch.core.snapshot import build_snapshot
from feedwatch.core.state import PollResult, PollTask
from feedwatch.netflix.address import (
    PAGE_SIZE,
    is_foreign_sort,
    is_tokenized,
    page_address,
    without_parameters,
)
from feedwatch.netflix.status import classify_failure
from feedwatch.parse.digest import body_digest, content_digest
from feedwatch.poll.pages import (
    ListPage,
    ReadPages,
    digest_pages,
    ignores_paging,
    is_torn,
    is_torn_by_etag_alone,
    keep_first_page,
    keep_validators,
    seal_digests,
    stands_still,
)

READS_OF_A_TORN_LIST = 4
"""A list that changes while its pages are read is read again, three times at most (law 10)."""
MOST_PAGES = 100


class Fetch(Protocol):
    """What asks for a document (feedwatch.fetch.Fetcher.fetch)."""

    async def __call__(self, url: str, *, validators: Validators | None = None) -> FetchOutcome:
        """Make one request, conditional where validators are given."""
        ...


class ReadPage(Protocol):
    """What reads a document (feedwatch.parse.Parser.read_page)."""

    async def __call__(
        self, body: bytes, *, kind: Kind, url: str, content_type: str | None
    ) -> Page | ParseFailed:
        """Read one document by its root element."""
        ...


@dataclass(frozen=True, slots=True)
class SameList:
    """Nothing new: `validators` is None after a 304 that sent none; `believed` after a whole reply."""

    validators: tuple[Validators, ...] | None
    wish: timedelta | None
    body_digest: bytes | None = None
    believed: bool = False
    moved_to: str | None = field(default=None, repr=False)
    moved: bool = False


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list read to its end, and how long its server wishes not to be asked.

    `moved`, here and above, says that a permanent redirect led to it, whoever's address that is.
    """

    result: PollResult
    wish: timedelta | None
    moved: bool = False


Reading = SameList | ReadList | FetchFailed


class _Failed(Exception):
    """Carries a failure up from between two pages; it leaves this module as a value."""

    def __init__(self, failure: FetchFailed) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class ListReader:
    """Reads feeds, a page or many, whatever form they come in."""

    def __init__(self, fetch: Fetch, read_page: ReadPage, clock: Clock) -> None:
        self._clock = clock
        self._fetch = fetch
        self._read_page = read_page

    async def read_list(self, task: PollTask) -> Reading:
        """Ask for a feed and read it to its end.

        The first request is conditional unless there is something to confirm or to refresh.
        """
        try:
            return await self._read(task)
        except _Failed as failed:
            return failed.failure

    async def _read(self, task: PollTask) -> Reading:
        validators = task.validators if _may_ask_conditionally(task, self._clock.now()) else ()
        first = await self._ask(task, validators=validators[0] if validators else None)
        answered: int | None = None
        if isinstance(first, NotModified) and validators:
            if len(validators) == 1:
                return _not_modified(task, first)
            if await self._others_not_modified(task, validators):
                return SameList(None, first.max_age)
            first, answered = await self._ask(task), 304
        refused = task.paging_refused
        if isinstance(first, FetchFailed) and _refuses_paging(task, first):
            answered = first.status
            first, refused = await self._ask_without_paging(task)
        if not isinstance(first, Fetched):
            raise _Failed(self._classify(first, task, answered=answered))
        if same := _compare_bytes(task, first, refused=refused):
            return same
        return await self._read_on(task, first, refused=refused)

    async def _ask_without_paging(self, task: PollTask) -> tuple[FetchOutcome, bool]:
        """Find out whether a 400 was about the paging parameters, for it is remembered.

        It was if the list is given without them, and is refused once more with them: a single 400
        must not turn a whole list into a window for ever.
        """
        plain = await self._ask(task, refused=True)
        if not isinstance(plain, Fetched):
            return plain, False
        again = await self._ask(task)
        is_refused = isinstance(again, FetchFailed) and _refuses_paging(task, again)
        return (plain, True) if is_refused else (again, False)

    async def _read_on(self, task: PollTask, first: Fetched, *, refused: bool) -> Reading:
        pages = await self._read_pages(task, first, refused=refused)
        raw, content = digest_pages(pages, task.kind)
        validators = keep_validators(pages)
        wish = _longest(first.max_age, pages.pages[0].page.ttl)
        if task.body_digest is not None and content == task.content_digest:
            return _same(task, first, validators, wish=wish, raw=raw)
        entries = [entry for page in pages.pages for entry in page.page.entries]
        snapshot = build_snapshot(
            entries,
            rules_of(task.kind, compare_content=task.compare_content),
            whole=pages.whole,
            # By the clock that wrote the dates: ours may be wrong.
            requested_at=first.server_at or first.requested_at,
            other_sort=is_tokenized(task.address) and is_foreign_sort(task.address),
        )
        result = PollResult(
            snapshot=snapshot,
            form=pages.pages[0].page.form,
            validators=validators,
            body_digest=raw,
            content_digest=content,
            at=first.requested_at,
            body_etag=pages.pages[-1].page.etag,
            paging_refused=pages.refused,
            moved_to=_new_address(task, first),
        )
        return ReadList(result, wish, moved=first.moved_to is not None)

    # ── pages ─────────────────────────────────────────────────────────────────────────────────────

    async def _read_pages(self, task: PollTask, first: Fetched, *, refused: bool) -> ReadPages:
        """Read a list to its last page; one that will not settle is a failed poll (law 10)."""
        settled = False
        reads: list[ReadPages] = []
        reply = first
        while not settled and len(reads) < READS_OF_A_TORN_LIST:
            if reads:
                again = await self._ask(task)
                if not isinstance(again, Fetched):
                    raise _Failed(self._classify(again, task, answered=200))
                reply = again
            reads.append(await self._read_once(task, reply, refused=refused))
            settled = not is_torn(reads[-1])
        if settled or all(is_torn_by_etag_alone(read) for read in reads):
            return reads[-1]
        if stands_still(reads):
            # It contradicts its own count, and goes on doing so: what it does not show may still be there.
            return replace(reads[-1], whole=False)
        raise _Failed(FetchFailed(Reason.TORN, "the list kept changing while its pages were read"))

    async def _read_once(self, task: PollTask, first: Fetched, *, refused: bool) -> ReadPages:
        page = await self._parse(task, first)
        if task.kind not in (Kind.QUEUE, Kind.RATINGS) or not is_tokenized(task.address) or refused:
            return ReadPages((page,), whole=page.page.complete, refused=refused)
        pages = [page]
        total = page.page.total
        count = len(page.page.entries)
        while (total is None and pages[-1].page.entries) or (total is not None and count < total):
            following = await self._ask(task, start_index=count)
            if isinstance(following, FetchFailed) and _refuses_paging(task, following):
                return keep_first_page(page)
            if not isinstance(following, Fetched):
                raise _Failed(self._classify(following, task, answered=200))
            read = await self._parse(task, following)
            if ignores_paging(page.page, read.page, count):
                return keep_first_page(page)
            pages.append(read)
            count += len(read.page.entries)
            if not read.page.entries:
                break
            if len(pages) > MOST_PAGES:
                raise _Failed(FetchFailed(Reason.TOO_LARGE, f"more than {MOST_PAGES} pages"))
        read_pages = tuple(each for each in pages if each.page.entries) or (page,)
        return ReadPages(read_pages, whole=True, total_known=total is not None)

    async def _others_not_modified(self, task: PollTask, validators: Sequence[Validators]) -> bool:
        """Ask for the further pages of a list whose first one was not modified."""
        for number, kept in enumerate(validators[1:], start=1):
            reply = await self._ask(task, start_index=number * PAGE_SIZE, validators=kept)
            if not isinstance(reply, NotModified):
                return False
        return True

    async def _ask(
        self,
        task: PollTask,
        *,
        start_index: int = 0,
        validators: Validators | None = None,
        refused: bool = False,
    ) -> FetchOutcome:
        url = task.address
        if is_tokenized(url):
            url = page_address(url, start_index=start_index)
            if refused or task.paging_refused:
                url = without_parameters(url, {"max_results"})
        return await self._fetch(url, validators=validators)

    def _classify(self, outcome: FetchOutcome, task: PollTask, *, answered: int | None) -> FetchFailed:
        """Refine why a reply cannot be used by what the API's own message says.

        `answered` is what the host said to an earlier request of this poll: silence after that is its own.
        """
        if not isinstance(outcome, FetchFailed):
            return FetchFailed(Reason.PROTOCOL, "an answer that was not asked for")
        failed = classify_failure(outcome, tokenized=is_tokenized(task.address), now=self._clock.now())
        return replace(failed, status=answered) if failed.status is None else failed

    async def _parse(self, task: PollTask, reply: Fetched) -> ListPage:
        page = await self._read_page(
            reply.body, kind=task.kind, url=reply.url, content_type=reply.content_type
        )
        if isinstance(page, ParseFailed):
            raise _Failed(FetchFailed(page.reason, page.detail, status=200, body=reply.body[:65536]))
        return ListPage(reply, page)


def _may_ask_conditionally(task: PollTask, now: datetime) -> bool:
    if task.believed_at is None or task.first or task.state is FeedState.HELD:
        return False
    return now - task.believed_at < REVALIDATE_AFTER


def _not_modified(task: PollTask, reply: NotModified) -> SameList:
    return SameList(
        (reply.validators,) if reply.validators else None,
        reply.max_age,
        moved_to=_new_address(task, reply),
        moved=reply.moved_to is not None,
    )


def _same(
    task: PollTask,
    reply: Fetched,
    validators: tuple[Validators, ...],
    *,
    wish: timedelta | None,
    raw: bytes | None = None,
) -> SameList:
    moved = reply.moved_to is not None
    return SameList(validators, wish, raw, believed=True, moved_to=_new_address(task, reply), moved=moved)


def _new_address(task: PollTask, reply: Fetched | NotModified) -> str | None:
    """Where a feed has moved for good. A tokenized one has its address from its account's index alone."""
    return None if is_tokenized(task.address) else reply.moved_to


def _refuses_paging(task: PollTask, failure: FetchFailed) -> bool:
    return failure.reason is Reason.BAD_REQUEST and is_tokenized(task.address) and not task.paging_refused


# ── what to remember of a reply ───────────────────────────────────────────────────────────────────


def _compare_bytes(task: PollTask, reply: Fetched, *, refused: bool) -> SameList | None:
    """The short way for a list of one page: the same bytes, or the same but for dates."""
    if task.body_digest is None or task.content_digest is None or len(task.validators) > 1:
        return None
    validators = (reply.validators,) if reply.validators else ()
    raw = seal_digests([body_digest(reply.body)], refused=refused)
    if raw != task.body_digest:
        if seal_digests([content_digest(reply.body, task.kind)], refused=refused) != task.content_digest:
            return None
        return _same(task, reply, validators, wish=reply.max_age, raw=raw)
    return _same(task, reply, validators, wish=reply.max_age)


def _longest(*wishes: timedelta | None) -> timedelta | None:
    return max((wish for wish in wishes if wish is not None), default=None)
