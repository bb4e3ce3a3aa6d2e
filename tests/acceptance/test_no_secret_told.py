"""No secret leaves in anything that is printed, logged, stored as a reason, or sent; and the search works.

Every secret is brought to where it could show: in titles of the lists, in what servers and targets answer,
in errors, in tracebacks. With redaction switched off the same search finds each of them, so it can fail.
"""

from __future__ import annotations

import base64
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

import pytest
from daemons import Process, Scene
from sinks import Reply, WebhookSink

pytest_plugins = ("playing",)

SECRETS = {
    "consumer key": "app/key-4qk2m8nv",
    "consumer secret (from a file)": "app/secret+1f2e3d4c~x",
    "access token": "person/token+7c6b5a4d",
    "access token's secret": "person/secret+9z8y7x6w",
    "feed token": "T1sandbox/feed~token-0.x1y2--",
    "a plain feed's token": "private/feed+5g6h7j8k",
    "target's password": "hook/pass+3n4m5b6v",
    "target's path": "t0ken-in-a-path/9p8o7i6u",
}
_ENCODED_FEED = quote(SECRETS["a plain feed's token"], safe="")
_COLUMNS = ("feeds", "accounts", "messages", "deliveries")


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


def _error_document(text: str) -> bytes:
    return f"<status><status_code>500</status_code><message>{text}</message></status>".encode()


@dataclass(slots=True)
class Stage:
    """A scene whose servers and targets repeat secrets, and what they made feedwatch say."""

    scene: Scene
    hook: WebhookSink
    refusing: WebhookSink
    echo: WebhookSink
    moments: dict[str, object]
    evidence: Evidence = field(default_factory=Evidence)

    def do(self, *args: str, stumble: str | None = None) -> None:
        """Run a command and keep all that it says."""
        moments = {**self.moments, **({"stumble": stumble} if stumble else {})}
        done = self.scene.do(*args, moments=moments)
        self.evidence.add(f"output of {' '.join(args)}", done.out)
        self.evidence.add(f"errors of {' '.join(args)}", done.err)

    def run(self, until: str) -> None:
        """Run the daemon until a line comes."""
        daemon: Process = self.scene.start("run", moments=self.moments)
        daemon.err.wait_for(until)
        daemon.send(signal.SIGHUP)
        daemon.err.wait_for("reload")
        assert daemon.stop() == 0
        self.evidence.add("log of run", daemon.err.text)

    def keep_the_rest(self) -> None:
        """Keep what was sent, and what the state says of how things went."""
        for each in (*self.hook.received, *self.refusing.received):
            self.evidence.add(
                "messages", f"{each.body.decode()}\n{each.json['title']}\n{each.json['message']}"
            )
        for table in _COLUMNS:
            detail = "''" if table == "deliveries" else "coalesce(detail, '')"
            for (text,) in self.scene.query(f"SELECT coalesce(reason, '') || ' ' || {detail} FROM {table}"):
                self.evidence.add(f"state: {table}", text)


@pytest.fixture
def stages(small: Scene, hook: WebhookSink) -> Iterator[Stage]:
    """The whole play, set up; `moments` are for the test to choose."""
    with WebhookSink(after_script=Reply(400, body=_say_all().encode())) as refusing, WebhookSink() as echo:
        stage = Stage(small, hook, refusing, echo, {})
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
    }
    scene.configure(targets, "log: debug\nretry: {first: 50ms, most: 100ms}\n")
    (scene.folder / "app_secret").write_text(account.consumer_secret + "\n")
    text = scene.config.read_text().replace(
        f"consumer_secret: {account.consumer_secret}", "consumer_secret: !file app_secret"
    )
    feeds = "".join(
        f"      echo{number}: {stage.echo.url_as('http', f'/{number}')}?token={_ENCODED_FEED}\n"
        for number in range(len(SECRETS))
    )
    more = f"  echoing:\n    service: feeds\n    feeds:\n{feeds}"
    scene.write(text.replace("\ntargets:", f"{more}\ntargets:"))


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
    for number, secret in enumerate(SECRETS.values()):
        world.add(title=f"{number} {secret} news")
        world.rate(title=f"{number} {quote(secret, safe='')} news")
        world.watch(title=f"{number} {base64.b64encode(secret.encode()).decode()} news")
    stage.do("poll", "--json")
    _echo_everything(stage)
    stage.run("address=refusing/1")
    for command in ("status", "show jane/queue", "changes", "outbox"):
        stage.do(*command.split())
        stage.do(*command.split(), "--json")
    stage.do("opml", "export")
    stage.do("check", "--notify")
    stage.do("poll", stumble=_say_all())
    world.rotate_token()
    world.account.consumer_secret = "the server wants another one now"
    stage.do("poll")
    stage.do("discover", "--json")
    stage.do("status")
    (scene.folder / "app_secret").unlink()
    stage.do("poll")
    stage.keep_the_rest()
    return stage.evidence.find()


def test_no_secret_is_told_by_anything(stages: Stage) -> None:
    """Neither output, nor log, nor error, nor message, nor stored reason holds one, in any spelling."""
    found = {name: places for name, places in _play(stages).items() if places}
    assert not found, found
    evidence = stages.evidence.texts
    assert "•••" in evidence["messages"], "the secrets did come by"
    assert "Traceback" in evidence["errors of poll"], "and errors were told"


def test_without_redaction_the_same_search_finds_every_one(stages: Stage) -> None:
    """Each secret, raw, URL-encoded and in base64: the search of the other test can fail."""
    stages.moments["redact_nothing"] = True
    for name, places in _play(stages).items():
        for how in ("raw", "encoded", "base64"):
            assert any(place.startswith(how) for place in places), f"{name}: not found {how}"
        for where in ("messages", "output of changes", "output of show", "errors of poll", "state: feeds"):
            assert any(where in place for place in places), f"{name}: not found in {where}"
