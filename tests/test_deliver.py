"""Deliveries reach their address in order and once, through refusals, outages, crashes and rate limits."""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from office import DOWN, POLICY, REFUSED, START, Office, Scripted, Sent, open_office
from sinks import Reply, WebhookSink

from feedwatch.core.hiding import Hider
from feedwatch.core.messages import (
    Delivered,
    Markup,
    NotifyFailed,
    NotifyOutcome,
    NotifyTimedOut,
    OwedDelivery,
    Style,
)
from feedwatch.core.model import (
    ChangeKind,
    FactChange,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Reason,
    RecordedChange,
)
from feedwatch.core.render import compose_message
from feedwatch.core.schedule import RetryPolicy
from feedwatch.core.state import Settled
from feedwatch.deliver import Deliverer, DeliveryReport
from feedwatch.errors import StoreError
from feedwatch.notify import Notifier
from feedwatch.redact import Redactor
from feedwatch.store import Store

SENT_AGAIN = "(sent again: it is not certain that this arrived before)"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path / "feedwatch.db") as opened:
        yield opened


@pytest.fixture
def webhook() -> Iterator[WebhookSink]:
    with WebhookSink() as sink:
        yield sink


def lines_of(webhook: WebhookSink) -> list[str]:
    return [line for message in webhook.messages for line in message["message"].splitlines()]


# ── in order, as one ──────────────────────────────────────────────────────────────────────────────


async def test_what_is_due_is_one_message_in_order(office: Office, webhook: WebhookSink) -> None:
    """Three changes owed are one request with three lines, as they came."""
    await office.owe("Platoon", "Gandhi", "Up")
    (report,) = await office.deliverer(Notifier(), urls={"phone/1": webhook.url}).serve_all()
    (message,) = webhook.messages
    assert message["title"] == "jane/queue: 3 added"
    assert message["message"] == "added Platoon\nadded Gandhi\nadded Up"
    assert (report.outcome, report.deliveries, report.attempts) == (Settled.DELIVERED, 3, 1)
    assert await office.states() == ["delivered"]


async def test_what_does_not_fit_goes_with_the_next_message(office: Office) -> None:
    """Message after message, nothing is cut, left out or told twice."""
    titles = [f"Film number {number}" for number in range(60)]
    await office.owe(*titles)
    notifier = Scripted(style=Style(limit=300, title_limit=60))
    reports = await office.deliverer(notifier).serve_all()
    told = [line.removeprefix("added ") for body in notifier.bodies for line in body.splitlines()]
    assert told == titles
    assert len(reports) == len(notifier.sent) > 3
    assert await office.deliverer(notifier).serve_all() == []


async def test_nothing_due_sends_nothing(office: Office, webhook: WebhookSink) -> None:
    """An address that is owed nothing is not asked."""
    deliverer = office.deliverer(Notifier(), urls={"phone/1": webhook.url})
    assert await deliverer.deliver_one("phone/1") is None
    assert webhook.received == []


async def test_unknown_address_is_skipped(office: Office) -> None:
    """What is owed to an address that is not configured waits untouched, and stops no other."""
    await office.owe("Platoon", to=("gone/1", "phone/1"))
    notifier = Scripted()
    deliverer = office.deliverer(notifier)
    assert await deliverer.deliver_one("gone/1") is None
    (report,) = await deliverer.serve_all()
    assert report.address == "phone/1"
    assert [sent.address for sent in notifier.sent] == ["phone/1"]
    assert sorted(await office.states()) == ["delivered", "pending"]


# ── again ─────────────────────────────────────────────────────────────────────────────────────────


async def test_retry_sends_the_same_message_under_the_same_id(office: Office) -> None:
    """A message that failed goes again word for word; what came meanwhile waits behind it."""
    await office.owe("Platoon", "Gandhi")
    notifier = Scripted(deque([DOWN]))
    deliverer = office.deliverer(notifier)
    (failed,) = await deliverer.serve_all()
    await office.owe("Up")
    assert await deliverer.serve_all() == []
    office.now += timedelta(seconds=30)
    again, after = await deliverer.serve_all()
    assert (failed.outcome, again.outcome, after.outcome) == (
        Settled.AGAIN,
        Settled.DELIVERED,
        Settled.DELIVERED,
    )
    assert (again.message, again.attempts) == (failed.message, 2)
    assert notifier.sent[0] == notifier.sent[1]
    assert notifier.sent[2].body == "added Up"


async def test_ten_faults_then_all_arrive_in_order_once(office: Office, webhook: WebhookSink) -> None:
    """A webhook that answers 500 ten times loses nothing, whatever is owed meanwhile."""
    webhook.script(*[500] * 10)
    deliverer = office.deliverer(Notifier(), urls={"phone/1": webhook.url})
    for title in ("Platoon", "Gandhi", "Up"):
        await office.owe(title, f"{title} II")
        await deliverer.serve_all()
        office.now += timedelta(seconds=31)
    await office.serve_until_done(deliverer)
    assert [one.status for one in webhook.received] == [500] * 10 + [200, 200]
    assert lines_of(webhook) == [
        f"added {title}" for title in ("Platoon", "Platoon II", "Gandhi", "Gandhi II", "Up", "Up II")
    ]
    assert set(await office.states()) == {"delivered"}


async def test_waits_double_up_to_the_longest(office: Office) -> None:
    """Attempts come ever more slowly, and never more slowly than configured."""
    await office.owe("Platoon")
    deliverer = office.deliverer(Scripted(judge=lambda _: DOWN))
    waits = []
    for _ in range(9):
        await deliverer.serve_all()
        (message,) = await office.messages()
        assert message.next_attempt_at is not None
        waits.append(round((message.next_attempt_at - office.now).total_seconds()))
        office.now = message.next_attempt_at
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


async def test_giving_up_counts_from_a_delivery_s_own_first_attempt(office: Office) -> None:
    """What has been tried for five days is dead; what was owed later still has its own five days."""
    await office.owe("Platoon")
    deliverer = office.deliverer(Scripted(judge=lambda _: DOWN))
    await deliverer.serve_all()
    await _go_on_trying(office, deliverer, days=4)
    await office.owe("Gandhi")
    await deliverer.serve_all()
    assert await office.states() == ["pending", "pending"]
    reports = await _go_on_trying(office, deliverer, days=1)
    assert [(report.outcome, report.reason) for report in reports] == [
        (Settled.DEAD, Reason.GAVE_UP),
        (Settled.AGAIN, Reason.UNREACHABLE),
    ]
    (still,) = await _go_on_trying(office, deliverer, days=4)
    assert still.outcome is Settled.AGAIN
    (dead,) = await _go_on_trying(office, deliverer, days=1)
    assert (dead.outcome, dead.reason) == (Settled.DEAD, Reason.GAVE_UP)


async def _go_on_trying(office: Office, deliverer: Deliverer, *, days: int) -> list[DeliveryReport]:
    """Try twice a day; what came of the last time."""
    reports: list[DeliveryReport] = []
    for _ in range(2 * days):
        office.now += timedelta(hours=12)
        reports = await deliverer.serve_all()
    return reports


async def test_time_in_which_nobody_tried_is_no_part_of_a_life(office: Office) -> None:
    """A machine sleeps for a week and wakes without a network: one attempt more is not the last."""
    await office.owe("Platoon")
    deliverer = office.deliverer(Scripted(judge=lambda _: DOWN))
    await deliverer.serve_all()
    office.now += timedelta(days=7)
    (awake,) = await deliverer.serve_all()
    assert (awake.outcome, awake.reason) == (Settled.AGAIN, Reason.UNREACHABLE)
    (still,) = await _go_on_trying(office, deliverer, days=4)
    assert still.outcome is Settled.AGAIN
    (dead,) = await _go_on_trying(office, deliverer, days=1)
    assert (dead.outcome, dead.reason) == (Settled.DEAD, Reason.GAVE_UP)


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


def refuse_evil(sent: Sent) -> NotifyOutcome:
    return REFUSED if "Evil" in sent.body else Delivered()


async def test_after_five_refusals_each_is_tried_by_itself(office: Office) -> None:
    """The one that a service will not have is dead; the others arrive, in order, once."""
    await office.owe("Platoon", "Evil Dead", "Up")
    notifier = Scripted(judge=refuse_evil)
    deliverer = office.deliverer(notifier)
    await office.serve_until_done(deliverer)
    whole = "added Platoon\nadded Evil Dead\nadded Up"
    assert notifier.bodies[:5] == [whole] * 5
    assert whole not in notifier.bodies[5:]
    arrived = [body for body in notifier.bodies[5:] if "Evil" not in body]
    assert arrived == ["added Platoon", "added Up"]
    dead = [message for message in await office.messages() if message.state == "dead"]
    assert [(message.reason, message.changes) for message in dead] == [(Reason.REFUSED, 1)]


async def test_refused_one_blocks_nothing(office: Office) -> None:
    """While it is tried by itself, what is owed later goes at once."""
    await office.owe("Evil Dead")
    notifier = Scripted(judge=refuse_evil)
    deliverer = office.deliverer(notifier)
    for _ in range(5):
        await deliverer.serve_all()
        office.now += timedelta(hours=1)
    await deliverer.serve_all()
    await office.owe("Up")
    await deliverer.serve_all()
    assert notifier.bodies[-1] == "added Up" or "added Up" in notifier.bodies
    await office.serve_until_done(deliverer)
    states = {message.state: message.reason for message in await office.messages()}
    assert states == {"dead": Reason.REFUSED, "delivered": None}


async def test_all_refused_are_kept_until_given_up(office: Office) -> None:
    """Where a service refuses everything, the fault is not a message's: none is dead before its time."""
    await office.owe("Platoon", "Up")
    deliverer = office.deliverer(Scripted(judge=lambda _: REFUSED))
    for _ in range(30):
        await deliverer.serve_all()
        office.now += timedelta(hours=1)
    assert await office.states() == ["pending", "pending"]
    await _go_on_trying(office, deliverer, days=4)
    assert [(m.state, m.reason) for m in await office.messages()] == [("dead", Reason.GAVE_UP)] * 2


async def test_what_a_clock_ahead_has_dated_is_no_sign_that_anything_got_through(office: Office) -> None:
    """A clock is set back by an hour after a delivery: where all is refused then, all is kept as ever."""
    office.now += timedelta(hours=1)
    await office.owe("Gandhi")
    deliverer = office.deliverer(Scripted())
    await deliverer.serve_all()
    office.now -= timedelta(hours=1)
    await office.owe("Platoon", "Up")
    deliverer = office.deliverer(Scripted(judge=lambda _: REFUSED))
    for _ in range(7):
        await deliverer.serve_all()
        office.now += timedelta(minutes=5)
    assert await office.states() == ["delivered", "pending", "pending"]


async def test_sleep_is_no_part_of_the_life_of_what_was_set_apart(office: Office) -> None:
    """The machine sleeps for six days before any of them is tried by itself, and wakes without a network."""
    await office.owe("Platoon", "Gandhi", "Up")
    notifier = Scripted(script=deque([REFUSED] * 5), judge=lambda _: DOWN)
    deliverer = office.deliverer(notifier)
    while len(notifier.sent) < 5:
        await deliverer.deliver_one("phone/1")
        office.now += timedelta(minutes=10)
    office.now += timedelta(days=6)
    awake = await deliverer.serve_all()
    assert {(each.outcome, each.reason) for each in awake} == {(Settled.AGAIN, Reason.UNREACHABLE)}
    assert await office.states() == ["pending"] * 3


async def test_what_some_recipients_have_says_so_when_it_goes_again(office: Office) -> None:
    """One of an address's recipients refuses everything: what the others get once more is marked."""
    await office.owe("Platoon", "Up")
    partly = replace(REFUSED, partly=True)
    notifier = Scripted(judge=lambda _: partly)
    deliverer = office.deliverer(notifier)
    while len(notifier.sent) < 7:
        await deliverer.serve_all()
        office.now += timedelta(hours=1)
    assert SENT_AGAIN not in notifier.bodies[0]
    assert all(body.endswith(SENT_AGAIN) for body in notifier.bodies[1:])


# ── rate limits, and what nobody knows ────────────────────────────────────────────────────────────


async def test_rate_limited_address_waits_as_told_and_blocks_no_other(
    office: Office, webhook: WebhookSink
) -> None:
    """A 429 is heeded to the second; other addresses get theirs at once."""
    webhook.script(Reply(429, {"Retry-After": "7200"}))
    await office.owe("Platoon", to=("slow/1", "phone/1"))
    with WebhookSink() as phone:
        urls = {"slow/1": webhook.url, "phone/1": phone.url}
        deliverer = office.deliverer(Notifier(), urls=urls)
        await deliverer.serve_all()
        assert lines_of(phone) == ["added Platoon"]
        (waiting,) = [m for m in await office.messages() if m.state == "pending"]
        assert waiting.reason is Reason.RATE_LIMITED
        assert waiting.next_attempt_at is not None
        assert abs(waiting.next_attempt_at - office.now - timedelta(hours=2)) < timedelta(milliseconds=1)
        office.now = waiting.next_attempt_at - timedelta(seconds=1)
        assert await deliverer.serve_all() == []
        office.now += timedelta(seconds=1)
        await deliverer.serve_all()
    assert lines_of(webhook) == ["added Platoon"]


async def test_message_that_may_have_arrived_says_so_when_it_comes_again(
    office: Office, webhook: WebhookSink
) -> None:
    """Taken and not answered: it comes again, the same but for one line; refusals add none."""
    webhook.script(500, Reply(hang=True), 500)
    await office.owe("Platoon", "Up")
    deliverer = office.deliverer(Notifier(), urls={"phone/1": f"{webhook.url}?rto=0.2"})
    await office.serve_until_done(deliverer)
    refused, silent, again, arrived = (one.json for one in webhook.received)
    assert refused == silent
    assert again == arrived
    assert arrived.pop("message") == f"{silent.pop('message')}\n{SENT_AGAIN}"
    assert arrived == silent
    assert await office.states() == ["delivered"]


async def test_mail_that_may_have_arrived_says_so_in_a_paragraph(office: Office) -> None:
    """In HTML the line is one of HTML; what was kept is the message as it was composed."""
    notifier = Scripted(deque([NotifyTimedOut()]), style=Style(markup=Markup.HTML))
    await office.owe("Platoon <3")
    await office.serve_until_done(office.deliverer(notifier))
    first, again = notifier.bodies
    assert again == f"{first}\n<p>{SENT_AGAIN}</p>"
    stored = await office.store.run(
        lambda store: [row["body"] for row in store.query("SELECT body FROM messages")]
    )
    assert stored == [first]


async def test_who_would_rather_lose_than_repeat_sees_what_was_dropped(office: Office) -> None:
    """After a time-out it is sent no more by itself; by hand it is, and says that it may have come before."""
    policy = RetryPolicy(POLICY.first, POLICY.most, POLICY.give_up, drop_ambiguous=True)
    notifier = Scripted(deque([NotifyTimedOut()]))
    deliverer = office.deliverer(notifier, policy=policy)
    await office.owe("Platoon")
    (report,) = await deliverer.serve_all()
    assert (report.outcome, report.reason) == (Settled.DEAD, Reason.AMBIGUOUS)
    await office.owe("Up")
    await office.serve_until_done(deliverer)
    assert notifier.bodies == ["added Platoon", "added Up"]
    assert [(m.state, m.reason) for m in await office.messages()] == [
        ("dead", Reason.AMBIGUOUS),
        ("delivered", None),
    ]
    await office.store.run(Store.retry_messages, None, office.now)
    await deliverer.serve_all()
    assert notifier.bodies[-1] == f"added Platoon\n{SENT_AGAIN}"


@pytest.mark.parametrize(("drop", "sent"), [(False, ["added Platoon"]), (True, [])], ids=["retry", "drop"])
async def test_claim_that_ran_out_follows_the_same_wish(
    office: Office, sent: list[str], *, drop: bool
) -> None:
    """A process that died while sending leaves open whether it arrived, just as a silent service does."""
    policy = RetryPolicy(POLICY.first, POLICY.most, POLICY.give_up, drop_ambiguous=drop)
    await office.owe("Platoon")

    async def die() -> None:
        raise RuntimeError("the power is cut")

    with pytest.raises(RuntimeError, match="power"):
        await office.deliverer(Scripted(meanwhile=die), policy=policy).serve_all()
    await office.owe("Up")
    office.now += timedelta(minutes=3)
    after = Scripted()
    await office.deliverer(after, policy=policy).serve_all()
    assert after.bodies == [*(f"{body}\n{SENT_AGAIN}" for body in sent), "added Up"]


async def test_rate_limit_keeps_the_order_and_blocks_no_sibling(office: Office, webhook: WebhookSink) -> None:
    """The other address of the same target goes on; the one that rests gets all in order, after its rest."""
    webhook.script(Reply(429, {"Retry-After": "600"}))
    with WebhookSink() as other:
        deliverer = office.deliverer(Notifier(), urls={"chat/1": webhook.url, "chat/2": other.url})
        for title in ("Platoon", "Gandhi", "Up"):
            await office.owe(title, to=("chat/1", "chat/2"))
            await deliverer.serve_all()
            office.now += timedelta(minutes=3)
        assert lines_of(other) == ["added Platoon", "added Gandhi", "added Up"]
        assert len(webhook.received) == 1
        await office.serve_until_done(deliverer)
    assert lines_of(webhook) == ["added Platoon", "added Gandhi", "added Up"]


async def test_rests_that_were_told_are_no_part_of_a_life(office: Office) -> None:
    """Told to wait for longer than it would be tried for, a message is not given up at the first failure."""
    policy = RetryPolicy(POLICY.first, POLICY.most, give_up=timedelta(hours=1))
    limited = NotifyFailed(Reason.RATE_LIMITED, "HTTP 429", timedelta(hours=2))
    notifier = Scripted(deque([limited, limited, REFUSED, DOWN]))
    await office.owe("Platoon")
    await office.serve_until_done(office.deliverer(notifier, policy=policy))
    assert len(notifier.sent) == 5
    assert await office.states() == ["delivered"]


async def test_hanging_address_blocks_no_other(office: Office) -> None:
    """While one service says nothing, the other has its message already."""
    await office.owe("Platoon", to=("hung/1", "phone/1"))
    with WebhookSink(Reply(hang=True)) as hung, WebhookSink() as phone:
        notifier = Notifier(within=timedelta(seconds=30))
        deliverer = office.deliverer(notifier, urls={"hung/1": hung.url, "phone/1": phone.url})
        serving = asyncio.ensure_future(deliverer.serve_all())
        await asyncio.to_thread(hung.wait_for, 1)
        await asyncio.to_thread(phone.wait_for, 1)
        assert not serving.done()
        hung.stop()
        reports = {report.address: report.outcome for report in await serving}
    assert reports == {"hung/1": Settled.AGAIN, "phone/1": Settled.DELIVERED}


async def test_address_that_breaks_leaves_no_other_half_way(office: Office) -> None:
    """A fault of our own at one address is raised once the others have been served."""
    await office.owe("Platoon", to=("bad/1", "phone/1"))

    def lose_the_secret() -> str:
        raise OSError("the secret's file is gone")

    async def yield_for_long() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    notifier = Scripted(meanwhile=yield_for_long)
    deliverer = office.deliverer(notifier)
    deliverer.terms = replace(deliverer.terms, urls={"bad/1": lose_the_secret, "phone/1": lambda: "x"})
    with pytest.raises(OSError, match="file is gone"):
        await deliverer.serve_all()
    assert sorted(await office.states()) == ["delivered", "pending"]


# ── stops and expiries ────────────────────────────────────────────────────────────────────────────


async def test_stop_between_sending_and_settling_still_settles(office: Office) -> None:
    """A message that has been sent is not sent again because the daemon stopped at that moment."""
    await office.owe("Platoon")

    async def stop() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    notifier = Scripted(meanwhile=stop)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(office.deliverer(notifier).serve("phone/1"))
    assert len(notifier.sent) == 1
    assert await office.states() == ["delivered"]


async def test_what_was_sent_on_a_full_disk_is_settled_later_and_not_sent_again(office: Office) -> None:
    """That a message arrived is kept until it can be written, however late, and written before all else."""
    await office.owe("Platoon")

    async def fill_disk() -> None:
        await office.store.run(lambda store: store.query("PRAGMA query_only = 1"))

    notifier = Scripted(meanwhile=fill_disk)
    deliverer = office.deliverer(notifier)
    for _ in range(3):
        with pytest.raises(StoreError):
            await deliverer.serve_all()
        office.now += timedelta(minutes=5)  # the lease of the claim runs out meanwhile
    await office.store.run(lambda store: store.query("PRAGMA query_only = 0"))
    await office.owe("Gandhi")
    await deliverer.serve_all()
    assert notifier.bodies == ["added Platoon", "added Gandhi"]
    assert await office.states() == ["delivered", "delivered"]


async def test_what_was_sent_on_a_full_disk_is_settled_at_the_stop_if_it_can_be(office: Office) -> None:
    """The last thing before the claims are given back."""
    await office.owe("Platoon")

    async def fill_disk() -> None:
        await office.store.run(lambda store: store.query("PRAGMA query_only = 1"))

    deliverer = office.deliverer(Scripted(meanwhile=fill_disk))
    with pytest.raises(StoreError):
        await deliverer.serve_all()
    await office.store.run(lambda store: store.query("PRAGMA query_only = 0"))
    await deliverer.settle_left()
    assert await office.states() == ["delivered"]


async def test_settling_after_the_claim_ran_out_writes_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Who comes back after another took the message over changes nothing, and the log says so."""
    await office.owe("Platoon")
    slow = Scripted(judge=lambda _: DOWN)
    other = Scripted()

    async def take_over() -> None:
        assert await office.deliverer(other).serve_all() == []
        office.now += timedelta(minutes=3)
        await office.deliverer(other).serve_all()

    slow.meanwhile = take_over
    with caplog.at_level(logging.WARNING, "feedwatch.deliver"):
        await office.deliverer(slow).deliver_one("phone/1")
    assert other.bodies == [f"{slow.bodies[0]}\n{SENT_AGAIN}"]
    assert await office.states() == ["delivered"]
    assert "claim ran out address=phone/1" in caplog.text


async def test_what_is_written_down_as_the_daemon_stops_is_written_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A stop cancels whoever waits for the settling; the last look at what is left finds it done."""
    await office.owe("Platoon")
    is_sent, may_settle = asyncio.Event(), threading.Event()
    holding: list[asyncio.Task[object]] = []

    async def hold_store() -> None:
        holding.append(asyncio.create_task(office.store.run(lambda _: may_settle.wait(10))))

    def note(text: str) -> str:
        if holding:  # the last thing before it is written down
            is_sent.set()
        return text

    deliverer = office.deliverer(Scripted(meanwhile=hold_store), redact=note)
    serving = asyncio.create_task(deliverer.serve("phone/1"))
    await asyncio.wait_for(is_sent.wait(), 10)
    serving.cancel()
    await asyncio.wait([serving])
    with caplog.at_level(logging.WARNING, "feedwatch.deliver"):
        leaving = asyncio.create_task(deliverer.settle_left())
        may_settle.set()
        await asyncio.gather(leaving, *holding)
    assert serving.cancelled()
    assert await office.states() == ["delivered"]
    assert caplog.messages == []


async def test_what_was_given_up_while_it_was_under_way_is_not_said_to_come_again(office: Office) -> None:
    """Its service refused it: brought back by hand, it does not say that it may have arrived before."""
    await office.owe("Platoon")
    refusing = Scripted(judge=lambda _: REFUSED)

    async def give_up() -> None:
        await office.store.run(lambda store: store.drop_messages([1], START))

    refusing.meanwhile = give_up
    await office.deliverer(refusing).deliver_one("phone/1")
    assert await office.states() == ["dead"]
    await office.store.run(lambda store: store.retry_messages([1], office.now))
    notifier = Scripted()
    await office.deliverer(notifier).serve_all()
    assert notifier.bodies == ["added Platoon"]


async def test_changed_url_gets_what_was_pending(office: Office) -> None:
    """An address is known by its name: what waited goes to where it is now."""
    await office.owe("Platoon")
    with WebhookSink(after_script=500) as old, WebhookSink() as new:
        notifier = Notifier()
        deliverer = office.deliverer(notifier, urls={"phone/1": old.url})
        await deliverer.serve_all()
        deliverer.terms = replace(deliverer.terms, urls={"phone/1": lambda: new.url})
        await office.serve_until_done(deliverer)
        assert lines_of(new) == ["added Platoon"]
        assert len(old.received) == 1


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────

SECRET = "tok/en+s3cret=&<7>"


def spellings(secret: str) -> list[str]:
    escaped = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    backslashed = secret.replace("<", "\\<").replace(">", "\\>")
    coded = base64.b64encode(secret.encode()).decode()
    return [secret, quote(secret), quote(secret, safe=""), escaped, backslashed, coded, coded.rstrip("=")]


LEAKS = {
    "raw": SECRET,
    "encoded": quote(SECRET, safe=""),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "broken by what nobody sees": SECRET[:5] + "\u200b\x00" + SECRET[5:],
    "in an address": f"https://x.example/?feed_token={quote(SECRET, safe='')}",
}
STYLES = {
    "text": Style(),
    "chat": Style(mentions="@ < ](", escape="\\*_~`|[]<>#", title_escape="\\*_~`|[]<>#"),
    "mail": Style(markup=Markup.HTML),
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
async def test_secret_in_a_title_reaches_no_message(office: Office, leak: str, style: Style) -> None:
    """Whatever form a feed shows our secret in, no form of it is sent; without redaction it would be."""
    await office.owe(f"Look: {leak} !", "Up")
    redactor = Redactor(SECRET)
    notifier = Scripted(style=style)
    await office.deliverer(notifier, redact=redactor.redact).serve_all()
    (sent,) = notifier.sent
    assert "Look: " in sent.body
    assert not [form for form in spellings(SECRET) if form in sent.title + sent.body]


async def test_without_redaction_the_secret_would_be_sent(office: Office) -> None:
    """The test above can fail."""
    await office.owe(f"Look: {SECRET}")
    notifier = Scripted()
    await office.deliverer(notifier, redact=Redactor(SECRET, enabled=False).redact).serve_all()
    assert SECRET in notifier.sent[0].title


@pytest.mark.parametrize("kind", [Kind.QUEUE, Kind.STREAM, Kind.RATINGS])
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_every_text_of_a_change_is_asked_about(kind: Kind, style: Style) -> None:
    """Title, link, facts old and new, key, account and feed: none carries the secret into a message."""
    leaking = RecordedChange(
        id=1,
        at=START,
        account=SECRET,
        feed=SECRET,
        feed_kind=kind,
        kind=ChangeKind.UPDATED,
        key=SECRET,
        title=SECRET,
        link=f"https://x.example/{quote(SECRET)}",
        position=1,
        previous_position=2,
        facts={
            name: FactChange(f"https://x.example/{SECRET}", SECRET)
            for name in ("title", "link", "rating", "availability", "mood")
        },
        entry_facts={"rating": SECRET, "availability": SECRET},
    )
    hidden = Hider(Redactor(SECRET).redact).hide(leaking)
    assert not [form for form in spellings(SECRET) if form in repr(hidden)]
    assert isinstance(hidden, RecordedChange)
    assert hidden.link is None
    deliverable = compose_of(hidden, style)
    assert not [form for form in spellings(SECRET) if form in deliverable]


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(f"https://x.example/{SECRET}", id="raw"),
        pytest.param(f"https://x.example/?q={quote(SECRET, safe='')}", id="encoded"),
        pytest.param("https://x.example/pass\ud800word", id="broken by half a character"),
        pytest.param("https://x.example/?session=1234567", id="a parameter that sounds secret"),
    ],
)
def test_link_that_would_be_masked_is_left_out(link: str) -> None:
    """Half a link leads nowhere; the title is told without it."""
    redact = Redactor(SECRET, "password").redact
    told = Hider(redact).hide(a_post(link))
    assert isinstance(told, RecordedChange)
    assert (told.link, told.facts["link"]) == (None, FactChange(None, None))
    assert compose_of(told, Style()) == "jane/lwn: Up & away has a new link\nUp & away has a new link"


def test_every_text_of_a_notice_is_asked_about() -> None:
    """Account, feeds and reason of a notice are ways out, too."""
    leaking = Notice(NoticeKind.FEED_BROKEN, START, SECRET, (NoticeLine(SECRET, 1),), SECRET)
    hidden = Hider(Redactor(SECRET).redact).hide(leaking)
    assert SECRET not in repr(hidden)
    assert SECRET not in compose_of(hidden, Style())


def test_harmless_texts_stay_as_they_are() -> None:
    """Where nothing is secret nothing changes: links lead where they led."""
    notice = Notice(NoticeKind.WATCHING, START, "jane", (NoticeLine("jane/queue", 1),))
    assert Hider(Redactor(SECRET).redact).hide(notice) == notice
    post = a_post("https://x.example/?a=b")
    assert Hider(Redactor(SECRET).redact).hide(post) == post


def a_post(link: str) -> RecordedChange:
    return RecordedChange(
        id=1,
        at=START,
        account="jane",
        feed="lwn",
        feed_kind=Kind.STREAM,
        kind=ChangeKind.UPDATED,
        key="k",
        title="Up & away",
        link=link,
        position=None,
        previous_position=None,
        facts={"link": FactChange(link, None)},
    )


async def test_secret_in_what_a_service_said_is_neither_stored_nor_logged(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The detail of a failure is asked about before it is written anywhere."""
    await office.owe("Platoon")
    notifier = Scripted(judge=lambda _: NotifyFailed(Reason.UNREACHABLE, f"no answer at {SECRET}"))
    with caplog.at_level(logging.DEBUG, "feedwatch"):
        await office.deliverer(notifier, redact=Redactor(SECRET).redact).serve_all()
    (message,) = await office.messages()
    assert message.detail == "no answer at •••"
    assert "outcome=again" in caplog.text
    assert SECRET not in caplog.text


def compose_of(subject: RecordedChange | Notice, style: Style) -> str:
    message = compose_message([OwedDelivery(1, "phone/1", subject)], style)
    return f"{message.title}\n{message.body}"
