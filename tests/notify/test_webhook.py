"""A message to a webhook of ours is one request, signed and named, and its answer is heeded."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from feedserver import CERTIFICATE, FeedServer, Visit, close_after
from hypothesis import given, settings
from hypothesis import strategies as st
from sinks import Reply, WebhookSink

from feedwatch.core.messages import Delivered, Markup, NotifyFailed, NotifyOutcome, NotifyTimedOut, Outgoing
from feedwatch.core.model import Reason
from feedwatch.fetch import Poster, posting
from feedwatch.notify import Notifier, check_secret

SECRET = "s3cret-t0ken"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MESSAGE = Outgoing("jane/queue: 1 added", '{"version": 1, "text": "4★ <3"}', Markup.JSON, key="7f3a")
PAGE = Path(__file__).parents[2] / "docs" / "webhook.md"


@asynccontextmanager
async def notifying(
    *, now: Callable[[], datetime] = lambda: NOW, within: float = 20.0, connect_within: float = 10.0
) -> AsyncIterator[Notifier]:
    poster = Poster(
        user_agent="feedwatch/test",
        now=now,
        within=timedelta(seconds=within),
        connect_within=timedelta(seconds=connect_within),
    )
    try:
        yield Notifier(post=poster.post, now=now)
    finally:
        await poster.aclose()


async def send(url: str, message: Outgoing = MESSAGE, *, secret: str | None = None) -> NotifyOutcome:
    async with notifying() as notifier:
        if secret is not None:
            notifier.secrets = {"films/1": lambda: secret}
        return await notifier.send("films/1", url, message)


def hook(sink: WebhookSink, rest: str = "/hook", user: str = "") -> str:
    return f"webhook+http://{user}127.0.0.1:{sink.port}{rest}"


class TlsSink(WebhookSink):
    """The same behind TLS, with a certificate of 127.0.0.1 that nobody trusts by himself."""

    def _listen(self, port: int) -> None:
        super()._listen(port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)


# ── the request ───────────────────────────────────────────────────────────────────────────────────


async def test_document_arrives_as_it_was_written() -> None:
    """One POST to the address as it stands, with the body byte for byte and the message's key."""
    with WebhookSink() as sink:
        assert await send(hook(sink, "/hook/%2F?list=a%20b&x=ü")) == Delivered()
        (request,) = sink.received
    assert (request.method, request.path) == ("POST", "/hook/%2F?list=a%20b&x=%C3%BC")
    assert request.body == MESSAGE.body.encode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "7f3a"
    assert request.headers["user-agent"] == "feedwatch/test"
    assert not {"authorization", "cookie", "webhook-signature", "feedwatch-repeat"} & set(request.headers)


async def test_user_and_password_of_the_address_sign_in() -> None:
    """They go as basic authentication, and are no part of what is asked for."""
    with WebhookSink() as sink:
        await send(hook(sink, user=f"jane%40home:{SECRET}@"))
        (request,) = sink.received
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair).decode()) == ("Basic", f"jane@home:{SECRET}")
    assert SECRET not in request.headers["host"] + request.path


async def test_repeat_is_said_by_a_header() -> None:
    """What may have arrived before has the same body and key, and says so beside them."""
    with WebhookSink() as sink:
        again = Outgoing(MESSAGE.title, MESSAGE.body, MESSAGE.markup, key=MESSAGE.key, repeated=True)
        await send(hook(sink))
        await send(hook(sink), again)
        first, second = sink.received
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])
    assert second.headers["feedwatch-repeat"] == "true"


async def test_message_without_a_key_is_no_other_message() -> None:
    """What is sent once (a test message) gets a key of its own."""
    with WebhookSink() as sink:
        for _ in range(2):
            await send(hook(sink), Outgoing("t", "{}", Markup.JSON))
        keys = {request.headers["idempotency-key"] for request in sink.received}
    assert len(keys) == 2
    assert "" not in keys


@pytest.mark.parametrize(
    ("markup", "body", "twin"),
    [(Markup.TEXT, "added Platoon", ""), (Markup.HTML, "<p>added Platoon</p>", "added Platoon")],
)
async def test_message_that_was_written_for_another_service_arrives_as_json(
    markup: Markup, body: str, twin: str
) -> None:
    """An address may have become a webhook's while a message waited: its text goes as a document."""
    with WebhookSink() as sink:
        assert await send(hook(sink), Outgoing("jane", body, markup, twin=twin, key="k")) == Delivered()
        (document,) = sink.messages
    assert (document["kind"], document["title"], document["text"]) == ("text", "jane", "added Platoon")


async def test_nothing_is_kept_for_the_next_message() -> None:
    """No cookie comes back, and no connection is used twice: it might be closed just then."""
    with WebhookSink(Reply(200, {"Set-Cookie": "id=7"})) as sink:
        async with notifying() as notifier:
            for _ in range(2):
                await notifier.send("films/1", hook(sink), MESSAGE)
        assert all("cookie" not in request.headers for request in sink.received)
        assert [request.headers["connection"] for request in sink.received] == ["close", "close"]


# ── the signature ─────────────────────────────────────────────────────────────────────────────────

IsGenuine = Callable[[str, Mapping[str, str], bytes], bool]


@pytest.fixture
def is_genuine(monkeypatch: pytest.MonkeyPatch) -> IsGenuine:
    """The function that docs/webhook.md gives to a receiver, at the time of these tests."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, PAGE, "exec"), names)
    monkeypatch.setattr(time, "time", NOW.timestamp)
    found: IsGenuine = names["is_genuine"]
    return found


SECRETS = {
    "any text": "größer als nichts",
    "base64": "whsec_" + base64.b64encode(bytes(range(32))).decode(),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
async def test_signature_is_verified_as_the_page_says(secret: str, is_genuine: IsGenuine) -> None:
    """A receiver with the secret believes it; not with another, another body, another key, or much later."""
    with WebhookSink() as sink:
        assert await send(hook(sink), secret=secret) == Delivered()
        (request,) = sink.received
    headers, body = request.headers, request.body
    assert headers["webhook-id"] == "7f3a"
    assert is_genuine(secret, headers, body)
    assert not is_genuine("another", headers, body)
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine(secret, {**headers, "webhook-id": "7f3b"}, body)
    assert not is_genuine(secret, {**headers, "webhook-timestamp": str(int(NOW.timestamp()) - 600)}, body)
    assert not is_genuine(secret, {}, body)


async def test_signature_is_what_other_libraries_make() -> None:
    """The example that the libraries of Standard Webhooks test themselves with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    with WebhookSink() as sink:
        async with notifying(now=lambda: datetime.fromtimestamp(1614265330, UTC)) as notifier:
            notifier.secrets = {"a/1": lambda: secret}
            message = Outgoing("t", '{"test": 2432232314}', Markup.JSON, key="msg_p5jXN8AQM9LWM0D4loKWxJek")
            await notifier.send("a/1", hook(sink), message)
        (request,) = sink.received
    assert request.headers["webhook-timestamp"] == "1614265330"
    assert request.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_secret_belongs_to_its_address_and_follows_a_reload() -> None:
    """Only the address that has one is signed for, with the one that it has now."""
    with WebhookSink() as sink:
        async with notifying() as notifier:
            notifier.secrets = {"films/1": lambda: "one"}
            await notifier.send("films/1", hook(sink), MESSAGE)
            await notifier.send("other/1", hook(sink), MESSAGE)
            notifier.secrets = {"films/1": lambda: "two"}
            await notifier.send("films/1", hook(sink), MESSAGE)
        first, other, last = (request.headers.get("webhook-signature") for request in sink.received)
    assert other is None
    assert first != last


async def test_secret_that_is_none_keeps_the_message_back() -> None:
    """Nothing goes out unsigned that was to be signed; the words do not show the secret."""
    bad = f"whsec_{SECRET}!"
    problem = "what follows whsec_ in the secret is not base64"
    assert check_secret(bad) == problem
    assert check_secret("whsec_") == problem
    assert check_secret(SECRETS["base64"]) is None
    with WebhookSink() as sink:
        assert await send(hook(sink), secret=bad) == NotifyFailed(Reason.UNREACHABLE, problem)
        assert sink.received == []


# ── the answer ────────────────────────────────────────────────────────────────────────────────────

REDIRECTED = "{}: redirects are not followed"
ANSWERS: dict[int, NotifyOutcome] = {
    **{status: Delivered() for status in (200, 201, 202, 204)},
    **{s: NotifyFailed(Reason.REFUSED, REDIRECTED.format(f"HTTP {s}")) for s in (301, 302, 304, 307, 308)},
    **{s: NotifyFailed(Reason.REFUSED, f"HTTP {s}") for s in (400, 401, 403, 404, 409, 410, 413, 422)},
    **{s: NotifyFailed(Reason.UNREACHABLE, f"HTTP {s}") for s in (408, 425, 500, 502, 503, 504)},
    429: NotifyFailed(Reason.RATE_LIMITED, "HTTP 429"),
}


@pytest.mark.parametrize(("status", "outcome"), ANSWERS.items(), ids=map(str, ANSWERS))
async def test_status_says_what_became_of_it(status: int, outcome: NotifyOutcome) -> None:
    """Each answer means what docs/webhook.md says, and nothing is sent twice, here or elsewhere."""
    with WebhookSink(Reply(status, {"Location": f"/{SECRET}"})) as sink:
        assert await send(hook(sink)) == outcome
        assert len(sink.received) == 1


RESTS = {
    "429 in seconds": (Reply(429, {"Retry-After": "120"}), 120),
    "503 in seconds": (Reply(503, {"Retry-After": "60"}), 60),
    "a date": (
        Reply(429, {"Retry-After": format_datetime(NOW + timedelta(minutes=2), usegmt=True)}),
        120,
    ),
    "the past": (Reply(429, {"Retry-After": "Sat, 01 Jan 2000 00:00:00 GMT"}), 0),
    "beyond reason": (Reply(429, {"Retry-After": "99999999999999"}), 86400),
    "no sense": (Reply(429, {"Retry-After": "soon"}), None),
}


@pytest.mark.parametrize(("reply", "seconds"), RESTS.values(), ids=RESTS)
async def test_wish_for_rest_is_heard(reply: Reply, seconds: float | None) -> None:
    """A receiver that asks for rest gets it for as long as it says, within reason."""
    with WebhookSink(reply) as sink:
        outcome = await send(hook(sink))
    rest = None if seconds is None else timedelta(seconds=seconds)
    assert outcome == NotifyFailed(Reason.RATE_LIMITED, f"HTTP {reply.status}", rest)


async def test_answer_counts_even_if_its_body_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status has said that it was taken: whatever drips behind it makes no second message."""
    monkeypatch.setattr(posting, "_HEAR_OUT", 0.1)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"

    def drip(visit: Visit) -> None:
        visit.send(head)
        visit.drip(b".")

    with FeedServer() as server:
        server.on("/drip", drip)
        server.on("/flood", lambda visit: visit.send(head + b"." * 1_000_000))
        server.on("/cut", close_after(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n."))
        for path in ("/drip", "/flood", "/cut"):
            assert await send(f"webhook+{server.url(path)}") == Delivered()


# ── silence ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(reset=True)], ids=["no answer", "cut"])
async def test_silence_after_the_request_is_ambiguous(reply: Reply) -> None:
    """It was sent, and nobody knows whether it was taken."""
    with WebhookSink(reply) as sink:
        async with notifying(within=0.3) as notifier:
            assert await notifier.send("films/1", hook(sink), MESSAGE) == NotifyTimedOut()
        assert len(sink.wait_for(1)) == 1


@contextmanager
def closed_door() -> Iterator[WebhookSink]:
    with WebhookSink() as sink:
        sink.close_door()
        yield sink
        sink.open_door()


async def test_closed_door_is_known_not_to_have_been_passed() -> None:
    """Where nobody listens nothing has arrived: it may be sent again without a word."""
    with closed_door() as sink:
        told = await send(hook(sink, f"/{SECRET}"))
    assert told == NotifyFailed(Reason.UNREACHABLE, "connection refused")


async def test_unknown_name_is_known_not_to_have_been_reached() -> None:
    """A host without an address may be a typing error: the words say so, without the name."""
    told = await send(f"webhook+https://{SECRET}.invalid/hook")
    assert told == NotifyFailed(Reason.UNREACHABLE, "the host's name is not known")


async def test_silence_before_the_request_is_none() -> None:
    """Where not even the secure connection came about, nothing can have been taken."""
    with FeedServer() as silent:  # it waits for a request, and TLS for its greeting
        async with notifying(connect_within=0.2) as notifier:
            url = f"webhook+{silent.url('/')}".replace("http:", "https:")
            told = await notifier.send("films/1", url, MESSAGE)
    assert told == NotifyFailed(Reason.UNREACHABLE, "no connection in time")


async def test_certificate_that_is_not_trusted_gets_nothing() -> None:
    """No secret goes to whoever only says that he is the receiver."""
    with TlsSink() as sink:
        told = await send(hook(sink).replace("http:", "https:"))
        assert sink.received == []
    assert isinstance(told, NotifyFailed)
    assert told.reason is Reason.UNREACHABLE
    assert told.detail.startswith("no secure connection (self-signed certificate")


async def test_certificate_that_the_environment_trusts_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS it arrives; for another host's name the same certificate does not do."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with TlsSink() as sink:
        url = hook(sink).replace("http:", "https:")
        assert await send(url) == Delivered()
        told = await send(url.replace("127.0.0.1", "localhost"))
        assert len(sink.received) == 1
    assert isinstance(told, NotifyFailed)
    assert told.detail.startswith("no secure connection (")
    assert "localhost" not in told.detail


async def test_nothing_is_sent_where_nobody_says_whom_to_trust(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the certificates that the environment names nothing has arrived, for certain."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with TlsSink() as sink:
        told = await send(hook(sink).replace("http:", "https:"))
        assert sink.received == []
    assert isinstance(told, NotifyFailed)
    assert told.reason is Reason.UNREACHABLE
    assert "SSL_CERT_FILE" in told.detail


async def test_two_receivers_do_not_wait_for_each_other() -> None:
    """While one hangs, the other has its message."""
    with WebhookSink(Reply(hang=True)) as hung, WebhookSink() as phone:
        async with notifying() as notifier:
            waiting = asyncio.ensure_future(notifier.send("hung/1", hook(hung), MESSAGE))
            await asyncio.to_thread(hung.wait_for, 1)
            assert await notifier.send("phone/1", hook(phone), MESSAGE) == Delivered()
            assert not waiting.done()
            hung.stop()
            assert await waiting == NotifyTimedOut()


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

BEGINS = "a webhook's address begins with webhook+https://host or webhook+http://host"
BAD_ADDRESSES = {
    "no scheme": (f"webhook://h/{SECRET}", BEGINS),
    "more than one": (f"webhooks://h/{SECRET}", BEGINS),
    "another scheme": (f"webhook+ftp://h/{SECRET}", BEGINS),
    "a space": (f"webhook+https://h/{SECRET} x", BEGINS),
    "no host": ("webhook+https:///hook", "no address of a webhook: it lacks a host"),
    "no port": (
        f"webhook+https://h:port/{SECRET}",
        "no address of a webhook: its host or port is in the wrong form",
    ),
    "half of brackets": (
        f"webhook+https://[::1/{SECRET}",
        "no address of a webhook: its host or port is in the wrong form",
    ),
    "a part": (f"webhook+https://h/#{SECRET}", "what follows a # is never sent: leave it out, or write %23"),
}


@pytest.mark.parametrize(("url", "problem"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
async def test_bad_address_gets_words_that_help(url: str, problem: str) -> None:
    """What is wrong and what to do is said when it is checked and when it is used, without its secrets."""
    assert Notifier().check_address(url) == problem
    assert await send(url) == NotifyFailed(Reason.UNREACHABLE, problem)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
@settings(max_examples=60)
def test_whatever_follows_the_host_can_be_posted_to(rest: str) -> None:
    """An address that was called good ends in an outcome, never in an error."""
    url = f"webhook+http://127.0.0.1:1{rest}"
    if Notifier().check_address(url) is None:
        assert isinstance(asyncio.run(send(url)), NotifyFailed)


def test_address_of_a_webhook_wants_json_with_much_in_it() -> None:
    """Hundreds of changes go as one document."""
    style = Notifier().style_of("webhook+https://h/")
    assert (style.markup, style.titled, style.limit) == (Markup.JSON, True, 256 * 1024)
    assert (style.mentions, style.escape, style.title_escape) == ("", "", "")


async def test_without_a_poster_nothing_is_sent() -> None:
    """A notifier that was not given one says so, and nothing is ambiguous."""
    told = await Notifier().send("films/1", "webhook+https://h/", MESSAGE)
    assert told == NotifyFailed(Reason.UNREACHABLE, "nothing is there to post with")
