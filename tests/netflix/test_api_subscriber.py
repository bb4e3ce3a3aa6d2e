"""The subscriber's own, over HTTP against the sandbox, in both dialects, in XML and in JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apis import DIALECTS, Kept, all_of, failed, got, opening_api, settings_of, speak

from feedwatch.core.model import Kind, Reason
from feedwatch.core.statuses import Action
from feedwatch.netflix import history, queueing, queues, ratings, recommendations, users
from feedwatch.netflix.api import Api
from feedwatch.netflix.replies import Listing
from feedwatch.sandbox import Sandbox, World, serving

NEW = "/catalog/titles/movies/60008695"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox()
    with serving(sandbox) as url:
        yield sandbox, url


@pytest.fixture(params=DIALECTS)
def sandbox(server: tuple[Sandbox, str], request: pytest.FixtureRequest) -> Sandbox:
    sandbox, _ = server
    sandbox.world = World()
    speak(sandbox, request.param)
    return sandbox


@pytest.fixture
async def api(sandbox: Sandbox, server: tuple[Sandbox, str]) -> AsyncIterator[Api]:
    async with opening_api(server[1], settings_of(sandbox, server[1])) as api:
        yield api


@pytest.fixture
def queue(api: Api) -> queueing.KeptQueue:
    return queueing.KeptQueue(api, Kept())


def queued(sandbox: Sandbox) -> list[str]:
    return [each.title.path for each in sandbox.world.queue]


async def find_free(api: Api, sandbox: Sandbox) -> str:
    """A film that is not in the queue."""
    films = (each.path for each in sandbox.world.catalog if each.kind == "movies")
    return api.ref_of(next(path for path in films if path not in queued(sandbox)))


# ── who, and which feeds ──────────────────────────────────────────────────────────────────────────


async def test_user_is_found_out_and_described(sandbox: Sandbox, api: Api) -> None:
    """Whose token it is, and what the server says of them."""
    assert got(await users.find_current_user(api)) == sandbox.world.account.user_id
    user = got(await users.find_user(api))
    assert (user.first_name, user.last_name, user.can_instant_watch) == ("Jane", "Sandbox", True)
    assert {link.relation for link in user.links} >= {"queues", "ratings", "recommendations", "title_states"}


async def test_feeds_are_the_same_in_both_forms(api: Api) -> None:
    """XML and OPML name the same feeds; each has an address that carries a token."""
    feeds = got(await users.find_feeds(api))
    assert {feed.name: feed.kind for feed in feeds} == {
        "queue": Kind.QUEUE,
        "history": Kind.HISTORY,
        "ratings": Kind.RATINGS,
        "recommendations": Kind.RECOMMENDATIONS,
    }
    assert {feed.name for feed in got(await users.find_feeds(api, output="opml"))} == {f.name for f in feeds}
    assert all("feed_token=" in feed.address for feed in feeds)


async def test_states_say_what_is_queued_and_what_can_be_played(sandbox: Sandbox, api: Api) -> None:
    """Of each title that is asked about: whether it is queued, can be played, can be added."""
    free = await find_free(api, sandbox)
    refs = [free, *(api.ref_of(path) for path in queued(sandbox)[:2])]
    states = got(await users.find_title_states(api, refs))
    assert [state.queued for state in states] == [False, True, True]
    assert states[0].addable
    assert all(state.playable for state in states)
    assert [state.ref.partition("/catalog")[2] for state in states] == [
        ref.partition("/catalog")[2] for ref in refs
    ]


# ── the queue as it is read ───────────────────────────────────────────────────────────────────────


async def test_queue_is_read_page_by_page(sandbox: Sandbox, api: Api) -> None:
    """All pages hold each title once, in the queue's order, under one etag."""
    items, why = await all_of(queues.each_queue_page(api, page_size=70))
    whole = got(await queues.read_queue(api))
    assert why is None
    assert items == list(whole.items)
    assert [item.title.ref.partition("netflix.com")[2] for item in items] == queued(sandbox)
    assert whole.etag == str(sandbox.world.versions["queue"])
    assert [item.position for item in items if not item.saved] == list(
        range(1, 1 + sum(not item.saved for item in items))
    )


async def test_queue_has_two_parts(sandbox: Sandbox, api: Api) -> None:
    """What can be watched has a place, what is saved has none; together they are the queue."""
    sandbox.world.withheld.add(int(NEW.rpartition("/")[2]))
    got(await queues.post_title(api, NEW))
    whole = got(await queues.find_queue(api, "queues", max_results=500)).items
    available = got(await queues.find_queue(api, "queues/instant/available", max_results=500)).items
    saved = got(await queues.find_queue(api, "queues/instant/saved", max_results=500)).items
    assert (*available, *saved) == whole
    assert all(item.position and not item.saved for item in available)
    assert all(item.position is None and item.saved for item in saved)
    assert NEW in {item.title.ref.partition("netflix.com")[2] for item in saved}


async def test_queue_is_sorted_as_asked(api: Api) -> None:
    """By the alphabet, and by when titles were added."""
    by_name = got(await queues.find_queue(api, sort="alphabetical", max_results=500)).items
    names = [item.title.name.casefold() for item in by_name if not item.saved]
    assert names == sorted(names)
    by_date = got(await queues.find_queue(api, sort="date_added", max_results=500)).items
    assert {item.title.ref for item in by_date} == {item.title.ref for item in by_name}


async def test_what_is_older_is_left_out(api: Api) -> None:
    """`updated_min` gives what is not older than an instant, in the queue and in the history."""
    items = got(await queues.read_queue(api)).items
    newest = max(item.updated_at for item in items if item.updated_at)
    recent = got(await queues.find_queue(api, updated_min=newest)).items
    assert 0 < len(recent) <= len(items)
    assert all(item.updated_at == newest for item in recent)
    assert got(await queues.find_queue(api, updated_min=newest + timedelta(days=1))).items == ()


async def test_entry_is_read_by_itself(api: Api) -> None:
    """An entry that a list shows is the same when it is asked for alone."""
    items = got(await queues.read_queue(api)).items
    assert got(await queues.find_entry(api, items[0].id)).title.ref == items[0].title.ref
    gone = items[0].id.rpartition("/")[0] + "/1"
    assert failed(await queues.find_entry(api, gone)).reason is Reason.NOT_FOUND


async def test_queue_that_moves_while_it_is_read_is_read_again(sandbox: Sandbox, api: Api) -> None:
    """Pages of two states of the queue are not put together: what is given was the queue at one moment."""
    sandbox.world.switches.moves_between_pages = 1
    whole = got(await queues.read_queue(api, page_size=70))
    assert [item.title.ref.partition("netflix.com")[2] for item in whole.items] == queued(sandbox)
    sandbox.world.switches.moves_between_pages = 99
    assert failed(await queues.read_queue(api, page_size=70)).reason is Reason.TORN


async def test_etag_of_each_page_says_nothing_of_the_queue(sandbox: Sandbox, api: Api) -> None:
    """A server whose every page has an etag of its own is believed when it says the same each time."""
    sandbox.world.switches.etag_per_page = True
    assert len(got(await queues.read_queue(api, page_size=70)).items) == len(sandbox.world.queue)


async def test_server_that_hears_no_start_index_gives_no_whole_queue(sandbox: Sandbox, api: Api) -> None:
    """The first page over and over is not the queue."""
    sandbox.world.switches.ignore_start_index = True
    assert failed(await queues.read_queue(api, page_size=70)).reason is Reason.TORN
    sandbox.world.switches.ignore_start_index = False
    assert got(await queues.read_queue(api, page_size=70)).items


# ── the queue as it is changed ────────────────────────────────────────────────────────────────────


async def test_title_is_added_moved_and_removed(
    sandbox: Sandbox, api: Api, queue: queueing.KeptQueue
) -> None:
    """At its end, to its top, and out: and the world is as it is told."""
    before = queued(sandbox)
    added = await queueing.add_to_queue(queue, NEW)
    assert isinstance(added, queueing.QueueDone)
    assert [item.title.ref.partition("netflix.com")[2] for item in added.items] == [NEW]
    assert NEW in queued(sandbox)
    moved = await queueing.move_in_queue(queue, NEW, 1)
    assert isinstance(moved, queueing.QueueDone)
    assert queued(sandbox)[0] == NEW
    assert isinstance(await queueing.remove_from_queue(queue, NEW), queueing.QueueDone)
    assert queued(sandbox) == before
    assert got(await queueing.show_queue(queue)).changes == ()


async def test_another_hand_in_the_queue_is_told(
    sandbox: Sandbox, api: Api, queue: queueing.KeptQueue
) -> None:
    """What somebody else adds between a reading and a change is kept, and told with the change."""
    got(await queueing.show_queue(queue))
    other = await find_free(api, sandbox)
    got(await queues.post_title(api, other, position=1))
    done = await queueing.add_to_queue(queue, NEW, 2)
    assert isinstance(done, queueing.QueueDone)
    assert queued(sandbox)[:2] == [other.partition("/catalog")[1] + other.partition("/catalog")[2], NEW]
    assert len(done.changes) == 1


def send_home(sandbox: Sandbox) -> str:
    sandbox.world.at_home.add(int(NEW.rpartition("/")[2]))
    return NEW


def fill_queue(sandbox: Sandbox) -> str:
    sandbox.world.switches.queue_limit = len(sandbox.world.queue)
    return NEW


REFUSALS: dict[str, tuple[Callable[[Sandbox], str], int | None]] = {
    "queued already": (lambda sandbox: queued(sandbox)[0], 710),
    "no such title": (lambda _: "/catalog/titles/movies/1", 130),
    "a disc": (lambda _: "/catalog/titles/discs/80003011", 660),
    "a whole series": (lambda _: "/catalog/titles/series/70003000", None),
    "at home": (send_home, 690),
    "full": (fill_queue, 650),
}


@pytest.mark.parametrize(("arrange", "sub_code"), REFUSALS.values(), ids=REFUSALS)
async def test_what_cannot_be_queued_is_told_in_a_sentence(
    sandbox: Sandbox, queue: queueing.KeptQueue, arrange: Callable[[Sandbox], str], sub_code: int | None
) -> None:
    """Each refusal has its code and its sentence, and leaves the queue as it was."""
    ref = arrange(sandbox)
    before = queued(sandbox)
    refused = await queueing.add_to_queue(queue, ref)
    assert isinstance(refused, queueing.QueueRefused)
    assert refused.failed.sub_code == sub_code
    assert len(refused.sentence) > 15
    assert queued(sandbox) == before


async def test_saved_title_has_no_place_to_move_to(sandbox: Sandbox, queue: queueing.KeptQueue) -> None:
    """620: what is saved cannot be moved."""
    sandbox.world.withheld.add(int(NEW.rpartition("/")[2]))
    assert isinstance(await queueing.add_to_queue(queue, NEW), queueing.QueueDone)
    refused = await queueing.move_in_queue(queue, NEW, 1)
    assert isinstance(refused, queueing.QueueRefused)
    assert refused.failed.sub_code == 620
    assert got(await queueing.show_queue(queue)).changes == ()
    assert isinstance(await queueing.remove_from_queue(queue, NEW), queueing.QueueDone)


# ── history, ratings, recommendations ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["rental_history", "rental_history/watched"])
async def test_history_is_read_to_its_end(sandbox: Sandbox, api: Api, path: history.HistoryList) -> None:
    """All that was watched, with when and for how long."""
    found, why = await all_of(history.each_viewing(api, path, page_size=4))
    assert why is None
    assert len(found) == len(sandbox.world.history)
    assert all(each.watched_at and each.title.name for each in found)
    assert all(each.viewed_time is not None for each in found)


async def test_history_since_an_instant(api: Api) -> None:
    """`updated_min` leaves out what was watched before."""
    later, why = await all_of(history.each_viewing(api, updated_min=datetime.now(UTC) + timedelta(days=1)))
    assert (later, why) == ([], None)


async def test_ratings_are_given_changed_and_read(sandbox: Sandbox, api: Api) -> None:
    """The first rating, another one, and none of interest; and what the lists of ratings say of it."""
    ref = api.ref_of(NEW)
    ids: list[str] = []
    for rating in ("4", "2", "not_interested"):
        got(await ratings.rate(api, ref, rating))
        (mine,) = got(await ratings.find_ratings(api, [ref], "actual"))
        assert mine.rating == rating
        ids.append(mine.id)
    assert [each.rating for each in got(await ratings.find_ratings(api, [ref]))] == ["not_interested"]
    predicted = got(await ratings.find_ratings(api, [ref], "predicted"))
    assert [each.rating for each in predicted] == [None]
    assert float(predicted[0].predicted_rating or 0) > 0
    one = await ratings.find_rating(api, ids[-1])
    assert one is not None
    assert got(one).rating == "not_interested"
    assert any(each.title.path == NEW for each in sandbox.world.ratings)


async def test_unrated_title_has_a_prediction_and_no_rating(api: Api) -> None:
    """What was never rated is left out of the actual ratings, and has a prediction among the others."""
    ref = api.ref_of(NEW)
    assert got(await ratings.find_ratings(api, [ref], "actual")) == ()
    (only,) = got(await ratings.find_ratings(api, [ref]))
    assert only.rating is None
    assert only.predicted_rating
    assert failed(await ratings.find_rating(api, "1")).reason is Reason.NOT_FOUND


async def test_recommendations_are_the_whole_list(api: Api) -> None:
    """Page by page there are more than the 25 that a feed shows, the best first."""
    found, why = await all_of(recommendations.each_recommendation(api, page_size=40))
    first = got(await recommendations.find_recommendations(api, max_results=25))
    assert why is None
    assert len(found) == first.total
    assert len({title.ref for title in found}) == len(found) > 25
    stars = [float(title.predicted_rating or 0) for title in found]
    assert all(0 < each <= 5 for each in stars)


# ── both forms, and what goes wrong ───────────────────────────────────────────────────────────────

LISTS: dict[str, tuple[str, Callable[[Api], Awaitable[object]]]] = {
    "queue": ("queues/instant", queues.find_queue),
    "history": ("rental_history/watched", history.find_history),
    "recommendations": ("recommendations", recommendations.find_recommendations),
    "states": ("title_states", lambda api: users.find_title_states(api, [NEW, f"{NEW[:-3]}001"])),
}


class AsJson:
    """An API that is asked for JSON, whatever else is asked."""

    def __init__(self, api: Api) -> None:
        self.inner = api.caller

    async def call(self, call: object) -> object:
        url = getattr(call, "url", "")
        joined = f"{url}{'&' if '?' in url else '?'}output=json"
        outcome = await self.inner.call(type(call)(**{**_fields(call), "url": joined}))  # type: ignore[arg-type]
        assert getattr(outcome, "body", b"{").startswith(b"{")
        return outcome


def _fields(call: object) -> dict[str, object]:
    return {name: getattr(call, name) for name in call.__slots__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", LISTS)
async def test_json_says_what_xml_says(api: Api, name: str) -> None:
    """A list is the same whichever form it comes in."""
    _, ask = LISTS[name]
    as_xml = got(await ask(api))
    api.caller = AsJson(api)  # type: ignore[assignment]
    assert got(await ask(api)) == as_xml
    assert as_xml not in ((), Listing(()))


async def test_dead_access_token_says_to_sign_in_again(sandbox: Sandbox, api: Api) -> None:
    """A token that the server does not know any more."""
    got(await users.find_current_user(api))
    sandbox.world.account.access_token = "another"
    why = failed(await queues.find_queue(api))
    assert why.action is Action.SIGN_IN_AGAIN
    assert why.says
