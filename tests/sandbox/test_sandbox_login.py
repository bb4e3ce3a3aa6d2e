"""Signing in at the sandbox as an application does, from the request token to the access token."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from application import BODY, FORM, HEADER, QUERY, Application, applying, fill_in, read_pairs, read_status
from asking import Answer, ask

from feedwatch.config import load_config
from feedwatch.sandbox import Sandbox, World, sample_config
from feedwatch.sandbox.grants import LIFETIME
from feedwatch.sandbox.oauth import Nonces

BACK = "http://127.0.0.1:9/back?at=home"
DEAD = (401, None, "Expired or bad request token")
UNVERIFIED = (401, None, "Unable to find or verify access token credentials")


@dataclass
class SignIn:
    """One sign-in on its way."""

    app: Application
    token: str
    secret: str

    @property
    def page(self) -> str:
        """The login page's address."""
        account = self.app.world.account
        said = {
            "oauth_token": self.token,
            "oauth_consumer_key": account.consumer_key,
            "application_name": account.application_name,
        }
        return f"{self.app.base}/oauth/login?{urlencode(said)}"

    def answer(self, callback: str | None = BACK, **typed: str) -> Answer:
        """Open the login page, fill it in, and send it."""
        account = self.app.world.account
        opened = ask(self.page + (f"&{urlencode({'oauth_callback': callback})}" if callback else ""))
        assert opened.status == 200, opened.text
        filled = {
            "name": account.login_name,
            "password": account.password,
            "accept_tos": "TRUE",
            "answer": "yes",
        }
        form = fill_in(opened.text, **(filled | typed))
        sent = urlencode(form).encode()
        return ask(f"{self.app.base}/oauth/login", {"Content-Type": FORM}, method="POST", body=sent)

    def trade(self, verifier: str | None = None, **keys: str) -> Answer:
        """Ask for the access token."""
        changed = {"verifier": verifier, **keys} if verifier else keys
        app = replace(self.app, token=self.token, secret=self.secret, changed=changed)
        return app.call("/oauth/access_token")


@pytest.fixture(scope="module")
def served() -> Iterator[Application]:
    with applying() as app:
        yield app


@pytest.fixture
def app(served: Application) -> Application:
    """The application alone, before anybody has let it in."""
    sandbox = served.sandbox
    sandbox.world, sandbox.nonces, sandbox.clock = World(queue=3), Nonces(), time.time
    return Application(served.base, sandbox)


def begin(app: Application, *, post: bool = False, **keys: str) -> SignIn:
    said = read_pairs(replace(app, changed=keys).call("/oauth/request_token", {} if post else None))
    assert said["application_name"] == app.world.account.application_name
    assert said["login_url"].startswith(f"{app.base}/oauth/login?oauth_token=")
    return SignIn(app, said["oauth_token"], said["oauth_token_secret"])


def came_back(answer: Answer) -> dict[str, list[str]]:
    assert answer.status == 302
    assert answer.headers["location"].startswith(f"{BACK}&")
    return parse_qs(urlsplit(answer.headers["location"]).query)


# ── the way there ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("signature", "post"), [(HEADER, False), (HEADER, True), (QUERY, False), (QUERY, True), (BODY, True)]
)
def test_application_is_let_in_without_a_verifier(app: Application, signature: str, *, post: bool) -> None:
    """OAuth 1.0: token, page, access token; signed in the header, the query or the body."""
    app.signature = signature
    sign_in = begin(app, post=post)
    assert came_back(sign_in.answer()) == {"at": ["home"], "oauth_token": [sign_in.token]}
    trader = replace(app, token=sign_in.token, secret=sign_in.secret)
    said = read_pairs(trader.call("/oauth/access_token", {} if post else None))
    assert said["user_id"] == app.world.account.user_id
    inside = Application(app.base, app.sandbox, said["oauth_token"], said["oauth_token_secret"])
    assert inside.own("").status == inside.call("/users/current").status == 200
    assert inside.call("/catalog/titles?term=river").status == 200


@pytest.mark.parametrize("callback", [BACK, "oob"])
def test_provider_with_a_verifier_wants_it_back(app: Application, callback: str) -> None:
    """OAuth 1.0a: the code comes with the callback, or stands on the page where there is none."""
    app.order("speak", dialect="reference")
    app.world.switches.verifier = True
    sign_in = begin(app, callback_uri=callback)
    # What was signed counts, and not what the page's address says.
    answer = sign_in.answer("http://127.0.0.1:9/elsewhere" if callback == BACK else None)
    if callback == BACK:
        code = came_back(answer)["oauth_verifier"][0]
    else:
        shown = re.search(r'id="code">([^<]+)<', answer.text)
        assert shown is not None
        code = shown[1]
    assert read_pairs(sign_in.trade(code))["user_id"] == app.world.account.user_id


@pytest.mark.parametrize("verifier", [None, "wrong"])
def test_missing_or_wrong_verifier_is_refused_for_good(app: Application, verifier: str | None) -> None:
    """And the right one comes too late: the request token has served its one try."""
    app.world.switches.verifier = True
    sign_in = begin(app, callback_uri=BACK)
    code = came_back(sign_in.answer())["oauth_verifier"][0]
    assert read_status(sign_in.trade(verifier)) == UNVERIFIED
    assert read_status(sign_in.trade(code)) == DEAD


def test_several_sign_ins_stand_side_by_side_until_they_are_revoked(app: Application) -> None:
    """Each has a token of its own; `revoke` ends them all, and a new sign-in works again."""
    inside = []
    for _ in range(2):
        sign_in = begin(app)
        sign_in.answer()
        said = read_pairs(sign_in.trade())
        inside.append(Application(app.base, app.sandbox, said["oauth_token"], said["oauth_token_secret"]))
    inside.append(app.as_jane())
    assert len({each.token for each in inside}) == 3
    assert [each.call("/users/current").status for each in inside] == [200, 200, 200]
    pending = begin(app)
    app.order("revoke")
    for each in inside:
        assert read_status(each.call("/users/current")) == (401, None, "Access token is invalid")
    assert read_status(pending.trade()) == DEAD
    again = begin(app)
    again.answer()
    assert read_pairs(again.trade())["oauth_token"] not in {each.token for each in inside}


def test_tokens_come_as_json_too(app: Application) -> None:
    """With `output=json`, as an application asked that took the reply apart by its order."""
    said = app.call("/oauth/request_token?output=json").json
    sign_in = SignIn(app, said["oauth_token"], said["oauth_token_secret"])
    sign_in.answer()
    trader = replace(app, token=sign_in.token, secret=sign_in.secret)
    text = trader.call("/oauth/access_token?output=json").text
    assert re.fullmatch(r'\{"oauth_token":"[^"]+","user_id":"[^"]+","oauth_token_secret":"[^"]+"\}', text)


def test_provider_without_a_verifier_takes_no_offence_at_one(app: Application) -> None:
    """A client of OAuth 1.0a sends something in its place."""
    sign_in = begin(app, callback_uri="oob")
    sign_in.answer(None)
    assert sign_in.trade("anything").status == 200


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


def test_request_token_serves_one_try_whatever_comes_of_it(app: Application) -> None:
    """A try before anybody has allowed it, or with a wrong secret, uses it up as a good one does."""
    early = begin(app)
    assert read_status(early.trade()) == UNVERIFIED
    assert read_status(early.trade()) == DEAD
    assert ask(early.page).status == 401
    wrong = begin(app)
    wrong.answer()
    assert read_status(wrong.trade(client_secret="wrong")) == (401, None, "Invalid signature")
    assert read_status(wrong.trade()) == DEAD
    good = begin(app)
    good.answer()
    assert good.trade().status == 200
    assert read_status(good.trade()) == DEAD


def test_request_token_expires(app: Application) -> None:
    """After a quarter of an hour the page and the trade both say so."""
    now = [time.time() - LIFETIME]
    app.sandbox.clock = lambda: now[0]
    begin_at = {"timestamp": str(int(now[0]))}
    said = read_pairs(replace(app, changed=begin_at).call("/oauth/request_token"))
    sign_in = SignIn(app, said["oauth_token"], said["oauth_token_secret"])
    sign_in.answer()
    now[0] += LIFETIME + 1
    assert ask(sign_in.page).status == 401
    assert read_status(sign_in.trade()) == DEAD


def test_no_is_an_answer(app: Application) -> None:
    """Who says no needs neither name nor terms, goes back with that, and no token comes of it."""
    sign_in = begin(app)
    went = came_back(sign_in.answer(name="", password="", accept_tos="", answer="no"))
    assert went == {"at": ["home"], "oauth_token": [sign_in.token], "oauth_problem": ["user_refused"]}
    assert read_status(sign_in.trade()) == (401, None, "Authorization failed")


def test_no_without_a_callback_is_said_on_the_page(app: Application) -> None:
    """There is nowhere to go back to."""
    answer = begin(app).answer(None, answer="no")
    assert answer.status == 200
    assert "Nothing was allowed" in answer.text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"password": "wrong"}, "Authorization failed"),
        ({"name": "john"}, "Authorization failed"),
        ({"accept_tos": ""}, "User must accept terms of use."),
    ],
)
def test_page_is_shown_again_with_what_is_wrong(app: Application, typed: dict[str, str], says: str) -> None:
    """And the sign-in goes on: the next answer may be right."""
    sign_in = begin(app)
    answer = sign_in.answer(**typed)
    assert answer.status == 401
    alert = re.search(r'role="alert"[^>]*>([^<]+)<', answer.text)
    assert alert is not None
    assert says in alert[1]
    assert "let-me-in" not in fill_in(answer.text).values()
    assert came_back(sign_in.answer())["oauth_token"] == [sign_in.token]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"oauth_consumer_key": "wrong"}, "Consumer key mismatch"),
        ({"oauth_consumer_key": ""}, "Missing Required Consumer Key"),
        ({"application_name": "somebody else"}, "Application name mismatch"),
        ({"oauth_token": "wrong"}, "Expired or bad request token"),
        ({"oauth_callback": "javascript:alert(1)"}, "parameter oauth_callback is invalid"),
        ({"oauth_callback": "no address"}, "parameter oauth_callback is invalid"),
        ({"oauth_callback": "http://["}, "parameter oauth_callback is invalid"),
    ],
)
def test_page_refuses_what_belongs_to_no_sign_in(
    app: Application, changed: dict[str, str], says: str
) -> None:
    """A page that says what is wrong, and no form."""
    parts = urlsplit(begin(app).page)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
    answer = ask(f"{app.base}/oauth/login?{urlencode(said)}")
    assert answer.status in (400, 401)
    assert says in answer.text
    assert "<form" not in answer.text


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"client_key": "wrong"}, "Consumer key mismatch"),
        ({"client_secret": "wrong"}, "Invalid signature"),
        ({"timestamp": str(int(time.time()) - 360)}, "Expired or bad request token"),
        ({"timestamp": str(int(time.time()) + 3600)}, "Expired or bad request token"),
        ({"signature_method": "PLAINTEXT"}, "Invalid signature"),
    ],
)
def test_application_that_signs_wrongly_gets_no_request_token(
    app: Application, keys: dict[str, str], says: str
) -> None:
    """Each in the API's words; the answer's date tells whose clock is wrong."""
    answer = replace(app, changed=keys).call("/oauth/request_token")
    assert read_status(answer) == (401, None, says)
    assert answer.headers["date"]
    assert answer.headers["www-authenticate"].startswith("OAuth ")
    assert read_status(ask(f"{app.base}/oauth/request_token"))[2] == "Missing Required Consumer Key"


def test_nonce_serves_once_and_time_does_not_go_back(app: Application) -> None:
    """For one token; that is what guards against a call sent twice."""
    now = int(time.time())
    jane = app.as_jane()
    first = replace(jane, changed={"nonce": "a", "timestamp": str(now)})
    assert first.call("/users/current").status == 200
    assert read_status(first.call("/users/current"))[2] == "Access token validation failed"
    earlier = replace(jane, changed={"nonce": "b", "timestamp": str(now - 1)})
    assert read_status(earlier.call("/users/current"))[2] == "Access token validation failed"


# ── the page itself ───────────────────────────────────────────────────────────────────────────────


def test_page_stands_alone_and_can_be_used_by_everybody(app: Application) -> None:
    """It asks nobody for anything, says what it is, names each field, and knows the dark."""
    answer = ask(begin(app).page)
    page = answer.text
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert '<html lang="en">' in page
    assert "prefers-color-scheme: dark" in page
    fields = re.findall(r'<label>.*?name="(\w+)".*?</label>', page, re.DOTALL)
    assert fields == ["name", "password", "accept_tos"]
    assert re.findall(r'<button[^>]* value="(\w+)"', page) == ["yes", "no"]


def test_page_shows_what_it_was_told_as_text(app: Application) -> None:
    """A callback or a name with markup in it stays text."""
    sign_in = begin(app)
    odd = 'http://h/"><b>x</b>'
    page = ask(f"{sign_in.page}&{urlencode({'oauth_callback': odd})}").text
    assert "<b>" not in page
    assert fill_in(page)["oauth_callback"] == odd
    assert "<i>" not in sign_in.answer(name='"><i>', password="x").text


def test_configuration_without_a_token_is_valid(tmp_path: Path) -> None:
    """What `feedwatch sandbox --signed-out` writes is a configuration to sign in with."""
    path = tmp_path / "config.yaml"
    text = sample_config(Sandbox(), "http://127.0.0.1:1", signed_in=False)
    assert "access_token" not in text
    path.write_text(text)
    path.chmod(0o600)
    assert load_config(path, environ={}).accounts.keys() == {"jane"}
