"""The outbox under any sequence of events: nothing is lost, doubled, hidden or out of order."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from states import MAIL, PHONE, START, claim, owe, rows, watch

from feedwatch.core.model import Reason
from feedwatch.core.state import ClaimedMessage, Settled, Settlement
from feedwatch.store import Store

ADDRESSES = [PHONE, MAIL]
SOME_ADDRESSES = st.lists(st.sampled_from(ADDRESSES), unique=True)

_DELIVERIES = """
SELECT changes.key, deliveries.address, deliveries.state, deliveries.message_id, messages.state
FROM deliveries JOIN changes ON changes.id = change_id LEFT JOIN messages ON messages.id = message_id
ORDER BY deliveries.id
"""
_WITH_MESSAGE: dict[str, set[str | None]] = {
    "pending": {None},
    "bound": {"pending", "claimed"},
    "delivered": {"delivered"},
    "dead": {"dead", None},
}


class OutboxLaws(RuleBasedStateMachine):
    """A store with two addresses, a clock that only goes on, and whoever may come along."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(Path(self.folder.name) / "feedwatch.db")
        self.now: datetime = START
        self.numbers = itertools.count()
        self.owed: Counter[tuple[str, str]] = Counter()
        self.arrived: dict[str, list[str]] = {address: [] for address in ADDRESSES}
        self.out_of_line: set[tuple[str, str]] = set()
        """What was ever set apart or dead: only such may come out of order."""

    @initialize()
    def begin(self) -> None:
        watch(self.store)

    # ── what may happen ───────────────────────────────────────────────────────────────────────────

    @rule(count=st.integers(1, 3), to=SOME_ADDRESSES)
    def owe(self, count: int, to: list[str]) -> None:
        keys = [f"k{next(self.numbers):03}" for _ in range(count)]
        owe(self.store, *keys, to=to, at=self.now)
        self.owed.update((key, address) for key in keys for address in to)

    @rule(
        target=claims, address=st.sampled_from(ADDRESSES), most=st.integers(1, 3), owner=st.sampled_from("xy")
    )
    def claim(self, address: str, most: int, owner: str) -> object:
        due = address in self.store.due_addresses(self.now)
        live = self.live_claims()[address]
        claimed = claim(self.store, self.now, address=address, most=most, owner=owner)
        assert (claimed is not None) == due, "what is said to be due can be claimed, and nothing else"
        if claimed is None:
            return multiple()
        assert not live, "one message is under way for an address at a time"
        keys = claimed.body.split()
        assert len(keys) == claimed.deliveries
        assert not set(keys) & set(self.arrived[address]), "what has arrived is not sent again"
        return claimed

    @rule(claimed=consumes(claims), outcome=st.sampled_from(Settled), wait=st.integers(0, 10))
    def settle(self, claimed: ClaimedMessage, outcome: Settled, wait: int) -> None:
        at = self.now + timedelta(minutes=wait)
        if outcome in (Settled.SET_APART, Settled.DEAD):
            self.step_out_of_line()
        settled = self.store.settle_message(claimed, Settlement(outcome, at, Reason.REFUSED), self.now)
        if settled and outcome is Settled.DELIVERED:
            self.arrived[claimed.address] += claimed.body.split()
        if settled and outcome is Settled.SET_APART:
            self.out_of_line.update((key, claimed.address) for key in claimed.body.split())
        if settled:
            again = self.store.settle_message(claimed, Settlement(Settled.DELIVERED), self.now)
            assert not again, "a claim is settled once"

    @rule(minutes=st.sampled_from([0.5, 1, 2, 10]))
    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(dead=st.sampled_from(["", "x", "xy"]))
    def restart(self, dead: str) -> None:
        def is_alive(owner: str) -> bool:
            return owner not in dead

        self.store.release_claims(is_alive, self.now)

    @rule(ids=st.none() | st.lists(st.integers(1, 8)))
    def retry(self, ids: list[int] | None) -> None:
        self.store.retry_messages(ids, self.now)

    @rule(ids=st.lists(st.integers(1, 8), max_size=2))
    def drop(self, ids: list[int]) -> None:
        self.store.drop_messages(ids, self.now)
        self.step_out_of_line()

    @rule(claimed=claims)
    def drop_what_may_be_under_way(self, claimed: ClaimedMessage) -> None:
        self.store.drop_messages([claimed.id], self.now)
        self.step_out_of_line()

    @rule(addresses=SOME_ADDRESSES)
    def configure(self, addresses: list[str]) -> None:
        self.store.sync_addresses(addresses, self.now)
        self.step_out_of_line()

    @rule()
    def prune(self) -> None:
        self.store.prune(self.now, timedelta(days=1))

    # ── what must hold ────────────────────────────────────────────────────────────────────────────

    @invariant()
    def every_delivery_is_in_one_state_and_its_message_says_so(self) -> None:
        found = rows(self.store, _DELIVERIES)
        assert Counter((key, address) for key, address, *_ in found) == self.owed
        for key, address, state, message_id, message_state in found:
            assert message_state in _WITH_MESSAGE[state], (key, address, state, message_state)
            assert (message_id is None) == (message_state is None)
            assert (key in self.arrived[address]) == (state == "delivered")

    @invariant()
    def every_message_holds_what_it_tells(self) -> None:
        bound = Counter(message_id for *_, message_id, _ in rows(self.store, _DELIVERIES) if message_id)
        assert bound == dict(rows(self.store, "SELECT id, deliveries FROM messages"))

    @invariant()
    def an_address_has_at_most_one_live_claim(self) -> None:
        assert all(count <= 1 for count in self.live_claims().values())

    @invariant()
    def nothing_arrives_twice_or_out_of_order(self) -> None:
        self.step_out_of_line()
        for address, keys in self.arrived.items():
            assert len(keys) == len(set(keys))
            in_line = [key for key in keys if (key, address) not in self.out_of_line]
            assert in_line == sorted(in_line)

    @invariant()
    def everything_is_seen(self) -> None:
        seen: Counter[str] = Counter()
        for line in self.store.list_messages():
            seen[line.state] += line.changes
        kept = Counter(
            message if state == "bound" else state
            for _, _, state, _, message in rows(self.store, _DELIVERIES)
        )
        # A message that is pending and what no message has bound are both pending to who looks.
        assert seen == kept

    # ── at the end ────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        """Bring everything back by hand and let every send succeed: all that was owed has arrived."""
        self.store.release_claims(lambda _: False, self.now)
        self.store.retry_messages(None, self.now)
        while due := self.store.due_addresses(self.now):
            claimed = claim(self.store, self.now, address=due[0])
            assert claimed is not None
            assert self.store.settle_message(claimed, Settlement(Settled.DELIVERED), self.now)
            self.arrived[due[0]] += claimed.body.split()
        told = Counter((key, address) for address, keys in self.arrived.items() for key in keys)
        assert told == self.owed
        self.store.close()
        self.folder.cleanup()

    # ── looking ───────────────────────────────────────────────────────────────────────────────────

    def live_claims(self) -> Counter[str]:
        at = self.now.isoformat(timespec="microseconds").replace("+00:00", "Z")
        found = rows(
            self.store, "SELECT address FROM messages WHERE state = 'claimed' AND lease_until_at > ?", at
        )
        return Counter(address for (address,) in found)

    def step_out_of_line(self) -> None:
        dead = rows(self.store, _DELIVERIES)
        self.out_of_line.update((key, address) for key, address, state, *_ in dead if state == "dead")


OutboxLaws.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


class TestOutboxLaws(OutboxLaws.TestCase):  # type: ignore[misc,valid-type]  # made by Hypothesis at run time
    """Under any sequence of events the laws of the outbox hold."""
