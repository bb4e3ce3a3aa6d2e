"""The queue: read whole or in its two parts, entry by entry, and changed."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Route

from feedwatch.sandbox.calls import CallRefused, make_status
from feedwatch.sandbox.documents import Item, entry_address, list_items, make_item
from feedwatch.sandbox.list_api import check_reader, give_list
from feedwatch.sandbox.queue_changes import current_etag, find_entry, place_titles, remove_title
from feedwatch.sandbox.refs import split_refs
from feedwatch.sandbox.resources import make_route
from feedwatch.sandbox.served import MOST_RESULTS, Call, Sandbox
from feedwatch.sandbox.trees import Node, make_node, make_text

_CHANGES = "queue_changes"
_INSTANT = "/users/{user}/queues/instant"


def list_queue_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of the queue."""
    entry = {"GET": ("queue", read_entry), "DELETE": (_CHANGES, delete_entry)}
    return [
        make_route(sandbox, "/users/{user}/queues", {"GET": ("queue", read_parts)}),
        make_route(sandbox, _INSTANT, {"GET": ("queue", read_queue), "POST": (_CHANGES, change_queue)}),
        make_route(sandbox, f"{_INSTANT}/available", {"GET": ("queue", read_parts)}),
        make_route(sandbox, f"{_INSTANT}/saved", {"GET": ("queue", read_parts)}),
        make_route(sandbox, f"{_INSTANT}/available/{{position}}/{{number}}", entry),
        make_route(sandbox, f"{_INSTANT}/{{part}}/{{number}}", entry),
    ]


def read_queue(call: Call) -> Response:
    """`queues/instant`: a feed, and signed."""
    check_reader(call)
    return give_list(call, "queue", signed=True)


def read_parts(call: Call) -> Response:
    """`queues`, `queues/instant/available` and `…/saved`, signed: all of the queue, or a part of it."""
    call.verify()
    part = call.request.url.path.rpartition("/")[2]

    def is_in_part(item: Item) -> bool:
        return part == "queues" or (item.position is None) == (part == "saved")

    return give_list(call, "queue", signed=True, choose=is_in_part)


def read_entry(call: Call) -> Response:
    """An entry of the queue."""
    call.verify()
    with call.world.lock:
        found = find_entry(call.world, call.part("number"), saved=_read_part(call) == "saved")
        item = next(item for item in list_items(call.world, "queue") if item.title == found.title)
        return call.give(make_item(call.world, "queue", item, call.base))


def change_queue(call: Call) -> Response:
    """POST to `queues/instant`: titles are added, or moved."""
    call.verify()
    refs = split_refs(call.say("title_ref") or call.say("title_refs"))
    if not 1 <= len(refs) <= MOST_RESULTS:
        raise CallRefused(400, "parameter title_ref is invalid")
    if (call.say("format") or "instant").lower() != "instant":
        raise CallRefused(400, "Invalid title format", 660)
    position = _read_position(call)
    with call.world.lock:
        placed = place_titles(call.world, refs, position, call.say("etag"))
        items = {item.title: item for item in list_items(call.world, "queue")}
        made = [make_item(call.world, "queue", items[title], call.base) for title in placed.titles]
        address = f"{call.base}/users/{call.world.account.user_id}/{items[placed.titles[0]].id_path}"
        response = call.give(_write_made(made, current_etag(call.world), partly=bool(placed.refusals)), 201)
    response.headers["Location"] = address
    return response


def delete_entry(call: Call) -> Response:
    """DELETE of an entry: the reply names it, and no etag."""
    call.verify()
    _read_part(call)
    with call.world.lock:
        before = {item.title: item for item in list_items(call.world, "queue")}
        gone = before[remove_title(call.world, call.part("number"), call.say("etag")).title]
        address = make_text("id", entry_address(call.world, gone.id_path))
        removed = make_node("resources_deleted", make_node("queue_item", address))
        return call.give(make_status(200, "Title removed from queue", removed))


def _read_part(call: Call) -> str:
    """The part of the queue that an entry's address names."""
    part = str(call.request.path_params.get("part", "available"))
    if part not in ("available", "saved"):
        raise CallRefused(404, "Resource not found")
    return part


def _read_position(call: Call) -> int | None:
    text = call.say("position")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not int(text[:9]) >= 1:
        raise CallRefused(400, "parameter position is invalid")
    return int(text[:9])


def _write_made(items: Iterable[Node], etag: str, *, partly: bool) -> Node:
    message = "Only some titles in the set were added." if partly else "Move successful"
    made = make_node("resources_created", *items)
    return make_status(201, message, make_text("etag", etag), made, sub_code=640 if partly else None)
