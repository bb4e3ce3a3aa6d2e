"""Changes and routes → which change is owed to which address, when, and how (design, section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter

from feedwatch.core.calendar import Hours, Quiet
from feedwatch.core.keys import digest_text
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.manner import PLAIN, Manner
from feedwatch.core.messages import WaitsFor
from feedwatch.core.model import ChangeKind, Kind, RecordedChange
from feedwatch.core.state import Planned
from feedwatch.core.where import Condition, Subjects

LONGEST_ROUND = timedelta(minutes=5)
"""So long the changes of an account wait for the end of a round that does not end."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which changes go to which targets, and how.

    An empty selection means all, `changes=None` what each kind announces. What comes while it is muted
    (True: always) it does not tell.
    """

    to: tuple[str, ...]
    accounts: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    changes: frozenset[ChangeKind] | None = None
    where: Condition | None = None
    mute: Hours | bool = False
    manner: Manner = PLAIN

    def is_muted(self, at: datetime) -> bool:
        """Whether it tells nothing of what comes at an instant."""
        return self.mute if isinstance(self.mute, bool) else self.mute.until(at) is not None

    def speaks_of(self, account: str, name: str, kind: Kind) -> bool:
        """Whether it is about a feed: by account, and by kind, name or `account/name`."""
        if self.accounts and account not in self.accounts:
            return False
        return not self.feeds or not self.feeds.isdisjoint((kind.value, name, f"{account}/{name}"))

    def wants(self, rules: KindRules) -> frozenset[ChangeKind]:
        """Which kinds of changes it tells of a kind of feed."""
        return rules.announced if self.changes is None else self.changes


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes, and the addresses of each target in order.

    Changes of one account are gathered for `gather` after its round; `notices_quiet` are the hours in which
    feedwatch does not speak of itself.
    """

    routes: tuple[Route, ...]
    addresses: Mapping[str, tuple[str, ...]]
    notices: tuple[str, ...] = ()
    gather: timedelta = timedelta(0)
    notices_quiet: Quiet | None = None

    @property
    def applying(self) -> tuple[Route, ...]:
        """The routes, or the one that stands for none: what each kind announces, to every target."""
        return self.routes or (Route(to=tuple(self.addresses)),)

    @property
    def manners(self) -> Mapping[str, Manner]:
        """How changes are told, by key."""
        return {route.manner.key: route.manner for route in self.applying}

    @property
    def signature(self) -> str:
        """The same for routes that plan alike; other routes have another."""
        return digest_text(*(_write_route(route, self.addresses_of(route)) for route in self.applying))

    def addresses_of(self, route: Route) -> tuple[str, ...]:
        """Where a route leads, each address once."""
        return tuple(dict.fromkeys(a for target in route.to for a in self.addresses.get(target, ())))

    @property
    def notice_addresses(self) -> tuple[str, ...]:
        """Who is told about feedwatch itself."""
        told = (address for target in self.notices for address in self.addresses.get(target, ()))
        return tuple(dict.fromkeys(told))

    def told_about(self, address: str) -> tuple[str, ...]:
        """Who is told that an address fails or works again: never the target it belongs to.

        Where notices go to that target alone, all others are told; where they go nowhere, nobody is.
        """
        failing = target_of(address)
        told = [target for target in self.notices if target != failing]
        if self.notices and not told:
            told = [target for target in self.addresses if target != failing]
        others = (other for target in told for other in self.addresses.get(target, ()))
        return tuple(dict.fromkeys(others))

    @property
    def all_addresses(self) -> frozenset[str]:
        """Every address there is."""
        return frozenset(address for addresses in self.addresses.values() for address in addresses)


def target_of(address: str) -> str:
    """The target that an address belongs to."""
    return address.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Silenced:
    """What is not told now: a silence's number and its condition."""

    id: int
    condition: Condition


def plan_deliveries(
    subjects: Subjects,
    rules: KindRules,
    routes: Routes,
    now: datetime,
    silences: Sequence[Silenced] = (),
) -> tuple[Planned, ...]:
    """Say which change is owed to which address, and when: one change reaches one address once (law 9).

    Where several routes lead a change to one address, it is told as the one says that tells it soonest; of
    two that do, as the first. In the order of the changes.
    """
    plan = _Plan({index: each.id for each in silences for index in each.condition.select(subjects)})
    for number, route in enumerate(routes.applying, start=1):
        if route.speaks_of(subjects.account, subjects.feed, subjects.kind) and not route.is_muted(now):
            chosen = _select(route, subjects, rules)
            if chosen:
                timing = _find_timing(route, number, routes.gather, now)
                plan.add(chosen, _find_urgent(route, subjects), routes.addresses_of(route), timing)
    return plan.in_order()


@dataclass(frozen=True, slots=True)
class _Timing:
    """When what a route selects now is due, why not sooner, and the key of how it is told.

    `told_at` is when it is told then, once it has been gathered and is not quiet any more; `urgent_at` the
    same for what quiet hours do not hold.
    """

    due_at: datetime
    waits_for: WaitsFor | None
    manner: str
    told_at: datetime
    urgent_at: datetime
    route: int


def _find_timing(route: Route, number: int, gather: timedelta, now: datetime) -> _Timing:
    """Say when what a route selects now is due.

    What is gathered waits for a round that does not end no longer than `LONGEST_ROUND`; who runs the round
    makes it due when that has ended. Quiet hours are seen to when its time has come.
    """
    manner = route.manner
    if manner.digest is not None:
        due_at = ready_at = manner.digest.next_after(now)
        waits_for: WaitsFor | None = WaitsFor.DIGEST
    elif gather:
        due_at, ready_at, waits_for = now + gather + LONGEST_ROUND, now + gather, WaitsFor.GATHERING
    else:
        due_at, ready_at, waits_for = now, now, None
    quiet_until_at = manner.quiet.until(ready_at) if manner.quiet else None
    return _Timing(due_at, waits_for, manner.key, quiet_until_at or ready_at, ready_at, number)


def plan_again(change: RecordedChange, address: str, routes: Routes, now: datetime) -> Planned | None:
    """Say anew how and when a change that is owed to an address is told; None if no route leads it there.

    It has been gathered, and no hours mute what came before.
    """
    unmuted = tuple(replace(route, mute=False) for route in routes.applying)
    settled = replace(routes, routes=unmuted, gather=timedelta(0))
    plan = plan_deliveries(Subjects.of_recorded(change), recall_rules(change), settled, now)
    return next((planned for planned in plan if planned.address == address), None)


def recall_rules(change: RecordedChange) -> KindRules:
    """The rules that a change was found by."""
    told = change.facts.keys() | change.entry_facts.keys()
    with_content = change.feed_kind is Kind.STREAM and "content" in told
    return rules_of(change.feed_kind, compare_content=with_content)


class _Plan:
    """Who is told what, while the routes are gone through."""

    def __init__(self, silenced: Mapping[int, int]) -> None:
        self._silenced = silenced
        self._owed: dict[str, dict[int, Planned]] = {}
        self._told: dict[tuple[str, int], datetime] = {}

    def add(
        self, chosen: Sequence[int], urgent: frozenset[int], addresses: Sequence[str], timing: _Timing
    ) -> None:
        """Owe what a route has chosen to its addresses, unless another owes it sooner."""
        not_before = timing.due_at if timing.waits_for else None
        silenced = self._silenced
        for address in addresses:
            owed = self._owed.setdefault(address, {})
            for index in chosen:
                told_at = timing.urgent_at if index in urgent else timing.told_at
                if index not in owed or told_at < self._told[address, index]:
                    owed[index] = Planned(
                        index,
                        address,
                        not_before,
                        timing.manner,
                        index in urgent,
                        timing.waits_for,
                        silenced.get(index),
                        timing.route,
                    )
                    self._told[address, index] = told_at

    def in_order(self) -> tuple[Planned, ...]:
        """All of it, by the order of the changes."""
        return tuple(
            sorted((each for owed in self._owed.values() for each in owed.values()), key=itemgetter(0))
        )


def _write_route(route: Route, addresses: Sequence[str]) -> str:
    wanted = "" if route.changes is None else sorted(route.changes)
    selected = (sorted(route.accounts), sorted(route.feeds), wanted, str(route.where or ""))
    return repr((addresses, *selected, route.manner.key))


def _select(route: Route, subjects: Subjects, rules: KindRules) -> Sequence[int]:
    """The changes that a route tells, by their places."""
    wanted = route.wants(rules)
    met: Sequence[int] = range(len(subjects.changes)) if route.where is None else route.where.select(subjects)
    changes = subjects.changes
    return [index for index in met if changes[index].kind in wanted]


def _find_urgent(route: Route, subjects: Subjects) -> frozenset[int]:
    quiet = route.manner.quiet
    if quiet is None or quiet.urgent is None:
        return frozenset()
    return frozenset(quiet.urgent.select(subjects))
