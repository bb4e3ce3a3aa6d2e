"""Starts feedwatch processes quickly: one process that has imported everything forks each of them.

What runs is a real process with its own id, environment, signals and streams; only the second that
Python takes to import is saved, a hundred times over. A process can be told to kill itself at a moment
that no signal from outside would hit, so that the program itself needs no hook for that.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import itertools
import json
import os
import random
import resource
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn


def main() -> None:
    """Fork a process for each order and report how each ended, until nobody orders any more."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(orders, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    gc.freeze()  # what is imported is garbage to none of them
    orders.send(b'{"ready": true}')
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                os.read(woken, 4096)
            elif not _take_order(orders):
                return
        _report_ended(orders)


_LOADED_LATE = (
    *("access", "checking", "commands", "completing", "daemon", "demo", "explaining", "looking", "tending"),
    *("cataloguing.commands", "detailing.catalog", "detailing.films", "scribe.compiling", "scribe.work"),
    *("services.feeds", "services.netflix", "services.netflix_api", "services.opml", "signing_in.flow"),
)


def _import_everything() -> None:
    for name in _LOADED_LATE:
        importlib.import_module(f"feedwatch.{name}")
    from feedwatch.netflix.signing import Consumer, sign_request  # noqa: PLC0415
    from feedwatch.notify import Notifier  # noqa: PLC0415

    sign_request(Consumer("key", "secret"), None, method="GET", url="http://127.0.0.1/", timestamp=0)
    for address in ("json://127.0.0.1/", "mailto://someone:sesame@example.org"):
        assert Notifier().check_address(address) is None


def _take_order(orders: socket.socket) -> bool:
    text, handles, _, _ = socket.recv_fds(orders, 2**18, 3)
    if not text:
        return False
    order = json.loads(text)
    if "imports" in order:
        return _import_late(orders, Path(order["imports"]))
    pid = os.fork()
    if pid == 0:
        orders.close()
        _become(order, *handles)
    for handle in handles:
        os.close(handle)
    orders.send(json.dumps({"order": order["id"], "pid": pid}).encode())
    return True


def _import_late(orders: socket.socket, names: Path) -> bool:
    """Import what an earlier process imported on its way.

    Whoever becomes another user may not be able to read the folders that this Python lives in.
    """
    for name in names.read_text().split():
        with suppress(Exception):
            importlib.import_module(name)
    orders.send(b'{"imported": true}')
    return True


def _report_ended(orders: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        orders.send(json.dumps({"ended": pid, "status": os.waitstatus_to_exitcode(status)}).encode())


def _become(order: dict[str, Any], out: int, err: int, given: int | None = None) -> NoReturn:
    """Be the program that was asked for; `given` is what is typed."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY) if given is None else given, 0)
    if given is not None:  # or it would be there to be read beside what is typed
        os.close(given)
    if "folder" in order:
        os.chdir(order["folder"])
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.clear()
    os.environ.update(order["environ"])
    random.seed()
    for name, value in order["moments"].items():
        _MOMENTS[name](value)
    from feedwatch.cli import main as feedwatch  # noqa: PLC0415

    sys.argv = ["feedwatch", *order["args"]]
    status: object = 0
    try:
        feedwatch()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 — the end of a process: Python would print it, too
        traceback.print_exc()
        status = 1
    _end(int(str(status or 0)))


def _end(status: int) -> NoReturn:
    """End as Python does, but for freeing every object first: that takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


# ── moments ───────────────────────────────────────────────────────────────────────────────────────


def _kill_before_commit(number: int) -> None:
    _kill_at_commit(number, after=False)


def _kill_after_commit(number: int) -> None:
    _kill_at_commit(number, after=True)


def _kill_at_commit(number: int, *, after: bool) -> None:
    """Die by SIGKILL right before, or right after, the n-th transaction that is committed."""
    from feedwatch.store.connection import Connection  # noqa: PLC0415

    plain = Connection.transaction
    seen = 0

    @contextmanager
    def transaction(self: Connection) -> Iterator[Any]:
        nonlocal seen
        with plain(self) as conn:
            yield conn
            seen += 1
            if seen == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    Connection.transaction = transaction  # type: ignore[method-assign]


def _kill_at_statement(number: int) -> None:
    """Die by SIGKILL right before the n-th statement that SQLite is given."""
    _trace_statements(lambda seen: os.kill(os.getpid(), signal.SIGKILL) if seen == number else None)


def _count_statements(_: bool) -> None:  # noqa: FBT001 — what a moment is told
    """Say at the end how many statements SQLite was given."""
    seen: list[int] = [0]
    _trace_statements(lambda number: seen.__setitem__(0, number))
    atexit.register(lambda: sys.stderr.write(f"statements={seen[0]}\n"))


def _trace_statements(tell: Callable[[int], object]) -> None:
    from feedwatch.store.connection import Connection  # noqa: PLC0415

    plain = Connection.__init__
    numbers = itertools.count(1)

    def init(self: Connection, path: Path, conn: Any) -> None:
        plain(self, path, conn)
        conn.set_trace_callback(lambda _statement: tell(next(numbers)))

    Connection.__init__ = init  # type: ignore[method-assign]


def _settle_first(_: bool) -> None:  # noqa: FBT001
    """A planted defect: write down that a message is delivered, and send it then."""
    from feedwatch.core.messages import Delivered  # noqa: PLC0415
    from feedwatch.deliver import Deliverer  # noqa: PLC0415
    from feedwatch.notify import Notifier  # noqa: PLC0415

    plain_send, plain = Notifier.send, Deliverer.deliver_one
    waiting: list[Any] = []

    async def send(self: Notifier, *args: Any, **options: Any) -> Delivered:
        waiting.append(lambda: plain_send(self, *args, **options))
        return Delivered()

    async def deliver_one(self: Deliverer, address: str) -> Any:
        report = await plain(self, address)
        while waiting:
            await waiting.pop(0)()
        return report

    Notifier.send = send  # type: ignore[method-assign]
    Deliverer.deliver_one = deliver_one  # type: ignore[method-assign]


def _split_commits(_: bool) -> None:  # noqa: FBT001
    """A planted defect: commit changes, and what is owed of them in another transaction."""
    from feedwatch.store import landing, owing  # noqa: PLC0415

    def owe_change(conn: Any, *args: Any) -> None:
        conn.execute("COMMIT")
        conn.execute("BEGIN IMMEDIATE")
        owing.owe_change(conn, *args)

    setattr(landing, "owe_change", owe_change)  # noqa: B010 — not its type


def _have_few_descriptors(most: int) -> None:
    """Have so few of them that files or connections cannot be opened."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _count_commits(_: bool) -> None:  # noqa: FBT001 — what a moment is told
    """Say at the end how many transactions were committed."""
    from feedwatch.store.connection import Connection  # noqa: PLC0415

    plain = Connection.transaction
    seen = 0

    @contextmanager
    def transaction(self: Connection) -> Iterator[Any]:
        nonlocal seen
        with plain(self) as conn:
            yield conn
        seen += 1

    Connection.transaction = transaction  # type: ignore[method-assign]
    atexit.register(lambda: sys.stderr.write(f"commits={seen}\n"))


def _kill_after(seconds: float) -> None:
    """Die by SIGKILL at a moment of the clock."""

    def die() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=die, daemon=True).start()


def _redact_nothing(_: bool) -> None:  # noqa: FBT001
    """Let every secret through, to prove that a search for them can find them."""
    from feedwatch import redact  # noqa: PLC0415
    from feedwatch.netflix import status  # noqa: PLC0415

    setattr(redact.Redactor, "redact", lambda _self, text: text)  # noqa: B010 — not its type
    status.redact_message = lambda message: message


def _stumble(text: str) -> None:
    """Raise an error with this text where nobody expects one.

    In the middle of a poll, or of looking: there, in a thread and at the end of an object as well.
    """
    from feedwatch.poll.reading import ListReader  # noqa: PLC0415
    from feedwatch.store import Store  # noqa: PLC0415

    async def read_list(_self: ListReader, _task: object) -> NoReturn:
        raise RuntimeError(text)

    def fail() -> NoReturn:
        raise RuntimeError(text)

    class FailsAtItsEnd:
        def __del__(self) -> None:
            fail()

    def list_changes(_self: Store, **_: object) -> NoReturn:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        FailsAtItsEnd()
        fail()

    ListReader.read_list = read_list  # type: ignore[assignment, method-assign]
    Store.list_changes = list_changes  # type: ignore[assignment, method-assign]


def _tell_modules(path: str) -> None:
    """Write down at the end what has been imported."""
    atexit.register(lambda: Path(path).write_text("\n".join(sorted(sys.modules))))


def _be_user(ids: dict[str, Any]) -> None:
    """Be another user, as systemd makes one of a unit's User=, Group= and UMask=."""
    os.umask(ids["umask"])
    os.setgroups(ids["groups"])
    os.setgid(ids["gid"])
    os.setuid(ids["uid"])


_MOMENTS: dict[str, Callable[[Any], object]] = {
    "be_user": _be_user,
    "tell_modules": _tell_modules,
    "kill_before_commit": _kill_before_commit,
    "kill_after_commit": _kill_after_commit,
    "kill_at_statement": _kill_at_statement,
    "count_commits": _count_commits,
    "count_statements": _count_statements,
    "settle_first": _settle_first,
    "split_commits": _split_commits,
    "few_descriptors": _have_few_descriptors,
    "kill_after": _kill_after,
    "redact_nothing": _redact_nothing,
    "stumble": _stumble,
}


if __name__ == "__main__":
    main()
