"""A damaged state is set aside and named, never overwritten; what is none of ours is left alone."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from busy import live
from states import FEED, PHONE, after, land, listed, must_claim, recall, rows, watch

from feedwatch.core.model import Notice, NoticeKind
from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError
from feedwatch.store import Store, rescue, rescue_state
from feedwatch.store.schema import APPLICATION_ID, VERSION

NOW = after(0)
ASIDE = "feedwatch.db.damaged-20261101T120000Z"


def announce(aside: Path) -> tuple[Notice, Sequence[str]]:
    return Notice(NoticeKind.STATE_DAMAGED, NOW, reason=str(aside)), [PHONE]


def names(folder: Path) -> set[str]:
    """What lies there, but for what SQLite leaves behind to share with others and holds nothing."""
    left = [each for each in folder.iterdir() if not each.name.endswith("-shm")]
    return {each.name for each in left if each.stat().st_size or not each.name.endswith("-wal")}


def make_state(path: Path, length: int = 300) -> None:
    """A state that nobody has open, with a list and what is owed."""
    with closing(Store.open(path)) as store:
        live(store)
        land(store, listed(*(f"k{number}" for number in range(length))), after(9))


def is_told(path: Path) -> list[str]:
    """What the new state owes to the phone, and nothing else."""
    with closing(Store.open_existing(path)) as store:
        assert store.list_feeds() == ()
        claimed = must_claim(store)
        (reason,) = rows(store, "SELECT reason FROM notices")[0]
        return [claimed.body, reason]


# ── what is damaged ───────────────────────────────────────────────────────────────────────────────


def cut_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_last_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def cut_to_header(path: Path) -> None:
    os.truncate(path, 100)


def flip_in_magic(path: Path) -> None:
    flip(path, 3)


def overwrite_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 30] = os.urandom(4096 * 24)
    path.write_bytes(content)


def change(sql: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(sql)

    damage.__name__ = sql[:40]
    return damage


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 0x41]))


def rewrite_schema(old: bytes, new: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    damage.__name__ = f"{old!r} is {new!r} in the schema"
    return damage


DAMAGES = [
    rewrite_schema(b"feeds (id)", b"feeds (ad)"),
    rewrite_schema(b"CREATE TABLE departed", b"CREATE TABLE \xd4eparted"),
    rewrite_schema(b"WITHOUT ROWID", b"WITHOUT ROWIT"),
    cut_half,
    cut_last_page,
    cut_to_header,
    flip_in_magic,
    overwrite_pages,
    change("DROP TABLE departed"),
    change("UPDATE feeds SET state = 'odd'"),
    change("UPDATE feeds SET next_poll_at = 'soon'"),
    change("UPDATE entries SET title = 'another' WHERE key = 'k7'"),
    change("DELETE FROM changes"),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__.replace("_", " "))
def test_a_damaged_state_is_set_aside_as_it_is(path: Path, damage: Callable[[Path], None]) -> None:
    """It goes by another name, byte for byte; a new one takes its place, and owes one notice of it."""
    make_state(path)
    damage(path)
    before = path.read_bytes()
    rescued = rescue_state(path, NOW, announce)
    assert rescued is not None
    aside, problem = rescued
    assert (aside, bool(problem)) == (path.with_name(ASIDE), True)
    assert aside.read_bytes() == before
    assert names(path.parent) == {path.name, ASIDE}
    assert is_told(path) == ["state_damaged", str(aside)]
    assert rescue_state(path, NOW, announce) is None, "once is enough"


def test_a_sound_state_is_left_as_it_is(path: Path) -> None:
    """However much has happened in it: not a byte changes, and there is nothing to tell."""
    make_state(path)
    before = path.read_bytes()
    assert rescue_state(path, NOW, announce) is None
    assert path.read_bytes() == before
    assert names(path.parent) == {path.name}


def test_no_state_and_an_empty_one_are_no_damage(path: Path) -> None:
    """The first start, and a start after a kill between making the file and filling it."""
    assert rescue_state(path, NOW, announce) is None
    path.touch()
    assert rescue_state(path, NOW, announce) is None
    assert names(path.parent) == {path.name}


@pytest.mark.parametrize("is_gone", [False, True], ids=["empty", "gone"])
def test_a_state_cut_to_nothing_beside_its_log_is_noticed(path: Path, *, is_gone: bool) -> None:
    """SQLite would throw the log away: it is refused by all, and the daemon sets both aside."""
    store = Store.open(path)
    live(store)
    log = path.with_name(path.name + "-wal").read_bytes()
    store.close()
    path.unlink() if is_gone else os.truncate(path, 0)
    path.with_name(path.name + "-wal").write_bytes(log)
    for open_store in (Store.open, Store.open_existing, Store.open_read_only):
        with pytest.raises(StoreDamaged, match="it is empty, but its log is not"):
            open_store(path)
    assert path.with_name(path.name + "-wal").read_bytes() == log
    rescued = rescue_state(path, NOW, announce)
    assert rescued is not None
    assert rescued[0].with_name(ASIDE + "-wal").read_bytes() == log
    assert rescued[0].exists() == (not is_gone)
    assert is_told(path) == ["state_damaged", str(rescued[0])]


def test_a_state_cut_to_nothing_is_noticed_through_a_link_too(path: Path) -> None:
    """Its log lies beside the file, and not beside the link: SQLite would throw it away there."""
    store = Store.open(path)
    live(store)
    log = path.with_name(path.name + "-wal").read_bytes()
    store.close()
    os.truncate(path, 0)
    path.with_name(path.name + "-wal").write_bytes(log)
    link = path.with_name("link.db")
    link.symlink_to(path)
    for open_store in (Store.open, Store.open_existing, Store.open_read_only):
        with pytest.raises(StoreDamaged, match="it is empty, but its log is not"):
            open_store(link)
    assert path.with_name(path.name + "-wal").read_bytes() == log


def test_what_lies_beside_a_damaged_state_goes_with_it(path: Path) -> None:
    """A log is part of its database: by the new name it is found where SQLite looks for it."""
    make_state(path)
    flip_in_magic(path)
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    log.write_bytes(b"log")
    index.write_bytes(b"index")
    rescue_state(path, NOW, announce)
    assert names(path.parent) == {path.name, ASIDE, ASIDE + "-wal"}
    assert path.with_name(ASIDE + "-shm").exists()
    assert path.with_name(ASIDE + "-wal").read_bytes() == b"log"


def test_names_that_are_taken_are_not_taken_again(path: Path) -> None:
    """Two damages within a second, or a file of somebody else's by that name: all of them stay."""
    for _ in range(3):
        make_state(path)
        flip_in_magic(path)
        assert rescue_state(path, NOW, announce)
        path.unlink()
    assert names(path.parent) == {ASIDE, ASIDE + "-2", ASIDE + "-3"}


HEADER_FIELDS = (0, 15, 16, 18, 19, 20, 21, 24, 28, 35, 39, 43, 47, 55, 59, 60, 63, 67, 68, 71, 95, 99)
EVERYWHERE = [
    *HEADER_FIELDS,
    *range(100, 4096 * 40, 4096 * 5 + 37),
    *(
        pytest.param(at, marks=pytest.mark.long)
        for at in (*(set(range(100)) - set(HEADER_FIELDS)), *range(100, 4096 * 40, 499))
    ),
]


@pytest.mark.parametrize("at", EVERYWHERE)
def test_one_byte_flipped_is_never_a_wrong_answer(template: bytes, path: Path, at: int) -> None:
    """Wherever it is: the state is set aside, or refused and left alone, or reads as it was written."""
    path.write_bytes(template)
    flip(path, at)
    before = path.read_bytes()
    try:
        rescued = rescue_state(path, NOW, announce)
    except StoreError:
        assert path.read_bytes() == before
        assert names(path.parent) == {path.name}
        return
    if rescued:
        assert rescued[0].read_bytes() == before
        return
    with closing(Store.open_existing(path)) as store:
        assert recall(store, listed("k1")).snapshot == listed(*(f"k{number}" for number in range(300)))
        assert [each.feed for each in store.list_feeds()] == [FEED, "jane/ratings", "jane/broken"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A state as a file's content."""
    path = tmp_path_factory.mktemp("template") / "feedwatch.db"
    make_state(path)
    return path.read_bytes()


# ── what is none of ours, or not to blame ─────────────────────────────────────────────────────────


def write_text(path: Path) -> None:
    path.write_text("accounts: {}\nfeeds: []\n" * 100)


def write_foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY)")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID ^ 1}")


def write_newer_state(path: Path) -> None:
    make_state(path)
    change(f"PRAGMA user_version = {VERSION + 1}")(path)


def write_damaged_foreign_database(path: Path) -> None:
    write_foreign_database(path)
    cut_to_header(path)


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (write_text, StoreDamaged),
        (write_foreign_database, StoreDamaged),
        (write_damaged_foreign_database, StoreDamaged),
        (write_newer_state, SchemaTooNew),
        (Path.mkdir, StoreError),
    ],
    ids=["a text", "a database of others", "a damaged database of others", "a newer state", "a folder"],
)
def test_what_is_none_of_ours_is_refused_and_left_alone(
    path: Path, write: Callable[[Path], None], error: type[StoreError]
) -> None:
    """A start that was given another file by mistake says so, and touches nothing."""
    write(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(error, match=r"feedwatch\.db"):
        rescue_state(path, NOW, announce)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert names(path.parent) == {path.name}


def test_a_state_that_another_program_holds_is_no_damaged_one(path: Path) -> None:
    """Busy is busy: nothing is set aside because somebody else writes."""
    make_state(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("feedwatch.store.connection.BUSY_TIMEOUT", 0.05)
            with pytest.raises(StoreError, match="is busy"):
                rescue_state(path, NOW, announce)
    assert names(path.parent) == {path.name}


def test_a_file_of_another_name_is_not_cleared_away(path: Path) -> None:
    """Only what a kill has left is: a copy that somebody calls like the state and `.new-` is not ours."""
    make_state(path)
    theirs = path.with_name(path.name + ".new-version")
    theirs.write_bytes(b"a copy")
    assert rescue_state(path, NOW, announce) is None
    assert theirs.read_bytes() == b"a copy"


# ── a kill in the middle ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kill_at", range(4))
def test_a_kill_in_the_middle_loses_neither_the_state_nor_the_notice(path: Path, kill_at: int) -> None:
    """Before each change of a name in turn: the next start finishes what was begun."""
    make_state(path)
    flip_in_magic(path)
    path.with_name(path.name + "-wal").write_bytes(b"log")
    before = path.read_bytes()
    _rescue_and_die(path, kill_at)
    rescue_state(path, after(5), announce)
    aside = next(each for each in path.parent.iterdir() if each.name.endswith("Z"))
    assert aside.read_bytes() == before
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"log"
    assert names(path.parent) == {path.name, aside.name, aside.name + "-wal"}
    assert is_told(path) == ["state_damaged", str(aside)]


def _rescue_and_die(path: Path, kill_at: int) -> None:
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or kill_at == 3
        return
    renames = 0
    rename = Path.rename

    def count(each: Path, to: Path) -> Path:
        nonlocal renames
        if renames == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        renames += 1
        return rename(each, to)

    Path.rename = count  # type: ignore[assignment,method-assign]
    try:
        rescue.rescue_state(path, NOW, announce)
    finally:
        os._exit(0)


def test_a_state_that_is_sound_again_wins_over_what_was_begun(path: Path) -> None:
    """Who put a backup in its place after the kill gets that one; what was begun is cleared away."""
    make_state(path)
    flip_in_magic(path)
    _rescue_and_die(path, 0)
    make_state(path.with_name("backup.db"))
    path.with_name("backup.db").replace(path)
    assert rescue_state(path, after(5), announce) is None
    assert names(path.parent) == {path.name}
    with closing(Store.open(path)) as store:
        watch(store)
        assert recall(store, listed("k1")).snapshot is not None
