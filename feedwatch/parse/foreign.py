"""Documents that are not ours to read by hand (RSS of every age, RDF, Atom 0.3, what is a little broken).

feedparser reads them in a process of its own: it is slow on large documents and helpless against
hostile ones, and there it can be stopped (docs/decisions/0004-parsing.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.details import Seen
from feedwatch.parse.facts import clean_reference, clean_title, read_count, read_rating
from feedwatch.parse.frames import HEADER, LENGTH
from feedwatch.parse.guard import MOST_ENTRIES
from feedwatch.parse.links import resolve_link
from feedwatch.parse.tree import read_period

DEADLINE = timedelta(seconds=90)
"""The last resort, for a worker that does nothing: one that works too long is ended long before
(feedwatch.parse.budget)."""

_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "TZ")
"""All that the worker sees of ours: it reads hostile documents, and has no business with secrets."""
_MANY = 100
"""More entries than this are made ready in a thread: the loop has other feeds to serve."""


class FeedparserWorker:
    """One worker, started when first needed, and anew after it had to be stopped."""

    def __init__(self, deadline: timedelta = DEADLINE) -> None:
        self._deadline = deadline.total_seconds()
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(
        self, body: bytes, base: str, charset: str | None, *, broken: bool = False
    ) -> Page | ParseFailed:
        """Read a document, within limits of time and memory."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._deadline):
                    found = await self._ask(body, {"charset": charset, "broken": broken})
            except _ENDED:
                await self._kill()
                return ParseFailed(Reason.PARSER_KILLED, "took too much time or memory")
            except asyncio.CancelledError:
                await self._kill()  # half an answer must not be taken for the next one's
                raise
        if len(cast("list[object]", found["entries"])) > _MANY:
            return await asyncio.to_thread(make_page, found, base)
        return make_page(found, base)

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

    async def _ask(self, body: bytes, said: Mapping[str, object]) -> Mapping[str, object]:
        about = json.dumps(said).encode()
        question = HEADER.pack(len(about), len(body)) + about + body
        if self._process is not None:
            try:
                return await _converse(self._process, question)
            except _ENDED:
                process = self._process
                await self._kill()
                if process.returncode == -signal.SIGPROF:
                    raise  # the time that it had for this very document was used up
                # While it was idle, perhaps: then this document is not to blame.
        self._process = await _start()
        return await _converse(self._process, question)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


_ENDED = (OSError, asyncio.IncompleteReadError)


async def _start() -> Process:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # whatever lies in the working directory is none of our modules
        "-m",
        "feedwatch.parse.worker",
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # what it complains about may quote a document
        env=environment,
    )


async def _converse(process: Process, question: bytes) -> Mapping[str, object]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question)
    await process.stdin.drain()
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return cast("Mapping[str, object]", json.loads(await process.stdout.readexactly(length)))


def make_page(found: Mapping[str, object], base: str) -> Page | ParseFailed:
    """Make a page of what the worker answered, or say why it is none."""
    if problem := _text(found, "problem"):
        return ParseFailed(Reason.MALFORMED, f"the parser gave up ({problem})")
    # feedparser gives an HTML page or an error document no version and no complaint.
    if not found["version"]:
        return ParseFailed(Reason.NOT_A_FEED, "no feed that is known")
    entries = cast("list[dict[str, object]]", found["entries"])
    if len(entries) > MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    minutes = read_count(_text(found, "ttl"))
    return Page(
        form=Form.ATOM if str(found["version"]).startswith("atom") else Form.RSS,
        entries=tuple(_read_entry(entry, base) for entry in entries),
        complete=bool(found["complete"]),
        ttl=timedelta(minutes=minutes)
        if minutes
        else read_period(_text(found, "period"), _text(found, "frequency")),
    )


def add_seen(page: Page, seen: Sequence[Seen]) -> Page:
    """Give each entry what was seen of it in the document.

    Where feedparser counts other entries than we did, nobody knows what belongs to which.
    """
    if not seen or len(seen) != len(page.entries):
        return page
    return replace(page, entries=tuple(map(_with_seen, page.entries, seen)))


def _with_seen(entry: RawEntry, seen: Seen) -> RawEntry:
    details, categories = seen
    facts = {**entry.facts, "category": categories} if categories else entry.facts
    return replace(entry, facts=facts, details=details)


def _read_entry(entry: Mapping[str, object], base: str) -> RawEntry:
    facts: dict[str, str] = {}
    rating = read_rating(_text(entry, "rating"))
    if rating and rating != "0":  # a bookshelf's way of saying: not rated
        facts["rating"] = rating
    year = read_count(_text(entry, "year"))
    if year:
        facts["year"] = str(year)
    if content := _text(entry, "content"):
        facts["content"] = content
    title = clean_title(_text(entry, "title"), is_html=bool(entry["title_is_html"]))
    return RawEntry(
        id=clean_reference(_text(entry, "id")),
        title=clean_title(_text(entry, "name")) or title or clean_title(_text(entry, "excerpt")),
        link=resolve_link(base, clean_reference(_text(entry, "link"))),
        watched_at=parse_instant(_text(entry, "watched")),
        published_at=parse_instant(_text(entry, "published")),
        updated_at=parse_instant(_text(entry, "updated")),
        facts=facts,
    )


def _text(found: Mapping[str, object], name: str) -> str | None:
    value = found.get(name)
    return value.strip() or None if isinstance(value, str) else None
