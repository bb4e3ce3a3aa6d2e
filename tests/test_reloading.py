"""A configuration is taken over in one go, and the state follows: at once, or once it can be written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from watching import EVERYTHING, START, TARGETS, Watch, watching, write_config

from feedwatch.errors import StoreError
from feedwatch.store import Store
from feedwatch.store.codec import stamp


def config(every: str, *accounts: str) -> str:
    """A configuration with an account for each of these names, and a feed that nobody answers for."""
    named = "".join(
        f"  {name}: {{service: feeds, feeds: {{it: 'http://127.0.0.1:1/{name}'}}}}\n" for name in accounts
    )
    return f"poll: {{every: {every}}}\naccounts:\n{named}targets:\n{TARGETS}{EVERYTHING}"


async def wait_of(watch: Watch) -> timedelta:
    """How long the feed that there is waits for its next poll."""
    found = (await watch.statuses())[0].next_poll_at
    assert found is not None
    return found - START


async def begin(watch: Watch) -> None:
    """Find the feed, and have it wait for an hour, as if it had just been polled."""
    await watch.discover()
    await watch.assembly.store.run(_have_polled)


def _have_polled(store: Store) -> None:
    with store.transaction() as conn:
        conn.execute(
            "UPDATE feeds SET state = 'ok', last_polled_at = ?, next_poll_at = ?",
            (stamp(START), stamp(START + timedelta(hours=1))),
        )


@pytest.mark.parametrize("fails", ["sync_accounts", "hasten_polls"])
async def test_state_follows_later_where_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """New accounts and a shorter interval are in the state once it can be written, and not before."""
    async with watching(tmp_path, config("1h", "news")) as watch:
        await begin(watch)
        watch.assembly.apply(write_config(tmp_path, config("15m", "news", "films")))
        with monkeypatch.context() as full:
            full.setattr(Store, fails, _fill_disk)
            with pytest.raises(StoreError):
                await watch.assembly.tell_store()
        assert await wait_of(watch) == timedelta(hours=1)
        await watch.assembly.tell_store()
        assert await wait_of(watch) == timedelta(minutes=15)
        assert await watch.assembly.due_accounts() == ("films",)


async def test_interval_that_was_longer_for_a_moment_is_not_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polls were planned by it, though the state never heard of it otherwise."""
    async with watching(tmp_path, config("15m", "news")) as watch:
        await begin(watch)
        watch.assembly.apply(write_config(tmp_path, config("1h", "news")))
        await watch.reload(write_config(tmp_path, config("15m", "news")))
        assert await wait_of(watch) == timedelta(minutes=15)


def _fill_disk(*_: object, **__: object) -> None:
    raise StoreError("the disk is full")
