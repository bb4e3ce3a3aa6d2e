"""`backup` and `check --deep` as they are typed, and what is said where a state is damaged."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from running import Ran, run

from feedwatch.cli import _run_command, cli
from feedwatch.core.model import FoundFeed, Kind
from feedwatch.store import Store

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a secret that cannot be had, and a state with one feed."""
    file = tmp_path / "config.yaml"
    file.touch(mode=0o600)
    file.write_text("state: feedwatch.db\ntargets:\n  phone: ntfy://ntfy.sh/${NO_SUCH_SECRET}\n")
    with closing(Store.open(tmp_path / "feedwatch.db")) as store:
        store.sync_accounts({"jane": "x"}, NOW)
        store.record_index(
            "jane",
            [FoundFeed("queue", Kind.QUEUE, "http://lists.example/queue")],
            now=NOW,
            next_index_at=NOW,
            authoritative=False,
            facts={},
            make_notices=lambda _: (),
            notice_addresses=(),
        )
    return file


def ask(config: Path, *words: str | Path) -> Ran:
    done = CliRunner().invoke(cli, ["--config", str(config), *map(str, words)], prog_name="feedwatch")
    return Ran(done.exit_code, done.stdout, done.stderr)


Type = Callable[..., Ran]


@pytest.fixture(name="enter")
def fixture_enter(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type a command, to its exit status and what is said of errors, within this process."""

    def enter(*words: str | Path) -> Ran:
        monkeypatch.chdir(config.parent)
        monkeypatch.setattr(sys, "argv", ["feedwatch", "--config", str(config), *map(str, words)])
        status = _run_command()
        return Ran(status, *capsys.readouterr())

    return enter


def break_state(config: Path, sql: str) -> None:
    with closing(sqlite3.connect(config.with_name("feedwatch.db"))) as db, db:
        db.execute(sql)


def test_backup_says_what_it_has_done(config: Path, tmp_path: Path) -> None:
    """Without a secret of the configuration, and without a daemon; what it made is a state."""
    ran = ask(config, "backup", tmp_path / "copy.db")
    assert ran.status == 0
    assert ran.out == f"{tmp_path}/feedwatch.db is copied to {tmp_path}/copy.db (0.2 MB)\n"
    config.write_text("state: copy.db\n")
    assert "jane/queue" in ask(config, "status").out


def test_backup_replaces_a_file_only_where_that_is_asked_for(
    config: Path, enter: Type, tmp_path: Path
) -> None:
    """The error says how."""
    (tmp_path / "copy.db").write_text("something")
    ran = enter("backup", tmp_path / "copy.db")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        f"error: {tmp_path}/copy.db is there already: name another file, or say --force to replace it\n"
    )
    assert ask(config, "backup", "--force", tmp_path / "copy.db").status == 0


def test_check_deep_has_a_row_for_each_rule_and_asks_nobody(config: Path) -> None:
    """No secret is needed, no account and no feed is reached."""
    ran = ask(config, "check", "--deep", "--json")
    assert ran.status == 0
    assert {row["subject"] for row in ran.rows} >= {"state: file", "state: references", "state: lists"}
    assert all(row["ok"] and row["problem"] is None for row in ran.rows)
    assert [list(row) for row in ran.rows] == [["subject", "ok", "problem"]] * len(ran.rows)


def test_check_deep_names_what_is_broken(config: Path, enter: Type) -> None:
    """In a table, with status 1."""
    break_state(config, "UPDATE feeds SET state = 'odd', entry_count = 3")
    ran = enter("check", "--deep")
    assert ran.status == 1
    assert "a word that feedwatch does not know stands in feeds.state" in ran.out
    rows = {row["subject"]: row["problem"] for row in ask(config, "check", "--deep", "--json").rows}
    assert rows["state: entry count"] == "the count of a list is not how many entries it has: jane/queue"


@pytest.mark.parametrize("how", ["cut", "other"])
def test_check_deep_says_what_cannot_be_opened(config: Path, how: str) -> None:
    """A file that is cut short, or none of ours, is one row."""
    state = config.with_name("feedwatch.db")
    state.write_bytes(state.read_bytes()[:5000] if how == "cut" else b"other" * 1000)
    ran = ask(config, "check", "--deep", "--json")
    (row,) = [row for row in ran.rows if not row["ok"]]
    assert "feedwatch.db is not a sound feedwatch state" in row["problem"]


def test_check_deep_asks_nobody_so_it_cannot_send_a_test(config: Path) -> None:
    """The two are asked for one by one."""
    ran = ask(config, "check", "--deep", "--notify")
    assert ran.status == 2
    assert "without --notify" in ran.err


def test_check_deep_without_a_state_says_where_it_looked(config: Path, enter: Type, tmp_path: Path) -> None:
    """It makes none."""
    config.write_text("state: nowhere.db\n")
    ran = enter("check", "--deep")
    assert (ran.status, ran.out) == (1, "")
    assert "no state at" in ran.err
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize("words", [["status"], ["changes"], ["outbox", "retry"], ["backup", "copy.db"]])
def test_commands_say_how_to_go_on_and_touch_nothing(
    config: Path, enter: Type, words: list[str], tmp_path: Path
) -> None:
    """A damaged state is set aside by the daemon alone; everybody else says so."""
    state = config.with_name("feedwatch.db")
    state.write_bytes(state.read_bytes()[:5000])
    before = state.read_bytes()
    ran = enter(*words)
    assert ran.status == 1
    assert "is not a sound feedwatch state" in ran.err
    assert "`feedwatch run` sets a damaged state aside when it starts, and begins a new one" in ran.err
    assert state.read_bytes() == before
    assert not list(tmp_path.glob("*.damaged-*"))


def test_daemon_leaves_a_file_alone_that_is_none_of_ours(config: Path, tmp_path: Path) -> None:
    """A name mistaken in the configuration costs nobody a file."""
    config.write_text("state: pictures.db\n")
    with closing(sqlite3.connect(tmp_path / "pictures.db")) as db, db:
        db.execute("CREATE TABLE pictures (id INTEGER PRIMARY KEY)")
    before = (tmp_path / "pictures.db").read_bytes()
    ran = run("--config", config, "run", folder=tmp_path)
    assert ran.status == 1
    assert "is a database, but not of feedwatch" in ran.err
    assert "so it is left alone: name another state, or move it away" in ran.err
    assert (tmp_path / "pictures.db").read_bytes() == before
    assert not list(tmp_path.glob("*.damaged-*"))
