"""Changes that an application makes to the queue, as the API takes them: all of its refusals included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from feedwatch.sandbox.calls import CallRefused
from feedwatch.sandbox.refs import find_title
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.world import AVAILABLE, SAVED, Queued, World


@dataclass(slots=True)
class Placed:
    """What came of a wish to place titles: those that are placed, and why others are not."""

    titles: list[Title] = field(default_factory=list)
    refusals: list[CallRefused] = field(default_factory=list)


def current_etag(world: World) -> str:
    """What the queue calls the state that it is in; 0 if it is empty."""
    return str(world.versions["queue"] if world.queue else 0)


def place_titles(world: World, refs: Sequence[str], position: int | None, etag: str | None) -> Placed:
    """Add titles to the queue, or move those that are in it; one after the other from a position on.

    Raises:
        CallRefused: the queue is not as the etag says, or none of the titles can be placed.
    """
    with world.lock:
        check_etag(world, etag)
        placed = Placed()
        before = list(world.queue)
        for ref in refs:
            at = None if position is None else position + len(placed.titles)
            try:
                placed.titles.append(_place(world, ref, at))
            except CallRefused as refused:
                placed.refusals.append(refused)
        if not placed.titles:
            raise placed.refusals[0]
        after, world.queue = world.queue, before
        with world.moving("queue"):
            world.queue = after
        return placed


def remove_title(world: World, number: str, etag: str | None) -> Queued:
    """Take an entry out of the queue, by its title's id.

    Raises:
        CallRefused: it is not in the queue, or that is not as the etag says.
    """
    with world.lock:
        check_etag(world, etag)
        item = find_entry(world, number)
        with world.moving("queue"):
            world.queue = [each for each in world.queue if each is not item]
        return item


def find_entry(world: World, number: str, *, saved: bool | None = None) -> Queued:
    """An entry of the queue, by its title's id.

    Raises:
        CallRefused: there is none.
    """
    for each in world.queue:
        if str(each.title.id) == number and saved in (None, each.availability == SAVED):
            return each
    raise CallRefused(404, "Title is not in queue", 610)


def check_etag(world: World, etag: str | None) -> None:
    """Check that the queue is as whoever wants to change it believes.

    Raises:
        CallRefused: it is not.
    """
    if etag and etag.strip('"') != current_etag(world):
        raise CallRefused(412, "Precondition failed. Resource has been modified.")


def _place(world: World, ref: str, position: int | None) -> Title:
    title = find_title(world, ref)
    if title is None:
        raise CallRefused(400, "Title not found or not available", 130)
    item = next((each for each in world.queue if each.title == title), None)
    if item is None:
        item = _make_entry(world, title)
    elif position is None:
        raise CallRefused(412, "Title already in queue", 710)
    elif item.availability == SAVED:
        raise CallRefused(400, "Title is saved; cannot move it", 620)
    others = [each for each in world.queue if each is not item and each.availability != SAVED]
    saved = [each for each in world.queue if each is not item and each.availability == SAVED]
    if item.availability == SAVED:
        saved.append(item)
    else:
        others.insert(len(others) if position is None else position - 1, item)
    world.queue = others + saved
    return title


def _make_entry(world: World, title: Title) -> Queued:
    if title.kind == "series":
        raise CallRefused(400, "Cannot move a series parent title")
    if title.kind == "discs":
        raise CallRefused(400, "Invalid title format", 660)
    if title.id in world.at_home:
        raise CallRefused(400, "Title currently at home", 690)
    if len(world.queue) >= world.switches.queue_limit:
        raise CallRefused(400, "Queue is too large", 650)
    return Queued(title, SAVED if title.id in world.withheld else AVAILABLE, world.now())
