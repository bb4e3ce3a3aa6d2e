"""No secret leaves in anything that is printed, logged, stored as a reason, or sent; and the search works.

Every secret is brought to where it could show: in titles of the lists, in what servers and targets answer,
in errors, in tracebacks. With redaction switched off the same search finds each of them, so it can fail.
"""

from __future__ import annotations

import base64
import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from daemons import Process, Scene
from feedserver import FeedServer, redirect, reply
from sinks import MailSink, Reply, WebhookSink
from typist import Typist, at_terminal

pytest_plugins = ("playing",)

SECRETS = {
    "consumer key": "app/key-4qk2m8nv",
    "consumer secret (from a file)": "app/secret+1f2e3d4c~x",
    "access token": "person/token+7c6b5a4d",
    "access token's secret": "person/secret+9z8y7x6w",
    "feed token": "T1sandbox/feed~token-0.x1y2--",
    "a plain feed's token": "private/feed+5g6h7j8k",
    "a plain feed's password": "feed/pass+2w3e4r5t",
    "a list's token": "list/token+8u7y6t5r",
    "target's password": "hook/pass+3n4m5b6v",
    "target's path": "t0ken-in-a-path/9p8o7i6u",
    "webhook's signing secret": "sign/secret+4d5f6g7h",
    "webhook's password": "receiver/pass+1z2x3c4v",
    "webhook's token": "receiver/token+6y7u8i9o",
}
_ENCODED_FEED = quote(SECRETS["a plain feed's token"], safe="")
_ENCODED_PASSWORD = quote(SECRETS["a plain feed's password"], safe="")
_ENCODED_LIST = quote(SECRETS["a list's token"], safe="")
_ETAG = '"validator-of-mine"'
MAY_HOLD_SECRETS = {
    # where feeds are asked for, with all that it takes
    ("feeds", "address"),
    ("feeds", "named_address"),
    ("feeds", "moved_to"),
    # what a server said of a list, to be said back to it byte for byte
    ("feeds", "validators"),
    ("feeds", "body_etag"),
    ("feeds", "left_etags"),
    # how an index calls a list, to know it again by
    ("feeds", "title"),
    ("feeds", "feed_group"),
    # what is on a list, as its server has it: anything else would be a change, or hide one
    ("list_orders", "entry_order"),
    *((table, column) for table in ("entries", "changes") for column in ("key", "title", "link", "facts")),
    ("changes", "entry_facts"),
    ("changes", "excerpt"),
    ("changes", "picture"),
    # what a person asks to be kept quiet: another text would keep something else quiet
    ("silences", "matcher"),
}
"""Columns of the state that are not searched; everything else in it is."""


def _spell(secret: str) -> dict[str, str]:
    """The ways in which the search knows a secret; of base64 what does not hang on its neighbours."""
    raw = secret.encode()
    spellings = {"raw": secret, "encoded": quote(secret, safe=""), "as a form has it": quote_plus(secret)}
    for before in range(3):
        whole = base64.b64encode(b"." * before + raw).decode()
        spellings[f"base64 after {before}"] = whole[4 * (before > 0) : len(whole) - 4]
    return spellings


@dataclass(slots=True)
class Evidence:
    """All that came out of feedwatch, by where it came out."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, where: str, text: str) -> None:
        """Keep one more text."""
        self.texts[where] = self.texts.get(where, "") + "\n" + text

    def find(self) -> dict[str, set[str]]:
        """For each secret, how and where it stands."""
        return {
            name: {
                f"{how} in {where}"
                for how, text in _spell(secret).items()
                for where, all_of_it in self.texts.items()
                if text in all_of_it
            }
            for name, secret in SECRETS.items()
        }


def _say_all() -> str:
    """A text with every secret in every spelling, as a careless server might echo it."""
    return " ".join(
        text
        for secret in SECRETS.values()
        for text in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
    )


TEMPLATES = """
templates:
  worded:
    title: "{{ count }} {{ stories[0].title }}"
    body: "{% for s in stories %}{{ s.title }} {{ s.link }} {{ s.excerpt }} {{ s.facts }} {% endfor %}"
  stumbling:
    line: "{{ [facts][title] }}"
"""
"""One set that says all there is to be seen, and one that fails over what a list says."""


def _atom(title: str) -> bytes:
    entry = f"<entry><id>urn:x:1</id><title>{title}</title><updated>2026-01-01T00:00:00Z</updated></entry>"
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{entry}</feed>'.encode()


def _error_document(text: str) -> bytes:
    return f"<status><status_code>500</status_code><message>{text}</message></status>".encode()


@dataclass(slots=True)
class Stage:
    """A scene whose servers and targets repeat secrets, and what they made feedwatch say."""

    scene: Scene
    hook: WebhookSink
    refusing: WebhookSink
    echo: WebhookSink
    leading: WebhookSink
    worded: WebhookSink
    receiver: WebhookSink
    mailbox: MailSink
    site: FeedServer
    elsewhere: FeedServer
    moments: dict[str, object]
    evidence: Evidence = field(default_factory=Evidence)

    def do(self, *args: str, stumble: str | None = None) -> None:
        """Run a command and keep all that it says."""
        moments = {**self.moments, **({"stumble": stumble} if stumble else {})}
        done = self.scene.do(*args, moments=moments)
        where = " ".join(args)[:60]
        self.evidence.add(f"output of {where}", done.out)
        self.evidence.add(f"errors of {where}", done.err)

    def run(self, until: str) -> None:
        """Run the daemon until a line comes."""
        daemon: Process = self.scene.start("run", moments=self.moments)
        daemon.err.wait_for(until)
        self.mailbox.wait_for(1)
        daemon.send(signal.SIGHUP)
        daemon.err.wait_for("reload")
        assert daemon.stop() == 0
        self.evidence.add("log of run", daemon.err.text)

    def break_state(self) -> None:
        """Damage the state under nobody's eyes, look at it, and let a daemon set it aside."""
        with closing(sqlite3.connect(self.scene.state)) as db, db:
            db.execute("UPDATE entries SET title = ?", [_say_all()])
        self.do("check", "--deep")
        told = len(self.hook.received)
        daemon: Process = self.scene.start("run", moments=self.moments)
        daemon.err.wait_for("set aside")
        self.hook.wait_for(told + 1)
        assert daemon.stop() == 0
        self.evidence.add("log of a rescue", daemon.err.text)

    def keep_the_rest(self) -> None:
        """Keep what was sent, and what the state says of how things went."""
        for sink in (self.hook, self.refusing, self.leading, self.worded):
            for each in sink.received:
                self.evidence.add(
                    "messages", f"{each.body.decode()}\n{each.json['title']}\n{each.json['message']}"
                )
        for each in self.receiver.received:
            self.evidence.add("documents", each.body.decode() + "".join(_texts_in(each.json)))
            known = {"host", "authorization", "user-agent"}  # where it shows who we are, as it is told to
            more = {name: value for name, value in each.headers.items() if name not in known}
            self.evidence.add("headers of documents", str(more))
        for mail in self.mailbox.mails:
            self.evidence.add("mails", f"{mail.subject}\n{mail.text}\n{mail.html}")
            names = [f"{part.get_filename()} {part['Content-ID']}" for part in mail.message.walk()]
            self.evidence.add("mails", " ".join(names))
        for request in self.elsewhere.requests:
            self.evidence.add("another host's log", request.head.decode())

    def search_state(self) -> None:
        """Keep every text of the state, but for the columns that may hold secrets."""
        tables = self.scene.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables:
            columns = [row[1] for row in self.scene.query(f"PRAGMA table_info({table})")]
            for column in columns:
                if (table, column) not in MAY_HOLD_SECRETS:
                    for (value,) in self.scene.query(f"SELECT {column} FROM {table}"):
                        self.evidence.add(f"state: {table}", str(value))
        for path in self.scene.folder.iterdir():
            self.evidence.add("names beside the state", path.name)
            # Others are the state, or copies of it, or what a person wrote.
            is_other = ".db" not in path.name and path.name not in ("config.yaml", "app_secret")
            if is_other or path.suffix == ".lock":
                self.evidence.add(f"beside the state: {path.name}", path.read_text())


def _texts_in(value: object) -> Iterator[str]:
    """Every text of a document, as whoever reads it has it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)
    else:
        yield f"{value}\n"


@pytest.fixture
def stages(small: Scene, hook: WebhookSink) -> Iterator[Stage]:
    """The whole play, set up; `moments` are for the test to choose."""
    with (
        WebhookSink(after_script=Reply(400, body=_say_all().encode())) as refusing,
        WebhookSink() as echo,
        FeedServer() as site,
        FeedServer() as elsewhere,
        WebhookSink(after_script=Reply(307, {"Location": elsewhere.url("/hook")})) as leading,
        WebhookSink() as worded,
        WebhookSink(
            Reply(307, {"Location": elsewhere.url("/document")}), Reply(500, body=_say_all().encode())
        ) as receiver,
        MailSink() as mailbox,
    ):
        stage = Stage(small, hook, refusing, echo, leading, worded, receiver, mailbox, site, elsewhere, {})
        _set_secrets(stage)
        for secret in SECRETS.values():
            small.world.add(title=f"A {secret} film")
            small.world.rate(title=f"B {quote(secret, safe='')} film")
            small.world.watch(title=f"C {base64.b64encode(secret.encode()).decode()} film")
        yield stage


def _set_secrets(stage: Stage) -> None:
    scene, account = stage.scene, stage.scene.world.account
    account.consumer_key = SECRETS["consumer key"]
    account.consumer_secret = SECRETS["consumer secret (from a file)"]
    account.access_token = SECRETS["access token"]
    account.access_token_secret = SECRETS["access token's secret"]
    account.feed_token = SECRETS["feed token"]
    password = quote(SECRETS["target's password"], safe="")
    path = quote(SECRETS["target's path"], safe="")
    targets = {
        "hook": stage.hook.url,
        "refusing": stage.refusing.url_as(f"json://teller:{password}@", f"/{path}/hook").replace("@://", "@"),
        "leading": stage.leading.url_as(f"json://teller:{password}@", "/hook").replace("@://", "@"),
    }
    scene.configure(targets, f"log: debug\nretry: {{first: 50ms, most: 100ms}}\n{TEMPLATES}")
    (scene.folder / "app_secret").write_text(account.consumer_secret + "\n")
    text = scene.config.read_text().replace(
        f"consumer_secret: {account.consumer_secret}", "consumer_secret: !file app_secret"
    )
    feeds = "".join(
        f"      echo{number}: {stage.echo.url_as('http', f'/{number}')}?token={_ENCODED_FEED}\n"
        for number in range(len(SECRETS))
    )
    feeds += _say_feeds_that_move(stage)
    more = f"  echoing:\n    service: feeds\n    feeds:\n{feeds}{_say_list(stage)}"
    text = text.replace("\ntargets:\n", f"{more}\ntargets:\n{_say_targets(stage)}")
    scene.write(text.replace("\nroutes:\n", f"\nroutes:\n{_ROUTES}"))


_ROUTES = """\
  - {to: mail, changes: all, digest: hourly}
  - {to: worded, changes: all, feeds: [queue], template: worded}
  - {to: worded, changes: all, feeds: [ratings], template: stumbling}
  - {to: receiver, changes: all}
"""
"""The routes before the one to everybody else."""


def _say_targets(stage: Stage) -> str:
    """A mailbox, a target in words of one's own, and a webhook with secrets of three kinds."""
    password = quote(SECRETS["webhook's password"], safe="")
    token = quote(SECRETS["webhook's token"], safe="")
    signing = json.dumps(SECRETS["webhook's signing secret"])
    receiver = f"webhook+http://teller:{password}@127.0.0.1:{stage.receiver.port}/in?token={token}"
    return (
        f"  mail: {json.dumps(stage.mailbox.url)}\n  worded: {json.dumps(stage.worded.url)}\n"
        f"  receiver:\n    url: {json.dumps(receiver)}\n    secret: {signing}\n"
    )


def _say_feeds_that_move(stage: Stage) -> str:
    """Two feeds with all that is secret in an address: both lead elsewhere, one of them with its token."""
    known = reply(_atom("seen"), ETag=_ETAG)
    stage.site.on("/moving", known, redirect(stage.elsewhere.on("/new", reply(_atom("moved")))))
    stage.site.on("/leaking", known, redirect(stage.elsewhere.url(f"/leak?t={_ENCODED_FEED}")))
    user = f"://jane:{_ENCODED_PASSWORD}@"
    _show_pictures(stage)
    return "".join(
        f"      {name}: {stage.site.url(f'/{name}').replace('://', user)}?token={_ENCODED_FEED}\n"
        for name in ("moving", "leaking", "pictured")
    )


def _show_pictures(stage: Stage) -> None:
    """A feed whose pictures lead elsewhere, or have secrets in their addresses; and texts that have them."""
    stage.site.on("/led.png", redirect(stage.elsewhere.url("/shown.png")))
    paths = ["led.png", *(quote(secret, safe="") + ".png" for secret in SECRETS.values())]

    def write_item(number: int) -> str:
        picture = stage.site.url(f"/{paths[number % len(paths)]}")
        return (
            f"<item><guid>p{number}</guid><title>picture {number}</title>"
            f'<enclosure url="{picture}" type="image/png" length="1"/>'
            f"<description>{_say_all()}</description><category>{_say_all()[:60]}</category></item>"
        )

    def write_feed(count: int) -> bytes:
        items = "".join(map(write_item, reversed(range(count))))
        return reply(f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode())

    stage.site.on("/pictured", write_feed(1), write_feed(len(paths) + 1))


def _say_list(stage: Stage) -> str:
    """A list from the network, of feeds that are called like secrets."""
    outlines = "".join(
        f'<outline text="in {secret}">'
        f'<outline text="of {secret}" xmlUrl="{stage.site.url(f"/of/{n}")}"/></outline>'
        for n, secret in enumerate(SECRETS.values())
    )
    stage.site.on("/list", reply(f"<opml><body>{outlines}</body></opml>".encode()))
    stage.site.on("/of/0", reply(_atom("one")))
    return f"  listed:\n    service: opml\n    url: {stage.site.url('/list')}?token={_ENCODED_LIST}\n"


def _echo_everything(stage: Stage) -> None:
    """Let each of the plain feeds answer with an error that repeats a secret: first as 200, then as 500."""
    bodies = [_error_document(f"no access with {secret} today") for secret in SECRETS.values()]
    stage.echo.script(
        *[Reply(200, {"Content-Type": "text/xml"}, body) for body in bodies],
        *[Reply(500, {"Content-Type": "text/xml"}, body) for body in bodies],
    )


def _play(stage: Stage) -> dict[str, set[str]]:
    """Everything a person may do, with everything going wrong that can."""
    scene, world = stage.scene, stage.scene.world
    _echo_everything(stage)
    stage.do("discover")
    stage.do("poll")
    _keep_quiet(stage)
    for number, secret in enumerate(SECRETS.values()):
        world.add(title=f"{number} {secret} news")
        world.rate(title=f"{number} {quote(secret, safe='')} news")
        world.watch(title=f"{number} {base64.b64encode(secret.encode()).decode()} news")
    stage.do("poll", "--json")
    _echo_everything(stage)
    with closing(sqlite3.connect(scene.state)) as db, db:
        db.execute("UPDATE addresses SET failing_since_at = '2026-01-01T00:00:00.000000Z'")
        # The hour of the digest has come.
        db.execute(
            "UPDATE deliveries SET not_before = '2026-01-01T00:00:00.000000Z' WHERE address = 'mail/1'"
        )
    stage.run("target_failing address=refusing/1")
    for command in ("status", "show jane/queue", "changes", "outbox"):
        stage.do(*command.split())
        stage.do(*command.split(), "--json")
    for command in (
        "pause refusing 1",
        "list --all",
        "resume refusing 1",
        "retry leading/1",
        "drop refusing",
    ):
        stage.do("outbox", *command.split())
    _ask_why(stage)
    stage.do("opml", "export")
    stage.do("backup", str(scene.folder / "copy.db"))
    stage.do("check", "--notify")
    stage.do("poll", stumble=_say_all())
    stage.do("changes", stumble=_say_all())
    world.rotate_token()
    world.account.consumer_secret = "the server wants another one now"
    stage.do("poll")
    stage.do("discover", "--json")
    stage.do("check", "--json")
    stage.do("status")
    secret_file = scene.folder / "app_secret"
    kept = secret_file.read_text()
    secret_file.unlink()
    stage.do("poll")
    stage.search_state()
    secret_file.write_text(kept)
    stage.break_state()
    stage.keep_the_rest()
    return stage.evidence.find()


def _keep_quiet(stage: Stage) -> None:
    """Silences that name secrets, one of them for a condition that is none."""
    secret = SECRETS["consumer key"]
    for matcher in (f'title ~ "{secret}"', f'titel = "{_say_all()}"', f'title = "{secret}'):
        stage.do("silence", "add", matcher, "--for", "2h", "--comment", _say_all())


def _ask_why(stage: Stage) -> None:
    """Ask what became of changes, what routes would send, and what is kept quiet."""
    silenced = stage.scene.query("SELECT change_id FROM deliveries WHERE silence_id IS NOT NULL LIMIT 1")
    last = stage.scene.query("SELECT max(id) FROM changes")
    for ((change,),) in (silenced, last):
        stage.do("explain", str(change))
        stage.do("explain", str(change), "--json")
    for route in range(1, 6):
        stage.do("preview", "--route", str(route), "--last", "100")
        stage.do("preview", "--route", str(route), "--last", "100", "--json")
    for command in ("list", "list --all --json", "expire 1 --tell"):
        stage.do("silence", *command.split())
    stage.do("test", "receiver")
    stage.do("test", "mail", "--json")


def test_no_secret_is_told_by_anything(stages: Stage) -> None:
    """Neither output, nor log, nor error, nor message, nor stored reason holds one, in any spelling."""
    found = {name: places for name, places in _play(stages).items() if places}
    assert not found, found
    evidence = stages.evidence.texts
    for where in ("messages", "documents", "mails", "output of silence list", "output of preview --route 2 "):
        texts = [text for name, text in evidence.items() if name.startswith(where)]
        assert any("•••" in text for text in texts), f"the secrets did come by in {where}"
    assert "template stumbling" in evidence["log of run"] + evidence["errors of poll --json"]
    for command in ("poll", "changes"):
        assert "Traceback" in evidence[f"errors of {command}"], "and errors were told"
    assert evidence["errors of changes"].count("Traceback") == 3, "also of a thread, and of an object's end"
    for told in ("has taken no message", "The state of feedwatch was damaged"):
        assert told in evidence["messages"]
    asked = {request.target for request in stages.elsewhere.requests}
    assert {"/new", "/shown.png"} <= asked, "and another host was asked"
    assert "/document" not in asked
    for request in stages.elsewhere.requests:
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.thorough
def test_without_redaction_the_same_search_finds_every_one(stages: Stage) -> None:
    """Each secret, raw, URL-encoded and in base64: the search of the other test can fail."""
    stages.moments["redact_nothing"] = True
    for name, places in _play(stages).items():
        for how in ("raw", "encoded", "base64"):
            assert any(place.startswith(how) for place in places), f"{name}: not found {how}"
        for where in (
            "messages",
            "output of changes",
            "output of show",
            "errors of poll",
            "errors of changes",
            "documents",
            "mails",
            "output of preview --route 1",
            "output of preview --route 2",
            "output of silence list",
            "errors of silence add",
            "state: silences",
        ):
            assert any(where in place for place in places), f"{name}: not found in {where}"
        for where in ("output of opml export", "state: feeds", "state: messages"):
            assert any(where in place for place in places), f"{name}: not found in {where}"


# ── a first configuration ─────────────────────────────────────────────────────────────────────────


def _answer_all(typist: Typist, feed: str, webhook: str, *, apart: str) -> None:
    """Answer what `init` asks."""
    typist.answer("What is it? [1]:")
    typist.answer("Address of the feed:", feed)
    typist.answer("What does it list?")
    typist.answer("What to call it")
    typist.answer("Address of one more, or Enter for no more:")
    typist.answer("What to call them all", "films")
    typist.answer("Who is told? [1]:", "8")
    typist.answer("Its address:", webhook)
    typist.answer("Secret that signs", SECRETS["webhook's signing secret"])
    typist.answer("What to call it")
    typist.answer("Send a test message there now? [Y/n]:")
    typist.answer("Keep it all the same?", "y")
    typist.answer("Quiet hours")
    typist.answer("Where it goes")
    typist.answer("Is that right?", apart)
    typist.answer("Write it? [Y/n]:")
    assert typist.end() == 0


@pytest.mark.parametrize("apart", ["y", "n"])
def test_no_secret_is_told_by_a_first_configuration(tmp_path: Path, apart: str) -> None:
    """What a feed and a target repeat is hidden, nothing typed is shown again, and files are private."""
    evidence = Evidence()
    token = quote(SECRETS["webhook's token"], safe="")
    title = SECRETS["a plain feed's token"] + " \u009b2J"
    with FeedServer() as site, WebhookSink(after_script=Reply(400, body=_say_all().encode())) as sink:
        site.on("/films", reply(_atom(title)))
        feed = f"{site.url('/films')}?token={_ENCODED_FEED}"
        webhook = sink.url_as("http", f"/in?token={token}")
        with at_terminal("init", folder=tmp_path, env={"PATH": "/nowhere"}, columns=300) as typist:
            _answer_all(typist, feed, webhook, apart=apart)
    evidence.add("screen", typist.shown.replace(feed, "").replace(webhook, ""))
    for path in tmp_path.rglob("*"):
        evidence.add("names", str(path))
        assert path.stat().st_mode & 0o077 == 0, path
    found = {name: places for name, places in evidence.find().items() if places}
    assert not found, found
    assert "the first: •••" in typist.shown
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", typist.shown)
