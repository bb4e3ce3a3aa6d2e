"""A server that says exactly what came over the wire: the request line, the headers, the body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Raw:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def url(self) -> str:
        """Where it was asked for, as a server puts it together that knows nothing but the request."""
        return f"http://{self.headers['host']}{self.target}"


@dataclass
class Wire:
    """Remembers every request, and answers `answers` in order, then 200."""

    url: str = ""
    requests: list[Raw] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    @property
    def last(self) -> Raw:
        """The latest request."""
        return self.requests[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Raw(method, target, headers, body))
        answer = self.answers.pop(0) if self.answers else b"HTTP/1.1 200 OK\r\nContent-Length: 0"
        writer.write(answer + b"\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def open_wire() -> AsyncIterator[Wire]:
    """Serve on this machine for as long as the block lasts."""
    wire = Wire()
    async with await asyncio.start_server(wire.serve, "127.0.0.1", 0) as server:
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield wire
