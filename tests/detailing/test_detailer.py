"""A turn of asking: who waits for it and for how long, and what a fault in it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from office import START, Office, Scripted, open_office

from feedwatch.clock import Clock
from feedwatch.core.model import Reason, TitleDetails
from feedwatch.core.statuses import Action
from feedwatch.core.subjects import WantedTitle
from feedwatch.detailing import Detailer
from feedwatch.detailing.answers import Answer, Source, Trouble
from feedwatch.detailing.detailer import MOST_TITLES
from feedwatch.store import Askable

DAY = timedelta(days=1)


class Asked:
    """Who is asked about jane's titles, by name; answers as told, and keeps who asked."""

    def __init__(self) -> None:
        self.askable = Askable(by_name=["jane"])
        self.asked: list[str] = []
        self.hangs = False
        self.trouble: Trouble | None = None
        self.fault: Exception | None = None
        self.reached = asyncio.Event()

    async def open(self, _account: str) -> Source:
        return Source("films.example", self.ask)

    async def ask(self, titles: Sequence[WantedTitle]) -> AsyncGenerator[Answer | Trouble, None]:
        for title in titles:
            self.asked.append(title.subject)
            self.reached.set()
            if self.hangs:
                await asyncio.Event().wait()
            if self.fault:
                raise self.fault
            yield self.trouble or Answer(title, TitleDetails(synopsis="What it is about."))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path / "feedwatch.db") as office:
        yield office


def detailer_of(office: Office, sources: Asked) -> Detailer:
    clock = Clock(now=office.tick, jitter=lambda: 0.0)
    return Detailer(office.store, sources, kept=DAY, clock=clock)


async def test_nobody_waits_where_no_turn_is_under_way(office: Office) -> None:
    """A delivery goes at once when nothing is being asked, also just after a turn."""
    detailer = detailer_of(office, Asked())
    await detailer.run_turn()
    with pytest.raises(StopIteration):  # it ends without having waited once
        detailer.wait_briefly().send(None)


async def test_who_waits_goes_on_when_the_turn_has_ended(office: Office) -> None:
    """A delivery that is due while a turn is under way goes as soon as that is over, with what it brought."""
    sources = Asked()
    detailer = detailer_of(office, sources)
    await office.owe("Heat (1995)")
    turn = asyncio.create_task(detailer.run_turn())
    await sources.reached.wait()
    await detailer.wait_briefly()
    notifier = Scripted()
    await office.deliverer(notifier).serve_all()
    await turn
    assert "What it is about." in notifier.bodies[0]


async def test_who_waits_goes_on_without_what_hangs(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment the delivery goes without: the turn may last on."""
    monkeypatch.setattr("feedwatch.detailing.detailer.PATIENCE", timedelta(seconds=0.05))
    sources = Asked()
    sources.hangs = True
    detailer = detailer_of(office, sources)
    await office.owe("Heat (1995)")
    turn = asyncio.create_task(detailer.run_turn())
    await sources.reached.wait()
    await detailer.wait_briefly()
    assert not turn.done()
    notifier = Scripted()
    await office.deliverer(notifier).serve_all()
    assert notifier.bodies == ["added Heat (1995)"]
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn


async def test_turn_asks_about_the_newest_first_and_not_about_all(office: Office) -> None:
    """Of many new titles thirty are asked about, and those that came last first."""
    sources = Asked()
    await office.owe(*(f"Title {n} (1995)" for n in range(50)))
    await detailer_of(office, sources).run_turn()
    assert len(sources.asked) == MOST_TITLES
    assert sources.asked[0] == "title 49 1995|1995"[: len("title 49")] + "|1995"


async def test_host_that_hung_is_not_asked_again_at_once(office: Office) -> None:
    """A turn that brought nothing leaves its host alone; ten minutes later it is asked again."""
    sources = Asked()
    sources.hangs = True
    detailer = detailer_of(office, sources)
    await office.owe("Heat (1995)")
    await detailer.run_turn(timedelta(seconds=0.05))
    sources.hangs = False
    await detailer.run_turn()
    assert len(sources.asked) == 1
    office.now += timedelta(minutes=11)
    await detailer.run_turn()
    assert len(sources.asked) == 2


async def test_unforeseen_fault_is_logged_and_costs_no_turn(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours ends what is asked about an account, and nothing else."""
    sources = Asked()
    sources.fault = RuntimeError("a fault of ours")
    await office.owe("Heat (1995)")
    await detailer_of(office, sources).run_turn()
    assert "a fault of ours" in caplog.text


async def test_trouble_is_told_once_until_it_has_passed(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The same trouble is one line of the log; when it comes back after an answer, it is another."""
    sources = Asked()
    detailer = detailer_of(office, sources)
    for trouble in (True, True, False, True):
        sources.trouble = Trouble(Action.WAIT, Reason.SERVER_ERROR, "a fault") if trouble else None
        await office.owe(f"Title {office.owed} (1995)")
        office.now += timedelta(hours=1)
        await detailer.run_turn()
    assert caplog.text.count("no details for now") == 2


async def test_what_is_told_much_later_is_asked_about_later(office: Office) -> None:
    """What waits for a digest in the evening is asked about then: what is told is of the day."""
    sources = Asked()
    await office.owe("Heat (1995)")

    def wait_until_evening(store: object) -> None:
        with store.transaction() as conn:  # type: ignore[attr-defined]
            conn.execute("UPDATE deliveries SET not_before = '2026-11-01T20:00:00.000000Z'")

    await office.store.run(wait_until_evening)
    detailer = detailer_of(office, sources)
    await detailer.run_turn()
    assert sources.asked == []
    office.now = START + timedelta(hours=7, minutes=45)
    await detailer.run_turn()
    assert sources.asked == ["heat|1995"]
