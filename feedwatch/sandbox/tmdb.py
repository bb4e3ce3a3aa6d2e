"""The calls of TMDB that feedwatch makes: films and series searched by name and year, and their posters."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feedwatch.sandbox.art import draw_box_art
from feedwatch.sandbox.catalog import Catalog
from feedwatch.sandbox.fault_replies import answer_fault
from feedwatch.sandbox.faults import FAULTS
from feedwatch.sandbox.particulars import average_rating, write_synopsis
from feedwatch.sandbox.served import Sandbox
from feedwatch.sandbox.titles import Title

MOST_CALLS, WITHIN = 40, 10.0
"""So many calls are answered in so many seconds."""
_PAGE = 20
_MOST_PAGES = 1000
_POSTER = re.compile(r"([0-9]{1,10})\.(?:jpg|png)")
_SIZES = ("w92", "w154", "w185", "w342", "w500", "w780", "original")
_NUMBER = re.compile(r"[0-9]{1,6}")


class TmdbRefused(Exception):
    """A call that is answered with an error: its HTTP status, and TMDB's own code and message."""

    def __init__(self, status: int, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        document = {"success": False, "status_code": code, "status_message": message}
        self.response = JSONResponse(document, status, {n.replace("_", "-"): v for n, v in headers.items()})


def list_tmdb_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of TMDB."""
    tmdb = _Tmdb(sandbox)
    return [
        Route("/3/search/movie", tmdb.answering(tmdb.search_films)),
        Route("/3/search/tv", tmdb.answering(tmdb.search_series)),
        Route("/3/{path:path}", tmdb.answering(_find_nothing)),
        Route("/t/p/{size}/{name}", give_poster),
    ]


async def give_poster(request: Request) -> Response:
    """A poster, for everybody: the picture that the API's box art is as well."""
    match = _POSTER.fullmatch(request.path_params["name"])
    if match is None or request.path_params["size"] not in _SIZES:
        return Response("File not found", 404, media_type="text/plain")
    return Response(draw_box_art(int(match[1])), media_type="image/png")


class _Tmdb:
    """What TMDB answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lately: deque[float] = deque()

    def answering(self, search: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        """What answers calls with a search's result, a fault, or a refusal."""

        async def endpoint(request: Request) -> Response:
            fault = self._sandbox.world.take_fault("tmdb")
            if fault is not None:
                response = answer_fault(request, FAULTS[fault])
            else:
                response = self._answer(request, search)
            self._sandbox.world.count("tmdb", response.status_code)
            return response

        return endpoint

    def search_films(self, request: Request) -> Response:
        """`search/movie`."""
        found = self._search(request, "movies", "year")
        return _give_page(request, [_write_film(title) for title in found])

    def search_series(self, request: Request) -> Response:
        """`search/tv`."""
        found = self._search(request, "series", "first_air_date_year")
        return _give_page(request, [_write_series(title) for title in found])

    def _answer(self, request: Request, search: Callable[[Request], Response]) -> Response:
        try:
            self._check_key(request)
            self._check_limit()
            return search(request)
        except TmdbRefused as refused:
            return refused.response

    def _check_key(self, request: Request) -> None:
        if request.query_params.get("api_key") != self._sandbox.world.account.tmdb_key:
            raise TmdbRefused(401, 7, "Invalid API key: You must be granted a valid key.")

    def _check_limit(self) -> None:
        now = self._sandbox.clock()
        while self._lately and not now - WITHIN < self._lately[0] <= now:
            self._lately.popleft()
        if len(self._lately) >= MOST_CALLS:
            count = len(self._lately) + 1
            wait = str(max(1, math.ceil(self._lately[0] + WITHIN - now)))
            message = f"Your request count ({count}) is over the allowed limit of ({MOST_CALLS})."
            raise TmdbRefused(429, 25, message, Retry_After=wait)
        self._lately.append(now)

    def _search(self, request: Request, kind: str, dated: str) -> list[Title]:
        query = request.query_params.get("query", "").strip()
        year = request.query_params.get(dated, "")
        if not query or (year and not _NUMBER.fullmatch(year)):
            raise TmdbRefused(422, 5, "Invalid parameters: Your request parameters are incorrect.")
        world = self._sandbox.world
        with world.lock:
            found = Catalog.of(world).search(query)
        return [each for each in found if each.kind == kind and (not year or each.year == int(year))]


def _find_nothing(_: Request) -> Response:
    raise TmdbRefused(404, 34, "The resource you requested could not be found.")


def _give_page(request: Request, results: list[dict[str, object]]) -> Response:
    text = request.query_params.get("page", "1")
    page = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= page <= _MOST_PAGES:
        message = "Invalid page: Pages start at 1 and max at 1000. They are expected to be an integer."
        raise TmdbRefused(400, 22, message)
    return JSONResponse(
        {
            "page": page,
            "results": results[(page - 1) * _PAGE : page * _PAGE],
            "total_pages": max(1, math.ceil(len(results) / _PAGE)),
            "total_results": len(results),
        }
    )


def _write_film(title: Title) -> dict[str, object]:
    day = f"{title.year}-{1 + title.id % 12:02d}-{1 + title.id % 28:02d}"
    return {"title": title.name, "original_title": title.name, "release_date": day} | _write_title(title)


def _write_series(title: Title) -> dict[str, object]:
    day = f"{title.year}-{1 + title.id % 12:02d}-{1 + title.id % 28:02d}"
    return {"name": title.name, "original_name": title.name, "first_air_date": day} | _write_title(title)


def _write_title(title: Title) -> dict[str, object]:
    return {
        "id": title.id,
        "adult": False,
        "original_language": "en",
        "overview": write_synopsis(title),
        "poster_path": f"/{title.id}.png",
        "backdrop_path": None,
        "popularity": 1.0 + title.id % 100,
        "vote_average": float(average_rating(title)) * 2,
        "vote_count": 1 + title.id % 5000,
    }
