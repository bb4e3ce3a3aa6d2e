"""What is told has no secret in it, wherever that stood, and is not made anew where there is none."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedwatch.core.hiding import Hider
from feedwatch.core.model import ChangeKind, Details, FactChange, Kind, RecordedChange, TitleDetails
from feedwatch.redact import Redactor

SECRET = "hunter2"
LEAKS = f"https://x.example/{SECRET}"
AT = datetime(2026, 11, 1, tzinfo=UTC)
MORE = TitleDetails(certificate="PG", synopsis="A clerk.", picture="https://x.example/box.jpg")
DETAILS = Details(picture="https://x.example/1.jpg", text="How it begins", more=MORE)
CHANGE = RecordedChange(
    id=1,
    at=AT,
    account="jane",
    feed="queue",
    feed_kind=Kind.QUEUE,
    kind=ChangeKind.UPDATED,
    key="70001",
    title="Brazil",
    link="https://x.example/70001",
    position=1,
    previous_position=2,
    facts={"rating": FactChange("3", "4")},
    entry_facts={"rating": "4"},
    details=DETAILS,
)


def tell(change: RecordedChange) -> RecordedChange:
    """The change as it is told by somebody who knows one secret."""
    told = Hider(lambda text: text.replace(SECRET, "***")).hide(change)
    assert isinstance(told, RecordedChange)
    return told


@pytest.mark.parametrize(
    "leaking",
    [
        replace(CHANGE, account=SECRET),
        replace(CHANGE, feed=SECRET),
        replace(CHANGE, key=SECRET),
        replace(CHANGE, title=SECRET),
        replace(CHANGE, link=LEAKS),
        replace(CHANGE, facts={"rating": FactChange(SECRET, None)}),
        replace(CHANGE, facts={"rating": FactChange(None, SECRET)}),
        replace(CHANGE, facts={"link": FactChange(LEAKS, None)}),
        replace(CHANGE, facts={"link": FactChange(None, LEAKS)}),
        replace(CHANGE, entry_facts={"category": SECRET}),
        replace(CHANGE, details=replace(DETAILS, picture=LEAKS)),
        replace(CHANGE, details=replace(DETAILS, text=SECRET)),
        replace(CHANGE, details=replace(DETAILS, more=replace(MORE, certificate=SECRET))),
        replace(CHANGE, details=replace(DETAILS, more=replace(MORE, synopsis=SECRET))),
        replace(CHANGE, details=replace(DETAILS, more=replace(MORE, picture=LEAKS))),
    ],
)
def test_secret_that_stands_in_one_place_alone_is_not_told(leaking: RecordedChange) -> None:
    """That all the rest is harmless hides no secret: each text and each link is asked about."""
    told = tell(leaking)
    assert SECRET not in repr(told)
    assert told.at == AT


def test_change_without_secrets_is_told_as_it_is() -> None:
    """Nearly all are: they are not even made anew."""
    assert tell(CHANGE) is CHANGE


# ── in one go ─────────────────────────────────────────────────────────────────────────────────────

SECRETS = ("hunter2", "two words", "T1/q+a=Zb&9~.é x-", "x  y\u200bz")
SPELLED = (
    *SECRETS,
    *(quote(secret, safe="") for secret in SECRETS),
    *(base64.b64encode(f"u{secret}v".encode()).decode() for secret in SECRETS),
    *("hunt", "er2", "hunter\u200b2", "hunter  2", "two", "words", "two  words", "two\nwords"),
)
"""Secrets, and what may be one only with what stands before or behind it."""
TRICKS = (
    *("", " ", "  ", "\n", "\u200b", "\ud83d", "é", "👩🏽\u200d🚀", "=", "&", "?", "://", "@", "%"),
    *("<b>", "a\\b", "feed_token=abc", "API_KEY=1", "a_feed_token=abc", "oauth_token", "=abc"),
    *(
        "https://jane:pw@x.example/",
        "http://x.example/?sig=abc&a=b",
        "https://x.example/?utm_source=rss",
        "#a=b",
    ),
)
TEXT = st.lists(st.sampled_from((*SPELLED, *TRICKS, "Heat", "1995")), max_size=4).map("".join)
LINK = st.lists(st.sampled_from((*SPELLED, *TRICKS, "a", "/", "?a=", "&token=")), max_size=3).map(
    lambda pieces: "https://x.example/" + "".join(pieces)
)
TOLD = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("account", "feed", "key", "title"), TEXT),
        "link": st.none() | LINK | TEXT,
        "facts": st.dictionaries(
            st.sampled_from(("rating", "link")),
            st.builds(FactChange, before=st.none() | TEXT, after=st.none() | LINK),
            max_size=2,
        ),
        "entry_facts": st.dictionaries(st.sampled_from(("rating", "category")), TEXT | LINK, max_size=2),
        "details": st.builds(
            Details,
            picture=st.none() | LINK,
            text=TEXT,
            more=st.none()
            | st.builds(TitleDetails, certificate=st.none() | TEXT, synopsis=TEXT, picture=st.none() | LINK),
        ),
    },
)
CHANGES = st.builds(lambda told: replace(CHANGE, **told), TOLD)
"""Changes of which some things are as no secret is: so what is told may hang on the others alone."""


class OneByOne(Hider):
    """Asks about each text and each link by itself, whatever all of them are together."""

    def _is_harmless(self, change: RecordedChange) -> bool:
        return False


@given(CHANGES, st.lists(st.sampled_from(SECRETS), max_size=3))
@example(replace(CHANGE, title="A", entry_facts={"category": "feed_token=abc"}), [])
@example(replace(CHANGE, link="https://x.example/<b>"), [])
def test_asked_about_in_one_go_or_one_by_one_the_same_is_told(
    change: RecordedChange, secrets: list[str]
) -> None:
    """Law: nothing that is taken out of a text alone is left in because others stand beside it."""
    redact = Redactor(*secrets).redact
    assert Hider(redact).hide(change) == OneByOne(redact).hide(change)


@given(st.lists(TEXT, max_size=4), st.lists(st.sampled_from(SECRETS), max_size=3))
def test_what_is_found_in_a_text_is_found_between_blanks(texts: list[str], secrets: list[str]) -> None:
    """Law: where a redactor finds nothing in many texts, it finds nothing in any of them."""
    redact = Redactor(*secrets).redact
    told = " ".join(texts)
    if redact(told) == told:
        assert [redact(text) for text in texts] == texts
