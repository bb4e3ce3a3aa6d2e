"""`feedwatch backup`: a copy beside a running daemon, of one moment, whole or not there at all."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from busy import live
from states import FEED, PHONE, after, land, listed, owe, recall, watch

from feedwatch.errors import StoreDamaged, StoreError, StoreMissing
from feedwatch.store import Store, copy_state
from feedwatch.store.schema import MIGRATIONS

NOBODY = 65534


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where a copy goes."""
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "copy.db"


@pytest.mark.parametrize("daemon_runs", [True, False], ids=["beside a daemon", "without a daemon"])
def test_a_copy_is_whole_private_one_file_and_a_state(path: Path, copy: Path, *, daemon_runs: bool) -> None:
    """All that is committed is in it; it is one file of its owner's alone, and is used as a state at once."""
    with closing(Store.open(path)) as store:
        live(store)
        if not daemon_runs:
            store.close()
        size = copy_state(path, copy)
    assert (size, stat.S_IMODE(copy.stat().st_mode)) == (copy.stat().st_size, 0o600)
    assert names(copy.parent) == {"copy.db"}
    assert dump(copy) == dump(path)
    with closing(Store.open_read_only(copy)) as looking:
        assert len(looking.list_feeds()) == 3
    with closing(Store.open(copy)) as used:
        assert used.find_damage(after(9)) is None
        land(used, listed("d", "e", "f", "g"), after(9))


def test_a_copy_beside_a_busy_writer_is_of_one_moment_and_stalls_nobody(
    path: Path, copy: Path, store: Store
) -> None:
    """Lists land all the time: the copy has one of them whole, is made in one go, and no landing waits."""
    watch(store)
    lists = [listed(*(f"{letter}{number}" for number in range(400))) for letter in "ab"]
    land(store, lists[0])
    made, done = threading.Event(), threading.Event()

    def make() -> None:
        try:
            for _ in range(5):
                copy_state(path, copy, replace=True)
                with closing(Store.open_existing(copy)) as copied:
                    assert copied.find_damage(after(0)) is None
            made.set()
        finally:
            done.set()

    maker = threading.Thread(target=make)
    maker.start()
    store.hurry(0)
    landed = 0
    while not done.is_set():
        land(store, lists[landed % 2], after(landed))
        landed += 1
    maker.join()
    assert made.is_set(), "the copies are sound"
    assert landed > 0


def test_a_copy_of_an_older_version_may_be_made_before_it_is_migrated(path: Path, copy: Path) -> None:
    """Who makes a copy before an update need not start the new daemon for it."""
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
    copy_state(path, copy)
    assert dump(copy) == dump(path)


# ── never over what is there ──────────────────────────────────────────────────────────────────────


def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(path: Path, copy: Path) -> None:
    """Whatever it is; with `--force` it is replaced in one step, and only by a copy that is whole."""
    Store.open(path).close()
    copy.write_text("last year's pictures")
    with pytest.raises(StoreError, match="is there already: name another file, or say --force"):
        copy_state(path, copy)
    assert copy.read_text() == "last year's pictures"
    copy_state(path, copy, replace=True)
    assert dump(copy) == dump(path)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "to",
    [
        lambda state: state,
        lambda state: state.with_name("link.db"),
        lambda state: state.with_name(state.name + "-wal"),
        lambda state: state.with_name(state.name + "-shm"),
        lambda state: state.with_name(state.name + ".lock"),
        lambda state: state.with_name(state.name.removesuffix(".part")),
    ],
    ids=["itself", "by another name", "its log", "its index", "its lock", "its name is that of the part"],
)
def test_a_state_is_never_copied_over_itself(tmp_path: Path, to: Callable[[Path], Path]) -> None:
    """Not even with `--force`, by whatever name, nor over what lies beside it."""
    state = tmp_path / "state.db.part"
    with closing(Store.open(state)) as store:
        watch(store)
        os.link(state, tmp_path / "link.db")
        with pytest.raises(StoreError, match="is the state itself, or belongs to it"):
            copy_state(state, to(state), replace=True)
        assert [each.feed for each in store.list_feeds()] == [FEED]


def test_two_copies_of_one_name_do_not_mix(path: Path, copy: Path) -> None:
    """While one is being made another says so, and leaves it alone."""
    Store.open(path).close()
    part = copy.with_name("copy.db.part")
    with part.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another copy is being made"):
            copy_state(path, copy)
        assert part.exists()
    copy_state(path, copy)
    assert names(copy.parent) == {"copy.db"}, "what a kill has left is taken over"


def test_a_state_that_is_in_use_is_not_replaced(path: Path, copy: Path) -> None:
    """Not even if that is asked for: its log would be read into the copy, and it has more to write."""
    with closing(Store.open(path)) as store, closing(Store.open(copy)) as other:
        watch(store)
        watch(other)
        with pytest.raises(StoreError, match="is a state that is in use, or was"):
            copy_state(path, copy, replace=True)
        land(other, listed("a"))
    assert copy_state(path, copy, replace=True) == copy.stat().st_size


def test_a_copy_that_has_just_got_its_name_is_not_begun_anew(
    path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another is finished between our opening the part and our holding it: what we hold is that copy."""
    Store.open(path).close()
    part = copy.with_name("copy.db.part")
    part.write_text("a copy that is whole")
    flock = fcntl.flock

    def finish_first(handle: int, how: int) -> None:
        part.replace(copy)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", finish_first)
    with pytest.raises(StoreError, match="another copy"):
        copy_state(path, copy)
    assert copy.read_text() == "a copy that is whole"
    assert names(copy.parent) == {"copy.db"}


# ── whole or not at all ───────────────────────────────────────────────────────────────────────────


def test_a_state_that_is_not_sound_is_not_copied(path: Path, copy: Path) -> None:
    """A backup that is as damaged as the state would push out one that is not."""
    with closing(Store.open(path)) as store:
        watch(store)
        land(store, listed(*(f"k{number}" for number in range(500))))
    content = bytearray(path.read_bytes())
    content[4096 * 24 :] = b"\xff" * (len(content) - 4096 * 24)
    path.write_bytes(content)
    with pytest.raises(
        StoreDamaged, match="is not a sound feedwatch state, or none at all, so it is not copied"
    ):
        copy_state(path, copy)
    assert names(copy.parent) == set()


def test_no_state_and_a_file_that_is_none_are_told_apart(path: Path, copy: Path) -> None:
    """Nothing is copied that is not a state."""
    with pytest.raises(StoreMissing):
        copy_state(path, copy)
    path.write_text("accounts: {}\n" * 100)
    with pytest.raises(StoreDamaged, match="or none at all, so it is not copied"):
        copy_state(path, copy)
    assert names(copy.parent) == set()


def test_a_folder_that_is_missing_or_a_file_that_is_a_folder(path: Path, copy: Path) -> None:
    """Each is said by name, and no folder is made."""
    Store.open(path).close()
    with pytest.raises(StoreError, match=r"there is no folder .*nowhere"):
        copy_state(path, copy.parent / "nowhere" / "copy.db")
    with pytest.raises(StoreError, match="is a folder: name a file in it"):
        copy_state(path, copy.parent)
    assert names(copy.parent) == set()


def test_a_disk_that_is_full_leaves_nothing_half_made(path: Path, copy: Path) -> None:
    """Where the copy cannot grow any more, that is said, the file of before stays, and no part is left."""
    with closing(Store.open(path)) as store:
        watch(store)
        land(store, listed(*(f"k{number}" for number in range(2000))))
    copy.write_text("the copy of yesterday")
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            copy_state(path, copy, replace=True)
        except StoreError as error:
            os._exit(0 if "look at the disk, its room and its quota" in str(error) else 2)
        except BaseException:  # noqa: BLE001 — a forked test must never run on as another pytest
            os._exit(3)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 0
    assert names(copy.parent) == {"copy.db"}
    assert copy.read_text() == "the copy of yesterday"


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
def test_another_user_of_the_group_may_make_a_copy(group_folder: Path, *, daemon_runs: bool) -> None:
    """Who may look may copy, into a folder of his own; the copy is his alone."""
    path = group_folder / "feedwatch.db"
    own = Path(tempfile.mkdtemp(prefix="feedwatch-"))
    os.chown(own, NOBODY, NOBODY)
    (go_read, go_write) = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.read(go_read, 1)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            copy_state(path, own / "copy.db")
        except BaseException:  # noqa: BLE001 — a forked test must never run on as another pytest
            os._exit(1)
        os._exit(0)
    with closing(Store.open(path)) as store:
        watch(store)
        owe(store, "a", to=(PHONE,))
        if not daemon_runs:
            store.close()
        os.write(go_write, b"!")
        _, status = os.waitpid(child, 0)
    os.close(go_read)
    os.close(go_write)
    assert os.WEXITSTATUS(status) == 0
    with closing(Store.open_existing(own / "copy.db")) as copied:
        assert recall(copied, listed("a")).snapshot == listed("a")
    shutil.rmtree(own)
