"""The calls of TMDB that the sandbox answers: searches, posters, and its own way of refusing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from application import Application, applying
from asking import Answer, ask

from feedwatch.sandbox import World
from feedwatch.sandbox.tmdb import MOST_CALLS, WITHIN


@pytest.fixture
def app() -> Iterator[Application]:
    with applying() as app:
        yield app


def search(app: Application, what: str = "movie", **said: str) -> Answer:
    query = {"api_key": app.world.account.tmdb_key} | said
    return ask(f"{app.base}/3/search/{what}?{urlencode(query)}")


def refusal(answer: Answer) -> tuple[int, int, str]:
    assert answer.json["success"] is False
    return answer.status, answer.json["status_code"], answer.json["status_message"]


def test_film_is_found_by_name_and_year(app: Application) -> None:
    """With its date, an overview, and a poster that is there; in another year it is not."""
    page = search(app, query="Casablanca", year="1942").json
    assert (page["page"], page["total_results"], page["total_pages"]) == (1, 1, 1)
    film = page["results"][0]
    assert (film["title"], film["release_date"][:4]) == ("Casablanca", "1942")
    assert film["overview"]
    poster = ask(f"{app.base}/t/p/w342{film['poster_path']}")
    assert (poster.status, poster.headers["content-type"]) == (200, "image/png")
    assert search(app, query="Casablanca", year="1943").json["results"] == []


def test_series_is_found_as_a_series_only(app: Application) -> None:
    """Films and series are searched apart, and each has its own names for name and date."""
    series = search(app, "tv", query="Harbour Street").json["results"]
    assert [each["name"] for each in series] == ["Harbour Street"]
    year = series[0]["first_air_date"][:4]
    assert search(app, "tv", query="Harbour Street", first_air_date_year=year).json["total_results"] == 1
    assert search(app, "movie", query="Harbour Street").json["results"] == []


def test_results_are_paged_by_twenty(app: Application) -> None:
    """And pages count from 1."""
    first = search(app, query="e").json
    assert len(first["results"]) == 20
    assert search(app, query="e", page="2").json["results"][0] not in first["results"]
    for page in ("0", "1001", "x"):
        assert refusal(search(app, query="e", page=page))[:2] == (400, 22)


@pytest.mark.parametrize("key", ["", "wrong"])
def test_wrong_key_is_refused(app: Application, key: str) -> None:
    """401, with the code that TMDB has for it."""
    said = (401, 7, "Invalid API key: You must be granted a valid key.")
    assert refusal(search(app, query="M", api_key=key)) == said


def test_bad_calls_are_refused_in_json(app: Application) -> None:
    """No query, a year that is none, an address that is none."""
    assert refusal(search(app))[:2] == refusal(search(app, query="M", year="soon"))[:2] == (422, 5)
    assert refusal(search(app, "person", query="M"))[:2] == (404, 34)
    assert ask(f"{app.base}/t/p/w342/../x.png").status == 404
    assert ask(f"{app.base}/t/p/w341/60000000.png").status == 404


def test_forty_calls_are_answered_in_ten_seconds(app: Application) -> None:
    """The next is refused with Retry-After, and answered once that is over."""
    now = [1_790_000_000.0]
    app.sandbox.world, app.sandbox.clock = World(queue=3), lambda: now[0]
    for _ in range(MOST_CALLS):
        assert search(app, query="M").status == 200
        now[0] += 0.1
    answer = search(app, query="M")
    assert refusal(answer)[:2] == (429, 25)
    wait = int(answer.headers["retry-after"])
    assert 1 <= wait <= WITHIN
    now[0] += wait
    assert search(app, query="M").status == 200


def test_it_can_fail_by_order(app: Application) -> None:
    """And its calls are counted."""
    app.order("fail", feed="tmdb", fault="503")
    assert search(app, query="M").status == 503
    assert search(app, query="M").status == 200
    assert app.world.requests["tmdb"] == {"all": 2, "503": 1, "200": 1}
