"""What the strict servers have in common: they take requests over a real socket, and refuse as documented.

Each says what a person would see of what it took. Time is handed in: a limit on messages a second is kept
by the clock of the test.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as a person sees it: markup is gone, what an escape hid is there.

    `calls` are the people, groups and commands that would ring or run, `links` what can be followed,
    `pictures` what is shown, `files` what has to be opened first, `fetches` what the service or the
    reader's device gets from elsewhere to show the message. `twin` is the plain text beside a page.
    """

    title: str = ""
    text: str = ""
    calls: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    pictures: tuple[bytes, ...] = ()
    files: tuple[str, ...] = ()
    fetches: tuple[str, ...] = ()
    size: int = 0
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; `seen` is what a person now has before them, if anything."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seen: Seen | None = None


class Refused(Exception):
    """The service does not take this request, and answers so."""

    def __init__(self, status: int, why: str, body: bytes = b"", **headers: str) -> None:
        super().__init__(why)
        self.answer = Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass(frozen=True, slots=True)
class File:
    """One file of a form."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, without the query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def media_type(self) -> str:
        """What the body claims to be, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            read = json.loads(self.body.decode("utf-8"))
        except ValueError as error:
            raise Refused(400, "the body is no JSON in UTF-8") from error
        if not isinstance(read, dict):
            raise Refused(400, "the body is no JSON object")
        return read

    @cached_property
    def form(self) -> tuple[dict[str, str], dict[str, File]]:
        """The fields and files of a form, in either encoding."""
        if self.media_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode("ascii"), keep_blank_values=True)), {}
        if self.media_type != "multipart/form-data":
            raise Refused(415, f"no form but {self.media_type or 'nothing'}")
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        fields: dict[str, str] = {}
        files: dict[str, File] = {}
        for part in message_from_bytes(head + self.body, policy=policy.HTTP).iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            if (filename := part.get_filename()) is not None:
                declared = part.get_content_type() if "content-type" in part else ""
                files[name] = File(filename, declared, content)
            else:
                fields[name] = content.decode("utf-8")
        return fields, files


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages within so many seconds, in any stretch of that length."""

    count: int
    seconds: float


class Allowance:
    """What is left of some rates, by a clock of the test's own."""

    def __init__(self, rates: Sequence[Rate], clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._taken: deque[float] = deque()

    def wait(self) -> float:
        """How long until one more may come, in seconds."""
        now = self._clock()
        waits = [0.0]
        for rate in self._rates:
            recent = [at for at in self._taken if now - at < rate.seconds]
            if len(recent) >= rate.count:
                waits.append(recent[-rate.count] + rate.seconds - now)
        return max(waits)

    def take(self) -> None:
        """Count one that came."""
        self._taken.append(self._clock())


class StrictServer:
    """An HTTP server on loopback that judges each request; subclasses say how (`judge`).

    `seen` is what a person has before them, `refusals` why the others were not taken, `limited` how many of
    these came too soon. With `takes_pictures` off it refuses pictures, as a service may at any time.
    """

    rates: Sequence[Rate] = ()

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, rates: Sequence[Rate] | None = None
    ) -> None:
        self.clock = clock
        self.allowance = Allowance(self.rates if rates is None else rates, clock)
        self.seen: list[Seen] = []
        self.refusals: list[str] = []
        self.limited = 0
        self.takes_pictures = True
        self.calls: list[Call] = []
        self._one_at_a_time = Lock()
        self._server = _Server((LOOPBACK, 0), _Request)
        self._server.service = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    def judge(self, call: Call) -> Answer:
        """Take a request, or raise `Refused`."""
        raise NotImplementedError

    def limit(self, wait: float) -> Refused:
        """How this service says that a request comes too soon."""
        return Refused(429, "too soon", Retry_After=str(max(1, round(wait + 0.499))))

    def answer(self, call: Call) -> Answer:
        """Answer a request and keep what came of it (called by the server)."""
        with self._one_at_a_time:
            self.calls.append(call)
            try:
                answer = self.judge(call)
            except Refused as refusal:
                self.refusals.append(str(refusal))
                return refusal.answer
            if answer.seen is not None:
                self.seen.append(answer.seen)
            return answer

    def crowd(self) -> None:
        """Let somebody else use up what may be sent now."""
        for _ in range(max((rate.count for rate in self.rates), default=0)):
            self.allowance.take()

    def admit(self, pictures: Sequence[bytes], refusal: Refused) -> None:
        """Let pictures pass, or refuse them so."""
        if pictures and not self.takes_pictures:
            raise refusal

    def spend(self) -> None:
        """Count one message against the rates, or refuse it."""
        if (wait := self.allowance.wait()) > 0:
            self.limited += 1
            raise self.limit(wait)
        self.allowance.take()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    service: StrictServer


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.service.answer(Call(self.command, self.path, headers, body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(answer.body)

    do_GET = do_POST  # noqa: N815 — the server looks the methods up by these names
    do_PUT = do_POST  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Keep quiet."""


def count_units(text: str) -> int:
    """The length of a text in UTF-16 code units; half a pair is an error."""
    return len(text.encode("utf-16-le")) // 2


def to_json(value: object) -> bytes:
    """A value as a reply says it."""
    return json.dumps(value).encode()
