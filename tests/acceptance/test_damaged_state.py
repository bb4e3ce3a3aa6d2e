"""A state that breaks under a real daemon: it stops, the next start goes on, and that is told once."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from daemons import Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)


def test_a_daemon_whose_state_is_damaged_ends_and_the_next_goes_on_with_a_new_one(
    small: Scene, hook: WebhookSink
) -> None:
    """Status 1 for the service manager; then one notice that names the file, a baseline, and no change."""
    small.configure({"hook": hook.url})
    daemon = small.start("run")
    hook.wait_for(1)
    with closing(sqlite3.connect(small.state)) as db, db:
        db.execute("UPDATE entries SET title = 'Not What Was Written'")
    small.world.add()
    assert daemon.wait() == 1
    (said,) = [line for line in daemon.err.so_far if "so that the next start sets it aside" in line]
    assert "the stored list of jane/" in said
    beside = small.do("poll")
    assert (beside.status, "the stored list of jane/" in beside.err) == (1, True)
    assert "To go on: `feedwatch run` sets a damaged state aside" in beside.err
    assert not list(small.folder.glob("*.damaged-*"))

    daemon = small.start("run")
    told = [each.json["message"] for each in hook.wait_for(3)][1:]
    assert daemon.stop() == 0
    (aside,) = [each for each in small.folder.glob("*.damaged-*") if not each.name.endswith(("-wal", "-shm"))]
    assert "The state of feedwatch was damaged" in told[0]
    assert f"sqlite3 {aside} .recover" in told[0]
    assert "31 titles in jane/queue" in told[1]
    assert "Not What Was Written" not in "".join(told)
    assert [line for line in daemon.err.so_far if f"is set aside as {aside}" in line]
    assert small.changes() == []


def test_a_state_put_back_from_a_backup_goes_on_from_there(small: Scene, hook: WebhookSink) -> None:
    """Copied beside the daemon, put in the place of what was lost: what changed since is told, only that."""
    small.configure({"hook": hook.url})
    daemon = small.start("run")
    hook.wait_for(1)
    daemon.err.wait_for("outcome=delivered")
    backup = small.folder / "copy.db"
    assert small.do("backup", str(backup)).status == 0
    assert daemon.stop() == 0
    small.state.unlink()
    backup.rename(small.state)
    added = small.world.add()
    daemon = small.start("run")
    told = [each.json["message"] for each in hook.wait_for(2)]
    assert daemon.stop() == 0
    assert added.name in told[1]
    assert [change["title"] for change in small.changes()] == [added.name]
