"""Private networks: nobody but who may is asked there, however the way there is spelled or found.

`127.0.0.1` and others of this machine stand for private addresses; what is allowed by name or by
exception stands for a public one, for none of those can be reached here.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from feedserver import FeedServer, Visit, close_after, failed, fetched, make_fetcher, redirect, reply

from feedwatch.core.model import FetchFailed, Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import host_named_by

DEFAULT = NetworkPolicy()
ONE = NetworkPolicy(None, (ip_network("127.0.0.1"),))
"""The servers of these tests may be asked, and nobody else on this machine."""
RSS = reply(b"<rss/>")


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


Answers = Mapping[str, Callable[[], list[str]]]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], list[str]]:
    """Answer for some names in place of the system; gives the names that are asked for, as they come."""
    real = socket.getaddrinfo

    def install(answers: Answers) -> list[str]:
        asked: list[str] = []

        def look_up(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
            if host not in answers:
                return real(host, port, *rest, **more)
            asked.append(host)
            return [
                (
                    socket.AF_INET6 if ":" in address else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (address, port),
                )
                for address in answers[host]()
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return install


@contextmanager
def listening(address: str, port: int) -> Iterator[Callable[[], bool]]:
    """Listen there; says whether anybody has connected."""
    with socket.create_server((address, port)) as listener:
        listener.setblocking(False)

        def has_been_visited() -> bool:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield has_been_visited


# ── who is asked where ────────────────────────────────────────────────────────────────────────────

SPELLINGS = [
    "127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "127.0.0.01", "0177.0.0.1",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%25lo]", "[fe80::1%25lo]", "[fe80::1]", "[::]", "0.0.0.0",
    "0", "localhost", "LOCALHOST", "localhost.", "ⓛocalhost", "127。0。0。1", "\uff11\uff12\uff17.0.0.1",
    "169.254.169.254", "100.64.0.1", "10.255.255.1", "224.0.0.1", "255.255.255.255",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
async def test_stranger_is_not_asked_at_a_private_address(server: FeedServer, host: str) -> None:
    """No spelling of an address, and no name that leads to one, gets through to a private network."""
    url = server.url("/secret-path?feed_token=tok-of-mine", host).replace("://", "://jane:pass-word@")
    async with make_fetcher(networks=DEFAULT) as fetcher:
        outcome = failed(await fetcher.fetch(url))
    assert outcome.reason in (Reason.PRIVATE_ADDRESS, Reason.BAD_ADDRESS, Reason.DNS)
    assert (server.connections_made, outcome.status) == (0, None)
    assert not [word for word in ("secret-path", "tok-of-mine", "pass-word") if word in repr(outcome)]


async def test_refusal_says_where_it_would_have_led(server: FeedServer) -> None:
    """The detail names the host and its address, so that a person knows what to allow."""
    async with make_fetcher(networks=DEFAULT) as fetcher:
        outcome = failed(await fetcher.fetch(server.url("/f?token=abcdef")))
    assert outcome == FetchFailed(Reason.PRIVATE_ADDRESS, "127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "localhost."])
async def test_named_host_is_asked_wherever_it_is(
    server: FeedServer, resolve: Callable[[Answers], list[str]], host: str
) -> None:
    """A host that the configuration names may be at home, however either side spells it."""
    resolve({"localhost.": lambda: ["127.0.0.1"]})  # not every system knows it
    url = server.on("/f", RSS).replace("127.0.0.1", host)
    named = frozenset(filter(None, [host_named_by(url.upper())]))
    async with make_fetcher(networks=DEFAULT) as fetcher:
        fetcher.name_hosts(named)
        assert fetched(await fetcher.fetch(url)).body == b"<rss/>"


async def test_deny_holds_for_named_hosts_too(server: FeedServer) -> None:
    """Who denies private networks means everybody but the exceptions."""
    url = server.on("/f", RSS)
    async with make_fetcher(networks=NetworkPolicy("deny")) as fetcher:
        fetcher.name_hosts(frozenset({"127.0.0.1"}))
        assert failed(await fetcher.fetch(url)).reason is Reason.PRIVATE_ADDRESS
        fetcher.update_networks(NetworkPolicy("deny", ONE.networks))
        fetched(await fetcher.fetch(url))


async def test_allow_holds_but_for_its_exceptions(server: FeedServer) -> None:
    """Who allows private networks may leave some out, by address whatever its name."""
    async with make_fetcher(networks=NetworkPolicy("allow", ONE.networks)) as fetcher:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            outcome = failed(await fetcher.fetch(server.url("/f", host)))
            assert outcome.reason in (Reason.PRIVATE_ADDRESS, Reason.CONNECT)
    assert server.connections_made == 0


# ── names that lead here and there ────────────────────────────────────────────────────────────────


async def test_name_is_judged_each_time_by_where_it_leads_now(
    server: FeedServer, resolve: Callable[[Answers], list[str]]
) -> None:
    """A name that answers with a good address first and a private one next is refused the second time."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    asked = resolve({"rebind.example": lambda: next(answers)})
    with FeedServer() as second, listening("127.0.0.2", second.port) as visited:
        target = second.url("/x", "rebind.example")
        server.on("/f", redirect(target))
        async with make_fetcher(networks=ONE) as fetcher:
            outcome = failed(await fetcher.fetch(server.url("/f", "rebind.example")))
        assert not visited()
        assert second.connections_made == 0
    assert (outcome.reason, outcome.status) == (Reason.PRIVATE_ADDRESS, 302)
    assert outcome.detail == "rebind.example is at 127.0.0.2"
    assert asked == ["rebind.example"] * 2


@pytest.mark.parametrize("addresses", [["127.0.0.2", "127.0.0.1"], ["::1", "127.0.0.2", "127.0.0.1"]])
async def test_only_the_good_addresses_of_a_name_are_used(
    server: FeedServer, resolve: Callable[[Answers], list[str]], addresses: list[str]
) -> None:
    """Where some addresses of a name are private, the others are asked and those are not."""
    resolve({"mixed.example": lambda: addresses})
    server.on("/f", RSS)
    with listening("127.0.0.2", server.port) as visited:
        async with make_fetcher(networks=ONE) as fetcher:
            fetched(await fetcher.fetch(server.url("/f", "mixed.example")))
        assert not visited()


async def test_silence_of_the_good_addresses_is_silence(resolve: Callable[[Answers], list[str]]) -> None:
    """A name whose good address does not answer is a host that does not answer, not a private one."""
    resolve({"mixed.example": lambda: ["127.0.0.1", "127.0.0.2"]})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with listening("127.0.0.2", port) as visited:
        async with make_fetcher(networks=ONE) as fetcher:
            outcome = failed(await fetcher.fetch(f"http://mixed.example:{port}/"))
        assert not visited()
    assert outcome.reason is Reason.CONNECT


async def test_requests_at_once_are_judged_each_by_its_own_host(
    server: FeedServer, resolve: Callable[[Answers], list[str]]
) -> None:
    """Many connections made at the same time do not lend each other their names."""
    resolve({f"{name}.example": lambda: ["127.0.0.1", "127.0.0.1"] for name in ("mine", "theirs")})
    server.on("/f", close_after(RSS))
    async with make_fetcher(networks=DEFAULT) as fetcher:
        fetcher.name_hosts(frozenset({"mine.example"}))
        hosts = ["mine.example", "theirs.example"] * 8
        outcomes = await asyncio.gather(*(fetcher.fetch(server.url("/f", host)) for host in hosts))
    reasons = [getattr(outcome, "reason", None) for outcome in outcomes]
    assert reasons == [None, Reason.PRIVATE_ADDRESS] * 8
    assert len(server.requests) == 8


# ── redirects ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])
async def test_redirect_into_a_private_network_is_not_followed(
    server: FeedServer, host: str, status: int
) -> None:
    """A host at home may be asked; where it sends us at home, unnamed, may not."""
    target = server.url("/admin?key=abcdef", host)
    url = server.on("/f", redirect(target, status))
    async with make_fetcher(networks=DEFAULT) as fetcher:
        fetcher.name_hosts(frozenset({"127.0.0.1"}))
        outcome = failed(await fetcher.fetch(url))
    assert (outcome.reason, outcome.status) == (Reason.PRIVATE_ADDRESS, status)
    assert "admin" not in repr(outcome)
    assert [request.target for request in server.requests] == ["/f"]


async def test_redirect_to_a_named_host_is_followed(server: FeedServer) -> None:
    """What the configuration names may be redirected to, at any port."""
    with FeedServer() as other:
        url = server.on("/f", redirect(other.on("/x", RSS).replace("127.0.0.1", "localhost")))
        async with make_fetcher(networks=DEFAULT) as fetcher:
            fetcher.name_hosts(frozenset({"127.0.0.1", "localhost"}))
            fetched(await fetcher.fetch(url))


# ── connections that are kept, and a reload ───────────────────────────────────────────────────────


async def test_kept_connection_is_no_way_around(server: FeedServer) -> None:
    """A host that is named no more is not asked again, and a connection to it that stands open is closed."""
    url = server.on("/f", RSS)
    async with make_fetcher(networks=DEFAULT) as fetcher:
        fetcher.name_hosts(frozenset({"127.0.0.1"}))
        for _ in range(2):
            fetched(await fetcher.fetch(url))
        fetcher.name_hosts(frozenset({"other.example"}))
        assert failed(await fetcher.fetch(url)).reason is Reason.PRIVATE_ADDRESS
        await asyncio.to_thread(server.wait_until_left)
    assert (server.connections_made, len(server.requests)) == (1, 2)


async def test_connection_is_kept_while_nothing_is_taken_away(server: FeedServer) -> None:
    """One more host that is named, or the same policy read again, costs nobody a connection."""
    url = server.on("/f", RSS)
    async with make_fetcher(networks=DEFAULT) as fetcher:
        for hosts in ({"127.0.0.1"}, {"127.0.0.1", "nas.local"}):
            fetcher.name_hosts(frozenset(hosts))
            fetcher.update_networks(NetworkPolicy())
            fetched(await fetcher.fetch(url))
    assert server.connections_made == 1


async def test_what_is_under_way_at_a_reload_ends(server: FeedServer) -> None:
    """A new policy takes nothing from a request that was made under the old one."""
    let_go = threading.Event()

    def answer(visit: Visit) -> None:
        visit.wait(let_go)
        visit.send(RSS)

    url = server.on("/f", answer)
    async with make_fetcher(networks=ONE) as fetcher:
        under_way = asyncio.create_task(fetcher.fetch(url))
        await asyncio.to_thread(server.wait_for, 1)
        fetcher.update_networks(NetworkPolicy("deny"))
        assert failed(await fetcher.fetch(url)).reason is Reason.PRIVATE_ADDRESS
        let_go.set()
        assert fetched(await under_way).body == b"<rss/>"
        assert failed(await fetcher.fetch(url)).reason is Reason.PRIVATE_ADDRESS


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.ORG:8443/x?y#z", "example.org"),
        ("http://jane:word@nas.local./x", "nas.local"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://[0::1]:80/", "::1"),
        ("http://a\\@nas.local/", "nas.local"),
        ("http://nas.local\\.example/", None),
        ("http://[oops/", None),
        ("nas.local", None),
        ("", None),
    ],
)
def test_host_is_named_as_the_wire_has_it(url: str, host: str | None) -> None:
    """The configuration names the host that a request for the address would be sent to."""
    assert host_named_by(url) == host
