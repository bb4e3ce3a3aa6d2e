"""Who has let which application in: request tokens on their way, and the access tokens that came of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import Enum

LIFETIME = 15 * 60
"""Seconds that a request token is good for."""
_WITHOUT_LOOKALIKES = "abcdefghjkmnpqrstuvwxyz23456789"


class Answer(Enum):
    """What the user has said to an application that wants in."""

    NONE = "none"
    YES = "yes"
    NO = "no"


@dataclass(slots=True)
class RequestToken:
    """A sign-in on its way. With a `verifier` the code must come back with the token (OAuth 1.0a)."""

    value: str
    secret: str
    expires_at: float
    callback: str | None = None
    verifier: str | None = None
    answer: Answer = Answer.NONE


@dataclass(slots=True)
class Grants:
    """The tokens that are alive: request tokens by value, and the secrets of access tokens."""

    requests: dict[str, RequestToken] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)

    def request(self, now: float, callback: str | None, *, verifier: bool) -> RequestToken:
        """Begin a sign-in."""
        code = "".join(secrets.choice(_WITHOUT_LOOKALIKES) for _ in range(8)) if verifier else None
        token = RequestToken(_make_token(), _make_token(), now + LIFETIME, callback, code)
        self.requests[token.value] = token
        return token

    def find(self, value: str, now: float) -> RequestToken | None:
        """A request token that is still good, and that nobody has answered yet."""
        token = self.requests.get(value)
        fresh = token is not None and now < token.expires_at and token.answer is Answer.NONE
        return token if fresh else None

    def take(self, value: str) -> RequestToken | None:
        """A request token for its one try; it is worth nothing afterwards, whatever comes of that."""
        return self.requests.pop(value, None)

    def grant(self) -> tuple[str, str]:
        """A new access token and its secret."""
        value, secret = _make_token(), _make_token()
        self.access[value] = secret
        return value, secret

    def revoke(self) -> None:
        """Let nobody in any more: neither those who are, nor those on their way."""
        self.access.clear()
        self.requests.clear()


def _make_token() -> str:
    # As the API's own did, a token may end in a dash: whoever cuts it off there is found out.
    return f"T1{secrets.token_urlsafe(18)}-"
