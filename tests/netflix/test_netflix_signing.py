from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

from feedwatch.core.model import Answered, AskOutcome, FetchFailed, Reason
from feedwatch.netflix.calling import Call, Caller
from feedwatch.netflix.signing import Consumer, Method, Token, sign_request
from feedwatch.netflix.turns import Turns

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CONSUMER = Consumer("a-consumer", "its secret&")
TOKEN = Token("an-access-token", "its/secret")
SIGNED_BY_OTHERS = {
    "plain": (Consumer("v9s778n692e9", "secretsecret"), Token("T1abc.-", "tokensecret")),
    "odd": (Consumer("a consumer+key", "its secret&%"), Token("T1/access=token~", "its/secret é")),
    "alone": (Consumer("v9s778n692e9", "secretsecret"), None),
}


def parameters_of(header: str) -> dict[str, str]:
    assert header.startswith("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


def sign(url: str) -> str:
    """The header that signs a GET."""
    headers = sign_request(CONSUMER, TOKEN, method="GET", url=url, timestamp=int(NOW.timestamp()))
    return headers["Authorization"]


def sign_by_hand(url: str, header: str) -> str:
    """RFC 5849, section 3.4, once more and without oauthlib."""
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *parameters_of(header).items()]
    encoded = sorted(
        (quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs if name != "oauth_signature"
    )
    normalised = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join(
        quote(part, safe="~") for part in ("GET", f"{parts.scheme}://{parts.netloc}{parts.path}", normalised)
    )
    key = "&".join(quote(secret, safe="~") for secret in (CONSUMER.secret, TOKEN.secret))
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), hashlib.sha1)).decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.net/users/current",
        "http://127.0.0.1:8080/users/T1-x./feeds?output=opml",
        "http://api.example.net/users/1/feeds?b=2&a=1&a=%20x&empty=",
        "http://api.example.net/users/1/feeds?odd={braces}&half=50%25",
    ],
)
def test_signature_is_the_one_of_the_rfc(url: str) -> None:
    """A signature is what RFC 5849 makes of the request, computed here by other code."""
    header = sign(url)
    said = parameters_of(header)
    assert said["oauth_signature"] == sign_by_hand(url, header)
    assert said["oauth_signature_method"] == "HMAC-SHA1"
    assert said["oauth_consumer_key"] == "a-consumer"
    assert said["oauth_token"] == "an-access-token"


def test_published_signature_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example at the end of OAuth Core 1.0 is signed as it was published."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "kllo9940pd9333jh")
    headers = sign_request(
        Consumer("dpf43f3p2l4k3l03", "kd94hf93k423kf44"),
        Token("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"),
        method="GET",
        url="http://photos.example.net/photos?file=vacation.jpg&size=original",
        timestamp=1191242096,
    )
    assert parameters_of(headers["Authorization"])["oauth_signature"] == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


def signatures_of_others() -> list[tuple[str, ...]]:
    """Read signatures that an implementation by other people has made, with what they are of."""
    lines = (Path(__file__).parents[1] / "data" / "signatures.txt").read_text().splitlines()
    return [tuple(line.split(" | ")) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(("who", "method", "url", "form", "signature"), signatures_of_others())
def test_others_sign_the_same(
    monkeypatch: pytest.MonkeyPatch, who: str, method: Method, url: str, form: str, signature: str
) -> None:
    """Hard addresses and forms are signed as an independent implementation has signed them."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "4572616e48616d6d65724c6168617600")
    consumer, token = SIGNED_BY_OTHERS[who]
    body = None if method == "GET" else form.strip("-").encode()
    headers = sign_request(consumer, token, method=method, url=url, timestamp=1793534400, form=body)
    assert parameters_of(headers["Authorization"])["oauth_signature"] == signature


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("HTTP://API.Example.NET:80/x", "http://api.example.net/x"),
        ("https://api.example.net:443?a=1", "https://api.example.net/?a=1"),
        ("http://jane:word@h/x#there", "http://h/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://h/x?b=+&a=%7e", "http://h/x?a=~&b=%20"),
    ],
)
def test_what_is_the_same_request_has_the_same_signature(
    monkeypatch: pytest.MonkeyPatch, url: str, same: str
) -> None:
    """Case and default port of the host, a missing slash, order and spelling of parameters do not count."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "nonce")
    assert sign(url) == sign(same)


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x",
        "http://h:443/x",
        "http://h/X",
        "http://h/x/",
        "http://h/x?",
        "http://h/%78",
        "http://h/x;",
    ],
)
def test_what_is_another_request_has_another_signature(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Scheme, port and every letter of the path count; a bare question mark does not."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "nonce")
    assert (sign(url) == sign("http://h/x")) is url.endswith("?")


class Server:
    """Notes the timestamps of what it is called with, and says what it is told to."""

    def __init__(self, *answers: int) -> None:
        self._answers: Iterator[int] = iter(answers)
        self.stamps: list[int] = []

    async def __call__(self, method: str, url: str, /, **said: object) -> AskOutcome:
        make_headers = said["sign"]
        assert callable(make_headers)
        header = make_headers(url)["Authorization"]
        self.stamps.append(int(parameters_of(header)["oauth_timestamp"]))
        status = next(self._answers, 200)
        if status >= 400:
            return FetchFailed(Reason.UNAUTHORIZED, status=status)
        return Answered(status, b"", url)


async def stamps_of(
    *instants: datetime, answers: tuple[int, ...] = (), turns: Turns | None = None
) -> list[int]:
    """The timestamps that calls bear when the clock says this at each of them."""
    clock = iter(instants)
    server = Server(*answers)
    caller = Caller(CONSUMER, server, turns or Turns(), lambda: next(clock))
    for _ in instants:
        await caller.call(Call("http://localhost/x", TOKEN))
    return server.stamps


async def test_clock_that_goes_back_takes_no_timestamp_back() -> None:
    """Timestamps never go back behind an accepted one, whatever the clock does."""
    start = int(NOW.timestamp())
    stamps = await stamps_of(NOW, NOW - timedelta(hours=1), NOW + timedelta(seconds=5), NOW)
    assert stamps == [start, start, start + 5, start + 5]


async def test_refused_timestamp_of_a_wrong_clock_binds_nobody() -> None:
    """A clock that was a day ahead and is set right signs with the right time again."""
    assert (await stamps_of(NOW + timedelta(days=1), NOW, answers=(401,)))[-1] == int(NOW.timestamp())


def test_two_signatures_of_one_second_differ() -> None:
    """Every signature has a nonce of its own, from any thread."""
    with ThreadPoolExecutor(8) as pool:
        headers = list(pool.map(lambda _: sign("http://h/x"), range(200)))
    assert len({parameters_of(header)["oauth_nonce"] for header in headers}) == 200


def test_malformed_query_is_signed_all_the_same() -> None:
    """A query that is not well encoded is no reason to fail."""
    assert sign("http://h/x?a=%zz|ü#there")


def test_secrets_show_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a repr nor any log level shows what is signed with."""
    with caplog.at_level(logging.DEBUG):
        sign("http://h/x")
    signing_in = Call("http://h/", TOKEN, verifier="a-code", callback="http://127.0.0.1/a-secret-path")
    shown = f"{CONSUMER!r} {TOKEN!r} {Call('http://h/', TOKEN)!r} {signing_in!r} {caplog.text}"
    for secret in ("a-consumer", "its secret&", "an-access-token", "its/secret", "a-code", "a-secret-path"):
        assert secret not in shown
