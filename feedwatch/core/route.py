"""Changes and routes → which change is owed to which address (design, section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Change, ChangeKind, Kind


@dataclass(frozen=True, slots=True)
class Route:
    """Which changes go to which targets; an empty selection means all, `changes=None` the kind's own."""

    to: tuple[str, ...]
    accounts: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    changes: frozenset[ChangeKind] | None = None


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes, and the addresses of each target in order."""

    routes: tuple[Route, ...]
    addresses: Mapping[str, tuple[str, ...]]
    notices: tuple[str, ...] = ()

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


def route_changes(
    changes: Sequence[Change], account: str, name: str, rules: KindRules, routes: Routes
) -> tuple[tuple[int, str], ...]:
    """Pairs of a change's index and an address; one change reaches one address once (law 9)."""
    applying = [route for route in routes.routes if _selects(route, account, name, rules.kind)]
    if not routes.routes:
        applying = [Route(to=tuple(routes.addresses))]
    owed: dict[tuple[int, str], None] = {}
    for index, change in enumerate(changes):
        for route in applying:
            wanted = rules.announced if route.changes is None else route.changes
            if change.kind in wanted:
                owed.update(((index, a), None) for t in route.to for a in routes.addresses.get(t, ()))
    return tuple(owed)


def _selects(route: Route, account: str, name: str, kind: Kind) -> bool:
    """Whether a route speaks of a feed: by account, and by kind, name or `account/name`."""
    if route.accounts and account not in route.accounts:
        return False
    return not route.feeds or not route.feeds.isdisjoint((kind.value, name, f"{account}/{name}"))
