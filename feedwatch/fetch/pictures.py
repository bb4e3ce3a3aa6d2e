"""Pictures for messages, fetched under limits of their own: none is worth a message.

The address of a picture was chosen by whoever writes a feed. So it is asked for as a stranger would ask,
without credentials, and not in private networks, unless it is at the very server that the feed is at.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from feedwatch.core.messages import Picture, PictureLink
from feedwatch.core.model import Fetched, FetchFailed, FetchOutcome
from feedwatch.core.networks import NetworkPolicy, host_of
from feedwatch.core.pictures import look_at_picture
from feedwatch.fetch.addresses import basic_auth, host_named_by
from feedwatch.fetch.fetcher import Fetcher, FetchLimits

_LOG = logging.getLogger("feedwatch")

_ACCEPT: Final = "image/png, image/jpeg, image/gif, image/webp"
_MEGABYTE: Final = 1024 * 1024
_MOST_ALONE: Final = 5 * _MEGABYTE
_MOST_OF_MANY: Final = 2 * _MEGABYTE
_MANY: Final = 4
"""Of more pictures than this none may be large: mail servers take 10 MB or so."""
_MOST_TOGETHER: Final = 7 * _MEGABYTE
"""Of one message; written as text, as mails have it, that is a third more."""
_WITHIN: Final = timedelta(seconds=10)
_ALL_WITHIN: Final = timedelta(seconds=15)
_KEPT_FOR: Final = 3600.0
_MISSED_FOR: Final = 300.0
_MOST_KEPT: Final = 16 * _MEGABYTE
_COST_OF_MISS: Final = 1024
"""A failure takes little room, but some: else there could be any number of them."""


@dataclass(frozen=True, slots=True)
class PictureFailed:
    """A picture that cannot be had, and why, in words that hold nothing of its address but the host."""

    problem: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came of asking for an address: a picture without a name, or why there is none."""

    outcome: Picture | PictureFailed
    until: float
    size: int = field(default=_COST_OF_MISS)


class PictureFetcher:
    """Fetches pictures, and keeps them for an hour. Of one event loop.

    `fetcher` is the one that asks for feeds: it is used for pictures at a feed's own server.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        networks: NetworkPolicy,
        user_agent: str,
        within: timedelta = _WITHIN,
        all_within: timedelta = _ALL_WITHIN,
    ) -> None:
        self._own = fetcher
        # It names no hosts: what is private stays closed, even if the configuration names it.
        self._strange = Fetcher(FetchLimits(within, _MOST_ALONE), networks=networks, user_agent=user_agent)
        self._strange.rests_until = self._rests_until
        self._resting: dict[str, float] = {}
        self._within = within
        self._all_within = all_within.total_seconds()
        self._kept: OrderedDict[tuple[str, bool], _Kept] = OrderedDict()
        self._size = 0
        self._asking: WeakValueDictionary[tuple[str, bool], asyncio.Lock] = WeakValueDictionary()

    def update_networks(self, networks: NetworkPolicy) -> None:
        """Take over who may be asked in private networks; what is under way ends under the old policy."""
        self._strange.update_networks(networks)

    async def aclose(self) -> None:
        """Close all connections and forget all pictures."""
        self._kept.clear()
        self._size = 0
        await self._strange.aclose()

    async def fetch_all(self, links: Sequence[PictureLink]) -> tuple[Picture, ...]:
        """Fetch pictures side by side; those that could be had in time, in order. Never raises."""
        most = _MOST_OF_MANY if len(links) > _MANY else _MOST_ALONE
        tasks = [asyncio.create_task(self.fetch_picture(link, most)) for link in links]
        try:
            await asyncio.wait(tasks, timeout=self._all_within) if tasks else None
        finally:
            late = [task for task in tasks if not task.done()]
            for task in late:
                task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return _choose(links, [_outcome_of(task) for task in tasks])

    async def fetch_picture(self, link: PictureLink, most: int = _MOST_ALONE) -> Picture | PictureFailed:
        """Fetch one picture of `most` bytes, or say why there is none. Never raises."""
        key = (link.url, link.own)
        asking = self._asking.setdefault(key, asyncio.Lock())
        async with asking:  # who wants the same one waits for it
            kept = self._recall(key)
            if kept is None:
                kept = self._keep(key, await self._ask(link))
        if isinstance(kept, PictureFailed):
            return kept
        if len(kept.content) > most:
            return PictureFailed(f"more than {most} bytes")
        return replace(kept, name=link.name)

    async def _ask(self, link: PictureLink) -> Picture | PictureFailed:
        if _has_user(link.url):
            return PictureFailed("its address names a user")
        host = host_of(link.url)
        if self._rests_until(host) or self._resting.get(host, 0.0) > _now():
            return PictureFailed("its host asked for rest")
        fetcher = self._own if link.own else self._strange
        try:
            outcome = await fetcher.fetch(
                link.url, timeout=self._within, accept=_ACCEPT, max_body=_MOST_ALONE
            )
            if isinstance(outcome, FetchFailed) and outcome.retry_after:
                self._rest(outcome.host or host, outcome.retry_after)
            return _read_picture(outcome)
        except Exception as error:  # noqa: BLE001 — no picture is worth a message
            return PictureFailed(f"an error of our own: {type(error).__name__}")

    def _rests_until(self, host: str) -> datetime | None:
        return self._own.rests_until(host)

    def _rest(self, host: str, length: timedelta) -> None:
        now = _now()
        self._resting = {each: until for each, until in self._resting.items() if until > now}
        self._resting[host] = max(now + length.total_seconds(), self._resting.get(host, now))

    def _recall(self, key: tuple[str, bool]) -> Picture | PictureFailed | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= _now():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept.outcome

    def _keep(self, key: tuple[str, bool], outcome: Picture | PictureFailed) -> Picture | PictureFailed:
        if isinstance(outcome, Picture):
            kept = _Kept(outcome, _now() + _KEPT_FOR, len(outcome.content))
        else:
            kept = _Kept(outcome, _now() + _MISSED_FOR)
        self._kept[key] = kept
        self._size += kept.size
        while self._size > _MOST_KEPT:
            self._forget(next(iter(self._kept)))
        return outcome

    def _forget(self, key: tuple[str, bool]) -> None:
        self._size -= self._kept.pop(key).size


def _now() -> float:
    return asyncio.get_running_loop().time()


def _has_user(url: str) -> bool:
    try:
        return basic_auth(url) is not None
    except ValueError:
        return True


def _read_picture(outcome: FetchOutcome) -> Picture | PictureFailed:
    if isinstance(outcome, FetchFailed):
        return PictureFailed(outcome.detail or str(outcome.reason))
    if not isinstance(outcome, Fetched):
        return PictureFailed("no reply of its own")
    declared = (outcome.content_type or "").partition(";")[0].strip().lower()
    look = look_at_picture(outcome.body)
    if look is None or not declared.startswith("image/"):
        return PictureFailed("no PNG, JPEG, GIF or WebP")
    if not look.fits:
        return PictureFailed(f"{look.width} by {look.height} pixels")
    return Picture("", look.media_type, outcome.body)


def _outcome_of(task: asyncio.Task[Picture | PictureFailed]) -> Picture | PictureFailed:
    if task.cancelled():
        return PictureFailed("not in time")
    return task.result()


def _choose(links: Sequence[PictureLink], outcomes: Sequence[Picture | PictureFailed]) -> tuple[Picture, ...]:
    """Take the pictures that a message has room for; say once for each host why others are missing."""
    room = _MOST_TOGETHER
    chosen: list[Picture] = []
    missed: dict[str, str] = {}
    for link, outcome in zip(links, outcomes, strict=True):
        if isinstance(outcome, PictureFailed):
            missed[host_named_by(link.url) or "?"] = outcome.problem
        elif len(outcome.content) > room:
            missed[host_named_by(link.url) or "?"] = "more than a message has room for"
        else:
            room -= len(outcome.content)
            chosen.append(outcome)
    for host, problem in missed.items():
        _LOG.info("left out a picture host=%s problem=%s", host, problem)
    return tuple(chosen)
