"""The faults as replies."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from feedwatch.sandbox.faults import Fault
from feedwatch.sandbox.served import XML


def answer_fault(request: Request, fault: Fault) -> Response:
    """What a fault answers to a request."""
    headers = dict(fault.headers)
    if fault.moved:
        joint = "&" if request.url.query else "?"
        headers["Location"] = f"{request.url}{joint}moved={fault.status}"
    if fault.cut:
        headers["Content-Length"] = str(len(fault.body) * 2)
    if fault.slow:
        return StreamingResponse(_drip(), media_type=XML)
    if fault.large:
        return StreamingResponse(_large(), media_type=XML)
    return Response(fault.body, fault.status, headers=headers, media_type=XML)


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(120):
        yield b" "
        await anyio.sleep(0.5)


async def _large() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield b" " * 2**20
