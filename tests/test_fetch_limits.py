"""Limits of time and number: a slow, busy or absent server costs what it may cost and no more."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from feedserver import (
    CERTIFICATE,
    LIMITS,
    Answer,
    FeedServer,
    Visit,
    failed,
    fetched,
    make_fetcher,
    redirect,
    reply,
)

from feedwatch.core.model import Fetched, FetchOutcome, Reason
from feedwatch.fetch import Fetcher

SOON = timedelta(seconds=0.3)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with make_fetcher() as fetcher:
        yield fetcher


# ── time ──────────────────────────────────────────────────────────────────────────────────────────


def drip_body(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    visit.drip(b"x")


SLOW: dict[str, Answer] = {
    "no answer": Visit.wait,
    "a dripping head": lambda visit: visit.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 4000),
    "a dripping body": drip_body,
    "endless interim replies": lambda visit: visit.drip(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.001),
}


@pytest.mark.parametrize("name", SLOW)
async def test_deadline_holds_for_the_whole_reply(server: FeedServer, fetcher: Fetcher, name: str) -> None:
    """A server that keeps sending a byte now and then does not get around the deadline."""
    started = asyncio.get_running_loop().time()
    outcome = failed(await fetcher.fetch(server.on("/f", SLOW[name]), timeout=SOON))
    assert outcome.reason is Reason.TIMEOUT
    assert outcome.detail == "no whole reply within 0.3 s"
    assert outcome.status == (200 if name == "a dripping body" else None)
    assert asyncio.get_running_loop().time() - started < 3


async def test_redirects_share_one_deadline(server: FeedServer, fetcher: Fetcher) -> None:
    """Hops that each take their time are one reply all the same."""
    for number in range(5):
        server.on(f"/{number}", after_a_while(redirect(f"/{number + 1}")))
    server.on("/5", reply(b"<rss/>"))
    outcome = failed(await fetcher.fetch(server.url("/0"), timeout=SOON))
    assert (outcome.reason, outcome.status) == (Reason.TIMEOUT, 302)
    assert 2 <= len(server.requests) <= 4


def after_a_while(answer: bytes) -> Answer:
    def answer_later(visit: Visit) -> None:
        threading.Timer(0.1, (let_go := threading.Event()).set).start()
        visit.wait(let_go)
        visit.send(answer)

    return answer_later


async def test_waiting_for_a_place_is_not_the_servers_time(server: FeedServer) -> None:
    """Who waits for others of the same host has the whole deadline for itself."""
    url = server.on("/f", after_a_while(reply(b"<rss/>")))
    async with make_fetcher(replace(LIMITS, per_host=1, timeout=SOON)) as fetcher:
        outcomes = await asyncio.gather(*(fetcher.fetch(url) for _ in range(6)))
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)


# ── number ────────────────────────────────────────────────────────────────────────────────────────


class Gate:
    """Answers nobody until as many as expected are in, and then some time has passed for others to come."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._open = threading.Event()
        self._lock = threading.Lock()
        self._inside = 0
        self.most_at_once = 0

    def __call__(self, visit: Visit) -> None:
        with self._lock:
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
            if self._inside == self._expected:
                threading.Timer(0.1, self._open.set).start()
        visit.wait(self._open)
        with self._lock:
            self._inside -= 1
        visit.send(reply(b"<rss/>"))


def answer_after(event: threading.Event) -> Answer:
    def answer(visit: Visit) -> None:
        visit.wait(event)
        visit.send(reply(b"<rss/>"))

    return answer


async def fetch_all(fetcher: Fetcher, urls: list[str]) -> list[FetchOutcome]:
    return await asyncio.gather(*map(fetcher.fetch, urls))


async def test_host_is_asked_for_a_few_things_at_once(server: FeedServer, fetcher: Fetcher) -> None:
    """However many feeds a host has, it sees four requests at once, and all get their turn."""
    url = server.on("/f", gate := Gate(4))
    outcomes = await fetch_all(fetcher, [f"{url}?{number}" for number in range(20)])
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert gate.most_at_once == 4
    assert server.connections_made <= 5


async def test_limit_in_all_holds_over_hosts() -> None:
    """The number in all holds however many hosts there are."""
    gate = Gate(3)
    with FeedServer() as first, FeedServer() as second, FeedServer() as third:
        urls = [server.on("/f", gate) for server in (first, second, third)] * 4
        async with make_fetcher(replace(LIMITS, concurrency=3, per_host=2)) as fetcher:
            outcomes = await fetch_all(fetcher, urls)
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert gate.most_at_once == 3


async def test_slow_host_does_not_take_the_places_of_others(server: FeedServer) -> None:
    """Many requests for a host that hangs leave the others their places."""
    let_go = threading.Event()
    hang = answer_after(let_go)
    with FeedServer() as other:
        url = other.on("/f", reply(b"<rss/>"))
        async with make_fetcher(replace(LIMITS, concurrency=3, per_host=2)) as fetcher:
            slow = [asyncio.create_task(fetcher.fetch(server.on("/f", hang))) for _ in range(10)]
            await asyncio.to_thread(server.wait_for, 2)
            assert all(isinstance(each, Fetched) for each in [await fetcher.fetch(url) for _ in range(3)])
            let_go.set()
            await asyncio.gather(*slow)


async def test_host_that_is_redirected_to_is_not_flooded(server: FeedServer) -> None:
    """Feeds of many hosts that all point to one take places there as its own feeds do."""
    target = server.on("/f", gate := Gate(2))
    with FeedServer() as second, FeedServer() as third:
        urls = [each.on(f"/{n}", redirect(f"{target}?{n}")) for each in (second, third) for n in range(6)]
        async with make_fetcher(replace(LIMITS, per_host=2)) as fetcher:
            outcomes = await fetch_all(fetcher, urls)
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert gate.most_at_once == 2


async def test_new_limits_hold_from_now_on(server: FeedServer, fetcher: Fetcher) -> None:
    """A reload changes the limits without losing what is under way."""
    let_go = threading.Event()
    server.on("/old", answer_after(let_go))
    old = asyncio.create_task(fetcher.fetch(server.url("/old")))
    await asyncio.to_thread(server.wait_for, 1)
    fetcher.update_limits(replace(LIMITS, max_body=3))
    assert failed(await fetcher.fetch(server.on("/f", reply(b"<rss/>")))).reason is Reason.TOO_LARGE
    let_go.set()
    await old


# ── connections ───────────────────────────────────────────────────────────────────────────────────


async def test_connection_is_used_again(server: FeedServer, fetcher: Fetcher) -> None:
    """Feeds of one host that are read one after another share a connection."""
    url = server.on("/f", reply(b"<rss/>"), reply(b"", 404), reply(b"<rss/>"))
    for _ in range(4):
        await fetcher.fetch(url)
    assert server.connections_made == 1


async def test_connections_are_kept_to_32_hosts(fetcher: Fetcher) -> None:
    """A connection that is kept takes memory; to any host beyond these each request has one of its own."""
    with ExitStack() as stack:
        servers = [stack.enter_context(FeedServer()) for _ in range(34)]
        for _ in range(2):
            for server in servers:
                await fetcher.fetch(server.on("/f", reply(b"<rss/>")))
        assert [server.connections_made for server in servers] == [1] * 32 + [2] * 2


async def test_connection_closed_in_the_meantime_is_no_failure(server: FeedServer, fetcher: Fetcher) -> None:
    """A server may close an idle connection without a word; the next poll is none the worse."""

    def answer(visit: Visit) -> None:
        visit.send(reply(b"<rss/>"))
        visit.close()

    url = server.on("/f", answer)
    for _ in range(3):
        assert fetched(await fetcher.fetch(url)).body == b"<rss/>"


async def test_cancelled_fetch_leaves_nothing_open(server: FeedServer, fetcher: Fetcher) -> None:
    """A fetch that is called off closes its connection and gives its place back."""
    gone = threading.Event()

    def answer(visit: Visit) -> None:
        try:
            drip_body(visit)
        except OSError:
            gone.set()

    url = server.on("/f", answer, answer, answer, answer, reply(b"<rss/>"))
    for number in range(1, 5):
        task = asyncio.create_task(fetcher.fetch(url))
        await asyncio.to_thread(server.wait_for, number)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.to_thread(gone.wait, 10)
    assert fetched(await fetcher.fetch(url)).body == b"<rss/>"


async def test_fetcher_that_asked_nothing_closes(server: FeedServer) -> None:
    """Closing works whether or not anything was asked, and ends all connections."""
    async with make_fetcher():
        pass
    async with make_fetcher() as fetcher:
        await fetcher.fetch(server.on("/f", reply(b"<rss/>")))
    assert server.connections_made == 1


# ── nobody there ──────────────────────────────────────────────────────────────────────────────────


async def test_closed_port_is_a_refused_connection(fetcher: Fetcher) -> None:
    """A host where nobody listens is said to have refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = failed(await fetcher.fetch(f"http://127.0.0.1:{port}/?feed_token=abcdef"))
    assert (outcome.reason, outcome.detail) == (Reason.CONNECT, "ECONNREFUSED")


async def test_unknown_host_is_a_matter_of_names(fetcher: Fetcher) -> None:
    """A name that nobody knows is told apart from a host that does not answer."""
    outcome = failed(await fetcher.fetch("http://feeds.invalid/?feed_token=abcdef"))
    assert (outcome.reason, outcome.detail) == (Reason.DNS, "the host's name is not known")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "file:///etc/passwd",
        "/etc/passwd",
        "http://",
        "http:///x",
        "http://[::1/x",
        "http://example.org:99999/",
        "http://example.org:port/",
        "http://" + "a" * 64 + ".example/",
        "http://a..example/",
        "http://exämple..org/",
        "http://exa mple.org/",
        "http://evil.example\\.127.0.0.1/",
        "http://jane:\ud800@127.0.0.1/",
        "",
    ],
)
async def test_what_is_no_web_address_is_not_asked(fetcher: Fetcher, url: str) -> None:
    """An address that cannot be asked fails as such, whatever is wrong with it."""
    outcome = failed(await fetcher.fetch(url + "?feed_token=abcdef"))
    assert outcome.reason in (Reason.BAD_ADDRESS, Reason.DNS)
    assert "abcdef" not in outcome.detail


async def test_untrusted_certificate_is_a_tls_failure(fetcher: Fetcher) -> None:
    """A certificate that nobody vouches for is not talked to."""
    with FeedServer(tls=True) as server:
        outcome = failed(await fetcher.fetch(server.on("/f", reply(b"<rss/>"))))
        assert outcome.reason is Reason.TLS
        assert "self-signed" in outcome.detail
        assert server.requests == []


async def test_no_tls_where_tls_was_asked_for(server: FeedServer, fetcher: Fetcher) -> None:
    """A server that speaks no TLS at an https address is a TLS failure."""
    url = server.on("/f", reply(b"<rss/>")).replace("http://", "https://")
    assert failed(await fetcher.fetch(url, timeout=SOON)).reason in (Reason.TLS, Reason.TIMEOUT)


async def test_trusted_certificate_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment may name an authority of one's own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with FeedServer(tls=True) as server:
        async with make_fetcher() as fetcher:
            assert fetched(await fetcher.fetch(server.on("/f", reply(b"<rss/>")))).body == b"<rss/>"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["missing", "empty", "nonsense"])
async def test_nobody_is_blamed_where_nobody_says_whom_to_trust(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """Certificates that the environment names and nobody can read: no TLS, and who needs none is asked."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with FeedServer(tls=True) as server, FeedServer() as plain:
        async with make_fetcher() as fetcher:
            outcome = failed(await fetcher.fetch(server.on("/f", reply(b"<rss/>"))))
            assert (outcome.reason, outcome.status) == (Reason.INTERNAL, None)
            assert "SSL_CERT_FILE" in outcome.detail
            assert fetched(await fetcher.fetch(plain.on("/f", reply(b"<rss/>")))).body == b"<rss/>"
            monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
            assert fetched(await fetcher.fetch(server.on("/f", reply(b"<rss/>")))).body == b"<rss/>"


@pytest.mark.parametrize("named", [None, "/etc/authorities.pem"])
def test_loading_the_client_leaves_the_environment_as_it_is(named: str | None) -> None:
    """What aiohttp would read for nothing is kept from it for as long as it is imported, and no longer."""
    environ = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    environ |= {"SSL_CERT_FILE": named} if named else {}
    looked = "import os, feedwatch.fetch; print(os.environ.get('SSL_CERT_FILE'))"
    done = subprocess.run(
        [sys.executable, "-c", looked], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{named}\n"


def test_loading_the_client_reads_no_certificates() -> None:
    """Only who is asked behind TLS needs them; of an aiohttp that reads none nothing need be kept."""
    environ = os.environ | {"SSL_CERT_FILE": str(CERTIFICATE), "SSL_CERT_DIR": ""}
    count = (
        "import gc, ssl{}\n"
        "contexts = [each for each in gc.get_objects() if isinstance(each, ssl.SSLContext)]\n"
        "print(len(contexts) > 0, sum(each.cert_store_stats()['x509'] for each in contexts))"
    )
    loads = {}
    for module in ("feedwatch.fetch", "aiohttp"):
        code = count.format(f", {module}")
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
        )
        loads[module] = done.stdout.split()
    assert loads == {"feedwatch.fetch": ["True", "0"], "aiohttp": ["True", "2"]}


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Let this process open nothing more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        next_one = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_want_of_descriptors_is_our_own_fault(server: FeedServer, fetcher: Fetcher) -> None:
    """No feed and no network is blamed when this process can open nothing more."""
    url = server.on("/f", reply(b"<rss/>"))
    await fetcher.fetch(url)  # what is loaded once is loaded now
    with FeedServer() as other, no_descriptors_left():
        outcome = failed(await fetcher.fetch(other.url("/g")))
    assert outcome.reason is Reason.INTERNAL
    assert fetched(await fetcher.fetch(url)).body == b"<rss/>"
