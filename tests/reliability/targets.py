"""The far end: a webhook that takes messages, or does what services do instead."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Self

from ledger import Fact, read_facts
from sinks import Received, Reply, WebhookSink

READ_WITHIN = 0.25
"""Seconds that a send waits for an answer in these runs."""

REFUSALS: Mapping[str, Reply] = {
    "400": Reply(400),
    "404": Reply(404),
    "413": Reply(413),
    "429": Reply(429),
    "429 with seconds": Reply(429, {"Retry-After": "7200"}),
    "500": Reply(500),
    "502": Reply(502),
    "503 with a time": Reply(503, {"Retry-After": "900"}),
    "a cut connection": Reply(reset=True),
}
"""The message was not taken, and that is known."""
UNANSWERED = Reply(hang=True)
"""Nobody can know whether it was taken."""


class Target:
    """One address: a webhook, and what arrived there for good.

    `takes_unanswered` says that a message which it does not answer has arrived all the same.
    """

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name = name
        self.sink = WebhookSink()
        self._rng = rng
        self.takes_unanswered = False

    def __enter__(self) -> Self:
        self.sink.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.sink.stop()

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return f"{self.sink.url}?rto={READ_WITHIN}&cto=2"

    def be_kind(self) -> None:
        """Take every message from now on."""
        self.sink.forget_script()
        self.sink.after_script = Reply(200)

    def refuse(self, reply: Reply) -> None:
        """Answer so from now on."""
        self.sink.after_script = reply

    def told(self) -> Iterator[Fact]:
        """Every fact in every message that arrived, in order."""
        for one in self.sink.received:
            if self._arrived(one):
                yield from read_facts(one.json["title"], one.json["message"])

    @property
    def allowed(self) -> int:
        """How many facts may have come twice: those of messages that arrived and were not answered."""
        return sum(
            len(list(read_facts(one.json["title"], one.json["message"])))
            for one in self.sink.received
            if one.status is None and self._arrived(one)
        )

    def _arrived(self, one: Received) -> bool:
        if one.status is None:
            return self.takes_unanswered
        return 200 <= one.status < 300
