"""What TMDB's search answered, and which of it is the title that was meant: none, unless that is certain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedwatch.core.subjects import NamedTitle, normalize_name
from feedwatch.core.text import clean, shorten

_DATE = re.compile(r"(?P<year>\d{4})-\d\d-\d\d")
_POSTER = re.compile(r"/[A-Za-z0-9_-]{1,100}\.(?:jpg|png|webp)")
_MOST_RESULTS = 100
_LONGEST_OVERVIEW = 2000
_FURTHEST = 1
"""Years that a film may be dated otherwise elsewhere: by its first night, or by its release."""


@dataclass(frozen=True, slots=True)
class Found:
    """A title as TMDB knows it: its names, its year, its overview, the path of its poster."""

    names: frozenset[str]
    year: int
    overview: str = ""
    poster: str | None = None


def read_found(body: bytes) -> tuple[Found, ...] | None:
    """Read what a search answered; None for what is no such answer. What has no name or year is left out."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    results = said.get("results") if isinstance(said, dict) else None
    if not isinstance(results, list):
        return None
    return tuple(_read_each(results[:_MOST_RESULTS]))


def choose_found(found: Sequence[Found], wanted: NamedTitle) -> Found | None:
    """Choose the title that is meant: of that very name, at most a year apart; None where two could be it."""
    name = normalize_name(wanted.name)
    matches = [each for each in found if name in each.names and abs(each.year - wanted.year) <= _FURTHEST]
    nearest = min((abs(each.year - wanted.year) for each in matches), default=0)
    best = [each for each in matches if abs(each.year - wanted.year) == nearest]
    return best[0] if name and len(best) == 1 else None


def _read_each(results: Sequence[object]) -> Iterator[Found]:
    for each in results:
        if not isinstance(each, dict):
            continue
        said = (each.get(key) for key in ("title", "original_title", "name", "original_name"))
        names = frozenset(normalize_name(name) for name in said if isinstance(name, str)) - {""}
        year = _read_year(each)
        if names and year is not None:
            yield Found(names, year, _read_overview(each), _read_poster(each))


def _read_year(result: Mapping[str, Any]) -> int | None:
    date = result.get("release_date") or result.get("first_air_date")
    match = _DATE.fullmatch(date) if isinstance(date, str) else None
    return int(match["year"]) if match else None


def _read_overview(result: Mapping[str, Any]) -> str:
    overview = result.get("overview")
    return shorten(clean(overview), _LONGEST_OVERVIEW) if isinstance(overview, str) else ""


def _read_poster(result: Mapping[str, Any]) -> str | None:
    poster = result.get("poster_path")
    return poster if isinstance(poster, str) and _POSTER.fullmatch(poster) else None
