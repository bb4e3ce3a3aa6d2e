"""Whose details are asked for: a title by its place in a catalog, or by its name and year. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from feedwatch.core.model import ChangeKind, Kind, RecordedChange
from feedwatch.core.text import clean

_YEAR = re.compile(r"(?:18|19|20)\d\d")
_NAMED = re.compile(r"(?P<name>\S.*?)(?:,\s*|\s*\((?=\d{4}\)))(?P<year>\d{4})\)?(?:\s+[-\u2013\u2014]\s.*)?")
"""`Ikiru, 1952`, `Ikiru (1952)`, and either with what a diary says behind it: ` - ★★★★`."""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class NamedTitle:
    """A title as far as its name and year tell it from others."""

    name: str
    year: int


@dataclass(frozen=True, slots=True)
class WantedTitle:
    """A title whose details are wanted. `subject` is what they are kept by."""

    account: str
    subject: str
    ref: str | None = None
    named: NamedTitle | None = None


def wants_details(change: RecordedChange) -> bool:
    """Whether a change is told with details of its title: not what is gone, and no post."""
    return change.feed_kind is not Kind.STREAM and change.kind in (ChangeKind.ADDED, ChangeKind.UPDATED)


def want_by_ref(change: RecordedChange) -> WantedTitle | None:
    """Give a change's title by its place in its service's catalog; None where the feed names none."""
    ref = change.details.title_ref
    return WantedTitle(change.account, ref, ref=ref) if ref else None


def want_by_name(change: RecordedChange) -> WantedTitle | None:
    """Give a change's title by its name and year; None where either is not certain."""
    named = read_name(change.title, change.entry_facts.get("year"))
    if named is None:
        return None
    return WantedTitle(change.account, f"{normalize_name(named.name)}|{named.year}", named=named)


def subjects_of(change: RecordedChange) -> tuple[str, ...]:
    """Give all that details of a change's title may be kept by, the best first."""
    if not wants_details(change):
        return ()
    wanted = (want_by_ref(change), want_by_name(change))
    return tuple(each.subject for each in wanted if each is not None)


def read_name(title: str, year: str | None) -> NamedTitle | None:
    """Read a title's name and year, which a feed gives as a fact or within the title; None without either."""
    title = clean(title)
    match = _NAMED.fullmatch(title) if len(title) <= _LONGEST_NAME else None
    if match is not None and _YEAR.fullmatch(match["year"]) and year in (None, match["year"]):
        return NamedTitle(match["name"], int(match["year"]))
    if year is not None and _YEAR.fullmatch(year) and 0 < len(title) <= _LONGEST_NAME:
        return NamedTitle(title, int(year))
    return None


def normalize_name(name: str) -> str:
    """A name by which two spellings of it are the same: letters and digits, without case or accents."""
    spelled = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    return " ".join(
        "".join(c if c.isalnum() else " " for c in spelled if not unicodedata.combining(c)).split()
    )
