"""The page of a digest: what it says, what it is made of, and that nothing on it comes from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventing import AT, DAILY, DIGEST, MAIL, TEXT, invent_change, invent_day, tell

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import OwedDelivery, Story, Style
from feedwatch.core.model import ChangeKind, Kind, Notice, NoticeKind
from feedwatch.core.pictures import keep_pictures
from feedwatch.core.render import compose_message
from feedwatch.core.text import measure
from feedwatch.core.told import Draft, Told
from feedwatch.core.wording import Part, Sentence
from feedwatch.scribe import compile_templates
from feedwatch.scribe.page import omit_title
from feedwatch.scribe.writer import HANDFUL
from feedwatch.scribe.writing import write_stars

SCRIBE, _ = compile_templates({})
_VOID = frozenset({"meta", "img", "br"})
_LEFT_OPEN = frozenset({"html", "body"})
"""A repeat adds its line behind all: these end by themselves."""


class Reader(HTMLParser):
    """Reads a page strictly: what is open, what it says, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append((self.open[-1] if self.open else "", data))

    def text_of(self, tag: str) -> str:
        return " ".join("".join(data for within, data in self.said if within == tag).split())

    def texts(self) -> str:
        return " ".join("".join(data for within, data in self.said if within != "style").split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(*stories: Story, batch: Batch = DIGEST, style: Style = MAIL, more: int = 0) -> Draft:
    draft = SCRIBE.write(Told(stories, batch, more), style)
    assert draft is not None
    return draft


def read_page(*stories: Story, batch: Batch = DIGEST, more: int = 0) -> Reader:
    return Reader(page_of(*stories, batch=batch, more=more).body)


# ── what it says ──────────────────────────────────────────────────────────────────────────────────


def test_a_page_says_what_it_is_and_of_when() -> None:
    """The digest's rhythm and its day, in its zone, stand on top."""
    page = read_page(*invent_day(3))
    assert page.text_of("h1") == "Daily digest"
    assert "Thursday, 26 November 2026" in page.texts()


def test_an_hourly_digest_says_its_hour_and_a_further_part_its_number() -> None:
    """Pages of one day can be told apart."""
    hourly = Batch(Manner(digest=Digest(Every.HOURLY, DAILY.zone, "UTC")), AT, part=2)
    assert "Thursday, 26 November 2026, 07:00, part 2" in read_page(*invent_day(2), batch=hourly).texts()


def test_titles_stand_under_their_lists_and_these_under_their_accounts() -> None:
    """Headings go down one step at a time, as a screen reader walks them."""
    page = read_page(*invent_day(12))
    steps = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert steps[:4] == [1, 2, 3, 4]
    assert all(after - before <= 1 for before, after in pairwise(steps))
    assert page.text_of("h2") == "janenews"
    assert steps.count(4) == 12


def test_a_title_is_said_once_and_what_happened_below_it() -> None:
    """The sentence does not repeat the title that it stands under."""
    page = read_page(*tell(invent_change(title="Paper Boats")))
    assert page.texts().count("Paper Boats") == 2  # … and once where a list of mails shows the first titles
    assert "added at 2" in page.texts()
    assert [link["href"] for link in page.all("a")] == ["https://films.example/title/1"]


def test_ratings_are_stars_with_words_for_who_does_not_see_them() -> None:
    """A row of stars is one picture to a screen reader, and says how many of how many."""
    page = read_page(*tell(invent_change(kind=Kind.RATINGS, change=ChangeKind.UPDATED, was="2", now="4.5")))
    stars = [span["aria-label"] for span in page.all("span") if span.get("role") == "img"]
    assert stars == ["2 of 5 stars", "4.5 of 5 stars"]
    assert "★★☆☆☆" in page.texts()
    assert "★★★★½" in page.texts()


@pytest.mark.parametrize(
    ("rating", "row"),
    [
        ("0★", "☆☆☆☆☆"),
        ("3★", "★★★☆☆"),
        ("3.5★", "★★★½☆"),
        ("4.3★", "★★★★½"),
        ("4.9★", "★★★★★"),
        ("5★", "★★★★★"),
    ],
)
def test_a_row_has_five_stars(rating: str, row: str) -> None:
    """A rating is rounded to half a star in the row, and said exactly."""
    written = write_stars(rating)
    assert written is not None
    assert row in written
    assert f'aria-label="{rating[:-1]} of 5 stars"' in written


@pytest.mark.parametrize("text", ["8★", "5.1★", "four★", "★", "3"])
def test_what_is_no_rating_up_to_five_stays_as_it_is(text: str) -> None:
    """Other scales are told in their own words."""
    assert write_stars(text) is None


def test_a_story_of_several_changes_is_one_card() -> None:
    """Watched, rated and off the queue is said under one title."""
    page = read_page(*invent_day(2))
    assert page.text_of("h4").count("Last Garden") <= 1
    assert re.search(r"watched on 2\d November 2026 and rated it ★★★★★ *, off the queue", page.texts())


def test_a_post_shows_how_it_begins() -> None:
    """An excerpt is kept short, on a quiet line."""
    post = invent_change(kind=Kind.STREAM, account="news", feed="lwn", year=None, text="word " * 99)
    assert re.search(r"new (word ){31,32}word…", read_page(*tell(post)).texts())


def test_notices_stand_on_their_own() -> None:
    """What feedwatch says about itself has neither a tile nor a heading of a list."""
    page = read_page(Story((1,), notice=Notice(NoticeKind.SIGNED_OUT, AT, "jane")), *tell(invent_change()))
    assert page.text_of("h2") == "feedwatchjane"
    assert len([cell for cell in page.all("td") if cell.get("aria-hidden")]) == 1
    assert "feedwatch login jane" in page.texts()


def test_titles_that_are_not_named_are_counted() -> None:
    """A route's limit leaves titles out, and the page says how many."""
    assert "and 12 more" in read_page(*invent_day(3), more=12).texts()
    assert page_of(*invent_day(3), more=12).twin.endswith("and 12 more")


def test_the_twin_says_the_same() -> None:
    """Every title, and what happened to it, is in the plain text too, and no markup."""
    draft = page_of(*invent_day(12))
    page = Reader(draft.body)
    titles = [data for within, data in page.said if within == "a"]
    assert len(titles) == 12
    assert all(title in draft.twin for title in titles)
    assert "Daily digest, Thursday, 26 November 2026" in draft.twin
    assert "<" not in draft.twin
    assert "5★" in draft.twin


@pytest.mark.parametrize(
    ("sentence", "title", "rest"),
    [
        ((Part("added "), Part("Heat", foreign=True), Part(" (1995)"), Part(" at 2")), "Heat", "added at 2"),
        ((Part("removed "), Part("Heat", foreign=True)), "Heat", "removed"),
        ((Part("Heat", foreign=True), Part(" moved to 1")), "Heat", "moved to 1"),
        ((Part("not interested in "), Part("Heat", foreign=True), Part(" (1995)")), "Heat", "not interested"),
        ((Part("no opinion on "), Part("Heat", foreign=True)), "Heat", "no opinion"),
        (
            (Part("not interested in "), Part("Heat", foreign=True), Part(", off the queue")),
            "Heat",
            "not interested, off the queue",
        ),
        ((Part("new: "), Part("Heat", foreign=True)), "Heat", "new"),
        (
            (Part("watched "), Part("Heat", foreign=True), Part(", off the queue")),
            "Heat",
            "watched, off the queue",
        ),
        ((Part("rated "), Part("Heat", foreign=True), Part(" "), Part("4★")), "Heat", "rated 4★"),
        ((Part("something else"),), "Heat", "something else"),
    ],
)
def test_a_sentence_stands_below_its_title_without_it(sentence: Sentence, title: str, rest: str) -> None:
    """What is left when the title is taken out still reads as a sentence."""
    assert "".join(part.text for part in omit_title(sentence, title)) == rest


# ── which messages are pages ──────────────────────────────────────────────────────────────────────


def test_a_mail_of_more_than_a_handful_is_a_page() -> None:
    """Without a digest, many titles at once are a page too; few are told in the built-in words."""
    assert SCRIBE.write(Told(invent_day(HANDFUL)), MAIL) is None
    page = SCRIBE.write(Told(invent_day(HANDFUL + 1)), MAIL)
    assert page is not None
    assert Reader(page.body).text_of("h1") == "What changed"


def test_only_a_mail_is_a_page() -> None:
    """Text, and HTML that knows a few tags only, have no page."""
    for style in (TEXT, replace(MAIL, twin=False)):
        assert SCRIBE.write(Told(invent_day(12), DIGEST), style) is None


# ── what it is made of ────────────────────────────────────────────────────────────────────────────


def test_a_page_is_well_formed_and_loads_nothing() -> None:
    """Every tag is closed, and the only pictures are those that come along."""
    draft = page_of(*invent_day(60))
    page = Reader(draft.body)
    assert set(page.open) == _LEFT_OPEN
    assert {each["src"] for each in page.all("img")} == {f"cid:{link.name}" for link in draft.pictures}
    assert not re.search(r"url\(|@import|<link|<script|<iframe|background=", draft.body)
    assert all("alt" in each for each in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]


def test_a_picture_that_failed_leaves_the_initial() -> None:
    """A tile without its picture is as one that never had any."""
    stories = tell(invent_change(title="Paper Boats", picture="https://films.example/1.png"))
    draft = page_of(*stories)
    without = keep_pictures(draft.body, {})
    assert "<img" not in without
    assert without == page_of(*tell(invent_change(title="Paper Boats"))).body
    kept = keep_pictures(draft.body, {"picture-1": "picture-1.png"})
    assert 'src="cid:picture-1.png"' in kept
    assert "<!--else" not in kept


def test_a_service_that_shows_no_pictures_within_a_body_has_tiles() -> None:
    """Without room for pictures in the page, none is referred to."""
    draft = page_of(*invent_day(4), style=replace(MAIL, inline=False))
    assert "cid:" not in draft.body


def test_a_hundred_titles_fit_below_what_readers_of_mail_clip() -> None:
    """A digest of a hundred titles, with all that is known of them, takes less than 100 kilobytes."""
    assert len(page_of(*invent_day(100)).body.encode()) < 100_000


@settings(max_examples=40)
@given(title=st.text(max_size=80), text=st.text(max_size=80), category=st.text(max_size=40))
def test_nothing_that_a_list_says_breaks_the_page(title: str, text: str, category: str) -> None:
    """Whatever titles, texts and categories are: the page has the tags that it has, and can be sent."""
    changes = (
        invent_change(1, title=title, category=category, picture="https://films.example/1.png"),
        invent_change(2, Kind.STREAM, title=title, text=text),
    )
    draft = page_of(*tell(*changes))
    page = Reader(draft.body)
    plain = read_page(*tell(replace(changes[0], title="x"), replace(changes[1], title="x")))
    extra = [tag for tag, _ in page.tags if tag != "p"]
    assert extra == [tag for tag, _ in plain.tags if tag != "p"]
    draft.body.encode()
    draft.twin.encode()


# ── in the way of the data ────────────────────────────────────────────────────────────────────────


def test_a_long_digest_is_divided_at_titles() -> None:
    """Three hundred titles go into several mails, each a whole page, each title in one of them."""
    owed = [OwedDelivery(n, "mail/1", invent_change(n, title=f"Title {n:03}")) for n in range(1, 301)]
    told: list[int] = []
    part = 0
    while waiting := owed[len(told) :]:
        part += 1
        batch = Batch(Manner(digest=DAILY), AT + timedelta(hours=1), part)
        message = compose_message(waiting, MAIL, batch=batch, scribe=SCRIBE)
        assert measure(message.title) + measure(message.body) <= MAIL.limit
        assert set(Reader(message.body).open) == _LEFT_OPEN
        assert [f"Title {n:03}" in message.body for n in message.deliveries] == [True] * len(
            message.deliveries
        )
        told += message.deliveries
    assert told == list(range(1, 301))
    assert part > 1
