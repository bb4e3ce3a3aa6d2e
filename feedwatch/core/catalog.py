"""What an index of a server's titles says of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class IndexedTitle:
    """One title of an index.

    `ref` is the address by which the API calls it, as the server wrote it. `people` are those that the index
    names, in its order. The window is when the title can be had, where that is said.
    """

    ref: str
    name: str
    year: int | None = None
    people: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    certificate: str | None = None
    page: str | None = None
    external_ids: tuple[tuple[str, str], ...] = ()
    updated_at: datetime | None = None
    available_from: datetime | None = None
    available_until: datetime | None = None
