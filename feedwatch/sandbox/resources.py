"""One address of the API: which methods it has, what becomes of a call, and the faults that come between."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feedwatch.sandbox.calls import CallRefused
from feedwatch.sandbox.fault_replies import answer_fault
from feedwatch.sandbox.faults import FAULTS
from feedwatch.sandbox.served import Call, Sandbox

Handler = Callable[[Call], Response]
Method = tuple[str, Handler]
"""What a method's calls are counted as, and what answers them."""
_LISTS = ("queue", "history", "ratings", "recommendations")
"""What can be asked for unsigned, and fails for everybody. All else fails for signed calls alone."""
_EVERY_METHOD = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def make_route(sandbox: Sandbox, path: str, methods: Mapping[str, Method]) -> Route:
    """The route of one address."""

    async def endpoint(request: Request) -> Response:
        call = await Call.read(sandbox, request)
        known = methods.get(call.method)
        if known is None:
            response = call.refuse(CallRefused(405, "Method not allowed"))
            response.headers["Allow"] = ", ".join(methods)
            return response
        counted, handler = known
        response = _answer(call, counted, handler)
        sandbox.world.count(counted, response.status_code)
        return response

    return Route(path, endpoint, methods=_EVERY_METHOD)


def _answer(call: Call, counted: str, handler: Handler) -> Response:
    may_fail = counted in _LISTS or call.is_signed
    name = call.world.take_fault(counted) if may_fail else None
    fault = FAULTS[name] if name is not None else None
    if fault is None:
        return _carry_out(call, handler)
    if fault.stale or (fault.cut and counted == "titles_index"):
        call.stale, call.cut = fault.stale, fault.cut
        return _carry_out(call, handler)
    if fault.late:
        _carry_out(call, handler)
    return answer_fault(call.request, fault)


def _carry_out(call: Call, handler: Handler) -> Response:
    try:
        return handler(call)
    except CallRefused as refused:
        return call.refuse(refused)
