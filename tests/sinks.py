"""Places to send to, as real as they get: an HTTP server and a mail server that keep what they are given.

Both listen on 127.0.0.1 at a free port, work in threads of their own, and are waited for by count,
never by the clock.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session

_LOOPBACK = "127.0.0.1"
_PATIENCE = 30.0
"""How long to wait for what should come at once, before the test fails."""

Item = TypeVar("Item")


class Arrivals(Generic[Item]):
    """What has come so far, in order; one thread adds, another waits for a number of them."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._came = threading.Condition()

    def add(self, item: Item) -> None:
        """Take one more."""
        with self._came:
            self._items.append(item)
            self._came.notify_all()

    def so_far(self) -> list[Item]:
        """All that has come, in order."""
        with self._came:
            return list(self._items)

    def wait_for(self, count: int, within: float = _PATIENCE) -> list[Item]:
        """Wait until at least `count` have come, and give all."""
        with self._came:
            enough = self._came.wait_for(lambda: len(self._items) >= count, within)
            assert enough, f"{len(self._items)} came within {within} s, not {count}"
            return list(self._items)


# ── a webhook ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reply:
    """What a webhook answers. `hang`: takes the request and says nothing; `reset`: cuts the connection."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came, and the status it was answered with (None: not answered)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class WebhookSink:
    """An HTTP server that keeps every request and answers as scripted, then as `after_script`.

    `url` is its address for Apprise (`json://…`); `stop` lets go what hangs.
    """

    def __init__(self, *script: Reply | int, after_script: Reply | int = 200) -> None:
        self._script = deque(_as_reply(reply) for reply in script)
        self.after_script = _as_reply(after_script)
        self._lock = threading.Lock()
        self._let_go = threading.Event()
        self._arrivals: Arrivals[Received] = Arrivals()
        self._listen(0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def _listen(self, port: int) -> None:
        self._server = _Server((_LOOPBACK, port), _WebhookRequest)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening; requests that hang are cut."""
        self._let_go.set()
        self.close_door()

    def close_door(self) -> None:
        """Refuse all connections; what has come is kept."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def open_door(self) -> None:
        """Listen again, at the same port."""
        self._listen(self.port)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return self.url_as("json")

    def url_as(self, scheme: str, rest: str = "/hook") -> str:
        """Its address for Apprise, in another scheme or with another path."""
        return f"{scheme}://{_LOOPBACK}:{self.port}{rest}"

    @property
    def received(self) -> list[Received]:
        """All requests so far, in order."""
        return self._arrivals.so_far()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What arrived for good: the JSON bodies of the requests answered with 2xx, in order."""
        return [one.json for one in self.received if one.status is not None and 200 <= one.status < 300]

    def wait_for(self, count: int, within: float = _PATIENCE) -> list[Received]:
        """Wait until at least `count` requests have come."""
        return self._arrivals.wait_for(count, within)

    def script(self, *replies: Reply | int) -> None:
        """Answer the next requests so."""
        with self._lock:
            self._script.extend(_as_reply(reply) for reply in replies)

    def forget_script(self) -> None:
        """Answer as `after_script` says from now on."""
        with self._lock:
            self._script.clear()

    def answer(self, request: _WebhookRequest) -> None:
        """Keep one request and answer it (called by the server)."""
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        with self._lock:
            reply = self._script.popleft() if self._script else self.after_script
        status = None if reply.hang or reply.reset else reply.status
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._arrivals.add(Received(request.command, request.path, headers, body, status))
        if reply.hang:
            self._let_go.wait(_PATIENCE)
        if status is None:
            request.cut()
        else:
            request.reply(reply)


def _as_reply(reply: Reply | int) -> Reply:
    return Reply(reply) if isinstance(reply, int) else reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    sink: WebhookSink


class _WebhookRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.server.sink.answer(self)

    do_GET = do_POST  # noqa: N815 — the server looks the methods up by these names
    do_PUT = do_POST  # noqa: N815

    def reply(self, reply: Reply) -> None:
        """Send a reply."""
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def cut(self) -> None:
        """Reset the connection: the other side sees neither a reply nor an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Keep quiet."""


# ── a mailbox ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it came in."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML, empty if there is none."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


class MailSink:
    """A mail server that keeps every mail and answers the data as scripted, then with `250 OK`.

    Other answers to recipients are given by address: `refuse={"nobody@example.org": "550 no such user"}`.
    """

    def __init__(self, *script: str, refuse: Mapping[str, str] | None = None) -> None:
        self._script = deque(script)
        self._refuse = dict(refuse or {})
        self._arrivals: Arrivals[Mail] = Arrivals()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(_PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return self.url_with("from=feedwatch@example.org&to=jane@example.org")

    def url_with(self, query: str) -> str:
        """Its address for Apprise with other parameters."""
        return f"mailto://{_LOOPBACK}:{self.port}?{query}"

    @property
    def mails(self) -> list[Mail]:
        """All mails so far, in order."""
        return self._arrivals.so_far()

    def wait_for(self, count: int, within: float = _PATIENCE) -> list[Mail]:
        """Wait until at least `count` mails have come."""
        return self._arrivals.wait_for(count, within)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        connections: list[asyncio.BaseTransport] = []

        class Door(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connections.append(transport)
                super().connection_made(transport)

        def open_door() -> Door:
            return Door(self, hostname="mail.example.org", loop=self._loop)

        server = self._loop.run_until_complete(self._loop.create_server(open_door, _LOOPBACK, 0))
        self.port = int(server.sockets[0].getsockname()[1])
        self._started.set()
        self._loop.run_forever()
        server.close()
        for connection in connections:
            connection.close()
        self._loop.run_until_complete(_finish_tasks(self._loop))
        self._loop.close()

    async def handle_RCPT(  # noqa: N802 — aiosmtpd looks it up by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        """Take a recipient, or refuse it as told."""
        if address in self._refuse:
            return self._refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, unless the script says otherwise."""
        answer = self._script.popleft() if self._script else "250 OK"
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self._arrivals.add(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        return answer


async def _finish_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
