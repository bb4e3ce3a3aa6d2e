"""Every change reaches each address that asked for it, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import HISTORY, QUEUE, RATINGS, STREAM, queue, ratings, viewings

from feedwatch.config.conditions import parse_condition
from feedwatch.core.calendar import Digest, Every, Hours, Quiet
from feedwatch.core.diff import diff_snapshots
from feedwatch.core.explain import Verdict, judge_routes
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.manner import Manner
from feedwatch.core.messages import WaitsFor
from feedwatch.core.model import Change, ChangeKind, Entry, FactChange, Kind, RecordedChange
from feedwatch.core.route import LONGEST_ROUND, Route, Routes, Silenced, plan_again, plan_deliveries
from feedwatch.core.state import Planned
from feedwatch.core.where import Subjects

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ADDRESSES = {"phone": ("phone/1",), "mail": ("mail/1", "mail/2")}
EVERY = ("phone/1", "mail/1", "mail/2")
ALL = frozenset(ChangeKind)
NEWS = Change(ChangeKind.ADDED, None, Entry("1", "Heat"))
MOVE = Change(ChangeKind.MOVED, Entry("1", "Heat", position=2), Entry("1", "Heat", position=1), moved=True)


def plan(
    changes: Sequence[Change], account: str, name: str, rules: KindRules, routes: Routes
) -> tuple[tuple[int, str], ...]:
    """The pairs of a change and an address that are planned."""
    planned = plan_deliveries(Subjects(changes, account, name, rules.kind), rules, routes, NOW)
    return tuple((each.change, each.address) for each in planned)


def reached(
    *routes: Route, feed: str = "jane/queue", rules: KindRules = QUEUE, change: Change = NEWS
) -> list[str]:
    """The addresses that one change goes to, in order."""
    account, _, name = feed.partition("/")
    owed = plan([change], account, name, rules, Routes(routes, ADDRESSES))
    assert {index for index, _ in owed} <= {0}
    return [address for _, address in owed]


def test_without_routes_each_kind_announces_its_own_to_every_target() -> None:
    """Who configures no routes is told everywhere what the kind announces, and nothing else."""
    assert reached() == list(EVERY)
    assert reached(change=MOVE) == []
    removed, *_ = diff_snapshots(ratings(A="1"), ratings(), RATINGS).changes
    assert reached(feed="jane/ratings", rules=RATINGS, change=removed) == []
    (watched,) = diff_snapshots(viewings(), viewings("A@1"), HISTORY).changes
    assert reached(feed="jane/history", rules=HISTORY, change=watched) == list(EVERY)


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (Route(to=("phone",)), True),
        (Route(to=("phone",), accounts=frozenset({"jane"})), True),
        (Route(to=("phone",), accounts=frozenset({"paul"})), False),
        (Route(to=("phone",), feeds=frozenset({"queue"})), True),
        (Route(to=("phone",), feeds=frozenset({"instant"})), True),
        (Route(to=("phone",), feeds=frozenset({"jane/instant"})), True),
        (Route(to=("phone",), feeds=frozenset({"paul/instant"})), False),
        (Route(to=("phone",), feeds=frozenset({"history", "jane/instant"})), True),
        (Route(to=("phone",), feeds=frozenset({"history"})), False),
        (Route(to=("phone",), accounts=frozenset({"paul"}), feeds=frozenset({"queue"})), False),
        (Route(to=("phone",), changes=frozenset({ChangeKind.ADDED})), True),
        (Route(to=("phone",), changes=frozenset({ChangeKind.REMOVED})), False),
        (Route(to=("nobody",)), False),
    ],
)
def test_a_route_selects_by_account_feed_kind_and_change(route: Route, *, told: bool) -> None:
    """A feed is selected by its kind, its name or its whole name; all that a route says must hold."""
    assert reached(route, feed="jane/instant") == (["phone/1"] if told else [])


def test_a_route_may_ask_for_more_than_the_kind_announces() -> None:
    """`changes: all` brings moves, and the removal of a rating."""
    assert reached(Route(to=("phone",), changes=ALL), change=MOVE) == ["phone/1"]
    assert reached(Route(to=("phone",)), change=MOVE) == []


def test_a_text_that_is_compared_is_announced() -> None:
    """Who asks for the content of posts is told of an edit without a route that says so."""
    edit = Change(ChangeKind.UPDATED, Entry("1", "A"), Entry("1", "A"))
    assert reached(feed="news/lwn", rules=STREAM, change=edit) == []
    asked = rules_of(Kind.STREAM, compare_content=True)
    assert reached(feed="news/lwn", rules=asked, change=edit) == list(EVERY)


def test_two_routes_to_one_target_are_one_delivery() -> None:
    """However many routes select a change, each address has it once, in the order of the routes."""
    routes = (Route(to=("mail", "phone", "mail")), Route(to=("phone",), changes=ALL))
    assert reached(*routes) == ["mail/1", "mail/2", "phone/1"]
    assert reached(*routes, change=MOVE) == ["phone/1"]


def test_changes_are_owed_in_the_order_in_which_they_are_told() -> None:
    """The deliveries of a poll follow its changes, so that a message tells them in that order."""
    changes = diff_snapshots(queue("A B C"), queue("N A C M"), QUEUE).changes
    owed = plan(changes, "jane", "queue", QUEUE, Routes((), {"phone": ("phone/1",)}))
    assert owed == ((0, "phone/1"), (1, "phone/1"), (2, "phone/1"))


TARGETS = st.lists(st.sampled_from(["phone", "mail", "nobody"]), min_size=1, max_size=3).map(tuple)
ROUTES = st.builds(
    Route,
    to=TARGETS,
    accounts=st.frozensets(st.sampled_from(["jane", "paul"])),
    feeds=st.frozensets(st.sampled_from(["queue", "instant", "jane/instant", "paul/instant", "history"])),
    changes=st.none() | st.frozensets(st.sampled_from(ChangeKind)),
)


@given(routes=st.lists(ROUTES, max_size=4), kinds=st.lists(st.sampled_from(ChangeKind), max_size=4))
def test_whatever_the_routes_no_address_is_owed_a_change_twice(
    routes: list[Route], kinds: list[ChangeKind]
) -> None:
    """A change is owed to an address at most once, only where a route wants it, and never to one unknown."""
    changes = [Change(kind, Entry("1", "Heat"), Entry("1", "Heat")) for kind in kinds]
    owed = plan(changes, "jane", "instant", QUEUE, Routes(tuple(routes), ADDRESSES))
    assert all(times == 1 for times in Counter(owed).values())
    assert {address for _, address in owed} <= set(EVERY)
    for index, change in enumerate(changes):
        alone = [reached(route, feed="jane/instant", change=change) for route in routes] or [
            reached(change=change)
        ]
        assert {address for i, address in owed if i == index} == {a for each in alone for a in each}


def test_notices_go_to_their_targets_once() -> None:
    """A target that is named twice, or is not there, gets each notice once or not at all."""
    routes = Routes((), ADDRESSES, notices=("mail", "phone", "mail", "nobody"))
    assert routes.notice_addresses == ("mail/1", "mail/2", "phone/1")
    assert routes.all_addresses == set(EVERY)
    assert Routes((), ADDRESSES).notice_addresses == ()


@pytest.mark.parametrize(
    ("notices", "failing", "told"),
    [
        (("phone", "mail"), "phone/1", ("mail/1", "mail/2")),
        (("phone", "mail"), "mail/2", ("phone/1",)),
        (("mail",), "phone/1", ("mail/1", "mail/2")),
        (("phone",), "phone/1", ("mail/1", "mail/2")),
        ((), "phone/1", ()),
    ],
    ids=["the other", "not its sibling", "as configured", "all others where there is only it", "nobody"],
)
def test_of_a_target_that_fails_others_are_told(
    notices: tuple[str, ...], failing: str, told: tuple[str, ...]
) -> None:
    """Those whom notices go to, but never the target itself; where that leaves none, all others."""
    assert Routes((), ADDRESSES, notices).told_about(failing) == told


def test_where_there_is_one_target_nobody_is_told_that_it_fails() -> None:
    """A target that fails cannot say so: no notice goes round in a circle."""
    assert Routes((), {"phone": ("phone/1", "phone/2")}, ("phone",)).told_about("phone/1") == ()


# ── when, and how ─────────────────────────────────────────────────────────────────────────────────

DAILY = Manner(digest=Digest(Every.DAILY, UTC, "UTC", time(8)))
SHORT = Manner(limit=3)
GATHER = timedelta(seconds=30)


def planned(
    *routes: Route, at: datetime = NOW, gather: timedelta = GATHER, silences: Sequence[Silenced] = ()
) -> list[Planned]:
    """What is planned for one addition to the queue."""
    subjects = Subjects([NEWS], "jane", "queue", Kind.QUEUE)
    return list(plan_deliveries(subjects, QUEUE, Routes(routes, ADDRESSES, gather=gather), at, silences))


def test_what_is_told_at_once_is_gathered_and_a_digest_waits_for_its_time() -> None:
    """The end of a round makes what is gathered due; a digest is due at the first of its times to come."""
    (now,) = planned(Route(to=("phone",)))
    assert (now.waits_for, now.not_before) == (WaitsFor.GATHERING, NOW + GATHER + LONGEST_ROUND)
    (later,) = planned(Route(to=("phone",), manner=DAILY))
    assert (later.waits_for, later.not_before) == (WaitsFor.DIGEST, datetime(2026, 11, 2, 8, tzinfo=UTC))
    (ungathered,) = planned(Route(to=("phone",)), gather=timedelta(0))
    assert (ungathered.waits_for, ungathered.not_before) == (None, None)


def test_of_two_routes_to_one_address_the_one_that_tells_sooner_says_how() -> None:
    """And of two that are as soon as each other, the first; whatever the order, it is told once."""
    at_once, digest = Route(to=("phone",), manner=SHORT), Route(to=("phone",), manner=DAILY)
    for routes in ((at_once, digest), (digest, at_once)):
        (told,) = planned(*routes)
        assert told.manner == SHORT.key
    (first,) = planned(Route(to=("phone",)), at_once)
    assert first.manner == ""


def test_where_it_is_quiet_for_one_route_another_tells_sooner() -> None:
    """What one would hold for the night is told by the other; what is urgent, or by day, by the first."""
    night = Hours(time(22), time(7), UTC, "UTC")
    nightfall = datetime(2026, 11, 1, 21, 59, 45, tzinfo=UTC)
    other = Route(to=("phone",), manner=SHORT)

    def told(urgent: str, at: datetime) -> str:
        held = Manner(quiet=Quiet(night, urgent=parse_condition(f'title = "{urgent}"')))
        (owed,) = planned(Route(to=("phone",), manner=held), other, at=at)
        return owed.manner.partition(" ")[0]

    assert told("Ran", nightfall) == "limit"
    assert told("Heat", nightfall) == told("Ran", NOW) == "quiet"


def test_what_is_told_in_a_moment_does_not_wait_for_a_digest_that_comes_before_its_round_may_end() -> None:
    """A round is expected to end: five minutes is only the most that is waited for it."""
    before = datetime(2026, 11, 1, 7, 58, tzinfo=UTC)
    (owed,) = planned(Route(to=("phone",), manner=DAILY), Route(to=("phone",), manner=SHORT), at=before)
    assert owed.manner == SHORT.key


def test_muted_route_tells_nothing_and_leaves_it_to_the_others() -> None:
    """For good, or in some hours only; another route to the same address tells all the same."""
    hours = Hours(time(11), time(13), UTC, "UTC")
    muted = Route(to=("phone",), mute=hours)
    assert planned(muted) == []
    assert len(planned(muted, at=NOW + timedelta(hours=1))) == 1
    assert planned(Route(to=("phone",), mute=True)) == []
    assert len(planned(muted, Route(to=("phone",), manner=DAILY))) == 1


def test_condition_of_a_route_chooses_and_that_of_its_quiet_hours_says_what_is_urgent() -> None:
    """Only what fulfils the first is told, and only what fulfils the second is urgent."""
    heat, ran = parse_condition('title = "Heat"'), parse_condition('title = "Ran"')
    quiet = Hours(time(22), time(7), UTC, "UTC")
    assert planned(Route(to=("phone",), where=ran)) == []
    (urgent,) = planned(Route(to=("phone",), where=heat, manner=Manner(quiet=Quiet(quiet, urgent=heat))))
    (other,) = planned(Route(to=("phone",), where=heat, manner=Manner(quiet=Quiet(quiet, urgent=ran))))
    assert (urgent.urgent, other.urgent) == (True, False)


def test_silence_is_written_with_what_it_keeps() -> None:
    """Its number goes with each delivery that it covers, and with no other."""
    covering = Silenced(7, parse_condition('title = "Heat"'))
    other = Silenced(8, parse_condition("year < 1900"))
    assert [each.silence_id for each in planned(Route(to=("phone",)), silences=[other, covering])] == [7]
    assert [each.silence_id for each in planned(Route(to=("phone",)), silences=[other])] == [None]


def test_signature_changes_with_whatever_plans_otherwise_and_with_nothing_else() -> None:
    """Other routes are seen by it; the same ones, read again, are the same."""
    route = Route(to=("phone",), feeds=frozenset({"queue", "ratings"}))
    same = Route(to=("phone",), feeds=frozenset({"ratings", "queue"}))
    known = Routes((route,), ADDRESSES).signature
    assert Routes((same,), ADDRESSES).signature == known
    others = (
        Route(to=("mail",), feeds=route.feeds),
        Route(to=("phone",), feeds=frozenset({"queue"})),
        Route(to=("phone",), feeds=route.feeds, changes=frozenset({ChangeKind.ADDED})),
        Route(to=("phone",), feeds=route.feeds, where=parse_condition("year < 1900")),
        Route(to=("phone",), feeds=route.feeds, manner=DAILY),
    )
    signatures = {Routes((each,), ADDRESSES).signature for each in others}
    assert len(signatures | {known}) == len(others) + 1
    assert Routes((route,), {"phone": ("phone/1", "phone/2")}).signature != known


def test_what_waits_is_planned_anew_as_the_routes_say_now() -> None:
    """For its own address alone; it is not gathered twice, and None says that no route leads it there."""
    change = RecordedChange(
        1, NOW, "jane", "queue", Kind.QUEUE, ChangeKind.ADDED, "1", "Heat", None, 1, None, {}, {}
    )
    daily = Routes((Route(to=("mail",), manner=DAILY), Route(to=("phone",))), ADDRESSES, gather=GATHER)
    told = plan_again(change, "mail/2", daily, NOW)
    assert told is not None
    assert (told.address, told.manner, told.waits_for) == ("mail/2", DAILY.key, WaitsFor.DIGEST)
    soon = plan_again(change, "phone/1", daily, NOW)
    assert soon is not None
    assert soon.waits_for is None
    assert plan_again(change, "gone/1", daily, NOW) is None
    muted = Routes((Route(to=("phone",), mute=True),), ADDRESSES)
    assert plan_again(change, "phone/1", muted, NOW) is not None, "it came before it was muted"


def test_edited_title_of_a_post_whose_text_is_compared_is_told_as_it_was() -> None:
    """That its text is compared shows in what it says, though the text is the same."""
    change = RecordedChange(
        1,
        NOW,
        "blog",
        "posts",
        Kind.STREAM,
        ChangeKind.UPDATED,
        "1",
        "Heat",
        None,
        1,
        None,
        {"title": FactChange("Haet", "Heat")},
        {"content": "a-digest"},
    )
    routes = Routes((Route(to=("mail",), manner=DAILY),), ADDRESSES)
    told = plan_again(change, "mail/1", routes, NOW)
    assert told is not None
    assert told.manner == DAILY.key


def test_route_is_said_to_be_too_late_where_another_tells_sooner() -> None:
    """Judged by the plan itself: of two routes to one address one tells, and the other names it."""
    change = RecordedChange(
        1, NOW, "jane", "queue", Kind.QUEUE, ChangeKind.ADDED, "1", "Heat", None, 1, None, {}, {}
    )
    daily, at_once = Route(to=("mail",), manner=DAILY), Route(to=("mail",))
    wider = Route(to=("mail", "phone"), manner=DAILY)
    judged = judge_routes(change, Routes((daily, at_once, wider), ADDRESSES, gather=GATHER))
    assert [(each.verdict, each.sooner) for each in judged] == [
        (Verdict.TOLD_SOONER, 2),
        (Verdict.TELLS, None),
        (Verdict.TELLS, None),
    ]
