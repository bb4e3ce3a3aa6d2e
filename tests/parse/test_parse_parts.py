"""A document cut at its entries: only where that is plain to see, and nothing of it gets lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import Kind
from feedwatch.parse.guard import MOST_ENTRIES
from feedwatch.parse.parts import Parts, cut_entries

HOW = "read so"


def feed(*entries: str, head: str = "<title>F</title>", tail: str = "\n") -> bytes:
    """An Atom feed with these entries, each written out."""
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{"".join(entries)}{tail}</feed>'.encode()


def entry(name: str, more: str = "") -> str:
    """An entry that is told from others by its name."""
    return f"<entry><id>{name}</id><updated>2026-11-01T00:00:00Z</updated>{more}</entry>\n"


def cut(body: bytes, kind: Kind = Kind.QUEUE) -> Parts:
    """Cut what can be cut."""
    parts = cut_entries(body, kind)
    assert parts is not None
    return parts


def places(before: bytes, after: bytes, how: str = HOW) -> tuple[int | None, ...] | None:
    """Where the entries of one document stood in the one before."""
    kept = cut(before).keep(HOW)
    assert kept is not None
    return cut(after).find_known(kept, how)


def without_space(body: bytes) -> bytes:
    """All but the white space, of which there may be less between entries."""
    return body.translate(None, b" \t\r\n")


def test_document_is_cut_at_its_entries() -> None:
    """Head, entries and tail are the whole document, and any of the entries may be left out of it."""
    body = feed(entry("a"), entry("b"), entry("c"))
    parts = cut(body)
    assert len(parts.entries) == 3
    assert without_space(parts.write_only(range(3))) == without_space(body)
    assert without_space(parts.write_only([0, 2])) == without_space(feed(entry("a"), entry("c")))


@pytest.mark.parametrize(
    "body",
    [
        feed(),
        feed("<!-- <entry> -->", entry("a")),
        feed("<entry><title><![CDATA[<entry>]]></title></entry>"),
        b'<!DOCTYPE feed [<!ENTITY x "<entry>">]>' + feed(entry("a")),
        feed("<entry><?x </entry><entry ?><id>a</id></entry>", entry("b")),
        feed(entry("a"), entry("b"), tail="<?x <entry></entry>?>"),
        feed(entry("a"), entry("b", "<?x y?>")),
        feed(entry("a"), "<link href='x'/>", entry("b")),
        feed(entry("a", "<extra><entry>x</entry></extra>")),
        feed("<entry><id>a</id></entry >", entry("b")),
        feed("<entry/>", entry("b")),
        feed("<entry-like>x</entry-like>", entry("b")),
        feed("<a:entry xmlns:a='http://www.w3.org/2005/Atom'><id>a</id></a:entry>"),
        b"<rdf><items><li/></items><item>x</item></rdf>",
        b"<feed><entry>cut short",
    ],
    ids=lambda body: body[40:90].decode(),
)
def test_what_is_not_plain_to_see_is_not_cut(body: bytes) -> None:
    """A comment, CDATA, an instruction, an entry within another, something between: all of it is read."""
    assert cut_entries(body, Kind.STREAM) is None


def test_instructions_before_the_root_are_no_hindrance() -> None:
    """Most documents begin with one, and some name a stylesheet."""
    prolog = b'<?xml version="1.0"?>\n<?xml-stylesheet href="feed.xsl"?>\n'
    assert len(cut(prolog + feed(entry("a"), entry("b"))).entries) == 2


def test_more_entries_than_a_feed_has_are_not_cut() -> None:
    """Read one by one they would slip by who refuses them together."""
    assert cut_entries(feed("<entry></entry>" * (MOST_ENTRIES + 1)), Kind.QUEUE) is None
    assert cut_entries(feed("<entry></entry>" * MOST_ENTRIES), Kind.QUEUE) is not None


def test_entries_are_known_where_they_stood() -> None:
    """A new one at the top, one in between, one gone: the others stood where they stood."""
    before = feed(*map(entry, "abcd"))
    assert places(before, feed(*map(entry, "xabcd"))) == (None, 0, 1, 2, 3)
    assert places(before, feed(*map(entry, "abxd"))) == (0, 1, None, 3)
    assert places(before, feed(*map(entry, "bd"))) == (1, 3)


@pytest.mark.parametrize(
    ("after", "how"),
    [
        (feed(*map(entry, "bacd")), HOW),
        (feed(*map(entry, "aabcd")), HOW),
        (feed(*map(entry, "wxyz")), HOW),
        (feed(*map(entry, "abcd"), head="<title>G</title>"), HOW),
        (feed(*map(entry, "abcd"), tail="<complete/>"), HOW),
        (feed(*map(entry, "abcd")), "read otherwise"),
    ],
    ids=["another order", "one twice", "all new", "another head", "another tail", "read otherwise"],
)
def test_nothing_is_known_where_that_would_not_be_all(after: bytes, how: str) -> None:
    """What is read of an entry depends on what stands around all of them, and on how it is read."""
    assert places(feed(*map(entry, "abcd")), after, how) is None


def test_two_entries_alike_are_not_kept() -> None:
    """Nobody could say which of them one was."""
    assert cut(feed(entry("a"), entry("a"))).keep(HOW) is None


@given(st.lists(st.text("abcdef", min_size=1, max_size=2), unique=True, min_size=1), st.data())
def test_only_what_is_new_is_new(names: list[str], data: st.DataObject) -> None:
    """Of any part of a list in its order, with new entries in between, exactly the new ones are not known."""
    kept = [name for name in names if data.draw(st.sampled_from([True, True, False]))]
    after = list(kept)
    for number in range(data.draw(st.integers(0, 3))):
        after.insert(data.draw(st.integers(0, len(after))), f"new{number}")
    if not kept:
        return
    expected = tuple(names.index(name) if name in names else None for name in after)
    assert places(feed(*map(entry, names)), feed(*map(entry, after))) == expected


BEFORE = ["<id>a</id>", "<title>A</title>", "<link href='/a'/>", "<category term='x'/>", "<n:x xmlns:n='n'/>"]
UPDATED = "<updated>{}</updated>"
PUBLISHED = "<published>2026-10-01T00:00:00Z</published>"


@given(st.lists(st.sampled_from(BEFORE)), st.lists(st.sampled_from(BEFORE)), st.sampled_from(["", " ", "\n"]))
def test_updated_counts_nowhere_in_an_entry_that_it_does_not_date(
    before: list[str], behind: list[str], space: str
) -> None:
    """Whatever stands before it, it is left out, and nothing else is; when it is written it is there."""
    written = f"<entry>{''.join(before)}{UPDATED}{space}{PUBLISHED}{''.join(behind)}</entry>"
    was, is_now = feed(written.format("2026-11-01")), feed(written.format("2026-11-02T10:00:00Z"))
    other = feed(written.format("2026-11-01").replace("10-01", "10-02"))
    for kind in (Kind.QUEUE, Kind.STREAM):
        assert cut(was, kind).digests == cut(is_now, kind).digests != cut(other, kind).digests
        assert cut(is_now, kind).write_only([0]) == is_now
    assert cut(was, Kind.HISTORY).digests != cut(is_now, Kind.HISTORY).digests


@given(
    st.lists(st.sampled_from(BEFORE)),
    st.sampled_from(["", "<published>x</published>", "<x>1</x>" + PUBLISHED]),
)
def test_only_the_updated_of_its_own_entry_is_left_out(before: list[str], behind: str) -> None:
    """An entry without one loses none of the next, and one that dates its post stays."""
    plain, dated = f"<entry>{''.join(before)}</entry>", f"<entry>{UPDATED}{behind}</entry>"
    was, is_now = (cut(feed(plain, dated.format(at)), Kind.QUEUE) for at in ("2026-11-01", "2026-11-02"))
    assert was.digests == is_now.digests
    one, other = (cut(feed(plain, dated.format(at)), Kind.STREAM) for at in ("2026-11-01", "2026-11-02"))
    assert one.digests[0] == other.digests[0]
    assert (one.digests == other.digests) is ("<x>" in behind)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", ["<entry", "<entry>", "<entry><id>", "<id", "<entry><updated>", "<title><link>"]
)
def test_document_is_cut_in_time_in_proportion(piece: str) -> None:
    """Ten megabytes of what an entry might begin with are gone through once."""
    body = b"<feed><entry>" + piece.encode() * (10_000_000 // len(piece))
    assert cut_entries(body, Kind.QUEUE) is None
    assert cut_entries(body, Kind.STREAM) is None


@pytest.mark.parametrize("questions", [0, 1, 199, 200, 201, 1000])
def test_instruction_is_seen_however_many_questions_stand_before_it(questions: int) -> None:
    """Addresses have a `?` of their own: behind any number of them an instruction is still one."""
    asked = entry("a").replace("</entry>", f"<link href='/{'?' * questions}'/></entry>")
    assert cut_entries(feed(asked, entry("b")), Kind.STREAM) is not None
    told = asked.replace("</entry>", "<?odd <entry ?></entry>")
    assert cut_entries(feed(told, entry("b")), Kind.STREAM) is None
