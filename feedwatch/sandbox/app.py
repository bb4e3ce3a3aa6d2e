"""The server's addresses: the API itself, and a control address for whoever moves the lists."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feedwatch.sandbox.art import draw_box_art
from feedwatch.sandbox.catalog_api import list_catalog_routes
from feedwatch.sandbox.control_api import list_control_routes
from feedwatch.sandbox.documents import write_status
from feedwatch.sandbox.list_api import list_list_routes
from feedwatch.sandbox.middleware import LimitCalls, SayTime
from feedwatch.sandbox.oauth_api import list_oauth_routes
from feedwatch.sandbox.queue_api import list_queue_routes
from feedwatch.sandbox.rating_api import list_rating_routes
from feedwatch.sandbox.served import XML, Sandbox
from feedwatch.sandbox.tmdb import list_tmdb_routes
from feedwatch.sandbox.user_api import list_user_routes

__all__ = ["Sandbox", "create_app"]
_PICTURE = re.compile(r"([0-9]{1,10})\.png")


def create_app(sandbox: Sandbox) -> Starlette:
    """The application that serves a sandbox."""
    return Starlette(
        routes=[
            *list_oauth_routes(sandbox),
            *list_user_routes(sandbox),
            *list_list_routes(sandbox),
            *list_queue_routes(sandbox),
            *list_rating_routes(sandbox),
            Route("/boxshots/{size}/{name}", give_picture),
            *list_catalog_routes(sandbox),
            *list_tmdb_routes(sandbox),
            *list_control_routes(sandbox),
        ],
        middleware=[Middleware(SayTime, sandbox=sandbox), Middleware(LimitCalls, sandbox=sandbox)],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )


async def give_picture(request: Request) -> Response:
    """The picture of a title, for everybody."""
    match = _PICTURE.fullmatch(request.path_params["name"])
    if match is None:
        return Response(write_status(404, "Resource not found"), 404, media_type=XML)
    return Response(draw_box_art(int(match[1])), media_type="image/png")


async def _not_found(_: Request, __: Exception) -> Response:
    return Response(write_status(404, "Resource not found"), 404, media_type=XML)


async def _not_allowed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Response(write_status(405, "Method not allowed"), 405, headers=error.headers, media_type=XML)
