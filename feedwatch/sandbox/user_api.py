"""Who the user is, which feeds there are, and how the user stands to titles."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Route

from feedwatch.sandbox.documents import entry_address, link_to_title
from feedwatch.sandbox.refs import read_titles
from feedwatch.sandbox.resources import make_route
from feedwatch.sandbox.served import XML, Call, Sandbox
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import Node, make_node
from feedwatch.sandbox.user_documents import make_current, make_index, make_user, write_opml
from feedwatch.sandbox.world import World


def list_user_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of the user."""
    return [
        make_route(sandbox, "/users/current", {"GET": ("user", read_current)}),
        make_route(sandbox, "/users/{user}", {"GET": ("user", read_user)}),
        make_route(sandbox, "/users/{user}/feeds", {"GET": ("index", read_feeds)}),
        make_route(sandbox, "/users/{user}/title_states", {"GET": ("title_states", read_states)}),
    ]


def read_current(call: Call) -> Response:
    """`users/current`: whose access token it is."""
    call.verify()
    return call.give(make_current(call.world, call.base))


def read_user(call: Call) -> Response:
    """`users/<id>`."""
    call.verify()
    return call.give(make_user(call.world, call.base))


def read_feeds(call: Call) -> Response:
    """`users/<id>/feeds`, as XML, JSON or OPML."""
    call.verify()
    if call.say("output") == "opml":
        return Response(write_opml(call.world, call.base), media_type=XML)
    return call.give(make_index(call.world, call.base))


def read_states(call: Call) -> Response:
    """`users/<id>/title_states`: of each title, whether it is queued, and what can be done."""
    call.verify()
    with call.world.lock:
        queued = {each.title.id for each in call.world.queue}
        states = [_write_state(call.world, title, queued) for title in read_titles(call)]
    return call.finish(
        call.give(make_node("title_states", *(n for state in states for n in state))), etag=False
    )


def _write_state(world: World, title: Title, queued: set[int]) -> Iterable[Node]:
    host = f"http://{world.switches.id_host}"
    later = world.switches.later_dialect
    scheme = "categories" if later else "catalog/titles"
    in_queue, playable = title.id in queued, title.id not in world.withheld
    if in_queue:
        labels = ["In Instant Queue" if later else "in instant queue"]
    else:
        labels = ["Add" if later else "add"]
    if playable:
        labels.append("Play" if later else "play")
    queue = entry_address(world, "queues/instant")
    rel = f"http://schemas.netflix.com/{'queues.instant' if later else 'queues/instant'}"
    form = "categories/title_formats" if later else "catalog/titles/format"
    about = link_to_title(world, title)
    facts = (
        make_node("link", href=queue, rel=rel, title="instant queue"),
        make_node("category", scheme=f"{host}/{form}", label="Instant" if later else "instant"),
        *(make_node("category", scheme=f"{host}/{scheme}/title_states", label=label) for label in labels),
    )
    if world.switches.title_state_items:
        yield make_node("title_state", about, make_node("title_state_item", *facts))
        return
    yield about
    yield make_node("title_state", *facts)
