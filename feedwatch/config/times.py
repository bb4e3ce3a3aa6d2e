"""Times as people write them: `daily at 08:00`, `22:00-07:00`, `mon-fri`, `Europe/Berlin`."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from feedwatch.config.conditions import ConditionText
from feedwatch.config.names import suggest
from feedwatch.config.nodes import ListNode, MappingNode, ScalarNode
from feedwatch.config.section import ONE_OR_MORE, Section, is_text
from feedwatch.config.values import context_of, read_text
from feedwatch.config.zones import find_zone
from feedwatch.core.calendar import ALL_DAYS, DAYS, Digest, Every, Hours, Quiet

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_SPAN = re.compile(r"([0-9]{1,2}:[0-9]{2})\s*-\s*([0-9]{1,2}:[0-9]{2})")
_MIDNIGHT = "24:00"
_WEEKDAYS = {"weekdays": frozenset(range(5)), "weekend": frozenset({5, 6})}
_NUMBERS = {name: number for number, day in enumerate(DAYS) for name in (day, day[:3])}
_NO_DIGEST = "this is no digest; write hourly, daily at 08:00, or weekly on sunday at 18:00"
_NO_SPAN = "hours are wanted, from and to: 22:00-07:00"
_NO_DAY = "days are wanted: mon, tuesday, mon-fri, weekdays or weekend"


class DigestTimes(NamedTuple):
    """When a digest is due, by whatever clock; `day` counts from Monday, 0."""

    every: Every
    at: time = time()
    day: int | None = None


class HourSpan(NamedTuple):
    """From when to when; what ends before it starts ends the next day."""

    start: time
    end: time


def parse_digest(text: str) -> DigestTimes:
    """Read `hourly`, `daily at 08:00` or `weekly on sunday at 18:00`.

    Raises:
        ValueError: it is none; the message says how one is written.
    """
    match text.lower().split():
        case ["hourly"]:
            return DigestTimes(Every.HOURLY)
        case ["daily", "at", at]:
            return DigestTimes(Every.DAILY, _parse_time(at))
        case ["weekly", "on", day, "at", at]:
            return DigestTimes(Every.WEEKLY, _parse_time(at), _parse_day(day))
        case [first, *_] if first not in list(Every) and (meant := suggest(first, Every)):
            raise ValueError(f"{_NO_DIGEST}; did you mean `{meant}`?")
    raise ValueError(_NO_DIGEST)


def parse_span(text: str) -> HourSpan:
    """Read `22:00-07:00`; `24:00` is the midnight at which a day ends.

    Raises:
        ValueError: it is none, or it has no length.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(_NO_SPAN)
    end = time() if match[2] == _MIDNIGHT else _parse_time(match[2])
    span = HourSpan(_parse_time(match[1]), end)
    if span.start == span.end:
        raise ValueError("start and end are the same: that is no hour or all of them; name another end")
    return span


def parse_days(text: str) -> frozenset[int]:
    """Read `mon`, `monday`, `mon-fri`, `weekdays` or `weekend`; Monday is 0, and a range may pass Sunday.

    Raises:
        ValueError: it is none; the message may name a day that was meant.
    """
    word = text.strip().lower()
    if word in _WEEKDAYS:
        return _WEEKDAYS[word]
    first, dash, last = (part.strip() for part in word.partition("-"))
    start = _parse_day(first)
    length = (_parse_day(last) - start) % 7 if dash else 0
    return frozenset((start + days) % 7 for days in range(length + 1))


def _parse_time(text: str) -> time:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("this is no time of a day; write 08:00, or 22:30")
    return time(int(match[1]), int(match[2]))


def _parse_day(word: str) -> int:
    if word in _NUMBERS:
        return _NUMBERS[word]
    meant = suggest(word, (*DAYS, *_WEEKDAYS))
    raise ValueError(f"no day has this name; did you mean `{meant}`?" if meant else _NO_DAY)


# ── their types ───────────────────────────────────────────────────────────────────────────────────


def _read_zone(value: object, info: ValidationInfo) -> ZoneInfo:
    """Read a zone; where none is written it is the one that holds for the whole configuration."""
    return context_of(info).zone if value is None else find_zone(read_text(value, info))


def _read_digest(value: object, info: ValidationInfo) -> DigestTimes:
    return parse_digest(read_text(value, info))


def _read_span(value: object, info: ValidationInfo) -> HourSpan:
    return parse_span(read_text(value, info))


def _read_days(value: object, info: ValidationInfo) -> frozenset[int]:
    return parse_days(read_text(value, info))


_TEXT = WithJsonSchema({"type": "string"})
FROM_ABOVE: Any = None
"""In place of a zone: take the one of the whole configuration."""

ZoneName = Annotated[ZoneInfo, PlainValidator(_read_zone), _TEXT, Field(validate_default=True)]


class DigestSettings(Section):
    """When a digest is due: a text, or a mapping."""

    every: Annotated[DigestTimes, PlainValidator(_read_digest), _TEXT]
    """`hourly`, `daily at 08:00` or `weekly on sunday at 18:00`."""
    zone: ZoneName = FROM_ABOVE
    """By the clock of which zone; by default that of the whole configuration."""

    @model_validator(mode="before")
    @classmethod
    def _take_text_alone(cls, value: Any) -> Any:
        return {"every": value} if _stands_alone(value) else value

    @property
    def digest(self) -> Digest:
        """The digest as the core knows it."""
        every, at, day = self.every
        return Digest(every, self.zone, self.zone.key, at, day)


class HoursSettings(Section):
    """Hours of some days: a text, or a mapping."""

    hours: Annotated[HourSpan, PlainValidator(_read_span), _TEXT]
    """From when to when: `22:00-07:00`."""
    days: Annotated[tuple[Annotated[frozenset[int], PlainValidator(_read_days), _TEXT], ...], ONE_OR_MORE] = (
        ALL_DAYS,
    )
    """On which days they start; by default on all."""
    zone: ZoneName = FROM_ABOVE
    """By the clock of which zone; by default that of the whole configuration."""

    @model_validator(mode="before")
    @classmethod
    def _take_text_alone(cls, value: Any) -> Any:
        return {"hours": value} if _stands_alone(value) else value

    @property
    def span(self) -> Hours:
        """The hours as the core knows them."""
        return Hours(*self.hours, self.zone, self.zone.key, frozenset[int]().union(*self.days))

    @property
    def quiet(self) -> Quiet:
        """The hours as quiet ones."""
        return Quiet(self.span)


class QuietSettings(HoursSettings):
    """Hours in which nothing is told but what is urgent."""

    urgent: ConditionText | None = None
    """What is told all the same."""

    @property
    def quiet(self) -> Quiet:
        """The quiet hours as the core knows them."""
        return Quiet(self.span, self.urgent)


def _stands_alone(value: Any) -> bool:
    """Whether a value stands for the main key of its section: also where that is a problem (a list)."""
    return is_text(value) or isinstance(value, ListNode)


def are_hours(value: Any) -> bool:
    """Whether hours are meant where a flag may stand, too."""
    return isinstance(value, MappingNode) or (
        isinstance(value, ScalarNode) and bool(re.search("[0-9]", value.text))
    )
