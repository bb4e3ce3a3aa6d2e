"""A receiver of our own documents, `webhook+https://…`: what it is sent, and what its answer means.

The documents are described in docs/webhook.md; they are signed as Standard Webhooks has it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

from feedwatch.core.document import write_plain_document
from feedwatch.core.messages import (
    Delivered,
    Markup,
    NotifyFailed,
    NotifyOutcome,
    NotifyTimedOut,
    Outgoing,
    PostFailed,
    PostOutcome,
    Style,
)
from feedwatch.core.model import Reason
from feedwatch.notify.failures import BadAddress, judge_status, limit_rest

_STYLE: Final = Style(markup=Markup.JSON, limit=256 * 1024)
"""Many changes in one document: in UTF-8 it is less than a mebibyte."""
_ADDRESS: Final = re.compile(r"webhook\+(?P<url>https?://\S+)", re.IGNORECASE)
_MEANT: Final = re.compile(r"webhooks?(?:\+\w*)?://", re.IGNORECASE)
_IN_BASE64: Final = "whsec_"


class Post(Protocol):
    """What posts a body to an address (feedwatch.fetch.Poster.post)."""

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostOutcome:
        """Post a body, within less than a minute; never raises for what a server does."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver."""

    url: str = field(repr=False)
    style: Style = _STYLE

    async def deliver(
        self, message: Outgoing, post: Post, secret: str | None, now: datetime
    ) -> NotifyOutcome:
        """Send one message now, signed if there is a secret."""
        body = _body_of(message).encode()
        # What nobody will send again has a name of its own all the same: it may be that of no other message.
        key = message.key or uuid.uuid4().hex
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if message.repeated:
            headers["Feedwatch-Repeat"] = "true"
        if secret is not None:
            if problem := check_secret(secret):
                return NotifyFailed(Reason.UNREACHABLE, problem)
            headers |= sign(secret, key, now, body)
        return _judge(await post(self.url, body, headers))


def open_webhook(url: str) -> Webhook | BadAddress | None:
    """Make a receiver of an address, or say why it is none; None if it is no webhook's at all."""
    if not _MEANT.match(url := url.strip()):
        return None
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return BadAddress("a webhook's address begins with webhook+https://host or webhook+http://host")
    problem = _find_problem(found["url"])
    return BadAddress(problem) if problem else Webhook(found["url"])


def check_secret(secret: str) -> str | None:
    """Say why a text can be no webhook's secret, without showing it; None if it can."""
    return None if _read_secret(secret) else f"what follows {_IN_BASE64} in the secret is not base64"


def sign(secret: str, key: str, now: datetime, body: bytes) -> dict[str, str]:
    """Give the headers that show who sent a body, and when (Standard Webhooks)."""
    at = str(int(now.timestamp()))
    content = f"{key}.{at}.".encode() + body
    digest = hmac.new(_read_secret(secret), content, hashlib.sha256).digest()
    return {
        "Webhook-Id": key,
        "Webhook-Timestamp": at,
        "Webhook-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _read_secret(secret: str) -> bytes:
    """The secret's bytes; none if it cannot be read."""
    if not secret.startswith(_IN_BASE64):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_IN_BASE64), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _find_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "no address of a webhook: its host or port is in the wrong form"
    if not host:
        return "no address of a webhook: it lacks a host"
    if "#" in url:
        return "what follows a # is never sent: leave it out, or write %23"
    return None


def _body_of(message: Outgoing) -> str:
    """The document; one is made of what was written before the address became a webhook's."""
    if message.markup is Markup.JSON:
        return message.body
    return write_plain_document(message.title, message.twin or message.body)


def _judge(outcome: PostOutcome) -> NotifyOutcome:
    if isinstance(outcome, PostFailed):
        return NotifyTimedOut() if outcome.may_have_arrived else _unreachable(outcome.detail)
    status = outcome.status
    rest = limit_rest(outcome.retry_after.total_seconds()) if outcome.retry_after is not None else None
    if 200 <= status < 300:
        return Delivered()
    if 300 <= status < 400:
        return NotifyFailed(Reason.REFUSED, f"HTTP {status}: redirects are not followed")
    if status == HTTPStatus.SERVICE_UNAVAILABLE and rest is not None:
        return NotifyFailed(Reason.RATE_LIMITED, f"HTTP {status}", rest)
    return judge_status(status, rest)


def _unreachable(detail: str) -> NotifyFailed:
    return NotifyFailed(Reason.UNREACHABLE, detail)
