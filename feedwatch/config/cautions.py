"""What a configuration may say but had better not: reported as warnings, never in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from feedwatch.config.names import suggest
from feedwatch.config.nodes import Node, PathStep, Place, ScalarNode, find_node, place_key
from feedwatch.config.route_cautions import find_route_cautions
from feedwatch.config.schema import Account, FeedsAccount, NetflixAccount, Settings
from feedwatch.config.secrets import Secret, is_literal
from feedwatch.core.model import Kind
from feedwatch.core.networks import is_this_machine
from feedwatch.redact import mask_url

Caution = tuple[Place, str]

_POLITE = timedelta(minutes=1)
_IMPOLITE = "less than a minute between two polls: many a server takes that for an attack"
_READABLE = (
    "others can read this file, and here is a secret in it: `chmod o-r` it, "
    "or take the secret from elsewhere (${NAME}, !file, !credential)"
)


def find_cautions(settings: Settings, root: Node, *, others_read: bool) -> Iterator[Caution]:
    """Find what to warn of, in any order."""
    for path in _find_impolite(settings):
        yield find_node(root, path)[1], _IMPOLITE
    yield from _find_misspelt(settings, root)
    for path, message in find_route_cautions(settings):
        yield find_node(root, path)[1], message
    if others_read:
        places = [secret.place for secret in _written_secrets(settings)]
        places += _written_passwords(settings, root)
        yield from ((place, _READABLE) for place in sorted(places)[:1])


# ── polls too close to each other ─────────────────────────────────────────────────────────────────


def _find_impolite(settings: Settings) -> Iterator[tuple[PathStep, ...]]:
    accounts = settings.accounts.items()
    if settings.poll.every < _POLITE and any(_reaches_out(account) for _name, account in accounts):
        yield "poll", "every"
    for name, account in accounts:
        for feed, settings_of_feed in account.overrides.items():
            every = settings_of_feed.every
            if every is not None and every < _POLITE and not _is_local(_host_of_feed(account, feed)):
                yield "accounts", name, "feeds", feed, "every"


def _reaches_out(account: Account) -> bool:
    """Whether some feed of an account that follows `poll.every` is on another machine."""
    if isinstance(account, FeedsAccount):
        following = (name for name, feed in account.feeds.items() if feed.every is None)
        return any(not _is_local(_host_of_feed(account, name)) for name in following)
    return not _is_local(_host_of_feed(account, ""))


def _host_of_feed(account: Account, feed: str) -> str | None:
    """The host a feed is asked of, as far as the configuration says it outright."""
    if isinstance(account, FeedsAccount):
        return _host_of(account.feeds[feed].url.written)
    # The feeds of a list of subscriptions may be anywhere.
    return _host_of(account.url) if isinstance(account, NetflixAccount) else None


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _is_local(host: str | None) -> bool:
    return host is not None and is_this_machine(host)


# ── names that are nobody's yet, and much like a kind's ──────────────────────────────────────────


def _find_misspelt(settings: Settings, root: Node) -> Iterator[Caution]:
    """Find what selects nothing, silently: a feed that is still to be found may have any name."""
    for path, name in _named_feeds(settings):
        meant = suggest(name, Kind)
        if meant and meant != name:
            place = place_key(root, path) if isinstance(path[-1], str) else find_node(root, path)[1]
            yield place, f"no usual name of a feed; is `{meant}` meant?"


def _named_feeds(settings: Settings) -> Iterator[tuple[tuple[PathStep, ...], str]]:
    listed = {
        name
        for account in settings.accounts.values()
        if isinstance(account, FeedsAccount)
        for name in account.feeds
    }
    for number, route in enumerate(settings.routes):
        for index, name in enumerate(route.feeds):
            if name not in listed and "/" not in name:
                yield ("routes", number, "feeds", index), name
    for account_name, account in settings.accounts.items():
        if isinstance(account, NetflixAccount):
            for index, name in enumerate(account.feeds):
                yield ("accounts", account_name, "feeds", index if account.wanted else name), name


# ── secrets that others can read ──────────────────────────────────────────────────────────────────


def _written_secrets(settings: Settings) -> Iterable[Secret]:
    """The secrets that stand in the file itself."""
    for account in settings.accounts.values():
        yield from (secret for secret in account.credentials if secret.is_literal)
        yield from (
            url for url in account.addresses if url.is_literal and mask_url(url.written) != url.written
        )
    for target in settings.targets.values():
        told = (*target.urls, *([target.secret] if target.secret else ()))
        yield from (secret for secret in told if secret.is_literal)
    if settings.tmdb is not None and settings.tmdb.api_key.is_literal:
        yield settings.tmdb.api_key


def _written_passwords(settings: Settings, root: Node) -> Iterator[Place]:
    """Where a server's address, which is no secret otherwise, has a password in it."""
    for name, account in settings.accounts.items():
        if isinstance(account, NetflixAccount):
            node, place = find_node(root, ("accounts", name, "url"))
            if isinstance(node, ScalarNode) and is_literal(node) and mask_url(node.text) != node.text:
                yield place
