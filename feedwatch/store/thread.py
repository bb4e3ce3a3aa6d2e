"""The store's own thread: the loop awaits whole calls, and no fsync ever stalls it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from feedwatch.errors import StoreDamaged
from feedwatch.store.base import Store

P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """A store that lives in one thread of its own; made by `open_store` when it starts."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self.on_damage: Callable[[StoreDamaged], None] = lambda _: None
        """Told of damage that a call meets, whatever is made of the error by whoever called."""
        self.on_rest: Callable[[str, datetime], None] = lambda _host, _until: None
        """Told, in the loop, of each host that is to rest from now on."""

    async def start(self) -> None:
        """Open the store.

        Raises:
            StoreError: it cannot be used.
        """
        loop = asyncio.get_running_loop()
        store = self._store = await loop.run_in_executor(self._executor, self._open_store)
        store.on_rest = lambda host, until: loop.call_soon_threadsafe(self.on_rest, host, until)

    async def run(self, call: Callable[Concatenate[Store, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await one whole call, e.g. `run(Store.take_polls, now)`.

        A call that has begun is finished even if nobody waits for it any more.
        """
        store = self._store
        if store is None:
            raise RuntimeError("a store's thread is started before it is asked")
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, lambda: call(store, *args, **kwargs)
            )
        except StoreDamaged as error:
            self.on_damage(error)
            raise

    def hurry(self, seconds: float) -> None:
        """Let no call wait longer than this for another writer, not even the one that waits now."""
        if self._store is not None:
            self._store.hurry(seconds)

    def close(self) -> None:
        """Finish what was asked for, and close the store; once is enough, and more does no harm.

        How long that may wait for another writer is for `hurry` to say before.
        """
        store, self._store = self._store, None
        if store is not None:
            self._executor.submit(store.close)
        self._executor.shutdown(wait=True)
