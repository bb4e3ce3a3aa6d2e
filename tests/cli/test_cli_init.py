"""`feedwatch init` as a person types it, on a real terminal: what is asked, tried out, and left behind."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from feedserver import FeedServer, Visit, reply
from running import run
from sinks import MailSink, WebhookSink
from typist import CTRL_C, CTRL_D, Typist, at_terminal

from feedwatch.config import Config, NetflixAccount, load_config
from feedwatch.opml import Outline, write_opml

NO_PROGRAMS = {"PATH": "/nowhere"}
"""As on a machine without systemd."""


def rss(count: int) -> bytes:
    items = "".join(
        f"<item><title>Film {number}</title><link>http://h.example/{number}</link><guid>g{number}</guid></item>"
        for number in range(count)
    )
    return reply(f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode())


@pytest.fixture
def feeds() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.on("/jane/watchlist.rss", rss(12))
        server.on("/page", reply(b"<html><body>hello</body></html>", Content_Type="text/html"))
        yield server


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as server:
        yield server


def files_in(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*")}


def flat(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def load(folder: Path, name: str = ".config/feedwatch/config.yaml") -> Config:
    """Read what was left, as the daemon would: every secret can be had, nothing is warned about."""
    config = load_config(folder / name, environ={"HOME": str(folder)})
    assert (config.warnings, config.verify_secrets()) == ((), ())
    return config


def answer_about_feed(typist: Typist, feeds: FeedServer) -> None:
    typist.answer("What is it? [1]:")
    typist.answer("Address of the feed:", f"http://127.0.0.1:{feeds.port}/jane/watchlist.rss")
    typist.answer("What does it list? [2]:")
    typist.answer("What to call it [watchlist]:")
    typist.answer("Address of one more, or Enter for no more:")
    typist.answer("What to call them all", "films")


def answer_about_target(typist: Typist, sink: WebhookSink) -> None:
    typist.answer("Who is told? [1]:", "9")
    typist.answer("Address:", sink.url)
    typist.answer("What to call it [json]:", "phone")


def answer_that_nobody_is_told(typist: Typist) -> None:
    typist.answer("Who is told? [1]:", "10")


def answer_where(typist: Typist) -> None:
    typist.answer("Where it goes [~/.config/feedwatch/config.yaml]:")


def test_a_feed_and_a_target_make_a_configuration_that_works(
    tmp_path: Path, feeds: FeedServer, sink: WebhookSink
) -> None:
    """The feed is counted, the test message sent, and with what is left behind a round of polls tells."""
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        answer_about_target(typist, sink)
        typist.answer("Send a test message there now? [Y/n]:")
        typist.answer("It was taken. Did it arrive? [Y/n]:")
        typist.answer("Quiet hours, such as 22:00-07:00; Enter for none:")
        answer_where(typist)
        typist.answer("Is that right?")
        typist.answer("Write it? [Y/n]:")
        assert typist.end() == 0
    assert "It is a feed: 12 entries, the first: Film 0." in typist.shown
    assert "feedwatch run " in typist.shown
    assert sink.url not in typist.shown.replace(f"Address: {sink.url}", "")
    assert [message["title"] for message in sink.messages] == ["feedwatch: a test"]
    folder = tmp_path / ".config" / "feedwatch"
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {
        "config.yaml": 0o600,
        "phone.address": 0o600,
    }
    assert load(tmp_path).routes == ()
    assert run("poll", folder=tmp_path).status == 0
    assert [message["title"] for message in sink.messages][1:] == ["watching 12 titles in films/watchlist"]


def test_the_file_is_one_that_a_person_would_write(
    tmp_path: Path, feeds: FeedServer, sink: WebhookSink
) -> None:
    """It has comments, what was answered, and no other key."""
    with at_terminal("init", folder=tmp_path, env={**NO_PROGRAMS, "TZ": "UTC"}) as typist:
        answer_about_feed(typist, feeds)
        answer_about_target(typist, sink)
        typist.answer("Send a test message there now? [Y/n]:", "n")
        typist.answer("Quiet hours", "22-7")
        typist.answer("By the clock of [UTC]:", "Europe/Berlin")
        answer_where(typist)
        typist.answer("Is that right?")
        typist.answer("Write it?")
        assert typist.end() == 0
    text = (tmp_path / ".config/feedwatch/config.yaml").read_text()
    head, _, body = text.partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert body == (
        f"accounts:\n  films:\n    service: feeds\n    feeds:\n      watchlist:\n"
        f"        url: http://127.0.0.1:{feeds.port}/jane/watchlist.rss\n        kind: queue\n\n"
        "targets:\n  # A service that Apprise speaks to (json).\n  phone: !file phone.address\n\n"
        "zone: Europe/Berlin\n\n"
        "# In these hours nothing is told; what came is told together when they end.\n"
        "routes:\n  - to: phone\n    quiet: 22:00-07:00\n"
        "notices:\n  to: phone\n  quiet: 22:00-07:00\n"
    )
    config = load(tmp_path)
    assert str(config.zone) == "Europe/Berlin"
    assert config.notices == ("phone",)
    assert max(map(len, text.splitlines())) < 79


def test_secrets_stand_in_the_file_only_where_that_is_wanted(
    tmp_path: Path, feeds: FeedServer, sink: WebhookSink
) -> None:
    """Whoever wants one file gets one, of mode 0600, and its secret is not shown on the terminal."""
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        answer_about_target(typist, sink)
        typist.answer("Send a test message there now? [Y/n]:", "n")
        typist.answer("Quiet hours")
        answer_where(typist)
        typist.answer("Is that right?", "n")
        typist.answer("Write it?")
        assert typist.end() == 0
    assert files_in(tmp_path / ".config/feedwatch") == {"config.yaml"}
    assert load(tmp_path).targets["phone"].urls[0].reveal() == sink.url
    assert typist.shown.count(sink.url) == 1  # where it was typed


def test_an_account_is_left_to_login_and_its_secret_is_not_shown(tmp_path: Path) -> None:
    """An account at a server of the API says what to type to sign in; no secret is ever on the screen."""
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        typist.answer("What is it? [1]:", "3")
        typist.answer("Server:", "https://api.example.net")
        typist.answer("Consumer key of the application registered there:", "some-key")
        typist.answer("Its secret (not shown):", "a-secret-of-its-own")
        typist.answer("What to call the account", "jane")
        typist.wait_for("To sign in, type at the end: feedwatch login jane")
        answer_that_nobody_is_told(typist)
        answer_where(typist)
        typist.answer("Is that right?")
        typist.answer("Write it?")
        assert typist.end() == 0
    assert re.search(r"feedwatch login jane +sign in", typist.shown)
    assert "a-secret-of-its-own" not in typist.shown
    assert "a-secret-of-its-own" not in (tmp_path / ".config/feedwatch/config.yaml").read_text()
    account = load(tmp_path).accounts["jane"]
    assert isinstance(account, NetflixAccount)
    assert [each.reveal() for each in account.credentials] == ["some-key", "a-secret-of-its-own"]


def test_a_list_of_subscriptions_is_a_file_or_none(tmp_path: Path, feeds: FeedServer) -> None:
    """A file that is not there is asked for again; one that is shows its feeds, and what ails them."""
    base = f"http://127.0.0.1:{feeds.port}"
    outlines = [Outline("A Watchlist", f"{base}/jane/watchlist.rss"), Outline("A Page", f"{base}/page")]
    (tmp_path / "subs.opml").write_bytes(write_opml(outlines))
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        typist.answer("What is it? [1]:", "2")
        typist.answer("OPML file, or address:", "nowhere.opml")
        assert "there is no file" in typist.answer("OPML file, or address:", "subs.opml")
        said = flat(typist.answer("Go on with it all the same? [Y/n]:"))
        typist.answer("What to call it [reading]:")
        answer_that_nobody_is_told(typist)
        answer_where(typist)
        typist.answer("Write it?")
        assert typist.end() == 0
    assert "It has 2 feeds:" in said
    assert "a-watchlist" in said
    assert "no feed" in said
    assert load(tmp_path).accounts["reading"].addresses[0].reveal() == str(tmp_path / "subs.opml")


def test_what_is_no_feed_is_said_and_asked_for_again(tmp_path: Path, feeds: FeedServer) -> None:
    """A page of HTML, a server that is not there, a word that is no address: each is answered in words."""
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        typist.answer("What is it? [1]:", "4")
        assert "a number from 1 to 3" in typist.answer("What is it? [1]:")
        typist.answer("Address of the feed:", "ftp://h.example/feed")
        assert "http or https" in typist.answer("Address of the feed:", f"http://127.0.0.1:{feeds.port}/page")
        assert "no feed" in typist.answer("Go on with it all the same? [y/N]:")
        typist.answer("Address of the feed:", "http://127.0.0.1:9/feed")
        assert "does not answer" in typist.answer("Go on with it all the same? [y/N]:", "yes")
        typist.wait_for("What does it list? [1]:")
        assert typist.end_by(CTRL_C) == 130


def test_a_message_that_is_refused_is_explained_and_the_target_asked_for_again(
    tmp_path: Path, feeds: FeedServer, sink: WebhookSink
) -> None:
    """Why it was not taken and what to look at; then another address, or none."""
    sink.script(403)
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        typist.answer("Who is told? [1]:", "9")
        typist.answer("Address:", "josn://127.0.0.1/hook")
        typist.answer("What to call it")
        assert "did you mean json://?" in flat(typist.answer("Who is told? [1]:", "9"))
        typist.answer("Address:", sink.url)
        typist.answer("What to call it [json]:", "phone")
        typist.answer("Send a test message there now? [Y/n]:")
        said = flat(typist.answer("Keep it all the same?"))
        answer_that_nobody_is_told(typist)
        answer_where(typist)
        typist.answer("Write it?")
        assert typist.end() == 0
    assert "HTTP 403" in said
    assert "the token" in said
    assert load(tmp_path).targets == {}


def test_a_webhook_gets_a_signed_message(tmp_path: Path, feeds: FeedServer, sink: WebhookSink) -> None:
    """What is asked makes an address of our own webhook, and its secret signs the test."""
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        typist.answer("Who is told? [1]:", "8")
        typist.answer("Its address:", f"http://127.0.0.1:{sink.port}/hook")
        typist.answer("Secret that signs what is sent, Enter for none (not shown):", "sign-with-this")
        typist.answer("What to call it [webhook]:")
        typist.answer("Send a test message there now? [Y/n]:")
        typist.answer("Did it arrive? [Y/n]:")
        typist.answer("Quiet hours")
        answer_where(typist)
        typist.answer("Is that right?")
        typist.answer("Write it?")
        assert typist.end() == 0
    assert "sign-with-this" not in typist.shown
    assert sink.received[0].headers["webhook-signature"].startswith("v1,")
    secret = load(tmp_path).targets["webhook"].secret
    assert secret is not None
    assert secret.reveal() == "sign-with-this"


def test_a_mail_arrives(tmp_path: Path, feeds: FeedServer) -> None:
    """A mail server without a password takes the test message for who was named."""
    with MailSink() as mail, at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        typist.answer("Who is told? [1]:", "2")
        typist.answer("To which e-mail address:", "jane@h.example")
        typist.answer("From which one [jane@h.example]:")
        typist.answer("Mail server", f"127.0.0.1:{mail.port}")
        typist.answer("User name there, - for none [jane@h.example]:", "-")
        typist.answer("What to call it [mail]:")
        typist.answer("Send a test message there now? [Y/n]:")
        typist.answer("Did it arrive? [Y/n]:")
        typist.answer("Quiet hours")
        answer_where(typist)
        typist.answer("Is that right?")
        typist.answer("Write it?")
        assert typist.end() == 0
        [arrived] = mail.wait_for(1)
    assert (arrived.recipients, arrived.subject) == (("jane@h.example",), "feedwatch: a test")
    assert set(load(tmp_path).targets) == {"mail"}


@pytest.mark.thorough
@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("question", ["What is it?", "Did it arrive?", "Where it goes", "Write it?"])
def test_whoever_ends_it_finds_nothing_left(
    tmp_path: Path, feeds: FeedServer, sink: WebhookSink, question: str, key: str
) -> None:
    """At any question Ctrl-C and the end of the input end it: no file, no folder, no temporary one."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with at_terminal("init", folder=tmp_path, env={**NO_PROGRAMS, "TMPDIR": str(temporary)}) as typist:
        if question != "What is it?":
            answer_about_feed(typist, feeds)
            answer_about_target(typist, sink)
            typist.answer("Send a test message")
        if question in ("Where it goes", "Write it?"):
            typist.answer("Did it arrive?")
            typist.answer("Quiet hours")
        if question == "Write it?":
            answer_where(typist)
            typist.answer("Is that right?")
        typist.wait_for(question)
        assert typist.end_by(key) == 130
    assert "Nothing was written." in typist.shown
    assert files_in(tmp_path) == {"temporary"}


def test_ctrl_c_while_a_server_is_waited_for(tmp_path: Path, feeds: FeedServer) -> None:
    """Somebody who will not wait for a server that says nothing ends it at once, without a traceback."""
    feeds.on("/silent", Visit.wait)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with at_terminal("init", folder=tmp_path, env={**NO_PROGRAMS, "TMPDIR": str(temporary)}) as typist:
        typist.answer("What is it? [1]:")
        typist.answer("Address of the feed:", f"http://127.0.0.1:{feeds.port}/silent")
        feeds.wait_for(1)
        assert typist.end_by(CTRL_C) == 130
    assert "Traceback" not in typist.shown
    assert "Nothing was written." in typist.shown
    assert files_in(tmp_path) == {"temporary"}


def test_what_was_there_is_kept(tmp_path: Path, feeds: FeedServer, sink: WebhookSink) -> None:
    """A configuration is replaced only when asked, and kept; its secrets are not touched at all."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "config.yaml").write_text("log: debug\n")
    (folder / "phone.address").write_text("json://before/")
    with at_terminal("--config", "etc/config.yaml", "init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        answer_about_target(typist, sink)
        typist.answer("Send a test message", "n")
        typist.answer("Quiet hours")
        typist.answer("Where it goes [etc/config.yaml]:")
        typist.answer("Replace it? [y/N]:")
        typist.answer("Where it goes [etc/config.yaml]:", str(folder))
        assert "this is a folder" in typist.answer("Where it goes [etc/config.yaml]:")
        typist.answer("Replace it? [y/N]:", "y")
        typist.answer("Is that right?")
        typist.answer("Write it?")
        assert typist.end() == 0
    assert files_in(folder) == {"config.yaml", "config.yaml.old", "phone.address", "phone.address-2"}
    assert (folder / "config.yaml.old").read_text() == "log: debug\n"
    assert (folder / "phone.address").read_text() == "json://before/"
    assert load(folder, "config.yaml").targets["phone"].urls[0].reveal() == sink.url
    assert "feedwatch --config ~/etc/config.yaml status" in typist.shown


def test_where_nothing_can_be_written_no_answer_is_lost(tmp_path: Path, feeds: FeedServer) -> None:
    """It says why, and asks for another place."""
    (tmp_path / "file").touch()
    with at_terminal("init", folder=tmp_path, env=NO_PROGRAMS) as typist:
        answer_about_feed(typist, feeds)
        answer_that_nobody_is_told(typist)
        typist.answer("Where it goes", str(tmp_path / "file" / "config.yaml"))
        typist.answer("Write it?")
        assert "cannot be written there" in typist.answer("Where it goes", str(tmp_path / "c.yaml"))
        typist.answer("Write it?")
        assert typist.end() == 0
    assert set(load(tmp_path, "c.yaml").accounts) == {"films"}


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    """In a pipe there is nobody to ask: 2, and what to do in place of it."""
    ran = run("init", folder=tmp_path)
    assert ran.status == 2
    assert "no terminal" in ran.err
    assert "config.example.yaml" in ran.err
    assert files_in(tmp_path) == set()


# ── as a service ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def systemctl(tmp_path: Path) -> Path:
    """A systemctl that writes down what it is asked; the file `status` beside it says how it ends."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/asked\n'
        f'case "$*" in *is-active*) exit 3;; esac\n'
        f'[ -e {folder}/fails ] || exit 0\necho "Failed to connect to bus" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    return folder


def answer_up_to_service(typist: Typist, feeds: FeedServer) -> None:
    answer_about_feed(typist, feeds)
    answer_that_nobody_is_told(typist)
    answer_where(typist)
    typist.answer("Write it?")


def test_the_service_is_written_and_started(tmp_path: Path, feeds: FeedServer, systemctl: Path) -> None:
    """The unit runs this feedwatch with this configuration; systemctl is asked to start and enable it."""
    path = f"{systemctl}:{os.environ['PATH']}"
    with at_terminal("init", folder=tmp_path, env={"PATH": path}) as typist:
        answer_up_to_service(typist, feeds)
        typist.answer("Write ~/.config/systemd/user/feedwatch.service and start it? [Y/n]:")
        assert typist.end() == 0
    unit = (tmp_path / ".config/systemd/user/feedwatch.service").read_text()
    assert f"-m feedwatch --config {tmp_path}/.config/feedwatch/config.yaml run\n" in unit
    assert (systemctl / "asked").read_text().splitlines() == [
        "--user is-active --quiet feedwatch.service",
        "--user daemon-reload",
        "--user enable --now feedwatch.service",
    ]
    assert "loginctl enable-linger" in typist.shown
    assert "feedwatch run " not in typist.shown


def test_a_service_that_is_not_wanted_is_not_written(
    tmp_path: Path, feeds: FeedServer, systemctl: Path
) -> None:
    """Nothing is asked of systemd, no unit is written, and the configuration stays."""
    path = f"{systemctl}:{os.environ['PATH']}"
    with at_terminal("init", folder=tmp_path, env={"PATH": path}) as typist:
        answer_up_to_service(typist, feeds)
        typist.answer("and start it? [Y/n]:", "n")
        assert typist.end() == 0
    assert not (systemctl / "asked").exists()
    assert files_in(tmp_path / ".config") == {"feedwatch", "feedwatch/config.yaml"}


def test_a_service_that_cannot_be_started(tmp_path: Path, feeds: FeedServer, systemctl: Path) -> None:
    """What systemctl says is shown, and what to type later."""
    (systemctl / "fails").touch()
    path = f"{systemctl}:{os.environ['PATH']}"
    with at_terminal("init", folder=tmp_path, env={"PATH": path}) as typist:
        answer_up_to_service(typist, feeds)
        typist.answer("and start it? [Y/n]:")
        assert typist.end() == 0
    assert "Failed to connect to bus" in typist.shown
    assert "  systemctl --user enable --now feedwatch.service\n" in typist.shown
