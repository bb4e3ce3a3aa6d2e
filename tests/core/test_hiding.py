"""What is told has no secret in it, wherever that stood, and is not made anew where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from feedwatch.core.hiding import Hider
from feedwatch.core.model import ChangeKind, Details, FactChange, Kind, RecordedChange, TitleDetails

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
