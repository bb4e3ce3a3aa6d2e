from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

from feedwatch.netflix.signing import Credentials, Signer

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CREDENTIALS = Credentials("a-consumer", "its secret&", "an-access-token", "its/secret")


def parameters_of(header: str) -> dict[str, str]:
    assert header.startswith("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


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
    key = "&".join(
        quote(secret, safe="~") for secret in (CREDENTIALS.consumer_secret, CREDENTIALS.access_token_secret)
    )
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
    header = Signer(CREDENTIALS, lambda: NOW).sign(url)["Authorization"]
    said = parameters_of(header)
    assert said["oauth_signature"] == sign_by_hand(url, header)
    assert said["oauth_signature_method"] == "HMAC-SHA1"
    assert said["oauth_consumer_key"] == "a-consumer"
    assert said["oauth_token"] == "an-access-token"


def timestamp_of(signer: Signer) -> int:
    """The timestamp that a request is signed with now."""
    return int(parameters_of(signer.sign("http://h/x")["Authorization"])["oauth_timestamp"])


def test_clock_that_goes_back_takes_no_timestamp_back() -> None:
    """Timestamps never go back behind an accepted one, whatever the clock does."""
    instants = iter([NOW, NOW - timedelta(hours=1), NOW + timedelta(seconds=5), NOW])
    signer = Signer(CREDENTIALS, lambda: next(instants))
    stamps = []
    for _ in range(4):
        stamps.append(timestamp_of(signer))
        signer.note_accepted()
    start = int(NOW.timestamp())
    assert stamps == [start, start, start + 5, start + 5]


def test_timestamp_of_an_earlier_run_is_not_gone_behind() -> None:
    """What a server has accepted before a restart binds the next run as well."""
    signer = Signer(CREDENTIALS, lambda: NOW)
    later = int(NOW.timestamp()) + 60
    signer.recall_accepted(later)
    assert (timestamp_of(signer), signer.accepted) == (later, later)


def test_refused_timestamp_of_a_wrong_clock_binds_nobody() -> None:
    """A clock that was a day ahead and is set right signs with the right time again."""
    instants = iter([NOW + timedelta(days=1), NOW])
    signer = Signer(CREDENTIALS, lambda: next(instants))
    timestamp_of(signer)
    assert timestamp_of(signer) == int(NOW.timestamp())


def test_two_signatures_of_one_second_differ() -> None:
    """Every signature has a nonce of its own, from any thread."""
    signer = Signer(CREDENTIALS, lambda: NOW)
    with ThreadPoolExecutor(8) as pool:
        headers = list(pool.map(lambda _: signer.sign("http://h/x")["Authorization"], range(200)))
    assert len({parameters_of(header)["oauth_nonce"] for header in headers}) == 200


def test_malformed_query_is_signed_all_the_same() -> None:
    """A query that is not well encoded is no reason to fail."""
    assert Signer(CREDENTIALS, lambda: NOW).sign("http://h/x?a=%zz|ü#there")["Authorization"]


def test_secrets_show_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a repr nor any log level shows what is signed with."""
    signer = Signer(CREDENTIALS, lambda: NOW)
    with caplog.at_level(logging.DEBUG):
        signer.sign("http://h/x")
    shown = f"{CREDENTIALS!r} {signer!r} {signer.sign!r} {caplog.text}"
    for secret in ("a-consumer", "its secret&", "an-access-token", "its/secret"):
        assert secret not in shown
