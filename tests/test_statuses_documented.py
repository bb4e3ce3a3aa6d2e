"""The page about statuses against the table that feedwatch acts by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from feedwatch.core.statuses import ROWS, Action, Resource, Row, Service

PAGE = Path(__file__).parent.parent / "docs" / "statuses.md"
HEADINGS = {
    Service.NETFLIX: "## The Netflix API 1.5",
    Service.REST: "## Any service",
    Service.TMDB: "## TMDB",
}
ACTIONS = {
    Action.PROCEED: "proceed",
    Action.WAIT: "wait",
    Action.DISCOVER_ANEW: "discover anew",
    Action.SIGN_IN_AGAIN: "sign in again",
    Action.FIX_REQUEST: "fix the request",
    Action.GIVE_UP: "give up",
}
RESOURCES = {
    Resource.ALL: "all",
    Resource.SIGNED: "signed calls",
    Resource.FEEDS: "feeds",
    Resource.QUEUES: "queues",
    Resource.RATINGS: "ratings",
    Resource.LOGIN: "the login page",
    Resource.OAUTH: "signing in",
}


def write_row(row: Row) -> str:
    """A row as the page has it."""
    said = row.message.replace("*", "…") if row.message else "*anything*"
    status = f"{row.status}" if row.documented else f"{row.status} \\*"
    code = [str(row.code or "")] if row.service is not Service.REST else []
    where = [RESOURCES[row.resource]] if row.service is Service.NETFLIX else []
    message = [said] if row.service is not Service.REST else []
    action = f"**{ACTIONS[row.action]}**{write_rest(row)}"
    return f"| {' | '.join([status, *code, *where, *message, action, row.says])} |"


def write_rest(row: Row) -> str:
    """How long a row has us wait."""
    if row.until_day_ends:
        return " until midnight UTC"
    if row.rest is None:
        return ""
    seconds = row.rest // timedelta(seconds=1)
    return f" {seconds} s" if seconds < 60 else f" {seconds // 60} min"


def rows_below(heading: str) -> list[str]:
    """The rows of the table below a heading of the page."""
    part = PAGE.read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return lines[2:]


@pytest.mark.parametrize("service", list(Service))
def test_page_has_every_row_of_the_table(service: Service) -> None:
    """The page has the rows of the table, all of them, in order, and none beside them."""
    assert rows_below(HEADINGS[service]) == [write_row(row) for row in ROWS if row.service is service]


def test_page_explains_every_action() -> None:
    """Each action that the table knows is explained, and so is what no table knows."""
    text = PAGE.read_text()
    for words in (*ACTIONS.values(), "unknown"):
        assert f"| **{words}** |" in text
