"""What polls learn of the hosts they ask: who is silent, and who wants rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

from feedwatch.core.model import NETWORK_REASONS, Reason
from feedwatch.core.schedule import is_own_outage

_NOT_ASKED = (Reason.INTERNAL, Reason.BAD_ADDRESS, Reason.PRIVATE_ADDRESS)
"""What went wrong on this side of the network says nothing about the other."""


class Hosts:
    """Remembers hosts from one round to the next. Of one event loop.

    A daemon's round holds what is due in that second, often a single feed: only over many of them
    does it show that nobody answers.
    """

    def __init__(self) -> None:
        self._resting: dict[str, datetime] = {}
        self._unwritten: dict[str, datetime] = {}
        """Of these, what the store does not know yet."""
        self._silent: dict[str, Reason] = {}
        self._answered_at = float("-inf")

    # ── rest ──────────────────────────────────────────────────────────────────────────────────────

    def recall_resting(self, resting: Mapping[str, datetime]) -> None:
        """Take over which hosts rest, as the store knows it; what was heard since stays."""
        self._resting = dict(resting)
        for host, until in self._unwritten.items():
            self._rest(host, until)

    def rest(self, host: str, until: datetime) -> None:
        """Let a host rest, whatever the store knows of it yet; a wish never makes an earlier one shorter."""
        self._rest(host, until)
        self._unwritten[host] = self._resting[host]

    def hear_rest(self, host: str, until: datetime) -> None:
        """Let a host rest, as the store knows it by now."""
        self._rest(host, until)

    def note_written(self, host: str) -> None:
        """Learn that the store knows of a host's rest."""
        self._unwritten.pop(host, None)

    def _rest(self, host: str, until: datetime) -> None:
        self._resting[host] = max(until, self._resting.get(host, until))

    def rests_until(self, host: str, now: datetime) -> datetime | None:
        """Until when a host is to be left alone; None if it is not."""
        until = self._resting.get(host)
        return until if until is not None and until > now else None

    # ── silence ───────────────────────────────────────────────────────────────────────────────────

    def hear(self, host: str, reason: Reason | None, asked_at: float) -> None:
        """Learn how a host answered what was asked at `asked_at` (of the loop's clock).

        Any answer, an error too, shows that our own network works: it ends all silence, also that of
        requests which were under way meanwhile.
        """
        if reason in _NOT_ASKED:
            return
        if reason not in NETWORK_REASONS:
            self._silent.clear()
            self._answered_at = asyncio.get_running_loop().time()
        elif not self.answered_since(asked_at):
            assert reason is not None
            self._silent[host] = reason

    def answered_since(self, asked_at: float) -> bool:
        """Whether any host has answered since."""
        return self._answered_at >= asked_at

    def is_own_outage(self, asked_at: float) -> bool:
        """Whether silence since then is our own network's: nobody has answered, and several were asked."""
        if self.answered_since(asked_at):
            return False
        # The first of them say it: only who was silent is remembered.
        return is_own_outage(islice(self._silent.items(), 2))
