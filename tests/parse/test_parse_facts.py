"""Facts as documents write them: instants, titles, ratings, places, links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import Kind, Page, RawEntry
from feedwatch.parse import read_direct
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.facts import (
    clean_reference,
    clean_title,
    make_excerpt,
    read_availability,
    read_count,
    read_number,
    read_period,
    read_place,
    read_rating,
)
from feedwatch.parse.links import base_of, resolve_link

NOON = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 31 Oct 2026 12:00:00 GMT",
        "Sat, 31 Oct 2026 12:00:00 +0000",
        "Sat, 31 Oct 2026 12:00:00 -0000",
        "Sat, 31 Oct 2026 12:00:00 Z",
        "Sat, 31 Oct 2026 12:00:00 UT",
        "Sat, 31 Oct 2026 12:00:00",
        "Sat, 31 Oct 2026 12:00 GMT",
        "Sat, 31 Oct 2026 07:00:00 EST",
        "Sat, 31 Oct 2026 05:00 PDT",
        "Sat, 31 Oct 2026 14:00:00 +0200",
        "Mon, 31 Oct 2026 12:00:00 GMT",
        "31 Oct 2026 12:00:00 GMT",
        "31 Oct 26 12:00:00 GMT",
        "Saturday, 31-Oct-26 12:00:00 GMT",
        "  Sat,  31  Oct  2026  12:00:00  GMT\n",
        "2026-10-31T12:00:00Z",
        "2026-10-31t12:00:00z",
        "2026-10-31 12:00:00",
        "2026-10-31T12:00Z",
        "2026-10-31T12:00:00.000000000Z",
        "2026-10-31T14:00:00+02:00",
        "2026-10-31T14:00:00+0200",
        str(int(NOON.timestamp())),
        str(int(NOON.timestamp()) * 1000),
    ],
)
def test_instant_is_read_in_any_spelling(text: str) -> None:
    """One instant in the many ways in which feeds have written it: names of zones, no seconds, wrong days."""
    assert parse_instant(text) == NOON


def test_day_is_its_beginning() -> None:
    """A date without a time is the start of that day."""
    assert parse_instant("2026-10-31") == NOON.replace(hour=0)
    assert parse_instant("Sat, 31 Oct 2026") == NOON.replace(hour=0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "yesterday",
        "12",
        "0",
        "12345678901234",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "Sat, 31 Oct 99999999999 12:00:00 GMT",
        "Sat, 31 Oct 2026 12:00:00 +99999",
        "31 10 2026",
        "9" * 13,
        "T",
    ],
)
def test_what_is_no_instant_is_none(text: str | None) -> None:
    """What cannot be read, or lies in a year of no list, is no date."""
    assert parse_instant(text) is None


@given(st.text(max_size=40) | st.from_regex(r"\A\w{3}, \d{1,3} \w{3} \d{1,5} [\d:]{1,9} [+-]?\w{1,5}\Z"))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    """No text makes the reader raise, and every instant is aware."""
    at = parse_instant(text)
    assert at is None or at.tzinfo is UTC


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)))  # noqa: DTZ001 — aware in the next line
def test_instant_reads_back(moment: datetime) -> None:
    """An instant that is written as RFC 3339 reads back, to the microsecond."""
    assert parse_instant(moment.replace(tzinfo=UTC).isoformat()) == moment.replace(tzinfo=UTC)


DAY = r"(Sat, |Abc, |)[0-3]?[0-9] (Oct|Feb|Sep) (19|20)[0-9]{2}"


@given(st.from_regex(rf"\A{DAY} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] (GMT|[+]0000)\Z"))
def test_usual_date_is_read_as_any_other(text: str) -> None:
    """What is read the quick way comes to what the rules for all dates make of it."""
    try:
        expected = parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        expected = None
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    ("text", "as_text", "as_html"),
    [
        ("Plain", "Plain", "Plain"),
        ("AT&amp;T", "AT&amp;T", "AT&T"),
        ("A &amp;amp; B", "A &amp;amp; B", "A &amp; B"),
        ("<i>It</i> &lt;3", "<i>It</i> &lt;3", "It <3"),
        ("1 < 2 &amp; 3 > 2", "1 < 2 &amp; 3 > 2", "1 < 2 & 3 > 2"),
        ("I <3 you", "I <3 you", "I <3 you"),
        ("a<!-- b -->c<br/>d", "a<!-- b -->c<br/>d", "acd"),
        (" two\n\tlines\xa0here ", "two lines here", "two lines here"),
        ("be\x07ll \x1b[31mred\u202e", "be ll [31mred", "be ll [31mred"),
        ("half \ud83d", "half", "half"),
        ("", "", ""),
        (None, "", ""),
    ],
)
def test_title_is_one_line_of_text(text: str | None, as_text: str, as_html: str) -> None:
    """Entities are read once and only where a title is HTML; what moves a terminal is left out."""
    assert clean_title(text) == as_text
    assert clean_title(text, is_html=True) == as_html


@given(st.text())
def test_any_title_can_be_written_anywhere(text: str) -> None:
    """A title is encodable, trimmed, on one line, and clean however often it is cleaned."""
    title = clean_title(text)
    title.encode()
    assert title == clean_title(title) == " ".join(title.split())


def test_post_without_a_title_goes_by_its_first_words() -> None:
    """An excerpt ends at a word and says that more follows."""
    assert make_excerpt("<p>Just <b>this</b></p>") == "Just this"
    excerpt = make_excerpt("word " * 100)
    assert excerpt.endswith("word…")
    assert len(excerpt) <= 101
    assert make_excerpt(None) == make_excerpt("<img>") == ""


def test_reference_is_clean() -> None:
    """An id or a link holds nothing that could not be stored or shown."""
    assert clean_reference(" tag:a\x00\ud800b\n") == "tag:ab"
    assert clean_reference(" ") is None
    assert clean_reference(None) is None


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("3", "3"), ("3.0", "3"), ("3.50", "3.5"), (" 4 ", "4"), ("Not Interested", "not_interested"),
        ("not_interested", "not_interested"), ("no_opinion", "no_opinion"), ("0", "0"),
        ("", None), (None, None), ("great", None), ("nan", None), ("-1", None), ("inf", None), ("1e9", None),
    ],
)  # fmt: skip
def test_rating_has_one_form(text: str | None, rating: str | None) -> None:
    """The same rating, however written, is the same fact; what is none is absent."""
    assert read_rating(text) == rating


def test_numbers_are_bounded() -> None:
    """A number that no list could have is none, and never an error."""
    assert [read_count(text) for text in ("0", " 12 ", "999999999")] == [0, 12, 999_999_999]
    assert [read_count(text) for text in ("", None, "-1", "1.0", "²", "٣", "9" * 10, "9" * 9999)] == [
        None
    ] * 8
    assert read_number("9" * 400) is None


def test_availability_has_one_dialect() -> None:
    """Both dialects of a label are the same fact."""
    assert read_availability("available_now") == read_availability("Available  now") == "available now"
    assert read_availability("") is read_availability(None) is read_availability(" _ ") is None


@pytest.mark.parametrize(
    ("entry_id", "place"),
    [
        ("http://api.example.org/users/T1/queues/instant/available/7/60011", ("available", 7)),
        ("https://h/users/T1/queues/disc/available/500/60011/", ("available", 500)),
        ("http://h/users/T1/queues/instant/saved/60011", ("saved", None)),
        ("http://h/users/T1/queues/instant/available/60011", ("available", None)),
        ("http://h/users/T1/queues/instant/available/0/60011", ("available", None)),
        ("http://h/users/T1/queues/instant/available/99999999999/60011", ("available", None)),
        ("http://h/users/T1/rental_history/watched/60011", None),
        ("tag:saved", None),
        (None, None),
    ],
)
def test_id_says_the_place(entry_id: str | None, place: tuple[str, int | None] | None) -> None:
    """The position inside an id is read, whatever host and user stand before it."""
    assert read_place(entry_id) == place


@pytest.mark.parametrize(
    ("period", "frequency", "wish"),
    [
        ("daily", None, timedelta(days=1)),
        (" Hourly ", "2", timedelta(minutes=30)),
        ("weekly", "0", timedelta(days=7)),
        ("daily", "²", timedelta(days=1)),
        ("daily", "9" * 5000, timedelta(days=1)),
        ("sometimes", "1", None),
        (None, "1", None),
    ],
)
def test_period_of_a_feed(period: str | None, frequency: str | None, wish: timedelta | None) -> None:
    """How often a feed says it changes; nonsense is no wish."""
    assert read_period(period, frequency) == wish


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://jane:word@h.example/a/feed", "http://h.example/a/feed"),
        ("http://h.example/a/feed?feed_token=abcdef12&x=1#y", "http://h.example/a/feed"),
        ("http://h.example/index.php?view=feed#y", "http://h.example/index.php?view=feed"),
        ("http://[x", ""),
    ],
)
def test_links_start_from_an_address_without_secrets(url: str, base: str) -> None:
    """A relative link never takes the feed's password or token into a message."""
    assert base_of(url) == base


@pytest.mark.parametrize(
    ("link", "resolved"),
    [
        ("/x", "http://h.example/x"),
        ("x?y=http://z", "http://h.example/a/x?y=http://z"),
        ("#top", "http://h.example/a/feed#top"),
        ("//other.example/x", "http://other.example/x"),
        ("https://other.example/x", "https://other.example/x"),
        ("HTTP://other.example:80", "HTTP://other.example:80"),
        ("http:///x", "http://h.example/x"),
        ("http://\u2100/x", None),
        ("https://other.example/" + "x" * 5000, None),
        ("magnet:?xt=1", "magnet:?xt=1"),
        ("http://[x", None),
        ("//[x", None),
        ("/" + "x" * 5000, None),
        ("", None),
        (None, None),
    ],
)
def test_link_is_an_address_of_its_own(link: str | None, resolved: str | None) -> None:
    """A link is read against where the document is; a broken one is none."""
    assert resolve_link("http://h.example/a/feed", link) == resolved


# ── entries of the API ────────────────────────────────────────────────────────────────────────────


def read_entry(inner: str, *, root: str = "feed", item: str = "entry") -> RawEntry:
    space = ' xmlns="http://www.w3.org/2005/Atom"' if root == "feed" else ""
    body = f"<{root}{space}><{item}>{inner}</{item}></{root}>".encode()
    page = read_direct(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
    assert isinstance(page, Page), page
    return page.entries[0]


STATE = (
    '<title_state><title_state_item><category scheme="http://h/categories/queue_availability" label="saved"/>'
    "<user_rating>5</user_rating></title_state_item></title_state>"
)
OWN = '<category scheme="http://h/categories/queue_availability" label="available now"/>'


@pytest.mark.parametrize(("root", "item"), [("feed", "entry"), ("queue", "queue_item")])
def test_what_an_entry_says_itself_comes_before_its_states(root: str, item: str) -> None:
    """A state wrapped in an entry adds what is missing, and never overrides, whichever comes first."""
    for inner in (STATE + OWN, OWN + STATE):
        assert read_entry(inner, root=root, item=item).facts == {
            "availability": "available now",
            "rating": "5",
        }
    assert read_entry(STATE, root=root, item=item).facts["availability"] == "saved"


@pytest.mark.parametrize(
    "inner",
    [
        "<n:user_rating xmlns:n='urn:n'>4.0</n:user_rating>",
        "<user_rating xmlns=''>4</user_rating>",
        "<user_rating value='4'/>",
        "<content type='application/xml'><user_rating>4</user_rating></content>",
        "<n:details xmlns:n='urn:n'><n:deep><n:user_rating>4</n:user_rating></n:deep></n:details>",
    ],
)
def test_fact_is_taken_from_wherever_it_stands(inner: str) -> None:
    """Namespace, depth, text or attribute: a fact is a fact."""
    assert read_entry(inner).facts["rating"] == "4"


def test_title_link_is_told_from_the_titles_parts() -> None:
    """The identity is the catalog title itself, by its relation in either dialect or by its path."""
    parts = '<link rel="http://s/catalog/titles/synopsis" href="http://h/catalog/titles/movies/7/synopsis"/>'
    for rel in ("http://s/id", "http://s/catalog/title", "http://s/anything"):
        entry = read_entry(parts + f'<link rel="{rel}" href="http://h/catalog/titles/movies/7"/>')
        assert entry.title_ref == "http://h/catalog/titles/movies/7"
    season = '<link rel="x" href="http://h/catalog/titles/series/60030529/seasons/60035075"/>'
    assert (read_entry(season).title_ref or "").endswith("/60035075")
    assert read_entry(parts).title_ref is None


def test_text_holds_what_stands_within() -> None:
    """The words of a text in XHTML are read in their order; an unknown entity stays as it is written."""
    text = "<content><div>a<b>b&amp;<i/>c</b><!-- x -->d</div>e</content>"
    assert read_entry(text).texts == ("ab&cde",)
    body = '<!DOCTYPE feed SYSTEM "x"><feed xmlns="http://www.w3.org/2005/Atom"><entry>{}</entry></feed>'
    page = read_direct(
        body.format("<title>a&foo;b</title><summary>c<i>&foo;d</i></summary>").encode(),
        kind=Kind.STREAM,
        url="http://h.example/",
        content_type=None,
    )
    assert isinstance(page, Page), page
    assert (page.entries[0].title, page.entries[0].texts) == ("a&foo;b", ("c&foo;d",))


def test_dates_of_a_source_are_not_the_entrys() -> None:
    """What an entry quotes of another feed is not taken for its own."""
    entry = read_entry("<source><id>a</id><title>b</title><updated>2020-01-01T00:00:00Z</updated></source>")
    assert (entry.id, entry.title, entry.updated_at) == (None, "", None)
