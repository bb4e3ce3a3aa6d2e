"""The catalog of a server's titles in a file of its own, to be searched without the server.

It is large and can be had again, so it is no part of the state, nor of its copies. A file is written once,
as a whole, beside the one in use, and then takes its name: who searches reads the old one or the new one.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.model import Validators
from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError, StoreMissing

APPLICATION_ID: Final = 0x66656361
"""Says in the file's header that it is a catalog of feedwatch ("feca")."""
VERSION: Final = 1
_MARK: Final = slice(68, 72)
"""Where the header of a database says whose it is."""
_MOST_WORDS: Final = 16
_WORD: Final = re.compile(r"[^\W_]+")
_SITE: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)

_SEARCH: Final = """
SELECT titles.* FROM words JOIN titles ON titles.id = words.rowid WHERE words MATCH ?
ORDER BY folded(titles.name) = folded(?) DESC, bm25(words, 10.0, 3.0, 1.0), titles.name, titles.id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class CatalogOrigin:
    """Where a catalog is from: which document, of which server, with which validators, and when."""

    source: str
    server: str
    validators: Validators
    synced_at: datetime
    titles: int = 0


class Catalog:
    """A catalog, opened for looking. It never changes: a newer one is another file."""

    def __init__(self, path: Path, conn: sqlite3.Connection, origin: CatalogOrigin) -> None:
        self._path = path
        self._conn = conn
        self.origin = origin

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a catalog.

        Raises:
            StoreMissing: there is none.
            StoreDamaged: it is not sound.
            SchemaTooNew: a newer feedwatch wrote it.
        """
        _must_be_ours(path)
        with translate_faults(path):
            conn = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            conn.row_factory = sqlite3.Row
            conn.create_function("folded", 1, _fold, deterministic=True)
            try:
                return cls(path, conn, _read_origin(path, conn))
            except BaseException:
                conn.close()
                raise

    def close(self) -> None:
        """Close it."""
        self._conn.close()

    def search(self, words: str, limit: int) -> tuple[IndexedTitle, ...]:
        """Find the titles in whose name, people or year each word begins something; the best first.

        Accents and case do not count.
        """
        found = _WORD.findall(unicodedata.normalize("NFC", words))[:_MOST_WORDS]
        if not found:
            return ()
        match = " ".join(f'"{word}" *' for word in found)
        with translate_faults(self._path):
            rows = self._conn.execute(_SEARCH, (match, " ".join(words.split()), limit)).fetchall()
        return tuple(map(_read_title, rows))

    def find(self, ref: str) -> IndexedTitle | None:
        """Find a title by the address that the API calls it by, at whichever of its hosts."""
        with translate_faults(self._path):
            row = self._conn.execute("SELECT * FROM titles WHERE path = ?", (path_of(ref),)).fetchone()
        return _read_title(row) if row else None


def may_be_replaced(path: Path) -> bool:
    """Whether nothing lies at a catalog's place but, at most, a catalog, sound or not."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not header or header[_MARK] == APPLICATION_ID.to_bytes(4, "big")


def path_of(ref: str) -> str:
    """An address by which the API calls something, without its host."""
    return _SITE.sub("", ref, count=1).rstrip("/")


def _fold(name: str) -> str:
    """A name without accents and case: SQLite's own `lower` knows of neither beyond ASCII."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(each for each in plain if not unicodedata.combining(each))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def _must_be_ours(path: Path) -> None:
    try:
        found = path.stat().st_size > 0
    except FileNotFoundError:
        found = False
    except OSError as error:
        raise StoreError(f"cannot look at the catalog {path}: {error.strerror}") from error
    if found and not os.access(path, os.R_OK):
        raise StoreError(f"cannot read the catalog {path}: {os.strerror(errno.EACCES)}")
    if not found:
        raise StoreMissing(f"no catalog at {path} yet: type  feedwatch catalog sync")
    if not may_be_replaced(path):
        raise _damaged(path, "it does not say that it is one; move it away first")


def _read_origin(path: Path, conn: sqlite3.Connection) -> CatalogOrigin:
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise SchemaTooNew(
            f"{path} was written by a newer feedwatch: update feedwatch, or remove the file and sync again"
        )
    row = conn.execute("SELECT * FROM origin").fetchone()
    try:
        validators = Validators(row["etag"], row["last_modified"])
        synced_at = datetime.fromisoformat(row["synced_at"])
        return CatalogOrigin(row["source"], row["server"], validators, synced_at, int(row["titles"]))
    except (TypeError, ValueError) as error:
        raise _damaged(path, "it does not say where it is from") from error


def _read_title(row: sqlite3.Row) -> IndexedTitle:
    return IndexedTitle(
        row["ref"],
        row["name"],
        row["year"],
        _lines(row["people"]),
        _lines(row["genres"]),
        row["certificate"],
        row["page"],
        tuple((str(kind), str(value)) for kind, value in json.loads(row["external_ids"])),
        _read_instant(row["updated_at"]),
        _read_instant(row["available_from"]),
        _read_instant(row["available_until"]),
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _read_instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _damaged(path: Path, why: str) -> StoreDamaged:
    # Not "ours": the way out of a damaged state is another one, and nothing here is lost.
    return StoreDamaged(
        f"{path} is no sound catalog ({why}): type  feedwatch catalog sync  to have it anew", is_ours=False
    )


@contextmanager
def translate_faults(path: Path) -> Iterator[None]:
    """Raise our errors in place of SQLite's."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError):
        raise  # our own mistake
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise StoreError(f"cannot write the catalog {path}: the disk is full, or a quota") from error
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
            raise StoreError(f"cannot open the catalog {path}: look at its rights") from error
        if code == sqlite3.SQLITE_IOERR:
            raise StoreError(f"cannot read or write the catalog {path}: look at the disk") from error
        raise _damaged(path, str(error)) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _damaged(path, str(error)) from error
