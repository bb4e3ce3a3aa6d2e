"""What is asked to see whether a configuration works: its accounts, its feeds, and the ways to its targets.

Nothing of it is kept, and nobody is told of a change: for `check` and `test`, and for a first configuration.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from feedwatch.assembly import Assembly, assemble
from feedwatch.config import Config
from feedwatch.core.messages import Delivered, NotifyFailed, NotifyOutcome, Outgoing, OwedDelivery
from feedwatch.core.model import FetchFailed, Kind, Notice, NoticeKind, Reason
from feedwatch.core.networks import host_of
from feedwatch.core.render import compose_message
from feedwatch.core.schedule import RATE_REST
from feedwatch.core.state import PollTask
from feedwatch.core.subjects import NamedTitle
from feedwatch.discover import DiscoveryReport
from feedwatch.errors import FeedwatchError
from feedwatch.netflix.replies import ApiFailed
from feedwatch.netflix.users import find_current_user, find_user
from feedwatch.poll.reading import ReadList
from feedwatch.redact import Redactor
from feedwatch.routing import address_urls
from feedwatch.rows import say_reason, say_unknown
from feedwatch.services import turns_beside
from feedwatch.store import Store
from feedwatch.tmdb import TmdbFailed

_LOG = logging.getLogger("feedwatch")

_EVERY_POLL = 1_000_000
_SURELY_THERE = NamedTitle("Metropolis", 1927)


@dataclass(frozen=True, slots=True)
class ReachedFeed:
    """A feed that was asked: how many entries it lists, and its first title; or why that is not known."""

    feed: str
    kind: Kind
    entries: int = 0
    first_title: str | None = None
    problem: str | None = None


@asynccontextmanager
async def assemble_apart(config: Config, redactor: Redactor) -> AsyncIterator[Assembly]:
    """Build everything for a configuration, around a state of its own that is thrown away.

    Raises:
        ConfigError: a secret cannot be had, or a target is none.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="feedwatch-check-")))
        apart = replace(config, state=folder / "feedwatch.db")
        yield await assemble(apart, redactor, stack, turns=_find_turns(config))


def _find_turns(config: Config) -> Path | None:
    """Where a daemon keeps whose turn it is to sign, for a server minds; None where that cannot be shared."""
    turns = turns_beside(config.state)
    return turns if config.state.exists() and turns.is_dir() and os.access(turns, os.W_OK) else None


async def reach_accounts(assembly: Assembly) -> tuple[DiscoveryReport, ...]:
    """Ask every account for its index."""
    return tuple(await asyncio.gather(*map(assembly.discoverer.discover, assembly.config.accounts)))


async def name_signed_in(assembly: Assembly, account: str) -> str | None:
    """Say who is signed in to an account, as its server tells it; None where nobody has to be."""
    opened = await assembly.open_api(account)
    if opened is None:
        return None
    api = replace(opened.api, user_id=None)  # whoever the token is of, not whoever we think it is of
    current = await find_current_user(api)
    user = current if isinstance(current, ApiFailed) else await find_user(api)
    if isinstance(user, ApiFailed):
        return f"signed in, but as whom is not told: {say_reason(user.reason, user.message)}"
    return f"signed in as {user.name or 'somebody without a name'}"


async def reach_feeds(assembly: Assembly, *, most: int = _EVERY_POLL) -> tuple[ReachedFeed, ...]:
    """Ask the feeds that the indexes named, the first so many of them, in their order."""
    tasks = await assembly.store.run(
        Store.take_polls, datetime.now(UTC), feeds=None, due_only=False, limit=_EVERY_POLL
    )
    asked = sorted(tasks, key=lambda task: task.feed_id)[:most]
    resting = await assembly.store.run(Store.resting_hosts, datetime.now(UTC))
    assembly.fetcher.rests_until = resting.get
    return tuple(await asyncio.gather(*(_reach(assembly, task, resting) for task in asked)))


async def _reach(assembly: Assembly, task: PollTask, resting: dict[str, datetime]) -> ReachedFeed:
    """Ask for one feed as soon as there is a place at its host, unless that rests by then."""
    place = await assembly.places.enter(host_of(task.address))
    try:
        if place.host in resting:
            return ReachedFeed(task.feed, task.kind, problem=say_reason(Reason.RATE_LIMITED))
        reading = await assembly.reader.read_list(task)
    except Exception:  # noqa: BLE001 — one feed that fails in an unforeseen way hides no other
        _LOG.exception("check failed in an unforeseen way feed=%s", task.feed)
        reading = FetchFailed(Reason.INTERNAL)
    finally:
        place.leave()
    if isinstance(reading, FetchFailed):
        if reading.reason is Reason.RATE_LIMITED:
            until = datetime.now(UTC) + (reading.retry_after or RATE_REST)
            resting.setdefault(reading.host or place.host, until)
        return ReachedFeed(task.feed, task.kind, problem=say_reason(reading.reason, reading.detail))
    entries = reading.result.snapshot.entries if isinstance(reading, ReadList) else ()
    return ReachedFeed(task.feed, task.kind, len(entries), entries[0].title if entries else None)


async def reach_tmdb(assembly: Assembly) -> str | None:
    """Ask TMDB for a film that is surely there; gives what is wrong. It is asked only if it is configured."""
    tmdb = assembly.sources.tmdb
    if tmdb is None:
        return None
    if host_of(tmdb.server) in await assembly.store.run(Store.resting_hosts, datetime.now(UTC)):
        return say_reason(Reason.RATE_LIMITED)
    found = await tmdb.find_details(_SURELY_THERE)
    return (found.says or say_reason(found.reason)) if isinstance(found, TmdbFailed) else None


# ── test messages ─────────────────────────────────────────────────────────────────────────────────


def find_addresses(config: Config, what: str) -> tuple[str, tuple[str, ...]]:
    """Give the target that `phone` or `phone/2` is, and the addresses meant by it.

    Raises:
        FeedwatchError: there is none.
    """
    target = what.partition("/")[0]
    if target not in config.targets:
        raise FeedwatchError(say_unknown("target", target, list(config.targets)))
    addresses = tuple(address_urls(target, config.targets[target]))
    if what == target:
        return target, addresses
    if what not in addresses:
        raise FeedwatchError(say_unknown("address", what, addresses))
    return target, (what,)


async def send_tests(assembly: Assembly, addresses: Collection[str]) -> dict[str, str | None]:
    """Send each address a test message, past the outbox: it is about the way, not about a change.

    Gives, for each address, what went wrong and what to do about it; None where it was taken.
    """
    urls = assembly.deliverer.terms.urls
    outcomes = await asyncio.gather(*(_send_test(assembly, each, urls[each]()) for each in addresses))
    said = map(say_unsent, outcomes)
    return dict(zip(addresses, said, strict=True))


async def _send_test(assembly: Assembly, address: str, url: str) -> NotifyOutcome:
    notifier = assembly.notifier
    notice = Notice(NoticeKind.TEST, datetime.now(UTC))
    message = compose_message([OwedDelivery(0, address, notice)], notifier.style_of(url))
    # A webhook may know a message by its key: each test is another.
    key = f"test-{secrets.token_hex(8)}"
    outgoing = Outgoing(message.title, message.body, message.markup, twin=message.twin, key=key)
    return await notifier.send(address, url, outgoing)


def say_unsent(outcome: NotifyOutcome) -> str | None:
    """Say why a test message was not taken, and what to look at; None if it was."""
    if isinstance(outcome, Delivered):
        return None
    if not isinstance(outcome, NotifyFailed):
        return f"{say_reason(Reason.AMBIGUOUS)}: did it arrive?"
    return f"{say_reason(outcome.reason, outcome.detail)}: {_say_remedy(outcome)}"


def _say_remedy(failed: NotifyFailed) -> str:
    if failed.reason is Reason.RATE_LIMITED:
        return "try again later"
    if failed.reason is not Reason.REFUSED:
        return "is it running, and are host and port of the address right?"
    if re.search(r"\b(401|403|53[045])\b", failed.detail):
        return "are the token, or user and password, in the address right?"
    if re.search(r"\b(404|410)\b", failed.detail):
        return "are the path, topic or webhook in the address right?"
    return "is the address right?"
