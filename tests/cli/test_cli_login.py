"""`feedwatch login` and `logout`, typed for real, at the sandbox's own login page."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import ask
from logins import Login, answer_page, code_on, logging_in, sign_in, take_tokens_out
from running import Place, Ran, at_sandbox
from sinks import WebhookSink
from typist import CTRL_C, CTRL_D, at_terminal

from feedwatch.core.state import SignIn
from feedwatch.sandbox import oauth_api
from feedwatch.sandbox.dialects import DIALECTS
from feedwatch.sandbox.grants import Grants
from feedwatch.store import Store

WITH_AND_WITHOUT_VERIFIER = pytest.mark.parametrize(
    "verifier", [False, True], ids=["OAuth 1.0", "OAuth 1.0a"]
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The sandbox, and an account there that nobody has signed in."""
    with at_sandbox(tmp_path) as place:
        take_tokens_out(place.config)
        yield place


@pytest.fixture
def browser(tmp_path: Path) -> dict[str, str]:
    """What surrounds somebody with a browser that shows a page, and does nothing by itself."""
    script = tmp_path / "browser"
    script.write_text('#!/bin/sh\necho "$1" >> "$HOME/opened"\n')
    script.chmod(0o700)
    return {"BROWSER": f"{script} %s"}


class Forgetful(Grants):
    """A server that gives access tokens out, and does not know them afterwards."""

    def grant(self) -> tuple[str, str]:
        value, secret = super().grant()
        del self.access[value]
        return value, secret


def kept(place: Place) -> SignIn | None:
    """What the state keeps of jane's sign-in."""
    with closing(Store.open_read_only(place.state)) as store:
        return store.find_sign_in("jane")


def come_back(login: Login, place: Place, answer: str = "yes") -> str:
    """Answer the page, and go where it sends the browser; gives what is shown there."""
    page = answer_page(place.world, login.address, answer)
    assert page.status == 302, page.text
    return ask(page.headers["location"]).text


# ── signing in ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", DIALECTS)
@WITH_AND_WITHOUT_VERIFIER
def test_a_pasted_code_signs_in(place: Place, verifier: bool, dialect: str) -> None:  # noqa: FBT001
    """Where no browser comes back, what the page shows is pasted; who is signed in is said."""
    place.world.speak(dialect=dialect)
    place.world.switches.verifier = verifier
    ran = sign_in(place)
    assert (ran.status, ran.err) == (0, "")
    assert "jane is signed in as Jane Sandbox." in ran.out
    assert place.run("poll").status == 0
    assert "jane/queue" in place.run("status").out


@WITH_AND_WITHOUT_VERIFIER
def test_a_browser_that_is_sent_back_signs_in(
    place: Place,
    browser: dict[str, str],
    verifier: bool,  # noqa: FBT001
) -> None:
    """The page opens in the browser, which is sent back to this machine; nothing has to be pasted."""
    place.world.switches.verifier = verifier
    os.mkfifo(place.folder / "opened")
    with logging_in(place, env=browser) as login:
        opened = (place.folder / "opened").read_text().strip()
        shown = come_back(login, place)
        ran = login.end()
    assert (ran.status, ran.err) == (0, "")
    assert "You can close this window" in shown
    assert opened == login.address
    assert "paste" not in ran.out, "there is no terminal to paste at"


def test_a_browser_that_holds_a_line_open_is_not_complained_of(place: Place, browser: dict[str, str]) -> None:
    """Browsers open connections that they may need; one that asks nothing ends without a word."""
    with logging_in(place, env=browser) as login:
        page = answer_page(place.world, login.address)
        back = urlsplit(page.headers["location"])
        with socket.create_connection((back.hostname or "", back.port or 0)):
            ask(page.headers["location"])
            ran = login.end()
    assert (ran.status, ran.err) == (0, "")


@WITH_AND_WITHOUT_VERIFIER
def test_a_pasted_address_signs_in(
    place: Place,
    browser: dict[str, str],
    verifier: bool,  # noqa: FBT001
) -> None:
    """The address that a browser elsewhere was sent to can be pasted whole, beside the callback."""
    place.world.switches.verifier = verifier
    words = ("--config", place.config, "login", "jane")
    with at_terminal(*words, folder=place.folder, env=browser, columns=500) as typist:
        typist.wait_for("    http")
        address = "http" + typist.wait_for("\n").strip()
        typist.wait_for("paste")
        page = answer_page(place.world, address)
        typist.answer(":", page.headers["location"])
        assert typist.end() == 0
    assert "jane is signed in as Jane Sandbox." in typist.shown


def test_over_ssh_no_browser_is_opened(place: Place, browser: dict[str, str]) -> None:
    """Whatever is installed there, the browser of somebody at the other end of SSH is not on this machine."""
    afar = {**browser, "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22", "DISPLAY": ":0"}
    ran = place_run(place, afar)
    assert ran.status == 1
    assert "say --paste" in ran.err
    assert not (place.folder / "opened").exists()


def place_run(place: Place, env: dict[str, str]) -> Ran:
    """Type it, with nobody to paste anything."""
    with logging_in(place, env=env) as login:
        return login.end()


def test_login_address_holds_what_the_page_needs(place: Place, browser: dict[str, str]) -> None:
    """Name, key, token and callback stand in it, each exactly once and as they are, whatever is in them."""
    place.world.account.application_name = "Café & Söhne + 100 %"
    with logging_in(place, env=browser) as login:
        said = parse_qs(urlsplit(login.address).query, strict_parsing=True)
        come_back(login, place)
        assert login.end().status == 0
    assert {name: len(values) for name, values in said.items()} == {
        "application_name": 1,
        "oauth_consumer_key": 1,
        "oauth_token": 1,
        "oauth_callback": 1,
    }
    assert said["application_name"] == ["Café & Söhne + 100 %"]
    assert said["oauth_callback"][0].startswith("http://127.0.0.1:")


def test_login_page_elsewhere_is_the_one_that_is_shown(place: Place) -> None:
    """`login_url` counts before what the server says."""
    text = place.config.read_text()
    place.config.write_text(
        text.replace(
            "    consumer_key:", "    login_url: https://pages.example.net/let-in\n    consumer_key:"
        )
    )
    with logging_in(place, "--paste") as login:
        assert login.address.startswith("https://pages.example.net/let-in?application_name=")


def test_login_page_at_another_host_is_pointed_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a page that only the server's reply has named the host is said, before a password is typed there."""
    give = oauth_api._give_token
    page = {"login_url": "https://let-me-in.example/login"}
    monkeypatch.setattr(oauth_api, "_give_token", lambda call, said: give(call, said | page))
    with logging_in(place, "--paste") as login:
        assert login.address.startswith("https://let-me-in.example/login?")
        assert "That is a page of let-me-in.example, as the server at 127.0.0.1 says." in login.said


@pytest.mark.thorough
def test_a_token_in_the_state_is_masked_wherever_it_shows(place: Place) -> None:
    """Commands and messages know the tokens in the state, though no configuration holds them."""
    with WebhookSink() as hook:
        place.configure(targets=f"  hook: {hook.url}")
        take_tokens_out(place.config)
        said = [sign_in(place).said]
        found = kept(place)
        assert found is not None
        place.run("poll")
        for secret in (found.token, found.secret):
            place.world.add(title=f"A {secret} film")
        said += [place.run("poll").said]
        change = place.run("changes", "--json").rows[-1]["id"]
        words = ["show jane/queue", "changes", "outbox", "status --json", "check", "opml export", "discover"]
        said += [place.run(*each.split()).said for each in (*words, f"explain {change}", "preview")]
        said += [each.json["message"] for each in hook.received]
    assert sum("•••" in text for text in said) >= 4, "they did come by"
    for text in said:
        assert found.token not in text
        assert found.secret not in text
        assert place.world.account.consumer_secret not in text
    assert stat.S_IMODE(place.state.stat().st_mode) == 0o600


def test_a_new_sign_in_takes_the_place_of_the_old(place: Place) -> None:
    """Signing in twice leaves the second token, which works; who was signed in is the same."""
    sign_in(place)
    first = kept(place)
    sign_in(place)
    second = kept(place)
    assert first is not None
    assert second is not None
    assert first.token != second.token
    assert first.user_id == second.user_id == place.world.account.user_id
    assert place.run("discover").status == 0


@pytest.mark.thorough
@pytest.mark.parametrize("goes_first", [False, True], ids=["in their place", "after a logout"])
def test_somebody_else_is_told_what_comes_of_it(place: Place, goes_first: bool) -> None:  # noqa: FBT001
    """Where lists of another person are known, theirs will be compared with those; `login` says so."""
    assert "somebody else" not in sign_in(place).out
    assert place.run("poll").status == 0
    assert "somebody else" not in sign_in(place).out
    if goes_first:
        assert place.run("logout", "jane").status == 0
    place.world.account = replace(place.world.account, user_id="T1another.person-")
    assert "That is somebody else than before" in sign_in(place).out


def test_a_token_that_was_replaced_is_gone_though_a_daemon_has_the_state_open(place: Place) -> None:
    """What the second sign-in replaces is neither in the file nor in its log when `login` has ended."""
    sign_in(place)
    first = kept(place)
    assert first is not None
    with closing(Store.open(place.state)):
        sign_in(place)
        files = [each for each in place.folder.glob(f"{place.state.name}*") if each.is_file()]
        for file in files:
            assert first.token.encode() not in file.read_bytes(), file.name


def test_check_says_who_is_signed_in_or_what_to_type(place: Place) -> None:
    """Before it is said what to type, with 1; afterwards as whom, as the server tells it."""
    before = place.run("check")
    assert before.status == 1
    assert "there are no tokens to sign in with; type: feedwatch login jane" in before.out
    sign_in(place)
    after = place.run("check")
    assert (after.status, after.err) == (0, "")
    assert after.out.endswith("\njane: signed in as Jane Sandbox\n")
    assert place.world.requests["index"], "it was asked, and not only remembered"


# ── what comes to nothing ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def before(place: Place) -> SignIn:
    """A sign-in that works, and must outlive whatever comes to nothing."""
    assert sign_in(place).status == 0
    found = kept(place)
    assert found is not None
    return found


def still_works(place: Place, before: SignIn) -> bool:
    """Whether the old sign-in is kept, and works."""
    return kept(place) == before and place.run("discover").status == 0


def test_wrong_key_is_told_with_its_line(place: Place, before: SignIn) -> None:
    """A consumer key that the server does not know is named, with its line in the configuration."""
    good = place.config.read_text()
    place.config.write_text(good.replace(place.world.account.consumer_key, "another-key"))
    ran = refuse_at_once(place)
    place.config.write_text(good)
    assert re.search(
        rf"^error: {place.config}:\d+:19: jane: its server does not know this application "
        r"\(it says: Consumer key mismatch\)\. Put `consumer_key` right\. To try again, type: "
        r"feedwatch login jane$",
        ran.err,
        re.MULTILINE,
    )
    assert still_works(place, before)


def test_wrong_secret_is_told_with_its_line(place: Place, before: SignIn) -> None:
    """A consumer secret that is wrong is named, with its line in the configuration; it is not shown."""
    good = place.config.read_text()
    place.config.write_text(good.replace(place.world.account.consumer_secret, "another-secret"))
    ran = refuse_at_once(place)
    place.config.write_text(good)
    assert re.search(
        rf"^error: {place.config}:\d+:22: jane: its server does not accept the application's", ran.err
    )
    assert "Put `consumer_secret` right" in ran.err
    assert "another-secret" not in ran.said
    assert still_works(place, before)


@pytest.mark.parametrize(("ahead", "said"), [(-360, "6 minutes ahead of"), (360, "6 minutes behind")])
def test_clock_that_is_off_is_told(place: Place, before: SignIn, ahead: int, said: str) -> None:
    """By how much the clock is off, and in which direction, is said from the server's own."""
    place.sandbox.clock = lambda: time.time() + ahead
    ran = refuse_at_once(place)
    place.sandbox.clock = time.time
    assert f"jane is not signed in: the clock of this machine is {said} its server's" in ran.err
    assert "Set the clock" in ran.err
    assert still_works(place, before)


def refuse_at_once(place: Place) -> Ran:
    """Type it, where the first step comes to nothing already."""
    with logging_in(place, "--paste") as login:
        ran = login.end()
    assert ran.status == 1
    assert "http://127.0.0.1" not in ran.out, "no page is shown"
    return ran


@pytest.mark.thorough
def test_dead_request_token_is_told(place: Place, before: SignIn) -> None:
    """A sign-in that took too long is told to be begun anew."""
    with logging_in(place, "--paste") as login:
        answer_page(place.world, login.address)
        place.world.grants.requests.clear()
        login.paste("")
        ran = login.end()
    assert ran.status == 1
    assert "its server does not take this sign-in (it says: Expired or bad request token)" in ran.err
    assert ran.err.endswith("To try again, type: feedwatch login jane\n")
    assert still_works(place, before)


@pytest.mark.thorough
def test_wrong_code_costs_the_sign_in_and_says_so(place: Place, before: SignIn) -> None:
    """A request token serves one try: after a wrong code there is nothing to be tried again."""
    place.world.switches.verifier = True
    with logging_in(place, "--paste") as login:
        answer_page(place.world, login.address)
        login.paste("not-the-code")
        ran = login.end()
    assert ran.status == 1
    assert "each is good for a single try" in ran.err
    assert "where the page shows a code, with that code only" in ran.err
    assert not place.world.grants.requests
    assert still_works(place, before)


@pytest.mark.thorough
@WITH_AND_WITHOUT_VERIFIER
def test_refusal_on_the_page_is_told(
    place: Place,
    before: SignIn,
    browser: dict[str, str],
    verifier: bool,  # noqa: FBT001
) -> None:
    """Somebody who says no there is not asked again, and the browser says so, too."""
    place.world.switches.verifier = verifier
    with logging_in(place, env=browser) as login:
        shown = come_back(login, place, "no")
        ran = login.end()
    assert ran.status == 1
    assert ran.err.startswith("error: jane is not signed in: it was refused on the login page")
    assert "<h1>Refused</h1>" in shown
    assert still_works(place, before)


@pytest.mark.thorough
def test_callback_that_never_comes_is_told(place: Place, before: SignIn, browser: dict[str, str]) -> None:
    """With a server that gives a code nothing can be done without it: how to paste it is said."""
    place.world.switches.verifier = True
    with logging_in(place, "--timeout", "1s", env=browser) as login:
        answer_page(place.world, login.address)
        ran = login.end()
    assert ran.status == 1
    assert "nobody has come back from its page" in ran.err
    assert ran.err.endswith("type: feedwatch login jane --paste\n")
    assert still_works(place, before)


@pytest.mark.thorough
def test_page_that_was_closed_is_told(place: Place, before: SignIn, browser: dict[str, str]) -> None:
    """A server that gives no code is asked whether anybody has said yes, and nobody has."""
    with logging_in(place, "--timeout", "1s", env=browser) as login:
        ran = login.end()
    assert ran.status == 1
    assert "nobody has said yes or no on its page for" in ran.err
    assert still_works(place, before)


@pytest.mark.thorough
def test_yes_that_did_not_come_back_is_found_out(place: Place, browser: dict[str, str]) -> None:
    """A server that gives no code is asked whether anybody has said yes, and somebody has."""
    with logging_in(place, "--timeout", "3s", env=browser) as login:
        answer_page(place.world, login.address)
        ran = login.end()
    assert (ran.status, ran.err) == (0, "")
    assert "jane is signed in as Jane Sandbox." in ran.out


@pytest.mark.thorough
def test_nothing_pasted_is_told(place: Place, before: SignIn) -> None:
    """An input that ends without an answer ends the sign-in."""
    place.world.switches.verifier = True
    with logging_in(place, "--paste") as login:
        assert login.address
        login.close_input()
        ran = login.end()
    assert ran.status == 1
    assert ran.err.startswith("error: jane is not signed in: nothing was pasted")
    assert still_works(place, before)


def test_address_of_another_sign_in_costs_nothing(place: Place, browser: dict[str, str]) -> None:
    """What belongs to another sign-in is not taken, be it pasted or called; this one goes on."""
    with logging_in(place, env=browser) as login:
        callback = parse_qs(urlsplit(login.address).query)["oauth_callback"][0]
        strange = ask(f"{callback}?oauth_token=another&oauth_verifier=x")
        elsewhere = ask(callback.rpartition("/")[0] + "/favicon.ico")
        assert (strange.status, elsewhere.status) == (400, 404)
        assert "another sign-in" in strange.text
        come_back(login, place)
        assert login.end().status == 0
    with logging_in(place, "--paste") as login:
        address = login.address
        login.paste("http://127.0.0.1:1/x?oauth_token=another")
        login.wait_for("^Not taken: that is the address of another sign-in")
        login.paste("http://127.0.0.1:1/x")
        login.wait_for("^Not taken: that address names no sign-in")
        login.paste(code_on(answer_page(place.world, address)))
        assert login.end().status == 0


@pytest.mark.thorough
def test_a_token_that_does_not_work_is_not_kept(place: Place, before: SignIn) -> None:
    """The new token is tried before it takes the place of the old one."""
    with logging_in(place, "--paste") as login:
        answer_page(place.world, login.address)
        place.world.grants = Forgetful(place.world.grants.requests, place.world.grants.access)
        login.paste("")
        ran = login.end()
    assert ran.status == 1
    assert "the new access token was tried and does not work" in ran.err
    assert still_works(place, before)


@pytest.mark.thorough
def test_somebody_else_than_configured_is_refused(place: Place) -> None:
    """With a `user_id` in the configuration only that one is taken."""
    text = place.config.read_text()
    place.config.write_text(
        text.replace("    consumer_key:", "    user_id: T1somebodyElse\n    consumer_key:")
    )
    ran = sign_in(place)
    assert ran.status == 1
    assert "somebody else signed in than the one who stands here" in ran.err
    assert kept(place) is None


def test_a_token_in_the_configuration_comes_first(place: Place) -> None:
    """It counts, so a sign-in would change nothing: nobody is asked, and the lines to take out are named."""
    place.configure()
    for word in ("login", "logout"):
        ran = place.run(word, "jane")
        assert ran.status == 1
        for key in ("access_token", "access_token_secret"):
            line = next(
                at for at, text in enumerate(place.config.read_text().splitlines(), 1) if f" {key}:" in text
            )
            assert f"{place.config}:{line}:" in ran.err
        assert "take this line out" in ran.err
    assert not place.world.grants.requests


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
def test_breaking_off_leaves_all_as_it_was(place: Place, before: SignIn, key: str) -> None:
    """Somebody who has thought better of it has changed nothing."""
    place.world.switches.verifier = True
    with at_terminal("--config", place.config, "login", "jane", folder=place.folder) as typist:
        typist.wait_for("paste the code")
        assert typist.end_by(key) == (130 if key == CTRL_C else 1)
    assert "Nothing has changed." in typist.shown if key == CTRL_C else "nothing was pasted" in typist.shown
    assert "Traceback" not in typist.shown
    assert still_works(place, before)


def test_an_interrupt_ends_it_at_once(place: Place) -> None:
    """Nothing keeps it from ending: no thread that reads what nobody types."""
    with logging_in(place, "--paste") as login:
        assert login.address
        login.interrupt(signal.SIGINT)
        ran = login.end()
    assert ran.status == 130
    assert ran.err.endswith("Nothing has changed.\n")


# ── signing out ───────────────────────────────────────────────────────────────────────────────────


def test_logout_forgets_and_nothing_is_signed_any_more(place: Place, before: SignIn) -> None:
    """The token is gone from the state, nobody is told, and the next rounds ask for no index."""
    assert place.run("poll").status == 0
    asked = place.world.requests["index"].copy()
    ran = place.run("logout", "jane")
    assert ran.status == 0
    assert ran.out.startswith("jane is signed out: its access token is forgotten")
    assert kept(place) is None
    for file in place.folder.glob("feedwatch.db*"):
        assert file.is_dir() or before.token.encode() not in file.read_bytes(), file
    poll = place.run("poll")
    assert poll.status == 1
    assert "jane is signed out: to sign in, type  feedwatch login jane\n" in poll.err
    assert place.world.requests["index"] == asked
    assert not place.run("outbox", "--json").rows
    assert place.run("logout", "jane").out == "jane is not signed in: there is nothing to forget.\n"
    assert sign_in(place).status == 0
    assert place.run("poll").status == 0
    assert not place.run("changes", "--json").rows


def test_logout_of_an_account_that_left_the_configuration(place: Place, before: SignIn) -> None:
    """A token does not stay in the state only because its account is gone; an unknown account is an error."""
    place.config.write_text(place.config.read_text().replace("  jane:", "  joe:"))
    assert place.run("logout", "jane").status == 0
    assert kept(place) is None
    again = place.run("logout", "jane")
    assert (again.status, again.out) == (1, "")
    assert "no account is called 'jane'" in again.err
    assert before.token not in again.said
