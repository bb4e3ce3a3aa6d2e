"""Read one feed over the network, to its end: no database here, and nothing is decided.

The way is short where nothing changed: a 304 is done, the same bytes are done, the same bytes but
for dates that move by themselves are done; only then is a document parsed (design, section 9), and of one
whose other entries are known only what is new.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime
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
from feedwatch.parse.digest import Digests
from feedwatch.poll.known import describe_reading, find_known, is_as_expected, keep_parts
from feedwatch.poll.outcomes import (
    Reading,
    ReadList,
    SameList,
    compare_bytes,
    longest,
    new_address,
    tell_not_modified,
    tell_same,
)
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
    shared_etag,
    stands_still,
)
from feedwatch.poll.probe import is_probed, may_probe, probe_address, proves_same, will_probe

__all__ = ["ListReader", "ReadList", "Reading", "SameList"]

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
        now = self._clock.now()
        answered: int | None = None
        if may_probe(task, now):
            if same := await self._probe(task):
                return same
            answered = 200
        validators = task.validators if _may_ask_conditionally(task, now) else ()
        first = await self._ask(task, validators=validators[0] if validators else None)
        if isinstance(first, NotModified) and validators:
            if len(validators) == 1:
                return tell_not_modified(task, first)
            if await self._others_not_modified(task, validators):
                return SameList(None, first.max_age)
            first, answered = await self._ask(task), 304
        refused = task.paging_refused
        if isinstance(first, FetchFailed) and _refuses_paging(task, first):
            answered = first.status
            first, refused = await self._ask_without_paging(task)
        if not isinstance(first, Fetched):
            raise _Failed(self._classify(first, task, answered=answered))
        kept = _keep_first_validators(task, first)
        digests = Digests(first.body, task.kind)
        if same := compare_bytes(task, first, digests, kept, refused=refused):
            return same
        if new := await self._read_new(task, first, digests, kept):
            return new
        return await self._read_on(task, first, digests, refused=refused)

    async def _read_new(
        self, task: PollTask, first: Fetched, digests: Digests, kept: tuple[Validators, ...]
    ) -> ReadList | None:
        """Read what is new of a list on one page; None where all of it has to be read."""
        rules = rules_of(task.kind, compare_content=task.compare_content)
        stood, parts = find_known(task, first, digests, rules), digests.parts
        if stood is None or parts is None:
            return None
        new = [number for number, at in enumerate(stood) if at is None]
        page = await self._read_page(
            parts.write_only(new), kind=task.kind, url=first.url, content_type=first.content_type
        )
        if isinstance(page, ParseFailed) or not is_as_expected(page, stood):
            return None
        snapshot = build_snapshot(page.entries, rules, whole=page.complete, requested_at=_date_of(first))
        if not snapshot.alone:
            return None
        result = PollResult(
            snapshot=snapshot,
            validators=kept,
            body_digest=seal_digests([digests.raw], refused=False),
            content_digest=seal_digests([digests.content], refused=False),
            at=first.requested_at,
            body_etag=page.etag,
            moved_to=new_address(task, first),
            parts=parts.keep(describe_reading(first, rules)),
            stood=stood,
        )
        return ReadList(result, longest(first.max_age, page.ttl), moved=first.moved_to is not None)

    async def _probe(self, task: PollTask) -> SameList | None:
        """Ask for one item; None where it does not prove that nothing is new, and the pages decide.

        A 400 proves nothing either: it may be about asking for one.
        """
        kept = task.validators[0] if task.validators else None
        reply = await self._fetch(probe_address(task), validators=kept)
        if isinstance(reply, NotModified) and kept is not None:
            return tell_not_modified(task, reply)
        if isinstance(reply, FetchFailed) and _refuses_paging(task, reply):
            return None
        if not isinstance(reply, Fetched):
            raise _Failed(self._classify(reply, task, answered=None))
        page = (await self._parse(task, reply, Digests(reply.body, task.kind))).page
        if not proves_same(page, task):
            return None
        validators = (reply.validators,) if reply.validators else ()
        return tell_same(task, reply, validators, wish=longest(reply.max_age, page.ttl), believed=False)

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

    async def _read_on(self, task: PollTask, first: Fetched, digests: Digests, *, refused: bool) -> Reading:
        pages = await self._read_pages(task, first, digests, refused=refused)
        raw, content = digest_pages(pages)
        etag, total = shared_etag(pages), pages.pages[0].page.total
        probed = is_probed(task, etag=etag, total=total, refused=pages.refused)
        validators = () if probed else keep_validators(pages)
        wish = longest(first.max_age, pages.pages[0].page.ttl)
        if task.body_digest is not None and content == task.content_digest:
            return tell_same(task, first, validators, wish=wish, raw=raw)
        entries = [entry for page in pages.pages for entry in page.page.entries]
        rules = rules_of(task.kind, compare_content=task.compare_content)
        snapshot = build_snapshot(
            entries,
            rules,
            whole=pages.whole,
            requested_at=_date_of(first),
            other_sort=is_tokenized(task.address) and is_foreign_sort(task.address),
        )
        result = PollResult(
            snapshot=snapshot,
            validators=validators,
            body_digest=raw,
            content_digest=content,
            at=first.requested_at,
            body_etag=etag,
            body_total=total,
            paging_refused=pages.refused,
            moved_to=new_address(task, first),
            parts=keep_parts(task, pages.pages[0], snapshot, rules) if len(pages.pages) == 1 else None,
        )
        return ReadList(result, wish, moved=first.moved_to is not None)

    # ── pages ─────────────────────────────────────────────────────────────────────────────────────

    async def _read_pages(
        self, task: PollTask, first: Fetched, digests: Digests, *, refused: bool
    ) -> ReadPages:
        """Read a list to its last page; one that will not settle is a failed poll (law 10)."""
        settled = False
        reads: list[ReadPages] = []
        reply = first
        while not settled and len(reads) < READS_OF_A_TORN_LIST:
            if reads:
                again = await self._ask(task)
                if not isinstance(again, Fetched):
                    raise _Failed(self._classify(again, task, answered=200))
                reply, digests = again, Digests(again.body, task.kind)
            reads.append(await self._read_once(task, reply, digests, refused=refused))
            settled = not is_torn(reads[-1])
        if settled or all(is_torn_by_etag_alone(read) for read in reads):
            return reads[-1]
        if stands_still(reads):
            # It contradicts its own count, and goes on doing so: what it does not show may still be there.
            return replace(reads[-1], whole=False)
        raise _Failed(FetchFailed(Reason.TORN, "the list kept changing while its pages were read"))

    async def _read_once(
        self, task: PollTask, first: Fetched, digests: Digests, *, refused: bool
    ) -> ReadPages:
        page = await self._parse(task, first, digests)
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
            read = await self._parse(task, following, Digests(following.body, task.kind))
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
            if isinstance(reply, FetchFailed) and not _refuses_paging(task, reply):
                raise _Failed(self._classify(reply, task, answered=304))
            if not isinstance(reply, NotModified):
                return False
        return True

    def _ask(
        self,
        task: PollTask,
        *,
        start_index: int = 0,
        validators: Validators | None = None,
        refused: bool = False,
    ) -> Awaitable[FetchOutcome]:
        url = task.address
        if is_tokenized(url):
            url = page_address(url, start_index=start_index, form="plain" if task.plain else "atom")
            if refused or task.paging_refused:
                url = without_parameters(url, {"max_results"})
        return self._fetch(url, validators=validators)

    def _classify(self, outcome: FetchOutcome, task: PollTask, *, answered: int | None) -> FetchFailed:
        """Refine why a reply cannot be used by what the API's own message says.

        `answered` is what the host said to an earlier request of this poll: silence after that is its own.
        """
        if not isinstance(outcome, FetchFailed):
            return FetchFailed(Reason.PROTOCOL, "an answer that was not asked for")
        failed = classify_failure(outcome, tokenized=is_tokenized(task.address), now=self._clock.now())
        return replace(failed, status=answered) if failed.status is None else failed

    async def _parse(self, task: PollTask, reply: Fetched, digests: Digests) -> ListPage:
        page = await self._read_page(
            reply.body, kind=task.kind, url=reply.url, content_type=reply.content_type
        )
        if isinstance(page, ParseFailed):
            raise _Failed(FetchFailed(page.reason, page.detail, status=200, body=reply.body[:65536]))
        return ListPage(reply, page, digests)


def _may_ask_conditionally(task: PollTask, now: datetime) -> bool:
    if will_probe(task):
        return False
    if task.believed_at is None or task.first or task.state is FeedState.HELD:
        return False
    return now - task.believed_at < REVALIDATE_AFTER


def _refuses_paging(task: PollTask, failure: FetchFailed) -> bool:
    return failure.reason is Reason.BAD_REQUEST and is_tokenized(task.address) and not task.paging_refused


def _date_of(reply: Fetched) -> datetime:
    """When a reply was made, by the clock that wrote its dates: ours may be wrong."""
    return reply.server_at or reply.requested_at


def _keep_first_validators(task: PollTask, reply: Fetched) -> tuple[Validators, ...]:
    """What to keep of a list of one page that is the same as before, and so has the same etag."""
    return (reply.validators,) if reply.validators and not will_probe(task) else ()
