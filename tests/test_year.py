"""A year of digests and quiet hours, with both changes of the clock, nights off and deaths at any moment."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from feedwatch.config.conditions import parse_condition
from feedwatch.core.calendar import Digest, Every, Hours, Quiet
from feedwatch.core.kinds import rules_of
from feedwatch.core.manner import Manner, look_at
from feedwatch.core.messages import Composed, Markup, OwedDelivery
from feedwatch.core.model import Change, ChangeKind, Entry, FoundFeed, Kind, RecordedChange, Snapshot
from feedwatch.core.route import Route, Routes, plan_again, plan_deliveries
from feedwatch.core.state import (
    Bundle,
    ClaimedMessage,
    FeedMemory,
    PollDecision,
    PollResult,
    Settled,
    Settlement,
    Verdict,
)
from feedwatch.core.where import Subjects
from feedwatch.store import ReadPoll, Store

ZONE = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=ZONE).astimezone(UTC)
YEAR = timedelta(days=365)
CLOCK_CHANGES = (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC))
NEAR = timedelta(hours=24)
NEAR_CHANGES = tuple(at + timedelta(hours=hours) for at in CLOCK_CHANGES for hours in (-2, 2))
pytestmark = pytest.mark.timeout(300)  # a year of commits, each synced to the disk
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))]
RULES = rules_of(Kind.QUEUE)


def at(hour: int, minute: int = 0) -> time:
    return time(hour, minute)


def digest(every: Every, when: time, day: int | None = None) -> Digest:
    return Digest(every, ZONE, "Europe/Berlin", when, day)


# Half past two does not exist on 29 March, and exists twice on 25 October; so does the span that is quiet.
DIGESTS = {
    "daily/1": Manner(digest=digest(Every.DAILY, at(8))),
    "early/1": Manner(digest=digest(Every.DAILY, at(2, 30))),
    "weekly/1": Manner(digest=digest(Every.WEEKLY, at(18), 6)),
}
NIGHT = Hours(at(22), at(7), ZONE, "Europe/Berlin")
SHORT_NIGHT = Hours(at(2, 15), at(2, 45), ZONE, "Europe/Berlin")
QUIET = {
    "phone/1": Manner(quiet=Quiet(NIGHT, urgent=parse_condition("year < 1930"))),
    "odd/1": Manner(quiet=Quiet(SHORT_NIGHT)),
}
MANNERS = {**DIGESTS, **QUIET}
ROUTES = Routes(
    tuple(Route(to=(address.partition("/")[0],), manner=manner) for address, manner in MANNERS.items()),
    {address.partition("/")[0]: (address,) for address in MANNERS},
    gather=timedelta(seconds=30),
)
BY_KEY = {manner.key: manner for manner in MANNERS.values()}


@dataclass(frozen=True)
class Told:
    """A message that arrived: when, where, as which digest, and which titles it told."""

    at: datetime
    address: str
    period_at: datetime | None
    titles: tuple[str, ...]


@dataclass
class Life:
    """One household's year: what happened when, what was told, and the state that lives through it."""

    path: Path
    dice: random.Random
    now: datetime = NEW_YEAR
    happened: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    started_at: list[datetime] = field(default_factory=list)
    off: list[tuple[datetime, datetime]] = field(default_factory=list)
    deaths: int = 0
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.start()
        self.store.sync_accounts({"jane": "stamp"}, self.now)
        self.store.record_index(
            "jane",
            [FoundFeed("queue", Kind.QUEUE, "http://127.0.0.1/queue")],
            now=self.now,
            next_index_at=self.now + YEAR,
            authoritative=True,
            facts={},
            make_notices=lambda _: (),
            notice_addresses=(),
        )

    # ── what happens ──────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start as the daemon does: what nobody will settle is given back, what waits is looked over."""
        self.store = Store.open(self.path)
        self.started_at.append(self.now)
        self.store.release_claims(lambda _: False, self.now)
        self.store.plan_again(
            ROUTES.signature,
            lambda pending: plan_again(pending.change, pending.address, ROUTES, self.now),
            self.now,
        )
        self.store.end_round(None, self.now + ROUTES.gather)

    def die(self) -> None:
        """Be gone without a word, now and then with a message claimed, and be back at once or days later."""
        self.deaths += 1
        if self.dice.random() < 0.5:
            for address in self.store.due_addresses(self.now)[:1]:
                self.claim(address)
        self.store.close()
        if self.dice.random() < 0.3 and all(abs(self.now - at) > 5 * NEAR for at in CLOCK_CHANGES):
            gone_at, self.now = self.now, self.now + timedelta(hours=self.dice.uniform(1, 90))
            self.off.append((gone_at, self.now))
        self.start()

    def add_titles(self, count: int) -> None:
        """Land a poll that adds so many titles."""
        (task,) = self.store.take_polls(self.now, due_only=False)
        titles = [f"Title {len(self.happened) + number}" for number in range(count)]
        entries = tuple(
            Entry(title, title, position=place, facts={"year": str(self.dice.randint(1900, 2026))})
            for place, title in enumerate(titles, start=1)
        )
        changes = tuple(Change(ChangeKind.ADDED, None, entry) for entry in entries)
        planned = plan_deliveries(Subjects(changes, "jane", "queue", Kind.QUEUE), RULES, ROUTES, self.now)
        decision = PollDecision(
            Verdict.COMPARED,
            self.now + timedelta(minutes=15),
            RULES.signature,
            Snapshot(entries, whole=True, ordered=True),
            changes=changes,
            deliveries=planned,
        )

        def decide(_memory: FeedMemory, _result: PollResult) -> PollDecision:
            return decision

        result = PollResult(Snapshot(entries, whole=True), (), b"body", b"content", self.now)
        assert self.store.record_polls([ReadPoll(task, result, decide)]) == (decision,)
        self.store.end_round(["jane"], self.now + ROUTES.gather)
        for entry in entries:
            self.happened[entry.title] = (self.now, int(entry.facts["year"]) < 1930)

    def claim(self, address: str) -> tuple[ClaimedMessage, Bundle, tuple[str, ...]] | None:
        """Claim what may be sent to an address now."""
        made: list[tuple[Bundle, tuple[str, ...]]] = []

        def compose(deliveries: Sequence[OwedDelivery], bundle: Bundle) -> Composed:
            told = deliveries[:20]
            titles = tuple(each.subject.title for each in told if isinstance(each.subject, RecordedChange))
            made.append((bundle, titles))
            period = "" if bundle.period_at is None else bundle.period_at.isoformat()
            return Composed(tuple(each.id for each in told), period, "\n".join(titles), Markup.TEXT)

        claimed = self.store.claim_message(
            address,
            now=self.now,
            lease_until_at=self.now + timedelta(minutes=2),
            owner="me",
            compose=compose,
            look=lambda key: look_at(BY_KEY.get(key, Manner()), self.now),
        )
        if claimed is None:
            return None
        period_at = datetime.fromisoformat(claimed.title) if claimed.title else None
        return claimed, Bundle("", period_at), tuple(claimed.body.split("\n"))

    def serve(self) -> None:
        """Send all that may be sent now."""
        for address in self.store.due_addresses(self.now):
            while (taken := self.claim(address)) is not None:
                claimed, bundle, titles = taken
                self.told.append(Told(self.now, address, bundle.period_at, titles))
                assert self.store.settle_message(claimed, Settlement(Settled.DELIVERED), self.now)

    # ── how time goes by ──────────────────────────────────────────────────────────────────────────

    def next_due_at(self) -> datetime:
        """When something is due next, a day from now at the latest."""
        (row,) = self.store.query(
            "SELECT min(at) AS at FROM (SELECT not_before AS at FROM deliveries WHERE state = 'pending' "
            "UNION ALL SELECT next_attempt_at FROM messages WHERE state = 'pending')"
        )
        due_at = datetime.fromisoformat(row["at"][:-1]).replace(tzinfo=UTC) if row["at"] else None
        return max(due_at, self.now) if due_at else self.now + timedelta(days=1)

    def live(self, until: datetime) -> None:
        """Let titles come, and the process die, at random moments; serve whenever something is due."""
        while self.now < until:
            happens_at = self.now + timedelta(hours=self.dice.expovariate(1 / 8))
            # Whatever the dice say, something comes shortly before and after the clock is changed.
            happens_at = min([happens_at, *(moment for moment in NEAR_CHANGES if moment > self.now)])
            while (due_at := self.next_due_at()) < happens_at:
                self.now = due_at
                self.serve()
            self.now = max(self.now, happens_at)
            if self.dice.random() < 0.15 and self.now not in NEAR_CHANGES:
                self.die()
            else:
                self.add_titles(self.dice.choice((1, 1, 1, 2, 3, 25)))

    def was_on(self, instant: datetime) -> bool:
        return not any(gone_at < instant < back_at for gone_at, back_at in self.off)


@pytest.fixture(scope="module", params=SEEDS)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A year that has been lived, and a week more in which what is left comes due."""
    lived = Life(tmp_path_factory.mktemp("year") / "feedwatch.db", random.Random(request.param))
    with closing(lived.store):
        lived.live(NEW_YEAR + YEAR)
        ends_at = lived.now + timedelta(days=8)
        while (due_at := lived.next_due_at()) < ends_at:
            lived.now = due_at
            lived.serve()
            lived.now += timedelta(seconds=1)
        return lived


def test_year_is_a_hard_one(life: Life) -> None:
    """Something happened in it, in the nights too, and the process died often: else it shows nothing."""
    assert len(life.happened) > 3000
    assert life.deaths > 100
    assert len(life.off) > 25
    nights = [at for at, _ in life.happened.values() if NIGHT.until(at)]
    assert len(nights) > 800
    for changed_at in CLOCK_CHANGES:
        before = [at for at, _ in life.happened.values() if timedelta(0) < changed_at - at < NEAR]
        since = [at for at, _ in life.happened.values() if timedelta(0) < at - changed_at < NEAR]
        assert before, "and the clock changed while something waited"
        assert since


@pytest.mark.parametrize("address", MANNERS)
def test_each_change_is_told_exactly_once(life: Life, address: str) -> None:
    """Nothing is lost over a night, a death, a day off or a change of the clock, and nothing comes twice."""
    told = Counter(title for each in life.told if each.address == address for title in each.titles)
    assert told == Counter(life.happened.keys())


@pytest.mark.parametrize("address", DIGESTS)
def test_each_digest_is_made_exactly_once(life: Life, address: str) -> None:
    """One for each period that brought something; what nobody was there to tell is caught up at the start."""
    when = DIGESTS[address].digest
    assert when is not None
    messages = [each for each in life.told if each.address == address]
    for each in messages:
        assert each.period_at == when.latest_until(each.at)
        if len(each.titles) < 20:  # a longer one may go on in the next message
            same = [other for other in messages if other.period_at == each.period_at]
            assert each is same[-1], "one period, one digest"
            assert {other.at for other in same} == {each.at}
    owed = _digests_owed(life, when)
    assert {each.period_at for each in messages} == owed.keys()
    for period_at, titles in owed.items():
        told = [t for each in messages if each.period_at == period_at for t in each.titles]
        assert sorted(told) == sorted(titles), period_at


def _digests_owed(life: Life, when: Digest) -> dict[datetime, list[str]]:
    """What each digest has to tell: what came since the one before, and what came while nobody was there."""
    owed: dict[datetime, list[str]] = {}
    for title, (came_at, _) in life.happened.items():
        due_at = when.next_after(came_at)
        if not life.was_on(due_at):
            due_at = when.latest_until(next(back for gone, back in life.off if gone < due_at < back))
        owed.setdefault(due_at, []).append(title)
    return owed


@pytest.mark.parametrize("address", QUIET)
def test_quiet_hours_hold_and_what_came_in_them_is_told_at_their_end(life: Life, address: str) -> None:
    """Only what is urgent is told in them, and what was held is told when they end, or at the next start."""
    quiet = QUIET[address].quiet
    assert quiet is not None
    told_at = {title: each.at for each in life.told if each.address == address for title in each.titles}
    held = 0
    for title, (came_at, is_old) in life.happened.items():
        is_urgent = is_old and quiet.urgent is not None
        if not is_urgent:
            assert quiet.until(told_at[title]) is None, f"{title} was told at {told_at[title]}"
        until_at = quiet.until(came_at + ROUTES.gather)
        if until_at is not None and not is_urgent and life.was_on(until_at):
            held += 1
            assert told_at[title] == until_at
    assert held > 10


def test_what_is_held_is_one_summary(life: Life) -> None:
    """However many came in a night, what is not urgent is told in as few messages as have room for it."""
    nights: dict[datetime, list[Told]] = {}
    for each in life.told:
        if each.address == "phone/1" and each.at.astimezone(ZONE).time() == at(7):
            nights.setdefault(each.at, []).append(each)
    assert len(nights) > 120
    for messages in nights.values():
        titles = sum(len(each.titles) for each in messages)
        assert len(messages) == -(-titles // 20)


def test_state_is_sound_after_all_that(life: Life) -> None:
    """Every rule of the state holds."""
    with closing(Store.open_read_only(life.path)) as store:
        assert [each.problem for each in store.inspect(life.now) if each.problem] == []
