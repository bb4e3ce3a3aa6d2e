"""Documents that are not ours to read by hand (RDF, Atom 0.3, RSS that is odd, what is a little broken).

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
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from feedwatch.core.model import Page, ParseFailed, Reason
from feedwatch.parse.frames import HEADER, LENGTH
from feedwatch.parse.said import make_page

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
