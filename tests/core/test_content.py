"""What a post says, as a short text that is compared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lists import NOW

from feedwatch.core.content import content_of, digest_content
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Kind, RawEntry
from feedwatch.core.snapshot import build_snapshot


def test_content_is_the_digest_of_what_a_post_says() -> None:
    """A post has its texts, or the digest that another process made of them: both compare as the same."""
    texts = ("Heat is", "back")
    read = RawEntry("1", "Heat", facts={"content": digest_content(texts)})
    assert content_of(RawEntry("1", "Heat", texts=texts)) == content_of(read)
    assert content_of(read) == digest_content(["Heat is back"])
    assert content_of(RawEntry("1", "Heat")) is None


def test_content_is_a_fact_where_it_is_compared_alone() -> None:
    """A snapshot holds the digest of what a post says only if somebody asked to be told of it."""
    post = RawEntry("1", "Heat", texts=("Heat is back",))
    for asked, facts in ((True, {"content": content_of(post)}), (False, {})):
        rules = rules_of(Kind.STREAM, compare_content=asked)
        (entry,) = build_snapshot([post], rules, whole=False, requested_at=NOW).entries
        assert entry.facts == facts


@given(st.lists(st.text(" \n\u3000ab", max_size=9), max_size=5), st.integers(65_530, 65_540))
def test_white_space_does_not_count(words: list[str], length: int) -> None:
    """Where lines break, and how far a text is indented, is no part of it; however long it is."""
    text = " ".join(["x" * length, *words])
    assert digest_content([text]) == digest_content([" ".join(text.split())])
