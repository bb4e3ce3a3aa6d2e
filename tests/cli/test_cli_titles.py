"""`feedwatch titles` and `feedwatch people`, over the sandbox's catalog, in both dialects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from logins import take_tokens_out
from running import Place, at_sandbox
from typed import DIALECTS, type_in

from feedwatch.sandbox.titles import Title

CASABLANCA = "60000185"
KEYS = [
    *("title", "year", "certificate", "runtime", "genres", "average_rating", "predicted_rating"),
    *("id", "ref", "link"),
]


@pytest.fixture(params=DIALECTS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The sandbox in a dialect, and an account there that is signed in."""
    with at_sandbox(tmp_path) as place:
        place.world.speak(dialect=request.param)
        yield place


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Place]:
    """The sandbox as the reference has it: where a dialect makes no difference."""
    with at_sandbox(tmp_path) as place:
        yield place


# ── searching ─────────────────────────────────────────────────────────────────────────────────────


def test_a_search_lists_titles_with_what_to_type_for_them(place: Place) -> None:
    """The best match comes first, with its number; no more are shown than were asked for."""
    ran = type_in(place, "titles", "search", "tide", "--limit", 3)
    assert ran.status == 0
    heading, *lines = ran.out.splitlines()
    assert heading.split() == ["TITLE", "YEAR", "RATING", "GENRES", "ID"]
    assert len(lines) == 3
    assert all("Tide" in line for line in lines)


def test_a_search_in_json_has_stable_keys(place: Place) -> None:
    """A program finds the same keys in each line, and the reference that the server knows."""
    row = type_in(place, "titles", "search", "casablanca", "--json").rows[0]
    assert list(row) == KEYS
    assert (row["title"], row["year"], row["id"]) == ("Casablanca", 1942, CASABLANCA)
    assert row["ref"].endswith(f"/catalog/titles/movies/{CASABLANCA}")


def test_a_search_goes_on_beyond_a_page_of_the_server(reference: Place) -> None:
    """More than the hundred that a server gives at once are had in pages, each title once."""
    rows = type_in(reference, "titles", "search", "a", "--limit", 150, "--json").rows
    assert len({row["ref"] for row in rows}) == 150


def test_a_search_that_finds_nothing_says_so(reference: Place) -> None:
    """Nothing found is no failure; in JSON it is no line."""
    assert type_in(reference, "titles", "search", "zzyzx").out == "no title is found by: zzyzx\n"
    assert type_in(reference, "titles", "search", "zzyzx", "--json").out == ""


# ── one title ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "typed",
    [
        ["Casablanca"],
        ["casablanca (1942)"],
        [CASABLANCA],
        [f"movies/{CASABLANCA}"],
        [f"http://api.netflix.com/catalog/titles/movies/{CASABLANCA}"],
    ],
    ids=["name", "name and year", "number", "path", "address"],
)
def test_a_title_is_named_in_any_of_these_ways(reference: Place, typed: list[str]) -> None:
    """Whatever somebody has at hand names the title."""
    ran = type_in(reference, "titles", "show", *typed, "--json")
    assert [row["title"] for row in ran.rows] == ["Casablanca"]


def test_a_title_is_shown_on_one_screen(place: Place) -> None:
    """All that the title links to stands there, and how the person stands to it."""
    place.world.rate(title="Casablanca", value="4")
    ran = type_in(place, "titles", "show", "Casablanca")
    assert ran.status == 0
    assert ran.err == ""
    lines = ran.out.splitlines()
    assert lines[0] == "Casablanca (1942)"
    assert lines[1].startswith("film · 1 h 16 min · G · ")
    labels = [line.split()[0] for line in lines[5:] if not line.startswith(" ")]
    assert [each for each in labels if each in _LABELS] == _LABELS
    said = {line.split()[0]: line for line in lines[5:]}
    assert "yours 4★" in said["Ratings"]
    assert "in your queue already; can be played" in said["You"]
    assert said["Id"].split() == ["Id", CASABLANCA]


_LABELS = ["Ratings", "You", "Directors", "Cast", "Formats", "Languages", "Picture", "Similar", "Page", "Id"]


def test_a_series_is_shown_with_its_seasons_and_a_season_with_its_episodes(place: Place) -> None:
    """Each is named with what to type for it; that shows it."""
    series = type_in(place, "titles", "show", "Ninth", "Tide", "--json").rows[0]
    assert series["id"].startswith("series/")
    season = type_in(place, "titles", "show", series["seasons"][1]["id"], "--json").rows[0]
    assert season["title"] == "Ninth Tide: Season 2"
    assert len(season["episodes"]) >= 4
    episode = type_in(place, "titles", "show", season["episodes"][0]["id"])
    assert episode.out.splitlines()[1].startswith("programme")


def test_a_title_in_json_has_stable_keys(place: Place) -> None:
    """A program finds every part under its own key, whether there is any of it or not."""
    row = type_in(place, "titles", "show", CASABLANCA, "--json").rows[0]
    assert list(row) == [
        *KEYS,
        *("own_rating", "queued", "playable", "synopsis", "directors", "cast", "awards", "formats"),
        *("languages", "screen_formats", "seasons", "episodes", "discs", "bonus", "previews", "similars"),
        *("box_art", "official_link", "missing"),
    ]
    assert (row["queued"], row["missing"]) == (True, [])
    assert row["cast"]
    assert row["synopsis"]
    assert row["formats"][0]["format"]


def test_a_title_is_shown_without_being_signed_in(place: Place) -> None:
    """The catalog is everybody's: only what is the person's own is left out, and nothing is complained of."""
    take_tokens_out(place.config)
    ran = type_in(place, "titles", "show", CASABLANCA, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert [ran.rows[0][key] for key in ("queued", "playable", "own_rating")] == [None, None, None]


def test_a_part_that_cannot_be_had_is_named_and_the_rest_is_shown(reference: Place) -> None:
    """A fault of the server at one of the parts costs that part, and is said beside the answer."""
    reference.world.fail(feed="ratings", fault="500", times=20)
    ran = type_in(reference, "titles", "show", CASABLANCA)
    assert ran.status == 0
    assert "Similar" in ran.out
    assert ran.err.startswith("not to be had now: your rating (")
    assert type_in(reference, "titles", "show", CASABLANCA, "--json").rows[0]["missing"] == ["your rating"]


def test_of_several_titles_with_a_name_nothing_is_shown_but_which_there_are(place: Place) -> None:
    """With a year behind its name, or its number, one of them can be named."""
    place.world.catalog.append(Title(69_999_999, "Casablanca", 2020))
    ran = type_in(place, "titles", "show", "casablanca")
    assert (ran.status, ran.out) == (1, "")
    first, *lines = ran.err.splitlines()
    assert first == (
        "error: 2 titles are called 'casablanca'; say which one, for example:  "
        f"feedwatch titles show {CASABLANCA}"
    )
    assert [line.split() for line in lines] == [
        [CASABLANCA, "Casablanca", "(1942)"],
        ["69999999", "Casablanca", "(2020)"],
    ]
    assert type_in(place, "titles", "show", "Casablanca (2020)", "--json").rows[0]["id"] == "69999999"


def test_a_part_of_a_name_shows_nothing_but_what_it_may_mean(reference: Place) -> None:
    """What is not the whole name of a title is not taken for one."""
    ran = type_in(reference, "titles", "show", "casab")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        f"error: no title is called exactly 'casab'; for this one, type:  feedwatch titles show {CASABLANCA}",
        f"  {CASABLANCA}  Casablanca (1942)",
    ]


def test_a_number_that_is_a_name_is_found_where_no_title_has_it(reference: Place) -> None:
    """A film may be called like a year."""
    reference.world.catalog.append(Title(69_999_998, "1984", 1984))
    assert type_in(reference, "titles", "show", "1984", "--json").rows[0]["id"] == "69999998"
    ran = type_in(reference, "titles", "show", "99999999")
    assert (ran.status, ran.err) == (1, "error: no title has this number or name: '99999999'\n")


def test_a_server_that_is_tired_half_way_is_not_asked_for_the_rest(reference: Place) -> None:
    """What came is shown, all that is missing is named, and no more than one call has been refused."""
    now = time.time()
    reference.sandbox.clock = lambda: now
    reference.world.switches.calls_per_second = 3
    ran = type_in(reference, "titles", "show", CASABLANCA)
    assert ran.status == 0
    assert ran.out.startswith("Casablanca (1942)\n")
    assert "Directors" in ran.out
    assert "Cast" not in ran.out
    assert len(ran.err.splitlines()) == 1
    assert ran.err.startswith("not to be had now: cast, format availability, ")
    assert ran.err.endswith(
        "your queue, your rating (the server has been asked too often; try again in 1 s)\n"
    )
    assert sum(counts.get("429", 0) for counts in reference.world.requests.values()) <= 1


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_sheet_fits_its_terminal(reference: Place, columns: int) -> None:
    """No line is wider than the terminal, nor than anybody reads at once; but addresses stay whole."""
    ran = reference.run_on_terminal("titles", "show", "Ninth", "Tide", columns=columns)
    assert ran.status == 0
    shown = ran.out.rpartition("\r\x1b[K")[2]  # what was shown while it was asked for is gone
    lines = shown.splitlines()
    assert lines[0] == "Ninth Tide (1968)"
    assert max(len(line) for line in lines if "://" not in line) <= min(columns, 100)
    assert "http://www.netflix.com/Movie/Ninth_Tide/70000000" in shown


# ── what is like it, and what is recommended ──────────────────────────────────────────────────────


def test_similar_titles_are_listed(place: Place) -> None:
    """As many as asked for, and never the title itself."""
    rows = type_in(place, "titles", "similar", "Casablanca", "--limit", 5, "--json").rows
    assert len(rows) == 5
    assert CASABLANCA not in {row["id"] for row in rows}


def test_all_recommendations_are_listed_where_a_feed_shows_some(place: Place) -> None:
    """The whole list, each title with what it is thought to be to the person."""
    rows = type_in(place, "titles", "recommended", "--json").rows
    assert len(rows) > len(place.world.recommendations)
    assert all(row["predicted_rating"] for row in rows)
    assert type_in(place, "titles", "recommended", "--limit", 2, "--json").rows == rows[:2]


def test_a_list_that_breaks_off_is_shown_as_far_as_it_came(reference: Place) -> None:
    """What came is printed; that it is not all of it is an error."""
    now = time.time()
    reference.sandbox.clock = lambda: now  # so that one call is all that it ever grants
    reference.world.switches.calls_per_second = 1
    ran = type_in(reference, "titles", "search", "a", "--limit", 150, "--json")
    assert ran.status == 1
    assert len(ran.rows) == 100
    assert ran.err == ("error: only 100 came: the server has been asked too often; try again in 1 s\n")


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def test_people_are_searched_and_shown(place: Place) -> None:
    """A search gives the number that shows somebody: who it is, and every title with them."""
    found = type_in(place, "people", "search", "fernbrook", "--limit", 4, "--json").rows
    assert [list(row) for row in found] == [["name", "id", "ref", "link"]] * 4
    row = type_in(place, "people", "show", found[0]["id"], "--json").rows[0]
    assert list(row) == ["name", "id", "ref", "link", "biography", "filmography"]
    assert row["name"] == found[0]["name"]
    shown = type_in(place, "people", "show", *found[0]["name"].split())
    assert shown.out.splitlines()[0] == found[0]["name"]
    for film in row["filmography"]:
        assert film["title"] in shown.out


def test_nobody_is_shown_for_a_part_of_a_name(reference: Place) -> None:
    """Who may be meant is listed, with what to type."""
    ran = type_in(reference, "people", "show", "fernbrook")
    assert (ran.status, ran.out) == (1, "")
    assert "for example:  feedwatch people show 2000" in ran.err
    assert "and 10 more" in ran.err
    assert type_in(reference, "people", "show", "zzyzx").err == "error: no person is called: 'zzyzx'\n"
