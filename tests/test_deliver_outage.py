"""A target that is down for days: nothing is lost or hidden, nobody waits for it, others hear of it once."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from office import DOWN, Office, Scripted, Sent, open_office
from sinks import Reply, WebhookSink
from watching import watching, write_config

from feedwatch.core.messages import Delivered, NotifyOutcome
from feedwatch.core.model import Reason
from feedwatch.core.route import Routes
from feedwatch.deliver import Deliverer
from feedwatch.notify import Notifier
from feedwatch.store import Store

HOUR = timedelta(hours=1)
ALL = ("phone/1", "mail/1", "mail/2")
ROUTES = Routes((), {"phone": ("phone/1",), "mail": ("mail/1", "mail/2")}, ("phone", "mail"))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path / "feedwatch.db") as opened:
        yield opened


@pytest.fixture
def sinks() -> Iterator[dict[str, WebhookSink]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(WebhookSink()) for name in ALL}


def employ(office: Office, sinks: dict[str, WebhookSink]) -> Deliverer:
    urls = {name: sink.url for name, sink in sinks.items()}
    return office.deliverer(Notifier(), urls=urls, told_about=ROUTES.told_about)


def titles(sink: WebhookSink) -> list[str]:
    """The titles that a sink was told of, in order."""
    lines = [line for message in sink.messages for line in message["message"].splitlines()]
    return [line.removeprefix("added ") for line in lines if line.startswith("added ")]


def notices(sink: WebhookSink) -> list[str]:
    return [message["title"] for message in sink.messages if "phone/1" in message["title"]]


def numbered(numbers: Sequence[int]) -> list[str]:
    return [f"Film {number}" for number in numbers]


async def test_five_days_without_a_phone(office: Office, sinks: dict[str, WebhookSink]) -> None:
    """A change every two hours: the mail has each at once, and hears of the phone after four, and at the end.

    The first message to the phone is dead after five days, the rest arrive; a hand brings back the dead.
    """
    phone, mail, sibling = (sinks[name] for name in ALL)
    phone.after_script = Reply(500)
    deliverer = employ(office, sinks)
    films = 5 * 12 + 1
    for film in range(films):
        await office.owe(f"Film {film}", to=ALL)
        await deliverer.serve_all()
        assert titles(mail) == titles(sibling) == numbered(range(film + 1)), "nobody waits for the phone"
        assert len(notices(mail)) == (film >= 2), film
        office.now += 2 * HOUR
        if film in (1, 30):  # what is known of an outage outlives a process
            await office.restart()
            deliverer = employ(office, sinks)
    assert (
        notices(mail)
        == notices(sibling)
        == ["phone/1 takes no messages: the service takes nothing at the moment"]
    )
    shown = [m for m in await office.messages() if m.address == "phone/1"]
    assert [(m.state, m.reason, m.changes) for m in shown] == [
        ("dead", Reason.GAVE_UP, 1),
        ("pending", Reason.UNREACHABLE, films - 1),
    ]
    phone.after_script = mail.after_script
    office.now += HOUR
    await deliverer.serve_all()
    assert titles(phone) == numbered(range(1, films)), "each once, in order, but for the one given up"
    assert notices(mail)[1:] == notices(sibling)[1:] == ["phone/1 takes messages again"]
    assert "It took none for 5 days." in mail.messages[-1]["message"]
    assert notices(phone) == [], "it is not told about itself"
    assert await office.store.run(Store.retry_messages, None, office.now) == 1
    await deliverer.serve_all()
    assert titles(phone)[-1] == "Film 0"
    assert {message.state for message in await office.messages()} == {"delivered"}


async def test_two_that_fail_at_once_tell_each_other_when_they_are_back(office: Office) -> None:
    """What each is to be told of the other waits in the outbox like anything else, and makes no more."""
    down = True

    def judge(_: Sent) -> NotifyOutcome:
        return DOWN if down else Delivered()

    notifier = Scripted(judge=judge)
    urls = {"phone/1": "x", "mail/1": "x"}
    routes = Routes((), {"phone": ("phone/1",), "mail": ("mail/1",)}, ("phone", "mail"))
    deliverer = office.deliverer(notifier, urls=urls, told_about=routes.told_about)
    await office.owe("Platoon", to=tuple(urls))
    for _ in range(8):
        await deliverer.serve_all()
        office.now += HOUR
    down = False
    notifier.sent.clear()
    await office.serve_until_done(deliverer)
    told = {address: "\n".join(s.body for s in notifier.sent if s.address == address) for address in urls}
    for address, other in (("phone/1", "mail/1"), ("mail/1", "phone/1")):
        assert told[address].count("added Platoon") == 1
        assert told[address].count(f"{other} has taken no message since 1 November 2026, 12:00 UTC") == 1
        assert told[address].count(f"{other} takes messages again.") == 1
        assert address not in told[address]


async def test_only_target_that_fails_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """With nobody else to tell the log says it, once an outage, and once that it is over."""
    notifier = Scripted(judge=lambda _: DOWN)
    deliverer = office.deliverer(notifier)
    await office.owe("Platoon")
    with caplog.at_level(logging.INFO, "feedwatch.deliver"):
        for _ in range(8):
            await deliverer.serve_all()
            office.now += HOUR
        notifier.judge = lambda _: Delivered()
        await deliverer.serve_all()
    said = [record.getMessage() for record in caplog.records if "target_" in record.getMessage()]
    assert said == [
        "target_failing address=phone/1 since=2026-11-01T12:00:00Z",
        "target_recovered address=phone/1 since=2026-11-01T12:00:00Z",
    ]


async def test_paused_target_is_sent_nothing_and_then_all(
    office: Office, sinks: dict[str, WebhookSink]
) -> None:
    """Over more days than a message lives: kept, not failing, and delivered in order once it is resumed."""
    deliverer = employ(office, sinks)
    await office.store.run(Store.pause_addresses, ["phone/1"], office.now)
    for day in range(8):
        await office.owe(f"Film {day}", to=ALL)
        await deliverer.serve_all()
        office.now += 24 * HOUR
    await office.restart()
    deliverer = employ(office, sinks)
    assert await deliverer.serve_all() == []
    assert sinks["phone/1"].received == []
    assert titles(sinks["mail/1"]) == numbered(range(8))
    assert notices(sinks["mail/1"]) == []
    await office.store.run(Store.resume_addresses, ["phone/1"], office.now)
    await deliverer.serve_all()
    assert titles(sinks["phone/1"]) == numbered(range(8))


async def test_who_is_told_follows_the_configuration(tmp_path: Path) -> None:
    """With the daemon's own wiring: the targets of `notices` but the one that fails, also after a reload."""
    config = "state: s.db\ntargets: {phone: 'json://127.0.0.1:9/', mail: 'json://127.0.0.1:9/m'}\n"
    async with watching(tmp_path, config) as watch:
        deliverer = watch.assembly.deliverer
        assert deliverer.terms.told_about("phone/1") == ("mail/1",)
        assert deliverer.terms.told_about("mail/1") == ("phone/1",)
        await watch.reload(write_config(tmp_path, f"{config}notices: []\n"))
        assert deliverer.terms.told_about("phone/1") == deliverer.terms.told_about("mail/1") == ()
