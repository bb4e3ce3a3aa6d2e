"""Every change reaches each address that asked for it, once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import HISTORY, QUEUE, RATINGS, STREAM, queue, ratings, viewings

from feedwatch.core.diff import diff_snapshots
from feedwatch.core.kinds import KindRules, rules_of
from feedwatch.core.model import Change, ChangeKind, Entry, Kind
from feedwatch.core.route import Route, Routes, route_changes

ADDRESSES = {"phone": ("phone/1",), "mail": ("mail/1", "mail/2")}
EVERY = ("phone/1", "mail/1", "mail/2")
ALL = frozenset(ChangeKind)
NEWS = Change(ChangeKind.ADDED, None, Entry("1", "Heat"))
MOVE = Change(ChangeKind.MOVED, Entry("1", "Heat", position=2), Entry("1", "Heat", position=1), moved=True)


def reached(
    *routes: Route, feed: str = "jane/queue", rules: KindRules = QUEUE, change: Change = NEWS
) -> list[str]:
    """The addresses that one change goes to, in order."""
    account, _, name = feed.partition("/")
    owed = route_changes([change], account, name, rules, Routes(routes, ADDRESSES))
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
    owed = route_changes(changes, "jane", "queue", QUEUE, Routes((), {"phone": ("phone/1",)}))
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
    owed = route_changes(changes, "jane", "instant", QUEUE, Routes(tuple(routes), ADDRESSES))
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
