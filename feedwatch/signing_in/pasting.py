"""Lines that somebody types or pastes, while other things are waited for, too."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

_AT_ONCE: Final = 64 * 1024
_LONGEST: Final = 16 * 1024
"""Of a line that is longer only so much is kept: nothing that is waited for is so long."""


async def read_lines(handle: int) -> AsyncGenerator[str, None]:
    """Give each line that comes from a file, terminal or pipe, until it ends.

    It is read in a thread that nobody waits for: a read from a terminal ends when somebody types, or never.
    And not by `sys.stdin`, whose lock such a thread would still hold when Python ends. It reads a piece only
    once the one before is taken: an input may have no end.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    wanted = threading.Semaphore()

    def read() -> None:
        piece = b"\n"
        while piece:
            wanted.acquire()
            try:
                piece = os.read(handle, _AT_ONCE)
            except OSError:  # the terminal is gone
                piece = b""
            with suppress(RuntimeError):  # nobody listens any more
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

    threading.Thread(target=read, name="paste", daemon=True).start()
    left = b""
    while piece := await pieces.get():
        *lines, left = (left + piece).split(b"\n")
        left = left[:_LONGEST]
        for line in lines:
            yield line[:_LONGEST].decode("utf-8", "replace")
        wanted.release()
    if left:
        yield left.decode("utf-8", "replace")
