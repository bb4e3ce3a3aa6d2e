"""What the sandbox tells an application about its user: lists signed, states, ratings; in both dialects."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from application import Application, applying, read_status, read_xml
from asking import Answer, ask

from feedwatch.sandbox import World
from feedwatch.sandbox.dialects import DIALECTS
from feedwatch.sandbox.oauth import Nonces

ACTUAL = "/ratings/title/actual"


@pytest.fixture(scope="module")
def served() -> Iterator[Application]:
    with applying() as app:
        yield app


@pytest.fixture(params=DIALECTS)
def app(served: Application, request: pytest.FixtureRequest) -> Application:
    served.sandbox.world, served.sandbox.nonces = World(queue=40), Nonces()
    served.order("speak", dialect=request.param)
    return served


def names(answer: Answer) -> list[str]:
    return [str(title.get("regular")) for title in read_xml(answer).iter("title")]


def ref(app: Application, number: int) -> str:
    return f"http://api.netflix.com{app.world.catalog[number].path}"


def rated(app: Application, number: int = 0) -> Any:
    return app.world.ratings[number]


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────


def test_recommendations_are_more_than_the_feed_shows(app: Application) -> None:
    """Signed there are 70, page by page and none twice; by token there are the best 15."""
    pages = [names(app.own(f"/recommendations?start_index={n}&max_results=30")) for n in (0, 30, 60)]
    assert [len(page) for page in pages] == [30, 30, 10]
    every = [name for page in pages for name in page]
    assert len(set(every)) == 70
    account = app.world.account
    token = f"feed_token={account.feed_token}&oauth_consumer_key={account.consumer_key}"
    tokenized = ask(f"{app.base}/users/{account.user_id}/recommendations?{token}&max_results=500")
    assert names(tokenized) == every[:15]


@pytest.mark.parametrize("path", ["/rental_history", "/rental_history/watched"])
@pytest.mark.parametrize("written", ["seconds", "RFC 3339"])
def test_history_is_given_from_an_instant_on(app: Application, path: str, written: str) -> None:
    """`updated_min` takes both forms, and what is as old as that is among it."""
    viewing = app.world.history[4]
    since = str(viewing.watched_at)
    if written != "seconds":
        since = _instant(viewing.watched_at)
    root = read_xml(app.own(f"{path}?updated_min={since}"))
    assert [each.text for each in root.iter("watched_date")] == [
        str(each.watched_at) for each in app.world.history[:5]
    ]
    assert root.findtext("number_of_results") == "5"
    template = str(root.findtext("url_template"))
    assert template.endswith(path + "?{-join|&|start_index|max_results}")
    refused = app.own(f"{path}?updated_min=yesterday")
    assert read_status(refused) == (400, None, "parameter updated_min is invalid")


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_queue_is_sorted_as_is_asked_for(app: Application) -> None:
    """By place, by date, by name; entries keep their positions."""
    queue = app.world.queue
    by_name = sorted((each.title.name for each in queue), key=str.casefold)
    assert names(app.own("/queues/instant?sort=alphabetical&max_results=500")) == by_name
    assert names(app.own("/queues/instant?sort=date_added&max_results=1")) == [queue[-1].title.name]
    assert names(app.own("/queues/instant?sort=queue_sequence&max_results=1")) == [queue[0].title.name]
    refused = app.own("/queues/instant?sort=length")
    assert read_status(refused) == (400, None, "parameter sort is invalid")


@pytest.mark.parametrize("name", ["start_index", "max_results"])
@pytest.mark.parametrize("path", ["/queues/instant", "/recommendations", "/rental_history", ACTUAL])
def test_pages_have_bounds(app: Application, path: str, name: str) -> None:
    """400 with 120 for what is no number, or too much."""
    for value in ("-1", "x", "", "501" if name == "max_results" else "99999999999"):
        refused = read_status(app.own(f"{path}?{name}={value}"))
        assert refused == (400, 120, f"Query parameter {name} must be a positive integer.")


def test_replies_are_packed_if_that_is_asked_for(app: Application) -> None:
    """The same list, with an etag of its own; small replies and refusals of the coding stay as they are."""
    plain = app.own("/queues/instant", Accept_Encoding="identity")
    packed = app.own("/queues/instant", Accept_Encoding="gzip, deflate")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    again = app.own("/queues/instant", Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert "content-encoding" not in app.own("/queues/instant", Accept_Encoding="gzip;q=0").headers


@pytest.mark.parametrize(
    "path", ["", "/feeds", "/queues", "/queues/instant", "/rental_history", "/recommendations"]
)
def test_json_has_what_xml_has(app: Application, path: str) -> None:
    """The same root with the same children; another form is refused."""
    root = read_xml(app.own(path))
    answer = app.own(f"{path}?output=json")
    assert answer.headers["content-type"].startswith("application/json")
    assert set(json.loads(answer.body)[root.tag]) == {child.tag for child in root}
    assert read_status(app.own(f"{path}?output=csv")) == (400, None, "parameter output is invalid")


@pytest.mark.parametrize(
    ("feed", "path"), [("user", ""), ("index", "/feeds"), ("title_states", "/title_states?title_refs=x")]
)
def test_signed_call_is_sent_elsewhere_and_must_be_signed_anew(
    app: Application, feed: str, path: str
) -> None:
    """A redirect repeats the question; the signature of the first address is none for the second."""
    app.order("fail", feed=feed, fault="302")
    location = app.own(path).headers["location"]
    assert location.endswith("moved=302")
    assert ask(location).status == 401
    assert app.call(location.removeprefix(app.base)).status == 200


# ── states ────────────────────────────────────────────────────────────────────────────────────────


def test_title_states_tell_what_can_be_done(app: Application) -> None:
    """Queued, to be added, to be played; titles that do not exist are left out."""
    app.order("withhold", title=app.world.catalog[60].id)
    refs = ",".join([ref(app, 0), ref(app, 50), ref(app, 60), "http://h/catalog/titles/movies/1"])
    answer = app.own(f"/title_states?title_refs={refs}")
    root = read_xml(answer)
    states = root.findall("title_state")
    labels = [
        {str(each.get("label")).lower() for each in state.iter("category")} - {"instant"} for state in states
    ]
    assert labels == [{"in instant queue", "play"}, {"add", "play"}, {"add"}]
    linked = [link.get("href") for link in root.iter("link") if "/catalog/titles/" in str(link.get("href"))]
    assert len(linked) == 3
    assert (root.find("title_state/title_state_item") is not None) == app.world.switches.title_state_items


def test_five_hundred_titles_are_asked_about_at_once_and_no_more(app: Application) -> None:
    """So it is of states and of ratings."""
    refs = [f"http://h/catalog/titles/movies/{number}" for number in range(500)]
    for path in ("/title_states", "/ratings/title", "/ratings/title/predicted"):
        assert app.own(f"{path}?title_refs={','.join(refs)}").status == 200
        for many in (",".join([*refs, ref(app, 0)]), ""):
            refused = read_status(app.own(f"{path}?title_refs={many}"))
            assert refused == (400, None, "parameter title_refs is invalid")


# ── ratings ───────────────────────────────────────────────────────────────────────────────────────


def test_ratings_of_titles_are_given_or_predicted(app: Application) -> None:
    """`ratings/title` has both, `actual` what was given, `predicted` what would be."""
    refs = f"?title_refs=http://h{rated(app).title.path},{ref(app, 1)}"
    both = read_xml(app.own(f"/ratings/title{refs}"))
    assert [item.findtext("user_rating") for item in both] == [f"{rated(app).value}.0", None]
    assert all(item.findtext("predicted_rating") for item in both)
    assert len(read_xml(app.own(f"{ACTUAL}{refs}"))) == 1
    assert [item.find("user_rating") for item in read_xml(app.own(f"/ratings/title/predicted{refs}"))] == [
        None,
        None,
    ]


@pytest.mark.parametrize("value", ["1", "2", "3", "4", "5", "not_interested", "no_opinion"])
def test_title_is_rated_once(app: Application, value: str) -> None:
    """201 with the rating and its address; a second time is 422; no opinion is no rating."""
    answer = app.own(ACTUAL, {"title_ref": ref(app, 1), "rating": value})
    assert read_status(answer)[0] == 201
    item = read_xml(answer).find("resources_created/ratings_item")
    assert item is not None
    number = app.world.catalog[1].id
    assert str(item.findtext("id")).endswith(f"/{number}")
    assert answer.headers["location"].endswith(f"{ACTUAL}/{number}")
    kept = {each.title.id: each.value for each in app.world.ratings}
    assert kept.get(number) == (None if value == "no_opinion" else value)
    again = app.own(ACTUAL, {"title_ref": ref(app, 1), "rating": "3"})
    assert read_status(again) == (
        (201, None, "Resource created")
        if value == "no_opinion"
        else (422, None, "Title has already been rated")
    )


@pytest.mark.parametrize("way", ["PUT", "POST"])
def test_rating_is_changed_at_its_address(app: Application, way: str) -> None:
    """PUT, or POST by who cannot; what was given is there afterwards."""
    number = rated(app).title.id
    form = {"rating": "1"} | ({"method": "PUT"} if way == "POST" else {})
    assert app.own(f"{ACTUAL}/{number}", form, method=way).status == 200
    assert read_xml(app.own(f"{ACTUAL}/{number}")).findtext("ratings_item/user_rating") == "1.0"
    assert rated(app).value == "1"


def test_not_interested_is_told_in_the_dialect(app: Application) -> None:
    """As text in the reference, as an attribute in later replies."""
    number = rated(app).title.id
    app.own(f"{ACTUAL}/{number}", {"rating": "not_interested"}, method="PUT")
    given = read_xml(app.own(f"{ACTUAL}/{number}")).find("ratings_item/user_rating")
    assert given is not None
    later = app.world.switches.later_dialect
    assert (given.text, given.get("value")) == (
        (None, "not_interested") if later else ("not_interested", None)
    )


@pytest.mark.parametrize("value", ["0", "6", "2.5", "", "love"])
def test_bad_rating_changes_nothing(app: Application, value: str) -> None:
    """400, be it the first or another; and no opinion replaces none."""
    before = list(app.world.ratings)
    bad = (400, None, "parameter rating is invalid")
    assert read_status(app.own(ACTUAL, {"title_ref": ref(app, 1), "rating": value})) == bad
    number = rated(app).title.id
    for word in (value, "no_opinion"):
        assert read_status(app.own(f"{ACTUAL}/{number}", {"rating": word}, method="PUT")) == bad
    missing = app.own(f"{ACTUAL}/1", {"rating": "3"}, method="PUT")
    assert read_status(missing) == (404, None, "Resource not found")
    unknown = app.own(ACTUAL, {"title_ref": "http://h/catalog/titles/movies/1", "rating": "3"})
    assert read_status(unknown) == (400, 130, "Title not found or not available")
    assert app.world.ratings == before


# ── limits ────────────────────────────────────────────────────────────────────────────────────────


def test_calls_beyond_the_limit_are_refused(app: Application) -> None:
    """429 with Retry-After in the reference, 403 with a message in the wild; a second later all is well."""
    now = [app.sandbox.clock()]
    old, app.sandbox.clock = app.sandbox.clock, lambda: now[0]
    try:
        app.world.switches.calls_per_second = 3
        now[0] += 10
        answers = [app.call("/users/current") for _ in range(4)]
        assert [answer.status for answer in answers[:3]] == [200, 200, 200]
        if app.world.switches.limits_as_403:
            assert read_status(answers[3]) == (403, None, "Over queries per second limit")
        else:
            assert read_status(answers[3])[0] == 429
            assert answers[3].headers["retry-after"] == "1"
        now[0] += 1
        assert app.call("/users/current").status == 200
    finally:
        app.sandbox.clock = old


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialect_is_spoken_by_order(app: Application, dialect: str) -> None:
    """Ids, links and schemes name that dialect's host."""
    app.order("speak", dialect=dialect)
    text = app.own("/queues/instant?max_results=1").text
    hosts = {"reference": "//api.netflix.com/", "wild": "//api-public.netflix.com/"}
    assert [name for name, host in hosts.items() if host in text] == [dialect]
