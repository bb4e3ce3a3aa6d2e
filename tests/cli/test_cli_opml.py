"""Subscriptions out and in again: what `opml import` prints is a configuration, whatever the file says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedwatch.cli import cli
from feedwatch.config import FeedsAccount, load_config
from feedwatch.core.model import FoundFeed, Kind
from feedwatch.opml import Opml, Outline, read_opml, write_opml
from feedwatch.store import Store

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS, max_size=20) | st.sampled_from(
    ["null", "123", "<<", "~", "yes", "a: b", "- x", "ß", "İ"]
)
ADDRESS = st.text("abc019&=?#%+;:/.~'\"<>é${}[]@ ", max_size=30).map("http://h.example/".__add__)
OTHER = st.sampled_from(["ftp://h/f", "feed://h/f", "/a/path", "http://", "http://[x/", "http://h:0/f"])
OUTLINE = st.builds(
    Outline, text=TEXT, address=ADDRESS | OTHER, kind=st.none() | st.sampled_from([*Kind, "other"])
)


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [*map(str, words)], catch_exceptions=False)


def import_into(folder: Path, outlines: list[Outline]) -> FeedsAccount:
    """Print an account for these outlines, and read it as a configuration."""
    (folder / "subs.opml").write_bytes(write_opml(outlines))
    printed = invoke("opml", "import", folder / "subs.opml", "--account", "copy")
    assert printed.exit_code == 0, printed.stderr
    file = folder / "config.yaml"
    file.write_bytes(printed.stdout_bytes)
    account = load_config(file, environ={}).accounts["copy"]
    assert isinstance(account, FeedsAccount)
    return account


@given(st.lists(OUTLINE, max_size=8, unique_by=lambda outline: outline.address))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_import_is_a_configuration(tmp_path: Path, outlines: list[Outline]) -> None:
    """Law: whatever an OPML file holds, what is printed loads, with the addresses character for character."""
    account = import_into(tmp_path, outlines)
    read = read_opml((tmp_path / "subs.opml").read_bytes())
    assert isinstance(read, Opml)
    addresses = [each.address for each in read.outlines if each.address.startswith("http://h.example/")]
    wanted = {address for address in addresses if " " not in address}
    assert {feed.url.reveal() for feed in account.feeds.values()} == wanted


def test_kinds_and_variables_are_kept(tmp_path: Path) -> None:
    """A kind comes along, a stream needs none, and `${` in an address is no variable."""
    account = import_into(
        tmp_path,
        [
            Outline("A diary", "http://h/d", kind="History"),
            Outline("News", "http://h/n?x=${HOME}", kind="stream"),
            Outline("News", "http://h/m"),
        ],
    )
    assert {name: (feed.url.reveal(), feed.kind) for name, feed in account.feeds.items()} == {
        "a-diary": ("http://h/d", Kind.HISTORY),
        "news": ("http://h/n?x=${HOME}", None),
        "news-2": ("http://h/m", None),
    }


def test_what_the_configuration_cannot_have_is_counted(tmp_path: Path) -> None:
    """Addresses of other schemes are left out, and said to be."""
    (tmp_path / "s.opml").write_bytes(write_opml([Outline("a", "ftp://h"), Outline("b", "http://h/b")]))
    printed = invoke("opml", "import", tmp_path / "s.opml")
    assert printed.stderr == "left out 1 whose address is not one of http or https\n"
    assert printed.stdout.startswith(
        "# 1 feeds of s.opml: put this into the configuration\naccounts:\n  reading:\n"
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with feeds of two accounts, one of them retired, one address kept out of the configuration."""
    (tmp_path / "config.yaml").write_text(
        "state: s.db\naccounts:\n  news: {service: feeds, feeds: {a: 'http://h/a', b: '${B}', c: 'http://h/c'}}\n"
        "  reading: {service: opml, url: x.opml}\n"
    )
    now = datetime.now(UTC)
    found = {
        "news": [FoundFeed(name, Kind.STREAM, f"http://h/{name}") for name in "abc"],
        "reading": [
            FoundFeed("a", Kind.QUEUE, "http://h/r", group="Films / Old"),
            FoundFeed("p", Kind.STREAM, "http://u:pw@h/p"),
        ],
    }
    with closing(Store.open(tmp_path / "s.db")) as store:
        store.sync_accounts(dict.fromkeys(found, "stamp"), now)
        for account, feeds in found.items():
            for known in (feeds, [feed for feed in feeds if feed.name != "c"]):
                store.record_index(
                    account, known, now=now, next_index_at=now, authoritative=True, facts={},
                    make_notices=lambda _: [], notice_addresses=(),
                )  # fmt: skip
    return tmp_path / "config.yaml"


def test_export_has_what_is_watched_under_its_account_and_groups(state: Path) -> None:
    """Retired feeds, passwords, and addresses kept out of the configuration are not exported unasked."""
    exported = invoke("--config", state, "opml", "export")
    read = read_opml(exported.stdout_bytes)
    assert isinstance(read, Opml)
    assert [(each.group, each.text, each.address, each.kind) for each in read.outlines] == [
        ("news", "a", "http://h/a", "stream"),
        ("reading / Films / Old", "a", "http://h/r", "queue"),
    ]
    assert exported.stderr == "left out 2 whose address is secret (--with-tokens takes them in)\n"


def test_export_with_tokens_has_all_that_is_watched(state: Path) -> None:
    """Asked for, secret addresses come whole."""
    exported = invoke("--config", state, "opml", "export", "--with-tokens")
    read = read_opml(exported.stdout_bytes)
    assert isinstance(read, Opml)
    assert [each.address for each in read.outlines] == [
        "http://h/a",
        "http://h/b",
        "http://h/r",
        "http://u:pw@h/p",
    ]
    assert exported.stderr == ""


def test_export_changes_nothing(state: Path) -> None:
    """What only looks writes nothing into the state."""
    with closing(sqlite3.connect(state.parent / "s.db")) as conn:
        before = list(conn.iterdump())
        invoke("--config", state, "opml", "export")
        assert list(conn.iterdump()) == before


def test_address_that_would_turn_a_terminal_around_is_written_as_numbers(tmp_path: Path) -> None:
    """A direction mark in an address is kept, and reaches no terminal as it is."""
    (tmp_path / "subs.opml").write_bytes(write_opml([Outline("a", "http://h.example/\u202egro")]))
    printed = invoke("opml", "import", tmp_path / "subs.opml").output
    assert "\u202e" not in printed
    assert "\\u202E" in printed
