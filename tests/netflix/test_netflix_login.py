"""Signing in, step by step: what servers answer, what the login page's address holds, what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from apiserver import NO_WORD, Answer, Answers, ApiServer, Asked, serving_answers, status
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import FetchFailed, Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.calling import Caller
from feedwatch.netflix.login import (
    AccessToken,
    Allowed,
    LoginFailed,
    NoAnswer,
    Provider,
    Refused,
    RequestToken,
    Trouble,
    judge_refusal,
    read_answer,
)
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.netflix.turns import Turns

SERVER = "https://api.example.net"
CONSUMER = Consumer("the key", "the secret")
OLD = RequestToken(Token("T1request-", "hush"), "a film club")
NEW = replace(OLD, has_verifier=True)
"""With OAuth 1.0a."""
NOW = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@asynccontextmanager
async def signing_in_at(answers: Answers) -> AsyncIterator[tuple[Provider, ApiServer]]:
    limits = FetchLimits(timedelta(seconds=20), 1 << 20)
    with serving_answers(answers) as server:
        async with aclosing(Fetcher(limits, networks=NetworkPolicy("allow"), user_agent="test")) as fetcher:
            caller = Caller(CONSUMER, fetcher.call, Turns(), lambda: datetime.now(UTC))
            yield Provider(server.base, CONSUMER, caller, lambda: datetime.now(UTC)), server


def provider_of(server: str = SERVER, page: str | None = None) -> Provider:
    async def send(*_: object, **__: object) -> FetchFailed:
        return FetchFailed(Reason.INTERNAL)

    return Provider(server, CONSUMER, Caller(CONSUMER, send, Turns(), lambda: NOW), lambda: NOW, page)


# ── the request token ─────────────────────────────────────────────────────────────────────────────


async def test_request_token_is_asked_for_with_the_callback_signed() -> None:
    """A server of OAuth 1.0a is told where to send the browser; one of OAuth 1.0 takes no harm from it."""
    body = (
        "oauth_token=a%2Bb&oauth_token_secret=c%26d&application_name=My+film+club"
        "&oauth_callback_confirmed=true"
    )
    async with signing_in_at(lambda _: Answer(200, body)) as (provider, server):
        got = await provider.ask_request_token("http://127.0.0.1:1/x?y=1")
        await provider.ask_request_token(None)
    assert got == RequestToken(Token("a+b", "c&d"), "My film club", has_verifier=True)
    assert [each.path for each in server.asked] == ["/oauth/request_token"] * 2
    callbacks = [each.authorization or "" for each in server.asked]
    assert 'oauth_callback="http%3A%2F%2F127.0.0.1%3A1%2Fx%3Fy%3D1"' in callbacks[0]
    assert 'oauth_callback="oob"' in callbacks[1]
    assert "oauth_token=" not in callbacks[0]


async def test_a_server_that_takes_only_post_is_asked_by_post() -> None:
    """OAuth itself speaks of POST: who refuses GET is asked so, in both steps."""

    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            return status(405, "Method not allowed")
        return Answer(200, "oauth_token=t&oauth_token_secret=s&user_id=T1u-")

    async with signing_in_at(answer) as (provider, server):
        request = await provider.ask_request_token(None)
        assert isinstance(request, RequestToken)
        assert await provider.trade_token(request, "code") == AccessToken(Token("t", "s"), "T1u-")
    assert server.methods() == ["GET", "POST", "POST"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Welcome</body></html>",
        "oauth_token=&oauth_token_secret=x",
        "{}",
        "oauth_token=a%0Ab",
        "nonsense",
    ],
)
async def test_reply_without_a_token_is_none(body: str) -> None:
    """Any page can answer 200: only one with a token in it is an answer."""
    async with signing_in_at(lambda _: Answer(200, body)) as (provider, _):
        got = await provider.ask_request_token(None)
        assert isinstance(got, LoginFailed)
        assert got.trouble is Trouble.ODD_REPLY
        traded = await provider.trade_token(OLD, None)
        assert isinstance(traded, LoginFailed)
        assert traded.trouble is Trouble.ODD_REPLY


async def test_nobody_there_is_told_as_such() -> None:
    """A server that says nothing has refused nobody."""
    async with signing_in_at(lambda _: NO_WORD) as (provider, _):
        got = await provider.ask_request_token(None)
    assert isinstance(got, LoginFailed)
    assert got.trouble is Trouble.UNREACHABLE
    assert got.reason is not None


# ── the page's address ────────────────────────────────────────────────────────────────────────────


@given(TEXT, TEXT.filter(bool), st.none() | TEXT.filter(bool))
def test_what_the_page_is_told_comes_out_as_it_was(name: str, token: str, callback: str | None) -> None:
    """Law: whatever stands in name, token and callback, a server reads each as it is, and once."""
    request = RequestToken(Token(token, "s"), name)
    address = provider_of().make_login_address(request, callback)
    assert address.startswith("https://api.example.net/oauth/login?")
    wanted = [("application_name", name), ("oauth_consumer_key", "the key"), ("oauth_token", token)]
    wanted += [("oauth_callback", callback)] if callback else []
    assert parse_qsl(urlsplit(address).query, keep_blank_values=True, strict_parsing=True) == wanted


def test_the_page_is_where_it_is_said_to_be() -> None:
    """The configuration counts most, then the server's own word, then what is known of the server."""
    named = replace(OLD, login_url="https://user.example.net/login?oauth_token=T1request-&x=a%2Fb")
    assert (
        provider_of(page="https://here.example.net/in")
        .make_login_address(named, None)
        .startswith("https://here.example.net/in?application_name=a%20film%20club&")
    )
    assert provider_of().make_login_address(named, None) == (
        "https://user.example.net/login?oauth_token=T1request-&x=a%2Fb"
        "&application_name=a%20film%20club&oauth_consumer_key=the%20key"
    )
    for host in ("api.netflix.com", "api-public.netflix.com"):
        address = provider_of(f"http://{host}").make_login_address(OLD, None)
        assert address.startswith("https://api-user.netflix.com/oauth/login?")
    assert provider_of(f"{SERVER}/v1/").make_login_address(OLD, None).startswith(f"{SERVER}/v1/oauth/login?")


@pytest.mark.parametrize(
    "page",
    [
        *("http://user.example.net/login", "javascript:alert(1)", "//x", "https://", "https://a b/"),
        "https://api.example.net@evil.example/login",
        "https://api.example.net:x@evil.example/login",
    ],
)
def test_a_page_that_nobody_should_open_is_not_believed(page: str) -> None:
    """A password is typed there: a server that speaks https names no page without it."""
    address = provider_of().make_login_address(replace(OLD, login_url=page), None)
    assert address.startswith(f"{SERVER}/oauth/login?")


def test_a_host_that_only_the_server_has_named_is_known_as_such() -> None:
    """Nobody but the server says that a password may be typed there."""
    named = replace(OLD, login_url="https://user.example.net:444/login")
    assert provider_of().find_named_host(named) == "user.example.net"
    assert provider_of(page="https://here.example.net/in").find_named_host(named) is None
    assert provider_of().find_named_host(OLD) is None
    assert provider_of().find_named_host(replace(OLD, login_url=f"{SERVER}/elsewhere")) is None
    assert provider_of().find_named_host(replace(OLD, login_url="http://evil.example/")) is None
    known = replace(OLD, login_url="https://api-user.netflix.com/oauth/login")
    assert provider_of("https://api.netflix.com").find_named_host(known) is None
    assert provider_of().find_named_host(known) == "api-user.netflix.com"


# ── what comes back ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pasted", "request_token", "expected"),
    [
        ("", OLD, Allowed()),
        ("T1request-", OLD, Allowed()),
        (" code-7 \r", OLD, Allowed("code-7")),
        ("code-7", NEW, Allowed("code-7")),
        ("http://127.0.0.1:1/x?oauth_token=T1request-", OLD, Allowed()),
        ("<https://x.example/?a=b&oauth_token=T1request-&oauth_verifier=c%2Bd#top>", NEW, Allowed("c+d")),
        ("oauth_token=T1request-&oauth_verifier=v", NEW, Allowed("v")),
        ("?oauth_token=T1request-", OLD, Allowed()),
        ("http://127.0.0.1:1/x?denied=T1request-", OLD, Refused()),
        ("?oauth_token=T1request-&oauth_problem=user_refused", NEW, Refused()),
        ("?oauth_token=T1request-&error=access_denied", OLD, Refused()),
    ],
)
def test_answers_are_read(pasted: str, request_token: RequestToken, expected: object) -> None:
    """A code, an address, its query, or nothing where no code is needed: with yes or with no."""
    assert read_answer(pasted, request_token) == expected


@pytest.mark.parametrize(
    ("pasted", "request_token"),
    [
        ("", NEW),
        ("T1request-", NEW),
        ("?oauth_token=T1request-", NEW),
        ("?", OLD),
        ("?denied", OLD),
        ("?code-7", NEW),
        ("?oauth_token=T1other", OLD),
        ("?denied=T1other", OLD),
        ("?oauth_problem=user_refused", OLD),
        ("https://api.example.net/", OLD),
        ("https://api.example.net/oauth_token=T1request-", OLD),
        ("\x1b[A", OLD),
        ("\x1b[200~code-7\x1b[201~", NEW),
        ("code\0-7", NEW),
        ("code-\ufffd", NEW),
        ("7" * 2001, NEW),
        (f"?oauth_token=T1request-&oauth_verifier={'7' * 9000}", NEW),
    ],
)
def test_what_is_no_answer_ends_nothing(pasted: str, request_token: RequestToken) -> None:
    """What lacks the code, or belongs to another sign-in, is said to be so; no try is spent on it."""
    found = read_answer(pasted, request_token)
    assert isinstance(found, NoAnswer)
    assert found.why


@given(TEXT.filter(bool), TEXT.filter(bool))
def test_a_callback_comes_back_as_it_was_sent(token: str, verifier: str) -> None:
    """Law: whatever stands in token and code, they are read from the query as they are."""
    request = RequestToken(Token(token, "s"), has_verifier=True)
    query = f"?oauth_token={quote(token, safe='')}&oauth_verifier={quote(verifier, safe='')}"
    assert read_answer(query, request) == Allowed(verifier)


@given(st.text(max_size=80), st.booleans())
def test_nothing_that_is_pasted_is_a_surprise(pasted: str, has_verifier: bool) -> None:  # noqa: FBT001
    """Law: whatever is pasted is an answer or is none; nothing raises."""
    found = read_answer(pasted, replace(OLD, has_verifier=has_verifier))
    assert isinstance(found, Allowed | Refused | NoAnswer)


# ── what a refusal means ──────────────────────────────────────────────────────────────────────────


def refusal(code: int, message: str, off: timedelta = timedelta(0)) -> FetchFailed:
    body = f"<status><status_code>{code}</status_code><message>{message}</message></status>".encode()
    reason = {401: Reason.UNAUTHORIZED, 403: Reason.FORBIDDEN}.get(code, Reason.CLIENT_ERROR)
    return FetchFailed(reason, status=code, body=body, server_at=NOW - off)


AT_FIRST = {
    "Consumer key mismatch": Trouble.WRONG_KEY,
    "Missing Required Consumer Key": Trouble.WRONG_KEY,
    "Application name undefined": Trouble.WRONG_KEY,
    "Invalid signature": Trouble.WRONG_SECRET,
    "Timestamp is invalid": Trouble.WRONG_CLOCK,
    "": Trouble.WRONG_KEY,
}
IN_THE_END = {
    "Expired or bad request token": Trouble.DEAD_TOKEN,
    "Unable to find or verify access token credentials": Trouble.DEAD_TOKEN,
    "Invalid signature": Trouble.DEAD_TOKEN,
    "Authorization failed": Trouble.NOT_ALLOWED,
    "User must accept terms of use.": Trouble.NOT_ALLOWED,
    "": Trouble.DEAD_TOKEN,
}


@pytest.mark.parametrize("message", AT_FIRST)
def test_refused_application(message: str) -> None:
    """What a server says of the first step is told apart by its message."""
    assert judge_refusal(refusal(401, message), NOW, traded=False) == LoginFailed(
        AT_FIRST[message], message, reason=Reason.UNAUTHORIZED
    )


@pytest.mark.parametrize("message", IN_THE_END)
def test_refused_request_token(message: str) -> None:
    """What a server says of the last step is about the sign-in: the application was right before."""
    assert judge_refusal(refusal(401, message), NOW, traded=True).trouble is IN_THE_END[message]


@pytest.mark.parametrize("traded", [False, True])
def test_clock_is_to_blame_only_where_nothing_else_is_named(traded: bool) -> None:  # noqa: FBT001
    """Off by minutes it explains a refusal; where the server names the key, that comes first."""
    off = timedelta(minutes=-5)
    vague = judge_refusal(refusal(401, "Expired or bad request token", off), NOW, traded=traded)
    assert (vague.trouble, vague.off) == (Trouble.WRONG_CLOCK, off)
    close = judge_refusal(refusal(401, "Expired or bad request token", off / 5), NOW, traded=traded)
    assert close.trouble is not Trouble.WRONG_CLOCK
    assert close.off is None
    named = judge_refusal(refusal(401, "Consumer key mismatch", off), NOW, traded=False)
    assert (named.trouble, named.off) == (Trouble.WRONG_KEY, off)


def test_other_refusals() -> None:
    """A limit, a server without a sign-in and a fault are not taken for wrong credentials."""
    limit = judge_refusal(refusal(403, "Over queries per second limit"), NOW, traded=False)
    assert limit.trouble is Trouble.RESTS
    assert judge_refusal(refusal(404, "Resource not found"), NOW, traded=False).trouble is Trouble.NO_LOGIN
    assert judge_refusal(refusal(500, "Internal error"), NOW, traded=True).trouble is Trouble.UNREACHABLE
    problem = FetchFailed(Reason.UNAUTHORIZED, status=401, body=b"oauth_problem=signature_invalid&x=1")
    assert judge_refusal(problem, NOW, traded=False).trouble is Trouble.WRONG_SECRET


def test_no_token_is_in_what_is_told() -> None:
    """A server that repeats what it was sent does not bring it to the screen."""
    told = judge_refusal(refusal(401, "bad oauth_token=T1abcdef123456 given"), NOW, traded=True)
    assert "T1abcdef" not in told.detail
    assert "hush" not in repr(OLD)
    assert "T1request-" not in repr(OLD)
    assert "T1request-" not in repr(replace(OLD, login_url="https://h/login?oauth_token=T1request-"))
