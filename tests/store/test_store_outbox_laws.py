"""The outbox under any sequence of events: nothing is lost, doubled, hidden or out of order."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from states import MAIL, PHONE, START, added, land, listed, owe, rows, watch

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import MannerNow
from feedwatch.core.messages import Composed, Markup, OwedDelivery, WaitsFor
from feedwatch.core.model import Reason
from feedwatch.core.route import LONGEST_ROUND
from feedwatch.core.state import Bundle as HowTold
from feedwatch.core.state import ClaimedMessage, PendingDelivery, Planned, Settled, Settlement
from feedwatch.store import Store

ADDRESSES = [PHONE, MAIL]
OTHERS = {PHONE: (MAIL,), MAIL: (PHONE,)}
SOME_ADDRESSES = st.lists(st.sampled_from(ADDRESSES), unique=True)
SOME_IDS = st.lists(st.integers(1, 8), max_size=3)
HOURLY = Digest(Every.HOURLY, UTC, "UTC")
QUIET = timedelta(minutes=20)
"""So long it is quiet around each whole hour: a digest comes due in the midst of it."""
GATHER = timedelta(seconds=30)
MANNERS = ["", "quiet", "digest", "digest quiet"]
"""How a change may be told; in each that is quiet, what is urgent passes."""

_DELIVERIES = """
SELECT deliveries.id, deliveries.address, changes.key, deliveries.state, deliveries.message_id, messages.state
FROM deliveries LEFT JOIN changes ON changes.id = change_id LEFT JOIN messages ON messages.id = message_id
ORDER BY deliveries.id
"""
_WITH_MESSAGE: dict[str, set[str | None]] = {
    "pending": {None},
    "bound": {"pending", "claimed", "paused"},
    "delivered": {"delivered"},
    "dead": {"dead", None},
}


_TOLD_HOW = "SELECT id, manner, urgent FROM deliveries"
_WAITING = """
SELECT id, manner, urgent, waits_for, not_before FROM deliveries WHERE state = 'pending'
UNION ALL SELECT NULL, manner, urgent, waits_for, next_attempt_at FROM messages
WHERE state = 'pending' AND waits_for IS NOT NULL
"""
_SILENCED = "SELECT id FROM deliveries WHERE silence_id IS NOT NULL"
_LONGEST_WAIT = {
    None: timedelta(0),
    "gathering": GATHER + LONGEST_ROUND,
    "quiet": QUIET,
    "digest": timedelta(hours=1),
}
"""Nothing waits for longer than for what it waits for."""


def quiet_until(now: datetime) -> datetime | None:
    """It is quiet from ten minutes before each whole hour until ten minutes after it."""
    ends_at = (now + QUIET / 2).replace(minute=0, second=0, microsecond=0) + QUIET / 2
    return ends_at if now < ends_at else None


def look(manner: str, now: datetime) -> MannerNow:
    """What a manner means now; one that is not known is nothing special."""
    is_digest = "digest" in manner
    return MannerNow(
        quiet_until(now) if "quiet" in manner else None,
        HOURLY.latest_until(now) if is_digest else None,
        HOURLY.next_after(now) if is_digest else None,
    )


def plan_one(
    index: int,
    address: str,
    manner: str,
    now: datetime,
    *,
    urgent: bool = False,
    gather: bool = False,
    late: bool = False,
) -> Planned:
    """A change owed in a manner, as routes plan it; one for a digest may land when that is due already."""
    if "digest" in manner:
        due_at = HOURLY.latest_until(now) if late else HOURLY.next_after(now)
        return Planned(index, address, due_at, manner, urgent, WaitsFor.DIGEST)
    if gather:
        return Planned(index, address, now + GATHER + LONGEST_ROUND, manner, urgent, WaitsFor.GATHERING)
    return Planned(index, address, None, manner, urgent)


@dataclass
class DigestBegun:
    """A digest of a period: what it is of, as that was owed when it was begun, and its parts."""

    owed: set[int]
    newest: int
    parts: list[int] = field(default_factory=list)


class OutboxLaws(RuleBasedStateMachine):
    """A store with two addresses, a clock that only goes on, and whoever may come along.

    What a message tells is named by the ids of its deliveries.
    """

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(Path(self.folder.name) / "feedwatch.db")
        self.now: datetime = START
        self.numbers = itertools.count()
        self.owed: Counter[tuple[str, str]] = Counter()
        self.settled: dict[str, list[int]] = {address: [] for address in ADDRESSES}
        self.digests: dict[tuple[str, str, datetime], DigestBegun] = {}
        self.routes = 0
        """What is known to have arrived, in order."""
        self.came: Counter[int] = Counter()
        """What really came, without a line that it may have come before."""
        self.out_of_line: set[int] = set()
        """Set apart, paused or dead once, urgent, gathered, planned anew: only such may come out of order."""
        self.paused: set[str] = set()
        self.last_notice = 0
        self.announced: set[str] = set()

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
        urgent=st.lists(st.booleans(), min_size=1, max_size=3),
        to=SOME_ADDRESSES,
        manner=st.sampled_from(MANNERS),
        gather=st.booleans(),
        late=st.booleans(),
        silenced=st.booleans(),
    )
    def plan(
        self, urgent: list[bool], to: list[str], manner: str, *, gather: bool, late: bool, silenced: bool
    ) -> None:
        """Owe changes in a manner, or write them down as silenced."""
        silence = self.store.add_silence("year > 1990", "", self.now, self.now) if silenced else None
        keys = [f"k{next(self.numbers):03}" for _ in urgent]
        planned = [
            plan_one(index, address, manner, self.now, urgent=passes, gather=gather, late=late)
            for index, passes in enumerate(urgent)
            for address in to
        ]
        deliveries = tuple(each._replace(silence_id=silence) for each in planned)
        before = self.newest()
        land(self.store, listed(*keys), self.now, changes=tuple(map(added, keys)), deliveries=deliveries)
        self.owed.update((key, address) for key in keys for address in to)
        found = rows(self.store, f"{_TOLD_HOW} WHERE id > ? AND (urgent OR waits_for = 'gathering')", before)
        self.out_of_line.update(number for number, *_ in found)

    @rule()
    def end_round(self) -> None:
        self.store.end_round(["jane"], self.now + GATHER)

    @rule(manner=st.none() | st.sampled_from(MANNERS), urgent=st.booleans())
    def reroute(self, manner: str | None, *, urgent: bool) -> None:
        """The routes are others: what is owed is told otherwise, or by no route any more."""

        def again(pending: PendingDelivery) -> Planned | None:
            self.step_out(pending.id)
            return None if manner is None else plan_one(0, pending.address, manner, self.now, urgent=urgent)

        self.routes += 1
        self.store.plan_again(str(self.routes), again, self.now)

    @rule(ids=SOME_IDS)
    def tell_silenced(self, ids: list[int]) -> None:
        self.store.tell_silenced(ids, self.now)

    @rule(
        target=claims,
        address=st.sampled_from(ADDRESSES),
        most=st.integers(1, 3),
        owner=st.sampled_from("xy"),
        drop=st.booleans(),
    )
    def claim(self, address: str, most: int, owner: str, *, drop: bool) -> object:
        due = address in self.store.due_addresses(self.now)
        live = self.live_claims()[address]
        claimed = self.take(address, most=most, owner=owner, drop=drop)
        # Under `drop` what was due may be given up, for it may have arrived.
        assert due or claimed is None
        if claimed is None:
            left = address in self.store.due_addresses(self.now)
            assert not left, "what is said to be due can be claimed, or is put off"
            return multiple()
        assert not live, "one message is under way for an address at a time"
        return claimed

    @rule(claimed=consumes(claims), outcome=st.sampled_from(Settled), wait=st.integers(0, 10))
    def settle(self, claimed: ClaimedMessage, outcome: Settled, wait: int) -> None:
        at = self.now + timedelta(minutes=wait)
        self.end(claimed, Settlement(outcome, at, Reason.REFUSED), came=outcome is Settled.DELIVERED)

    @rule(claimed=consumes(claims), dead=st.booleans(), came=st.booleans())
    def settle_in_silence(self, claimed: ClaimedMessage, *, dead: bool, came: bool) -> None:
        outcome = Settled.DEAD if dead else Settled.AGAIN
        silence = Settlement(outcome, self.now, Reason.AMBIGUOUS, may_have_arrived=True)
        self.end(claimed, silence, came=came)

    @rule(claimed=consumes(claims), minutes=st.integers(1, 300))
    def settle_for_a_rest(self, claimed: ClaimedMessage, minutes: int) -> None:
        rest = timedelta(minutes=minutes)
        at = self.now + rest
        self.end(claimed, Settlement(Settled.AGAIN, at, Reason.RATE_LIMITED, rest=rest), came=False)

    @rule(claimed=consumes(claims), came=st.booleans())
    def die_while_sending(self, claimed: ClaimedMessage, *, came: bool) -> None:
        """Nobody will ever settle it."""
        if came:
            self.arrive(claimed)

    @rule(address=st.sampled_from(ADDRESSES), times=st.integers(2, 4))
    def fail_for_hours(self, address: str, times: int) -> None:
        """Whatever is tried there fails; what is tried at all depends on what has been."""
        for _ in range(times):
            claimed = self.take(address)
            if claimed is not None:
                self.end(claimed, Settlement(Settled.AGAIN, self.now, Reason.UNREACHABLE), came=False)
            self.now += timedelta(hours=2)

    @rule(minutes=st.sampled_from([0.5, 1, 2, 10, 250]))
    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def wait_for_the_digest(self) -> None:
        """It comes due while it is quiet."""
        self.now = HOURLY.next_after(self.now)

    @rule(address=st.sampled_from(ADDRESSES), most=st.integers(1, 3))
    def serve(self, address: str, most: int) -> None:
        """Send what is due, until nothing is."""
        while claimed := self.take(address, most=most):
            self.end(claimed, Settlement(Settled.DELIVERED), came=True)

    @rule(dead=st.sampled_from(["", "x", "xy"]), drop=st.booleans())
    def restart(self, dead: str, *, drop: bool) -> None:
        def is_alive(owner: str) -> bool:
            return owner not in dead

        self.store.release_claims(is_alive, self.now, drop_ambiguous=drop)

    @rule(ids=st.none() | SOME_IDS, addresses=SOME_ADDRESSES)
    def retry(self, ids: list[int] | None, addresses: list[str]) -> None:
        self.store.retry_messages(ids, self.now, addresses=addresses)

    @rule(ids=SOME_IDS, addresses=SOME_ADDRESSES)
    def drop(self, ids: list[int], addresses: list[str]) -> None:
        self.store.drop_messages(ids, self.now, addresses=addresses)

    @rule(claimed=claims)
    def drop_what_may_be_under_way(self, claimed: ClaimedMessage) -> None:
        self.store.drop_messages([claimed.id], self.now)

    @rule(ids=SOME_IDS)
    def pause(self, ids: list[int]) -> None:
        self.store.pause_messages(ids)

    @rule(claimed=claims)
    def pause_what_may_be_under_way(self, claimed: ClaimedMessage) -> None:
        self.store.pause_messages([claimed.id])

    @rule(ids=SOME_IDS)
    def resume(self, ids: list[int]) -> None:
        self.store.resume_messages(ids, self.now)

    @rule(addresses=SOME_ADDRESSES)
    def pause_addresses(self, addresses: list[str]) -> None:
        self.store.pause_addresses(addresses, self.now)
        self.paused.update(addresses)

    @rule(addresses=SOME_ADDRESSES)
    def resume_addresses(self, addresses: list[str]) -> None:
        assert self.store.resume_addresses(addresses, self.now) == len(self.paused.intersection(addresses))
        self.paused.difference_update(addresses)

    @rule(addresses=SOME_ADDRESSES)
    def configure(self, addresses: list[str]) -> None:
        self.store.sync_addresses(addresses, self.now)
        self.announced.intersection_update(addresses)

    @rule()
    def prune(self) -> None:
        self.store.prune(self.now, timedelta(days=30))

    # ── what must hold ────────────────────────────────────────────────────────────────────────────

    @invariant()
    def every_delivery_is_in_one_state_and_its_message_says_so(self) -> None:
        found = rows(self.store, _DELIVERIES)
        assert Counter((key, address) for _, address, key, *_ in found if key) == self.owed
        for number, address, _, state, message_id, message_state in found:
            assert message_state in _WITH_MESSAGE[state], (number, address, state, message_state)
            assert (message_id is None) == (message_state is None)
            assert (number in self.settled[address]) == (state == "delivered")

    @invariant()
    def every_message_holds_what_it_tells(self) -> None:
        bound = Counter(number for *_, number, _ in rows(self.store, _DELIVERIES) if number)
        assert bound == dict(rows(self.store, "SELECT id, deliveries FROM messages"))

    @invariant()
    def an_address_has_at_most_one_live_claim(self) -> None:
        assert all(count <= 1 for count in self.live_claims().values())

    @invariant()
    def nothing_comes_twice_unless_it_says_so(self) -> None:
        assert all(count <= 1 for count in self.came.values())

    @invariant()
    def nothing_arrives_out_of_order(self) -> None:
        self.step_out_of_line()
        manners = {number: manner for number, manner, _ in rows(self.store, _TOLD_HOW)}
        for numbers in self.settled.values():
            assert len(numbers) == len(set(numbers))
            for told in MANNERS:
                in_line = [n for n in numbers if n not in self.out_of_line and manners[n] == told]
                assert in_line == sorted(in_line)

    @invariant()
    def nothing_waits_for_longer_than_it_says(self) -> None:
        for number, manner, urgent, waits_for, until in rows(self.store, _WAITING):
            wait = datetime.fromisoformat(until) - self.now
            assert wait <= _LONGEST_WAIT[waits_for], (number, manner, waits_for)
            assert not (urgent and waits_for == "quiet"), "what is urgent passes"

    @invariant()
    def what_a_digest_is_of_waits_for_no_other(self) -> None:
        latest = HOURLY.latest_until(self.now)
        of = {
            number
            for (*_, at), digest in self.digests.items()
            if at == latest
            for number in digest.owed - self.out_of_line
        }
        later = {
            number
            for number, _, _, why, until in rows(self.store, _WAITING)
            if why == "digest" and datetime.fromisoformat(until) > self.now
        }
        assert not of & later

    @invariant()
    def everything_is_seen(self) -> None:
        seen: Counter[str] = Counter()
        for line in self.store.list_messages():
            seen[line.state] += line.changes
        kept: Counter[str] = Counter()
        silenced = {number for (number,) in rows(self.store, _SILENCED)}
        for number, address, _, state, _, message in rows(self.store, _DELIVERIES):
            if number in silenced:
                continue
            shown = message if state == "bound" else state
            # A message that is pending and what no message has bound are both pending to who looks.
            kept["paused" if shown == "pending" and address in self.paused else shown] += 1
        assert +seen == kept

    @invariant()
    def an_outage_is_told_once_and_never_to_itself(self) -> None:
        told = rows(
            self.store,
            "SELECT notices.id, kind, account, address FROM notices JOIN deliveries "
            "ON notice_id = notices.id WHERE notices.id > ? ORDER BY notices.id",
            self.last_notice,
        )
        for number, kind, failing, address in told:
            self.last_notice = number
            assert address == OTHERS[failing][0]
            assert (kind == "target_recovered") == (failing in self.announced)
            self.announced.symmetric_difference_update([failing])

    # ── at the end ────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        try:
            self.bring_back_everything()
        finally:
            self.store.close()
            self.folder.cleanup()

    def bring_back_everything(self) -> None:
        """By hand, and with sends that all succeed: then all that was owed has arrived."""
        self.store.release_claims(lambda _: False, self.now)
        self.store.resume_messages(range(1000), self.now)
        self.store.resume_addresses(ADDRESSES, self.now)
        self.paused.clear()
        self.store.retry_messages(None, self.now)
        self.store.tell_silenced(range(1000), self.now)
        for _ in range(3):
            self.serve_all()
            # What is left is quiet now, or of a digest that is not due yet.
            self.now += timedelta(minutes=40)
        assert [each.problem for each in self.store.inspect(self.now) if each.problem] == []
        assert {state for *_, state, _, _ in rows(self.store, _DELIVERIES)} <= {"delivered"}
        self.every_delivery_is_in_one_state_and_its_message_says_so()

    def serve_all(self) -> None:
        while due := self.store.due_addresses(self.now):
            claimed = self.take(due[0])
            if claimed is not None:
                self.end(claimed, Settlement(Settled.DELIVERED), came=True)
            self.nothing_comes_twice_unless_it_says_so()

    # ── doing ─────────────────────────────────────────────────────────────────────────────────────

    def take(
        self, address: str, *, most: int = 1000, owner: str = "x", drop: bool = False
    ) -> ClaimedMessage | None:
        bound: list[HowTold] = []

        def compose(deliveries: Sequence[OwedDelivery], bundle: HowTold) -> Composed:
            bound.append(bundle)
            told = deliveries[:most]
            ids = tuple(each.id for each in told)
            return Composed(ids, "", " ".join(map(str, ids)), Markup.TEXT)

        waited, newest = self.find_waiting(address), self.newest()
        held = {number for (number,) in rows(self.store, "SELECT id FROM messages WHERE state = 'paused'")}
        claimed = self.store.claim_message(
            address,
            now=self.now,
            lease_until_at=self.now + timedelta(minutes=2),
            owner=owner,
            compose=compose,
            drop_ambiguous=drop,
            look=lambda manner: look(manner, self.now),
        )
        if claimed is not None:
            assert address not in self.paused
            assert claimed.id not in held, "what is paused is not sent"
            assert len(told_by(claimed)) == claimed.deliveries
            assert not set(told_by(claimed)) & set(self.settled[address]), "what has arrived goes no more"
            self.check_manner(claimed, is_new=bool(bound))
        for bundle in bound:
            if bundle.period_at is not None:
                assert claimed is not None
                self.check_digest(claimed, bundle, waited[bundle.manner], newest)
        return claimed

    def check_manner(self, claimed: ClaimedMessage, *, is_new: bool) -> None:
        """What goes together is told in one manner; while that is quiet, for what is urgent alone."""
        told = set(told_by(claimed))
        how = [(manner, urgent) for number, manner, urgent in rows(self.store, _TOLD_HOW) if number in told]
        ((manner,),) = {(manner,) for manner, _ in how}
        if look(manner, self.now).quiet_until_at is not None:
            passing = [urgent for _, urgent in how]
            assert all(passing) if is_new else any(passing)

    def check_digest(self, claimed: ClaimedMessage, bundle: HowTold, waited: set[int], newest: int) -> None:
        """A period has one digest, in parts that are counted; it is of what was owed when it was begun."""
        assert bundle.period_at == HOURLY.latest_until(self.now)
        which = (claimed.address, bundle.manner, bundle.period_at)
        digest = self.digests.setdefault(which, DigestBegun(waited, newest))
        digest.parts.append(bundle.part)
        assert digest.parts == list(range(1, len(digest.parts) + 1))
        assert max(told_by(claimed)) <= digest.newest

    def end(self, claimed: ClaimedMessage, settlement: Settlement, *, came: bool) -> None:
        """Settle a claim; what came has come, whether the claim still holds or not."""
        settlement = Settlement(
            settlement.outcome,
            settlement.next_attempt_at,
            settlement.reason,
            refused=settlement.reason is Reason.REFUSED,
            may_have_arrived=settlement.may_have_arrived,
            rest=settlement.rest,
            told=OTHERS[claimed.address],
        )
        if came:
            self.arrive(claimed)
        if settlement.outcome is Settled.SET_APART:
            self.out_of_line.update(told_by(claimed))
        if not self.store.settle_message(claimed, settlement, self.now):
            return
        if settlement.outcome is Settled.DELIVERED:
            self.settled[claimed.address] += told_by(claimed)
        again = self.store.settle_message(claimed, Settlement(Settled.DELIVERED), self.now)
        assert not again, "a claim is settled once"

    def arrive(self, claimed: ClaimedMessage) -> None:
        if not claimed.may_have_arrived:
            self.came.update(told_by(claimed))

    # ── looking ───────────────────────────────────────────────────────────────────────────────────

    def live_claims(self) -> Counter[str]:
        at = self.now.isoformat(timespec="microseconds").replace("+00:00", "Z")
        found = rows(
            self.store, "SELECT address FROM messages WHERE state = 'claimed' AND lease_until_at > ?", at
        )
        return Counter(address for (address,) in found)

    def newest(self) -> int:
        return int(rows(self.store, "SELECT coalesce(max(id), 0) FROM deliveries")[0][0])

    def find_waiting(self, address: str) -> dict[str, set[int]]:
        """What a digest that is begun now is of, by its manner: what is due, or was and is held."""
        found: dict[str, set[int]] = {manner: set() for manner in MANNERS}
        at = self.now.isoformat(timespec="microseconds").replace("+00:00", "Z")
        for number, manner in rows(
            self.store,
            "SELECT id, manner FROM deliveries WHERE address = ? AND state = 'pending' "
            "AND set_apart_at IS NULL AND (not_before <= ? OR waits_for = 'quiet')",
            address,
            at,
        ):
            found[manner].add(number)
        return found

    def step_out(self, number: int) -> None:
        """Note that a delivery may come out of order from now on, and of no digest that was begun."""
        self.out_of_line.add(number)
        for digest in self.digests.values():
            digest.owed.discard(number)

    def step_out_of_line(self) -> None:
        for number, _, _, state, _, message in rows(self.store, _DELIVERIES):
            if state == "dead" or message == "paused":
                self.out_of_line.add(number)


def told_by(claimed: ClaimedMessage) -> list[int]:
    return [int(word) for word in claimed.body.split()]


OutboxLaws.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


class TestOutboxLaws(OutboxLaws.TestCase):  # type: ignore[misc,valid-type]  # made by Hypothesis at run time
    """Under any sequence of events the laws of the outbox hold."""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_outbox_laws_over_many_sequences() -> None:
    """The same for longer: what takes several coincidences has time to show."""
    run_state_machine_as_test(OutboxLaws, settings=settings(max_examples=1500, stateful_step_count=50))
