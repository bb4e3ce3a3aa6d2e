"""Which title somebody means by its address, whatever host that names."""

from __future__ import annotations

from urllib.parse import urlsplit

from feedwatch.sandbox.calls import CallRefused
from feedwatch.sandbox.catalog import Catalog
from feedwatch.sandbox.served import Call
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.world import World

MOST_REFS = 500


def find_title(world: World, ref: str) -> Title | None:
    """The title at an address; by its last part, if its place says nothing."""
    try:
        path = urlsplit(ref.strip()).path.rstrip("/")
    except ValueError:
        return None
    title = Catalog.of(world).find(path) if path.startswith("/catalog/titles/") else None
    return title or next(
        (each for each in world.list_choices() if str(each.id) == path.rpartition("/")[2]), None
    )


def split_refs(text: str | None) -> list[str]:
    """The addresses in a list with commas."""
    return [ref.strip() for ref in (text or "").split(",") if ref.strip()]


def read_titles(call: Call) -> list[Title]:
    """The titles that `title_refs` names, of which unknown ones are left out.

    Raises:
        CallRefused: none are named, or too many.
    """
    refs = split_refs(call.say("title_refs"))
    if not 1 <= len(refs) <= MOST_REFS:
        raise CallRefused(400, "parameter title_refs is invalid")
    found = (find_title(call.world, ref) for ref in refs)
    return [title for title in found if title is not None]
