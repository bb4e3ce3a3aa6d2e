"""What every request meets before it is answered: the server's clock, and its limit."""

from __future__ import annotations

from collections import deque
from email.utils import formatdate

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feedwatch.sandbox.calls import CallRefused
from feedwatch.sandbox.served import Call, Sandbox

_NOT_LIMITED = ("/control/", "/boxshots/", "/oauth/login", "/3/", "/t/")


class SayTime:
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


class LimitCalls:
    """Refuses calls beyond so many in a second, if the world says so."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox
        self._lately: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        most = self._sandbox.world.switches.calls_per_second
        if not most or scope["type"] != "http" or scope["path"].startswith(_NOT_LIMITED) or self._take(most):
            await self._app(scope, receive, send)
            return
        call = Call(self._sandbox, Request(scope))
        as_403 = self._sandbox.world.switches.limits_as_403
        if as_403:
            response = call.refuse(CallRefused(403, "Over queries per second limit"))
        else:
            response = call.refuse(CallRefused(429, "Too many requests"))
            response.headers["Retry-After"] = "1"
        await response(scope, receive, send)

    def _take(self, most: int) -> bool:
        now = self._sandbox.clock()
        while self._lately and not now - 1 < self._lately[0] <= now:
            self._lately.popleft()
        if len(self._lately) >= most:
            return False
        self._lately.append(now)
        return True
