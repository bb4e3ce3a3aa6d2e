"""OAuth 1.0a (RFC 5849): the only importer of oauthlib. It never shows or logs a credential."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from oauthlib.oauth1 import Client

# oauthlib writes signature base strings and tokens at DEBUG: no log level of ours may let them out.
logging.getLogger("oauthlib").setLevel(logging.WARNING)

_OAUTHLIB_QUERY = "=&;:%+~,*@!()/?"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

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


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an application and one subscriber sign with."""

    consumer: Consumer
    token: Token


def application_of(server: str, consumer: Consumer) -> str:
    """A short digest of a server and an application there: what a sign-in is for."""
    text = f"{server.rstrip('/')}\n{consumer.key}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def encode_form(pairs: Pairs) -> bytes:
    """Write a form body, as it is signed and sent."""
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
    """Give the headers that sign one request; the nonce is fresh each time."""
    client = Client(
        consumer.key,
        consumer.secret,
        resource_owner_key=token.value if token else None,
        resource_owner_secret=token.secret if token else None,
        callback_uri=callback,
        verifier=verifier,
        timestamp=str(timestamp),
        nonce=secrets.token_hex(16),
    )
    content = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else None
    _url, headers, _body = client.sign(
        _make_signable(url), method, form.decode() if form is not None else None, content
    )
    return {"Authorization": headers["Authorization"]}


def _make_signable(url: str) -> str:
    """Escape what oauthlib refuses in a query; the parameters, and so the signature, stay the same."""
    parts = urlsplit(url)
    query = quote(_STRAY_PERCENT.sub("%25", parts.query), safe=_OAUTHLIB_QUERY)
    return urlunsplit(parts._replace(query=query, fragment=""))
