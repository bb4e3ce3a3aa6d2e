"""`feedwatch rate`: a title rated, and rated anew, over the sandbox in both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Place, at_sandbox
from typed import DIALECTS, type_in

VERTIGO = "60000555"


@pytest.fixture(params=DIALECTS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The sandbox in a dialect, where Vertigo has not been rated."""
    with at_sandbox(tmp_path) as place:
        place.world.speak(dialect=request.param)
        place.world.ratings[:] = [each for each in place.world.ratings if each.title.name != "Vertigo"]
        yield place


def rating_of(place: Place) -> str | None:
    """What Vertigo is rated."""
    return next((each.value for each in place.world.ratings if each.title.name == "Vertigo"), None)


def test_a_title_is_rated_and_rated_anew(place: Place) -> None:
    """The first rating is given, the second takes its place; both are said, with what was before."""
    assert type_in(place, "rate", "Vertigo", 3).out == "rated Vertigo (1958) 3★\n"
    assert type_in(place, "rate", VERTIGO, 4).out == "re-rated Vertigo (1958) 3★ → 4★\n"
    assert rating_of(place) == "4"


def test_a_rating_that_is_given_again_changes_nothing(place: Place) -> None:
    """Nothing is asked of the server that is so already."""
    type_in(place, "rate", "Vertigo", 3)
    changes = sum(place.world.requests["rating_changes"].values())
    assert type_in(place, "rate", "Vertigo", 3).out == "Vertigo (1958) has 3★ already\n"
    assert sum(place.world.requests["rating_changes"].values()) == changes


def test_a_rating_in_json_has_stable_keys(place: Place) -> None:
    """A program is told what was done, and what was before."""
    rows = [
        type_in(place, "rate", "Vertigo", rating, "--json").rows[0] for rating in (2, 2, "not-interested")
    ]
    assert list(rows[0]) == ["done", "title", "rating", "previous_rating", "id", "ref"]
    assert [(row["done"], row["rating"], row["previous_rating"]) for row in rows] == [
        ("rated", "2", None),
        ("unchanged", "2", "2"),
        ("re-rated", "not_interested", "2"),
    ]
    assert rating_of(place) == "not_interested"


def test_no_opinion_takes_no_rating_back(place: Place) -> None:
    """The API has no way to do that: it is said, and what was given stays."""
    assert type_in(place, "rate", "Vertigo", "no-opinion").status == 0
    type_in(place, "rate", "Vertigo", 5)
    ran = type_in(place, "rate", "Vertigo", "no-opinion")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        "error: Vertigo (1958) keeps its rating, 5★: the server has no way to take one back. "
        "Give 1 to 5, or not-interested\n"
    )
    assert rating_of(place) == "5"


def test_what_is_no_rating_is_refused_before_anybody_is_asked(place: Place) -> None:
    """It is the command line that is wrong, and it is said which ratings there are."""
    asked = sum(map(sum, (each.values() for each in place.world.requests.values())))
    ran = type_in(place, "rate", "Vertigo", "6")
    assert ran.status == 2
    assert "'6' is no rating: give 1 to 5, not-interested or no-opinion" in ran.err
    assert sum(map(sum, (each.values() for each in place.world.requests.values()))) == asked


def test_a_rating_that_was_taken_though_the_server_failed_is_said_to_be_given(place: Place) -> None:
    """It is looked at before anything is repeated or complained of."""
    place.world.fail(feed="rating_changes", fault="500-late")
    assert type_in(place, "rate", "Vertigo", 3).out == "rated Vertigo (1958) 3★\n"
    assert rating_of(place) == "3"


def test_the_ratings_are_due_for_a_poll_once_one_is_given(tmp_path: Path) -> None:
    """The list that has changed is polled soon, and no other."""
    with at_sandbox(tmp_path) as place:
        place.run("poll")
        before = {row["feed"]: row["next_poll_at"] for row in place.run("status", "--json").rows}
        assert type_in(place, "rate", "Platoon", 3).status == 0
        after = {row["feed"]: row["next_poll_at"] for row in place.run("status", "--json").rows}
        assert {feed for feed, at in after.items() if at != before[feed]} == {"jane/ratings"}
