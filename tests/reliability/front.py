"""The server that feedwatch asks: a sandbox's true answers, and everything that can go wrong with them.

It speaks HTTP by itself, byte by byte, so that a fault can be anything a connection can do. Of one event
loop; a fault that is in effect for an address bends the next answers of that address.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from mover import News
from starlette.applications import Starlette

from feedwatch.sandbox import Sandbox
from feedwatch.sandbox.app import create_app
from feedwatch.sandbox.documents import PATHS

_LOOPBACK = "127.0.0.1"
_NEWS = "/news.atom"
_KEPT = 4
"""States of a list that a cache may still show."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as a well-behaved server gives it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def write(self, **other_headers: str | None) -> bytes:
        """The bytes of it; other headers replace those it has, None takes one away."""
        headers: dict[str, str | None] = {"content-length": str(len(self.body)), **self.headers}
        headers |= {name.replace("_", "-"): value for name, value in other_headers.items()}
        lines = [f"HTTP/1.1 {self.status} Said"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(slots=True)
class Visit:
    """One request: what it asks for, the true answer, and the connection to bend it on."""

    front: Front
    name: str
    target: str
    headers: Mapping[str, str]
    truth: Reply
    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)

    @property
    def start_index(self) -> int:
        """Which entry of the list the page that is asked for begins with."""
        return int(parse_qs(urlsplit(self.target).query).get("start_index", ["0"])[0])

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def ask_again(self, target: str | None = None) -> Reply:
        """What the server would say now, perhaps to another address."""
        return await self.front.ask(target or self.target, self.headers)

    async def wait_for_end(self, seconds: float) -> None:
        """Say nothing until whoever asked has gone, or for so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.reader.read(), seconds)

    def reset(self) -> None:
        """Cut the connection without an orderly end."""
        self.writer.transport.abort()


Fault = Callable[[Visit], Awaitable[bool]]
"""Answers in its own way; False if the connection is to be closed afterwards."""


class Front:
    """Serves a sandbox and a plain feed on one or more ports."""

    def __init__(self, sandbox: Sandbox, news: News) -> None:
        self.sandbox, self.news = sandbox, news
        self._app: Starlette = create_app(sandbox)
        self._servers: dict[str, asyncio.Server] = {}
        self._ports: dict[str, int] = {}
        self._connections: set[asyncio.StreamWriter] = set()
        self._next: dict[str, deque[Fault]] = {}
        self._lasting: dict[str, Fault] = {}
        self.hit: Counter[str] = Counter()
        self.seen: dict[str, int] = {}
        self._kept: dict[str, deque[tuple[int, Reply]]] = {}

    async def __aenter__(self) -> Self:
        for door in ("api", "news"):
            await self.open_door(door)
        return self

    async def __aexit__(self, *_: object) -> None:
        for door in list(self._servers):
            await self.close_door(door)

    async def open_door(self, door: str) -> None:
        """Listen, at the same port as before."""
        server = await asyncio.start_server(self._serve, _LOOPBACK, self._ports.get(door, 0), backlog=256)
        self._servers[door] = server
        self._ports[door] = server.sockets[0].getsockname()[1]

    async def close_door(self, door: str) -> None:
        """Refuse all connections, and end those there are."""
        server = self._servers.pop(door)
        server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        await server.wait_closed()

    def base(self, door: str = "api") -> str:
        """Where it is."""
        return f"http://{_LOOPBACK}:{self._ports[door]}"

    @property
    def news_url(self) -> str:
        """Where the plain feed is."""
        return f"{self.base('news')}{_NEWS}"

    # ── faults ────────────────────────────────────────────────────────────────────────────────────

    def bend_next(self, name: str, *faults: Fault) -> None:
        """Bend the next answers of a list, `index` or `news`, each in its way."""
        self._next.setdefault(name, deque()).extend(faults)

    def bend(self, name: str, fault: Fault | None) -> None:
        """Bend every answer of a list from now on; None ends it."""
        if fault is None:
            self._lasting.pop(name, None)
        else:
            self._lasting[name] = fault

    def straighten(self) -> None:
        """Answer truly from now on."""
        self._next.clear()
        self._lasting.clear()

    def version(self, name: str) -> int:
        """Which state a list is in."""
        return len(self.news.posts) if name == "news" else self.sandbox.world.versions.get(name, 0)

    def has_shown(self, name: str) -> bool:
        """Whether the state that a list is in has been served, truly and whole."""
        return self.seen.get(name) == self.version(name)

    # ── serving ───────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        target = head[0].split(" ")[1]
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        name = _name_of(target)
        waiting = self._next.get(name)
        fault = waiting.popleft() if waiting else self._lasting.get(name)
        version = self.version(name)
        truth = await self.ask(target, headers)
        if fault is not None:
            self.hit[name] += 1
            return await fault(Visit(self, name, target, headers, truth, reader, writer))
        writer.write(truth.write(date=self._say_time()))
        await writer.drain()
        if truth.status in (200, 304):
            self.seen[name] = version
            self._keep(name, version, truth)
        return True

    def _say_time(self) -> str:
        """What the server's own clock says (RFC 9110, section 6.6.1)."""
        return format_datetime(datetime.fromtimestamp(self.sandbox.clock(), UTC), usegmt=True)

    def _keep(self, name: str, version: int, reply: Reply) -> None:
        kept = self._kept.setdefault(name, deque(maxlen=_KEPT))
        if reply.status == 200 and (not kept or kept[-1][0] != version):
            kept.append((version, reply))

    def recall(self, name: str) -> Reply | None:
        """What a list was a few states ago; None if that has never been seen."""
        kept = self._kept.get(name, ())
        return next((reply for version, reply in kept if version < self.version(name)), None)

    async def ask(self, target: str, headers: Mapping[str, str]) -> Reply:
        """The true answer to a request."""
        if urlsplit(target).path == _NEWS:
            return self._show_news()
        return await _call(self._app, target, headers)

    def _show_news(self) -> Reply:
        entries = "".join(
            f"<entry><id>tag:news.example,2026:{escape(title)}</id><title>{escape(title)}</title>"
            f'<link href="https://news.example/{title.replace(" ", "-")}"/>'
            f"<updated>{_instant(at)}</updated></entry>"
            for title, at in self.news.shown()
        )
        body = (
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
            f"<id>tag:news.example,2026:all</id><title>News</title>{entries}</feed>"
        )
        return Reply(200, {"content-type": "application/atom+xml"}, body.encode())


def _name_of(target: str) -> str:
    path = urlsplit(target).path
    if path == _NEWS:
        return "news"
    return PATHS.get(path.partition("/users/")[2].partition("/")[2], "index")


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _call(app: Starlette, target: str, headers: Mapping[str, str]) -> Reply:
    """Ask an application of this process."""
    parts = urlsplit(target)
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [
            (name.encode(), value.encode("latin-1"))
            for name, value in headers.items()
            if name != "accept-encoding"  # faults bend the bodies, which are not to be packed for that
        ],
        "client": (_LOOPBACK, 1),
        "server": (_LOOPBACK, 80),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    said = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in sent[0].get("headers", ())
        if name.lower() != b"content-length"
    }
    return Reply(sent[0]["status"], said, b"".join(each.get("body", b"") for each in sent[1:]))


def with_body(reply: Reply, body: bytes) -> Reply:
    """The same reply with another body, and without what spoke of the one before."""
    headers = {name: value for name, value in reply.headers.items() if name not in ("etag", "last-modified")}
    return replace(reply, status=200, body=body, headers=headers)
