"""Where the login page sends the browser back to: a listener on this machine, for the time of one sign-in."""

from __future__ import annotations

import asyncio
import html
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

_HOST: Final = "127.0.0.1"
_LONGEST_HEAD: Final = 16 * 1024
_PATIENCE: Final = 10.0
"""Seconds that a browser may take to say what it wants."""
_HEADERS: Final = (
    "Content-Type: text/html; charset=utf-8",
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy: no-referrer",  # the address holds the code
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    "Connection: close",
)
_REASONS: Final = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser is shown."""

    title: str
    text: str
    status: int = 200


Take = Callable[[str], Page]
"""Is given the query that the login page sent back, and says what the browser is shown."""


@asynccontextmanager
async def listen(take: Take) -> AsyncIterator[str]:
    """Listen while the block lasts; gives the address that the login page is to send the browser back to.

    The address holds what nobody can guess: no other page in that browser finds it.
    """
    path = f"/{secrets.token_urlsafe(16)}"
    under_way: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            await _answer(reader, writer, path, take)
        except asyncio.CancelledError:  # by us, below; asyncio would log it (until Python 3.12)
            writer.close()
        finally:
            under_way.discard(task)

    server = await asyncio.start_server(answer, _HOST, 0, limit=_LONGEST_HEAD)
    try:
        yield f"http://{_HOST}:{server.sockets[0].getsockname()[1]}{path}"
    finally:
        server.close()
        # The page that says what came of it is to arrive, but nobody waits for it for long.
        if under_way:
            await asyncio.wait(under_way, timeout=1)
        for task in list(under_way):
            task.cancel()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, take: Take) -> None:
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_write_reply(_judge(head, path, take)))
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _judge(head: bytes, path: str, take: Take) -> Page:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3:
        return Page("No request", "That was no request of a browser.", 400)
    asked, _, query = words[1].partition("?")
    if asked != path:
        return Page("Nothing here", "There is nothing at this address.", 404)
    if words[0] != "GET":  # a browser that only looks whether there is something must not end it
        return Page("Not so", "The login page sends a browser here by GET.", 405)
    return take(query)


def _write_reply(page: Page) -> bytes:
    title, text = html.escape(page.title), html.escape(page.text)
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{title}</title><style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;"
        "margin:15vh auto;padding:0 1rem}</style></head>"
        f"<body><main><h1>{title}</h1><p>{text}</p></main></body></html>\n"
    ).encode()
    allow = ("Allow: GET",) if page.status == 405 else ()
    first = f"HTTP/1.1 {page.status} {_REASONS[page.status]}"
    head = "\r\n".join((first, *_HEADERS, *allow, f"Content-Length: {len(body)}", "", ""))
    return head.encode() + body
