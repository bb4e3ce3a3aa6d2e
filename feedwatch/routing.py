"""The addresses and routes of a configuration as the core wants them; no library or secret is needed."""

from __future__ import annotations

from collections.abc import Mapping

from feedwatch.config import Config, Secret, Target
from feedwatch.core.route import Route, Routes


def address_urls(target: str, of: Target) -> Mapping[str, Secret]:
    """Our addresses of a target, `target/1` and on, each with the service's address for it."""
    return {f"{target}/{number}": url for number, url in enumerate(of.urls, start=1)}


def make_routes(config: Config) -> Routes:
    """Make the routes of a configuration."""
    addresses = {name: tuple(address_urls(name, target)) for name, target in config.targets.items()}
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
