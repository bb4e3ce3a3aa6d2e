"""The control address: every order and fault, what is refused, and who may give orders at all."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from asking import ask, give_order

from feedwatch.sandbox import FAULTS, ORDERS, OrderRefused, Sandbox, World, create_app, serving
from feedwatch.sandbox.world import AVAILABLE, SAVED

RATING_VALUES = ("1", "2", "3", "4", "5", "not_interested")


@dataclass
class Control:
    """A sandbox and its control address."""

    base: str
    world: World

    def order(self, name: str, particulars: object = None) -> dict[str, object]:
        answer = give_order(self.base, name, particulars)
        assert answer.status == 200, answer.text
        done = answer.json
        assert isinstance(done, dict)
        return done

    def refused(self, name: str, particulars: object = None) -> str:
        """Give an order that must be refused, and must have left everything as it was."""
        before = picture(self.world)
        answer = give_order(self.base, name, particulars)
        assert answer.status == 400, answer.text
        assert picture(self.world) == before
        return str(answer.json["problem"])

    def list_address(self) -> str:
        account = self.world.account
        return (
            f"{self.base}/users/{account.user_id}/queues/instant?output=atom"
            f"&feed_token={account.feed_token}&oauth_consumer_key={account.consumer_key}"
        )


def picture(world: World) -> object:
    """All of a world that an order could touch."""
    lists = (world.queue, world.history, world.ratings, world.recommendations, world.catalog)
    return copy.deepcopy((*lists, world.versions, world.account, world.switches))


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox()
    with serving(sandbox) as base:
        yield sandbox, base


@pytest.fixture
def control(served: tuple[Sandbox, str]) -> Control:
    sandbox, base = served
    sandbox.world = World(queue=10)
    return Control(base, sandbox.world)


def names(control: Control) -> list[str]:
    return [item.title.name for item in control.world.queue]


# ── orders ────────────────────────────────────────────────────────────────────────────────────────


def test_title_is_added_where_it_is_wanted(control: Control) -> None:
    """`add` puts a title by name, by id, or of its own choice at a position, else at the top."""
    before = control.world.versions["queue"]
    assert control.order("add", {"title": "Ran", "position": 3}) == {"order": "add", "title": "Ran"}
    assert names(control)[2] == "Ran"
    other = control.world.catalog[40]
    assert control.order("add", {"title": other.id})["title"] == other.name
    assert names(control)[0] == other.name
    chosen = control.order("add")["title"]
    assert names(control)[0] == chosen
    control.order("add", {"title": "A film nobody made", "position": len(control.world.queue) + 1})
    assert names(control)[-1] == "A film nobody made"
    assert control.world.versions["queue"] == before + 4


def test_title_is_moved_and_removed(control: Control) -> None:
    """`move` takes one title elsewhere, `remove` takes one out by position or name."""
    first, second, third = names(control)[:3]
    control.order("move", {"start": 1, "to": 3})
    assert names(control)[:3] == [second, third, first]
    assert control.order("remove", {"position": 2})["title"] == third
    assert control.order("remove", {"title": first})["title"] == first
    assert control.order("remove")["title"] == second
    assert len(names(control)) == 7


def test_title_is_saved_and_becomes_available(control: Control) -> None:
    """`save` and `make_available` lead a title from the saved part to a position."""
    control.order("save", {"title": "Ran"})
    control.order("save", {"title": "Alien"})
    assert [item.availability for item in control.world.queue[-2:]] == [SAVED, SAVED]
    control.order("make_available", {"title": "Alien", "position": 2})
    assert names(control)[1] == "Alien"
    assert control.world.queue[1].availability == AVAILABLE
    assert control.order("make_available")["title"] == "Ran"
    assert names(control)[-1] == "Ran"


def test_title_is_watched_rated_and_recommended(control: Control) -> None:
    """`watch`, `rate` and `recommend` change their own lists, again where a title is there already."""
    world = control.world
    control.order("watch", {"title": "Ran"})
    control.order("watch", {"title": "Alien"})
    control.order("watch", {"title": "Ran"})
    assert [item.title.name for item in world.history[:2]] == ["Ran", "Alien"]
    assert world.history[0].watched_at > world.history[1].watched_at
    for value in RATING_VALUES:
        control.order("rate", {"title": "Ran", "value": value})
        assert world.ratings[0].value == value
    control.order("rate", {"title": "Ran", "value": 3})
    assert (world.ratings[0].value, len(world.ratings)) == ("3", 10)
    control.order("recommend", {"title": "Ran", "predicted": 4.5})
    assert (world.recommendations[0].title.name, world.recommendations[0].predicted) == ("Ran", "4.5")


def test_tokens_are_rotated_and_revoked(control: Control) -> None:
    """`rotate_token` ends the old address, `revoke` the access token."""
    old = control.list_address()
    assert control.order("rotate_token") == {"order": "rotate_token", "title": None}
    assert (ask(old).status, ask(control.list_address()).status) == (403, 200)
    control.order("revoke")
    assert not control.world.account.allowed


def test_switches_are_set_together(control: Control) -> None:
    """`switch` sets those named and shows all."""
    done = control.order("switch", {"id_host": "api-public.netflix.com", "atom_pages": False})
    assert done == {**done, "id_host": "api-public.netflix.com", "atom_pages": False, "http_etags": True}
    assert control.order("switch", {"moves_between_pages": 2})["moves_between_pages"] == 2


def test_state_shows_lists_switches_faults_and_requests(control: Control) -> None:
    """`state` is everything a person needs to know to give the next order."""
    control.order("fail", {"feed": "queue", "fault": "500", "times": 2})
    ask(control.list_address())
    state = ask(f"{control.base}/control/state").json
    assert state["queue"] == names(control)
    assert state["faults"] == {"queue": ["500"]}
    assert state["requests"] == {"queue": {"all": 1, "500": 1}}
    assert state["switches"]["later_dialect"] is False
    assert len(state["ratings"]) == 9
    assert "token" not in str(state)


# ── faults ────────────────────────────────────────────────────────────────────────────────────────

QUICK = [name for name in FAULTS if name not in ("drip", "large", "cut", "stale")]


@pytest.mark.parametrize("fault", QUICK)
def test_fault_is_answered_as_often_as_ordered(control: Control, fault: str) -> None:
    """A fault comes the ordered number of times, with its status and body; then the list is back."""
    control.order("fail", {"feed": "queue", "fault": fault, "times": 2})
    answers = [ask(control.list_address()) for _ in range(3)]
    expected = FAULTS[fault]
    assert [answer.status for answer in answers] == [expected.status, expected.status, 200]
    assert answers[0].body == expected.body
    assert answers[2].text.endswith("</feed>\n")
    for name, value in expected.headers.items():
        assert answers[0].headers[name.lower()] == value


def test_redirect_leads_to_the_same_list(control: Control) -> None:
    """A redirect fault names an address of this server at which the list is."""
    control.order("fail", {"feed": "queue", "fault": "308"})
    location = ask(control.list_address()).headers["location"]
    assert location == f"{control.list_address()}&moved=308"
    assert ask(location).status == 200


def test_cut_reply_ends_before_what_was_promised(control: Control) -> None:
    """`cut` promises more bytes than come, and hangs up."""
    control.order("fail", {"feed": "queue", "fault": "cut"})
    with pytest.raises(Exception, match="IncompleteRead"):
        ask(control.list_address())
    assert ask(control.list_address()).status == 200


def test_large_reply_is_large(control: Control) -> None:
    """`large` sends 50 MiB."""
    control.order("fail", {"feed": "queue", "fault": "large"})
    assert len(ask(control.list_address()).body) == 50 * 2**20


async def test_drip_comes_a_byte_at_a_time(control: Control) -> None:
    """`drip` begins at once and does not end soon."""
    control.order("fail", {"feed": "queue", "fault": "drip"})
    host, _, port = control.base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path = control.list_address().removeprefix(control.base)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert await asyncio.wait_for(reader.read(100), 5) == b"1\r\n \r\n"
    writer.close()


def test_index_can_fail_too(control: Control) -> None:
    """A fault of `index` is taken by a signed call only."""
    control.order("fail", {"feed": "index", "fault": "500"})
    url = f"{control.base}/users/{control.world.account.user_id}/feeds"
    assert ask(url).status == 401
    assert control.world.switches.faults == {"index": ["500"]}


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "particulars", "why"),
    [
        ("add", {"position": 0}, "no position 0: there are 11"),
        ("add", {"position": 12}, "no position 12"),
        ("add", {"position": -1}, "no position -1"),
        ("add", {"position": "3"}, "position is a whole number"),
        ("add", {"position": 1.5}, "position is a whole number"),
        ("add", {"position": True}, "position is a whole number"),
        ("add", {"position": None}, "position is a whole number"),
        ("add", {"title": "New one", "position": 99}, "no position 99"),
        ("add", {"title": ["Ran"]}, "title is a title's name"),
        ("add", {"title": ""}, "title is a title's name"),
        ("add", {"title": "a\x00b"}, "title is a title's name"),
        ("add", {"title": "x" * 201}, "title is a title's name"),
        ("add", {"title": True}, "title is a title's name"),
        ("add", {"title": 1}, "no title 1 in the catalog"),
        ("add", {"title": "An American in Paris"}, "An American in Paris is in the queue already"),
        ("add", {"where": 1}, "add takes title, position, not where"),
        ("move", {"start": 1, "to": 11}, "no position 11: there are 10"),
        ("move", {"start": 1, "to": 0}, "no position 0"),
        ("move", {"start": 11, "to": 1}, "no position 11"),
        ("move", {"start": 1}, "move needs to"),
        ("move", {}, "move needs start and to"),
        ("remove", {"position": 11}, "no position 11"),
        ("remove", {"position": 0}, "no position 0"),
        ("remove", {"title": "Ran"}, "Ran is not in the queue"),
        ("remove", {"title": "Platoon", "position": 1}, "not both"),
        ("save", {"title": "Platoon"}, "Platoon is in the queue already"),
        ("make_available", {}, "no such saved title"),
        ("make_available", {"title": "Platoon"}, "no such saved title"),
        ("rate", {"value": "6"}, "value is one of 1, 2"),
        ("rate", {"value": "<b>"}, "value is one of 1, 2"),
        ("rate", {"value": [1]}, "value is a text or a number"),
        ("recommend", {"predicted": "</n:x>"}, "predicted is a number from 0 to 5"),
        ("recommend", {"predicted": 5.1}, "predicted is a number from 0 to 5"),
        ("rotate_token", {"to": "mine"}, "rotate_token takes nothing, not to"),
        ("fail", {"feed": "queue"}, "fail needs fault"),
        ("fail", {"feed": "queue", "fault": "flood"}, "no such fault: there are 202, 204, 400"),
        ("fail", {"feed": "nowhere", "fault": "500"}, "no such feed: there are queue, history"),
        ("fail", {"feed": ["queue"], "fault": "500"}, "no such feed"),
        ("fail", {"feed": "queue", "fault": "500", "times": 0}, "times is a number from 1 to 1000"),
        ("fail", {"feed": "queue", "fault": "500", "times": 10**9}, "times is a number from 1 to 1000"),
        ("fail", {"feed": "queue", "fault": "500", "times": "3"}, "times is a whole number"),
        ("switch", {"light": True}, "no switch light: there are atom_pages"),
        ("switch", {"faults": {}}, "no switch faults"),
        ("switch", {"atom_pages": 1}, "atom_pages takes true or false"),
        ("switch", {"http_etags": False, "atom_pages": "no"}, "atom_pages takes true or false"),
        ("switch", {"id_host": "<evil>"}, "id_host takes the name of a host"),
        ("switch", {"id_host": None}, "id_host takes a text"),
        ("switch", {"moves_between_pages": -1}, "moves_between_pages takes a number from 0"),
        ("switch", {"moves_between_pages": True}, "moves_between_pages takes a whole number"),
        ("dance", {}, "no order 'dance': there are add, fail"),
        ("take_fault", {"feed": "queue"}, "no order 'take_fault'"),
        ("add", [], "a JSON object"),
        ("add", "Ran", "a JSON object"),
        ("switch", [1], "a JSON object"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_order_is_refused_and_changes_nothing(
    control: Control, order: str, particulars: object, why: str
) -> None:
    """An order that cannot be carried out says why and leaves lists, versions and switches as they were."""
    assert why in control.refused(order, particulars)


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 100_000, b'{"position": NaN}', b'{"position": 1' + b"0" * 5000 + b"}"]
)
def test_body_that_is_no_order_is_refused(control: Control, body: bytes) -> None:
    """What is no JSON, or none of use, is a problem of the caller, not of the server."""
    before = picture(control.world)
    headers = {"Content-Type": "application/json"}
    assert ask(f"{control.base}/control/add", headers, method="POST", body=body).status == 400
    assert picture(control.world) == before


def test_catalog_that_is_used_up_is_said(control: Control) -> None:
    """When every title is on a list, choosing one is refused, and naming a new one is not."""
    control.world.catalog = [item.title for item in control.world.queue]
    assert "the whole catalog is on that list" in control.refused("add")
    assert control.order("add", {"title": "Brand new"})["title"] == "Brand new"


def test_title_is_recommended_once(control: Control) -> None:
    """A title that is suggested already is not suggested twice."""
    name = control.world.recommendations[3].title.name
    assert "is recommended already" in control.refused("recommend", {"title": name})


def test_empty_queue_refuses_what_needs_a_title(control: Control) -> None:
    """Without a title in the queue there is nothing to move or remove."""
    control.world.queue = []
    assert "no position 1" in control.refused("remove")
    assert "no position 1" in control.refused("move", {"start": 1, "to": 1})
    control.order("add", {"title": "Ran"})


def test_orders_given_in_code_are_refused_alike() -> None:
    """The demo and the tests, which give orders without HTTP, cannot break a world either."""
    world = World(queue=3)
    before = picture(world)
    for order in (
        lambda: world.move(start=1, to=4),
        lambda: world.add(title="New", position=5),
        lambda: world.rate(value="great"),
        lambda: world.recommend(predicted="much"),
        lambda: world.fail(feed="nowhere", fault="500"),
    ):
        with pytest.raises(OrderRefused):
            order()
        assert picture(world) == before


# ── who may give orders ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:8400"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Host": "evil.example.net"},
        {"Host": "evil.example.net:80"},
        {"Host": "["},
    ],
    ids=str,
)
def test_page_in_a_browser_gives_no_orders(control: Control, headers: dict[str, str]) -> None:
    """A page's origin, a browser's own word for where a request is from, or a rebound name: refused."""
    sent = {"Content-Type": "application/json", **headers}
    answer = ask(f"{control.base}/control/remove", sent, method="POST", body=b"{}")
    assert answer.status in (400, 403)
    assert ask(f"{control.base}/control/state", headers).status in (400, 403)
    assert len(names(control)) == 10


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_form_of_a_page_gives_no_orders(control: Control, content_type: str) -> None:
    """What a page can send without asking first is not taken, whatever it says."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = ask(f"{control.base}/control/remove", headers, method="POST", body=b"{}")
    assert (answer.status, answer.json) == (415, {"problem": "send application/json"})
    assert len(names(control)) == 10


@dataclass
class Call:
    """One call of the application without a socket, from any machine."""

    path: str
    client: tuple[str, int] | None
    host: str = "127.0.0.1:8400"
    sent: list[dict[str, object]] = field(default_factory=list)

    async def make(self, sandbox: Sandbox) -> object:
        scope = {
            "type": "http",
            "method": "POST",
            "path": self.path,
            "query_string": b"",
            "headers": [(b"host", self.host.encode()), (b"content-type", b"application/json")],
            "client": self.client,
            "scheme": "http",
            "server": ("127.0.0.1", 8400),
        }

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"{}"}

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            self.sent.append(message)

        await create_app(sandbox)(scope, receive, send)
        return self.sent[0]["status"]


@pytest.mark.parametrize(
    ("client", "status"),
    [
        (("127.0.0.1", 4000), 200),
        (("::1", 4000), 200),
        (("192.0.2.7", 4000), 403),
        (("2001:db8::7", 4000), 403),
        (None, 403),
    ],
    ids=str,
)
async def test_only_this_machine_gives_orders(client: tuple[str, int] | None, status: int) -> None:
    """Whatever a server in between lets through, a caller from elsewhere is refused."""
    sandbox = Sandbox(World(queue=10))
    assert await Call("/control/remove", client).make(sandbox) == status
    assert len(sandbox.world.queue) == (9 if status == 200 else 10)


def test_every_order_is_tried_here() -> None:
    """No order is added without a look at this file."""
    assert set(ORDERS) == {
        *("add", "move", "remove", "save", "make_available", "watch", "rate", "recommend"),
        *("rotate_token", "revoke", "fail", "withhold", "send_home", "speak"),
    }
