"""How a catalog is written: beside the one in use, and with its name only once it is whole and on disk."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from feedwatch.core.catalog import IndexedTitle
from feedwatch.errors import StoreError
from feedwatch.owning import open_beside
from feedwatch.store.catalog import APPLICATION_ID, VERSION, CatalogOrigin, path_of, translate_faults
from feedwatch.store.file import sync_folder

_CACHE: Final = 4 * 1024
"""Kibibytes that a catalog may take while it is written: four times as many bring nothing."""
_AT_ONCE: Final = 500
_SCHEMA: Final = (
    """
CREATE TABLE origin (
    source TEXT NOT NULL,                 -- which of the server's documents it was read from
    server TEXT NOT NULL,                 -- whom its validators may be told
    etag TEXT,
    last_modified TEXT,
    synced_at TEXT NOT NULL,
    titles INTEGER NOT NULL
) STRICT""",
    """
CREATE TABLE titles (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,            -- the ref without its host, which is no part of an identity
    ref TEXT NOT NULL,
    name TEXT NOT NULL,
    people TEXT NOT NULL,                 -- a line for each
    year INTEGER,
    genres TEXT NOT NULL,                 -- a line for each
    certificate TEXT,
    page TEXT,
    external_ids TEXT NOT NULL,           -- JSON: pairs
    updated_at INTEGER,                   -- seconds since 1970, like those below
    available_from INTEGER,
    available_until INTEGER
) STRICT""",
    """
CREATE VIRTUAL TABLE words USING fts5 (
    name, people, year,
    content = 'titles', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
)""",
)
_PRAGMAS: Final = (
    # Until it has its name it is nobody's: what a journal protects is made anew instead.
    "journal_mode = OFF",
    "synchronous = OFF",
    "temp_store = FILE",
    f"cache_size = -{_CACHE}",
)
_INSERT: Final = "INSERT OR IGNORE INTO titles VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def write_catalog(path: Path, titles: Iterable[IndexedTitle], origin: CatalogOrigin) -> int:
    """Write a catalog and give it its name in one step, once it is whole and on the disk.

    Until then, and whatever `titles` raises, the one in use stays; also where there is not one title, for
    that is no catalog. Of two titles with one address the first counts. Returns how many there are.

    Raises:
        StoreError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        with translate_faults(path):
            _make_empty(new)
            count = _fill(new, titles, origin)
        if count:
            with new.open("rb") as file:
                os.fsync(file.fileno())
            new.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"cannot write the catalog {path}: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)
    return count


def _make_empty(new: Path) -> None:
    new.unlink(missing_ok=True)  # of a sync that was killed
    os.close(open_beside(new, os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _fill(new: Path, titles: Iterable[IndexedTitle], origin: CatalogOrigin) -> int:
    conn = sqlite3.connect(new, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            conn.execute(f"PRAGMA {pragma}")
        conn.execute("BEGIN")
        for statement in _SCHEMA:
            conn.execute(statement)
        for rows in _in_batches(map(_write_title, titles)):
            conn.executemany(_INSERT, rows)
        (count,) = conn.execute("SELECT count(*) FROM titles").fetchone()
        conn.execute("INSERT INTO words (words) VALUES ('rebuild')")
        _write_origin(conn, origin, count)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {VERSION}")
        conn.execute("COMMIT")
    finally:
        conn.close()
    return int(count)


def _in_batches(rows: Iterable[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    batch: list[tuple[object, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    yield batch


def _write_title(title: IndexedTitle) -> tuple[object, ...]:
    return (
        path_of(title.ref),
        title.ref,
        title.name,
        "\n".join(title.people),
        title.year,
        "\n".join(title.genres),
        title.certificate,
        title.page,
        json.dumps(title.external_ids, ensure_ascii=False) if title.external_ids else "[]",
        _write_instant(title.updated_at),
        _write_instant(title.available_from),
        _write_instant(title.available_until),
    )


def _write_instant(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at else None


def _write_origin(conn: sqlite3.Connection, origin: CatalogOrigin, titles: int) -> None:
    etag, modified = origin.validators.etag, origin.validators.last_modified
    values = (origin.source, origin.server, etag, modified, origin.synced_at.isoformat(), titles)
    conn.execute("INSERT INTO origin VALUES (?, ?, ?, ?, ?, ?)", values)
