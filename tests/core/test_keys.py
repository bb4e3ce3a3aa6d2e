"""Which entry is which: keys hold the identity and nothing that moves by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.keys import (
    alias_of,
    choose_post_keys,
    choose_title_keys,
    choose_viewing_keys,
    digest_text,
    strip_reference,
    title_of,
)
from feedwatch.core.model import RawEntry

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
USER = "http://api.netflix.com/users/T1tareQFow-"
CATALOG = "http://api.netflix.com/catalog/titles"


def title_key(entry_id: str | None = None, *, link: str | None = None, ref: str | None = None) -> str:
    """The key of a title that is alone in its list."""
    (key,) = choose_title_keys([RawEntry(entry_id, "Heat", link=link, title_ref=ref)])
    return key


def post_keys(*entries: RawEntry) -> list[str]:
    return choose_post_keys(entries, [entry.published_at for entry in entries])


# ── references ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reference", "stripped"),
    [
        ("http://api.netflix.com/catalog/titles/movies/1", "catalog/titles/movies/1"),
        ("https://api-public.netflix.com/catalog/titles/movies/1/", "catalog/titles/movies/1"),
        ("HTTPS://jane:secret@[::1]:8080/a?b=1#c", "a?b=1#c"),
        ("https://example.org/a?feed_token=x&b=%20&oauth_consumer_key=y&c", "a?b=%20&c"),
        ("https://example.org/a?feed_token=x", "a"),
        ("https://example.org/a?utm_source=rss&id=7&utm_medium=api", "a?id=7"),
        ("https://example.org?p=12", "?p=12"),
        ("https://example.org/", None),
        ("http://[broken/a", "a"),
        ("urn:uuid:1-2", "urn:uuid:1-2"),
        ("tag:example.org,2026:/a?output=atom", "tag:example.org,2026:/a?output=atom"),
        (f"{USER}/queues/instant/available/7/123", "users/T1tareQFow-/queues/instant/123"),
        (f"{USER}/queues/instant/saved/123", "users/T1tareQFow-/queues/instant/123"),
        ("https://example.org/shop/available/7/123", "shop/available/7/123"),
        ("  \n", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reference_is_stripped_of_what_moves(reference: str | None, stripped: str | None) -> None:
    """Scheme, host, tokens and a place in a queue go; every other character stays as it is."""
    assert strip_reference(reference) == stripped


def test_a_very_long_reference_is_a_digest() -> None:
    """A key has a length that a table of keys can hold, and still tells two addresses apart."""
    long = [f"https://example.org/{'a' * 5000}{end}" for end in "bc"]
    first, second = (strip_reference(each) or "" for each in long)
    assert len(first) == len(second) == len(digest_text("x"))
    assert first != second


@given(st.text(max_size=40), st.sampled_from(["http://", "https://", "HTTP://h/", "urn:", ""]))
def test_no_reference_is_too_odd(text: str, start: str) -> None:
    """Whatever a feed calls a reference is read, and never becomes an empty key."""
    assert strip_reference(start + text) != ""
    assert title_of(start + text) != ""
    (key,) = choose_title_keys([RawEntry(start + text, text, link=text, title_ref=start)])
    assert key


# ── titles ────────────────────────────────────────────────────────────────────────────────────────


def test_no_key_holds_a_nul() -> None:
    """An address may spell one out; what reads the key as JSON may take it for its end."""
    assert title_of("http://films.example/titles/%00a%00b") == "ab"
    assert title_of("http://films.example/titles/%00") is None


@pytest.mark.parametrize(
    ("entry_id", "ref", "link"),
    [
        pytest.param(f"{USER}/queues/instant/available/7/{{}}", None, None, id="a place in the queue"),
        pytest.param(f"{USER}/queues/disc/available/212/{{}}", None, None, id="another queue"),
        pytest.param(f"{USER}/queues/instant/saved/{{}}", None, None, id="saved"),
        pytest.param(f"{USER}/ratings/titles/{{}}", None, None, id="a rating"),
        pytest.param(f"{USER}/recommendations/{{}}", None, None, id="a recommendation"),
        pytest.param(
            f"{USER}/queues/instant/available/7/{{}}?feed_token=x", None, None, id="a token in the id"
        ),
        pytest.param(
            "https://h.example/api/users/T1/ratings/titles/{}", None, None, id="a server below a folder"
        ),
        pytest.param(None, f"{CATALOG}/movies/{{}}", None, id="a title link"),
        pytest.param(
            None, "https://api-public.netflix.com/catalog/titles/series/9/seasons/{}/", None, id="a season"
        ),
        pytest.param(
            f"{USER}/queues/instant/available/7/99",
            f"{CATALOG}/movies/{{}}",
            None,
            id="the title link is first",
        ),
        pytest.param(
            f"{USER}/ratings/titles/{{}}",
            None,
            "http://www.netflix.com/Movie/Heat",
            id="the id before the page",
        ),
        pytest.param(None, None, "http://www.netflix.com/Movie/Heat/{}?trkid=1", id="only the page"),
        pytest.param(f"https://h.example/{'a' * 300}/users/T1/ratings/{{}}", None, None, id="a very long id"),
    ],
)
@pytest.mark.parametrize("title", ["60000123", "1234"])
def test_a_title_is_the_last_segment(
    entry_id: str | None, ref: str | None, link: str | None, title: str
) -> None:
    """The title's id is the last path segment of the title link or of the entry's id, wherever it stands."""
    filled = [each.format(title) if each else None for each in (entry_id, ref, link)]
    assert title_key(filled[0], ref=filled[1], link=filled[2]) == title


@pytest.mark.parametrize("title", ["1", "42", "123"])
def test_a_short_title_id_is_a_title_id(title: str) -> None:
    """A title with a small number is known by it, so that its place is never a part of its key."""
    entry_id = f"{USER}/queues/instant/available/7/{title}"
    assert title_key(entry_id) == title
    assert title_key(entry_id, ref=f"{CATALOG}/movies/{title}") == title
    assert title_of(entry_id) == title


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("https://example.org/jane/film/heat-1995/", "heat-1995"),
        ("https://example.org/jane/film/heat-1995/1/", "jane/film/heat-1995/1"),
        ("https://example.org/show/9/episodes/3", "show/9/episodes/3"),
        ("https://example.org/title/tt0113277/?ref=rss", "tt0113277"),
        ("https://example.org/review/show/4711?utm_source=rss", "4711"),
        ("https://example.org/watch?v=abc", "watch?v=abc"),
        ("https://example.org/list#heat", "list#heat"),
        ("https://example.org/?id=7", "?id=7"),
    ],
)
def test_a_page_is_known_by_what_tells_it_from_others(link: str, key: str) -> None:
    """Where a web page is all there is, a segment that says too little takes the rest along."""
    assert title_key("guid-1", link=link) == key
    assert title_key(link) == key


def test_two_titles_that_share_a_last_segment() -> None:
    """Where the last segment is not one title's alone, the whole path tells, and no other key changes."""
    refs = [f"{CATALOG}/series/{series}/seasons/1" for series in (70, 80)]
    keys = choose_title_keys(
        [RawEntry(None, ref, title_ref=ref) for ref in (*refs, f"{CATALOG}/movies/60000123")]
    )
    assert keys == ["catalog/titles/series/70/seasons/1", "catalog/titles/series/80/seasons/1", "60000123"]


def test_a_title_that_is_listed_twice_has_one_key() -> None:
    """The same title at two places of a list is no clash of two titles."""
    entries = [
        RawEntry(f"{USER}/queues/instant/{place}/123", "Heat", title_ref=ref)
        for ref in (f"{CATALOG}/movies/123", None)
        for place in ("available/1", "available/9", "saved")
    ]
    assert choose_title_keys(entries[:3]) == ["123"] * 3
    assert choose_title_keys(entries[3:]) == ["123"] * 3


def test_no_fallback_says_where_a_title_stands() -> None:
    """Whatever is missing or shared, no key of a queue changes with the place or the time of the request."""

    def write(places: tuple[int, int, int], at: datetime) -> list[RawEntry]:
        ids = [f"{USER}/queues/instant/available/{place}/9" for place in places]
        named = zip(ids, ("Heat", "Ran", "Alien"), strict=True)
        untold = RawEntry(None, "Brazil", updated_at=at)
        return [*(RawEntry(id_, name, updated_at=at) for id_, name in named), untold]

    first = choose_title_keys(write((1, 2, 3), NOW))
    second = choose_title_keys(write((12, 4, 133), NOW + timedelta(hours=1)))
    assert first == second
    assert len(set(first)) == 4


# ── viewings ──────────────────────────────────────────────────────────────────────────────────────


def test_a_viewing_is_title_and_instant() -> None:
    """Watched again is another viewing; the same instant in another zone is the same one."""
    entry = RawEntry(f"{USER}/rental_history/watched/123", "Heat", title_ref=f"{CATALOG}/movies/123")
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    keys = choose_viewing_keys([entry] * 3, [NOW, there, NOW + timedelta(days=1)])
    assert keys == ["123@2026-11-01T12:00:00+00:00", keys[0], "123@2026-11-02T12:00:00+00:00"]


def test_a_viewing_without_an_instant_is_its_entry() -> None:
    """Where nothing says when it was watched, the entry's own id tells, or else its title."""
    entries = [
        RawEntry(f"https://example.org/viewings/{n}", "Heat", link="https://example.org/heat") for n in (1, 2)
    ]
    assert choose_viewing_keys(entries, [None, None]) == ["viewings/1", "viewings/2"]
    moving = [RawEntry(None, "Heat", updated_at=NOW + timedelta(hours=hour)) for hour in (0, 1)]
    first, second = choose_viewing_keys(moving, [None, None])
    assert first == second


# ── posts ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_post_is_its_id_else_its_link_else_title_and_date() -> None:
    """The first of them that there is."""
    link = "https://example.org/a"
    assert post_keys(RawEntry("urn:1", "A", link=link)) == ["urn:1"]
    assert post_keys(RawEntry(None, "A", link=link)) == ["a"]
    dated = [RawEntry(None, "A", published_at=NOW + timedelta(days=day)) for day in (0, 1)]
    assert len(set(post_keys(*dated))) == 2
    assert post_keys(dated[0]) == post_keys(replace(dated[0], updated_at=NOW))


def test_an_id_that_all_posts_share_tells_none_of_them() -> None:
    """Where a feed gives every post its own address as id, links tell them apart; one odd post stays odd."""
    posts = [RawEntry("https://example.org/feed", name, link=f"https://example.org/{name}") for name in "AB"]
    assert post_keys(*posts) == ["A", "B"]
    assert post_keys(*posts, RawEntry("urn:3", "C")) == ["A", "B", "urn:3"]


def test_a_key_that_falls_back_takes_nobody_elses() -> None:
    """A link that is another post's id is not free, however both came to it."""
    posts = [
        RawEntry("https://example.org/A", "A"),
        RawEntry("same", "B", link="https://example.org/A"),
        RawEntry("same", "C", link="https://example.org/C"),
    ]
    keys = post_keys(*posts)
    assert keys[0] == "A"
    assert len(set(keys)) == 3


def test_posts_alike_in_all_but_their_text_are_not_one() -> None:
    """Where even title and date are shared, the text tells; what is alike in all is one post listed twice."""
    posts = [RawEntry(None, "Backup", facts={"content": content}) for content in ("done", "failed", "done")]
    first, second, third = post_keys(*posts)
    assert first == third != second


def test_two_sites_in_one_feed_keep_their_numbered_posts_apart() -> None:
    """An address that is nothing but a number is known with its host: `?p=12` is a post of many sites."""
    posts = [RawEntry(f"https://{site}.example/?p=12", site) for site in ("a", "B")]
    assert [post_keys(each) for each in posts] == [["a.example/?p=12"], ["b.example/?p=12"]]


def test_an_id_with_another_scheme_or_host_is_the_same_post() -> None:
    """A site that moves, or comes over https at last, brings nothing new."""
    before, after = (
        RawEntry(f"{site}/2026/heat", "Heat") for site in ("http://a.example", "https://b.example")
    )
    assert post_keys(before) == post_keys(after)


# ── aliases ───────────────────────────────────────────────────────────────────────────────────────


def test_an_alias_is_link_and_title() -> None:
    """Another host is the same alias, another title or page is not, and half of it is none."""
    entry = RawEntry("1", "Heat", link="http://a.example/heat")
    assert alias_of(entry) == alias_of(replace(entry, id="2", link="https://b.example/heat"))
    assert alias_of(entry) != alias_of(replace(entry, title="Ran"))
    assert alias_of(entry) != alias_of(replace(entry, link="http://a.example/ran"))
    assert alias_of(replace(entry, link=None)) is None
    assert alias_of(replace(entry, title="")) is None
    assert alias_of(replace(entry, link="http://a.example/")) is None
