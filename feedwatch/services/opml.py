"""Accounts that are a list of subscriptions: an OPML file on this machine, or at an address."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from feedwatch.core.model import Fetched, FoundFeed, Kind, ParseFailed, Reason
from feedwatch.netflix.address import feed_identity, is_tokenized
from feedwatch.opml import Opml, read_opml
from feedwatch.services.base import Found, IndexFailed, Means, Memory, fail_index, heed_wishes
from feedwatch.services.naming import NamedOutline, name_feeds
from feedwatch.services.settings import OpmlSettings, is_address

_LOG = logging.getLogger("feedwatch.discover")

_LARGEST_FILE = 4 * 1024 * 1024
_KINDS = {kind.value: kind for kind in Kind}


class OpmlService:
    """One list of subscriptions."""

    def __init__(self, settings: OpmlSettings, means: Means, memory: Memory) -> None:
        self._settings = settings
        self._means = means
        self._memory = memory

    async def find_feeds(self) -> Found | IndexFailed:
        """Read the list. One that has turned empty is a failure: a cut file must not retire everything."""
        body = await self._read()
        if isinstance(body, IndexFailed):
            return body
        opml = read_opml(body)
        if isinstance(opml, ParseFailed):
            return IndexFailed(opml.reason, opml.detail)
        self._say_what_is_skipped(opml)
        if not opml.outlines and any(not feed.retired for feed in self._memory.feeds):
            return IndexFailed(Reason.TURNED_EMPTY)
        named = name_feeds(opml.outlines, self._memory.feeds)
        return Found(tuple(self._make_feed(one) for one in named))

    async def _read(self) -> bytes | IndexFailed:
        if not is_address(self._settings.url):
            return await asyncio.to_thread(read_list_file, self._means.folder, self._settings.url)
        outcome = await self._means.fetch(self._settings.url)
        return outcome.body if isinstance(outcome, Fetched) else fail_index(outcome)

    def _make_feed(self, named: NamedOutline) -> FoundFeed:
        outline = named.outline
        kind = _KINDS.get((outline.kind or "").lower(), Kind.STREAM)
        if outline.kind is None and is_tokenized(outline.address):
            kind = feed_identity(outline.address).kind
        feed = FoundFeed(named.name, kind, outline.address, title=outline.text, group=outline.group)
        return heed_wishes(feed, self._settings.wishes.get(named.name))

    def _say_what_is_skipped(self, opml: Opml) -> None:
        if opml.skipped:
            _LOG.warning("inclusions skipped account=%s count=%d", self._settings.account, len(opml.skipped))


async def read_own_list(written: str) -> tuple[str, ...] | IndexFailed:
    """Give the addresses of the feeds in a list on this machine, as it is now."""
    body = await asyncio.to_thread(read_list_file, Path(), written)
    if isinstance(body, IndexFailed):
        return body
    opml = read_opml(body)
    if isinstance(opml, ParseFailed):
        return IndexFailed(opml.reason, opml.detail)
    return tuple(outline.address for outline in opml.outlines)


def read_list_file(folder: Path, written: str) -> bytes | IndexFailed:
    """Read a list from this machine; what is no readable plain file is a failure."""
    path = folder / written
    try:
        path = folder / Path(written).expanduser()
        if not path.is_file():
            return IndexFailed(Reason.NOT_FOUND, f"no file at {path}")
        with path.open("rb") as file:
            body = file.read(_LARGEST_FILE + 1)
    except (OSError, RuntimeError, ValueError) as error:  # no such home, a NUL in the path
        return IndexFailed(Reason.FORBIDDEN, f"{path} cannot be read: {type(error).__name__}")
    return IndexFailed(Reason.TOO_LARGE, str(path)) if len(body) > _LARGEST_FILE else body
