"""The control address: orders to the world, from this machine only."""

from __future__ import annotations

import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feedwatch.sandbox.control import carry_out, switches_of
from feedwatch.sandbox.served import Sandbox
from feedwatch.sandbox.world import OrderRefused

_LOOPBACK = {"127.0.0.1", "::1"}
_OWN_HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?", re.IGNORECASE)


def list_control_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of the control address."""
    control = _Control(sandbox)
    return [
        Route("/control/state", control.state, methods=["GET"]),
        Route("/control/{order}", control.order, methods=["POST"]),
    ]


class _Control:
    """Orders to the world."""

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
