"""OAuth 1.0a (RFC 5849): the only importer of oauthlib. It never shows or logs a credential.

Of oauthlib come encoding, ordering, HMAC and the header. What is signed is read here, from the address as
it goes out: oauthlib's own reading refuses or changes what servers do use (a stray `%`, a path that ends in
`;`, an `oauth_…` parameter in the query).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlsplit

# oauthlib writes signature base strings and tokens at DEBUG: no log level of ours may let them out.
logging.getLogger("oauthlib").setLevel(logging.WARNING)

_PORTS: Final = {"http": 80, "https": 443}

Pairs = Sequence[tuple[str, str]]
Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Consumer:
    """What an application signs with."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """What is signed with beside: a subscriber's access token, or a request token."""

    value: str = field(repr=False)
    secret: str = field(repr=False)


def application_of(server: str, consumer: Consumer) -> str:
    """A short digest of a server and an application there: what a sign-in is for."""
    text = f"{server.rstrip('/')}\n{consumer.key}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def encode_form(pairs: Pairs) -> bytes:
    """Write a form body or a query, as it is signed and sent."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs).encode()


def sign_request(
    consumer: Consumer,
    token: Token | None,
    *,
    method: Method,
    url: str,
    timestamp: int,
    form: bytes | None = None,
    verifier: str | None = None,
    callback: str | None = None,
) -> dict[str, str]:
    """Give the headers that sign one request; the nonce is fresh each time.

    `url` is the address as it goes out, `form` the body as it goes out.
    """
    from oauthlib.oauth1 import Client  # noqa: PLC0415 — most who are asked want no signature
    from oauthlib.oauth1.rfc5849 import parameters, signature  # noqa: PLC0415

    protocol = [
        ("oauth_nonce", secrets.token_hex(16)),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_version", "1.0"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_consumer_key", consumer.key),
        *([("oauth_token", token.value)] if token else ()),
        *([("oauth_callback", callback)] if callback is not None else ()),
        *([("oauth_verifier", verifier)] if verifier is not None else ()),
    ]
    said = [*_read_form(urlsplit(url).query), *_read_form((form or b"").decode()), *protocol]
    # The stub is wrong: a name may come twice, and so these are pairs.
    normalised = signature.normalize_parameters(said)  # type: ignore[arg-type]
    base = signature.signature_base_string(method, _base_uri(url), normalised)
    client = Client(consumer.key, consumer.secret, resource_owner_secret=token.secret if token else None)
    signed = ("oauth_signature", signature.sign_hmac_sha1_with_client(base, client))
    headers = parameters.prepare_headers([*protocol, signed])  # type: ignore[no-untyped-call]
    return {"Authorization": headers["Authorization"]}


def _read_form(text: str) -> Pairs:
    """Read a query or form body as a server does: `+` is a space, what is empty counts, a stray `%` stays."""
    return parse_qsl(text, keep_blank_values=True)


def _base_uri(url: str) -> str:
    """Scheme, host and path in the one form that is signed (section 3.4.1.2)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port not in (None, _PORTS.get(parts.scheme)) else ""
    return f"{parts.scheme}://{named}{port}{parts.path or '/'}"
