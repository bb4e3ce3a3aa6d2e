"""What the user thinks of titles, and what the service expects her to think."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Route

from feedwatch.sandbox.calls import CallRefused, make_status
from feedwatch.sandbox.documents import PREDICTED, Item, describe_rating, make_item
from feedwatch.sandbox.list_api import check_reader, give_list
from feedwatch.sandbox.refs import find_title, read_titles
from feedwatch.sandbox.resources import make_route
from feedwatch.sandbox.served import Call, Sandbox
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import Node, make_node
from feedwatch.sandbox.world import RATINGS, Rating, World

_CHANGES = "rating_changes"
_NO_OPINION = "no_opinion"
_BASE = "/users/{user}/ratings"


def list_rating_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of the ratings."""
    one = {"GET": ("ratings", read_rating), "PUT": (_CHANGES, change_rating)}
    return [
        make_route(sandbox, f"{_BASE}/title", {"GET": ("ratings", read_ratings)}),
        make_route(sandbox, f"{_BASE}/title/predicted", {"GET": ("ratings", read_predictions)}),
        make_route(
            sandbox,
            f"{_BASE}/title/actual",
            {"GET": ("ratings", read_given), "POST": (_CHANGES, give_rating)},
        ),
        make_route(sandbox, f"{_BASE}/title/actual/{{number}}", one),
        make_route(sandbox, f"{_BASE}/titles/{{number}}", one),
    ]


def read_ratings(call: Call) -> Response:
    """`ratings/title`, signed: what was given titles, or else what would be."""
    call.verify()
    with call.world.lock:
        return _give(call, [_describe(call.world, title) for title in read_titles(call)])


def read_predictions(call: Call) -> Response:
    """`ratings/title/predicted`, signed: what would be given titles."""
    call.verify()
    with call.world.lock:
        titles = read_titles(call)
        return _give(
            call, [describe_rating(each, None, predicted=_predict(call.world, each)) for each in titles]
        )


def read_given(call: Call) -> Response:
    """`ratings/title/actual`: a feed; signed, what was given the titles that are named."""
    tokenized = check_reader(call)
    if tokenized or call.say("title_refs") is None:
        return give_list(call, "ratings", signed=True)
    with call.world.lock:
        items = [_describe(call.world, title) for title in read_titles(call)]
        return _give(call, [item for item in items if item.rating is not None])


def read_rating(call: Call) -> Response:
    """`ratings/title/actual/<id>`, signed: one rating."""
    call.verify()
    with call.world.lock:
        return _give(call, [_describe(call.world, _find(call).title)])


def give_rating(call: Call) -> Response:
    """POST to `ratings/title/actual`: a title is rated for the first time."""
    call.verify()
    value = _read_value(call, (*RATINGS, _NO_OPINION))
    world = call.world
    title = find_title(world, call.say("title_ref") or "")
    if title is None:
        raise CallRefused(400, "Title not found or not available", 130)
    with world.lock:
        if any(each.title == title for each in world.ratings):
            raise CallRefused(422, "Title has already been rated")
        if value != _NO_OPINION:
            world.rate(title=title.path, value=value)
        made = make_node("resources_created", _write(call, _describe(world, title)))
        response = call.give(make_status(201, "Resource created", made), 201)
    response.headers["Location"] = (
        f"{call.base}/users/{world.account.user_id}/ratings/title/actual/{title.id}"
    )
    return response


def change_rating(call: Call) -> Response:
    """PUT to a rating: the title is rated anew."""
    call.verify()
    value = _read_value(call, RATINGS)
    with call.world.lock:
        title = _find(call).title
        call.world.rate(title=title.path, value=value)
        changed = make_node("resources_modified", _write(call, _describe(call.world, title)))
        return call.give(make_status(200, "Rating updated", changed))


def _read_value(call: Call, known: Iterable[str]) -> str:
    value = call.say("rating") or ""
    if value not in known:
        raise CallRefused(400, "parameter rating is invalid")
    return value


def _find(call: Call) -> Rating:
    number = call.part("number")
    found = next((each for each in call.world.ratings if str(each.title.id) == number), None)
    if found is None:
        raise CallRefused(404, "Resource not found")
    return found


def _describe(world: World, title: Title) -> Item:
    given = next((each for each in world.ratings if each.title == title), None)
    value, at = (given.value, given.rated_at) if given is not None else (None, None)
    return describe_rating(title, value, at, _predict(world, title))


def _predict(world: World, title: Title) -> str:
    suggested = (each.predicted for each in (*world.recommendations, *world.further) if each.title == title)
    return next(suggested, PREDICTED)


def _write(call: Call, item: Item) -> Node:
    return make_item(call.world, "ratings", item, call.base)


def _give(call: Call, items: Iterable[Item]) -> Response:
    document = make_node("ratings", *(_write(call, item) for item in items))
    return call.finish(call.give(document), etag=call.world.switches.http_etags)
