"""A farm of plain feeds and a webhook in a process of its own: for long runs, as cheap as they get.

Each time a feed is asked for it may have one more post; its etag says which. The webhook counts what it is
told. `GET /count` gives both sums, for whoever compares them.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

WINDOW = 25
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_TOLD = re.compile(r"^new: (.+)$", re.MULTILINE)
_TARGET = re.compile(rb"(GET|POST) (\S+) ")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_CONDITION = re.compile(rb'(?i)\r\nif-none-match: "(\d+)"')


class Farm:
    """So many feeds, each with a new post in a part of all answers."""

    def __init__(self, feeds: int, news: float, seed: int) -> None:
        self._news = news
        self._rng = random.Random(seed)
        self._posts = [WINDOW] * feeds
        self._shown = [False] * feeds
        self._first = WINDOW * feeds
        self._told: Counter[str] = Counter()

    def answer_feed(self, number: int, condition: int | None) -> bytes:
        """One feed, or that it has not changed."""
        # What the first answer shows is a baseline, and owed to nobody.
        self._posts[number] += self._shown[number] and self._rng.random() < self._news
        self._shown[number] = True
        posts = self._posts[number]
        etag = f'ETag: "{posts}"\r\n'.encode()
        if condition == posts:
            return b"HTTP/1.1 304 Not Modified\r\n" + etag + b"\r\n"
        return _reply(b"200 OK", "".join(_write_feed(number, posts)).encode(), etag)

    def take_message(self, body: bytes) -> bytes:
        """Count what a message tells."""
        self._told.update(_TOLD.findall(json.loads(body)["message"]))
        return _reply(b"200 OK", b"")

    def count(self) -> bytes:
        """Posts made since the first answer, posts told, and how often one was told again."""
        told = {"made": sum(self._posts) - self._first, "told": len(self._told)}
        return _reply(b"200 OK", json.dumps({**told, "again": self._told.total() - len(self._told)}).encode())


def _reply(status: bytes, body: bytes, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


def _write_feed(number: int, posts: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
    yield f"<id>tag:farm.example,2026:{number}</id><title>Feed {number}</title>"
    for post in range(posts, posts - WINDOW, -1):
        at = (_EPOCH + timedelta(minutes=post)).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield f"<entry><id>tag:farm.example,2026:{number}/{post}</id>"
        yield f"<title>Post {post} of feed {number}</title>"
        yield f'<link href="https://farm.example/{number}/{post}"/><updated>{at}</updated>'
        yield f"<published>{at}</published><summary>{'What there is to say. ' * 20}</summary></entry>"
    yield "</feed>"


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
            head = self._waiting[: end + 2]
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(self._waiting) < end + 4 + size:
                return
            body = self._waiting[end + 4 : end + 4 + size]
            self._waiting = self._waiting[end + 4 + size :]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        found = _TARGET.match(head)
        assert found is not None
        if found[1] == b"POST":
            return self._farm.take_message(body)
        if found[2] == b"/count":
            return self._farm.count()
        condition = _CONDITION.search(head)
        return self._farm.answer_feed(int(found[2][1:]), int(condition[1]) if condition else None)


async def serve(farm: Farm) -> None:
    """Serve until standard input ends; the port is the first line of output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(farm), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Farm(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
