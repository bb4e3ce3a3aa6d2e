"""OAuth 1.0a, the server's side (RFC 5849): verifies what a client has signed.

Written from the RFC and by itself: it shares nothing with the code that signs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

Pairs = Sequence[tuple[str, str]]

_HEADER_PARAMETER = re.compile(r'\s*([^=\s",]+)\s*=\s*"([^"]*)"\s*')
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
MOST_SKEW = 300
"""Seconds by which a client's clock may be wrong."""


class SignatureRefused(Exception):
    """A call is not signed as it must be; the message is the API's own."""


@dataclass(slots=True)
class Nonces:
    """What has been seen of each token: its latest timestamp, and the nonces used at it."""

    latest: dict[str, int] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)

    def accept(self, token: str, timestamp: int, nonce: str) -> bool:
        """Whether a timestamp does not go back, and a nonce is new at it (RFC 5849, section 3.3)."""
        latest = self.latest.get(token, 0)
        if timestamp < latest:
            return False
        if timestamp > latest:
            self.latest[token] = timestamp
            self.used[token] = set()
        if nonce in self.used[token]:
            return False
        self.used[token].add(nonce)
        return True


def encode(text: str) -> str:
    """Percent-encoding as section 3.6 has it."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def read_form(query: str) -> list[tuple[str, str]]:
    """Decode a query or form body into pairs (section 3.4.1.3.1)."""
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def read_authorization(header: str) -> list[tuple[str, str]]:
    """Decode an `Authorization: OAuth …` header, without its realm (section 3.5.1)."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "oauth":
        return []
    pairs = [(unquote(name), unquote(value)) for name, value in _HEADER_PARAMETER.findall(rest)]
    return [(name, value) for name, value in pairs if name.lower() != "realm"]


def base_string(method: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The signature base string (section 3.4.1)."""
    encoded = sorted((encode(n), encode(v)) for n, v in parameters if n != "oauth_signature")
    normalised = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join((method.upper(), encode(base_uri(url)), encode(normalised)))


def base_uri(url: str) -> str:
    """Scheme, host and path of a URL in the one form that is signed (section 3.4.1.2)."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    default = {"http": 80, "https": 443}.get(scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{scheme}://{host}{port}{parts.path or '/'}"


def sign_hmac_sha1(base: str, consumer_secret: str, token_secret: str) -> str:
    """The HMAC-SHA1 signature of a base string (section 3.4.2)."""
    key = f"{encode(consumer_secret)}&{encode(token_secret)}".encode()
    return base64.b64encode(hmac.new(key, base.encode(), hashlib.sha1).digest()).decode()


def verify_request(
    method: str,
    url: str,
    authorization: str,
    secrets: Mapping[tuple[str, str], tuple[str, str]],
    nonces: Nonces,
    now: float,
    *,
    form: Pairs = (),
    unknown: str = "",
) -> str:
    """Verify a signed call; returns its access token.

    `secrets` maps consumer key and token to their secrets. The parameters of a form body are signed as those
    of the query are. `unknown` is what to say of a token that is not among the secrets, if not the usual.

    Raises:
        SignatureRefused: with the API's message.
    """
    query = urlsplit(url).query
    parameters = [*read_form(query), *read_authorization(authorization), *form]
    protocol = [(name, value) for name, value in parameters if name.startswith("oauth_")]
    said = dict(protocol)
    if len(said) < len(protocol):  # section 3.2: none may appear twice
        raise SignatureRefused("Invalid signature")
    if not said.get("oauth_consumer_key"):
        raise SignatureRefused("Missing Required Consumer Key")
    token = said.get("oauth_token", "")
    if said.get("oauth_signature_method") != "HMAC-SHA1" or said.get("oauth_version", "1.0") != "1.0":
        raise SignatureRefused("Invalid signature")
    pair = secrets.get((said["oauth_consumer_key"], token))
    if pair is None:
        raise SignatureRefused(unknown or "Access token is invalid")
    expected = sign_hmac_sha1(base_string(method, url, parameters), *pair)
    if not hmac.compare_digest(expected, said.get("oauth_signature", "")):
        raise SignatureRefused("Invalid signature")
    _check_time(said, token, nonces, now)
    return token


def _check_time(said: Mapping[str, str], token: str, nonces: Nonces, now: float) -> None:
    timestamp, nonce = said.get("oauth_timestamp", ""), said.get("oauth_nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not nonce or abs(int(timestamp) - now) > MOST_SKEW:
        raise SignatureRefused("Expired or bad request token")
    if not nonces.accept(token, int(timestamp), nonce):
        raise SignatureRefused("Access token validation failed")


def _decode(text: str) -> str:
    return unquote(text.replace("+", " "))
