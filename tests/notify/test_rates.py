"""Each service is sent what it takes, by whom it counts, until it or the configuration says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sinks import Reply, WebhookSink

from feedwatch.core.bucket import Rate
from feedwatch.core.messages import Delivered, Markup, NotifyFailed, NotifyOutcome, Outgoing
from feedwatch.core.model import Reason
from feedwatch.notify import Notifier
from feedwatch.notify.door import open_service
from feedwatch.notify.failures import BadAddress
from feedwatch.notify.rates import Meter

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NO_WAIT = timedelta(0)
MESSAGE = Outgoing("jane/queue: 1 added", "added Platoon", Markup.TEXT)
TOO_MUCH = "more would be too much for its service"

DISCORD = "discord://012345678901234567/" + "abcdefghij" * 6 + "abcdefgh"
TELEGRAM = "tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawQ/"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"
SLACK_BOT = "slack://xoxb-1234567890-1234567890-abcdefghijklmnopqrstuvwx/"
PUSHOVER = "pover://" + "u" * 30 + "@" + "t" * 30


@dataclass
class Clock:
    """A clock that a test moves."""

    at: datetime = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_by(self, length: timedelta) -> None:
        self.at += length


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notifier(clock: Clock) -> Notifier:
    return Notifier(now=clock.now)


def meters(url: str) -> tuple[Meter, ...]:
    service = open_service(url)
    assert not isinstance(service, BadAddress), service
    return service.meters


def keys(url: str) -> set[str]:
    return {meter.key for meter in meters(url)}


# ── what services say ─────────────────────────────────────────────────────────────────────────────

PUBLISHED = {
    "discord": (DISCORD, [Rate(5, 2 * SECOND), Rate(30, MINUTE)]),
    "telegram, a person": (TELEGRAM + "12315544", [Rate(30, SECOND), Rate(1, SECOND)]),
    "telegram, its owner": (TELEGRAM, [Rate(30, SECOND), Rate(1, SECOND)]),
    "telegram, a group": (TELEGRAM + "-1001234", [Rate(30, SECOND), Rate(1, SECOND), Rate(20, MINUTE)]),
    "telegram, a channel": (TELEGRAM + "@films", [Rate(30, SECOND), Rate(1, SECOND), Rate(20, MINUTE)]),
    "slack": (SLACK, [Rate(1, SECOND)]),
    "ntfy": ("ntfy://films", [Rate(60, 5 * MINUTE)]),
    "ntfy of one's own": ("ntfys://ntfy.example.org/films", [Rate(60, 5 * MINUTE)]),
    "pushover": (PUSHOVER, [Rate(1, SECOND), Rate(30, MINUTE)]),
    "mail": ("mailtos://jane:pw@example.org", [Rate(30, MINUTE)]),
    "gotify": ("gotify://gotify.example.org/token", []),
    "anything": ("json://example.org", []),
}


@pytest.mark.parametrize(("url", "rates"), PUBLISHED.values(), ids=PUBLISHED)
def test_service_takes_what_it_publishes(url: str, rates: list[Rate]) -> None:
    """The limits that stand in `rates` reach the address of a service in each of its forms."""
    assert [rate for meter in meters(url) for rate in meter.rates] == rates


# ── who is counted as one ─────────────────────────────────────────────────────────────────────────

SHARED = {
    "a webhook by two names": (DISCORD, DISCORD.replace("discord://", "discord://films@")),
    "topics of a server": ("ntfy://films", "ntfy://series"),
    "devices of a person": (PUSHOVER, PUSHOVER + "/phone"),
    "recipients of a mailbox": (
        "mailto://jane:pw@example.org?to=a@x.example",
        "mailto://jane:pw@example.org?to=b@x.example",
    ),
    "topics of a chat": (TELEGRAM + "-1001234:1", TELEGRAM + "-1001234:2"),
}
APART = {
    "two webhooks": (DISCORD, DISCORD.replace("567/", "568/")),
    "two servers": ("ntfy://a.example.org/films", "ntfy://b.example.org/films"),
    "two people": (PUSHOVER, PUSHOVER.replace("u", "v")),
    "channels of a bot": (SLACK_BOT + "#films", SLACK_BOT + "#series"),
    "chats of two bots": (TELEGRAM + "1234", TELEGRAM.replace("123456789:", "123456780:") + "1234"),
}


@pytest.mark.parametrize(("one", "other"), SHARED.values(), ids=SHARED)
def test_what_a_service_counts_as_one_shares_a_bucket(one: str, other: str) -> None:
    """Two addresses may not send twice as much together."""
    assert keys(one) == keys(other) != set()


@pytest.mark.parametrize(("one", "other"), APART.values(), ids=APART)
def test_what_a_service_counts_apart_does_not_wait(one: str, other: str) -> None:
    """One address does not have to wait for another that has nothing to do with it."""
    assert keys(one).isdisjoint(keys(other))


def test_chats_of_a_bot_share_only_what_the_bot_may_send() -> None:
    """Each chat has its own second; all together have the bot's."""
    one, other = keys(TELEGRAM + "1234"), keys(TELEGRAM + "1235")
    assert len(one & other) == 1
    assert keys(TELEGRAM + "1234/1235") == one | other


def test_key_shows_no_token() -> None:
    """What is kept by it could be logged."""
    assert all("AAHdq" not in key for key in keys(TELEGRAM + "1234"))


# ── waiting ───────────────────────────────────────────────────────────────────────────────────────


async def send(notifier: Notifier, url: str, address: str = "phone/1") -> NotifyOutcome:
    return await notifier.send(address, url, MESSAGE)


async def test_more_than_a_service_takes_waits(notifier: Notifier, clock: Clock) -> None:
    """Sixty messages go to ntfy at once, one more is not sent but told when it may be; then it goes."""
    with WebhookSink() as sink:
        url = sink.url_as("ntfy", "/films")
        for _ in range(60):
            assert notifier.wait_for("phone/1", url) == NO_WAIT
            assert await send(notifier, url) == Delivered()
        clock.pass_by(MINUTE)
        assert notifier.wait_for("phone/1", url) == 4 * MINUTE
        assert await send(notifier, url) == NotifyFailed(Reason.RATE_LIMITED, TOO_MUCH, 4 * MINUTE)
        assert len(sink.received) == 60
        clock.pass_by(4 * MINUTE)
        assert notifier.wait_for("phone/1", url) == NO_WAIT
        assert await send(notifier, url) == Delivered()


async def test_rate_of_the_configuration_stands_in_place_of_the_services(
    notifier: Notifier, clock: Clock
) -> None:
    """For its own address alone, and for any service; it follows a reload."""
    with WebhookSink() as sink:
        notifier.rates = {"phone/1": Rate(1, MINUTE)}
        for address in ("phone/1", "phone/2"):
            assert await send(notifier, sink.url, address) == Delivered()
        assert notifier.wait_for("phone/1", sink.url) == MINUTE
        assert notifier.wait_for("phone/2", sink.url) == NO_WAIT
        notifier.rates = {}
        assert await send(notifier, sink.url) == Delivered()


async def test_configuration_may_lift_a_limit(notifier: Notifier) -> None:
    """Somebody's own ntfy may take any number."""
    with WebhookSink() as sink:
        notifier.rates = {"phone/1": None}
        url = sink.url_as("ntfy", "/films")
        for _ in range(61):
            assert await send(notifier, url) == Delivered()


@pytest.mark.parametrize(("asked", "rest"), [({"Retry-After": "30"}, 30 * SECOND), ({}, 5 * MINUTE)])
async def test_service_that_asks_for_rest_gets_it_from_all_that_it_counts_as_one(
    notifier: Notifier, clock: Clock, asked: dict[str, str], rest: timedelta
) -> None:
    """After a 429 another topic of the same server waits too, as long as it asked for or its rate looks."""
    with WebhookSink(Reply(429, asked)) as sink:
        films, series = sink.url_as("ntfy", "/films"), sink.url_as("ntfy", "/series")
        assert isinstance(await send(notifier, films), NotifyFailed)
        assert notifier.wait_for("phone/2", series) == rest
        assert await send(notifier, series, "phone/2") == NotifyFailed(Reason.RATE_LIMITED, TOO_MUCH, rest)
        assert len(sink.received) == 1
        clock.pass_by(rest)
        assert await send(notifier, series, "phone/2") == Delivered()


async def test_message_that_was_refused_counts(notifier: Notifier) -> None:
    """Services count what they refuse, too."""
    with WebhookSink(after_script=400) as sink:
        notifier.rates = {"phone/1": Rate(1, MINUTE)}
        assert await send(notifier, sink.url) == NotifyFailed(Reason.REFUSED, "HTTP 400")
        assert notifier.wait_for("phone/1", sink.url) == MINUTE


def test_address_that_is_none_has_nothing_to_wait_for(notifier: Notifier) -> None:
    """What is wrong with it is said when it is used."""
    assert notifier.wait_for("phone/1", "ntyf://x") == NO_WAIT
