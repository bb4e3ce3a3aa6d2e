"""Two people at two terminals, who add titles to one queue at once: real processes of the real command."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import Place, Ran, at_sandbox, run
from typed import DIALECTS

_EACH = 4


def add_all(place: Place, config: Path, numbers: list[int]) -> list[Ran]:
    """Add titles, one command after the other."""
    return [
        run("--config", config, "queue", "add", str(number), "--json", folder=config.parent)
        for number in numbers
    ]


@pytest.mark.parametrize("states", [pytest.param("one state", marks=pytest.mark.thorough), "a state each"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_title_is_lost_when_two_add_at_once(tmp_path: Path, dialect: str, states: str) -> None:
    """All titles of both are in the queue, each once, behind what was there; each 412 was resolved."""
    with at_sandbox(tmp_path) as place:
        place.world.speak(dialect=dialect)
        before = [each.title.id for each in place.world.queue]
        films = [each.id for each in place.world.catalog if each.id not in before]
        shares = films[:_EACH], films[_EACH : 2 * _EACH]
        other = place.config
        if states == "a state each":
            other = tmp_path / "other" / "config.yaml"
            other.parent.mkdir()
            other.touch(mode=0o600)
            other.write_text(place.config.read_text())
            # One application has one clock, wherever it runs: or its server refuses what is signed.
            (tmp_path / "feedwatch.db.turns").mkdir()
            (other.parent / "feedwatch.db.turns").symlink_to(tmp_path / "feedwatch.db.turns")
        for config in {place.config, other}:
            assert run("--config", config, "queue", "list", folder=config.parent).status == 0
        with ThreadPoolExecutor(2) as pool:
            begun = [
                pool.submit(add_all, place, config, share)
                for config, share in zip((place.config, other), shares, strict=True)
            ]
            ran = [each for share in begun for each in share.result()]
        assert [(each.status, each.err) for each in ran] == [(0, "")] * 2 * _EACH
        after = [each.title.id for each in place.world.queue]
        assert after[: len(before)] == before
        assert sorted(after[len(before) :]) == sorted([*shares[0], *shares[1]])
        assert place.world.requests["queue_changes"]["201"] == 2 * _EACH
        # Who did not know what the other had done was refused, read the queue, and said what had come.
        refused = place.world.requests["queue_changes"].get("412", 0)
        meanwhile = [json.loads(each.out)["meanwhile"] for each in ran]
        assert states == "one state" or (refused > 0 and any(meanwhile))
