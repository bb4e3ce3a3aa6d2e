"""What reading a feed comes to: nothing new, or a list; and what to remember of the reply. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from feedwatch.core.model import Fetched, FetchFailed, NotModified, Validators
from feedwatch.core.state import PollResult, PollTask
from feedwatch.netflix.address import is_tokenized
from feedwatch.parse.digest import Digests
from feedwatch.poll.pages import seal_digests


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class SameList:
    """Nothing new: `validators` is None after a 304 that sent none; `believed` after a whole reply."""

    validators: tuple[Validators, ...] | None
    wish: timedelta | None
    body_digest: bytes | None = None
    believed: bool = False
    moved_to: str | None = field(default=None, repr=False)
    moved: bool = False


@dataclass(slots=True)  # as above
class ReadList:
    """A list read to its end, and how long its server wishes not to be asked.

    `moved`, here and above, says that a permanent redirect led to it, whoever's address that is.
    """

    result: PollResult
    wish: timedelta | None
    moved: bool = False


Reading = SameList | ReadList | FetchFailed


def tell_not_modified(task: PollTask, reply: NotModified) -> SameList:
    """Nothing new, as a 304 says."""
    return SameList(
        (reply.validators,) if reply.validators else None,
        reply.max_age,
        moved_to=new_address(task, reply),
        moved=reply.moved_to is not None,
    )


def tell_same(
    task: PollTask,
    reply: Fetched,
    validators: tuple[Validators, ...],
    *,
    wish: timedelta | None,
    raw: bytes | None = None,
    believed: bool = True,
) -> SameList:
    """Nothing new, as a whole reply says; with `believed` off, as a part of one does."""
    moved = reply.moved_to is not None
    return SameList(validators, wish, raw, believed, moved_to=new_address(task, reply), moved=moved)


def new_address(task: PollTask, reply: Fetched | NotModified) -> str | None:
    """Where a feed has moved for good. A tokenized one has its address from its account's index alone."""
    return None if is_tokenized(task.address) else reply.moved_to


def compare_bytes(
    task: PollTask, reply: Fetched, digests: Digests, validators: tuple[Validators, ...], *, refused: bool
) -> SameList | None:
    """The short way for a list of one page: the same bytes, or the same but for what moves by itself."""
    if task.body_digest is None or task.content_digest is None or len(task.validators) > 1:
        return None
    raw = seal_digests([digests.raw], refused=refused)
    if raw == task.body_digest:
        return tell_same(task, reply, validators, wish=reply.max_age)
    if seal_digests([digests.content], refused=refused) == task.content_digest:
        return tell_same(task, reply, validators, wish=reply.max_age, raw=raw)
    return None


def longest(*wishes: timedelta | None) -> timedelta | None:
    """The longest of several wishes not to be asked."""
    return max((wish for wish in wishes if wish is not None), default=None)
