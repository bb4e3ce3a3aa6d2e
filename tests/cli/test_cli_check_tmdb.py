"""`feedwatch check` where TMDB is configured: whether it answers, and whether it knows the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Place, at_sandbox
from typed import type_in


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with at_sandbox(tmp_path) as place:
        yield place


def check_tmdb(place: Place, *, key: str | None) -> tuple[int, list[tuple[bool, str | None]]]:
    """How `check` ends with a key, and what it says of TMDB."""
    place.configure(more=f"tmdb: {{api_key: {key}, url: '{place.base}'}}\n" if key else "")
    ran = type_in(place, "check", "--json")
    return ran.status, [(row["ok"], row["problem"]) for row in ran.rows if row["subject"] == "tmdb"]


def test_tmdb_that_knows_the_key_is_well(place: Place) -> None:
    """It is asked once, for a film that is surely there."""
    assert check_tmdb(place, key=place.world.account.tmdb_key) == (0, [(True, None)])
    assert place.world.requests["tmdb"]["200"] == 1


def test_wrong_key_is_said_with_the_line_to_look_at(place: Place) -> None:
    """Messages would only go without details: here it is a fault, and the key is not shown."""
    status, ((ok, problem),) = check_tmdb(place, key="no-key-at-all")
    assert (status, ok) == (1, False)
    assert problem == "TMDB does not know the API key: look at tmdb.api_key in the configuration"


def test_tmdb_that_does_not_answer_well_is_said(place: Place) -> None:
    """What it answers in place of a film is said in words."""
    place.world.fail(feed="tmdb", fault="503", times=9)
    status, ((ok, problem),) = check_tmdb(place, key=place.world.account.tmdb_key)
    assert (status, ok) == (1, False)
    assert problem


def test_where_tmdb_is_not_configured_it_is_not_asked(place: Place) -> None:
    """Nobody learns of a title who is not named."""
    assert check_tmdb(place, key=None) == (0, [])
    assert "tmdb" not in place.world.requests or not place.world.requests["tmdb"]
