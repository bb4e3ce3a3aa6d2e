"""What a stranger can have us do: little work, few descriptors, and nothing that he chooses to sign as.

Times are the processor's. Each of these took minutes, or all memory there was, before it was found.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from feedserver import LIMITS, FeedServer, Visit, failed, fetched, make_fetcher, redirect, reply
from sinks import Reply, WebhookSink

from feedwatch.core.messages import (
    Delivered,
    Markup,
    NotifyFailed,
    NotifyTimedOut,
    Outgoing,
    OwedDelivery,
    Style,
)
from feedwatch.core.model import ChangeKind, Kind, ParseFailed, Reason, RecordedChange
from feedwatch.core.render import compose_message
from feedwatch.core.state import KnownFeed
from feedwatch.errors import StoreError
from feedwatch.fetch.bodies import Inflater
from feedwatch.fetch.lookup import MOST_AT_ONCE
from feedwatch.netflix.status import redact_message
from feedwatch.notify import Notifier
from feedwatch.notify.door import Service, open_service
from feedwatch.opml import Opml, Outline, read_opml, write_opml
from feedwatch.redact import Redactor
from feedwatch.services.naming import name_feeds
from feedwatch.store import Store, copy_state

LONGEST = 65_536
"""As long as a title may be."""
RSS = reply(b"<rss/>")


@contextmanager
def little_work() -> Iterator[None]:
    """Expect that what is done keeps the processor for two seconds at most."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < 2


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────

TEXTS = {
    "one word and an address": "a" * (LONGEST - 5) + " ://x",
    "a word of dots": "a." * (LONGEST // 2) + "://",
    "accents on one letter": "a" + "\u0301" * (LONGEST - 1),
    "joiners": "\u200d" * LONGEST,
    "flags": "\U0001f1e6" * LONGEST,
    "tags": "\U000e0041" * LONGEST,
    "markup": "[" * LONGEST,
    "mentions": "@" * LONGEST,
    "short quoted words": 'a"' * (LONGEST // 2),
}


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_takes_long_to_be_told(name: str) -> None:
    """The longest title there may be is searched for secrets, and fitted into messages, in no time."""
    text, redactor = TEXTS[name], Redactor("a/secret+of-mine")
    title = RecordedChange(
        1,
        datetime(2026, 1, 1, tzinfo=UTC),
        "a",
        "b",
        Kind.STREAM,
        ChangeKind.ADDED,
        "k",
        text,
        None,
        None,
        None,
        {},
    )
    with little_work():
        redactor.redact(text)
        redact_message(text)
        for style in (Style(limit=2000, mentions="@ <", escape="[]"), Style(Markup.HTML, limit=30_000)):
            assert compose_message([OwedDelivery(1, "phone/1", title)], style).body


# ── lists of subscriptions ────────────────────────────────────────────────────────────────────────


def test_list_of_feeds_of_one_name_takes_no_time() -> None:
    """Twenty thousand feeds that want one name get one each, and keep it when all addresses change."""
    feeds = [Outline("News", f"http://h/{number}") for number in range(20_000)]
    with little_work():
        named = name_feeds(feeds, ())
    assert (named[1].name, named[-1].name) == ("news-2", "news-20000")
    known = [KnownFeed(one.name, f"title {n}", one.outline.address) for n, one in enumerate(named)]
    moved = [Outline(f"title {number}", f"http://other/{number}") for number in range(20_000)]
    with little_work():
        names = [one.name for one in name_feeds(moved, known)]
    assert names == [one.name for one in named]


def test_groups_without_end_do_not_multiply() -> None:
    """Each feed carries the texts of all its groups: they are short, whatever a document says."""
    group = b'<outline text="' + b"g" * 500_000 + b'">'
    inner = b'<outline text="' + b"t" * 1000 + b'" xmlUrl="http://h/"/>'
    opml = read_opml(b"<opml><body>" + group * 3 + inner * 1000 + b"</outline>" * 3 + b"</body></opml>")
    assert isinstance(opml, Opml)
    assert sum(len(outline.group or "") + len(outline.text) for outline in opml.outlines) < 2000 * 1000


def test_address_without_end_is_no_subscription() -> None:
    """An address of a megabyte would be asked for, stored, and searched for in every text."""
    body = b'<opml><body><outline text="a" xmlUrl="http://h/?token=' + b"x" * 1_000_000 + b'"/></body></opml>'
    assert read_opml(body) == ParseFailed(Reason.HOSTILE, "an address without end")


def test_exported_groups_cannot_drive_a_terminal() -> None:
    """What a list from the network calls its groups is printed by an export."""
    assert b"[31m" in (written := write_opml([Outline("a\x9b31m", "http://h", groups=("\x9b[31m\x7f",))]))
    assert not {"\x9b", "\x7f", "\x1b"} & set(written.decode())


# ── servers ───────────────────────────────────────────────────────────────────────────────────────


def test_body_of_empty_parts_takes_no_time() -> None:
    """Gzip comes in parts, and half a million of them may hold nothing at all."""
    parts = gzip.compress(b"") * 12_000
    with little_work():
        inflater = Inflater("gzip", 1000)
        for _ in range(20):
            assert inflater.feed(parts) == b""


async def test_validator_that_nobody_may_send_is_not_kept() -> None:
    """A control character in an ETag neither goes out in a header nor breaks the next poll."""
    with FeedServer() as server:
        url = server.on("/f", reply(b"<rss/>", ETag=b'"a\x01b"', Last_Modified=b"\x7f"))
        async with make_fetcher() as fetcher:
            outcome = fetched(await fetcher.fetch(url))
            fetched(await fetcher.fetch(url, validators=outcome.validators))
        assert "if-none-match" not in server.last.headers


async def test_date_beyond_all_dates_is_none() -> None:
    """A server's clock that shows no instant there is breaks nothing."""
    with FeedServer() as server:
        url = server.on("/f", reply(b"<rss/>", Date="Fri, 31 Dec 9999 23:59:59 -2359"))
        async with make_fetcher() as fetcher:
            assert fetched(await fetcher.fetch(url)).server_at is None


@pytest.mark.parametrize("leads", ["home", "elsewhere"])
async def test_nobody_chooses_whom_we_sign_in_as(leads: str) -> None:
    """A feed that moves for good takes no user along that its server chose, here or elsewhere."""
    with FeedServer() as server, FeedServer() as other:
        target = {"home": server, "elsewhere": other}[leads].on("/new", RSS)
        url = server.on("/f", redirect(target.replace("://", "://admin:admin@"), 301))
        async with make_fetcher() as fetcher:
            moved_to = fetched(await fetcher.fetch(url)).moved_to
    assert moved_to == target


def resolve_to_loopback(monkeypatch: pytest.MonkeyPatch, silent: threading.Event) -> None:
    """Have every `….example` lead to this machine, but those that begin with `silent`: they wait."""
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if str(host).startswith("silent"):
            silent.wait(30)
        return real("127.0.0.1" if str(host).endswith(".example") else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def test_many_hosts_do_not_take_all_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are kept to the first thirty-two hosts; one more gets a new one each time."""
    resolve_to_loopback(monkeypatch, threading.Event())
    with FeedServer() as server:
        server.on("/f", RSS)
        async with make_fetcher() as fetcher:
            for number in range(33):
                fetched(await fetcher.fetch(server.url("/f", f"h{number}.example")))
            made = server.connections_made
            fetched(await fetcher.fetch(server.url("/f", "h0.example")))
            assert server.connections_made == made
            fetched(await fetcher.fetch(server.url("/f", "h32.example")))
            assert server.connections_made == made + 1


async def test_silent_name_servers_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """More names than there are threads in a pool get no answer, and another one is asked all the same."""
    silent = threading.Event()
    resolve_to_loopback(monkeypatch, silent)
    with FeedServer() as server:
        server.on("/f", RSS)
        async with make_fetcher() as fetcher:
            soon = timedelta(seconds=LIMITS.timeout.total_seconds() / 2)
            waiting = [
                asyncio.create_task(fetcher.fetch(f"http://silent{number}.example/", timeout=soon))
                for number in range(25)
            ]
            fetched(await fetcher.fetch(server.url("/f", "quick.example")))
            await asyncio.wait_for(asyncio.to_thread(int), 5)  # nor what else is done in threads
            silent.set()
            for outcome in await asyncio.gather(*waiting):
                assert failed(outcome).reason in (Reason.CONNECT, Reason.TIMEOUT)


async def test_many_names_at_once_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for them: none fails for there being others, and threads stay within bounds."""
    may_answer = threading.Event()
    resolve_to_loopback(monkeypatch, may_answer)
    many = replace(LIMITS, concurrency=100)
    with FeedServer() as server:
        server.on("/f", RSS)
        async with make_fetcher(many) as one, make_fetcher(many) as other:
            asking = [
                asyncio.create_task(each.fetch(server.url("/f", f"silent{number}.example")))
                for number in range(100)
                for each in (one, other)
            ]
            for _ in range(1000):  # whoever wants a thread has asked for it by then
                await asyncio.sleep(0)
            assert count_lookups() == MOST_AT_ONCE
            may_answer.set()
            for outcome in await asyncio.gather(*asking):
                fetched(outcome)


def count_lookups() -> int:
    return sum(thread.name == "feedwatch-lookup" for thread in threading.enumerate())


# ── services ──────────────────────────────────────────────────────────────────────────────────────


def send_without_end(visit: Visit) -> None:
    visit.send(
        b"HTTP/1.1 %b\r\nLocation: /x\r\n\r\n" % (visit.request.target[1:].encode().replace(b"-", b" "))
    )
    with suppress(OSError):
        while True:
            visit.send(b"x" * LONGEST)


@pytest.mark.parametrize(("status", "took"), [("200-OK", True), ("307-Go", False), ("500-No", False)])
def test_reply_without_end_is_not_read_to_its_end(status: str, took: bool) -> None:  # noqa: FBT001
    """What a service says beyond a megabyte is not waited for: its status is what counts."""
    with FeedServer() as server:
        server.on(f"/{status}", send_without_end)
        service = open_service(f"json://127.0.0.1:{server.port}/{status}")
        assert isinstance(service, Service)
        outcome = service.deliver(Outgoing("title", "body", Markup.TEXT))
    assert isinstance(outcome, Delivered if took else NotifyFailed)


async def test_reply_is_not_unpacked_to_its_end() -> None:
    """A reply of 200 kB that unpacks to 200 MB is a reply like any other."""
    bomb = Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(200_000_000), 1))
    with WebhookSink(bomb) as sink, little_work():
        assert await Notifier().send("a/1", sink.url, Outgoing("title", "body", Markup.TEXT)) == Delivered()


def test_mail_server_that_greets_without_end_is_left() -> None:
    """A reply of SMTP has some lines; one that has no last line is none."""

    def greet() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"220-welcome\r\n" * 1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        address = f"mailto://127.0.0.1:{listener.getsockname()[1]}?from=a@example.org&to=b@example.org"
        service = open_service(address)
        assert isinstance(service, Service)
        assert isinstance(service.deliver(Outgoing("title", "body", Markup.TEXT)), NotifyFailed)
        thread.join(10)
    assert not thread.is_alive()


async def test_service_that_lets_all_hang_takes_no_place_of_others() -> None:
    """After four messages that hang for ever an address gets no more; all others do."""
    sender = Notifier(within=timedelta(milliseconds=50))
    with WebhookSink(after_script=Reply(hang=True)) as hanging, WebhookSink() as sink:
        for _ in range(4):
            outcome = await sender.send("bad/1", hanging.url, Outgoing("title", "body", Markup.TEXT))
            assert isinstance(outcome, NotifyTimedOut)
        outcome = await sender.send("bad/1", hanging.url, Outgoing("title", "body", Markup.TEXT))
        assert outcome == NotifyFailed(Reason.UNREACHABLE, "too many messages hang on their way")
        patient = await sender.send("good/1", sink.url, Outgoing("title", "body", Markup.TEXT))
        assert isinstance(patient, Delivered | NotifyTimedOut)  # on a busy machine it may be late
        hanging.wait_for(4)
        assert len(hanging.received) == 4
        sink.wait_for(1)


# ── other users of the machine ────────────────────────────────────────────────────────────────────


def test_backup_is_not_written_into_what_another_has_laid_there(tmp_path: Path) -> None:
    """A link under the name of an unfinished copy would have something else overwritten, or the copy read."""
    state, other = tmp_path / "feedwatch.db", tmp_path / "somebody's"
    with closing(Store.open(state)):
        pass
    other.write_text("dear to somebody")
    os.link(other, tmp_path / "copy.db.part")
    with pytest.raises(StoreError, match="not a copy begun by this user"):
        copy_state(state, tmp_path / "copy.db")
    assert other.read_text() == "dear to somebody"
    assert other.stat().st_nlink == 2
