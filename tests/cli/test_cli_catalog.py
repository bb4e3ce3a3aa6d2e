"""Looking at catalogs: which one is meant, what is shown of it, and what is said where there is none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from feedwatch.cli import cli
from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.model import Validators
from feedwatch.errors import FeedwatchError, StoreMissing
from feedwatch.store.catalog import CatalogOrigin
from feedwatch.store.catalog_place import catalog_place
from feedwatch.store.catalog_writing import write_catalog

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
ORIGIN = CatalogOrigin("/catalog/titles/index", "http://a.example:80", Validators(), AT)
HERE, THERE = "https://a.example", "https://b.example"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Jane and Joe at one server, Jim at another, and news at none; nobody's secrets can be had."""
    person = {"service": "netflix", "consumer_key": "${NOWHERE}", "consumer_secret": "${NOWHERE}"}
    accounts = {
        "jane": {**person, "url": HERE},
        "joe": {**person, "url": f"{HERE}/"},
        "jim": {**person, "url": THERE},
        "news": {"service": "feeds", "feeds": {"lwn": "https://lwn.example/rss"}},
    }
    path = tmp_path / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"state": "feedwatch.db", "accounts": accounts}))
    return path


def keep(config: Path, server: str, *names: str) -> None:
    titles = [
        IndexedTitle(
            f"{server}/catalog/titles/movies/{number}", name, 1990 + number, ("Ada", "Bo", "Cy", "Di")
        )
        for number, name in enumerate(names)
    ]
    write_catalog(catalog_place(config.with_name("feedwatch.db"), server), titles, ORIGIN)


def catalog(config: Path, *words: str) -> str:
    done = CliRunner().invoke(cli, ["--config", str(config), "catalog", *words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


def names_of(lines: str) -> Sequence[str]:
    return [json.loads(line)["title"] for line in lines.splitlines()]


def test_what_is_found_stands_in_a_table(config: Path) -> None:
    """Title, year, the first of the people, and what to type for it; in a pipe without anything else."""
    keep(config, HERE, "Alien", "Aliens")
    assert catalog(config, "search", "alien").splitlines() == [
        "TITLE   YEAR  PEOPLE          ID",
        "Alien   1990  Ada, Bo, Cy, …   0",
        "Aliens  1991  Ada, Bo, Cy, …   1",
    ]
    assert catalog(config, "search", "alien", "--limit", "1").count("\n") == 2
    assert catalog(config, "search", "nobody") == "no title, person or year begins like that: nobody\n"


def test_a_row_in_json_has_all_that_is_known(config: Path) -> None:
    """Its keys are those of the documentation, in their order."""
    keep(config, HERE, "Alien")
    documented = (
        (Path(__file__).parents[2] / "docs" / "commands.md").read_text().split("### catalog search")[1]
    )
    example = json.loads(documented.split("```json\n")[1].split("\n")[0])
    (row,) = (json.loads(line) for line in catalog(config, "search", "--json", "alien").splitlines())
    assert list(row) == list(example)
    assert row["ref"] == f"{HERE}/catalog/titles/movies/0"


def test_accounts_of_one_server_share_a_catalog(config: Path) -> None:
    """Whoever of them is named, and with nobody named as long as there is one."""
    keep(config, HERE, "Alien")
    for words in ((), ("--account", "jane"), ("--account", "joe")):
        assert names_of(catalog(config, "search", "--json", *words, "alien")) == ["Alien"]


def test_of_two_catalogs_one_has_to_be_named(config: Path) -> None:
    """It is said how."""
    keep(config, HERE, "Alien")
    keep(config, THERE, "Alien Nation")
    with pytest.raises(FeedwatchError, match="--account jane or --account jim"):
        catalog(config, "search", "alien")
    assert names_of(catalog(config, "search", "--json", "--account", "jim", "alien")) == ["Alien Nation"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--account", "jain"), "Did you mean jane"),
        (("--account", "news"), "its service is not netflix"),
        (("--account", "joe"), "catalog sync"),
        ((), "catalog sync"),
    ],
)
def test_where_there_is_none_it_is_said_why(config: Path, words: Sequence[str], said: str) -> None:
    """No such account, none with a catalog, or none synced yet; and nothing is made."""
    with pytest.raises(FeedwatchError, match=said):
        catalog(config, "search", *words, "alien")
    assert [each.name for each in config.parent.iterdir()] == ["config.yaml"]


def test_status_says_which_there_are_and_since_when(config: Path) -> None:
    """A line for each server; what has not been synced is said by nothing."""
    keep(config, HERE, "Alien", "Aliens")
    jane, jim = (json.loads(line) for line in catalog(config, "status", "--json").splitlines())
    assert {**jane, "bytes": 0} == {
        "account": "jane",
        "titles": 2,
        "full": False,
        "synced_at": "2026-11-26T12:00:00Z",
        "bytes": 0,
    }
    assert jane["bytes"] > 0
    assert jim == {"account": "jim", "titles": None, "full": None, "synced_at": None, "bytes": None}


def test_without_any_account_at_such_a_server_it_is_said(tmp_path: Path) -> None:
    """There is nothing to search."""
    path = tmp_path / "config.yaml"
    path.touch(mode=0o600)
    path.write_text("state: feedwatch.db\n")
    with pytest.raises(FeedwatchError, match="no account"):
        catalog(path, "search", "alien")


def test_a_missing_catalog_is_no_missing_state(config: Path) -> None:
    """It says what to type, and it is not `feedwatch run`."""
    with pytest.raises(StoreMissing) as missing:
        catalog(config, "search", "alien")
    assert "feedwatch run" not in str(missing.value)
