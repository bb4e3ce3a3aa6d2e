"""The API's limits, enforced before the call: what is refused, in which words, and that nobody is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from apis import opening_api
from apiserver import Answer, ApiServer, serving_answers

from feedwatch.errors import RequestRefused
from feedwatch.netflix import catalog, history, people, queueing, queues, ratings, recommendations, users
from feedwatch.netflix.api import Api

FILM = "http://api.netflix.com/catalog/titles/movies/60001"
FILMS = [f"/catalog/titles/movies/{n}" for n in range(501)]

TOO_MUCH: dict[str, tuple[Callable[[Api], Awaitable[object]], str]] = {
    "101 found titles": (
        lambda api: catalog.search_titles(api, "x", max_results=101),
        "1 to 100 here, not 101",
    ),
    "no results": (lambda api: catalog.search_titles(api, "x", max_results=0), "1 to 100 here, not 0"),
    "before the first": (lambda api: catalog.search_titles(api, "x", start_index=-1), "counts from 0"),
    "nothing to search": (lambda api: catalog.search_titles(api, " "), "nothing to search for"),
    "half a character": (lambda api: catalog.search_titles(api, "caf\udce9"), "no UTF-8"),
    "nothing to complete": (lambda api: catalog.complete_title(api, ""), "nothing to search for"),
    "501 similars": (lambda api: catalog.find_similars(api, FILM, max_results=501), "1 to 500 here, not 501"),
    "501 people": (lambda api: people.search_people(api, "x", max_results=501), "1 to 500 here, not 501"),
    "501 queued": (lambda api: queues.find_queue(api, max_results=501), "1 to 500 here, not 501"),
    "501 watched": (lambda api: history.find_history(api, max_results=501), "1 to 500 here, not 501"),
    "501 recommended": (
        lambda api: recommendations.find_recommendations(api, max_results=501),
        "1 to 500 here, not 501",
    ),
    "another order": (lambda api: queues.find_queue(api, sort="best"), "sorted by queue_sequence"),  # type: ignore[arg-type]
    "before 1970": (
        lambda api: history.find_history(api, updated_min=datetime(1969, 1, 1, tzinfo=UTC)),
        "since 1970",
    ),
    "501 states": (lambda api: users.find_title_states(api, FILMS), "1 to 500 titles, not 501"),
    "no state": (lambda api: users.find_title_states(api, []), "1 to 500 titles, not 0"),
    "501 ratings": (lambda api: ratings.find_ratings(api, FILMS), "1 to 500 titles, not 501"),
    "501 predictions": (
        lambda api: ratings.find_ratings(api, FILMS, "predicted"),
        "1 to 500 titles, not 501",
    ),
    "two in one": (lambda api: users.find_title_states(api, [f"{FILM},{FILM}"]), "no title of the catalog"),
    "six stars": (lambda api: ratings.rate(api, FILM, 6), "a rating is 1, 2, 3, 4, 5"),
    "no stars": (lambda api: ratings.rate(api, FILM, "0"), "a rating is 1, 2, 3, 4, 5"),
    "half a star": (lambda api: ratings.give_rating(api, FILM, "3.5"), "a rating is 1, 2, 3, 4, 5"),
    "taken back": (lambda api: ratings.change_rating(api, "1", "no_opinion"), "cannot replace a rating"),
    "no title rated": (
        lambda api: ratings.rate(api, "http://elsewhere.example/", 3),
        "no title of the catalog",
    ),
    "place zero": (lambda api: queues.post_title(api, FILM, position=0), "count from 1"),
    "no title queued": (lambda api: queues.post_title(api, "Alien"), "no title of the catalog"),
    "no entry": (lambda api: queues.delete_entry(api, FILM), "no entry of a queue"),
    "an entry without end": (
        lambda api: queues.delete_entry(api, "/users/x/queues/instant/saved/" * 9000 + "?"),
        "no entry of a queue",
    ),
    "no title shown": (lambda api: catalog.find_title(api, "/users/current"), "no title of the catalog"),
    "nobody shown": (lambda api: people.find_person(api, "Fernbrook"), "nobody of the catalog"),
}


@pytest.fixture
async def client() -> AsyncIterator[tuple[Api, ApiServer]]:
    with serving_answers(lambda _: Answer(500)) as server:
        async with opening_api(server.base) as api:
            yield api, server


@pytest.mark.parametrize(("ask", "words"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_what_passes_a_limit_is_refused_and_never_asked(
    client: tuple[Api, ApiServer], ask: Callable[[Api], Awaitable[object]], words: str
) -> None:
    """A call that the API would refuse is not made; the error has the limit in it."""
    api, server = client
    with pytest.raises(RequestRefused, match=words):
        await ask(api)
    assert server.asked == []


@pytest.mark.parametrize(
    "pages",
    [
        lambda api: catalog.each_found_title(api, "x", page_size=101),
        lambda api: catalog.each_similar(api, FILM, page_size=501),
        lambda api: people.each_found_person(api, "x", page_size=501),
        lambda api: queues.each_queue_page(api, page_size=501),
        lambda api: history.each_viewing(api, page_size=501),
        lambda api: recommendations.each_recommendation(api, page_size=501),
    ],
)
async def test_page_that_is_too_large_is_refused_at_once(
    client: tuple[Api, ApiServer], pages: Callable[[Api], object]
) -> None:
    """Whoever asks for pages that are too large is told when asking, and not with the first page."""
    with pytest.raises(RequestRefused, match="max_results"):
        pages(client[0])


async def test_everything_at_its_limit_is_asked(client: tuple[Api, ApiServer]) -> None:
    """The limits themselves are allowed: 100 titles found, 500 of all else, 500 titles asked about."""
    api, server = client
    await catalog.search_titles(api, "x", max_results=100)
    await people.search_people(api, "x", max_results=500)
    await users.find_title_states(api, FILMS[:500])
    await ratings.find_ratings(api, FILMS[:500], "actual")
    assert len(server.asked) == 4
    assert server.asked[2].parameters["title_refs"].count(",") == 499


@pytest.mark.parametrize("typed", ["60001", "movies/60001", "/catalog/titles/movies/60001", FILM, " 60001 "])
def test_title_is_named_in_many_ways(typed: str) -> None:
    """A number, a kind and a number, a path, an address: all are the same film."""
    assert catalog.title_ref_of(typed).endswith("/catalog/titles/movies/60001")


@pytest.mark.parametrize(
    "typed", ["", "Alien", "movies/", "http://www.netflix.com/Movie/x/60001", "people/7"]
)
def test_what_names_no_title_is_refused_with_what_to_do(typed: str) -> None:
    """A name, a page for people, a person: an error that says where addresses of titles come from."""
    with pytest.raises(RequestRefused, match="feedwatch titles search"):
        catalog.title_ref_of(typed)


async def test_queue_is_never_added_to_by_a_bad_request(client: tuple[Api, ApiServer]) -> None:
    """What is no title or no place is refused before the queue is read."""
    api, server = client
    queue = queueing.KeptQueue(api, readings=NotKept())
    for refused in (
        queueing.add_to_queue(queue, "Alien"),
        queueing.add_to_queue(queue, FILM, 0),
        queueing.move_in_queue(queue, FILM, -1),
        queueing.remove_from_queue(queue, "Alien"),
    ):
        with pytest.raises(RequestRefused):
            await refused
    assert server.asked == []


class NotKept:
    """No reading is looked for, and none is kept."""

    async def find(self) -> None:
        raise AssertionError

    async def keep(self, _: object) -> None:
        raise AssertionError
