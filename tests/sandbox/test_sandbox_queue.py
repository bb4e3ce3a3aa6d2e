"""The queue as applications change it: every answer and every refusal, over HTTP, in both dialects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from application import Application, applying, read_status, read_xml
from asking import Answer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedwatch.sandbox import World
from feedwatch.sandbox.dialects import DIALECTS
from feedwatch.sandbox.oauth import Nonces

PATH = "/queues/instant"
HOSTS = ["http://api.netflix.com", "http://api-public.netflix.com", "https://anything.example:8443"]
OLD = (412, None, "Precondition failed. Resource has been modified.")


@pytest.fixture(scope="module")
def served() -> Iterator[Application]:
    with applying() as app:
        yield app


@pytest.fixture(params=DIALECTS)
def app(served: Application, request: pytest.FixtureRequest) -> Application:
    served.sandbox.world, served.sandbox.nonces = World(queue=6), Nonces()
    served.order("speak", dialect=request.param)
    return served


def ref(app: Application, number: int, host: str = HOSTS[0]) -> str:
    """The address of a film of the catalog: the first six are queued."""
    return f"{host}{app.world.catalog[number].path}"


def etag(app: Application) -> str:
    return str(read_xml(app.own(PATH)).findtext("etag"))


def names(app: Application) -> list[str]:
    root = read_xml(app.own(f"{PATH}?max_results=500"))
    return [str(title.get("regular")) for title in root.iter("title")]


def expected(app: Application, *numbers: int) -> list[str]:
    return [app.world.catalog[number].name for number in numbers]


def add(app: Application, number: int, **said: str) -> Answer:
    return app.own(PATH, {"title_ref": ref(app, number)} | said)


# ── adding and moving ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", HOSTS)
def test_title_is_added_where_it_is_wanted(app: Application, host: str) -> None:
    """201 with the entry, a new etag that the queue has from then on, and where the entry is."""
    form = {"title_ref": ref(app, 9, host), "position": "2", "etag": etag(app)}
    answer = app.own(PATH, form)
    assert read_status(answer) == (201, None, "Move successful")
    root = read_xml(answer)
    item = root.find("resources_created/queue_item")
    assert item is not None
    assert (item.findtext("position"), root.findtext("etag")) == ("2", etag(app))
    assert str(item.findtext("id")).endswith(f"/queues/instant/available/2/{app.world.catalog[9].id}")
    assert (
        answer.headers["location"] == f"{app.base}/users/" + str(item.findtext("id")).partition("/users/")[2]
    )
    assert names(app) == expected(app, 0, 9, 1, 2, 3, 4, 5)


def test_title_without_a_position_goes_to_the_end(app: Application) -> None:
    """And so does one with a position beyond it."""
    assert add(app, 9).status == add(app, 10, position="400").status == 201
    assert names(app) == expected(app, 0, 1, 2, 3, 4, 5, 9, 10)


def test_queued_title_with_a_position_is_moved(app: Application) -> None:
    """The message is the one that an addition has; nothing is there twice."""
    answer = add(app, 4, position="1", etag=etag(app))
    assert read_status(answer) == (201, None, "Move successful")
    assert names(app) == expected(app, 4, 0, 1, 2, 3, 5)


def test_title_that_is_not_to_be_had_is_saved(app: Application) -> None:
    """It has no position, and cannot be moved."""
    app.order("withhold", title=app.world.catalog[9].id)
    item = read_xml(add(app, 9, position="1")).find("resources_created/queue_item")
    assert item is not None
    assert item.find("position") is None
    assert str(item.findtext("id")).endswith(f"/queues/instant/saved/{app.world.catalog[9].id}")
    assert read_status(add(app, 9, position="1")) == (400, 620, "Title is saved; cannot move it")
    saved = read_xml(app.own(f"{PATH}/saved"))
    assert [each.get("regular") for each in saved.iter("title")] == expected(app, 9)
    assert read_xml(app.own(f"{PATH}/available")).findtext("number_of_results") == "6"
    assert read_xml(app.own("/queues")).findtext("number_of_results") == "7"


@pytest.mark.parametrize(
    "path", ["/queues", f"{PATH}/available", f"{PATH}/saved", f"{PATH}?updated_min=9999999999"]
)
def test_every_view_of_the_queue_has_its_etag(app: Application, path: str) -> None:
    """Also one that shows nothing: with it the queue can be changed, and the one before cannot."""
    before = read_xml(app.own(path)).findtext("etag")
    assert before == etag(app) != "0"
    assert add(app, 9, etag=str(before)).status == 201
    assert read_status(add(app, 10, etag=str(before))) == OLD


def test_parameters_may_stand_in_the_query_of_a_post(app: Application) -> None:
    """As some clients of the API had it; and a DELETE may bring the etag, and leave the position out."""
    query = f"?title_ref={ref(app, 9)}&position=1&etag={etag(app)}"
    assert app.own(PATH + query, method="POST").status == 201
    entry = f"{PATH}/available/{app.world.catalog[9].id}"
    assert read_status(app.own(f"{entry}?etag=1", method="DELETE")) == OLD
    assert app.own(f"{entry}?etag={etag(app)}", method="DELETE").status == 200


def test_set_is_added_in_order_as_far_as_it_can_be(app: Application) -> None:
    """640 says that some are missing; of none at all it is the first one's refusal."""
    refs = [ref(app, 9), "http://api.netflix.com/catalog/titles/movies/1", ref(app, 10)]
    answer = app.own(PATH, {"title_ref": ",".join(refs), "position": "1"})
    assert read_status(answer) == (201, 640, "Only some titles in the set were added.")
    assert names(app)[:3] == expected(app, 9, 10, 0)
    before = etag(app)
    answer = app.own(PATH, {"title_refs": ",".join([refs[1], refs[0]])})
    assert read_status(answer) == (400, 130, "Title not found or not available")
    assert etag(app) == before


def test_season_is_queued_by_its_path(app: Application) -> None:
    """A series is not; its season is, though the first one has the same id."""
    series, season = "/catalog/titles/series/70000000", "/catalog/titles/series/70000000/seasons/70000000"
    refused = app.own(PATH, {"title_ref": HOSTS[0] + series})
    assert read_status(refused) == (400, None, "Cannot move a series parent title")
    assert app.own(PATH, {"title_ref": HOSTS[0] + season}).status == 201
    assert names(app)[-1].endswith(": Season 1")


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({"etag": "1"}, OLD),
        ({"title_ref": ""}, (400, None, "parameter title_ref is invalid")),
        ({"title_ref": "Ran"}, (400, 130, "Title not found or not available")),
        ({"title_ref": "http://[/60000000"}, (400, 130, "Title not found or not available")),
        ({"format": "DVD"}, (400, 660, "Invalid title format")),
        ({"title_ref": "http://h/catalog/titles/discs/80000011"}, (400, 660, "Invalid title format")),
        ({"position": "0"}, (400, None, "parameter position is invalid")),
        ({"position": "-1"}, (400, None, "parameter position is invalid")),
        ({"position": "first"}, (400, None, "parameter position is invalid")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_addition_changes_nothing(
    app: Application, form: dict[str, str], refusal: tuple[int, int | None, str]
) -> None:
    """Each refusal in the API's words; queue and etag are what they were."""
    before = etag(app), names(app)
    assert read_status(add(app, 9, **form)) == refusal
    assert (etag(app), names(app)) == before


def test_title_that_is_queued_cannot_be_added(app: Application) -> None:
    """Without a position it is no move."""
    assert read_status(add(app, 3, etag=etag(app))) == (412, 710, "Title already in queue")


def test_title_at_home_and_a_full_queue_are_refused(app: Application) -> None:
    """690 and 650; what is queued already can be moved in a full queue."""
    app.order("send_home", title=app.world.catalog[9].id)
    assert read_status(add(app, 9)) == (400, 690, "Title currently at home")
    app.world.switches.queue_limit = 6
    assert read_status(add(app, 10)) == (400, 650, "Queue is too large")
    assert add(app, 5, position="1").status == 201


def test_empty_queue_has_etag_0(app: Application) -> None:
    """And takes it back with the first title."""
    for _ in range(6):
        app.order("remove")
    root = read_xml(app.own(PATH))
    assert (root.findtext("etag"), root.findtext("number_of_results")) == ("0", "0")
    assert root.find("queue_item") is None
    assert add(app, 9, etag="0").status == 201
    assert read_status(add(app, 10, etag="0")) == OLD


# ── entries ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["DELETE", "POST", "GET"])
def test_entry_is_read_and_deleted_at_its_address(app: Application, way: str) -> None:
    """The reply names what is gone and no etag; who can do no DELETE says so in a parameter."""
    item = read_xml(app.own(PATH)).find("queue_item")
    assert item is not None
    path = "/queues" + str(item.findtext("id")).partition("/queues")[2]
    assert read_xml(app.own(path)).findtext("id") == item.findtext("id")
    if way == "GET":
        answer = app.own(f"{path}?method=delete")
    else:
        answer = app.own(path, {"method": "DELETE"} if way == "POST" else None, method=way)
    assert answer.status == 200
    root = read_xml(answer)
    assert root.findtext("resources_deleted/queue_item/id") == item.findtext("id")
    assert root.find(".//etag") is None
    assert names(app) == expected(app, 1, 2, 3, 4, 5)
    gone = (404, 610, "Title is not in queue")
    assert read_status(app.own(path, method="DELETE")) == read_status(app.own(path)) == gone


def test_saved_entry_is_deleted(app: Application) -> None:
    """At an address without a position."""
    app.order("save", title=app.world.catalog[9].id)
    path = f"{PATH}/saved/{app.world.catalog[9].id}"
    assert app.own(path).status == 200
    assert app.own(path, method="DELETE").status == 200
    assert len(names(app)) == 6


def test_other_methods_and_addresses_are_refused(app: Application) -> None:
    """405 says what is allowed; what does not exist is 404; both only say so in a status document."""
    answer = app.own(PATH, {}, method="PUT")
    assert (read_status(answer)[0], answer.headers["allow"]) == (405, "GET, POST")
    assert app.own(f"{PATH}/available/1/60000000", {}).headers["allow"] == "GET, DELETE"
    assert read_status(app.own("/queues/disc")) == (404, None, "Resource not found")
    assert read_status(app.own(f"{PATH}/sideways/60000000")) == (404, None, "Resource not found")


def test_change_needs_a_signature_of_this_user(app: Application) -> None:
    """A feed token reads, and that is all; another user's queue is another user's."""
    stranger = Application(app.base, app.sandbox)
    assert add(stranger, 9).status == 401
    form = {"title_ref": ref(app, 9)}
    other = app.call("/users/T1somebody-/queues/instant", form)
    assert read_status(other) == (401, None, "User ID access token mismatch")
    token = f"feed_token={app.world.account.feed_token}&oauth_consumer_key={app.world.account.consumer_key}"
    unsigned = Application(app.base, app.sandbox, changed={"client_secret": "wrong"})
    assert unsigned.own(f"{PATH}?{token}", form).status == 401
    assert names(app) == expected(app, 0, 1, 2, 3, 4, 5)


# ── moods ─────────────────────────────────────────────────────────────────────────────────────────


def test_change_may_be_made_and_answered_with_an_error(app: Application) -> None:
    """`500-late`: who asks again finds that it has happened."""
    app.order("fail", feed="queue_changes", fault="500-late")
    assert add(app, 9, position="1").status == 500
    assert names(app)[0] == expected(app, 9)[0]
    assert app.world.requests["queue_changes"] == {"all": 1, "500": 1}


def test_reply_may_be_stale(app: Application) -> None:
    """`stale`: the queue and its etag as they were before the change, once."""
    before = etag(app), names(app)
    add(app, 9, position="1")
    app.order("fail", feed="queue", fault="stale", times=2)
    assert (etag(app), names(app)) == before
    assert names(app)[0] == expected(app, 9)[0]


def test_replies_in_json_have_the_same_members(app: Application) -> None:
    """One child is an object, several are a list; the status code is a number where replies had it so."""
    queue = app.own(f"{PATH}?output=json&max_results=1").json["queue"]
    assert queue["queue_item"]["title"]["regular"] == expected(app, 0)[0]
    assert len(app.own(f"{PATH}?output=json&max_results=2").json["queue"]["queue_item"]) == 2
    made = add(app, 9, position="1", etag=queue["etag"], output="json").json["status"]
    assert made["resources_created"]["queue_item"]["position"] == "1"
    wanted = 201 if app.world.switches.json_numbers else "201"
    assert made["status_code"] == wanted
    refused = add(app, 9, output="json").json["status"]
    assert (str(refused["status_code"]), str(refused["sub_code"])) == ("412", "710")


WISHES = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(1, 12))), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=WISHES)
def test_queue_is_what_a_list_would_be(served: Application, wishes: list[tuple[int, int | None]]) -> None:
    """Law: any additions and moves leave what the same insertions leave in a plain list."""
    served.sandbox.world, served.sandbox.nonces = World(queue=4), Nonces()
    model = [title.id for title in served.world.catalog[:4]]
    for number, position in wishes:
        wanted = served.world.catalog[number].id
        form = {"title_ref": ref(served, number), "etag": str(served.world.versions["queue"])}
        answer = served.own(PATH, form | ({"position": str(position)} if position else {}))
        if wanted in model and position is None:
            assert answer.status == 412
            continue
        assert answer.status == 201
        model = [each for each in model if each != wanted]
        model.insert(len(model) if position is None else position - 1, wanted)
    assert [each.title.id for each in served.world.queue] == model
