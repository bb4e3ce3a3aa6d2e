"""The server's addresses: the API itself, and a control address for whoever moves the lists."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feedwatch.sandbox.art import draw_box_art
from feedwatch.sandbox.control import carry_out, switches_of
from feedwatch.sandbox.documents import (
    PATHS,
    Slice,
    list_items,
    write_atom,
    write_current,
    write_index,
    write_opml,
    write_plain,
    write_status,
    write_user,
)
from feedwatch.sandbox.faults import FAULTS, Fault
from feedwatch.sandbox.oauth import Nonces, SignatureRefused, verify_request
from feedwatch.sandbox.world import OrderRefused, World

_XML = "text/xml; charset=utf-8"
_ATOM = "application/atom+xml; charset=utf-8"
_MOST_RESULTS = 500
_NUMBER = re.compile(r"[0-9]{1,10}")
_LOOPBACK = {"127.0.0.1", "::1"}
_OWN_HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?", re.IGNORECASE)


@dataclass(slots=True)
class Sandbox:
    """A server's state: the world it shows, and what it has seen of signatures. All may be replaced."""

    world: World = field(default_factory=World)
    nonces: Nonces = field(default_factory=Nonces)
    clock: Callable[[], float] = time.time


class _Refused(Exception):
    def __init__(self, status: int, message: str, sub_code: int | None = None) -> None:
        super().__init__(message)
        self.response = Response(write_status(status, message, sub_code), status, media_type=_XML)


class _SayTime:
    """Dates every answer by the sandbox's own clock, as a server's is its own (RFC 9110, section 6.6.1)."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self._sandbox.clock(), usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
            await send(message)

        await self._app(scope, receive, send_dated)


def create_app(sandbox: Sandbox) -> Starlette:
    """The application that serves a sandbox."""
    api = _Api(sandbox)
    control = _Control(sandbox)
    return Starlette(
        routes=[
            Route("/users/current", api.current),
            Route("/users/{user}", api.user),
            Route("/users/{user}/feeds", api.feeds),
            Route("/users/{user}/{path:path}", api.feed),
            Route("/boxshots/{size}/{name}", api.box_art),
            Route("/control/state", control.state, methods=["GET"]),
            Route("/control/{order}", control.order, methods=["POST"]),
        ],
        middleware=[Middleware(_SayTime, sandbox=sandbox)],
        exception_handlers={_Refused: _answer_refused, 404: _not_found, 405: _not_allowed},
    )


async def _answer_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)
    return error.response


async def _not_found(_: Request, __: Exception) -> Response:
    return Response(write_status(404, "Resource not found"), 404, media_type=_XML)


async def _not_allowed(_: Request, __: Exception) -> Response:
    return Response(write_status(405, "Method not allowed"), 405, media_type=_XML)


class _Api:
    """What the API answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def _world(self) -> World:
        return self._sandbox.world

    async def current(self, request: Request) -> Response:
        """`users/current`, signed."""
        self._verify(request)
        return Response(write_current(self._world, _base(request)), media_type=_XML)

    async def user(self, request: Request) -> Response:
        """`users/<id>`, signed."""
        self._verify(request, request.path_params["user"])
        return Response(write_user(self._world, _base(request)), media_type=_XML)

    async def feeds(self, request: Request) -> Response:
        """`users/<id>/feeds`, signed, as XML or OPML."""
        self._verify(request, request.path_params["user"])
        fault = self._world.take_fault("index")
        if fault is not None:
            response = _answer_fault(request, FAULTS[fault])
        else:
            write = write_opml if request.query_params.get("output") == "opml" else write_index
            response = Response(write(self._world, _base(request)), media_type=_XML)
        self._world.count("index", response.status_code)
        return response

    async def feed(self, request: Request) -> Response:
        """A tokenized list, in plain XML or, with `output=atom`, in Atom."""
        name = PATHS.get(request.path_params["path"])
        if name is None:
            raise _Refused(404, "Resource not found")
        fault = self._world.take_fault(name)
        if fault is not None:
            response = _answer_fault(request, FAULTS[fault])
        else:
            try:
                response = self._list(request, name)
            except _Refused as refused:
                response = refused.response
        self._world.count(name, response.status_code)
        return response

    async def box_art(self, request: Request) -> Response:
        """The picture of a title, for everybody."""
        number, _, extension = request.path_params["name"].partition(".")
        if extension != "png" or not _NUMBER.fullmatch(number):
            raise _Refused(404, "Resource not found")
        return Response(draw_box_art(int(number)), media_type="image/png")

    def _list(self, request: Request, name: str) -> Response:
        self._check_token(request)
        atom = request.query_params.get("output") == "atom" and not self._world.switches.plain_only
        with self._world.lock:
            page = self._slice(request, name, atom=atom)
            now = self._sandbox.clock()
            base = _base(request)
            text = write_atom(self._world, page, now, base) if atom else write_plain(self._world, page, base)
            etags = self._world.switches.http_etags and not (atom and name == "queue")
        body = text.encode()
        # A queue's Atom differs at every request, so that form has no etag that could ever match.
        headers = {"ETag": '"' + hashlib.sha256(body).hexdigest()[:20] + '"'} if etags else {}
        if etags and headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=_ATOM if atom else _XML, headers=headers)

    def _slice(self, request: Request, name: str, *, atom: bool) -> Slice:
        switches = self._world.switches
        start = _number(request, "start_index", 0, least=0)
        most = _number(request, "max_results", 25, least=1)
        if switches.refuse_paging and {"start_index", "max_results"} & set(request.query_params):
            raise _Refused(400, "max_results is invalid")
        if atom and not switches.atom_pages:
            start, most = 0, 25
        if switches.ignore_start_index:
            start = 0
        if start and name == "queue":
            self._world.move_between_pages()
        items = list_items(self._world, name, by_date=request.query_params.get("sort") == "date_added")
        return Slice(name, items[start : start + most], len(items), start, self._world.versions[name])

    def _check_token(self, request: Request) -> None:
        account = self._world.account
        if request.query_params.get("oauth_consumer_key") != account.consumer_key:
            raise _Refused(401, "Missing Required Consumer Key")
        if request.path_params["user"] != account.user_id:
            raise _Refused(401, "User not found")
        token = request.query_params.get("feed_token", "")
        if not token:
            raise _Refused(401, "Bad feed token")
        if token != account.feed_token:
            raise _Refused(403, "Invalid feed token")

    def _verify(self, request: Request, user: str | None = None) -> None:
        account = self._world.account
        secrets = {
            (account.consumer_key, account.access_token): (
                account.consumer_secret,
                account.access_token_secret,
            )
        }
        try:
            verify_request(
                request.method,
                str(request.url),
                request.headers.get("authorization", ""),
                secrets if account.allowed else {},
                self._sandbox.nonces,
                self._sandbox.clock(),
            )
        except SignatureRefused as refused:
            raise _Refused(401, str(refused)) from refused
        except ValueError as error:  # a Host header that is none
            raise _Refused(400, "Bad request") from error
        if user is not None and user != account.user_id:
            raise _Refused(401, "User ID access token mismatch")


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= (_MOST_RESULTS if least else 10**9):
        raise _Refused(400, f"Query parameter {name} must be a positive integer.", 120)
    return int(text)


# ── faults ────────────────────────────────────────────────────────────────────────────────────────


def _answer_fault(request: Request, fault: Fault) -> Response:
    headers = dict(fault.headers)
    if fault.moved:
        joint = "&" if request.url.query else "?"
        headers["Location"] = f"{request.url}{joint}moved={fault.status}"
    if fault.cut:
        headers["Content-Length"] = str(len(fault.body) * 2)
    if fault.slow:
        return StreamingResponse(_drip(), media_type=_XML)
    if fault.large:
        return StreamingResponse(_large(), media_type=_XML)
    return Response(fault.body, fault.status, headers=headers, media_type=_XML)


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(120):
        yield b" "
        await anyio.sleep(0.5)


async def _large() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield b" " * 2**20


# ── control ───────────────────────────────────────────────────────────────────────────────────────


class _Control:
    """Orders to the world, from this machine only."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def state(self, request: Request) -> Response:
        """What the lists hold, the switches, and how often each was asked for."""
        refused = _refuse_strangers(request)
        if refused:
            return refused
        world = self._sandbox.world
        with world.lock:
            return JSONResponse(
                {
                    "queue": [item.title.name for item in world.queue],
                    "history": [item.title.name for item in world.history],
                    "ratings": {item.title.name: item.value for item in world.ratings},
                    "recommendations": [item.title.name for item in world.recommendations],
                    "switches": switches_of(world),
                    "faults": world.switches.faults,
                    "requests": world.requests,
                }
            )

    async def order(self, request: Request) -> Response:
        """Carry an order out: its name in the path, its particulars as a JSON object."""
        refused = _refuse_strangers(request)
        if refused:
            return refused
        name = request.path_params["order"]
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _problem(415, "send application/json")
        try:
            particulars = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            return _problem(400, "the body is no JSON")
        try:
            return JSONResponse(carry_out(self._sandbox.world, name, particulars))
        except OrderRefused as error:
            return _problem(400, str(error))


def _refuse_strangers(request: Request) -> Response | None:
    """Only this machine gives orders, and no page in a browser on it (RFC 9110 Host, DNS rebinding)."""
    peer = request.client.host if request.client else ""
    host = request.headers.get("host", "")
    from_page = "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none"
    if peer not in _LOOPBACK or not _OWN_HOST.fullmatch(host) or from_page:
        return _problem(403, "orders are taken from this machine only")
    return None


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"problem": text}, status)
