"""What a condition can look at, and what a change has there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from feedwatch.core.model import Change, ChangeKind, Kind


class Field(StrEnum):
    """What a condition can look at."""

    TITLE = "title"
    TEXT = "text"
    CATEGORY = "category"
    YEAR = "year"
    RATING = "rating"
    PREDICTED_RATING = "predicted_rating"
    AVERAGE_RATING = "average_rating"
    AVAILABILITY = "availability"
    POSITION = "position"
    KIND = "kind"
    CHANGE = "change"
    ACCOUNT = "account"
    FEED = "feed"


NUMBERS = frozenset(
    {Field.YEAR, Field.RATING, Field.PREDICTED_RATING, Field.AVERAGE_RATING, Field.POSITION},
)
"""The fields that are compared as numbers."""
WORDS: Mapping[Field, tuple[str, ...]] = {
    Field.KIND: tuple(kind.value for kind in Kind),
    Field.CHANGE: tuple(kind.value for kind in ChangeKind),
    Field.RATING: ("not_interested", "no_opinion"),
}
"""The fields that are one of a few words; a rating is one of these, or a number."""

Value = float | str
Values = tuple[Value, ...]
"""What one change has in a field: nothing, a number or a text, or several texts."""


def fold(text: str) -> str:
    """A text as it is compared: whatever its case, its spaces and the way its accents are written."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())
    return " ".join(folded.split())


# ── what each change has there ────────────────────────────────────────────────────────────────────


def read_values(what: Field, changes: Sequence[Change]) -> Sequence[Values]:
    """What each change has in a field that is its own: texts as they are compared."""
    if what is Field.POSITION:
        places = [change.position for change in changes]
        return [() if place is None else (float(place),) for place in places]
    if what is Field.CHANGE:
        return [(change.kind.value,) for change in changes]
    return _read_each(_texts_of(what, changes), _reader_of(what))


def _texts_of(what: Field, changes: Sequence[Change]) -> Sequence[str | None]:
    if what is Field.TITLE:
        return [change.entry.title for change in changes]
    if what is Field.TEXT:
        return [change.entry.details.text for change in changes]
    name = what.value
    return [
        change.facts[name].after if name in change.facts else change.entry.facts.get(name)
        for change in changes
    ]


_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_Reader = Callable[[str], Values]


def _read_each(texts: Iterable[str | None], read: _Reader) -> Sequence[Values]:
    """Read texts, those that are there often only once."""
    known: dict[str | None, Values] = {None: ()}
    return [known[text] if text in known else known.setdefault(text, read(text or "")) for text in texts]


def _reader_of(what: Field) -> _Reader:
    if what in NUMBERS:
        words = WORDS.get(what, ())
        return lambda text: _read_number(text, words)
    return _read_names if what is Field.CATEGORY else _read_text


def _read_number(text: str, words: tuple[str, ...]) -> Values:
    if _NUMBER.fullmatch(text):
        return (float(text),)
    return (text,) if text in words else ()


def _read_names(text: str) -> Values:
    return tuple(filter(None, map(fold, text.split(", "))))


def _read_text(text: str) -> Values:
    folded = fold(text)
    return (folded,) if folded else ()
