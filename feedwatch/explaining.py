"""The commands that say why: what became of a change and by which routes, and what a route would send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from feedwatch.config import Config
from feedwatch.core.document import show_instant
from feedwatch.core.explain import RouteVerdict, Verdict, judge_routes
from feedwatch.core.keys import full_name
from feedwatch.core.messages import MessageState
from feedwatch.core.model import RecordedChange
from feedwatch.core.notices import say_moment
from feedwatch.core.route import Route
from feedwatch.core.state import DeliveryStatus
from feedwatch.core.wording import summarize_change
from feedwatch.errors import FeedwatchError
from feedwatch.present import Row, Screen
from feedwatch.routing import make_routes
from feedwatch.rows import WAITS, describe_change, say_reason
from feedwatch.store import Store

# ── explain ───────────────────────────────────────────────────────────────────────────────────────


def explain_change(store: Store, config: Config, screen: Screen, change_id: int) -> None:
    """Print what each route says of a change, and what became of it at each address.

    Raises:
        FeedwatchError: there is no such change.
    """
    change = store.find_change(change_id)
    if change is None:
        raise FeedwatchError(f"no change {change_id} is known: feedwatch changes shows their numbers")
    verdicts = judge_routes(change, make_routes(config))
    deliveries = store.list_deliveries(change_id)
    if screen.as_json:
        rows: list[Row] = [{"what": "change", **describe_change(change)}]
        rows += [_describe_verdict(each) for each in verdicts]
        rows += [_describe_delivery(each) for each in deliveries]
        screen.print_rows(rows, [], empty="")
        return
    screen.say(f"change {change.id}, {say_moment(change.at, config.zone)}")
    screen.say("".join(part.text for part in summarize_change(change)))
    screen.say("")
    _say_routes(screen, change, verdicts)
    screen.say("")
    _say_deliveries(screen, deliveries, config.zone)


def _say_routes(screen: Screen, change: RecordedChange, verdicts: Sequence[RouteVerdict]) -> None:
    rows: list[Row] = [
        {
            "route": each.number if each.number is not None else "(none)",
            "to": ", ".join(each.route.to) or None,
            "tells": each.verdict is Verdict.TELLS,
            "why": _say_verdict(each, change),
        }
        for each in verdicts
    ]
    screen.print_rows(rows, ["route", "to", "tells", "why"], empty="there are no targets: nobody is told")


def _say_verdict(each: RouteVerdict, change: RecordedChange) -> str | None:
    return _say_manner(each.route) if each.verdict is Verdict.TELLS else _say_why_not(each, change)


def _say_why_not(each: RouteVerdict, change: RecordedChange) -> str:
    route = each.route
    if each.verdict is Verdict.TOLD_SOONER:
        return f"route {each.sooner} tells it sooner there"
    if each.verdict is Verdict.OTHER_ACCOUNT:
        return f"it is about {_join(route.accounts)}, not {change.account}"
    if each.verdict is Verdict.OTHER_FEED:
        return f"it is about {_join(route.feeds)}, not {full_name(change.account, change.feed)}"
    if each.verdict is Verdict.OTHER_CHANGE:
        wanted = _join(route.changes) if route.changes is not None else f"what a {change.feed_kind} announces"
        return f"it tells {wanted}, not {change.kind}"
    if each.verdict is Verdict.NOT_MET:
        return f"not so: {route.where}"
    return "it is muted" if route.mute is True else f"it was muted then: {route.mute}"


def _say_manner(route: Route) -> str | None:
    manner = route.manner
    said = [
        f"digest, {manner.digest}" if manner.digest else "",
        f"quiet {manner.quiet.hours}" if manner.quiet else "",
        f"urgent: {manner.quiet.urgent}" if manner.quiet and manner.quiet.urgent else "",
    ]
    return "; ".join(filter(None, said)) or None


def _say_deliveries(screen: Screen, deliveries: Sequence[DeliveryStatus], zone: tzinfo) -> None:
    rows: list[Row] = [
        {"address": each.address, "state": _state_of(each), "how": _say_delivery(each, zone)}
        for each in deliveries
    ]
    screen.print_rows(rows, ["address", "state", "how"], empty="it was owed to nobody")


def _state_of(each: DeliveryStatus) -> str:
    if each.silence is not None:
        return "silenced"
    if each.is_paused and each.message_state in (None, MessageState.PENDING):
        return "paused"
    return str(each.message_state or each.state)


def _say_delivery(each: DeliveryStatus, zone: tzinfo) -> str:
    if each.silence is not None:
        comment = f" ({each.silence.comment})" if each.silence.comment else ""
        return f"by silence {each.silence.id}: {each.silence.matcher}{comment}"
    if each.message is None:
        return _say_unbound(each, zone)
    attempts = f"{each.attempts} attempt{'' if each.attempts == 1 else 's'}"
    said = f"message {each.message} ({each.message_title}), {attempts}"
    if each.settled_at is not None:
        said += f", {say_moment(each.settled_at, zone)}"
    elif _state_of(each) == "paused":
        said += f": {_say_paused(each)}"
    elif each.next_attempt_at is not None and each.message_state == MessageState.PENDING:
        moment = say_moment(each.next_attempt_at, zone)
        said += f", {WAITS[each.waits_for]}, until {moment}" if each.waits_for else f", due {moment}"
    why = say_reason(each.reason, each.detail) if each.reason else None
    return f"{said}: {why}" if why else said


def _say_unbound(each: DeliveryStatus, zone: tzinfo) -> str:
    if each.is_paused:
        return _say_paused(each)
    if each.reason is not None:
        return say_reason(each.reason, each.detail)
    if each.waits_for is None:
        return f"due {say_moment(each.not_before, zone)}"
    return f"{WAITS[each.waits_for]}, until {say_moment(each.not_before, zone)}"


def _say_paused(each: DeliveryStatus) -> str:
    what = each.address if each.is_paused else each.message
    return f"feedwatch outbox resume {what}"


def _join(words: object) -> str:
    return ", ".join(sorted(map(str, words))) if isinstance(words, frozenset) else str(words)


def _describe_verdict(each: RouteVerdict) -> Row:
    """A route's line of `feedwatch explain --json`."""
    manner = each.route.manner
    return {
        "what": "route",
        "route": each.number,
        "to": list(each.route.to),
        "verdict": str(each.verdict),
        "sooner": each.sooner,
        "where": str(each.route.where) if each.route.where else None,
        "digest": str(manner.digest) if manner.digest else None,
        "quiet": str(manner.quiet) if manner.quiet else None,
    }


def _describe_delivery(each: DeliveryStatus) -> Row:
    """A delivery's line of `feedwatch explain --json`."""
    return {
        "what": "delivery",
        "address": each.address,
        "state": _state_of(each),
        "not_before": show_instant(each.not_before),
        "waits_for": str(each.waits_for) if each.waits_for else None,
        "urgent": each.urgent,
        "silence": each.silence.id if each.silence else None,
        "message": each.message,
        "title": each.message_title or None,
        "attempts": each.attempts,
        "next_attempt_at": show_instant(each.next_attempt_at),
        "settled_at": show_instant(each.settled_at),
        "reason": str(each.reason) if each.reason else None,
        "detail": each.detail or None,
    }
