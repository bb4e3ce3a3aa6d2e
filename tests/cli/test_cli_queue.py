"""`feedwatch queue`: a person's queue shown and changed, over the sandbox in both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Place, at_sandbox
from sinks import WebhookSink
from typed import DIALECTS, type_in

from feedwatch.sandbox.titles import Title

HELD = "Vertigo"
"""A title that is not in the queue at first."""
FIRST = "An American in Paris"


@pytest.fixture(params=DIALECTS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The sandbox in a dialect, with twelve titles in the queue."""
    with at_sandbox(tmp_path) as place:
        place.world.speak(dialect=request.param)
        yield place


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Place]:
    """The sandbox as the reference has it: where a dialect makes no difference."""
    with at_sandbox(tmp_path) as place:
        yield place


def names(place: Place) -> list[str]:
    """What is in the queue, in its order."""
    return [each.title.name for each in place.world.queue]


# ── looking ───────────────────────────────────────────────────────────────────────────────────────


def test_the_queue_is_listed_in_its_order(place: Place) -> None:
    """As its server has it now, with places that count from 1; saved titles come last and have none."""
    place.world.save(title="Laura")
    rows = type_in(place, "queue", "list", "--json").rows
    assert list(rows[0]) == [
        *("position", "title", "year", "availability", "saved", "id", "ref", "link", "updated_at"),
    ]
    assert [row["title"] for row in rows] == names(place)
    assert [row["position"] for row in rows] == [*range(1, len(rows)), None]
    assert [row["title"] for row in type_in(place, "queue", "list", "--saved", "--json").rows] == ["Laura"]


def test_an_empty_queue_says_so(place: Place) -> None:
    """That there is nothing is an answer, not a failure."""
    place.world.queue.clear()
    ran = type_in(place, "queue", "list")
    assert (ran.status, ran.out) == (0, "the queue of jane is empty\n")


# ── changing ──────────────────────────────────────────────────────────────────────────────────────


def test_a_title_is_added_at_the_end_and_at_a_place(place: Place) -> None:
    """It is said where it is now, to a person and to a program."""
    assert type_in(place, "queue", "add", "Vertigo").out == "added Vertigo (1958) at 13\n"
    row = type_in(place, "queue", "add", "psycho", "--at", 2, "--json").rows[0]
    assert list(row) == [
        *("done", "title", "position", "previous_position", "saved", "id", "ref", "meanwhile"),
    ]
    assert [row[key] for key in ("done", "title", "position", "meanwhile")] == ["added", "Psycho", 2, []]
    assert (names(place)[1], names(place)[-1]) == ("Psycho", "Vertigo")


def test_a_title_that_cannot_be_had_yet_is_saved(place: Place) -> None:
    """It is said that it has no place, and why."""
    place.world.withhold(title=HELD)
    assert type_in(place, "queue", "add", HELD).out == (
        "Vertigo (1958) is saved: it is not to be had yet, and moves into the queue when it is\n"
    )


def test_a_title_in_the_queue_that_is_added_at_a_place_has_been_moved(place: Place) -> None:
    """That is what its server does, and so that is what is said."""
    assert type_in(place, "queue", "add", "Platoon", "--at", 1).out == "moved Platoon (1986) from 3 to 1\n"


@pytest.mark.parametrize("typed", ["3", "#3", "platoon", "60000074", "movies/60000074", "Platoon (1986)"])
def test_a_title_in_the_queue_is_named_in_any_of_these_ways(reference: Place, typed: str) -> None:
    """Its place, its number or its name: what is meant is looked for in the queue."""
    ran = type_in(reference, "queue", "move", typed, "--to", 1)
    assert (ran.status, ran.out) == (0, "moved Platoon (1986) from 3 to 1\n")
    assert names(reference)[0] == "Platoon"


def test_a_place_beyond_the_end_is_the_end(reference: Place) -> None:
    """It is said where the title really is."""
    assert type_in(reference, "queue", "move", FIRST, "--to", 99).out == (
        "moved An American in Paris (1951) from 1 to 12\n"
    )


def test_a_title_that_is_moved_to_its_place_stays_there(place: Place) -> None:
    """Nothing has moved, and nothing says so."""
    assert type_in(place, "queue", "move", "Platoon", "--to", 3).out == "Platoon (1986) stays at 3\n"


def test_a_title_is_removed(place: Place) -> None:
    """It is said where it was; a second time there is nothing to remove."""
    assert type_in(place, "queue", "remove", "Platoon").out == "removed Platoon (1986), which was at 3\n"
    assert "Platoon" not in names(place)
    ran = type_in(place, "queue", "remove", "Platoon")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "error: 'Platoon' is not in the queue. `feedwatch queue list` shows what is\n"


def test_after_a_removal_the_queue_can_be_changed_at_once(place: Place) -> None:
    """A removal brings no etag: the next change reads the queue first, by itself."""
    type_in(place, "queue", "remove", 1)
    assert type_in(place, "queue", "add", HELD).out == "added Vertigo (1958) at 12\n"


def test_a_misspelt_title_changes_nothing(reference: Place) -> None:
    """What may be meant is said; nothing is guessed."""
    ran = type_in(reference, "queue", "remove", "platon")
    assert (ran.status, ran.err) == (1, "error: 'platon' is not in the queue. Did you mean Platoon?\n")
    assert "Platoon" in names(reference)


def test_of_several_titles_with_a_name_none_is_added(reference: Place) -> None:
    """The command that was typed is shown with a number in the name's place."""
    reference.world.catalog.append(Title(69_999_999, HELD, 2020))
    ran = type_in(reference, "queue", "add", HELD, "--at", 3)
    assert (ran.status, ran.out) == (1, "")
    assert "say which one, for example:  feedwatch queue add 60000555 --at 3\n" in ran.err
    assert HELD not in names(reference)


# ── what others change meanwhile ──────────────────────────────────────────────────────────────────


def test_what_others_changed_meanwhile_is_said_and_the_change_is_made(place: Place) -> None:
    """A 412 has the queue read again: it is said what moved, and then what was asked is done."""
    type_in(place, "queue", "list")
    place.world.add(title="Psycho", position=1)
    place.world.remove(title="Ikiru")
    ran = type_in(place, "queue", "add", HELD)
    assert ran.status == 0
    meanwhile, done = ran.out.splitlines()
    assert meanwhile.startswith("meanwhile: ")
    assert "added Psycho at 1" in meanwhile
    assert "removed Ikiru" in meanwhile
    assert done == "added Vertigo (1958) at 13"
    assert place.world.requests["queue_changes"]["412"] == 1


def test_what_others_changed_meanwhile_stands_in_json(reference: Place) -> None:
    """A program is told the same, in the one object of the answer."""
    type_in(reference, "queue", "list")
    reference.world.add(title="Psycho", position=1)
    row = type_in(reference, "queue", "add", HELD, "--json").rows[0]
    assert row["meanwhile"] == [
        {"change": "added", "title": "Psycho", "position": 1, "previous_position": None}
    ]


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["add", "Platoon"], "it is in the queue already: `feedwatch queue move` changes its place"),
        (
            ["add", "series/70000000"],
            "a series as a whole has no place in a queue: name a season or an episode of it",
        ),
        (["add", "discs/90000185"], "the server does not know this for a title: give its address in the"),
        (["add", "Home Again"], "it is at your home already: send it back before you ask for it again"),
        (["add", HELD, "--at", "1"], "the queue is full: remove a title from it first"),
        (
            ["move", "Saved", "--to", "1"],
            "it is saved until it can be had, and has no place to move to before",
        ),
    ],
    ids=["710", "series", "660", "690", "650", "620"],
)
def test_a_refusal_is_a_sentence_that_says_what_to_do(
    tmp_path: Path, dialect: str, command: list[str], says: str
) -> None:
    """Whatever the server has against it, nothing is changed, and it is said why and what to do."""
    with at_sandbox(tmp_path) as place:
        place.world.speak(dialect=dialect)
        place.world.save(title="Saved")
        place.world.catalog.append(Title(69_999_997, "Home Again", 2001))
        place.world.send_home(title="Home Again")
        if "--at" in command:
            place.world.switches.queue_limit = len(place.world.queue)
        before = names(place)
        ran = type_in(place, "queue", *command)
        assert (ran.status, ran.out) == (1, "")
        assert f" was not {'moved' if command[0] == 'move' else 'added'}: {says}" in ran.err
        assert names(place) == before


def test_a_change_that_was_made_though_the_server_failed_is_not_made_twice(reference: Place) -> None:
    """The queue is looked at before anything is repeated; that it is done is what is said."""
    reference.world.fail(feed="queue_changes", fault="500-late")
    assert type_in(reference, "queue", "add", HELD).out == "added Vertigo (1958) at 13\n"
    assert names(reference).count(HELD) == 1


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "said", "later"),
    [
        ("500", "the server has a fault", ""),
        ("503-later", "the server is not available", ", in 10 min"),
        ("cut", "its server breaks off in the middle (the reply ended too early)", ""),
    ],
)
def test_a_server_that_fails_leaves_open_whether_it_was_done(
    reference: Place, fault: str, said: str, later: str
) -> None:
    """Nothing is claimed that nobody knows: what to look at is said, and when."""
    type_in(reference, "queue", "list")
    reference.world.fail(feed="queue_changes", fault=fault, times=50)
    ran = type_in(reference, "queue", "add", HELD)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        f"error: Vertigo (1958) was perhaps not added: {said}: "
        f"`feedwatch queue list` shows whether it was done{later}\n"
    )


# ── the daemon's part ─────────────────────────────────────────────────────────────────────────────


def test_a_change_is_told_once_by_the_next_round(tmp_path: Path) -> None:
    """The queue is due for a poll at once, and no other list is; that tells it, and nobody else does."""
    with WebhookSink() as sink, at_sandbox(tmp_path, targets=f"  phone: {sink.url}") as place:
        assert place.run("poll").status == 0
        before = {row["feed"]: row["next_poll_at"] for row in place.run("status", "--json").rows}
        told_before = len(sink.received)
        assert type_in(place, "queue", "add", HELD).status == 0
        after = {row["feed"]: row["next_poll_at"] for row in place.run("status", "--json").rows}
        assert after.pop("jane/queue") < before.pop("jane/queue")
        assert after == before
        assert len(sink.received) == told_before
        assert place.run("poll").status == 0
        assert place.run("poll").status == 0
        told = [each for each in sink.received[told_before:] if HELD.encode() in each.body]
        assert len(told) == 1
