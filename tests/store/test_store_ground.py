"""The ground under the state: full, read-only, locked, out of descriptors. No damage, and nothing is lost."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from states import FEED, PHONE, START, after, land, listed, must_claim, owe, recall, take, unchanged, watch

from feedwatch.core.model import Reason
from feedwatch.core.state import Settled, Settlement
from feedwatch.errors import StoreDamaged, StoreError, StoreLocked
from feedwatch.store import Store, rescue_state
from feedwatch.store.faults import translated

BIG = listed(*(f"k{number}" for number in range(3000)))


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def fail_with(
    code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError, text: str = "as it says"
) -> None:
    error = kind(text)
    error.sqlite_errorcode = code
    raise error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full, or a quota is used up; make room"),
        (sqlite3.SQLITE_READONLY, "read-only for this user; look at their rights, and at how it is mounted"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "was moved or deleted while it was open: put it back"),
        (sqlite3.SQLITE_CANTOPEN, r"how many files may be open \(ulimit -n, LimitNOFILE\)"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, "look at the rights of the file and of its folder"),
        (sqlite3.SQLITE_IOERR, "look at the disk, its room and its quota"),
        (sqlite3.SQLITE_IOERR_WRITE, "look at the disk, its room and its quota"),
        (sqlite3.SQLITE_PERM, "look at the rights"),
        (sqlite3.SQLITE_ERROR, "as it says"),
    ],
)
def test_what_the_ground_does_is_no_damage_and_says_what_to_do(path: Path, code: int, words: str) -> None:
    """None of these is a fault of the file: it is named, with what SQLite says, and not set aside."""
    with pytest.raises(StoreError, match=words) as caught, translated(path):
        fail_with(code)
    assert not isinstance(caught.value, StoreDamaged | StoreLocked)
    assert str(path) in str(caught.value)
    assert "as it says" in str(caught.value)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT])
def test_a_lock_is_an_error_of_its_own(path: Path, code: int) -> None:
    """Another program writes: that passes by itself."""
    with pytest.raises(StoreLocked, match="another program is writing to it"), translated(path):
        fail_with(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError),
        (sqlite3.SQLITE_CORRUPT_INDEX, sqlite3.DatabaseError),
        (sqlite3.SQLITE_NOTADB, sqlite3.DatabaseError),
        (sqlite3.SQLITE_CORRUPT, sqlite3.OperationalError),
    ],
)
def test_damage_is_an_error_of_its_own(path: Path, code: int, kind: type[sqlite3.Error]) -> None:
    """No waiting mends it."""
    with pytest.raises(StoreDamaged, match="is not a sound feedwatch state"), translated(path):
        fail_with(code, kind)


def test_a_text_that_is_none_is_damage_and_is_not_shown(path: Path, store: Store) -> None:
    """A flipped byte may have made anything of it: not even a log line has it."""
    watch(store)
    with store.transaction() as conn:
        conn.execute("UPDATE feeds SET detail = CAST(x'73656372657480' AS TEXT)")
    with pytest.raises(StoreDamaged, match="a text in it is none") as caught:
        store.list_feeds()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("becomes", ["nothing", "another"])
def test_a_state_whose_name_leads_elsewhere_is_written_no_more(
    path: Path, store: Store, becomes: str
) -> None:
    """Deleted or replaced while it is open: what is written there would be gone at the next start, unsaid."""
    watch(store)
    land(store, listed("a"))
    elsewhere = path.with_name("elsewhere.db")
    path.rename(elsewhere)
    if becomes == "another":
        path.touch()
    with pytest.raises(StoreError, match="was moved or deleted while it was open: put it back") as caught:
        land(store, listed("a", "b"), after(1))
    assert not isinstance(caught.value, StoreDamaged | StoreLocked)
    elsewhere.rename(path)
    land(store, listed("a", "b"), after(1))
    assert recall_keys(store) == ["a", "b"]


# ── the real thing ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Not a page more."""
    (pages,) = store.query("PRAGMA page_count")[0]
    store.query(f"PRAGMA max_page_count = {pages}")
    yield
    store.query("PRAGMA max_page_count = 1073741823")


@contextmanager
def read_only_disk(store: Store) -> Iterator[None]:
    """No write at all; rights would not do, for they do not stop root, who may run this."""
    store.query("PRAGMA query_only = 1")
    yield
    store.query("PRAGMA query_only = 0")


@contextmanager
def held_by_another(store: Store) -> Iterator[None]:
    """Another program that writes and does not end."""
    store.hurry(0)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with store.without_waiting():
            yield
        other.execute("ROLLBACK")


GROUNDS = pytest.mark.parametrize("take_away", [full_disk, read_only_disk, held_by_another])


@GROUNDS
def test_nothing_is_lost_while_the_ground_is_away(
    path: Path, store: Store, take_away: Callable[[Store], Iterator[None]]
) -> None:
    """A list that cannot be written lands later with all it owes; what was known stays, and is sound."""
    watch(store)
    owe(store, "a")
    task = take(store, now=after(1))
    with take_away(store):  # type: ignore[attr-defined]
        with pytest.raises(StoreError) as caught:
            owe(store, *(f"k{number}" for number in range(3000)), at=after(2))
        assert not isinstance(caught.value, StoreDamaged)
        assert recall_keys(store) == ["a"]
    assert store.record_unchanged([unchanged(task, after(3))]) in ((), (task.feed_id,))
    owe(store, "a", "b", at=after(4))
    claimed = must_claim(store, after(5))
    assert store.settle_message(claimed, Settlement(Settled.DELIVERED), after(5))
    assert claimed.deliveries == 3
    assert [each for each in store.inspect(after(6)) if each.problem] == []
    assert rescue_state(path, after(6), lambda _: pytest.fail("no damage")) is None


def recall_keys(store: Store) -> list[str]:
    return [each.entry.key for each in store.list_entries(FEED) or ()]


def in_child(work: Callable[[], None]) -> int:
    """Do something in another process, whose limits are its own; its exit status, 0 if nothing was raised."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001 — a forked test must never run on as another pytest
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status)


def test_a_file_that_may_not_grow_is_told_and_can_go_on(path: Path) -> None:
    """The limit of a quota or a disk, by the system itself: an error in words, and then all is well again."""

    def work() -> None:
        with closing(Store.open(path)) as store:
            watch(store)
            land(store, listed("a"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
            with pytest.raises(StoreError, match="look at the disk, its room and its quota"):
                land(store, BIG, after(1))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            land(store, BIG, after(2))

    assert in_child(work) == 0
    with closing(Store.open_existing(path)) as store:
        assert len(recall_keys(store)) == 3000
        assert store.find_damage(after(3)) is None


def test_out_of_file_descriptors_is_told_and_no_damage(path: Path) -> None:
    """Opening needs some: without, it says so, touches nothing, and works once there are some again."""
    with closing(Store.open(path)) as store:
        watch(store)

    def work() -> None:
        most = len(list(Path("/proc/self/fd").iterdir()))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        held = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        for open_store in (Store.open, Store.open_existing, Store.open_read_only):
            with pytest.raises(StoreError, match="how many files may be open") as caught:
                open_store(path)
            assert not isinstance(caught.value, StoreDamaged)
        with pytest.raises(StoreError) as caught:
            rescue_state(path, START, lambda _: pytest.fail("no damage"))
        assert not isinstance(caught.value, StoreDamaged)
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with closing(Store.open(path)) as store:
            owe(store, "a", to=(PHONE,))

    assert in_child(work) == 0
    assert names(path.parent) == {path.name}


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_state_that_may_not_be_written_is_told_by_rights(path: Path, what: str) -> None:
    """As a user who may only read: run says what is read-only and touches nothing; looking works."""
    if os.getuid():
        pytest.skip("only root may become somebody whom rights stop")
    with closing(Store.open(path)) as store:
        watch(store)
    for each in path.parents:
        if each.stat().st_mode & 0o007 == 0o000 and each != path.parent:
            each.chmod(each.stat().st_mode | 0o001)
    path.parent.chmod(0o755 if what == "folder" else 0o777)
    path.chmod(0o666 if what == "folder" else 0o444)

    def work() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with pytest.raises(StoreError) as caught, closing(Store.open(path)) as store:
            store.rest_host("a.example", START, Reason.RATE_LIMITED)
        assert not isinstance(caught.value, StoreDamaged)
        assert "rights" in str(caught.value), str(caught.value)
        with closing(Store.open_read_only(path)) as looking:
            assert len(looking.list_feeds()) == 1

    assert in_child(work) == 0
    with closing(Store.open(path)) as store:
        assert recall(store, listed()).snapshot is None
