"""The file and its one door for writing: opened safely, migrated, and written in short transactions."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeAlias

import sqlite_utils

from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError, StoreLocked, StoreMissing
from feedwatch.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another writer."""
_BUSY_PAUSE = 0.01

Row: TypeAlias = sqlite3.Row
Transaction: TypeAlias = sqlite3.Connection
"""What `Connection.transaction` gives: a connection on which a transaction is open."""
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OUR_OWN_MISTAKES = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)


class Connection:
    """One connection, of one thread. Everything that is written goes through `transaction`."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.path = path
        self._conn = conn
        self._conn.row_factory = sqlite3.Row
        self.db = sqlite_utils.Database(conn, execute_plugins=False)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the state for writing; made if there is none.

        Raises:
            StoreError: it cannot be used; the kind of error says why.
        """
        _create_file(path)
        return cls._open_for_writing(path, may_be_new=True)

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Open the state for writing.

        Raises:
            StoreMissing: there is none.
        """
        _must_exist(path)
        return cls._open_for_writing(path, may_be_new=False)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open the state for looking, also as another user of its group.

        Raises:
            StoreMissing: there is none.
        """
        _must_exist(path)
        with _translated(path), _closing_on_error(_connect_read_only(path)) as conn:
            store = cls(path, conn)
            if store._check_version(may_be_new=False) < VERSION:
                raise StoreError(
                    f"{path} was written by an older feedwatch: start the daemon once, and it is up to date"
                )
        return store

    @classmethod
    def _open_for_writing(cls, path: Path, *, may_be_new: bool) -> Self:
        with (
            _translated(path),
            _closing_on_error(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as conn,
        ):
            store = cls(path, conn)
            # First of all: a file that is not ours is left as it is.
            version = store._check_version(may_be_new=may_be_new)
            _keep_from_others(path, is_new=version == 0)
            _use_write_ahead_log(conn)
            # FULL: a settled delivery or a recorded change must outlive a power cut.
            conn.execute("PRAGMA synchronous = FULL")
            conn.execute("PRAGMA foreign_keys = ON")
            if version < VERSION:
                store._migrate()
        return store

    def close(self) -> None:
        """Close the connection."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The only way to write: all of it or none. Nothing in it may wait for anything else.

        Raises:
            StoreLocked: another writer did not finish in time.
        """
        with _translated(self.path):
            # Deferred, two writers that have read would fail whatever the time-out.
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield self._conn
                self._conn.execute("COMMIT")
            except BaseException:
                self._conn.rollback()
                raise

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Read with one statement: all of it was true at one moment, whoever writes."""
        with _translated(self.path):
            return self._conn.execute(sql, parameters).fetchall()

    def _check_version(self, *, may_be_new: bool) -> int:
        """The version of the schema, 0 for a file that holds nothing yet; raises if it is not ours."""
        version, mark, objects = self._conn.execute(
            "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_user_version, pragma_application_id"
        ).fetchone()
        if not (version or mark or objects):
            if not may_be_new:
                raise _missing(self.path)
            return 0
        if mark != APPLICATION_ID or version < 1:
            raise StoreDamaged(f"{self.path} is a database, but not of feedwatch: name another state")
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


def insert_row(conn: Transaction, sql: str, values: Parameters) -> int:
    """Insert one row within a transaction; returns its id."""
    cursor = conn.execute(sql, values)
    return int(cursor.lastrowid or 0)


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


# ── the file ──────────────────────────────────────────────────────────────────────────────────────


def _create_file(path: Path) -> None:
    try:
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = _mode_within(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, mode))
        path.chmod(mode)
    except OSError as error:
        raise StoreError(f"cannot make the state {path}: {error.strerror}") from error


def _keep_from_others(path: Path, *, is_new: bool) -> None:
    """Let nobody beyond its group read a state, whoever made the file: there are tokens in it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    wanted = _mode_within(path.parent) if is_new else mode & 0o770
    if mode != wanted:
        with suppress(PermissionError):  # somebody else's: not ours to change
            path.chmod(wanted)


def _mode_within(folder: Path) -> int:
    return 0o640 if _is_for_a_group(folder) else 0o600


def _is_for_a_group(folder: Path) -> bool:
    """Whether who runs us means the state to be read by a group, and by nobody beyond it.

    Such a folder is what systemd's StateDirectoryMode=0750 makes; a umask of 0027 says the same.
    """
    mode = folder.stat().st_mode
    if mode & 0o050 == 0o050 and not mode & 0o007:
        return True
    umask = os.umask(0o077)
    os.umask(umask)
    return umask & 0o007 == 0o007 and not umask & 0o040


def _must_exist(path: Path) -> None:
    try:
        found = path.exists()
    except OSError as error:
        raise StoreError(f"cannot look at the state {path}: {error.strerror}") from error
    if not found:
        raise _missing(path)


def _missing(path: Path) -> StoreMissing:
    return StoreMissing(f"no state at {path}: has the daemon run yet? (feedwatch run)")


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """Read beside a writer; as a still file where the writer's files cannot be shared and none waits."""
    address = path.resolve().as_uri()
    conn = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        conn.close()
        if _is_busy(error) or _has_unwritten(path):
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
            if not _is_busy(error) or time.monotonic() >= give_up_at:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return


def _has_unwritten(path: Path) -> bool:
    logs = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    return any(log.exists() and log.stat().st_size for log in logs)


@contextmanager
def _closing_on_error(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield conn
    except BaseException:
        conn.close()
        raise


# ── errors ────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except _OUR_OWN_MISTAKES:
        raise  # they must be seen as what they are
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            raise StoreLocked(f"{path} is busy: another program is writing to it") from error
        raise StoreError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{path} is not a sound feedwatch state: {error}") from error


def _is_busy(error: sqlite3.Error) -> bool:
    # The low byte is the error itself, the others say more about it. Errors of the module have none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY
