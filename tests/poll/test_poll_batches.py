"""What is written together: nothing is lost, nothing is written twice, and nobody waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from feedwatch.poll.batches import Batches

SOON = timedelta(milliseconds=1)
NEVER = timedelta(hours=1)


class Book:
    """Where is written: each batch on a page, once it is let go on."""

    def __init__(self) -> None:
        self.pages: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def write(self, items: Sequence[str]) -> Sequence[str]:
        """Write a page, and give each item in capitals."""
        await self.go_on.wait()
        if "bad" in items:
            raise OSError("the disk is full")
        self.pages.append(list(items))
        return [item.upper() for item in items]


async def test_what_comes_together_is_written_together() -> None:
    """Three that come in one moment are one page, in their order, and each hears what became of it."""
    book = Book()
    batches = Batches(book.write, wait=SOON, most=9)
    assert await asyncio.gather(*map(batches.add, "abc")) == ["A", "B", "C"]
    assert book.pages == [["a", "b", "c"]]


async def test_full_batch_waits_for_nobody() -> None:
    """As many as may be written together are, at once; the next ones begin a page of their own."""
    book = Book()
    batches = Batches(book.write, wait=NEVER, most=2)
    assert await asyncio.gather(*map(batches.add, "abcd")) == ["A", "B", "C", "D"]
    assert book.pages == [["a", "b"], ["c", "d"]]


async def test_what_weighs_much_fills_a_batch_alone() -> None:
    """A long list is written with fewer others: all of a batch waits in memory, and holds the state."""
    book = Book()
    batches = Batches(book.write, wait=NEVER, most=4, weigh=len)
    assert await asyncio.gather(*map(batches.add, ["a", "long", "a", "b", "cd"])) == [
        "A",
        "LONG",
        "A",
        "B",
        "CD",
    ]
    assert book.pages == [["a", "long"], ["a", "b", "cd"]]


async def test_what_cannot_be_written_is_told_to_each_that_waits() -> None:
    """A batch that fails fails for all in it, and for nobody else."""
    book = Book()
    batches = Batches(book.write, wait=SOON, most=2)
    results = await asyncio.gather(*map(batches.add, ["a", "bad", "c", "d"]), return_exceptions=True)
    assert [str(each) for each in results] == ["the disk is full", "the disk is full", "C", "D"]


async def test_who_does_not_wait_any_more_is_written_all_the_same() -> None:
    """One that is cancelled neither takes its item back nor keeps the others from hearing of theirs."""
    book = Book()
    book.go_on.clear()
    batches = Batches(book.write, wait=SOON, most=9)
    first, second = (asyncio.ensure_future(batches.add(item)) for item in "ab")
    await asyncio.sleep(0)
    first.cancel()
    book.go_on.set()
    assert await second == "B"
    assert book.pages == [["a", "b"]]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_flush_writes_what_waits_and_ends_when_it_is_written() -> None:
    """At an orderly stop nothing that has come is left behind."""
    book = Book()
    batches = Batches(book.write, wait=NEVER, most=9)
    waiting = asyncio.ensure_future(batches.add("a"))
    await asyncio.sleep(0)
    await batches.flush()
    assert book.pages == [["a"]]
    assert await waiting == "A"
    await batches.flush()
    assert book.pages == [["a"]]
