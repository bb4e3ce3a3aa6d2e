"""Messages of stories: in which form, in whose words, as which part of a digest, with which pictures."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from owing import (
    ADDED,
    HISTORY,
    NOW,
    QUEUE,
    RATINGS,
    REMOVED,
    STREAM,
    change,
    owe,
)

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import Markup, OwedDelivery, PictureLink, Style
from feedwatch.core.model import ChangeKind, Kind, Notice, NoticeKind, NoticeLine, RecordedChange
from feedwatch.core.render import compose_message, mark_repeat
from feedwatch.core.stories import tell_stories
from feedwatch.core.told import Draft, Told

MARKDOWN = Style(markup=Markup.MARKDOWN, limit=2000, mentions="@ < ](", escape="\\*_~`|[]<>#")
MAIL = Style(markup=Markup.HTML, limit=32768, pictures=12, inline=True, twin=True)
WEBHOOK = Style(markup=Markup.JSON, limit=500_000)
WATCHED, UNQUEUED = change(ADDED, HISTORY), change(REMOVED, QUEUE, was_at=3)
RATED = change(ADDED, RATINGS, rating="4")
WATCHING = Notice(NoticeKind.WATCHING, NOW, feeds=(NoticeLine("jane/queue", 220),))


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def added(count: int, picture: str | None = None) -> list[RecordedChange]:
    """So many different titles on a queue."""
    return [
        change(
            ADDED, QUEUE, f"T{number}.", title_id=f"7{number:07}", picture=picture and f"{picture}{number}"
        )
        for number in range(count)
    ]


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def test_story_is_one_line_under_the_list_that_leads() -> None:
    """What was watched, rated and left the queue is one line; its message tells all three."""
    message = compose_message(owe(UNQUEUED, *added(1), WATCHED, RATED), Style())
    assert message.title == "jane/history: 1 watched; jane/queue: 1 added"
    assert message.body == (
        "jane/history\nwatched Heat (1995) on 3 November 2026 and rated it 4★, off the queue\n\n"
        "jane/queue\nadded T0. (1995)"
    )
    assert message.deliveries == (0, 2, 3, 1)


def test_story_alone_is_the_title_of_its_message() -> None:
    """The title says all of it, the body the line under its list."""
    message = compose_message(owe(WATCHED, UNQUEUED), Style())
    assert message.title == "jane watched Heat (1995) on 3 November 2026, off the queue"
    assert message.body == "jane/history\nwatched Heat (1995) on 3 November 2026, off the queue"


def test_what_is_told_need_not_be_the_first_of_what_was_offered() -> None:
    """A story that begins early takes along what came last; what does not fit waits."""
    owed = owe(UNQUEUED, *added(30), WATCHED)
    message = compose_message(owed, Style(limit=300))
    assert message.deliveries[:2] == (0, 31)
    assert message.deliveries[2:] == tuple(range(1, len(message.deliveries) - 1))


LISTS = st.builds(
    change,
    st.sampled_from(ChangeKind),
    st.sampled_from(Kind),
    title=st.sampled_from(["Heat", "Up", "@everyone [x](y) *b*", "👩🏽\u200d🚀🇩🇪é\u0301 " * 4, "<b>&amp;"]),
    title_id=st.sampled_from(["70000002", "70000003", "70000004"]),
    feed=st.sampled_from(["", "a_list"]),
    at=st.none() | st.integers(1, 500),
    rating=st.sampled_from(["", "4", "not_interested"]),
)
NOTICES = st.builds(
    Notice,
    st.sampled_from(NoticeKind),
    st.just(NOW),
    feeds=st.lists(st.builds(NoticeLine, st.just("jane/x_y"), st.none() | st.integers(0, 9)), max_size=5).map(
        tuple
    ),
)
OWED = st.lists(st.tuples(LISTS | NOTICES, st.booleans()), min_size=1, max_size=14).map(
    lambda subjects: [OwedDelivery(n, "phone/1", *subject) for n, subject in enumerate(subjects)]
)
STYLES = st.builds(
    Style,
    markup=st.sampled_from([Markup.TEXT, Markup.HTML, Markup.MARKDOWN]),
    titled=st.booleans(),
    limit=st.integers(120, 1500),
    title_limit=st.integers(10, 60),
    mentions=st.sampled_from(["", "@ < ]("]),
    pictures=st.integers(0, 3),
    inline=st.booleans(),
    twin=st.booleans(),
)


@given(OWED, STYLES, st.none() | st.integers(1, 6), st.deferred(lambda: st.none() | st.builds(Lister)))
@settings(max_examples=60)
def test_message_after_message_tells_every_delivery_once(
    owed: list[OwedDelivery], style: Style, limit: int | None, scribe: Lister | None
) -> None:
    """Whatever the form, the limit and the words: whole stories in order, within what the service takes."""
    batch = Batch(Manner(limit=limit))
    left = owed
    while left:
        message = compose_message(left, style, batch=batch, scribe=scribe)
        stories = tell_stories(left)
        in_order = [each for story in stories for each in story.deliveries]
        assert list(message.deliveries) == in_order[: len(message.deliveries)]
        assert units(message.title) <= style.title_limit
        assert units(message.title) + 2 + units(message.body) <= style.limit
        assert units(message.twin) <= style.limit
        assert message.body
        firsts = [story.deliveries[0] for story in stories]
        assert len(message.deliveries) == len(in_order) or in_order[len(message.deliveries)] in firsts
        left = [each for each in left if each.id not in message.deliveries]


@given(OWED, STYLES)
@settings(max_examples=60)
def test_no_longer_run_would_have_fitted(owed: list[OwedDelivery], style: Style) -> None:
    """What is left to the next message does not fit, with the line of a repeat that may be added."""
    told = compose_message(owed, style).deliveries
    stories = tell_stories(owed)
    named = sum(story.deliveries[0] in told for story in stories)
    if named == len(stories):
        return
    ids = {each for story in stories[: named + 1] for each in story.deliveries}
    longer = compose_message([each for each in owed if each.id in ids], replace(style, limit=100_000))
    length = units(longer.title) + 2 + max(units(longer.body), units(longer.twin))
    assert length + units(mark_repeat("", style.markup, style)) > style.limit


# ── markdown ──────────────────────────────────────────────────────────────────────────────────────


def test_markdown_has_bold_headings_lists_and_links() -> None:
    """Titles are links, lists have bold names; the page of a post stands behind its title alone."""
    up = replace(added(1)[0], link="https://x.example/a_(b)")
    post = replace(change(ADDED, STREAM, "News", feed="lwn"), link="https://x.example/1", entry_facts={})
    message = compose_message(owe(up, post), MARKDOWN)
    assert message.markup is Markup.MARKDOWN
    assert message.body == (
        "**jane/queue**\n- added [T0.](<https://x.example/a_%28b%29>) (1995)\n\n"
        "**jane/lwn**\n- new: [News](<https://x.example/1>)"
    )


def test_markdown_of_a_notice_breaks_its_lines() -> None:
    """Each sentence of a notice stands on a line of its own, and no command turns into markup."""
    signed_out = Notice(NoticeKind.SIGNED_OUT, NOW, account="jane_doe")
    lines = compose_message([OwedDelivery(1, "a", signed_out)], MARKDOWN).body.split("  \n")
    assert lines[0] == "jane\\_doe is signed out."
    assert len(lines) == 4


@pytest.mark.parametrize(
    "trick", ["*b*", "[x](https://evil.example)", "# no", "`c`", "> q", "@all", "~~", "](y)"]
)
def test_markdown_of_others_is_text(trick: str) -> None:
    """Markup in a title, and in a style that does not say what is markup, is escaped; its link is ours."""
    hostile = replace(added(1)[0], title=trick, link="https://x.example/?a=[b](c)")
    for style in (MARKDOWN, replace(MARKDOWN, escape="")):
        body = compose_message(owe(hostile), style).body
        line = body.split("\n")[-1]
        bare = re.sub(r"\\.", "", line.replace("](<https:", "](https:").replace(">) (1995)", ") (1995)"))
        assert bare.count("[") == bare.count("](") == bare.count("]") == 1
        assert not set(bare) & set("*`~>#")
        assert line.endswith("](<https://x.example/?a=%5Bb%5D%28c%29>) (1995)")


# ── documents ─────────────────────────────────────────────────────────────────────────────────────


def test_document_has_every_story_and_its_plain_words() -> None:
    """What programs read is escaped for nobody, names all stories whatever the limit, and is not repeated."""
    hostile = replace(added(1)[0], title="<b> @everyone *x*")
    owed = [*owe(WATCHED, hostile, UNQUEUED), OwedDelivery(3, "a", WATCHING)]
    style = replace(WEBHOOK, mentions="@ <", escape="*")
    message = compose_message(owed, style, batch=Batch(Manner(limit=1)))
    document = json.loads(message.body)
    assert [story["text"] for story in document["stories"]] == [
        "watched Heat (1995) on 3 November 2026, off the queue",
        "added <b> @everyone *x* (1995)",
    ]
    assert [len(story["changes"]) for story in document["stories"]] == [2, 1]
    assert [notice["text"] for notice in document["notices"]] == ["watching 220 titles in jane/queue"]
    assert message.deliveries == (0, 2, 1, 3)
    assert document["title"] == message.title
    assert mark_repeat(message.body, message.markup, style) == message.body


def test_documents_are_divided_between_stories() -> None:
    """A document ends where one more story would not fit; one that is too long by itself is sent whole."""
    owed = owe(*added(60))
    message = compose_message(owed, replace(WEBHOOK, limit=4000))
    assert 1 < len(message.deliveries) < 60
    assert len(json.loads(message.body)["stories"]) == len(message.deliveries)
    alone = compose_message(owed, replace(WEBHOOK, limit=100))
    assert alone.deliveries == (0,)
    assert json.loads(alone.body)["stories"][0]["changes"][0]["title"] == "T0."


# ── limits ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("style", "rest"),
    [
        (Style(), "\n\nand 297 more"),
        (MARKDOWN, "\n\nand 297 more"),
        (MAIL, "</ul>\n<p>and 297 more</p>"),
    ],
    ids=["text", "markdown", "mail"],
)
def test_more_than_the_limit_is_counted(style: Style, rest: str) -> None:
    """So many titles are named, the others counted; the title counts all, and all of them are told."""
    message = compose_message(owe(*added(300)), style, batch=Batch(Manner(limit=3)))
    assert message.title == "jane/queue: 300 added"
    assert len(re.findall(r"\bT\d+\.", message.body)) == 3
    assert message.body.endswith(rest)
    assert message.deliveries == tuple(range(300))


def test_up_to_the_limit_nothing_is_counted() -> None:
    """What the limit allows is named, if need be in several messages."""
    owed = owe(*added(50))
    message = compose_message(owed, Style(limit=400), batch=Batch(Manner(limit=50)))
    assert "more" not in message.body
    assert len(message.deliveries) == len(re.findall(r"\bT\d+\.", message.body)) < 50


def test_of_more_than_the_limit_as_many_are_named_as_fit() -> None:
    """Where a service takes less than the limit, the message still tells all: there is no flood."""
    message = compose_message(owe(*added(300)), Style(limit=400), batch=Batch(Manner(limit=200)))
    named = len(re.findall(r"\bT\d+\.", message.body))
    assert 1 < named < 200
    assert message.body.endswith(f"and {300 - named} more")
    assert len(message.deliveries) == 300


# ── digests ───────────────────────────────────────────────────────────────────────────────────────

EAST = timezone(timedelta(hours=9), "East")
AT = datetime(2026, 11, 25, 23, tzinfo=UTC)
DIGESTS = {
    "daily, by the clock of its zone": (Every.DAILY, AT, 1, "Daily digest, 26 November: 2 added, 1 watched"),
    "weekly": (Every.WEEKLY, AT, 1, "Weekly digest, 26 November: 2 added, 1 watched"),
    "hourly": (Every.HOURLY, AT, 1, "Hourly digest, 26 November 08:00: 2 added, 1 watched"),
    "a further part": (Every.DAILY, AT, 2, "Daily digest, 26 November (part 2): 2 added, 1 watched"),
    "of no day": (Every.DAILY, None, 1, "Daily digest: 2 added, 1 watched"),
}


@pytest.mark.parametrize(("every", "at", "part", "title"), DIGESTS.values(), ids=DIGESTS)
def test_digest_says_what_it_is_and_of_which_day(
    every: Every, at: datetime | None, part: int, title: str
) -> None:
    """The title counts what happened on all lists; the body names each list, even where it is only one."""
    batch = Batch(Manner(digest=Digest(every, EAST, "East")), at, part)
    message = compose_message(owe(*added(2), WATCHED, UNQUEUED), Style(), batch=batch)
    assert message.title == title
    assert message.body.startswith("jane/queue\n")
    (alone,) = owe(*added(1))
    assert compose_message([alone], Style(), batch=batch).body == "jane/queue\nadded T0. (1995)"


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────


def links(count: int, *, own: bool = False) -> tuple[PictureLink, ...]:
    return tuple(PictureLink(f"https://x.example/{n}", f"picture-{n + 1}", own) for n in range(count))


def test_first_pictures_go_along() -> None:
    """As many as the service shows, of those that the message names; none where the route wants none."""
    owed = owe(*added(5, "https://x.example/"))
    assert compose_message(owed, Style(pictures=3)).pictures == links(3)
    assert compose_message(owed, Style(pictures=9)).pictures == links(5)
    assert compose_message(owed, Style()).pictures == ()
    assert compose_message(owed, Style(pictures=3), batch=Batch(Manner(pictures=False))).pictures == ()
    assert compose_message(owed, Style(pictures=3), batch=Batch(Manner(limit=2))).pictures == links(2)


def test_picture_of_two_stories_goes_once() -> None:
    """One address is one picture, under one name; what has none takes no name away."""
    none, one, other = added(3)
    shown = replace(WATCHED.details, picture="https://x.example/0", own=True)
    owed = owe(none, replace(one, details=shown), replace(other, details=shown))
    assert compose_message(owed, Style(pictures=3)).pictures == links(1, own=True)


def test_mail_shows_pictures_at_their_titles() -> None:
    """The picture of a title stands at its line, under the name by which it goes along."""
    body = compose_message(owe(*added(2, "https://x.example/")), replace(MAIL, pictures=1)).body
    first, second = re.findall(r"<li>(.*?)</li>", body)
    assert first == '<img src="cid:picture-1" alt="" height="96"><br>added T0. (1995)'
    assert second == "added T1. (1995)"


def test_mail_has_a_twin_in_plain_text() -> None:
    """Who reads no HTML reads the same, with nothing escaped."""
    hostile = replace(added(1)[0], title="Up & <Away>", link="https://x.example/1")
    message = compose_message([*owe(hostile, WATCHED)], MAIL)
    assert message.twin == (
        "jane/queue\nadded Up & <Away> (1995)\n\njane/history\nwatched Heat (1995) on 3 November 2026"
    )
    assert compose_message(owe(hostile), replace(MAIL, twin=False)).twin == ""


@given(OWED)
@settings(max_examples=30)
def test_mail_is_well_formed(owed: list[OwedDelivery]) -> None:
    """HTML of stories parses as XML once its empty tags are closed."""
    body = compose_message(owed, MAIL).body
    closed = re.sub(r"<(br|img)([^>]*)>", r"<\1\2/>", body)
    ET.fromstring(f"<b>{closed}</b>")


# ── other words ───────────────────────────────────────────────────────────────────────────────────


@dataclass
class Lister:
    """A scribe that lists titles, and remembers how much it was asked to write."""

    title: str | None = "news"
    markup: Markup = Markup.TEXT
    twin: str = ""
    pictures: tuple[PictureLink, ...] = ()
    is_silent: Callable[[int], bool] = lambda _: False
    asked: list[int] = field(default_factory=list)

    def write(self, told: Told, style: Style) -> Draft | None:
        self.asked.append(len(told.stories))
        if self.is_silent(len(told.stories)):
            return None
        lines = [f"~ {self.name(told, place)}" for place in range(len(told.stories))]
        body = "\n".join([*lines, *([f"+{told.more}"] if told.more else [])])
        return Draft(self.title, body, self.markup, self.twin, self.pictures)

    def name(self, told: Told, place: int) -> str:
        story = told.stories[place]
        return story.changes[0].title[:8] if story.changes else "notice"


def test_scribe_is_asked_first() -> None:
    """What it writes is the message: title, body, markup, twin and pictures."""
    scribe = Lister(title="two\nnews", markup=Markup.HTML, twin="plain", pictures=links(2))
    message = compose_message(owe(*added(2)), MAIL, scribe=scribe)
    assert (message.title, message.body) == ("two news", "~ T0.\n~ T1.")
    assert (message.markup, message.twin, message.pictures) == (Markup.HTML, "plain", links(2))
    assert scribe.asked == [2]


def test_scribe_can_leave_the_title_to_us() -> None:
    """Without a title of its own, ours counts what happened; an empty one is none."""
    owed = owe(*added(2))
    assert compose_message(owed, Style(), scribe=Lister(title=None)).title == "jane/queue: 2 added"
    assert compose_message(owed, Style(), scribe=Lister(title="")).title == ""


@pytest.mark.parametrize("count", [1, 7, 100, 500])
def test_longest_run_that_fits_as_it_is_written(count: int) -> None:
    """One more story would not have fit; and not much more was written than was needed."""
    style = Style(limit=1000)
    scribe = Lister()
    message = compose_message(owe(*added(count)), style, scribe=scribe)
    taken = len(message.deliveries)
    room = style.limit - units(mark_repeat("", Markup.TEXT, style)) - units("news") - 2
    assert units(message.body) <= room
    if taken < count:
        assert units(message.body) + units(f"\n~ T{taken}.") > room
    assert sum(scribe.asked) <= count + 16 * taken


@pytest.mark.parametrize(
    "scribe",
    [
        Lister(is_silent=lambda _: True),
        Lister(title="x" * 300),
        Lister(twin="x" * 5000),
        Lister(title=" \n", is_silent=lambda count: count < 5),
    ],
    ids=["nothing of its own", "a title too long", "a twin too long", "nothing for so few"],
)
def test_where_a_scribe_writes_nothing_that_fits_the_words_are_ours(scribe: Lister) -> None:
    """The change still arrives, in the built-in words."""
    style = replace(MAIL, limit=4000)
    owed = owe(*added(2))
    assert compose_message(owed, style, scribe=scribe) == compose_message(owed, style)


def test_empty_draft_is_none() -> None:
    """A template that writes nothing but blanks does not swallow what happened."""

    class Mute:
        def write(self, told: Told, style: Style) -> Draft | None:
            del told, style
            return Draft("", " \n ", Markup.TEXT)

    owed = owe(*added(2))
    assert compose_message(owed, Style(), scribe=Mute()) == compose_message(owed, Style())


def test_scribe_counts_what_the_limit_leaves_unnamed() -> None:
    """It is told how many more there are; all of them are told by the message."""
    batch = Batch(Manner(limit=2))
    message = compose_message(owe(*added(9)), Style(), batch=batch, scribe=Lister(title=None))
    assert message.body == "~ T0.\n~ T1.\n+7"
    assert message.title == "jane/queue: 9 added"
    assert message.deliveries == tuple(range(9))


def test_words_of_a_scribe_go_with_the_first_pictures() -> None:
    """Pictures that are attached go with any words; those within a body are its writer's choice."""
    owed = owe(*added(3, "https://x.example/"))
    assert compose_message(owed, Style(pictures=2), scribe=Lister()).pictures == links(2)
    assert compose_message(owed, MAIL, scribe=Lister()).pictures == ()
    plain = Batch(Manner(pictures=False))
    assert compose_message(owed, MAIL, batch=plain, scribe=Lister(pictures=links(1))).pictures == ()


def test_document_is_never_in_other_words() -> None:
    """Its keys are a promise: no scribe is asked."""
    scribe = Lister()
    owed = owe(*added(2))
    assert compose_message(owed, WEBHOOK, scribe=scribe) == compose_message(owed, WEBHOOK)
    assert scribe.asked == []


def test_repeat_of_a_whole_page_says_so_within_it() -> None:
    """The line stands before the page's end; what a title says of tags is no end of a page."""
    page = "<html><body><p>&lt;/body&gt;</p></body></html>"
    repeat = mark_repeat(page, Markup.HTML, MAIL)
    assert repeat.endswith("</p></body></html>")
    assert repeat.count("sent again") == 1


# ── speed ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("style", [Style(limit=35_000), MAIL, MARKDOWN, WEBHOOK], ids=lambda s: s.markup)
def test_composing_many_stories_takes_little_more_than_fifty_times_ten(style: Style) -> None:
    """The work grows with the stories, in every form: it is done while the state is locked."""

    def compose_stories(count: int) -> float:
        owed = owe(*added(count), *(replace(UNQUEUED, key=f"7{n:07}", title=f"T{n}.") for n in range(count)))
        begun = time.process_time()
        compose_message(owed, style)
        return time.process_time() - begun

    few = min(compose_stories(25) for _ in range(5))
    many = min(compose_stories(250) for _ in range(3))
    assert many < 40 * few
