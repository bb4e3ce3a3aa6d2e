"""A token dies while the daemon runs; somebody signs in beside it, in a process of their own."""

from __future__ import annotations

import signal

import pytest
from daemons import Process, Scene
from logins import sign_in, take_tokens_out
from running import Place
from sinks import WebhookSink

pytest_plugins = ("playing",)


def start_signed_in(small: Scene, hook: WebhookSink) -> tuple[Place, Process]:
    """A daemon that has its token from `login`, and has told what it watches."""
    small.configure({"hook": hook.url})
    take_tokens_out(small.config)
    place = Place(small.folder, small.sandbox, small.base)
    assert sign_in(place).status == 0
    daemon = small.start("run")
    assert "watching" in hook.wait_for(1)[0].json["title"]
    return place, daemon


def test_after_login_everything_resumes_and_nothing_is_told_anew(small: Scene, hook: WebhookSink) -> None:
    """One message says what to type; then no signed call, and after `login` only what changed is told."""
    place, daemon = start_signed_in(small, hook)
    small.world.revoke()
    small.world.rotate_token()
    notice = hook.wait_for(2)[1].json
    assert notice["title"] == "jane is signed out"
    assert "type: feedwatch login jane" in notice["message"]
    asked = dict(small.world.requests["index"])
    name = small.world.add().name
    assert small.do("poll").status == 1
    assert small.world.requests["index"] == asked, "no signed call is made for who is signed out"
    assert sign_in(place).status == 0
    told = hook.wait_for(3)[2].json
    assert name in told["message"]
    assert told["title"].count("added") == 1
    changed = small.changes()
    assert [(each["change"], each["title"]) for each in changed if each["feed"] == "jane/queue"] == [
        ("added", name)
    ]
    assert daemon.stop() == 0
    assert len(hook.messages) == 3


@pytest.mark.thorough
def test_feeds_that_still_answer_go_on(small: Scene, hook: WebhookSink) -> None:
    """A dead access token is told once; lists whose own tokens live are watched as before."""
    _, daemon = start_signed_in(small, hook)
    small.world.revoke()
    for _ in range(2):
        assert small.do("discover").status == 1
    assert hook.wait_for(2)[1].json["title"] == "jane is signed out"
    name = small.world.add().name
    assert name in hook.wait_for(3)[2].json["message"]
    assert daemon.stop() == 0
    assert len(hook.messages) == 3


@pytest.mark.thorough
def test_a_restart_and_a_reload_keep_the_sign_in(small: Scene, hook: WebhookSink) -> None:
    """What `login` has got is in the state: neither a restart nor another configuration ends it."""
    _, daemon = start_signed_in(small, hook)
    assert daemon.stop() == 0
    daemon = small.start("run")
    name = small.world.add().name
    assert name in hook.wait_for(2)[1].json["message"]
    small.write(small.config.read_text().replace("every: 1s", "every: 2s"))
    daemon.send(signal.SIGHUP)
    daemon.err.wait_for(r"\breloaded\b")
    assert small.do("discover").status == 0
    name = small.world.add().name
    assert name in hook.wait_for(3)[2].json["message"]
    assert daemon.stop() == 0
