"""Signing in: a request token, the login page, an access token (OAuth 1.0, or 1.0a with `verifier`)."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from feedwatch.sandbox.calls import CallRefused
from feedwatch.sandbox.grants import Answer, RequestToken
from feedwatch.sandbox.login_page import write_end, write_form
from feedwatch.sandbox.oauth import encode
from feedwatch.sandbox.resources import make_route
from feedwatch.sandbox.served import JSON, Call, Sandbox

_FORM = "application/x-www-form-urlencoded"
_DEAD = "Expired or bad request token"
_NOT_ALLOWED = "Unable to find or verify access token credentials"
_NO_CALLBACK = "oob"
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_NO_PAGES = ("javascript", "data", "vbscript", "file", "")


def list_oauth_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of signing in."""
    both = ("GET", "POST")
    return [
        make_route(sandbox, "/oauth/request_token", dict.fromkeys(both, ("oauth", give_request_token))),
        make_route(sandbox, "/oauth/login", {"GET": ("login", show_login), "POST": ("login", take_login)}),
        make_route(sandbox, "/oauth/access_token", dict.fromkeys(both, ("oauth", give_access_token))),
    ]


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────


def give_request_token(call: Call) -> Response:
    """`oauth/request_token`, signed by the application alone."""
    world = call.world
    account = world.account
    call.check_application()
    call.verify_with({(account.consumer_key, ""): (account.consumer_secret, "")}, _DEAD)
    callback = call.say_oauth("oauth_callback")
    with world.lock:
        token = world.grants.request(
            call.sandbox.clock(),
            None if callback in (None, "", _NO_CALLBACK) else callback,
            verifier=world.switches.verifier,
        )
    said = {
        "oauth_token": token.value,
        "oauth_token_secret": token.secret,
        "application_name": account.application_name,
        "login_url": f"{call.base}/oauth/login?oauth_token={encode(token.value)}",
    }
    if token.verifier is not None:
        said["oauth_callback_confirmed"] = "true"
    return _give_token(call, said)


def give_access_token(call: Call) -> Response:
    """`oauth/access_token`, signed with a request token that was allowed; that serves one try."""
    world = call.world
    account = world.account
    call.check_application()
    with world.lock:
        # Whatever comes of this try, the request token is worth nothing afterwards.
        token = world.grants.take(call.say_oauth("oauth_token") or "")
        if token is None or call.sandbox.clock() >= token.expires_at:
            raise CallRefused(401, _DEAD)
        pair = (account.consumer_key, token.value)
        call.verify_with({pair: (account.consumer_secret, token.secret)}, _DEAD)
        if token.answer is Answer.NO:
            raise CallRefused(401, "Authorization failed")
        # Where no code was given none is asked for, whatever a client of OAuth 1.0a sends in its place.
        verified = token.verifier in (None, call.say_oauth("oauth_verifier"))
        if token.answer is not Answer.YES or not verified:
            raise CallRefused(401, _NOT_ALLOWED)
        value, secret = world.grants.grant()
    said = {"oauth_token": value, "user_id": account.user_id, "oauth_token_secret": secret}
    return _give_token(call, said)


def _give_token(call: Call, said: dict[str, str]) -> Response:
    if call.wants_json:
        return Response(json.dumps(said, separators=(",", ":")), media_type=JSON)
    return Response("&".join(f"{name}={encode(value)}" for name, value in said.items()), media_type=_FORM)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────


def show_login(call: Call) -> Response:
    """`oauth/login`: asks who it is, and whether the application may come in."""
    token = _find_request(call)
    if isinstance(token, Response):
        return token
    return _page(write_form(call.world.account, _carried(call)))


def take_login(call: Call) -> Response:
    """The answer to the login page: back to the application, or the page again with what is wrong."""
    token = _find_request(call)
    if isinstance(token, Response):
        return token
    account = call.world.account
    if call.say("answer") == "no":
        return _end(call, token, Answer.NO)
    if (call.say("name"), call.say("password")) != (account.login_name, account.password):
        return _ask_again(call, "Authorization failed: that is not the name and the password shown here.")
    if (call.say("accept_tos") or "").lower() not in ("true", "on", "1", "yes"):
        return _ask_again(call, "User must accept terms of use.")
    return _end(call, token, Answer.YES)


def _find_request(call: Call) -> RequestToken | Response:
    """The sign-in that the page is about, or a page that says what is wrong about it."""
    account = call.world.account
    if not call.say("oauth_consumer_key"):
        return _page(write_end("Missing Required Consumer Key"), 401)
    if call.say("oauth_consumer_key") != account.consumer_key:
        return _page(write_end("Consumer key mismatch"), 401)
    if call.say("application_name") not in (None, "", account.application_name):
        return _page(write_end("Application name mismatch"), 401)
    token = call.world.grants.find(call.say("oauth_token") or "", call.sandbox.clock())
    if token is None:
        return _page(write_end(_DEAD), 401)
    callback = _find_callback(call, token)
    if callback is not None and not _is_page(callback):
        return _page(write_end("parameter oauth_callback is invalid"), 400)
    return token


def _is_page(address: str) -> bool:
    """Whether a browser may be sent there."""
    try:
        return urlsplit(address).scheme.lower() not in _NO_PAGES
    except ValueError:
        return False


def _end(call: Call, token: RequestToken, answer: Answer) -> Response:
    with call.world.lock:
        token.answer = answer
    callback = _find_callback(call, token)
    allowed = answer is Answer.YES
    if callback is None:
        code = token.verifier if allowed else None
        return _page(
            write_end("You are signed in" if allowed else "Nothing was allowed", code=code, done=True)
        )
    said = [f"oauth_token={encode(token.value)}"]
    if not allowed:
        said.append("oauth_problem=user_refused")
    elif token.verifier is not None:
        said.append(f"oauth_verifier={encode(token.verifier)}")
    bare, mark, fragment = callback.partition("#")
    joint = "" if bare.endswith(("?", "&")) else "&" if "?" in bare else "?"
    return RedirectResponse(f"{bare}{joint}{'&'.join(said)}{mark}{fragment}", 302)


def _find_callback(call: Call, token: RequestToken) -> str | None:
    """Where the browser is to go back to: what was signed counts before what the page's address says."""
    said = call.say("oauth_callback")
    return token.callback or (said if said not in (None, "", _NO_CALLBACK) else None)


def _carried(call: Call) -> dict[str, str]:
    names = ("oauth_token", "oauth_consumer_key", "application_name", "oauth_callback")
    return {name: value for name in names if (value := call.say(name)) is not None}


def _ask_again(call: Call, problem: str) -> Response:
    return _page(write_form(call.world.account, _carried(call), problem, call.say("name") or ""), 401)


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, headers=_PAGE_HEADERS)
