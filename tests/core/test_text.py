"""Text from elsewhere is made harmless, whatever it holds, and cut only between what a person sees."""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.messages import Style
from feedwatch.core.text import (
    clean,
    defuse,
    defuse_link,
    escape_html,
    escape_markup,
    find_longest,
    find_most,
    measure,
    page_of,
    shorten,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
TRICKS = st.text(
    st.sampled_from(
        "ab @</]([\\#>*_~`|:&\"'\n\r\t\x00\x1b\x85\u2028\u202e\u2066\ufeff\u200b\ud800é👩🏽\u200d🇩🇪"
    ),
    max_size=40,
)


def units(text: str) -> int:
    return sum(2 if character > "\uffff" else 1 for character in text)


@given(ANY_TEXT | TRICKS)
def test_length_is_counted_in_utf16_units(text: str) -> None:
    """A character beyond the basic plane counts twice, every other once, halves of characters too."""
    assert measure(text) == units(text)


# ── one harmless line ─────────────────────────────────────────────────────────────────────────────


@given(ANY_TEXT | TRICKS)
def test_cleaned_text_is_one_line_without_tricks(text: str) -> None:
    """No line break, control, direction or half of a character survives; cleaning again changes nothing."""
    cleaned = clean(text)
    assert len(cleaned.splitlines()) <= 1
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned)
    assert not set(cleaned) & set(
        "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    )
    cleaned.encode()
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("An American\n  in\tParis ", "An American in Paris", id="line breaks and runs of space"),
        pytest.param("a\x1cb\x85c\u2028d\x0be", "a b c d e", id="every line break that Python knows"),
        pytest.param("\x1b[31mred\x07\x00", "[31mred", id="terminal escapes"),
        pytest.param("gnp\u202e.exe\u2066", "gnp.exe", id="direction overrides"),
        pytest.param("pass\u200bword\u00ad", "password", id="what has no width"),
        pytest.param("half \ud83d gone", "half \ufffd gone", id="half a character"),
        pytest.param("👩🏽\u200d🚀 a\u200cb", "👩🏽\u200d🚀 a\u200cb", id="joiners within a character"),
        pytest.param("read?feed_token=s3cret&x=1", "read?feed_token=…&x=1", id="a feed's token"),
        pytest.param("OAUTH_TOKEN_SECRET=s3cret!", "OAUTH_TOKEN_SECRET=…", id="a secret of OAuth"),
        pytest.param("x_feed_token", "x_feed_token", id="a word like a token"),
    ],
)
def test_cleaned_text_for_what_feeds_have_sent(text: str, cleaned: str) -> None:
    """Space becomes one blank, what is not seen goes, a token's value goes."""
    assert clean(text) == cleaned


def clean_slowly(text: str) -> str:
    """The same, and nothing is known of a text before it is gone through."""
    text = text.translate(UNSEEN)
    text = " ".join(re.sub(r"[\ud800-\udfff]", "\ufffd", text).split())
    return TOKEN.sub(r"\g<name>=…", text)


UNSEEN = dict.fromkeys(
    code
    for start, end in (
        *((0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C)),
        *((0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F)),
        *((0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0001, 0xE0001)),
    )
    for code in range(start, end + 1)
)
TOKEN = re.compile(
    r"(?P<name>\b(?:feed|access|oauth|auth)_(?:token|consumer_key|signature)\w*|\bapi_?key)=[^\s&#]+",
    re.IGNORECASE,
)
MAYBE_TOKENS = st.lists(
    st.sampled_from(
        (
            *(
                "feed",
                "ACCESS",
                "oauth",
                "Auth",
                "_",
                "token",
                "to\u212aen",
                "consumer_key",
                "Signature",
                "api",
            ),
            *(
                "key",
                "\u212aey",
                "=",
                "==",
                "é",
                "-",
                " ",
                "  ",
                "\n",
                "\xa0",
                "\u200b",
                "&",
                "#",
                "s3cret",
                "…",
            ),
        )
    ),
    max_size=9,
).map("".join)


@given(ANY_TEXT | TRICKS | MAYBE_TOKENS)
def test_text_is_cleaned_the_same_whatever_is_known_of_it_before(text: str) -> None:
    """Law: that nothing is to be done, as with nearly every text, is seen only where it is so."""
    assert clean(text) == clean_slowly(text)


def test_every_character_is_cleaned_as_if_nothing_were_known_of_it() -> None:
    """Between letters, at either end and twice in a row: so each is space, unseen or neither."""
    for code in range(sys.maxunicode + 1):
        text = f"{chr(code)}a{chr(code)}{chr(code)}b{chr(code)}"
        assert clean(text) == clean_slowly(text)


# ── calling people ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mentions", "text", "defused"),
    [
        pytest.param("@ <", "@everyone", "@\u200beveryone", id="everyone"),
        pytest.param("@ <", "<!channel>", "<\u200b!channel>", id="a channel"),
        pytest.param("@ <", "<@U123>", "<\u200b@\u200bU123>", id="a person by number"),
        pytest.param("](", "[x](http://y)", "[x]\u200b(http://y)", id="a link that says something else"),
        pytest.param("/", "/start now", "/\u200bstart now", id="a command"),
        pytest.param("/", "jane/queue", "jane/queue", id="a feed's name is no command"),
        pytest.param("/", "(/stop", "(/\u200bstop", id="a command after a bracket"),
        pytest.param("", "@everyone", "@everyone", id="a service where nobody is called"),
    ],
)
def test_mentions_call_nobody(mentions: str, text: str, defused: str) -> None:
    """Something unseen stands behind what calls people or groups; the rest stays as it was."""
    assert defuse(text, Style(mentions=mentions)) == defused


def test_link_calls_nobody_and_leads_where_it_led() -> None:
    """Where an @ calls, it is escaped in links, which means the same to a server."""
    assert defuse_link("https://x.example/@jane", Style(mentions="@ <")) == "https://x.example/%40jane"
    assert defuse_link("https://x.example/@jane", Style()) == "https://x.example/@jane"


# ── markup ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        pytest.param("*b* _i_ `c`", "\\*b\\* \\_i\\_ \\`c\\`", id="emphasis and code"),
        pytest.param("back\\slash", "back\\\\slash", id="a backslash"),
        pytest.param("# loud", "\\# loud", id="a heading"),
        pytest.param("C# and F#", "C# and F#", id="a sharp within a line"),
        pytest.param("> said", "\\> said", id="a quotation"),
        pytest.param("- one", "\\- one", id="a list"),
        pytest.param("12. Monkeys", "12\\. Monkeys", id="a numbered list"),
        pytest.param("12 Monkeys", "12 Monkeys", id="a number"),
    ],
)
def test_markup_is_text_where_a_service_reads_it(text: str, escaped: str) -> None:
    """A backslash stands before what a chat would take for markup, and before nothing else."""
    assert escape_markup(text, "\\*_`#>") == escaped
    assert escape_markup(text, "") == text


@given(TRICKS)
def test_escaped_html_has_no_markup(text: str) -> None:
    """Neither a tag nor an attribute can begin or end in escaped text."""
    assert not set(escape_html(text)) & set("<>\"'")


# ── links ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("link", "page"),
    [
        pytest.param("https://x.example/a?b=c#d", "https://x.example/a?b=c#d", id="a page"),
        pytest.param(" http://x.example ", "http://x.example", id="spaces around it"),
        pytest.param(
            "https://x.example/a(b)<c>\"d'", "https://x.example/a(b)%3Cc%3E%22d%27", id="markup in it"
        ),
        pytest.param(
            "https://x.example/\u202egnp", "https://x.example/%E2%80%AEgnp", id="a direction override"
        ),
        pytest.param("https://x.example/Zoë", "https://x.example/Zoë", id="letters stay readable"),
        pytest.param("https://x.example/?feed_token=abc", None, id="a token"),
        pytest.param("https://jane:pw@x.example/", None, id="a password"),
        pytest.param("javascript:alert(1)", None, id="a script"),
        pytest.param("file:///etc/passwd", None, id="a file"),
        pytest.param("https://x.example/a b", None, id="a space within"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="none"),
    ],
)
def test_links_are_pages_for_a_person_or_none(link: str | None, page: str | None) -> None:
    """A link that no browser opens, or that shows a secret, is none; the others are harmless in any text."""
    assert page_of(link) == page


@given(ANY_TEXT | TRICKS)
def test_pages_break_out_of_no_text(rest: str) -> None:
    """Whatever a link holds, it stays one word without quotes, brackets, controls or directions."""
    page = page_of(f"https://x.example/{rest}")
    if page is not None:
        assert not set(page) & set("\"'<>[]\\`{}|^*\u202e\u2066\u200b\ufeff\x00")
        assert page.split() == [page]
        assert clean(page) == page


@given(ANY_TEXT | TRICKS | MAYBE_TOKENS)
def test_token_in_a_link_is_seen_whatever_stands_around_it(rest: str) -> None:
    """Law: a link is a page where nothing in it is space or a token, and leads nowhere otherwise."""
    link = f"https://x.example/{rest}".strip()
    is_page = link.split() == [link] and not TOKEN.search(link)
    assert (page_of(link) is not None) == is_page
    if is_page:
        assert page_of(link) == UNSAFE.sub(
            lambda match: quote(match.group(), safe=""), re.sub(r"[\ud800-\udfff]", "", link)
        )


UNSAFE = re.compile(rf"[\"'<>\\^`{{|}}*\[\]\u200c\u200d{''.join(re.escape(chr(code)) for code in UNSEEN)}]")


# ── cutting ───────────────────────────────────────────────────────────────────────────────────────

CHARACTERS = [
    "a",
    "é",
    "e\u0301",
    "👩🏽\u200d🚀",
    "🇩🇪",
    "👍🏿",
    "🏴\U000e0067\U000e0062\U000e007f",
    "❤\ufe0f",
    "字",
    " ",
]


@given(st.lists(st.sampled_from(CHARACTERS), max_size=30), st.integers(0, 60))
def test_cut_text_fits_and_breaks_no_character(characters: list[str], most: int) -> None:
    """A cut ends between what a person sees as characters, says that it is one, and fits."""
    text = "".join(characters)
    short = shorten(text, most)
    assert units(short) <= most
    if units(text) <= most:
        assert short == text
    elif most:
        assert short.endswith("…")
        starts = {"".join(characters[:count]).rstrip() for count in range(len(characters) + 1)}
        assert short.removesuffix("…") in starts


@pytest.mark.parametrize(
    ("most", "short"),
    [
        pytest.param(21, "An American in Paris…", id="at a word's end"),
        pytest.param(20, "An American in…", id="before a word that would break"),
        pytest.param(8, "An Amer…", id="within a word that is most of the rest"),
        pytest.param(1, "…", id="no room"),
        pytest.param(0, "", id="none at all"),
    ],
)
def test_cut_text_ends_at_a_word(most: int, short: str) -> None:
    """A title is cut where a word ends, unless too little would be left of it."""
    assert shorten("An American in Paris by night", most) == short


@given(ANY_TEXT)
def test_cut_text_takes_what_fits(text: str) -> None:
    """Of a word that fills the room, all but the ellipsis's place is used."""
    word = "x" * 50
    assert shorten(word, 20) == "x" * 19 + "…"
    assert shorten(text, units(text)) == text


# ── how much fits ─────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 600), st.integers(0, 700))
def test_most_that_fits_is_found(most: int, fitting: int) -> None:
    """It is the greatest that fits; nothing more than twice as large was tried."""
    tried: list[int] = []

    def fits(number: int) -> bool:
        tried.append(number)
        return number <= fitting

    assert find_most(most, fits) == min(most, fitting)
    assert all(number <= max(2 * fitting, 1) for number in tried)


@given(st.lists(st.integers(0, 400), max_size=600), st.integers(0, 60_000))
def test_longest_that_fits_is_found_in_few_steps(lengths: list[int], room: int) -> None:
    """Whatever the lengths of what is put together: it fits, one more does not, and little was written."""
    sums = list(itertools.accumulate(lengths, initial=0))
    tried: list[int] = []

    def measure_at(number: int) -> int:
        tried.append(number)
        return sums[number]

    found = find_longest(len(lengths), measure_at, room)
    assert found == 0 or sums[found] <= room
    assert found == len(lengths) or sums[found + 1] > room
    assert len(tried) <= 32
    assert set(tried) <= set(range(1, len(lengths) + 1))


def test_longest_of_what_is_even_is_found_at_once() -> None:
    """Where lengths are alike, they say where to look: a few steps, none of them far beyond."""
    tried: list[int] = []

    def measure_at(number: int) -> int:
        tried.append(number)
        return 1000 + number * 570

    assert find_longest(500, measure_at, 100_000) == 173
    assert len(tried) <= 5
    assert max(tried) <= 175
