"""What the answer to a call means, by the table of statuses: whether it failed, and what to do then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from feedwatch.core.model import Answered, FetchFailed, Reason
from feedwatch.core.notices import REASONS
from feedwatch.core.statuses import Action, Resource, actions_of_reasons
from feedwatch.netflix.replies import ApiFailed
from feedwatch.netflix.status import NOTHING, find_row, is_by_status, read_status, redact_message, rest_of

CLOCK_MAY_BE_OFF: Final = timedelta(minutes=2)
"""A server that refuses a sign-in while our clock differs from its own by more may do so for that alone."""


def judge_failure(failed: FetchFailed, *, resource: str, now: datetime) -> ApiFailed:
    """Say what to do about a call that failed; `resource` is the path that was asked for."""
    if failed.status is None or not is_by_status(failed):
        return _judge_by_reason(failed)
    said = read_status(failed.body) or NOTHING
    row = find_row(failed.status, said, resource_of(resource))
    answer = ApiFailed(
        row.action,
        row.reason or failed.reason,
        redact_message(said.message) or failed.detail,
        failed.status,
        said.sub_code or row.code,
        rest_of(failed, row, now),
        failed.server_at,
        says=f"{row.says} ({redact_message(failed.allow)})" if failed.allow else row.says,
        host=failed.host,
    )
    off = _say_clock_offset(failed, now)
    return _blame_clock(answer, off) if row.reason is Reason.UNAUTHORIZED and off else answer


def judge_answer(answered: Answered, *, resource: str, now: datetime) -> ApiFailed | None:
    """Find the failure in a 2xx to a change, for its body may say no; None where the change was granted."""
    said = read_status(answered.body) or NOTHING
    status = said.status_code or answered.status
    if status >= 400:
        failed = FetchFailed(Reason.ERROR_DOCUMENT, status=status, body=answered.body)
        judged = judge_failure(replace(failed, server_at=answered.server_at), resource=resource, now=now)
        return replace(judged, may_have_happened=status >= 500)
    row = find_row(status, said, resource_of(resource))
    if row.action is Action.PROCEED:
        return None
    reason, message = row.reason or Reason.ERROR_DOCUMENT, redact_message(said.message)
    return ApiFailed(
        row.action, reason, message, status, said.sub_code, may_have_happened=True, says=row.says
    )


def _judge_by_reason(failed: FetchFailed) -> ApiFailed:
    """Say what to do where no status says what went wrong."""
    action = actions_of_reasons.get(failed.reason, Action.UNKNOWN)
    words = REASONS[failed.reason]
    says = f"{words} ({failed.detail})" if failed.detail else words
    return ApiFailed(
        action,
        failed.reason,
        failed.detail,
        failed.status,
        retry_after=failed.retry_after,
        server_at=failed.server_at,
        says=says,
        host=failed.host,
    )


def _blame_clock(answer: ApiFailed, off: str) -> ApiFailed:
    says = f"the clock of this machine is {off}: set it right, then try again"
    return replace(answer, action=Action.FIX_REQUEST, reason=Reason.WRONG_CLOCK, message=off, says=says)


def resource_of(path: str) -> Resource:
    """Tell by its path which rows of the table are a call's own."""
    parts = path.partition("?")[0].split("/")
    if "oauth" in parts:
        return Resource.LOGIN if parts[-1] == "login" else Resource.OAUTH
    return next((each for each in (Resource.QUEUES, Resource.RATINGS) if each in parts), Resource.SIGNED)


def _say_clock_offset(failed: FetchFailed, now: datetime) -> str | None:
    """Say by how much our clock differs from the server's; None if not by enough to matter."""
    if failed.server_at is None:
        return None
    off = now - failed.server_at
    if abs(off) <= CLOCK_MAY_BE_OFF:
        return None
    minutes = round(abs(off) / timedelta(minutes=1))
    return f"{minutes:,} minutes {'ahead of' if off > timedelta(0) else 'behind'} its server"
