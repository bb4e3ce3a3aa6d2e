"""What a hand does in the outbox: try again, give up, pause, resume; and what is said of it.

WHAT is a message by its number, a target or one address of it: `7`, `phone`, `phone/2`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from feedwatch.config import Config
from feedwatch.core.messages import MessageState
from feedwatch.core.model import Reason
from feedwatch.core.route import target_of
from feedwatch.core.state import MessageStatus
from feedwatch.routing import address_urls
from feedwatch.rows import say_unknown
from feedwatch.store import Store
from feedwatch.terminal import clean_text

_OPEN = frozenset({MessageState.PENDING, MessageState.CLAIMED, MessageState.PAUSED})
_MOST_DIGITS = 18
"""More are no number of a message."""


def retry(store: Store, config: Config, words: Sequence[str], now: datetime) -> int:
    """Make due now what waits or is dead, or what is named; 1 if something named cannot be.

    Of all, what a hand has dropped stays dropped: only by its name is it brought back.
    """
    configured = frozenset().union(*_configured_addresses(config).values())
    messages, paused = _messages(store), _paused_addresses(store)
    if not words:
        ids = [number for number, each in messages.items() if _may_be_sent(each, configured)]
        _say_count(store.retry_messages(ids, now), "due now")
        return 0
    meant = _read(words, _known_addresses(config, store))

    def complain(message: MessageStatus | None) -> str | None:
        if message is not None and message.address not in configured:
            return f"for {message.address}, which is not in the configuration: nothing can be sent there"
        if message is not None and message.state == MessageState.PAUSED:
            what = message.address if message.address in paused else message.id
            return f"paused: feedwatch outbox resume {what}"
        fits = message is not None and message.state in (MessageState.PENDING, MessageState.DEAD)
        return None if fits else "neither waiting nor dead (see feedwatch outbox)"

    ids = meant.choose(messages, complain)
    for address in sorted(meant.addresses & paused):
        meant.problems.append(f"{address} is paused: feedwatch outbox resume {address}")
    for address in sorted(meant.addresses - configured):
        meant.problems.append(f"{address} is not in the configuration: nothing can be sent there")
    addresses = (meant.addresses & configured) - paused
    if ids or addresses:
        count = store.retry_messages(ids, now, addresses=addresses)
        _say_count(count, "due now")
    return meant.report()


def drop(store: Store, config: Config, words: Sequence[str], now: datetime) -> int:
    """Give up what is named, in a message or not; 1 if something named does not wait."""
    meant = _read(words, _known_addresses(config, store))
    ids = meant.choose(_messages(store), _unless_open)
    if ids or meant.addresses:
        _say_count(store.drop_messages(ids, now, addresses=meant.addresses), "dropped")
    return meant.report()


def pause(store: Store, config: Config, words: Sequence[str], now: datetime) -> int:
    """Hold messages back, and send nothing to addresses, until they are resumed; 1 if one cannot be."""
    meant = _read(words, _configured_addresses(config))
    ids = meant.choose(_messages(store), _unless_open)
    if ids:
        store.pause_messages(ids)
        _say_count(len(ids), "paused")
    if meant.addresses:
        store.pause_addresses(meant.addresses, now)
        _say_addresses(meant.addresses, "paused; what is owed is kept")
    return meant.report()


def resume(store: Store, config: Config, words: Sequence[str], now: datetime) -> int:
    """Take up again what was paused; 1 if something named was not."""
    meant = _read(words, _known_addresses(config, store))
    paused = _paused_addresses(store)
    messages = _messages(store)

    def complain(message: MessageStatus | None) -> str | None:
        if message is None or message.state != MessageState.PAUSED:
            return "not paused (see feedwatch outbox)"
        if message.paused_itself or message.address in meant.addresses:
            return None
        return f"paused with {message.address}: feedwatch outbox resume {message.address}"

    ids = meant.choose(messages, complain)
    meant.problems.extend(f"{address} is not paused" for address in sorted(meant.addresses - paused))
    resumed = meant.addresses & paused
    if ids:
        store.resume_messages(ids, now)
        _say_count(len(ids), "resumed")
    if resumed:
        store.resume_addresses(resumed, now)
        _say_addresses(resumed, "resumed")
    _say_what_stays(messages, ids, resumed, paused - resumed)
    return meant.report()


# ── what is meant ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Meant:
    """What the words of a command name, and what is wrong with them."""

    ids: frozenset[int]
    addresses: frozenset[str]
    problems: list[str]

    def choose(
        self, messages: Mapping[int, MessageStatus], complain: Callable[[MessageStatus | None], str | None]
    ) -> list[int]:
        """The ids of those of which there is nothing to complain; the others are problems."""
        chosen = []
        for each in sorted(self.ids):
            complaint = complain(messages.get(each))
            if complaint is None:
                chosen.append(each)
            else:
                self.problems.append(f"message {each} is {complaint}")
        return chosen

    def report(self) -> int:
        """Say what is wrong; the exit status."""
        for problem in self.problems:
            click.echo(f"error: {clean_text(problem)}", err=True)
        return int(bool(self.problems))


def _read(words: Iterable[str], known: Mapping[str, frozenset[str]]) -> _Meant:
    ids, addresses, problems = set(), set[str](), []
    for word in dict.fromkeys(words):
        if word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS:
            ids.add(int(word))
        elif word in known:
            addresses |= known[word]
        else:
            problems.append(say_unknown("target or address", word, known))
    return _Meant(frozenset(ids), frozenset(addresses), problems)


def _configured_addresses(config: Config) -> Mapping[str, frozenset[str]]:
    """The addresses that each name means: of a target all, of an address itself."""
    return _by_name(
        address for name in config.targets for address in address_urls(name, config.targets[name])
    )


def _known_addresses(config: Config, store: Store) -> Mapping[str, frozenset[str]]:
    """The same, with what is owed to targets that are not configured any more."""
    configured = _configured_addresses(config)
    owed = (each.address for each in store.list_addresses())
    return _by_name([*(address for name in configured for address in configured[name]), *owed])


def _by_name(addresses: Iterable[str]) -> Mapping[str, frozenset[str]]:
    named: dict[str, frozenset[str]] = {}
    for address in addresses:
        for name in (target_of(address), address):
            named[name] = named.get(name, frozenset()) | {address}
    return named


def _may_be_sent(message: MessageStatus, configured: Collection[str]) -> bool:
    fits = message.state in (MessageState.PENDING, MessageState.DEAD)
    return fits and message.reason is not Reason.DROPPED and message.address in configured


def _messages(store: Store) -> Mapping[int, MessageStatus]:
    return {message.id: message for message in store.list_messages() if message.id is not None}


def _paused_addresses(store: Store) -> frozenset[str]:
    return frozenset(each.address for each in store.list_addresses() if each.paused_at is not None)


def _unless_open(message: MessageStatus | None) -> str | None:
    is_open = message is not None and message.state in _OPEN
    return None if is_open else "not waiting (see feedwatch outbox)"


# ── what is said ──────────────────────────────────────────────────────────────────────────────────


def _say_count(count: int, done: str) -> None:
    click.echo(f"{count or 'no'} message{'' if count == 1 else 's'} {done}")


def _say_addresses(addresses: Collection[str], done: str) -> None:
    for address in sorted(addresses):
        click.echo(f"{address} {done}")


def _say_what_stays(
    messages: Mapping[int, MessageStatus],
    resumed: Collection[int],
    taken_up: Collection[str],
    paused: Collection[str],
) -> None:
    """Say what a person may take for resumed, and is not: a pause of both has two ends."""
    for number, message in messages.items():
        if number in resumed and message.address in paused:
            click.echo(f"{message.address} stays paused: feedwatch outbox resume {message.address}")
        elif message.paused_itself and message.address in taken_up and number not in resumed:
            click.echo(f"message {number} stays paused: feedwatch outbox resume {number}")
