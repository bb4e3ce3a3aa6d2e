"""What is signed is what goes over the wire: verified from the bytes that arrive, by other code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import Raw, Wire, open_wire

from feedwatch.core.model import Answered
from feedwatch.core.networks import NetworkPolicy
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.calling import Call, Caller
from feedwatch.netflix.signing import Consumer, Method, Pairs, Token
from feedwatch.netflix.turns import Turns
from feedwatch.sandbox.oauth import base_string, read_authorization, read_form, sign_hmac_sha1

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CONSUMER = Consumer("a consumer+key", "its secret&%")
TOKEN = Token("T1/access=token~", "its/secret é")
LIMITS = FetchLimits(timedelta(seconds=20), 1 << 20)


def verify(raw: Raw, consumer: Consumer = CONSUMER, token: Token | None = TOKEN) -> dict[str, str]:
    """Hold a request's signature against its bytes; returns what its header says."""
    said = read_authorization(raw.headers["authorization"])
    form = raw.headers.get("content-type") == "application/x-www-form-urlencoded"
    body = raw.body.decode() if form else ""
    parameters = [*read_form(raw.target.partition("?")[2]), *said, *read_form(body)]
    base = base_string(raw.method, raw.url, parameters)
    expected = sign_hmac_sha1(base, consumer.secret, token.secret if token else "")
    assert dict(said)["oauth_signature"] == expected, base
    return dict(said)


@asynccontextmanager
async def open_caller() -> AsyncIterator[tuple[Wire, Fetcher]]:
    fetcher = Fetcher(LIMITS, networks=NetworkPolicy("allow"), user_agent="test")
    async with open_wire() as wire, aclosing(fetcher):
        yield wire, fetcher


async def go_over_the_wire(
    path: str,
    *,
    method: Method = "GET",
    form: Pairs | None = None,
    consumer: Consumer = CONSUMER,
    token: Token | None = TOKEN,
) -> Raw:
    """Make one signed call of a path, and give what came."""
    async with open_caller() as (wire, fetcher):
        caller = Caller(consumer, fetcher.call, Turns(), lambda: NOW)
        outcome = await caller.call(Call(f"{wire.url}{path}", token, method, form))
        assert isinstance(outcome, Answered), outcome
        verify(wire.last, consumer, token)
        return wire.last


REFS = "http://api.example.net/catalog/titles/1,http://api.example.net/catalog/titles/2"
HARD = {
    "an id that ends in a dash": "/users/T1tare.Q_x~y--/queues/instant",
    "a list of addresses, encoded": "/title_states?title_refs=http%3A%2F%2Fh%2F1%2Chttp%3A%2F%2Fh%2F2",
    "a list of addresses, bare": f"/title_states?title_refs={REFS}",
    "letters of others": "/catalog/titles?term=Amélie—愛&lang=ü",
    "letters of others, encoded": "/catalog/titles?term=Am%C3%A9lie",
    "letters of others in the path": "/people/Amélie",
    "a plus": "/catalog/titles?term=two+words",
    "a plus, encoded": "/catalog/titles?term=a%2Bb",
    "a slash, encoded": "/users/a%2Fb?x=%2F",
    "lower-case hex": "/users/a%2fb?x=%c3%a9",
    "what needs no encoding, encoded": "/x%7Ey?%61=%7e",
    "a parameter twice": "/x?a=2&a=1&b=1&a=2",
    "an empty parameter": "/x?a=&b",
    "a parameter without a name": "/x?=1&a=1",
    "nothing but a question mark": "/x?",
    "nothing between": "/x?a=1&&b=2&",
    "a semicolon": "/x;y=1?a=1;b=2",
    "a path that ends in a semicolon": "/x;",
    "brackets and braces": "/x[1]?a[]={b}|^`\\\"<>'",
    "a percent sign alone": "/50%?a=%&b=%zz&c=100%25",
    "a space": "/a b?c=d e",
    "another question mark": "/x?a=b?c=d",
    "an equals sign": "/x?a=b=c&d==",
    "two slashes": "//x//y?a=1",
    "dots": "/a/../b/./c?x=../y",
    "no path": "?a=1",
    "a fragment": "/x?a=1#b=2",
    "a colon and an at sign": "/a:b@c?d:e=f@g",
    "what the signature is called": "/x?oauth_callback=a%252Fb&oauthy=1",
    "all that may stand bare": "/!$&'()*+,=-._~?!$'()*,/:-._~",
    "bytes that are no letter": "/x?a=%FF%C3",
}


@pytest.mark.parametrize("case", HARD)
async def test_hard_address_is_signed_as_it_goes_out(case: str) -> None:
    """Whatever the address looks like, the signature is that of the bytes that arrive."""
    await go_over_the_wire(HARD[case])


FORMS: dict[str, tuple[tuple[str, str], ...]] = {
    "nothing": (),
    "an address, a position and an etag": (
        ("title_ref", "http://api.example.net/catalog/titles/movies/60-"),
        ("position", "1"),
        ("etag", "85b3+/=="),
    ),
    "a list": (("title_ref", REFS),),
    "a name twice, and empty": (("a", "1"), ("a", ""), ("", "x"), ("a", "1")),
    "everything at once": (("ä+b %2F&=", "~*'()!é\n\r\t\0"), ("愛", "%")),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("query", ["", "?a=1&title_ref=x&a=1"], ids=["alone", "with a query"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_form_is_signed_as_it_goes_out(method: Method, query: str, form: str) -> None:
    """A form body is signed with the query, and arrives whole and readable."""
    raw = await go_over_the_wire(f"/users/T1-/queues/instant{query}", method=method, form=FORMS[form])
    assert read_form(raw.body.decode()) == list(FORMS[form])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_change_without_a_body_says_so(method: Method) -> None:
    """A change without a form has no body, says that it has none, and is signed."""
    raw = await go_over_the_wire("/x?a=1", method=method)
    assert raw.body == b""
    assert raw.headers.get("content-type") != "application/x-www-form-urlencoded"
    assert method == "DELETE" or raw.headers["content-length"] == "0"


async def test_application_signs_alone() -> None:
    """Without a token there is none in the header, and the signature is still right."""
    raw = await go_over_the_wire("/catalog/titles?term=x", token=None)
    assert "oauth_token" not in dict(read_authorization(raw.headers["authorization"]))


async def test_verifier_and_callback_are_signed() -> None:
    """What belongs to signing in goes along in the header, signed and letter for letter."""
    async with open_caller() as (wire, fetcher):
        caller = Caller(CONSUMER, fetcher.call, Turns(), lambda: NOW)
        callback = "http://127.0.0.1:8000/done?a=1&b=ü%20"
        await caller.call(Call(f"{wire.url}/x", TOKEN, verifier="v+ é%2F", callback=callback))
        said = verify(wire.last)
    assert (said["oauth_verifier"], said["oauth_callback"]) == ("v+ é%2F", callback)


async def test_each_hop_is_signed_for_itself() -> None:
    """A redirect on the same server is followed with a signature of its own, and a new nonce."""
    async with open_caller() as (wire, fetcher):
        wire.answers = [
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /b%2Fc?v=2.0&t=a+b",
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ../d;/e?=",
        ]
        caller = Caller(CONSUMER, fetcher.call, Turns(), lambda: NOW)
        outcome = await caller.call(Call(f"{wire.url}/catalog/titles/full?v=2.0"))
        assert isinstance(outcome, Answered)
        nonces = {verify(raw, token=None)["oauth_nonce"] for raw in wire.requests}
    assert [raw.target for raw in wire.requests] == [
        "/catalog/titles/full?v=2.0",
        "/b%2Fc?v=2.0&t=a+b",
        "/d;/e?=",
    ]
    assert len(nonces) == 3


# Any address: pieces of what makes addresses hard, in any order.
pieces = st.sampled_from(
    [*"aZ09-._~+&=;:@/?!$'()*,[]{}|^`\\\"<> é愛", "%2B", "%2f", "%7E", "%", "%C3%A9", "%25"]
)
texts = st.lists(pieces, max_size=12).map("".join)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=150)
@given(
    path=texts,
    query=texts,
    consumer=st.builds(Consumer, secrets, words),
    token=st.builds(Token, secrets, words),
)
def test_any_address_is_signed_as_it_goes_out(
    path: str, query: str, consumer: Consumer, token: Token
) -> None:
    """For every path, query, application and token the signature is that of the bytes that arrive."""
    asyncio.run(_go(f"/{path}?{query}", "GET", None, consumer, token))


@settings(max_examples=150)
@given(
    method=st.sampled_from(["POST", "PUT", "DELETE"]),
    query=texts,
    form=st.lists(st.tuples(words, words), max_size=5),
    token=st.none() | st.builds(Token, secrets, words),
)
def test_any_form_is_signed_as_it_goes_out(
    method: Method, query: str, form: list[tuple[str, str]], token: Token | None
) -> None:
    """For every form, beside any query, the signature is that of the bytes that arrive."""
    raw = asyncio.run(_go(f"/x?{query}", method, form, CONSUMER, token))
    assert read_form(raw.body.decode()) == form


async def _go(path: str, method: Method, form: Pairs | None, consumer: Consumer, token: Token | None) -> Raw:
    return await go_over_the_wire(path, method=method, form=form, consumer=consumer, token=token)
