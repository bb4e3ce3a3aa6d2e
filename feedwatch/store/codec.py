"""Values ↔ columns: one text form for instants, JSON for what has parts.

What cannot be read is damage (StoreDamaged), and not quoted: nobody knows what stands there by now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from feedwatch.core.messages import PictureLink
from feedwatch.core.model import FactChange, NoticeLine, Reason, Validators
from feedwatch.errors import StoreDamaged

Word = TypeVar("Word", bound=StrEnum)

_LINE_SEPARATORS = ("\n", ":")
"""For JSON with a line break, which stands within no text of it, between all parts: so what was encoded in
one go can be told apart again."""

# Made once: `json.dumps` and `json.loads` would set one up anew for each value of each entry.
_WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_WRITE_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_WRITE_LINES = json.JSONEncoder(
    ensure_ascii=False, separators=_LINE_SEPARATORS, sort_keys=True, default=dict
).encode
_READ = json.JSONDecoder().raw_decode
_NO_INSTANT = "an instant in the state cannot be read"
_NO_VALUE = "a value in the state cannot be read"
_OTHER_FORM = "a value in the state is of another form than it should be"


def write_instant(at: datetime | None) -> str | None:
    """An aware instant as text that sorts; naive ones are refused."""
    return None if at is None else stamp(at)


def stamp(at: datetime) -> str:
    """An aware instant as text that sorts."""
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone")
    # strftime drops the zeros of early years: isoformat does not.
    return at.astimezone(UTC).isoformat("T", "microseconds").replace("+00:00", "Z")


def read_instant(text: str | None) -> datetime | None:
    """An instant from its text."""
    return None if text is None else instant(text)


def instant(text: str) -> datetime:
    """An instant from its text."""
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise StoreDamaged(_NO_INSTANT) from error
    if at.tzinfo is not UTC:
        raise StoreDamaged(_NO_INSTANT)
    return at


def read_all_instants(texts: Iterable[str | None]) -> list[datetime | None]:
    """Instants from their texts, in one go."""
    try:
        found = [None if text is None else datetime.fromisoformat(text) for text in texts]
    except (ValueError, TypeError) as error:
        raise StoreDamaged(_NO_INSTANT) from error
    if any(at is not None and at.tzinfo is not UTC for at in found):
        raise StoreDamaged(_NO_INSTANT)
    return found


def read_word(words: type[Word], text: str) -> Word:
    """One of a few words from its text."""
    try:
        return words(text)
    except ValueError as error:
        raise StoreDamaged(f"a {words.__name__} in the state is none") from error


def read_reason(text: str | None) -> Reason | None:
    """A reason from its text."""
    return None if text is None else read_word(Reason, text)


def write_json(value: object) -> str:
    """A value with parts as compact JSON."""
    return _WRITE(value)


def write_facts(facts: Mapping[str, str]) -> str:
    """Facts as JSON, the same text for the same facts."""
    return _WRITE_SORTED(facts if isinstance(facts, dict) else dict(facts))


def write_all_facts(all_facts: Sequence[Mapping[str, str]]) -> list[str]:
    """The facts of many entries, each as `write_facts` writes them, encoded in one go."""
    if not all_facts:
        return []
    lines = _WRITE_LINES(all_facts).removeprefix("[{").removesuffix("}]").split("}\n{")
    return [f"{{{line}}}".replace("\n", ",") for line in lines]


def read_facts(text: str) -> dict[str, str]:
    """Facts from JSON."""
    facts: dict[str, str] = _read_json(text, dict)
    return facts


def read_all_facts(texts: Sequence[str]) -> list[dict[str, str]]:
    """The facts of many entries from JSON, in one go.

    Texts that are damaged in such a way that they make up for each other are not seen to be: that is for the
    digest of the list.
    """
    try:
        joined = f"[{','.join(texts)}]"
    except TypeError as error:
        raise StoreDamaged(_NO_VALUE) from error
    found: list[dict[str, str]] = _read_json(joined, list)
    if len(found) != len(texts) or not all(isinstance(facts, dict) for facts in found):
        raise StoreDamaged(_OTHER_FORM)
    return found


def read_texts(text: str) -> tuple[str, ...]:
    """Texts from a JSON list."""
    return tuple(_read_json(text, list))


def read_order(text: str) -> tuple[list[str], list[str]]:
    """The order of a list from JSON: the keys with a place, then the others."""
    parts = _read_json(text, list)
    if len(parts) != 2 or not all(isinstance(part, list) for part in parts):
        raise StoreDamaged("the order of a list in the state cannot be read")
    return parts[0], parts[1]


def write_fact_changes(facts: Mapping[str, FactChange]) -> str:
    """Changed facts as JSON."""
    if not facts:
        return "{}"
    return write_json({name: [fact.before, fact.after] for name, fact in facts.items()})


def read_fact_changes(text: str) -> dict[str, FactChange]:
    """Changed facts from JSON."""
    if text == "{}":
        return {}
    changed = _read_json(text, dict)
    _must_be_lists(changed.values(), 2)
    return {name: FactChange(before, after) for name, (before, after) in changed.items()}


def write_validators(validators: Sequence[Validators]) -> str:
    """Validators as JSON, a pair a page; three where the place belongs to it."""
    return write_json(
        [[each.etag, each.last_modified, *([each.place] if each.place else [])] for each in validators]
    )


def read_validators(text: str) -> tuple[Validators, ...]:
    """Validators from JSON."""
    if text == "[]":
        return ()
    pages = _read_json(text, list)
    _must_be_lists(pages, 2, 3)
    return tuple(Validators(*page) for page in pages)


def write_pictures(pictures: Sequence[PictureLink]) -> str:
    """The pictures of a message as JSON."""
    return write_json([[link.url, link.name, link.own] for link in pictures])


def read_pictures(text: str) -> tuple[PictureLink, ...]:
    """The pictures of a message from JSON."""
    pictures = _read_json(text, list)
    _must_be_lists(pictures, 3)
    return tuple(PictureLink(url, name, bool(own)) for url, name, own in pictures)


def write_lines(lines: Sequence[NoticeLine]) -> str:
    """The feeds a notice speaks of as JSON."""
    return write_json([[line.feed, line.entries] for line in lines])


def read_lines(text: str) -> tuple[NoticeLine, ...]:
    """The feeds a notice speaks of from JSON."""
    lines = _read_json(text, list)
    _must_be_lists(lines, 2)
    return tuple(NoticeLine(feed, entries) for feed, entries in lines)


def _read_json(text: str, form: type[Any]) -> Any:
    try:
        value, end = _READ(text)
    except (ValueError, TypeError) as error:
        raise StoreDamaged(_NO_VALUE) from error
    if end != len(text) or not isinstance(value, form):
        raise StoreDamaged(_OTHER_FORM)
    return value


def _must_be_lists(values: Iterable[object], *lengths: int) -> None:
    if not all(isinstance(value, list) and len(value) in lengths for value in values):
        raise StoreDamaged(_OTHER_FORM)
