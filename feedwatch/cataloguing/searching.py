"""Looking at catalogs: no secret is needed, nobody is asked, and it starts fast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feedwatch.cataloguing.places import FULL, Place, find_places, say_origin
from feedwatch.config import Config
from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.document import show_instant
from feedwatch.errors import FeedwatchError
from feedwatch.netflix.refs import id_of
from feedwatch.present import Row, Screen
from feedwatch.store.catalog import Catalog, CatalogOrigin

_MOST_PEOPLE = 3


def search_catalog(config: Config, screen: Screen, account: str | None, words: str, limit: int) -> None:
    """Print the titles of a catalog that have these words.

    Raises:
        FeedwatchError: there is no such account, or no catalog, or more than one.
    """
    place = _choose_place(find_places(config, account))
    catalog = Catalog.open(place.path)
    try:
        titles = catalog.search(words, limit)
    finally:
        catalog.close()
    columns = ["title", "year", "people", "id"]
    rows = [_describe_title(title) for title in titles]
    empty = f"no title, person or year begins like that: {words}"
    screen.print_rows(rows, columns, empty=empty, show={"people": _say_people, "id": _say_id})
    if screen.is_terminal and not screen.as_json:
        screen.say(f"{len(rows)} of {say_origin(catalog.origin)}")


def show_catalogs(config: Config, screen: Screen, account: str | None) -> None:
    """Print which catalogs there are, how many titles they have, and when they were synced.

    Raises:
        FeedwatchError: there is no such account.
    """
    rows: list[Row] = []
    for place in find_places(config, account):
        origin = _read_origin(place.path)
        rows.append(
            {
                "account": place.name,
                "titles": origin.titles if origin else None,
                "full": origin.source == FULL if origin else None,
                "synced_at": show_instant(origin.synced_at) if origin else None,
                "bytes": place.path.stat().st_size if origin else None,
            }
        )
    screen.print_rows(rows, ["account", "titles", "synced_at"], empty="")


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _choose_place(places: Sequence[Place]) -> Place:
    there = [place for place in places if place.path.exists()]
    if len(there) > 1:
        names = " or ".join(f"--account {place.name}" for place in there)
        raise FeedwatchError(f"there are {len(there)} catalogs: say which one ({names})")
    return (there or list(places))[0]


def _read_origin(path: Path) -> CatalogOrigin | None:
    if not path.exists():
        return None
    catalog = Catalog.open(path)
    catalog.close()
    return catalog.origin


def _describe_title(title: IndexedTitle) -> Row:
    return {
        "title": title.name,
        "year": title.year,
        "people": list(title.people),
        "genres": list(title.genres),
        "certificate": title.certificate,
        "ref": title.ref,
        "link": title.page,
        "external_ids": [{"kind": kind, "id": value} for kind, value in title.external_ids],
        "updated_at": show_instant(title.updated_at),
        "available_from": show_instant(title.available_from),
        "available_until": show_instant(title.available_until),
    }


def _say_id(row: Row) -> str:
    return id_of(str(row["ref"]))


def _say_people(row: Row) -> str | None:
    people = row["people"]
    assert isinstance(people, list)
    return ", ".join(people[:_MOST_PEOPLE]) + (", …" if len(people) > _MOST_PEOPLE else "")
