"""The file and its one door for writing: opened safely, migrated, and written in short transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import sqlite_utils

from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError, StoreLocked, StoreMissing
from feedwatch.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another writer."""


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
        return cls._open_for_writing(path)

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Open the state for writing.

        Raises:
            StoreMissing: there is none.
        """
        _must_exist(path)
        return cls._open_for_writing(path)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open the state for looking, also as another user of its group.

        Raises:
            StoreMissing: there is none.
        """
        _must_exist(path)
        with _translated(path):
            store = cls(path, _connect_read_only(path))
            store._check_version()
        return store

    @classmethod
    def _open_for_writing(cls, path: Path) -> Self:
        with _translated(path):
            conn = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
            store = cls(path, conn)
            try:
                # FULL: a settled delivery or a recorded change must outlive a power cut.
                conn.execute("PRAGMA synchronous = FULL")
                conn.execute("PRAGMA foreign_keys = ON")
                store._check_version()
                store._migrate()
            except BaseException:
                conn.close()
                raise
        return store

    def close(self) -> None:
        """Close the connection."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The only way to write: all of it or none. Nothing in it may wait for anything else.

        Raises:
            StoreLocked: another writer did not finish in time.
        """
        with _translated(self.path):
            # Deferred, two writers that have read would fail whatever the time-out.
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield self._conn
            except BaseException:
                self._conn.rollback()
                raise
            self._conn.execute("COMMIT")

    def query(self, sql: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Read, outside of a transaction or within one."""
        with _translated(self.path):
            return self._conn.execute(sql, parameters).fetchall()

    def _check_version(self) -> None:
        version = int(self._conn.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise SchemaTooNew(
                f"{self.path} was written by a newer feedwatch (schema {version}, this one knows {VERSION}): "
                "update feedwatch, or name another state"
            )
        marked = int(self._conn.execute("PRAGMA application_id").fetchone()[0])
        if version and marked != APPLICATION_ID:
            raise StoreDamaged(f"{self.path} is a database, but not of feedwatch: name another state")

    def _migrate(self) -> None:
        if self._version() == VERSION:
            return
        self._conn.execute("PRAGMA journal_mode = WAL")
        with self.transaction() as conn:
            for number in range(self._version(), VERSION):
                for statement in _statements(MIGRATIONS[number]):
                    conn.execute(statement)
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            conn.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self._conn.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: executescript would commit between them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _create_file(path: Path) -> None:
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = 0o640 if _is_for_a_group(path.parent) else 0o600
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, mode))
        path.chmod(mode)
    except OSError as error:
        raise StoreError(f"cannot make the state {path}: {error.strerror}") from error


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
        raise StoreMissing(f"no state at {path}: has the daemon run yet? (feedwatch run)")


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """Read beside a writer; as a still file where the writer's files cannot be shared and none waits."""
    address = path.resolve().as_uri()
    conn = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        conn.close()
        unwritten = path.with_name(path.name + "-wal")
        if unwritten.exists() and unwritten.stat().st_size:
            raise
        # Nobody writes and nothing waits to be written: the file itself is the whole truth.
        return sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return conn


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreLocked(f"{path} is busy: another program is writing to it") from error
        raise StoreError(f"{path}: {error}") from error
    except sqlite3.IntegrityError:
        raise  # a mistake of ours: it must be seen as one
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{path} is not a sound feedwatch state: {error}") from error
