"""A server of feeds that sends any bytes: well-behaved, broken or hostile, as its answers say.

It listens on 127.0.0.1 at a free port, gives every connection a thread, and keeps each request byte for
byte.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sinks import Arrivals

from feedwatch.core.model import Fetched, FetchFailed, FetchOutcome
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits

_LOOPBACK = "127.0.0.1"
_PATIENCE = 30.0
_TLS = Path(__file__).parent / "data" / "tls"

CERTIFICATE = _TLS / "loopback.pem"
"""A certificate of 127.0.0.1 that nobody trusts who is not told to, with its key; for tests alone."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: its head byte for byte, and its parts."""

    head: bytes
    target: str
    headers: Mapping[str, str]

    @property
    def line(self) -> bytes:
        """The request line."""
        return self.head.partition(b"\r\n")[0]

    def raw_header(self, name: bytes) -> bytes | None:
        """A header byte for byte; None where it was not sent."""
        match = re.search(rb"(?im)^" + re.escape(name) + rb": (.*?)\r$", self.head)
        return match[1] if match else None


class Visit:
    """One request that wants an answer: what it asks, and ways to answer it."""

    def __init__(self, request: Request, connection: socket.socket, stopped: threading.Event) -> None:
        self.request = request
        self._connection = connection
        self._stopped = stopped

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def drip(self, data: bytes, every: float = 0.02) -> None:
        """Send a byte at a time until nobody listens, the data over and over."""
        while not self._stopped.wait(every):
            for number in range(len(data)):
                self.send(data[number : number + 1])
                if self._stopped.wait(every):
                    return

    def reset(self) -> None:
        """Cut the connection without an orderly end."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def wait(self, event: threading.Event | None = None) -> None:
        """Say nothing until the event, or until the server stops."""
        event = event or self._stopped
        while not event.wait(0.02) and not self._stopped.is_set():
            pass


Answer = bytes | Callable[[Visit], None]


def reply(body: bytes = b"", status: int = 200, /, **headers: str | bytes) -> bytes:
    """Write a whole reply; `_` in a header's name stands for `-`."""
    lines = [b"HTTP/1.1 %d Said" % status]
    named: dict[str, str | bytes] = {"Content_Length": str(len(body)), **headers}
    for name, value in named.items():
        raw = value if isinstance(value, bytes) else value.encode()
        lines.append(name.replace("_", "-").encode() + b": " + raw)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302, **headers: str) -> bytes:
    """Write a redirect."""
    return reply(b"", status, Location=location, **headers)


def close_after(data: bytes) -> Answer:
    """Send that, and end the connection in order."""

    def answer(visit: Visit) -> None:
        visit.send(data)
        visit.close()

    return answer


def reset_after(data: bytes) -> Answer:
    """Send that, and cut the connection."""

    def answer(visit: Visit) -> None:
        visit.send(data)
        visit.reset()

    return answer


class FeedServer:
    """Answers each path as told with `on`: the answers given in order, the last of them for ever."""

    def __init__(self, *, tls: bool = False) -> None:
        self._answers: dict[str, deque[Answer]] = {}
        self._tls = _tls_context() if tls else None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._arrivals: Arrivals[Request] = Arrivals()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.connections_made = 0
        self._listener = socket.create_server((_LOOPBACK, 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._connections)
        for connection in left:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)

    def on(self, path: str, *answers: Answer) -> str:
        """Answer a path so from now on, whatever query comes with it; gives its URL."""
        with self._lock:
            self._answers[path] = deque(answers)
        return self.url(path)

    def url(self, rest: str = "/", host: str = _LOOPBACK) -> str:
        """Give an address at this server."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{rest}"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in order."""
        return self._arrivals.so_far()

    @property
    def last(self) -> Request:
        """The latest request."""
        return self.requests[-1]

    def wait_for(self, count: int) -> list[Request]:
        """Wait until that many requests have come."""
        return self._arrivals.wait_for(count)

    def wait_until_left(self) -> None:
        """Wait until nobody is connected any more; not so long that a client would tire of it by itself."""
        for thread in self._threads[1:]:  # the first one accepts
            thread.join(8.0)
            assert not thread.is_alive(), "a connection is still open"

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections_made += 1
            self._start(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            plain.settimeout(_PATIENCE)
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with self._lock:
                self._connections.add(connection)
            try:
                with connection:
                    self._talk(connection)
            finally:
                with self._lock:
                    self._connections.discard(connection)

    def _talk(self, connection: socket.socket) -> None:
        while (request := _read_request(connection)) is not None:
            with self._lock:
                answer = self._next_answer(request.target.partition("?")[0])
            self._arrivals.add(request)
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(Visit(request, connection, self._stopped))

    def _next_answer(self, path: str) -> Answer:
        answers = self._answers.get(path)
        if not answers:
            return reply(b"nothing here", 404)
        return answers.popleft() if len(answers) > 1 else answers[0]


def _read_request(connection: socket.socket) -> Request | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)  # never beyond this request: the next is read by itself
        if not byte:
            return None
        head += byte
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    return Request(head, lines[0].split(" ")[1], {name.lower(): value for name, value in headers.items()})


def _tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


# ── asking it ─────────────────────────────────────────────────────────────────────────────────────

LIMITS: Final = FetchLimits(timedelta(seconds=10), 1 << 20)
EVERYWHERE: Final = NetworkPolicy("allow")
NOW: Final = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def make_fetcher(limits: FetchLimits = LIMITS, networks: NetworkPolicy = EVERYWHERE) -> aclosing[Fetcher]:
    """Make a fetcher for whose clock it is always `NOW`, and that may ask servers of this machine."""
    return aclosing(Fetcher(limits, networks=networks, user_agent="feedwatch/test", now=lambda: NOW))


def fetched(outcome: FetchOutcome) -> Fetched:
    """Expect a whole reply."""
    assert isinstance(outcome, Fetched), outcome
    return outcome


def failed(outcome: FetchOutcome) -> FetchFailed:
    """Expect a failure."""
    assert isinstance(outcome, FetchFailed), outcome
    return outcome
