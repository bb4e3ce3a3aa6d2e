"""A message over HTTP is one request, and what became of it is told without the address's secrets."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from feedserver import FeedServer
from sinks import Reply, WebhookSink

from feedwatch.core.messages import Delivered, Markup, NotifyFailed, NotifyOutcome, NotifyTimedOut, Outgoing
from feedwatch.core.model import Reason
from feedwatch.notify import Notifier, notifier
from feedwatch.notify.plugins import load_plugin

SECRET = "s3cret-t0ken"


async def send(
    url: str, *, using: Notifier | None = None, address: str = "phone/1", title: str = "jane/queue: 1 added"
) -> NotifyOutcome:
    return await (using or Notifier()).send(address, url, Outgoing(title, "added Platoon", Markup.TEXT))


async def answer_with(reply: Reply | int) -> NotifyOutcome:
    with WebhookSink(reply) as sink:
        outcome = await send(sink.url)
        assert len(sink.received) == 1
    return outcome


@contextmanager
def listen_and_say_nothing() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ── arrived ───────────────────────────────────────────────────────────────────────────────────────


async def test_message_arrives_whole_in_one_request() -> None:
    """Title and body arrive as they were written, umlauts, emoji, blank lines and all."""
    body = "added Schlöndorff: Die Blechtrommel 🥁\n\n:smile: \\n <3 & *b*\n  indented"
    with WebhookSink() as sink:
        outcome = await Notifier().send("a/1", sink.url, Outgoing("jané → 4★", body, Markup.TEXT))
        (message,) = sink.messages
        assert len(sink.received) == 1
    assert outcome == Delivered()
    assert (message["title"], message["message"]) == ("jané → 4★", body)


async def test_message_without_a_title_arrives() -> None:
    """What says all in its body goes without a title, and what has only a title is told in the body."""
    with WebhookSink() as sink:
        await Notifier().send("a/1", sink.url, Outgoing("", "all of it", Markup.TEXT))
        await Notifier().send("a/1", sink.url, Outgoing("all of it", "", Markup.TEXT))
        assert [(one["title"], one["message"]) for one in sink.messages] == [("", "all of it")] * 2


async def test_messages_are_not_held_back() -> None:
    """Whatever pause a plugin would like between messages, a dozen go at once; waiting is the outbox's."""
    with WebhookSink() as sink:
        using = Notifier(within=timedelta(seconds=5))
        url = sink.url_as("ntfy", "/topic")
        for _ in range(12):
            assert await send(url, using=using) == Delivered()
        assert len(sink.received) == 12


async def test_long_body_arrives_whole() -> None:
    """A plugin that would keep two lines of a message keeps all."""
    with WebhookSink() as sink:
        using = Notifier()
        body = "\n".join(f"added film {number}" for number in range(20))
        assert (
            await using.send("a/1", sink.url_as("kodi", ""), Outgoing("t", body, Markup.TEXT)) == Delivered()
        )
        assert "added film 19" in sink.received[0].json["params"]["message"]


# ── not taken ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        *[(status, Reason.REFUSED) for status in (400, 401, 403, 404, 410, 413, 422)],
        *[(status, Reason.UNREACHABLE) for status in (302, 307, 408, 425, 500, 502, 503, 504)],
        (429, Reason.RATE_LIMITED),
    ],
    ids=str,
)
async def test_status_says_what_became_of_it(status: int, reason: Reason) -> None:
    """4xx refuse the message, 429 asks for rest, all else may pass; each is tried exactly once."""
    assert await answer_with(status) == NotifyFailed(reason, f"HTTP {status}")


async def test_redirect_is_no_success() -> None:
    """What is answered with a redirect has not been taken, and is not sent elsewhere."""
    with WebhookSink(Reply(302, {"Location": "/elsewhere"})) as sink:
        outcome = await send(sink.url)
        assert [one.path for one in sink.received] == ["/hook"]
    assert outcome == NotifyFailed(Reason.UNREACHABLE, "HTTP 302")


def in_two_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)


RESTS = {
    "seconds": (Reply(429, {"Retry-After": "120"}), 120),
    "fractions": (Reply(429, {"Retry-After": "0.5"}), 0.5),
    "the past": (Reply(429, {"Retry-After": "Sat, 01 Jan 2000 00:00:00 GMT"}), 0),
    "below zero": (Reply(429, {"Retry-After": "-5"}), 0),
    "beyond reason": (Reply(429, {"Retry-After": "99999999999999"}), 86400),
    "not a number": (Reply(429, {"Retry-After": "nan"}), None),
    "no sense": (Reply(429, {"Retry-After": "soon"}), None),
    "nothing": (Reply(429), None),
    "Discord's body": (
        Reply(429, body=b'{"message": "limited", "retry_after": 64.57, "global": false}'),
        64.57,
    ),
    "Telegram's body": (Reply(429, body=b'{"ok": false, "parameters": {"retry_after": 7}}'), 7),
    "a body that is a list": (Reply(429, body=b"[1]"), None),
    "a body with nothing of it": (Reply(429, body=b'{"parameters": null}'), None),
    "a fault that says when": (Reply(503, {"Retry-After": "60"}), 60),
}


@pytest.mark.parametrize(("reply", "seconds"), RESTS.values(), ids=RESTS)
async def test_wish_for_rest_is_heard(reply: Reply, seconds: float | None) -> None:
    """How long to rest is taken from the header or the body, within reason."""
    outcome = await answer_with(reply)
    assert isinstance(outcome, NotifyFailed)
    assert outcome.retry_after == (None if seconds is None else timedelta(seconds=seconds))


async def test_wish_for_rest_until_a_date_is_heard() -> None:
    """A date in the header is as long as it is until then."""
    outcome = await answer_with(Reply(429, {"Retry-After": in_two_minutes()}))
    assert isinstance(outcome, NotifyFailed)
    assert outcome.retry_after is not None
    assert timedelta(seconds=90) < outcome.retry_after <= timedelta(seconds=120)


async def test_error_inside_a_success_is_refused() -> None:
    """A service that says 200 and `no` in the same breath has not taken it."""
    with WebhookSink(Reply(200, body=b"invalid_token")) as sink, pointed_at(sink, "slack", "webhook_url"):
        outcome = await send("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    assert outcome == NotifyFailed(Reason.REFUSED, "HTTP 200, with an error inside")


@contextmanager
def pointed_at(sink: WebhookSink, schema: str, attribute: str) -> Iterator[None]:
    """A hosted service's plugin, for as long as it speaks to a server of ours."""
    assert Notifier().check_address(sink.url) is None  # which loads the plugins
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_plugin(schema), attribute, f"http://127.0.0.1:{sink.port}/{schema}")
        yield


# ── nothing of the address is told ────────────────────────────────────────────────────────────────


class Overheard(logging.Handler):
    """All that reaches the root of the logs, where ours goes out."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def overheard() -> Iterator[Overheard]:
    handler, root = Overheard(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


def with_secret(schema: str, port: int, options: str = "") -> str:
    return f"{schema}://{SECRET}:{SECRET}@127.0.0.1:{port}/{SECRET}?+X-Key={SECRET}&:tell={SECRET}{options}"


ECHO = f"no such token: {SECRET}".encode()


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param(Reply(400, body=ECHO), NotifyFailed(Reason.REFUSED, "HTTP 400"), id="refused"),
        pytest.param(Reply(429, body=ECHO), NotifyFailed(Reason.RATE_LIMITED, "HTTP 429"), id="limited"),
        pytest.param(
            Reply(429, {"Retry-After": "5"}, ECHO),
            NotifyFailed(Reason.RATE_LIMITED, "HTTP 429", timedelta(seconds=5)),
            id="limited for a while",
        ),
        pytest.param(Reply(500, body=ECHO), NotifyFailed(Reason.UNREACHABLE, "HTTP 500"), id="fault"),
        pytest.param(Reply(reset=True), NotifyTimedOut(), id="connection cut after the request"),
        pytest.param(
            Reply(302, {"Location": f"http://127.0.0.1:9/{SECRET}"}),
            NotifyFailed(Reason.UNREACHABLE, "HTTP 302"),
            id="redirect",
        ),
    ],
)
async def test_secrets_of_an_address_are_not_told_by_a_reply(
    reply: Reply, outcome: NotifyOutcome, overheard: Overheard
) -> None:
    """Whatever a service says, and if it repeats the token: detail and log hold words of our own."""
    with WebhookSink(reply) as sink:
        told = await send(with_secret("json", sink.port))
        assert SECRET in str(sink.received[0].headers)
    assert told == outcome
    assert SECRET not in repr(told)
    assert SECRET not in "\n".join(overheard.lines)


UNREADABLE = {
    "no status line": b"OK\r\n\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: %b\r\n\r\n" % (b"x" * 70_000),
    "more headers than anybody reads": b"HTTP/1.1 200 OK\r\n%b\r\n" % (b"X: y\r\n" * 200),
    "what does not unpack": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\noops"),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_answer_that_cannot_be_read_leaves_open_what_became_of_the_message(answer: bytes) -> None:
    """The service has it, and answered: it is not known to have failed."""
    with FeedServer() as server:
        server.on("/hook", answer)
        assert await send(server.url("/hook").replace("http://", "json://")) == NotifyTimedOut()


async def test_secrets_of_an_address_are_not_told_when_nothing_listens(overheard: Overheard) -> None:
    """A refused connection is said in a few words."""
    told = await send(with_secret("json", closed_port()))
    assert told == NotifyFailed(Reason.UNREACHABLE, "connection refused")
    assert SECRET not in "\n".join(overheard.lines)


async def test_secrets_of_an_address_are_not_told_when_its_name_is_unknown(overheard: Overheard) -> None:
    """A host without an address may be a typing error: the words say so, without the name."""
    told = await send(f"json://{SECRET}:{SECRET}@{SECRET}.invalid/{SECRET}")
    assert told == NotifyFailed(Reason.UNREACHABLE, "the host's name is not known")
    assert SECRET not in "\n".join(overheard.lines)


async def test_secrets_of_an_address_are_not_told_when_tls_fails(overheard: Overheard) -> None:
    """A server that does not speak TLS is no place for a secret."""
    with WebhookSink() as sink:
        told = await send(with_secret("jsons", sink.port))
        assert sink.received == []
    assert told == NotifyFailed(Reason.UNREACHABLE, "no secure connection")
    assert SECRET not in "\n".join(overheard.lines)


async def test_plugin_that_breaks_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, overheard: Overheard
) -> None:
    """A fault within a plugin is a failed send, and what it says stays with it."""
    with WebhookSink() as sink:
        url = with_secret("json", sink.port)
        using = Notifier()
        assert using.check_address(url) is None

        def break_down(self: object, **_: object) -> bool:
            raise RuntimeError(url)

        monkeypatch.setattr(load_plugin("json"), "send", break_down)
        told = await send(url, using=using)
    assert isinstance(told, NotifyFailed)
    assert told.reason is Reason.UNREACHABLE
    assert SECRET not in repr(told)
    assert SECRET not in "\n".join(overheard.lines)


# ── hanging ───────────────────────────────────────────────────────────────────────────────────────


async def test_silence_after_the_request_is_ambiguous() -> None:
    """It was sent, and nobody knows whether it was taken."""
    with WebhookSink(Reply(hang=True)) as sink:
        assert await send(with_secret("json", sink.port, "&rto=0.2")) == NotifyTimedOut()
        assert len(sink.wait_for(1)) == 1


async def test_silence_before_the_request_is_none() -> None:
    """Where not even the secure connection came about, nothing can have been taken."""
    with listen_and_say_nothing() as port:
        told = await send(with_secret("jsons", port, "&rto=0.2&cto=0.2"))
    assert told == NotifyFailed(Reason.UNREACHABLE, "no secure connection in time")


async def test_hanging_send_is_left_behind() -> None:
    """After its time a send is ambiguous, however patient the plugin is; the address can be used again."""
    with WebhookSink(Reply(hang=True)) as sink:
        using = Notifier(within=timedelta(seconds=0.2))
        assert await send(sink.url, using=using) == NotifyTimedOut()
        assert len(sink.wait_for(1)) == 1
        assert await send(sink.url, using=Notifier()) == Delivered()


async def test_two_addresses_do_not_wait_for_each_other() -> None:
    """While one hangs, the other has its message."""
    with WebhookSink(Reply(hang=True)) as hung, WebhookSink() as phone:
        using = Notifier(within=timedelta(seconds=30))
        waiting = asyncio.ensure_future(send(hung.url, using=using, address="hung/1"))
        await asyncio.to_thread(hung.wait_for, 1)
        assert await send(phone.url, using=using) == Delivered()
        assert not waiting.done()
        hung.stop()
        assert await waiting == NotifyTimedOut()


async def test_message_that_found_no_place_was_not_sent() -> None:
    """Where others take all the places for all the time, nothing is ambiguous: nothing was sent."""
    with WebhookSink() as phone:
        told = await send(phone.url, using=Notifier(at_once=0, within=timedelta(seconds=0.1)))
        assert phone.received == []
    assert told == NotifyFailed(Reason.UNREACHABLE, "other messages took all the time")


async def test_sends_that_never_come_back_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads left behind are counted; once one comes back there is room again."""
    monkeypatch.setattr(notifier, "_MOST_STUCK", 1)
    with WebhookSink() as phone:
        using = Notifier(within=timedelta(seconds=1))
        with WebhookSink(Reply(hang=True)) as hung:
            assert await send(hung.url, using=using) == NotifyTimedOut()
            stuck = NotifyFailed(Reason.UNREACHABLE, "too many messages hang on their way")
            assert await send(phone.url, using=using) == stuck
        for thread in threading.enumerate():
            if thread.name == "feedwatch-notify":
                await asyncio.to_thread(thread.join)
        await asyncio.sleep(0)  # the loop hears of it
        assert await send(phone.url, using=using) == Delivered()


def test_hanging_send_does_not_keep_the_process_alive() -> None:
    """A daemon that stops does not wait for a service that never answers."""
    program = (
        "import asyncio, sys\n"
        "from datetime import timedelta\n"
        "from feedwatch.core.messages import Markup, Outgoing\n"
        "from feedwatch.notify import Notifier\n"
        "n = Notifier(within=timedelta(seconds=0.2))\n"
        "print(asyncio.run(n.send('a/1', sys.argv[1], Outgoing('t', 'b', Markup.TEXT))))\n"
    )
    with WebhookSink(Reply(hang=True)) as sink:
        done = subprocess.run(
            [sys.executable, "-c", program, sink.url], capture_output=True, text=True, timeout=20, check=True
        )
    assert done.stdout == "NotifyTimedOut()\n"


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

BAD_ADDRESSES = {
    "nothing": ("", "no address of a service: it has to begin like ntfy:// or mailto://"),
    "a word": ("phone", "no address of a service: it has to begin like ntfy:// or mailto://"),
    "a web page": (
        f"https://x.example/{SECRET}",
        "no address that Apprise recognises: name the service, as in json://host/path or discord://…",
    ),
    "a typing error": (f"ntyf://x/{SECRET}", "Apprise knows no service ntyf://; did you mean ntfy://?"),
    "no service": (f"zzzzzzzz://{SECRET}", "Apprise knows no service zzzzzzzz://"),
    "half of it": (
        f"discord://{SECRET}",
        "discord:// lacks something that Discord needs, or has it in the wrong form",
    ),
    "nobody to tell": (
        "mailto://",
        "mailto:// lacks something that E-Mail needs, or has it in the wrong form",
    ),
    "optional": (
        f"json://h/{SECRET}?optional=yes",
        "optional=yes would call lost messages delivered: leave it out",
    ),
    "retry": (
        f"json://h/{SECRET}?retry=3",
        "retry= would repeat messages out of order: leave it out, feedwatch tries again by itself",
    ),
    "redirect": (
        f"json://h/{SECRET}?redirect=yes",
        "redirect=yes would call messages delivered that were only sent elsewhere: leave it out",
    ),
    "emoji": (f"json://h/{SECRET}?emojis=yes", "emojis=yes would change titles: leave it out"),
}


@pytest.mark.parametrize(("url", "problem"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
async def test_bad_address_gets_words_that_help(url: str, problem: str, overheard: Overheard) -> None:
    """What is wrong and what to do is said when it is checked and when it is used, without its secrets."""
    using = Notifier()
    assert using.check_address(url) == problem
    assert await send(url, using=using) == NotifyFailed(Reason.UNREACHABLE, problem)
    assert SECRET not in "\n".join(overheard.lines)


async def test_address_that_changes_its_url_is_followed() -> None:
    """An address is where it is now, with the same name."""
    with WebhookSink() as old, WebhookSink() as new:
        using = Notifier()
        await send(old.url, using=using)
        await send(new.url, using=using)
        await send(new.url, using=using)
        assert (len(old.received), len(new.received)) == (1, 2)
        await using.aclose()
        assert await send(new.url, using=using) == Delivered()


async def test_recipient_that_took_it_does_not_get_it_again() -> None:
    """Where one of an address's recipients failed, a retry goes to that one alone; news goes to all."""
    with WebhookSink(200, 500) as sink:
        using = Notifier()
        url = sink.url_as("ntfy", "/alpha/beta")
        partly = NotifyFailed(Reason.UNREACHABLE, "HTTP 500", partly=True)
        assert await send(url, using=using) == partly
        assert await send(url, using=using) == Delivered()
        topics = [one.json["topic"] for one in sink.received]
        assert sorted(topics[:2]) == ["alpha", "beta"]
        assert topics[2:] == [topics[1]]
        assert await send(url, using=using) == Delivered()
        assert len(sink.received) == 5


async def test_recipient_that_took_it_does_not_get_it_again_though_another_kept_silent() -> None:
    """What may have arrived says so when it goes again: it is the same message all the same."""
    with WebhookSink(200, Reply(reset=True)) as sink:
        using = Notifier()
        url = sink.url_as("ntfy", "/alpha/beta")
        message = Outgoing("title", "added Platoon", Markup.TEXT, key="7f3a")
        assert await using.send("a/1", url, message) == NotifyTimedOut()
        again = replace(message, body=f"{message.body}\n(sent again)", repeated=True)
        assert await using.send("a/1", url, again) == Delivered()
        topics = [one.json["topic"] for one in sink.received]
        assert sorted(topics[:2]) == ["alpha", "beta"]
        assert topics[2:] == [topics[1]]


async def test_silence_of_one_recipient_is_not_hidden_by_a_fault_of_the_next() -> None:
    """What the first was sent may have arrived, whatever came of the second."""
    with WebhookSink(Reply(reset=True), 500) as sink:
        assert await send(sink.url_as("ntfy", "/alpha/beta")) == NotifyTimedOut()
        assert len(sink.received) == 2


async def test_message_is_not_taken_for_one_like_it() -> None:
    """The same words under another key are news, to every recipient."""
    with WebhookSink(200, 500) as sink:
        using = Notifier()
        url = sink.url_as("ntfy", "/alpha/beta")
        message = Outgoing("title", "added Platoon", Markup.TEXT, key="7f3a")
        assert isinstance(await using.send("a/1", url, message), NotifyFailed)
        assert await using.send("a/1", url, replace(message, key="8b21")) == Delivered()
        assert len(sink.received) == 4


async def test_messages_that_take_turns_do_not_reach_twice_who_took_them() -> None:
    """What was set apart is tried by turns, for days if one recipient refuses it: the other hears it once."""
    with WebhookSink(*[200, 403] * 2, *[403] * 6) as sink:
        using = Notifier()
        url = sink.url_as("ntfy", "/alpha/beta")
        both = [Outgoing("title", f"added {key}", Markup.TEXT, key=key) for key in ("Platoon", "Up")]
        for _ in range(4):
            for message in both:
                assert isinstance(await using.send("a/1", url, message), NotifyFailed)
        topics = [(one.json["topic"], one.json["message"]) for one in sink.received]
        assert len(topics) == 2 * (1 + 4)
        assert {topics.count(each) for each in topics} == {1, 4}
