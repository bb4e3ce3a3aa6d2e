"""`check --deep`: each rule of the model of the tables is broken by hand, and named; nothing healthy is."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from busy import live
from states import PHONE, START, after, land, listed, rows, watch

from feedwatch.errors import StoreError
from feedwatch.store import Store
from feedwatch.store.inspecting import Inspected
from feedwatch.store.rules import ADDS_UP, INSTANTS, IS_READABLE

NOW = after(5)
"""Within the lease of the one claim that there is."""


def _order(*keys: str) -> str:
    """Give the queue another order."""
    return f"UPDATE list_orders SET entry_order = '{json.dumps([keys, []])}' WHERE feed_id = 1"


BREAKS = {
    "a table is gone": ("tables", "DROP TABLE hosts"),
    "a column is gone": ("tables", "ALTER TABLE feeds DROP COLUMN list_digest"),
    "an entry of no feed": (
        "references",
        "INSERT INTO entries VALUES (99, 'k', 't', NULL, '{}', NULL, NULL, '2026-11-01T12:00:00.000000Z')",
    ),
    "a change of no feed": ("changes", "UPDATE changes SET feed_id = 99 WHERE id = 1"),
    "a delivery in no message": (
        "references",
        "UPDATE deliveries SET message_id = 99 WHERE state = 'delivered'",
    ),
    "a text that is none": ("texts", "UPDATE changes SET title = CAST(x'ff41' AS TEXT)"),
    "a kind that is none": ("words", "UPDATE feeds SET kind = 'quexe' WHERE name = 'ratings'"),
    "a state that is none": ("words", "UPDATE feeds SET state = 'well'"),
    "a reason that is none": ("words", "UPDATE feeds SET reason = 'because' WHERE name = 'broken'"),
    "a delivery's state that is none": ("words", "UPDATE deliveries SET state = 'sent' WHERE id = 1"),
    "a message's state that is none": ("words", "UPDATE messages SET state = 'sent' WHERE id = 1"),
    "a notice's kind that is none": ("words", "UPDATE notices SET kind = 'spam'"),
    "a markup that is none": ("words", "UPDATE messages SET markup = 'troff' WHERE id = 1"),
    "a message that waits for its digest": ("words", "UPDATE messages SET waits_for = 'digest' WHERE id = 1"),
    "pictures of another form": ("values", """UPDATE messages SET pictures = '[["http://a/", "a"]]'"""),
    "details of a title that are no JSON": (
        "values",
        """INSERT INTO title_details VALUES ('jane', 't', '{', '2026-11-01T12:00:00.000000Z')""",
    ),
    "a queue's titles of another form": (
        "values",
        """INSERT INTO queue_readings
           VALUES ('jane', 'e', '[]', '[["t", "n"]]', '2026-11-01T12:00:00.000000Z', 's')""",
    ),
    "details of a title that are no text": (
        "texts",
        """INSERT INTO title_details VALUES ('jane', 't', CAST(x'7bff7d' AS TEXT),
           '2026-11-01T12:00:00.000000Z')""",
    ),
    "a token that is no text": (
        "texts",
        """INSERT INTO sign_ins VALUES ('jane', 'a', NULL, CAST(x'ff41' AS TEXT), 's',
           '2026-11-01T12:00:00.000000Z')""",
    ),
    "pictures that are no JSON": ("values", "UPDATE messages SET pictures = '['"),
    "kept back by no silence": (
        "silences",
        "UPDATE deliveries SET silence_id = 99, message_id = NULL WHERE state = 'dead'",
    ),
    "kept back, and owed": (
        "silences",
        """INSERT INTO silences VALUES (99, 'year > 1', '', '2026-11-01T12:00:00.000000Z',
           '2026-11-01T12:00:00.000000Z'); UPDATE deliveries SET silence_id = 99 WHERE state = 'pending'""",
    ),
    "a digest of what there never was": (
        "digests",
        "INSERT INTO digests VALUES ('phone/1', 'daily', '2026-11-01T12:00:00.000000Z', 99999, 1)",
    ),
    "a host that rests for no reason": ("words", "UPDATE hosts SET reason = 'tired'"),
    "an instant that is none": ("instants", "UPDATE feeds SET next_poll_at = 'tomorrow'"),
    "an instant of another form": ("instants", "UPDATE changes SET at = '2026-11-01 12:00:00'"),
    "a day that no calendar has": ("instants", "UPDATE changes SET at = '2026-02-30T12:00:00.000000Z'"),
    "a host that rests until whenever": ("instants", "UPDATE hosts SET rest_until_at = 'whenever'"),
    "facts that are no JSON": ("values", "UPDATE entries SET facts = '{' WHERE key = 'd'"),
    "validators of another form": ("values", "UPDATE feeds SET validators = '{}'"),
    "validators that are no pairs": ("values", """UPDATE feeds SET validators = '["etag"]'"""),
    "a change of a fact to nothing": ("values", """UPDATE changes SET facts = '{"rating":["5"]}'"""),
    "a notice of no feeds": ("values", """UPDATE notices SET feeds = '[["jane/queue",1,2]]'"""),
    "an order that lacks an entry": ("order", _order("d", "e")),
    "an order with one too many": ("order", _order("d", "e", "f", "x")),
    "an order with another entry": ("order", _order("d", "e", "x")),
    "an order with an entry twice": ("order", _order("d", "e", "e")),
    "an entry that is gone": ("order", "DELETE FROM entries WHERE key = 'd'"),
    "a count that is wrong": ("entry count", "UPDATE feeds SET entry_count = 17 WHERE id = 1"),
    "a list in another order": ("lists", _order("e", "d", "f")),
    "a title that was not written": ("lists", "UPDATE entries SET title = 'Title x' WHERE key = 'd'"),
    "a fact that was not written": (
        "lists",
        """UPDATE entries SET facts = '{"rating":"5"}' WHERE key = 'd'""",
    ),
    "a digest of something else": ("lists", "UPDATE feeds SET list_digest = x'00' WHERE id = 1"),
    "a poll that was never taken": ("poll numbers", "UPDATE feeds SET landed_number = poll_number + 1"),
    "an owed change that is forgotten": (
        "owed",
        "DELETE FROM changes WHERE id IN (SELECT change_id FROM deliveries WHERE state = 'pending')",
    ),
    "an owed notice that is forgotten": ("owed", "DELETE FROM notices"),
    "bound, and the message is settled": (
        "bound deliveries",
        "UPDATE deliveries SET state = 'bound', settled_at = NULL WHERE state = 'delivered'",
    ),
    "pending, and in a message": (
        "pending deliveries",
        "UPDATE deliveries SET message_id = 1 WHERE state = 'pending'",
    ),
    "delivered at no instant": (
        "settled deliveries",
        "UPDATE deliveries SET settled_at = NULL WHERE state = 'delivered'",
    ),
    "owed, and settled": (
        "settled deliveries",
        "UPDATE deliveries SET settled_at = not_before WHERE state = 'bound'",
    ),
    "in a message to somebody else": (
        "addresses",
        "UPDATE deliveries SET address = 'x/1' WHERE id = (SELECT id FROM deliveries WHERE state = 'bound')",
    ),
    "a message that tells nothing": ("open messages", "DELETE FROM deliveries WHERE state = 'bound'"),
    "a message that counts wrongly": (
        "open messages",
        "UPDATE messages SET deliveries = 7 WHERE state = 'pending'",
    ),
    "a message delivered at no instant": (
        "settled messages",
        "UPDATE messages SET settled_at = NULL WHERE state = 'delivered'",
    ),
    "a message that waits, and is settled": (
        "settled messages",
        "UPDATE messages SET settled_at = created_at WHERE state = 'pending'",
    ),
    "a message dead, what it told delivered": (
        "outcomes",
        "UPDATE messages SET state = 'dead' WHERE state = 'delivered'",
    ),
    "claimed by nobody": ("claims", "UPDATE messages SET token = NULL WHERE state = 'claimed'"),
    "claimed twice for one address": (
        "one at a time",
        """UPDATE messages SET state = 'claimed', address = 'phone/1', token = 't', owner = 'o',
           lease_until_at = '2026-11-01T12:09:00.000000Z' WHERE state = 'pending'""",
    ),
}
AT_START = {"file", "tables", "references", "texts", "words", "instants", "values", "order", "lists"}


def broken(found: tuple[Inspected, ...]) -> dict[str, str]:
    return {each.rule: each.problem for each in found if each.problem}


def test_any_instant_is_one(path: Path, store: Store) -> None:
    """Also just before a second is full, where SQLite itself sees the next one: such a state is sound."""
    watch(store)
    late = START + timedelta(microseconds=999_999)
    land(store, listed("a"), late)
    assert rows(store, "SELECT last_polled_at FROM feeds") == [("2026-11-01T12:00:00.999999Z",)]
    assert broken(store.inspect(NOW)) == {}
    assert store.find_damage(NOW) is None


def test_a_key_with_a_nul_is_no_damage(path: Path, store: Store) -> None:
    """An earlier feedwatch may have written one (`…/titles/%00`): SQLite reads JSON only up to there."""
    watch(store)
    land(store, listed("a", "\0b", "c\0d"))
    assert broken(store.inspect(NOW)) == {}
    assert store.find_damage(NOW) is None


@pytest.fixture
def busy(path: Path, store: Store) -> Store:
    """A state in which everything has happened."""
    live(store)
    return store


def test_nothing_is_wrong_with_a_healthy_state(busy: Store) -> None:
    """However much has happened in it, every rule is looked at and holds."""
    found = busy.inspect(NOW)
    assert broken(found) == {}
    assert [each.rule for each in found if each.rule in AT_START] == [
        "file", "tables", "references", "texts", "words", "instants", "values", "order", "lists",
    ]  # fmt: skip
    assert len({each.rule for each in found}) == len(found) == 5 + len(IS_READABLE) + len(ADDS_UP)
    assert busy.find_damage(NOW) is None


def test_nothing_is_wrong_with_what_a_hand_has_done(busy: Store) -> None:
    """Paused, resumed, dropped and retried messages and addresses keep every rule, too."""
    ids = [message.id for message in busy.list_messages() if message.id is not None]
    busy.pause_messages(ids)
    busy.pause_addresses([PHONE], NOW)
    assert broken(busy.inspect(NOW)) == {}
    busy.drop_messages(ids[:1], NOW)
    busy.resume_addresses([PHONE], NOW)
    busy.retry_messages(None, NOW)
    assert broken(busy.inspect(NOW)) == {}


@pytest.mark.parametrize(("rule", "sql"), BREAKS.values(), ids=BREAKS)
def test_what_the_model_forbids_is_named(path: Path, busy: Store, rule: str, sql: str) -> None:
    """Each rule, broken by hand, is named; the daemon's start sees what it would stumble over."""
    with closing(sqlite3.connect(path)) as other, other:
        other.executescript(sql)
    found = broken(busy.inspect(NOW))
    assert rule in found
    if rule in AT_START:
        assert busy.find_damage(NOW) is not None
    elif not AT_START & set(found):
        assert busy.find_damage(NOW) is None


def test_an_index_that_differs_from_its_table_is_named(path: Path, busy: Store) -> None:
    """The daemon would meet it only when it forgets something: the start sees it, too."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(at)', '(key)') WHERE name = 'changes_at'"
        )
    with closing(Store.open_read_only(path)) as looking:
        assert "changes_at" in broken(looking.inspect(NOW))["file"]
        assert "changes_at" in (looking.find_damage(NOW) or "")


def test_every_rule_is_broken_by_a_test() -> None:
    """A rule that nothing has ever broken may hold because it looks at nothing."""
    assert {rule.name for rule in (*IS_READABLE, *ADDS_UP)} <= {rule for rule, _ in BREAKS.values()}


def test_every_instant_of_the_schema_is_looked_at(store: Store) -> None:
    """A column of a migration to come whose name says that it is an instant must be in the rule."""
    columns = rows(
        store,
        "SELECT tables.name, columns.name FROM sqlite_master AS tables "
        "JOIN pragma_table_info(tables.name) AS columns "
        "WHERE tables.type = 'table' AND (columns.name GLOB '*_at' OR columns.name IN ('at', 'not_before'))",
    )
    assert {(table, column) for table, names in INSTANTS.items() for column in names} == set(columns)


def test_many_that_break_a_rule_are_counted(store: Store) -> None:
    """A few are named, and how many more there are."""
    watch(store)
    land(store, listed(*(f"k{number}" for number in range(30))))
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET entry_count = 3")
        conn.executemany(
            "INSERT INTO feeds (account, name, kind, address, named_address, next_poll_at, entry_count) "
            "VALUES ('jane', ?, 'queue', '', '', '2026-11-01T12:00:00.000000Z', 1)",
            [(f"f{number}",) for number in range(9)],
        )
    problem = broken(store.inspect(NOW))["entry count"]
    assert problem.endswith("jane/queue, jane/f0, jane/f1 and 7 more")


def test_what_is_looked_at_is_of_one_moment(path: Path, store: Store) -> None:
    """A daemon that writes meanwhile does not make two halves of a change look like a fault."""
    watch(store)
    land(store, listed("a"))
    with closing(Store.open_read_only(path)) as looking, looking.reading() as conn:
        before = conn.execute("SELECT entry_count FROM feeds").fetchone()[0]
        land(store, listed("a", "b", "c"))
        assert conn.execute("SELECT count(*) FROM entries").fetchone()[0] == before == 1


def test_who_looks_for_damage_and_cannot_read_says_so(path: Path, store: Store) -> None:
    """A file that cannot be read at the moment is no damaged one: it would be set aside for nothing."""
    watch(store)
    land(store, listed("a"))
    store._conn.set_progress_handler(lambda: 1, 1)
    with pytest.raises(StoreError, match="interrupted"):
        store.find_damage(NOW)
    store._conn.set_progress_handler(None, 1)
