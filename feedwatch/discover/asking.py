"""One discovery, start to finish: an account's service is asked, and what it found is recorded.

The network is asked without the database; the outcome lands in one short transaction without an await.
A failed index never touches a feed (law 7); one that lacks a feed retires it only the second time
in a row (law 12, which the store keeps).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from feedwatch.core.model import Notice, NoticeKind, NoticeLine, Reason
from feedwatch.core.schedule import RATE_REST, back_off, is_broken_by_now, next_poll_after
from feedwatch.core.state import AccountStatus, IndexEffect, SignIn
from feedwatch.services import (
    Found,
    IndexFailed,
    Means,
    Memory,
    ServiceSettings,
    find_index_host,
    open_service,
)
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

_LOG = logging.getLogger("feedwatch.discover")

INDEX_EVERY = timedelta(days=1)
FIRST_RETRY = timedelta(minutes=5)

Hear = Callable[[str, Reason | None, float], bool]
"""Is told which host answered (None) or why not what was asked at an instant of the loop's clock.

True if no host answers at all: then our own network is at fault, and the account is not.
"""


def ignore(_host: str, _reason: Reason | None, _asked_at: float) -> bool:
    """Remember nothing."""
    return False


@dataclass(frozen=True, slots=True)
class Asking:
    """Which account is asked, how, and who is told what comes of it.

    `jitter` is from 0 up to 1. `hide` is given the addresses that were found before anything is
    recorded or logged of them, for they may hold tokens; `hide_sign_in` is given what is signed with.
    `hear` is told how the host answered.
    """

    account: str
    settings: ServiceSettings
    jitter: float = 0.0
    notice_addresses: Sequence[str] = ()
    hide: Callable[[Iterable[str]], None] = field(default=lambda _addresses: None)
    hear: Hear = ignore
    hide_sign_in: Callable[[SignIn], None] = field(default=lambda _sign_in: None)


@dataclass(frozen=True, slots=True)
class DiscoveryReport:
    """What one discovery came to. `reason` is None when the index was read."""

    account: str
    feeds: int = 0
    effect: IndexEffect = field(default_factory=IndexEffect)
    reason: Reason | None = None
    detail: str = ""
    signed_out: bool = False
    next_index_at: datetime | None = None

    @property
    def ok(self) -> bool:
        """Whether the index was read."""
        return self.reason is None

    @property
    def problem(self) -> str | None:
        """Why the index was not read, for a person; None when it was."""
        if self.reason is None:
            return None
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


async def discover_account(asking: Asking, *, store: StoreThread, means: Means) -> DiscoveryReport:
    """Read an account's index and record what it says.

    An account that is signed out is not asked, nor is a host that rests.
    """
    recalled = await store.run(_recall, asking, means.clock())
    if recalled is None:
        return _leave_alone(asking)
    if recalled.status.signed_out:
        return _stay_signed_out(recalled.status)
    if recalled.rests_until is not None:
        await store.run(Store.ask_index, asking.account, recalled.rests_until)
        _LOG.info("discovery waits account=%s reason=%s", asking.account, Reason.RATE_LIMITED)
        return DiscoveryReport(asking.account, reason=Reason.RATE_LIMITED, next_index_at=recalled.rests_until)
    if recalled.memory.sign_in is not None:
        asking.hide_sign_in(recalled.memory.sign_in)
    asked_at = asyncio.get_running_loop().time()
    outcome = await _ask_service(asking, means, recalled.memory)
    own_outage = _tell_how_it_went(asking, outcome, asked_at)
    if isinstance(outcome, Found):
        asking.hide(feed.address for feed in outcome.feeds)
        return await store.run(_land_found, asking, outcome, means.clock(), asked_as=recalled.status.stamp)
    land = partial(_land_failure, asked_as=recalled.status.stamp, own_outage=own_outage)
    return await store.run(land, asking, outcome, means.clock())


def _tell_how_it_went(asking: Asking, outcome: Found | IndexFailed, asked_at: float) -> bool:
    reason = None if isinstance(outcome, Found) else outcome.silence
    host = find_index_host(asking.settings)
    if host is None or reason is Reason.NO_CREDENTIALS:
        return False
    return asking.hear(host, reason, asked_at)


@dataclass(frozen=True, slots=True)
class _Recalled:
    status: AccountStatus
    memory: Memory
    rests_until: datetime | None


def _recall(store: Store, asking: Asking, now: datetime) -> _Recalled | None:
    status = store.account_status(asking.account)
    if status is None:
        return None
    memory = Memory(store.known_feeds(asking.account), status.facts, store.find_sign_in(asking.account))
    host = find_index_host(asking.settings)
    return _Recalled(status, memory, store.resting_hosts(now).get(host) if host else None)


def _find_asked(store: Store, asking: Asking, asked_as: str) -> AccountStatus | None:
    """Look up the account that was asked; None when the configuration or a sign-in has changed it by now.

    What its old credentials brought says nothing of the new ones, and its index is due again.
    """
    status = store.account_status(asking.account)
    return status if status is not None and status.stamp == asked_as else None


def _leave_alone(asking: Asking) -> DiscoveryReport:
    return DiscoveryReport(asking.account, reason=Reason.NOT_CONFIGURED)


async def _ask_service(asking: Asking, means: Means, memory: Memory) -> Found | IndexFailed:
    try:
        return await open_service(asking.settings, means, memory).find_feeds()
    except Exception:  # noqa: BLE001 — the edge of one account: a fault in one must not stop the others
        _LOG.exception("discovery failed account=%s", asking.account)
        return IndexFailed(Reason.INTERNAL)


# ── an index that was read ────────────────────────────────────────────────────────────────────────


def _land_found(
    store: Store, asking: Asking, found: Found, now: datetime, *, asked_as: str
) -> DiscoveryReport:
    status = _find_asked(store, asking, asked_as)
    if status is None:
        return _leave_alone(asking)
    had_feeds = store.has_feeds(asking.account)
    next_index_at = next_poll_after(now, INDEX_EVERY, asking.jitter)
    effect = store.record_index(
        asking.account,
        found.feeds,
        now=now,
        next_index_at=next_index_at,
        authoritative=found.authoritative,
        facts=found.facts,
        make_notices=lambda effect: _make_notices(status, effect, found, now, had_feeds=had_feeds),
        notice_addresses=asking.notice_addresses,
        asked_as=asked_as,
    )
    if effect is None:  # somebody has signed in, or out, this very moment
        return _leave_alone(asking)
    _log_found(asking.account, found, effect, had_feeds=had_feeds)
    return DiscoveryReport(asking.account, len(found.feeds), effect, next_index_at=next_index_at)


def _make_notices(
    status: AccountStatus, effect: IndexEffect, found: Found, now: datetime, *, had_feeds: bool
) -> list[Notice]:
    """Say what has come and gone; the first index of an account is told by the watching notice alone."""
    notices = []
    if status.broken_announced:
        since_at = status.failing_since_at
        notices.append(Notice(NoticeKind.ACCOUNT_RECOVERED, now, status.name, since_at=since_at))
    if had_feeds and (come := effect.found + effect.returned):
        notices.append(Notice(NoticeKind.FEEDS_FOUND, now, status.name, _lines(status.name, come)))
    if effect.retired:
        reason = Reason.NOT_CONFIGURED if found.authoritative else Reason.LEFT_INDEX
        lines = _lines(status.name, effect.retired)
        notices.append(Notice(NoticeKind.FEED_RETIRED, now, status.name, lines, reason))
    return notices


def _lines(account: str, names: Sequence[str]) -> tuple[NoticeLine, ...]:
    return tuple(NoticeLine(f"{account}/{name}") for name in names)


def _log_found(account: str, found: Found, effect: IndexEffect, *, had_feeds: bool) -> None:
    counts = (account, len(found.feeds), len(effect.found), len(effect.retired))
    _LOG.info("discovered account=%s feeds=%d new=%d retired=%d", *counts)
    for name in (effect.found + effect.returned) if had_feeds else ():
        _LOG.info("feed found feed=%s/%s", account, name)
    for name in effect.retired:
        _LOG.info("feed retired feed=%s/%s", account, name)


# ── an index that could not be read ───────────────────────────────────────────────────────────────


def _land_failure(
    store: Store, asking: Asking, failed: IndexFailed, now: datetime, *, asked_as: str, own_outage: bool
) -> DiscoveryReport:
    # Read anew: another process may have landed a discovery while this one was asking.
    status = _find_asked(store, asking, asked_as)
    if status is None:
        return _leave_alone(asking)
    next_index_at = _retry_at(asking, failed, status.failures + 1, now)
    notice = None if own_outage else _announce_failure(status, failed, now)
    is_still_that = store.record_index_failure(
        asking.account,
        now=now,
        next_index_at=None if failed.signed_out else next_index_at,
        reason=failed.reason,
        detail=failed.detail,
        notice=notice,
        notice_addresses=asking.notice_addresses,
        asked_as=asked_as,
    )
    if not is_still_that:
        return _leave_alone(asking)
    _rest_host(store, asking, failed, now)
    _LOG.warning("discovery failed account=%s reason=%s", asking.account, failed.reason)
    return DiscoveryReport(
        asking.account,
        reason=failed.reason,
        detail=failed.detail,
        signed_out=failed.signed_out,
        next_index_at=None if failed.signed_out else next_index_at,
    )


def _retry_at(asking: Asking, failed: IndexFailed, failures: int, now: datetime) -> datetime:
    """Ask again ever more slowly, once a day at the latest, and never before the server's wish."""
    asked_for = failed.retry_after or timedelta(0)
    spread = min(asked_for / 10, FIRST_RETRY) * asking.jitter
    return max(back_off(now, FIRST_RETRY, failures, asking.jitter), now + asked_for + spread)


def _announce_failure(status: AccountStatus, failed: IndexFailed, now: datetime) -> Notice | None:
    """Say once that an account is signed out, and once that its index cannot be read."""
    since_at = status.failing_since_at
    if failed.signed_out:
        if status.signed_out:
            return None
        return Notice(NoticeKind.SIGNED_OUT, now, status.name, reason=failed.reason)
    if status.broken_announced or not is_broken_by_now(status.failures + 1, since_at, now):
        return None
    return Notice(NoticeKind.ACCOUNT_BROKEN, now, status.name, reason=failed.reason, since_at=since_at)


def _rest_host(store: Store, asking: Asking, failed: IndexFailed, now: datetime) -> None:
    host = failed.host or find_index_host(asking.settings)
    if failed.reason is Reason.RATE_LIMITED and host is not None:
        store.rest_host(host, now + (failed.retry_after or RATE_REST), failed.reason)


def _stay_signed_out(status: AccountStatus) -> DiscoveryReport:
    _LOG.info("discovery waits account=%s reason=signed_out", status.name)
    return DiscoveryReport(
        status.name, reason=status.reason or Reason.UNAUTHORIZED, detail=status.detail, signed_out=True
    )
