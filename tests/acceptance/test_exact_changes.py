"""Each thing that happens to a queue is exactly one change and one message, whatever it shifts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons import Scene
from sinks import WebhookSink

from feedwatch.sandbox import World

pytest_plugins = ("playing",)

MOVES: dict[str, tuple[Callable[[World], Any], dict[str, object], str]] = {
    "insert at the top": (
        lambda world: world.add(position=1),
        {"change": "added", "position": 1, "previous_position": None},
        "added",
    ),
    "move 200 to 1": (
        lambda world: world.move(start=200, to=1),
        {"change": "moved", "position": 1, "previous_position": 200},
        "moved from 200 to 1",
    ),
    "remove one": (
        lambda world: world.remove(position=100),
        {"change": "removed", "position": None, "previous_position": 100},
        "removed",
    ),
    "a saved title becomes available": (
        lambda world: world.make_available(position=3),
        {
            "change": "updated",
            "position": 3,
            "previous_position": None,
            "fields": {"availability": {"from": "saved", "to": "available now"}},
        },
        "available",
    ),
}


def test_each_of_the_four_is_one_change_and_one_message(scene: Scene, hook: WebhookSink) -> None:
    """Insert, long move, removal, availability: one change in `changes --json` and one message each."""
    scene.configure({"hook": hook.url})
    scene.world.save()
    scene.poll()
    assert len(hook.messages) == 1, "the baseline is told once"
    assert scene.changes() == []
    for number, (move, expected, words) in enumerate(MOVES.values(), start=1):
        title = move(scene.world)
        scene.poll()
        changes = scene.changes()
        assert len(changes) == number
        told = hook.messages[-1]
        assert len(hook.messages) == 1 + number
        assert changes[-1] == changes[-1] | expected | {"title": title.name, "feed": "jane/queue"}
        assert title.name in told["message"]
        assert words in told["message"]
