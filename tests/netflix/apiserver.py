"""A server of the API that answers as a test tells it to: badly, late, or not at all."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """One call: its method, its path, its parameters wherever they stood, its Authorization."""

    method: str
    path: str
    parameters: Mapping[str, str]
    authorization: str | None


class Answer(NamedTuple):
    """What is answered; without a status the connection ends with no word said."""

    status: int | None = 200
    body: str = ""
    headers: Mapping[str, str] = {}


Answers = Callable[[Asked], Answer]


@dataclass
class ApiServer:
    """Calls that came, in order; `answers` is asked for the answer to each."""

    base: str
    answers: Answers
    asked: list[Asked] = field(default_factory=list)

    def methods(self) -> list[str]:
        """How it was called, in order."""
        return [each.method for each in self.asked]


NO_WORD = Answer(None)


def status(code: int, message: str = "", sub_code: int | None = None, more: str = "") -> Answer:
    """A status document, as the API words it."""
    sub = f"<sub_code>{sub_code}</sub_code>" if sub_code else ""
    document = f"<status><status_code>{code}</status_code>{sub}<message>{message}</message>{more}</status>"
    return Answer(code, document)


@contextmanager
def serving_answers(answers: Answers) -> Iterator[ApiServer]:
    """Serve them on loopback, one call at a time."""
    turn = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            form = self.rfile.read(length).decode()
            said = dict(parse_qsl(f"{parts.query}&{form}", keep_blank_values=True))
            with turn:
                asked = Asked(self.command, parts.path, said, self.headers.get("Authorization"))
                server.asked.append(asked)
                answer = server.answers(asked)
            if answer.status is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 — the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = ApiServer(f"http://127.0.0.1:{http.server_port}", answers)
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
