"""Documents that are not ours to read by hand (RSS of every age, RDF, Atom 0.3, what is a little broken).

feedparser reads them in a process of its own: it is slow on large documents and helpless against
hostile ones, and there it can be stopped (docs/decisions/0004-parsing.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.facts import clean_title, read_rating
from feedwatch.parse.frames import HEADER, LENGTH
from feedwatch.parse.guard import MOST_ENTRIES, refuse_for_feedparser
from feedwatch.parse.tree import digest_content, read_period

DEADLINE = timedelta(seconds=20)

_WATCHED = ("letterboxd_watcheddate", "user_read_at", "watched_date", "watcheddate")
_RATINGS = ("letterboxd_memberrating", "user_rating", "memberrating")
_YEARS = ("letterboxd_filmyear", "release_year", "filmyear")
_NAMES = ("letterboxd_filmtitle",)


class FeedparserWorker:
    """One worker, started when first needed, and anew after it had to be stopped."""

    def __init__(self, deadline: timedelta = DEADLINE) -> None:
        self._deadline = deadline.total_seconds()
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(self, body: bytes, url: str, content_type: str | None) -> Page | ParseFailed:
        """Read a document, within limits of time and memory."""
        refused = refuse_for_feedparser(body)
        if refused:
            return refused
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._deadline):
                    found = await self._ask(body, url, content_type)
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                await self._kill()
                return ParseFailed(Reason.PARSER_KILLED, "took too much time or memory")
            except asyncio.CancelledError:
                await self._kill()  # half an answer must not be taken for the next one's
                raise
        return _page(found)

    async def aclose(self) -> None:
        """Let the worker end."""
        async with self._one_at_a_time:
            process, self._process = self._process, None
            if process is None or process.returncode is not None:
                return
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(2):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _ask(self, body: bytes, url: str, content_type: str | None) -> Mapping[str, object]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        about = json.dumps({"url": url, "content_type": content_type or ""}).encode()
        process.stdin.write(HEADER.pack(len(about), len(body)) + about + body)
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        return cast("Mapping[str, object]", json.loads(await process.stdout.readexactly(length)))

    async def _started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "feedwatch.parse.worker", stdin=PIPE, stdout=PIPE, limit=2**20
            )
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _page(found: Mapping[str, object]) -> Page | ParseFailed:
    # feedparser gives an HTML page or an error document no version and no complaint.
    if not found["version"]:
        return ParseFailed(Reason.NOT_A_FEED, "no feed that is known")
    entries = cast("list[dict[str, object]]", found["entries"])
    if len(entries) > MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    ttl = str(found["ttl"] or "").strip()
    period = read_period(_text(found, "period"), _text(found, "frequency"))
    return Page(
        form=Form.ATOM if str(found["version"]).startswith("atom") else Form.RSS,
        entries=tuple(_read_entry(entry) for entry in entries),
        complete=bool(found["complete"]),
        ttl=timedelta(minutes=int(ttl)) if ttl.isdigit() and len(ttl) < 8 else period,
    )


def _read_entry(entry: Mapping[str, object]) -> RawEntry:
    facts: dict[str, str] = {}
    rating = read_rating(_first(entry, _RATINGS))
    if rating and rating != "0":  # a bookshelf's way of saying: not rated
        facts["rating"] = rating
    year = _first(entry, _YEARS)
    if year and year.isdigit():
        facts["year"] = year
    texts = [text for text in cast("list[str]", entry["content"]) if text]
    if texts:
        facts["content"] = digest_content(texts)
    title = _first(entry, _NAMES) or clean_title(_text(entry, "title"), is_html=bool(entry["title_is_html"]))
    return RawEntry(
        id=_text(entry, "id"),
        title=clean_title(title),
        link=_text(entry, "link"),
        watched_at=parse_instant(_first(entry, _WATCHED)),
        published_at=parse_instant(_text(entry, "published")),
        updated_at=parse_instant(_text(entry, "updated")),
        facts=facts,
    )


def _first(entry: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _text(entry, f"x:{name}"))), None)


def _text(entry: Mapping[str, object], name: str) -> str | None:
    value = entry.get(name)
    return value.strip() or None if isinstance(value, str) else None
