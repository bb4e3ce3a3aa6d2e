"""What a poll came to, as it is told: in the log, and to who typed `feedwatch poll`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from feedwatch.core.model import Reason

_LOG = logging.getLogger("feedwatch.poll")


class PollOutcome(StrEnum):
    """How a poll ended."""

    UNCHANGED = "unchanged"
    BASELINE = "baseline"
    COMPARED = "compared"
    HELD = "held"
    FAILED = "failed"
    RESTING = "resting"
    LATE = "late"
    OUTAGE = "outage"


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class PollReport:
    """What one poll came to."""

    feed: str
    outcome: PollOutcome
    changes: int = 0
    entries: int | None = None
    reason: Reason | None = None
    detail: str = ""


Tell = Callable[[PollReport], None]
"""Hears of each poll of a round, as it ends."""


def log_report(report: PollReport) -> None:
    """Write a line of the log; what failed is a warning."""
    level = logging.WARNING if report.outcome in (PollOutcome.FAILED, PollOutcome.OUTAGE) else logging.INFO
    if not _LOG.isEnabledFor(level):
        return  # making the words takes longer than all the rest of a report
    _LOG.log(
        level,
        "polled feed=%s outcome=%s%s%s%s%s",
        report.feed,
        report.outcome,
        f" changes={report.changes}" if report.changes else "",
        f" entries={report.entries}" if report.entries is not None else "",
        f" reason={report.reason}" if report.reason else "",
        f" detail={report.detail!r}" if report.detail else "",
    )
