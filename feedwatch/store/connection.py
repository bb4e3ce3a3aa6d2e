"""The file and its one door for writing: opened safely, migrated, and written in short transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self, TypeAlias

from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError
from feedwatch.store.faults import is_busy, translated
from feedwatch.store.file import (
    create_file,
    has_unwritten,
    keep_from_others,
    missing,
    must_be_in_place,
    must_exist,
    must_not_be_cut_to_nothing,
    place_of,
)
from feedwatch.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another writer."""
BUSY_SLICE = 0.5
"""Seconds that SQLite waits in one go: so often one who waits sees that there is no more time (`hurry`)."""
LOG_LIMIT = 4 * 1024 * 1024
"""Bytes that a log may keep on the disk once all in it is written to the file itself."""
_CACHE = 600
"""Kibibytes of pages that SQLite keeps: what is written together stands together, and needs no more."""
_BUSY_PAUSE = 0.01

Row: TypeAlias = sqlite3.Row
Transaction: TypeAlias = sqlite3.Connection
"""What `Connection.transaction` gives: a connection on which a transaction is open."""
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]


class Connection:
    """One connection, of one thread. Everything that is written goes through `transaction`."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.path = path
        self.version = VERSION
        """Of the schema: an older one is migrated, where it is not opened only to look at the file."""
        self.on_rest: Callable[[str, datetime], object] = lambda _host, _until: None
        """Told, in its thread, of each host that is to rest from now on."""
        self._conn = conn
        self._patience = BUSY_TIMEOUT
        self._place = place_of(path)
        self._conn.row_factory = sqlite3.Row

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the state for writing; made if there is none.

        Raises:
            StoreError: it cannot be used; the kind of error says why.
        """
        must_not_be_cut_to_nothing(path)
        create_file(path)
        return cls._open_for_writing(path, may_be_new=True)

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Open the state for writing.

        Raises:
            StoreMissing: there is none.
        """
        must_not_be_cut_to_nothing(path)
        must_exist(path)
        return cls._open_for_writing(path, may_be_new=False)

    @classmethod
    def open_read_only(cls, path: Path, *, may_be_old: bool = False) -> Self:
        """Open the state for looking, also as another user of its group.

        One of an older version is refused, unless only the file itself is looked at (`may_be_old`).

        Raises:
            StoreMissing: there is none.
        """
        must_not_be_cut_to_nothing(path)
        must_exist(path)
        with translated(path), _closing_on_error(connect_read_only(path)) as conn:
            store = cls(path, conn)
            _wait_in_slices(conn)
            store.version = store._check_version(may_be_new=False)
            if store.version < VERSION and not may_be_old:
                raise StoreError(
                    f"{path} was written by an older feedwatch: start the daemon once, and it is up to date"
                )
        return store

    @classmethod
    def _open_for_writing(cls, path: Path, *, may_be_new: bool) -> Self:
        with (
            translated(path),
            _closing_on_error(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as conn,
        ):
            store = cls(path, conn)
            # First of all: a file that is not ours is left as it is.
            version = store._check_version(may_be_new=may_be_new)
            keep_from_others(path, is_new=version == 0)
            if version == 0:
                # So that `tidy` can give room back; it takes effect only before the first table is made.
                conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _use_write_ahead_log(conn)
            conn.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
            conn.execute(f"PRAGMA cache_size = -{_CACHE}")
            # FULL: a settled delivery or a recorded change must outlive a power cut.
            conn.execute("PRAGMA synchronous = FULL")
            conn.execute("PRAGMA foreign_keys = ON")
            _wait_in_slices(conn)
            if version < VERSION:
                store._migrate()
                # Into the file itself: whoever finds it damaged without its log must see that it is ours.
                with store.without_waiting():
                    store.query("PRAGMA wal_checkpoint")
        return store

    def hurry(self, seconds: float) -> None:
        """Wait no longer than this for another writer from now on, also where one is being waited for.

        The one word that may be said from another thread.
        """
        self._patience = seconds

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The only way to write: all of it or none. Nothing in it may wait for anything else.

        Raises:
            StoreLocked: another writer did not finish in time.
        """
        with translated(self.path):
            # Deferred, two writers that have read would fail whatever the time-out.
            self._execute("BEGIN IMMEDIATE")
            try:
                # With a log beside it SQLite does not look: what is written would be gone at the next start.
                must_be_in_place(self.path, self._place)
                yield self._conn
                self._conn.execute("COMMIT")
            except BaseException:
                self._conn.rollback()
                raise

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Read with one statement: all of it was true at one moment, whoever writes."""
        with translated(self.path):
            return self._execute(sql, parameters).fetchall()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Read with many statements what was true at one moment. Nothing is written within."""
        with translated(self.path):
            self._execute("BEGIN")
            try:
                yield self._conn
            finally:
                self._conn.rollback()

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Let what is asked for within give up at once where another program is in its way."""
        self._conn.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            _wait_in_slices(self._conn)

    @contextmanager
    def undoing_in_memory(self) -> Iterator[None]:
        """Keep what savepoints may have to undo in memory, while it is little for each of them.

        SQLite itself would write it to a temporary file, and that is three times what goes to the log.
        """
        self._conn.execute("PRAGMA temp_store = MEMORY")
        try:
            yield
        finally:
            self._conn.execute("PRAGMA temp_store = DEFAULT")

    def _execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """Execute what may have to wait for another writer, for as long as there is patience."""
        began_at = time.monotonic()
        while True:
            asked_at = time.monotonic()
            try:
                return self._conn.execute(sql, parameters)
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                # Where SQLite itself did not wait, more waiting helps nobody.
                waited = now - asked_at >= BUSY_SLICE * 0.8
                if not (is_busy(error) and waited and now - began_at < self._patience):
                    raise

    def _check_version(self, *, may_be_new: bool) -> int:
        """The version of the schema, 0 for a file that holds nothing yet; raises if it is not ours."""
        version, mark, objects = self._conn.execute(
            "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_user_version, pragma_application_id"
        ).fetchone()
        if not (version or mark or objects):
            if not may_be_new:
                raise missing(self.path)
            return 0
        if mark != APPLICATION_ID or version < 1:
            raise StoreDamaged(
                f"{self.path} is a database, but not of feedwatch: name another state", is_ours=False
            )
        if version > VERSION:
            raise SchemaTooNew(
                f"{self.path} was written by a newer feedwatch (schema {version}, this one knows {VERSION}): "
                "update feedwatch, or name another state"
            )
        return int(version)

    def _migrate(self) -> None:
        with self.transaction() as conn:
            # Asked again: another process may have been faster.
            for number in range(self._check_version(may_be_new=True), VERSION):
                for statement in split_statements(MIGRATIONS[number]):
                    conn.execute(statement)
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            conn.execute(f"PRAGMA user_version = {VERSION}")


def expected_columns() -> frozenset[tuple[str, str]]:
    """The tables of a sound state, each with each of its columns."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for script in MIGRATIONS:
            conn.executescript(script)
        return list_columns(conn)
    finally:
        conn.close()


def list_columns(conn: Transaction) -> frozenset[tuple[str, str]]:
    """The tables that there are, each with each of its columns."""
    import sqlite_utils  # noqa: PLC0415 — a twentieth of the start of a poll, which does without

    db = sqlite_utils.Database(conn, recursive_triggers=False, execute_plugins=False)
    return frozenset((table.name, column.name) for table in db.tables for column in table.columns)


def insert_row(conn: Transaction, sql: str, values: Parameters) -> int:
    """Insert one row within a transaction; returns its id."""
    cursor = conn.execute(sql, values)
    return int(cursor.lastrowid or 0)


def read_plain(conn: Transaction, sql: str, values: Parameters = ()) -> sqlite3.Cursor:
    """Read rows as plain tuples: of many rows, looking columns up by their names is most of the time."""
    cursor = conn.cursor()
    cursor.row_factory = None
    return cursor.execute(sql, values)


def split_statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: executescript would commit between them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a migration ends within a statement: {statement.strip()[:80]}")


# ── opening ───────────────────────────────────────────────────────────────────────────────────────


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Read beside a writer; as a still file where the writer's files cannot be shared and none waits."""
    address = path.resolve().as_uri()
    conn = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        conn.close()
        if is_busy(error) or has_unwritten(path):
            raise
        # Nobody writes and nothing waits to be written: the file itself is the whole truth.
        return sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None)
    except BaseException:
        conn.close()
        raise
    return conn


def _use_write_ahead_log(conn: sqlite3.Connection) -> None:
    """Two that start at once on a new state hinder each other here, and SQLite does not wait by itself."""
    give_up_at = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            conn.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= give_up_at:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return


def _wait_in_slices(conn: sqlite3.Connection) -> None:
    conn.execute(f"PRAGMA busy_timeout = {min(BUSY_SLICE, BUSY_TIMEOUT) * 1000:.0f}")


@contextmanager
def _closing_on_error(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield conn
    except BaseException:
        conn.close()
        raise
