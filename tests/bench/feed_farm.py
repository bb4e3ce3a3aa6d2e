"""A farm of feeds in a process of its own, as cheap as it gets: `python feed_farm.py CERTIFICATE SECONDS`.

It serves `/<kind>/<number>.atom` on 127.0.0.1, plain and over TLS, from one document for all feeds of a kind:
a hundred thousand take no more memory than one. Whatever is posted is taken. The first line of output is its
ports. Each line of input is JSON: `{}` asks what was served since the last line; a `State` is taken over as
well. It ends with its input, and after so many seconds at the latest.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import sys
import time
from dataclasses import asdict, dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from farm_documents import KINDS, date_document, last_modified, number_document, write_document

_LOOPBACK = "127.0.0.1"
_REQUEST = re.compile(rb"(GET|POST|PUT) (\S+) HTTP/1\.[01]\r\n")
_FEED = re.compile(rb"/(%s)/(\d{7})\.atom\Z" % "|".join(KINDS).encode())
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_ETAG = re.compile(rb"(?i)\r\nif-none-match: *([^\r]+)")
_SINCE = re.compile(rb"(?i)\r\nif-modified-since: *([^\r]+)")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close")
_TOLD = re.compile(rb"\(\d+ of \d{7}\)")
"""How the title of each entry ends: what a message tells can be counted."""


@dataclass(frozen=True, slots=True)
class State:
    """How all feeds are: how many entries each has, and whether they move by themselves."""

    entries: int = 25
    moving: bool = False
    """Every `updated` is the time of the request, and there are no validators."""
    delay: float = 0.0
    """Seconds before each answer."""


@dataclass(slots=True)
class Served:
    """What was served: whole feeds, 304s, messages taken, and the entries that they named."""

    whole: int = 0
    not_modified: int = 0
    messages: int = 0
    told: int = 0


class Farm:
    """Answers requests as its state says."""

    def __init__(self) -> None:
        self.state = State()
        self._served = Served()

    def obey(self, line: str) -> str:
        """Carry out a line of input; gives the line of output."""
        order: dict[str, Any] = json.loads(line)
        served, self._served = self._served, Served()
        if order:
            self.state = State(**order)
        return json.dumps(asdict(served))

    def answer(self, head: bytes, path: bytes, body: bytes | None) -> bytes:
        """The answer to a request; one that has a body is a message."""
        if body is not None:
            self._served.messages += 1
            self._served.told += len(_TOLD.findall(body))
            return _reply(b"{}", b"Content-Type: application/json\r\n")
        found = _FEED.match(path)
        if found is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        return self._answer_feed(head, found[1].decode(), int(found[2]))

    def _answer_feed(self, head: bytes, kind: str, feed: int) -> bytes:
        state = self.state
        validators = b"" if state.moving else _write_validators(state.entries, feed)
        if validators and _is_current(head, validators):
            self._served.not_modified += 1
            return b"HTTP/1.1 304 Not Modified\r\n" + validators + b"\r\n"
        self._served.whole += 1
        document = _read_document(kind, state.entries, int(time.time()) if state.moving else None)
        headers = b"Content-Type: application/atom+xml; charset=utf-8\r\n" + validators
        return _reply(number_document(document, feed), headers)


def _reply(body: bytes, headers: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (headers, len(body), body)


@lru_cache(maxsize=4)
def _read_document(kind: str, entries: int, moment: int | None) -> bytes:
    """A kind's document, as it is for a second at least."""
    document = write_document(kind, entries, moving=moment is not None)
    return document if moment is None else date_document(document, moment)


def _write_validators(entries: int, feed: int) -> bytes:
    return b'ETag: "%d-%d"\r\nLast-Modified: %b\r\n' % (feed, entries, last_modified(entries).encode())


def _is_current(head: bytes, validators: bytes) -> bool:
    """Whether who asks has what there is; a date counts only where no etag is named."""
    if etag := _ETAG.search(head):
        return etag[1].removeprefix(b"W/") in validators
    since = _SINCE.search(head)
    return since is not None and since[1] in validators


class _Connection(asyncio.Protocol):
    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head, start = self._waiting[: end + 2], end + 4
            length = _LENGTH.search(head)
            stop = start + (int(length[1]) if length else 0)
            if len(self._waiting) < stop:
                return
            body, self._waiting = self._waiting[start:stop], self._waiting[stop:]
            self._answer(head, body if length else None)

    def _answer(self, head: bytes, body: bytes | None) -> None:
        request = _REQUEST.match(head)
        if request is None:
            self._transport.abort()
            return
        last = _CLOSE.search(head) is not None
        answer = self._farm.answer(head, request[2], None if request[1] == b"GET" else body or b"")
        if delay := self._farm.state.delay:
            asyncio.get_running_loop().call_later(delay, self._send, answer, last)
        else:
            self._send(answer, last)

    def _send(self, answer: bytes, last: bool) -> None:  # noqa: FBT001 — called by the loop
        self._transport.write(answer)
        if last:
            self._transport.close()


async def serve(certificate: str, seconds: float) -> None:
    """Serve until the input ends."""
    farm, loop = Farm(), asyncio.get_running_loop()
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate)
    servers = [
        await loop.create_server(lambda: _Connection(farm), _LOOPBACK, 0, backlog=4096, ssl=context)
        for context in (None, trust)
    ]
    _say(json.dumps([server.sockets[0].getsockname()[1] for server in servers]))
    try:
        async with asyncio.timeout(seconds):
            while line := await asyncio.to_thread(sys.stdin.readline):
                _say(farm.obey(line))
    except TimeoutError:
        _say(f"the farm ends, after {seconds:.0f} s, at {formatdate(usegmt=True)}")
        os._exit(1)  # a thread still waits for a line


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def move_to_last_core() -> None:
    """Leave the other cores to what is measured, where there are others."""
    if hasattr(os, "sched_setaffinity") and len(cores := os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(cores)})


if __name__ == "__main__":
    move_to_last_core()
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))
