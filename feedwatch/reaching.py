"""How servers are reached, as a configuration wants it: for the daemon, and for what a command asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from feedwatch import __version__
from feedwatch.clock import Clock
from feedwatch.config import Config
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits, host_named_by

USER_AGENT = f"feedwatch/{__version__}"


def make_limits(config: Config) -> FetchLimits:
    """What fetching may take."""
    poll = config.poll
    return FetchLimits(poll.timeout, poll.max_body, poll.concurrency, poll.per_host)


def make_networks(config: Config) -> NetworkPolicy:
    """Who may be asked in private networks."""
    private = config.private_networks
    hosts = (host_named_by(f"http://{each}/") for each in private.exceptions if isinstance(each, str))
    networks = tuple(each for each in private.exceptions if not isinstance(each, str))
    return NetworkPolicy(private.policy, networks, frozenset(filter(None, hosts)))


@asynccontextmanager
async def open_fetcher(config: Config, server: str, clock: Clock) -> AsyncIterator[Fetcher]:
    """Open what asks one server that the configuration names, for the time of a command."""
    fetcher = Fetcher(
        make_limits(config), networks=make_networks(config), user_agent=USER_AGENT, now=clock.now
    )
    try:
        fetcher.name_hosts(frozenset(filter(None, [host_named_by(server)])))
        yield fetcher
    finally:
        await fetcher.aclose()
