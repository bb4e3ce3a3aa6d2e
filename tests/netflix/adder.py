"""A process that adds titles to a queue, one after the other, over the state that it is given.

`python adder.py BASE STATE KEY SECRET TOKEN TOKEN_SECRET REF` reads the queue, says `ready`, waits for a
line, and says for each title how it ended: `done`, or the sentence why not.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, aclosing, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.queueing import KeptQueue, QueueDone, add_to_queue, show_queue
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.services import Means, Memory, NetflixSettings
from feedwatch.services.netflix_api import open_api
from feedwatch.store import Store
from feedwatch.titles.queueing import StoredReadings


async def add_titles(base: str, state: Path, credentials: tuple[str, str, str, str], refs: list[str]) -> None:
    """Add titles when told to."""
    key, secret, token, token_secret = credentials
    settings = NetflixSettings(base, Consumer(key, secret), Token(token, token_secret))
    fetcher = Fetcher(
        FetchLimits(timedelta(seconds=20), 4 << 20), networks=NetworkPolicy("allow"), user_agent="adder"
    )
    async with AsyncExitStack() as stack:
        store = stack.enter_context(closing(Store.open(state)))
        await stack.enter_async_context(aclosing(fetcher))
        means = Means(
            fetcher.fetch, lambda: datetime.now(UTC), send=fetcher.call, turns=state.parent / "turns"
        )
        queue = KeptQueue(open_api(settings, means, Memory()), StoredReadings(store, "home", "stamp"))
        await show_queue(queue)
        say("ready")
        sys.stdin.readline()
        for ref in refs:
            outcome = await add_to_queue(queue, ref)
            say("done" if isinstance(outcome, QueueDone) else outcome.sentence)


def say(line: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _, where, path, *rest = sys.argv
    asyncio.run(add_titles(where, Path(path), (rest[0], rest[1], rest[2], rest[3]), rest[4:]))
