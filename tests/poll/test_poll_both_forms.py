"""Atom and plain XML side by side: two accounts at one server, one in each form, are told the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from watching import EVERYTHING, TARGETS, Jane, Watch, let_jane_in, watching, write_config

from feedwatch.core.model import Entry, RecordedChange
from feedwatch.poll import PollOutcome
from feedwatch.sandbox import Sandbox, World
from feedwatch.sandbox.world import OrderRefused
from feedwatch.store import Store

LISTS = ("queue", "history", "ratings", "recommendations")
TITLES = (
    "Ran & Co. <1985>",
    "Ünder 東京 “Ç”",
    "The Ninth Postman",
    "Ben \u200fHur",
    'O\'Dea "Two"',
    "  Spaced   Out ",
)


def config_of(jane: Jane, *, atom: str = "atom", xml: str = "xml") -> str:
    """Her account twice, once in each form."""
    account = jane.world.account
    said = "".join(
        f"  {name}:\n    service: netflix\n    url: {jane.base}\n    format: {form}\n"
        f"    consumer_key: {account.consumer_key}\n    consumer_secret: {account.consumer_secret}\n"
        f"    access_token: {account.access_token}\n    access_token_secret: {account.access_token_secret}\n"
        f"    user_id: {account.user_id}\n"
        for name, form in (("atom", atom), ("xml", xml))
    )
    return f"gather: 0s\naccounts:\n{said}targets:\n{TARGETS}{EVERYTHING}"


async def shown(watch: Watch, account: str) -> dict[str, list[Entry]]:
    """What is kept of each list of an account, with nothing left out but what a reply alone shows."""
    found = {}
    for name in LISTS:
        entries = await watch.assembly.store.run(Store.list_entries, f"{account}/{name}")
        found[name] = [each.entry for each in entries or ()]
    return found


async def told(watch: Watch, account: str) -> dict[str, list[RecordedChange]]:
    """What has been recorded of each list of an account: all but numbers, instants, and Atom's summaries."""
    return {
        name: [
            replace(change, id=0, at=watch.moment.at, account="", details=replace(change.details, text=""))
            for change in await watch.recorded(f"{account}/{name}")
        ]
        for name in LISTS
    }


async def assert_same_in_both(watch: Watch) -> None:
    """Poll all lists, and again: entries, keys, places, facts and changes are the same in both forms."""
    reports = await watch.poll()
    forms = {
        account: {name: reports[f"{account}/{name}"].outcome for name in LISTS} for account in ("atom", "xml")
    }
    assert PollOutcome.FAILED not in {*forms["atom"].values(), *forms["xml"].values()}
    assert (await shown(watch, "xml")) == (await shown(watch, "atom"))
    assert (await told(watch, "xml")) == (await told(watch, "atom"))
    watch.moment.pass_by(minutes=5)


# ── moves ─────────────────────────────────────────────────────────────────────────────────────────

Move = Callable[[World], object]


def _drop_rating(world: World, place: int) -> None:
    if world.ratings:
        del world.ratings[place % len(world.ratings)]
        world.versions["ratings"] += 1


def _forget_viewing(world: World, place: int) -> None:
    if world.history:
        del world.history[place % len(world.history)]
        world.versions["history"] += 1


def _empty_queue(world: World) -> None:
    world.queue = []
    world.versions["queue"] += 1


def _shuffle_suggestions(world: World, by: int) -> None:
    places = list(world.recommendations)
    turn = by % max(1, len(places))
    world.recommendations = places[turn:] + places[:turn]
    world.versions["recommendations"] += 1


places = st.integers(1, 40)
titles = st.sampled_from([*TITLES, None])
moves: st.SearchStrategy[Move] = st.one_of(
    st.builds(lambda t, p: lambda w: w.add(title=t, position=p), titles, places),
    st.builds(lambda a, b: lambda w: w.move(start=a, to=b), places, places),
    st.builds(lambda p: lambda w: w.remove(position=p), places),
    st.builds(lambda t: lambda w: w.save(title=t), titles),
    st.builds(lambda p: lambda w: w.make_available(position=p), places),
    st.builds(lambda t: lambda w: w.watch(title=t), titles),
    st.builds(
        lambda t, v: lambda w: w.rate(title=t, value=v),
        titles,
        st.sampled_from(["1", "3", "5", "not_interested"]),
    ),
    st.builds(lambda t: lambda w: w.recommend(title=t), titles),
    st.builds(lambda p: lambda w: _drop_rating(w, p), places),
    st.builds(lambda p: lambda w: _forget_viewing(w, p), places),
    st.builds(lambda p: lambda w: _shuffle_suggestions(w, p), places),
    st.just(_empty_queue),
    st.just(lambda w: w.rotate_token()),
    st.just(lambda _: None),
)


def carry_out(move: Move, world: World) -> None:
    """Move a list, if it can be moved so."""
    with suppress(OrderRefused):
        move(world)


async def over_both(jane: Jane, steps: Callable[[Watch], Awaitable[None]]) -> None:
    """Watch her lists in both forms from the beginning."""
    with TemporaryDirectory() as folder:
        async with watching(Path(folder), config_of(jane), jane.moment) as watch:
            await watch.discover()
            await assert_same_in_both(watch)
            await steps(watch)


@settings(deadline=None, max_examples=12)
@given(
    script=st.lists(st.lists(moves, max_size=3), min_size=1, max_size=7),
    later=st.booleans(),
    etags=st.booleans(),
)
def test_whatever_moves_is_told_the_same(
    served: tuple[Sandbox, str], script: list[list[Move]], *, later: bool, etags: bool
) -> None:
    """After every step of any sequence of moves both forms know the same lists and have told the same."""
    jane = let_jane_in(*served, queue=35)
    jane.switches.later_dialect, jane.switches.http_etags = later, etags

    async def play(watch: Watch) -> None:
        for step in script:
            for move in step:
                carry_out(move, jane.world)
            await assert_same_in_both(watch)

    asyncio.run(over_both(jane, play))


async def test_lists_longer_than_a_page(served: tuple[Sandbox, str]) -> None:
    """520 titles, some saved, some with names from everywhere: told alike, above and below the page's end."""
    jane = let_jane_in(*served, queue=520)

    async def play(watch: Watch) -> None:
        for title in TITLES[:3]:
            jane.world.save(title=title)
        await assert_same_in_both(watch)
        jane.world.move(start=515, to=3)
        jane.world.remove(position=510)
        await assert_same_in_both(watch)
        jane.world.make_available(title=TITLES[1], position=505)
        jane.world.rate(title=TITLES[0], value="not_interested")
        await assert_same_in_both(watch)
        assert len(await watch.recorded("xml/queue")) == 6
        assert len(await watch.recorded("xml/ratings")) == 1

    await over_both(jane, play)


async def test_forms_change_places(served: tuple[Sandbox, str], tmp_path: Path) -> None:
    """`format` of a running state is changed, back and forth: no change, no baseline, and then as ever."""
    jane = let_jane_in(*served, queue=40)
    jane.world.save(title=TITLES[0])
    jane.world.rate(title=TITLES[1], value="not_interested")
    async with watching(tmp_path, config_of(jane), jane.moment) as watch:
        await watch.discover()
        await assert_same_in_both(watch)
        for atom, xml in (("xml", "atom"), ("atom", "xml"), ("xml", "xml")):
            await watch.reload(write_config(tmp_path, config_of(jane, atom=atom, xml=xml)))
            await watch.discover()
            await assert_same_in_both(watch)
            await assert_same_in_both(watch)
        assert await watch.changes() == []
        assert await watch.notices() == ["watching"]
        jane.world.add(title=TITLES[2])
        await assert_same_in_both(watch)
        assert await watch.changes() == [("added", TITLES[2])] * 2


async def test_change_and_switch_at_once(served: tuple[Sandbox, str], tmp_path: Path) -> None:
    """What changed while the form was switched is told once, and as it was."""
    jane = let_jane_in(*served, queue=40)
    async with watching(tmp_path, config_of(jane), jane.moment) as watch:
        await watch.discover()
        await assert_same_in_both(watch)
        gone = jane.world.remove(position=7).name
        await watch.reload(write_config(tmp_path, config_of(jane, atom="xml", xml="atom")))
        await watch.discover()
        await assert_same_in_both(watch)
        await assert_same_in_both(watch)
        assert await watch.changes() == [("removed", gone)] * 2
