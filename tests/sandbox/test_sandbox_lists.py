"""The sandbox's lists over HTTP: both forms, pages, etags, dialects, and what is wrong about a request."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from asking import Answer, ask
from lxml import etree

from feedwatch.sandbox import Sandbox, World, serving
from feedwatch.sandbox.world import Switches

ATOM = "{http://www.w3.org/2005/Atom}"
FACTS = "{http://schemas.feedwatch.example/netflix}"
SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
PATHS = {
    "queue": "queues/instant",
    "recent": "queues/instant",
    "history": "rental_history/watched",
    "ratings": "ratings/title/actual",
    "recommendations": "recommendations",
}
PLAIN = {
    "queue": ("queue", "queue_item"),
    "recent": ("queue", "queue_item"),
    "history": ("rental_history", "rental_history_item"),
    "ratings": ("ratings", "ratings_item"),
    "recommendations": ("recommendations", "recommendation"),
}


@dataclass
class Lists:
    """A sandbox's lists, asked for by token. Time stands still in it unless a test moves it."""

    base: str
    world: World
    clock: list[float]

    @property
    def switches(self) -> Switches:
        return self.world.switches

    def address(self, name: str, query: str = "") -> str:
        account = self.world.account
        sort = "&sort=date_added" if name == "recent" else ""
        return (
            f"{self.base}/users/{account.user_id}/{PATHS[name]}?feed_token={account.feed_token}"
            f"&oauth_consumer_key={account.consumer_key}{sort}{query}"
        )

    def ask(self, name: str, query: str = "", **headers: str) -> Answer:
        return ask(self.address(name, query), {n.replace("_", "-"): v for n, v in headers.items()})

    def atom(self, name: str, query: str = "") -> etree._Element:
        return etree.fromstring(self.ask(name, f"&output=atom{query}").body)

    def plain(self, name: str, query: str = "") -> etree._Element:
        return etree.fromstring(self.ask(name, query).body)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox()
    with serving(sandbox) as base:
        yield sandbox, base


@pytest.fixture
def lists(served: tuple[Sandbox, str]) -> Lists:
    sandbox, base = served
    clock = [1_790_000_000.0]
    sandbox.clock = lambda: clock[0]
    sandbox.world = World(queue=60, clock=sandbox.clock)
    return Lists(base, sandbox.world, clock)


def titles_of(root: etree._Element) -> list[str]:
    if root.tag == f"{ATOM}feed":
        return [str(entry.findtext(f"{ATOM}title")) for entry in root.iter(f"{ATOM}entry")]
    return [str(title.get("regular")) for title in root.iter("title")]


def names(world: World, name: str) -> list[str]:
    if name == "recent":
        return [item.title.name for item in sorted(world.queue, key=lambda item: -item.added_at)]
    items = {
        "queue": world.queue,
        "history": world.history,
        "ratings": world.ratings,
        "recommendations": world.recommendations,
    }[name]
    return [item.title.name for item in items]  # type: ignore[attr-defined]  # all kinds of items have a title


@pytest.mark.parametrize("name", PATHS)
def test_list_is_given_in_atom_and_in_plain_xml(lists: Lists, name: str) -> None:
    """Each of the five feeds shows the same titles in both forms, in order."""
    atom, plain = lists.atom(name, "&max_results=500"), lists.plain(name, "&max_results=500")
    assert titles_of(atom) == titles_of(plain) == names(lists.world, name)
    root, item = PLAIN[name]
    assert plain.tag == root
    assert len(plain.findall(item)) == len(names(lists.world, name))


@pytest.mark.parametrize("form", ["", "&output=atom"])
@pytest.mark.parametrize(
    ("query", "slice_"),
    [
        ("", slice(0, 25)),
        ("&max_results=10", slice(0, 10)),
        ("&max_results=500", slice(0, 500)),
        ("&start_index=50", slice(50, 75)),
        ("&start_index=5&max_results=7", slice(5, 12)),
        ("&start_index=60", slice(60, 60)),
        ("&start_index=900", slice(900, 900)),
    ],
)
def test_pages_are_what_was_asked_for(lists: Lists, form: str, query: str, slice_: slice) -> None:
    """`start_index` counts from 0, `max_results` is 25 unless said; past the end there is an empty page."""
    root = etree.fromstring(lists.ask("queue", form + query).body)
    expected = names(lists.world, "queue")[slice_]
    assert titles_of(root) == expected
    total, start = (
        ("number_of_results", "start_index") if not form else (f"{SEARCH}totalResults", f"{SEARCH}startIndex")
    )
    assert (root.findtext(total), root.findtext(start)) == ("60", str(slice_.start))


def test_positions_count_on_over_pages_and_saved_titles_have_none(lists: Lists) -> None:
    """A queued title carries its position in id and element, on every page; a saved one has neither."""
    saved = lists.world.save(title="Ran")
    page = lists.plain("queue", "&start_index=58&max_results=10")
    items = page.findall("queue_item")
    assert [item.findtext("position") for item in items] == ["59", "60", None]
    assert str(items[0].findtext("id")).endswith(f"/available/59/{lists.world.queue[58].title.id}")
    assert str(items[2].findtext("id")).endswith(f"/queues/instant/saved/{saved.id}")
    assert 'label="saved"' in etree.tostring(items[2]).decode()
    positions = [entry.findtext(f"{FACTS}position") for entry in lists.atom("queue", "&start_index=58")]
    assert [position for position in positions if position] == ["59", "60"]


def test_facts_stand_in_both_forms(lists: Lists) -> None:
    """Ratings, viewings and predictions are in plain XML as documented, in Atom in our namespace."""
    lists.world.rate(title="Ran", value="not_interested")
    lists.world.rate(title="Alien", value="5")
    plain = lists.plain("ratings")
    assert [each.text or each.get("value") for each in plain.iter("user_rating")][:2] == [
        "5.0",
        "not_interested",
    ]
    atom = lists.atom("ratings")
    assert [each.text or each.get("value") for each in atom.iter(f"{FACTS}user_rating")][:2] == [
        "5.0",
        "not_interested",
    ]
    watched = [each.text for each in lists.plain("history").iter("watched_date")]
    assert watched == [each.text for each in lists.atom("history").iter(f"{FACTS}watched_date")]
    assert watched == sorted(watched, key=lambda at: -int(at or 0))
    assert lists.plain("recommendations").find("recommendation/updated") is None
    assert [each.text for each in lists.plain("recommendations").iter("predicted_rating")][:2] == [
        "4.8",
        "4.7",
    ]


def test_updated_of_a_queue_in_atom_is_the_time_of_the_request(lists: Lists) -> None:
    """In feed and entries, at every request; in plain XML it stays what it was."""
    plain = lists.ask("queue").body
    for at, written in ((1_790_000_100, "2026-09-21T14:15:00Z"), (1_790_000_160, "2026-09-21T14:16:00Z")):
        lists.clock[0] = at
        stamps = {each.text for each in lists.atom("queue").iter(f"{ATOM}updated")}
        assert stamps == {written}
    assert lists.ask("queue").body == plain
    history = {each.text for each in lists.atom("history").iter(f"{ATOM}updated")}
    assert len(history) == 12


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("form", ["", "&output=atom"])
def test_list_that_has_not_changed_answers_304(lists: Lists, name: str, form: str) -> None:
    """Every list has an ETag and answers 304 to it, but for a queue in Atom, which is never the same."""
    first = lists.ask(name, form)
    moves = name in ("queue", "recent") and form != ""
    assert ("etag" in first.headers) is not moves
    if not moves:
        again = lists.ask(name, form, If_None_Match=first.headers["etag"])
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])


def test_change_gives_another_etag_outside_and_inside(lists: Lists) -> None:
    """An order changes the ETag of its list and the etag in its body, and those of no other list."""
    before = {name: lists.ask(name) for name in PATHS}
    lists.world.add(title="Ran")
    after = {name: lists.ask(name, If_None_Match=before[name].headers["etag"]) for name in PATHS}
    assert {name: answer.status for name, answer in after.items()} == {
        "queue": 200,
        "recent": 200,
        "history": 304,
        "ratings": 304,
        "recommendations": 304,
    }
    etags = [etree.fromstring(answer.body).findtext("etag") for answer in (before["queue"], after["queue"])]
    assert int(etags[1] or 0) == int(etags[0] or 0) + 1


def test_empty_queue_has_no_items_and_etag_zero(lists: Lists) -> None:
    """A queue with nothing in it looks as the API's did."""
    lists.world.queue = []
    root = lists.plain("queue")
    assert (root.findtext("etag"), root.findtext("number_of_results"), titles_of(root)) == ("0", "0", [])
    assert titles_of(lists.atom("queue")) == []


def test_sort_by_date_shows_the_newest_first(lists: Lists) -> None:
    """`sort=date_added` orders by when a title was added; positions stay those of the queue."""
    lists.clock[0] += 5
    lists.world.add(title="Ran", position=30)
    root = lists.plain("recent")
    assert titles_of(root)[0] == "Ran"
    assert root.findtext("queue_item/position") == "30"


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (("feed_token=", "feed_token=x"), 403, "Invalid feed token"),
        (("feed_token=", "no_token="), 401, "Bad feed token"),
        (("feed_token=", "feed_token=&no="), 401, "Bad feed token"),
        (("oauth_consumer_key=", "oauth_consumer_key=x"), 401, "Missing Required Consumer Key"),
        (("oauth_consumer_key=", "no_key="), 401, "Missing Required Consumer Key"),
        (("/users/T1", "/users/T2"), 401, "User not found"),
        (("queues/instant", "queues/nowhere"), 404, "Resource not found"),
    ],
    ids=["wrong token", "no token", "empty token", "wrong consumer", "no consumer", "other user", "no list"],
)
def test_refusals_are_as_documented(lists: Lists, change: tuple[str, str], status: int, message: str) -> None:
    """What is wrong with an address is said with the documented status and words."""
    answer = ask(lists.address("queue").replace(*change))
    assert answer.status == status
    assert f"<status_code>{status}</status_code>" in answer.text
    assert message in answer.text


def test_rotated_token_ends_the_old_one(lists: Lists) -> None:
    """After a rotation the old address is refused, and the new one answers."""
    old = lists.address("queue")
    lists.world.rotate_token()
    assert (ask(old).status, lists.ask("queue").status) == (403, 200)


@pytest.mark.parametrize(
    "query",
    [
        *("start_index=-1", "start_index=x", "start_index=²", f"start_index={'9' * 5000}"),
        *("max_results=0", "max_results=501", "max_results=", "max_results=1.5"),
    ],
)
def test_bad_paging_is_refused(lists: Lists, query: str) -> None:
    """A number that is none, or out of bounds, answers 400 with sub code 120, and breaks nothing."""
    answer = lists.ask("queue", "&" + query.replace("²", "%C2%B2"))
    assert answer.status == 400
    assert "<sub_code>120</sub_code>" in answer.text


# ── switches ──────────────────────────────────────────────────────────────────────────────────────


def test_other_host_stands_in_every_id_and_link(lists: Lists) -> None:
    """`id_host` replaces the host of ids, links and schemes."""
    lists.switches.id_host = "api-public.netflix.com"
    text = lists.ask("queue", "&output=atom").text + lists.ask("queue").text
    assert "http://api-public.netflix.com/users/" in text
    assert "api.netflix.com" not in text


def test_later_dialect_has_its_own_labels_and_relations(lists: Lists) -> None:
    """`later_dialect` speaks as the API did in its last years."""
    early = lists.ask("queue").text
    lists.switches.later_dialect = True
    late = lists.ask("queue").text
    for text, spoken in ((early, True), (late, False)):
        assert ('label="available_now"' in text) is spoken
        assert ('rel="http://schemas.netflix.com/id"' in text) is spoken
        assert ('label="available now"' in text) is not spoken
        assert ('rel="http://schemas.netflix.com/catalog/title"' in text) is not spoken


def test_atom_that_does_not_page_gives_25(lists: Lists) -> None:
    """With `atom_pages` off Atom hears no paging, and plain XML does."""
    lists.switches.atom_pages = False
    assert len(titles_of(lists.atom("queue", "&max_results=500&start_index=25"))) == 25
    assert titles_of(lists.atom("queue", "&start_index=25"))[0] == names(lists.world, "queue")[0]
    assert len(titles_of(lists.plain("queue", "&max_results=500"))) == 60


def test_atom_without_totals_says_nothing_of_its_length(lists: Lists) -> None:
    """With `atom_totals` off there are no OpenSearch elements."""
    lists.switches.atom_totals = False
    assert "os:" not in lists.ask("queue", "&output=atom").text.replace("xmlns:os", "")


def test_plain_only_ignores_the_form(lists: Lists) -> None:
    """With `plain_only` plain XML comes, whatever was asked for."""
    lists.switches.plain_only = True
    assert lists.ask("queue", "&output=atom").body == lists.ask("queue").body


def test_start_index_can_be_ignored_alone(lists: Lists) -> None:
    """With `ignore_start_index` the first page comes each time, as long as was asked for."""
    lists.switches.ignore_start_index = True
    pages = [lists.plain("queue", f"&max_results=40&start_index={start}") for start in (0, 40)]
    assert titles_of(pages[0]) == titles_of(pages[1]) == names(lists.world, "queue")[:40]


def test_paging_can_be_refused(lists: Lists) -> None:
    """With `refuse_paging` any paging parameter answers 400, and without one the list comes."""
    lists.switches.refuse_paging = True
    statuses = [lists.ask("queue", query).status for query in ("&max_results=5", "&start_index=0", "")]
    assert statuses == [400, 400, 200]


def test_queue_can_move_between_pages(lists: Lists) -> None:
    """With `moves_between_pages` the last title is at the top by the time a further page is given."""
    lists.switches.moves_between_pages = 1
    last = names(lists.world, "queue")[-1]
    pages = [titles_of(lists.plain("queue", f"&max_results=40&start_index={start}")) for start in (0, 40)]
    assert pages[1][0] == pages[0][-1]
    assert names(lists.world, "queue")[0] == last
    assert titles_of(lists.plain("queue", "&start_index=40"))[0] == pages[1][0]
    lists.world.queue = []
    lists.switches.moves_between_pages = 1
    assert lists.ask("queue", "&start_index=5").status == 200


def test_etag_can_differ_on_every_page(lists: Lists) -> None:
    """With `etag_per_page` no two pages name the same etag."""
    lists.switches.etag_per_page = True
    etags = {lists.plain("queue", f"&start_index={start}").findtext("etag") for start in (0, 25, 50)}
    assert len(etags) == 3


def test_etags_can_be_left_out(lists: Lists) -> None:
    """With `http_etags` off there is no ETag, and never a 304."""
    etag = lists.ask("queue").headers["etag"]
    lists.switches.http_etags = False
    answer = lists.ask("queue", If_None_Match=etag)
    assert answer.status == 200
    assert "etag" not in answer.headers


def test_titles_of_any_spelling_are_well_formed(lists: Lists) -> None:
    """A name with markup in it is text, in both forms."""
    name = "Tom & \"Jerry\" <3 'n' ½ → ☃"
    lists.world.add(title=name)
    assert titles_of(lists.atom("queue"))[0] == titles_of(lists.plain("queue"))[0] == name


def test_requests_are_counted_by_status(lists: Lists) -> None:
    """What was asked for how often is known, by list and status."""
    lists.ask("history")
    lists.ask("history", If_None_Match=lists.ask("history").headers["etag"])
    ask(re.sub(r"feed_token=[^&]*", "feed_token=x", lists.address("history")))
    assert lists.world.requests == {"history": {"all": 4, "200": 2, "304": 1, "403": 1}}


def test_lists_can_be_read_while_they_move(lists: Lists) -> None:
    """Orders and requests at once: every reply is one state of the queue, whole."""
    stop = threading.Event()

    def keep_moving() -> None:
        while not stop.is_set():
            lists.world.move(start=60, to=1)

    mover = threading.Thread(target=keep_moving)
    mover.start()
    try:
        for _ in range(10):
            assert len(set(titles_of(lists.plain("queue", "&max_results=500")))) == 60
    finally:
        stop.set()
        mover.join()


def test_lists_are_what_they_were_when_it_is_begun_again_on_the_same_day() -> None:
    """A sandbox that is restarted has no dozen viewings that nobody has made."""
    morning = 1_700_000_000 // 86_400 * 86_400 + 6 * 3600
    first, again = World(clock=lambda: morning), World(clock=lambda: morning + 12 * 3600)
    assert first.history == again.history
    assert first.ratings == again.ratings
