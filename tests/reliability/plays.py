"""The plays: each fault, alone, against a daemon that goes on; and all of them mixed.

A play ends in calm weather: then all that moved has been served, and has been told or never will be.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import weather
from front import Fault, Visit
from ledger import Reckoning
from mover import LISTS
from sinks import Reply
from targets import REFUSALS, UNANSWERED
from trial import Trial, open_trial

from feedwatch.poll import PollOutcome
from feedwatch.store import Store

ALL = (*LISTS, "news")


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a play: how often its fault took effect, the three numbers, and a word for a reader."""

    tried: int
    reckoning: Reckoning
    notes: str = ""


Mend = Callable[[], Awaitable[None]]
Play = Callable[[Path, int, int], Coroutine[Any, Any, Played]]
"""Plays in a folder, from a seed, for so many rounds."""


async def _finish(trial: Trial, tried: int, *, straighten: bool = True) -> Played:
    await trial.calm(straighten=straighten)
    reckoning = trial.reckon()
    unforeseen = [trouble for trouble in trial.troubles if trouble.startswith(("unforeseen", "never"))]
    if unforeseen:  # whatever was told: a daemon must not stumble
        reckoning = replace(reckoning, invented=reckoning.invented + len(unforeseen))
    return Played(tried, reckoning, "" if reckoning.holds else trial.explain())


# ── the server ────────────────────────────────────────────────────────────────────────────────────


async def play_fault(
    folder: Path, seed: int, rounds: int, *, fault: Fault, lists: Sequence[str] = ALL, plain: bool = False
) -> Played:
    """Bend one answer of a random list a round; every third round is straight."""
    async with open_trial(folder, seed, plain=plain) as trial:
        for number in range(rounds):
            if number % 3 != 2:
                trial.front.bend_next(trial.rng.choice(lists), fault)
            await trial.step()
        return await _finish(trial, trial.front.hit.total())


async def play_each(
    folder: Path, seed: int, rounds: int, *, faults: Mapping[str, Fault], probed: bool = False
) -> Played:
    """Each of these faults in turn, at random lists: the short form of many plays."""
    async with open_trial(folder, seed, probed=probed) as trial:
        for _ in range(rounds):
            for fault in faults.values():
                trial.front.bend_next(trial.rng.choice(ALL), fault)
                await trial.step(minutes=16)
        return await _finish(trial, trial.front.hit.total())


async def play_doubtful(
    folder: Path, seed: int, rounds: int, *, fault: Fault, lists: Sequence[str]
) -> Played:
    """Show what is not true, once; the list is asked for again before it is shown anything else untrue."""
    async with open_trial(folder, seed) as trial:
        for _ in range(rounds):
            name = trial.rng.choice(lists)
            trial.front.bend_next(name, fault)
            await trial.step(minutes=20)
            trial.front.straighten()
            await trial.step(minutes=3)
            await trial.step(minutes=20)
        return await _finish(trial, trial.front.hit.total())


async def play_stale(folder: Path, seed: int, rounds: int, *, lists: Sequence[str], plain: bool) -> Played:
    """Show now and then what a list was a few states ago."""
    async with open_trial(folder, seed, plain=plain) as trial:
        tried = 0
        for number in range(rounds):
            name = trial.rng.choice(lists)
            trial.mover.move(name)
            if number > 4 and trial.front.recall(name):
                trial.front.bend_next(name, weather.serve_stale)
                tried += 1
            await trial.step(minutes=20)
            trial.front.straighten()
            await trial.step(minutes=3)
        return await _finish(trial, tried)


async def play_lasting(
    folder: Path, seed: int, rounds: int, *, fault: Fault, plain: bool = False, probed: bool = False
) -> Played:
    """Bend every answer of every list, to the very end of the run."""
    async with open_trial(folder, seed, plain=plain, probed=probed) as trial:
        for name in ALL:
            trial.front.bend(name, fault)
        for _ in range(rounds):
            await trial.step(minutes=20)
        return await _finish(trial, trial.front.hit.total(), straighten=False)


async def play_latched(folder: Path, seed: int, rounds: int, *, probed: bool = False) -> Played:
    """Answer 304 for ever: once a week, or once a day, a list is read all the same."""
    async with open_trial(folder, seed, probed=probed) as trial:
        for name in ALL:
            trial.front.bend(name, weather.latch)
        for number in range(rounds):
            early = number < rounds // 2
            await trial.step(moves=4 if early else 0, minutes=(1 if early else 8) * 2880 / rounds)
        return await _finish(trial, trial.front.hit.total(), straighten=False)


async def play_moving_pages(
    folder: Path, seed: int, rounds: int, *, plain: bool, probed: bool = False
) -> Played:
    """Let the queue move on between two of its pages."""
    # Long pages: on a busy machine they take their time, and what timed out would be an outage.
    async with open_trial(folder, seed, queue=520, plain=plain, probed=probed, patience="10s") as trial:
        tried = 0

        async def move_on(visit: Visit) -> bool:
            nonlocal tried
            if visit.start_index and (not tried or trial.rng.random() < 0.6):
                trial.rng.choice((trial.mover.remove, partial(trial.mover.move, "queue")))()
                tried += 1
            await visit.send((await visit.ask_again()).write())
            return True

        for number in range(rounds):
            trial.front.bend("queue", move_on if number % 2 == 0 else None)
            trial.mover.move("queue")  # or its first page would do, and nobody would ask for others
            await trial.step(moves=1, minutes=20 if probed else None)
        return await _finish(trial, tried)


async def play_emptied(folder: Path, seed: int, rounds: int) -> Played:
    """Empty the queue for good: believed when it is seen twice, and told title by title."""
    played = Played(0, Reckoning())
    for number in range(rounds):
        place = folder / str(number)
        place.mkdir()
        async with open_trial(place, seed + number, queue=14 + number % 20) as trial:
            await trial.step()
            await trial.calm()
            trial.mover.clear_queue()
            for _ in range(3):
                await trial.step(moves=0, minutes=16)
            ended = await _finish(trial, 1)
        played = Played(played.tried + 1, played.reckoning + ended.reckoning, played.notes or ended.notes)
    return played


async def play_gone(folder: Path, seed: int, rounds: int) -> Played:
    """Answer 410, which retires a feed, until the index names another address for it."""
    async with open_trial(folder, seed) as trial:
        for _ in range(rounds):
            trial.front.bend_next("history", weather.refuse(410, "Gone"))
            for _ in range(4):
                await trial.step(minutes=16)
            trial.world.rotate_token()
            await trial.step(minutes=16)
            await trial.step(minutes=16)
        return await _finish(trial, trial.front.hit["history"])


async def play_new_tokens(folder: Path, seed: int, rounds: int) -> Played:
    """Change tokens, hosts in ids, and dialects under way: nothing of it is news."""
    async with open_trial(folder, seed) as trial:
        for number in range(rounds):
            trial.world.rotate_token()
            switches = trial.world.switches
            switches.later_dialect = bool(number % 2)
            switches.id_host = f"api{number % 3}.example.net"
            switches.plain_only = bool(number % 5 == 3)
            await trial.step()
        return await _finish(trial, rounds)


async def play_late_polls(folder: Path, seed: int, rounds: int) -> Played:
    """Let a poll that was taken first land last: a `feedwatch poll` beside a slow daemon."""
    tried = 0
    async with open_trial(folder, seed, patience="10s") as trial:
        for _ in range(rounds):
            let_go, arrived = asyncio.Event(), asyncio.Semaphore(0)
            for _ in range(4):  # so that what lands late is a state that was never seen
                trial.mover.move()

            async def answer_late(
                visit: Visit, let_go: asyncio.Event = let_go, arrived: asyncio.Semaphore = arrived
            ) -> bool:
                arrived.release()
                await let_go.wait()
                await visit.send(visit.truth.write())
                return True

            for name in ALL:
                trial.front.bend_next(name, answer_late)
            trial.moment.at += timedelta(minutes=20)
            late = asyncio.create_task(trial.assembly.poller.run_round(await trial.take_all()))
            for _ in ALL:
                await arrived.acquire()
            for _ in range(4):
                trial.mover.move()
            trial.note(await trial.assembly.poller.run_round(await trial.take_all()))
            let_go.set()
            tried += sum(report.outcome is PollOutcome.LATE for report in await late)
            await trial.step(minutes=20)
        return await _finish(trial, tried)


async def play_no_network(folder: Path, seed: int, rounds: int) -> Played:
    """Take the whole network away for hours: no feed is blamed, nothing is lost."""
    async with open_trial(folder, seed) as trial:
        for _ in range(rounds):
            for door in ("api", "news"):
                await trial.front.close_door(door)
            for _ in range(8):
                await trial.step(minutes=30)
            for door in ("api", "news"):
                await trial.front.open_door(door)
            await trial.step(minutes=30)
        played = await _finish(trial, rounds)
        blamed = await trial.count_notices("feed_broken", "account_broken", "feed_recovered")
        numbers = replace(played.reckoning, invented=played.reckoning.invented + blamed)
        return replace(played, reckoning=numbers)


# ── the far end ───────────────────────────────────────────────────────────────────────────────────


async def play_refusals(folder: Path, seed: int, rounds: int, *, reply: Reply) -> Played:
    """Let a target answer so for a while, and take messages again; another target takes them all the time."""
    async with open_trial(folder, seed, targets=2) as trial:
        bad = trial.targets[0]
        for number in range(rounds):
            bad.refuse(reply if number % 4 < 2 else Reply(200))
            await trial.step(moves=6, minutes=16)
        tried = sum(one.status is None or one.status >= 300 for one in bad.sink.received)
        return await _finish(trial, tried)


async def play_closed_door(folder: Path, seed: int, rounds: int) -> Played:
    """Let nobody listen at a target for a while."""
    async with open_trial(folder, seed, targets=2) as trial:
        bad = trial.targets[0]
        for number in range(rounds):
            if number % 4 == 0:
                bad.sink.close_door()
            elif number % 4 == 2:
                bad.sink.open_door()
            await trial.step(moves=6, minutes=16)
        if (rounds - 1) % 4 < 2:
            bad.sink.open_door()
        return await _finish(trial, rounds // 2)


async def play_unanswered(
    folder: Path,
    seed: int,
    rounds: int,
    *,
    arrives: bool,
    reply: Reply = UNANSWERED,
    policy: str = "retry",
) -> Played:
    """Take a message, or not, and never answer, or cut the connection."""
    more = f"on_ambiguous: {policy}\n"
    async with open_trial(folder, seed, targets=2, more=more) as trial:
        bad = trial.targets[0]
        bad.takes_unanswered = arrives
        for number in range(rounds):
            bad.refuse(Reply(200) if number % 3 == 2 else reply)  # most rounds: some send nothing
            await trial.step(moves=6, minutes=16)
        tried = sum(one.status is None for one in bad.sink.received)
        return await _finish(trial, tried)


async def play_dead_target(folder: Path, seed: int, rounds: int) -> Played:
    """One target is dead for almost five days; the others flow, and it gets all of it in the end."""
    async with open_trial(folder, seed, targets=3) as trial:
        dead = trial.targets[1]
        dead.refuse(Reply(500))
        hours = 4.9 * 24 / rounds
        behind = 0
        for _ in range(rounds):
            await trial.step(minutes=hours * 60)
            told = [trial.ledger.reckon(target.told()) for target in trial.targets]
            open_now = sum(map(trial.mover.open_titles, ALL))
            behind += max(told[0].lost, told[2].lost) > open_now
        played = await _finish(trial, len(dead.sink.received))
        # Another is told that it fails, and that it works again: once each.
        behind += abs(await trial.count_notices("target_failing") - 1)
        behind += abs(await trial.count_notices("target_recovered") - 1)
        return replace(played, reckoning=replace(played.reckoning, lost=played.reckoning.lost + behind))


# ── the process, as far as a clock and a restart are concerned ────────────────────────────────────


async def play_stopped_clock(folder: Path, seed: int, rounds: int) -> Played:
    """Let the daemon's clock stand still for three of four rounds."""
    async with open_trial(folder, seed) as trial:
        for number in range(rounds):
            await trial.step(minutes=0 if number % 4 else 60)
        return await _finish(trial, rounds)


async def play_clock(folder: Path, seed: int, rounds: int, *, hours: Sequence[float]) -> Played:
    """Let the daemon's clock jump, off by so many hours for some rounds each; tokens change meanwhile."""
    async with open_trial(folder, seed) as trial:
        for number in range(rounds):
            trial.moment.off = timedelta(hours=hours[number // 3 % len(hours)])
            if number % 5 == 0:
                trial.world.rotate_token()
            if number % 7 == 0:
                await trial.restart()
            await trial.step()
        trial.moment.off = timedelta(0)
        return await _finish(trial, rounds)


async def play_far_ahead(folder: Path, seed: int, rounds: int) -> Played:
    """Let the daemon's clock be ten years ahead for a while: within a day of its end all must be told."""
    async with open_trial(folder, seed) as trial:
        for number in range(rounds):
            trial.moment.off = timedelta(days=3650 if number % 6 in (2, 3) else 0)
            if number % 6 == 4:
                await trial.assembly.prune()
            await trial.step()
        trial.moment.off = timedelta(0)
        await trial.assembly.prune()
        ended_at = trial.moment.at
        await trial.calm()
        if trial.moment.at - ended_at > timedelta(days=1):
            trial.troubles["never told in time"] += 1
        return await _finish(trial, rounds)


async def play_suspend(folder: Path, seed: int, rounds: int) -> Played:
    """Let the machine sleep for a day, every third round."""
    async with open_trial(folder, seed) as trial:
        for number in range(rounds):
            await trial.step(minutes=1440 if number % 3 == 0 else None)
        return await _finish(trial, rounds)


async def play_restarts(folder: Path, seed: int, rounds: int) -> Played:
    """Stop in order and start again, all the time."""
    # Nothing hangs here: on a busy machine, what was served must not have come too late.
    async with open_trial(folder, seed, patience="10s") as trial:
        for _ in range(rounds):
            await trial.step()
            await trial.restart()
        return await _finish(trial, rounds)


# ── the ground ────────────────────────────────────────────────────────────────────────────────────


async def play_ground(
    folder: Path, seed: int, rounds: int, *, break_ground: Callable[[Trial], Awaitable[Mend]]
) -> Played:
    """Take the ground away under two rounds of four, and give it back."""
    async with open_trial(folder, seed) as trial:
        for _ in range(rounds):
            mend = await break_ground(trial)
            await trial.step(moves=30)
            await trial.step(moves=30)
            await mend()
            await trial.step()
            await trial.step()
        return await _finish(trial, sum(trial.troubles.values()))


async def fill_disk(trial: Trial) -> Mend:
    """Let the file not grow by a page."""

    def limit(store: Store) -> None:
        (pages,) = store.query("PRAGMA page_count")[0]
        store.query(f"PRAGMA max_page_count = {pages}")

    def lift(store: Store) -> None:
        store.query("PRAGMA max_page_count = 1073741823")

    await trial.assembly.store.run(limit)
    return lambda: trial.assembly.store.run(lift)


async def forbid_writing(trial: Trial) -> Mend:
    """Let every write fail as on a file system that is read-only."""
    await trial.assembly.store.run(_set, "query_only = 1")
    return lambda: trial.assembly.store.run(_set, "query_only = 0")


async def hold_lock(trial: Trial) -> Mend:
    """Let another program write all the time."""
    await trial.assembly.store.run(_set, "busy_timeout = 20")
    other = sqlite3.connect(trial.state, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def let_go() -> None:
        other.execute("ROLLBACK")
        other.close()

    return let_go


def _set(store: Store, pragma: str) -> None:
    store.query(f"PRAGMA {pragma}")


# ── everything at once ────────────────────────────────────────────────────────────────────────────


async def play_mixed(folder: Path, seed: int, rounds: int) -> Played:
    """Anything may go wrong at any time, and several things at once."""
    faults = [*_ONCE.values()]
    # A 401 to a signed call signs the account out, until somebody signs in again.
    of_index = [fault for name, fault in _ONCE.items() if not name.startswith("401")]
    grounds = [fill_disk, forbid_writing, hold_lock]
    more = "retry: {first: 30s, most: 1h, give_up: 30d}\n"
    async with open_trial(folder, seed, targets=2, more=more) as trial:
        bad, rng = trial.targets[0], trial.rng
        tried = 0
        for number in range(rounds):
            for _ in range(rng.randint(0, 3)):
                name = rng.choice((*ALL, "index"))
                trial.front.bend_next(name, rng.choice(of_index if name == "index" else faults))
                tried += 1
            if number % 6 == 0:
                bad.refuse(rng.choice([Reply(200), *REFUSALS.values()]))
                tried += 1
            if rng.random() < 0.1:
                trial.moment.off = timedelta(hours=rng.choice((-1, 0, 0, 1)))
                tried += 1
            if rng.random() < 0.05:
                trial.world.rotate_token()
                tried += 1
            if rng.random() < 0.05:
                await trial.restart()
                tried += 1
            mend = await rng.choice(grounds)(trial) if rng.random() < 0.1 else None
            await trial.step(minutes=rng.choice((1, 15, 20, 60, 240)))
            if mend:
                tried += 1
                await mend()
        trial.moment.off = timedelta(0)
        return await _finish(trial, tried)


_ONCE: Mapping[str, Fault] = {
    **weather.STATUSES,
    **weather.REDIRECTS,
    **weather.CONNECTIONS,
    **weather.UNTRUE,
}


def _faults(faults: Mapping[str, Fault]) -> Iterator[tuple[str, Play]]:
    for name, fault in faults.items():
        yield name, partial(play_fault, fault=fault)


PLAYS: Mapping[str, Mapping[str, Play]] = {
    "the server": {
        **dict(_faults(_ONCE)),
        **dict(_faults(weather.SLOW)),
        "an empty list that is not true": partial(play_doubtful, fault=weather.serve_empty_list, lists=LISTS),
        "a third of the list": partial(play_doubtful, fault=weather.serve_part_of_list, lists=("queue",)),
        "a list emptied for good": play_emptied,
        "a page of HTML in place of the queue": partial(
            play_fault, fault=weather.UNTRUE["an HTML page with 200"], lists=("queue",)
        ),
        "a stale read": partial(play_stale, lists=LISTS, plain=True),
        "a stale read of a plain feed": partial(play_stale, lists=("news",), plain=False),
        "304 for ever": play_latched,
        "an etag that never changes": partial(play_lasting, fault=weather.freeze_etag),
        "the same, in plain XML": partial(play_lasting, fault=weather.freeze_etag, plain=True),
        "pages that move, in Atom": partial(play_moving_pages, plain=False),
        "pages that move, in plain XML": partial(play_moving_pages, plain=True),
        "one item asked first: any status": partial(play_each, faults=weather.STATUSES, probed=True),
        "one item asked first: 304 for ever": partial(play_latched, probed=True),
        "one item asked first: an etag that never changes": partial(
            play_lasting, fault=weather.freeze_etag, probed=True
        ),
        "one item asked first: pages that move": partial(play_moving_pages, plain=False, probed=True),
        "410, and back": play_gone,
        "new tokens, hosts and dialects": play_new_tokens,
        "a poll that lands late": play_late_polls,
        "no network at all": play_no_network,
    },
    "the far end": {
        **{name: partial(play_refusals, reply=reply) for name, reply in REFUSALS.items()},
        "connection refused": play_closed_door,
        "no answer, not arrived": partial(play_unanswered, arrives=False),
        "no answer, but arrived": partial(play_unanswered, arrives=True),
        "a cut connection, but arrived": partial(play_unanswered, arrives=True, reply=Reply(reset=True)),
        "no answer, but arrived, on_ambiguous: drop": partial(play_unanswered, arrives=True, policy="drop"),
        "one target dead for five days": play_dead_target,
    },
    "the process": {
        "a stopped clock": play_stopped_clock,
        "a clock that jumps an hour both ways": partial(play_clock, hours=(0, 1, 0, -1)),
        "a clock that is ten years ahead for a while": play_far_ahead,
        "a day's suspend": play_suspend,
        "restarts": play_restarts,
    },
    "the ground": {
        "a full disk": partial(play_ground, break_ground=fill_disk),
        "a read-only file": partial(play_ground, break_ground=forbid_writing),
        "a locked database": partial(play_ground, break_ground=hold_lock),
    },
    "everything": {"mixed at random": play_mixed},
}
"""All plays that need no process of their own, by what breaks."""
