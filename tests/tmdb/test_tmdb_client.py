"""The client of TMDB: its limit, its answers however broken, and which of them is believed."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import Answered, AskOutcome, FetchFailed, Reason
from feedwatch.core.statuses import Action
from feedwatch.core.subjects import NamedTitle
from feedwatch.tmdb import DEFAULT_SERVER, RATE, Pace, Tmdb, TmdbFailed
from feedwatch.tmdb.matching import Found, choose_found, read_found

HEAT = NamedTitle("Heat", 1995)
NOTHING = Answered(200, b'{"results": []}', "")


class Wire:
    """Answers calls as told, by a clock that passes when somebody waits."""

    def __init__(self, *answers: AskOutcome, takes: timedelta = timedelta(0)) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.calls: list[tuple[datetime, str]] = []
        self.answers = list(answers)
        self.takes = takes

    async def send(self, _method: str, url: str, **_: object) -> AskOutcome:
        self.calls.append((self.now, url))
        self.now += self.takes
        return self.answers.pop(0) if self.answers else NOTHING

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def tmdb(self, server: str = DEFAULT_SERVER, pace: Pace | None = None) -> Tmdb:
        return Tmdb(server, "k e&y", self.send, lambda: self.now, self.pause, pace or Pace(RATE))


def results(*found: Mapping[str, object]) -> Answered:
    return Answered(200, json.dumps({"results": found}).encode(), "")


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0, 0.5))
async def test_never_more_than_forty_calls_in_ten_seconds(pauses: Sequence[float], takes: float) -> None:
    """However it is asked, no span of ten seconds sees more, wherever it begins."""
    wire = Wire(takes=timedelta(seconds=takes))
    tmdb = wire.tmdb()
    for pause in (*pauses, *[0.0] * 50):
        wire.now += timedelta(seconds=pause)
        await tmdb.find_details(HEAT)
    at = [instant for instant, _ in wire.calls]
    assert all(later - earlier >= RATE.per for earlier, later in zip(at, at[RATE.count :], strict=False))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=60))
async def test_two_processes_keep_the_limit_together(turns: Sequence[tuple[bool, float]]) -> None:
    """Whichever asks, no span of ten seconds sees more than forty calls of both."""
    with TemporaryDirectory() as folder:
        wire = Wire()
        first, second = (wire.tmdb(pace=Pace(RATE, Path(folder) / "turns" / "tmdb")) for _ in range(2))
        for is_first, pause in (*turns, *[(True, 0.0), (False, 0.0)] * 25):
            wire.now += timedelta(seconds=pause)
            await (first if is_first else second).find_details(HEAT)
    at = [instant for instant, _ in wire.calls]
    assert all(later - earlier >= RATE.per for earlier, later in zip(at, at[RATE.count :], strict=False))


@pytest.mark.parametrize("left", [b"", b"[", b"{}", b"[1e400]", b'["a"]', b"\xff" * 5000, b"9" * 400])
async def test_what_was_left_damaged_is_begun_anew(tmp_path: Path, left: bytes) -> None:
    """A file of counts that nobody can read costs nothing."""
    (tmp_path / "tmdb").write_bytes(left)
    wire = Wire()
    tmdb = wire.tmdb(pace=Pace(RATE, tmp_path / "tmdb"))
    for _ in range(RATE.count):
        await tmdb.find_details(HEAT)
    assert len(wire.calls) == 2 * RATE.count
    assert wire.calls[-1][0] - wire.calls[0][0] == RATE.per


async def test_who_counts_just_now_is_waited_for(tmp_path: Path) -> None:
    """A process that holds the file makes the other wait, and stalls nothing else of it."""
    place = tmp_path / "tmdb"
    pace = Pace(RATE, place)
    assert not pace.take(datetime(2026, 11, 1, tzinfo=UTC))
    with place.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert pace.take(datetime(2026, 11, 1, tzinfo=UTC))
    assert not pace.take(datetime(2026, 11, 1, tzinfo=UTC))


async def test_without_a_place_for_it_each_counts_alone(tmp_path: Path) -> None:
    """Where the file cannot be made the limit is kept all the same, by each for itself."""
    (tmp_path / "no-folder").write_text("")
    wire = Wire()
    tmdb = wire.tmdb(pace=Pace(RATE, tmp_path / "no-folder" / "tmdb"))
    for _ in range(RATE.count):
        await tmdb.find_details(HEAT)
    assert wire.calls[-1][0] - wire.calls[0][0] == RATE.per


async def test_film_is_asked_for_before_a_series() -> None:
    """Two calls at most, each with the name, the year and the key, encoded."""
    wire = Wire()
    assert await wire.tmdb().find_details(NamedTitle("Q&A? é", 1990)) is None
    film, series = (url for _, url in wire.calls)
    assert film == f"{DEFAULT_SERVER}/3/search/movie?api_key=k%20e%26y&query=Q%26A%3F%20%C3%A9&year=1990"
    assert series.startswith(f"{DEFAULT_SERVER}/3/search/tv?")
    assert series.endswith("&first_air_date_year=1990")


async def test_found_film_gives_poster_and_overview() -> None:
    """The poster is taken from TMDB's own server of pictures."""
    heat = {
        "title": "Heat",
        "release_date": "1995-12-15",
        "overview": "A thief\nand a policeman.",
        "poster_path": "/abc.jpg",
    }
    found = await Wire(results(heat)).tmdb().find_details(HEAT)
    assert found is not None
    assert not isinstance(found, TmdbFailed)
    assert found.synopsis == "A thief and a policeman."
    assert (found.picture, found.picture_own) == ("https://image.tmdb.org/t/p/w342/abc.jpg", False)


@pytest.mark.parametrize(
    ("status", "body", "action", "reason"),
    [
        (401, b'{"status_code": 7}', Action.FIX_REQUEST, Reason.UNAUTHORIZED),
        (429, b'{"status_code": 25}', Action.WAIT, Reason.RATE_LIMITED),
        (503, b'{"status_code": 9}', Action.WAIT, Reason.UNAVAILABLE),
        (500, b"<html>", Action.WAIT, Reason.SERVER_ERROR),
    ],
)
async def test_error_is_judged_by_the_table(status: int, body: bytes, action: Action, reason: Reason) -> None:
    """TMDB's own code decides; a body that is none of TMDB's leaves it to the status."""
    failed = await Wire(FetchFailed(reason, status=status, body=body)).tmdb().find_details(HEAT)
    assert isinstance(failed, TmdbFailed)
    assert (failed.action, failed.reason) == (action, reason)
    assert "k e&y" not in repr(failed)


async def test_too_many_empties_the_bucket() -> None:
    """What TMDB says of its limit goes before our own count: the next call waits for as long."""
    limited = FetchFailed(Reason.RATE_LIMITED, status=429, retry_after=timedelta(seconds=30))
    wire = Wire(limited)
    tmdb = wire.tmdb()
    await tmdb.find_details(HEAT)
    await tmdb.find_details(HEAT)
    assert wire.calls[1][0] - wire.calls[0][0] == timedelta(seconds=30)


# ── which answer is believed ──────────────────────────────────────────────────────────────────────


def found(name: str, year: int) -> Found:
    return Found(frozenset({name}), year)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([found("heat", 1995)], 0),
        ([found("heat", 1996)], 0),
        ([found("heat", 1996), found("heat", 1995)], 1),
        ([found("heat", 1997)], None),
        ([found("heats", 1995)], None),
        ([found("heat", 1995), found("heat", 1995)], None),
        ([found("heat", 1994), found("heat", 1996)], None),
        ([], None),
    ],
)
def test_only_what_is_certain_is_chosen(offered: list[Found], chosen: int | None) -> None:
    """The very name, at most a year apart, and no second one as near."""
    assert choose_found(offered, HEAT) is (None if chosen is None else offered[chosen])


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["results", "title", "name", "release_date", "overview", "poster_path"]),
                inner,
            )
        ),
    ).map(lambda said: json.dumps(said).encode())
)
def test_any_answer_is_read_or_refused(body: bytes) -> None:
    """Nothing that a server can say breaks the reading."""
    read = read_found(body)
    assert read is None or all(each.names for each in read)


@pytest.mark.parametrize(
    "poster", ["//evil.example/x.jpg", "/../x.jpg", "/x.jpg?y", "x.jpg", "/x.svg", "/a/b.jpg", 7, None]
)
def test_poster_leads_nowhere_else(poster: object) -> None:
    """Only a plain name of a file is put behind the address of the pictures."""
    said = {"title": "Heat", "release_date": "1995-12-15", "poster_path": poster}
    (read,) = read_found(results(said).body) or ()
    assert read.poster is None


def test_deep_and_huge_answers_are_bounded() -> None:
    """Nesting without end is no answer; of results without end the first hundred are read."""
    assert read_found(b"[" * 100_000) is None
    many = [{"title": f"T{n}", "release_date": "1995-01-01", "overview": "x" * 9000} for n in range(500)]
    read = read_found(results(*many).body)
    assert read is not None
    assert len(read) == 100
    assert max(len(each.overview) for each in read) <= 2000
