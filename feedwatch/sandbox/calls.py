"""What a call asks for, read and checked; and the refusals of the API, in its own words."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request

from feedwatch.sandbox.trees import Node, make_node, make_text

_GZIP = re.compile(r"(x-)?gzip(;q=(1(\.0*)?|0\.0*[1-9][0-9]*))?")
_REST = re.compile(r"bytes=([0-9]{1,15})-")
_IN_PATHS = "/!$&'()*+,;=:@~"


class CallRefused(Exception):
    """A call that is not answered with what it asks for; `document` says why, as the API words it."""

    def __init__(self, status: int, message: str, sub_code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.document = make_status(status, message, sub_code=sub_code)


def make_status(status: int, message: str, *more: Node, sub_code: int | None = None) -> Node:
    """The document of an error, or of a change that was made."""
    sub = (make_text("sub_code", sub_code),) if sub_code is not None else ()
    return make_node("status", make_text("status_code", status), *sub, make_text("message", message), *more)


def address_of(request: Request) -> str:
    """The address that was asked for, as it was sent: what is signed is that, and not what it decodes to."""
    path = request.scope.get("raw_path") or quote(request.scope["path"], safe=_IN_PATHS).encode()
    query = request.scope["query_string"]
    said = path + (b"?" + query if query else b"")
    host = request.headers.get("host", "")
    return f"{request.scope['scheme']}://{host}{said.decode('latin-1')}"


def base_of(request: Request) -> str:
    """Where the server is, as the caller calls it."""
    return f"{request.url.scheme}://{request.url.netloc}"


def read_flag(request: Request, name: str) -> bool:
    """A parameter that is `true` or `false`; without it, false.

    Raises:
        CallRefused: it is neither.
    """
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise CallRefused(400, f"parameter {name} is invalid")
    return text == "true"


def read_range(request: Request, etag: str | None) -> int | None:
    """Where a document is to be gone on with (`Range: bytes=1000-`); nothing where it is to be sent whole.

    It is sent whole as well where the caller has the beginning of another one (RFC 9110, section 13.1.5), or
    asks for anything but the rest.
    """
    match = _REST.fullmatch(request.headers.get("range", ""))
    held = request.headers.get("if-range")
    return int(match[1]) if match and held in (None, etag) else None


def takes_gzip(request: Request) -> bool:
    """Whether an answer may be packed (RFC 9110, section 12.5.3)."""
    offers = request.headers.get("accept-encoding", "").lower().replace(" ", "").split(",")
    return any(_GZIP.fullmatch(offer) for offer in offers)
