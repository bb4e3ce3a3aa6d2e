"""The daemon ends in order within ten seconds, whatever hangs, and leaves nothing half done."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing

import pytest
from daemons import Scene
from sinks import Reply, WebhookSink

pytest_plugins = ("playing",)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_stops_at_once(small: Scene, hook: WebhookSink, number: signal.Signals) -> None:
    """With nothing under way a stop takes a moment, and the exit status is 0."""
    small.configure({"hook": hook.url}, every="1h")
    daemon = small.start("run")
    hook.wait_for(1)
    daemon.err.wait_for("outcome=delivered")
    asked_at = time.monotonic()
    daemon.send(number)
    assert daemon.wait() == 0
    assert time.monotonic() - asked_at < 2
    assert daemon.err.so_far[-1].endswith("stopped")


def test_a_stop_while_a_poll_and_a_send_hang_leaves_nothing_half_done(
    small: Scene, hook: WebhookSink
) -> None:
    """Within ten seconds; what hung is neither lost nor landed by half, and is done at the next start."""
    small.configure({"hook": hook.url})
    small.poll()
    added, rated = small.world.add(), small.world.rate(title="A Rating")
    small.world.fail(feed="ratings", fault="drip", times=1)
    hook.script(Reply(hang=True))
    daemon = small.start("run")
    assert added.name in hook.wait_for(2)[-1].json["message"]
    asked_at = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - asked_at < 10
    assert [change["title"] for change in small.changes()] == [added.name]
    assert small.query("SELECT state FROM messages ORDER BY id") == [("delivered",), ("pending",)]
    daemon = small.start("run")
    received = [each.json["message"] for each in hook.wait_for(4)]
    again = f"{received[1]}\n(sent again: it is not certain that this arrived before)"
    assert received[2] == again, "it may have arrived: it is sent once more, and says so"
    assert rated.name in received[3]
    assert daemon.stop() == 0


def test_a_stop_while_an_index_hangs_ends_soon(small: Scene, hook: WebhookSink) -> None:
    """A server that takes the question for an account's feeds and says nothing holds nobody up."""
    small.configure({"hook": hook.url})
    with WebhookSink(after_script=Reply(hang=True)) as silent:
        text = small.config.read_text().replace(small.base, silent.url_as("http", ""))
        small.write(text)
        daemon = small.start("run")
        silent.wait_for(1)
        asked_at = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - asked_at < 5


@pytest.mark.long
def test_a_stop_while_another_program_holds_the_state_ends_in_time(small: Scene, hook: WebhookSink) -> None:
    """Somebody writes to it and does not end: a stop takes ten seconds in all, not for each call."""
    small.configure({"hook": hook.url})
    daemon = small.start("run")
    hook.wait_for(1)
    daemon.err.wait_for("outcome=delivered")
    with closing(sqlite3.connect(small.state, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        small.world.add()
        daemon.err.wait_for("is busy", within=30)
        asked_at = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - asked_at < 10
        other.execute("ROLLBACK")
    daemon = small.start("run")
    assert "added" in hook.wait_for(2)[-1].json["message"]
    assert daemon.stop() == 0
