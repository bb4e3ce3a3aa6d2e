"""The routes of a configuration as the core wants them; no library is needed for them, and no secret."""

from __future__ import annotations

from feedwatch.config import Config
from feedwatch.core.route import Route, Routes


def make_routes(config: Config) -> Routes:
    """Make the routes of a configuration."""
    addresses = {
        name: tuple(f"{name}/{number}" for number in range(1, len(target.urls) + 1))
        for name, target in config.targets.items()
    }
    routes = tuple(
        Route(
            to=route.to,
            accounts=frozenset(route.accounts),
            feeds=frozenset(route.feeds),
            changes=frozenset(route.changes) if route.changes is not None else None,
            where=route.where,
            mute=route.muted,
            manner=route.manner,
        )
        for route in config.routes
    )
    notices = tuple(config.targets) if config.notices is None else config.notices
    return Routes(routes, addresses, notices, config.gather, config.notice_quiet)
