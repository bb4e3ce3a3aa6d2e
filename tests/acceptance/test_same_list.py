"""What moves by itself is no change: tokens, the form of an index, hosts in ids, dates of requests."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from daemons import Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)


def _rotate_token(small: Scene) -> None:
    small.world.rotate_token()


def _change_host(small: Scene) -> None:
    small.world.switches.id_host = "api-public.netflix.com"


def _change_dialect(small: Scene) -> None:
    small.world.switches.later_dialect = True


def _ask_for_opml(small: Scene) -> None:
    text = small.config.read_text()
    small.write(text.replace("    consumer_key:", "    discovery: opml\n    consumer_key:"))


MOVES_BY_ITSELF: dict[str, Callable[[Scene], None]] = {
    "a rotated feed token": _rotate_token,
    "another form of discovery": _ask_for_opml,
    "another host in ids": _change_host,
    "another dialect": _change_dialect,
}


@pytest.mark.parametrize("move", MOVES_BY_ITSELF.values(), ids=MOVES_BY_ITSELF.keys())
def test_what_moves_by_itself_is_told_nobody(
    small: Scene, hook: WebhookSink, move: Callable[[Scene], None]
) -> None:
    """No change, no new baseline, no message; and the next real change is found all the same."""
    small.configure({"hook": hook.url})
    small.world.save()
    small.poll()
    known = "SELECT id, account, name, state, entry_count FROM feeds ORDER BY id"
    seen = "SELECT feed_id, key, first_seen_at FROM entries ORDER BY 1, 2"
    before = small.query(known), small.query(seen)
    told = len(hook.messages)
    move(small)
    for _ in range(2):
        small.poll()
    assert small.changes() == []
    assert (small.query(known), small.query(seen)) == before
    assert len(hook.messages) == told
    assert small.query("SELECT count(*) FROM notices") == [(1,)]
    title = small.world.add()
    small.poll()
    assert [change["title"] for change in small.changes()] == [title.name]


_WITNESS = """
CREATE TABLE witness (what TEXT);
CREATE TRIGGER seen_insert AFTER INSERT ON entries BEGIN INSERT INTO witness VALUES ('insert'); END;
CREATE TRIGGER seen_update AFTER UPDATE ON entries BEGIN INSERT INTO witness VALUES ('update'); END;
CREATE TRIGGER seen_delete AFTER DELETE ON entries BEGIN INSERT INTO witness VALUES ('delete'); END;
"""


def test_twenty_polls_of_an_unchanged_queue_write_no_entry(small: Scene, hook: WebhookSink) -> None:
    """Though `updated` moves with every request: no change, and not one write, as triggers see it."""
    seconds = itertools.count()
    small.sandbox.clock = lambda: time.time() + next(seconds)
    small.configure({"hook": hook.url})
    small.poll()
    with closing(sqlite3.connect(small.state)) as db:
        db.executescript(_WITNESS)
    read = small.world.requests["queue"]["200"]
    for _ in range(20):
        assert small.do("poll", "jane/queue").status == 0
    assert small.world.requests["queue"]["200"] >= read + 20, "each poll got the whole list anew"
    assert small.query("SELECT what FROM witness") == []
    assert small.changes() == []
    assert len(hook.messages) == 1
    small.world.add()
    small.poll()
    assert small.query("SELECT what FROM witness") == [("insert",)], "the triggers do see a write"
