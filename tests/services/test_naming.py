from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from feedwatch.core.state import KnownFeed
from feedwatch.opml import Outline
from feedwatch.services.naming import NamedOutline, list_key, make_name, name_feeds

TEXTS = st.sampled_from(["News", "news!", "A diary", "A diary 2", "A diary-2", "日本", "…", "Queue"])
ADDRESSES = st.sampled_from(
    [f"http://h/{number}" for number in range(12)]
    + [f"http://h/users/1/queues/instant?feed_token={token}" for token in ("a", "b&sort=date_added")]
)
OUTLINES = st.lists(st.builds(Outline, text=TEXTS, address=ADDRESSES), max_size=12)


def remember(named: tuple[NamedOutline, ...]) -> list[KnownFeed]:
    return [KnownFeed(one.name, one.outline.text, one.outline.address) for one in named]


def names_of(named: tuple[NamedOutline, ...]) -> dict[str, str]:
    return {list_key(one.outline.address): one.name for one in named}


@given(OUTLINES, OUTLINES)
def test_no_two_feeds_have_one_name(before: list[Outline], after: list[Outline]) -> None:
    """Whatever was known, no two lists get the same name, and every list gets one."""
    named = name_feeds(after, remember(name_feeds(before, [])))
    names = [one.name for one in named]
    assert len(set(names)) == len(names)
    assert {list_key(one.outline.address) for one in named} == {
        list_key(outline.address) for outline in after
    }


@given(OUTLINES, st.data())
def test_order_of_the_document_changes_no_name(before: list[Outline], data: st.DataObject) -> None:
    """A list read again in another order has the same names, also where addresses have changed meanwhile."""
    known = remember(name_feeds(before, []))
    after = data.draw(st.permutations(before))
    assert set(names_of(name_feeds(after, known)).items()) == set(names_of(name_feeds(before, [])).items())
    moved = [Outline(outline.text, f"{outline.address}/moved") for outline in before]
    shuffled = data.draw(st.permutations(moved))
    assume(len({list_key(outline.address) for outline in moved}) == len(moved))
    assert names_of(name_feeds(moved, known)) == names_of(name_feeds(shuffled, known))


@given(OUTLINES, TEXTS)
def test_address_that_stays_keeps_its_name(before: list[Outline], text: str) -> None:
    """A new text does not rename a feed whose address stays."""
    named = name_feeds(before, [])
    after = [Outline(text, one.outline.address) for one in named]
    assert names_of(name_feeds(after, remember(named))) == names_of(named)


@given(OUTLINES)
def test_text_that_stays_keeps_its_name(before: list[Outline]) -> None:
    """A feed alone of its text keeps its name at a new address."""
    named = name_feeds(before, [])
    assume(len({one.outline.text for one in named}) == len(named))
    after = [Outline(one.outline.text, f"http://elsewhere/{place}") for place, one in enumerate(named)]
    again = name_feeds(after, remember(named))
    assert [one.name for one in again] == [one.name for one in named]


def test_second_of_a_text_is_numbered() -> None:
    """A second feed of the same text gets -2, a third -3, past names that are taken."""
    outlines = [Outline(text, f"http://h/{n}") for n, text in enumerate(["A b", "a B!", "A b 2", "a-b"])]
    assert [one.name for one in name_feeds(outlines, [])] == ["a-b", "a-b-2", "a-b-2-2", "a-b-3"]


def test_one_address_twice_is_one_feed() -> None:
    """The same address listed twice is one feed, called after the first."""
    named = name_feeds([Outline("One", "http://h/x"), Outline("Two", "http://h/x")], [])
    assert [one.name for one in named] == ["one"]


def test_two_views_of_a_tokenized_list_are_one_feed() -> None:
    """The queue and its recent additions, listed both, are one feed: the one in the list's own order."""
    base = "http://h/users/1/queues/instant?feed_token=x"
    named = name_feeds([Outline("Recent", f"{base}&sort=date_added"), Outline("Queue", base)], [])
    assert [(one.name, one.outline.address) for one in named] == [("queue", base)]


def test_new_token_keeps_the_name() -> None:
    """A tokenized feed whose token and text have both changed is still the same list."""
    known = [KnownFeed("my-queue", "My queue", "http://h/users/1/queues/instant?feed_token=old")]
    named = name_feeds([Outline("Queue", "http://h/users/1/queues/instant?feed_token=new")], known)
    assert named[0].name == "my-queue"


def test_name_of_a_retired_feed_is_not_given_away() -> None:
    """A name once used goes to no other feed, unless it has the same text."""
    known = [KnownFeed("news", "NEWS", "http://h/old", retired=True)]
    assert name_feeds([Outline("News", "http://h/new")], known)[0].name == "news-2"
    assert name_feeds([Outline("NEWS", "http://h/new")], known)[0].name == "news"


@given(st.text())
def test_names_are_plain(text: str) -> None:
    """A name has letters, digits and single dashes only, is in lower case and never empty or long."""
    name = make_name(text)
    assert 0 < len(name) <= 60
    assert name == make_name(name)
    assert not name.startswith("-")
    assert not name.endswith("-")
    assert not set(name) & set(" /\\\t\n\x00\"'")


def test_letters_of_all_scripts_stay() -> None:
    """A text in another script keeps its letters."""
    assert make_name("  Über: 日本の映画 (2026)! ") == "über-日本の映画-2026"
    assert make_name("!?") == "feed"
