"""Processes beside each other: one daemon for a state, and commands that may run beside it."""

from __future__ import annotations

from daemons import Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)


def test_a_second_daemon_refuses_to_start_and_names_the_first(small: Scene, hook: WebhookSink) -> None:
    """Exit status 1, the process and the state by name; the first does not notice."""
    small.configure({"hook": hook.url})
    first = small.start("run")
    first.err.wait_for(r"\bstarted\b")
    second = small.do("run")
    assert second.status == 1
    assert f"process {first.pid}" in second.err
    assert str(small.state) in second.err
    assert "Traceback" not in second.err
    name = small.world.add().name if hook.wait_for(1) else ""
    assert name in hook.wait_for(2)[-1].json["message"]
    assert first.stop() == 0
    third = small.start("run")
    third.err.wait_for(r"\bstarted\b")
    assert third.stop() == 0, "and the state is free as soon as its daemon has gone"


def test_polls_beside_the_daemon_tell_each_change_once(small: Scene, hook: WebhookSink) -> None:
    """`feedwatch poll` again and again beside a daemon that polls every second: no change comes twice."""
    small.configure({"hook": hook.url})
    daemon = small.start("run")
    hook.wait_for(1)
    names = []
    for _ in range(4):
        names.append(small.world.add().name)
        done = small.do("poll")
        assert done.status == 0, done.err
    daemon.err.wait_until(
        lambda: small.query("SELECT count(*) FROM deliveries WHERE state <> 'delivered'") == [(0,)]
    )
    assert daemon.stop() == 0
    assert [change["title"] for change in small.changes()] == names
    told = [message["message"] for message in hook.messages]
    assert [sum(name in text for text in told) for name in names] == [1] * 4


def test_one_line_of_log_for_each_poll_and_each_delivery(small: Scene, hook: WebhookSink) -> None:
    """Which feed, how it ended and how much; which address, which message, how it ended, which attempt."""
    small.configure({"hook": hook.url}, every="1h")
    daemon = small.start("run")
    hook.wait_for(1)
    daemon.err.wait_for("delivered address=hook/1")
    assert daemon.stop() == 0
    lines = daemon.err.so_far
    polled = [line for line in lines if "feedwatch.poll polled feed=" in line]
    feeds = [row["feed"] for row in small.do("status", "--json").rows]
    assert sorted(line.partition("feed=")[2].split()[0] for line in polled) == sorted(feeds)
    assert all("outcome=baseline entries=" in line for line in polled)
    (delivered,) = [line for line in lines if "feedwatch.deliver delivered" in line]
    assert delivered.endswith("address=hook/1 message=1 outcome=delivered attempt=1 deliveries=1")
