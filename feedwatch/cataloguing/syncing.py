"""One sync of a server's catalog, start to finish: ask, download, read, write, and only then replace.

Whatever goes wrong, the catalog in use stays whole and in use. What has come of a newer one is kept where
its server can say that it is a part of what it has now; the next sync goes on from there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.model import FetchFailed, Reason
from feedwatch.errors import StoreDamaged, StoreError, StoreMissing
from feedwatch.fetch.downloading import Download, Downloader, Held, Unchanged, is_strong, unpack
from feedwatch.netflix.calling import Call, Caller
from feedwatch.netflix.catalog_index import UnreadableIndex, read_title_index
from feedwatch.netflix.judging import judge_failure
from feedwatch.netflix.replies import ApiFailed
from feedwatch.store.catalog import Catalog, CatalogOrigin, may_be_replaced
from feedwatch.store.catalog_place import CatalogPart, PartFacts
from feedwatch.store.catalog_writing import write_catalog

_NO_PART: Final = (206, 416)
"""How a server says that it has nothing which follows the part that is here."""


class Progress(Protocol):
    """Is told how far a sync is."""

    def arrive(self, size: int, total: int | None) -> None:
        """So many bytes are here, of so many if that is known."""

    def read(self, titles: int) -> None:
        """So many titles have been read."""


@dataclass(frozen=True, slots=True)
class SyncJob:
    """Which document of which server becomes the catalog at a place, and with what it is asked for."""

    server: str
    source: str
    place: Path
    caller: Caller
    downloader: Downloader
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """All of the document is here: `fetched` bytes came now, as they came, after those from `before`."""

    fetched: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class Synced:
    """The catalog is new."""

    titles: int
    downloaded: Downloaded


@dataclass(frozen=True, slots=True)
class Kept:
    """The catalog is what the server still has."""

    origin: CatalogOrigin


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """The sync came to nothing; the catalog in use is as it was.

    `kept` bytes are here for the next one. `judged` is what the server's answer means, where it is at fault.
    """

    reason: Reason
    detail: str = ""
    kept: int = 0
    judged: ApiFailed | None = None


async def download(job: SyncJob, progress: Progress) -> Downloaded | Kept | SyncFailed:
    """Ask for the document if it is another than what is here, and take it as it comes.

    The turn to sign ends when the first bytes are due: a long download keeps nobody else waiting.

    Raises:
        StoreError: what comes cannot be kept; or something lies there that is no catalog.
    """
    if not may_be_replaced(job.place):
        raise StoreError(f"{job.place} is no catalog of feedwatch: move it away, and sync again")
    known, part = _find_known(job), CatalogPart(job.place)
    facts = part.read_facts()
    if facts is not None and facts.source != job.source:
        part.drop()
        facts = None
    held = _hold_part(facts, part.size) or _hold_known(known)
    begun = await _open(job, held)
    if isinstance(begun, FetchFailed) and held and held.part and begun.status in _NO_PART:
        part.drop()
        facts = None
        begun = await _open(job, _hold_known(known))
    if isinstance(begun, FetchFailed):
        return _fail(job, begun, kept=part.size)
    if isinstance(begun, Download):
        return await _save(job, part, begun, progress)
    if facts is not None and facts.is_whole:
        return Downloaded(0, before=part.size)
    assert known is not None
    return Kept(known)


def load(job: SyncJob, downloaded: Downloaded, progress: Progress) -> Synced | SyncFailed:
    """Read what was downloaded into a catalog, and have it take the place of the one in use.

    Raises:
        StoreError: it cannot be written.
    """
    part = CatalogPart(job.place)
    facts = part.read_facts()
    if facts is None:
        part.drop()
        return SyncFailed(Reason.EMPTY_BODY, "nothing came")
    origin = CatalogOrigin(facts.source, facts.server, facts.validators, job.now())
    try:
        titles = _count(read_title_index(unpack(part.read(), facts.encoding)), progress)
        count = write_catalog(job.place, titles, origin)
    except UnreadableIndex as error:
        return _give_up(part, error.reason, str(error))
    except zlib.error as error:
        return _give_up(part, Reason.BAD_ENCODING, f"what came cannot be unpacked: {error}")
    except OverflowError as error:
        return _give_up(part, Reason.TOO_LARGE, str(error))
    if not count:
        return _give_up(part, Reason.TURNED_EMPTY, "it names no title that could be searched")
    part.drop()
    return Synced(count, downloaded)


def _give_up(part: CatalogPart, reason: Reason, detail: str) -> SyncFailed:
    """What was downloaded is no catalog, and going on with it would not make it one."""
    part.drop()
    return SyncFailed(reason, detail)


def _count(titles: Iterator[IndexedTitle], progress: Progress) -> Iterator[IndexedTitle]:
    for number, title in enumerate(titles, 1):
        yield title
        progress.read(number)


async def _open(job: SyncJob, held: Held | None) -> Download | Unchanged | FetchFailed:
    url = job.server.rstrip("/") + job.source
    async with job.caller.take_turn(Call(url)) as signing:
        if isinstance(signing, FetchFailed):
            return signing
        begun = await job.downloader.open(url, held=held, sign=signing.sign)
        if not isinstance(begun, FetchFailed):
            signing.accept()
    return begun


async def _save(
    job: SyncJob, part: CatalogPart, begun: Download, progress: Progress
) -> Downloaded | SyncFailed:
    facts = PartFacts(job.source, begun.origin, begun.validators, begun.encoding)
    size = begun.start
    with part.adding(facts, start=size) as file:

        def write(chunk: bytes) -> None:
            nonlocal size
            file.write(chunk)
            file.flush()  # a kill is to lose nothing that came
            size += len(chunk)
            progress.arrive(size, begun.total)

        failed = await begun.save(write)
    if failed is None:
        part.finish(replace(facts, is_whole=True))
        return Downloaded(size - begun.start, before=begun.start)
    if not is_strong(begun.validators.etag):
        part.drop()  # nobody could say what it is a part of
    return _fail(job, failed, kept=part.size)


def _fail(job: SyncJob, failed: FetchFailed, *, kept: int) -> SyncFailed:
    judged = judge_failure(failed, resource=job.source, now=job.now())
    return SyncFailed(judged.reason, failed.detail, kept, judged)


def _find_known(job: SyncJob) -> CatalogOrigin | None:
    """Where the catalog in use is from; None where another is wanted, whatever the server says of it."""
    try:
        catalog = Catalog.open(job.place)
    except (StoreMissing, StoreDamaged):
        return None
    catalog.close()
    return catalog.origin if catalog.origin.source == job.source else None


def _hold_part(facts: PartFacts | None, size: int) -> Held | None:
    if facts is None:
        return None
    held = Held(facts.validators, facts.server, None if facts.is_whole else size, facts.encoding)
    return held if facts.is_whole or held.may_go_on else None


def _hold_known(known: CatalogOrigin | None) -> Held | None:
    return Held(known.validators, known.server) if known else None
