"""Turns at signed calls: one at a time, and timestamps that never go back, whichever process asks."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import Answered, AskOutcome, FetchFailed, Reason
from feedwatch.netflix.calling import SPACING, Call, Caller
from feedwatch.netflix.record import Record, read_record, write_record
from feedwatch.netflix.signing import Consumer
from feedwatch.netflix.turns import NoTurn, Turn, Turns
from feedwatch.sandbox import Sandbox, serving

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
START = int(NOW.timestamp())
records = st.builds(
    Record, st.integers(0, 10**12 - 1), st.integers(0, 10**14).map(lambda ms: ms / 1000), st.integers(0, 9999)
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "feedwatch.db.turns" / "0123abcd"


def always(at: datetime = NOW) -> Callable[[], datetime]:
    return lambda: at


@asynccontextmanager
async def taken(turns: Turns, spacing: timedelta = timedelta(0)) -> AsyncIterator[Turn]:
    async with turns.take(always(), spacing) as turn:
        assert isinstance(turn, Turn), turn
        yield turn


def overwrite(place: Path, text: bytes) -> None:
    place.write_bytes(text)


async def call_at(turns: Turns, at: datetime, *, accepted: bool = True) -> int:
    """Make a call at an instant; gives the timestamp that it bore."""
    async with taken(turns) as turn:
        stamp = turn.stamp(at)
        if accepted:
            turn.accept()
    return stamp


# ── the file ──────────────────────────────────────────────────────────────────────────────────────


@given(records)
def test_record_is_read_as_it_was_written(record: Record) -> None:
    """What is written is read again, and is always of one length."""
    written = write_record(record)
    assert read_record(written) == record
    assert len(written) == len(write_record(Record()))


@given(records, st.data())
def test_damaged_record_is_none(record: Record, data: st.DataObject) -> None:
    """A record in which anything has changed, or of which something is missing, is none."""
    written = write_record(record)
    place = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != written[place]))
    assert read_record(written[:place] + bytes([other]) + written[place + 1 :]) is None
    assert read_record(written[:place]) is None
    assert read_record(written + written) is None


@pytest.mark.parametrize(
    ("calls", "since", "rest"),
    [
        (0, 0.0, 0.0),
        (1, 0.0, 0.25),
        (1, 0.1, 0.15),
        (1, 0.25, 0.0),
        (3, 0.25, 0.5),
        (1, 3600.0, 0.0),
        (2, -3600.0, 0.5),
    ],
    ids=[
        "never called",
        "just now",
        "a little ago",
        "long enough ago",
        "three hops",
        "an hour ago",
        "in the future",
    ],
)
def test_rest_counts_from_the_last_call(calls: int, since: float, rest: float) -> None:
    """A quarter of a second for each call made; a clock that was set back makes nobody wait for it."""
    record = Record(called_at=NOW.timestamp() - since, calls=calls)
    assert record.time_to_rest(NOW, SPACING) / timedelta(seconds=1) == pytest.approx(rest, abs=1e-3)


async def test_file_is_for_its_owner_alone(place: Path) -> None:
    """The folder is made when it is first needed, and nobody else looks into it."""
    await call_at(Turns(place), NOW)
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in place.parent.iterdir()} == {0o600}


async def test_timestamp_of_an_earlier_run_is_not_gone_behind(place: Path) -> None:
    """What a server has accepted before a restart binds the next run as well."""
    await call_at(Turns(place), NOW)
    assert await call_at(Turns(place), NOW - timedelta(hours=1)) == START


async def test_timestamp_of_another_process_is_not_gone_behind(place: Path) -> None:
    """Two that take turns see each other's timestamps, though each knows its own from before."""
    mine, yours = Turns(place), Turns(place)
    stamps = [
        await call_at(turns, NOW + timedelta(seconds=seconds))
        for turns, seconds in [(mine, 0), (yours, 9), (mine, 5), (yours, 7), (mine, 20), (yours, 0)]
    ]
    assert [stamp - START for stamp in stamps] == [0, 9, 9, 9, 20, 20]


async def test_refused_timestamp_of_another_process_binds_nobody(place: Path) -> None:
    """A clock that was a day ahead, and was refused, has left nothing behind."""
    await call_at(Turns(place), NOW + timedelta(days=1), accepted=False)
    assert await call_at(Turns(place), NOW) == START


async def test_accepted_timestamp_of_a_far_future_is_kept(place: Path) -> None:
    """What a server has accepted stands, however strange: before it nothing is accepted any more."""
    future = NOW + timedelta(days=20_000)
    await call_at(Turns(place), future)
    assert await call_at(Turns(place), NOW) == int(future.timestamp())


@pytest.mark.parametrize("text", [b"", b"\0" * 44, b"17", b"x" * 10_000, b"\xff"])
async def test_damaged_file_is_begun_anew(place: Path, text: bytes) -> None:
    """A file that says nothing any more stops nobody, and is sound after the next turn."""
    await call_at(Turns(place), NOW)
    overwrite(place, text)
    assert await call_at(Turns(place), NOW + timedelta(seconds=1)) == START + 1
    assert await call_at(Turns(place), NOW) == START + 1


async def test_damaged_file_takes_nothing_back_that_a_process_knows(place: Path) -> None:
    """Who has made calls remembers them, whatever became of the file."""
    turns = Turns(place)
    await call_at(turns, NOW)
    overwrite(place, b"nothing")
    assert await call_at(turns, NOW - timedelta(hours=1)) == START


async def test_process_that_dies_in_its_turn_leaves_it_to_the_next(place: Path) -> None:
    """A process that is killed while it has the turn holds up nobody, and what was accepted before stands."""
    await call_at(Turns(place), NOW)
    await run_process(place, "kill")
    assert await call_at(Turns(place), NOW - timedelta(hours=1)) == START


def find_handles(place: Path) -> list[int]:
    """The descriptors by which this process holds a file open."""
    return [
        int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and fd.readlink() == place
    ]


async def test_process_started_in_a_turn_does_not_keep_it(place: Path) -> None:
    """A turn ends with its block, even if a process that was started meanwhile holds the file open."""
    async with taken(Turns(place)) as turn:
        turn.stamp(NOW)
        held = find_handles(place)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, pass_fds=held
        )
    try:
        assert held
        assert await call_at(Turns(place, patience=timedelta(seconds=1)), NOW) == START
    finally:
        await child.communicate(b"\n")


# ── where the file cannot be kept ─────────────────────────────────────────────────────────────────


async def why_no_turn(turns: Turns) -> str:
    async with turns.take(always()) as turn:
        assert isinstance(turn, NoTurn)
        return turn.why


async def test_place_that_cannot_be_written_is_said(place: Path) -> None:
    """Where the folder cannot be made there is no turn, and it says where and why."""
    place.parent.write_text("a file")
    assert await why_no_turn(Turns(place)) == (f"{place}: File exists")


async def test_full_disk_is_said_before_anything_is_signed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written there is no turn: a call whose timestamp is lost must not be made."""

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", fail)
    assert "No space left on device" in await why_no_turn(Turns(place))


async def test_disk_that_fails_meanwhile_loses_no_answer(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that was made has been made: what could not be written is logged, and remembered here."""

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    turns = Turns(place)
    with monkeypatch.context() as failing:
        failing.setattr(os, "fdatasync", fail)
        await call_at(turns, NOW)
    assert "Input/output error" in caplog.text
    assert await call_at(turns, NOW - timedelta(hours=1)) == START


# ── waiting ───────────────────────────────────────────────────────────────────────────────────────


async def test_patience_ends(place: Path) -> None:
    """Who holds a turn for ever does not make others wait for ever."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with taken(Turns(place)):
        why = await why_no_turn(Turns(place, patience=timedelta(seconds=1), pause=pause))
    assert sum(pauses) == pytest.approx(1)
    assert "try again later" in why
    assert str(place) in why


async def test_who_stops_waiting_holds_up_nobody(place: Path) -> None:
    """A wait that is cancelled, in the waiting room or before it, leaves nothing locked."""
    waiting = asyncio.Event()

    async def pause(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with taken(Turns(place)):
        task = asyncio.create_task(why_no_turn(Turns(place, pause=pause)))
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])
    assert await call_at(Turns(place), NOW) == START


async def test_call_that_is_cancelled_ends_its_turn(place: Path) -> None:
    """Whoever loses interest in a call, even while it is being written down, gives the turn back."""
    turns, other = Turns(place), Turns(place)
    begun, busy = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    blocking = loop.run_in_executor(None, busy.wait)

    async def hold() -> None:
        async with taken(turns) as turn:
            turn.stamp(NOW)
            turn.accept()
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)  # it waits for a thread now, to end its turn
    task.cancel()
    await asyncio.wait([task])
    busy.set()
    await blocking
    assert await call_at(other, NOW - timedelta(hours=1)) == START


async def test_who_waits_comes_before_who_has_just_been(place: Path) -> None:
    """A process with many calls to make lets another in between: it waits for one turn at most."""
    order: list[str] = []
    waiting = asyncio.Event()

    async def pause(_: float) -> None:
        waiting.set()
        await asyncio.sleep(0)

    async def call_once() -> None:
        async with taken(Turns(place, pause=pause)):
            order.append("other")

    busy = Turns(place)
    async with taken(busy):
        task = asyncio.create_task(call_once())
        await waiting.wait()
    for _ in range(3):
        async with taken(busy):
            order.append("busy")
    await task
    assert order == ["other", "busy", "busy", "busy"]


# ── processes ─────────────────────────────────────────────────────────────────────────────────────

CALLING = """
import asyncio, os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from feedwatch.netflix.turns import Turn, Turns

async def main(place, mode, log):
    turns = Turns(place)
    for number in range(20):
        ahead = (number * 7 + os.getpid()) % 30 - 15
        async with turns.take(lambda: datetime.now(UTC)) as turn:
            assert isinstance(turn, Turn)
            stamp = turn.stamp(datetime.now(UTC) + timedelta(seconds=ahead))
            if mode == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            os.write(log, f"begin {stamp}\\n".encode())
            await asyncio.sleep(0)
            os.write(log, f"end {stamp}\\n".encode())
            turn.accept()

log = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
asyncio.run(main(Path(sys.argv[1]), sys.argv[2], log))
"""


async def run_process(place: Path, mode: str) -> int:
    """Make calls from a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CALLING, str(place), mode, str(place.with_suffix(".log"))
    )
    return await process.wait()


async def test_processes_take_turns(place: Path) -> None:
    """Of four processes whose clocks differ, no two call at once, and no timestamp goes back."""
    place.parent.mkdir()
    assert await asyncio.gather(*(run_process(place, "call") for _ in range(4))) == [0] * 4
    lines = place.with_suffix(".log").read_text().split("\n")[:-1]
    begun, ended = lines[::2], lines[1::2]
    assert [line.replace("begin", "end") for line in begun] == ended
    stamps = [int(line.split()[1]) for line in ended]
    assert stamps == sorted(stamps)
    assert len(stamps) == 80


SIGNING = """
import asyncio, os, sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from feedwatch.core.model import Answered
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.calling import Call, Caller
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.netflix.turns import Turns

async def main(place, url, key, secret, token, token_secret):
    off = timedelta(seconds=os.getpid() % 20)
    limits = FetchLimits(timedelta(seconds=20), 1 << 20)
    async with aclosing(Fetcher(limits, networks=NetworkPolicy("allow"), user_agent="test")) as fetcher:
        turns = Turns(Path(place))
        caller = Caller(Consumer(key, secret), fetcher.call, turns, lambda: datetime.now(UTC) - off)
        for _ in range(10):
            outcome = await caller.call(Call(f"{url}/users/current", Token(token, token_secret)))
            assert isinstance(outcome, Answered), outcome

asyncio.run(main(*sys.argv[1:]))
"""


async def test_server_that_remembers_takes_every_call_of_every_process(place: Path) -> None:
    """A server that refuses earlier timestamps refuses none of three processes whose clocks differ."""
    sandbox = Sandbox()
    account = sandbox.world.account
    keys = (account.consumer_key, account.consumer_secret, account.access_token, account.access_token_secret)
    with serving(sandbox) as url:
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", SIGNING, str(place), url, *keys)
            for _ in range(3)
        ]
        assert [await process.wait() for process in processes] == [0, 0, 0]


async def test_calls_of_one_process_are_made_one_after_the_other() -> None:
    """Of many calls begun at once each waits for the one before; no timestamp goes back."""
    clock = iter([NOW + timedelta(seconds=n * 7 % 20) for n in range(20)])
    under_way: set[str] = set()
    stamps: list[int] = []

    async def send(method: str, url: str, /, **said: object) -> AskOutcome:
        assert not under_way
        under_way.add(url)
        sign = said["sign"]
        assert callable(sign)
        stamps.append(stamp_in(sign(url)))
        await asyncio.sleep(0)
        under_way.discard(url)
        return Answered(200, b"", url)

    caller = Caller(Consumer("key", "secret"), send, Turns(), lambda: next(clock))
    await asyncio.gather(*(caller.call(Call(f"http://localhost/{n}")) for n in range(20)))
    assert len(stamps) == 20
    assert stamps == sorted(stamps)


def stamp_in(headers: Mapping[str, str]) -> int:
    """The timestamp of a signature."""
    return int(headers["Authorization"].partition('oauth_timestamp="')[2].partition('"')[0])


# ── politeness ────────────────────────────────────────────────────────────────────────────────────


async def pauses_of(url: str, hops: Iterator[int], place: Path) -> list[float]:
    """How long callers wait who make calls one after the other, each from a process of its own."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(round(seconds, 3))

    async def send(method: str, url: str, /, **said: object) -> AskOutcome:
        sign = said["sign"]
        assert callable(sign)
        for _ in range(next(hops)):
            sign(url)
        return Answered(200, b"", url)

    for _ in range(3):
        caller = Caller(Consumer("key", "secret"), send, Turns(place, pause=pause), always())
        await caller.call(Call(url))
    return pauses


async def test_no_server_is_called_more_than_four_times_a_second(place: Path) -> None:
    """Calls are a quarter of a second apart, and each hop of a redirect counts, whoever made them."""
    assert await pauses_of("http://api.example.net/x", iter([1, 3, 1]), place) == [0.25, 0.75]


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "[::1]:8080", "api.localhost"])
async def test_this_machine_is_called_without_rest(place: Path, host: str) -> None:
    """A server on this machine is our own: it may be called as fast as it answers."""
    assert await pauses_of(f"http://{host}/x", iter([1, 1, 1]), place) == []


async def test_call_without_a_turn_is_a_failure(place: Path) -> None:
    """Where there is no turn to be had nobody is asked, and the failure says why."""
    place.parent.write_text("a file")

    async def send(method: str, url: str, /, **said: object) -> AskOutcome:
        pytest.fail("nobody is to be asked")

    outcome = await Caller(Consumer("key", "secret"), send, Turns(place), always()).call(Call("http://h/"))
    assert isinstance(outcome, FetchFailed)
    assert (outcome.reason, outcome.status) == (Reason.NO_TURN, None)
    assert outcome.detail == f"{place}: File exists"


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (200, True),
        (201, True),
        (412, True),
        (422, True),
        (401, False),
        (403, False),
        (500, False),
        (None, False),
    ],
)
async def test_timestamp_counts_where_the_server_has_taken_it(*, status: int | None, kept: bool) -> None:
    """A refusal that can only come after the signature was read counts; of others nobody knows."""
    answer: AskOutcome = FetchFailed(Reason.CLIENT_ERROR, status=status)
    if status in (200, 201):
        answer = Answered(status, b"", "http://localhost/")
    clock = iter([NOW + timedelta(hours=1), NOW])
    stamps: list[int] = []

    async def send(method: str, url: str, /, **said: object) -> AskOutcome:
        sign = said["sign"]
        assert callable(sign)
        stamps.append(stamp_in(sign(url)))
        return answer

    caller = Caller(Consumer("key", "secret"), send, Turns(), lambda: next(clock))
    for _ in range(2):
        await caller.call(Call("http://localhost/"))
    assert (stamps[0] == stamps[1]) is kept
