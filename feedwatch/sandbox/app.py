"""The server's addresses: the API itself, and a control address for whoever moves the lists."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from feedwatch.sandbox.documents import (
    LISTS,
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
from feedwatch.sandbox.oauth import Nonces, SignatureRefused, verify_request
from feedwatch.sandbox.world import OrderRefused, World

_XML = "text/xml; charset=utf-8"
_ATOM = "application/atom+xml; charset=utf-8"
_MOST_RESULTS = 500
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(slots=True)
class Sandbox:
    """A server's state: the world it shows, and what it has seen of signatures."""

    world: World = field(default_factory=World)
    nonces: Nonces = field(default_factory=Nonces)
    clock: Callable[[], float] = time.time


class _Refused(Exception):
    def __init__(self, status: int, message: str, sub_code: int | None = None) -> None:
        super().__init__(message)
        self.response = Response(write_status(status, message, sub_code), status, media_type=_XML)


def create_app(sandbox: Sandbox) -> Starlette:
    """The application that serves a sandbox."""
    api = _Api(sandbox)
    control = _Control(sandbox.world)
    return Starlette(
        routes=[
            Route("/users/current", api.current),
            Route("/users/{user}", api.user),
            Route("/users/{user}/feeds", api.feeds),
            Route("/users/{user}/{path:path}", api.feed),
            Route("/control/state", control.state, methods=["GET"]),
            Route("/control/{order}", control.order, methods=["POST"]),
        ],
        exception_handlers={_Refused: _answer_refused, 404: _not_found},
    )


async def _answer_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)
    return error.response


async def _not_found(_: Request, __: Exception) -> Response:
    return Response(write_status(404, "Resource not found"), 404, media_type=_XML)


class _Api:
    """What the API answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world

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
        self._world.count("index", 200)
        write = write_opml if request.query_params.get("output") == "opml" else write_index
        return Response(write(self._world, _base(request)), media_type=_XML)

    async def feed(self, request: Request) -> Response:
        """A tokenized list, in plain XML or, with `output=atom`, in Atom."""
        name = LISTS.get(request.path_params["path"])
        if name is None:
            raise _Refused(404, "Resource not found")
        fault = self._world.take_fault(name)
        if fault is not None:
            response = _faulty(fault)
        else:
            try:
                response = self._list(request, name)
            except _Refused as refused:
                response = refused.response
        self._world.count(name, response.status_code)
        return response

    def _list(self, request: Request, name: str) -> Response:
        self._check_token(request)
        atom = request.query_params.get("output") == "atom"
        with self._world.lock:
            page = self._slice(request, name, atom=atom)
            now = self._sandbox.clock()
            text = write_atom(self._world, page, now) if atom else write_plain(self._world, page)
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
        if user is not None and user != account.user_id:
            raise _Refused(401, "User ID access token mismatch")


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdigit() or not least <= int(text) <= (_MOST_RESULTS if least else 10**9):
        raise _Refused(400, f"Query parameter {name} must be a positive integer.", 120)
    return int(text)


# ── faults ────────────────────────────────────────────────────────────────────────────────────────

_STATUS_FAULTS: Mapping[str, tuple[int, str, dict[str, str]]] = {
    "400": (400, "parameter output is invalid", {}),
    "401": (401, "Bad feed token", {}),
    "403": (403, "Invalid feed token", {}),
    "403-per-second": (403, "Over queries per second limit", {}),
    "403-per-day": (403, "Over queries per day limit", {}),
    "404": (404, "Resource not found", {}),
    "410": (410, "Gone", {}),
    "429": (429, "Too many requests", {"Retry-After": "30"}),
    "500": (500, "Internal error", {}),
    "503": (503, "Service unavailable", {}),
}
_BODY_FAULTS: Mapping[str, bytes] = {
    "html": b"<!DOCTYPE html><html><head><title>Hello</title></head><body><h1>Sign in</h1></body></html>",
    "empty": b"",
    "declaration": b'<?xml version="1.0" encoding="utf-8"?>\n',
    "status": write_status(500, "Internal error").encode(),
    "truncated": b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>x</id><tit',
    "bomb": b'<!DOCTYPE f [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><feed>&b;</feed>',
    "no-items": b"<queue><etag>0</etag><number_of_results>0</number_of_results></queue>",
}
FAULTS = (*_STATUS_FAULTS, *_BODY_FAULTS, "drip", "large")


def _faulty(fault: str) -> Response:
    if fault in _STATUS_FAULTS:
        status, message, headers = _STATUS_FAULTS[fault]
        return Response(write_status(status, message), status, headers=headers, media_type=_XML)
    if fault == "drip":
        return StreamingResponse(_drip(), media_type=_XML)
    if fault == "large":
        return StreamingResponse(_large(), media_type=_XML)
    return Response(_BODY_FAULTS[fault], media_type=_XML)


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(120):
        yield b" "
        await anyio.sleep(0.5)


async def _large() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield b" " * 2**20


# ── control ───────────────────────────────────────────────────────────────────────────────────────

_ORDERS = {
    "add",
    "move",
    "remove",
    "save",
    "make_available",
    "watch",
    "rate",
    "recommend",
    "rotate_token",
    "revoke",
    "fail",
}


class _Control:
    """Orders to the world, from this machine only."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def state(self, request: Request) -> Response:
        """What the lists hold, the switches, and how often each was asked for."""
        refused = _refuse_strangers(request)
        if refused:
            return refused
        world = self._world
        with world.lock:
            return JSONResponse(
                {
                    "queue": [item.title.name for item in world.queue],
                    "history": [item.title.name for item in world.history],
                    "ratings": {item.title.name: item.value for item in world.ratings},
                    "recommendations": [item.title.name for item in world.recommendations],
                    "switches": asdict(world.switches),
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
            return JSONResponse(self._carry_out(name, particulars))
        except (OrderRefused, TypeError, ValueError) as error:
            return _problem(400, str(error))

    def _carry_out(self, name: str, particulars: dict[str, Any]) -> dict[str, object]:
        if name == "switch":
            return self._switch(particulars)
        if name not in _ORDERS:
            raise OrderRefused(f"no order {name!r}: there are {', '.join(sorted(_ORDERS))}, switch")
        if name == "fail" and particulars.get("fault") not in FAULTS:
            raise OrderRefused(f"no such fault: there are {', '.join(FAULTS)}")
        done = getattr(self._world, name)(**particulars)
        return {"order": name, "title": done.name if done is not None else None}

    def _switch(self, particulars: dict[str, Any]) -> dict[str, object]:
        switches = self._world.switches
        known = set(asdict(switches)) - {"faults"}
        if unknown := set(particulars) - known:
            raise OrderRefused(
                f"no switch {', '.join(sorted(unknown))}: there are {', '.join(sorted(known))}"
            )
        with self._world.lock:
            for name, value in particulars.items():
                if type(value) is not type(getattr(switches, name)):
                    raise OrderRefused(f"{name} takes a {type(getattr(switches, name)).__name__}")
                setattr(switches, name, value)
        return asdict(switches)


def _refuse_strangers(request: Request) -> Response | None:
    """Only this machine gives orders, and no page in a browser on it (RFC 9110 Host, DNS rebinding)."""
    host = request.url.hostname or ""
    peer = request.client.host if request.client else ""
    if peer not in _LOOPBACK or host not in _LOOPBACK or request.headers.get("origin"):
        return _problem(403, "orders are taken from this machine only")
    return None


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"problem": text}, status)
