"""What is told in one manner goes together: held while it is quiet, gathered into digests, silenced."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from states import (
    FEED,
    MAIL,
    PHONE,
    START,
    added,
    after,
    claim,
    compose,
    land,
    land_one,
    listed,
    owe,
    recall,
    reply,
    rows,
    take,
    tell,
    watch,
)

from feedwatch.core.calendar import Digest, Every
from feedwatch.core.manner import Manner, MannerNow, look_at
from feedwatch.core.messages import Composed, OwedDelivery, WaitsFor
from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.core.state import (
    Bundle,
    ClaimedMessage,
    FeedMemory,
    PendingDelivery,
    Planned,
    PollDecision,
    PollResult,
    Settled,
    Settlement,
)
from feedwatch.store import Store, planning

DELIVERED = Settlement(Settled.DELIVERED)
HOURLY = Manner(digest=Digest(Every.HOURLY, ZoneInfo("UTC"), "UTC"))
Look = Callable[[str], MannerNow]


@pytest.fixture
def store(store: Store) -> Store:
    """A state with a watched queue."""
    watch(store)
    return store


def plan(store: Store, *planned: Planned, at: datetime = START) -> None:
    """Land an addition for each delivery that is planned, and owe it so."""
    numbered = tuple(each._replace(change=number) for number, each in enumerate(planned))
    keys = [f"{at:%d%H%M}-{number}" for number in range(len(planned))]
    land(store, listed(*keys), at, changes=tuple(map(added, keys)), deliveries=numbered)


def to_phone(manner: str = "night", **more: object) -> Planned:
    return Planned(0, PHONE, manner=manner)._replace(**more)  # type: ignore[arg-type]


def quiet_until(until_at: datetime, *manners: str) -> Look:
    return lambda manner: MannerNow(quiet_until_at=until_at if manner in manners else None)


def serve(
    store: Store, at: datetime, look: Look, *, notices_quiet_until_at: datetime | None = None
) -> ClaimedMessage | None:
    """Claim what may be sent at an instant, and say that it arrived."""
    claimed = store.claim_message(
        PHONE,
        now=at,
        lease_until_at=at + timedelta(minutes=2),
        owner="me",
        compose=compose,
        look=look,
        notices_quiet_until_at=notices_quiet_until_at,
    )
    if claimed is not None:
        assert store.settle_message(claimed, DELIVERED, at)
    return claimed


def waiting(store: Store) -> list[tuple[str, str | None]]:
    found = rows(store, "SELECT not_before, waits_for FROM deliveries WHERE state = 'pending' ORDER BY id")
    return [(not_before[11:16], waits_for) for not_before, waits_for in found]


# ── quiet ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_in_quiet_hours_is_told_in_one_message_at_their_end(store: Store) -> None:
    """Whatever came, and however often it was asked for meanwhile, it waits and then goes together."""
    night = quiet_until(after(60), "night")
    plan(store, to_phone())
    assert serve(store, after(1), night) is None
    plan(store, to_phone(), to_phone(), at=after(2))
    assert serve(store, after(3), night) is None
    assert waiting(store) == [("13:00", "quiet")] * 3
    assert store.due_addresses(after(59)) == ()
    assert store.due_addresses(after(60)) == (PHONE,)
    morning = serve(store, after(60), quiet_until(after(60)))
    assert morning is not None
    assert morning.deliveries == 3


def test_what_is_urgent_passes_quiet_hours(store: Store) -> None:
    """It is told at once, and nothing else with it."""
    plan(store, to_phone(), to_phone(urgent=True), to_phone())
    told = serve(store, after(1), quiet_until(after(60), "night"))
    assert told is not None
    assert told.deliveries == 1
    assert waiting(store) == [("13:00", "quiet")] * 2


def test_message_that_failed_before_the_night_is_not_tried_in_it_and_blocks_nothing(store: Store) -> None:
    """Its next attempt waits for the end of the quiet hours; what is urgent, or told otherwise, goes out."""
    plan(store, to_phone())
    night = quiet_until(after(600), "night")
    first = claim(store, after(0))
    assert first is not None
    store.settle_message(first, Settlement(Settled.AGAIN, after(5), Reason.UNREACHABLE), after(0))
    plan(store, to_phone("", urgent=False), to_phone(urgent=True), at=after(6))
    passed = [serve(store, after(7), night) for _ in range(3)]
    assert [each and each.deliveries for each in passed] == [1, 1, None]
    assert all(each is None or each.id != first.id for each in passed)
    assert store.due_addresses(after(599)) == ()
    held = serve(store, after(600), quiet_until(after(600)))
    assert held is not None
    assert held.id == first.id
    assert held.first_attempt_at > first.first_attempt_at, "the night is no part of its five days"


def test_notices_are_quiet_when_they_are_told_to_be(store: Store) -> None:
    """What feedwatch says about itself waits for the morning; changes do not."""
    tell(store, Notice(NoticeKind.SIGNED_OUT, START, "jane"), PHONE)
    plan(store, to_phone(""))
    told = serve(store, after(1), quiet_until(START), notices_quiet_until_at=after(60))
    assert told is not None
    assert told.deliveries == 1
    assert waiting(store) == [("13:00", "quiet")]
    late = serve(store, after(60), quiet_until(START))
    assert late is not None
    assert late.body == "signed_out"


def test_message_that_a_hand_hastens_in_the_night_does_not_live_longer_for_that(store: Store) -> None:
    """It is held anew, and is given up as long after the quiet hours as any other."""
    plan(store, to_phone())
    night = quiet_until(after(600), "night")
    first = claim(store, START)
    assert first is not None
    store.settle_message(first, Settlement(Settled.AGAIN, after(5), Reason.UNREACHABLE), START)
    for minutes in (6, 100, 200, 300):
        assert serve(store, after(minutes), night) is None
        store.retry_messages(None, after(minutes))
    assert serve(store, after(301), night) is None
    morning = serve(store, after(600), quiet_until(START))
    assert morning is not None
    assert morning.first_attempt_at <= after(600)


def test_message_whose_claim_ran_out_is_not_sent_in_the_night_and_may_still_be_settled(store: Store) -> None:
    """It goes in the morning, and says that it may have come before; unless its sender says how it ended."""
    plan(store, to_phone(), to_phone(), at=START)
    first = claim(store, START, most=1)
    assert first is not None
    night, day = quiet_until(after(600), "night"), quiet_until(START)
    assert serve(store, after(6), night) is None
    assert store.due_addresses(after(599)) == ()
    late = serve(store, after(600), day)
    assert late is not None
    assert (late.id, late.may_have_arrived) == (first.id, True)
    second = claim(store, after(601))
    assert second is not None
    assert serve(store, after(604), quiet_until(after(900), "night")) is None
    assert store.settle_message(second, DELIVERED, after(605))
    assert [each.state for each in store.list_messages()] == ["delivered", "delivered"]


def test_message_that_is_held_goes_at_once_where_other_routes_have_no_quiet_hours(store: Store) -> None:
    """And is held anew where they have; it says what it waits for all the time."""
    plan(store, to_phone())
    first = claim(store, START)
    assert first is not None
    store.settle_message(first, Settlement(Settled.AGAIN, after(5), Reason.UNREACHABLE), START)
    night = quiet_until(after(600), "night")
    assert serve(store, after(6), night) is None
    store.plan_again("other", lambda _: None, after(7))
    assert serve(store, after(7), night) is None
    assert [each.waits_for for each in store.list_messages()] == ["quiet"]
    store.plan_again("none", lambda _: None, after(8))
    told = serve(store, after(8), quiet_until(START))
    assert told is not None
    assert told.id == first.id


def test_outbox_says_of_what_is_dead_nothing_of_waiting(store: Store) -> None:
    """However it was told before it was given up, it is one line, and waits for nothing."""
    plan(store, to_phone())
    assert serve(store, after(1), quiet_until(after(60), "night")) is None
    plan(store, to_digest(after(60)), to_phone("", not_before=after(9), waits_for=WaitsFor.GATHERING))
    assert {each.waits_for for each in store.list_messages()} == {"quiet", "digest", "gathering"}
    store.drop_messages((), after(2), addresses=[PHONE])
    (dead,) = store.list_messages()
    assert (dead.state, dead.changes, dead.waits_for) == ("dead", 3, None)
    for change in store.list_changes():
        (delivery,) = store.list_deliveries(change.id)
        assert (delivery.state, delivery.waits_for) == ("dead", None)


# ── digests ───────────────────────────────────────────────────────────────────────────────────────


def hourly(at: datetime) -> Look:
    return lambda manner: look_at(HOURLY if manner == "hourly" else Manner(), at)


def to_digest(due_at: datetime) -> Planned:
    return to_phone("hourly", not_before=due_at, waits_for=WaitsFor.DIGEST)


def test_digest_is_made_once_and_what_comes_late_waits_for_the_next(store: Store) -> None:
    """What is written down when its period's digest has gone is told in the next, not in a second one."""
    plan(store, *[to_digest(after(60))] * 3, at=after(10))
    assert serve(store, after(59), hourly(after(59))) is None
    told = serve(store, after(60), hourly(after(60)))
    assert told is not None
    assert told.deliveries == 3
    plan(store, to_digest(after(60)), at=after(61))
    assert serve(store, after(61), hourly(after(61))) is None
    assert waiting(store) == [("14:00", "digest")]
    following = serve(store, after(120), hourly(after(120)))
    assert following is not None
    assert following.deliveries == 1


def test_digest_that_does_not_fit_one_message_goes_on_in_the_next(store: Store) -> None:
    """Its parts are counted, hold what was due when it was begun, and nothing that came since."""
    plan(store, *[to_digest(after(60))] * 5, at=after(10))
    parts: list[Bundle] = []

    def take_two(deliveries: Sequence[OwedDelivery], bundle: Bundle) -> Composed:
        parts.append(bundle)
        return compose(deliveries, bundle, most=2)

    def send(at: datetime) -> int:
        claimed = store.claim_message(
            PHONE,
            now=at,
            lease_until_at=at + timedelta(minutes=2),
            owner="me",
            compose=take_two,
            look=hourly(at),
        )
        if claimed is None:
            return 0
        store.settle_message(claimed, DELIVERED, at)
        return claimed.deliveries

    assert send(after(60)) == 2
    plan(store, to_digest(after(60)), at=after(61))
    assert [send(after(62)) for _ in range(3)] == [2, 1, 0]
    assert parts == [Bundle("hourly", after(60), part) for part in (1, 2, 3)]
    assert waiting(store) == [("14:00", "digest")]


def test_days_that_the_machine_was_off_are_one_digest(store: Store) -> None:
    """What several periods had is caught up once."""
    for hour in (1, 2, 3):
        plan(store, to_digest(after(60 * hour)), at=after(60 * hour - 10))
    caught_up = serve(store, after(60 * 30), hourly(after(60 * 30)))
    assert caught_up is not None
    assert caught_up.deliveries == 3
    assert serve(store, after(60 * 30), hourly(after(60 * 30))) is None


def test_what_is_urgent_of_a_digest_goes_before_the_night_ends_and_the_rest_when_it_does(
    store: Store,
) -> None:
    """All that was due when it was begun is of it: nothing that was held waits for a whole period more."""
    urgent = to_digest(after(60))._replace(urgent=True)
    plan(store, to_digest(after(60)), urgent, to_digest(after(60)), at=after(10))

    def look(manner: str) -> MannerNow:
        return replace(hourly(after(60))(manner), quiet_until_at=after(90))

    told = serve(store, after(60), look)
    assert told is not None
    assert told.deliveries == 1
    assert waiting(store) == [("13:30", "quiet")] * 2
    rest = serve(store, after(90), hourly(after(90)))
    assert rest is not None
    assert rest.deliveries == 2


def test_what_is_left_of_a_digest_is_no_second_one_though_little_is_kept(store: Store) -> None:
    """A target that fails for longer than is kept gets the parts that follow as such."""
    plan(store, to_digest(after(60)), to_digest(after(60)), at=after(10))
    bundles: list[Bundle] = []

    def take_one(deliveries: Sequence[OwedDelivery], bundle: Bundle) -> Composed:
        bundles.append(bundle)
        return compose(deliveries, bundle, most=1)

    for minutes in (60, 90):
        claimed = store.claim_message(
            PHONE,
            now=after(minutes),
            lease_until_at=after(minutes + 2),
            owner="me",
            compose=take_one,
            look=hourly(after(minutes)),
        )
        assert claimed is not None
        store.settle_message(claimed, DELIVERED, after(minutes))
        store.prune(after(89), timedelta(minutes=10))
    assert [bundle.part for bundle in bundles] == [1, 2]
    store.prune(after(200), timedelta(minutes=10))
    assert rows(store, "SELECT * FROM digests") == []


def test_what_was_dropped_while_it_waited_for_its_digest_is_due_once_it_is_retried(store: Store) -> None:
    """A hand that wants it again wants it now; what is given up so keeps nothing to wait for."""
    plan(store, to_digest(after(600)), at=after(10))
    store.drop_messages((), after(11), addresses=[PHONE])
    assert store.retry_messages((), after(12), addresses=[PHONE]) == 1
    assert store.due_addresses(after(12)) == (PHONE,)
    told = serve(store, after(12), hourly(after(12)))
    assert told is not None
    assert told.deliveries == 1


def test_manners_do_not_mix(store: Store) -> None:
    """What is told in another manner goes in another message, in the order of what came first."""
    plan(store, to_phone("a"), to_phone("b"), to_phone("a"), to_phone("b"))
    sent = [serve(store, START, quiet_until(START)) for _ in range(3)]
    assert [each and each.body.split() for each in sent] == [
        ["011200-0", "011200-2"],
        ["011200-1", "011200-3"],
        None,
    ]


def test_each_message_has_a_key_of_its_own_that_stays(store: Store) -> None:
    """A receiver can tell a repeat by it."""
    plan(store, to_phone(""))
    first = claim(store, START)
    assert first is not None
    store.settle_message(first, Settlement(Settled.AGAIN, after(1), Reason.UNREACHABLE), START)
    again = claim(store, after(1))
    assert again is not None
    store.settle_message(again, DELIVERED, after(1))
    plan(store, to_phone(""), at=after(2))
    other = claim(store, after(2))
    assert other is not None
    assert first.key == again.key != other.key
    assert len(first.key) == 32


# ── gathering ─────────────────────────────────────────────────────────────────────────────────────


def test_what_is_gathered_is_due_once_the_round_of_its_account_has_ended(store: Store) -> None:
    """The end of another account's round does nothing to it, and no end makes it later."""
    gathered = to_phone("", not_before=after(5), waits_for=WaitsFor.GATHERING)
    plan(store, gathered, gathered)
    assert store.end_round(["paul"], after(1)) == 0
    assert store.due_addresses(after(4)) == ()
    assert store.end_round(["jane"], after(1)) == 2
    assert store.due_addresses(after(1)) == (PHONE,)
    assert store.end_round(["jane"], after(3)) == 0
    told = serve(store, after(1), quiet_until(START))
    assert told is not None
    assert told.deliveries == 2


def test_round_that_never_ends_holds_nothing_back_for_long(store: Store) -> None:
    """What was gathered when a process died is due by itself, and at once where all rounds are ended."""
    plan(store, to_phone("", not_before=after(5), waits_for=WaitsFor.GATHERING))
    assert store.due_addresses(after(5)) == (PHONE,)
    assert store.end_round(None, after(1)) == 1
    assert store.due_addresses(after(1)) == (PHONE,)


# ── other routes ──────────────────────────────────────────────────────────────────────────────────


def test_other_routes_plan_what_waits_anew_and_the_same_ones_do_not(store: Store) -> None:
    """A digest that becomes hourly tells within the hour; what no route tells any more is told plainly."""
    plan(store, to_digest(after(600)), to_digest(after(600)), at=after(1))
    ids = [number for (number,) in rows(store, "SELECT id FROM deliveries ORDER BY id")]
    kept = Planned(0, PHONE, after(30), "soon", waits_for=WaitsFor.DIGEST)
    asked: list[PendingDelivery] = []

    def again(pending: PendingDelivery) -> Planned | None:
        asked.append(pending)
        return kept if len(asked) == 1 else None

    assert store.plan_again("new", again, after(2)) == 2
    found = rows(store, "SELECT id, not_before, manner, waits_for FROM deliveries ORDER BY id")
    assert [(number, at[11:16], manner, why) for number, at, manner, why in found] == [
        (ids[0], "12:30", "soon", "digest"),
        (ids[1], "12:02", "", None),
    ]
    assert store.plan_again("new", again, after(3)) == 0
    assert len(asked) == 2


def test_digest_that_waits_for_the_end_of_quiet_hours_is_told_then_whatever_the_routes(store: Store) -> None:
    """Its hour has come and gone: planned anew as it was, it does not wait for the next one."""
    plan(store, to_digest(after(60)), to_digest(after(60)))
    held = replace(hourly(after(60))("hourly"), quiet_until_at=after(90))
    assert serve(store, after(61), lambda _: held) is None
    assert waiting(store) == [("13:30", "quiet")] * 2

    def again(pending: PendingDelivery) -> Planned:
        return to_digest(after(120))

    assert store.plan_again("new", again, after(62)) == 0
    assert waiting(store) == [("13:30", "quiet")] * 2


def test_digest_that_came_while_nobody_was_there_is_told_by_whatever_routes(store: Store) -> None:
    """Its hour has passed: changed routes do not have it wait for another week."""
    plan(store, to_digest(after(60)))
    later = to_digest(after(7 * 1440))._replace(manner="weekly")
    assert store.plan_again("new", lambda _: later, after(61)) == 1
    assert waiting(store) == [("13:00", "digest")]
    assert rows(store, "SELECT manner FROM deliveries") == [("weekly",)]


def test_who_went_on_by_the_routes_before_plans_anew_whatever_another_has_planned(store: Store) -> None:
    """A process beside has read the new file first; what came by the old one since is planned, too."""
    store.plan_again("new", lambda _: None, START)
    plan(store, to_digest(after(600)))
    assert store.plan_again("new", lambda _: None, after(1)) == 0
    assert store.plan_again("new", lambda _: None, after(1), anew=True) == 1
    assert waiting(store) == [("12:01", None)]


def test_others_may_write_while_much_is_planned_anew(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock is held while the routes are asked; what is cut short is begun anew, and none is left out."""
    monkeypatch.setattr(planning, "BITE", 2)
    plan(store, *[to_phone("")] * 5)
    asked: list[int] = []

    def again(pending: PendingDelivery) -> Planned | None:
        asked.append(pending.id)
        with closing(sqlite3.connect(path, timeout=0)) as other, other:
            other.execute("UPDATE accounts SET detail = detail || 'x'")
        if len(asked) == 4:
            raise InterruptedError
        return Planned(0, PHONE, manner="soon")

    with pytest.raises(InterruptedError):
        store.plan_again("new", again, after(2))
    store.plan_again("new", again, after(3))
    assert rows(store, "SELECT DISTINCT manner FROM deliveries") == [("soon",)]
    assert len(asked) == 4 + 5
    assert store.plan_again("new", again, after(4)) == 0


# ── silences ──────────────────────────────────────────────────────────────────────────────────────


def test_silence_is_known_to_polls_until_it_ends(store: Store) -> None:
    """A list that lands sees those that are in force when it was read."""
    land(store, listed("a"))
    first = store.add_silence('title = "Heat"', "", START, after(60))
    store.add_silence('title = "Ran"', "away", START, after(5))

    def known(at: datetime) -> list[int]:
        memory: FeedMemory = recall(store, listed("a"), at=at)
        return [each.id for each in memory.silences]

    assert known(after(4)) == [first, first + 1]
    assert known(after(5)) == [first]
    assert store.expire_silences([first], after(6)) == 1
    assert known(after(6)) == []
    assert store.expire_silences([first], after(7)) == 0


def test_what_a_silence_keeps_is_written_down_and_can_be_told_after_all(store: Store) -> None:
    """Nobody is told, no retry by the way brings it back, and it is still there to be told."""
    number = store.add_silence("kind = queue", "", START, after(60))
    plan(store, to_phone("", silence_id=number), to_phone(""))
    told = serve(store, after(1), quiet_until(START))
    assert told is not None
    assert told.deliveries == 1
    store.retry_messages(None, after(2))
    assert serve(store, after(2), quiet_until(START)) is None
    (status,) = store.list_silences()
    assert status.kept == 1
    assert [each.state for each in store.list_messages()] == ["delivered"]
    assert store.tell_silenced([number], after(3)) == 1
    late = serve(store, after(3), quiet_until(START))
    assert late is not None
    assert late.body == "011200-0"
    assert all(each.problem is None for each in store.inspect(after(4)))


def test_what_a_silence_kept_of_a_digest_that_is_to_come_is_told_in_that(store: Store) -> None:
    """Told at once, it would be in a digest of a time at which it had not happened yet."""
    number = store.add_silence("kind = queue", "", START, after(60))
    plan(store, to_digest(after(60))._replace(silence_id=number), to_phone("", silence_id=number))
    assert store.tell_silenced([number], after(3)) == 2
    assert waiting(store) == [("13:00", "digest"), ("12:03", None)]
    plan(store, to_digest(after(60))._replace(silence_id=number), at=after(4))
    assert store.tell_silenced([number], after(90)) == 1
    assert waiting(store)[-1] == ("13:30", None)


# ── paused feeds ──────────────────────────────────────────────────────────────────────────────────


def test_paused_feed_is_not_polled_until_it_is_resumed(store: Store) -> None:
    """Neither when it is due nor when all are asked for; resumed, it is due at once."""
    land(store, listed("a"))
    assert store.pause_feeds([FEED, "jane/none"], after(1)) == 1
    assert store.pause_feeds([FEED], after(2)) == 0
    assert store.take_polls(after(600), due_only=False) == ()
    (paused,) = store.list_feeds()
    assert (paused.state, paused.next_poll_at) == ("paused", None)
    assert store.resume_feeds([FEED], after(3)) == 1
    assert [task.feed for task in store.take_polls(after(3))] == [FEED]
    assert store.resume_feeds([FEED], after(4)) == 0


def test_poll_that_was_under_way_when_its_feed_was_paused_lands_nowhere(store: Store) -> None:
    """What it read is compared when the feed is resumed: it is still there then."""
    land(store, listed("a"))
    task = take(store)
    store.pause_feeds([FEED], after(1))

    def decide(_memory: FeedMemory, _result: PollResult) -> PollDecision:
        raise AssertionError("there is nothing to decide")

    assert land_one(store, task, reply(listed("a", "b")), decide) is None


# ── forgetting ────────────────────────────────────────────────────────────────────────────────────


def test_pictures_and_excerpts_are_forgotten_after_a_day_and_the_change_is_not(store: Store) -> None:
    """The terms of the API allow no more; title, link and facts stay for as long as is kept."""
    owe(store, "a", to=(PHONE, MAIL))
    with store.transaction() as conn:
        conn.execute("UPDATE changes SET picture = 'http://films.example/a.png', excerpt = 'once'")
    day, keep = timedelta(days=1), timedelta(days=90)
    store.prune(START + day, keep, day)
    assert rows(store, "SELECT picture IS NULL, excerpt FROM changes") == [(0, "once")]
    assert store.prune(START + day + timedelta(seconds=1), keep, day) == 1
    assert rows(store, "SELECT picture IS NULL, excerpt, title FROM changes") == [(1, "", "Title a")]
