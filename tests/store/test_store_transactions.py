"""Writing: one door, one transaction, all of it or none, whoever else writes and whatever dies."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from states import (
    PHONE,
    QUEUE,
    START,
    added,
    after,
    always,
    believing,
    claim,
    entry,
    failed,
    index,
    land,
    land_one,
    listed,
    must_claim,
    owe,
    removed,
    reply,
    rows,
    tell,
    unchanged,
    watch,
)

from feedwatch.core.messages import Markup
from feedwatch.core.model import FeedState, Kind, Notice, NoticeKind, Reason
from feedwatch.core.state import (
    ClaimedMessage,
    Planned,
    PollDecision,
    PollTask,
    Settled,
    Settlement,
    SignIn,
    Verdict,
)
from feedwatch.errors import StoreError, StoreLocked
from feedwatch.store import Store, connection

NOTICE = Notice(NoticeKind.TEST, START)
SIGN_IN = SignIn("jane", "its application", "T1", "a token", "its secret", START)


@dataclass(frozen=True)
class Scene:
    """A state with something of everything: a taken poll, a claim, what is owed, what is dead."""

    store: Store
    task: PollTask
    claim: ClaimedMessage

    def settle(self, settlement: Settlement) -> bool:
        return self.store.settle_message(self.claim, settlement, after(2))

    def record_polls(self) -> object:
        """A list in which everything happens at once."""
        came = listed("b", "c", "d2")
        decision = believing(
            came,
            after(3),
            changes=(added("c"), removed("a")),
            deliveries=(Planned(0, PHONE), Planned(1, PHONE), Planned(1, "mail/1")),
            departed=(entry("gone"),),
            rekeyed={"d2": "d"},
            notice=NOTICE,
            notice_addresses=(PHONE,),
        )
        return land_one(self.store, self.task, reply(came, after(3)), always(decision))

    def record_index_failure(self) -> None:
        self.store.record_index_failure(
            "jane",
            now=START,
            next_index_at=after(1),
            reason=Reason.TIMEOUT,
            detail="",
            notice=NOTICE,
            notice_addresses=(PHONE,),
        )


WRITES: dict[str, Callable[[Scene], object]] = {
    "sync_accounts": lambda s: s.store.sync_accounts({"jane": "new", "joe": "x"}, START),
    "ask_index": lambda s: s.store.ask_index("jane", after(1)),
    "record_index": lambda s: index(s.store, authoritative=True, facts={"user_id": "7"}),
    "record_index_failure": Scene.record_index_failure,
    "record_sign_in": lambda s: s.store.record_sign_in(replace(SIGN_IN, at=after(1))),
    "forget_sign_in": lambda s: s.store.forget_sign_in("jane"),
    "take_polls": lambda s: s.store.take_polls(after(60)),
    "postpone_polls": lambda s: s.store.postpone_polls([(s.task, after(99))]),
    "record_polls": Scene.record_polls,
    "record_unchanged": lambda s: s.store.record_unchanged(
        [unchanged(s.task, notice=NOTICE, notice_addresses=(PHONE,), moved_to="http://new.example")]
    ),
    "record_failures": lambda s: s.store.record_failures(
        [failed(s.task, notice=NOTICE, notice_addresses=(PHONE,))]
    ),
    "take_baseline_notice": lambda s: s.store.take_baseline_notice(START, [PHONE]),
    "rest_host": lambda s: s.store.rest_host("lists.example", after(5), Reason.RATE_LIMITED),
    "sync_addresses": lambda s: s.store.sync_addresses([], START),
    "claim_message": lambda s: claim(s.store, START, address="mail/1"),
    "settle delivered": lambda s: s.settle(Settlement(Settled.DELIVERED)),
    "settle again": lambda s: s.settle(Settlement(Settled.AGAIN, after(9), Reason.UNREACHABLE)),
    "settle set apart": lambda s: s.settle(Settlement(Settled.SET_APART, reason=Reason.REFUSED)),
    "settle dead": lambda s: s.settle(Settlement(Settled.DEAD, reason=Reason.GAVE_UP)),
    "release_claims": lambda s: s.store.release_claims(lambda _: False, START),
    "retry_messages": lambda s: s.store.retry_messages(None, START),
    "drop_messages": lambda s: s.store.drop_messages([s.claim.id], START),
    "hasten_polls": lambda s: s.store.hasten_polls(
        timedelta(hours=1), START - timedelta(minutes=5), timedelta(minutes=5)
    ),
    "prune": lambda s: s.store.prune(after(10_000), timedelta(days=1)),
}
EVERY_WRITE = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state to start from, made once."""
    path = tmp_path_factory.mktemp("template") / "feedwatch.db"
    with closing(Store.open(path)) as store:
        watch(store)
        land(store, listed("a"), verdict=Verdict.BASELINE)
        owe(store, "a", "b", "d", to=(PHONE, "mail/1", "old/1"))
        store.sync_addresses([PHONE, "mail/1"], START)
        must_claim(store, owner="a process that is gone")
        store.rest_host("old.example", START, Reason.RATE_LIMITED)
        store.record_sign_in(SIGN_IN)
    return path


@pytest.fixture
def path(tmp_path: Path, template: Path) -> Path:
    """A fresh copy of it."""
    return Path(shutil.copy(template, tmp_path / "feedwatch.db"))


@contextmanager
def scene_of(path: Path) -> Iterator[Scene]:
    """Open it; what a process has in hand is read from it without a write."""
    with closing(Store.open(path)) as store:
        (row,) = store.query("SELECT * FROM messages WHERE state = 'claimed'")
        held = ClaimedMessage(
            row["id"],
            PHONE,
            row["token"],
            "",
            "",
            Markup.TEXT,
            attempts=1,
            refusals=0,
            first_attempt_at=START,
        )
        number, landed = rows(store, "SELECT poll_number, landed_number FROM feeds")[0]
        task = PollTask(
            1, "jane", "queue", Kind.QUEUE, QUEUE.address, number + 1, landed, FeedState.OK, first=False
        )
        yield Scene(store, task, held)


def dump(path: Path) -> list[str]:
    """All that is in the file, as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


# ── the one door ──────────────────────────────────────────────────────────────────────────────────


@EVERY_WRITE
def test_every_write_is_one_immediate_transaction(path: Path, write: Callable[[Scene], object]) -> None:
    """Each call begins IMMEDIATE once and commits once; it does all its writing in between."""
    with scene_of(path) as scene:
        asked: list[str] = []
        scene.store._conn.set_trace_callback(asked.append)
        write(scene)
        scene.store._conn.set_trace_callback(None)
    statements = [each for each in asked if not each.startswith("PRAGMA temp_store")]
    opened = [each for each in statements if each.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]
    assert opened == ["BEGIN IMMEDIATE", "COMMIT"]
    begin, commit = statements.index("BEGIN IMMEDIATE"), statements.index("COMMIT")
    writing = [n for n, each in enumerate(statements) if each.startswith(("UPDATE", "INSERT", "DELETE"))]
    assert writing, "it writes something"
    assert begin < min(writing)
    assert max(writing) < commit == len(statements) - 1


@EVERY_WRITE
def test_a_write_on_a_locked_state_gives_up_and_writes_nothing(
    path: Path, write: Callable[[Scene], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program that writes for too long is an error of its own kind; once it is done, all is well."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.02)
    with scene_of(path) as scene, closing(sqlite3.connect(path, isolation_level=None)) as other:
        before = dump(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match="is busy: another program is writing to it"):
            write(scene)
        other.execute("ROLLBACK")
        assert dump(path) == before
        write(scene)
        assert dump(path) != before


@EVERY_WRITE
def test_a_kill_between_any_two_statements_leaves_nothing(
    path: Path, template: Path, write: Callable[[Scene], object]
) -> None:
    """SIGKILL before each statement in turn, the commit too: the state is as if nothing had begun."""
    before = dump(path)
    kills = 0
    while kill_at_statement(path, kills, write):
        assert dump(path) == before
        kills += 1
    assert kills > 1, "it died at least before a write and before the commit"
    assert dump(path) != before, "and did its work once it was left alone"


def kill_at_statement(path: Path, number: int, write: Callable[[Scene], object]) -> bool:
    """Write in another process that dies at its n-th statement within the transaction; did it?"""
    child = os.fork()
    if not child:
        _write_and_die(path, number, write)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _write_and_die(path: Path, number: int, write: Callable[[Scene], object]) -> None:
    statements = 0

    def count(_: str) -> None:
        nonlocal statements
        if scene.store._conn.in_transaction:
            statements += 1
            if statements > number:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        with scene_of(path) as scene:
            scene.store._conn.set_trace_callback(count)
            write(scene)
    except BaseException:  # noqa: BLE001 — a forked test must never run on as another pytest
        os._exit(1)
    os._exit(0)


# ── errors within ─────────────────────────────────────────────────────────────────────────────────


def test_an_error_within_a_transaction_undoes_all_of_it(path: Path) -> None:
    """Whatever is raised passes through, and nothing that was done before it stays."""
    before = dump(path)
    with scene_of(path) as scene:

        def decide(*_: object) -> PollDecision:
            raise RuntimeError("no decision")

        with pytest.raises(RuntimeError, match="no decision"):
            land_one(scene.store, scene.task, reply(listed("x")), decide)
        misled = believing(listed("x"), changes=(added("x"),), deliveries=(Planned(5, PHONE),))
        with pytest.raises(IndexError):
            land_one(scene.store, scene.task, reply(listed("x")), always(misled))
        assert dump(path) == before
        assert WRITES["record_polls"](scene), "and the store goes on"


def test_a_full_disk_is_told_and_the_store_goes_on_once_there_is_room(path: Path) -> None:
    """A commit that fails leaves no transaction open behind it."""
    with scene_of(path) as scene:
        pages = rows(scene.store, "PRAGMA page_count")[0][0]
        scene.store._conn.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full"):
            land(scene.store, listed(*(f"k{number}" for number in range(5000))))
        assert not scene.store._conn.in_transaction
        scene.store._conn.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        land(scene.store, listed(*(f"k{number}" for number in range(5000))))
        assert scene.store.list_feeds()[0].entries == 5000


def test_a_commit_that_fails_leaves_no_transaction_open(path: Path) -> None:
    """What only shows at the commit (a reference to nothing, deferred) is undone like any other fault."""
    with scene_of(path) as scene:

        def refer_to_nothing() -> None:
            with scene.store.transaction() as conn:
                conn.execute("PRAGMA defer_foreign_keys = ON")
                conn.execute("INSERT INTO entries VALUES (99, 'k', 't', NULL, '{}', NULL, NULL, '')")

        with pytest.raises(sqlite3.IntegrityError):
            refer_to_nothing()
        assert not scene.store._conn.in_transaction
        tell(scene.store, NOTICE, PHONE)


def test_a_mistake_of_our_own_is_not_told_as_damage(path: Path) -> None:
    """A broken rule of the schema, or a closed connection, is a bug: no user is told to mend the file."""
    with scene_of(path) as scene:
        with pytest.raises(sqlite3.IntegrityError), scene.store.transaction() as conn:
            conn.execute("INSERT INTO hosts VALUES (NULL, NULL, NULL)")
        scene.store.close()
        with pytest.raises(sqlite3.ProgrammingError):
            scene.store.list_feeds()


# ── two processes ─────────────────────────────────────────────────────────────────────────────────

_TWO = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from states import PHONE, START, claim, take, unchanged
from feedwatch.core.state import Settled, Settlement
from feedwatch.store import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
told = []
while store.query("SELECT 1 FROM deliveries WHERE state IN ('pending', 'bound') AND address = ?", (PHONE,)):
    store.record_unchanged([unchanged(take(store))])
    claimed = claim(store, START, most=1)
    if claimed is not None:
        told.append(claimed.body)
        assert store.settle_message(claimed, Settlement(Settled.DELIVERED), START)
print(" ".join(told))
"""


def test_two_processes_that_write_at_once_do_each_thing_once(tmp_path: Path) -> None:
    """Both take polls, claim and settle as fast as they can: no error, nothing twice, all in order."""
    path = tmp_path / "two.db"
    keys = [f"k{number:02}" for number in range(60)]
    with closing(Store.open(path)) as store:
        watch(store)
        owe(store, *keys)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _TWO, str(path), str(Path(__file__).parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=50) for process in started]
    assert {errors for _, errors in answers} == {""}
    told = [said.split() for said, _ in answers]
    assert all(each == sorted(each) for each in told)
    assert sorted(told[0] + told[1]) == keys
