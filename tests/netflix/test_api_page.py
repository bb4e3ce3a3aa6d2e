"""docs/api.md is held to the code: its functions, tests and commands are there, and no call is left out."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import pytest

from feedwatch.cli import cli
from feedwatch.netflix import catalog, history, people, queueing, queues, ratings, recommendations, users
from feedwatch.sandbox.dialects import DIALECTS

_TESTS = Path(__file__).parents[1]
PAGE = Path(__file__).parents[2] / "docs" / "api.md"
CALLS = (catalog, history, people, queueing, queues, ratings, recommendations, users)


class Row(NamedTuple):
    """A row of the page's first table."""

    resource: str
    verbs: str
    functions: str
    commands: str
    test: str


def read_rows() -> list[Row]:
    table = PAGE.read_text().partition("| resource |")[2].partition("\n\n")[0]
    lines = [line.strip().strip("|") for line in table.splitlines()[2:]]
    return [Row(*(cell.strip() for cell in line.split("|"))) for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


ROWS = read_rows()
IDS = [quoted(row.resource)[0] for row in ROWS]


def functions_of(module: ModuleType) -> set[str]:
    """What a module offers that makes a call."""
    public = inspect.getmembers(module, inspect.isfunction)
    name = module.__name__.rpartition(".")[2]
    return {
        f"{name}.{each}"
        for each, function in public
        if function.__module__ == module.__name__ and not each.startswith("_") and _takes_api(function)
    }


def _takes_api(function: object) -> bool:
    first = next(iter(inspect.signature(function).parameters.values()), None)  # type: ignore[arg-type]
    return first is not None and first.annotation in ("Api", "KeptQueue")


def test_page_has_the_rows_of_the_reference() -> None:
    """The page has a row for each kind of resource; each names all that a row names."""
    assert len(ROWS) == 21
    assert all(
        all(quoted(cell) for cell in (row.resource, row.functions, row.commands, row.test)) for row in ROWS
    )


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_functions_of_a_row_are_there(row: Row) -> None:
    """A function that the page names can be called by that name."""
    for name in quoted(row.functions):
        module, _, function = name.partition(".")
        found = importlib.import_module(f"feedwatch.netflix.{module}")
        assert callable(getattr(found, function)), name


def test_every_call_stands_on_the_page() -> None:
    """No function that makes a call is left out."""
    named = {name for row in ROWS for name in quoted(row.functions)}
    offered = set().union(*map(functions_of, CALLS))
    assert len(offered) > 30
    assert offered - named == set()


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_test_of_a_row_is_there(row: Row) -> None:
    """A test that the page names is in the suite."""
    for name in quoted(row.test):
        file, _, function = name.partition("::")
        (path,) = _TESTS.rglob(file)
        tests = re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
        assert function in tests if function else tests


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_test_of_a_row_is_made_in_both_dialects(row: Row, request: pytest.FixtureRequest) -> None:
    """Among the tests of a whole run, the one that the page names is there once for each dialect."""
    for name in quoted(row.test):
        file, _, function = name.partition("::")
        found = [
            item.name
            for item in request.session.items
            if item.path.name == file and item.name.partition("[")[0] == function
        ]
        if not found:
            pytest.skip(f"{name} is not a part of this run")
        for dialect in DIALECTS:
            assert any(dialect in each for each in found), (name, dialect)


def test_commands_of_the_rows_are_there() -> None:
    """A command that the page names can be typed."""
    for words in {words for row in ROWS for words in quoted(row.commands)}:
        command: click.Command | None = cli
        for word in words.split():
            assert isinstance(command, click.Group), words
            command = command.commands.get(word)
        assert command is not None, words
