"""Deliveries become messages that fit, leave nothing out, and are harmless for every service."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedwatch.core.messages import Composed, Markup, OwedDelivery, Style
from feedwatch.core.model import (
    ChangeKind,
    FactChange,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Reason,
    RecordedChange,
)
from feedwatch.core.render import compose_message, mark_repeat

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ADDED, REMOVED, MOVED, UPDATED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.MOVED, ChangeKind.UPDATED
CHAT = Style(
    limit=2000, title_limit=250, mentions="@ < ](", escape="\\*_~`|[]<>#", title_escape="\\*_~`|[]<>#"
)
MAIL = Style(markup=Markup.HTML, limit=32768)


def change(
    title: str = "Platoon",
    kind: ChangeKind = ADDED,
    feed_kind: Kind = Kind.QUEUE,
    *,
    feed: str = "",
    account: str = "jane",
    link: str | None = None,
    at: int | None = None,
    was_at: int | None = None,
    facts: Mapping[str, FactChange] | None = None,
    now: Mapping[str, str] | None = None,
) -> RecordedChange:
    return RecordedChange(
        id=1,
        at=NOW,
        account=account,
        feed=feed or feed_kind.value,
        feed_kind=feed_kind,
        kind=kind,
        key="k",
        title=title,
        link=link,
        position=at,
        previous_position=was_at,
        facts=facts or {},
        entry_facts=now or {},
    )


def compose(style: Style, *subjects: RecordedChange | Notice) -> Composed:
    owed = [OwedDelivery(number, "phone/1", subject) for number, subject in enumerate(subjects)]
    return compose_message(owed, style)


def room_for_repeat(style: Style) -> int:
    """What is kept free for the line that a message may have come before."""
    return units(mark_repeat("", style.markup, style))


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# ── at a glance ───────────────────────────────────────────────────────────────────────────────────

MOVE = change("An American in Paris", MOVED, at=1, was_at=7)
RE_RATE = change(feed_kind=Kind.RATINGS, kind=UPDATED, facts={"rating": FactChange("3", "4")})
POST = change("Kernel news", feed_kind=Kind.STREAM, feed="lwn", link="https://x.example/1")
WATCHING = Notice(NoticeKind.WATCHING, NOW, feeds=(NoticeLine("jane/queue", 220),))
RATED_AND_POSTED = "jane/ratings\nre-rated Platoon 3★ → 4★\n\njane/lwn\nnew: Kernel news\nhttps://x.example/1"
TEXT_CASES = {
    "one move": (
        [MOVE],
        "jane/queue: An American in Paris moved from 7 to 1",
        "An American in Paris moved from 7 to 1",
    ),
    "one rating names its list in the body": (
        [RE_RATE],
        "jane re-rated Platoon 3★ → 4★",
        "jane/ratings\nre-rated Platoon 3★ → 4★",
    ),
    "one post with its page": (
        [POST],
        "jane/lwn: Kernel news",
        "new: Kernel news\nhttps://x.example/1",
    ),
    "one list": (
        [change(at=1), change("Gandhi", REMOVED), MOVE, change("Up")],
        "jane/queue: 2 added, 1 removed, 1 moved",
        "added Platoon at 1\nremoved Gandhi\nAn American in Paris moved from 7 to 1\nadded Up",
    ),
    "several lists, each under its name": (
        [MOVE, RE_RATE, change("Up", REMOVED), POST],
        "jane/queue: 1 moved, 1 removed; jane/ratings: 1 re-rated; jane/lwn: 1 new",
        "jane/queue\nAn American in Paris moved from 7 to 1\nremoved Up\n\n" + RATED_AND_POSTED,
    ),
    "a notice": ([WATCHING], "watching 220 titles in jane/queue", "watching 220 titles in jane/queue"),
    "a notice among changes": (
        [MOVE, WATCHING],
        "jane/queue: 1 moved; watching 220 titles in jane/queue",
        "jane/queue\nAn American in Paris moved from 7 to 1\n\nfeedwatch\nwatching 220 titles in jane/queue",
    ),
    "several notices": (
        [Notice(NoticeKind.TEST, NOW), WATCHING],
        "2 notices",
        "If you can read this, messages reach you here.\nwatching 220 titles in jane/queue",
    ),
}


@pytest.mark.parametrize(("subjects", "title", "body"), TEXT_CASES.values(), ids=TEXT_CASES)
def test_messages_read_at_a_glance(subjects: list[RecordedChange | Notice], title: str, body: str) -> None:
    """The title says what happened and where; the body says each thing once, under its list's name."""
    assert compose(Style(), *subjects) == Composed(tuple(range(len(subjects))), title, body, Markup.TEXT)


def test_where_there_are_no_titles_nothing_is_said_twice() -> None:
    """In a chat without titles, a change alone stands under its list; all else is as elsewhere."""
    chat = Style(titled=False)
    moved = change("Notorious", MOVED, feed="queue", at=1, was_at=20)
    rated = change("Platoon", feed="ratings", feed_kind=Kind.RATINGS)
    assert compose(chat, moved) == Composed((0,), "jane/queue", "Notorious moved from 20 to 1", Markup.TEXT)
    assert compose(chat, rated) == Composed((0,), "jane/ratings", "rated Platoon", Markup.TEXT)
    for more in ([moved, rated], [moved, moved], [WATCHING], [moved, WATCHING]):
        assert compose(chat, *more) == compose(Style(), *more)


def test_mail_has_lists_and_links() -> None:
    """HTML has a heading and a list for each feed, a link on each title, and a post's address to read."""
    title = change("Up & Away", link="https://x.example/?a&b")
    message = compose(MAIL, title, POST, WATCHING)
    assert message.markup is Markup.HTML
    assert message.title == "jane/queue: 1 added; jane/lwn: 1 new; watching 220 titles in jane/queue"
    assert message.body == (
        '<h3>jane/queue</h3><ul><li>added <a href="https://x.example/?a&amp;b">Up &amp; Away</a></li></ul>\n'
        '<h3>jane/lwn</h3><ul><li>new: <a href="https://x.example/1">Kernel news</a><br>'
        '<a href="https://x.example/1"><small>https://x.example/1</small></a></li></ul>\n'
        "<p>watching 220 titles in jane/queue</p>"
    )


def test_title_of_many_lists_says_how_much_in_all() -> None:
    """Where a title cannot name all lists, it counts them."""
    many = [change(feed=f"list-{number}") for number in range(40)]
    assert compose(Style(limit=10_000), *many).title == "40 changes in 40 lists"


def test_title_of_one_list_with_a_long_name_counts_and_shortens_the_name() -> None:
    """The name of the list gives way, not how much happened; the body then says the whole name."""
    message = compose(Style(title_limit=40), *[change(feed="f" * 60)] * 3)
    assert message.title == f"jane/{'f' * 23}…: 3 changes"
    assert message.body.splitlines()[0] == f"jane/{'f' * 60}"


def test_heading_is_left_out_where_the_escaped_title_begins_with_it() -> None:
    """A name with characters of markup is recognised in a title that escapes them."""
    message = compose(CHAT, *[change(feed="my_list")] * 2)
    assert message.title == "jane/my\\_list: 2 added"
    assert message.body == "added Platoon\nadded Platoon"


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────

EVIL = [
    "@everyone",
    "@here",
    "<!channel>",
    "<@U123>",
    "<@&42>",
    "[x](http://evil.example)",
    "</b></li>",
    "<script>alert(1)</script>",
    "\n# shout",
    "\r\n\r\nBcc: a@b.example",
    "\x1b[31m\x00",
    "\u202egnp.exe",
    "**b** _i_ `c` ~s~ ||spoiler||",
    "&amp; &lt;",
    "1. first",
    "/start",
    "👩🏽\u200d🚀🇩🇪é\u0301",
    "\ud800",
    "Platoon",
]
TITLES = st.lists(st.sampled_from(EVIL) | st.text(max_size=12), min_size=0, max_size=4).map(" ".join)
LINKS = st.none() | TITLES.map(lambda text: "https://x.example/" + "".join(text.split()))
NAMES = st.sampled_from(["queue", "ratings", "a_list", "L" * 40, "x*y"])
FACTS = st.dictionaries(
    st.sampled_from(["rating", "availability", "title", "link", "content", "mood"]),
    st.builds(FactChange, st.none() | TITLES | st.just("4"), st.none() | TITLES | st.just("3")),
    max_size=2,
)
PLACES = st.none() | st.integers(1, 500)
CHANGES = st.builds(
    change,
    TITLES,
    st.sampled_from(ChangeKind),
    st.sampled_from(Kind),
    feed=NAMES,
    account=st.sampled_from(["jane", "<b>", "@all"]),
    link=LINKS,
    at=PLACES,
    was_at=PLACES,
    facts=FACTS,
    now=st.dictionaries(
        st.sampled_from(["rating", "year", "availability", "watched_at"]), TITLES, max_size=2
    ),
)
NOTICES = st.builds(
    Notice,
    st.sampled_from(NoticeKind),
    st.just(NOW),
    account=st.sampled_from([None, "jane", "@everyone", "</p>"]),
    feeds=st.lists(st.builds(NoticeLine, NAMES | TITLES, PLACES), max_size=12).map(tuple),
    reason=st.none() | st.sampled_from(Reason) | TITLES,
    since_at=st.none() | st.just(NOW - timedelta(hours=3)),
)
SUBJECTS = st.lists(CHANGES | NOTICES, min_size=1, max_size=12)
READ_BY_PEOPLE = st.sampled_from([Markup.TEXT, Markup.HTML, Markup.MARKDOWN])
"""A document is never cut: `test_render_batches.py`."""
STYLES = st.builds(
    Style,
    markup=READ_BY_PEOPLE,
    limit=st.integers(20, 1500),
    title_limit=st.integers(10, 250),
    mentions=st.sampled_from(["", "@ <", "@ < ](", "@ /", "@ # ~"]),
    escape=st.sampled_from(["", CHAT.escape]),
    title_escape=st.sampled_from(["", CHAT.title_escape]),
)
"""Limits from below what any service has (67) to what most have; `title_limit` never beyond half of it."""


def believable(style: Style) -> Style:
    plain = style.markup is Markup.HTML
    return replace(
        style,
        title_limit=min(style.title_limit, style.limit // 2),
        mentions="" if plain else style.mentions,
        escape="" if plain else style.escape,
        title_escape="" if plain else style.title_escape,
    )


@given(SUBJECTS, STYLES.map(believable))
@settings(max_examples=60)
def test_messages_never_exceed_what_a_service_takes(
    subjects: Sequence[RecordedChange | Notice], style: Style
) -> None:
    """Title and body together, and the title alone, fit in UTF-16 units; something is always said."""
    message = compose(style, *subjects)
    assert 1 <= len(message.deliveries) <= len(subjects)
    assert units(message.title) <= style.title_limit
    assert units(message.title) + 2 + units(message.body) <= style.limit
    assert message.body
    assert message.markup is style.markup


@given(SUBJECTS, STYLES.map(believable))
@settings(max_examples=40)
def test_messages_take_the_longest_run_that_fits(
    subjects: Sequence[RecordedChange | Notice], style: Style
) -> None:
    """No longer run would have fit whole: what waits for the next message has to."""
    taken = len(compose(style, *subjects).deliveries)
    boundless = replace(style, limit=10**9)
    for count in range(taken + 1, len(subjects) + 1):
        whole = compose(boundless, *subjects[:count])
        assert len(whole.deliveries) == count
        assert units(whole.title) + 2 + units(whole.body) > style.limit - room_for_repeat(style)


@given(st.lists(CHANGES, min_size=1, max_size=30), st.integers(300, 3000), READ_BY_PEOPLE)
@settings(max_examples=40)
def test_nothing_is_left_out_and_nothing_is_said_twice(
    subjects: Sequence[RecordedChange], limit: int, markup: Markup
) -> None:
    """Message after message, every delivery is told once, in order within its list."""
    style = Style(markup=markup, limit=limit)
    numbered = [replace(one, title=f"T{number}.", facts={}) for number, one in enumerate(subjects)]
    told: list[str] = []
    left: list[RecordedChange] = list(numbered)
    while left:
        message = compose(style, *left)
        said = re.findall(r"\bT\d+\.", message.body)
        groups: dict[str, list[str]] = {}
        for one in left[: len(message.deliveries)]:
            groups.setdefault(f"{one.account}/{one.feed}", []).append(one.title)
        assert said == [title for group in groups.values() for title in group]
        told += said
        left = left[len(message.deliveries) :]
    assert sorted(told) == sorted(one.title for one in numbered)


@given(SUBJECTS, STYLES.map(believable))
@settings(max_examples=40)
def test_messages_hold_only_whole_and_plain_characters(
    subjects: Sequence[RecordedChange | Notice], style: Style
) -> None:
    """No control, no direction and no half of a character; a title is one line."""
    message = compose(style, *subjects)
    assert len(message.title.splitlines()) <= 1
    for text in (message.title, *message.body.split("\n")):
        text.encode()
        assert text.splitlines() in ([], [text])
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", text)


@given(CHANGES, STYLES.map(believable))
def test_one_change_is_one_line_whatever_its_title_holds(subject: RecordedChange, style: Style) -> None:
    """In plain text there is at most its list's name above it, and below it the page of a post."""
    lines = compose(replace(style, markup=Markup.TEXT, limit=100_000), subject).body.split("\n")
    if lines[-1].startswith("https://x.example/") and subject.feed_kind is Kind.STREAM:
        del lines[-1]
    assert len(lines) <= 2


@given(SUBJECTS, st.integers(20, 1500))
@settings(max_examples=40)
def test_html_is_well_formed_and_holds_no_tag_of_a_feed(
    subjects: Sequence[RecordedChange | Notice], limit: int
) -> None:
    """HTML parses as XML, has our few tags and no other, and leads nowhere but to pages."""
    body = compose(Style(markup=Markup.HTML, limit=limit, title_limit=limit // 2), *subjects).body
    tree = ET.fromstring(f"<body>{body.replace('<br>', '<br/>')}</body>")
    assert {element.tag for element in tree.iter()} <= {"body", "h3", "ul", "li", "p", "br", "a", "small"}
    for element in tree.iter():
        assert set(element.attrib) <= {"href"}
        assert element.get("href", "https://").startswith(("https://", "http://"))


@given(SUBJECTS, st.integers(60, 3000))
@settings(max_examples=40)
def test_no_mention_survives_and_no_link_lies(
    subjects: Sequence[RecordedChange | Notice], limit: int
) -> None:
    """In a chat nobody is called, and no text of a feed hides an address behind another text."""
    style = replace(CHAT, limit=limit, title_limit=min(250, limit // 2))
    message = compose(style, *subjects)
    assert_calls_nobody(message)


def assert_calls_nobody(message: Composed) -> None:
    for text in (message.title, message.body):
        assert not re.search(r"@(?!\u200b|…)", text)
        assert not re.search(r"<(?!\u200b|…)", text)
        assert "](" not in text


@pytest.mark.parametrize("trick", EVIL)
@pytest.mark.parametrize("kind", [Kind.STREAM, Kind.QUEUE])
def test_each_trick_is_harmless_wherever_it_stands(trick: str, kind: Kind) -> None:
    """In a title, a link, a fact's old value: it calls nobody and makes neither a line nor a tag."""
    link = "https://x.example/" + "".join(trick.split())
    facts = {
        "title": FactChange(trick, "T"),
        "link": FactChange(link, None),
        "mood": FactChange(trick, trick),
    }
    subject = change(trick, UPDATED, kind, link=link, facts=facts)
    chat, mail = compose(CHAT, subject), compose(MAIL, subject)
    assert_calls_nobody(chat)
    assert chat.body.count("\n") == (1 if kind is Kind.STREAM else 0)
    tree = ET.fromstring(f"<body>{mail.body.replace('<br>', '<br/>')}</body>")
    assert {element.tag for element in tree.iter()} == {"body", "h3", "ul", "li", "a"} | (
        {"br", "small"} if kind is Kind.STREAM else set()
    )


@given(SUBJECTS)
@settings(max_examples=40)
def test_no_markup_survives_where_a_chat_reads_it(subjects: Sequence[RecordedChange | Notice]) -> None:
    """Every character of markup that a feed brought stands behind a backslash, but in an address."""
    message = compose(replace(CHAT, limit=100_000), *subjects)
    for line in (message.title, *message.body.split("\n")):
        bare = re.sub(r"\\[\\*_~`|\[\]<>#+-]|https?://\S+", "", line)
        assert not set(bare) & set("*`~|[]")
        assert not bare.startswith(("#", ">"))


# ── what is too long for any message ──────────────────────────────────────────────────────────────


def test_long_title_gives_way_before_what_happened() -> None:
    """A title longer than a message is cut at a word; where it moved, and its link, are still said."""
    post = change("word " * 2000, feed_kind=Kind.STREAM, feed="lwn", link="https://x.example/1")
    style = Style(limit=300, title_limit=100)
    message = compose(style, post)
    first, link = message.body.split("\n")
    assert (first[:9], first[-6:]) == ("new: word", " word…")
    assert link == "https://x.example/1"
    whole = units(message.title) + 2 + units(message.body) + room_for_repeat(style)
    assert 290 <= whole <= 300
    moved = compose(Style(limit=120, title_limit=60), change("word " * 2000, MOVED, at=1, was_at=7))
    assert moved.title.endswith("… moved from 7 to 1")
    assert moved.body.endswith("… moved from 7 to 1")


def test_long_link_gives_way_before_the_title() -> None:
    """An address longer than a message is left out; half of it would lead nowhere."""
    post = change("Kernel news", feed_kind=Kind.STREAM, feed="lwn", link="https://x.example/" + "y" * 500)
    assert compose(Style(limit=200), post).body == "new: Kernel news"


def test_long_notice_loses_its_last_lines() -> None:
    """A notice over more lists than fit says how many they are, names the first, and says that it goes on."""
    lists = tuple(NoticeLine(f"jane/list-{number}", 10) for number in range(3000))
    message = compose(Style(limit=1000), Notice(NoticeKind.WATCHING, NOW, feeds=lists))
    lines = message.body.split("\n")
    assert message.title == "watching 30,000 titles in 3,000 lists"
    assert (lines[0], lines[-1]) == ("10 titles in jane/list-0", "…")
    assert units(message.title) + 2 + units(message.body) > 900


def test_smallest_of_services_gets_the_start_of_what_happened() -> None:
    """Where not even our own words fit, one line without a title says as much as it can."""
    broken = Notice(NoticeKind.FEED_BROKEN, NOW, feeds=(NoticeLine("jane/queue"),), reason=Reason.CONNECT)
    assert compose(Style(limit=54, title_limit=20), broken) == Composed(
        (0,), "", "jane/queue cannot be read: its server…", Markup.TEXT
    )


# ── what may have come before ─────────────────────────────────────────────────────────────────────


@given(SUBJECTS, STYLES.map(believable))
@settings(max_examples=30)
def test_repeat_is_the_same_but_for_one_line_and_fits(
    subjects: Sequence[RecordedChange | Notice], style: Style
) -> None:
    """The line stands at the end, says that it was sent again, and never makes a message too long."""
    message = compose(style, *subjects)
    repeat = mark_repeat(message.body, message.markup, style)
    assert repeat.startswith(message.body + "\n")
    line = repeat.removeprefix(message.body + "\n")
    assert "sent again" in line
    assert "\n" not in line
    assert units(message.title) + 2 + units(repeat) <= style.limit


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (CHAT, "(sent again: it is not certain that this arrived before)"),
        (MAIL, "<p>(sent again: it is not certain that this arrived before)</p>"),
        (Style(limit=160, titled=False), "(sent again?)"),
    ],
    ids=["chat", "mail", "text message"],
)
def test_repeat_says_so_in_the_words_that_there_is_room_for(style: Style, line: str) -> None:
    """A whole sentence where there is room, a question where a service takes no more than a line or two."""
    message = compose(style, change())
    assert mark_repeat(message.body, message.markup, style) == f"{message.body}\n{line}"


# ── speed ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lists", [1, 500])
@pytest.mark.parametrize("style", [Style(limit=35_000), MAIL, CHAT], ids=["long", "mail", "chat"])
def test_composing_five_hundred_takes_little_more_than_fifty_times_ten(style: Style, lists: int) -> None:
    """The work grows with the deliveries, not with their square: it is done while the state is locked."""

    def measure_time(count: int) -> float:
        owed = [change(f"Title {number}", feed=f"list-{number % lists}") for number in range(count)]
        begun = time.process_time()
        compose(style, *owed)
        return time.process_time() - begun

    few = min(measure_time(50) for _ in range(5))
    many = min(measure_time(500) for _ in range(3))
    assert many < 40 * few
    assert many < 0.5


@settings(max_examples=20)
@given(st.integers(1, 3000))
def test_one_endless_notice_is_composed_at_once(count: int) -> None:
    """A notice over thousands of lists is not tried line by line."""
    lists = tuple(NoticeLine(f"jane/list-{number}", 10) for number in range(count))
    begun = time.process_time()
    compose(CHAT, Notice(NoticeKind.FEEDS_FOUND, NOW, "jane", lists))
    assert time.process_time() - begun < 2
