"""A plain HTTP client for tests: one request, the whole reply, nothing followed and nothing added."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: its status, its headers by lower-case name, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(
    url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: bytes | None = None
) -> Answer:
    """Make one request to a server of this machine."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, dict(headers or {}))
        reply = connection.getresponse()
        return Answer(reply.status, {n.lower(): v for n, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def give_order(base: str, order: str, particulars: object = None, **headers: str) -> Answer:
    """Give a sandbox an order at its control address."""
    sent = {"Content-Type": "application/json", **{n.replace("_", "-"): v for n, v in headers.items()}}
    body = json.dumps({} if particulars is None else particulars).encode()
    return ask(f"{base}/control/{order}", sent, method="POST", body=body)
