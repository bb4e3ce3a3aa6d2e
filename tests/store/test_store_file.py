"""The state's file: made safely, opened only if it is ours, and left as it is if it is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from states import FEED, START, land, listed, rows, watch

from feedwatch.errors import SchemaTooNew, StoreDamaged, StoreError, StoreLocked, StoreMissing
from feedwatch.store import Store, connection
from feedwatch.store.schema import VERSION

Open = Callable[[Path], Store]

EVERY_WAY = pytest.mark.parametrize(
    "open_store",
    [Store.open, Store.open_existing, Store.open_read_only],
    ids=["open", "open existing", "read only"],
)
LOOKING = pytest.mark.parametrize(
    "open_store", [Store.open_existing, Store.open_read_only], ids=["open existing", "read only"]
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


# ── who may read it ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("folder_mode", "mask", "expected"),
    [
        (0o700, 0o022, 0o600),
        (0o755, 0o022, 0o600),
        (0o777, 0o000, 0o600),
        (0o750, 0o022, 0o640),
        (0o770, 0o077, 0o640),
        (0o755, 0o027, 0o640),
        (0o700, 0o077, 0o600),
    ],
    ids=[
        "a folder of one's own",
        "an open folder",
        "an open folder and no umask",
        "a folder for a group",
        "a folder for a group to write in",
        "a umask for a group",
        "a umask for nobody",
    ],
)
def test_a_new_state_is_read_by_its_owner_and_at_most_a_group(
    tmp_path: Path, folder_mode: int, mask: int, expected: int
) -> None:
    """The file is 0600, and 0640 only where the folder or the umask says that it is for a group."""
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(folder_mode)
    with umask(mask), closing(Store.open(folder / "feedwatch.db")) as store:
        watch(store)
        files = {each.name: mode_of(each) for each in folder.iterdir()}
    assert files == dict.fromkeys(["feedwatch.db", "feedwatch.db-wal", "feedwatch.db-shm"], expected)


def test_folders_on_the_way_to_a_new_state_are_made(tmp_path: Path) -> None:
    """A state may lie in a folder that is not there yet; it is made for its owner alone."""
    Store.open(tmp_path / "state" / "feedwatch.db").close()
    assert mode_of(tmp_path / "state") == 0o700


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o644, 0o640), (0o666, 0o660), (0o640, 0o640), (0o600, 0o600)], ids=oct
)
def test_a_state_that_others_could_read_is_closed_to_them(path: Path, mode: int, expected: int) -> None:
    """There are tokens in a state: nobody beyond its group keeps a way in, whoever opened it."""
    Store.open(path).close()
    path.chmod(mode)
    Store.open(path).close()
    assert mode_of(path) == expected


def test_an_empty_file_that_is_taken_for_a_new_state_is_closed_to_others(path: Path) -> None:
    """A kill between making the file and filling it leaves an empty one: it is taken, and made private."""
    path.touch()
    path.chmod(0o644)
    with closing(Store.open(path)) as store:
        watch(store)
    assert mode_of(path) == 0o600


# ── opened read-only ──────────────────────────────────────────────────────────────────────────────


def test_looking_beside_a_writer_shows_what_it_has_committed(path: Path, store: Store) -> None:
    """A command that looks needs no lock, and sees each transaction once it is whole."""
    watch(store)
    with closing(Store.open_read_only(path)) as looking:
        land(store, listed("a"))
        assert [each.feed for each in looking.list_feeds()] == [FEED]
        with store.transaction() as conn:
            conn.execute("UPDATE feeds SET entry_count = 99")
            assert [each.entries for each in looking.list_feeds()] == [1]
        assert [each.entries for each in looking.list_feeds()] == [99]


def test_looking_without_a_writer_shows_the_last_state(path: Path) -> None:
    """When no daemon runs the state is as it was left."""
    with closing(Store.open(path)) as store:
        watch(store)
        land(store, listed("a", "b"))
    with closing(Store.open_read_only(path)) as looking:
        assert [each.entry.key for each in looking.list_entries(FEED) or ()] == ["a", "b"]


def test_who_looks_cannot_write(path: Path, store: Store) -> None:
    """Read-only is held by SQLite itself, not by good manners."""
    with closing(Store.open_read_only(path)) as looking, pytest.raises(StoreError, match="readonly"):
        looking.sync_accounts({"jane": "x"}, START)
    assert rows(store, "SELECT count(*) FROM accounts") == [(0,)]


NOBODY = 65534


def fork_a_looker(path: Path, go: int, answer: int) -> int:
    """Another process that waits for a byte, becomes somebody else, looks, and answers what it saw.

    Forked before the state is opened here: what SQLite keeps of open files must not go along.
    """
    child = os.fork()
    if child:
        return child
    try:
        os.read(go, 1)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        seen = ", ".join(each.feed for each in Store.open_read_only(path).list_feeds())
    except BaseException as error:  # noqa: BLE001 — whatever it is, it is the answer
        seen = repr(error)
    os.write(answer, seen.encode())
    os._exit(0)


@pytest.fixture
def group_folder() -> Iterator[Path]:
    """A folder as systemd makes one for a unit with StateDirectoryMode=0750, of another group than ours."""
    if os.getuid():
        pytest.skip("only root may be somebody else")
    folder = Path(tempfile.mkdtemp(prefix="feedwatch-"))
    os.chown(folder, -1, NOBODY)
    folder.chmod(0o2750)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("daemon_runs", [True, False], ids=["beside a daemon", "without a daemon"])
def test_another_user_of_the_group_may_look(group_folder: Path, *, daemon_runs: bool) -> None:
    """`status` works as another user of the state's group, who may write neither it nor its folder."""
    path = group_folder / "feedwatch.db"
    (go_read, go_write), (answer_read, answer_write) = os.pipe(), os.pipe()
    child = fork_a_looker(path, go_read, answer_write)
    with closing(Store.open(path)) as store:
        watch(store)
        if not daemon_runs:
            store.close()
        os.write(go_write, b"!")
        seen = os.read(answer_read, 1000).decode()
    os.waitpid(child, 0)
    for handle in (go_read, go_write, answer_read, answer_write):
        os.close(handle)
    assert seen == FEED


# ── a file that is none of ours ───────────────────────────────────────────────────────────────────


def write_text(path: Path) -> None:
    path.write_text("accounts:\n  jane:\n    service: netflix\n" * 100)


def write_short_text(path: Path) -> None:
    path.write_text("state")


def write_foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY)")
        db.execute("INSERT INTO photos VALUES (1)")
        db.commit()


def write_foreign_database_of_a_high_version(path: Path) -> None:
    write_foreign_database(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 4711")


def write_foreign_database_of_our_version(path: Path) -> None:
    write_foreign_database(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION}")


def write_marked_database_without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA application_id = 1234")


def write_state_of_a_negative_version(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = -1")


def _cut(path: Path, size: Callable[[int], int]) -> None:
    with closing(Store.open(path)) as store:
        watch(store)
        land(store, listed(*(f"k{number}" for number in range(200))))
    os.truncate(path, size(path.stat().st_size))


def write_half_a_state(path: Path) -> None:
    _cut(path, lambda size: size // 2)


def write_a_state_without_its_last_page(path: Path) -> None:
    _cut(path, lambda size: size - 4096)


def write_the_start_of_a_header(path: Path) -> None:
    _cut(path, lambda _: 50)


def write_a_header_alone(path: Path) -> None:
    _cut(path, lambda _: 100)


@EVERY_WAY
@pytest.mark.parametrize(
    "write",
    [
        write_text,
        write_short_text,
        write_foreign_database,
        write_foreign_database_of_a_high_version,
        write_foreign_database_of_our_version,
        write_marked_database_without_tables,
        write_state_of_a_negative_version,
        write_half_a_state,
        write_a_state_without_its_last_page,
        write_the_start_of_a_header,
        write_a_header_alone,
    ],
    ids=lambda write: write.__name__.removeprefix("write_").replace("_", " "),
)
def test_what_is_no_sound_state_is_refused_and_left_alone(
    path: Path, open_store: Open, write: Callable[[Path], None]
) -> None:
    """A file that is not ours, or only part of one, gets a clear error and not one byte."""
    write(path)
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match=r"feedwatch\.db is (not a sound|a database, but not)"):
        open_store(path)
    assert path.read_bytes() == before
    assert mode_of(path) == 0o644


@EVERY_WAY
def test_a_state_of_a_newer_feedwatch_is_refused_and_left_alone(path: Path, open_store: Open) -> None:
    """What a newer feedwatch wrote is neither read nor written by this one, and it says what to do."""
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match=r"newer feedwatch .* update feedwatch, or name another state"):
        open_store(path)
    assert path.read_bytes() == before


@LOOKING
def test_an_empty_file_is_no_state_to_look_at(path: Path, open_store: Open) -> None:
    """Only the commands that may make a state make one of an empty file."""
    path.touch()
    with pytest.raises(StoreMissing, match=r"no state at .* has the daemon run yet"):
        open_store(path)
    assert path.read_bytes() == b""


@LOOKING
def test_no_file_is_no_state_and_stays_none(path: Path, open_store: Open) -> None:
    """Looking makes no state, and says where it looked."""
    with pytest.raises(StoreMissing, match=str(path)):
        open_store(path)
    assert list(path.parent.iterdir()) == []


@EVERY_WAY
def test_a_folder_in_the_place_of_the_state(path: Path, open_store: Open) -> None:
    """A folder under the state's name is an error that names it."""
    path.mkdir()
    with pytest.raises(StoreError, match=str(path)):
        open_store(path)


@EVERY_WAY
def test_a_file_in_the_place_of_the_folder(tmp_path: Path, open_store: Open) -> None:
    """A folder that is none is an error that names the state."""
    (tmp_path / "folder").touch()
    with pytest.raises(StoreError, match=str(tmp_path)):
        open_store(tmp_path / "folder" / "feedwatch.db")


def test_a_damaged_page_is_told_as_damage_when_it_is_met(path: Path) -> None:
    """Damage that opening cannot see is a clear error where it is read, never a wrong answer."""
    with closing(Store.open(path)) as store:
        watch(store)
        land(store, listed(*(f"k{number}" for number in range(500))))
    content = bytearray(path.read_bytes())
    content[4096 * 24 :] = b"\xff" * (len(content) - 4096 * 24)
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="not a sound"), closing(Store.open_existing(path)) as store:
        store.list_entries(FEED)


def test_a_state_under_a_name_that_a_uri_would_misread(tmp_path: Path) -> None:
    """Question marks, spaces and percent signs are parts of a name like any others."""
    odd = tmp_path / "what? 100%25 #1" / "a b?mode=rwc.db"
    with closing(Store.open(odd)) as store:
        watch(store)
    with closing(Store.open_read_only(odd)) as looking:
        assert [each.feed for each in looking.list_feeds()] == [FEED]


# ── a file that is held by another ────────────────────────────────────────────────────────────────


def test_opening_a_state_that_is_held_by_another_gives_up_in_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new state that another program locks is told to be busy after the busy time-out."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.05)
    path.touch()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreLocked, match="busy"):
            Store.open(path)
    assert path.read_bytes() == b""


def test_looking_while_another_program_holds_everything_is_busy_and_not_wrong(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locked file is never read as if it stood still."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.05)
    Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreLocked, match="busy"):
            Store.open_read_only(path)
