"""Why a change is told, or is not: what each route says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from feedwatch.core.kinds import KindRules
from feedwatch.core.model import RecordedChange
from feedwatch.core.route import Route, Routes, plan_deliveries, recall_rules
from feedwatch.core.where import Subjects


class Verdict(StrEnum):
    """What a route says of a change."""

    TELLS = "tells"
    TOLD_SOONER = "told_sooner"
    OTHER_ACCOUNT = "other_account"
    OTHER_FEED = "other_feed"
    OTHER_CHANGE = "other_change"
    NOT_MET = "not_met"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class RouteVerdict:
    """What one route says of a change; routes are counted from 1, and there is none without routes.

    `sooner` is the route that tells it sooner wherever this one leads.
    """

    number: int | None
    route: Route
    verdict: Verdict
    sooner: int | None = None


def judge_routes(change: RecordedChange, routes: Routes) -> tuple[RouteVerdict, ...]:
    """Say of each route, in order, whether it tells a change; if not, the first thing that is against it."""
    rules, subjects = recall_rules(change), Subjects.of_recorded(change)
    plan = plan_deliveries(subjects, rules, routes, change.at)
    tellers = {planned.address: planned.route for planned in plan}
    verdicts = []
    for number, route in enumerate(routes.applying, start=1):
        verdict, sooner = _judge(route, change, subjects, rules), None
        there = [tellers[address] for address in routes.addresses_of(route) if address in tellers]
        if verdict is Verdict.TELLS and there and number not in there:
            verdict, sooner = Verdict.TOLD_SOONER, there[0]
        verdicts.append(RouteVerdict(number if routes.routes else None, route, verdict, sooner))
    return tuple(verdicts)


def _judge(route: Route, change: RecordedChange, subjects: Subjects, rules: KindRules) -> Verdict:
    if route.accounts and change.account not in route.accounts:
        return Verdict.OTHER_ACCOUNT
    if not route.speaks_of(change.account, change.feed, change.feed_kind):
        return Verdict.OTHER_FEED
    if change.kind not in route.wants(rules):
        return Verdict.OTHER_CHANGE
    if route.where is not None and not route.where.select(subjects):
        return Verdict.NOT_MET
    return Verdict.MUTED if route.is_muted(change.at) else Verdict.TELLS
