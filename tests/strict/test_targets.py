"""Eight services that go by their own books are told everything, and a person there sees what they should."""

from __future__ import annotations

import re

import pytest
from strict_cases import PLACES, Place
from strict_table import (
    FAMILY,
    FLAG,
    GROWING,
    HOSTILE,
    LONG,
    MANY,
    ONE,
    PICTURE,
    TARGETS,
    THUMB,
    Told,
    make_row,
    tell_all,
    write_page,
)

_OURS = "https://films.example/titles/"
_PROVOKED = ("refused picture", "crowded")
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e]")
_TOLD: dict[str, Told | BaseException] = {}
"""Each service is told everything once a process, for all tests."""


@pytest.fixture(params=PLACES, ids=lambda place: place.name)
async def told(request: pytest.FixtureRequest) -> Told:
    place: Place = request.param
    if place.name not in _TOLD:
        try:
            _TOLD[place.name] = await tell_all(place)
        except (AssertionError, OSError) as error:
            _TOLD[place.name] = error
    found = _TOLD[place.name]
    if isinstance(found, BaseException):
        raise found
    return found


def as_read(text: str) -> str:
    """A text without what nobody sees, in one line."""
    return " ".join(_UNSEEN.sub("", text).split())


def test_nothing_is_refused_or_too_soon(told: Told) -> None:
    """Every message is within the service's limits, formats and rate when it is sent for the first time."""
    refused = {case: whys for case, whys in told.refusals.items() if whys and case not in _PROVOKED}
    assert refused == {}
    assert told.server.limited == 0


def test_nobody_is_called_and_nothing_is_fetched(told: Told) -> None:
    """No text of a feed rings, runs or is loaded; what has to be opened to be read is no message."""
    for case in told.seen:
        for seen in told.seen[case]:
            assert (seen.calls, seen.fetches, seen.files) == ((), (), ()), case


def test_one_title_is_one_message(told: Told) -> None:
    """It is told once; where the title of a message stands apart, it says it, too."""
    (seen,) = told.seen["one"]
    assert seen.text.count(ONE[0]) == 1
    assert seen.title.count(ONE[0]) == (1 if told.style.titled else 0)


def test_long_list_is_told_in_order(told: Told) -> None:
    """300 titles, each once and whole, from the first to the last."""
    assert re.findall(r"Film \d{3} of the long list", told.texts("many")) == list(MANY)
    assert len(re.findall(r"Film|\d{3} of", told.texts("many"))) == 2 * len(MANY)


def test_hostile_text_is_shown_as_it_is(told: Told) -> None:
    """Each title is read as it stands in the feed, once; directions are not turned."""
    read = as_read(told.texts("hostile"))
    assert {title: read.count(as_read(title)) for title in HOSTILE} == dict.fromkeys(HOSTILE, 1)
    assert not re.search("[\u200e\u200f\u202a-\u202e]", told.everything("hostile"))


def test_hostile_text_makes_no_link(told: Told) -> None:
    """A link leads to the title's page, or shows where it leads."""
    for seen in told.seen["hostile"]:
        foreign = [link for link in seen.links if not link.startswith(_OURS)]
        assert all(link in _UNSEEN.sub("", seen.text) for link in foreign)


def test_escapes_count(told: Told) -> None:
    """Text that is longer once it is escaped fits all the same, and is whole."""
    read = as_read(told.texts("growing"))
    assert [read.count(as_read(title)) for title in GROWING] == [1] * len(GROWING)


def test_long_title_is_cut_between_characters(told: Told) -> None:
    """Where a title of thousands of emoji has to end early, no family, flag or colour is torn apart."""
    text = told.everything("emoji")
    assert FAMILY in text
    rest = text.replace(FAMILY, "").replace(FLAG, "").replace(THUMB, "")
    assert not re.search("[👨👩👧👦👍🇩🇪\u200d🏽]", rest)


def test_picture_is_shown_where_the_service_shows_pictures(told: Told) -> None:
    """The first picture of a message comes along, once, and what it belongs to is told once."""
    assert told.pictures("picture") == ([PICTURE] if told.place.shows_pictures else [])
    assert told.texts("picture").count("Shown") == 1


def test_long_message_with_a_picture_is_told_once(told: Told) -> None:
    """Where a picture leaves little room for words, no word is lost for it, and none comes twice."""
    assert re.findall(r"Chapter \d\d (?:長い物語){6}", told.texts("long with a picture")) == list(LONG)
    assert (
        len(told.pictures("long with a picture"))
        <= len(told.seen["long with a picture"]) * told.style.pictures
    )


@pytest.mark.parametrize(("case", "title"), [("missing picture", "Unseen"), ("refused picture", "Refused")])
def test_picture_that_fails_stops_no_message(told: Told, case: str, title: str) -> None:
    """Whether it cannot be fetched or the service will not have it: the message arrives without, once."""
    assert told.texts(case).count(title) == 1
    if case == "missing picture" or told.place.name != "E-mail":
        assert told.pictures(case) == []


def test_service_that_is_crowded_is_asked_once_more(told: Told) -> None:
    """Where others have used up what it takes, it says so once and is left alone for as long as it asks."""
    assert told.texts("crowded").count("Patience") == 1
    assert told.too_soon == (1 if told.has_rate else 0)


def test_plain_text_beside_a_page_says_the_same(told: Told) -> None:
    """Whoever reads mails as text reads every title once, too; other services have one form only."""
    if told.place.name != "E-mail":
        assert told.twins("many") == ""
        return
    assert re.findall(r"Film \d{3} of the long list", told.twins("many")) == list(MANY)
    for case, titles in {"hostile": HOSTILE, "growing": GROWING}.items():
        read = as_read(told.twins(case))
        assert [title for title in titles if read.count(as_read(title)) != 1] == []


def test_row_of_the_table_is_what_the_run_gives(told: Told) -> None:
    """docs/targets.md says of each service what has just come of it; `make targets` writes it anew."""
    assert make_row(told) in TARGETS.read_text(encoding="utf-8").splitlines()


def test_page_is_as_it_is_written() -> None:
    """Beside its rows, one for each service, the page has nothing but what the command writes."""
    page = TARGETS.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(PLACES)
    assert write_page(rows) == page
