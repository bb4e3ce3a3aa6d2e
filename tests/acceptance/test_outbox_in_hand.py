"""A hand in the outbox beside a running daemon: it is heeded, it outlives a restart, and it loses nothing."""

from __future__ import annotations

import pytest
from daemons import Scene
from sinks import Reply, WebhookSink

pytest_plugins = ("playing",)


def test_a_target_is_paused_beside_the_daemon_and_gets_all_once_it_is_resumed(
    small: Scene, hook: WebhookSink
) -> None:
    """Nothing is sent to it meanwhile, by this daemon or the next; then all of it comes, in order."""
    with WebhookSink() as other:
        small.configure({"hook": hook.url, "other": other.url})
        daemon = small.start("run")
        hook.wait_for(1)
        other.wait_for(1)
        daemon.err.wait_until(lambda: small.query("SELECT DISTINCT state FROM messages") == [("delivered",)])
        assert small.do("outbox", "pause", "hook").status == 0
        names = [small.world.add().name]
        assert names[0] in other.wait_for(2)[-1].json["message"]
        assert daemon.stop() == 0
        daemon = small.start("run")
        names.append(small.world.add().name)
        assert names[1] in other.wait_for(3)[-1].json["message"]
        assert len(hook.received) == 1
        rows = [row for row in small.do("outbox", "--json").rows if row["target"] == "hook/1"]
        assert [(row["state"], row["changes"]) for row in rows] == [("delivered", 1), ("paused", 2)]
        assert small.do("check", "--deep").status == 0
        assert small.do("outbox", "resume", "hook").status == 0
        told = hook.wait_for(2)[-1].json["message"]
        assert told.index(names[0]) < told.index(names[1])
        assert daemon.stop() == 0


@pytest.mark.long
def test_a_message_is_paused_beside_the_daemon_and_the_next_one_passes_it(
    small: Scene, hook: WebhookSink
) -> None:
    """What a service refuses for a while can be put by; it is tried again once a hand says so."""
    small.configure({"hook": hook.url}, "retry: {first: 1h, most: 1h}\n")
    hook.script(Reply(500))
    daemon = small.start("run")
    daemon.err.wait_for(r"address=hook/1 .*outcome=again")
    assert small.do("outbox", "pause", "1").status == 0
    name = small.world.add().name
    assert name in hook.wait_for(2)[-1].json["message"]
    assert small.do("check", "--deep").status == 0
    assert small.do("outbox", "resume", "1").status == 0
    assert small.do("outbox", "retry", "1").status == 0
    refused, _, again = hook.wait_for(3)
    assert again.json == refused.json
    assert daemon.stop() == 0
