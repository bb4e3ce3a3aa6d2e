"""Time zones by name, and the one that this machine keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from feedwatch.config.names import suggest

_LINK = Path("/etc/localtime")
_NAME = Path("/etc/timezone")
_FOLDER = "zoneinfo/"
_NEUTRAL = "UTC"


def find_zone(name: str) -> ZoneInfo:
    """Give the zone of a name: `Europe/Berlin`.

    Raises:
        ValueError: there is none; the message may name one that was meant, and never repeats the word.
    """
    zone = _look_up(name)
    if zone is None:
        meant = _suggest_zone(name)
        hint = f"did you mean `{meant}`?" if meant else "they are written as Europe/Berlin, or UTC"
        raise ValueError(f"no time zone has this name; {hint}")
    return zone


def own_zone(environ: Mapping[str, str]) -> ZoneInfo:
    """The zone of this machine: of `$TZ`, else of the system, else UTC."""
    names = (environ.get("TZ", "").removeprefix(":"), _linked_zone(), _written_zone(), _NEUTRAL)
    zones = (_look_up(name.partition(_FOLDER)[2] or name) for name in names if name)
    return next(zone for zone in zones if zone)


def _look_up(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such zone, no name of one, a folder of them
        return None


def _suggest_zone(name: str) -> str | None:
    """The zone that somebody may have meant, also by its town alone."""
    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    towns = {zone.rpartition("/")[2]: full for zone, full in zones.items() if "/" in zone}
    word = name.strip().lower().replace(" ", "_")
    if word in towns:
        return towns[word]
    meant = suggest(word, zones) or suggest(word, towns)
    return zones.get(meant, towns.get(meant)) if meant else None


def _linked_zone() -> str:
    try:
        return os.readlink(_LINK)  # noqa: PTH115 — Path.readlink() would have to be made a text again
    except OSError:
        return ""


def _written_zone() -> str:
    try:
        return _NAME.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
