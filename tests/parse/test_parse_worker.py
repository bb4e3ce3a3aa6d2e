"""The process in which feedparser works: started late, used again, stopped when it must be, replaced."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feedwatch.core.model import Kind, Page, ParseFailed, Reason
from feedwatch.parse import Parser
from feedwatch.parse.foreign import FeedparserWorker
from feedwatch.parse.worker import MEMORY

RSS = b'<rss version="2.0"><channel><title>t</title>%s</channel></rss>'
ITEM = b"<item><title>%b</title><link>http://h.example/%b</link></item>"
ONE = RSS % (ITEM % (b"One", b"1"))
RDF = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    b"<channel><title>t</title></channel><item><title>One</title></item></rdf:RDF>"
)
"""What is always feedparser's to read."""
LONG = RSS % b"".join(ITEM % (b"%d" % n, b"%d" % n) for n in range(20_000))
"""Takes feedparser seconds."""
FAT = RSS % (b"<item><title>a</title><description>" + b"x" * 9_000_000 + b"</description></item>")
ODD = RSS % (ITEM % (b"a & &#xD800;", b"1"))
"""What feedparser raises an error on."""


@pytest.fixture
async def worker() -> AsyncIterator[FeedparserWorker]:
    async with aclosing(FeedparserWorker()) as worker:
        yield worker


async def read(worker: FeedparserWorker, body: bytes) -> Page | ParseFailed:
    return await worker.read(body, "http://h.example/", None)


def process_of(worker: FeedparserWorker) -> int:
    """The worker's process, which must be running."""
    assert worker._process is not None
    assert worker._process.returncode is None
    return worker._process.pid


def is_gone(pid: int) -> bool:
    """Whether a process is no more, not even as a zombie."""
    return not Path(f"/proc/{pid}").exists()


async def wait_for_end(pid: int) -> None:
    """Wait until a process, of whomever, has ended."""
    ended, handle = asyncio.Event(), os.pidfd_open(pid)
    asyncio.get_running_loop().add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)


def memory_in_use(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def titles(read: Page | ParseFailed) -> list[str]:
    assert isinstance(read, Page), read
    return [entry.title for entry in read.entries]


async def test_worker_starts_when_first_needed_and_is_used_again() -> None:
    """Feeds that need no feedparser cost no process; those that do share one; closing ends it."""
    url = "http://h.example/"
    async with aclosing(Parser()) as parser:
        for body in (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', ONE):
            await parser.read_page(body, kind=Kind.STREAM, url=url, content_type=None)
        assert parser._worker._process is None
        await parser.read_page(RDF, kind=Kind.STREAM, url=url, content_type=None)
        pid = process_of(parser._worker)
        await parser.read_page(RDF, kind=Kind.STREAM, url=url, content_type=None)
        assert process_of(parser._worker) == pid
    assert is_gone(pid)


async def test_reading_that_takes_too_long_is_stopped() -> None:
    """At the deadline the process is killed, nothing of it is left, and the next document is read."""
    async with aclosing(FeedparserWorker(timedelta(seconds=5))) as worker:
        await read(worker, ONE)
        pid = process_of(worker)
        worker._deadline = 0.2
        failure = await read(worker, LONG)
        assert isinstance(failure, ParseFailed)
        assert failure.reason is Reason.PARSER_KILLED
        assert is_gone(pid)
        worker._deadline = 5
        assert titles(await read(worker, ONE)) == ["One"]


async def test_reading_that_takes_too_much_memory_is_stopped(worker: FeedparserWorker) -> None:
    """The worker cannot take more memory than it is given, and ends where it would."""
    await read(worker, ONE)
    pid = process_of(worker)
    assert resource.prlimit(pid, resource.RLIMIT_AS) == (MEMORY, MEMORY)
    little = memory_in_use(pid) + (8 << 20)
    resource.prlimit(pid, resource.RLIMIT_AS, (little, little))
    again = await read(worker, FAT)
    assert is_gone(pid)
    assert len(titles(again)) == 1  # by a process that was given all it needs


async def test_reading_that_keeps_the_processor_busy_is_stopped(worker: FeedparserWorker) -> None:
    """Long before the deadline, and in the middle of a regular expression, which listens to nobody."""
    await read(worker, ONE)
    pid = process_of(worker)
    author = b"<author>" + b"a" * 40_000 + b"<b/>" + b"a." * 30_000 + b"</author>"
    broken = RSS % (b"<item><title>a & b</title>" + author + b"</item>")
    failure = await worker.read(broken, "http://h.example/", None, broken=True)
    assert failure == ParseFailed(Reason.PARSER_KILLED, "took too much time or memory")
    assert is_gone(pid)
    assert titles(await read(worker, ONE)) == ["One"]


async def test_allowance_of_one_document_is_not_the_next_ones(worker: FeedparserWorker) -> None:
    """Memory is allowed by the document, and all of it again afterwards."""
    for body in (ONE, FAT, ONE):
        assert len(titles(await read(worker, body))) == 1
        assert resource.prlimit(process_of(worker), resource.RLIMIT_AS) == (MEMORY, MEMORY)


async def test_document_that_ends_a_fresh_worker_fails() -> None:
    """A document is tried again only where the worker might have been gone before."""
    async with aclosing(FeedparserWorker(timedelta(seconds=20))) as worker:
        reading = asyncio.create_task(read(worker, LONG))
        while worker._process is None:  # noqa: ASYNC110 — nothing tells that it has been started
            await asyncio.sleep(0)
        pid = process_of(worker)
        os.kill(pid, signal.SIGKILL)
        failure = await reading
        assert isinstance(failure, ParseFailed)
        assert failure.reason is Reason.PARSER_KILLED
        assert is_gone(pid)


async def test_worker_that_was_ended_while_idle_blames_no_document(worker: FeedparserWorker) -> None:
    """A worker that the system ended between two documents is replaced without a word."""
    await read(worker, ONE)
    os.kill(pid := process_of(worker), signal.SIGKILL)
    assert titles(await read(worker, ONE)) == ["One"]
    assert process_of(worker) != pid
    assert is_gone(pid)


async def test_reading_that_was_called_off_does_not_answer_the_next(worker: FeedparserWorker) -> None:
    """Half an answer is never taken for that of the document after it."""
    await read(worker, ONE)
    pid = process_of(worker)
    reading = asyncio.create_task(read(worker, LONG))
    await asyncio.sleep(0)  # it has begun
    other = asyncio.create_task(read(worker, ONE))
    await asyncio.sleep(0)  # and another waits
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert titles(await other) == ["One"]
    assert is_gone(pid)


async def test_error_in_feedparser_fails_that_document_alone(
    worker: FeedparserWorker, capfd: pytest.CaptureFixture[str]
) -> None:
    """What feedparser trips over is malformed; the process lives on, and the log stays clean."""
    await read(worker, ONE)
    pid = process_of(worker)
    failure = await read(worker, ODD)
    assert failure == ParseFailed(Reason.MALFORMED, "the parser gave up (UnicodeEncodeError)")
    assert titles(await read(worker, ONE)) == ["One"]
    assert process_of(worker) == pid
    assert capfd.readouterr() == ("", "")


async def test_signals_to_all_processes_leave_the_worker_to_the_daemon(worker: FeedparserWorker) -> None:
    """Ctrl-C and an orderly stop reach every process: a reading that is under way is finished first."""
    await read(worker, ONE)
    pid = process_of(worker)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert titles(await read(worker, ONE)) == ["One"]
    assert process_of(worker) == pid


async def test_worker_ends_with_its_daemon() -> None:
    """A daemon that is killed leaves no worker behind."""
    script = (
        "import asyncio\n"
        "from feedwatch.parse.foreign import FeedparserWorker\n"
        "async def main():\n"
        "    worker = FeedparserWorker()\n"
        f"    await worker.read({ONE!r}, '', None)\n"
        "    print(worker._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout is not None
    pid = int(await daemon.stdout.readline())
    ended = asyncio.create_task(wait_for_end(pid))
    await asyncio.sleep(0)
    daemon.kill()
    await daemon.wait()
    await ended


async def test_worker_sees_no_secret_and_no_foreign_module(
    worker: FeedparserWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who reads hostile documents is given neither our environment nor what lies in our folder."""
    monkeypatch.setenv("FEEDWATCH_TEST_SECRET", "s3cret-of-mine")
    (tmp_path / "feedparser.py").write_text("raise SystemExit('not the one')")
    monkeypatch.chdir(tmp_path)
    assert titles(await read(worker, ONE)) == ["One"]
    assert b"s3cret" not in environment_of(process_of(worker))


MANY_TURNS = 100
"""Of the loop: more than it has where a document is read in it, and what it has in a moment beside one."""


async def count_turns(work: asyncio.Future[Any]) -> int:
    """How often the loop came round to everything else while something was done."""
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_long_documents_do_not_stall_the_loop(worker: FeedparserWorker) -> None:
    """While two lists of 500 are read, the loop goes on with everything else."""
    body = RSS % b"".join(ITEM % (b"%d" % n, b"%d" % n) for n in range(500))
    await read(worker, ONE)
    reading = asyncio.gather(read(worker, body), read(worker, body))
    assert await count_turns(reading) > MANY_TURNS
    assert [len(titles(each)) for each in await reading] == [500, 500]


async def test_large_documents_of_our_own_do_not_stall_the_loop() -> None:
    """A long list in Atom is read beside the loop too."""
    entry = b"<entry><id>u/%d</id><title>T</title>" + b"<category/>" * 40 + b"</entry>"
    body = b'<feed xmlns="http://www.w3.org/2005/Atom">%s</feed>' % b"".join(entry % n for n in range(5000))
    async with aclosing(Parser()) as parser:
        reading = asyncio.create_task(
            parser.read_page(body, kind=Kind.QUEUE, url="http://h.example/", content_type=None)
        )
        assert await count_turns(reading) > MANY_TURNS
        assert len(titles(await reading)) == 5000
