"""What the daemon does once an hour for its state, in the background."""

from __future__ import annotations

from pathlib import Path

from watching import Moment, watching

from feedwatch.store import Store

CONFIG = "accounts: {}\nstate: feedwatch.db\nkeep: 30d\n"


async def test_the_hourly_tidying_forgets_gives_back_and_cuts_the_log(tmp_path: Path) -> None:
    """What is older than `keep` goes, the file shrinks to what is left, and its log is empty."""
    moment = Moment()
    state = tmp_path / "feedwatch.db"
    async with watching(tmp_path, CONFIG, moment) as watch:

        def fill(store: Store) -> None:
            with store.transaction() as conn:
                conn.executemany(
                    "INSERT INTO hosts VALUES (?, '2026-11-01T12:00:00.000000Z', 'rate_limited')",
                    [(f"{number}" * 500,) for number in range(3000)],
                )

        await watch.assembly.store.run(fill)
        await watch.assembly.prune()
        full = state.stat().st_size
        moment.pass_by(days=31)
        await watch.assembly.prune()
        assert state.stat().st_size < full / 2
        assert state.with_name("feedwatch.db-wal").stat().st_size == 0
        assert await watch.query("SELECT * FROM hosts") == []
