"""Signing in, in the server's words: a request token, the login page, an access token (OAuth 1.0 and 1.0a).

A request token is good for one try at an access token, whatever comes of that. With OAuth 1.0a the login page
gives a code (the verifier) beside; a server that knows only 1.0 gives none, and none is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from feedwatch.core.model import Answered, AskOutcome, FetchFailed, Reason
from feedwatch.netflix.calling import Call, Caller
from feedwatch.netflix.judging import CLOCK_MAY_BE_OFF
from feedwatch.netflix.signing import Consumer, Method, Pairs, Token, encode_form
from feedwatch.netflix.status import classify_failure, read_status, redact_message

NO_CALLBACK: Final = "oob"
"""What is said in place of a callback: the code is to be shown on the page (RFC 5849, section 2.1)."""
_HAS_PAGE_ELSEWHERE: Final = ("api.netflix.com", "api-public.netflix.com")
_PAGE_ELSEWHERE: Final = "https://api-user.netflix.com/oauth/login"
_LARGEST: Final = 64 * 1024
_LONGEST_TOKEN: Final = 2000
_LONGEST_ANSWER: Final = 8000
"""More than an address of the login page's making, with a token and a code in it, ever is."""

_PROBLEM = re.compile(r"\boauth_problem=([a-z_]+)")
_SAYS_NO = ("denied", "access_denied", "user_refused", "permission_denied")


class Trouble(StrEnum):
    """Why signing in came to nothing."""

    WRONG_KEY = "wrong_key"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 — no secret, only the word
    WRONG_CLOCK = "wrong_clock"
    DEAD_TOKEN = "dead_token"  # noqa: S105
    NOT_ALLOWED = "not_allowed"
    NO_LOGIN = "no_login"
    RESTS = "rests"
    UNREACHABLE = "unreachable"
    ODD_REPLY = "odd_reply"


_NAMED: Final = (
    (Trouble.WRONG_KEY, re.compile(r"consumer[ _]key|application name|consumer[ _]unknown", re.IGNORECASE)),
    (Trouble.WRONG_SECRET, re.compile(r"signature", re.IGNORECASE)),
    (Trouble.WRONG_CLOCK, re.compile(r"timestamp|clock", re.IGNORECASE)),
    (
        Trouble.NOT_ALLOWED,
        re.compile(
            r"authorization failed|not (?:yet )?authori[sz]ed|permission|user[ _]refused|terms of use|denied",
            re.IGNORECASE,
        ),
    ),
)
"""What a server names by its message."""


@dataclass(frozen=True, slots=True)
class LoginFailed:
    """A step that came to nothing.

    `detail` is the server's message, with nothing in it that could be a token; `off` is by how much our clock
    is ahead of the server's, where that matters; `reason` is why nobody answered; `rest` how long the server
    wants to be left alone, where it says so.
    """

    trouble: Trouble
    detail: str = ""
    off: timedelta | None = None
    reason: Reason | None = None
    rest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RequestToken:
    """What a sign-in begins with. With `has_verifier` the server will want the login page's code back."""

    token: Token
    application_name: str = ""
    login_url: str | None = field(default=None, repr=False)
    has_verifier: bool = False
    method: Method = "GET"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a sign-in ends with."""

    token: Token
    user_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The login page sent somebody back, or showed a code: the access token can be asked for."""

    verifier: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The login page was answered with no."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """What came is no answer to this sign-in, which goes on; `why` is for a person."""

    why: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A server, as one application signs somebody in there; `page` is its login page, if it is elsewhere."""

    server: str = field(repr=False)
    consumer: Consumer
    caller: Caller
    clock: Callable[[], datetime]
    page: str | None = None

    async def ask_request_token(self, callback: str | None) -> RequestToken | LoginFailed:
        """Begin. `callback` is where the login page is to send the browser back to."""
        method: Method = "GET"
        outcome = await self._call("request_token", method, callback=callback or NO_CALLBACK)
        if isinstance(outcome, FetchFailed) and outcome.status == 405:  # OAuth itself knows only POST
            method = "POST"
            outcome = await self._call("request_token", method, callback=callback or NO_CALLBACK)
        if isinstance(outcome, FetchFailed):
            return judge_refusal(outcome, self.clock(), traded=False)
        said = _read_reply(outcome)
        token = _read_token(said)
        if token is None:
            return _odd(outcome, "request token")
        return RequestToken(
            token,
            said.get("application_name", ""),
            said.get("login_url") or None,
            has_verifier=said.get("oauth_callback_confirmed", "").lower() == "true",
            method=method,
        )

    def make_login_address(self, request: RequestToken, callback: str | None) -> str:
        """Write the address of the login page: as configured, as the server named it, or by the server's own.

        What the server wrote into its address itself stays as it is.
        """
        base = (self.page or self._find_named(request) or _page_of(self.server)).partition("#")[0]
        wanted = [
            ("application_name", request.application_name),
            ("oauth_consumer_key", self.consumer.key),
            ("oauth_token", request.token.value),
            *([("oauth_callback", callback)] if callback else []),
        ]
        before = {name for name, _ in parse_qsl(urlsplit(base).query, keep_blank_values=True)}
        more = encode_form([(name, value) for name, value in wanted if name not in before]).decode()
        joint = "" if not more or base.endswith(("?", "&")) else "&" if "?" in base else "?"
        return f"{base}{joint}{more}"

    def find_named_host(self, request: RequestToken) -> str | None:
        """The host of the login page, where nobody but the server's reply says that it is one of theirs."""
        named = None if self.page else self._find_named(request)
        known = (urlsplit(self.server).hostname, urlsplit(_page_of(self.server)).hostname)
        host = urlsplit(named).hostname if named else None
        return None if host in known else host

    def _find_named(self, request: RequestToken) -> str | None:
        return request.login_url if _is_fit(request.login_url, self.server) else None

    async def trade_token(self, request: RequestToken, verifier: str | None) -> AccessToken | LoginFailed:
        """End: trade a request token for an access token; it is worth nothing afterwards, come what may."""
        outcome = await self._call("access_token", request.method, request.token, verifier=verifier)
        if isinstance(outcome, FetchFailed):
            return judge_refusal(outcome, self.clock(), traded=True)
        said = _read_reply(outcome)
        token = _read_token(said)
        return (
            _odd(outcome, "access token")
            if token is None
            else AccessToken(token, said.get("user_id") or None)
        )

    async def _call(
        self,
        step: str,
        method: Method,
        token: Token | None = None,
        *,
        callback: str | None = None,
        verifier: str | None = None,
    ) -> AskOutcome:
        url = f"{self.server.rstrip('/')}/oauth/{step}"
        form: Pairs | None = () if method == "POST" else None
        return await self.caller.call(
            Call(url, token, method, form, verifier=verifier, callback=callback, max_body=_LARGEST)
        )


def read_answer(text: str, request: RequestToken) -> Allowed | Refused | NoAnswer:
    """Read what the login page came back with: an address, its query, or the code that the page shows."""
    said = text.strip().strip("<>\"'").strip()
    if len(said) > _LONGEST_ANSWER:
        return NoAnswer("that is longer than what the page shows")
    if "=" in said or "://" in said or said.startswith("?"):
        return _read_address(said, request)
    if not said and request.has_verifier:
        return NoAnswer("the code that the page shows is wanted")
    if said == request.token.value or not said:
        return NoAnswer("the code is missing") if request.has_verifier else Allowed()
    # A wrong code costs the sign-in: what a key of the terminal has sent, say, is not tried.
    if len(said) > _LONGEST_TOKEN or not said.isprintable() or "\ufffd" in said:
        return NoAnswer("that is no code")
    return Allowed(said)


def judge_refusal(failed: FetchFailed, now: datetime, *, traded: bool) -> LoginFailed:
    """Say why a server refused; `traded` says that a request token was signed with.

    What the server names comes first. Only where it names nothing is the clock to blame, if it is off.
    """
    off = now - failed.server_at if failed.server_at else timedelta(0)
    refined = classify_failure(failed, tokenized=False, now=now)
    problem = _PROBLEM.search(failed.body[:_LARGEST].decode("ascii", "replace"))
    status = read_status(failed.body)
    message = redact_message(status.message) if status else problem[1] if problem else ""
    trouble = _find_trouble(refined, message, traded=traded, is_off=abs(off) > CLOCK_MAY_BE_OFF)
    said = message if failed.status is not None else failed.detail
    is_off = abs(off) > CLOCK_MAY_BE_OFF
    return LoginFailed(trouble, said, off if is_off else None, refined.reason, refined.retry_after)


def _find_trouble(failed: FetchFailed, message: str, *, traded: bool, is_off: bool) -> Trouble:
    if failed.reason is Reason.RATE_LIMITED:
        return Trouble.RESTS
    if failed.status not in (400, 401, 403):
        return Trouble.NO_LOGIN if failed.status in (404, 405, 410) else Trouble.UNREACHABLE
    named = next((trouble for trouble, words in _NAMED if words.search(message)), None)
    if named is None and is_off:
        return Trouble.WRONG_CLOCK
    # Key and secret have been found right by then, or there would be no request token.
    likely = (Trouble.WRONG_CLOCK, Trouble.NOT_ALLOWED) if traded else tuple(Trouble)[:3]
    if named in likely:
        return named
    return Trouble.DEAD_TOKEN if traded else Trouble.WRONG_KEY


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def _read_reply(outcome: Answered) -> dict[str, str]:
    """Read a form-encoded reply, of which the first of each name counts."""
    text = outcome.body.decode("utf-8", "replace").strip()
    return dict(reversed(parse_qsl(text, keep_blank_values=True))) if "<" not in text[:1] else {}


def _read_token(said: dict[str, str]) -> Token | None:
    value, secret = said.get("oauth_token", ""), said.get("oauth_token_secret", "")
    fit = value and len(value) <= _LONGEST_TOKEN and len(secret) <= _LONGEST_TOKEN
    # A header cannot hold what is not printable, and no server gives such a token.
    return Token(value, secret) if fit and (value + secret).isprintable() else None


def _odd(outcome: Answered, wanted: str) -> LoginFailed:
    status = read_status(outcome.body)
    said = redact_message(status.message) if status else f"its answer holds no {wanted}"
    return LoginFailed(Trouble.ODD_REPLY, said)


def _read_address(said: str, request: RequestToken) -> Allowed | Refused | NoAnswer:
    query = said.partition("?")[2] or ("" if "://" in said else said)
    pairs = dict(reversed(parse_qsl(query.partition("#")[0], keep_blank_values=True)))
    token = pairs.get("oauth_token") or pairs.get("denied")
    says_no = "denied" in pairs or any(pairs.get(name) in _SAYS_NO for name in ("oauth_problem", "error"))
    if token is None:
        return NoAnswer("that address names no sign-in: it has no oauth_token in it")
    if token != request.token.value:
        return NoAnswer("that is the address of another sign-in, not of this one")
    if says_no:
        return Refused()
    verifier = pairs.get("oauth_verifier") or None
    if verifier is None and request.has_verifier:
        return NoAnswer("that address lacks the code: it has no oauth_verifier in it")
    return Allowed(verifier)


def _is_fit(page: str | None, server: str) -> bool:
    """Whether a page that a server named may be shown: a password is typed there."""
    try:
        parts = urlsplit(page or "")
        fit = bool(parts.hostname) and "@" not in parts.netloc
        fit = fit and (page or "").isprintable() and not re.search(r"\s", page or "")
    except ValueError:
        return False
    return fit and (parts.scheme == "https" or parts.scheme == urlsplit(server).scheme == "http")


def _page_of(server: str) -> str:
    is_elsewhere = urlsplit(server).hostname in _HAS_PAGE_ELSEWHERE
    return _PAGE_ELSEWHERE if is_elsewhere else f"{server.rstrip('/')}/oauth/login"
