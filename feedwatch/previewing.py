"""What a route would send of what has changed of late: the messages as they would go out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from feedwatch.assembly import make_scribe
from feedwatch.config import Config
from feedwatch.core.explain import Verdict, judge_routes
from feedwatch.core.manner import Batch
from feedwatch.core.messages import Composed, OwedDelivery, Style
from feedwatch.core.model import RecordedChange
from feedwatch.core.route import Route, Routes, target_of
from feedwatch.core.text import measure_in
from feedwatch.core.told import Scribe
from feedwatch.deliver import compose_batch
from feedwatch.errors import FeedwatchError
from feedwatch.notify import Notifier
from feedwatch.present import Row, Screen
from feedwatch.routing import address_urls, make_routes
from feedwatch.store import Store
from feedwatch.terminal import clean_lines

_LOOKED_THROUGH = 5000
"""So many of the newest changes are looked through for those that a route tells."""


def preview_route(
    store: Store, config: Config, screen: Screen, number: int, last: int, now: datetime
) -> None:
    """Print what a route would send of the last changes that it tells, address by address.

    Raises:
        ConfigError: a secret that the style of a service depends on cannot be had.
        FeedwatchError: there is no such route, or it leads nowhere.
    """
    routes = make_routes(config)
    route = _find_route(routes, number)
    told = store.with_title_details(_find_told(store, routes, number, last), now - config.details)
    notifier, scribe = Notifier(), make_scribe(config)
    for address in routes.addresses_of(route):
        target = target_of(address)
        style = notifier.style_of(address_urls(target, config.targets[target])[address].reveal())
        messages = list(_compose(told, route, style, scribe, screen, now))
        for part, message in enumerate(messages, start=1):
            _print_message(screen, address, message, style, (part, len(messages)))
    if not told:
        screen.say(f"nothing that has changed of late is told by route {number}")


def _find_route(routes: Routes, number: int) -> Route:
    if not 1 <= number <= len(routes.applying):
        count = len(routes.routes)
        there_are = (
            f"there are {count} routes" if count else "there are no routes: 1 stands for what is told then"
        )
        raise FeedwatchError(f"there is no route {number}: {there_are}")
    route = routes.applying[number - 1]
    if not routes.addresses_of(route):
        raise FeedwatchError(f"route {number} leads to no target")
    return route


def _find_told(store: Store, routes: Routes, number: int, last: int) -> list[OwedDelivery]:
    def is_told(change: RecordedChange) -> bool:
        return judge_routes(change, routes)[number - 1].verdict in (Verdict.TELLS, Verdict.MUTED)

    changes = store.latest_changes(_LOOKED_THROUGH)
    told = [each for each in changes if isinstance(each.subject, RecordedChange) and is_told(each.subject)]
    return told[-last:]


def _compose(
    told: Sequence[OwedDelivery],
    route: Route,
    style: Style,
    scribe: Scribe,
    screen: Screen,
    now: datetime,
) -> Iterator[Composed]:
    """The messages, one after the other, as the outbox would make them."""
    digest = route.manner.digest
    period_at = digest.next_after(now) if digest else None
    left, part = list(told), 1
    while left:
        batch = Batch(route.manner, period_at, part)
        message = compose_batch(left, batch, style, scribe, screen.redactor.redact)
        yield message
        gone = frozenset(message.deliveries) or {left[0].id}
        left, part = [each for each in left if each.id not in gone], part + 1


def _print_message(
    screen: Screen, address: str, message: Composed, style: Style, place: tuple[int, int]
) -> None:
    row: Row = {
        "address": address,
        "title": message.title,
        "body": message.body,
        "markup": str(message.markup),
        "twin": message.twin or None,
        "pictures": [link.url for link in message.pictures],
        "changes": len(message.deliveries),
    }
    if screen.as_json:
        screen.print_rows([row], [], empty="")
        return
    part, parts = place
    which = f", message {part} of {parts}" if parts > 1 else ""
    length = measure_in(message.title, style) + measure_in(message.body, style)
    screen.say(f"── {address}{which}: {message.markup}, {length:,} of {style.limit:,} ──")
    screen.say(f"Title: {message.title}")
    for line in clean_lines(screen.redactor.redact(message.body)).splitlines():
        screen.say(line)
    screen.say("")
