"""What Apprise's plugins say over HTTP and SMTP, seen where it passes: inside `requests` and `smtplib`.

Apprise tells neither the status nor the Retry-After of a reply, nor whether a time-out came before or
after the request was sent; no plugin hands its session out. So one function of each library is wrapped,
once, and listens only to the thread that sends a message of ours.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from traceback import walk_tb
from typing import Any

from feedwatch.notify.failures import Exchange, limit_rest

_SEEN: ContextVar[list[Exchange] | None] = ContextVar("feedwatch_exchanges", default=None)
_LONGEST_READ = 64 * 1024
_LARGEST_REPLY = 1024 * 1024
"""Of a longer reply the start is read, unpacked: no plugin needs more, and a service might never end it."""
_READ_WITHIN = 60.0
_UNREADABLE = -1
"""What `smtplib` takes for the code of an answer that has none."""
_MOST_LINES = 100
"""Of one SMTP reply: nobody says more, and one without end would fill the memory."""
_IN_WORDS = {
    "ConnectTimeout": "no connection in time",
    "ConnectTimeoutError": "no connection in time",
    "NameResolutionError": "the host's name is not known",
    "gaierror": "the host's name is not known",
    "SSLError": "no secure connection",
    "ProxyError": "the proxy does not answer",
}
_CUT = "the connection broke"
_CUT_AFTER_SENDING = frozenset(
    {
        "RemoteDisconnected",
        "ConnectionResetError",
        "IncompleteRead",
        "BadStatusLine",
        "LineTooLong",
        "HTTPException",  # more headers than can be read
        "InvalidChunkLength",
        "DecodeError",
        "ContentDecodingError",
    }
)
"""It broke where the answer should have come, or that cannot be read: it may have been carried out."""
_NO_HANDSHAKE = "no secure connection in time"


_CLOSED: ContextVar[bool] = ContextVar("feedwatch_closed", default=False)
_TWIN: ContextVar[str] = ContextVar("feedwatch_twin", default="")


@contextmanager
def close_wire() -> Iterator[None]:
    """Have every request that this thread would make fail, unsent."""
    token = _CLOSED.set(True)
    try:
        yield
    finally:
        _CLOSED.reset(token)


@contextmanager
def lend_twin(text: str) -> Iterator[None]:
    """Have this thread's mails take a text of ours for their plain form, unless it is empty."""
    token = _TWIN.set(text)
    try:
        yield
    finally:
        _TWIN.reset(token)


@contextmanager
def watch_wire() -> Iterator[list[Exchange]]:
    """Collect the requests that this thread makes."""
    seen: list[Exchange] = []
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)


@functools.cache
def listen_to_mail() -> None:
    """Begin to see where mails break off, once. What a server answers, Apprise logs."""
    import smtplib  # noqa: PLC0415 — as late as the first mail

    plain_data = smtplib.SMTP.data

    @functools.wraps(plain_data)
    def data(server: smtplib.SMTP, message: Any) -> Any:
        seen = _SEEN.get()
        try:
            answer = plain_data(server, message)
        except OSError as error:
            if seen is not None and not isinstance(error, smtplib.SMTPResponseException):
                seen.append(Exchange(silent=True))
            raise
        if seen is not None and answer[0] == _UNREADABLE:
            seen.append(Exchange(silent=True))
        return answer

    smtplib.SMTP.data = data  # type: ignore[method-assign, assignment]
    plain_reply = smtplib.SMTP.getreply

    @functools.wraps(plain_reply)
    def getreply(server: smtplib.SMTP) -> Any:
        if server.file is None and server.sock is not None:
            server.file = server.sock.makefile("rb")
        if server.file is not None:
            server.file = _FewLines(server.file)
        try:
            return plain_reply(server)
        finally:
            if isinstance(server.file, _FewLines):
                server.file = server.file.plain

    smtplib.SMTP.getreply = getreply  # type: ignore[method-assign, assignment]


@functools.cache
def listen_to_twins() -> None:
    """Begin to lend mails their plain form, once. Apprise makes one of the HTML by itself."""
    import apprise.plugins.email.base as mails  # noqa: PLC0415 — as late as the first mail

    plain_convert: Any = vars(mails)["convert_between"]

    @functools.wraps(plain_convert)
    def convert_between(from_format: Any, to_format: Any, content: str, *args: Any, **options: Any) -> Any:
        if _TWIN.get() and getattr(to_format, "value", to_format) == "text":
            return _TWIN.get()
        return plain_convert(from_format, to_format, content, *args, **options)

    vars(mails)["convert_between"] = convert_between


class _FewLines:
    """A stream of lines that breaks off after some."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain
        self._left = _MOST_LINES

    def readline(self, limit: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError("a reply without end")
        line: bytes = self.plain.readline(limit)
        return line

    def close(self) -> None:
        self.plain.close()


def listen_to_requests() -> None:
    """Begin to see the requests made through `requests`; to be called once."""
    import requests  # noqa: PLC0415 — comes with Apprise, as late as it
    import urllib3  # noqa: PLC0415

    plain_send = requests.Session.send

    @functools.wraps(plain_send)
    def send(session: Any, request: Any, **options: Any) -> Any:
        seen = _SEEN.get()
        if _CLOSED.get():
            raise requests.ConnectionError("closed")
        if seen is None:
            return plain_send(session, request, **options)
        try:
            reply = plain_send(session, request, **options)
        except requests.RequestException as error:
            seen.append(_describe_break(error))
            raise
        seen.append(_describe_reply(reply))
        return reply

    requests.Session.send = send  # type: ignore[method-assign, assignment]
    plain_ask = requests.adapters.HTTPAdapter.send

    @functools.wraps(plain_ask)
    def ask(adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
        reply = plain_ask(adapter, request, *args, **options)
        if _SEEN.get() is None:
            return reply
        try:
            _read_start(reply)
        except urllib3.exceptions.HTTPError as error:
            reply.close()
            raise requests.ConnectionError(error) from error
        return reply

    requests.adapters.HTTPAdapter.send = ask  # type: ignore[method-assign, assignment]


def _read_start(reply: Any) -> None:
    """Read a reply as far as it is of use. `requests` would read it whole, whatever it unpacks to."""
    ends_at = time.monotonic() + _READ_WITHIN
    content = bytearray()
    while len(content) < _LARGEST_REPLY and time.monotonic() < ends_at:
        # `read1` gives what has come: `read` would wait for all of it, however slowly it drips.
        part = reply.raw.read1(_LARGEST_REPLY - len(content), decode_content=True)
        if not part:
            break
        content += part
    else:
        reply.close()
    reply._content = bytes(content)  # noqa: SLF001 — how `requests` itself keeps what it has read
    reply._content_consumed = True  # noqa: SLF001


def _describe_reply(reply: Any) -> Exchange:
    status = int(reply.status_code)
    return Exchange(status, None if 200 <= status < 300 else _read_rest(reply))


def _describe_break(error: BaseException) -> Exchange:
    causes = list(_causes(error))
    kinds = [type(cause).__name__ for cause in causes]
    if "ReadTimeout" in kinds or "ReadTimeoutError" in kinds:
        # urllib3 calls it the same when not even the secure connection came about: nothing was sent then.
        return Exchange(broke=_NO_HANDSHAKE) if any(map(_shook_hands, causes)) else Exchange(silent=True)
    for kind in kinds:
        if kind in _IN_WORDS:
            return Exchange(broke=_IN_WORDS[kind])
    if not _CUT_AFTER_SENDING.isdisjoint(kinds) and not any(map(_shook_hands, causes)):
        return Exchange(silent=True)
    code = next((c.errno for c in causes if isinstance(c, OSError) and c.errno in errno.errorcode), None)
    return Exchange(broke=os.strerror(code).lower() if code is not None else _CUT)


def _shook_hands(cause: BaseException) -> bool:
    frames = (frame for frame, _ in walk_tb(cause.__traceback__))
    return any(frame.f_code.co_name == "do_handshake" for frame in frames)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and everything that it wraps, from the outside in."""
    found: list[BaseException] = [error]
    for cause in found:  # it grows under way
        yield cause
        inner = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        found.extend(e for e in inner if isinstance(e, BaseException) and all(e is not f for f in found))


def _read_rest(reply: Any) -> timedelta | None:
    """How long a service wants us to rest: in its header, or in the JSON of Discord and Telegram."""
    header = str(reply.headers.get("Retry-After") or "").strip()
    if header:
        return _read_header(header)
    try:
        told = json.loads(reply.content[:_LONGEST_READ])
        wish = told.get("retry_after", (told.get("parameters") or {}).get("retry_after"))
        return limit_rest(float(wish))
    except (ValueError, TypeError, AttributeError):
        return None


def _read_header(header: str) -> timedelta | None:
    try:
        return limit_rest(float(header))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return limit_rest((until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
