"""Of a change that was written and read back, a condition says what it said when the change was new."""

from __future__ import annotations

from dataclasses import replace

import pytest
from states import after, entry, land, listed, watch

from feedwatch.config.conditions import parse_condition
from feedwatch.core.model import Change, ChangeKind, Details, FactChange, Kind, Snapshot
from feedwatch.core.where import Subjects
from feedwatch.store import Store

_DETAILED = Details(picture="https://art.example/c.jpg", text="A festival in town.")
_NEW = replace(entry("c", 2, year="1992", category="Comedy, Drama"), details=_DETAILED)
_BEFORE, _NOW = entry("b", 2, availability="saved"), entry("b", 1, availability="available now")
CHANGES = (
    Change(ChangeKind.REMOVED, entry("a", 1, year="1979"), None),
    Change(ChangeKind.ADDED, None, _NEW),
    Change(
        ChangeKind.UPDATED, _BEFORE, _NOW, {"availability": FactChange("saved", "available now")}, moved=True
    ),
)


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("year > 1980", [1]),
        ("year is unknown", [2]),
        ("category = drama", [1]),
        ("text ~ festival", [1]),
        ("title ~ 'title b'", [2]),
        ("availability = 'available now'", [2]),
        ("availability = saved", []),
        ("position = 1", [2]),
        ("position is unknown", [0]),
        ("change = removed", [0]),
        ("kind = queue and account = jane and feed = jane/queue", [0, 1, 2]),
    ],
)
def test_a_change_read_back_is_judged_as_it_was(store: Store, text: str, selected: list[int]) -> None:
    """The poll judges what it compared, `explain` what the store gives it: the answer is one."""
    watch(store)
    land(store, listed("a", "b"))
    land(store, Snapshot((_NOW, _NEW), whole=True, ordered=True), after(15), changes=CHANGES)
    condition = parse_condition(text)
    recorded = [Subjects.of_recorded(change) for change in store.list_changes()]
    assert list(condition.select(Subjects(CHANGES, "jane", "queue", Kind.QUEUE))) == selected
    assert [index for index, change in enumerate(recorded) if condition.select(change)] == selected
