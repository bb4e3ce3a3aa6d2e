"""Whether the state is sound: the file, the references, and what the model of the tables forbids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from feedwatch.errors import StoreDamaged, StoreError
from feedwatch.store.codec import stamp
from feedwatch.store.connection import Connection, Transaction, expected_columns, list_columns
from feedwatch.store.faults import translated
from feedwatch.store.memory import MEMORY_COLUMNS, read_list
from feedwatch.store.rules import ADDS_UP, INSTANTS, IS_READABLE, Rule
from feedwatch.store.schema import VERSION

_Find = Callable[[Transaction], str | None]

_NAMED = 3
"""So many examples are named of what breaks a rule; more are counted."""
_FOUND_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Inspected:
    """A rule that was looked at, and how it is broken; None if it holds."""

    rule: str
    problem: str | None


class Inspecting(Connection):
    """The store's words about its own soundness."""

    def inspect(self, now: datetime) -> tuple[Inspected, ...]:
        """Look at everything there is to look at, as it was at one moment.

        Where tables or columns are missing, what stands in the others says nothing: that is left out.
        """
        found: list[Inspected] = []
        with self.reading() as conn:
            for name, find in _checks(now, thorough=True).items():
                found.append(Inspected(name, self._look(conn, find)))
                if name == "tables" and found[-1].problem:
                    break
        return tuple(found)

    def find_damage(self, now: datetime) -> str | None:
        """What the daemon would stumble over, as far as that is quickly seen; None if there is nothing.

        Of an older version only the file is looked at: what is in it is not yet as it will be.

        Raises:
            StoreError: the file cannot be read now, which says nothing about its soundness.
        """
        with self.reading() as conn:
            for name, find in _checks(now, thorough=False).items():
                if name != "file" and self.version < VERSION:
                    break
                try:
                    with translated(self.path):
                        problem = find(conn)
                except StoreDamaged as error:
                    problem = str(error)
                if problem:
                    return problem
        return None

    def _look(self, conn: Transaction, find: _Find) -> str | None:
        """How a rule is broken; that it cannot even be looked at is a way to be broken, too."""
        try:
            with translated(self.path):
                return find(conn)
        except StoreError as error:
            return str(error)


def _checks(now: datetime, *, thorough: bool) -> dict[str, _Find]:
    """What is looked at, the ground first: a rule may rely on those before it."""
    checks: dict[str, _Find] = {
        "file": _check_file,
        "tables": _check_tables,
        "references": _check_references,
        "texts": partial(_check_texts, _ALL_TEXTS if thorough else _TEXTS_IN_USE),
    }
    rules = (*IS_READABLE, *ADDS_UP) if thorough else IS_READABLE
    checks |= {rule.name: partial(_check_rule, rule, now) for rule in rules}
    return checks | {"lists": _check_lists}


# ── one for each thing ────────────────────────────────────────────────────────────────────────────


def _check_file(conn: Transaction) -> str | None:
    # Not `quick_check`: an index that differs from its table stops the daemon just as well.
    found = [str(row[0]) for row in conn.execute(f"PRAGMA integrity_check({_FOUND_AT_MOST})")]
    return None if found == ["ok"] else f"the file is damaged: {_name(found)}"


def _check_tables(conn: Transaction) -> str | None:
    missing = expected_columns() - list_columns(conn)
    names = [f"{table}.{column}" for table, column in sorted(missing)]
    return f"columns are missing: {_name(names)}" if names else None


def _check_references(conn: Transaction) -> str | None:
    rows = conn.execute(f"SELECT * FROM pragma_foreign_key_check LIMIT {_FOUND_AT_MOST}").fetchall()  # noqa: S608
    found = [f"{row['table']} to {row['parent']}" for row in rows]
    return f"rows refer to what there is not: {_name(found)}" if found else None


def _check_texts(statements: Sequence[str], conn: Transaction) -> str | None:
    """Read texts as texts: SQLite itself takes any bytes for one."""
    for statement in statements:
        for _ in conn.execute(statement):
            pass
    return None


_TEXTS_IN_USE = (
    "SELECT * FROM accounts",
    "SELECT * FROM feeds",
    "SELECT * FROM hosts",
    "SELECT * FROM addresses",
    "SELECT * FROM sign_ins",
    "SELECT * FROM title_details",
    "SELECT * FROM messages WHERE state IN ('pending', 'claimed', 'paused')",
    "SELECT * FROM deliveries WHERE state IN ('pending', 'bound')",
    "SELECT changes.* FROM deliveries JOIN changes ON changes.id = change_id WHERE state = 'pending'",
    "SELECT notices.* FROM deliveries JOIN notices ON notices.id = notice_id WHERE state = 'pending'",
)
"""What the daemon reads by itself; lists are read by `_check_lists`."""
_ALL_TEXTS = tuple(f"SELECT * FROM {table}" for table in INSTANTS)  # noqa: S608 — only our own text


_WITH_A_LIST = f"SELECT {MEMORY_COLUMNS} FROM feeds WHERE compared_as IS NOT NULL ORDER BY id"  # noqa: S608


def _check_lists(conn: Transaction) -> str | None:
    """Read each list as a poll that lands does: it must read as it was written."""
    found = []
    for row in conn.execute(_WITH_A_LIST).fetchall():
        try:
            read_list(conn, row)
        except StoreDamaged as error:
            found.append(str(error))
    return _name(found) if found else None


def _check_rule(rule: Rule, now: datetime, conn: Transaction) -> str | None:
    # Named only where the rule asks for it: a value that nothing asks for is refused.
    values = {"now": stamp(now)} if ":now" in rule.sql else {}
    found = conn.execute(f"SELECT * FROM ({rule.sql}) LIMIT {_FOUND_AT_MOST}", values).fetchall()  # noqa: S608
    return f"{rule.forbids} {_name([str(what) for (what,) in found])}" if found else None


def _name(found: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(found))
    more = len(distinct) - _NAMED
    return ", ".join(distinct[:_NAMED]) + (f" and {more} more" if more > 0 else "")
