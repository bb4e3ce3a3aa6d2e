"""Details in messages of real processes: the daemon's, with changes gathered, and those of a single round."""

from __future__ import annotations

from daemons import Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)
STARS = "★ on average"


def test_single_round_tells_details(small: Scene, hook: WebhookSink) -> None:
    """`feedwatch poll` asks between the round and the deliveries."""
    small.configure({"hook": hook.url})
    small.poll()
    title = small.world.add()
    small.poll()
    told = hook.messages[-1]["message"]
    assert title.name in told
    assert STARS in told


def test_daemon_tells_details_of_what_it_gathers(small: Scene, hook: WebhookSink) -> None:
    """They are asked for while the change waits to be told, and stand in the one message of it."""
    small.configure({"hook": hook.url})
    small.write(small.config.read_text().replace("gather: 0s", "gather: 5s"))
    daemon = small.start("run")
    hook.wait_for(1)
    title = small.world.add()
    hook.wait_for(2)
    told = hook.messages[-1]["message"]
    assert title.name in told
    assert STARS in told
    assert daemon.stop() == 0
    assert len(hook.messages) == 2


def test_preview_shows_what_is_known_of_titles(small: Scene, hook: WebhookSink) -> None:
    """What would be told is shown with the details that a message would have."""
    small.configure({"hook": hook.url})
    small.poll()
    small.world.add()
    small.poll()
    shown = small.do("preview", "--route", "1")
    assert shown.status == 0, shown.err
    assert STARS in shown.out
