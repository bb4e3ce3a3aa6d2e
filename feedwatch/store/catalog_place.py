"""Where a server's catalog lies, who fetches it now, and what has come so far of a newer one."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from feedwatch.core.model import Validators
from feedwatch.errors import StoreError
from feedwatch.owning import open_beside
from feedwatch.store.lock import hold_lock

_NO_NAME: Final = re.compile(r"[^a-z0-9.-]")
_PIECE: Final = 64 * 1024
_LARGEST_FACTS: Final = 64 * 1024


def catalog_place(state: Path, server: str) -> Path:
    """Where the catalog of a server lies: beside the state, one for all accounts there.

    No secret takes part in its name, so that it can be searched without any.
    """
    parts = urlsplit(server.rstrip("/"))
    host = _NO_NAME.sub("_", (parts.hostname or "").lower())[:60]
    address = f"{host}:{parts.port or ''}{parts.path}"
    digest = hashlib.blake2b(address.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return state.with_name(f"{state.stem}-catalog-{host}-{digest}.db")


@contextmanager
def hold_catalog(path: Path) -> Iterator[None]:
    """Be the one who fetches a catalog; the lock goes with the process, however that ends.

    Raises:
        StoreLocked: another does already.
    """
    lock = path.with_name(f"{path.name}.lock")
    with hold_lock(
        lock, lambda holder: f"a sync of this catalog is under way (process {holder}): let it end"
    ):
        yield


@dataclass(frozen=True, slots=True)
class PartFacts:
    """Of which document a download is, as its server described it, and whether all of it has come."""

    source: str
    server: str
    validators: Validators
    encoding: str = ""
    is_whole: bool = False


class CatalogPart:
    """What has come of a document, byte for byte as it came. Only who holds the catalog touches it."""

    def __init__(self, catalog: Path) -> None:
        self._body = catalog.with_name(f"{catalog.name}.download")
        self._facts = catalog.with_name(f"{catalog.name}.download.json")

    @property
    def size(self) -> int:
        """How many bytes there are."""
        try:
            return self._body.stat().st_size
        except FileNotFoundError:
            return 0

    def read_facts(self) -> PartFacts | None:
        """Say what there is; None where there is nothing that could be used."""
        try:
            with self._facts.open("rb") as file:
                said = json.loads(file.read(_LARGEST_FACTS))
            etag, modified = said.pop("etag"), said.pop("last_modified")
            return PartFacts(**said, validators=Validators(etag, modified)) if self.size else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    @contextmanager
    def adding(self, facts: PartFacts, *, start: int) -> Iterator[IO[bytes]]:
        """Add to the first `start` bytes; what comes after them is thrown away, now.

        Raises:
            StoreError: there is no room, or it cannot be written.
        """
        try:
            if not start:
                self.drop()  # its facts first: never do those of another document stand beside a body
            handle = open_beside(self._body, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "r+b") as file:
                file.truncate(start)
                file.seek(start)
                if not start:
                    self._write_facts(facts)
                yield file
        except OSError as error:
            raise StoreError(f"cannot write {self._body}: {error.strerror}") from error

    def finish(self, facts: PartFacts) -> None:
        """Say that all of it has come."""
        self._write_facts(facts)

    def drop(self) -> None:
        """Throw away what there is."""
        self._facts.unlink(missing_ok=True)
        self._body.unlink(missing_ok=True)

    def read(self) -> Iterator[bytes]:
        """Give all of it, piece by piece."""
        with self._body.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def _write_facts(self, facts: PartFacts) -> None:
        said = {
            "source": facts.source,
            "server": facts.server,
            "etag": facts.validators.etag,
            "last_modified": facts.validators.last_modified,
            "encoding": facts.encoding,
            "is_whole": facts.is_whole,
        }
        written = self._facts.with_name(f"{self._facts.name}.new")
        handle = open_beside(written, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(said, file)
        written.replace(self._facts)
