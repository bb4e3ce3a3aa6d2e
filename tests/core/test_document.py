"""What a program is told: a document as its schema says, whatever the titles are, that says all there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from feedwatch.core.document import write_document, write_plain_document
from feedwatch.core.manner import Batch
from feedwatch.core.messages import Markup, OwedDelivery, Story, Style
from feedwatch.core.model import (
    ChangeKind,
    Details,
    FactChange,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Reason,
    RecordedChange,
)
from feedwatch.core.render import compose_message
from feedwatch.rows import describe_change

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "webhook.schema.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def close(schema: Any) -> Any:
    """The schema, so that it knows no key beside those that it names."""
    if isinstance(schema, list):
        return [close(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(value) for name, value in schema.items()}
    return {"additionalProperties": False, **closed} if schema.get("type") == "object" else closed


VALIDATOR = Draft202012Validator(close(SCHEMA))

texts = st.text(max_size=20) | st.sampled_from(
    ["@everyone", "<script>", "<3 & _*", "\ud83d", "\u202eabc", "👩‍👩‍👧"]
)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
places = st.none() | st.integers(1, 1000)
maybe_texts = st.none() | texts
changes = st.builds(
    RecordedChange,
    id=st.integers(1, 10**9),
    at=instants,
    account=texts,
    feed=texts,
    feed_kind=st.sampled_from(Kind),
    kind=st.sampled_from(ChangeKind),
    key=texts,
    title=texts,
    link=maybe_texts,
    position=places,
    previous_position=places,
    facts=st.dictionaries(texts, st.builds(FactChange, maybe_texts, maybe_texts), max_size=3),
    entry_facts=st.dictionaries(texts, texts, max_size=3),
    details=st.builds(Details, st.none() | st.just("https://h.example/a.png") | texts),
)
notices = st.builds(
    Notice,
    st.sampled_from(NoticeKind),
    instants,
    account=maybe_texts,
    feeds=st.lists(st.builds(NoticeLine, texts, st.none() | st.integers(0, 500)), max_size=3).map(tuple),
    reason=maybe_texts | st.sampled_from([str(each) for each in Reason]),
    since_at=st.none() | instants,
)
stories = st.one_of(
    st.builds(
        Story,
        st.just((1,)),
        changes=st.lists(changes, min_size=1, max_size=3).map(tuple),
        recommended=st.booleans(),
    ),
    st.builds(Story, st.just((1,)), notice=notices),
)
batches = st.builds(Batch, period_at=st.none() | instants, part=st.integers(1, 9))


def read(document: str) -> Any:
    """Read a document as strictly as a receiver may, and expect what the schema says and no more."""
    found = json.loads(document.encode("utf-8"), parse_constant=pytest.fail)
    VALIDATOR.validate(found)
    return found


def write(*told: Story, batch: Batch | None = None) -> Any:
    lines = [f"line {number}" for number in range(len(told))]
    return read(write_document(told, title="t", lines=lines, batch=batch or Batch()))


def change(number: int = 1, *, picture: str | None = None) -> RecordedChange:
    return RecordedChange(
        number,
        NOW,
        "jane",
        "queue",
        Kind.QUEUE,
        ChangeKind.ADDED,
        "k",
        "Platoon",
        "https://h.example/p",
        1,
        None,
        {},
        details=Details(picture),
    )


def story(*told: RecordedChange) -> Story:
    return Story(tuple(each.id for each in told), told)


def notice(kind: NoticeKind) -> Story:
    return Story((1,), notice=Notice(kind, NOW, account="jane"))


@given(st.lists(stories, max_size=4), st.data(), batches)
def test_document_is_what_its_schema_says(told: Sequence[Story], data: st.DataObject, batch: Batch) -> None:
    """Whatever the texts are, it is UTF-8 that a strict reader reads, with the keys of the schema alone."""
    lines = data.draw(st.lists(texts, min_size=len(told), max_size=len(told)))
    document = read(write_document(told, title=data.draw(texts), lines=lines, batch=batch))
    assert len(document["stories"]) + len(document["notices"]) == len(told)


def test_schema_is_one() -> None:
    """The file is a schema itself."""
    Draft202012Validator.check_schema(SCHEMA)


def test_story_says_its_sentence_and_its_changes_as_the_command_does() -> None:
    """Each story has its own sentence, and its changes in order as `feedwatch changes --json` prints them."""
    first, second = change(1), change(2)
    document = write(story(first, second), story(change(3)))
    told = document["stories"][0]
    assert told["changes"] == [describe_change(first), describe_change(second)]
    assert [each["text"] for each in document["stories"]] == ["line 0", "line 1"]
    assert document["text"] == "line 0\nline 1"


def test_notice_stands_apart_from_stories() -> None:
    """What feedwatch says of itself is no story, and keeps its own sentence."""
    document = write(notice(NoticeKind.SIGNED_OUT), story(change()))
    assert [each["text"] for each in document["stories"]] == ["line 1"]
    (told,) = document["notices"]
    assert (told["notice"], told["account"], told["text"]) == ("signed_out", "jane", "line 0")


KINDS = {
    "changes": ([story(change())], None),
    "changes beside a notice": ([notice(NoticeKind.WATCHING), story(change())], None),
    "digest": ([story(change())], NOW),
    "notice": ([notice(NoticeKind.WATCHING)], None),
    "test": ([notice(NoticeKind.TEST)], None),
}


@pytest.mark.parametrize(("kind", "case"), KINDS.items(), ids=KINDS)
def test_kind_says_what_it_is(kind: str, case: tuple[list[Story], datetime | None]) -> None:
    """A receiver that wants only changes, or only digests, can tell by one key."""
    told, period_at = case
    assert write(*told, batch=Batch(period_at=period_at))["kind"] == kind.split(maxsplit=1)[0]


def test_digest_says_its_period_and_part() -> None:
    """The parts of a digest can be put together."""
    document = write(story(change()), batch=Batch(period_at=NOW - timedelta(hours=4), part=2))
    assert (document["period_at"], document["part"]) == ("2026-11-26T08:00:00Z", 2)


def test_story_names_the_first_picture_that_can_be_shown() -> None:
    """An address with a token is none that may be passed on."""
    secret = change(1, picture="https://h.example/a.png?feed_token=s3cret")
    document = write(story(secret, change(2, picture="https://h.example/b.png")), story(secret))
    assert [each["picture"] for each in document["stories"]] == ["https://h.example/b.png", None]


def test_facts_of_a_title_are_those_of_all_its_changes() -> None:
    """Who reads documents learns the rating and the year without reading sentences."""
    watched = replace(change(1), feed_kind=Kind.HISTORY, entry_facts={"watched_at": "2026-11-01T20:00:00Z"})
    rated = replace(change(2), feed_kind=Kind.RATINGS, entry_facts={"rating": "4", "year": "1986"})
    (told,) = write(story(watched, rated))["stories"]
    assert told["facts"] == {"watched_at": "2026-11-01T20:00:00Z", "rating": "4", "year": "1986"}


def test_what_was_written_for_another_service_is_a_document_too() -> None:
    """It has a title and a text, and the schema's keys."""
    document = read(write_plain_document("jane/queue: 1 added", "added <3 & \ud83d"))
    assert (document["kind"], document["text"]) == ("text", "added <3 & \ufffd")


def test_three_hundred_changes_are_one_document() -> None:
    """As messages are really composed: all in one body that fits, each story with its own sentence."""
    style = Style(markup=Markup.JSON, limit=256 * 1024)
    titles = [f"Film {number} <3 & @everyone" for number in range(300)]
    owed = [
        OwedDelivery(number, "films/1", replace(change(number), key=title, title=title))
        for number, title in enumerate(titles)
    ]
    message = compose_message(owed, style)
    document = read(message.body)
    assert message.deliveries == tuple(range(300))
    assert [each["changes"][0]["title"] for each in document["stories"]] == titles
    assert all(title in each["text"] for title, each in zip(titles, document["stories"], strict=True))


def tables(page: str) -> Iterator[str]:
    """Each name of the page's tables of keys."""
    for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE):
        yield from re.findall(r"\w+", row)


def test_page_says_what_the_schema_says() -> None:
    """Its example is a document, its table has every key of one, and it has every kind."""
    page = (DOCS / "webhook.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    VALIDATOR.validate(json.loads(example))
    assert set(tables(page)) == set(SCHEMA["properties"])
    assert all(f"`{kind}`" in page for kind in SCHEMA["properties"]["kind"]["enum"])
