"""A watch over a sandbox whose changes are told to a webhook, with what more is known of their titles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sinks import WebhookSink
from watching import Jane, Watch, watching

from feedwatch.core.model import RecordedChange

_AT_ONCE = timedelta(seconds=20)


@dataclass
class Told:
    """What is watched, and where it is told."""

    jane: Jane | None
    watch: Watch
    sink: WebhookSink

    async def poll(self) -> None:
        """Poll all lists, and let be told what they brought."""
        await self.watch.poll()
        await self.watch.assembly.end_rounds(gather=False)

    async def ask(self, within: timedelta = _AT_ONCE) -> None:
        """Ask about what is to be told."""
        await self.watch.assembly.find_details(within)

    async def deliver(self) -> list[dict[str, Any]]:
        """Deliver what is due; gives all messages so far."""
        await self.watch.assembly.deliverer.serve_all()
        return self.sink.messages

    async def tell(self) -> str:
        """Poll, ask, deliver: what the last message says."""
        await self.poll()
        await self.ask()
        return str((await self.deliver())[-1]["message"])

    async def kept(self) -> dict[str, str | None]:
        """What is kept of titles, by what it is kept by."""
        rows = await self.watch.query("SELECT subject, details FROM title_details")
        return {str(row["subject"]): row["details"] and str(row["details"]) for row in rows}  # type: ignore[misc]

    async def changes(self) -> list[RecordedChange]:
        return list(await self.watch.recorded())


@asynccontextmanager
async def telling(
    jane: Jane, folder: Path, sink: WebhookSink, *, more: str = "", url: str | None = None
) -> AsyncIterator[Told]:
    """Jane's lists, watched and told; the first round, which announces nothing, is over."""
    text = jane.config(more="routes:\n  - {to: phone, changes: all}\nnotices: phone\nstate: feedwatch.db\n")
    text = text.replace("json://127.0.0.1:9/", url or sink.url).replace("gather: 1s", "gather: 0s") + more
    async with watching(folder, text, jane.moment) as watch:
        told = Told(jane, watch, sink)
        await watch.discover()
        await told.poll()
        await told.deliver()
        yield told
