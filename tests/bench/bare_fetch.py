"""The floor of a round: the same bytes fetched under the same conditions, and nothing done with them.

`python bare_fetch.py URLS VALIDATORS`, with the simplest client of those that feedwatch is installed with.
It keeps validators from one round to the next, and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp

AT_ONCE = 32
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


async def fetch_all(urls: list[str], kept: dict[str, dict[str, str]]) -> int:
    """Fetch all addresses, so many at once; gives how many bytes came."""
    waiting = iter(urls)
    trust = ssl.create_default_context() if urls[0].startswith("https:") else False
    connector = aiohttp.TCPConnector(limit=AT_ONCE, ssl=trust)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        return sum(await asyncio.gather(*(_fetch_some(session, waiting, kept) for _ in range(AT_ONCE))))


async def _fetch_some(
    session: aiohttp.ClientSession, waiting: Iterator[str], kept: dict[str, dict[str, str]]
) -> int:
    came = 0
    for url in waiting:
        async with session.get(url, headers=kept.get(url)) as reply:
            came += len(await reply.read())
            if reply.status == 200:
                kept[url] = {
                    condition: reply.headers[name]
                    for name, condition in _CONDITIONS.items()
                    if name in reply.headers
                }
    return came


def main(urls: Path, validators: Path) -> None:
    """Make one round."""
    kept = json.loads(validators.read_text()) if validators.exists() else {}
    asyncio.run(fetch_all(urls.read_text().split(), kept))
    validators.write_text(json.dumps(kept))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
