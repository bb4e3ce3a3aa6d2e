from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import pytest

from feedwatch.core.model import AskOutcome, FetchOutcome, Kind, Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.services import (
    FeedWishes,
    Found,
    IndexFailed,
    Means,
    Memory,
    NetflixSettings,
    find_index_host,
    open_service,
)

NOW = datetime(2026, 11, 1, 22, tzinfo=UTC)
CONSUMER = Consumer("consumer", "consumer-secret")
TOKEN = Token("access", "access-secret")


@dataclass
class Api:
    """A server that answers each path as written, and remembers what it was asked."""

    url: str = ""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    clock: datetime | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = request.split(" ", 2)[1]
        self.asked.append(path)
        self.authorizations += re.findall(r"(?im)^authorization: (.*)\r$", request)
        status, body = self.answers.get(path, (404, error(404, "Resource not found")))
        date = f"Date: {format_datetime(self.clock, usegmt=True)}\r\n" if self.clock else ""
        head = (
            f"HTTP/1.1 {status} x\r\n{date}Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
        )
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()


def error(status: int, message: str) -> str:
    return f"<status><status_code>{status}</status_code><message>{message}</message></status>"


def current_user(user_id: str) -> str:
    return f"<resource><link href='http://h/users/{user_id}' rel='http://schemas.netflix.com/user.current'/></resource>"


def index(*paths: str, user_id: str = "T1.-") -> str:
    base = f"http://h/users/{user_id}"
    links = "".join(
        f"<link href='{base}/{path}?feed_token=a&amp;output=atom'"
        " rel='http://schemas.netflix.com/feed.x' title='t'/>"
        for path in paths
    )
    return f"<resource>{links}</resource>"


class Said(TypedDict, total=False):
    token: Token | None
    user_id: str
    discovery: Literal["xml", "opml"]
    feeds: tuple[str, ...]
    wishes: dict[str, FeedWishes]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    async with server:
        api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/"
        yield api


async def find(api: Api, *, remembered: str | None = None, **said: Unpack[Said]) -> Found | IndexFailed:
    settings = replace(NetflixSettings(api.url, CONSUMER, TOKEN), **said)
    memory = Memory(facts={"user_id": remembered} if remembered else {})
    fetcher = Fetcher(
        FetchLimits(timedelta(seconds=10), 1 << 20),
        networks=NetworkPolicy("allow"),
        user_agent="test",
        now=lambda: NOW,
    )
    try:
        means = Means(fetcher.fetch, lambda: NOW, send=fetcher.call)
        return await open_service(settings, means, memory).find_feeds()
    finally:
        await fetcher.aclose()


async def found_by(api: Api, *, remembered: str | None = None, **said: Unpack[Said]) -> Found:
    found = await find(api, remembered=remembered, **said)
    assert isinstance(found, Found), found
    return found


async def failed_by(api: Api, *, remembered: str | None = None, **said: Unpack[Said]) -> IndexFailed:
    failed = await find(api, remembered=remembered, **said)
    assert isinstance(failed, IndexFailed), failed
    return failed


async def test_configured_user_is_asked_for_feeds(api: Api) -> None:
    """With the user configured, one signed request below the server's own path finds the feeds."""
    api.answers["/v1/users/T1.-/feeds"] = (200, index("queues/instant", "ratings/title/actual"))
    found = await found_by(api, user_id="T1.-")
    assert [(feed.name, feed.kind) for feed in found.feeds] == [
        ("queue", Kind.QUEUE),
        ("ratings", Kind.RATINGS),
    ]
    assert not found.authoritative
    assert api.asked == ["/v1/users/T1.-/feeds"]
    assert "oauth_signature" in api.authorizations[0]


async def test_unknown_user_is_asked_for_once_and_remembered(api: Api) -> None:
    """Without a user the server is asked who the token belongs to; the answer is a fact to keep."""
    api.answers["/v1/users/current"] = (200, current_user("T1.-"))
    api.answers["/v1/users/T1.-/feeds"] = (200, index("queues/instant"))
    found = await found_by(api)
    assert found.facts == {"user_id": "T1.-"}
    assert len(api.authorizations) == 2
    await found_by(api, remembered="T1.-")
    assert api.asked[2:] == ["/v1/users/T1.-/feeds"]


async def test_opml_is_asked_for_where_configured(api: Api) -> None:
    """With discovery as OPML the same feeds come out of the other form."""
    outline = "<outline text='t' xmlUrl='http://h/users/T1.-/queues/instant?feed_token=a&sort=date_added'/>"
    api.answers["/v1/users/T1.-/feeds?output=opml"] = (200, f"<opml><body>{outline}</body></opml>")
    found = await found_by(api, user_id="T1.-", discovery="opml")
    assert [feed.name for feed in found.feeds] == ["queue"]


async def test_only_wanted_feeds_are_found_as_wished(api: Api) -> None:
    """The configuration chooses among the feeds and has the last word on each."""
    api.answers["/v1/users/T1.-/feeds"] = (200, index("queues/instant", "at_home", "reviews"))
    wishes = {"at-home": FeedWishes(Kind.QUEUE, timedelta(hours=1))}
    found = await found_by(api, user_id="T1.-", feeds=("queue", "at-home"), wishes=wishes)
    assert [(feed.name, feed.kind, feed.every) for feed in found.feeds] == [
        ("queue", Kind.QUEUE, None),
        ("at-home", Kind.QUEUE, timedelta(hours=1)),
    ]


async def test_user_id_stays_one_part_of_the_path(api: Api) -> None:
    """An id with a slash in it does not change what is asked for."""
    assert not (await failed_by(api, user_id="../evil?x=1")).signed_out
    assert api.asked == ["/v1/users/..%2Fevil%3Fx%3D1/feeds"]


async def test_account_without_access_token_is_signed_out(api: Api) -> None:
    """Without credentials nobody is asked: only signing in helps."""
    failed = await failed_by(api, token=None)
    assert (failed.reason, failed.signed_out, api.asked) == (Reason.NO_CREDENTIALS, True, [])


async def test_refused_signature_signs_the_account_out(api: Api) -> None:
    """A 401 on a signed call means that only a new sign-in can help."""
    api.answers["/v1/users/current"] = (401, error(401, "Access token is invalid"))
    failed = await failed_by(api)
    assert (failed.reason, failed.signed_out) == (Reason.UNAUTHORIZED, True)
    assert failed.detail == "Access token is invalid"
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (timedelta(minutes=-60), "60 minutes ahead of its server"),
        (timedelta(minutes=5), "5 minutes behind its server"),
    ],
)
async def test_refused_sign_in_with_a_wrong_clock_signs_nobody_out(
    api: Api, off: timedelta, said: str
) -> None:
    """A server refuses a timestamp that is far off: that passes with the clock, and tokens are still good."""
    api.clock = NOW + off
    api.answers["/v1/users/current"] = (401, error(401, "Expired or bad request token"))
    failed = await failed_by(api)
    assert (failed.reason, failed.signed_out, failed.detail) == (Reason.WRONG_CLOCK, False, said)


async def test_refused_sign_in_with_a_right_clock_signs_out(api: Api) -> None:
    """Where both clocks agree, a refusal is about the token."""
    api.clock = NOW + timedelta(seconds=90)
    api.answers["/v1/users/current"] = (401, error(401, "Access token is invalid"))
    failed = await failed_by(api)
    assert (failed.reason, failed.signed_out) == (Reason.UNAUTHORIZED, True)


async def test_token_of_another_user_is_followed(api: Api) -> None:
    """A remembered user whom the token does not fit is looked up anew, once."""
    api.answers["/v1/users/T1.-/feeds"] = (401, error(401, "User ID access token mismatch"))
    api.answers["/v1/users/current"] = (200, current_user("T2"))
    api.answers["/v1/users/T2/feeds"] = (200, index("queues/instant", user_id="T2"))
    assert (await found_by(api, remembered="T1.-")).facts["user_id"] == "T2"


async def test_remembered_user_that_is_refused_is_asked_for_once_more_only(api: Api) -> None:
    """If the token still belongs to the remembered user, the refusal stands."""
    api.answers["/v1/users/T1.-/feeds"] = (401, error(401, "Access token is invalid"))
    api.answers["/v1/users/current"] = (200, current_user("T1.-"))
    failed = await failed_by(api, remembered="T1.-")
    assert (failed.signed_out, len(api.asked)) == (True, 2)


async def test_configured_user_is_not_questioned(api: Api) -> None:
    """A user named in the configuration is not replaced by another."""
    api.answers["/v1/users/T1.-/feeds"] = (401, error(401, "User ID access token mismatch"))
    assert (await failed_by(api, user_id="T1.-")).signed_out
    assert api.asked == ["/v1/users/T1.-/feeds"]


@pytest.mark.parametrize(
    ("status", "body", "reason", "rest"),
    [
        (403, error(403, "Over queries per second limit"), Reason.RATE_LIMITED, timedelta(seconds=5)),
        (403, error(403, "Over queries per day limit"), Reason.RATE_LIMITED, timedelta(hours=2)),
        (403, error(403, "Not for you"), Reason.FORBIDDEN, None),
        (404, error(404, "Resource not found"), Reason.NOT_FOUND, None),
        (500, "", Reason.SERVER_ERROR, None),
        (200, "", Reason.EMPTY_BODY, None),
        (200, "<?xml version='1.0'?>", Reason.EMPTY_BODY, None),
        (200, error(500, "Internal error"), Reason.ERROR_DOCUMENT, None),
        (200, "<!doctype html><html>Hello</html>", Reason.NOT_A_FEED, None),
        (200, index(), Reason.NOT_A_FEED, None),
        (200, index("queues/instant")[:-8], Reason.MALFORMED, None),
        (304, "", Reason.PROTOCOL, None),
    ],
)
async def test_index_that_cannot_be_read_fails_with_its_reason(
    api: Api, status: int, body: str, reason: Reason, rest: timedelta | None
) -> None:
    """Whatever comes instead of an index is a failure that signs nobody out."""
    api.answers["/v1/users/T1.-/feeds"] = (status, body)
    failed = await failed_by(api, user_id="T1.-")
    assert (failed.reason, failed.retry_after, failed.signed_out) == (reason, rest, False)


async def test_current_user_that_names_nobody_is_a_failure(api: Api) -> None:
    """A reply without a user is no user."""
    api.answers["/v1/users/current"] = (200, "<resource/>")
    assert (await failed_by(api)).reason is Reason.NOT_A_FEED


async def test_server_that_is_not_there_is_a_failure(api: Api) -> None:
    """A refused connection is a failed index."""
    failed = await failed_by(replace(api, url="http://127.0.0.1:1"), user_id="T1")
    assert failed.reason is Reason.CONNECT


async def test_services_of_one_process_share_the_order_of_timestamps() -> None:
    """Two services of one application take turns with one another, those of another with their own."""
    means = Means(
        Fetcher(
            FetchLimits(timedelta(seconds=1), 1), networks=NetworkPolicy("allow"), user_agent="test"
        ).fetch,
        lambda: NOW,
    )
    caller = means.caller_for("http://h/v1/", CONSUMER)
    assert means.caller_for("http://h/v1", replace(CONSUMER)) is caller
    assert means.caller_for("http://h/v1", replace(CONSUMER, key="other")) is not caller
    assert means.caller_for("http://other/v1", CONSUMER) is not caller


async def test_order_of_timestamps_is_kept_beside_the_state(api: Api, tmp_path: Path) -> None:
    """What the processes of a state share about signed calls is for its owner alone, and holds no secret."""
    api.answers["/v1/users/T1.-/feeds"] = (200, index("queues/instant"))
    async with aclosing(
        Fetcher(
            FetchLimits(timedelta(seconds=10), 1 << 20), networks=NetworkPolicy("allow"), user_agent="test"
        )
    ) as fetcher:
        means = Means(fetcher.fetch, lambda: NOW, send=fetcher.call, turns=tmp_path / "turns")
        settings = NetflixSettings(api.url, CONSUMER, TOKEN, "T1.-")
        assert isinstance(await open_service(settings, means, Memory()).find_feeds(), Found)
    kept = {path.name: path.read_text() for path in (tmp_path / "turns").iterdir()}
    assert str(int(NOW.timestamp())) in "".join(kept.values())
    assert not re.search(r"secret|access|consumer|T1", repr(kept))


async def test_state_that_cannot_keep_the_order_asks_nobody(api: Api, tmp_path: Path) -> None:
    """Where the order of timestamps cannot be kept, no call is signed, and the reason is its own."""
    (tmp_path / "turns").touch()

    async def send(*_: object, **__: object) -> AskOutcome:
        pytest.fail("nobody is to be asked")

    means = Means(refuse_to_fetch, lambda: NOW, send=send, turns=tmp_path / "turns")
    settings = NetflixSettings(api.url, CONSUMER, TOKEN, "T1.-")
    failed = await open_service(settings, means, Memory()).find_feeds()
    assert isinstance(failed, IndexFailed)
    assert (failed.reason, failed.signed_out, api.asked) == (Reason.NO_TURN, False, [])
    assert "turns" in failed.detail


async def refuse_to_fetch(url: str, /, **_: object) -> FetchOutcome:
    pytest.fail("a signed call is no feed")


def test_settings_show_no_secret() -> None:
    """Neither credentials nor the user show in a repr; the host is known without its user part."""
    settings = NetflixSettings("https://me:pw@Api.example.net:8443/v1", CONSUMER, TOKEN, "T1.-")
    assert find_index_host(settings) == "api.example.net:8443"
    assert not re.search(r"secret|access|T1|pw", repr(settings).replace("wishes", ""))
