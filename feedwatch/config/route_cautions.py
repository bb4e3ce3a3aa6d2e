"""What routes may say but had better not: above all, what can never come true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from feedwatch.config.nodes import PathStep
from feedwatch.config.routes import RouteSettings
from feedwatch.config.schema import Account, FeedsAccount, NetflixAccount, Settings
from feedwatch.core.calendar import Digest, Every, Quiet
from feedwatch.core.fields import Field
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.model import ChangeKind, Kind
from feedwatch.core.possible import can_hold
from feedwatch.core.where import AllOf, AnyOf, Comparison, Condition, Not
from feedwatch.redact import mask_url

_Found = tuple[tuple[PathStep, ...], str]

_KINDS = frozenset(Kind)
_USUAL = (Kind.QUEUE, Kind.HISTORY, Kind.RATINGS, Kind.RECOMMENDATIONS)
_NO_FEED = "nothing can match this route: no account that it speaks of has such a feed"
_NEVER = "nothing can match this route: no change that it speaks of can be like that"
_NEVER_URGENT = "nothing is ever urgent here: no change that this route tells can be like that"
_MUTED = "this route tells nothing: it is muted at all times"
_LATE_DIGEST = "this digest is due within the quiet hours of its route, and waits until they end"
_UNUSED = "no route names these templates"
_SOME_WINTER = datetime(2026, 1, 5, tzinfo=UTC)
"""A week without a change of the clocks, to try hours in: whether they meet does not depend on today."""


def find_route_cautions(settings: Settings) -> Iterator[_Found]:
    """Find what to warn of in routes and templates: where, and why."""
    accounts = settings.accounts.items() if settings.routes else ()
    feeds = [feed for name, account in accounts for feed in _feeds_of(name, account)]
    for number, route in enumerate(settings.routes):
        found = [*_find_unmatched(route, feeds), *_find_untold(route)]
        yield from ((("routes", number, *path), message) for path, message in found)
    used = {route.template for route in settings.routes}
    yield from ((("templates", name), _UNUSED) for name in settings.templates if name not in used)


# ── which feeds there may be ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Feed:
    """A feed that there may be: without a name any `besides` some, without a kind of any kind."""

    account: str
    name: str | None = None
    kind: Kind | None = None
    besides: frozenset[str] = frozenset()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return (self.kind,) if self.kind else tuple(Kind)


def _feeds_of(account_name: str, account: Account) -> Iterator[_Feed]:
    """The feeds an account may have, as far as the configuration says."""
    if isinstance(account, FeedsAccount):
        for name, listed in account.feeds.items():
            plain = listed.url.is_literal and mask_url(listed.url.written) == listed.url.written
            # An address with a token in it may itself say what it lists.
            yield _Feed(account_name, name, listed.kind or (Kind.STREAM if plain else None))
        return
    usual = _USUAL if isinstance(account, NetflixAccount) else ()
    wanted = account.wanted if isinstance(account, NetflixAccount) else None
    names = tuple(map(str, dict.fromkeys((*(usual if wanted is None else wanted), *account.overrides))))
    for name in names:
        special = account.overrides.get(name)
        own = Kind(name) if name in usual else None
        yield _Feed(account_name, name, (special.kind if special else None) or own)
    if wanted is None:
        yield _Feed(account_name, besides=frozenset(names))


def _narrow(feed: _Feed, selector: str) -> Iterator[_Feed]:
    """A feed as a route's selector speaks of it; nothing if it does not."""
    account, slash, name = selector.rpartition("/")
    if slash and account != feed.account:
        return
    of_kind = not slash and selector in _KINDS
    if feed.name == name:
        yield feed
    elif of_kind and selector in feed.kinds:
        yield feed if feed.kind else replace(feed, kind=Kind(selector))
    if feed.name is None and name not in feed.besides:
        # One that is named after a kind, and of another: who would do so with anything but a stream?
        yield replace(feed, name=name, kind=Kind.STREAM if of_kind else None)


def _select(route: RouteSettings, feeds: Iterable[_Feed]) -> Iterator[_Feed]:
    """The feeds that a route speaks of, as it does; there may be thousands, and thousands of selectors."""
    selectors = list(enumerate(route.feeds))
    of_kinds = {each for each in selectors if each[1] in _KINDS}
    of_name: dict[str, set[tuple[int, str]]] = {}
    for each in selectors:
        of_name.setdefault(each[1].rpartition("/")[2], set()).add(each)
    for feed in feeds:
        if route.accounts and feed.account not in route.accounts:
            continue
        if not selectors:
            yield feed
            continue
        meant = selectors if feed.name is None else sorted(of_kinds | of_name.get(feed.name, set()))
        yield from (each for _, selector in meant for each in _narrow(feed, selector))


# ── what can never come true ──────────────────────────────────────────────────────────────────────


def _find_unmatched(route: RouteSettings, feeds: list[_Feed]) -> Iterator[_Found]:
    if not feeds:  # nobody is asked yet
        return
    selected = list(_select(route, feeds))
    if not selected:
        yield ("feeds" if route.feeds else "accounts",), _NO_FEED
    elif not _have_cases(route, selected):
        yield ("changes",), _explain_changes(selected)
    elif route.where and not _may_hold(route.where, route, selected):
        yield ("where",), _NEVER
    elif route.quiet and route.quiet.urgent and not _may_hold(route.quiet.urgent, route, selected):
        yield ("quiet", "urgent"), _NEVER_URGENT


def _have_cases(route: RouteSettings, selected: list[_Feed]) -> bool:
    kinds = {kind for feed in selected for kind in feed.kinds}
    return any(_wanted_of(rules_of(kind), route.changes) for kind in kinds)


def _may_hold(condition: Condition, route: RouteSettings, selected: list[_Feed]) -> bool:
    """Whether some change that a route tells may be like that: the first that may is enough."""
    if not _looks_at_names(condition):  # then one of thousands stands for all
        selected = list(dict.fromkeys(_Feed(feed.account, kind=feed.kind) for feed in selected))
    return any(
        can_hold(condition, rules_of(kind), change, account=feed.account, feed=feed.name)
        for feed in selected
        for kind in feed.kinds
        for change in _wanted_of(rules_of(kind), route.changes)
    )


def _looks_at_names(condition: Condition) -> bool:
    match condition:
        case Comparison():
            return condition.what is Field.FEED
        case Not():
            return _looks_at_names(condition.part)
        case AllOf() | AnyOf():
            return any(map(_looks_at_names, condition.parts))
    return True


def _explain_changes(selected: list[_Feed]) -> str:
    kinds = dict.fromkeys(kind for feed in selected for kind in feed.kinds)
    there = {change for kind in kinds for change in _changes_of(rules_of(kind))}
    known = ", ".join(change for change in ChangeKind if change in there)
    return f"nothing can match this route: all that its lists ({', '.join(kinds)}) can have is {known}"


def _changes_of(rules: KindRules) -> frozenset[ChangeKind]:
    """The changes that a kind of list can have."""
    possible = {
        ChangeKind.ADDED: True,
        ChangeKind.REMOVED: rules.absence_removes,
        ChangeKind.MOVED: rules.order_counts,
        ChangeKind.UPDATED: bool(rules.compared),
    }
    return frozenset(change for change, there in possible.items() if there)


def _wanted_of(rules: KindRules, wanted: frozenset[ChangeKind] | None) -> frozenset[ChangeKind]:
    """Of these, the ones that a route wants."""
    return _changes_of(rules) & (rules.announced if wanted is None else wanted)


# ── what is not told when it seems to be ──────────────────────────────────────────────────────────


def _find_untold(route: RouteSettings) -> Iterator[_Found]:
    if route.muted is True:
        yield ("mute",), _MUTED
    digest, quiet = route.manner.digest, route.manner.quiet
    if digest and quiet and digest.every is not Every.HOURLY and _meet(digest, quiet):
        yield ("digest",), _LATE_DIGEST


def _meet(digest: Digest, quiet: Quiet) -> bool:
    due = _SOME_WINTER
    for _ in range(7 if digest.every is Every.DAILY else 1):
        due = digest.next_after(due)
        if quiet.until(due):
            return True
    return False
