"""The lists as they are read: by the token in their address, or signed; in Atom, plain XML or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import Route

from feedwatch.sandbox.calls import CallRefused
from feedwatch.sandbox.documents import (
    Item,
    Slice,
    describe_recommendation,
    entry_address,
    list_items,
    make_page,
    write_atom,
)
from feedwatch.sandbox.resources import Handler, make_route
from feedwatch.sandbox.served import MOST_RESULTS, Call, Sandbox
from feedwatch.sandbox.trees import Node, make_node, make_text

_ATOM = "application/atom+xml; charset=utf-8"
_DEFAULT_RESULTS = 25
_SECONDS = re.compile(r"[0-9]{1,11}")
_SORTS = ("queue_sequence", "date_added", "alphabetical")
_PATHS = {
    "history": "rental_history/watched",
    "recommendations": "recommendations",
}
Choice = Callable[[Item], bool]


def list_list_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of the lists that are only read."""

    def of(path: str, name: str, handler: Handler) -> Route:
        return make_route(sandbox, f"/users/{{user}}/{path}", {"GET": (name, handler)})

    return [
        of("rental_history", "history", read_history),
        *(of(path, name, reader_of(name)) for name, path in _PATHS.items()),
    ]


def reader_of(name: str) -> Handler:
    """What answers who reads a list at its address."""

    def read(call: Call) -> Response:
        tokenized = check_reader(call)
        return give_list(call, name, signed=not tokenized)

    return read


def read_history(call: Call) -> Response:
    """`rental_history`, signed: what was watched, and where the lists that it is made of are."""
    call.verify()
    return give_list(call, "history", signed=True)


def check_reader(call: Call) -> bool:
    """Check that somebody may read a list that is a feed; returns whether the token in its address says so.

    Raises:
        CallRefused: neither a token nor a signature says so.
    """
    if call.is_signed and call.say("feed_token") is None:
        call.verify()
        return False
    account = call.world.account
    if call.request.query_params.get("oauth_consumer_key") != account.consumer_key:
        raise CallRefused(401, "Missing Required Consumer Key")
    if call.part("user") != account.user_id:
        raise CallRefused(401, "User not found")
    token = call.request.query_params.get("feed_token", "")
    if not token:
        raise CallRefused(401, "Bad feed token")
    if token != account.feed_token:
        raise CallRefused(403, "Invalid feed token")
    return True


def give_list(call: Call, name: str, *, signed: bool, choose: Choice | None = None) -> Response:
    """A page of a list, or of what is chosen of it.

    Raises:
        CallRefused: a parameter is wrong.
    """
    world = call.world
    atom = call.say("output") == "atom" and not world.switches.plain_only
    with world.lock:
        page = _cut_page(call, name, atom=atom, signed=signed, choose=choose)
        if atom:
            text = write_atom(world, page, call.sandbox.clock(), call.base)
            response = Response(text, media_type=_ATOM)
        else:
            response = call.give(_furnish(call, page))
        # A queue's Atom differs at every request, so that form has no etag that could ever match.
        etag = world.switches.http_etags and not (atom and name == "queue")
    return call.finish(response, etag=etag)


def _cut_page(call: Call, name: str, *, atom: bool, signed: bool, choose: Choice | None) -> Slice:
    world = call.world
    start, most = _read_bounds(call, atom=atom)
    if start and name == "queue":
        world.move_between_pages()
    items = _list_all(call, name, signed=signed)
    if choose is not None:
        items = [item for item in items if choose(item)]
    since = _read_since(call)
    if since is not None and name != "recommendations":
        items = [item for item in items if (item.updated or 0) >= since]
    version = world.recall(name)[1] if call.stale else world.versions[name]
    return Slice(name, items[start : start + most], len(items), start, version)


def _read_bounds(call: Call, *, atom: bool) -> tuple[int, int]:
    switches = call.world.switches
    start = call.read_number("start_index", 0, least=0, most=10**9)
    most = call.read_number("max_results", _DEFAULT_RESULTS, least=1, most=MOST_RESULTS)
    if switches.refuse_paging and (call.say("start_index") or call.say("max_results")):
        raise CallRefused(400, "max_results is invalid")
    if atom and not switches.atom_pages:
        start, most = 0, _DEFAULT_RESULTS
    return (0 if switches.ignore_start_index else start), most


def _list_all(call: Call, name: str, *, signed: bool) -> list[Item]:
    sort = call.say("sort") or "queue_sequence"
    if sort not in _SORTS:
        raise CallRefused(400, "parameter sort is invalid")
    by_date = name == "queue" and sort == "date_added"
    items = list_items(call.world, name, by_date=by_date, stale=call.stale)
    if name == "queue" and sort == "alphabetical":
        return sorted(items, key=lambda item: item.title.name.casefold())
    if name == "recommendations" and signed:
        shown = {each.title for each in call.world.recommendations}
        further = (each for each in call.world.further if each.title not in shown)
        items += [describe_recommendation(each) for each in further]
    return items


def _read_since(call: Call) -> float | None:
    """`updated_min`: seconds since 1970, or as RFC 3339 has it."""
    text = call.say("updated_min")
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return int(text)
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise CallRefused(400, "parameter updated_min is invalid") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _furnish(call: Call, page: Slice) -> Node:
    """A page as a document, with what only that kind of list has."""
    document = make_page(call.world, page, call.base)
    if page.name != "history":
        return document
    path = call.request.url.path.partition("/users/")[2].partition("/")[2]
    template = f"{entry_address(call.world, path)}?{{-join|&|start_index|max_results}}"
    more: Iterable[Node] = ()
    if path == "rental_history":
        href = entry_address(call.world, "rental_history/watched")
        rel = "http://schemas.netflix.com/rental_history/watched"
        more = (make_node("link", href=href, rel=rel, title="watched"),)
    return make_node(document.name, make_text("url_template", template), *document.children, *more)
