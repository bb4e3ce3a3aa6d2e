"""Messages in a person's own words: what templates see, what they may do, and what comes out is harmless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventing import AT, CHAT, DIGEST, MAIL, MARKDOWN, TEXT, invent_change, invent_day, tell

from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import Markup, OwedDelivery, PictureLink, Story, Style
from feedwatch.core.model import ChangeKind, Details, Kind, Notice, NoticeKind, NoticeLine
from feedwatch.core.render import compose_message
from feedwatch.core.text import measure
from feedwatch.core.told import Draft, Told
from feedwatch.scribe import TemplateProblem, TemplateScribe, compile_templates

OURS = Batch(Manner(template="ours"))


@dataclass(frozen=True)
class Texts:
    """A set as the configuration has it."""

    title: str | None = None
    line: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)


def scribe_of(texts: Texts, *, complaints: list[TemplateProblem] | None = None) -> TemplateScribe:
    heard = [] if complaints is None else complaints
    scribe, problems = compile_templates({"ours": texts}, complain=heard.append)
    assert problems == []
    return scribe


def write(
    texts: Texts, *stories: Story, style: Style = TEXT, batch: Batch = OURS, more: int = 0
) -> Draft | None:
    return scribe_of(texts).write(Told(stories, batch, more), style)


def write_body(body: str, *stories: Story, style: Style = TEXT, form: str = "") -> str:
    draft = write(Texts(body={form: body}), *stories, style=style)
    assert draft is not None
    return draft.body


def problem_of(body: str, *, form: str = "") -> str:
    _, problems = compile_templates({"ours": Texts(body={form: body})})
    return " ".join(problem.message for problem in problems)


def failure_of(body: str) -> str:
    """What a template that can be read does wrong with an ordinary change."""
    complaints: list[TemplateProblem] = []
    scribe = scribe_of(Texts(body={"": body}), complaints=complaints)
    assert scribe.write(Told(tell(invent_change()), OURS), TEXT) is None
    assert len(complaints) == 1
    return complaints[0].message


# ── what templates see ────────────────────────────────────────────────────────────────────────────


def test_a_change_is_seen_whole() -> None:
    """Every name that the documentation promises of a title is there."""
    change = invent_change(
        3, title="Paper Boats", picture="https://films.example/3.png", text="A boy, a river.", rating="4"
    )
    body = write_body(
        "{% for s in stories %}{{ s.title }}|{{ s.year }}|{{ s.feed }}|{{ s.account }}|{{ s.list }}|"
        "{{ s.kind }}|{{ s.change }}|{{ s.position }}|{{ s.facts.rating }}|{{ s.excerpt }}|"
        "{{ s.link }}|{{ s.text }}"
        "{% endfor %}",
        *tell(change),
    )
    assert body == (
        "Paper Boats|1961|jane/queue|jane|queue|queue|added|4|4|A boy, a river.|https://films.example/title/3|"
        "added Paper Boats (1961) at 4"
    )


def test_an_unknown_fact_shows_as_nothing_and_numbers_are_numbers() -> None:
    """What a title does not say needs no test, and what it says can be compared."""
    body = write_body(
        "{% for s in stories %}[{{ s.facts.rating }}]{% if s.year > 1960 %}new{% endif %}{% endfor %}",
        *tell(invent_change()),
    )
    assert body == "[]new"


def test_an_update_says_what_was_and_what_is() -> None:
    """`was` and `now` hold the fact that changed."""
    change = invent_change(kind=Kind.RATINGS, change=ChangeKind.UPDATED, was="2", now="5")
    body = write_body(
        "{% for s in stories %}{{ s.was.rating }}-{{ s.now.rating }}{% endfor %}", *tell(change)
    )
    assert body == "2-5"


def test_a_message_counts_and_groups() -> None:
    """Lists come under their accounts, with how much happened on each, and what is not named is counted."""
    draft = write(
        Texts(
            title="{{ count }} titles, {{ more }} unnamed: {{ summary }}",
            body={"": "{% for l in lists %}{{ l.feed }} {{ l.count }}\n{% endfor %}"},
        ),
        *tell(
            invent_change(1),
            invent_change(2, Kind.STREAM, account="news", feed="lwn"),
            invent_change(3, Kind.RATINGS, rating="3"),
        ),
        more=4,
    )
    assert draft is not None
    assert draft.title == "7 titles, 4 unnamed: 1 added, 1 new, 1 rated"
    assert draft.body == "jane/queue 1 added\njane/ratings 1 rated\nnews/lwn 1 new"


def test_a_notice_is_a_story_too() -> None:
    """What feedwatch says about itself can be reworded, or left as it is."""
    notice = Notice(NoticeKind.WATCHING, AT, "jane", (NoticeLine("jane/queue", 220),))
    draft = write(Texts(line={"notice": "By the way: {{ text }}"}), Story((1,), notice=notice))
    assert draft is not None
    assert draft.body == "By the way: watching 220 titles in jane/queue"


def test_times_are_said_by_the_clock_that_was_handed_in() -> None:
    """An instant is shown in the zone of the configuration."""
    texts = Texts(line={"": "{{ at }} {{ at.strftime('%H:%M') }}"})
    scribe, _ = compile_templates({"ours": texts}, zone=timezone(timedelta(hours=9)))
    draft = scribe.write(Told(tell(replace(invent_change(), at=AT)), OURS), TEXT)
    assert draft is not None
    assert draft.body == "26 November 2026, 16:00 16:00"


def test_a_line_is_chosen_by_its_kind() -> None:
    """A kind without a line of its own has that for all, or the built-in one."""
    stories = tell(invent_change(1), invent_change(2, Kind.RATINGS, title="Rated One", rating="3"))
    for_one = write(Texts(line={"queue": "Q {{ title }}"}), *stories)
    for_all = write(Texts(line={"queue": "Q {{ title }}", "": "* {{ title }}"}), *stories)
    assert for_one is not None
    assert for_one.body == "jane/queue\nQ Harbour Lights\n\njane/ratings\nrated Rated One (1961) 3★"
    assert for_all is not None
    assert for_all.body == "jane/queue\nQ Harbour Lights\n\njane/ratings\n* Rated One"


def test_a_body_is_chosen_by_its_form() -> None:
    """Markdown, HTML and text each have their own body; the one for all is text, escaped in HTML."""
    texts = Texts(body={"": "all <3\n{{ count }}", "markdown": "**{{ count }}**"})
    story = tell(invent_change())
    written = {style.markup: write(texts, *story, style=style) for style in (TEXT, MARKDOWN, MAIL)}
    bodies = {markup: draft.body for markup, draft in written.items() if draft is not None}
    assert bodies == {
        Markup.TEXT: "all <3\n1",
        Markup.MARKDOWN: "**1**",
        Markup.HTML: "<p>all &lt;3<br>\n1</p>",
    }


def test_a_title_alone_leaves_the_built_in_lines() -> None:
    """Who only rewords the title has the body as it is, in the form that the service takes."""
    texts = Texts(title="News, {{ count }}")
    story = tell(invent_change())
    in_text, in_html = (write(texts, *story, style=style) for style in (TEXT, MAIL))
    assert in_text is not None
    assert in_text.title == "News, 1"
    assert in_text.body == "added Harbour Lights (1961) at 2"
    assert in_html is not None
    assert in_html.body.startswith("<h3>jane/queue</h3>")
    assert in_html.twin == in_text.body


def test_without_a_set_nothing_is_asked_for() -> None:
    """A single change, or text, is told in the built-in words; so is what programs read."""
    scribe = scribe_of(Texts(title="x"))
    story = tell(invent_change())
    assert scribe.write(Told(story), TEXT) is None
    assert scribe.write(Told(story), MAIL) is None
    assert scribe.write(Told(story, OURS), Style(markup=Markup.JSON)) is None


def test_pictures_go_along_as_the_service_shows_them() -> None:
    """The first pictures, as many as fit the service, each once; none where the route wants none."""
    stories = tell(*(invent_change(n, picture=f"https://films.example/{n // 2}.png") for n in range(2, 9)))
    style = replace(TEXT, pictures=2)
    draft = write(Texts(title="x"), *stories, style=style)
    without = write(
        Texts(title="x"), *stories, style=style, batch=Batch(Manner(template="ours", pictures=False))
    )
    assert draft is not None
    assert draft.pictures == (
        PictureLink("https://films.example/1.png", "picture-1"),
        PictureLink("https://films.example/2.png", "picture-2"),
    )
    assert without is not None
    assert without.pictures == ()


def test_a_page_of_ones_own_shows_pictures_by_name() -> None:
    """In HTML that shows pictures, `picture` is what `cid:` refers to, and None for a title without."""
    change = invent_change(1, picture="https://films.example/1.png")
    stories = tell(change, replace(invent_change(2), details=Details()))
    body = write_body(
        "{% for s in stories %}{{ s.picture or 'none' }} {% endfor %}", *stories, style=MAIL, form="html"
    )
    assert body == "picture-1 none"


# ── what comes out is harmless ────────────────────────────────────────────────────────────────────

HOSTILE = 'a <b>"x"</b> & @everyone *bold* _it_ [l](http://e.example)\n# h'


def test_text_from_elsewhere_is_escaped_in_html() -> None:
    """A title makes no tag and ends no attribute."""
    change = invent_change(title=HOSTILE, year=None)
    body = write_body(
        '<i title="{{ stories[0].title }}">{{ stories[0].title|upper }}</i>',
        *tell(change),
        style=MAIL,
        form="html",
    )
    assert "<b>" not in body.lower()
    assert body.count('"') == 2
    assert "&lt;B&gt;" in body


def test_text_from_elsewhere_calls_nobody_in_a_chat() -> None:
    """Mentions are broken and markup escaped, whatever filters a title went through."""
    change = invent_change(title=HOSTILE, year=None)
    for expression in (
        "stories[0].title",
        "stories[0].title|trim",
        "stories[0].title ~ ''",
        "[stories[0].title]|join",
        "stories[0].text ~ stories[0].title",
        "stories[0]",
    ):
        body = write_body(f"{{{{ {expression} }}}}", *tell(change), style=CHAT)
        assert "@everyone" not in body
        assert "](" not in body
        assert "\n" not in body
        assert r"\*bold\*" in body


def test_what_is_set_in_a_block_is_not_escaped_twice() -> None:
    """A `set` block holds what it wrote."""
    change = invent_change(title="a*b", year=None)
    body = write_body("{% set x %}{{ stories[0].title }}{% endset %}{{ x }}", *tell(change), style=CHAT)
    assert body == r"a\*b"


def test_a_persons_own_markup_stays() -> None:
    """What stands in the template itself is sent as it is."""
    body = write_body("**{{ stories[0].title }}**", *tell(invent_change(title="a*b")), style=CHAT)
    assert body == r"**a\*b**"


def test_a_link_works_in_every_form() -> None:
    """A page's address is not escaped as text would be; in markdown its brackets are."""
    change = replace(invent_change(), link="https://films.example/a_(b)?x=1&y=2")
    assert write_body("{{ stories[0].link }}", *tell(change)) == "https://films.example/a_(b)?x=1&y=2"
    in_markdown = write_body("[t]({{ stories[0].link }})", *tell(change), style=MARKDOWN)
    assert in_markdown == "[t](https://films.example/a_%28b%29?x=1&y=2)"
    in_html = write_body('<a href="{{ stories[0].link }}">', *tell(change), style=MAIL, form="html")
    assert in_html == '<a href="https://films.example/a_(b)?x=1&amp;y=2">'


def test_a_link_that_is_none_or_shows_a_token_is_not_there() -> None:
    """Neither a script nor a token gets into a message by way of a link."""
    for link in ("javascript:alert(1)", "https://films.example/?feed_token=abc"):
        change = replace(invent_change(), link=link)
        assert write_body("[{{ stories[0].link }}]", *tell(change)) == "[]"


@settings(max_examples=60)
@given(title=st.text(max_size=60))
def test_no_title_breaks_out(title: str) -> None:
    """Whatever a title is: no tag of its own in HTML, nobody called and no line broken in a chat."""
    story = tell(invent_change(title=title, year=None))
    body = write_body("<p>{{ stories[0].title }}</p>", *story, style=MAIL, form="html")
    assert body.count("<") == 2
    chat = write_body("> {{ stories[0].title }} <", *story, style=CHAT)
    assert "\n" not in chat
    assert "@everyone" not in chat
    body.encode()
    chat.encode()


# ── what templates may not do ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a\n{% if %}", "line 2 of the template: Expected an expression, got 'end of statement block'"),
        ("{{ title", "line 1 of the template: unexpected end of template"),
        ("{% include '/etc/passwd' %}", "`include` is not for messages"),
        ("{% import 'x' as y %}", "`import` is not for messages"),
        ("{% extends 'x' %}", "`extends` is not for messages"),
        ("{% macro m() %}{% endmacro %}", "`macro` is not for messages"),
        ("{% filter upper %}{% endfilter %}", "`filterblock` is not for messages"),
        ("{% call x() %}{% endcall %}", "`callblock` is not for messages"),
        ("{% block b %}{% endblock %}", "`block` is not for messages"),
        ("{% autoescape false %}{% endautoescape %}", "is not for messages"),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "`recursive` is not for messages"),
        ("{{ stories|safe }}", "No filter named 'safe'"),
        ("{{ 'x'|center(1000) }}", "No filter named 'center'"),
        ("x" * 20_001, "longer than 20,000 characters"),
    ],
)
def test_what_is_no_template_is_said_with_its_line(source: str, said: str) -> None:
    """A template that cannot be used is a problem when it is compiled, not when a message is due."""
    assert said in problem_of(source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ nothing }}", "line 1 of the template: 'nothing' is undefined"),
        ("\n\n{{ stories[0].rating }}", "line 3 of the template: "),
        ("{{ stories[0].facts.genre }}", "has no attribute 'genre'"),
        ("{{ stories[0].__class__ }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ stories[0].story }}", "unsafe"),
        ("{{ 'x' * 100000000 }}", "`*` is for numbers here"),
        ("{{ 2 ** 100000000 }}", "`**` is for numbers here"),
        ("{{ '%1000000000d' % 1 }}", "`%` is for numbers here"),
        ("{{ '{:1000000000}'.format(1) }}", "unsafe"),
        ("{{ 'x'.center(1000000000) }}", "unsafe"),
        ("{% for i in range(100000000) %}{% endfor %}", "1,000 numbers at most"),
        ("{{ stories[0].facts.rating > 3 }}", "not supported between instances of 'NoneType' and 'int'"),
        ("{{ stories.append(1) }}", "unsafe"),
    ],
)
def test_what_fails_is_said_with_its_line(source: str, said: str) -> None:
    """A template that cannot be rendered is told as a problem, and nothing it reached for is touched."""
    assert said in failure_of(source)


HUGE = "".join("{% set x = " + "~".join(["x"] * 99) + " %}" for _ in range(9))
ROUNDS = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}"


@pytest.mark.parametrize(
    "source",
    [
        ROUNDS + "{% endfor %}" * 3,
        "{% set y %}" + ROUNDS + "y" * 9999 + "{% endfor %}" * 3 + "{% endset %}",
        "{% set x = 'xxxxxxxxxx' %}" + HUGE,
        "{% set x = 'xxxxxxxxxx' %}" + HUGE.replace("~", "+"),
        "{% set x = [1, 2] %}" + HUGE.replace("~", "+"),
        "{% set x = 'x' * 1 if 0 else 'xxxxxxxxxx' %}" + "{% set x = range(1000)|join(x) %}" * 9,
        "{% set x = 'xxxxxxxxxx' %}" + "{% set x = x|replace('x', x) %}" * 9,
        "{{ '" + "x" * 9000 + "'|replace('x', '" + "y" * 9000 + "')|length }}",
        "{% for a in [1]|slice(1000000000) %}{% endfor %}",
        "{{ [1]|batch(1000000000, 'x')|list }}",
        "{{ range(1000)|map('string')|join('" + "x" * 9999 + "')|length }}",
        "{% set x = 'x'|replace('x', '" + "x" * 9999 + "') %}" + ROUNDS + "{% if x.upper() %}{% endif %}"
        + "{% endfor %}" * 3,
    ],
)  # fmt: skip
def test_one_that_does_too_much_is_stopped(source: str) -> None:
    """Neither rounds without number, nor texts that multiply, are gone through to their end."""
    assert "it does too much" in failure_of(source)


def test_one_that_does_much_may() -> None:
    """Five hundred titles, gone through in loops and joined, are within what a template may do."""
    source = (
        "{% set all %}{% for s in stories %}{% for c in s.changes %}{{ s.title ~ ' ' ~ c.text }}"
        + "." * 500
        + "{% endfor %}{% endfor %}{% endset %}{{ all|length }} "
        + "{{ stories|map(attribute='title')|join(', ')|length }}"
    )
    draft = write(Texts(body={"": source}), *(tell(invent_change())[0] for _ in range(500)))
    assert draft is not None
    assert int(draft.body.split()[0]) > 250_000


def test_one_that_writes_without_end_is_stopped() -> None:
    """What goes beyond the limit is not written on and on: it does not fit."""
    loop = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}xxxx{% endfor %}"
    draft = write(Texts(body={"": loop + "{% endfor %}{% endfor %}"}), *tell(invent_change()))
    assert draft is not None
    assert TEXT.limit < measure(draft.body) < TEXT.limit + 10


def test_a_problem_never_repeats_what_a_list_says() -> None:
    """A title does not get into the log by way of an error."""
    change = invent_change(title="Private Matters")
    complaints: list[TemplateProblem] = []
    scribe = scribe_of(Texts(line={"": "{{ title|round }}"}), complaints=complaints)
    scribe.write(Told(tell(change), OURS), TEXT)
    assert len(complaints) == 1
    assert "Private" not in str(complaints[0])


@pytest.mark.parametrize(
    "source",
    [
        "{{ facts[title] }}",
        "{{ [1]|select(title)|list }}",
        "{{ [1]|map(title)|list }}",
        "{{ [facts][title] }}",
    ],
)
def test_a_problem_names_nothing_that_a_title_names(source: str) -> None:
    """What is looked up by a title fails for each of them, is not repeated, and is said once for all."""
    complaints: list[TemplateProblem] = []
    scribe = scribe_of(Texts(line={"": source}), complaints=complaints)
    for title in ("Private Matters", 'It\'s a "Private" matter', "private object"):
        scribe.write(Told(tell(invent_change(title=title)), OURS), TEXT)
    assert len(complaints) == 1, complaints
    assert "rivate" not in str(complaints[0])


# ── when one fails ────────────────────────────────────────────────────────────────────────────────


def test_a_failure_is_said_once_and_the_built_in_words_are_used() -> None:
    """A template that fails each time is complained of once; the message is told all the same."""
    complaints: list[TemplateProblem] = []
    scribe = scribe_of(Texts(title="fine", line={"queue": "{{ oops }}"}), complaints=complaints)
    told = Told(tell(invent_change()), OURS)
    assert [scribe.write(told, style) for style in (TEXT, TEXT, CHAT)] == [None, None, None]
    assert complaints == [
        TemplateProblem("ours", ("line", "queue"), "line 1 of the template: 'oops' is undefined")
    ]
    owed = OwedDelivery(1, "chat/1", invent_change())
    message = compose_message([owed], CHAT, batch=OURS, scribe=scribe)
    assert message.deliveries == (1,)
    assert "Harbour Lights" in message.title + message.body


def test_a_digest_whose_template_fails_is_still_a_page() -> None:
    """What stands in for a digest's own words is the page that it would be without."""
    batch = replace(DIGEST, manner=replace(DIGEST.manner, template="ours"))
    draft = write(Texts(line={"": "{{ oops }}"}), *invent_day(3), style=MAIL, batch=batch)
    assert draft is not None
    assert draft.body.startswith("<!doctype html>")


def test_all_can_be_tried_before_they_are_needed() -> None:
    """A mistake in a branch that is seldom taken is found by trying; what is right finds nothing."""
    good = Texts(
        title="{{ count }} {{ summary }}{% if digest %} {{ digest.every }}, {{ digest.at }}{% endif %}",
        line={"": "{{ text }} {{ excerpt }}", "notice": "{{ title }}"},
        body={"html": "{% for s in stories %}<p>{{ s.line }} {{ s.picture }}</p>{% endfor %}"},
    )
    scribe, problems = compile_templates(
        {
            "good": good,
            "bad": Texts(line={"ratings": "{% if change == 'removed' %}{{ oops }}{% endif %}"}),
            "endless": Texts(
                body={
                    "": "{% for a in range(1000) %}{{ stories[0].title * 1 if 0 }}"
                    + "x" * 99
                    + "{% endfor %}"
                }
            ),
        }
    )
    assert problems == []
    assert scribe.try_all() == [
        TemplateProblem("bad", ("line", "ratings"), "line 1 of the template: 'oops' is undefined"),
        TemplateProblem("endless", ("body",), "it writes more of one title than fits into a message"),
    ]


def test_a_title_of_ones_own_keeps_to_one_line_and_its_limit() -> None:
    """A title that would be too long is cut at a word, whatever the template writes."""
    draft = write(Texts(title="first\n{{ stories[0].title }}"), *tell(invent_change(title="word " * 99)))
    assert draft is not None
    assert draft.title is not None
    assert "\n" not in draft.title
    assert measure(draft.title) <= TEXT.title_limit
    assert draft.title.endswith("word…")


# ── in the way of the data ────────────────────────────────────────────────────────────────────────


def test_messages_in_ones_own_words_are_divided_at_titles() -> None:
    """Every title is told once, in order, and no message is longer than its service takes."""
    scribe = scribe_of(Texts(line={"": "- {{ title }} #{{ changes[0].position }}"}))
    owed = [OwedDelivery(n, "chat/1", invent_change(n, title=f"Title {n:03}")) for n in range(1, 301)]
    style = replace(CHAT, limit=1000)
    told: list[int] = []
    while waiting := owed[len(told) :]:
        message = compose_message(waiting, style, batch=OURS, scribe=scribe)
        assert measure(message.title) + measure(message.body) <= style.limit
        assert [f"Title {n:03}" in message.body for n in message.deliveries] == [True] * len(
            message.deliveries
        )
        told += message.deliveries
    assert told == list(range(1, 301))


def test_a_message_that_was_cut_off_never_passes_for_one_that_fits() -> None:
    """Blanks that a template writes between titles hide nothing that would have come behind them."""
    body = "{% for story in stories %}{{ story.title }}" + " " * 90 + "{% endfor %}"
    scribe = scribe_of(Texts(title="", body={"": body}))
    owed = [OwedDelivery(n, "chat/1", invent_change(n, title=f"Title {n:03}")) for n in range(1, 30)]
    for limit in range(600, 700):
        message = compose_message(owed, replace(TEXT, limit=limit), batch=OURS, scribe=scribe)
        assert [f"Title {n:03}" in message.body for n in message.deliveries] == [True] * len(
            message.deliveries
        )
