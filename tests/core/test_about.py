"""What more is known of a title, in messages: said once, said shortly, and never in the way of news."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from owing import ADDED, HISTORY, NOW, QUEUE, RATINGS, RECOMMENDATIONS, REMOVED, change, owe

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import Markup, Style
from feedwatch.core.model import Details, RecordedChange, TitleDetails
from feedwatch.core.render import compose_message
from feedwatch.core.subjects import NamedTitle, normalize_name, read_name, subjects_of
from feedwatch.scribe import compile_templates

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "webhook.schema.json").read_text())
MORE = TitleDetails(
    year="1995",
    certificate="R",
    average_rating="3.7",
    predicted_rating="4.1",
    synopsis="A thief and a policeman.",
    picture="https://art.example/heat.png",
    queued=True,
    playable=True,
)
TEXT = Style(limit=4000, titled=True)
MAIL = Style(markup=Markup.HTML, limit=32768, pictures=12, inline=True, twin=True)


def know(of: RecordedChange, more: TitleDetails | None = MORE) -> RecordedChange:
    return replace(of, details=replace(of.details, more=more))


def lines(*changes: RecordedChange, style: Style = TEXT) -> list[str]:
    return compose_message(owe(*changes), style).body.splitlines()


def test_details_stand_below_what_happened() -> None:
    """A line of figures, then what the title is about; the year stands in the sentence already."""
    assert lines(know(change(ADDED, QUEUE, at=2))) == [
        "added Heat (1995) at 2",
        "  R · 3.7★ on average, 4.1★ for you",
        "  A thief and a policeman.",
    ]


def test_recommendation_says_what_can_be_done_with_it() -> None:
    """Whether it is queued and can be played; what it is predicted is said by the sentence itself."""
    told = lines(know(change(ADDED, RECOMMENDATIONS, predicted_rating="4.1")))
    assert told[:2] == [
        "recommended Heat (1995) (predicted 4.1★)",
        "  R · 3.7★ on average · in your queue · can be played",
    ]


def test_what_was_rated_is_not_predicted() -> None:
    """Who has given stars is not told what they might have given."""
    assert lines(know(change(ADDED, RATINGS, rating="2")))[2] == "  R · 3.7★ on average · in your queue"


def test_year_is_told_where_nothing_else_tells_it() -> None:
    """A year is told of a title that bears none, and no second one of a title that does."""
    bare = replace(change(ADDED, QUEUE, "Heat"), entry_facts={})
    assert lines(know(bare))[1].startswith("  1995 · R")
    assert lines(know(replace(bare, title="Heat, 1994 - ★★★")))[1].startswith("  R")


def test_story_knows_what_any_of_its_changes_knows() -> None:
    """Watched and taken off the queue is one story; that it is queued is not said of it."""
    told = lines(know(change(ADDED, HISTORY)), change(REMOVED, QUEUE, was_at=3))
    assert told[-2:] == ["  R · 3.7★ on average, 4.1★ for you", "  A thief and a policeman."]


def test_long_list_stays_a_list() -> None:
    """Of more than three titles none is told what it is about."""
    many = [know(change(ADDED, QUEUE, f"T{n}", title_id=str(n), at=n)) for n in range(1, 5)]
    assert not any("thief" in line for line in lines(*many))
    assert sum("3.7★" in line for line in lines(*many)) == 4


def test_art_is_the_picture_where_the_document_had_none() -> None:
    """The picture of a list's own document goes before."""
    style = replace(TEXT, pictures=1)
    (art,) = compose_message(owe(know(change(ADDED, QUEUE))), style).pictures
    (own,) = compose_message(owe(know(change(ADDED, QUEUE, picture="https://own.example/1"))), style).pictures
    assert (art.url, own.url) == ("https://art.example/heat.png", "https://own.example/1")


@pytest.mark.parametrize("markup", [Markup.HTML, Markup.MARKDOWN, Markup.TEXT])
def test_details_make_no_markup(markup: Markup) -> None:
    """What a server says of a title is text from elsewhere: harmless in every form."""
    evil = replace(MORE, certificate="<b>R</b>", synopsis="[x](http://evil.example) @everyone <script>")
    style = Style(markup=markup, limit=4000, mentions="@ < ](", escape="\\*_~`|[]<>#" * (markup != "html"))
    body = compose_message(owe(know(change(ADDED, QUEUE), evil)), style).body
    assert "<script>" not in body
    assert "](http://evil.example)" not in body or markup is Markup.HTML
    assert "@everyone" not in body or markup is Markup.HTML


def test_document_has_details_as_values() -> None:
    """A program gets each value under its name; without details the key is not there."""
    style = Style(markup=Markup.JSON, limit=100_000)
    document = json.loads(compose_message(owe(know(change(ADDED, QUEUE))), style).body)
    Draft202012Validator(SCHEMA).validate(document)
    told = document["stories"][0]
    assert told["details"] == {
        "year": "1995",
        "certificate": "R",
        "average_rating": "3.7",
        "predicted_rating": "4.1",
        "synopsis": "A thief and a policeman.",
        "queued": True,
        "playable": True,
    }
    assert told["picture"] == "https://art.example/heat.png"
    without = json.loads(compose_message(owe(change(ADDED, QUEUE)), style).body)["stories"][0]
    assert "details" not in without
    assert told["text"] == without["text"]


STYLES = st.builds(
    Style,
    markup=st.sampled_from(Markup),
    limit=st.integers(40, 3000),
    pictures=st.integers(0, 2),
    titled=st.booleans(),
)


@given(st.integers(1, 30), STYLES, st.text("abc ", max_size=300))
def test_details_move_no_change_out(count: int, style: Style, synopsis: str) -> None:
    """A message tells the same deliveries with details as without, and still fits if it did."""
    plain = [change(ADDED, QUEUE, f"Title {n}", title_id=str(n), at=n) for n in range(1, count + 1)]
    detailed = [know(each, replace(MORE, synopsis=synopsis)) for each in plain]
    without, told = compose_message(owe(*plain), style), compose_message(owe(*detailed), style)
    assert told.deliveries == without.deliveries
    assert told.title == without.title
    if len(without.body) + len(without.title) + 2 <= style.limit:
        assert len(told.body.encode("utf-16-le")) // 2 <= style.limit


@given(st.integers(1, 60), st.integers(3000, 20_000))
def test_details_move_no_change_out_of_a_page(count: int, limit: int) -> None:
    """The page of a digest names the same titles, whether more is known of them or not."""
    scribe, _ = compile_templates({})
    batch = Batch(Manner(digest=Digest(Every.DAILY, NOW.tzinfo, "UTC", NOW.time())), NOW)  # type: ignore[arg-type]
    style = replace(MAIL, limit=limit)
    plain = [change(ADDED, QUEUE, f"Title {n}", title_id=str(n), at=n) for n in range(1, count + 1)]
    detailed = [know(each) for each in plain]
    without = compose_message(owe(*plain), style, batch=batch, scribe=scribe)
    told = compose_message(owe(*detailed), style, batch=batch, scribe=scribe)
    assert told.deliveries == without.deliveries


def test_page_and_its_twin_tell_details() -> None:
    """A digest's page has a quiet line for them, and so has its twin in plain text."""
    scribe, _ = compile_templates({})
    batch = Batch(Manner(digest=Digest(Every.DAILY, NOW.tzinfo, "UTC", NOW.time())), NOW)  # type: ignore[arg-type]
    page = compose_message(owe(know(change(ADDED, QUEUE, at=2))), MAIL, batch=batch, scribe=scribe)
    assert "A thief and a policeman." in page.body
    assert "on average" in page.body
    assert "  R · 3.7★ on average, 4.1★ for you" in page.twin.splitlines()
    assert [link.url for link in page.pictures] == ["https://art.example/heat.png"]


# ── which title is meant ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "year", "meant"),
    [
        ("Ikiru, 1952 - ★★★★", None, NamedTitle("Ikiru", 1952)),
        ("Ikiru, 1952", None, NamedTitle("Ikiru", 1952)),
        ("Heat (1995)", "1995", NamedTitle("Heat", 1995)),
        ("Heat", "1995", NamedTitle("Heat", 1995)),
        ("Dr. Strangelove, or: How, 1964", None, NamedTitle("Dr. Strangelove, or: How", 1964)),
        ("1917, 2019", None, NamedTitle("1917", 2019)),
        ("Blade Runner 2049", "2017", NamedTitle("Blade Runner 2049", 2017)),
        ("Heat, 1994", "1995", NamedTitle("Heat, 1994", 1995)),
        ("Heat", None, None),
        ("Blade Runner 2049", None, None),
        ("Heat, 3020", None, None),
        ("", "1995", None),
        ("1984", None, None),
    ],
)
def test_name_and_year_are_read_only_where_both_stand(
    title: str, year: str | None, meant: NamedTitle | None
) -> None:
    """A year is a fact of the list, or stands behind a comma or in brackets; nothing is guessed."""
    assert read_name(title, year) == meant


def test_spellings_of_a_name_are_one() -> None:
    """Case, accents, hyphens and ampersands make no other title."""
    assert normalize_name("Amélie & the WALL-E") == normalize_name("amelie and the wall·e")


def test_post_and_what_is_gone_want_no_details() -> None:
    """Nothing is asked about posts, nor about titles that have left."""
    gone = replace(change(REMOVED, QUEUE), details=Details(title_ref="/catalog/titles/movies/1"))
    assert subjects_of(gone) == ()
    there = replace(change(ADDED, QUEUE), details=gone.details)
    assert subjects_of(there) == ("/catalog/titles/movies/1", "heat|1995")
