"""Values ↔ columns: one text form for instants, JSON for what has parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from feedwatch.core.model import FactChange, NoticeLine, Reason, Validators


def write_instant(at: datetime | None) -> str | None:
    """An aware instant as text that sorts; naive ones are refused."""
    return None if at is None else stamp(at)


def stamp(at: datetime) -> str:
    """An aware instant as text that sorts."""
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone")
    # strftime drops the zeros of early years: isoformat does not.
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_instant(text: str | None) -> datetime | None:
    """An instant from its text."""
    return None if text is None else instant(text)


def instant(text: str) -> datetime:
    """An instant from its text."""
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def read_reason(text: str | None) -> Reason | None:
    """A reason from its text."""
    return None if text is None else Reason(text)


def write_json(value: object) -> str:
    """A value with parts as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_facts(facts: Mapping[str, str]) -> str:
    """Facts as JSON, the same text for the same facts."""
    return json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def read_facts(text: str) -> dict[str, str]:
    """Facts from JSON."""
    return cast("dict[str, str]", json.loads(text))


def write_fact_changes(facts: Mapping[str, FactChange]) -> str:
    """Changed facts as JSON."""
    return write_json({name: [fact.before, fact.after] for name, fact in facts.items()})


def read_fact_changes(text: str) -> dict[str, FactChange]:
    """Changed facts from JSON."""
    return {name: FactChange(before, after) for name, (before, after) in json.loads(text).items()}


def write_validators(validators: Sequence[Validators]) -> str:
    """Validators as JSON, a pair a page."""
    return write_json([[each.etag, each.last_modified] for each in validators])


def read_validators(text: str) -> tuple[Validators, ...]:
    """Validators from JSON."""
    return tuple(Validators(etag, modified) for etag, modified in json.loads(text)) if text != "[]" else ()


def write_lines(lines: Sequence[NoticeLine]) -> str:
    """The feeds a notice speaks of as JSON."""
    return write_json([[line.feed, line.entries] for line in lines])


def read_lines(text: str) -> tuple[NoticeLine, ...]:
    """The feeds a notice speaks of from JSON."""
    return tuple(NoticeLine(feed, entries) for feed, entries in json.loads(text))
