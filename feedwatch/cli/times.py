"""Times as a person types them: durations, dates, instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import click


def read_duration(text: str, option: str) -> timedelta:
    """A duration, as an option was given it."""
    from feedwatch.config import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def read_length(text: str, now: datetime) -> datetime:
    """When a duration from now ends."""
    from feedwatch.config import parse_duration  # noqa: PLC0415

    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no duration: 2h, 7d", param_hint="--for") from error


def read_end(text: str, zone: tzinfo) -> datetime:
    """A date (its first moment) or an instant; by the clock of the zone unless it says otherwise."""
    try:
        return _read_instant(text, zone)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no date or instant: 2026-12-24, 2026-12-24T18:00", param_hint="--until"
        ) from None


def read_since(text: str | None) -> datetime | None:
    """A duration back from now, or a date or instant (UTC unless it says otherwise)."""
    from feedwatch.config import parse_duration  # noqa: PLC0415

    if text is None:
        return None
    try:
        return datetime.now(UTC) - parse_duration(text)
    except OverflowError:  # longer ago than there are dates
        return None
    except ValueError:
        pass  # then it is to be a date
    try:
        return _read_instant(text, UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is neither a duration (2h, 7d) nor a date (2026-01-31)", param_hint="--since"
        ) from None


def _read_instant(text: str, zone: tzinfo) -> datetime:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
