"""SIGHUP takes the configuration over as it stands, and keeps the old one if the new one is bad."""

from __future__ import annotations

import signal

from daemons import Process, Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)


def _reload(daemon: Process, answer: str = r"\breloaded\b", count: int = 1) -> str:
    daemon.send(signal.SIGHUP)
    return daemon.err.wait_for(answer, count)


def test_new_targets_routes_and_feeds_are_taken_over(small: Scene, hook: WebhookSink) -> None:
    """A target, its route and an account that were not there at the start are served after a reload."""
    small.configure({"hook": hook.url})
    daemon = small.start("run")
    hook.wait_for(1)
    feed = f"{small.base}/users/{small.world.account.user_id}/ratings/title/actual"
    query = (
        f"?feed_token={small.world.account.feed_token}&oauth_consumer_key={small.world.account.consumer_key}"
    )
    with WebhookSink() as second:
        small.configure({"hook": hook.url, "second": second.url})
        more = (
            f"  more:\n    service: feeds\n    feeds:\n      mine: {{url: '{feed}{query}', kind: ratings}}\n"
        )
        small.write(small.config.read_text().replace("\ntargets:", f"{more}\ntargets:"))
        _reload(daemon)
        assert "more/mine" in hook.wait_for(2)[-1].json["message"]
        name = small.world.add().name
        second.wait_for(2)
        assert name in second.messages[-1]["message"]
    assert daemon.stop() == 0


def test_a_bad_configuration_keeps_the_old_one(small: Scene, hook: WebhookSink) -> None:
    """The log names file, line and column of each problem; the daemon goes on as before."""
    small.configure({"hook": hook.url})
    good = small.config.read_text()
    daemon = small.start("run")
    hook.wait_for(1)
    small.write(good.replace("poll:", "pool:").replace("every: 1s", "every: soon"))
    _reload(daemon, "old configuration stays")
    line = good.splitlines().index("poll:") + 1
    assert any(f"{small.config}:{line}:1: unknown key" in told for told in daemon.err.so_far)
    small.write(good.replace(hook.url, "nonsense://x"))
    _reload(daemon, "old configuration stays", 2)
    assert any("Apprise knows no service nonsense://" in told for told in daemon.err.so_far)
    name = small.world.add().name
    assert name in hook.wait_for(2)[-1].json["message"]
    small.write(good)
    _reload(daemon)
    assert daemon.stop() == 0


def test_two_reloads_in_quick_succession_end_with_the_last_content(small: Scene, hook: WebhookSink) -> None:
    """A signal that comes while a reload is under way is not lost."""
    small.configure({"hook": hook.url})
    daemon = small.start("run")
    hook.wait_for(1)
    with WebhookSink() as last:
        for number in range(20):
            small.configure({"hook": hook.url, f"passing{number}": hook.url})
            daemon.send(signal.SIGHUP)
        small.configure({"last": last.url})
        daemon.send(signal.SIGHUP)
        daemon.err.wait_until(lambda: _is_served(small, last))
    assert daemon.stop() == 0


def _is_served(small: Scene, sink: WebhookSink) -> bool:
    if not sink.messages:
        small.world.add()
    return bool(sink.messages)


def test_a_target_that_is_gone_takes_its_deliveries_along(small: Scene, hook: WebhookSink) -> None:
    """What was owed to a target no longer configured is dead (`target_gone`), and visible as such."""
    with WebhookSink() as closed:
        url = closed.url
    small.configure({"hook": hook.url, "old": url})
    daemon = small.start("run")
    daemon.err.wait_for(r"address=old/1 .*outcome=again")
    small.configure({"hook": hook.url})
    _reload(daemon)
    daemon.err.wait_for("target_gone")
    rows = [row for row in small.do("outbox", "--json").rows if row["target"] == "old/1"]
    assert [(row["state"], row["reason"]) for row in rows] == [("dead", "target_gone")]
    assert daemon.stop() == 0


def test_a_changed_address_gets_what_was_pending(small: Scene, hook: WebhookSink) -> None:
    """An address is `target/1` whatever its URL becomes: what was owed goes to the new one."""
    with WebhookSink() as closed:
        url = closed.url
    small.configure({"hook": url}, "retry: {first: 50ms, most: 200ms}\n")
    daemon = small.start("run")
    daemon.err.wait_for(r"address=hook/1 .*outcome=again")
    small.configure({"hook": hook.url}, "retry: {first: 50ms, most: 200ms}\n")
    _reload(daemon)
    assert "jane/queue" in hook.wait_for(1)[0].json["message"]
    assert daemon.stop() == 0


def test_a_shorter_interval_is_taken_over(small: Scene, hook: WebhookSink) -> None:
    """Who asks for a poll every second does not wait out the hour that was asked for before."""
    small.configure({"hook": hook.url}, every="1h")
    daemon = small.start("run")
    hook.wait_for(1)
    name = small.world.add().name
    small.configure({"hook": hook.url}, every="1s")
    _reload(daemon)
    assert name in hook.wait_for(2, within=10)[-1].json["message"]
    assert daemon.stop() == 0
