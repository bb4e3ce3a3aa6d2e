"""Where a host's name leads, asked of the system: each name in a thread that nobody waits for.

A name whose servers keep silent holds a thread for half a minute. In a pool of a few it would hold up all
other names, whatever else is done in threads, and the end of the process. So there may be many, but no more
than a process with a limit of tasks can have (systemd/feedwatch.service); beyond that names wait.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from aiohttp.resolver import ThreadedResolver

MOST_AT_ONCE: Final = 64


def make_resolver() -> ThreadedResolver:
    """Make what aiohttp looks names up with. Of the running event loop."""
    lookups = _LOOKUPS.setdefault(asyncio.get_running_loop(), _Lookups())
    # All that it asks of a loop are these two questions.
    return ThreadedResolver(loop=cast("asyncio.AbstractEventLoop", lookups))


class _Lookups:
    """The two questions to the system, as an event loop has them: so many at once, whoever asks them.

    Who waits for a thread waits no longer than for the answer: a deadline of the request's covers both.
    """

    def __init__(self) -> None:
        self._threads = asyncio.Semaphore(MOST_AT_ONCE)

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        """Ask for the addresses of a name."""
        return await self._ask(lambda: socket.getaddrinfo(*args, **options))

    async def getnameinfo(self, *args: Any) -> Any:
        """Ask for the name of an address."""
        return await self._ask(lambda: socket.getnameinfo(*args))

    async def _ask(self, question: Callable[[], Any]) -> Any:
        await self._threads.acquire()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()

        def settle(answer: Any, error: Exception | None) -> None:
            self._threads.release()
            if answered.done():  # nobody waits any more
                return
            if error is None:
                answered.set_result(answer)
            else:
                answered.set_exception(error)

        def work() -> None:
            answer, problem = None, None
            try:
                answer = question()
            except (OSError, ValueError) as error:
                problem = error
            with suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(settle, answer, problem)

        try:
            threading.Thread(target=work, name="feedwatch-lookup", daemon=True).start()
        except RuntimeError as error:  # the system gives no more of them
            self._threads.release()
            raise OSError(errno.EAGAIN, "no thread to look a name up in") from error
        return await answered


_LOOKUPS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Lookups]] = WeakKeyDictionary()
