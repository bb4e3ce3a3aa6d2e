"""Migrations: append-only, whole or not at all, and fast enough for many who start at once."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from states import FEED, after, land, listed, recall, rows, watch

from feedwatch.errors import StoreError
from feedwatch.store import Store, connection
from feedwatch.store.connection import split_statements
from feedwatch.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

RELEASED = ("a9ab1ff9", "aac58e8d", "25c24604", "1fa2b237", "7430b472", "753ebb25", "0fdf2be2")
"""The start of each migration's SHA-256. A new one is added here; one that stands here never changes."""

TABLES = {
    "accounts": "name configured stamp signed_out reason detail failures failing_since_at broken_announced "
    "next_index_at facts",
    "addresses": "address last_delivered_at paused_at failing_since_at failing_announced",
    "changes": "id at feed_id feed_kind kind key title link position previous_position facts entry_facts "
    "picture picture_own excerpt title_ref",
    "deliveries": "id address change_id notice_id not_before state set_apart_at first_attempt_at message_id "
    "reason settled_at manner urgent waits_for silence_id",
    "digests": "address manner period_at through_id parts",
    "departed": "feed_id key alias left_at",
    "entries": "feed_id key title link facts dated_at alias first_seen_at",
    "feeds": "id account name kind address named_address title feed_group every_seconds announce_baseline "
    "compare_content state reason detail missing_indexes last_polled_at next_poll_at poll_number "
    "landed_number failures failing_since_at broken_announced validators believed_at body_digest "
    "content_digest body_etag left_etags paging_refused moved_to moved_polls held_reason held_digest "
    "compared_as whole ordered entry_count grows_at_end baseline_pending list_digest "
    "paused_at plain body_total parts",
    "hosts": "host rest_until_at reason",
    "list_orders": "feed_id entry_order",
    "messages": "id address state title body is_html alone set_apart_at attempts refusals next_attempt_at "
    "lease_until_at owner token reason detail deliveries created_at first_attempt_at settled_at "
    "may_have_arrived manner urgent markup twin pictures key waits_for",
    "notices": "id at kind account feeds reason since_at",
    "facts": "name value",
    "queue_readings": "account etag left_etags titles at read_as",
    "sign_ins": "account application user_id token secret at",
    "silences": "id matcher comment created_at ends_at",
    "title_details": "account subject details at",
}


def test_no_released_migration_was_ever_edited() -> None:
    """Each migration's digest is written down: editing one, or taking one away, is seen here."""
    digests = tuple(hashlib.sha256(script.encode()).hexdigest()[:8] for script in MIGRATIONS)
    assert digests == RELEASED


def test_migrating_from_nothing_gives_the_schema(store: Store) -> None:
    """From version 0 on, all migrations together make these tables, strict ones, and mark the file."""
    tables = rows(store, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name")
    ours = [(name, strict) for name, strict in tables if not name.startswith("sqlite_")]
    assert ours == [(name, 1) for name in sorted(TABLES)]
    for name, columns in TABLES.items():
        found = rows(store, "SELECT name FROM pragma_table_info(?)", name)
        assert [column for (column,) in found] == columns.split(), name
    assert rows(store, "PRAGMA user_version") == [(VERSION,)]
    assert rows(store, "PRAGMA application_id") == [(APPLICATION_ID,)]


def test_every_connection_is_set_as_the_promises_need_it(path: Path) -> None:
    """A write-ahead log, every commit synced to the disk, references checked: each time it is opened."""
    for _ in range(2):
        with closing(Store.open(path)) as store:
            settings = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            assert [rows(store, f"PRAGMA {name}")[0][0] for name in settings] == ["wal", 2, 1, 500]


def test_a_copy_without_its_log_gets_one_again(path: Path) -> None:
    """A state that a backup brought back in another journal mode is put into its own."""
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    with closing(Store.open(path)) as store:
        assert rows(store, "PRAGMA journal_mode") == [("wal",)]


def test_a_migration_that_breaks_leaves_the_version_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a migration has done before its fault is undone with it, and the next start tries again."""
    with closing(Store.open(path)) as store:
        watch(store)
    broken = "CREATE TABLE more (x) STRICT;\nINSERT INTO nowhere VALUES (1);\n"
    with monkeypatch.context() as patched:
        patched.setattr(connection, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (x INTEGER);\n" + broken))
        patched.setattr(connection, "VERSION", VERSION + 1)
        with pytest.raises(StoreError, match=str(path)):
            Store.open(path)
    with closing(Store.open(path)) as store:
        assert rows(store, "SELECT count(*) FROM sqlite_master WHERE name = 'more'") == [(0,)]
        assert rows(store, "PRAGMA user_version") == [(VERSION,)]


def test_an_older_state_is_brought_up_to_date_with_all_that_is_in_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the migrations that are missing are made, in order, once."""
    with closing(Store.open(path)) as store:
        watch(store)
    monkeypatch.setattr(
        connection, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE a (x);\n", "ALTER TABLE a ADD COLUMN y;\n")
    )
    monkeypatch.setattr(connection, "VERSION", VERSION + 2)
    with pytest.raises(StoreError, match="older feedwatch: start the daemon once"):
        Store.open_read_only(path)
    for _ in range(2):
        with closing(Store.open(path)) as store:
            assert rows(store, "SELECT name FROM pragma_table_info('a')") == [("x",), ("y",)]
            assert [each.feed for each in store.list_feeds()] == [FEED]


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_state_of_every_earlier_version_is_taken_over(
    path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """What was watched is still watched, and the tables are those of a new state."""
    with monkeypatch.context() as earlier:
        earlier.setattr(connection, "MIGRATIONS", MIGRATIONS[:version])
        earlier.setattr(connection, "VERSION", version)
        with closing(Store.open(path)) as store, store.transaction() as conn:
            # In the words of the first version: ours know columns that it did not have.
            conn.execute("INSERT INTO accounts (name, configured, stamp) VALUES ('jane', 1, 'a')")
            conn.execute(
                "INSERT INTO feeds (account, name, kind, address, named_address, next_poll_at) "
                "VALUES ('jane', 'queue', 'queue', '', '', '2026-11-01T12:00:00.000000Z')"
            )
    with closing(Store.open(path)) as store:
        assert rows(store, "PRAGMA user_version") == [(VERSION,)]
        assert [each.feed for each in store.list_feeds()] == [FEED]
        for name, columns in TABLES.items():
            found = rows(store, "SELECT name FROM pragma_table_info(?)", name)
            assert [column for (column,) in found] == columns.split(), name


def test_order_of_a_list_is_taken_over_from_the_row_of_its_feed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What version 4 kept of a list is read in its order, places included; a list never seen has none."""
    with monkeypatch.context() as earlier:
        earlier.setattr(connection, "MIGRATIONS", MIGRATIONS[:4])
        earlier.setattr(connection, "VERSION", 4)
        with closing(Store.open(path)) as store, store.transaction() as conn:
            conn.execute("INSERT INTO accounts (name, configured, stamp) VALUES ('jane', 1, 'a')")
            conn.executemany(
                "INSERT INTO feeds (account, name, kind, address, named_address, next_poll_at, ordered, "
                "compared_as, entry_order, entry_count) VALUES ('jane', ?, 'queue', '', '', "
                "'2026-11-01T12:00:00.000000Z', 1, ?, ?, ?)",
                [("queue", "test", '[["c","a"],["b"]]', 3), ("never", None, "[[],[]]", 0)],
            )
            conn.executemany(
                "INSERT INTO entries (feed_id, key, title, facts, first_seen_at) "
                "VALUES (1, ?, 'Title', '{}', '2026-11-01T12:00:00.000000Z')",
                [("a",), ("b",), ("c",)],
            )
    with closing(Store.open(path)) as store:
        assert rows(store, "SELECT * FROM list_orders") == [(1, '[["c","a"],["b"]]')]
        listed = store.list_entries(FEED)
        assert listed is not None
        assert [(each.entry.key, each.entry.position) for each in listed] == [("c", 1), ("a", 2), ("b", None)]


def test_digests_of_another_kind_are_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 5 digested what a list says, and not how it is spelt: no list is taken for damaged by that."""
    with monkeypatch.context() as earlier:
        earlier.setattr(connection, "MIGRATIONS", MIGRATIONS[:5])
        earlier.setattr(connection, "VERSION", 5)
        with closing(Store.open(path)) as store:
            watch(store)
            land(store, listed("a"))
            with store.transaction() as conn:
                conn.execute("UPDATE feeds SET list_digest = x'00'")
    with closing(Store.open(path)) as store:
        assert recall(store, listed("a")).snapshot == listed("a")
        land(store, listed("a", "b"), after(1))
        assert rows(store, "SELECT length(list_digest) FROM feeds") == [(16,)]


def test_a_migration_that_ends_within_a_statement_is_a_mistake() -> None:
    """A statement without its end would be left out in silence: it is an error."""
    assert list(split_statements("CREATE TABLE a (x);\n\nCREATE TABLE b (y); -- the last\n\n")) == [
        "CREATE TABLE a (x);\n",
        "\nCREATE TABLE b (y); -- the last\n",
    ]
    with pytest.raises(ValueError, match="ends within a statement: CREATE TABLE b"):
        list(split_statements("CREATE TABLE a (x);\nCREATE TABLE b (y)\n"))


def test_a_start_waits_for_who_writes_a_copy_without_a_log(path: Path) -> None:
    """SQLite does not wait there by itself: a moment later the log can be had, and the start goes on."""
    Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, writer.execute, ["COMMIT"])
        release.start()
        with closing(Store.open(path)) as store:
            assert rows(store, "PRAGMA journal_mode") == [("wal",)]
        release.join()


_OPEN_AT_ONCE = """
import sys
from pathlib import Path
from feedwatch.store import Store
print("ready", flush=True)
sys.stdin.readline()
store = Store.open(Path(sys.argv[1]))
print(len(store.query("SELECT name FROM sqlite_master WHERE type = 'table'")), flush=True)
store.close()
"""


def test_many_that_make_a_state_at_once_make_one(path: Path) -> None:
    """A daemon and commands started together on no state all end with the same whole one."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN_AT_ONCE, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=30) for process in started]
    assert {error for _, error in answers} == {""}
    assert len({said for said, _ in answers}) == 1
